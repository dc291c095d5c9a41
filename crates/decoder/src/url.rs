//! A camera's address, checked once and never printed with its secrets.
//! Resolving the host and talking to it happen elsewhere.

use std::{
    fmt,
    hash::{Hash, Hasher},
    net::IpAddr,
    str::FromStr,
};

use crate::{credentials::Credentials, redact::redact_path, url_error::UrlError};

pub(crate) const MAX_URL: usize = 2048;

/// The address of an RTSP stream: `rtsp://[user[:password]@]host[:port]/path`.
///
/// `Display` and `Debug` leave out the credentials and anything in the path or
/// query that looks like a password or like the rest of one; two URLs are equal when they name the same
/// stream of the same camera, whoever asks.
///
/// ```
/// let url = bestshot_decoder::RtspUrl::parse("rtsp://admin:s3cret@192.168.1.20/live")?;
/// assert_eq!(url.to_string(), "rtsp://192.168.1.20/live");
/// # Ok::<_, bestshot_decoder::UrlError>(())
/// ```
#[derive(Clone)]
pub struct RtspUrl {
    secure: bool,
    host: Host,
    port: Option<u16>,
    /// Path and query as they go to the camera, beginning with `/` or empty.
    path: String,
    credentials: Option<Credentials>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Host {
    Name(String),
    Address(IpAddr),
}

impl RtspUrl {
    /// Reads and checks an address; nothing is resolved or contacted.
    ///
    /// # Errors
    /// [`UrlError`] says what to mend, without quoting the text.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.len() > MAX_URL {
            return Err(UrlError::TooLong);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(UrlError::Characters);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UrlError::NotAUrl)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "rtsp" => false,
            "rtsps" => true,
            s if is_scheme(s) && !looks_like_host(s, rest) => return Err(UrlError::Scheme),
            _ => return Err(UrlError::NotAUrl),
        };
        let rest = rest.strip_prefix("//").ok_or(UrlError::NoHost)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user_information, host_port) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (host, port) = split_port(host_port)?;
        if path.contains('#') {
            return Err(UrlError::Fragment);
        }
        let path = if path.starts_with('?') {
            format!("/{path}")
        } else {
            path.to_owned()
        };
        let url = Self {
            secure,
            host,
            port,
            path,
            credentials: None,
        };
        match user_information {
            Some(text) => Self {
                credentials: Some(Credentials::parse(text)?),
                ..url
            },
            None => url,
        }
        .fitting()
    }

    /// The same stream with these credentials, in which no character needs
    /// escaping. An empty user name and password take the credentials away.
    ///
    /// # Errors
    /// [`UrlError`] where libav could not carry them unharmed.
    pub fn with_credentials(mut self, username: &str, password: &str) -> Result<Self, UrlError> {
        self.credentials = match (username, password) {
            ("", "") => None,
            (username, password) => Some(Credentials::new(username, password)?),
        };
        self.fitting()
    }

    /// Another process takes no longer address than this one, and escaping makes
    /// some longer.
    fn fitting(self) -> Result<Self, UrlError> {
        if self.expose().len() > MAX_URL {
            return Err(UrlError::TooLong);
        }
        Ok(self)
    }

    /// Whether it is `rtsps`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host name or address, without brackets.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(ip) => ip.to_string(),
        }
    }

    /// The address, where the host was written as one.
    pub fn host_address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Address(ip) => Some(ip),
            Host::Name(_) => None,
        }
    }

    /// The port, 554 (322 for `rtsps`) where none was given.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 322 } else { 554 })
    }

    /// Whether a user name was given.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The whole URL **with its credentials**, escaped, for handing a job to
    /// another process. Never log or show it.
    pub fn expose(&self) -> String {
        self.assemble(&bracketed(&self.host), self.port)
    }

    /// The URL for libav: the host replaced by the address that was checked, so
    /// that a second look-up cannot lead elsewhere. Holds credentials.
    pub(crate) fn expose_at(&self, address: IpAddr) -> String {
        self.assemble(&bracketed(&Host::Address(address)), Some(self.port()))
    }

    fn assemble(&self, host: &str, port: Option<u16>) -> String {
        let user = self
            .credentials
            .as_ref()
            .map(|c| c.escaped() + "@")
            .unwrap_or_default();
        let port = port.map(|p| format!(":{p}")).unwrap_or_default();
        format!("{}://{user}{host}{port}{}", self.scheme(), self.path)
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "rtsps" } else { "rtsp" }
    }
}

/// `camera.local:554/x` reads as a scheme and a rest; tell it from `http:`.
fn looks_like_host(scheme: &str, rest: &str) -> bool {
    scheme.contains('.') || rest.starts_with(|c: char| c.is_ascii_digit())
}

fn is_scheme(s: &str) -> bool {
    s.starts_with(|c: char| c.is_ascii_alphabetic())
        && s.chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn split_port(host_port: &str) -> Result<(Host, Option<u16>), UrlError> {
    let (host, port) = if let Some(rest) = host_port.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or(UrlError::Host)?;
        let ip = inside.parse().map_err(|_| UrlError::Host)?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(port),
            None if after.is_empty() => None,
            None => return Err(UrlError::Host),
        };
        (Host::Address(IpAddr::V6(ip)), port)
    } else {
        let (name, port) = match host_port.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host_port, None),
        };
        (host_name(name)?, port)
    };
    match port {
        None | Some("") => Ok((host, None)),
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => match text.parse() {
            Ok(0) | Err(_) => Err(UrlError::Port),
            Ok(port) => Ok((host, Some(port))),
        },
        Some(_) => Err(UrlError::Port),
    }
}

fn host_name(name: &str) -> Result<Host, UrlError> {
    if name.is_empty() {
        return Err(UrlError::NoHost);
    }
    // `url` knows IDNA and the odd spellings of IPv4 (0x7f.1) that resolvers accept.
    match url::Host::parse(name).map_err(|_| UrlError::Host)? {
        url::Host::Ipv4(ip) => Ok(Host::Address(IpAddr::V4(ip))),
        url::Host::Ipv6(ip) => Ok(Host::Address(IpAddr::V6(ip))),
        url::Host::Domain(domain) => {
            let fits = domain
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
            if fits {
                Ok(Host::Name(domain))
            } else {
                Err(UrlError::Host)
            }
        }
    }
}

fn bracketed(host: &Host) -> String {
    match host {
        Host::Address(IpAddr::V6(ip)) => format!("[{ip}]"),
        Host::Address(ip) => ip.to_string(),
        Host::Name(name) => name.clone(),
    }
}

impl FromStr for RtspUrl {
    type Err = UrlError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl fmt::Display for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), bracketed(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&redact_path(&self.path))
    }
}

impl fmt::Debug for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RtspUrl({self})")
    }
}

impl PartialEq for RtspUrl {
    fn eq(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.host == other.host
            && self.port() == other.port()
            && self.path == other.path
    }
}

impl Eq for RtspUrl {}

impl Hash for RtspUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.secure, &self.host, self.port(), &self.path).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RtspUrl {
        RtspUrl::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn what_is_no_camera_address_is_told_in_one_sentence() {
        for (text, error) in [
            ("", UrlError::Empty),
            ("  ", UrlError::Empty),
            ("camera", UrlError::NotAUrl),
            ("192.168.1.20:554/live", UrlError::NotAUrl),
            ("camera.local:554/live", UrlError::NotAUrl),
            ("http://host/x", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("concat:a|b", UrlError::Scheme),
            ("rtsp:", UrlError::NoHost),
            ("rtsp:///live", UrlError::NoHost),
            ("rtsp://:554/live", UrlError::NoHost),
            ("rtsp://user:pass@/live", UrlError::NoHost),
            ("rtsp://host:0/", UrlError::Port),
            ("rtsp://host:65536/", UrlError::Port),
            ("rtsp://host:+1/", UrlError::Port),
            ("rtsp://u:pa#ss@host/", UrlError::Port),
            ("rtsp://[::1/", UrlError::Host),
            ("rtsp://ho|st/", UrlError::Host),
            ("rtsp://host/a b", UrlError::Characters),
            ("rtsp://host/a#b", UrlError::Fragment),
            ("rtsp://:secret@host/", UrlError::NoUsername),
        ] {
            assert_eq!(RtspUrl::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn credentials_are_never_printed() {
        for text in [
            "rtsp://u:canary@h:8554/a?b=1",
            "rtsp://u:c@canary@h:8554/a?b=1",
        ] {
            let url = parse(text);
            assert_eq!(url.to_string(), "rtsp://h:8554/a?b=1");
            assert!(!format!("{url:?}").contains("canary"));
        }
        let in_path = parse("rtsp://h/user=admin_password=canary_channel=1_stream=0.sdp");
        assert!(!in_path.to_string().contains("canary"));
        let in_query = parse("rtsp://h/live?user=admin&pwd=canary&channel=1");
        assert!(!in_query.to_string().contains("canary"));
        assert!(in_query.expose().contains("canary"));
    }

    #[test]
    fn credentials_survive_the_way_to_another_process() {
        let url = parse("rtsp://h/x")
            .with_credentials("us:er@", "p@ss:w/o?r#d%41 ü")
            .unwrap();
        assert_eq!(parse(&url.expose()).expose(), url.expose());
        assert_eq!(url.with_credentials("", "").unwrap().expose(), "rtsp://h/x");
    }

    #[test]
    fn the_rest_of_a_password_typed_with_a_slash_is_not_shown() {
        for text in ["rtsp://admin:12/canary@h/x", "rtsp://admin:/canary@h/x"] {
            assert!(!parse(text).to_string().contains("canary"), "{text}");
        }
        assert_eq!(parse("rtsp://h/cam@1").to_string(), "rtsp://h/***@1");
    }

    #[test]
    fn what_would_grow_too_long_for_the_way_is_refused_at_once() {
        let long = format!("rtsp://h/{}", "a".repeat(MAX_URL - 10));
        let error = parse(&long).with_credentials("u", "p").unwrap_err();
        assert_eq!(error, UrlError::TooLong);
        let grows = format!("rtsp://ü@h?{}", "a".repeat(MAX_URL - 12));
        assert_eq!(grows.len(), MAX_URL);
        assert_eq!(RtspUrl::parse(&grows).unwrap_err(), UrlError::TooLong);
    }

    #[test]
    fn the_same_stream_is_equal_whoever_asks() {
        assert_eq!(parse("rtsp://a:b@h/x"), parse("rtsp://h:554/x"));
        assert_ne!(parse("rtsp://h/x"), parse("rtsp://h/y"));
        assert_ne!(parse("rtsp://h/x"), parse("rtsps://h/x"));
        assert_eq!(parse("RTSP://CAM.local/x"), parse("rtsp://cam.local/x"));
    }

    #[test]
    fn odd_spellings_of_an_address_are_the_address() {
        for text in ["rtsp://0x7f.1/", "rtsp://2130706433/", "rtsp://127.1:554/"] {
            assert_eq!(
                parse(text).host_address(),
                Some("127.0.0.1".parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(parse("rtsp://[::1]:99/x").expose(), "rtsp://[::1]:99/x");
        assert_eq!(
            parse("rtsp://cam/x").expose_at("fd00::5".parse().unwrap()),
            "rtsp://[fd00::5]:554/x"
        );
    }
}
