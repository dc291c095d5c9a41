//! A stream of MPEG-4 part 2 (ISO/IEC 14496-2) cut into pictures, and those into
//! payloads of RTP as RFC 6416 says. Pure.

/// What a picture (a video object plane) begins with.
const PICTURE: [u8; 4] = [0, 0, 1, 0xb6];

/// How a picture is coded: the two bits after its start code.
const WITHIN_ITSELF: u8 = 0;
const FROM_BOTH_SIDES: u8 = 2;

/// The pictures, each with the headers that stand before it as a part of its own.
/// Parts begin with their start codes.
pub(crate) fn pictures(stream: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let codes: Vec<usize> = (0..stream.len().saturating_sub(3))
        .filter(|&at| stream[at..].starts_with(&PICTURE[..3]))
        .collect();
    let ends = codes.iter().skip(1).copied().chain([stream.len()]);
    let mut found = Vec::new();
    let mut headers: Vec<u8> = Vec::new();
    for (&start, end) in codes.iter().zip(ends) {
        let part = &stream[start..end];
        if part.starts_with(&PICTURE) {
            let ahead = std::mem::take(&mut headers);
            let parts = [ahead, part.to_vec()].into_iter();
            found.push(parts.filter(|part| !part.is_empty()).collect());
        } else {
            headers.extend_from_slice(part);
        }
    }
    found
}

/// Whether a decoder can begin with it.
pub(crate) fn is_key(part: &[u8]) -> bool {
    coding(part) == Some(WITHIN_ITSELF)
}

/// Whether others are predicted from it.
pub(crate) fn is_reference(part: &[u8]) -> bool {
    coding(part).is_some_and(|coding| coding != FROM_BOTH_SIDES)
}

/// Whether it is no picture but what stands before one.
pub(crate) fn is_header(part: &[u8]) -> bool {
    coding(part).is_none()
}

fn coding(part: &[u8]) -> Option<u8> {
    Some(part.strip_prefix(&PICTURE)?.first()? >> 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_a_part_of_the_picture_after_them() {
        let headers = [0, 0, 1, 0xb0, 1, 0, 0, 1, 0x20, 7];
        let (key, other) = ([0, 0, 1, 0xb6, 0x10, 9], [0, 0, 1, 0xb6, 0x50]);
        let stream = [&headers[..], &key, &other].concat();
        let found = pictures(&stream);
        assert_eq!(
            found,
            [vec![headers.to_vec(), key.to_vec()], vec![other.to_vec()]]
        );
        assert!(is_header(&headers) && !is_header(&key));
        assert!(is_key(&key) && !is_key(&other) && !is_key(&headers));
        assert!(is_reference(&other) && !is_reference(&[0, 0, 1, 0xb6, 0x90]));
    }
}
