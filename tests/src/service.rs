//! `bestshot serve`, running for one test, and asked over HTTP. Every answer is checked
//! for what all promise. How it is started is in `launch`.

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Mutex,
};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    answer::Answer, document::Document, launch::Launch, process, process::Process, wait::eventually,
};

/// A running service. Dropping it kills it.
#[derive(Debug)]
pub struct Service {
    process: Process,
    url: String,
    data: PathBuf,
    _folder: TempDir,
    client: Client,
    document: Document,
    seen: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Service {
    /// One that listens at this address.
    pub(crate) async fn listening(
        process: Process,
        url: String,
        data: PathBuf,
        folder: TempDir,
        client: Client,
    ) -> Self {
        let mut service = Self {
            process,
            url,
            data,
            _folder: folder,
            client,
            document: Document(Value::Null),
            seen: Mutex::default(),
        };
        service.document = Document(service.get("/openapi.json").await.expect(200).json());
        service
    }

    /// Starts one as a newcomer does.
    pub async fn start() -> Self {
        Launch::new().start().await
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its address and port.
    pub fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Its folder of galleries.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The document that it serves.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The processes that read cameras for it.
    pub fn workers(&self) -> Vec<u32> {
        process::descendants(self.pid())
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub async fn terminate(mut self) -> ExitStatus {
        self.process.terminate();
        self.process.ended().await
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// Every answer so far: what was asked, and the answer's head and body.
    pub fn seen(&self) -> Vec<(String, Vec<u8>)> {
        self.seen.lock().expect("no sender panics").clone()
    }

    /// A request that can be added to before it is sent.
    pub fn request(&self, method: Method, target: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{target}", self.url))
    }

    /// Sends a request and checks the answer for what all promise.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("the request is sound");
        let url = request.url();
        let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
        let target = format!("{}{query}", url.path());
        let method = request.method().clone();
        let told = format!("{method} {target}");
        let response = self.client.execute(request).await;
        let response = response.unwrap_or_else(|error| panic!("{told} got no answer: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await;
        let body = body.unwrap_or_else(|error| panic!("{told} broke off: {error:?}"));
        let answer = Answer {
            method,
            target,
            status,
            headers,
            body: body.to_vec(),
        };
        let mut whole = format!("{:?}\n", answer.headers).into_bytes();
        whole.extend(&answer.body);
        self.seen
            .lock()
            .expect("no sender panics")
            .push((told, whole));
        answer.check();
        self.document.check(&answer);
        answer
    }

    /// GET.
    pub async fn get(&self, target: &str) -> Answer {
        self.send(self.request(Method::GET, target)).await
    }

    /// GET with an `Accept` header.
    pub async fn get_as(&self, target: &str, accept: &str) -> Answer {
        let request = self.request(Method::GET, target);
        self.send(request.header("Accept", accept)).await
    }

    /// POST without a body.
    pub async fn post(&self, target: &str) -> Answer {
        self.send(self.request(Method::POST, target)).await
    }

    /// POST with a JSON body.
    pub async fn post_json(&self, target: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, target).json(body))
            .await
    }

    /// Sends bytes as they are on a connection of their own, and gives the whole
    /// answer as text. The last request in them must say `Connection: close`.
    pub async fn raw(&self, request: &[u8]) -> String {
        let stream = TcpStream::connect(self.authority()).await;
        let (mut reader, mut writer) = stream.expect("the service listens").into_split();
        let mut answer = Vec::new();
        let (sent, received) =
            tokio::join!(writer.write_all(request), reader.read_to_end(&mut answer));
        received.expect("the answer comes whole");
        // The service may have heard enough before the end.
        drop(sent);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Starts a session on a camera, waits for its first frame, and gives its id.
    pub async fn begin(&self, rtsp_url: &str) -> String {
        self.begin_with(rtsp_url, json!({})).await
    }

    /// The same with further start options.
    pub async fn begin_with(&self, rtsp_url: &str, mut options: Value) -> String {
        options["rtsp_url"] = rtsp_url.into();
        options["wait"] = 30.into();
        let reply = self.post_json("/start", &options).await.expect(200);
        let session = &reply.json()["session"];
        assert!(
            session["stats"]["frames_scored"].as_u64() > Some(0),
            "no frame was scored in time: {}",
            reply.told()
        );
        session["id"].as_str().expect("a session has an id").into()
    }

    /// A session as the service shows it.
    pub async fn session(&self, id: &str) -> Value {
        self.get(&format!("/v1/sessions/{id}"))
            .await
            .expect(200)
            .json()
    }

    /// The frames of a session.
    pub async fn frames(&self, id: &str) -> Vec<Value> {
        let answer = self.get(&format!("/v1/sessions/{id}/frames")).await;
        let list = answer.expect(200).json();
        list["items"].as_array().expect("items are a list").clone()
    }

    /// Waits until a session is in one of these states, and shows it. One that is
    /// over by itself is stopped too, which answers when all is on the disk.
    pub async fn until(&self, id: &str, states: &[&str]) -> Value {
        let session = eventually(&format!("{id} being {states:?}"), async || {
            let session = self.session(id).await;
            let state = session["state"].as_str().unwrap_or_default();
            states.contains(&state).then_some(session)
        })
        .await;
        let state = session["state"].as_str().unwrap_or_default();
        if !["ended", "failed"].contains(&state) {
            return session;
        }
        let report = self.post(&format!("/v1/sessions/{id}/stop")).await;
        report.expect(200).json()["session"].clone()
    }

    /// Waits until a session has scored so many frames.
    pub async fn until_scored(&self, id: &str, count: u64) {
        eventually(&format!("{count} frames of {id}"), async || {
            let scored = self.session(id).await["stats"]["frames_scored"].as_u64();
            (scored >= Some(count)).then_some(())
        })
        .await;
    }

    /// Waits until a session has so many winners with thumbnails.
    pub async fn until_winners(&self, id: &str, count: usize) {
        self.until_pictures(id, count, &["thumbnail"]).await;
    }

    /// The same with originals. Where a clip is played over and over, its best picture
    /// takes one more rank with each pass, so that it lasts that many passes.
    pub async fn until_originals(&self, id: &str, count: usize) {
        self.until_pictures(id, count, &["thumbnail", "original"])
            .await;
    }

    async fn until_pictures(&self, id: &str, count: usize, kinds: &[&str]) {
        eventually(&format!("{count} winners of {id}"), async || {
            if self.frames(id).await.len() < count {
                return None;
            }
            for rank in 1..=count {
                let frame = format!("/v1/sessions/{id}/frames/{rank}");
                for kind in kinds {
                    if self.get(&format!("{frame}/{kind}")).await.status != 200 {
                        return None;
                    }
                }
            }
            Some(())
        })
        .await;
    }
}
