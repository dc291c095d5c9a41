//! A network camera that GStreamer serves: `camera/camera.py`, run by Debian's
//! own Python, which has the bindings.

use std::process::Command;

use crate::{place, process::Process};

/// What a camera asks its readers for.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// `basic`, `digest` or `both`.
    pub method: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
}

/// A camera with one or more paths, on a port of its own.
#[derive(Debug)]
pub struct Camera {
    process: Process,
    port: u16,
    /// As PEM, where it speaks TLS.
    certificate: Option<String>,
}

impl Camera {
    /// Serves the mounts, each `/path=CLIP[,setting=value…]` with a clip's file
    /// name, `audio`, `opus` or `mute`; `camera.py --help` tells the settings.
    pub async fn with(mounts: &[&str]) -> Self {
        Self::start(mounts, 0, None, false).await
    }

    /// The same over TLS, with a certificate of its own.
    pub async fn secure(mounts: &[&str]) -> Self {
        Self::start(mounts, 0, None, true).await
    }

    /// The same on this port, which an earlier camera may have had.
    pub async fn on_port(port: u16, mounts: &[&str]) -> Self {
        Self::start(mounts, port, None, false).await
    }

    /// The same for those only who log in.
    pub async fn with_login(login: Login<'_>, mounts: &[&str]) -> Self {
        Self::start(mounts, 0, Some(login), false).await
    }

    async fn start(mounts: &[&str], port: u16, login: Option<Login<'_>>, tls: bool) -> Self {
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(place::workspace().join("tests/camera/camera.py"))
            .args(["--port", &port.to_string()]);
        for mount in mounts {
            command.arg("--mount").arg(with_path(mount));
        }
        if tls {
            command.arg("--tls");
        }
        if let Some(login) = login {
            command
                .args(["--auth", login.method])
                .env("BESTSHOT_CAMERA_USER", login.user)
                .env("BESTSHOT_CAMERA_PASSWORD", login.password);
        }
        let mut process = Process::start("the camera", &mut command);
        let (port, certificate) = process
            .line(|line| {
                let ready: serde_json::Value = serde_json::from_str(line).ok()?;
                let certificate = ready["certificate"].as_str().map(str::to_owned);
                Some((u16::try_from(ready["port"].as_u64()?).ok()?, certificate))
            })
            .await;
        Self {
            process,
            port,
            certificate,
        }
    }

    /// The address of one of its paths.
    pub fn url(&self, path: &str) -> String {
        let scheme = self.certificate.as_ref().map_or("rtsp", |_| "rtsps");
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// Its certificate as PEM, made for `localhost`, by which alone it is vouched for.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("it speaks TLS")
    }

    /// The address with a user name and a password in it, as they are: whoever
    /// calls escapes them.
    pub fn url_for(&self, user: &str, password: &str, path: &str) -> String {
        format!("rtsp://{user}:{password}@127.0.0.1:{}{path}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Pulls its plug. The port can be had again.
    pub fn unplug(mut self) {
        self.process.kill();
    }
}

/// The mount with the whole path of its clip.
fn with_path(mount: &str) -> String {
    let (path, rest) = mount.split_once('=').expect("a mount is /path=CLIP");
    let (source, settings) = match rest.split_once(',') {
        Some((source, settings)) => (source, format!(",{settings}")),
        None => (rest, String::new()),
    };
    if ["audio", "opus", "mute"].contains(&source) {
        return mount.to_owned();
    }
    format!("{path}={}{settings}", place::clip(source).display())
}
