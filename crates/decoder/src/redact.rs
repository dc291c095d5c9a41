//! Taking secrets out of text that people or logs may see. Pure.

/// Words that, before a `=`, announce a secret in a camera's path or query.
const SECRET_KEYS: [&str; 9] = [
    "password", "passwd", "passwort", "pwd", "pass", "token", "secret", "auth", "key",
];

/// A path and query with the values of secret-looking keys replaced by `***`.
///
/// Covers `?user=a&password=b` and the `/user=a_password=b_channel=1` of many
/// recorders, where `_` separates and may also stand inside a value.
pub(crate) fn redact_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(eq) = rest.find('=') {
        let (before, after) = rest.split_at(eq + 1);
        out.push_str(before);
        rest = after;
        if is_secret_key(&before[..eq]) {
            let end = value_end(after);
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

/// The value ends at `&`, `;` or `/`, or at a `_word=` that starts the next pair.
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
    if let Some(at) = lower.find("authorization") {
        return format!("{}authorization ***", &line[..at]);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "'\"<>".contains(c));
        let (url, tail) = after.split_at(end.unwrap_or(after.len()));
        let host = url.rfind('@').map_or(0, |at| at + 1);
        out.push_str(&redact_path(&url[host..]));
        rest = tail;
    }
    out.push_str(&redact_path(rest));
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
}
