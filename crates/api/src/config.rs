//! Where options come from: command line, then environment, then the TOML file,
//! then defaults. clap does the first two; values of the file take the place of
//! its defaults, so that all are read and judged alike. Messages never repeat
//! what a file or a command line holds beside the faulty name.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command, FromArgMatches};
use toml::{Table, Value};

use crate::cli::{self, Cli};

/// The exit code for wrong usage.
pub(crate) const USAGE: u8 = 2;

/// Why no command runs: wrong usage, or help that was asked for.
pub(crate) struct Stop {
    text: String,
    wrong: bool,
}

impl Stop {
    /// Prints what there is to say.
    pub(crate) fn exit(&self) -> ExitCode {
        if self.wrong {
            eprint!("{}", self.text);
            ExitCode::from(USAGE)
        } else {
            print!("{}", self.text);
            ExitCode::SUCCESS
        }
    }
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Self {
        // clap repeats arguments that it does not know, and an address among
        // them may hold a password.
        Self {
            text: without_credentials(&error.render().to_string()),
            wrong: error.use_stderr(),
        }
    }
}

/// Reads the command line, the environment and the configuration file.
///
/// # Errors
/// [`Stop`] where nothing is to be run.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Stop> {
    let args: Vec<OsString> = args.into_iter().collect();
    let matches = cli::command().try_get_matches_from(&args)?;
    let matches = match config_file(&matches) {
        None => matches,
        Some(path) => {
            let values = read(&path).map_err(|fault| Stop {
                text: format!("error: {}: {fault}\n", path.display()),
                wrong: true,
            })?;
            with_defaults(cli::command(), &values).try_get_matches_from(&args)?
        }
    };
    Ok(Cli::from_arg_matches(&matches)?)
}

fn config_file(matches: &ArgMatches) -> Option<PathBuf> {
    let (_, sub) = matches.subcommand()?;
    sub.try_get_one::<PathBuf>("config").ok().flatten().cloned()
}

/// The file's options by name.
type Values = BTreeMap<String, Vec<String>>;

fn read(path: &Path) -> Result<Values, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("the file cannot be read: {e}"))?;
    parse_values(&text)
}

fn parse_values(text: &str) -> Result<Values, String> {
    let table: Table = toml::from_str(text).map_err(|error| {
        let end = error.span().map_or(0, |span| span.start);
        let line = text.get(..end).unwrap_or_default().matches('\n').count() + 1;
        format!("line {line} is not valid TOML")
    })?;
    let known = options();
    table
        .into_iter()
        .map(|(name, value)| {
            if !known.contains(&name) {
                return Err(format!("there is no option {name}"));
            }
            let values = match value {
                Value::Array(items) => items.iter().map(scalar).collect::<Option<Vec<_>>>(),
                single => scalar(&single).map(|value| vec![value]),
            };
            let values = values.ok_or_else(|| format!("{name} is a text, a number or a list"))?;
            Ok((name, values))
        })
        .collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The names of an option in the file, the first one being its own: its flags with `_`
/// for `-`.
fn keys(arg: &Arg) -> Vec<String> {
    let fixed = ["config", "help", "version"];
    let own = arg.get_long().filter(|long| !fixed.contains(long));
    let others = arg.get_all_aliases().unwrap_or_default();
    let mut keys: Vec<String> = Vec::new();
    for flag in own.into_iter().chain(others) {
        let key = flag.replace('-', "_");
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Every option that any command takes: one file may serve them all.
fn options() -> Vec<String> {
    let command = cli::command();
    command
        .get_subcommands()
        .flat_map(Command::get_arguments)
        .flat_map(keys)
        .collect()
}

fn with_defaults(command: Command, values: &Values) -> Command {
    command.mut_subcommands(|sub| {
        sub.mut_args(
            |arg| match keys(&arg).iter().find_map(|name| values.get(name)) {
                Some(values) => arg.default_values(values.clone()),
                None => arg,
            },
        )
    })
}

/// The text without what stands between the first `://` and the last `@`. A
/// password may hold spaces and quotes here, so that nothing else surely ends it.
fn without_credentials(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}{}", &text[..start + 3], &text[end + 1..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_with(file: &str, args: &[&str]) -> Result<Cli, Stop> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bestshot.toml");
        fs::write(&path, file).unwrap();
        let config = ["--config".into(), path.into_os_string()];
        parse(args.iter().map(OsString::from).chain(config))
    }

    fn serve(file: &str, args: &[&str]) -> cli::Serve {
        let args: Vec<&str> = ["bestshot", "serve"].iter().chain(args).copied().collect();
        match parse_with(file, &args) {
            Ok(Cli {
                command: cli::Command::Serve(serve),
            }) => serve,
            Ok(_) => panic!("another command"),
            Err(stop) => panic!("{}", stop.text),
        }
    }

    fn fault(file: &str) -> String {
        match parse_with(file, &["bestshot", "grab", "cam.mp4"]) {
            Ok(_) => panic!("no fault"),
            Err(stop) => stop.text,
        }
    }

    #[test]
    fn flags_are_stronger_than_the_file_and_the_file_than_defaults() {
        let file = "listen = '127.0.0.1:81'\nmax_sessions = 3\nallow = ['10.0.0.0/8', '10.1.2.3']\n\
                    no_api_key = true\n# another command's option\nlimit = 4";
        let options = serve(file, &["--listen", "127.0.0.1:82"]);
        assert_eq!(options.listen.port(), 82);
        assert_eq!(options.max_sessions.get(), 3);
        assert_eq!(options.allow.len(), 2);
        assert!(options.no_api_key);
        assert_eq!(options.data_dir, Path::new("bestshot-data"));
        assert!(!serve("", &[]).no_api_key);
    }

    #[test]
    fn an_option_has_in_the_file_every_name_that_its_flag_has() {
        for file in ["for = 7", "duration = 7"] {
            let Ok(cli) = parse_with(file, &["bestshot", "grab", "cam.mp4"]) else {
                panic!("refused: {file}");
            };
            let cli::Command::Grab(grab) = cli.command else {
                panic!("another command");
            };
            assert_eq!(grab.start.duration.as_deref(), Some("7"), "{file}");
        }
    }

    #[test]
    fn faults_of_the_file_name_the_option_and_repeat_nothing() {
        assert!(fault("colour = 'red'").contains("no option colour"));
        assert!(fault("password = { a = 'canary' }").contains("password"));
        for file in [
            "limit = 3\npassword = canary",
            "password = 'canary",
            "password = ['canary', {}]",
        ] {
            let text = fault(file);
            assert!(!text.contains("canary"), "{text}");
        }
        assert!(fault("limit = 3\npassword = canary").contains("line 2"));
    }

    #[test]
    fn no_message_shows_credentials() {
        let args = [
            "bestshot",
            "probe",
            "x",
            "--oops",
            "rtsp://admin:p@canary@host/x",
        ];
        for args in [
            &args[..],
            &["bestshot", "openapi", "rtsp://a:canary@host/x"],
            &["bestshot", "openapi", "rtsp://a:it's a canary@host/x"],
        ] {
            let Err(stop) = parse(args.iter().map(OsString::from)) else {
                panic!("accepted")
            };
            assert!(stop.wrong);
            assert!(!stop.text.contains("canary"), "{}", stop.text);
        }
    }

    #[test]
    fn help_hides_the_password_of_the_file() {
        let values = parse_values("password = 'canary'").unwrap();
        let mut command = with_defaults(cli::command(), &values);
        let grab = command.find_subcommand_mut("grab").unwrap();
        assert!(!grab.render_long_help().to_string().contains("canary"));
    }
}
