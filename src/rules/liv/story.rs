//! What the heartbeats and the life of a connection looked like: explanations, not faults.

use crate::http::quote;
use crate::rules::heartbeat::duration;
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::{End, Frame, Opcode};

/// LIV-PING-RTT
pub static PING_RTT: Rule = Rule {
    id: "LIV-PING-RTT",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2, §5.5.3",
    title: "Pings are answered in about the same time",
    mend: "compare it with the round trips of TCP: if only the Pongs are slow, the program is busy",
    check: Check::EndOf(ping_rtt),
};

/// `endpoint` is the one that answers. Said only if some answer took far longer than usual.
fn ping_rtt(_: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let limits = &memory.thresholds;
    let pings = memory.of(endpoint.peer()).seldom.pings.as_ref()?;
    let trips = pings.round_trips().filter(|trips| trips.count as u64 >= limits.round_trips)?;
    let is_slow = trips.longest > limits.pong_delay
        || trips.longest > limits.pong_delay_medians * trips.median && trips.longest > NOTICEABLE;
    is_slow.then(|| {
        let seen = format!(
            "the {endpoint} answers {} Pings: the shortest round trip takes {}, the usual one {}, \
             the longest {}",
            trips.count,
            duration(trips.shortest),
            duration(trips.median),
            duration(trips.longest)
        );
        Broken::new(endpoint, seen, "")
            .cause("the program was busy, a segment was lost, or a large frame was in the way")
    })
}

/// Seconds below which nobody notices a round trip, whatever is usual.
const NOTICEABLE: f64 = 0.1;

/// LIV-PONG-BLOCKED
pub static PONG_BLOCKED: Rule = Rule {
    id: "LIV-PONG-BLOCKED",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.4, §5.5.2",
    title: "No Pong waits for the end of a large frame",
    mend: "send large messages in fragments of some 64 KiB: control frames may go between them",
    check: Check::Frame(pong_blocked),
};

/// So much of the time between Ping and Pong the large frame takes.
const BLOCKED_SHARE: f64 = 0.8;

fn pong_blocked(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    if frame.header.opcode() != Opcode::Pong || !frame.complete {
        return None;
    }
    let big = memory.of(frame.from).seldom.big_frame.as_ref()?;
    let pings = memory.of(frame.from.peer()).seldom.pings.as_ref()?;
    let ping = &pings.outstanding[pings.find(frame.payload?, frame.heard)?];
    let (asked, answered) = (ping.time?, frame.at.time?);
    let delay = answered.seconds_since(asked);
    let blocked = big.time?.min(answered).seconds_since(big.started?.max(asked));
    (delay > memory.thresholds.pong_delay && blocked > BLOCKED_SHARE * delay).then(|| {
        let seen = format!(
            "this Pong comes {delay:.1} s after its Ping; for {blocked:.1} s of that its sender \
             was sending one frame of {} bytes",
            big.length
        );
        Broken::new(frame.from, seen, "fragments, with the Pong in between")
            .at(frame.span())
            .cause("a frame can't be interrupted, and the line is slow for its size")
    })
}

/// LIV-APP-HEARTBEAT
pub static APP_HEARTBEAT: Rule = Rule {
    id: "LIV-APP-HEARTBEAT",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2, §5.5.3",
    title: "Heartbeats are Pings, not messages",
    mend: "nothing: scripts in browsers can't send Pings; a server can",
    check: Check::EndOf(app_heartbeat),
};

fn app_heartbeat(_: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let (beat, interval) = memory.pace.heartbeat(endpoint)?;
    let text = quote(&beat.text[..usize::from(beat.length)]);
    let seen = format!(
        "the {endpoint} sends a message {text} every {interval:.1} s, {} times: a heartbeat of the \
         application's own",
        beat.count
    );
    Some(
        Broken::new(endpoint, seen, "")
            .cause("Engine.IO, SockJS, STOMP, Phoenix and others bring one along"),
    )
}

/// LIV-BACKPRESSURE
pub static BACKPRESSURE: Rule = Rule {
    id: "LIV-BACKPRESSURE",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §10.4",
    title: "Each end takes what it is sent",
    mend: "read faster, or drop what is old; as a sender, limit what waits for a slow receiver",
    check: Check::EndOf(backpressure),
};

fn backpressure(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let (since, seconds) = end.carriage[endpoint.index()].shut_for(end.at)?;
    (seconds > memory.thresholds.zero_window).then(|| {
        let from = memory.opened.map_or(String::new(), |opened| {
            format!(", from {:.1} s after the handshake on", since.seconds_since(opened))
        });
        let seen = format!(
            "the {endpoint} takes nothing for {seconds:.1} s{from}: the window of its TCP is closed, and \
             what the {} has to say waits",
            endpoint.peer()
        );
        Broken::new(endpoint, seen, "a window that opens again at once")
            .cause("the program does not read: it computes, waits, or is stopped")
    })
}

/// LIV-LONG-LIVED
pub static LONG_LIVED: Rule = Rule {
    id: "LIV-LONG-LIVED",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "6455 §7",
    title: "The connection is soon over",
    mend: "nothing: connections may live as long as they like",
    check: Check::End(long_lived),
};

fn long_lived(end: &End, memory: &Memory) -> Option<Broken> {
    let open = super::open_for(end, memory)?;
    if !end.upgraded || open < memory.thresholds.long_lived {
        return None;
    }
    let said = |endpoint: Endpoint| {
        format!("the {endpoint} sent {}", counted(memory.of(endpoint).frames, "frame"))
    };
    let seen = format!(
        "the connection was open for {}: {}, {}; the longest silence took {}",
        duration(open),
        said(Endpoint::Client),
        said(Endpoint::Server),
        duration(memory.pace.silence())
    );
    Some(Broken { seen: seen.into(), ..Broken::default() })
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
