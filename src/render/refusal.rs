//! What an answer other than 101 means: the server said no, or something on the way did. Not a
//! violation; what helps is to know what to change.

use crate::http::Head;
use crate::render::escape;
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
pub enum BodyKind {
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
    pub fn of(body: &[u8]) -> BodyKind {
        match body.trim_ascii_start() {
            [] => BodyKind::None,
            [b'<', ..] => BodyKind::Html,
            [b'{' | b'[', ..] => BodyKind::Json,
            _ => BodyKind::Text,
        }
    }
}

/// Explains a refusal; none if the answer is a 101, or there is none.
pub fn explain(handshake: &Handshake) -> Option<Refusal> {
    let response = handshake.response.as_deref()?;
    let status = response.status().filter(|status| *status != 101)?;
    let request = handshake.request.as_deref();
    let asked = request.is_none_or(|head| head.line("Upgrade").is_some());
    let kind = BodyKind::of(&handshake.body_preview);
    let mut refusal = match status {
        200..=299 => success(status, asked, kind),
        300..=399 => redirect(status, request, response),
        400 => bad_request(&handshake.body_preview),
        401 | 407 => unauthenticated(status, response),
        403 => forbidden(request),
        404 | 410 => missing(status),
        405 => plain(
            "There is something at this path, but it does not take this method.",
            "a WebSocket handshake is a GET; the request uses another method, or the route is \
             registered for POST only.",
            "send a GET, and look at Allow for what the path takes.",
        ),
        408 | 504 => plain(
            "Somebody on the way waited for an answer and gave up.",
            "a proxy could not reach the WebSocket server behind it, or the server holds the \
             request without answering it.",
            "ask the server directly, past the proxy; if that works, look at the proxy's route \
             and its timeouts.",
        ),
        426 => upgrade_required(request, response),
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
    add_server(&mut refusal, status, response);
    Some(refusal)
}

fn plain(means: &str, likely: &str, next: &str) -> Refusal {
    Refusal { means: means.into(), likely: likely.into(), next: next.into() }
}

fn success(status: u16, asked: bool, kind: BodyKind) -> Refusal {
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
    let shown = escape::clipped(location, 200);
    let lower = String::from_utf8_lossy(location).to_ascii_lowercase();
    let target = request.and_then(|head| head.target()).unwrap_or_default();
    let with_slash = [&String::from_utf8_lossy(target), "/"].concat();
    let path = lower
        .split_once("://")
        .map_or(lower.as_str(), |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let likely = if ["login", "signin", "sign-in", "auth", "sso"].iter().any(|w| lower.contains(w))
    {
        "the caller is not logged in: Location leads to a login page."
    } else if !target.is_empty() && path == with_slash.to_ascii_lowercase() {
        "the path lacks its final slash."
    } else if lower.starts_with("https:") || lower.starts_with("wss:") {
        "the server wants TLS: ws:// should be wss://."
    } else {
        "the address is not the one that the server uses for WebSocket."
    };
    plain(means, likely, &format!("connect to where Location points: {shown}"))
}

fn bad_request(body: &[u8]) -> Refusal {
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    let means = "The server finds the request malformed.";
    if body.contains("plain http request") || body.contains("http request to an https") {
        return plain(
            means,
            "plain HTTP was sent to a port that wants TLS, as the body says.",
            "use wss:// instead of ws://.",
        );
    }
    plain(
        means,
        "if the findings name an error in the request, that; otherwise a proxy that took Upgrade \
         or Connection away, or a Host that the server does not know.",
        "mend the errors found in the request first; then compare what the client sent with what arrived.",
    )
}

fn unauthenticated(status: u16, response: &Head) -> Refusal {
    let (who, header) = if status == 401 {
        ("server", "WWW-Authenticate")
    } else {
        ("proxy", "Proxy-Authenticate")
    };
    let likely = match response.value(header) {
        Some(challenge) => format!("it asks for: {}", escape::clipped(challenge, 120)),
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
            &format!(
                "the server does not take calls from Origin {}.",
                escape::clipped(origin, 120)
            ),
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

fn missing(status: u16) -> Refusal {
    let means = if status == 404 {
        "There is nothing at this path."
    } else {
        "There was something at this path, and it is gone for good."
    };
    plain(
        means,
        "a wrong path, or a router that knows the path only for requests with Upgrade while a \
         proxy on the way took Upgrade out.",
        "check the path, letter for letter; then what arrives at the server.",
    )
}

fn upgrade_required(request: Option<&Head>, response: &Head) -> Refusal {
    let asked = request.and_then(|head| head.value("Sec-WebSocket-Version"));
    let offered = response.value("Sec-WebSocket-Version");
    match (asked, offered) {
        (Some(asked), Some(offered)) if asked != offered => plain(
            "The server speaks WebSocket, but not this version of it.",
            &format!(
                "the request asks for version {}, the server speaks {}.",
                escape::clipped(asked, 40),
                escape::clipped(offered, 80)
            ),
            "ask for 13: the version of RFC 6455, the only one in use.",
        ),
        _ => plain(
            "The server insists on an upgrade that the request did not properly ask for.",
            "a plain GET on a WebSocket endpoint, or a proxy that took Upgrade out.",
            "use a WebSocket client; if you do, compare what it sent with what arrived.",
        ),
    }
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
            format!("come back after what Retry-After says: {}.", escape::clipped(after, 40))
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
