//! The command line, as clap reads it and `--help` tells it. The environment and
//! the configuration file reach the same fields: `config` says how.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint};
use ipnet::IpNet;

use self::words::Words;
pub(crate) use self::{
    deadlines::DeadlineArgs,
    shell::{Completions, Grab, Man, Probe},
};

mod deadlines;
mod shell;
mod words;

/// What scripts rely on.
const EXIT_CODES: &str = "Exit codes: 0 done, 2 wrong usage, 3 the source cannot be reached, 4 access \
    is denied, 5 there is no video that can be decoded, 1 anything else.";

/// Point it at a camera; get its best frames.
///
/// Every option can be given on the command line, in the environment (as shown
/// beside it), or in a TOML file named by --config, in that order of strength.
/// In the file an option has the name of its flag with _ for -, such as
/// max_sessions = 4.
#[derive(Debug, Parser)]
#[command(name = "bestshot", version, max_term_width = 100, verbatim_doc_comment)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "one is made, once")]
pub(crate) enum Command {
    /// Run the HTTP service: page, API and documentation.
    Serve(Serve),
    /// Read cameras or video files from the shell and write a gallery of each.
    Grab(Grab),
    /// Connect to a source and say what it sends, or what is wrong.
    Probe(Probe),
    /// Print the OpenAPI document.
    Openapi,
    Completions(Completions),
    Man(Man),
}

/// What every command takes that runs something.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Read further options from this TOML file.
    #[arg(
        long,
        value_name = "FILE",
        env = "BESTSHOT_CONFIG",
        value_hint = ValueHint::FilePath
    )]
    pub(crate) config: Option<PathBuf>,

    /// Write log lines of this level and above to standard error: error, warn,
    /// info, debug or trace, or a filter such as info,bestshot=debug. By default
    /// serve writes from info on, the other commands from warn on. libav's own
    /// lines have the target libav and come at debug and trace.
    #[arg(long, value_name = "FILTER", env = "BESTSHOT_LOG")]
    pub(crate) log: Option<String>,
}

impl Common {
    /// The log filter, or the command's own default.
    pub(crate) fn log_or(&self, default: &str) -> String {
        self.log.clone().unwrap_or_else(|| default.to_owned())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Listen on this address. Port 0 takes any free one; the line printed at
    /// the start tells which.
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "BESTSHOT_LISTEN",
        default_value = "127.0.0.1:8000"
    )]
    pub(crate) listen: SocketAddr,

    /// Keep galleries in this directory, which is created where it is missing.
    #[arg(
        long,
        value_name = "DIR",
        env = "BESTSHOT_DATA_DIR",
        default_value = "bestshot-data",
        value_hint = ValueHint::DirPath
    )]
    pub(crate) data_dir: PathBuf,

    /// Allow cameras in this network only. Can be given several times. Without
    /// it, cameras may be anywhere, but on this machine itself only while the
    /// service listens on loopback.
    #[arg(
        long,
        value_name = "NETWORK",
        env = "BESTSHOT_ALLOW",
        value_delimiter = ',',
        value_parser = network
    )]
    pub(crate) allow: Vec<IpNet>,

    /// Allow no camera in this network, whatever --allow says. Can be given
    /// several times.
    #[arg(
        long,
        value_name = "NETWORK",
        env = "BESTSHOT_DENY",
        value_delimiter = ',',
        value_parser = network
    )]
    pub(crate) deny: Vec<IpNet>,

    /// Ask every client for the key in the first line of this file. Needed to
    /// listen beyond loopback.
    #[arg(
        long,
        value_name = "FILE",
        env = "BESTSHOT_API_KEY_FILE",
        value_hint = ValueHint::FilePath
    )]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Listen beyond loopback without a key: whoever reaches the address can
    /// start, see and delete sessions.
    #[arg(long, env = "BESTSHOT_NO_API_KEY", conflicts_with = "api_key_file")]
    pub(crate) no_api_key: bool,

    /// Answer to this host name too while listening on loopback, for a proxy in
    /// front. Can be given several times.
    #[arg(
        long,
        value_name = "NAME",
        env = "BESTSHOT_HOST",
        value_delimiter = ','
    )]
    pub(crate) host: Vec<String>,

    /// Run at most this many sessions at once.
    #[arg(
        long,
        value_name = "N",
        env = "BESTSHOT_MAX_SESSIONS",
        default_value = "16"
    )]
    pub(crate) max_sessions: NonZeroUsize,

    #[command(flatten)]
    pub(crate) deadlines: DeadlineArgs,

    #[command(flatten, next_help_heading = "Other options")]
    pub(crate) common: Common,
}

/// The start options, under the names that they have everywhere. They stay text
/// here: one check judges them for every way in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Session options")]
pub(crate) struct StartArgs {
    /// Keep the frames that are best by this: a characteristic (brightness, darkness,
    /// sharpness, contrast, colorfulness, entropy, motion, stillness, exposure), a
    /// preset (overall, action, detail, vivid), or a weighted sum such as
    /// sharpness:0.7,brightness:0.3.
    #[arg(
        long,
        value_name = "NAME",
        env = "BESTSHOT_BEST",
        default_value = "brightness",
        value_parser = Words::of_best(),
        hide_possible_values = true
    )]
    pub(crate) best: String,

    /// Keep this many frames, 1 to 100.
    #[arg(long, value_name = "N", env = "BESTSHOT_LIMIT", default_value = "9")]
    pub(crate) limit: String,

    /// Keep at least so many seconds between two winners.
    #[arg(
        long,
        alias = "min_gap",
        value_name = "SECONDS",
        env = "BESTSHOT_MIN_GAP",
        default_value = "0"
    )]
    pub(crate) min_gap: String,

    /// Keep only winners that look so unlike each other, from 0 (not at all) to 1;
    /// 0.1 is a little, 0.3 another view.
    #[arg(
        long,
        value_name = "NUMBER",
        env = "BESTSHOT_DISTINCT",
        default_value = "0"
    )]
    pub(crate) distinct: String,

    /// Make thumbnails this many pixels wide.
    #[arg(
        long,
        value_name = "PIXELS",
        env = "BESTSHOT_WIDTH",
        default_value = "300"
    )]
    pub(crate) width: String,

    /// Make thumbnails this many pixels high.
    #[arg(
        long,
        value_name = "PIXELS",
        env = "BESTSHOT_HEIGHT",
        default_value = "300"
    )]
    pub(crate) height: String,

    /// Fit frames into thumbnails by cover (crop), contain (bars) or stretch.
    #[arg(
        long,
        value_name = "HOW",
        env = "BESTSHOT_FIT",
        default_value = "cover",
        value_parser = Words::of("fit"),
        hide_possible_values = true
    )]
    pub(crate) fit: String,

    /// Score only this part of the frame, x,y,w,h as fractions of its width and
    /// height; several are separated by semicolons.
    #[arg(long, value_name = "X,Y,W,H", env = "BESTSHOT_ROI")]
    pub(crate) roi: Option<String>,

    /// Leave this part of the frame out of scoring, such as a clock in the picture:
    /// x,y,w,h as fractions; several are separated by semicolons.
    #[arg(long, value_name = "X,Y,W,H", env = "BESTSHOT_EXCLUDE")]
    pub(crate) exclude: Option<String>,

    /// Score all frames; keyframes only, for many cameras on a small machine; or
    /// refined: keyframes first, then every frame between two of them where one
    /// could win.
    #[arg(
        long,
        value_name = "WHICH",
        env = "BESTSHOT_SAMPLING",
        default_value = "all",
        value_parser = Words::of("sampling"),
        hide_possible_values = true
    )]
    pub(crate) sampling: String,

    /// Skip so many seconds of stream at the start, while exposure settles.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "BESTSHOT_WARMUP",
        default_value = "0"
    )]
    pub(crate) warmup: String,

    /// End after so many seconds of stream; --for is another name of this. Without
    /// it, a file is read to its end and a camera until Ctrl-C.
    #[arg(
        long,
        visible_alias = "for",
        value_name = "SECONDS",
        env = "BESTSHOT_DURATION"
    )]
    pub(crate) duration: Option<String>,
}

/// How to reach a camera.
#[derive(Debug, Args)]
#[command(next_help_heading = "Camera options")]
pub(crate) struct CameraArgs {
    /// Let the camera send by tcp, by udp, or by auto: TCP, and UDP where the
    /// camera refuses TCP or sends nothing by it.
    #[arg(
        long,
        value_name = "HOW",
        env = "BESTSHOT_TRANSPORT",
        default_value = "auto",
        value_parser = Words::of("transport"),
        hide_possible_values = true
    )]
    pub(crate) transport: String,

    /// Go on trying a camera that has never answered, instead of giving it up
    /// after its first tries.
    #[arg(long, env = "BESTSHOT_PERSIST")]
    pub(crate) persist: bool,

    /// Take the certificate of an rtsps camera unchecked: on a network where
    /// nobody could stand between.
    #[arg(long, alias = "tls_insecure", env = "BESTSHOT_TLS_INSECURE")]
    pub(crate) tls_insecure: bool,

    /// Log in to the camera with this user name, where the address holds none.
    #[arg(long, value_name = "NAME", env = "BESTSHOT_USERNAME")]
    pub(crate) username: Option<String>,

    /// Log in to the camera with this password. Better given in the
    /// environment: other users of the machine can read a command line.
    #[arg(
        long,
        value_name = "WORD",
        env = "BESTSHOT_PASSWORD",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub(crate) password: Option<String>,
}

/// The whole definition, with what clap adds to it. clap takes the last full stop off
/// a help text; here they are sentences and end like some.
pub(crate) fn command() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
        .mut_args(|arg| match arg.get_help().map(sentence) {
            Some(help) => arg.help(help),
            None => arg,
        })
        .mut_subcommands(|sub| {
            let sub = match sub.get_about().map(sentence) {
                Some(about) => sub.about(about),
                None => sub,
            };
            sub.mut_args(|arg| match arg.get_help().map(sentence) {
                Some(help) => arg.help(help),
                None => arg,
            })
        })
}

/// The text with a full stop.
fn sentence(text: &clap::builder::StyledStr) -> String {
    let text = text.to_string();
    format!("{}.", text.trim_end_matches('.'))
}

/// A network such as 192.168.0.0/16, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse()
        .ok()
        .or_else(single)
        .ok_or_else(|| "a network looks like 192.168.0.0/16 or 10.1.2.3".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_help_text_is_a_sentence() {
        for command in command().get_subcommands() {
            for arg in command.get_arguments().filter(|a| a.get_id() != "help") {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let long = arg.get_long_help().map_or(help, ToString::to_string);
                assert!(
                    long.ends_with('.'),
                    "{} {}: {long}",
                    command.get_name(),
                    arg.get_id()
                );
            }
        }
    }

    #[test]
    fn single_addresses_are_networks_too() {
        assert_eq!(network("10.1.2.3").unwrap().prefix_len(), 32);
        assert_eq!(network("fd00::/8").unwrap().prefix_len(), 8);
        assert!(network("cam").is_err());
    }
}
