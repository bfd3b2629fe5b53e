//! What an answer other than 101 means: the server said no, or something on the way did. Not a
//! violation; what helps is to know what to change.

use super::causes::body_wants_tls;
use super::{Finding, Judged, PAGE_REQUEST, Phrase, Severity, TLS_PORT, UPGRADE_STRIPPED};
use crate::http::{Head, clipped, page};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;

/// A refusal in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the status says.
    pub means: String,
    /// What it comes from, most often.
    pub likely: String,
    /// What to do next.
    pub next: String,
}

/// What the body behind a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    /// There is none, or it was not given.
    None,
    /// A page for people.
    Html,
    /// Something for programs.
    Json,
    /// Other text.
    Text,
}

impl BodyKind {
    /// Of the first bytes of a body.
    fn of(body: &[u8]) -> BodyKind {
        match body.trim_ascii_start() {
            [] => BodyKind::None,
            [b'<', ..] => BodyKind::Html,
            [b'{' | b'[', ..] => BodyKind::Json,
            _ => BodyKind::Text,
        }
    }
}

/// The rules that say no more than that it is a refusal, and of which kind: what it comes from and
/// what to do is worded here for all of them.
static WORDED: [&str; 4] = ["HS-RES-NOT-101", "HS-RES-200", "HS-RES-REDIRECT", "HS-RES-403"];

/// True if the finding's cause and mend are those of [`explain`].
pub fn is_worded(finding: &Finding) -> bool {
    WORDED.contains(&finding.rule.id)
}

/// Says of the findings that are about a refusal where it comes from, and what to do.
pub(crate) fn word(handshake: &Handshake, judged: &mut Judged) {
    let Some(at) = judged.findings.iter().position(is_worded) else { return };
    let Some(refusal) = explain(handshake, &judged.findings) else { return };
    let sentence = |text: &str| Phrase::Owned(text.trim_end_matches('.').to_owned());
    for finding in judged.findings[at..].iter_mut().filter(|finding| is_worded(finding)) {
        finding.broken.cause = Some(sentence(&refusal.likely));
        finding.broken.mend = Some(sentence(&refusal.next));
    }
}

/// Explains a refusal by what was asked and found; none if the answer accepts, or there is none.
pub fn explain(handshake: &Handshake, findings: &[Finding]) -> Option<Refusal> {
    let response = handshake.response.as_deref()?;
    let status = response.status().filter(|_| !handshake.is_accepted())?;
    let request = handshake.request.as_deref();
    let kind = BodyKind::of(&handshake.body_preview);
    let faults = faults(findings);
    let follows_from = |cause| findings.iter().any(|finding| finding.root == Some(cause));
    let lacks_upgrade = follows_from(UPGRADE_STRIPPED) || follows_from(PAGE_REQUEST);
    if request.is_some_and(|head| head.is_http2() && head.method() == Some(b"GET")) {
        return Some(get_over_http2());
    }
    let about_version = version(status, handshake).filter(|_| matches!(status, 400 | 426));
    if about_version.is_some() {
        return about_version;
    }
    let mut refusal = match status {
        200..=299 if is_proven(handshake) => return Some(all_but_the_status(status)),
        400 if follows_from(TLS_PORT) || body_wants_tls(handshake) => return Some(tls_port()),
        200..=299 => success(status, request, kind),
        300..=399 => redirect(status, request, response),
        400 => bad_request(handshake, &faults, lacks_upgrade),
        401 | 407 => unauthenticated(status, request, response),
        403 => forbidden(request),
        404 | 410 => missing(status, lacks_upgrade),
        405 => method(request, response),
        408 | 504 => plain(
            "Somebody on the way waited for an answer and gave up.",
            "a proxy could not reach the WebSocket server behind it, or the server holds the \
             request without answering it.",
            "ask the server directly, past the proxy; if that works, look at the proxy's route \
             and its timeouts.",
        ),
        426 => upgrade_required(request, &faults),
        429 | 503 => busy(status, response),
        414 | 431 => plain(
            "The server finds the request line or the headers too large.",
            "large cookies, or a token in the URL.",
            "send less: drop cookies that the endpoint does not need, move a token out of the URL.",
        ),
        501 => plain(
            "The server does not know what it was asked for.",
            "over HTTP/2 or HTTP/3: an unknown :protocol; over HTTP/1.1: an unknown method.",
            "see whether the server speaks WebSocket over this version of HTTP.",
        ),
        502 => plain(
            "A gateway could not make sense of the server behind it.",
            "the gateway speaks no WebSocket to its backend, or the backend is down.",
            "ask the backend directly; if that works, switch WebSocket on in the gateway.",
        ),
        505 => http_version(request),
        520..=526 if is_of_cloudflare(response) => behind_cloudflare(status),
        _ if status / 100 == 5 => plain(
            "The server failed while it handled the request.",
            "the code that handles the upgrade crashed.",
            "the server's own log at this time says why.",
        ),
        _ if status / 100 == 4 => plain(
            "The server finds fault with the request.",
            "something that this server asks for besides the handshake.",
            "the body of the answer, or the server's log, may say what.",
        ),
        _ => plain(
            "This is no final answer that HTTP knows.",
            "the server, or something on the way, speaks HTTP imperfectly.",
            "find out who wrote this status line.",
        ),
    };
    // A request with faults of its own needs no proxy to be refused.
    if faults.is_empty() && !lacks_upgrade {
        add_server(&mut refusal, status, response);
    }
    Some(refusal)
}

/// The rules that the request breaks.
fn faults(findings: &[Finding]) -> Vec<&'static str> {
    let is_fault = |finding: &&Finding| {
        finding.severity == Severity::Error && finding.broken.endpoint == Some(Endpoint::Client)
    };
    findings.iter().filter(is_fault).map(|finding| finding.rule.id).collect()
}

/// The request asks for the upgrade as it should.
fn asks(request: Option<&Head>) -> bool {
    request.is_some_and(|head| {
        head.method() == Some(b"GET")
            && head.lists("Upgrade", "websocket")
            && head.lists("Connection", "Upgrade")
    })
}

/// The answer has the Accept for the request's key.
fn is_proven(handshake: &Handshake) -> bool {
    let expected = handshake.accept_expected();
    expected.zip(handshake.accept_found()).is_some_and(|(it, found)| it.as_bytes() == found)
}

fn all_but_the_status(status: u16) -> Refusal {
    plain(
        "The answer is complete but for its status line: Accept is right for the key.",
        &format!("the handler sets {status}, or a proxy on the way back does."),
        "send HTTP/1.1 101 Switching Protocols; clients look at nothing else in another answer.",
    )
}

fn get_over_http2() -> Refusal {
    plain(
        "The request went over HTTP/2, which has no Upgrade: the server saw an ordinary GET.",
        "the client offered h2 in ALPN, as curl does for https, and the server chose it.",
        "repeat it over HTTP/1.1 (curl --http1.1); over HTTP/2 a WebSocket is opened with an \
         extended CONNECT, if the server allows that.",
    )
}

/// The version is what the server refuses: it lists those it speaks, and this is not one of them.
fn version(status: u16, handshake: &Handshake) -> Option<Refusal> {
    let asked = handshake.request.as_ref()?.value("Sec-WebSocket-Version")?;
    let offered = handshake.versions_offered()?;
    let number = std::str::from_utf8(asked).ok()?.parse().ok();
    if number.is_some_and(|number| offered.contains(&number)) {
        // A server that speaks 13 need not mean the version with its 400.
        return (status == 426).then(does_not_fit);
    }
    let listed = handshake.response.as_ref()?.value("Sec-WebSocket-Version").unwrap_or_default();
    Some(plain(
        "The server speaks WebSocket, but not this version of it.",
        &format!(
            "the request asks for version {}, the server speaks {}.",
            clipped(asked, 40),
            clipped(listed, 80)
        ),
        "ask for 13: the version of RFC 6455, the only one in use.",
    ))
}

/// The answer complains of something that the request does not do.
fn does_not_fit() -> Refusal {
    plain(
        "The server insists on an upgrade, and this request asks for one.",
        "the two do not belong together: a proxy changed the request on its way to the server, or \
         the answer is from an earlier try.",
        "send it again and record both halves at once; if the answer stays the same, compare the \
         request with what arrives at the server.",
    )
}

fn plain(means: &str, likely: &str, next: &str) -> Refusal {
    Refusal { means: means.into(), likely: likely.into(), next: next.into() }
}

fn success(status: u16, request: Option<&Head>, kind: BodyKind) -> Refusal {
    let asked = request.is_none_or(|head| head.line("Upgrade").is_some());
    let means = match kind {
        BodyKind::Html => "The path serves a web page; nobody there took the upgrade.".to_owned(),
        BodyKind::Json => "The path serves JSON; nobody there took the upgrade.".to_owned(),
        _ => format!("The path exists, but {status} means that nobody there took the upgrade."),
    };
    let likely = if asked {
        "a static file, the catch-all page of a web application, or a proxy that dropped Upgrade \
         on its way to the server."
    } else {
        "the request does not ask for an upgrade, so the server treats it as an ordinary one."
    };
    let next = if asked {
        "check the path; then see what arrives at the server: if Upgrade is gone, a proxy took it."
    } else {
        "send Upgrade: websocket and Connection: Upgrade, or find out who took them away."
    };
    plain(&means, likely, next)
}

fn redirect(status: u16, request: Option<&Head>, response: &Head) -> Refusal {
    let means = "The server sends the client elsewhere. Browsers do not follow redirects during \
                 a handshake (RFC 6455 §4.1 leaves it open); most libraries do not either.";
    let Some(location) = response.value("Location") else {
        return plain(
            means,
            &format!("a {status} without Location says nothing about where."),
            "open the same address in a browser to see where it leads.",
        );
    };
    let shown = clipped(location, 200);
    let lower = String::from_utf8_lossy(location).to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://").unwrap_or(("", &lower));
    let start = if scheme.is_empty() { Some(0) } else { rest.find('/') };
    let path = without_query(start.map_or("/", |at| &rest[at..]));
    let target = request.and_then(|head| head.target()).unwrap_or_default();
    let asked = String::from_utf8_lossy(target).to_ascii_lowercase();
    let asked = without_query(&asked);
    let there = format!("connect to where Location points: {shown}");
    if LOGIN.iter().any(|word| lower.contains(word)) {
        let likely = "the caller is not logged in: Location leads to a login page.";
        return plain(means, likely, "log in first, and send the session with the handshake.");
    }
    if !asked.is_empty() && path.strip_suffix('/') == Some(asked) {
        return plain(means, "the path lacks its final slash, which the router adds.", &there);
    }
    if matches!(scheme, "https" | "wss") {
        let likely = "the server wants TLS: ws:// should be wss://.";
        let next = if path == asked { secure(location) } else { there };
        return plain(means, likely, &next);
    }
    plain(means, "the address is not the one that the server uses for WebSocket.", &there)
}

/// What stands in the address of a login page.
const LOGIN: [&str; 5] = ["login", "signin", "sign-in", "auth", "sso"];

fn without_query(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// What to connect to instead of an address that begins with https or wss.
pub(super) fn secure(location: &[u8]) -> String {
    let scheme = location.iter().position(|&b| b == b':').unwrap_or(0);
    format!("connect to wss{}", clipped(&location[scheme..], 200))
}

fn tls_port() -> Refusal {
    plain(
        "The server finds the request malformed.",
        "plain HTTP was sent to a port that wants TLS, as the body says.",
        "use wss:// instead of ws://.",
    )
}

/// Rules named in one sentence; the findings have the rest.
const MAX_NAMED: usize = 3;

fn bad_request(handshake: &Handshake, faults: &[&str], lacks_upgrade: bool) -> Refusal {
    let means = "The server finds the request malformed.";
    let said = page::says(&handshake.body_preview);
    // The status in words is all that many bodies say.
    let is_news = !said.is_empty() && !said.to_ascii_lowercase().contains("bad request");
    if lacks_upgrade {
        return plain(
            means,
            "the upgrade that is missing from the request, as the cause below says.",
            "look who took it out, or whether it was sent.",
        );
    }
    if !faults.is_empty() {
        return broken_request(means, faults);
    }
    if handshake.request.is_none() {
        return plain(
            means,
            if is_news { "what the body says." } else { "the request is not here to be judged." },
            "see the request as well: ws101 handshake with both halves.",
        );
    }
    if is_news {
        return plain(
            means,
            "what the body says; the handshake itself has no error in the request.",
            "see what the body names; then compare what the client sent with what arrived.",
        );
    }
    plain(
        means,
        "no error was found in this request, so the server saw another one (a proxy took Upgrade or \
         Connection away), does not know the Host, or asks for something besides the handshake.",
        "compare what the client sent with what arrived at the server; its log may say more.",
    )
}

fn broken_request(means: &str, faults: &[&str]) -> Refusal {
    let more = if faults.len() > MAX_NAMED { ", …" } else { "" };
    let named = faults.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    plain(
        means,
        &format!("what the request breaks: {named}{more}."),
        "mend these errors first; they stand below.",
    )
}

fn http_version(request: Option<&Head>) -> Refusal {
    let means = "The server does not speak this version of HTTP.";
    match request.and_then(Head::version) {
        Some(b"HTTP/1.0") => plain(
            means,
            "the request says HTTP/1.0, as a proxy does that was not told otherwise.",
            "send HTTP/1.1; in nginx: proxy_http_version 1.1;",
        ),
        _ => plain(
            means,
            "a proxy passed the request on in another version than it came in: nginx does so with \
             HTTP/1.0, unless told otherwise.",
            "see what arrives at the server; in nginx: proxy_http_version 1.1;",
        ),
    }
}

fn method(request: Option<&Head>, response: &Head) -> Refusal {
    let means = "There is something at this path, but it does not take this method.";
    let allow = response.value("Allow").map(|allow| clipped(allow, 80));
    match request.and_then(|head| head.method()) {
        Some(b"GET") if response.lists("Allow", "GET") => plain(
            means,
            "the request is a GET, and Allow lists GET: the server saw another method (a proxy \
             changed it), or the answer is from an earlier try.",
            "send it again and record both halves at once.",
        ),
        Some(b"GET") => plain(
            means,
            &match allow {
                Some(allow) => format!(
                    "the path takes {allow}, and a handshake is a GET: it is not the WebSocket \
                     endpoint."
                ),
                None => "a handshake is a GET, and the path takes none: it is not the WebSocket \
                         endpoint, or its route is registered for another method."
                    .to_owned(),
            },
            "check the path, and the method that the route is registered for.",
        ),
        Some(other) => plain(
            means,
            &format!(
                "the request uses {}, and a WebSocket handshake is a GET.",
                clipped(other, 40)
            ),
            "send a GET.",
        ),
        None => plain(
            means,
            "a WebSocket handshake is a GET; the request used another method, or the route is \
             registered for POST only.",
            "send a GET, and look at Allow for what the path takes.",
        ),
    }
}

/// Cloudflare answers with codes of its own where it got nothing of use from the server behind it.
fn is_of_cloudflare(response: &Head) -> bool {
    response.line("CF-RAY").is_some()
        || response.value("Server").is_some_and(|it| it.eq_ignore_ascii_case(b"cloudflare"))
}

fn behind_cloudflare(status: u16) -> Refusal {
    let (likely, next) = match status {
        521 => (
            "the server behind Cloudflare refused the connection: it is down, or a firewall is shut.",
            "see whether the server listens, and lets Cloudflare's addresses in.",
        ),
        522 | 523 => (
            "Cloudflare could not reach the server behind it.",
            "check the server's address in DNS, and whether a firewall drops Cloudflare's packets.",
        ),
        524 => (
            "the server behind Cloudflare took the request and did not answer in time.",
            "ask the server directly, past Cloudflare: does it answer the handshake?",
        ),
        525 | 526 => (
            "TLS between Cloudflare and the server behind it failed.",
            "look at the server's certificate, and at the SSL mode that is set at Cloudflare.",
        ),
        _ => (
            "the server behind Cloudflare answered with something that is no HTTP, or broke off.",
            "ask the server directly, past Cloudflare; its log at this time says why.",
        ),
    };
    plain("Cloudflare got no proper answer from the server behind it.", likely, next)
}

fn unauthenticated(status: u16, request: Option<&Head>, response: &Head) -> Refusal {
    let (who, header, sent) = if status == 401 {
        ("server", "WWW-Authenticate", "Authorization")
    } else {
        ("proxy", "Proxy-Authenticate", "Proxy-Authorization")
    };
    if request.is_some_and(|head| head.line(sent).is_some()) {
        return plain(
            &format!("The {who} does not take the credentials that were sent."),
            "they are wrong or expired, or of another kind than it wants.",
            "send them again as it asks for them; its log says what it missed.",
        );
    }
    let likely = match response.value(header) {
        Some(challenge) => format!("it asks for: {}", clipped(challenge, 120)),
        None => format!("no, wrong or expired credentials; {header} would say which are wanted."),
    };
    plain(
        &format!("The {who} wants credentials."),
        &likely,
        "send them. A browser's WebSocket can't set Authorization: use a cookie, a short-lived \
         ticket in the URL, or the first message.",
    )
}

fn forbidden(request: Option<&Head>) -> Refusal {
    let means = "The server understood the request and will not have this caller. That is often \
                 right.";
    match request.and_then(|head| head.value("Origin")) {
        Some(origin) => plain(
            means,
            &format!("the server does not take calls from Origin {}.", clipped(origin, 120)),
            "add that origin to the server's list, if it belongs there; else look at its policy.",
        ),
        None => plain(
            means,
            "there is no Origin in the request, and some servers insist on one; or credentials \
             that do not suffice, or a firewall.",
            "send the Origin that a browser would send, and see whether the answer changes.",
        ),
    }
}

fn missing(status: u16, lacks_upgrade: bool) -> Refusal {
    let means = if status == 404 {
        "There is nothing at this path."
    } else {
        "There was something at this path, and it is gone for good."
    };
    if lacks_upgrade {
        return plain(
            means,
            "the router knows the path only for requests with Upgrade, and this one has none, as the \
             cause below says.",
            "see to the upgrade first, then to the path.",
        );
    }
    plain(
        means,
        "a wrong path, or a router that knows the path only for requests with Upgrade while a \
         proxy on the way took Upgrade out.",
        "check the path, letter for letter; then what arrives at the server.",
    )
}

fn upgrade_required(request: Option<&Head>, faults: &[&str]) -> Refusal {
    if !faults.is_empty() {
        let means = "The server insists on an upgrade that the request does not properly ask for.";
        return broken_request(means, faults);
    }
    if asks(request) {
        return does_not_fit();
    }
    plain(
        "The server insists on an upgrade that the request did not properly ask for.",
        "a plain GET on a WebSocket endpoint, or a proxy that took Upgrade out.",
        "use a WebSocket client; if you do, compare what it sent with what arrived.",
    )
}

fn busy(status: u16, response: &Head) -> Refusal {
    let means = if status == 429 {
        "The server has had too many requests from this caller."
    } else {
        "The server can't take the connection now."
    };
    let likely = if status == 429 {
        "clients that reconnect at once, over and over."
    } else {
        "overload, maintenance, or a load balancer without a healthy backend."
    };
    let next = match response.value("Retry-After") {
        Some(after) => {
            format!("come back after what Retry-After says: {}.", clipped(after, 40))
        }
        None => {
            "wait, longer after each failure, with some randomness (RFC 6455 §7.2.3).".to_owned()
        }
    };
    plain(means, likely, &next)
}

/// nginx forwards no Upgrade unless it is told to: the most common cause of all.
fn add_server(refusal: &mut Refusal, status: u16, response: &Head) {
    let server =
        response.value("Server").map(|it| String::from_utf8_lossy(it).to_ascii_lowercase());
    let is_nginx = server.is_some_and(|server| server.starts_with("nginx"));
    if is_nginx && matches!(status, 200..=299 | 400 | 404 | 426 | 502) {
        refusal.next.push_str(
            " The answer came from nginx, which forwards Upgrade only with proxy_http_version \
             1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";",
        );
    }
}
