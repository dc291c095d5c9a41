//! What real cameras say of themselves, odd as it is, is read, or refused with the
//! right word. A camera of our own answers with what was recorded or written down,
//! and sends pictures that fit.
//!
//! What lives here: what is expected of each file, by its name. What does not: the
//! files. A few are in `descriptions/`; the recorded ones are where
//! `BESTSHOT_CAPTURES` names a folder.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bestshot_tests::{
    Capture, Service, captures, eventually,
    fault_camera::{Clip, Codec, FaultCamera, Faults, Reply, Setup, When},
    files_below, workspace,
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Cameras send ten pictures a second in the recordings: this is enough for nine.
const WINNERS: usize = 9;
/// How long one stream may take to come to nine winners.
const PATIENCE: Duration = Duration::from_secs(30);

/// What must become of a description.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// It is read; the product's name of the codec.
    Plays(&'static str),
    /// It is refused; the kind of the error.
    Refused(&'static str),
}

use Verdict::{Plays, Refused};

/// The descriptions that were written for this suite.
const WRITTEN: &[(&str, Verdict)] = &[
    // One may speak to the camera; nobody asked to.
    ("back_channel_first.sdp", Plays("hevc")),
    ("back_channel_only.sdp", Refused("no_video")),
    ("lone_media_line.sdp", Plays("h264")),
    // The payload type says it all, and the address is of another network.
    ("mjpeg_without_rtpmap.sdp", Plays("mjpeg")),
    // RTSP does not use the port.
    ("negative_port.sdp", Plays("hevc")),
    ("no_session_part.sdp", Plays("h264")),
    ("own_codec.sdp", Refused("unsupported")),
    // What is set up is sent, and one is enough: the first.
    ("several_videos.sdp", Plays("h264")),
    // The stream brings its own parameter sets.
    ("start_codes_in_parameter_sets.sdp", Plays("h264")),
];

/// The answers to DESCRIBE in the folder of captures.
const RECORDED: &[(&str, Verdict)] = &[
    ("anjvision_describe.txt", Plays("hevc")),
    ("anpviz_sdp.txt", Plays("h264")),
    ("bunny_describe.txt", Plays("h264")),
    ("dahua_describe_h264_aac_onvif.txt", Plays("h264")),
    ("dahua_describe_h265_pcma.txt", Plays("hevc")),
    ("foscam_describe.txt", Plays("h264")),
    ("geovision_sdp.txt", Plays("h264")),
    ("go2rtc_1663_vcp.sdp", Plays("h264")),
    ("go2rtc_2316_tuya_badport.sdp", Plays("h264")),
    ("go2rtc_679_bare.sdp", Plays("h264")),
    // It names the video's address twice, and libav appends both: SETUP goes to
    // `…/track0/track0`, which the camera of these tests lets pass.
    ("go2rtc_bug1.sdp", Plays("h264")),
    ("go2rtc_bug2.sdp", Plays("h264")),
    ("go2rtc_bug4_mercury.sdp", Plays("h264")),
    ("gortsplib_479_dahua_backchannel.sdp", Plays("h264")),
    ("gosdp_5_tplink_h265.sdp", Plays("hevc")),
    ("gw_main_describe.txt", Plays("h264")),
    ("gw_sub_describe.txt", Plays("h264")),
    ("h264dvr_describe.txt", Plays("h264")),
    ("hikvision_describe.txt", Plays("h264")),
    ("ipcam_describe.txt", Plays("h264")),
    // 401 to whatever user name and password.
    ("longse_unauthorized.txt", Refused("unauthorized")),
    ("macrovideo_describe.txt", Plays("h264")),
    ("missing_content_type_describe.txt", Plays("h264")),
    ("moonfire_213_annexb_sprop.sdp", Plays("h264")),
    ("onvif_mjpeg_pt26.sdp", Plays("mjpeg")),
    ("reolink_describe.txt", Plays("h264")),
    ("reolink_describe_control_first.txt", Plays("h264")),
    ("tplink_sdp.txt", Plays("hevc")),
    ("ubiquiti_sdp.txt", Plays("h264")),
    ("vstarcam_describe.txt", Plays("h264")),
];

/// The recorded answers to SETUP and PLAY over TCP: which go with which DESCRIBE.
/// Where none was recorded, the camera's own is used.
const HANDSHAKES: &[[&str; 3]] = &[
    ["bunny_describe.txt", "bunny_setup.txt", "bunny_play.txt"],
    ["bunny_describe.txt", "bunny_setup.txt", "bad_rtptime.txt"],
    [
        "dahua_describe_h264_aac_onvif.txt",
        "dahua_setup.txt",
        "dahua_play.txt",
    ],
    [
        "gw_main_describe.txt",
        "gw_main_setup_video.txt",
        "gw_main_play.txt",
    ],
    ["gw_sub_describe.txt", "gw_sub_setup.txt", "gw_sub_play.txt"],
    ["h264dvr_describe.txt", "", "h264dvr_play.txt"],
    [
        "hikvision_describe.txt",
        "hikvision_setup.txt",
        "hikvision_play.txt",
    ],
    ["", "hikvision_setup_ssrc_space.txt", ""],
    ["", "", "laureii_play.txt"],
    ["", "luckfox_rkipc_setup_tcp.txt", ""],
    [
        "reolink_describe.txt",
        "reolink_setup.txt",
        "reolink_play.txt",
    ],
];

/// What is sent behind a description of each codec.
struct Pictures {
    h264: Arc<Clip>,
    h265: Arc<Clip>,
    jpeg: Arc<Clip>,
}

impl Pictures {
    /// Of the clips that set-up makes.
    fn of_clips() -> Self {
        Self {
            h264: Clip::of("vtest_h264.mp4"),
            h265: Clip::of("vtest_hevc.mp4"),
            jpeg: Clip::of("vtest_mjpeg.avi"),
        }
    }

    /// A camera with this program, which describes it as the capture does.
    fn behind(&self, capture: &Capture) -> Setup {
        let video = capture.video.clone().unwrap_or_default();
        let clip = match video.codec {
            Some(Codec::H265) => &self.h265,
            Some(Codec::Jpeg) => &self.jpeg,
            _ => &self.h264,
        };
        let describe = Reply::Recorded(capture.answer.clone());
        let faults = Faults::default().reply(When::method("DESCRIBE"), describe);
        playing(clip)
            .payload_type(video.payload_type)
            .faults(faults)
    }
}

/// Plays a clip four times as fast.
fn playing(clip: &Arc<Clip>) -> Setup {
    Setup::playing(clip).speed(4.0)
}

/// Starts a session on the camera and compares what becomes of it.
async fn judge(
    service: &Service,
    camera: &FaultCamera,
    verdict: Verdict,
    control: &str,
) -> Result<(), String> {
    let body = json!({
        "rtsp_url": camera.url(), "username": "owner", "password": "secret", "wait": 20,
    });
    let answer = service.post_json("/start", &body).await;
    match verdict {
        Refused(kind) => {
            let told = answer.json()["kind"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let right = [502, 504].contains(&answer.status) && told == kind;
            right
                .then_some(())
                .ok_or_else(|| format!("{}, not {kind}", answer.told()))
        }
        Plays(_) if answer.status != 200 => Err(answer.told()),
        Plays(codec) => {
            let id = answer.json()["session"]["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let session = nine_winners(service, &id).await?;
            let page = service.get(&format!("/stop?session={id}")).await;
            let stream = &session["stream"];
            if stream["codec"] != codec || stream["transport"] != "tcp" {
                return Err(format!("it is read as {stream}"));
            }
            let shown = page.text().matches("/thumbnail\"").count();
            if shown != WINNERS {
                return Err(format!("{shown} pictures are on the page: {}", page.told()));
            }
            asked_for_the_video(camera, control)
        }
    }
}

/// Waits until a session has nine winners, and shows it.
async fn nine_winners(service: &Service, id: &str) -> Result<Value, String> {
    let nine = eventually("nine winners", async || {
        (service.frames(id).await.len() == WINNERS).then_some(())
    });
    let came = timeout(PATIENCE, nine).await;
    let session = service.session(id).await;
    came.map_err(|_| format!("no nine winners within {PATIENCE:?}: {session}"))?;
    Ok(session)
}

/// Whether the video was set up, and nothing beside it.
fn asked_for_the_video(camera: &FaultCamera, control: &str) -> Result<(), String> {
    let seen = camera.seen();
    let requests = seen.requests();
    let setups = requests.iter().filter(|request| request.method == "SETUP");
    let urls: Vec<&str> = setups.map(|request| request.url.as_str()).collect();
    println!("asked for {urls:?}");
    match urls[..] {
        [one] if one.ends_with(control) => Ok(()),
        _ => Err(format!("SETUP for {urls:?}, not for …{control}")),
    }
}

/// Serves one file as the answer to DESCRIBE and judges what becomes of it.
async fn serve(
    service: &Service,
    pictures: &Pictures,
    file: &Path,
    table: &[(&str, Verdict)],
) -> Result<(), String> {
    let name = name_of(file);
    let known = table.iter().find(|(known, _)| *known == name);
    let Some((_, verdict)) = known else {
        return Err(format!("{name}: this table says nothing of it"));
    };
    let capture = Capture::read(file);
    let control = capture.video.clone().unwrap_or_default().control;
    let camera = pictures.behind(&capture).start();
    let judged = judge(service, &camera, *verdict, &control).await;
    judged.map_err(|fault| format!("{name}: {fault}"))
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The files of the folder of captures; nothing, said aloud, where there is none.
fn captured(what: &str) -> Option<Vec<PathBuf>> {
    let Some(folder) = captures() else {
        // Past the test runner, which keeps what passing tests print to itself.
        let told = format!("NOT RUN: {what}; BESTSHOT_CAPTURES names no folder.");
        writeln!(std::io::stderr(), "{told}").expect("standard error is open");
        return None;
    };
    let files = files_below(&folder);
    assert!(!files.is_empty(), "{} is empty", folder.display());
    Some(files)
}

/// The file of this name among those captured.
fn named<'a>(files: &'a [PathBuf], name: &str) -> Option<&'a Path> {
    let found = files.iter().find(|file| name_of(file) == name);
    found.map(PathBuf::as_path)
}

#[tokio::test]
async fn each_odd_description_is_read_or_refused_with_its_own_word() {
    let service = Service::start().await;
    let pictures = Pictures::of_clips();
    let all = files_below(&workspace().join("tests/descriptions"));
    let all: Vec<PathBuf> = all
        .into_iter()
        .filter(|file| Capture::is_in(file))
        .collect();
    assert_eq!(all.len(), WRITTEN.len());
    let mut faults = Vec::new();
    for file in &all {
        faults.extend(serve(&service, &pictures, file, WRITTEN).await.err());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn each_recorded_description_is_read_or_refused_with_its_own_word() {
    let Some(files) = captured("the sweep over recorded descriptions") else {
        return;
    };
    let service = Service::start().await;
    let recorded = |name: &str, codec| {
        let file = named(&files, name).unwrap_or_else(|| panic!("{name} is not captured"));
        Clip::recorded(codec, &fs::read(file).expect("it can be read"), 0)
    };
    let pictures = Pictures {
        h264: recorded("h264.rtp", Codec::H264),
        h265: recorded("h265.rtp", Codec::H265),
        ..Pictures::of_clips()
    };
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| Capture::is_in(file)) {
        faults.extend(serve(&service, &pictures, file, RECORDED).await.err());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn recorded_answers_to_setup_and_play_are_understood() {
    let Some(files) = captured("the sweep over recorded answers to SETUP and PLAY") else {
        return;
    };
    let service = Service::start().await;
    let pictures = Pictures::of_clips();
    let mut faults = Vec::new();
    for names in HANDSHAKES {
        let answers = ["DESCRIBE", "SETUP", "PLAY"].into_iter().zip(names);
        let captures = answers.filter(|(_, name)| !name.is_empty());
        let captures: Vec<(&str, Capture)> = captures
            .map(|(method, name)| {
                let file = named(&files, name).unwrap_or_else(|| panic!("{name} is not captured"));
                (method, Capture::read(file))
            })
            .collect();
        let video = captures
            .iter()
            .find_map(|(_, capture)| capture.video.clone());
        let setup = playing(&pictures.h264);
        let setup = match &video {
            Some(video) => setup.payload_type(video.payload_type),
            None => setup,
        };
        let all = captures
            .into_iter()
            .fold(Faults::default(), |all, (method, capture)| {
                all.reply(When::method(method), Reply::Recorded(capture.answer))
            });
        let camera = setup.faults(all).start();
        let control = video.unwrap_or_default().control;
        let judged = judge(&service, &camera, Plays("h264"), &control).await;
        faults.extend(judged.err().map(|fault| format!("{names:?}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Its parameter sets are in the description only.
#[tokio::test]
async fn a_session_recorded_as_a_whole_is_read() {
    let Some(files) = captured("the recorded session") else {
        return;
    };
    let file = |name: &str| named(&files, name).unwrap_or_else(|| panic!("{name} is not captured"));
    let service = Service::start().await;
    let capture = Capture::read(file("bunny_describe.txt"));
    let session = fs::read(file("bunny.rtsp")).expect("it can be read");
    let clip = Clip::recorded(Codec::H264, &session, 2);
    let pictures = Pictures {
        h264: clip,
        ..Pictures::of_clips()
    };
    let camera = pictures.behind(&capture).start();
    let judged = judge(&service, &camera, Plays("h264"), "trackID=2").await;
    assert_eq!(judged, Ok(()));
}
