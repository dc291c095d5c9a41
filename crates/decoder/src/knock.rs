//! Whether a camera's port is open, without saying a word to it: to be back soon
//! when a camera that was away returns.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{policy::AddressPolicy, resolve::resolve, url::RtspUrl, watch::Stop};

/// Whether something accepts connections where the camera was: the host is looked
/// up, judged by `policy` and connected to within `patience`, and left again at
/// once. Costs the camera next to nothing, unlike a try to open its stream.
pub fn port_is_open(
    url: &RtspUrl,
    policy: &AddressPolicy,
    patience: Duration,
    stop: &Stop,
) -> bool {
    let Ok(addresses) = resolve(url, policy, patience, stop) else {
        return false;
    };
    let share = patience / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    addresses.into_iter().any(|ip| {
        let address = SocketAddr::new(ip, url.port());
        !stop.is_requested() && TcpStream::connect_timeout(&address, share).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_port_is_open_while_somebody_listens() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = RtspUrl::parse(&format!("rtsp://127.0.0.1:{port}/x")).unwrap();
        let ask = || {
            let patience = Duration::from_secs(1);
            port_is_open(&url, &AddressPolicy::default(), patience, &Stop::new())
        };
        assert!(ask());
        drop(listener);
        assert!(!ask());
    }
}
