//! From when on something is worth mentioning: all numbers that are a matter of judgement, in one
//! place, with the names by which they are set. The defaults are those of the catalogue.

use std::sync::{Arc, LazyLock};

/// The numbers that rules about time, size and amount go by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Seconds after which the answer to a handshake is slow.
    pub handshake_slow: f64,
    /// Seconds after which it is so slow that clients give up.
    pub handshake_very_slow: f64,
    /// Seconds after which no answer to a handshake is expected any more.
    pub no_response: f64,
    /// Seconds after which a Ping counts as unanswered.
    pub pong_deadline: f64,
    /// The same in median round trips, if that is longer.
    pub pong_deadline_medians: f64,
    /// Seconds after which a Pong is late, if its sender was talking meanwhile.
    pub pong_delay: f64,
    /// A Pong is late too if it takes this many median round trips (and `pong_delay`).
    pub pong_delay_medians: f64,
    /// Unanswered Pings from which on it is more than bad luck.
    pub pings_unanswered: u64,
    /// Answered Pings from which on their round trips mean something.
    pub round_trips: u64,
    /// Seconds, beyond a round trip, after which the answer to a Close is slow.
    pub close_reply: f64,
    /// Seconds, beyond a round trip, after which a Close counts as not answered.
    pub close_deadline: f64,
    /// Seconds, beyond a round trip, that a server has to close TCP once both Closes are said.
    pub server_close: f64,
    /// Seconds that a client should leave the server to close TCP first.
    pub client_patience: f64,
    /// Seconds between two fragments of a message from which on it has stalled.
    pub fragment_pause: f64,
    /// Fragments of a message from which on tiny ones are a flood.
    pub fragments: u64,
    /// Empty fragments in a row from which on they are a flood.
    pub empty_fragments: u64,
    /// Seconds that an endpoint may go on after it was sent something fatal.
    pub fatal_patience: f64,
    /// Times by which a message may grow when inflated before it is a warning.
    pub inflate_ratio: u64,
    /// Bytes from which on a message that grows so much is a warning.
    pub inflate_size: u64,
    /// Times by which a message may grow when inflated before it is a note.
    pub inflate_note_ratio: u64,
    /// Bytes from which on a message that grows so much is a note.
    pub inflate_note_size: u64,
    /// Bytes at which inflating a message stops.
    pub inflate_cap: u64,
    /// Messages from which on sums over them mean something.
    pub messages: u64,
    /// Bytes of messages from which on unused compression is worth a word.
    pub uncompressed: u64,
    /// Bytes of a frame from which on it is worth a note.
    pub large_frame: u64,
    /// The same for a message, inflated.
    pub large_message: u64,
    /// Bytes of a frame or message from which on its size is a warning.
    pub huge_message: u64,
    /// Messages of one endpoint within a second from which on they are a burst.
    pub message_rate: u64,
    /// Pings a second from which on they are a flood.
    pub pings_per_second: f64,
    /// Seconds over which Pings are counted.
    pub ping_flood_time: f64,
    /// Attempts to connect from which on they may be a storm.
    pub reconnect_attempts: u64,
    /// Seconds within which those attempts are made.
    pub reconnect_time: f64,
    /// Seconds between two of them, by median, below which nobody waits.
    pub reconnect_gap: f64,
    /// Seconds that a connection without a heartbeat is open before that is worth a word.
    pub open_without_heartbeat: f64,
    /// Seconds without any frame that are a long silence.
    pub silence: f64,
    /// Seconds that the receive window of an end may be closed.
    pub zero_window: f64,
    /// Seconds that a connection is open from which on its life is summed up.
    pub long_lived: f64,
    /// Pairs of equal masking keys that chance may make before equal keys mean nothing.
    pub mask_key_pairs: f64,
    /// Bytes of a request's head that servers commonly take.
    pub large_head: u64,
}

/// The catalogue's numbers.
const DEFAULT: Thresholds = Thresholds {
    handshake_slow: 1.0,
    handshake_very_slow: 5.0,
    no_response: 10.0,
    pong_deadline: 10.0,
    pong_deadline_medians: 3.0,
    pong_delay: 1.0,
    pong_delay_medians: 5.0,
    pings_unanswered: 3,
    round_trips: 5,
    close_reply: 1.0,
    close_deadline: 5.0,
    server_close: 2.0,
    client_patience: 2.0,
    fragment_pause: 30.0,
    fragments: 100,
    empty_fragments: 16,
    fatal_patience: 1.0,
    inflate_ratio: 100,
    inflate_size: 1 << 20,
    inflate_note_ratio: 50,
    inflate_note_size: 256 << 10,
    inflate_cap: 64 << 20,
    messages: 10,
    uncompressed: 1024,
    large_frame: 1 << 20,
    large_message: 16 << 20,
    huge_message: 64 << 20,
    message_rate: 500,
    pings_per_second: 10.0,
    ping_flood_time: 5.0,
    reconnect_attempts: 5,
    reconnect_time: 30.0,
    reconnect_gap: 1.0,
    open_without_heartbeat: 120.0,
    silence: 60.0,
    zero_window: 2.0,
    long_lived: 300.0,
    mask_key_pairs: 0.01,
    large_head: 8 << 10,
};

impl Default for Thresholds {
    fn default() -> Thresholds {
        DEFAULT
    }
}

/// The catalogue's numbers, for all judges that go by them.
pub(super) fn shared() -> Arc<Thresholds> {
    static SHARED: LazyLock<Arc<Thresholds>> = LazyLock::new(|| Arc::new(DEFAULT));
    Arc::clone(&SHARED)
}

/// A threshold that can be set.
#[derive(Debug)]
pub struct Threshold {
    /// Its name, such as `pong-deadline`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// The rules that go by it.
    pub rules: &'static [&'static str],
    number: Number,
}

/// What is counted, and where it is kept.
#[derive(Debug, Clone, Copy)]
enum Number {
    Seconds(fn(&mut Thresholds) -> &mut f64),
    Ratio(fn(&mut Thresholds) -> &mut f64),
    Count(fn(&mut Thresholds) -> &mut u64),
    Bytes(fn(&mut Thresholds) -> &mut u64),
}

/// What a threshold counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things, or times: no unit.
    One,
}

impl Threshold {
    /// What it counts.
    pub fn unit(&self) -> Unit {
        match self.number {
            Number::Seconds(_) => Unit::Seconds,
            Number::Bytes(_) => Unit::Bytes,
            Number::Ratio(_) | Number::Count(_) => Unit::One,
        }
    }

    /// Its value in these thresholds.
    pub fn value(&self, of: &Thresholds) -> f64 {
        let mut copy = *of;
        match self.number {
            Number::Seconds(place) | Number::Ratio(place) => *place(&mut copy),
            Number::Count(place) | Number::Bytes(place) => *place(&mut copy) as f64,
        }
    }
}

/// Why a threshold can't be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotSet {
    /// There is no threshold of that name.
    Unknown,
    /// The value is negative or no number.
    Negative,
    /// The value should be a whole number.
    Broken,
}

impl Thresholds {
    /// Sets the threshold of that name; `_` stands for `-` too.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), CannotSet> {
        let threshold = find(name).ok_or(CannotSet::Unknown)?;
        if !value.is_finite() || value < 0.0 {
            return Err(CannotSet::Negative);
        }
        match threshold.number {
            Number::Seconds(place) | Number::Ratio(place) => *place(self) = value,
            Number::Count(_) | Number::Bytes(_) if value.fract() != 0.0 => {
                return Err(CannotSet::Broken);
            }
            Number::Count(place) | Number::Bytes(place) => *place(self) = value as u64,
        }
        Ok(())
    }
}

/// The threshold of that name; `_` stands for `-` too.
pub fn find(name: &str) -> Option<&'static Threshold> {
    let is_same = |a: u8, b: u8| a.eq_ignore_ascii_case(&b) || a == b'_' && b == b'-';
    ALL.iter().find(|threshold| {
        let (typed, known) = (name.as_bytes(), threshold.name.as_bytes());
        typed.len() == known.len() && typed.iter().zip(known).all(|(&a, &b)| is_same(a, b))
    })
}

const fn seconds(
    name: &'static str,
    place: fn(&mut Thresholds) -> &mut f64,
    about: &'static str,
    rules: &'static [&'static str],
) -> Threshold {
    Threshold { name, about, rules, number: Number::Seconds(place) }
}

const fn ratio(
    name: &'static str,
    place: fn(&mut Thresholds) -> &mut f64,
    about: &'static str,
    rules: &'static [&'static str],
) -> Threshold {
    Threshold { name, about, rules, number: Number::Ratio(place) }
}

const fn count(
    name: &'static str,
    place: fn(&mut Thresholds) -> &mut u64,
    about: &'static str,
    rules: &'static [&'static str],
) -> Threshold {
    Threshold { name, about, rules, number: Number::Count(place) }
}

const fn bytes(
    name: &'static str,
    place: fn(&mut Thresholds) -> &mut u64,
    about: &'static str,
    rules: &'static [&'static str],
) -> Threshold {
    Threshold { name, about, rules, number: Number::Bytes(place) }
}

/// All thresholds, in the order of the catalogue's table.
#[rustfmt::skip] // a table
pub static ALL: [Threshold; 39] = [
    seconds("handshake-slow", |t| &mut t.handshake_slow, "the answer to a handshake is slow", &["HS-RES-SLOW"]),
    seconds("handshake-very-slow", |t| &mut t.handshake_very_slow, "it is a warning", &["HS-RES-SLOW"]),
    seconds("no-response", |t| &mut t.no_response, "no answer to a handshake is expected any more", &["HS-RES-NO-RESPONSE"]),
    seconds("pong-deadline", |t| &mut t.pong_deadline, "a Ping counts as unanswered", &["CTL-PING-UNANSWERED", "CTL-PONG-PAYLOAD", "LIV-HALF-OPEN"]),
    ratio("pong-deadline-medians", |t| &mut t.pong_deadline_medians, "the same in median round trips, if that is longer", &["CTL-PING-UNANSWERED", "CTL-PONG-PAYLOAD"]),
    seconds("pong-delay", |t| &mut t.pong_delay, "a Pong is late", &["CTL-PONG-DELAY", "LIV-PING-RTT", "LIV-PONG-BLOCKED"]),
    ratio("pong-delay-medians", |t| &mut t.pong_delay_medians, "a Pong is late, in median round trips", &["CTL-PONG-DELAY", "LIV-PING-RTT"]),
    count("pings-unanswered", |t| &mut t.pings_unanswered, "unanswered Pings that are an error, if the peer went on talking", &["CTL-PING-UNANSWERED"]),
    count("round-trips", |t| &mut t.round_trips, "answered Pings whose round trips mean something", &["LIV-PING-RTT"]),
    seconds("close-reply", |t| &mut t.close_reply, "the answer to a Close is slow, beyond a round trip", &["CLS-SLOW"]),
    seconds("close-deadline", |t| &mut t.close_deadline, "a Close counts as not answered, beyond a round trip", &["CLS-NOT-ANSWERED"]),
    seconds("server-close", |t| &mut t.server_close, "the server should have closed TCP after both Closes, beyond a round trip", &["CLS-SERVER-LINGERS"]),
    seconds("client-patience", |t| &mut t.client_patience, "a client leaves the server so long to close TCP first", &["CLS-SERVER-CLOSES-TCP-FIRST"]),
    seconds("open-without-heartbeat", |t| &mut t.open_without_heartbeat, "a connection without a heartbeat is open", &["LIV-NO-HEARTBEAT"]),
    seconds("silence", |t| &mut t.silence, "nobody says anything", &["LIV-NO-HEARTBEAT", "LIV-HEARTBEAT-TOO-SLOW"]),
    seconds("zero-window", |t| &mut t.zero_window, "an end's receive window is closed: it does not read", &["LIV-BACKPRESSURE"]),
    seconds("long-lived", |t| &mut t.long_lived, "a connection is open so long that its life is summed up", &["LIV-LONG-LIVED"]),
    bytes("large-frame", |t| &mut t.large_frame, "a frame is a note", &["SEC-OVERSIZED"]),
    bytes("large-message", |t| &mut t.large_message, "a message is a note", &["SEC-OVERSIZED"]),
    bytes("huge-message", |t| &mut t.huge_message, "a frame or a message is a warning", &["SEC-OVERSIZED"]),
    count("inflate-ratio", |t| &mut t.inflate_ratio, "times that a message grows when inflated: a warning", &["PMD-BOMB-RATIO"]),
    bytes("inflate-size", |t| &mut t.inflate_size, "and it is larger than this", &["PMD-BOMB-RATIO"]),
    count("inflate-note-ratio", |t| &mut t.inflate_note_ratio, "the same: a note", &["PMD-BOMB-RATIO"]),
    bytes("inflate-note-size", |t| &mut t.inflate_note_size, "and it is larger than this", &["PMD-BOMB-RATIO"]),
    bytes("inflate-cap", |t| &mut t.inflate_cap, "inflating a message stops here", &["PMD-BOMB-RATIO"]),
    count("message-rate", |t| &mut t.message_rate, "messages of one endpoint within a second are a burst", &["SEC-RATE-BURST"]),
    ratio("pings-per-second", |t| &mut t.pings_per_second, "Pings a second are a flood", &["SEC-PING-FLOOD"]),
    seconds("ping-flood-time", |t| &mut t.ping_flood_time, "over this time", &["SEC-PING-FLOOD"]),
    count("reconnect-attempts", |t| &mut t.reconnect_attempts, "attempts to connect are a storm", &["SEC-RECONNECT-STORM"]),
    seconds("reconnect-time", |t| &mut t.reconnect_time, "within this time", &["SEC-RECONNECT-STORM"]),
    seconds("reconnect-gap", |t| &mut t.reconnect_gap, "with this between two of them, by median", &["SEC-RECONNECT-STORM"]),
    ratio("mask-key-pairs", |t| &mut t.mask_key_pairs, "pairs of equal masking keys that chance makes, n(n-1)/2^33", &["MSK-REUSED-KEY"]),
    seconds("fragment-pause", |t| &mut t.fragment_pause, "between two fragments: the message has stalled", &["FRG-STALL"]),
    count("fragments", |t| &mut t.fragments, "fragments of a message, most of them tiny, are a flood", &["FRG-FLOOD"]),
    count("empty-fragments", |t| &mut t.empty_fragments, "empty fragments in a row are a flood", &["FRG-FLOOD"]),
    seconds("fatal-patience", |t| &mut t.fatal_patience, "an endpoint goes on after it was sent something fatal", &["FRM-TOLERATED"]),
    count("messages", |t| &mut t.messages, "messages over which a sum means something", &["PMD-UNCOMPRESSED-OK", "PMD-EXPANDED"]),
    bytes("uncompressed", |t| &mut t.uncompressed, "sent although compression was agreed", &["PMD-UNCOMPRESSED-OK"]),
    bytes("large-head", |t| &mut t.large_head, "a request's head is a note", &["SEC-BIG-HEADERS"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_can_be_set_by_its_name_and_only_that_changes() {
        for threshold in &ALL {
            let mut changed = Thresholds::default();
            let value = threshold.value(&DEFAULT) + 1.0;
            changed.set(threshold.name, value).expect("it can be set");
            for other in &ALL {
                let expected =
                    if other.name == threshold.name { value } else { other.value(&DEFAULT) };
                assert_eq!(
                    other.value(&changed),
                    expected,
                    "{} and {}",
                    threshold.name,
                    other.name
                );
            }
        }
    }

    #[test]
    fn each_number_is_in_the_table() {
        assert_eq!(size_of::<Thresholds>(), ALL.len() * 8);
    }

    #[test]
    fn names_are_found_however_they_are_spelt_and_values_have_to_fit() {
        let mut thresholds = Thresholds::default();
        assert_eq!(thresholds.set("Pong_Deadline", 2.5), Ok(()));
        assert_eq!(thresholds.pong_deadline, 2.5);
        assert_eq!(thresholds.set("pong", 2.5), Err(CannotSet::Unknown));
        assert_eq!(thresholds.set("pong-deadline", -1.0), Err(CannotSet::Negative));
        assert_eq!(thresholds.set("pong-deadline", f64::NAN), Err(CannotSet::Negative));
        assert_eq!(thresholds.set("large-frame", 0.5), Err(CannotSet::Broken));
    }
}
