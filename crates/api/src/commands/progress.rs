//! How `grab` shows that it gets on, always on standard error: on a terminal a bar
//! for each source, elsewhere a line now and then.

use std::{
    fmt::Write,
    io::{self, IsTerminal},
    num::NonZeroU64,
    time::Duration,
};

use bestshot_session::{State, Status};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

/// Between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// What is shown of a source that may go on for ever.
const WITHOUT_END: &str = "{spinner} {prefix}\n  {wide_msg}";
/// Steps of a bar.
const STEPS: u32 = 1000;

/// All sources of one command.
pub(super) struct Progress {
    bars: Option<MultiProgress>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            bars: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
        }
    }

    /// The bar of one more source. `label` stands before lines where there is more than
    /// one of them.
    pub(super) fn line(&self, name: &str, label: Option<&str>, goal: Goal) -> Line {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::no_length().with_prefix(name.to_owned()));
            if let Ok(style) = ProgressStyle::with_template(WITHOUT_END) {
                bar.set_style(style);
            }
            bar
        });
        Line {
            bar,
            label: label.map(|label| format!("{label}: ")).unwrap_or_default(),
            goal,
            state: State::default(),
            next: Instant::now() + LINE_EVERY,
        }
    }

    /// Says something above the bars.
    pub(super) fn say(&self, text: &str) {
        match &self.bars {
            // A terminal that is gone has nobody who could read it.
            Some(bars) => _ = bars.println(text),
            None => eprintln!("{text}"),
        }
    }
}

/// What ends a session, and so how far it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goal {
    pub(super) frames: Option<NonZeroU64>,
    /// Seconds of stream.
    pub(super) duration: Option<f64>,
}

impl Goal {
    /// The part that is done, from 0 to 1; none of a camera that is read until Ctrl-C.
    #[expect(clippy::cast_precision_loss, reason = "a place on a bar")]
    fn reached(self, status: &Status) -> Option<f64> {
        let stats = &status.stats;
        let frames = self
            .frames
            .map(|n| stats.frames_scored as f64 / n.get() as f64);
        let ends = [self.duration, status.duration].into_iter().flatten();
        let seconds = ends.fold(f64::INFINITY, f64::min);
        let rate = status.stream.as_ref().and_then(|s| s.frame_rate);
        let counted = rate.map_or(0.0, |rate| stats.frames_decoded as f64 / rate);
        // The curve knows the stream's own clock, but is up to a second old.
        let seen = status.curve.last().map_or(0.0, |point| point.stream_time);
        let time = (seconds > 0.0 && seconds.is_finite()).then(|| counted.max(seen) / seconds);
        let done = match (frames, time) {
            (Some(frames), Some(time)) => frames.max(time),
            (frames, time) => frames.or(time)?,
        };
        done.is_finite().then(|| done.clamp(0.0, 1.0))
    }
}

/// One source's progress.
pub(super) struct Line {
    bar: Option<ProgressBar>,
    label: String,
    goal: Goal,
    /// What was said last.
    state: State,
    next: Instant,
}

impl Line {
    pub(super) fn show(&mut self, status: &Status) {
        match &self.bar {
            Some(bar) => draw(bar, status, self.goal),
            // That a camera is lost, or back again, is told at once.
            None if Instant::now() >= self.next || is_news(self.state, status.state) => {
                eprintln!("{}{}", self.label, sentence(status));
                self.next = Instant::now() + LINE_EVERY;
            }
            None => {}
        }
        self.state = status.state;
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn is_news(before: State, now: State) -> bool {
    before != now && (before == State::Reconnecting || now == State::Reconnecting)
}

/// Such as `running: 510 frames scored, 25 fps, best 0.4712`.
fn sentence(status: &Status) -> String {
    let stats = &status.stats;
    let mut text = format!("{}: {} frames scored", status.state, stats.frames_scored);
    // Writing to a String cannot fail.
    if stats.fps > 0.0 {
        let _ = write!(text, ", {:.0} fps", stats.fps);
    }
    if let Some(best) = status.best_score {
        let _ = write!(text, ", best {best:.4}");
    }
    if let Some(error) = &status.error {
        let _ = write!(text, "; {}", error.message);
    }
    text
}

fn draw(bar: &ProgressBar, status: &Status, goal: Goal) {
    let reached = goal.reached(status);
    let template = match reached {
        // Two lines: a terminal of 80 columns has no room for both.
        Some(_) => "{prefix} [{bar:25}] {percent:>3}%\n  {wide_msg}",
        None => WITHOUT_END,
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if let Some(reached) = reached {
        bar.set_length(STEPS.into());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to STEPS"
        )]
        bar.set_position((reached * f64::from(STEPS)) as u64);
    }
    bar.set_message(sentence(status));
    bar.tick();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(scored: u64, seconds: Option<f64>) -> Status {
        let mut status = Status {
            duration: seconds,
            ..Status::default()
        };
        status.stats.frames_scored = scored;
        status.stats.frames_decoded = scored;
        status
    }

    #[test]
    fn how_far_it_is_follows_what_ends_it_first() {
        let goal = Goal {
            frames: NonZeroU64::new(100),
            duration: None,
        };
        let near = |reached: Option<f64>, wanted: f64| {
            assert!(
                reached.is_some_and(|r| (r - wanted).abs() < 1e-9),
                "{reached:?}"
            );
        };
        near(goal.reached(&status(25, None)), 0.25);
        near(goal.reached(&status(250, None)), 1.0);
        near(Goal::default().reached(&status(25, Some(10.0))), 0.0);
        assert_eq!(Goal::default().reached(&status(25, None)), None);
        assert_eq!(Goal::default().reached(&status(25, Some(0.0))), None);
    }

    #[test]
    fn a_camera_that_is_lost_is_told_with_the_reason() {
        let mut lost = status(7, None);
        lost.state = State::Reconnecting;
        lost.error = Some(bestshot_session::Failure {
            kind: "stalled".to_owned(),
            message: "the camera fell silent".to_owned(),
        });
        let text = sentence(&lost);
        assert_eq!(
            text,
            "reconnecting: 7 frames scored; the camera fell silent"
        );
        assert!(is_news(State::Running, State::Reconnecting));
        assert!(!is_news(State::Connecting, State::Running));
    }
}
