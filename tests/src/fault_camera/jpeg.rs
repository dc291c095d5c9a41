//! JPEG pictures cut into payloads of RTP as RFC 2435 says, their quantisation
//! tables with them. Pure.

/// Bytes of picture in a payload: with headers and tables it fits into 1400.
const PART: usize = 1_200;
/// The tables come with the picture (RFC 2435, 4.2).
const WITH_TABLES: u8 = 255;

const END: u8 = 0xd9;
const TABLES: u8 = 0xdb;
const FRAME: u8 = 0xc0;
const SCAN: u8 = 0xda;

/// What a reader must know of a picture beside its bits.
#[derive(Debug, Default)]
struct Head {
    /// Type 1 where chroma is halved both ways, else 0.
    kind: u8,
    width: u16,
    height: u16,
    tables: Vec<u8>,
}

/// The payloads of each picture of a stream of them.
pub(crate) fn pictures(stream: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut rest = stream;
    while let Some((head, bits, after)) = picture(rest) {
        found.push(payloads(&head, bits));
        rest = after;
    }
    found
}

/// The first picture: its head, its bits, and what follows it.
fn picture(stream: &[u8]) -> Option<(Head, &[u8], &[u8])> {
    let mut head = Head::default();
    let mut rest = stream.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let [0xff, marker, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(4..length + 2)?;
        rest = rest.get(length + 2..)?;
        match marker {
            TABLES => {
                let (tables, _) = body.as_chunks::<65>();
                let values = tables.iter().flat_map(|table| &table[1..]);
                head.tables.extend(values);
            }
            FRAME => {
                let [_, h1, h2, w1, w2, _, _, sampling, ..] = *body else {
                    return None;
                };
                head.height = u16::from_be_bytes([h1, h2]);
                head.width = u16::from_be_bytes([w1, w2]);
                head.kind = u8::from(sampling == 0x22);
            }
            SCAN => {
                // Within the bits, a byte of ones is followed by a zero.
                let end = rest.windows(2).position(|pair| pair == [0xff, END])?;
                return Some((head, &rest[..end], &rest[end + 2..]));
            }
            _ => {}
        }
    }
}

fn payloads(head: &Head, bits: &[u8]) -> Vec<Vec<u8>> {
    let eighth = |size: u16| u8::try_from(size / 8).expect("a picture of at most 2040 pixels");
    let parts = bits.chunks(PART).enumerate();
    let parts = parts.map(|(number, part)| {
        let offset = u32::try_from(number * PART).expect("a picture of less than 16 MB");
        let mut payload = offset.to_be_bytes().to_vec();
        payload[0] = 0;
        let size = [eighth(head.width), eighth(head.height)];
        payload.extend([head.kind, WITH_TABLES]);
        payload.extend(size);
        if number == 0 {
            let length = u16::try_from(head.tables.len()).expect("few tables");
            payload.extend([0, 0]);
            payload.extend(length.to_be_bytes());
            payload.extend_from_slice(&head.tables);
        }
        payload.extend_from_slice(part);
        payload
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_brings_its_size_and_its_tables() {
        let mut file = vec![0xff, 0xd8, 0xff, TABLES, 0, 67, 0];
        file.extend([9; 64]);
        file.extend([0xff, FRAME, 0, 11, 8, 0, 16, 0, 24, 1, 1, 0x22, 0]);
        file.extend([0xff, SCAN, 0, 3, 0, 1, 0xff, 0, 2, 0xff, END]);
        let found = pictures(&[file.clone(), file].concat());
        assert_eq!(found.len(), 2);
        let payload = &found[1][0];
        assert_eq!(payload[..8], [0, 0, 0, 0, 1, 255, 3, 2]);
        assert_eq!(payload[8..12], [0, 0, 0, 64]);
        assert_eq!(payload[76..], [1, 0xff, 0, 2]);
    }

    #[test]
    fn a_large_picture_is_cut_and_only_the_first_part_has_tables() {
        let head = Head {
            tables: vec![1; 64],
            ..Head::default()
        };
        let found = payloads(&head, &[7; PART + 5]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|payload| payload.len() < 1_400));
        assert_eq!(found[1][..4], [0, 0, 4, 0xb0]);
        assert_eq!(found[1].len(), 8 + 5);
    }
}
