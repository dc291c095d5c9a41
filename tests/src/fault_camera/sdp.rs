//! The description of a stream (RFC 8866), right or wrong. Pure.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::fault_camera::{annexb::Codec, clip::Clip, program::Program};

/// What is wrong with a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenSdp {
    /// There is none: a body of no bytes.
    Empty,
    /// It offers sound and no pictures.
    SoundOnly,
    /// It ends in the middle of a line.
    Cut,
    /// A media line has nothing behind `m=`.
    LoneMedia,
    /// The port of the pictures is −1.
    NegativePort,
    /// The connection line ends after `c=IN`.
    CutConnection,
    /// Nothing says what the payload type means.
    NoRtpmap,
    /// The payload type means a codec that nobody knows.
    UnknownCodec,
    /// The parameter sets are no base64.
    BadBase64,
    /// The parameter sets have start codes before them.
    AnnexB,
    /// The media has no address of its own.
    NoControl,
    /// Bytes that are no text.
    Noise,
    /// Two megabytes of lines before the pictures are named.
    Endless,
}

impl BrokenSdp {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Empty,
        Self::SoundOnly,
        Self::Cut,
        Self::LoneMedia,
        Self::NegativePort,
        Self::CutConnection,
        Self::NoRtpmap,
        Self::UnknownCodec,
        Self::BadBase64,
        Self::AnnexB,
        Self::NoControl,
        Self::Noise,
        Self::Endless,
    ];
}

/// What a description is made from.
pub(crate) struct Described<'a> {
    pub(crate) program: &'a Program,
    pub(crate) host: IpAddr,
    /// Seconds until the end, where it is announced.
    pub(crate) range: Option<f64>,
    pub(crate) speed: f64,
}

/// The body of the answer to DESCRIBE.
pub(crate) fn describe(what: &Described<'_>, broken: Option<BrokenSdp>) -> Vec<u8> {
    let sound = whole(what, "");
    match broken {
        None => sound.into_bytes(),
        Some(BrokenSdp::Empty) => Vec::new(),
        Some(BrokenSdp::SoundOnly) => {
            let (session, _) = sound.split_once("m=").expect("there is a media line");
            format!("{session}m=audio 0 RTP/AVP 8\r\na=control:track1\r\n").into_bytes()
        }
        Some(BrokenSdp::Cut) => {
            let at = sound.find("a=fmtp").expect("there are parameters");
            sound.into_bytes()[..at + 14].to_vec()
        }
        Some(BrokenSdp::LoneMedia) => replace(&sound, "m=", "m="),
        Some(BrokenSdp::NegativePort) => replace(&sound, "m=", "m=video -1 RTP/AVP 96"),
        Some(BrokenSdp::CutConnection) => replace(&sound, "c=", "c=IN"),
        Some(BrokenSdp::NoRtpmap) => replace(&sound, "a=rtpmap", "a=x-nothing:1"),
        Some(BrokenSdp::UnknownCodec) => {
            replace(&sound, "a=rtpmap", "a=rtpmap:96 X-NOBODY-KNOWS/90000")
        }
        Some(BrokenSdp::BadBase64) => {
            let sets = "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=*?*,%%%;sprop-vps=!!";
            replace(&sound, "a=fmtp", sets)
        }
        Some(BrokenSdp::AnnexB) => whole(what, "\0\0\0\x01").into_bytes(),
        Some(BrokenSdp::NoControl) => replace(&sound, "a=control:track1", "a=x-nothing:1"),
        Some(BrokenSdp::Noise) => (0..4096_u32).map(|n| (n * 37 % 251) as u8).collect(),
        Some(BrokenSdp::Endless) => {
            let filler = "a=x-filler:nothing to see here\r\n".repeat(65_536);
            replace(&sound, "a=control:*", &filler)
        }
    }
}

/// The description with every line that begins so replaced.
fn replace(sdp: &str, beginning: &str, line: &str) -> Vec<u8> {
    let lines = sdp.split_inclusive("\r\n").map(|old| {
        if old.starts_with(beginning) {
            format!("{line}\r\n")
        } else {
            old.to_owned()
        }
    });
    lines.collect::<String>().into_bytes()
}

fn whole(what: &Described<'_>, before_sets: &str) -> String {
    let (family, any) = match what.host {
        IpAddr::V4(_) => ("IP4", "0.0.0.0"),
        IpAddr::V6(_) => ("IP6", "::"),
    };
    let range = what.range.map_or_else(String::new, |seconds| {
        format!("a=range:npt=0-{seconds:.3}\r\n")
    });
    let name = match what.program.codec() {
        Codec::H264 => "H264",
        Codec::H265 => "H265",
        Codec::Jpeg => "JPEG",
        Codec::Mpeg4 => "MP4V-ES",
    };
    format!(
        "v=0\r\no=- 1 1 IN {family} {host}\r\ns=Fault camera\r\nc=IN {family} {any}\r\n\
         t=0 0\r\na=control:*\r\n{range}m=video 0 RTP/AVP 96\r\n\
         a=rtpmap:96 {name}/90000\r\n{parameters}a=framerate:{rate}\r\n\
         a=control:track1\r\n",
        host = what.host,
        parameters = match parameters(what.program.first(), before_sets.as_bytes()) {
            none if none.is_empty() => none,
            some => format!("a=fmtp:96 {some}\r\n"),
        },
        rate = what.program.rate() * what.speed,
    )
}

fn parameters(clip: &Clip, before: &[u8]) -> String {
    let sets = clip.parameter_sets();
    let text = |set: &[u8]| STANDARD.encode([before, set].concat());
    match clip.codec {
        Codec::H264 => {
            let all: Vec<String> = sets.iter().map(|set| text(set)).collect();
            let level = sets.first().and_then(|sps| sps.get(1..4));
            let level = level.expect("the first picture has parameter sets");
            format!(
                "packetization-mode=1;profile-level-id={:02x}{:02x}{:02x};sprop-parameter-sets={}",
                level[0],
                level[1],
                level[2],
                all.join(",")
            )
        }
        Codec::H265 => {
            let named = [(32, "vps"), (33, "sps"), (34, "pps")].map(|(kind, name)| {
                let of_kind = sets.iter().filter(|set| clip.codec.kind(set) == kind);
                let all: Vec<String> = of_kind.map(|set| text(set)).collect();
                format!("sprop-{name}={}", all.join(","))
            });
            named.join(";")
        }
        Codec::Mpeg4 => {
            let all = [before, sets.first().unwrap_or(&&[][..])].concat();
            let mut text = "profile-level-id=1;config=".to_owned();
            text.extend(
                all.iter()
                    .flat_map(|byte| [byte >> 4, byte & 15].map(hexadecimal)),
            );
            text
        }
        // Nothing: a picture brings its tables along.
        Codec::Jpeg => String::new(),
    }
}

fn hexadecimal(digit: u8) -> char {
    char::from_digit(digit.into(), 16).expect("a digit of four bits")
}
