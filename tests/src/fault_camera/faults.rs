//! What a camera may do wrong, as values. Whoever holds the camera changes them
//! while it runs; what they cause is in `answer`, `sdp`, `player` and `link`.

use crate::fault_camera::{loss::Loss, sdp::BrokenSdp};

/// How packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved in the connection of the requests.
    Tcp,
    /// As datagrams.
    Udp,
}

/// All that goes wrong at present. The default is a sound camera.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Answers other than the usual ones; the first that fits a request counts.
    pub replies: Vec<(When, Reply)>,
    /// What is wrong with the description.
    pub sdp: Option<BrokenSdp>,
    /// What is sent of a stream that plays.
    pub media: Media,
    /// `media` holds for this transport only; the other one is sound.
    pub media_over: Option<Transport>,
    /// What happens to RTP packets on their way.
    pub loss: Option<Loss>,
    /// No keyframe is ever sent.
    pub no_keyframes: bool,
    /// No sender report is ever sent, so nobody learns what time it is.
    pub no_reports: bool,
    /// Added to every RTP time stamp, in ticks of 1/90000 s.
    pub shift: i64,
    /// Every RTP time stamp is the same.
    pub frozen: bool,
    /// What else goes wrong, and at which point of a session. Each happens once
    /// and is then taken off the list.
    pub cues: Vec<(At, Act)>,
}

impl Faults {
    /// Answers requests that fit with this.
    #[must_use]
    pub fn reply(mut self, when: When, reply: Reply) -> Self {
        self.replies.push((when, reply));
        self
    }

    /// Does this at that point of a session.
    #[must_use]
    pub fn cue(mut self, at: At, act: Act) -> Self {
        self.cues.push((at, act));
        self
    }

    /// Sends no more than this of a stream that plays.
    #[must_use]
    pub fn media(mut self, media: Media) -> Self {
        self.media = media;
        self
    }

    /// The same over one transport only.
    #[must_use]
    pub fn media_over(mut self, transport: Transport, media: Media) -> Self {
        (self.media, self.media_over) = (media, Some(transport));
        self
    }

    /// Describes its stream wrongly.
    #[must_use]
    pub fn sdp(mut self, broken: BrokenSdp) -> Self {
        self.sdp = Some(broken);
        self
    }

    /// Sends over a bad line.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = Some(loss);
        self
    }

    pub(crate) fn media_by(&self, transport: Transport) -> Media {
        match self.media_over {
            Some(only) if only != transport => Media::Flows,
            _ => self.media,
        }
    }

    pub(crate) fn reply_to(&self, method: &str, transport: Option<Transport>) -> Reply {
        let fits = |when: &When| {
            when.method.is_none_or(|wanted| wanted == method)
                && (when.transport.is_none() || when.transport == transport)
        };
        let found = self.replies.iter().find(|(when, _)| fits(when));
        found.map_or(Reply::Usual, |(_, reply)| reply.clone())
    }
}

/// Which requests are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    method: Option<&'static str>,
    transport: Option<Transport>,
}

impl When {
    /// Every request.
    pub fn always() -> Self {
        Self::default()
    }

    /// Requests of this method, such as `DESCRIBE`.
    pub fn method(method: &'static str) -> Self {
        Self {
            method: Some(method),
            transport: None,
        }
    }

    /// Those only of a session over this transport, SETUP included.
    #[must_use]
    pub fn over(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }
}

/// How a request is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reply {
    /// As a sound camera does.
    #[default]
    Usual,
    /// With this status and nothing else; 401 comes with a challenge.
    Status(u16),
    /// With 302 and this address.
    Redirect(String),
    /// With 302 and the address that was asked for.
    RedirectToItself,
    /// Not at all; the connection stays.
    Mute,
    /// As usual, one byte every 0.4 s.
    Drip,
    /// As usual, claiming that a body of so many bytes follows.
    Length(u64),
    /// With these bytes.
    Bytes(Vec<u8>),
    /// As another camera did when this was recorded, all but the number of the
    /// request; what the request asks for is done as usual.
    Recorded(Vec<u8>),
    /// By ending the connection.
    Close(Close),
}

/// What is sent of a stream that plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// Everything.
    #[default]
    Flows,
    /// RTCP only.
    Silent,
    /// Nothing; requests are answered.
    Still,
    /// Packets, one byte every 0.4 s; over UDP nothing.
    Drip,
}

/// A point of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Before the picture of this number is sent, counted from 0.
    Unit(u64),
    /// Before the RTP packet of this number is sent, counted from 0.
    Packet(u64),
}

/// What happens there.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// From here on this is sent.
    Media(Media),
    /// The connection ends.
    Close(Close),
    /// Time stamps jump by so many ticks of 1/90000 s.
    Jump(i64),
    /// Time stamps stand still.
    Freeze,
    /// The line turns bad.
    Loss(Loss),
    /// RTCP's goodbye, though packets follow: over UDP it may overtake them.
    Goodbye,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// In good order.
    Fin,
    /// With a reset.
    Rst,
    /// Without a word: it stays, and nothing is read or written any more.
    Hole,
}
