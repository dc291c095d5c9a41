//! From what libav returned, and what our own watch knows, to an error in the
//! words of a camera owner. Our own verdict counts first: libav reports a mute
//! camera as invalid data.

use std::{fmt, io, path::Path, time::Duration};

use ffmpeg_next::ffi;

use crate::{
    error::{AvError, Error, ErrorKind},
    log::Signals,
    url::RtspUrl,
    watch::{Verdict, Watch},
};

/// Why a camera could not be opened.
pub(crate) fn opening(name: &str, code: AvError, watch: &Watch, signals: &Signals) -> Error {
    if let Some(verdict) = watch.verdict() {
        let message = format!("{name} did not answer in time; is it a camera, and is it awake?");
        return own_verdict(name, verdict)
            .unwrap_or_else(|| Error::new(ErrorKind::Timeout, message))
            .with_source(code);
    }
    if signals.too_large() {
        return Error::new(
            ErrorKind::Limit,
            format!("{name} announced something larger than a camera sends"),
        )
        .with_source(code);
    }
    if signals.untrusted() {
        return Error::new(
            ErrorKind::Unsupported,
            format!(
                "{name}: nobody whom this machine trusts vouches for the camera's certificate, or \
                 it names another host; use the name that it was made for, or allow it unchecked \
                 (tls_insecure) where you trust the network"
            ),
        )
        .with_source(code);
    }
    let (kind, message) = match code.0 {
        ffi::AVERROR_HTTP_UNAUTHORIZED => (
            ErrorKind::Unauthorized,
            format!("{name} refused the user name or password"),
        ),
        ffi::AVERROR_HTTP_FORBIDDEN => (
            ErrorKind::Unauthorized,
            format!("{name} does not let this user see the stream"),
        ),
        ffi::AVERROR_HTTP_NOT_FOUND => (
            ErrorKind::NotFound,
            format!("the camera answers, but has no stream at {name}; check the path"),
        ),
        // It described its stream and refused to set it up so: 406, 454, or 400 from
        // some that mean 461.
        ffi::AVERROR_HTTP_OTHER_4XX | ffi::AVERROR_HTTP_BAD_REQUEST if signals.described() => {
            return Error::new(
                ErrorKind::Unsupported,
                format!("{name} refuses to send its video by this transport"),
            )
            .with_source(TransportRefused(code));
        }
        ffi::AVERROR_HTTP_OTHER_4XX | ffi::AVERROR_HTTP_BAD_REQUEST => (
            ErrorKind::Unsupported,
            format!("{name} refused the request for its stream"),
        ),
        ffi::AVERROR_HTTP_SERVER_ERROR => (
            ErrorKind::Unreachable,
            format!("{name}: the camera answers that it cannot serve the stream now"),
        ),
        ffi::AVERROR_EOF => (
            ErrorKind::Unreachable,
            format!("{name} closed the connection before it sent anything"),
        ),
        _ => return system(name, code).unwrap_or_else(|| in_between(name, code, signals)),
    };
    Error::new(kind, message).with_source(code)
}

/// libav tells a connection that ends within an answer from one that talks nonsense
/// by no code; what the camera has said so far does.
fn in_between(name: &str, code: AvError, signals: &Signals) -> Error {
    let (kind, message) = if !signals.spoke() {
        let mut message = format!("{name} closed the connection before it answered");
        if name.starts_with("rtsps:") {
            message += "; perhaps it does not speak TLS, or its certificate is not trusted";
        }
        (ErrorKind::Unreachable, message)
    } else if !signals.answered() {
        (
            ErrorKind::Corrupt,
            format!("{name} gave answers that are not RTSP"),
        )
    } else if signals.agreed_to_describe() && !signals.described() {
        (
            ErrorKind::Corrupt,
            format!("{name} describes no stream that can be understood"),
        )
    } else {
        (
            ErrorKind::Unreachable,
            format!("{name} broke off the connection while answering"),
        )
    };
    Error::new(kind, message).with_source(code)
}

/// What libav returned where another transport is worth a try.
#[derive(Debug)]
struct TransportRefused(AvError);

impl fmt::Display for TransportRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TransportRefused {}

/// Whether the camera refused the transport (461 and the like), not the request.
pub(crate) fn refused_transport(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<TransportRefused>)
}

/// Why a camera that refuses both transports cannot be read.
pub(crate) fn no_transport(url: &RtspUrl) -> Error {
    let message = format!("{url} refuses to send its video by TCP and by UDP");
    Error::new(ErrorKind::Unsupported, message)
}

/// Why a file could not be opened.
pub(crate) fn opening_file(name: &str, path: &Path, code: AvError, watch: &Watch) -> Error {
    if watch.verdict() == Some(Verdict::Stopped) {
        return Error::new(ErrorKind::Stopped, "stopped on request");
    }
    match std::fs::File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Error::new(
            ErrorKind::Unreachable,
            format!("{name}: there is no such file"),
        )
        .with_source(e),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Error::new(
            ErrorKind::Unauthorized,
            format!("{name}: the file may not be read"),
        )
        .with_source(e),
        Err(e) => {
            Error::new(ErrorKind::Unreachable, format!("{name} cannot be read")).with_source(e)
        }
        Ok(_) => Error::new(
            ErrorKind::Corrupt,
            format!("{name} is not a video that can be read"),
        )
        .with_source(code),
    }
}

/// Why a stream that was open cannot be read on.
pub(crate) fn reading(
    name: &str,
    code: AvError,
    watch: &Watch,
    started: bool,
    allowed: Option<Duration>,
) -> Error {
    if let Some(verdict) = watch.verdict() {
        let seconds = allowed.map_or(0.0, |d| d.as_secs_f64());
        let (kind, message) = if started {
            (
                ErrorKind::Stalled,
                format!("{name} stopped sending pictures {seconds:.0} s ago"),
            )
        } else {
            let message =
                format!("{name} opened its stream but sent no video within {seconds:.0} s");
            (ErrorKind::NoVideo, message)
        };
        return own_verdict(name, verdict)
            .unwrap_or_else(|| Error::new(kind, message))
            .with_source(code);
    }
    if code.0 == ffi::AVERROR_INVALIDDATA {
        return Error::new(
            ErrorKind::Corrupt,
            format!("{name} sends data that cannot be understood"),
        )
        .with_source(code);
    }
    Error::new(
        ErrorKind::Dropped,
        format!("{name} broke off the connection"),
    )
    .with_source(code)
}

/// What our own watch knows, but for a deadline, which the caller words.
fn own_verdict(name: &str, verdict: Verdict) -> Option<Error> {
    match verdict {
        Verdict::Stopped => Some(Error::new(
            ErrorKind::Stopped,
            format!("{name}: stopped on request"),
        )),
        Verdict::Redirected => Some(Error::new(
            ErrorKind::Redirected,
            format!(
                "{name} sends readers to another address, which is not followed; \
                 use the address it names, if you trust it"
            ),
        )),
        Verdict::Expired => None,
    }
}

/// Errors of the operating system under libav.
fn system(name: &str, code: AvError) -> Option<Error> {
    let number = ffi::AVUNERROR(code.0);
    if !(1..4096).contains(&number) {
        return None;
    }
    let error = io::Error::from_raw_os_error(number);
    let (kind, message) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            ErrorKind::Refused,
            format!("{name}: nothing listens at that port; check the port, and that RTSP is on"),
        ),
        io::ErrorKind::TimedOut => (ErrorKind::Timeout, format!("{name} did not answer in time")),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => (
            ErrorKind::Unreachable,
            format!("{name} broke off the connection while answering"),
        ),
        io::ErrorKind::OutOfMemory => (
            ErrorKind::Limit,
            format!("{name} announced something larger than a camera sends"),
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => (
            ErrorKind::Unreachable,
            format!("there is no way to {name} in this network"),
        ),
        _ if [
            ffmpeg_next::error::EPROTONOSUPPORT,
            ffmpeg_next::error::EPROTO,
        ]
        .contains(&number) =>
        {
            return Some(
                Error::new(
                    ErrorKind::Unsupported,
                    format!("{name} refuses to send its video by this transport"),
                )
                .with_source(TransportRefused(code)),
            );
        }
        _ => return None,
    };
    Some(Error::new(kind, message).with_source(code))
}
