//! What a sender says beside its pictures (RFC 3550, section 6): what time it
//! is, and that it leaves. Pure.

use std::time::{Duration, SystemTime};

use crate::fault_camera::rtp::SOURCE;

/// From 1900, where NTP begins to count, to 1970.
const NTP_TO_UNIX: Duration = Duration::from_secs(2_208_988_800);

/// A sender report: the picture with the RTP stamp `stamp` was taken at `wall`.
pub(crate) fn sender_report(wall: SystemTime, stamp: u32, packets: u32, bytes: u32) -> Vec<u8> {
    let since = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a camera's clock is past 1970")
        + NTP_TO_UNIX;
    // NTP counts seconds in 32 bits, and begins again in 2036.
    let seconds = u32::try_from(since.as_secs() & u64::from(u32::MAX)).expect("masked");
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    let fraction = u32::try_from(fraction).expect("less than one second");
    let mut report = vec![0x80, 200, 0, 6];
    for word in [SOURCE, seconds, fraction, stamp, packets, bytes] {
        report.extend(word.to_be_bytes());
    }
    report
}

/// A goodbye, behind the report that every compound packet begins with.
pub(crate) fn goodbye(mut report: Vec<u8>) -> Vec<u8> {
    report.extend([0x81, 203, 0, 1]);
    report.extend(SOURCE.to_be_bytes());
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_ntp_time_and_stamp() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        let report = sender_report(wall, 77, 1, 2);
        assert_eq!(report.len(), 28);
        assert_eq!(report[8..12], 2_208_988_801_u32.to_be_bytes());
        assert_eq!(report[12..16], 0x8000_0000_u32.to_be_bytes());
        assert_eq!(report[16..20], 77_u32.to_be_bytes());
        assert_eq!(goodbye(report).len(), 36);
    }
}
