//! Handshakes that go wrong on the way: what a proxy does that was not told of them (RFC 9110
//! §7.6.1, §7.8), and clients that knock at the right door in the wrong way.

use super::site::of_authority;
use crate::http::{Head, quote};
use crate::rules::hs_req::upgrade::lost;
use crate::rules::observed::{
    Judgement, in_request, in_response, is_passed_on, modern_request, request, response,
};
use crate::rules::refused::secure;
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

/// SEC-HOP-STRIPPED
pub static HOP_STRIPPED: Rule = Rule {
    id: "SEC-HOP-STRIPPED",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Intermediary,
    rfc: "9110 §7.6.1, §7.8",
    title: "Proxies pass the upgrade on",
    mend: "in nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
           proxy_set_header Connection \"upgrade\";",
    check: Check::Handshake(|handshake, _| hop_stripped(handshake).into()),
};

/// SEC-PLAIN-GET
pub static PLAIN_GET: Rule = Rule {
    id: "SEC-PLAIN-GET",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "9110 §7.8, §15.5.22; 6455 §4.2.1",
    title: "A WebSocket endpoint is asked for an upgrade, not for a page",
    mend: "connect with a WebSocket client, to ws:// or wss://: an address bar asks for pages only",
    check: Check::Handshake(|handshake, _| Ok(plain_get(handshake)).into()),
};

/// The last step of paths at which WebSocket endpoints are usually found.
const ENDPOINTS: [&[u8]; 5] = [b"/ws", b"/websocket", b"/socket", b"/cable", b"/live"];

fn plain_get(handshake: &Handshake) -> Option<Broken> {
    let head = handshake.request.as_deref()?;
    let answer = handshake.response.as_deref()?;
    let status = answer.status().filter(|status| matches!(status, 400 | 404 | 426))?;
    let wants_upgrade = status == 426 && answer.lists("Upgrade", "websocket");
    let path = head.target()?.split(|&b| b == b'?').next().unwrap_or_default();
    let is_endpoint = ENDPOINTS.iter().any(|end| path.ends_with(end));
    if !handshake.is_plain_get() || !wants_upgrade && !is_endpoint {
        return None;
    }
    let seen = format!(
        "this is a request for a page, without Upgrade and without a key, and it is answered {status}"
    );
    Some(
        in_request(head, &head.start_range(), seen, "a request to upgrade to websocket")
            .cause("the URL was opened in a browser or by a health check, or Upgrade got lost"),
    )
}

/// SEC-REDIRECT-TO-TLS
pub static REDIRECT_TO_TLS: Rule = Rule {
    id: "SEC-REDIRECT-TO-TLS",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.2.2, §10.6",
    title: "Clients use wss:// from the start, and are not redirected to it",
    mend: "connect to wss:// instead of ws://: browsers do not follow redirects here",
    check: Check::Handshake(|handshake, memory| redirect_to_tls(handshake, memory).into()),
};

fn redirect_to_tls(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    let answer = response(handshake)?;
    if !matches!(answer.status(), Some(301 | 302 | 307 | 308)) {
        return Ok(None);
    }
    if memory.route.encrypted == Some(true) {
        return Ok(None);
    }
    let Some(line) = answer.line("Location") else { return Ok(None) };
    Ok(changes_the_scheme_only(head, answer.bytes(&line.value)).then(|| {
        let location = answer.bytes(&line.value);
        let seen = format!("the server redirects to {}", quote(location));
        in_response(answer, &line.value, seen, "a client that asks there at once")
            .cause("everything is sent to https, and the client was given the address with ws://")
            .mend(secure(location))
    }))
}

/// True if the location is what was asked for, over TLS.
fn changes_the_scheme_only(head: &Head, location: &[u8]) -> bool {
    let rest = [&b"https://"[..], b"wss://"].into_iter().find_map(|scheme| {
        let start = location.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(&location[scheme.len()..])
    });
    let Some(rest) = rest else { return false };
    let slash = rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
    let (authority, target) = rest.split_at(slash);
    let asked = head.target().unwrap_or_default();
    let is_same_target = target == asked || target.is_empty() && asked == b"/";
    is_same_target && of_authority(authority) == head.authority().and_then(of_authority)
}

fn hop_stripped(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    response(handshake)?;
    // Over HTTP/2 there is nothing of a hop to be stripped.
    if handshake.is_http2() {
        return Ok(None);
    }
    if !matches!(handshake.status(), Some(200 | 400 | 404 | 426)) {
        return Ok(None);
    }
    let was_meant =
        ["Sec-WebSocket-Key", "Sec-WebSocket-Version"].iter().all(|name| head.line(name).is_some());
    if !was_meant {
        return Ok(None);
    }
    let lost = lost(head);
    if lost.is_empty() {
        return Ok(None);
    }
    // A program of one's own forgets one thing; a proxy loses all that concerns one hop.
    if !is_passed_on(head) && lost.len() < 2 {
        return Ok(None);
    }
    let seen = format!(
        "the request has a key and a version, and no {}: the server sees no upgrade",
        lost.join(", no ")
    );
    let key = head.line("Sec-WebSocket-Key").map_or(head.start_range(), |line| line.line.clone());
    let broken = in_request(head, &key, seen, "Upgrade and Connection, built anew for this hop");
    Ok(Some(broken.cause(if is_passed_on(head) {
        "the proxy dropped what concerns one hop only, as it must unless it is told to upgrade"
    } else {
        "a proxy drops what concerns one hop only, as it must unless it is told to upgrade; or the \
         client sends none of it"
    })))
}
