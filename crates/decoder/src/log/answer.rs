//! Reading a camera's answers, line by line as libav logs them: the status, how long
//! a body claims to be, who is said to send the media.

use std::{net::IpAddr, sync::atomic::Ordering};

use super::Signals;

impl Signals {
    /// Takes in a line of a camera's answer.
    pub(super) fn hear(&self, line: &str) {
        self.spoke.store(true, Ordering::Release);
        if length(line).is_some_and(|bytes| bytes > LONGEST_ANSWER) {
            self.too_large.store(true, Ordering::Release);
        }
        match status(line) {
            Some(status) => {
                self.answered.store(true, Ordering::Release);
                self.agreed
                    .fetch_add(u64::from(status == 200), Ordering::AcqRel);
                if (300..400).contains(&status) && status != NOT_MODIFIED {
                    self.redirected.store(true, Ordering::Release);
                }
            }
            // Only of interest where libav would send to whatever stands there.
            None => {
                if let Some(camera) = self.camera.get()
                    && names_other_source(line, *camera)
                {
                    self.stranger.store(true, Ordering::Release);
                }
            }
        }
    }
}

const NOT_MODIFIED: u32 = 304;
/// The longest description that any camera sends is some kilobytes.
const LONGEST_ANSWER: u64 = 4 << 20;

/// What a `Content-Length` header claims; one that is no number claims too much.
pub(crate) fn length(line: &str) -> Option<u64> {
    let (name, value) = text(line).split_once(':')?;
    let named = name.trim().eq_ignore_ascii_case("content-length");
    named.then(|| value.trim().parse().unwrap_or(u64::MAX))
}

/// The status of an answer, from its first line (RFC 2326 7.1).
pub(crate) fn status(line: &str) -> Option<u32> {
    let rest = text(line).strip_prefix("RTSP/")?;
    let (_, rest) = rest.split_once(' ')?;
    rest.trim_start().get(..3)?.parse().ok()
}

/// Whether a line of a camera's answer is a `Transport:` header (RFC 2326 12.39)
/// whose `source` is not the camera itself. A name counts as somebody else: it
/// would be looked up, and could be anything.
pub(crate) fn names_other_source(line: &str, camera: IpAddr) -> bool {
    let Some((name, value)) = text(line).split_once(':') else {
        return false;
    };
    if !name.trim().eq_ignore_ascii_case("transport") {
        return false;
    }
    value
        .split([';', ','])
        .filter_map(|part| part.split_once('='))
        .filter(|(key, _)| key.trim().eq_ignore_ascii_case("source"))
        .any(|(_, source)| {
            let source = source.trim().trim_start_matches('[').trim_end_matches(']');
            let is_camera = source
                .parse()
                .is_ok_and(|ip: IpAddr| ip.to_canonical() == camera.to_canonical());
            !source.is_empty() && !is_camera
        })
}

/// The camera's own words within libav's line `[rtsp @ 0x1] line='…'`.
fn text(line: &str) -> &str {
    let inner = line.split_once("line='").map_or(line, |(_, inner)| inner);
    inner.trim().trim_end_matches('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_lets_another_machine_send_is_noticed() {
        let camera: IpAddr = "192.168.1.20".parse().unwrap();
        let header = |value: &str| format!("line='Transport: RTP/AVP/UDP;unicast;{value}'\n");
        for own in [
            "client_port=5000-5001;server_port=6970-6971",
            "source=192.168.1.20;server_port=6970-6971",
            "source=::ffff:192.168.1.20",
            "source=",
        ] {
            assert!(!names_other_source(&header(own), camera), "{own}");
        }
        for other in [
            "source=10.0.0.9;server_port=1-2",
            "SOURCE = 10.0.0.9",
            "source=cam.example",
            "x=1,RTP/AVP;source=[fd00::1]",
        ] {
            assert!(names_other_source(&header(other), camera), "{other}");
        }
        assert!(!names_other_source(
            "line='Server: source=10.0.0.9'",
            camera
        ));
    }

    #[test]
    fn a_redirect_is_known_from_the_first_line_of_the_answer() {
        let signals = Signals::default();
        signals.hear("[rtsp @ 0x55] line='Server: RTSP/1.0 302'\n");
        assert!(!signals.answered());
        signals.hear("[rtsp @ 0x55] line='RTSP/1.0 200 OK'\n");
        assert!(signals.answered() && !signals.redirects());
        signals.hear("[rtsp @ 0x55] line='RTSP/1.0 302 Moved'\n");
        assert!(signals.redirects());
        assert_eq!(
            length("line='content-length : 2147483646'"),
            Some(2_147_483_646)
        );
        assert_eq!(
            length("line='Content-Length: 99999999999999999999'"),
            Some(u64::MAX)
        );
        for odd in ["", "line='RTSP/", "line='RTSP/1.0 '", "line='RTSP/1.0 ü€'"] {
            assert_eq!(status(odd), None, "{odd}");
        }
    }
}
