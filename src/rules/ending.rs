//! How a connection ended, in one sentence with its evidence, and what each side's API reports
//! (RFC 6455 §7.1.4 to §7.1.7; for browsers the WebSocket standard of the WHATWG says the same).
//! Text and JSON take both from here.

use super::heartbeat::{Heartbeat, longest_silence};
use super::liv::idle_timer;
use super::memory::{Closed, Fatal, Memory};
use super::pings::Unanswered;
use super::suppression;
use crate::said::{At, Endpoint, TransportEnd};
use crate::websocket::{End, How, close};
use std::borrow::Cow;

/// The end of a connection as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// One sentence: who ended it, how, after what, and what both APIs report.
    pub why: String,
    /// The code that the API of each endpoint (client, server) reports: that of the Close it
    /// received, 1005 if that had none, 1006 if none came or the endpoint failed the connection.
    /// None if there is nothing to report yet, or nobody can know.
    pub reports: [Option<u16>; 2],
    /// What the Pings of each endpoint that sent some showed.
    pub heartbeats: Vec<Heartbeat>,
    /// The longest time in seconds for which nobody said anything; none without times.
    pub silence: Option<f64>,
}

/// With these an endpoint says that it fails the connection; what comes then it does not read.
const FAILING: [u16; 3] = [1002, 1007, 1009];

impl Ending {
    /// What is told of this end.
    pub(super) fn of(end: &End, memory: &Memory) -> Ending {
        let reports = [Endpoint::Client, Endpoint::Server].map(|of| reported(end, of, memory));
        let mut why = String::with_capacity(USUAL_LENGTH);
        match (end.upgraded, end.first_close()) {
            (false, _) => why.push_str(&not_upgraded(end, memory)),
            (true, Some(first)) => closed(end, first, memory, &mut why),
            (true, None) => why.push_str(&dropped(end, memory)),
        }
        for clause in memory.tunnel.iter().flat_map(|tunnel| tunnel.clauses(end)) {
            say(&mut why, &["; ", &clause]);
        }
        report(end, reports, memory, &mut why);
        let heartbeats = Heartbeat::all(memory);
        let silence = longest_silence(end, memory);
        Ending { why, reports, heartbeats, silence }
    }
}

/// Few of these sentences are longer.
const USUAL_LENGTH: usize = 192;

/// Goes on with a sentence.
fn say(why: &mut String, words: &[&str]) {
    words.iter().for_each(|word| why.push_str(word));
}

fn reported(end: &End, of: Endpoint, memory: &Memory) -> Option<u16> {
    if !end.upgraded {
        // A server's API never had a connection; a client's fails as soon as it is refused.
        let has_failed = memory.answered || end.how != How::CaptureEnd;
        return (of == Endpoint::Client && has_failed).then_some(1006);
    }
    let has_failed = of == Endpoint::Client && memory.bad_response().is_some();
    // It fails the connection if it says so, unless it only repeats what the peer said.
    let [own, other] = [of, of.peer()].map(|endpoint| end.closes[endpoint.index()].flatten());
    let says_so = own.is_some_and(|code| FAILING.contains(&code));
    if has_failed || says_so && (own != other || end.first_close() == Some(of)) {
        return Some(1006);
    }
    match end.closes[of.peer().index()] {
        Some(code) if end.took_close(of) => match sign_of_life(end, of, memory) {
            // A code that must not be on the wire fails the connection (§7.4.1, §7.1.7).
            Some(true) if code.is_some_and(|code| !close::may_be_sent(code)) => Some(1006),
            Some(true) => Some(code.unwrap_or(1005)),
            Some(false) => Some(1006),
            None => None,
        },
        // A Close may have been in what nobody captured.
        None if end.may_have_closed(of.peer()) || heard_what_is_missing(end, of, memory) => None,
        _ if end.how == How::CaptureEnd => None,
        _ => Some(1006),
    }
}

/// It acknowledged bytes of a peer some of whose bytes are missing, and these were not captured.
fn heard_what_is_missing(end: &End, of: Endpoint, memory: &Memory) -> bool {
    end.lossy[of.peer().index()] && memory.heard_beyond(of, end.heard[of.index()])
}

/// Whether an endpoint, which was sent a Close, is still there to read it; none if nobody knows.
fn sign_of_life(end: &End, of: Endpoint, memory: &Memory) -> Option<bool> {
    let closer = of.peer();
    if end.closes[of.index()].is_some() || end.transport[of.index()].is_some() {
        return Some(true);
    }
    let closed = memory.of(closer).seldom.closed.as_ref();
    if closed.is_some_and(|closed| closed.before.unanswered.is_some()) {
        return Some(false);
    }
    // After a reset nothing more is to be said.
    let was_reset = matches!(
        end.transport[closer.index()],
        Some((TransportEnd::Reset | TransportEnd::ResetStream, _))
    );
    was_reset.then_some(true)
}

fn not_upgraded(end: &End, memory: &Memory) -> String {
    let mut sentence = match (memory.answered, memory.status) {
        (true, 101) => "the server accepted the upgrade, and no frame was captured".to_owned(),
        (true, 0) => "the handshake was never completed".to_owned(),
        (true, status) => format!("the server refused the upgrade with {status}"),
        (false, _) => "the server never answered the handshake".to_owned(),
    };
    match end.first_to_end() {
        Some((endpoint, how)) => {
            sentence.push_str(&format!("; the {endpoint} {}", ended(how, memory)));
        }
        None => sentence.push_str(&format!("; {}", left_open(end, memory))),
    }
    sentence
}

/// Someone sent a Close.
fn closed(end: &End, first: Endpoint, memory: &Memory, why: &mut String) {
    say(why, &["the ", first.name(), " sent Close "]);
    say_code(end, first, why);
    if let Some(closed) = memory.of(first).seldom.closed.as_deref() {
        why.push_str(&after(first, &closed.before, memory, closed.code));
    }
    why.push_str("; ");
    let ends_tcp = answer(end, first, memory, why);
    match end.first_to_end() {
        Some((endpoint, how)) if !ends_tcp => {
            say(why, &["; the ", endpoint.name(), " ", &ended(how, memory)]);
        }
        Some(_) => {}
        None => say(why, &["; ", &left_open(end, memory)]),
    }
    if end.is_clean() {
        why.push_str("; clean");
    } else if end.how == How::ClosingHandshake {
        why.push_str("; not clean, because that code must not be sent");
    }
}

/// What the peer made of the first Close; true if that tells already who ended TCP.
fn answer(end: &End, first: Endpoint, memory: &Memory, why: &mut String) -> bool {
    let (peer, name) = (first.peer(), first.peer().name());
    if end.may_have_closed(peer) {
        say(why, &["what the ", name, " sent last was not captured"]);
        return false;
    }
    if end.closes[peer.index()].is_none() {
        return no_answer(end, first, memory, why);
    }
    if memory.of(peer).seldom.closed.as_ref().is_some_and(|closed| closed.crossed) {
        say(why, &["the ", name, " had sent its own, "]);
        say_answer_code(end, first, why);
        why.push_str(", before that reached it");
        return false;
    }
    say(why, &["the ", name, " answered "]);
    say_answer_code(end, first, why);
    let waited = waited(end.closed_at[first.index()], end.closed_at[peer.index()]);
    if let Some(waited) = waited.filter(|&waited| waited > memory.thresholds.close_reply) {
        why.push_str(&format!(" {waited:.1} s later"));
    }
    if end.took_close(first) {
        return false;
    }
    let how = end.transport[first.index()].map_or(TransportEnd::Fin, |(how, _)| how);
    say(why, &[", when the ", first.name(), " had ", &ended(how, memory)]);
    true
}

/// The peer sent no Close.
fn no_answer(end: &End, first: Endpoint, memory: &Memory, why: &mut String) -> bool {
    let (peer, name) = (first.peer(), first.peer().name());
    match end.first_to_end().filter(|(endpoint, _)| *endpoint == peer) {
        Some((_, how)) if end.took_close(peer) => {
            say(why, &["the ", name, " ", &ended(how, memory), " without an answer"]);
            return true;
        }
        Some((_, how)) => {
            say(why, &["the ", name, " ", &ended(how, memory), " before it came"]);
            return true;
        }
        None if end.how == How::CaptureEnd => {
            say(why, &["no answer of the ", name, " was captured"]);
        }
        None => say(why, &["the ", name, " never replied"]),
    }
    false
}

/// Nobody sent a Close.
fn dropped(end: &End, memory: &Memory) -> String {
    let Some((endpoint, how)) = end.first_to_end() else {
        return still_open(end, memory);
    };
    let inside = if end.inside_frame[endpoint.index()] { " in the middle of a frame" } else { "" };
    let at = end.transport[endpoint.index()].map(|(_, at)| at).unwrap_or_default();
    let before = Before::of(memory, endpoint, end.heard[endpoint.index()], at, memory.pace.last);
    let mut reason = after(endpoint, &before, memory, None);
    if reason.is_empty()
        && let (Endpoint::Client, Some(rule)) = (endpoint, memory.bad_response())
    {
        reason = format!(" after a 101 that breaks {rule}");
    }
    let ended = ended(how, memory);
    let close = match end.may_hide_a_close() {
        true => "; no Close was captured",
        false => ", without a Close from either side",
    };
    format!("the {endpoint} {ended}{inside}{reason}{close}")
}

fn still_open(end: &End, memory: &Memory) -> String {
    let mut sentence = match has_packets(end) {
        true => "it was still open when the capture ended".to_owned(),
        false => "how it ended was not recorded".to_owned(),
    };
    for endpoint in [Endpoint::Client, Endpoint::Server] {
        if let Some(unanswered) = Before::of(memory, endpoint, None, end.at, None).unanswered {
            let pings = pings_in_words(&unanswered);
            let peer = endpoint.peer();
            sentence
                .push_str(&format!("; of the {endpoint}, {pings}: the {peer} seems to be gone"));
        }
    }
    sentence
}

/// What went before an endpoint ended the connection, as far as it may be the reason.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Before {
    /// Its Pings that the peer, silent since then, has not answered.
    pub(super) unanswered: Option<Unanswered>,
    /// For how many seconds nobody had said anything.
    pub(super) silence: f32,
    /// The peer had sent something that obliged it to fail the connection.
    pub(super) fatal: bool,
}

/// Seconds that a Ping waits at least before it is a reason for anything.
const PATIENCE: f64 = 0.5;
/// Seconds from which on a silence is told.
const LONG_SILENCE: f32 = 10.0;

impl Before {
    /// What went before `endpoint` ended the connection, at that time and having heard so much.
    pub(super) fn of(
        memory: &Memory,
        endpoint: Endpoint,
        heard: Option<u64>,
        at: At,
        last: Option<crate::said::Time>,
    ) -> Before {
        let (own, peer) = (memory.of(endpoint), memory.of(endpoint.peer()));
        let pings = own.seldom.pings.as_ref().zip(at.time);
        let unanswered = pings.and_then(|(pings, now)| {
            let unanswered = pings.unanswered(now, peer.frames)?;
            let patience = pings.median().map_or(PATIENCE, |median| PATIENCE.max(3.0 * median));
            (unanswered.waited >= patience).then_some(unanswered)
        });
        let silence = at.time.zip(last.or(memory.opened));
        let fatal = peer.seldom.fatal.as_ref().is_some_and(|fatal| {
            fatal.ignored == 0 && heard.is_none_or(|heard| heard >= fatal.end)
        });
        Before {
            unanswered,
            silence: silence.map_or(0.0, |(now, last)| now.seconds_since(last) as f32),
            fatal,
        }
    }
}

/// ` after …`: the most likely of all reasons.
fn after(endpoint: Endpoint, before: &Before, memory: &Memory, code: Option<u16>) -> String {
    let peer = endpoint.peer();
    let is_failing = code.is_some_and(|code| FAILING.contains(&code));
    if let Some(fatal) = memory.of(peer).seldom.fatal.as_deref()
        && (before.fatal || is_failing)
    {
        return format!(" after the {peer} {}", did(fatal));
    }
    if let (Some(1009), Some(big)) = (code, &memory.of(peer).seldom.big_frame) {
        return format!(" after the {peer} sent a frame of {} bytes", big.length);
    }
    if let Some(unanswered) = &before.unanswered {
        return format!(" after {}", had_gone(unanswered));
    }
    if before.silence < LONG_SILENCE {
        return String::new();
    }
    let timer = match (code, idle_timer(f64::from(before.silence))) {
        (None, Some(who)) => format!(" (the time-out of {who})"),
        _ => String::new(),
    };
    format!(" after {:.1} s of silence{timer}", before.silence)
}

/// `its third Ping had gone unanswered for 20.0 s`.
fn had_gone(unanswered: &Unanswered) -> String {
    let Unanswered { first, count, waited } = *unanswered;
    match count {
        1 => format!("its {} Ping had gone unanswered for {waited:.1} s", ordinal(first)),
        _ => format!("{count} of its Pings had gone unanswered, the first for {waited:.1} s"),
    }
}

fn pings_in_words(unanswered: &Unanswered) -> String {
    let Unanswered { first, count, waited } = *unanswered;
    match count {
        1 => format!("the {} Ping is unanswered for {waited:.1} s", ordinal(first)),
        _ => format!("{count} Pings are unanswered, the first for {waited:.1} s"),
    }
}

fn ordinal(number: u32) -> String {
    const WORDS: [&str; 10] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth",
    ];
    match WORDS.get(number.wrapping_sub(1) as usize) {
        Some(word) => (*word).to_owned(),
        None => {
            let suffix = match (number % 10, number % 100) {
                (_, 11..=13) => "th",
                (1, _) => "st",
                (2, _) => "nd",
                (3, _) => "rd",
                _ => "th",
            };
            format!("{number}{suffix}")
        }
    }
}

/// What an endpoint did that obliged the other to fail the connection.
const DEEDS: [(&str, &str); 16] = [
    ("MSK-CLIENT-UNMASKED", "sent an unmasked frame"),
    ("MSK-SERVER-MASKED", "sent a masked frame"),
    ("FRM-RSV-UNNEGOTIATED", "set a reserved bit that no extension explains"),
    ("PMD-RSV1-UNNEGOTIATED", "compressed although compression was not agreed"),
    ("FRM-OPCODE-RESERVED", "sent a frame with a reserved opcode"),
    ("FRM-LEN-MSB", "sent a frame whose length has its highest bit set"),
    ("FRM-LEN-MINIMAL-*", "wrote a length in more bytes than it needs"),
    ("CTL-FRAGMENTED", "fragmented a control frame"),
    ("CTL-TOO-LONG", "sent a control frame of more than 125 bytes"),
    ("FRG-CONT-WITHOUT-START", "sent a continuation of no message"),
    ("FRG-INTERLEAVED", "began a message inside another one"),
    ("UTF-TRUNCATED", "sent a text that ends inside a character"),
    ("UTF-*", "sent a text that is not UTF-8"),
    ("PMD-INFLATE-ERROR", "sent a message that can't be inflated"),
    ("HS-REQ-AFTER-101", "sent another request where a frame should begin"),
    ("HS-RES-HTTP-AFTER-101", "sent HTTP where a frame should begin"),
];

fn did(fatal: &Fatal) -> String {
    let deed =
        DEEDS.iter().find(|(id, _)| suppression::matches(id, fatal.rule.id)).map(|(_, deed)| *deed);
    let frame = fatal.frame.map_or(String::new(), |frame| format!("frame {frame}, "));
    format!("{} ({frame}{})", deed.unwrap_or("broke the protocol"), fatal.rule.id)
}

/// What both APIs report.
fn report(end: &End, reports: [Option<u16>; 2], memory: &Memory, why: &mut String) {
    if let [Some(client), Some(server)] = reports
        && client == server
    {
        return say(why, &["; both APIs would report ", itoa::Buffer::new().format(client)]);
    }
    let unknown = |of: Endpoint| {
        let closed = memory.of(of.peer()).seldom.closed.as_deref();
        let is_there = end.upgraded && reports[of.index()].is_none();
        closed.filter(|_| is_there).map(|closed| if_it_came(closed, end.how))
    };
    let [client, server] = [Endpoint::Client, Endpoint::Server]
        .map(|of| reports[of.index()].map(|code| code.to_string()).or_else(|| unknown(of)));
    match (client, server) {
        (Some(client), Some(server)) => {
            say(why, &["; a browser would report ", &client, ", the server's API ", &server]);
        }
        (Some(client), None) => say(why, &["; a browser would report ", &client]),
        (None, Some(server)) => say(why, &["; the server's API would report ", &server]),
        (None, None) => {}
    }
}

fn if_it_came(closed: &Closed, how: How) -> String {
    let code = closed.code.unwrap_or(1005);
    match how {
        How::CaptureEnd => format!("{code} once it has read that Close"),
        _ => format!("{code} if that Close reached it, else 1006"),
    }
}

/// `1011 (Internal Error)`, or that there was no code.
fn say_code(end: &End, endpoint: Endpoint, why: &mut String) {
    match end.closes[endpoint.index()].flatten() {
        Some(code) => {
            let name = close::lookup(code).name;
            say(why, &[itoa::Buffer::new().format(code), " (", name, ")"]);
        }
        None => why.push_str("without a code"),
    }
}

/// The same for the answer, whose code has no name if it is that of the first Close.
fn say_answer_code(end: &End, first: Endpoint, why: &mut String) {
    let [asked, answered] = [first, first.peer()].map(|of| end.closes[of.index()].flatten());
    match answered.filter(|_| asked == answered) {
        Some(code) => why.push_str(itoa::Buffer::new().format(code)),
        None => say_code(end, first.peer(), why),
    }
}

fn ended(how: TransportEnd, memory: &Memory) -> Cow<'static, str> {
    match how {
        TransportEnd::Fin => Cow::Borrowed("closed TCP"),
        TransportEnd::EndStream => Cow::Borrowed("ended the stream"),
        TransportEnd::Reset => Cow::Borrowed("reset TCP"),
        TransportEnd::ResetStream => {
            match memory.tunnel.as_ref().and_then(|tunnel| tunnel.reset()) {
                Some(stream) => Cow::Owned(format!("reset {stream}")),
                None => Cow::Borrowed("reset the stream"),
            }
        }
    }
}

fn left_open(end: &End, memory: &Memory) -> String {
    let what = if memory.route.http2 { "the stream" } else { "TCP" };
    match has_packets(end) {
        true => format!("{what} was still open when the capture ended"),
        false => format!("how {what} ended was not recorded"),
    }
}

/// False for a HAR: it tells messages, and nothing of what carried them.
fn has_packets(end: &End) -> bool {
    end.at.packet.is_some()
}

fn waited(from: Option<At>, to: Option<At>) -> Option<f64> {
    Some(to?.time?.seconds_since(from?.time?))
}
