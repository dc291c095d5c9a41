//! Pictures to PNG, and the texts that a finished PNG carries. Nothing here
//! decodes: what is read back is only the fixed end of a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use png::text_metadata::{EncodableTextChunk, ITXtChunk, TEXtChunk};

use crate::error::Error;
use crate::picture::Picture;

/// The last chunk of every PNG: no data, its name, its checksum.
const IEND: [u8; 12] = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82];
/// The first bytes of every PNG.
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// How long to try for a small file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Effort {
    /// For frames that may be replaced in a second, and at `/stop`.
    #[default]
    Fast,
    /// For pictures that stay: 10 to 35 % smaller, for about twenty times the
    /// processor time.
    Small,
}

/// Encodes `picture` as an 8-bit RGB PNG.
///
/// No colour chunk is written. The samples are the camera's, of which the stream
/// at best says roughly what they mean; viewers show an untagged PNG as sRGB,
/// which is what everybody does with such video.
///
/// Measured with `examples/measure.rs` on camera frames of 1920×1080, one core:
/// fast 5.5 to 8 ms (0.8 to 3 MB), small 92 to 131 ms; a 300×300 thumbnail takes
/// 0.4 and 12 ms. Deflate level 9 takes three times as long as `Small` for 3 %
/// less, and the encoder's `Fastest` is 30 to 60 % larger for 2 ms saved. Even with the
/// filter `Up`, in a fifth to a third less time, stops were no sooner done: what they
/// wait for is not this.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal), should the encoder
/// refuse; no picture is known to cause it.
pub fn encode(picture: &Picture, effort: Effort) -> Result<Vec<u8>, Error> {
    let failed = |cause| Error::internal("the picture cannot be written as PNG", cause);
    // A photograph takes about half of its raw size.
    let mut bytes = Vec::with_capacity(picture.rgb().len() / 2 + 1024);
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    match effort {
        Effort::Fast => {
            encoder.set_compression(png::Compression::Fast);
            // As small as trying every filter on every row, in a tenth less time.
            encoder.set_filter(png::Filter::Paeth);
        }
        Effort::Small => encoder.set_compression(png::Compression::Balanced),
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(picture.rgb()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Adds `texts` (keyword, text) to a PNG in memory, just before its end.
///
/// Keywords are 1 to 79 printable ASCII characters. A text becomes a `tEXt`
/// chunk where it is ASCII and an `iTXt` chunk (UTF-8) where it is not; NUL,
/// which no PNG text can hold, is left out.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) where `png` is no complete
/// PNG or a keyword is malformed; `png` is then unchanged.
pub fn annotate(png: &mut Vec<u8>, texts: &[(&str, &str)]) -> Result<(), Error> {
    check_ends(png)?;
    let chunks = text_chunks(texts)?;
    png.truncate(png.len() - IEND.len());
    png.extend_from_slice(&chunks);
    png.extend_from_slice(&IEND);
    Ok(())
}

/// Adds `texts` to a PNG on disk as [`annotate`] does, by writing over its last
/// twelve bytes and beyond: the picture itself is neither read nor written again.
/// Nothing is flushed to the disk.
///
/// # Errors
/// As [`annotate`]; [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace) and
/// [`ErrorKind::Io`](crate::ErrorKind::Io) from the disk. The file is then put
/// back as it was, as far as the disk lets it.
pub fn annotate_file(path: &Path, texts: &[(&str, &str)]) -> Result<(), Error> {
    let chunks = text_chunks(texts)?;
    let at_path = |cause| Error::io("write", path, cause);
    let mut file = open(path)?;
    let length = file.seek(SeekFrom::End(0)).map_err(at_path)?;
    if length < (SIGNATURE.len() + IEND.len()) as u64 {
        return Err(not_a_png());
    }
    let mut end = IEND;
    file.seek(SeekFrom::Start(length - IEND.len() as u64))
        .and_then(|_| file.read_exact(&mut end))
        .map_err(|cause| Error::io("read", path, cause))?;
    if end != IEND {
        return Err(not_a_png());
    }
    replace_end(&mut file, length, &chunks).map_err(at_path)
}

/// Puts `chunks` before the end of the PNG that was `length` bytes long when it
/// was written. What an earlier call put there is replaced, so that saving can
/// be tried again after a failure.
pub(crate) fn replace_end(file: &mut File, length: u64, chunks: &[u8]) -> io::Result<()> {
    let start = length - IEND.len() as u64;
    let tail = [chunks, &IEND].concat();
    let written = file
        .seek(SeekFrom::Start(start))
        .and_then(|_| file.write_all(&tail))
        .and_then(|()| file.set_len(start + tail.len() as u64));
    if written.is_err() {
        // The old end needs no new space, so this works on a full disk, too.
        // Should it fail as well, the first failure is the one to report.
        let _ = file
            .seek(SeekFrom::Start(start))
            .and_then(|_| file.write_all(&IEND))
            .and_then(|()| file.set_len(length));
    }
    written
}

pub(crate) fn open(path: &Path) -> Result<File, Error> {
    File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|cause| Error::io("open", path, cause))
}

/// That `png` begins and ends as every PNG does; nothing between is looked at.
pub(crate) fn check_ends(png: &[u8]) -> Result<(), Error> {
    let whole = png.len() >= SIGNATURE.len() + IEND.len()
        && png.starts_with(&SIGNATURE)
        && png.ends_with(&IEND);
    if whole { Ok(()) } else { Err(not_a_png()) }
}

fn not_a_png() -> Error {
    Error::invalid("this is not a complete PNG file")
}

/// `texts` as PNG chunks, ready to stand before the end.
pub(crate) fn text_chunks(texts: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
    let mut chunks = Vec::new();
    for (keyword, text) in texts {
        let printable = keyword.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if !printable || !(1..=79).contains(&keyword.len()) || keyword.trim() != *keyword {
            return Err(Error::invalid(format!(
                "a PNG text has a keyword of 1 to 79 ASCII characters, not {keyword:?}"
            )));
        }
        let text = text.replace('\0', "");
        let encoded = if text.is_ascii() {
            TEXtChunk::new(*keyword, text).encode(&mut chunks)
        } else {
            ITXtChunk::new(*keyword, text).encode(&mut chunks)
        };
        encoded.map_err(|cause| Error::internal("a PNG text cannot be written", cause))?;
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [(&str, &str); 3] = [
        ("Title", "Brightest frame 1 of 9"),
        ("Source", "Gartentür 門\0"),
        ("bestshot:score", "0.25"),
    ];

    fn picture() -> Picture {
        let rgb = (0..64 * 48 * 3)
            .map(|n: u32| (n * n / 7).to_le_bytes()[0])
            .collect();
        Picture::new(64, 48, rgb).unwrap()
    }

    fn decode(bytes: &[u8]) -> (Picture, Vec<(String, String)>) {
        let mut reader = png::Decoder::new(io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut rgb).unwrap();
        reader.finish().unwrap();
        let info = reader.info();
        let latin = info
            .uncompressed_latin1_text
            .iter()
            .map(|chunk| (chunk.keyword.clone(), chunk.text.clone()));
        let utf8 = info
            .utf8_text
            .iter()
            .map(|chunk| (chunk.keyword.clone(), chunk.get_text().unwrap()));
        let texts = latin.chain(utf8).collect();
        let picture = Picture::new(info.width, info.height, rgb).unwrap();
        (picture, texts)
    }

    #[test]
    fn every_pixel_comes_back() {
        let dot = Picture::new(1, 1, vec![1, 2, 3]).unwrap();
        for picture in [picture(), dot] {
            for effort in [Effort::Fast, Effort::Small] {
                let bytes = encode(&picture, effort).unwrap();
                assert_eq!(decode(&bytes).0, picture, "{effort:?}");
            }
        }
    }

    #[test]
    fn texts_come_back_and_leave_the_picture_alone() {
        let mut bytes = encode(&picture(), Effort::Fast).unwrap();
        annotate(&mut bytes, &TEXTS).unwrap();
        let (decoded, texts) = decode(&bytes);
        assert_eq!(decoded, picture());
        let expected = [
            ("Title", "Brightest frame 1 of 9"),
            ("bestshot:score", "0.25"),
            ("Source", "Gartentür 門"),
        ]
        .map(|(keyword, text)| (keyword.to_owned(), text.to_owned()));
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_file_is_annotated_exactly_as_bytes_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mut bytes = encode(&picture(), Effort::Fast).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        annotate(&mut bytes, &TEXTS).unwrap();
        annotate_file(&path, &TEXTS).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn annotating_again_replaces_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let plain = encode(&picture(), Effort::Fast).unwrap();
        std::fs::write(&path, &plain).unwrap();
        let mut file = open(&path).unwrap();
        for texts in [&TEXTS[..], &TEXTS[..1], &[]] {
            let chunks = text_chunks(texts).unwrap();
            replace_end(&mut file, plain.len() as u64, &chunks).unwrap();
            let mut expected = plain.clone();
            annotate(&mut expected, texts).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_not_a_png_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mut cut = encode(&picture(), Effort::Fast).unwrap();
        cut.pop();
        for bytes in [cut, Vec::new(), SIGNATURE.to_vec(), b"GIF89a".to_vec()] {
            std::fs::write(&path, &bytes).unwrap();
            assert!(annotate_file(&path, &TEXTS).is_err());
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
            assert!(annotate(&mut bytes.clone(), &TEXTS).is_err());
        }
    }

    #[test]
    fn a_keyword_that_png_does_not_know_is_refused() {
        let mut bytes = encode(&picture(), Effort::Fast).unwrap();
        let before = bytes.clone();
        for keyword in ["", " a", "a\0b", "tür", &"x".repeat(80)] {
            assert!(annotate(&mut bytes, &[(keyword, "")]).is_err(), "{keyword}");
        }
        assert_eq!(bytes, before);
    }
}
