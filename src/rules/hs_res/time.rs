//! How long the answer takes, or that it never comes (RFC 6455 §4.1).

use crate::rules::observed::{Judgement, in_response, request, response};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::{Endpoint, TransportEnd};
use crate::websocket::End;
use crate::websocket::handshake::Handshake;

/// HS-RES-NO-RESPONSE
pub static NO_RESPONSE: Rule = Rule {
    id: "HS-RES-NO-RESPONSE",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.1",
    title: "The handshake is answered",
    mend: "see whether the port speaks TLS, whether a firewall drops Upgrade, and what the server \
           waits for",
    check: Check::End(no_response),
};

fn no_response(end: &End, memory: &Memory) -> Option<Broken> {
    let asked = memory.handshake.rest()?.unanswered?;
    if end.upgraded || end.lossy[Endpoint::Server.index()] {
        return None;
    }
    let hopeless = memory.thresholds.no_response;
    let waited = end.at.time.zip(asked.time).map(|(end, asked)| end.seconds_since(asked));
    let after = waited.map_or(String::new(), |seconds| format!(" after {seconds:.1} s"));
    let [client, server] = end.transport.map(|transport| transport.map(|(how, _)| how));
    let seen = match (server, client) {
        (Some(TransportEnd::Reset), _) => format!("the server resets the connection{after}"),
        (Some(TransportEnd::ResetStream), _) => format!("the server resets the stream{after}"),
        (Some(TransportEnd::Fin | TransportEnd::EndStream), None) => {
            format!("the server closes the connection{after}")
        }
        // Who waits in vain hangs up; who hangs up at once did not wait.
        (_, Some(_)) if waited? > hopeless => format!("the client gives up{after}"),
        (None, None) if waited? > hopeless => format!("nothing comes back{after}"),
        _ => return None,
    };
    let seen = format!("{seen}, and the handshake was not answered");
    let cause = match server {
        Some(TransportEnd::Reset) => {
            "plain HTTP reached a port that speaks TLS, or a firewall \
                                      that knows no Upgrade"
        }
        Some(TransportEnd::Fin | TransportEnd::EndStream | TransportEnd::ResetStream) => {
            "the handler crashed, or the server does not like the request"
        }
        None => "the server is stuck before it accepts, or a firewall swallows the request",
    };
    Some(Broken::new(Endpoint::Server, seen, "an HTTP response").cause(cause))
}

/// HS-RES-SLOW
pub static SLOW_RULE: Rule = Rule {
    id: "HS-RES-SLOW",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.1",
    title: "The handshake is answered within a second",
    mend: "move what takes long (a session store, an authentication service) out of the handler, \
           or cache it",
    check: Check::Handshake(|handshake, memory| slow(handshake, memory).into()),
};

fn slow(handshake: &Handshake, memory: &Memory) -> Judgement {
    request(handshake)?;
    let head = response(handshake)?;
    let times = handshake.request_at.time.zip(handshake.response_at.time);
    let (asked, answered) = times.ok_or("there is no timing")?;
    let seconds = answered.seconds_since(asked);
    if seconds <= memory.thresholds.handshake_slow {
        return Ok(None);
    }
    let seen = format!("the answer takes {seconds:.1} s");
    let expected = format!("less than {} s", memory.thresholds.handshake_slow);
    let broken = in_response(head, &head.start_range(), seen, expected)
        .cause("a session store or an authentication service is asked while the client waits");
    let very = seconds > memory.thresholds.handshake_very_slow;
    Ok(Some(if very { broken.severity(Severity::Warning) } else { broken }))
}
