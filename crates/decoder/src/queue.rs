//! Between the camera and the decoder: the thread that reads puts packets into a
//! bounded queue, and never waits for whoever takes them out. Taking them out in time
//! is for `arrivals`.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
    mpsc::{self, Receiver, SyncSender, TrySendError},
};

use crate::{error::Error, frames::Counters, options::OpenOptions, packets::Packets, unit::Unit};

/// What both sides know.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    packets: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
    keyframes: AtomicU64,
    queued_bytes: AtomicUsize,
    failure: Mutex<Option<Error>>,
}

impl Shared {
    /// A packet arrived.
    pub(crate) fn count(&self, unit: &Unit) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(unit.packet.size() as u64, Ordering::Relaxed);
        if unit.keyframe {
            self.keyframes.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            packets: self.packets.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            keyframes: self.keyframes.load(Ordering::Relaxed),
        }
    }

    /// A packet was taken out of the queue.
    pub(crate) fn taken(&self, unit: &Unit) {
        self.queued_bytes.fetch_sub(unit.queued, Ordering::AcqRel);
    }

    /// Why reading ended, where it was not the end of the stream.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *failure = Some(error);
    }
}

/// The end of the queue at which packets arrive.
pub(crate) struct Queue {
    sender: SyncSender<Unit>,
    shared: Arc<Shared>,
    max_bytes: usize,
    dropping: bool,
}

impl Queue {
    pub(crate) fn new(options: &OpenOptions, shared: &Arc<Shared>) -> (Self, Receiver<Unit>) {
        let (sender, units) = mpsc::sync_channel(options.queue_packets);
        let queue = Self {
            sender,
            shared: Arc::clone(shared),
            max_bytes: options.queue_bytes,
            dropping: false,
        };
        (queue, units)
    }

    /// Reads until the stream ends, it fails, or nobody takes anything any more.
    pub(crate) fn fill(mut self, mut packets: Packets) {
        loop {
            match packets.read() {
                Ok(Some(unit)) => {
                    if !self.put(unit) {
                        return;
                    }
                }
                Ok(None) => return,
                Err(e) => return self.shared.fail(e),
            }
        }
    }

    /// Never waits: where the queue is full, everything up to the next keyframe
    /// goes. Single pictures left out would smear those predicted from them. False
    /// where nobody is left to take it.
    fn put(&mut self, mut unit: Unit) -> bool {
        self.shared.count(&unit);
        let size = unit.queued;
        let full = self.shared.queued_bytes.load(Ordering::Acquire) + size > self.max_bytes;
        if full || (self.dropping && !unit.keyframe) {
            return self.give_up();
        }
        unit.after_gap = self.dropping;
        self.shared.queued_bytes.fetch_add(size, Ordering::AcqRel);
        match self.sender.try_send(unit) {
            Ok(()) => {
                self.dropping = false;
                true
            }
            Err(TrySendError::Full(_)) => {
                self.shared.queued_bytes.fetch_sub(size, Ordering::AcqRel);
                self.give_up()
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    fn give_up(&mut self) -> bool {
        self.dropping = true;
        self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use ffmpeg_next::Packet;

    use super::*;
    use crate::{nal::Access, repeats::Succession};

    const BYTES: usize = 100;

    fn unit(keyframe: bool) -> Unit {
        Unit {
            packet: Packet::copy(&[0; BYTES]),
            keyframe,
            access: Access::default(),
            broken: false,
            after_gap: false,
            succession: Succession::New,
            repeated: None,
            queued: BYTES,
            arrival: Instant::now(),
            received_at: SystemTime::now(),
            captured_at: None,
        }
    }

    /// Puts groups of ten into a queue that holds so much; every `every`th packet is
    /// followed by one being taken out. Returns which were taken, and which of these
    /// came after a gap.
    fn through(packets: usize, bytes: usize, every: usize) -> (Vec<usize>, Vec<usize>, u64) {
        let shared = Arc::default();
        let options = OpenOptions::default().queue(packets, bytes);
        let (mut queue, units) = Queue::new(&options, &shared);
        let (mut kept, mut after_gap) = (Vec::new(), Vec::new());
        let mut take = |unit: Unit| {
            shared.taken(&unit);
            let number = usize::from(unit.packet.data().unwrap()[0]);
            kept.push(number);
            if unit.after_gap {
                after_gap.push(number);
            }
        };
        for number in 0..100_u8 {
            let mut unit = unit(number % 10 == 0);
            unit.packet.data_mut().unwrap()[0] = number;
            // Every one is taken at once: nobody is waited for.
            assert!(queue.put(unit));
            if usize::from(number) % every == 0
                && let Ok(unit) = units.try_recv()
            {
                take(unit);
            }
        }
        units.try_iter().for_each(&mut take);
        let counters = shared.counters();
        assert_eq!(counters.packets, 100);
        assert_eq!(counters.bytes, 100 * BYTES as u64);
        assert_eq!(counters.keyframes, 10);
        assert_eq!(shared.queued_bytes.load(Ordering::Acquire), 0);
        (kept, after_gap, counters.dropped)
    }

    #[test]
    fn whoever_keeps_up_gets_every_packet() {
        let (kept, after_gap, dropped) = through(250, 32 << 20, 1);
        assert_eq!(kept, (0..100).collect::<Vec<_>>());
        assert_eq!((after_gap.len(), dropped), (0, 0));
    }

    #[test]
    fn whoever_is_slow_loses_packets_up_to_the_next_keyframe_and_each_is_counted() {
        for (packets, bytes) in [(15, 32 << 20), (250, 15 * BYTES)] {
            for every in [2, 3, 7] {
                let (kept, after_gap, dropped) = through(packets, bytes, every);
                let told = format!("{packets} packets, {bytes} bytes, one of {every}: {kept:?}");
                assert!(dropped > 0, "{told}");
                assert_eq!(kept.len() as u64 + dropped, 100, "{told}");
                let gaps = kept.windows(2).filter(|pair| pair[1] != pair[0] + 1);
                let begins: Vec<_> = gaps.map(|pair| pair[1]).collect();
                assert!(begins.iter().all(|number| number % 10 == 0), "{told}");
                assert_eq!(after_gap, begins, "{told}");
            }
        }
    }

    #[test]
    fn reading_ends_where_nobody_takes_anything_any_more() {
        let shared = Arc::default();
        let (mut queue, units) = Queue::new(&OpenOptions::default(), &shared);
        assert!(queue.put(unit(true)));
        drop(units);
        assert!(!queue.put(unit(false)));
    }
}
