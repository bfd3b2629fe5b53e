//! Heads of the opening handshake: a line and fields that can be changed, correct by default
//! (RFC 6455 §4.1, §4.2.2).

use super::Numbers;
use crate::websocket::accept::accept;
use crate::websocket::extension;

/// A request's or a response's head, and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The first line.
    pub line: String,
    /// Names and values, in order.
    pub fields: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: Vec<u8>,
}

impl Head {
    /// A head without fields.
    pub fn new(line: impl Into<String>) -> Head {
        Head { line: line.into(), fields: Vec::new(), body: Vec::new() }
    }

    /// The value of the first field of that name, in any case.
    pub fn value(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// Gives the field of that name another value; adds it if it is not there.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            Some(field) => field.1 = value.to_owned(),
            None => self.add(name, value),
        }
    }

    /// Adds a field behind the others.
    pub fn add(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// Takes all fields of that name away.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }

    /// What stands on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.line);
        for (name, value) in &self.fields {
            let colon = if value.is_empty() { ":" } else { ": " };
            text.extend([name, colon, value, "\r\n"]);
        }
        text.push_str("\r\n");
        [text.as_bytes(), &self.body].concat()
    }
}

/// What an opening handshake is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// `Host`: the server, with its port if it is not the usual one.
    pub host: String,
    /// The request's target.
    pub path: String,
    /// `Sec-WebSocket-Key`; none: a random one.
    pub key: Option<String>,
    /// `Origin`, as browsers send it.
    pub origin: Option<String>,
    /// The subprotocols offered; the first is chosen.
    pub subprotocols: Vec<String>,
    /// The extensions offered, each with its parameters; all are accepted.
    pub extensions: Vec<String>,
    /// More fields of the request.
    pub fields: Vec<(String, String)>,
    /// The answer's status: 101, or a refusal.
    pub status: u16,
}

impl Default for Upgrade {
    fn default() -> Upgrade {
        Upgrade {
            host: "server.example".to_owned(),
            path: "/chat".to_owned(),
            key: None,
            origin: None,
            subprotocols: Vec::new(),
            extensions: Vec::new(),
            fields: Vec::new(),
            status: 101,
        }
    }
}

impl Upgrade {
    /// The request and its answer.
    pub fn heads(&self, numbers: &mut Numbers) -> [Head; 2] {
        let request = self.request(numbers);
        let response = if self.status == 101 {
            self.acceptance(request.value("Sec-WebSocket-Key").unwrap_or_default())
        } else {
            refusal(self.status)
        };
        [request, response]
    }

    fn request(&self, numbers: &mut Numbers) -> Head {
        let mut head = Head::new(format!("GET {} HTTP/1.1", self.path));
        head.add("Host", &self.host);
        head.add("Upgrade", "websocket");
        head.add("Connection", "Upgrade");
        head.add("Sec-WebSocket-Key", &self.key.clone().unwrap_or_else(|| numbers.websocket_key()));
        head.add("Sec-WebSocket-Version", "13");
        if let Some(origin) = &self.origin {
            head.add("Origin", origin);
        }
        if !self.subprotocols.is_empty() {
            head.add("Sec-WebSocket-Protocol", &self.subprotocols.join(", "));
        }
        if !self.extensions.is_empty() {
            head.add(extension::HEADER, &self.extensions.join(", "));
        }
        head.fields.extend(self.fields.iter().cloned());
        head
    }

    fn acceptance(&self, key: &str) -> Head {
        let mut head = Head::new("HTTP/1.1 101 Switching Protocols");
        head.add("Upgrade", "websocket");
        head.add("Connection", "Upgrade");
        head.add("Sec-WebSocket-Accept", &accept(key.as_bytes()));
        if let Some(subprotocol) = self.subprotocols.first() {
            head.add("Sec-WebSocket-Protocol", subprotocol);
        }
        if !self.extensions.is_empty() {
            let accepted: Vec<String> = self.extensions.iter().map(|one| answer(one)).collect();
            head.add(extension::HEADER, &accepted.join(", "));
        }
        head
    }
}

/// The answer to an extension's offer: the same, but for `client_max_window_bits` without a
/// value, which only says that the server may choose (RFC 7692 §7.1.2.2).
fn answer(offer: &str) -> String {
    let parts = offer.split(';').map(str::trim);
    parts.filter(|part| *part != "client_max_window_bits").collect::<Vec<_>>().join("; ")
}

/// A refusal with what its status demands beside it (RFC 9110 §15).
pub(super) fn refusal(status: u16) -> Head {
    let phrase = phrase(status);
    let mut head = Head::new(format!("HTTP/1.1 {status} {phrase}"));
    match status {
        300..=399 => head.add("Location", "https://server.example/chat"),
        401 => head.add("WWW-Authenticate", "Basic realm=\"chat\""),
        405 => head.add("Allow", "GET"),
        426 => {
            head.add("Upgrade", "websocket");
            head.add("Connection", "Upgrade");
            head.add("Sec-WebSocket-Version", "13");
        }
        503 => head.add("Retry-After", "120"),
        _ => {}
    }
    if status >= 200 && status != 204 && status != 304 {
        head.add("Content-Length", "0");
    }
    head
}

/// The phrase that goes with a status.
fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
