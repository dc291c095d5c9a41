//! What can be wrong with a camera's address, in the words of whoever typed it.

/// Why a text is not the address of an RTSP stream. Never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Nothing was given.
    #[error("the camera's address is missing; it looks like rtsp://192.168.1.20:554/stream")]
    Empty,
    /// No scheme, or not a URL at all.
    #[error("this is not a camera address; it should look like rtsp://192.168.1.20:554/stream")]
    NotAUrl,
    /// A scheme other than `rtsp` and `rtsps`.
    #[error("only rtsp:// and rtsps:// addresses are read, not other schemes")]
    Scheme,
    /// `rtsp:///path` and the like.
    #[error("the address names no host; it should look like rtsp://192.168.1.20:554/stream")]
    NoHost,
    /// The host holds characters that no host name has.
    #[error(
        "the host in the address is not valid; if the password holds any of / ? # @ : %, \
         give username and password in their own fields"
    )]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error(
        "the port in the address is not a number from 1 to 65535; if the password holds any of \
         / ? # @ : %, give username and password in their own fields"
    )]
    Port,
    /// White space or control characters.
    #[error("the address holds spaces or control characters; write a space as %20")]
    Characters,
    /// `#` after the host: no camera sees what follows.
    #[error(
        "the address holds a #; write it as %23, or give username and password in their own fields"
    )]
    Fragment,
    /// Longer than any camera's address.
    #[error("the address is longer than 2048 characters")]
    TooLong,
    /// User name and password do not fit into what libav can carry.
    #[error("user name and password together are longer than 126 bytes (escaped)")]
    CredentialsTooLong,
    /// Control characters in user name or password.
    #[error("user name and password cannot hold control characters")]
    CredentialCharacters,
    /// A password without a user name.
    #[error("there is a password but no user name")]
    NoUsername,
}
