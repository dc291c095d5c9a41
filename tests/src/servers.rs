//! RTSP servers of other makers, playing our clips: oddity-rtsp-server (TCP only,
//! joined in mid-stream), rtsp-streaming-server (UDP only, fed by ffmpeg) and VLC
//! (UDP only). `cargo xtask setup` fetches them; none is part of this repository.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{place, process::Process, wait::eventually};

const HOST: &str = "127.0.0.1";
/// The one path of those that serve one clip.
const PATH: &str = "/cam";
/// After this a server that has not described its video is asked again.
const ANSWER: Duration = Duration::from_secs(1);

/// oddity-rtsp-server, which plays one clip round and round from the moment it
/// starts; readers join wherever it is.
#[derive(Debug)]
pub struct Oddity {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Oddity {
    /// Plays one of the clips that set-up makes.
    pub async fn playing(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be had");
        let config = folder.path().join("oddity.yaml");
        let port = free_port();
        // JSON is YAML too, and quotes any path.
        let media = serde_json::json!({
            "server": { "host": HOST, "port": port },
            "media": [{
                "name": "street", "path": PATH, "kind": "file", "source": place::clip(name),
            }],
        });
        fs::write(&config, media.to_string()).expect("a temporary file can be written");
        let mut command = Command::new(place::server("bin/oddity-rtsp-server"));
        let process = Process::start(
            "oddity-rtsp-server",
            command.arg(&config).env("LOG", "info"),
        );
        until_described(port, PATH).await;
        Self {
            _process: process,
            _folder: folder,
            port,
        }
    }

    /// The address of the clip.
    pub fn url(&self) -> String {
        url(self.port, PATH)
    }

    /// The address of another path, which it does not have.
    pub fn url_of(&self, path: &str) -> String {
        url(self.port, path)
    }
}

/// rtsp-streaming-server, which hands on what a feeder sends to it.
#[derive(Debug)]
pub struct Relay {
    _process: Process,
    publish: u16,
    port: u16,
}

impl Relay {
    /// Starts it with nothing to hand on.
    pub async fn start() -> Self {
        let folder = place::workspace().join("tests/servers/rtsp-streaming-server");
        let installed = place::server("rtsp-streaming-server");
        let mut command = Command::new("node");
        command.arg(folder.join("serve.js")).arg(installed);
        let mut process = Process::start("rtsp-streaming-server", &mut command);
        let (publish, port) = process
            .line(|line| {
                let ready: Value = serde_json::from_str(line).ok()?;
                let port = |name: &str| u16::try_from(ready[name].as_u64()?).ok();
                Some((port("publish")?, port("read")?))
            })
            .await;
        Self {
            _process: process,
            publish,
            port,
        }
    }

    /// Feeds one of its paths with a clip, round and round, until the feeder is
    /// killed or dropped; returns when the first frame is on its way.
    pub async fn feed(&self, path: &str, name: &str) -> Feeder {
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-v", "error", "-progress", "pipe:1", "-re"])
            .args(["-stats_period", "3600", "-stream_loop", "-1", "-i"])
            .arg(place::clip(name))
            .args(["-map", "0:v:0", "-c", "copy", "-f", "rtsp"])
            .args(["-rtsp_transport", "udp", &url(self.publish, path)]);
        let mut process = Process::start("ffmpeg", &mut command);
        process
            .line(|line| {
                line.strip_prefix("frame=")
                    .filter(|count| *count != "0")
                    .map(drop)
            })
            .await;
        Feeder(process)
    }

    /// The address of what it hands on at one of its paths.
    pub fn url(&self, path: &str) -> String {
        url(self.port, path)
    }
}

/// The ffmpeg that feeds a [`Relay`].
#[derive(Debug)]
pub struct Feeder(Process);

impl Feeder {
    /// Ends it without a farewell: the relay goes on as if it were there.
    pub fn kill(mut self) {
        self.0.kill();
    }
}

/// VLC, which plays one clip round and round.
#[derive(Debug)]
pub struct Vlc {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Vlc {
    /// Plays one of the clips that set-up makes.
    pub async fn playing(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be had");
        let clip = for_anyone(folder.path(), name);
        let port = free_port();
        let mut command = as_nobody("vlc");
        command
            .args([
                "--intf",
                "dummy",
                "--no-audio",
                "--loop",
                "--rtsp-host",
                HOST,
            ])
            .arg("--sout")
            .arg(format!("#rtp{{sdp={}}}", url(port, PATH)))
            .arg("--sout-keep")
            .arg(clip)
            .env("HOME", folder.path());
        let process = Process::start("vlc", &mut command);
        until_described(port, PATH).await;
        Self {
            _process: process,
            _folder: folder,
            port,
        }
    }

    /// The address of the clip.
    pub fn url(&self) -> String {
        url(self.port, PATH)
    }
}

fn url(port: u16, path: &str) -> String {
    format!("rtsp://{HOST}:{port}{path}")
}

/// A port that was free a moment ago, for servers that must be told one: none that
/// the system gives to whoever asks for any (32768 and above), so that nobody else
/// gets it meanwhile.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Other test programs begin elsewhere.
    let begin = std::process::id().wrapping_mul(2_654_435_761) >> 18;
    let begin = u16::try_from(begin).expect("14 bits");
    let mut places = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed)).take(1_000);
    let port = places.find_map(|place| {
        let port = 12_000 + (begin + place) % 16_384;
        TcpListener::bind((HOST, port)).ok().map(|_| port)
    });
    port.expect("one port of a thousand is free")
}

/// Waits until a server describes a video.
async fn until_described(port: u16, path: &str) {
    let url = url(port, path);
    let request = format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n");
    eventually(&format!("a video at {url}"), async || {
        let answer = timeout(ANSWER, ask(port, &request)).await;
        answer.ok()?.then_some(())
    })
    .await;
}

/// Whether the answer to a DESCRIBE names a video. A server that says no may leave
/// the connection open, and then this waits on.
async fn ask(port: u16, request: &str) -> bool {
    let Ok(mut peer) = TcpStream::connect((HOST, port)).await else {
        return false;
    };
    let mut heard = Vec::new();
    let mut sent = peer.write_all(request.as_bytes()).await.map(|()| 1);
    while matches!(sent, Ok(n) if n > 0) {
        sent = peer.read_buf(&mut heard).await;
        if String::from_utf8_lossy(&heard).contains("m=video") {
            return true;
        }
    }
    false
}

/// A command that root runs as the user nobody: VLC does not run as root.
fn as_nobody(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        .arg(program);
    command
}

/// Copies a clip into `folder`, which others may then enter and write into.
fn for_anyone(folder: &Path, name: &str) -> PathBuf {
    let copy = folder.join(name);
    fs::copy(place::clip(name), &copy).expect("a clip can be copied");
    for (path, mode) in [(folder, 0o777), (&copy, 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    copy
}
