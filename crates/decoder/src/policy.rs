//! Which addresses a camera may have. Pure: resolving happens elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The networks in which cameras may be.
///
/// Addresses that no camera has are always refused: unspecified, multicast,
/// broadcast and link-local ones (the last hold cloud metadata services). An
/// IPv4 address written inside an IPv6 one is judged as that IPv4 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPolicy {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    loopback: bool,
}

impl Default for AddressPolicy {
    /// Everything but what is always refused; loopback included, for a program
    /// that chooses its own cameras.
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            loopback: true,
        }
    }
}

/// Why an address is refused, in words for whoever typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressRefused {
    /// Unspecified, multicast or broadcast.
    #[error("{0} is not the address of a single camera")]
    NotAHost(IpAddr),
    /// 169.254.0.0/16 or fe80::/10.
    #[error("{0} is a link-local address, where this program never looks for cameras")]
    LinkLocal(IpAddr),
    /// This machine itself, where that is not allowed.
    #[error("{0} is this machine itself, where cameras are not allowed")]
    Loopback(IpAddr),
    /// In a network of the deny list.
    #[error("{0} is in a network that is closed to cameras here")]
    Denied(IpAddr),
    /// There is an allow list, and the address is in none of its networks.
    #[error("{0} is outside the networks in which cameras are allowed here")]
    NotAllowed(IpAddr),
}

impl AddressPolicy {
    /// Cameras in `allow` (anywhere, where it is empty) and not in `deny`;
    /// `loopback` says whether this machine may be one where `allow` is empty.
    pub fn new(allow: Vec<IpNet>, deny: Vec<IpNet>, loopback: bool) -> Self {
        Self {
            allow,
            deny,
            loopback,
        }
    }

    /// Judges one address.
    ///
    /// # Errors
    /// [`AddressRefused`] says which rule refuses it.
    pub fn check(&self, address: IpAddr) -> Result<(), AddressRefused> {
        let plain = embedded_v4(address);
        let contained = |nets: &[IpNet]| nets.iter().any(|n| n.contains(&plain));
        if is_no_host(plain) {
            return Err(AddressRefused::NotAHost(address));
        }
        if is_link_local(plain) {
            return Err(AddressRefused::LinkLocal(address));
        }
        if contained(&self.deny) {
            return Err(AddressRefused::Denied(address));
        }
        if plain.is_loopback() {
            // An allow list is all that is allowed.
            let open = self.loopback && self.allow.is_empty();
            return if open || contained(&self.allow) {
                Ok(())
            } else {
                Err(AddressRefused::Loopback(address))
            };
        }
        if !self.allow.is_empty() && !contained(&self.allow) {
            return Err(AddressRefused::NotAllowed(address));
        }
        Ok(())
    }
}

fn is_no_host(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            // 0.0.0.0/8 reaches this machine on Linux, whatever follows the 0.
            v4.octets()[0] == 0 || v4.is_multicast() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    }
}

/// The IPv4 address inside a mapped (RFC 4291), compatible, NAT64 (RFC 6052) or
/// 6to4 (RFC 3056) IPv6 address; any other address unchanged.
fn embedded_v4(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let s = v6.segments();
    let low = || Ipv4Addr::from((u32::from(s[6]) << 16) | u32::from(s[7]));
    match s {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => IpAddr::V4(low()),
        [0, 0, 0, 0, 0, 0, hi, _] if hi != 0 => IpAddr::V4(low()),
        [0x2002, a, b, ..] => IpAddr::V4(Ipv4Addr::from((u32::from(a) << 16) | u32::from(b))),
        _ => IpAddr::V6(Ipv6Addr::from(s)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &AddressPolicy, ip: &str) -> bool {
        policy.check(ip.parse().unwrap()).is_ok()
    }

    #[test]
    fn metadata_and_group_addresses_are_refused_however_they_are_written() {
        let all = AddressPolicy::new(vec!["0.0.0.0/0".parse().unwrap()], vec![], true);
        for ip in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "febf::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(!judge(&all, ip), "{ip}");
        }
    }

    #[test]
    fn loopback_needs_the_flag_or_an_allow_rule() {
        let closed = AddressPolicy::new(vec![], vec![], false);
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "::7f00:1",
        ] {
            assert!(!judge(&closed, ip), "{ip}");
        }
        assert!(judge(
            &AddressPolicy::new(vec![], vec![], true),
            "127.0.0.1"
        ));
        let named = AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()], vec![], false);
        assert!(judge(&named, "127.0.0.1"));
        let elsewhere = AddressPolicy::new(vec!["192.168.0.0/16".parse().unwrap()], vec![], true);
        assert!(
            !judge(&elsewhere, "127.0.0.1"),
            "an allow list is exhaustive"
        );
    }

    #[test]
    fn deny_is_stronger_than_allow_and_an_allow_list_is_exhaustive() {
        let policy = AddressPolicy::new(
            vec!["192.168.0.0/16".parse().unwrap()],
            vec!["192.168.9.0/24".parse().unwrap()],
            false,
        );
        assert!(judge(&policy, "192.168.1.20"));
        assert!(!judge(&policy, "192.168.9.20"));
        assert!(!judge(&policy, "10.0.0.1"));
        assert!(judge(&AddressPolicy::default(), "10.0.0.1"));
    }
}
