//! What an answer other than 101 says (RFC 6455 §4.1, §4.2.2; RFC 9110 §15). A refusal is
//! legitimate; what it means, and what to do, is worded in `rules::refused`.

use super::answer::missing;
use crate::http::{Head, quote};
use crate::rules::hs_req::upgrade::asks_for_websocket;
use crate::rules::observed::{Judgement, all_values, in_response, request, response};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

/// HS-RES-426-UPGRADE
pub static UPGRADE_426: Rule = Rule {
    id: "HS-RES-426-UPGRADE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "9110 §15.5.22",
    title: "A 426 names the protocol to upgrade to",
    mend: "send Upgrade: websocket and Connection: Upgrade with the 426",
    check: Check::Handshake(|handshake, _| upgrade_426(handshake).into()),
};

fn upgrade_426(handshake: &Handshake) -> Judgement {
    let Some(head) = with_status(handshake, &[426])? else { return Ok(None) };
    let expected = "`Upgrade: websocket` and `Connection: Upgrade`";
    if head.members("Upgrade").all(|member| member.range.is_empty()) {
        let seen = "the 426 does not say what to upgrade to";
        let expected = format!("two more lines: {expected}");
        let broken = in_response(head, &head.start_range(), seen, expected);
        // Two lines more would make the 426 complete, and no WebSocket of it.
        return Ok(Some(match request(handshake).is_ok_and(asks_for_websocket) {
            true => broken.cause(
                "this request does ask for the upgrade: whoever answers saw another one, most \
                 likely because a proxy dropped Upgrade",
            ).mend(
                "see which request arrives at the server: once Upgrade gets there, the 426 is gone; \
                 in nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                 proxy_set_header Connection \"upgrade\";",
            ),
            false => broken,
        }));
    }
    if head.lists("Connection", "upgrade") {
        return Ok(None);
    }
    let seen = "the 426 has Upgrade, and Connection does not list it";
    let range = all_values(head, "Connection").map_or(head.start_range(), |(range, _)| range);
    Ok(Some(
        in_response(head, &range, seen, expected)
            .cause("the framework sets Connection itself, to keep-alive or close"),
    ))
}

/// HS-RES-401-CHALLENGE
pub static CHALLENGE_401: Rule = Rule {
    id: "HS-RES-401-CHALLENGE",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "9110 §15.5.2",
    title: "A 401 says which credentials it wants",
    mend: "send WWW-Authenticate with the 401, or 403 if no credentials would help",
    check: Check::Handshake(|handshake, _| challenge_401(handshake).into()),
};

fn challenge_401(handshake: &Handshake) -> Judgement {
    let Some(head) = with_status(handshake, &[401, 407])? else { return Ok(None) };
    let (status, name) = match head.status() {
        Some(407) => (407, "Proxy-Authenticate"),
        _ => (401, "WWW-Authenticate"),
    };
    Ok(head.line(name).is_none().then(|| {
        let seen = format!("the {status} has no {name}");
        missing(head, seen, &format!("`{name}:` and a scheme such as Bearer or Basic"))
            .cause("the handler sets the status alone")
    }))
}

/// HS-RES-REDIRECT
pub static REDIRECT: Rule = Rule {
    id: "HS-RES-REDIRECT",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "The handshake is not redirected",
    mend: "publish the final wss URL: browsers do not follow redirects in a handshake",
    check: Check::Handshake(|handshake, _| redirect(handshake).into()),
};

fn redirect(handshake: &Handshake) -> Judgement {
    let Some(head) = with_status(handshake, &[300, 301, 302, 303, 304, 305, 306, 307, 308])? else {
        return Ok(None);
    };
    let status = head.status().unwrap_or(300);
    let expected = "101, or a refusal";
    let Some(line) = head.line("Location") else {
        let seen = format!("the server redirects with {status} and does not say where");
        return Ok(Some(in_response(head, &head.start_range(), seen, expected)));
    };
    let seen = format!("the server redirects to {}", quote(head.bytes(&line.value)));
    Ok(Some(in_response(head, &line.value, seen, expected)))
}

/// HS-RES-403
pub static FORBIDDEN_403: Rule = Rule {
    id: "HS-RES-403",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "The caller is not turned away with 403",
    mend: "if this origin should be let in, add it to the server's list",
    check: Check::Handshake(|handshake, _| forbidden_403(handshake).into()),
};

fn forbidden_403(handshake: &Handshake) -> Judgement {
    let Some(head) = with_status(handshake, &[403])? else { return Ok(None) };
    let origin = handshake.request.as_deref().and_then(|head| head.value("Origin"));
    let seen = match origin {
        Some(origin) => {
            format!("the server turns away a caller from the origin {}", quote(origin))
        }
        None => "the server turns the caller away, and the request names no Origin".to_owned(),
    };
    Ok(Some(in_response(head, &head.start_range(), seen, "")))
}

/// HS-RES-503-RETRY
pub static RETRY_503: Rule = Rule {
    id: "HS-RES-503-RETRY",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "9110 §10.2.3",
    title: "A refusal for overload says when to come back",
    mend: "send Retry-After with 503 and 429",
    check: Check::Handshake(|handshake, _| retry_503(handshake).into()),
};

fn retry_503(handshake: &Handshake) -> Judgement {
    let Some(head) = with_status(handshake, &[503, 429])? else { return Ok(None) };
    Ok(head.line("Retry-After").is_none().then(|| {
        let seen = format!("the {} has no Retry-After", head.status().unwrap_or(503));
        missing(head, seen, "`Retry-After:` and a number of seconds")
            .cause("without it all clients that lost their connection at once are back at once")
    }))
}

/// HS-RES-200
pub static OK_200: Rule = Rule {
    id: "HS-RES-200",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "An upgrade request is not answered as if it were an ordinary one",
    mend: "check the path, and that each proxy passes Upgrade and Connection on",
    check: Check::Handshake(|handshake, _| ok_200(handshake).into()),
};

fn ok_200(handshake: &Handshake) -> Judgement {
    let asked = request(handshake)?;
    let head = response(handshake)?;
    let status = handshake.status().ok_or("the status line can't be read")?;
    if !(200..=299).contains(&status) || !asks_for_websocket(asked) {
        return Ok(None);
    }
    let proof = handshake.accept_expected().zip(handshake.accept_found());
    if proof.is_some_and(|(expected, found)| expected.as_bytes() == found) {
        let seen = format!(
            "the status is {status}, and the answer has the right Accept: nothing but the status \
             line is missing for a 101"
        );
        let expected = "HTTP/1.1 101 Switching Protocols";
        return Ok(Some(in_response(head, &head.start_range(), seen, expected)));
    }
    let seen = format!("the server answers the upgrade with {status}, as an ordinary request");
    Ok(Some(in_response(head, &head.start_range(), seen, "101, or a refusal")))
}

/// HS-RES-NOT-101
pub static NOT_101: Rule = Rule {
    id: "HS-RES-NOT-101",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.1",
    title: "The handshake is accepted with 101",
    mend: "look at what the status code says",
    check: Check::Handshake(|handshake, _| not_101(handshake).into()),
};

fn not_101(handshake: &Handshake) -> Judgement {
    request(handshake)?;
    let head = response(handshake)?;
    let status = handshake.status().ok_or("the status line can't be read")?;
    if status == 101 {
        return Ok(None);
    }
    let seen = format!("the server answers {status}: there is no WebSocket on this connection");
    Ok(Some(in_response(head, &head.start_range(), seen, "101 for an upgrade")))
}

/// The response, if its status is one of these.
fn with_status<'a>(
    handshake: &'a Handshake,
    statuses: &[u16],
) -> Result<Option<&'a Head>, &'static str> {
    let head = response(handshake)?;
    let status = handshake.status().ok_or("the status line can't be read")?;
    Ok(statuses.contains(&status).then_some(head))
}
