//! Whose a line of libav's log is: the log is one for the whole process, and names a
//! context with each line. What the line says is for `log`.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::signals::Signals;

/// More packets than a decoder has under way: one for each value of a byte.
const SLOTS: usize = 256;

thread_local! {
    /// The stream that this thread is decoding.
    static HERE: RefCell<Weak<Signals>> = RefCell::default();
    /// The packet of which a line was written last on this thread. A decoder's own
    /// threads do nothing but decode, and begin with a line on what they decode.
    static AT_WORK: Cell<usize> = const { Cell::new(0) };
}

/// Takes lines of unknown contexts for this stream's until it is dropped.
pub(crate) struct During(());

pub(crate) fn during(signals: &Arc<Signals>) -> During {
    HERE.set(Arc::downgrade(signals));
    During(())
}

impl Drop for During {
    fn drop(&mut self) {
        HERE.set(Weak::new());
    }
}

/// This thread works on the packet of this name ([`Names`]).
pub(crate) fn at_work(name: usize) {
    AT_WORK.set(name);
}

/// Who is told of lines about these contexts.
struct Listener {
    contexts: Range<usize>,
    signals: Weak<Signals>,
    damaged: Option<Weak<Damaged>>,
}

static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());

/// Keeps lines going to a stream's [`Signals`] while it lives.
#[derive(Debug)]
pub(crate) struct Listening {
    first: usize,
}

impl Listening {
    /// To what libav says of this context.
    pub(crate) fn new(context: usize, signals: &Arc<Signals>) -> Self {
        Self::to(context..context + 1, signals, None)
    }

    fn to(contexts: Range<usize>, signals: &Arc<Signals>, damaged: Option<&Arc<Damaged>>) -> Self {
        let first = contexts.start;
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Listener {
            contexts,
            signals: Arc::downgrade(signals),
            damaged: damaged.map(Arc::downgrade),
        });
        Self { first }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |listener: &Listener| listener.contexts.start == self.first;
        if let Some(at) = listeners.iter().position(own) {
            listeners.swap_remove(at);
        }
    }
}

/// Whose a line is.
pub(super) struct Owner {
    pub(super) signals: Arc<Signals>,
    packet: Option<(Arc<Damaged>, usize)>,
}

impl Owner {
    /// Something could not be decoded.
    pub(super) fn damage(&self) {
        match &self.packet {
            Some((damaged, slot)) => damaged.add(*slot),
            None => self.signals.damage(),
        }
    }
}

/// Whose a line about this context is; about an unknown one, whose this thread is.
pub(super) fn owner(context: usize) -> Option<Owner> {
    let here = || {
        let signals = HERE.with_borrow(Weak::upgrade)?;
        let packet = None;
        Some(Owner { signals, packet })
    };
    listening_to(context)
        .or_else(here)
        .or_else(|| listening_to(AT_WORK.get()))
}

fn listening_to(context: usize) -> Option<Owner> {
    let listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    let listener = listeners.iter().find(|l| l.contexts.contains(&context))?;
    let slot = context - listener.contexts.start;
    let damaged = listener.damaged.as_ref().and_then(Weak::upgrade);
    Some(Owner {
        signals: listener.signals.upgrade()?,
        packet: damaged.map(|damaged| (damaged, slot)),
    })
}

/// Names for the packets that a decoder works on, so that a line of its log tells which
/// of them it is about, whatever thread it comes from.
#[derive(Debug)]
pub(crate) struct Names {
    /// Nothing is written to it or read of it: the address of each byte is a name that
    /// nothing else in this process has.
    block: Box<[u8; SLOTS]>,
    damaged: Arc<Damaged>,
    _listening: Listening,
}

impl Names {
    pub(crate) fn new(signals: &Arc<Signals>) -> Self {
        let block = Box::new([0; SLOTS]);
        let damaged = Arc::new(Damaged::default());
        let names = block.as_ptr_range();
        let names = names.start as usize..names.end as usize;
        let listening = Listening::to(names, signals, Some(&damaged));
        Self {
            block,
            damaged,
            _listening: listening,
        }
    }

    /// The name of the packet with this serial number.
    pub(crate) fn of(&self, serial: u64) -> *const u8 {
        &raw const self.block[slot(serial)]
    }

    /// The serial numbers of packets in which something could not be decoded since this
    /// was asked last. `last`: the one that was sent last.
    pub(crate) fn take_damaged(&self, last: u64) -> impl Iterator<Item = u64> {
        let first = (last + 1).saturating_sub(SLOTS as u64);
        self.damaged
            .take()
            .map(move |slots| (first..=last).filter(move |s| slots.contains(slot(*s))))
            .into_iter()
            .flatten()
    }
}

fn slot(serial: u64) -> usize {
    let [lowest, ..] = serial.to_le_bytes();
    usize::from(lowest)
}

/// One bit for each slot.
#[derive(Debug, Default)]
struct Damaged([AtomicU64; SLOTS / 64]);

impl Damaged {
    fn add(&self, slot: usize) {
        self.0[slot / 64].fetch_or(1 << (slot % 64), Ordering::AcqRel);
    }

    /// Those that were added, if any.
    fn take(&self) -> Option<Slots> {
        if self.0.iter().all(|word| word.load(Ordering::Acquire) == 0) {
            return None;
        }
        Some(Slots(
            self.0.each_ref().map(|word| word.swap(0, Ordering::AcqRel)),
        ))
    }
}

struct Slots([u64; SLOTS / 64]);

impl Slots {
    fn contains(&self, slot: usize) -> bool {
        self.0[slot / 64] & (1 << (slot % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (Arc<Signals>, Names) {
        let signals = Arc::new(Signals::default());
        let names = Names::new(&signals);
        (signals, names)
    }

    fn damage(names: &Names, serial: u64) {
        owner(names.of(serial) as usize)
            .expect("it is listened to")
            .damage();
    }

    #[test]
    fn damage_is_told_of_the_packet_that_its_line_names() {
        let (signals, names) = names();
        let (_others, others) = tests::names();
        damage(&names, 1000);
        damage(&names, 1003);
        damage(&others, 1001);
        let told: Vec<_> = names.take_damaged(1005).collect();
        assert_eq!(told, [1000, 1003]);
        assert_eq!(names.take_damaged(1005).count(), 0, "it is told once");
        assert_eq!(signals.damaged(), 0, "it is known which packet it is");
        damage(&names, 3);
        assert_eq!(names.take_damaged(3).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_line_that_names_nothing_is_about_what_its_thread_is_at_work_on() {
        let (_signals, names) = names();
        let name = names.of(7) as usize;
        let worker = std::thread::spawn(move || {
            assert!(owner(0).is_none());
            at_work(name);
            owner(0).expect("it is at work").damage();
        });
        worker.join().expect("its assertion holds");
        assert_eq!(names.take_damaged(9).collect::<Vec<_>>(), [7]);
        let name = names.of(8) as usize;
        drop(names);
        assert!(owner(name).is_none(), "nobody listens any more");
    }
}
