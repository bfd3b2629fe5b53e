//! When an endpoint says something: the clock of the capture, silences, bursts, and messages that
//! come like a heartbeat. A few numbers for each connection.

use crate::said::{At, Endpoint, PacketNumber, Time};
use crate::websocket::{Message, Opcode};
use std::hash::{DefaultHasher, Hash, Hasher};

const SECOND: i64 = 1_000_000_000;

/// Several interfaces or queues may stamp packets a little out of order.
const CLOCK_JITTER: i64 = SECOND / 100;

/// When things were said on a connection.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the last frame ended.
    pub(super) last: Option<Time>,
    /// The first packet and the last.
    packets: [Option<PacketNumber>; 2],
    /// The longest time between two frames, and that before the last one, in nanoseconds.
    longest: i64,
    pub(super) pause: i64,
    /// By how much a later packet has an earlier time, in nanoseconds.
    pub(super) backwards: i64,
    rates: [Rate; 2],
    beats: Option<Box<[Option<Beat>; 2]>>,
}

/// How many messages come within a second.
#[derive(Debug, Default)]
struct Rate {
    since: i64,
    count: u32,
    most: u32,
}

/// Short messages that follow a silence and are all the same.
#[derive(Debug)]
pub(super) struct Beat {
    /// What it says, without digits.
    hash: u64,
    /// Its beginning, for whoever reads of it.
    pub(super) text: [u8; 24],
    pub(super) length: u8,
    /// It has a word that heartbeats have, or is a sign that one of the known frameworks uses.
    known: bool,
    /// It had the same digits each time.
    constant: bool,
    whole_hash: u64,
    pub(super) count: u32,
    last: i64,
    /// Sums over the intervals, in seconds.
    sum: f64,
    squares: f64,
}

/// A heartbeat is no longer than this.
const LONGEST_BEAT: u64 = 64;

/// So many messages are no coincidence.
const BEATS: u32 = 4;

impl Pace {
    /// A frame ended.
    #[inline]
    pub(super) fn note_frame(&mut self, at: At) {
        let (Some(now), Some(before)) = (at.time, self.last) else {
            self.last = at.time;
            self.packets = [self.packets[0].or(at.packet), at.packet];
            return;
        };
        self.pause = now.nanoseconds().saturating_sub(before.nanoseconds());
        self.longest = self.longest.max(self.pause);
        // A segment that waited for a lost one is older than what came before it, and has the
        // lower number.
        let is_later = || at.packet?.since(self.packets[1]?);
        if self.pause < -CLOCK_JITTER && is_later().is_some_and(|packets| packets > 0) {
            self.backwards = self.backwards.max(self.pause.saturating_neg());
        }
        self.last = Some(now);
        self.packets[1] = at.packet;
    }

    /// The longest time in seconds for which nobody said anything.
    pub(super) fn silence(&self) -> f64 {
        self.longest as f64 / SECOND as f64
    }

    /// How many packets there are from the first frame to the last.
    pub(super) fn packets(&self) -> u64 {
        let [Some(first), Some(last)] = self.packets else { return 0 };
        last.since(first).unwrap_or(0)
    }

    /// A message ended, after its last frame was noted.
    #[inline]
    pub(super) fn note_message(&mut self, message: &Message<'_>) {
        let Some(now) = message.at.time.map(Time::nanoseconds) else { return };
        let rate = &mut self.rates[message.from.index()];
        if now.wrapping_sub(rate.since) >= SECOND {
            (rate.since, rate.count) = (now, 0);
        }
        rate.count = rate.count.saturating_add(1);
        rate.most = rate.most.max(rate.count);
        if self.pause >= SECOND && message.length <= LONGEST_BEAT {
            self.note_beat(message, now);
        }
    }

    /// The most messages of that endpoint within a second.
    pub(super) fn most_messages(&self, endpoint: Endpoint) -> u64 {
        u64::from(self.rates[endpoint.index()].most)
    }

    fn note_beat(&mut self, message: &Message<'_>, now: i64) {
        // What was not kept can't be compared.
        if message.opcode != Opcode::Text || message.payload.len() as u64 != message.length {
            return;
        }
        let beat = &mut self.beats.get_or_insert_default()[message.from.index()];
        let (hash, whole_hash) = (hash_without_digits(message.payload), hash(message.payload));
        match beat {
            Some(beat) if beat.hash == hash => {
                let interval = now.saturating_sub(beat.last) as f64 / SECOND as f64;
                beat.sum += interval;
                beat.squares += interval * interval;
                beat.constant &= beat.whole_hash == whole_hash;
                (beat.last, beat.count) = (now, beat.count.saturating_add(1));
            }
            // What was a heartbeat for long stays one, whatever else is said in between.
            Some(beat) if beat.count >= BEATS => {}
            _ => *beat = Some(Beat::of(message.payload, [hash, whole_hash], now)),
        }
    }

    /// The heartbeat that the endpoint's application sends, and its interval in seconds.
    pub(super) fn heartbeat(&self, endpoint: Endpoint) -> Option<(&Beat, f64)> {
        let beat = self.beats.as_ref()?[endpoint.index()].as_ref()?;
        let intervals = f64::from(beat.count.saturating_sub(1));
        let mean = beat.sum / intervals;
        let variance = (beat.squares / intervals - mean * mean).max(0.0);
        let is_one =
            beat.count >= BEATS && variance.sqrt() < 0.2 * mean && (beat.known || beat.constant);
        is_one.then_some((beat, mean))
    }
}

impl Beat {
    fn of(payload: &[u8], [hash, whole_hash]: [u64; 2], now: i64) -> Beat {
        let mut text = [0; 24];
        let length = payload.len().min(text.len());
        text[..length].copy_from_slice(&payload[..length]);
        Beat {
            hash,
            whole_hash,
            text,
            length: length as u8,
            known: is_known(payload),
            constant: true,
            count: 1,
            last: now,
            sum: 0.0,
            squares: 0.0,
        }
    }
}

/// Words of heartbeats: those of Phoenix, graphql-ws, SignalR and of many that are home-made.
const WORDS: [&[u8]; 7] =
    [b"ping", b"pong", b"heartbeat", b"keepalive", b"keep-alive", b"\"ka\"", b"\"type\":6"];

/// Whole messages: Engine.IO's 2 and 3, SockJS's h, STOMP's empty line.
const SIGNS: [&[u8]; 4] = [b"2", b"3", b"h", b"\n"];

fn is_known(payload: &[u8]) -> bool {
    let has =
        |word: &&[u8]| payload.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    SIGNS.contains(&payload) || WORDS.iter().any(has)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Numbers and times in a heartbeat change; a message that is a number is one of its kind.
fn hash_without_digits(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    if bytes.iter().all(u8::is_ascii_digit) {
        bytes.hash(&mut hasher);
    } else {
        bytes.iter().filter(|byte| !byte.is_ascii_digit()).for_each(|byte| byte.hash(&mut hasher));
    }
    hasher.finish()
}
