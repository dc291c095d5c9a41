//! What parent and worker say to each other: length, header, body. The parent
//! takes pictures for opaque bytes and trusts no length.

use std::{
    io::{self, Read, Write},
    num::NonZeroU64,
    time::Duration,
};

use bestshot_decoder::{AddressPolicy, Deadlines, Sampling, Transport};
use bestshot_gallery::{
    Fit, PictureKind,
    manifest::{CurvePoint, Winner},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::status::Progress;

/// A header holds winners and numbers: 100 winners take about 30 KiB.
const MAX_HEADER: usize = 1 << 20;
/// A picture of 8192 × 4320, were it not compressible at all.
const MAX_BODY: usize = 128 << 20;

/// From the parent. The first is always `Start`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    Start(Box<Orders>),
    Stop,
}

/// A job as it travels: the only place where a camera's password is written
/// out, in a pipe that nobody else can read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) source: SourceText,
    pub(crate) best: String,
    pub(crate) min_gap: Duration,
    pub(crate) distinct: f64,
    /// Rectangles to score, and rectangles to leave out.
    pub(crate) include: String,
    pub(crate) exclude: String,
    pub(crate) sampling: Sampling,
    pub(crate) limit: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fit: Fit,
    pub(crate) transport: Transport,
    pub(crate) tls_insecure: bool,
    pub(crate) warmup: Duration,
    pub(crate) persist: bool,
    pub(crate) duration: Option<Duration>,
    pub(crate) frames: Option<NonZeroU64>,
    pub(crate) policy: AddressPolicy,
    pub(crate) deadlines: Deadlines,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum SourceText {
    Rtsp(String),
    /// The path's bytes: file names need not be UTF-8.
    File(Vec<u8>),
}

impl std::fmt::Debug for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orders")
            .field("best", &self.best)
            .finish_non_exhaustive()
    }
}

/// From the worker; `Picture` is followed by its bytes as the body.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    Progress(Box<Progress>),
    Winners {
        revision: u64,
        winners: Vec<Winner>,
    },
    Picture {
        key: u64,
        kind: PictureKind,
    },
    /// The score over time.
    Curve(Vec<CurvePoint>),
    /// Everything was said.
    Finished,
}

impl Report {
    /// Whether pictures are being made, or this is one.
    pub(crate) fn is_saving(&self) -> bool {
        match self {
            Self::Progress(progress) => progress.saving,
            Self::Picture { .. } => true,
            _ => false,
        }
    }
}

/// A message without its body: lengths and header.
pub(crate) fn head<T: Serialize>(message: &T, body: usize) -> io::Result<Vec<u8>> {
    let header = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "message too long");
    let mut out = Vec::with_capacity(8 + header.len());
    out.extend(u32::try_from(header.len()).map_err(too_long)?.to_le_bytes());
    out.extend(u32::try_from(body).map_err(too_long)?.to_le_bytes());
    out.extend(header);
    Ok(out)
}

/// Lengths of header and body from a message's first eight bytes.
pub(crate) fn lengths(prefix: [u8; 8]) -> io::Result<(usize, usize)> {
    let both = u64::from_le_bytes(prefix);
    let (header, body) = ((both & 0xffff_ffff) as usize, (both >> 32) as usize);
    if header > MAX_HEADER || body > MAX_BODY {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message longer than any is",
        ));
    }
    Ok((header, body))
}

pub(crate) fn decode<T: DeserializeOwned>(header: &[u8]) -> io::Result<T> {
    postcard::from_bytes(header).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Reads one order; `None` where the parent is gone.
pub(crate) fn read_order(input: &mut impl Read) -> io::Result<Option<Order>> {
    let mut prefix = [0; 8];
    match input.read_exact(&mut prefix) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (header, body) = lengths(prefix)?;
    let mut bytes = vec![0; header + body];
    input.read_exact(&mut bytes)?;
    decode(&bytes[..header]).map(Some)
}

pub(crate) fn write(output: &mut impl Write, report: &Report, body: &[u8]) -> io::Result<()> {
    output.write_all(&head(report, body.len())?)?;
    output.write_all(body)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_pipe() {
        let bytes = head(&Order::Stop, 0).unwrap();
        let mut input = bytes.as_slice();
        assert!(matches!(read_order(&mut input).unwrap(), Some(Order::Stop)));
        assert!(read_order(&mut input).unwrap().is_none());
    }

    #[test]
    fn a_length_that_no_message_has_is_refused_before_memory_is_taken() {
        assert!(lengths([0xff; 8]).is_err());
        let mut long = 9_u32.to_le_bytes().to_vec();
        long.extend(u32::MAX.to_le_bytes());
        assert!(read_order(&mut long.as_slice()).is_err());
    }

    #[test]
    fn what_is_no_message_is_an_error_and_no_panic() {
        let mut rubbish = vec![3, 0, 0, 0, 0, 0, 0, 0];
        rubbish.extend([0xff, 0xff, 0xff]);
        assert!(read_order(&mut rubbish.as_slice()).is_err());
    }
}
