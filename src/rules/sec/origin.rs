//! Who may open a connection from a browser: the Origin is all that a server learns of the page
//! behind a request (RFC 6455 §10.2).

use super::credentials::carries_credentials;
use super::site;
use crate::http::quote;
use crate::rules::observed::{Judgement, accepted, in_request, is_passed_on, is_redacted, request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::{Dialect, Handshake};

const HEADER: &str = "Origin";

/// SEC-ORIGIN-MISSING
pub static MISSING: Rule = Rule {
    id: "SEC-ORIGIN-MISSING",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1, §4.2.1",
    title: "A browser's request has an Origin",
    mend: "do not take the request for a browser's; if it is one, look for a proxy that removes \
           Origin",
    check: Check::Handshake(|handshake, _| missing(handshake).into()),
};

fn missing(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Some(agent) = head.line("User-Agent") else { return Ok(None) };
    let claims_browser = head.bytes(&agent.value).starts_with(b"Mozilla/5.0");
    let has_origin = head.line(HEADER).is_some() || head.line("Sec-WebSocket-Origin").is_some();
    if !claims_browser || has_origin || handshake.dialect() != Dialect::Rfc6455 {
        return Ok(None);
    }
    let has_metadata = ["Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-Dest"]
        .iter()
        .any(|name| head.line(name).is_some());
    let asks_anew = head.line("Cache-Control").is_some() || head.line("Pragma").is_some();
    let looks_like_it = head.line("Accept-Language").is_some() && asks_anew;
    if !has_metadata && !looks_like_it && head.line("Cookie").is_none() {
        return Ok(None);
    }
    let seen = "the request looks like a browser's, and has no Origin";
    let broken = in_request(head, &agent.line, seen, "the Origin that every browser sends").cause(
        "a program calls itself a browser, or something on the way has taken the Origin out",
    );
    // User-Agent and cookies are copied easily, and that is what most such requests are.
    Ok(Some(if has_metadata { broken } else { broken.severity(Severity::Note) }))
}

/// SEC-ORIGIN-CROSS
pub static CROSS: Rule = Rule {
    id: "SEC-ORIGIN-CROSS",
    severity: Severity::Warning,
    level: Level::Should,
    violator: Violator::Server,
    rfc: "6455 §10.2, §4.2.2",
    title: "A page of another site is not let in with the visitor's credentials",
    mend: "compare Origin with a list of your own sites, and answer 403 to all others",
    check: Check::Handshake(|handshake, _| cross(handshake).into()),
};

fn cross(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    accepted(handshake)?;
    let Some(line) = head.line(HEADER) else { return Ok(None) };
    let origin = head.bytes(&line.value);
    let asked = head.value("X-Forwarded-Host").or(head.authority());
    let (Some(page), Some(host)) = (site::of_origin(origin), asked.and_then(site::of_authority))
    else {
        return Ok(None);
    };
    // A proxy may have put its own name for the server into Host.
    if site::is_same(&page, &host) || site::is_own(&page) || site::is_own(&host) {
        return Ok(None);
    }
    // A name can't be compared with an address.
    if is_redacted(origin) || site::address(&page).is_some() != site::address(&host).is_some() {
        return Ok(None);
    }
    let seen = format!(
        "the server at {} lets a page of {} in",
        quote(host.as_bytes()),
        quote(page.as_bytes())
    );
    let expected = "a refusal such as 403, unless that site is meant to be let in";
    let Some(what) = carries_credentials(head) else {
        let broken = in_request(head, &line.value, seen, expected);
        return Ok(Some(broken.severity(Severity::Note)));
    };
    let seen = format!("{seen}, with the visitor's {what}");
    Ok(Some(in_request(head, &line.value, seen, expected).cause(
        "the server does not look at Origin, and the browser sends its cookies whichever page \
         asks; or that site is on its list",
    )))
}

/// SEC-ORIGIN-NULL
pub static NULL: Rule = Rule {
    id: "SEC-ORIGIN-NULL",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §10.2; 6454 §6.2",
    title: "The origin null is not let in",
    mend: "take null off the list of origins: any page can make its frames say it",
    check: Check::Handshake(|handshake, _| null(handshake).into()),
};

fn null(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    accepted(handshake)?;
    let line = head.line(HEADER).filter(|line| head.bytes(&line.value) == b"null");
    let Some(line) = line else { return Ok(None) };
    // What nobody's identity is attached to, local files and apps may ask for.
    let Some(what) = carries_credentials(head) else { return Ok(None) };
    let seen = format!("the server lets the origin null in, with a {what}");
    Ok(Some(in_request(head, &line.value, seen, "a refusal such as 403").cause(
        "null stands for a sandboxed frame or a local file, and was allowed for the sake of the \
         latter",
    )))
}

/// SEC-LOCALHOST-FOREIGN-ORIGIN
pub static LOCALHOST_FOREIGN: Rule = Rule {
    id: "SEC-LOCALHOST-FOREIGN-ORIGIN",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §10.2",
    title: "A service of this machine or network lets no page of the web in",
    mend: "let local origins in only, or demand a secret that only local programs can read",
    check: Check::Handshake(|handshake, _| localhost_foreign(handshake).into()),
};

fn localhost_foreign(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    accepted(handshake)?;
    let Some(line) = head.line(HEADER) else { return Ok(None) };
    let authority = head.authority().filter(|authority| site::may_be_local(authority));
    let Some(host) = authority.and_then(site::of_authority) else { return Ok(None) };
    // A name without dots is what a proxy calls the server behind it.
    let is_local =
        site::is_loopback(&host) || site::address(&host).is_some() && site::is_own(&host);
    if !is_local || is_passed_on(head) {
        return Ok(None);
    }
    let page = site::of_origin(head.bytes(&line.value)).filter(|page| !site::is_own(page));
    let Some(page) = page else { return Ok(None) };
    let seen = format!(
        "a service at {} lets a page of {} in",
        quote(host.as_bytes()),
        quote(page.as_bytes())
    );
    let broken = in_request(head, &line.value, seen, "a refusal such as 403, or a local origin")
        .cause(
            "the service trusts whoever reaches it, and pages in the user's browser do; or a proxy \
             in front of it puts its own address into Host",
        );
    let is_here = site::is_loopback(&host);
    Ok(Some(if is_here { broken } else { broken.severity(Severity::Note) }))
}
