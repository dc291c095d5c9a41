//! Taking secrets out of text that people or logs may see. Pure.

/// Words that, before a `=`, announce a secret in a camera's path or query.
const SECRET_KEYS: [&str; 9] = [
    "password", "passwd", "passwort", "pwd", "pass", "token", "secret", "auth", "key",
];

/// White space ends a URL, but quotes do not: they may stand in a password.
const QUOTES: [char; 4] = ['\'', '"', '<', '>'];

/// An address's path and query as people may see them: the values of
/// secret-looking keys are `***`, and so is what stands before an `@`. That may
/// be the rest of a password which was typed with a `/` in it.
pub(crate) fn redact_path(path: &str) -> String {
    match path.rfind('@') {
        Some(at) => format!("/***{}", redact_pairs(&path[at..])),
        None => redact_pairs(path),
    }
}

/// A text with the values of secret-looking keys replaced by `***`.
///
/// Covers `?user=a&password=b` and the `/user=a_password=b_channel=1` of many
/// recorders, where `_` separates and may also stand inside a value.
fn redact_pairs(text: &str) -> String {
    let query = text.find('?').unwrap_or(text.len());
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(eq) = rest.find('=') {
        let in_query = text.len() - rest.len() + eq > query;
        let (before, after) = rest.split_at(eq + 1);
        out.push_str(before);
        rest = after;
        if is_secret_key(&before[..eq]) {
            let end = if in_query {
                after.find('&').unwrap_or(after.len())
            } else {
                value_end(after)
            };
            if end > 0 {
                out.push_str("***");
            }
            rest = &after[end..];
        }
    }
    out.push_str(rest);
    out
}

fn is_secret_key(before: &str) -> bool {
    let key = before
        .rsplit(['/', '?', '&', ';', '_', '-', '.'])
        .next()
        .unwrap_or_default();
    let key = key.to_ascii_lowercase();
    SECRET_KEYS.iter().any(|secret| key.ends_with(secret))
}

/// In a path, the value ends at `&`, `;` or `/`, or at a `_word=` that starts the next pair.
fn value_end(value: &str) -> usize {
    let hard = value.find(['&', ';', '/']).unwrap_or(value.len());
    let inside = &value[..hard];
    inside
        .match_indices('_')
        .map(|(at, _)| at)
        .find(|&at| {
            inside[at + 1..].split_once('=').is_some_and(|(word, _)| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic())
            })
        })
        .unwrap_or(hard)
}

/// A log line with every RTSP URL's user information, every `Authorization`
/// value and every secret-looking pair taken out.
pub(crate) fn redact_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let Some(at) = lower.find("authorization") else {
        return redact_urls(line);
    };
    // The word may stand in a password: a URL that it cuts ends before its user.
    let cut = line[..at].rsplit(char::is_whitespace).next();
    let cut = cut.and_then(|word| Some(word.len() - word.find("://")? - 3));
    redact_urls(&line[..at - cut.unwrap_or(0)]) + "authorization ***"
}

fn redact_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(&redact_pairs(before));
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (word, tail) = after.split_at(end);
        let host = word.rfind('@').map_or(0, |at| at + 1);
        let url = word[host..].trim_end_matches(QUOTES);
        out.push_str(&redact_pairs(url));
        out.push_str(&word[host + url.len()..]);
        rest = tail;
    }
    out.push_str(&redact_pairs(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_values_are_masked_and_the_rest_stays() {
        for (path, shown) in [
            (
                "/live?user=a&password=b&x=1",
                "/live?user=a&password=***&x=1",
            ),
            (
                "/user=admin_password=tl_J_channel=1_stream=0.sdp",
                "/user=admin_password=***_channel=1_stream=0.sdp",
            ),
            ("/a?token=", "/a?token="),
            ("/a?x=1", "/a?x=1"),
            ("/stream1", "/stream1"),
            ("/live?pwd=a/b;c_d=e&x=1", "/live?pwd=***&x=1"),
            (
                "/rest-of-a-password@192.168.1.20/live",
                "/***@192.168.1.20/live",
            ),
            ("?x=/y@z?pwd=a", "/***@z?pwd=***"),
        ] {
            assert_eq!(redact_path(path), shown);
        }
    }

    #[test]
    fn log_lines_lose_user_information_and_headers() {
        assert_eq!(
            redact_line("Opening 'rtsp://u:p@ss@h:1/x?pwd=z' for reading"),
            "Opening 'rtsp://h:1/x?pwd=***' for reading"
        );
        assert!(!redact_line("Sending: Authorization: Basic Y2FuYXJ5").contains("Y2F"));
        assert_eq!(
            redact_line("RTP: missed 3 packets"),
            "RTP: missed 3 packets"
        );
    }

    #[test]
    fn quotes_in_a_password_do_not_end_its_url() {
        assert_eq!(
            redact_line("Opening 'rtsp://u:p'a\"s<s>@h:1/x?pwd=y'z' for reading"),
            "Opening 'rtsp://h:1/x?pwd=***' for reading"
        );
    }

    #[test]
    fn what_stands_before_a_url_or_a_header_is_searched_too() {
        for line in [
            "DESCRIBE rtsp://u:canary@h/x RTSP/1.0\r\nAuthorization: Basic eA==",
            "/live?password=canary from rtsp://h/x",
            "rtsp://u:canary-authorization@h/x",
        ] {
            assert!(!redact_line(line).contains("canary"), "{line}");
        }
    }
}
