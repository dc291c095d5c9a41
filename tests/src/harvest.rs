//! One reading of a fault camera by the real program, and each of its winners
//! compared with its clean twin.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    fault_camera::{Clock, FaultCamera, Setup},
    place::binary,
    survivors::{Role, survivors},
    twin::{Twins, psnr, rgb_of_png},
};

/// When the first picture of a harvested camera was taken, by its clock, in
/// seconds since 1970.
const BASE: u64 = 981_173_106;
/// What is told apart by eye, in decibels.
pub const VISIBLE: f64 = 40.0;

/// What came of one reading.
#[derive(Debug)]
pub struct Harvest {
    /// The camera, with its record of what was lost.
    pub camera: FaultCamera,
    /// The winners.
    pub winners: Vec<Likeness>,
    /// The counters of the manifest; `null` where nothing could be scored.
    stats: Value,
}

/// How like its clean twin a winner is.
#[derive(Clone, Copy, Debug)]
pub struct Likeness {
    /// Its place among the decoded pictures.
    pub index: u64,
    /// Its place in the clip, in the order of showing.
    pub place: usize,
    /// The peak signal-to-noise ratio; infinite where both are equal.
    pub decibels: f64,
}

impl Harvest {
    /// Lets the program read this camera with these words of its command line. The
    /// camera must end, or the words must say when.
    pub fn of(setup: Setup, twins: &Twins, words: &[&str]) -> Self {
        let base = SystemTime::UNIX_EPOCH + Duration::from_secs(BASE);
        let camera = setup.clock(Clock::Fixed(base)).start();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("gallery");
        let manifest = grab(&camera.url(), &out, words);
        let none = Vec::new();
        let winners = manifest["winners"].as_array().unwrap_or(&none);
        let winners = winners.iter().map(|winner| {
            let file = winner["original"].as_str().expect("an original was saved");
            let picture = fs::read(out.join(file)).expect("it is in the gallery");
            likeness(&camera, winner, &rgb_of_png(&picture), twins)
        });
        Self {
            winners: winners.collect(),
            camera,
            stats: manifest["stats"].clone(),
        }
    }

    /// A counter of the manifest by its name, also of rejected frames.
    pub fn count(&self, name: &str) -> u64 {
        let rejected = &self.stats["frames_rejected"][name];
        let found = self.stats[name].as_u64().or(rejected.as_u64());
        assert!(found.is_some() || self.stats.is_null(), "{name} is counted");
        found.unwrap_or(0)
    }

    /// How many pictures the line left whole.
    pub fn whole(&self) -> u64 {
        let program = self.camera.program();
        let counts = self.camera.seen().sessions.into_iter().map(|session| {
            let sent = session.first..session.first + session.units;
            survivors(sent.map(|number| {
                let role = Role::of(program.codec(), program.due(number).unit);
                let harmed = session.harmed.iter().any(|harm| harm.unit == number);
                (role, harmed)
            }))
        });
        counts.sum()
    }

    /// In words, the winners that differ visibly from their twins.
    pub fn damaged(&self) -> Vec<String> {
        let damaged = self.winners.iter().filter(|w| w.decibels < VISIBLE);
        let said = damaged.map(|w| format!("{w:?}; harmed:{}", self.harmed()));
        said.collect()
    }

    /// Which packets of which pictures, in the order of decoding, the line took.
    fn harmed(&self) -> String {
        let sessions = self.camera.seen().sessions;
        let all = sessions.iter().flat_map(|session| &session.harmed);
        all.fold(String::new(), |text, harm| {
            format!("{text} {} of {},", harm.packet, harm.unit)
        })
    }
}

/// The manifest; nothing where no frame could be scored.
fn grab(url: &str, out: &Path, words: &[&str]) -> Value {
    let output = Command::new(binary())
        .args(["grab", "--json", "--out"])
        .arg(out)
        .args(words)
        .arg(url)
        .output()
        .expect("the program can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    if std::env::var_os("BESTSHOT_LOG").is_some() {
        eprintln!("{said}");
    }
    if said.contains("ended before a frame could be scored") {
        return Value::Null;
    }
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("a manifest")
}

fn likeness(camera: &FaultCamera, winner: &Value, picture: &[u8], twins: &Twins) -> Likeness {
    let index = winner["index"].as_u64().expect("a number");
    let like = |place: usize| Likeness {
        index,
        place,
        decibels: psnr(picture, &twins.get(place)),
    };
    if winner["clock"] == "rtcp" {
        return like(place(camera, winner));
    }
    let sessions = camera.seen().sessions;
    assert!(
        index == 0 || sessions.len() > 1,
        "the test is set up wrongly: the camera's report came too late for {winner}"
    );
    // libav tells no time of a session's first picture; it is like one of the first.
    let first = usize::try_from(sessions[0].first).expect("a place");
    let near = (first..first + 6).map(like);
    near.max_by(|a, b| a.decibels.total_cmp(&b.decibels))
        .expect("six")
}

/// Which picture it is, in the order of showing: exactly one was taken then.
fn place(camera: &FaultCamera, winner: &Value) -> usize {
    let text = winner["captured_at"].as_str().expect("a time");
    let moment: Timestamp = text.parse().expect("RFC 3339");
    let micros = u64::try_from(moment.as_microsecond()).expect("after 1970");
    let captured = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
    // The manifest tells milliseconds.
    let place = camera.picture_at(captured);
    let later = camera.picture_at(captured + Duration::from_millis(1));
    assert_eq!(place, later, "taken between two: {winner}");
    place
}
