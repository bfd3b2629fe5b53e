//! What was counted while a capture was read: nothing is left out silently.

use super::error::Damage;
use super::tls::{KeyLogCounts, TlsCounts};
use crate::said::Time;

/// At most so many damages are kept word for word; all are counted.
const KEPT_DAMAGES: usize = 64;

/// Counts of one capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Packets in the file.
    pub packets: u64,
    /// Their captured bytes.
    pub bytes: u64,
    /// When the earliest and the latest of them were captured.
    pub times: Option<(Time, Time)>,
    /// Packets that the snap length cut.
    pub cut_packets: u64,
    /// TCP segments, put together from fragments or not.
    pub segments: u64,
    /// TCP connections: those with a SYN, and those that were open before the capture began.
    pub connections: u64,
    /// Connections of which a listener was told.
    pub opened: u64,
    /// Packets that were no TCP segment, by reason.
    pub skipped: Skipped,
    /// Datagrams of which a fragment was never captured.
    pub incomplete_datagrams: u64,
    /// Segments (or parts of them) that had been captured before.
    pub retransmissions: u64,
    /// Keep-alives: segments of at most one byte just before the next one (RFC 9293 §3.8.4).
    pub keep_alives: u64,
    /// Segments that came before one that belongs before them.
    pub out_of_order: u64,
    /// Segments that repeat bytes which had not been delivered yet, and differ in them.
    pub conflicts: u64,
    /// Segments that lie nowhere near their stream.
    pub out_of_window: u64,
    /// Segments that came after their connection had been closed.
    pub late: u64,
    /// Gaps that a listener was told of, apart from those at the start of a capture.
    pub gaps: u64,
    /// How many bytes those gaps lack.
    pub lost_bytes: u64,
    /// Gaps declared because too much was waiting behind them.
    pub overflows: u64,
    /// Connections forgotten because too many were open.
    pub evicted: u64,
    /// What was counted of TLS.
    pub tls: TlsCounts,
    /// What was found in key logs.
    pub key_log: KeyLogCounts,
    /// Control frames and errors in a HAR, of which it does not say enough to show them.
    pub har_left_out: u64,
    /// How often something in the file was damaged.
    pub damages: u64,
    /// The first of those, word for word.
    pub damage: Vec<Damage>,
}

/// Packets that were no TCP segment, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The link type of the interface is unknown to this program.
    pub unknown_link_type: u64,
    /// Something else than IP.
    pub not_ip: u64,
    /// UDP (WebSocket over QUIC would be in there).
    pub udp: u64,
    /// Something else than TCP and UDP.
    pub not_tcp: u64,
    /// A header that contradicts itself or is cut.
    pub damaged_header: u64,
    /// Fragments of IP datagrams; the last one to arrive counts as a segment.
    pub fragments: u64,
    /// Tunnels within tunnels, too deep.
    pub too_deep: u64,
}

impl Skipped {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.unknown_link_type
            + self.not_ip
            + self.udp
            + self.not_tcp
            + self.damaged_header
            + self.fragments
            + self.too_deep
    }
}

impl Tally {
    /// Takes note of a packet's time.
    #[inline]
    pub(super) fn note_time(&mut self, time: Time) {
        match &mut self.times {
            Some((_, last)) if *last <= time => *last = time,
            Some((first, _)) => *first = (*first).min(time),
            None => self.times = Some((time, time)),
        }
    }

    /// Counts a damage, and keeps it if there are few.
    pub fn damaged(&mut self, damage: Damage) {
        self.damages += 1;
        if self.damage.len() < KEPT_DAMAGES {
            self.damage.push(damage);
        }
    }
}
