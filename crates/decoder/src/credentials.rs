//! User name and password, and how they stand in a URL. Never printed.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::url_error::UrlError;

/// libav keeps user information in a buffer of this many bytes and cuts what
/// does not fit without a word, so we refuse it instead.
const MAX_ESCAPED: usize = 127;

/// What must be escaped so that libav splits the URL where we do. No more,
/// because its buffer is short.
const PASSWORD: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'/')
    .add(b'?')
    .add(b'#')
    .add(b'@')
    .add(b'%');
const USERNAME: &AsciiSet = &PASSWORD.add(b':');

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    pub(crate) fn new(username: &str, password: &str) -> Result<Self, UrlError> {
        if username.is_empty() {
            return Err(UrlError::NoUsername);
        }
        if username
            .chars()
            .chain(password.chars())
            .any(char::is_control)
        {
            return Err(UrlError::CredentialCharacters);
        }
        let credentials = Self {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        if credentials.escaped().len() > MAX_ESCAPED {
            return Err(UrlError::CredentialsTooLong);
        }
        Ok(credentials)
    }

    /// From the part of a URL before the `@`.
    pub(crate) fn parse(user_information: &str) -> Result<Self, UrlError> {
        let (username, password) = user_information
            .split_once(':')
            .unwrap_or((user_information, ""));
        Self::new(&decode(username)?, &decode(password)?)
    }

    /// `user:password`. The colon is always there: without one libav sends no
    /// credentials at all.
    pub(crate) fn escaped(&self) -> String {
        let username = utf8_percent_encode(&self.username, USERNAME);
        let password = utf8_percent_encode(&self.password, PASSWORD);
        format!("{username}:{password}")
    }
}

/// A `%` that starts no escape stands for itself, as people type passwords.
fn decode(text: &str) -> Result<String, UrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| UrlError::CredentialCharacters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_printable_password_survives_escaping() {
        for password in ["p@ss:w/o?r#d%41 ü", "%", "100%25", ":", "@@", "a b", ""] {
            let credentials = Credentials::new("us:er@", password).unwrap();
            assert!(
                Credentials::parse(&credentials.escaped()).unwrap() == credentials,
                "{password}"
            );
        }
    }

    #[test]
    fn what_libav_would_cut_is_refused() {
        assert!(Credentials::new("u", &"p".repeat(125)).is_ok());
        let error = Credentials::new("u", &"p".repeat(126)).err();
        assert_eq!(error, Some(UrlError::CredentialsTooLong));
        assert!(Credentials::new("u", &"/".repeat(42)).is_err());
        // Everything that is not ASCII takes six bytes or more when escaped.
        assert!(Credentials::new("u", &"ü".repeat(22)).is_err());
    }
}
