//! Which of two media types a client would rather have, by its `Accept` header
//! (RFC 9110, 12.5.1). Nothing here refuses: a client that wants neither gets
//! the default.

use poem::http::{HeaderMap, header::ACCEPT};

/// How much a client wants a type: its weight in thousandths, then how exactly
/// the type was named (2 type, 1 `text/*`, 0 `*/*`).
type Rank = (u16, u8);

/// Whether JSON is ranked above HTML. A type that is named beats the same weight
/// given by a wildcard, as in `application/json, */*`.
pub(crate) fn prefers_json(headers: &HeaderMap) -> bool {
    let (json, html) = ranks(headers);
    json > html
}

/// Whether HTML is named and ranked above JSON, as browsers do.
pub(crate) fn asks_for_html(headers: &HeaderMap) -> bool {
    let (json, html) = ranks(headers);
    html > json
}

fn ranks(headers: &HeaderMap) -> (Rank, Rank) {
    let given: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .collect();
    if given.is_empty() {
        return ((1000, 0), (1000, 0));
    }
    let ranges: Vec<(String, u16)> = given
        .iter()
        .flat_map(|v| v.split(','))
        .filter_map(parse_range)
        .collect();
    (
        rank(&ranges, "application", "application/json"),
        rank(&ranges, "text", "text/html"),
    )
}

/// The weight of the most exact range that covers the type; (0, 0) where none does.
fn rank(ranges: &[(String, u16)], family: &str, essence: &str) -> Rank {
    let exactness = |range: &str| match range {
        "*/*" => Some(0),
        r if r == essence => Some(2),
        r if r.strip_suffix("/*") == Some(family) => Some(1),
        _ => None,
    };
    let most_exact = ranges
        .iter()
        .filter_map(|(range, weight)| exactness(range).map(|e| (e, *weight)))
        .max();
    match most_exact {
        Some((exactness, weight)) if weight > 0 => (weight, exactness),
        _ => (0, 0),
    }
}

/// One element of the list: its type without parameters, and its weight.
fn parse_range(element: &str) -> Option<(String, u16)> {
    let mut parts = element.split(';').map(str::trim);
    let essence = parts.next().filter(|e| !e.is_empty())?.to_ascii_lowercase();
    let weight = parts
        .filter_map(|p| p.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1000, |(_, q)| thousandths(q.trim()));
    Some((essence, weight))
}

/// `0.5` as 500. What is not a weight counts as 0: the range is not wanted.
fn thousandths(q: &str) -> u16 {
    let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    let fraction = format!("{fraction:0<3}").parse().unwrap_or(0);
    match whole {
        "1" => 1000,
        "0" => fraction,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())])
    }

    #[test]
    fn json_only_where_it_ranks_above_html() {
        for (accept, json) in [
            ("application/json", true),
            ("APPLICATION/JSON; charset=utf-8", true),
            ("application/*", true),
            ("application/json, text/html;q=0.9", true),
            ("application/json, text/plain, */*", true),
            ("text/html;q=0, application/json;q=0.1", true),
            ("*/*", false),
            ("", false),
            ("text/html, application/json", false),
            ("text/html;q=0.5, application/json;q=0.5", false),
            ("application/json;q=0, */*", false),
            ("application/json;q=0", false),
            ("application/json;q=2", false),
            ("image/png", false),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                false,
            ),
        ] {
            assert_eq!(prefers_json(&headers(accept)), json, "{accept:?}");
        }
        assert!(!prefers_json(&HeaderMap::new()));
    }

    #[test]
    fn a_browser_asks_for_html_and_curl_does_not() {
        assert!(asks_for_html(&headers(
            "text/html,application/xml;q=0.9,*/*;q=0.8"
        )));
        assert!(!asks_for_html(&headers("*/*")));
        assert!(!asks_for_html(&HeaderMap::new()));
    }
}
