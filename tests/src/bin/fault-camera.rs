//! The fault camera as a program, to try things by hand and to be stopped and
//! continued as a process. Prints one line of JSON when it can be read, and ends
//! on a signal or when its standard input closes.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a tool for developers says what is wrong by panicking"
)]

use std::{
    io::{Write, stdin, stdout},
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bestshot_tests::fault_camera::{
    Act, At, BrokenSdp, Clip, Clock, Close, End, Faults, Harm, Join, Lock, Loss, Media, Reply,
    Scheme, Setup, Transport, When,
};
use clap::Parser;

/// Serves recordings as an RTSP camera that misbehaves as told.
#[derive(Debug, Parser)]
#[command(name = "fault-camera")]
struct Words {
    /// A video file with H.264, H.265, MJPEG or MPEG-4; several are played one after another.
    #[arg(required = true)]
    clips: Vec<PathBuf>,
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// So many times faster, time stamps included.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Passes over the clips; for ever without.
    #[arg(long)]
    passes: Option<u64>,
    /// What follows the last pass: bye, nothing, announced, fin.
    #[arg(long, default_value = "bye", value_parser = end)]
    end: End,
    /// The number of the first picture of each session, or `live`.
    #[arg(long, default_value = "0", value_parser = join)]
    join: Join,
    /// Seconds by which the camera's clock is wrong.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    clock_offset: i64,
    /// The camera's time at the first picture, in seconds since 1970.
    #[arg(long)]
    clock_base: Option<u64>,
    /// The RTP stamp of the first picture.
    #[arg(long)]
    stamp_base: Option<u32>,
    /// basic or digest: asks for a log-in, which is in the environment as
    /// `FAULT_CAMERA_USER` and `FAULT_CAMERA_PASSWORD`.
    #[arg(long, value_parser = scheme)]
    auth: Option<Scheme>,
    /// tcp or udp: the other one is answered with 461.
    #[arg(long, value_parser = transport)]
    only: Option<Transport>,
    /// `[METHOD:]REPLY`: a status, `mute`, `drip`, `self`, `hang-up`, `reset`,
    /// `hole`, `length=N` or `to=URL`; may be given many times.
    #[arg(long, value_parser = reply)]
    reply: Vec<(When, Reply)>,
    /// silent (RTCP only), still (nothing at all) or drip (a byte every 0.4 s).
    #[arg(long, value_parser = media)]
    media: Option<Media>,
    /// Share of packets that are harmed, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// drop, duplicate, reorder, flip; several with commas.
    #[arg(long, default_value = "drop", value_delimiter = ',', value_parser = harm)]
    kinds: Vec<Harm>,
    /// `packet=N:ACT` or `picture=N:ACT`: `fin`, `rst`, `hole`, `silent`, `still`,
    /// `freeze`, `goodbye` or `jump=TICKS`; may be given many times.
    #[arg(long, value_parser = cue)]
    at: Vec<(At, Act)>,
    /// The name of a broken description, such as `LoneMedia`.
    #[arg(long, value_parser = sdp)]
    sdp: Option<BrokenSdp>,
    /// Sends no sender reports.
    #[arg(long)]
    no_reports: bool,
}

fn main() {
    let words = Words::parse();
    let camera = set_up(&words).start();
    let url = camera.url();
    println!("{{\"port\": {}, \"url\": \"{url}\"}}", camera.port());
    stdout().flush().expect("standard output can be written");
    // Nothing is read from it: its end is the end.
    let _ = std::io::copy(&mut stdin(), &mut std::io::sink());
}

fn set_up(words: &Words) -> Setup {
    let clips: Vec<Arc<Clip>> = words
        .clips
        .iter()
        .map(|f| Arc::new(Clip::read(f)))
        .collect();
    let clock = match words.clock_base {
        Some(base) => Clock::Fixed(SystemTime::UNIX_EPOCH + Duration::from_secs(base)),
        None => Clock::Offset(words.clock_offset),
    };
    let mut setup = Setup::playing_all(&clips)
        .host(words.host)
        .port(words.port)
        .speed(words.speed)
        .join(words.join)
        .clock(clock)
        .faults(Faults {
            replies: words.reply.clone(),
            sdp: words.sdp,
            media: words.media.unwrap_or_default(),
            loss: (words.loss > 0.0).then(|| Loss::of(words.loss, words.seed, &words.kinds)),
            no_reports: words.no_reports,
            cues: words.at.clone(),
            ..Faults::default()
        });
    if let Some(passes) = words.passes {
        setup = setup.passes(passes, words.end);
    }
    if let Some(stamp) = words.stamp_base {
        setup = setup.stamp_base(stamp);
    }
    if let Some(only) = words.only {
        setup = setup.only(only);
    }
    if let Some(scheme) = words.auth {
        let told = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is unset"));
        setup = setup.lock(Lock {
            scheme,
            user: told("FAULT_CAMERA_USER"),
            password: told("FAULT_CAMERA_PASSWORD"),
        });
    }
    setup
}

type Parsed<T> = Result<T, String>;

fn unknown<T>(word: &str) -> Parsed<T> {
    Err(format!("{word} is none of the words that --help names"))
}

fn number<T: std::str::FromStr>(word: &str) -> Parsed<T> {
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn end(word: &str) -> Parsed<End> {
    Ok(match word {
        "bye" => End::Bye,
        "nothing" => End::Nothing,
        "announced" => End::Announced,
        "fin" => End::Fin,
        _ => return unknown(word),
    })
}

fn join(word: &str) -> Parsed<Join> {
    match word {
        "live" => Ok(Join::Live),
        _ => number(word).map(Join::At),
    }
}

fn scheme(word: &str) -> Parsed<Scheme> {
    Ok(match word {
        "basic" => Scheme::Basic,
        "digest" => Scheme::Digest,
        _ => return unknown(word),
    })
}

fn transport(word: &str) -> Parsed<Transport> {
    Ok(match word {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return unknown(word),
    })
}

fn media(word: &str) -> Parsed<Media> {
    Ok(match word {
        "silent" => Media::Silent,
        "still" => Media::Still,
        "drip" => Media::Drip,
        _ => return unknown(word),
    })
}

fn harm(word: &str) -> Parsed<Harm> {
    Ok(match word {
        "drop" => Harm::Drop,
        "duplicate" => Harm::Duplicate,
        "reorder" => Harm::Reorder,
        "flip" => Harm::Flip,
        _ => return unknown(word),
    })
}

fn close(word: &str) -> Parsed<Close> {
    Ok(match word {
        "fin" | "hang-up" => Close::Fin,
        "rst" | "reset" => Close::Rst,
        "hole" => Close::Hole,
        _ => return unknown(word),
    })
}

fn reply(words: &str) -> Parsed<(When, Reply)> {
    const METHODS: [&str; 6] = [
        "OPTIONS",
        "DESCRIBE",
        "SETUP",
        "PLAY",
        "GET_PARAMETER",
        "TEARDOWN",
    ];
    let named = METHODS.iter().find_map(|method| {
        let rest = words.strip_prefix(method)?.strip_prefix(':')?;
        Some((When::method(method), rest))
    });
    let (when, word) = named.unwrap_or((When::always(), words));
    let reply = match word.split_once('=') {
        Some(("length", bytes)) => Reply::Length(number(bytes)?),
        Some(("to", url)) => Reply::Redirect(url.to_owned()),
        _ => match word {
            "mute" => Reply::Mute,
            "drip" => Reply::Drip,
            "self" => Reply::RedirectToItself,
            _ => match word.parse() {
                Ok(status) => Reply::Status(status),
                Err(_) => Reply::Close(close(word)?),
            },
        },
    };
    Ok((when, reply))
}

fn cue(words: &str) -> Parsed<(At, Act)> {
    let (point, act) = words.split_once(':').ok_or("a colon is missing")?;
    let at = match point.split_once('=') {
        Some(("packet", n)) => At::Packet(number(n)?),
        Some(("picture", n)) => At::Unit(number(n)?),
        _ => return unknown(point),
    };
    let act = match act.split_once('=') {
        Some(("jump", ticks)) => Act::Jump(number(ticks)?),
        _ => match act {
            "freeze" => Act::Freeze,
            "goodbye" => Act::Goodbye,
            "silent" | "still" => Act::Media(media(act)?),
            _ => Act::Close(close(act)?),
        },
    };
    Ok((at, act))
}

fn sdp(word: &str) -> Parsed<BrokenSdp> {
    let known = BrokenSdp::ALL.into_iter();
    let mut named = known.filter(|kind| format!("{kind:?}").eq_ignore_ascii_case(word));
    named.next().ok_or_else(|| {
        let names: Vec<String> = BrokenSdp::ALL.iter().map(|k| format!("{k:?}")).collect();
        format!("{word} is none of {}", names.join(", "))
    })
}
