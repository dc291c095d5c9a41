//! What libav's log said about one stream. Reading its lines is for `log`, reading a
//! camera's answers for `answer`.

use std::{
    net::IpAddr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
};

/// Of the first packet of media: its head came; all of it did.
const BEGUN: u8 = 1;
const CAME: u8 = 2;

/// What the log said about one stream. Counters only grow.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(super) lost: AtomicU64,
    pub(super) damaged: AtomicU64,
    pub(super) bye: AtomicBool,
    pub(super) too_large: AtomicBool,
    pub(super) untrusted: AtomicBool,
    pub(super) described: AtomicBool,
    /// Whose media are taken; not set where the transport leaves no choice.
    pub(super) camera: OnceLock<IpAddr>,
    pub(super) stranger: AtomicBool,
    /// Said anything at all, and said it in RTSP.
    pub(super) spoke: AtomicBool,
    pub(super) answered: AtomicBool,
    /// How often it agreed (200).
    pub(super) agreed: AtomicU64,
    pub(super) redirected: AtomicBool,
    /// Whether a packet of media has come over the connection of the requests.
    pub(super) media: AtomicU8,
    /// Bytes, where the kernel gave less than was asked for.
    pub(super) receive_buffer: AtomicU64,
}

impl Signals {
    /// Times that packets went missing before they reached us.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire)
    }

    /// Something is missing, though no packet shows it.
    pub(crate) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::AcqRel);
    }

    /// Something could not be decoded, in which packet is not known.
    pub(super) fn damage(&self) {
        self.damaged.fetch_add(1, Ordering::AcqRel);
    }

    /// Times that something could not be decoded of which nothing else is known.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Acquire)
    }

    /// Whether a picture or an answer was refused for its size.
    pub(crate) fn too_large(&self) -> bool {
        self.too_large.load(Ordering::Acquire)
    }

    /// Whether its certificate is another host's, or nobody vouches for it.
    pub(crate) fn untrusted(&self) -> bool {
        self.untrusted.load(Ordering::Acquire)
    }

    /// Whether the camera sent a description (SDP) of its stream.
    pub(crate) fn described(&self) -> bool {
        self.described.load(Ordering::Acquire)
    }

    /// From now on, media that the camera lets another machine send are none of ours.
    pub(crate) fn expect_media_from(&self, camera: IpAddr) {
        let _ = self.camera.set(camera);
    }

    /// Whether the camera named another machine as the sender of its media.
    pub(crate) fn names_stranger(&self) -> bool {
        self.stranger.load(Ordering::Acquire)
    }

    /// Whether the camera sent readers elsewhere (RTSP 3xx), be it back to itself.
    pub(crate) fn redirects(&self) -> bool {
        self.redirected.load(Ordering::Acquire)
    }

    /// Whether the camera answered anything at all.
    pub(crate) fn spoke(&self) -> bool {
        self.spoke.load(Ordering::Acquire)
    }

    /// Whether the camera answered anything in RTSP.
    pub(crate) fn answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// Whether it agreed to more than to say what it can do (OPTIONS).
    pub(crate) fn agreed_to_describe(&self) -> bool {
        self.agreed.load(Ordering::Acquire) > 1
    }

    /// Whether a whole packet of media arrived. Known over TCP only, and long before libav gives
    /// the packet out: its parser waits for the next picture.
    pub(crate) fn sends_media(&self) -> bool {
        self.media.load(Ordering::Acquire) == CAME
    }

    /// The head of a packet came, over the connection of the requests.
    pub(super) fn packet_begins(&self, is_media: impl FnOnce() -> bool) {
        match self.media.load(Ordering::Acquire) {
            // The head of the next packet shows that it is complete: bytes that drip in
            // are no packet.
            BEGUN => self.media.store(CAME, Ordering::Release),
            CAME => {}
            _ if is_media() => self.media.store(BEGUN, Ordering::Release),
            _ => {}
        }
    }

    /// The receive buffer for datagrams, where the kernel cut it down.
    pub(crate) fn receive_buffer(&self) -> Option<u64> {
        Some(self.receive_buffer.load(Ordering::Acquire)).filter(|bytes| *bytes > 0)
    }

    /// Whether the camera said goodbye (RTCP BYE).
    pub(crate) fn said_bye(&self) -> bool {
        self.bye.load(Ordering::Acquire)
    }
}
