//! Packets on their way from the thread that reads a camera to the decoder. Where
//! a decoder would not notice a picture that was only begun, each packet waits
//! until the next one shows that it is none.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use ffmpeg_next::codec::Id;

use crate::{
    error::{Error, ErrorKind},
    log::Signals,
    nal::Syntax,
    packets::Packets,
    repeats::Succession,
    unit::Unit,
    watch::Watch,
};

/// How soon a consumer that waits for packets notices the stop signal.
const LOOK_UP: Duration = Duration::from_millis(25);
/// How long a packet waits for the next one: one picture of a stream of one a second.
const HOLD: Duration = Duration::from_secs(1);

/// The receiving end.
pub(crate) struct Arrivals {
    units: Receiver<Unit>,
    pub(crate) watch: Arc<Watch>,
    signals: Arc<Signals>,
    /// Set where packets wait for the next one.
    holding: Option<Syntax>,
    held: Option<Unit>,
}

impl Arrivals {
    pub(crate) fn new(units: Receiver<Unit>, packets: &Packets) -> Self {
        let codec = packets.parameters.parameters.id();
        Self {
            units,
            watch: Arc::clone(&packets.watch),
            signals: Arc::clone(&packets.signals),
            // Decoders of H.264 tell of the slices that are missing.
            holding: (codec == Id::HEVC).then_some(Syntax::H265),
            held: None,
        }
    }

    /// The next packet, `None` when the reader ended. Looks up often, so that a stop
    /// is noticed before the camera's next packet.
    pub(crate) fn next(&mut self) -> Result<Option<Unit>, Error> {
        loop {
            if self.watch.is_stopped() {
                return Err(Error::new(ErrorKind::Stopped, "stopped on request"));
            }
            let ready = match self.units.recv_timeout(LOOK_UP) {
                Ok(unit) => self.arrived(unit),
                Err(RecvTimeoutError::Timeout) => {
                    self.held.take_if(|held| held.arrival.elapsed() >= HOLD)
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(self.last()),
            };
            if ready.is_some() {
                return Ok(ready);
            }
        }
    }

    /// The last packet of all. That nothing of it is missing the next one would tell;
    /// a line that lost packets before may have lost its end.
    fn last(&mut self) -> Option<Unit> {
        let mut last = self.held.take()?;
        last.broken |= self.signals.lost() > 0;
        Some(last)
    }

    /// What need not wait any longer now that this one came.
    fn arrived(&mut self, mut unit: Unit) -> Option<Unit> {
        let completes = unit.succession == Succession::Completion;
        if let (Some(syntax), Some(beginning), true) = (self.holding, &self.held, completes) {
            self.held = Some(unit.complete(syntax, beginning));
            return None;
        }
        // Its beginning went to the decoder as a picture.
        unit.broken |= completes;
        if self.holding.is_some() {
            self.held.replace(unit)
        } else {
            Some(unit)
        }
    }
}
