//! What a bad line does to packets: a seed and a rate decide the fate of each by
//! its number alone, so that a run can be repeated. Pure.

use crate::fault_camera::rtp::HEADER;

/// What may happen to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It does not arrive.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives after the one that follows it.
    Reorder,
    /// One bit behind the RTP header is another.
    Flip,
}

/// How often what happens. The same loss does the same to the same packet
/// numbers, whatever the camera, the clip and the speed.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The share of packets that are harmed, 0 to 1.
    pub rate: f64,
    /// Makes one run differ from another.
    pub seed: u64,
    /// What may happen to them, each kind as often as the others.
    pub kinds: Vec<Harm>,
    /// This many packets at the beginning of each session are spared.
    pub spare: u64,
}

impl Loss {
    /// Packets that do not arrive.
    pub fn dropping(rate: f64, seed: u64) -> Self {
        Self::of(rate, seed, &[Harm::Drop])
    }

    /// Packets harmed in these ways.
    pub fn of(rate: f64, seed: u64, kinds: &[Harm]) -> Self {
        Self {
            rate,
            seed,
            kinds: kinds.to_vec(),
            spare: 0,
        }
    }

    /// The same, with the first packets of each session left whole.
    #[must_use]
    pub fn sparing(mut self, packets: u64) -> Self {
        self.spare = packets;
        self
    }

    /// What happens to a packet, by its number within its session, from 0.
    pub fn fate(&self, number: u64) -> Option<Harm> {
        if number < self.spare || self.kinds.is_empty() {
            return None;
        }
        let dice = mix(self.seed ^ mix(number));
        #[expect(clippy::cast_precision_loss, reason = "52 bits fit exactly")]
        let share = (dice >> 12) as f64 / (1_u64 << 52) as f64;
        if share >= self.rate {
            return None;
        }
        let kind = mix(dice) % self.kinds.len() as u64;
        Some(self.kinds[usize::try_from(kind).expect("an index")])
    }

    /// The bit that is flipped in packet `number`, counted from its first byte.
    fn bit(&self, number: u64, bytes: usize) -> usize {
        let bits = (bytes.saturating_sub(HEADER) * 8).max(1) as u64;
        let chosen = mix(self.seed.rotate_left(32) ^ mix(number)) % bits;
        HEADER * 8 + usize::try_from(chosen).expect("a place in a packet")
    }
}

/// The line itself: holds a packet back that is to arrive late.
#[derive(Debug, Default)]
pub(crate) struct Line {
    late: Option<Vec<u8>>,
}

impl Line {
    /// What arrives when `packet` is sent, and what was done to it.
    pub(crate) fn carry(
        &mut self,
        loss: Option<&Loss>,
        number: u64,
        mut packet: Vec<u8>,
    ) -> (Vec<Vec<u8>>, Option<Harm>) {
        let harm = loss.and_then(|loss| loss.fate(number));
        let mut arriving = match (harm, loss) {
            (Some(Harm::Drop), _) => Vec::new(),
            (Some(Harm::Duplicate), _) => vec![packet.clone(), packet],
            (Some(Harm::Reorder), _) => {
                let before = self.late.replace(packet);
                return (before.into_iter().collect(), harm);
            }
            (Some(Harm::Flip), Some(loss)) => {
                let bit = loss.bit(number, packet.len());
                if let Some(byte) = packet.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
                vec![packet]
            }
            _ => vec![packet],
        };
        arriving.extend(self.late.take());
        (arriving, harm)
    }

    /// What is still under way when nothing follows.
    pub(crate) fn rest(&mut self) -> Option<Vec<u8>> {
        self.late.take()
    }
}

/// SplitMix64's finaliser: every bit of the input changes half of the output.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_met_and_a_seed_repeats_itself() {
        let loss = Loss::dropping(0.05, 7);
        let hit: Vec<u64> = (0..100_000).filter(|n| loss.fate(*n).is_some()).collect();
        assert!((4_700..5_300).contains(&hit.len()), "{}", hit.len());
        let again = Loss::dropping(0.05, 7);
        assert!(hit.iter().all(|n| again.fate(*n).is_some()));
        let other = Loss::dropping(0.05, 8);
        assert!(hit.iter().any(|n| other.fate(*n).is_none()));
        assert_eq!(Loss::dropping(0.0, 7).fate(3), None);
        assert_eq!(Loss::dropping(1.0, 7).sparing(4).fate(3), None);
        assert_eq!(Loss::dropping(1.0, 7).sparing(4).fate(4), Some(Harm::Drop));
    }

    #[test]
    fn a_late_packet_follows_its_successor() {
        let loss = Loss::of(1.0, 1, &[Harm::Reorder]);
        let mut line = Line::default();
        let (none, harm) = line.carry(Some(&loss), 0, vec![1]);
        assert_eq!((none.len(), harm), (0, Some(Harm::Reorder)));
        let (both, _) = line.carry(None, 1, vec![2]);
        assert_eq!(both, [[2], [1]]);
    }

    #[test]
    fn one_bit_behind_the_header_is_flipped() {
        let loss = Loss::of(1.0, 3, &[Harm::Flip]);
        for number in 0..100 {
            let (arrived, _) = Line::default().carry(Some(&loss), number, vec![0; 20]);
            let set: u32 = arrived[0].iter().map(|byte| byte.count_ones()).sum();
            assert_eq!(
                (set, arrived[0][..HEADER].iter().any(|b| *b != 0)),
                (1, false)
            );
        }
    }
}
