//! LIV: whether the two ends notice when the other is gone (RFC 6455 §5.5.2). It is judged when
//! the connection is over, and is advice: a silence is nobody's fault.

mod story;

use super::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::{Endpoint, Time, TransportEnd};
use crate::websocket::End;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &NO_HEARTBEAT,
    &HALF_OPEN,
    &IDLE_CUT,
    &HEARTBEAT_TOO_SLOW,
    &HEARTBEAT_TOO_FAST,
    &story::PING_RTT,
    &story::PONG_BLOCKED,
    &story::APP_HEARTBEAT,
    &story::BACKPRESSURE,
    &story::LONG_LIVED,
];

static NO_HEARTBEAT: Rule = Rule {
    id: "LIV-NO-HEARTBEAT",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §5.5.2, §5.5.3",
    title: "An idle connection has a heartbeat",
    mend: "let the server send a Ping every 20 to 30 seconds",
    check: Check::End(no_heartbeat),
};

fn no_heartbeat(end: &End, memory: &Memory) -> Option<Broken> {
    let limits = &memory.thresholds;
    let both = [&memory.client, &memory.server];
    let is_known = is_whole(end, memory) && both.iter().all(|direction| direction.frames > 0);
    let has_heartbeat =
        both.iter().any(|direction| direction.seldom.pings.is_some()) || memory.ponged;
    let silence = memory.pace.silence();
    let open = open_for(end, memory)?;
    let is_idle = open > limits.open_without_heartbeat && silence > limits.silence;
    (is_known && is_idle && !has_heartbeat).then(|| {
        let seen = format!(
            "for {silence:.0} s of {open:.0} s neither end says anything, and no Ping or Pong is \
             ever sent"
        );
        Broken::new(Endpoint::Server, seen, "a sign of life within a minute")
            .cause("the library's heartbeat is off, or there is none")
    })
}

static HALF_OPEN: Rule = Rule {
    id: "LIV-HALF-OPEN",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2",
    title: "Both ends are there as long as the connection is open",
    mend: "close the connection when a Pong does not come in time, and free what belongs to it",
    check: Check::EndOf(half_open),
};

/// `endpoint` is the one that seems to be gone.
fn half_open(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let (own, peer) = (memory.of(endpoint), memory.of(endpoint.peer()));
    let pings = peer.seldom.pings.as_ref()?;
    let first = pings.outstanding.front()?;
    let count = pings.outstanding.len();
    // Of an endpoint that is not seen to speak at all, nobody knows what it said.
    let is_seen = is_whole(end, memory) && own.frames > 0 && own.frames == first.peer_frames;
    let has_ended = end.transport[endpoint.index()].is_some() || own.seldom.closed.is_some();
    let over = end.at.time?;
    let waited = over.seconds_since(first.time?);
    if !is_seen || has_ended || count < 2 || waited < memory.thresholds.pong_deadline {
        return None;
    }
    let seen = format!(
        "the last sign of life of the {endpoint} is its frame {}: {count} Pings behind it get no \
         answer in {waited:.0} s, and no FIN comes",
        own.frames
    );
    Some(
        Broken::new(endpoint, seen, "a Pong, or the end of the connection")
            .cause("the machine sleeps, has lost its network, or its process hangs"),
    )
}

static IDLE_CUT: Rule = Rule {
    id: "LIV-IDLE-CUT",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Intermediary,
    rfc: "6455 §7.2",
    title: "No idle timer cuts the connection",
    mend: "send a Ping at less than half that interval, or raise the proxy's time-out",
    check: Check::End(idle_cut),
};

/// Seconds after which well-known intermediaries cut what is silent, and which.
const IDLE_TIMERS: [(f64, &str); 9] = [
    (55.0, "Heroku's router"),
    (60.0, "nginx (proxy_read_timeout) or an AWS load balancer, by default"),
    (100.0, "Cloudflare"),
    (120.0, "a time-out of two minutes"),
    (240.0, "Azure's load balancer"),
    (300.0, "a time-out of five minutes"),
    (350.0, "an AWS network load balancer"),
    (600.0, "a time-out of ten minutes"),
    (3600.0, "a time-out of one hour"),
];

/// Whose time-out a silence of so many seconds is, if it is a well-known one.
pub(super) fn idle_timer(idle: f64) -> Option<&'static str> {
    timer(idle).map(|(_, who)| who)
}

fn timer(idle: f64) -> Option<(f64, &'static str)> {
    let is_near = |timer: f64| (idle - timer).abs() <= (timer * 0.02).clamp(1.0, 5.0);
    IDLE_TIMERS.into_iter().find(|(timer, _)| is_near(*timer))
}

fn idle_cut(end: &End, memory: &Memory) -> Option<Broken> {
    if !is_whole(end, memory) || end.closes != [None; 2] {
        return None;
    }
    let (endpoint, how) = end.first_to_end()?;
    let ended = end.transport[endpoint.index()]?.1.time?;
    let idle = ended.seconds_since(memory.pace.last.or(memory.opened)?);
    let (seconds, who) = timer(idle)?;
    let seen = format!(
        "the connection is cut ({} from the {endpoint}) after {idle:.1} s of silence, without a \
         Close",
        match how {
            TransportEnd::Fin => "FIN",
            TransportEnd::EndStream => "END_STREAM",
            TransportEnd::Reset => "RST",
            TransportEnd::ResetStream => "RST_STREAM",
        }
    );
    Some(Broken { seen: seen.into(), expected: "a heartbeat".into(), ..Broken::default() }.cause(format!(
        "{seconds:.0} s is the time-out of {who}; seen once it is a hint, seen twice it is proof"
    )))
}

static HEARTBEAT_TOO_SLOW: Rule = Rule {
    id: "LIV-HEARTBEAT-TOO-SLOW",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2",
    title: "The heartbeat is faster than the usual time-outs",
    mend: "send a Ping every 20 to 30 seconds",
    check: Check::EndOf(too_slow),
};

fn too_slow(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let limits = &memory.thresholds;
    let interval = memory.of(endpoint).seldom.pings.as_ref()?.interval()?;
    let silence = memory.pace.silence();
    let is_slow = interval >= limits.silence && silence >= limits.silence;
    (is_slow && is_whole(end, memory)).then(|| {
        let seen = format!(
            "the {endpoint} sends a Ping every {interval:.0} s, and nothing else is said for \
             {silence:.0} s"
        );
        Broken::new(endpoint, seen, format!("a Ping within {:.0} s", limits.silence))
            .cause("many proxies cut a connection that is silent for a minute")
    })
}

static HEARTBEAT_TOO_FAST: Rule = Rule {
    id: "LIV-HEARTBEAT-TOO-FAST",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2",
    title: "The heartbeat is not faster than useful",
    mend: "send a Ping every 20 to 30 seconds",
    check: Check::EndOf(too_fast),
};

fn too_fast(_: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let pings = memory.of(endpoint).seldom.pings.as_ref()?;
    let (interval, lasted) = (pings.interval()?, pings.lasted()?);
    (interval < 1.0 && lasted > 60.0).then(|| {
        let seen = format!("the {endpoint} sends a Ping every {interval:.2} s, for {lasted:.0} s");
        Broken::new(endpoint, seen, "a Ping every 20 to 30 s")
            .cause("a measurement of the round trip, or a timer in the wrong unit")
    })
}

/// True if all that was said is known, and was said by the rules of RFC 6455.
fn is_whole(end: &End, memory: &Memory) -> bool {
    let both = [&memory.client, &memory.server];
    end.upgraded
        && end.lossy == [false; 2]
        && !both.iter().any(|direction| direction.is_unreliable())
}

/// For how many seconds the connection was open.
fn open_for(end: &End, memory: &Memory) -> Option<f64> {
    let closes = end.closed_at.into_iter().flatten().filter_map(|at| at.time);
    let over: Time = closes.chain(end.at.time).min()?;
    Some(over.seconds_since(memory.opened?))
}
