//! Who may read: user name and password, exactly, as Basic (RFC 7617) or Digest
//! (RFC 2617 without `qop`, as cameras ask for it). Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};

const REALM: &str = "fault camera";
const NONCE: &str = "5ca1ab1e0ddba11c0ffee";

/// How a reader proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// By telling the password.
    Basic,
    /// By telling what only somebody who knows it can compute.
    Digest,
}

/// What a camera asks its readers for.
#[derive(Clone, Debug)]
pub struct Lock {
    /// How.
    pub scheme: Scheme,
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Lock {
    /// The header that asks.
    pub(crate) fn challenge(&self) -> String {
        match self.scheme {
            Scheme::Basic => basic_challenge(),
            Scheme::Digest => format!("Digest realm=\"{REALM}\", nonce=\"{NONCE}\""),
        }
    }

    /// Whether this is the `Authorization` of the user for this request.
    pub(crate) fn opens(&self, method: &str, url: &str, authorization: Option<&str>) -> bool {
        let Some((scheme, rest)) = authorization.and_then(|all| all.split_once(' ')) else {
            return false;
        };
        match self.scheme {
            Scheme::Basic => {
                let told = STANDARD.decode(rest.trim()).unwrap_or_default();
                scheme == "Basic" && told == format!("{}:{}", self.user, self.password).as_bytes()
            }
            Scheme::Digest => scheme == "Digest" && self.digest_fits(method, url, rest),
        }
    }

    fn digest_fits(&self, method: &str, url: &str, fields: &str) -> bool {
        let field = |name: &str| quoted(fields, name).unwrap_or_default();
        let secret = md5(&format!("{}:{REALM}:{}", self.user, self.password));
        let request = md5(&format!("{method}:{}", field("uri")));
        field("username") == self.user
            && field("realm") == REALM
            && field("nonce") == NONCE
            && url.trim_end_matches('/') == field("uri").trim_end_matches('/')
            && field("response") == md5(&format!("{secret}:{NONCE}:{request}"))
    }
}

/// What a 401 says where nothing would open.
pub(crate) fn basic_challenge() -> String {
    format!("Basic realm=\"{REALM}\"")
}

/// The value of `name="value"` in a list of such fields.
fn quoted<'a>(fields: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("{name}=\"");
    let at = fields.find(&start)?;
    fields[at + start.len()..].split('"').next()
}

fn md5(text: &str) -> String {
    let digits = |byte: &u8| {
        let digit = |n: u8| char::from_digit(u32::from(n), 16).expect("half a byte");
        [digit(byte >> 4), digit(byte & 15)]
    };
    Md5::digest(text.as_bytes())
        .iter()
        .flat_map(digits)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(scheme: Scheme) -> Lock {
        Lock {
            scheme,
            user: "Mufasa".into(),
            password: "Circle Of Life".into(),
        }
    }

    #[test]
    fn basic_wants_name_and_password_exactly() {
        let lock = lock(Scheme::Basic);
        let opens = |text: &str| {
            let told = format!("Basic {}", STANDARD.encode(text));
            lock.opens("DESCRIBE", "rtsp://x/", Some(&told))
        };
        assert!(opens("Mufasa:Circle Of Life"));
        assert!(!opens("Mufasa:circle of life") && !opens("Mufasa:Circle Of Life "));
        assert!(!lock.opens("DESCRIBE", "rtsp://x/", None));
    }

    #[test]
    fn digest_is_the_one_of_rfc_2617() {
        // The example of section 3.5, computed without `qop`.
        let secret = md5("Mufasa:testrealm@host.com:Circle Of Life");
        assert_eq!(secret, "939e7578ed9e3c518a452acee763bce9");
        let lock = lock(Scheme::Digest);
        let answer = |password: &str| {
            let secret = md5(&format!("Mufasa:{REALM}:{password}"));
            let response = md5(&format!("{secret}:{NONCE}:{}", md5("PLAY:rtsp://x/cam")));
            format!(
                "Digest username=\"Mufasa\", realm=\"{REALM}\", nonce=\"{NONCE}\", \
                 uri=\"rtsp://x/cam\", response=\"{response}\""
            )
        };
        assert!(lock.opens("PLAY", "rtsp://x/cam", Some(&answer("Circle Of Life"))));
        assert!(!lock.opens("PLAY", "rtsp://x/cam", Some(&answer("circle"))));
        assert!(!lock.opens("SETUP", "rtsp://x/cam", Some(&answer("Circle Of Life"))));
        assert!(!lock.opens("PLAY", "rtsp://x/other", Some(&answer("Circle Of Life"))));
    }
}
