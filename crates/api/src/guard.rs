//! Who may ask for what: host names against DNS rebinding, foreign pages,
//! prefetches, and the API key. Pure decisions over a request's head.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use poem::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use subtle::ConstantTimeEq;

use crate::problem::Problem;

/// The rules of one service.
pub(crate) struct Guard {
    /// Names under which the service may be called; `None` for any.
    hosts: Option<Vec<String>>,
    key: Option<ApiKey>,
}

/// The secret that clients show. Never printed.
pub(crate) struct ApiKey(Vec<u8>);

impl ApiKey {
    /// Takes the first line of a key file.
    ///
    /// # Errors
    /// A sentence where that is no usable key.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let key = text.lines().next().unwrap_or_default().trim();
        if key.len() < 16 {
            return Err("the first line must hold a key of at least 16 characters");
        }
        if !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a key is made of visible ASCII characters without spaces");
        }
        Ok(Self(key.as_bytes().to_owned()))
    }

    /// Whether a request shows the key, as a bearer token, as `X-API-Key`, or as
    /// the password of HTTP Basic (so that a browser can ask for it).
    fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        let direct = headers.get("x-api-key").map(HeaderValue::as_bytes);
        let authorization = headers
            .get(header::AUTHORIZATION)
            .map(HeaderValue::as_bytes);
        let bearer = authorization.and_then(|v| strip_scheme(v, b"bearer "));
        let basic = authorization
            .and_then(|v| strip_scheme(v, b"basic "))
            .and_then(|v| STANDARD.decode(v.trim_ascii()).ok());
        let password = basic.as_deref().and_then(|user_and_password| {
            let colon = user_and_password.iter().position(|b| *b == b':')?;
            user_and_password.get(colon + 1..)
        });
        [direct, bearer, password]
            .into_iter()
            .flatten()
            .any(|shown| self.0.ct_eq(shown).into())
    }
}

fn strip_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = value.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// What a request would do, as far as the guard cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only reads.
    Reads,
    /// It starts, stops or removes something.
    Changes,
}

impl Guard {
    /// `hosts`: names under which the service may be called beside loopback
    /// addresses and `localhost`; `None` allows any name.
    pub(crate) fn new(hosts: Option<Vec<String>>, key: Option<ApiKey>) -> Self {
        Self { hosts, key }
    }

    /// Judges a request. `open` is for what anyone may see without the key.
    ///
    /// # Errors
    /// The problem to answer with.
    pub(crate) fn admit(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        effect: Effect,
        open: bool,
    ) -> Result<(), Problem> {
        self.check_host(uri, headers)?;
        if !open
            && self
                .key
                .as_ref()
                .is_some_and(|key| !key.is_shown_by(headers))
        {
            return Err(unauthorized());
        }
        if effect == Effect::Changes {
            check_origin(headers)?;
        }
        Ok(())
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(names) = &self.hosts else {
            return Ok(());
        };
        let asked = headers
            .get_all(header::HOST)
            .iter()
            .map(|v| v.to_str().unwrap_or_default());
        let asked = asked.chain(uri.authority().map(poem::http::uri::Authority::as_str));
        for host in asked.map(host_name) {
            let known = is_loopback(&host) || names.iter().any(|n| n.eq_ignore_ascii_case(&host));
            if !known {
                return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST).detail(
                    "This service does not answer to that host name. Call it as localhost or \
                     127.0.0.1, or allow the name with --host.",
                ));
            }
        }
        Ok(())
    }
}

/// The name in `name:port` or `[address]:port`, without a final dot.
fn host_name(host: &str) -> String {
    let name = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Refuses what another site's page or a prefetching browser sends.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let forbidden = |detail: &str| Problem::new(StatusCode::FORBIDDEN).detail(detail);
    let purposes = ["sec-purpose", "purpose", "x-moz"];
    let speculative = |v: &str| {
        let v = v.to_ascii_lowercase();
        v.contains("prefetch") || v.contains("prerender") || v.contains("preview")
    };
    if purposes.into_iter().filter_map(text).any(speculative) {
        return Err(forbidden("A prefetch changes nothing."));
    }
    let foreign = || forbidden("A page of another site cannot change anything here.");
    let site = text("sec-fetch-site").map(str::to_ascii_lowercase);
    match site.as_deref() {
        Some("same-origin" | "none") => return Ok(()),
        Some("cross-site") => return Err(foreign()),
        // Another port of this host; or a browser that leaves the header out,
        // as all do on plain HTTP to other machines.
        _ => {}
    }
    let origin = text("origin").or_else(|| text("referer"));
    let allowed = match (origin, text("host")) {
        (Some(origin), Some(host)) => authority(origin) == Some(host),
        (Some(_), None) => true,
        // A page can keep its own name back (`referrerpolicy`): then only what a person
        // opened counts, not a picture or a script of that page.
        (None, _) => site.is_none() && (!is_browser(&text) || opens_a_page(&text)),
    };
    if allowed { Ok(()) } else { Err(foreign()) }
}

fn is_browser<'h>(text: &impl Fn(&str) -> Option<&'h str>) -> bool {
    text("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"))
}

/// Whether HTML is asked for, as by a browser that shows the answer.
fn opens_a_page<'h>(text: &impl Fn(&str) -> Option<&'h str>) -> bool {
    text("accept").is_some_and(|types| types.contains("text/html"))
}

/// `host:port` of an origin or a URL; none for `null` and the like.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

fn unauthorized() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED)
        .detail(
            "This service asks for its API key: as a bearer token, in X-API-Key, or as the \
             password of HTTP Basic.",
        )
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"bestshot\", charset=\"UTF-8\""),
        )
        // A line of its own: browsers understand no line with two challenges, and would
        // ask nobody for the key.
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"bestshot\""),
        )
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(n, v): &(&str, &str)| -> (HeaderName, HeaderValue) {
            (n.parse().unwrap(), v.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn status(guard: &Guard, pairs: &[(&str, &str)], effect: Effect) -> u16 {
        let uri = Uri::from_static("/stop");
        guard
            .admit(&uri, &headers(pairs), effect, false)
            .err()
            .map_or(200, |p| p.status_code().as_u16())
    }

    fn local() -> Guard {
        Guard::new(Some(vec!["cams.example".to_owned()]), None)
    }

    #[test]
    fn only_known_host_names_are_answered() {
        for (host, expected) in [
            ("localhost", 200),
            ("LOCALHOST:8000", 200),
            ("localhost.:8000", 200),
            ("127.0.0.1:8000", 200),
            ("[::1]:8000", 200),
            ("cams.example", 200),
            ("evil.example:8000", 421),
            ("127.0.0.1.evil.example", 421),
            ("192.168.1.5:8000", 421),
            ("", 421),
        ] {
            assert_eq!(
                status(&local(), &[("host", host)], Effect::Reads),
                expected,
                "{host}"
            );
        }
        let open = Guard::new(None, None);
        assert_eq!(
            status(&open, &[("host", "cams.example")], Effect::Reads),
            200
        );
        let absolute = Uri::from_static("http://evil.example/stop");
        assert!(
            local()
                .admit(&absolute, &HeaderMap::new(), Effect::Reads, false)
                .is_err()
        );
    }

    #[test]
    fn foreign_pages_and_prefetches_change_nothing_but_may_read() {
        let host = ("host", "localhost:8000");
        for pairs in [
            [host, ("sec-fetch-site", "cross-site")],
            [host, ("sec-purpose", "prefetch;prerender")],
            [host, ("purpose", "prefetch")],
            [host, ("origin", "http://evil.example")],
            [host, ("origin", "null")],
            [host, ("origin", "http://localhost:9000")],
            [host, ("referer", "http://evil.example/page")],
        ] {
            assert_eq!(status(&local(), &pairs, Effect::Changes), 403, "{pairs:?}");
            assert_eq!(status(&local(), &pairs, Effect::Reads), 200, "{pairs:?}");
        }
        // A page that keeps its own name back, on plain HTTP to another machine.
        let browser = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");
        let picture = ("accept", "image/avif,image/webp,image/*,*/*;q=0.8");
        for pairs in [
            [host, browser, picture],
            [host, browser, ("accept", "*/*")],
            [host, browser, ("sec-fetch-site", "same-site")],
        ] {
            assert_eq!(status(&local(), &pairs, Effect::Changes), 403, "{pairs:?}");
        }
        let opened = [host, browser, ("accept", "text/html,*/*;q=0.8")];
        assert_eq!(status(&local(), &opened, Effect::Changes), 200);
        // A form on a page without referrer sends this.
        let form = [host, ("sec-fetch-site", "same-origin"), ("origin", "null")];
        assert_eq!(status(&local(), &form, Effect::Changes), 200);
        for pairs in [
            [host, ("sec-fetch-site", "same-origin")],
            [host, ("sec-fetch-site", "none")],
            [host, ("accept", "*/*")],
            [host, ("origin", "http://localhost:8000")],
            [host, ("referer", "http://localhost:8000/docs")],
        ] {
            assert_eq!(status(&local(), &pairs, Effect::Changes), 200, "{pairs:?}");
        }
    }

    #[test]
    fn the_key_is_taken_in_three_ways_and_no_other() {
        let key = || ApiKey::parse("0123456789abcdef\nsecond line").ok();
        let guard = Guard::new(None, key());
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (name, value, expected) in [
            ("authorization", "Bearer 0123456789abcdef".to_owned(), 200),
            ("authorization", "bearer 0123456789abcdef".to_owned(), 200),
            ("x-api-key", "0123456789abcdef".to_owned(), 200),
            ("authorization", basic("anyone:0123456789abcdef"), 200),
            ("authorization", basic("0123456789abcdef:"), 401),
            ("authorization", basic("0123456789abcdef"), 401),
            ("authorization", "Bearer 0123456789abcdeF".to_owned(), 401),
            ("authorization", "Bearer ".to_owned(), 401),
            ("authorization", "0123456789abcdef".to_owned(), 401),
            ("x-api-key", String::new(), 401),
            ("cookie", "key=0123456789abcdef".to_owned(), 401),
        ] {
            assert_eq!(
                status(&guard, &[(name, &value)], Effect::Reads),
                expected,
                "{value}"
            );
        }
        let uri = Uri::from_static("/v1/health");
        assert!(
            guard
                .admit(&uri, &HeaderMap::new(), Effect::Reads, true)
                .is_ok()
        );
    }

    #[test]
    fn short_or_odd_keys_are_refused() {
        assert!(ApiKey::parse("short").is_err());
        assert!(ApiKey::parse("").is_err());
        assert!(ApiKey::parse("0123456789 abcdef").is_err());
    }
}
