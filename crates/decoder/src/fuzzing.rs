//! What the fuzzer promises about text and bytes from outside: addresses that
//! people type, lines that libav logs, and what cameras put into a stream. Only
//! tests and fuzz targets see this; each function here is the body of the target
//! of the same name in `fuzz/`, and fails by panicking.
#![expect(clippy::panic, reason = "this is how a broken promise is told")]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use crate::{
    RtspUrl,
    log::{
        self, Listening, Signals,
        answer::{length, names_other_source, status},
    },
    nal::{self, Entry, Syntax},
    redact::redact_line,
    url::MAX_URL,
};

/// Scanners of bytes that a camera or libav chose: each must bear everything.
const SCANNERS: &[fn(&[u8])] = &[signals, redaction, answer, entry];

/// Stands in every password here. Lower case, as a host would become.
const SECRET: &str = "s3cr3tc4n4ry";

/// The address on the first line is taken as it is; with the second and third
/// line as user name and password, given apart; and with these two typed into
/// it. No password may show, and no accepted address may change on the way to
/// another process.
///
/// # Panics
/// Where that does not hold.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.to_lowercase().contains(SECRET) {
        return;
    }
    let [address, username, password] = lines(&text);
    let password = with_secret(password);
    if let Ok(url) = RtspUrl::parse(address) {
        travels(&url);
        if let Ok(url) = url.with_credentials(username, &password) {
            assert!(url.has_credentials());
            travels(&url);
            is_hidden(&url);
        }
    }
    if let Some((scheme, rest)) = address.split_once("://") {
        let user_information = format!("{username}:{password}");
        // Which `@` ends it is anybody's guess where it holds a separator, too.
        if !(user_information.contains('@') && user_information.contains(['/', '?', '#'])) {
            hides(&format!("{scheme}://{user_information}@{rest}"));
        }
    }
    let word: String = password
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    hides(&format!("{address}/user=a_password={word}_channel=1"));
    hides(&format!("{address}?user=a&pwd={word}/{SECRET}&channel=1"));
}

/// Gives the bytes to every scanner.
///
/// # Panics
/// Where one of them does.
pub fn log(data: &[u8]) {
    for scan in SCANNERS {
        scan(data);
    }
}

/// An accepted address is accepted again with its credentials, and is the same.
fn travels(url: &RtspUrl) {
    let exposed = url.expose();
    let Ok(again) = RtspUrl::parse(&exposed) else {
        panic!("accepted, but not from the parent: {exposed:?}");
    };
    assert!(again == *url);
    assert_eq!(again.expose(), exposed);
    assert_eq!(again.to_string(), url.to_string());
    match RtspUrl::parse(&url.to_string()) {
        Ok(shown) => {
            assert!(!shown.has_credentials(), "{shown:?}");
            assert_eq!(shown.to_string(), url.to_string());
        }
        // `***` may be longer than what it stands for.
        Err(_) => assert!(
            url.to_string().len() > MAX_URL,
            "shown as no address: {url}"
        ),
    }
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    // libav takes longer addresses than people may type.
    if let Ok(resolved) = RtspUrl::parse(&url.expose_at(address)) {
        assert_eq!(resolved.host_address(), Some(address));
        assert_eq!(resolved.port(), url.port());
        assert_eq!(resolved.has_credentials(), url.has_credentials());
    }
}

/// If this is an address, its secret is not shown.
fn hides(text: &str) {
    if let Ok(url) = RtspUrl::parse(text) {
        is_hidden(&url);
    }
}

fn is_hidden(url: &RtspUrl) {
    // A host's Punycode and escapes can come to spell anything, even the secret.
    let host = url.host();
    for shown in [url.to_string(), format!("{url:?}"), format!("{url:#?}")] {
        let shown = shown.replacen(&host, "", 1);
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

/// The first byte is the level, the rest a format string.
fn signals(data: &[u8]) {
    let [level, format @ ..] = data else {
        return;
    };
    let level = i32::from(*level);
    let signals = Arc::new(Signals::default());
    let context = Arc::as_ptr(&signals) as usize;
    let listening = Listening::new(context, &signals);
    log::receive(context, level, format, String::new);
    let said = [
        signals.lost() > 0,
        signals.damaged() > 0,
        signals.too_large(),
        signals.described(),
        signals.said_bye(),
    ];
    let meanings = said.iter().filter(|said| **said).count();
    assert!(meanings <= 1, "{said:?}");
    // What libav calls an error is never passed over in silence.
    assert!(level > 16 || (meanings == 1 && log::is_wanted(level, format)));
    drop(listening);
}

/// A log line made of: what stands before, user name, password, what stands after.
fn redaction(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.contains(SECRET) {
        return;
    }
    let [before, username, password, after] = lines(&text);
    let password = with_secret(password);
    let loses = |line: String| {
        let redacted = redact_line(&line);
        assert!(!redacted.contains(SECRET), "{line:?} became {redacted:?}");
    };
    if let Ok(url) = RtspUrl::parse("rtsp://camera/live")
        && let Ok(url) = url.with_credentials(username, &password)
    {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        loses(format!("{before}{}{after}", url.expose_at(address)));
    }
    if !format!("{username}{password}").contains(char::is_whitespace) {
        loses(format!("{before}rtsp://{username}:{password}@h{after}"));
    }
    for header in [
        "Authorization: Basic ",
        "AUTHORIZATION:",
        "proxy-authorization: Digest username=",
    ] {
        loses(format!("{before}{header}{password}{after}"));
    }
    loses(format!("{before}/live?user=a&password={SECRET}{after}"));
}

/// A camera's answer line by line: each as it is, and each as a status line, a length
/// and a transport, which junk beside them must neither hide nor make up.
fn answer(data: &[u8]) {
    const ANSWER: &[u8] = b"line='%s'\n";
    let camera = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let signals = Arc::new(Signals::default());
    signals.expect_media_from(camera);
    let context = Arc::as_ptr(&signals) as usize;
    let listening = Listening::new(context, &signals);
    for junk in String::from_utf8_lossy(data).lines() {
        let logged = |line: String| format!("[rtsp @ 0x55] line='{line}'\n");
        log::receive(context, 48, ANSWER, || logged(junk.to_owned()));
        assert!(status(&logged(junk.to_owned())).is_none_or(|code| code < 1_000));

        assert_eq!(status(&logged(format!("RTSP/1.0 302 {junk}"))), Some(302));
        let transport = |source: &str| {
            logged(format!(
                "Transport: RTP/AVP;{junk};source={source};x={junk}"
            ))
        };
        assert!(names_other_source(&transport("198.51.100.9"), camera));
        let claimed = length(&logged(format!("Content-Length: {junk}")));
        let number = format!("{junk}'")
            .trim_end_matches('\'')
            .trim()
            .parse::<u64>();
        // Whatever cannot be read is too long for us, never short.
        assert_eq!(claimed, Some(number.unwrap_or(u64::MAX)));
    }
    assert!(signals.spoke() || data.is_empty());
    drop(listening);
}

/// The first byte is the codec, the rest an access unit. What libav takes it for
/// opens the stream to it, and changes nothing else.
fn entry(data: &[u8]) {
    let [codec, unit @ ..] = data else {
        return;
    };
    let syntax = if codec % 2 == 0 {
        Syntax::H264
    } else {
        Syntax::H265
    };
    let mut by_itself = nal::access(syntax, unit, false);
    if by_itself.entry == Entry::None {
        by_itself.entry = Entry::Clean;
    }
    assert_eq!(nal::access(syntax, unit, true), by_itself);
}

/// The first lines of a text, empty where there are fewer; the last is the rest.
fn lines<const N: usize>(text: &str) -> [&str; N] {
    let mut lines = text.splitn(N, '\n');
    [(); N].map(|()| lines.next().unwrap_or_default())
}

/// The secret in the middle of a text.
fn with_secret(text: &str) -> String {
    let mut text = text.to_owned();
    let middle = text.char_indices().nth(text.chars().count() / 2);
    text.insert_str(middle.map_or(0, |(at, _)| at), SECRET);
    text
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn all_that_the_fuzzer_ever_kept_still_passes() {
        for (target, body) in [("url", url as fn(&[u8])), ("log", log)] {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
            let files: Vec<_> = fs::read_dir(corpus.join(target)).unwrap().collect();
            assert!(!files.is_empty());
            for file in files {
                let path = file.unwrap().path();
                eprintln!("{}", path.display());
                body(&fs::read(path).unwrap());
            }
        }
    }
}
