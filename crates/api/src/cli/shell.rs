//! The commands for people at a shell: `grab` and `probe`, and the two that print
//! what is made of this definition, completions and manual pages.

use std::{num::NonZeroU64, path::PathBuf};

use clap::{Args, ValueHint};

use super::{CameraArgs, Common, DeadlineArgs, EXIT_CODES, StartArgs};

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Grab {
    /// The camera's address, such as rtsp://192.168.1.20/stream1, or a video file.
    /// Several are read side by side, each into a gallery of its own.
    #[arg(value_name = "SOURCE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) source: Vec<String>,

    /// Write the gallery to this directory, which must be new or empty. With several
    /// sources each has a directory in it that is named after the source. By default
    /// a new one in the current directory, named by the time.
    #[arg(
        long,
        short,
        value_name = "DIR",
        env = "BESTSHOT_OUT",
        value_hint = ValueHint::DirPath
    )]
    pub(crate) out: Option<PathBuf>,

    /// Print the gallery's manifest as JSON instead of sentences. With several sources
    /// print a list with an object for each, in their order: source, directory,
    /// manifest and error, of which the last three can be null.
    #[arg(long, env = "BESTSHOT_JSON")]
    pub(crate) json: bool,

    /// Open the gallery's page when it is saved, with the program that this desktop
    /// opens pages with.
    #[arg(long, env = "BESTSHOT_OPEN")]
    pub(crate) open: bool,

    /// Also draw the score over time, with the winners marked, into this SVG file. The
    /// gallery has the same as plot.svg. It takes a single source.
    #[arg(
        long,
        value_name = "FILE",
        env = "BESTSHOT_PLOT",
        value_hint = ValueHint::FilePath
    )]
    pub(crate) plot: Option<PathBuf>,

    /// End after so many frames were scored. Frames that --warmup skips and frames
    /// that are damaged do not count. Together with --duration, the end is what comes
    /// first.
    #[arg(
        long,
        value_name = "N",
        env = "BESTSHOT_FRAMES",
        value_parser = at_least_one,
        help_heading = "Session options"
    )]
    pub(crate) frames: Option<NonZeroU64>,

    #[command(flatten)]
    pub(crate) start: StartArgs,

    #[command(flatten)]
    pub(crate) camera: CameraArgs,

    #[command(flatten)]
    pub(crate) deadlines: DeadlineArgs,

    #[command(flatten, next_help_heading = "Other options")]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Probe {
    /// The camera's address, such as rtsp://192.168.1.20/stream1, or a video
    /// file.
    #[arg(value_name = "SOURCE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) source: Vec<String>,

    /// Look for a second keyframe for so many seconds after the first frame.
    #[arg(
        long = "for",
        value_name = "SECONDS",
        env = "BESTSHOT_PROBE_FOR",
        default_value = "10"
    )]
    pub(crate) look_for: f64,

    /// Print JSON instead of sentences, also where something is wrong: what is not
    /// known is null, and error holds the kind and the message.
    #[arg(long, env = "BESTSHOT_JSON")]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) camera: CameraArgs,

    #[command(flatten)]
    pub(crate) deadlines: DeadlineArgs,

    #[command(flatten, next_help_heading = "Other options")]
    pub(crate) common: Common,
}

/// Print a script that completes commands, options and their values in a shell.
///
/// For bash: bestshot completions bash > ~/.local/share/bash-completion/completions/bestshot
///
/// For zsh, in a directory of $fpath: bestshot completions zsh > _bestshot
///
/// For fish: bestshot completions fish > ~/.config/fish/completions/bestshot.fish
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell that is to read the script.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page of bestshot or of one of its commands.
///
/// To read one at once: bestshot man grab | man -l -
///
/// To install all: bestshot man --out ~/.local/share/man/man1
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command whose page is printed. Without it, bestshot's own.
    #[arg(
        value_name = "COMMAND",
        value_parser = ["serve", "grab", "probe", "openapi", "completions", "man"],
        hide_possible_values = true
    )]
    pub(crate) command: Option<String>,

    /// Write the pages of all commands into this directory instead, which is created
    /// where it is missing.
    #[arg(
        long,
        short,
        value_name = "DIR",
        conflicts_with = "command",
        value_hint = ValueHint::DirPath
    )]
    pub(crate) out: Option<PathBuf>,
}

/// A number of frames.
fn at_least_one(text: &str) -> Result<NonZeroU64, &'static str> {
    text.trim()
        .parse()
        .map_err(|_| "it is a whole number of 1 or more")
}
