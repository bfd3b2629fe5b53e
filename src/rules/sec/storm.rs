//! Clients that come back at once, and again and again (RFC 6455 §7.2.3).

use crate::rules::across::Meeting;
use crate::rules::{Broken, Check, Level, Rule, Severity, Violator};
use crate::said::Endpoint;

/// SEC-RECONNECT-STORM
pub static RECONNECT_STORM: Rule = Rule {
    id: "SEC-RECONNECT-STORM",
    severity: Severity::Warning,
    level: Level::Should,
    violator: Violator::Client,
    rfc: "6455 §7.2.3",
    title: "A client waits longer before each attempt to reconnect",
    mend: "wait a random time of up to 5 s before the first attempt, and twice as long before each \
           one after it, up to a limit",
    check: Check::Across(reconnect_storm),
};

fn reconnect_storm(meeting: &Meeting<'_>) -> Option<Broken> {
    meeting.request()?;
    let limits = &meeting.memory.thresholds;
    let retries = meeting.retries(limits.reconnect_attempts.min(16) as usize)?;
    if retries.lasted > limits.reconnect_time || retries.grow() {
        return None;
    }
    let pauses: Vec<String> = retries.pauses.iter().map(|pause| in_words(*pause)).collect();
    let seen = format!(
        "this is attempt {} within {}, each after the abnormal end of the one before it \
         (connections {} to {}); the client waited {}",
        pauses.len() + 1,
        in_words(retries.lasted),
        retries.first,
        meeting.own.number,
        pauses.join(", ")
    );
    let broken = Broken::new(Endpoint::Client, seen, "longer and longer pauses, partly random")
        .cause("the client reconnects in a loop, without a back-off");
    // Who waits a little, but always the same, does less harm.
    let is_patient = retries.median() >= limits.reconnect_gap;
    Some(if is_patient { broken.severity(Severity::Note) } else { broken })
}

fn in_words(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 0.9995 => format!("{:.0} ms", seconds * 1000.0),
        seconds => format!("{seconds:.1} s"),
    }
}
