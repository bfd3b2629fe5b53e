//! What a client's handshakes with one server have to do with each other (RFC 6455 §4.1).

use crate::rules::across::Meeting;
use crate::rules::observed::in_request;
use crate::rules::{Broken, Check, Level, Rule, Severity, Violator};
use crate::websocket::accept::is_well_known;

/// HS-REQ-KEY-FRESH
pub static KEY_FRESH: Rule = Rule {
    id: "HS-REQ-KEY-FRESH",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The key is another one for each connection",
    mend: "draw 16 random bytes for each handshake",
    check: Check::Across(key_fresh),
};

fn key_fresh(meeting: &Meeting<'_>) -> Option<Broken> {
    let head = meeting.request()?;
    let earlier = meeting.same_key()?;
    let field = head.line("Sec-WebSocket-Key")?;
    let seen = format!("connection {} of this client had the same key", earlier.number);
    let is_textbook = head.value("Sec-WebSocket-Key").is_some_and(is_well_known);
    let cause = if is_textbook {
        "the key is a constant, copied from a textbook"
    } else {
        "the key is a constant, or drawn once when the program starts"
    };
    Some(in_request(head, &field.value, seen, "16 new random bytes").cause(cause))
}

/// HS-REQ-CONCURRENT
pub static CONCURRENT: Rule = Rule {
    id: "HS-REQ-CONCURRENT",
    severity: Severity::Note,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "A client has one handshake with a server in progress at a time",
    mend: "wait until a handshake is answered before beginning the next one to the same server",
    check: Check::Across(concurrent),
};

/// So many at once are more than some tabs of a browser.
const MANY: usize = 10;

fn concurrent(meeting: &Meeting<'_>) -> Option<Broken> {
    let head = meeting.request()?;
    let waiting: Vec<String> = meeting.unanswered().map(|it| it.number.to_string()).collect();
    let first = waiting.first()?;
    let seen = match waiting.len() {
        1 => format!("the handshake of connection {first} is still unanswered"),
        count => {
            let list = waiting.join(", ");
            format!("the handshakes of {count} connections are still unanswered: {list}")
        }
    };
    let broken = in_request(head, &head.start_range(), seen, "one handshake after the other")
        .cause("several tabs, processes or users behind one address look like this, too");
    Some(if waiting.len() > MANY { broken.severity(Severity::Warning) } else { broken })
}
