//! From a host to the one address that is connected to: resolved once, within a
//! deadline, every answer judged by the policy before anything is sent to it.

use std::{
    net::{IpAddr, ToSocketAddrs},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind},
    policy::AddressPolicy,
    url::RtspUrl,
    watch::Stop,
};

/// The addresses of a camera that may be connected to, in the resolver's order.
pub(crate) fn resolve(
    url: &RtspUrl,
    policy: &AddressPolicy,
    deadline: Duration,
    stop: &Stop,
) -> Result<Vec<IpAddr>, Error> {
    let all = match url.host_address() {
        Some(address) => vec![address],
        None => look_up(url, deadline, stop)?,
    };
    let mut refused = None;
    let mut open = Vec::new();
    for address in all {
        match policy.check(address) {
            Ok(()) if open.contains(&address) => {}
            Ok(()) => open.push(address),
            Err(reason) => refused = Some(reason),
        }
    }
    match refused {
        Some(reason) if open.is_empty() => Err(Error::new(
            ErrorKind::Refused,
            format!("{url} was not contacted: {reason}"),
        )
        .with_source(reason)
        .lasting()),
        _ if open.is_empty() => Err(no_such_host(url)),
        _ => Ok(open),
    }
}

/// `getaddrinfo` cannot be interrupted, so it runs on a thread of its own that
/// is left behind when the deadline or the stop signal comes first.
fn look_up(url: &RtspUrl, deadline: Duration, stop: &Stop) -> Result<Vec<IpAddr>, Error> {
    let (sender, receiver) = mpsc::channel();
    let target = (url.host(), url.port());
    thread::Builder::new()
        .name("resolve".into())
        .spawn(move || {
            let found = target
                .to_socket_addrs()
                .map(|all| all.map(|a| a.ip()).collect());
            // Nobody listens any more once the deadline has passed.
            let _ = sender.send(found);
        })
        .map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                "no thread could be started to look up the host",
            )
            .with_source(e)
        })?;
    let give_up = Instant::now() + deadline;
    loop {
        let left = give_up.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left.min(Duration::from_millis(50))) {
            Ok(Ok(addresses)) => return Ok(addresses),
            Ok(Err(e)) => return Err(no_such_host(url).with_source(e).lasting()),
            Err(RecvTimeoutError::Disconnected) => return Err(no_such_host(url)),
            Err(RecvTimeoutError::Timeout) if stop.is_requested() => {
                return Err(Error::new(
                    ErrorKind::Stopped,
                    format!("{url}: stopped on request"),
                ));
            }
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                return Err(Error::new(
                    ErrorKind::Dns,
                    format!(
                        "the name {} was not resolved within {} s",
                        url.host(),
                        deadline.as_secs()
                    ),
                ));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn no_such_host(url: &RtspUrl) -> Error {
    Error::new(
        ErrorKind::Dns,
        format!(
            "the name {} is not known; check the host in the camera's address",
            url.host()
        ),
    )
}
