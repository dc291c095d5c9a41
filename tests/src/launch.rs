//! How `bestshot serve` is started for a test: on a free port, in a folder of its own,
//! with what the test says. Asking it is for `service`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use reqwest::{Client, header::HeaderMap, redirect};

use crate::{place, process::Process, service::Service};

/// How a service is started.
#[derive(Debug, Default)]
pub struct Launch {
    data: Option<PathBuf>,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    key: Option<String>,
    /// A file system of so many files for the data, on Linux with user namespaces.
    files: Option<u32>,
    log: Option<String>,
    port: u16,
}

impl Launch {
    /// As a newcomer starts it, on a free port and a new folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// In this folder, which outlives the service.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_owned());
        self
    }

    /// On this port, which an earlier service may have had.
    #[must_use]
    pub fn on_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// With further words on the command line.
    #[must_use]
    pub fn with(mut self, words: &[&str]) -> Self {
        self.words = words.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// With this variable in its environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asking for this key, which all requests but raw ones bring along.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// On a disk that holds so many files and folders: a file system of its own, which
    /// needs user namespaces.
    #[must_use]
    pub fn files(mut self, count: u32) -> Self {
        self.files = Some(count);
        self
    }

    /// With log lines of this level and above.
    #[must_use]
    pub fn logging(mut self, level: &str) -> Self {
        self.log = Some(level.to_owned());
        self
    }

    /// Starts it and waits until it listens.
    pub async fn start(self) -> Service {
        let folder = tempfile::tempdir().expect("a temporary folder can be had");
        let data = self.data.unwrap_or_else(|| folder.path().join("data"));
        let mut command = match self.files {
            None => program(),
            Some(count) => on_small_disk(&data, count),
        };
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port)]);
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.key {
            let file = folder.path().join("key");
            std::fs::write(&file, key).expect("a file can be written");
            command.arg("--api-key-file").arg(file);
            headers.insert("x-api-key", key.parse().expect("a key is a header's value"));
        }
        command
            .arg("--data-dir")
            .arg(&data)
            .args(self.words)
            .envs(self.environment)
            .current_dir(folder.path());
        if let Some(level) = self.log {
            command.env("BESTSHOT_LOG", level);
        }
        let mut process = Process::start("the service", &mut command);
        let said = "bestshot is listening on ";
        let url = process
            .line(|line| Some(line.split_once(said)?.1.trim().to_owned()))
            .await;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(90))
            .no_proxy()
            .default_headers(headers)
            .build()
            .expect("a client can be made");
        Service::listening(process, url, data, folder, client).await
    }
}

/// The program, with a new disk of so many files in this folder that it alone sees.
fn on_small_disk(folder: &Path, files: u32) -> Command {
    std::fs::create_dir_all(folder).expect("a folder can be made");
    let script =
        "mount -t tmpfs -o size=64m,nr_inodes=\"$1\" none \"$2\" && shift 2 && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(files.to_string())
        .arg(folder)
        .arg(place::binary());
    without_settings(&mut command);
    command
}

/// The program, free of what the caller's environment would tell it.
pub fn program() -> Command {
    let mut command = Command::new(place::binary());
    without_settings(&mut command);
    command
}

fn without_settings(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("BESTSHOT_") {
            command.env_remove(name);
        }
    }
}
