//! Opening a camera: which address, which transport, and what becomes of a try
//! that fails. Reading packets is `packets`'s business.

use std::{
    ffi::CString,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    diagnosis,
    error::{AvError, Error, ErrorKind},
    ffi::{self, Input, OpenFailure},
    log::Signals,
    options::{OpenOptions, Transport},
    pace::Pace,
    packets::{Packets, no_video, refuse},
    resolve::resolve,
    url::RtspUrl,
    watch::{Stop, Watch},
};

/// What is asked of the kernel for datagrams: a keyframe of a 4K camera and more.
const RECEIVE_BUFFER: u32 = 4 << 20;

/// Of the time for a first packet, the share (in percent) for which TCP is waited
/// for before UDP is tried: longer than a night stream takes for a picture.
const TCP_SHARE: u32 = 60;

/// Connects to a camera and starts it playing.
pub(crate) fn open_rtsp(
    url: &RtspUrl,
    options: &OpenOptions,
    stop: &Stop,
) -> Result<Packets, Error> {
    ffi::listen_to_log();
    let began = Instant::now();
    if url.is_secure() {
        check_tls(url, options)?;
    }
    let addresses = resolve(url, &options.policy, options.deadlines.resolve, stop)?;
    // A slow look-up is part of what somebody waits for; half of the time is left at least.
    let connect = options.deadlines.connect;
    let until = (began + connect).max(Instant::now() + connect / 2);
    let mut failure = None;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        // One address that leads nowhere must not take the time of the next.
        let share = until.saturating_duration_since(Instant::now()) / left.max(1);
        left -= 1;
        let attempt = Attempt {
            url,
            address,
            options,
            stop,
            until: Instant::now() + share,
        };
        match attempt.connect() {
            Ok(packets) => return Ok(packets.opened_after(began.elapsed())),
            // Another address of the same name may still answer.
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::Unreachable | ErrorKind::Refused | ErrorKind::Timeout
                ) =>
            {
                failure = Some(e);
            }
            Err(e) => return Err(e),
        }
    }
    Err(failure
        .unwrap_or_else(|| Error::new(ErrorKind::Dns, format!("{url}: the host has no address"))))
}

/// libav before 8.1 takes any certificate and says nothing, and the password would
/// go to whoever answers.
fn check_tls(url: &RtspUrl, options: &OpenOptions) -> Result<(), Error> {
    if options.tls_insecure || ffi::rtsp_can_verify() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "{url}: the libav on this machine cannot check the certificate of an rtsps camera; \
             allow it unchecked (tls_insecure) where you trust the network, or use rtsp"
        ),
    ))
}

/// One address, tried by one transport or two.
struct Attempt<'a> {
    url: &'a RtspUrl,
    address: IpAddr,
    options: &'a OpenOptions,
    stop: &'a Stop,
    until: Instant,
}

impl Attempt<'_> {
    fn connect(&self) -> Result<Packets, Error> {
        let first_packet = self.options.deadlines.first_packet;
        let transport = match self.options.transport {
            // Encrypted media travel in the encrypted connection.
            _ if self.url.is_secure() => Transport::Tcp,
            given => given,
        };
        if transport != Transport::Auto {
            return self.play(transport, first_packet);
        }
        let patience = first_packet * TCP_SHARE / 100;
        match self.play(Transport::Tcp, patience) {
            Ok(mut packets) => {
                packets.read_ahead();
                // Whoever sends nothing by TCP may send by UDP, in what is left of the time.
                // TEARDOWN goes out first.
                let Some(silent) = packets.take_silence() else {
                    return Ok(packets);
                };
                drop(packets);
                let rest = first_packet.saturating_sub(patience);
                let later = Attempt {
                    until: Instant::now() + rest,
                    ..*self
                };
                match later.play(Transport::Udp, rest) {
                    Ok(packets) => Ok(packets.silent_before(patience)),
                    Err(e) if e.kind() == ErrorKind::Stopped => Err(e),
                    Err(_) => Err(silent),
                }
            }
            Err(e) if diagnosis::refused_transport(&e) => {
                self.play(Transport::Udp, first_packet).map_err(|udp| {
                    if diagnosis::refused_transport(&udp) {
                        diagnosis::no_transport(self.url)
                    } else {
                        udp
                    }
                })
            }
            Err(e) => Err(e),
        }
    }

    /// The handshake up to PLAY. `patience`: for the first packet.
    fn play(&self, transport: Transport, patience: Duration) -> Result<Packets, Error> {
        let name = self.url.to_string();
        let target = CString::new(self.url.expose_at(self.address)).map_err(|_| {
            Error::new(
                ErrorKind::Internal,
                format!("{name}: the address cannot be passed on"),
            )
        })?;
        let watch = Arc::new(Watch::new(self.stop.clone()));
        watch.set_deadline(self.until.saturating_duration_since(Instant::now()));
        let signals = Arc::new(Signals::default());
        if transport == Transport::Udp {
            signals.expect_media_from(self.address);
        }
        let settings = self.settings(transport);
        let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let opened = Input::open(
            target,
            Some(c"rtsp"),
            &settings,
            Arc::clone(&watch),
            &signals,
        );
        let input = opened.map_err(|e| match e {
            // It described its stream, and there was no video in it to ask for.
            OpenFailure::Av(code, 0) if signals.described() && watch.verdict().is_none() => {
                no_video(&name).with_source(code)
            }
            OpenFailure::Av(code, _) => diagnosis::opening(&name, code, &watch, &signals),
            other => refuse(&name, other),
        })?;
        // libav goes on without an answer to PLAY that it was told to wait for no longer.
        if watch.verdict().is_some() {
            let code = AvError(ffmpeg_next::ffi::AVERROR_EXIT);
            return Err(diagnosis::opening(&name, code, &watch, &signals));
        }
        let packets = Packets::new(input, name, watch, signals)?;
        let silence = self.options.deadlines.silence;
        Ok(packets.live(transport, Pace::new(patience, silence)))
    }

    fn settings(&self, transport: Transport) -> Vec<(&'static str, String)> {
        let agent = concat!("bestshot/", env!("CARGO_PKG_VERSION"));
        let mut settings = vec![
            // What is set up is sent: of all that is described, the first video.
            ("allowed_media_types", "video".to_owned()),
            ("max_streams", "1".to_owned()),
            ("user_agent", agent.to_owned()),
        ];
        match transport {
            Transport::Udp => settings.extend([
                ("rtsp_transport", "udp".to_owned()),
                ("protocol_whitelist", "rtp,udp,tcp".to_owned()),
                ("buffer_size", RECEIVE_BUFFER.to_string()),
            ]),
            _ => settings.extend([
                ("rtsp_transport", "tcp".to_owned()),
                // Nothing is reordered on TCP, but only with a queue does libav say
                // that something is missing.
                ("reorder_queue_size", "2".to_owned()),
                (
                    "protocol_whitelist",
                    if self.url.is_secure() {
                        "tls,tcp"
                    } else {
                        "tcp"
                    }
                    .to_owned(),
                ),
            ]),
        }
        if self.url.is_secure() && ffi::rtsp_can_verify() {
            let verify = if self.options.tls_insecure { "0" } else { "1" };
            settings.push(("tls_verify", verify.to_owned()));
            // The connection goes to an address, the certificate names a host.
            settings.push(("verifyhost", self.url.host()));
        }
        settings
    }
}
