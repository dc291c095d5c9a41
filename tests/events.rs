//! A session's news as server-sent events.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{Camera, Service, processor_time};
use reqwest::{Method, Response};
use serde_json::Value;

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
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
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
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.response.chunk());
            let chunk = chunk.await.expect("the stream goes on").ok().flatten()?;
            self.text
                .push_str(std::str::from_utf8(&chunk).expect("text"));
        }
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
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
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
