//! PNG files taken apart into their chunks (PNG specification, 3rd edition,
//! clause 5), each checked against its CRC. Pixels are left to others.

/// What a PNG file says about itself.
#[derive(Debug)]
pub struct PngFile {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The text chunks: keyword and text.
    pub texts: Vec<(String, String)>,
}

impl PngFile {
    /// Reads a whole file.
    ///
    /// # Panics
    /// Where it is not a whole and sound PNG file.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut rest = bytes
            .strip_prefix(b"\x89PNG\r\n\x1a\n")
            .expect("a PNG file begins with its signature");
        let mut file = Self {
            width: 0,
            height: 0,
            texts: Vec::new(),
        };
        loop {
            let length = number(rest) as usize;
            let (chunk, tail) = rest
                .get(4..)
                .and_then(|r| r.split_at_checked(4 + length))
                .expect("a chunk is as long as it says");
            assert_eq!(number(tail), crc(chunk), "the CRC of a chunk is right");
            rest = &tail[4..];
            let (kind, data) = chunk.split_at(4);
            match kind {
                b"IHDR" => (file.width, file.height) = (number(data), number(&data[4..])),
                b"tEXt" => file.texts.push(text(data, 0)),
                // Compression flag and method, then two empty names.
                b"iTXt" => file.texts.push(text(data, 4)),
                b"IEND" => {
                    assert!(rest.is_empty(), "nothing follows the end");
                    return file;
                }
                _ => {}
            }
        }
    }

    /// The text under a keyword.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        let found = self.texts.iter().find(|(known, _)| known == keyword);
        found.map(|(_, text)| text.as_str())
    }
}

/// The first four bytes, the highest first.
fn number(bytes: &[u8]) -> u32 {
    let four = bytes.first_chunk().expect("a number has four bytes");
    u32::from_be_bytes(*four)
}

fn text(data: &[u8], skip: usize) -> (String, String) {
    let end = data.iter().position(|b| *b == 0).expect("a keyword ends");
    let (keyword, rest) = data.split_at(end);
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (words(keyword), words(&rest[1 + skip..]))
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_is_the_one_of_the_specification() {
        assert_eq!(crc(b"IEND"), 0xAE42_6082);
    }
}
