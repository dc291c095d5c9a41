//! A session's news as server-sent events.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{
    Camera, Launch, Service,
    breaks::brisk_camera,
    fault_camera::{Clip, Faults, Reply, Setup, When},
    holdings, processor_time,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpSocket};

/// One event, and when it came.
#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    data: Value,
    at: Instant,
}

/// A subscriber.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(service: &Service, id: &str, last: Option<&str>) -> Self {
        let mut request = service.request(Method::GET, &format!("/v1/sessions/{id}/events"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let kind = response.headers()["content-type"].to_str().expect("text");
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        let text = String::new();
        Self { response, text }
    }

    /// The next event, or none at the end of the stream. Comments are skipped.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(block) = self.block() {
                if block.starts_with(':') {
                    continue;
                }
                let field = |name: &str| {
                    let mut lines = block.lines();
                    let value = lines.find_map(|line| line.strip_prefix(name));
                    value.expect("every event has it").trim().to_owned()
                };
                return Some(Event {
                    id: field("id:"),
                    name: field("event:"),
                    data: serde_json::from_str(&field("data:")).expect("JSON"),
                    at: Instant::now(),
                });
            }
            self.more().await?;
        }
    }

    /// The next comment, or none where anything else comes before it.
    async fn comment(&mut self) -> Option<String> {
        loop {
            if let Some(block) = self.block() {
                return block.strip_prefix(':').map(|text| text.trim().to_owned());
            }
            self.more().await?;
        }
    }

    /// What stands up to the next empty line, once all of it is there.
    fn block(&mut self) -> Option<String> {
        let (block, rest) = self.text.split_once("\n\n")?;
        let (block, rest) = (block.to_owned(), rest.to_owned());
        self.text = rest;
        Some(block)
    }

    /// Waits for more; none at the end.
    async fn more(&mut self) -> Option<()> {
        let chunk = tokio::time::timeout(Duration::from_secs(30), self.response.chunk());
        let chunk = chunk.await.expect("the stream goes on").ok().flatten()?;
        let text = std::str::from_utf8(&chunk).expect("text");
        self.text.push_str(text);
        Some(())
    }

    async fn all(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn revision(event: &Event) -> u64 {
    event.data["revision"].as_u64().expect("a number")
}

#[tokio::test]
async fn a_subscriber_is_told_statuses_twice_a_second_at_most_new_winners_and_the_end() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    let mut stream = Stream::open(&service, &id, None).await;
    let mut events = Vec::new();
    // Until there were a few of each.
    while events
        .iter()
        .filter(|e: &&Event| e.name == "status")
        .count()
        < 6
    {
        events.push(stream.next().await.expect("the session runs"));
    }
    service.until_winners(&id, 9).await;
    service.halt(&id).await;
    events.extend(stream.all().await);

    let named = |name: &str| events.iter().filter(|e| e.name == name).collect::<Vec<_>>();
    let (statuses, winners, ends) = (named("status"), named("winners"), named("end"));
    assert_eq!(statuses.len() + winners.len() + ends.len(), events.len());
    let told = statuses[0].at;
    let seconds = statuses[statuses.len() - 1]
        .at
        .duration_since(told)
        .as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let most = statuses.len() as f64;
    assert!(most <= 2.0 * seconds + 2.0, "{most} in {seconds} s");
    assert!(statuses.windows(2).all(|pair| pair[0].data != pair[1].data));
    assert!(
        winners
            .windows(2)
            .all(|pair| revision(pair[0]) < revision(pair[1]))
    );
    let same = |pair: &[&Event]| pair[0].data["items"] == pair[1].data["items"];
    assert!(!winners.windows(2).any(same), "told though nothing changed");
    let last = winners[winners.len() - 1];
    assert_eq!(last.data["items"].as_array().map(Vec::len), Some(9));
    assert_eq!(ends.len(), 1);
    assert_eq!(events[events.len() - 1].name, "end");
    assert_eq!(ends[0].data["state"], "stopped");
    assert_eq!(ends[0].data["id"], id.as_str());

    // Who was told all winners is told the end only, and everybody else both.
    let names = |events: Vec<Event>| events.into_iter().map(|e| e.name).collect::<Vec<_>>();
    let again = Stream::open(&service, &id, Some(&last.id))
        .await
        .all()
        .await;
    assert_eq!(names(again), ["end"]);
    for unknown in [None, Some("nonsense"), Some("0-1")] {
        let late = Stream::open(&service, &id, unknown).await.all().await;
        assert_eq!(names(late), ["winners", "end"], "{unknown:?}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_the_service_within_two_seconds() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    let mut deleted = Stream::open(&service, &id, None).await;
    service.until_winners(&id, 9).await;
    let start = Instant::now();
    let delete = service.request(Method::DELETE, &format!("/v1/sessions/{id}"));
    service.send(delete).await.expect(204);
    deleted.all().await;
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let gone = format!("/v1/sessions/{id}/events");
    service.get(&gone).await.problem(&[404]);

    let id = service.begin(&camera.url("/cam")).await;
    let mut stream = Stream::open(&service, &id, None).await;
    service.until_winners(&id, 9).await;
    let start = Instant::now();
    let (ended, _) = tokio::join!(service.terminate(), stream.all());
    assert!(ended.success());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn who_comes_back_while_it_runs_is_told_the_winners_only_where_they_changed() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    // Of a clip that is played over and over the three best are one picture, three times.
    let three = json!({ "limit": 3 });
    let id = service.begin_with(&camera.url(), three).await;
    service.until_scored(&id, 310).await;
    service.until_winners(&id, 3).await;
    let mut stream = Stream::open(&service, &id, None).await;
    let first = stream.next().await.expect("the winners come first");
    assert_eq!(first.name, "winners");
    // Until something else is told they have not changed.
    let last = loop {
        let event = stream.next().await.expect("the session runs");
        if event.name == "status" {
            break event.id;
        }
    };
    drop(stream);
    let mut same = Stream::open(&service, &id, Some(&last)).await;
    for _ in 0..3 {
        let event = same.next().await.expect("the session runs");
        assert_eq!(event.name, "status", "{event:?}");
    }
    for unknown in ["0-1", "nonsense"] {
        let mut other = Stream::open(&service, &id, Some(unknown)).await;
        let event = other.next().await.expect("the session runs");
        assert_eq!(event.name, "winners", "{unknown}");
    }
}

#[tokio::test]
async fn fifty_subscribers_are_served_and_one_that_reads_nothing_for_seconds_still_hears_the_end() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let mut stream = Stream::open(&service, &id, None).await;
    stream.next().await.expect("the winners");
    // Nobody reads for a while; then there is the newest, and not all of the past.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = processor_time(service.pid());
    let subscribers = (0..50).map(|_| Stream::open(&service, &id, None));
    let mut subscribers = futures_util::future::join_all(subscribers).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        futures_util::future::join_all(subscribers.iter_mut().map(Stream::next)).await;
    }
    let used = processor_time(service.pid()).saturating_sub(before);
    println!("50 subscribers for 5 s: {used:?} of processor time, the session's own included");
    service.halt(&id).await;
    assert_eq!(stream.all().await.last().expect("an end").name, "end");
}

#[tokio::test]
async fn a_session_without_news_says_every_fifteen_seconds_that_it_is_still_there() {
    let mute = Faults::default().reply(When::always(), Reply::Mute);
    let camera = Setup::playing(&Clip::of("vtest_h264.mp4"))
        .faults(mute)
        .start();
    let launch = Launch::new().with(&["--connect-timeout", "60"]);
    let service = launch.start().await;
    let id = service.open(&camera.url(), json!({})).await;
    let mut stream = Stream::open(&service, &id, None).await;
    let first = [stream.next().await, stream.next().await];
    let names = first.map(|event| event.expect("a first state").name);
    assert_eq!(names, ["winners", "status"]);
    let quiet = Instant::now();
    let comment = stream.comment().await;
    assert!(
        comment.is_some(),
        "it is a comment, which no client takes for news"
    );
    let took = quiet.elapsed();
    assert!(took >= Duration::from_secs(14), "{took:?}");
    assert!(took < Duration::from_secs(18), "{took:?}");
}

/// Each of them is behind by megabytes in the end, and none of these is kept.
#[tokio::test]
async fn ten_subscribers_that_never_read_cost_less_than_256_kib_each_and_hold_nobody_up() {
    let camera = Setup::playing(&Clip::brightening()).start();
    let service = Service::start().await;
    let options = json!({ "limit": 100 });
    let id = service.begin_with(&camera.url(), options).await;
    service.until_winners(&id, 50).await;
    let before = holdings(service.pid());
    let mut deaf = Vec::new();
    for _ in 0..10 {
        let socket = TcpSocket::new_v4().expect("a socket");
        // What is not read waits on the service's side.
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        let address = service.authority().parse().expect("an address");
        let mut connection = socket.connect(address).await.expect("a connection");
        let request = format!(
            "GET /v1/sessions/{id}/events HTTP/1.1\r\nHost: {}\r\n\r\n",
            service.authority()
        );
        let sent = connection.write_all(request.as_bytes()).await;
        sent.expect("a request is small");
        deaf.push(connection);
    }
    // All the winners are told each time.
    let mut reader = Stream::open(&service, &id, None).await;
    let mut told = 0;
    while told < 10 {
        let event = reader.next().await.expect("the session runs");
        told += usize::from(event.name == "winners");
    }
    let more = holdings(service.pid()).memory.saturating_sub(before.memory);
    println!("{more} KiB more with {} that never read", deaf.len());
    assert!(more < 10 * 256, "{more} KiB");
}
