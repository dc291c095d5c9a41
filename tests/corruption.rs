//! Corruption is measured, not assumed: streams whose packets are lost by seed,
//! each winner compared with its clean twin. `BESTSHOT_CORRUPTION=17..18` runs
//! only the runs of these numbers.
//!
//! What lives here: which runs there are, and what must hold for each. What does
//! not: losing packets (`fault_camera`), decoding and comparing (`twin`).
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bestshot_tests::{
    Harvest, Twins,
    fault_camera::{Clip, Codec, End, Faults, Join, Loss, Setup, Transport},
    nightly,
};

const WIDTH: usize = 512;
const HEIGHT: usize = 384;
const FRAMES: u64 = 200;
const RATES: [f64; 3] = [0.001, 0.01, 0.05];
const TRANSPORTS: [Transport; 2] = [Transport::Tcp, Transport::Udp];
/// Runs of each combination in the nightly size.
const NIGHTLY_SEEDS: u64 = 4;
/// Of pictures that came whole, the share in percent that may be rejected all the same.
const GIVEN_AWAY: u64 = 5;
/// How many times faster than the ten pictures a second of the recording.
const SPEED: f64 = 8.0;

/// A way of coding the recording.
#[derive(Debug)]
struct Stream {
    name: &'static str,
    codec: Codec,
    encoder: &'static str,
    /// The picture with which a reader joins.
    join: u64,
}

const STREAMS: [Stream; 10] = [
    h264("plain", "-g 10 -bf 0", 0),
    h264("B-frames", "-g 20 -bf 2", 0),
    h264("slices", "-g 10 -bf 0 -x264-params slices=4", 0),
    h264(
        "open groups",
        "-g 10 -bf 2 -x264-params open-gop=1:b-pyramid=normal",
        0,
    ),
    h264("refresh", "-g 10 -bf 0 -x264-params intra-refresh=1", 33),
    h265("plain", "keyint=10:bframes=0", 0),
    h265("B-frames", "keyint=20:bframes=2:open-gop=0", 0),
    h265("slices", "keyint=10:bframes=0:slices=4:pools=1", 0),
    h265("open groups", "keyint=10:bframes=2:open-gop=1", 0),
    // x265 marks no point of recovery: whoever joined later would never be clean.
    h265("refresh", "keyint=10:bframes=0:intra-refresh=1", 0),
];

const fn h264(name: &'static str, encoder: &'static str, join: u64) -> Stream {
    Stream {
        name,
        codec: Codec::H264,
        encoder,
        join,
    }
}

const fn h265(name: &'static str, encoder: &'static str, join: u64) -> Stream {
    Stream {
        name,
        codec: Codec::H265,
        encoder,
        join,
    }
}

impl Stream {
    fn clip(&self) -> Arc<Clip> {
        let encoder = if self.codec == Codec::H264 {
            format!(
                "-c:v libx264 -profile:v high -preset veryfast -sc_threshold 0 {}",
                self.encoder
            )
        } else {
            format!(
                "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params \
                 pools=none:frame-threads=1:log-level=error:scenecut=0:repeat-headers=1:{}",
                self.encoder
            )
        };
        Clip::made_of(
            "vtest.avi",
            &format!("-frames:v {FRAMES} -vf scale={WIDTH}:{HEIGHT} {encoder}"),
        )
    }
}

/// One run: everything that decides what happens in it.
#[derive(Clone, Copy, Debug)]
struct Run {
    number: usize,
    stream: usize,
    rate: f64,
    transport: Transport,
    seed: u64,
}

/// What a run showed.
#[derive(Clone, Debug)]
struct Outcome {
    run: Run,
    packets: u64,
    lost: u64,
    sent: u64,
    /// Pictures that the line left whole.
    whole: u64,
    decoded: u64,
    scored: u64,
    corrupt: u64,
    before_keyframe: u64,
    winners: u64,
    worst: f64,
    /// In words, what must not be.
    wrong: Vec<String>,
}

/// All runs of this size: each codec with each rate over each transport.
fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    let mut add = |stream, rate, transport| {
        let number = runs.len();
        runs.push(Run {
            number,
            stream,
            rate,
            transport,
            // Distinct, and not near each other.
            seed: 1_000_003 * (number as u64 + 1),
        });
    };
    if nightly() {
        for stream in 0..STREAMS.len() {
            for transport in TRANSPORTS {
                for rate in RATES {
                    for _ in 0..NIGHTLY_SEEDS {
                        add(stream, rate, transport);
                    }
                }
            }
        }
        return runs;
    }
    for codec in [0, 5] {
        for (kind, (rate, transport)) in combinations().into_iter().enumerate() {
            add(codec + kind % 4, rate, transport);
        }
        for transport in TRANSPORTS {
            add(codec + 4, RATES[1], transport);
            add(codec + 3, RATES[1], transport);
        }
    }
    // One stream after another: each is made and decoded once.
    runs.sort_by_key(|run| run.stream);
    for (number, run) in runs.iter_mut().enumerate() {
        run.number = number;
    }
    runs
}

fn combinations() -> Vec<(f64, Transport)> {
    let over = |transport| RATES.map(|rate| (rate, transport));
    TRANSPORTS.into_iter().flat_map(over).collect()
}

/// The numbers that `BESTSHOT_CORRUPTION` asks for.
fn wanted() -> Range<usize> {
    let Ok(words) = std::env::var("BESTSHOT_CORRUPTION") else {
        return 0..usize::MAX;
    };
    let ends = words.split_once("..");
    let number = |text: &str| text.parse().expect("FROM..TO are numbers");
    let (from, to) = ends.expect("BESTSHOT_CORRUPTION is FROM..TO");
    number(from)..number(to)
}

#[test]
fn no_winner_differs_visibly_from_its_clean_twin_at_losses_of_up_to_5_percent() {
    let wanted = wanted();
    let all = runs();
    assert!(all.len() >= if nightly() { 200 } else { 20 });
    let mut outcomes = Vec::new();
    let chosen: Vec<Run> = all
        .into_iter()
        .filter(|run| wanted.contains(&run.number))
        .collect();
    println!("{}", Outcome::HEAD);
    for runs in chosen.chunk_by(|a, b| a.stream == b.stream) {
        let clip = STREAMS[runs[0].stream].clip();
        let twins = Twins::of(std::slice::from_ref(&clip), WIDTH, HEIGHT);
        outcomes.extend(in_pairs(runs, |run| measured(run, &clip, &twins)));
    }
    summarise(&outcomes);
    let wrong: Vec<&String> = outcomes.iter().flat_map(|o| &o.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let winners: u64 = outcomes.iter().map(|o| o.winners).sum();
    assert!(winners > 0, "there are winners to compare");
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let (whole, passed) = (sum(|o| o.whole), sum(|o| o.scored));
    assert!(
        passed * 100 >= whole * (100 - GIVEN_AWAY),
        "of {whole} whole pictures {passed} passed"
    );
}

/// Does this for all runs, two at a time.
fn in_pairs(runs: &[Run], work: impl Fn(Run) -> Outcome + Sync) -> Vec<Outcome> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = work(*run);
                    println!("{}", outcome.row());
                    done.lock().expect("no worker panics").push(outcome);
                }
            });
        }
    });
    done.into_inner().expect("no worker panics")
}

/// Plays, reads, compares; slower where the reader did not keep up.
fn measured(run: Run, clip: &Arc<Clip>, twins: &Twins) -> Outcome {
    let best = ["brightness", "darkness"][run.number % 2];
    let transport = by(run.transport).to_lowercase();
    let words = ["--transport", &transport, "--best", best, "--limit", "40"];
    for speed in [SPEED, SPEED / 2.0, SPEED / 4.0] {
        let setup = Setup::playing(clip)
            .speed(speed)
            .passes(1, End::Bye)
            .join(Join::At(STREAMS[run.stream].join))
            .faults(Faults::default().loss(Loss::dropping(run.rate, run.seed)));
        let harvest = Harvest::of(setup, twins, &words);
        if harvest.count("frames_dropped") == 0 {
            return Outcome::of(run, &harvest);
        }
        println!("run {} could not be kept up with; slower", run.number);
    }
    panic!(
        "{run:?}: the reader gives up packets even at {} x",
        SPEED / 4.0
    );
}

impl Outcome {
    fn of(run: Run, harvest: &Harvest) -> Self {
        let sessions = harvest.camera.seen().sessions;
        let likenesses = harvest.winners.iter().map(|w| w.decibels);
        let damaged = harvest.damaged().into_iter();
        Self {
            run,
            packets: sessions.iter().map(|s| s.packets).sum(),
            lost: sessions.iter().map(|s| s.harmed.len() as u64).sum(),
            sent: sessions.iter().map(|s| s.units).sum(),
            whole: harvest.whole(),
            decoded: harvest.count("frames_decoded"),
            scored: harvest.count("frames_scored"),
            corrupt: harvest.count("corrupt"),
            before_keyframe: harvest.count("before_keyframe"),
            winners: harvest.winners.len() as u64,
            worst: likenesses.fold(f64::INFINITY, f64::min),
            wrong: damaged
                .map(|text| format!("run {}: {text}", run.number))
                .collect(),
        }
    }

    const HEAD: &str = " run | codec stream      | by  | rate  | seed      | packets lost | sent | \
                        whole | decoded scored corrupt before | winners worst dB | given away";

    fn row(&self) -> String {
        let stream = &STREAMS[self.run.stream];
        format!(
            "{:4} | {:5} {:11} | {} | {:4}% | {:9} | {:7} {:4} | {:4} | {:5} | {:7} {:6} {:7} \
             {:6} | {:7} {:8.1} | {:4}",
            self.run.number,
            stream.codec.name(),
            stream.name,
            by(self.run.transport),
            self.run.rate * 100.0,
            self.run.seed,
            self.packets,
            self.lost,
            self.sent,
            self.whole,
            self.decoded,
            self.scored,
            self.corrupt,
            self.before_keyframe,
            self.winners,
            self.worst,
            // Below zero where pictures passed that the count did not expect to.
            i128::from(self.whole) - i128::from(self.scored),
        )
    }
}

fn by(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
    }
}

/// Totals of each way of coding and rate, and of all.
fn summarise(outcomes: &[Outcome]) {
    println!(
        "\n| codec | stream | rate | runs | packets lost | sent | whole | passed | given away | winners | worst PSNR |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (number, stream) in STREAMS.iter().enumerate() {
        for rate in RATES {
            let of = |o: &&Outcome| o.run.stream == number && o.run.rate.total_cmp(&rate).is_eq();
            let group: Vec<&Outcome> = outcomes.iter().filter(of).collect();
            if !group.is_empty() {
                let rate = format!("{} %", rate * 100.0);
                total(stream.codec.name(), stream.name, &rate, &group);
            }
        }
    }
    total("all", "all", "all", &outcomes.iter().collect::<Vec<_>>());
}

fn total(codec: &str, stream: &str, rate: &str, group: &[&Outcome]) {
    let sum = |of: fn(&Outcome) -> u64| group.iter().map(|o| of(o)).sum::<u64>();
    let (whole, passed) = (sum(|o| o.whole), sum(|o| o.scored));
    #[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
    let share = 100.0 * (whole as f64 - passed as f64) / (whole as f64).max(1.0);
    println!(
        "| {codec} | {stream} | {rate} | {} | {} | {} | {whole} | {passed} | {share:.1} % | {} | {:.1} dB |",
        group.len(),
        sum(|o| o.lost),
        sum(|o| o.sent),
        sum(|o| o.winners),
        group.iter().map(|o| o.worst).fold(f64::INFINITY, f64::min),
    );
}
