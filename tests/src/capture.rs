//! Recorded answers of cameras, and what a server must know of the description in
//! them to send packets that fit. A reading of its own: nothing of the product's.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::fault_camera::Codec;

/// The answer to a DESCRIBE.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The answer as it is sent, the number of its request aside.
    pub answer: Vec<u8>,
    /// The first video that it describes, where there is one.
    pub video: Option<DescribedVideo>,
}

/// A video as a description has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribedVideo {
    /// What packets call themselves.
    pub payload_type: u8,
    /// How the pictures are coded, where that is known here.
    pub codec: Option<Codec>,
    /// The address of the media, often only the end of one; empty where there is
    /// none.
    pub control: String,
}

impl Capture {
    /// Whether a file is a description or an answer with one, by its name.
    pub fn is_in(file: &Path) -> bool {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("sdp") => true,
            Some("txt") => {
                let ends = ["_sdp", "_unauthorized"];
                name.contains("_describe") || ends.iter().any(|end| name.ends_with(end))
            }
            _ => false,
        }
    }

    /// Reads a file: a whole answer as it stands, or a description alone, before
    /// which the head of an answer is put.
    pub fn read(file: &Path) -> Self {
        let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if bytes.starts_with(b"RTSP/1.0 ") {
            return Self::of(bytes);
        }
        // Pasted into a file, a description lost the ends of its lines.
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().flat_map(|line| [line, "\r\n"]);
        let lines: String = lines.collect();
        let head = format!(
            "RTSP/1.0 200 OK\r\nCSeq: 0\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n",
            lines.len()
        );
        Self::of([head.as_bytes(), lines.as_bytes()].concat())
    }

    fn of(answer: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&answer);
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        Self {
            video: first_video(body),
            answer,
        }
    }
}

/// All files below a folder, in order.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn first_video(description: &str) -> Option<DescribedVideo> {
    let mut lines = description.lines().map(str::trim_end);
    let media = lines.find_map(|line| line.strip_prefix("m=video "))?;
    let payload_type = media.split_whitespace().nth(2)?.parse().ok()?;
    let mut video = DescribedVideo {
        payload_type,
        // RFC 3551: the one static type of video that cameras send.
        codec: (payload_type == 26).then_some(Codec::Jpeg),
        control: String::new(),
    };
    let mapped = format!("a=rtpmap:{payload_type} ");
    for line in lines.take_while(|line| !line.starts_with("m=")) {
        if let Some(control) = line.strip_prefix("a=control:") {
            control.clone_into(&mut video.control);
        }
        if let Some(name) = line.strip_prefix(&mapped) {
            video.codec = match name.split('/').next() {
                Some("H264") => Some(Codec::H264),
                Some("H265") => Some(Codec::H265),
                Some("JPEG") => Some(Codec::Jpeg),
                _ => None,
            };
        }
    }
    Some(video)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_video_is_found_among_other_media() {
        let video = first_video(
            "v=0\r\na=control:*\r\nm=audio 0 RTP/AVP 96\r\na=control:a\r\n\
             m=video -1 RTP/AVP 97\r\na=rtpmap:97 H265/90000 \r\na=control:rtsp://h/v\r\n\
             m=application 0 RTP/AVP 96\r\na=control:m\r\n",
        );
        let expected = DescribedVideo {
            payload_type: 97,
            codec: Some(Codec::H265),
            control: "rtsp://h/v".to_owned(),
        };
        assert_eq!(video, Some(expected));
        assert_eq!(first_video("m=audio 0 RTP/AVP 8\r\n"), None);
    }
}
