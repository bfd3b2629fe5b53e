//! Headers copied from a browser's panel, without start lines: `Name: value`, or the name on one
//! line, with a colon or without, and its value on the next. Their heads are put together and say so.

use super::json::{rebuild, split_url};
use super::{Exchange, Transcript};
use crate::input::transcript::text;

#[derive(Default)]
struct Panel {
    url: Option<String>,
    method: Option<String>,
    status: Option<String>,
    request: Vec<(String, String)>,
    response: Vec<(String, String)>,
}

/// Reads a panel; none if there is nothing in it that speaks of WebSocket.
pub(super) fn read(source: &[u8]) -> Option<Transcript> {
    let mut panel = Panel::default();
    let mut block = Vec::new();
    let lines: Vec<String> = text::lines(source)
        .into_iter()
        .map(|line| String::from_utf8_lossy(&source[line]).trim().to_owned())
        .collect();
    let names_stand_alone = lines.iter().any(|line| is_proof(line));
    let mut at = 0;
    while at < lines.len() {
        let next = lines.get(at + 1).map(String::as_str).unwrap_or_default();
        let (field, used) = match names_stand_alone && is_name_alone(&lines[at], next) {
            true => (Some((lines[at].clone(), next.to_owned())), 2),
            false => field(&lines[at], next),
        };
        match field {
            Some(field) => block.push(field),
            None => panel.take(std::mem::take(&mut block)),
        }
        at += used;
    }
    panel.take(block);
    panel.into_transcript()
}

/// No other text has these names alone on a line: names come without colons here.
fn is_proof(line: &str) -> bool {
    let proofs = ["Sec-WebSocket-Key", "Sec-WebSocket-Accept", "Sec-WebSocket-Version"];
    proofs.iter().any(|name| line.eq_ignore_ascii_case(name))
}

/// What stands above the lists in a panel, and beside them.
const HEADINGS: [&str; 10] = [
    "General",
    "Raw",
    "Headers",
    "Payload",
    "Messages",
    "Preview",
    "Initiator",
    "Timing",
    "Request Headers",
    "Response Headers",
];

/// A name whose value is the next line.
fn is_name_alone(line: &str, next: &str) -> bool {
    let is_heading = |line: &str| HEADINGS.iter().any(|it| line.eq_ignore_ascii_case(it));
    let is_name = crate::http::is_token(line.strip_prefix(':').unwrap_or(line).as_bytes());
    is_name && !is_heading(line) && !next.is_empty() && !is_heading(next)
}

/// A name and its value, and how many lines they took.
fn field(line: &str, next: &str) -> (Option<(String, String)>, usize) {
    const SPLIT_NAMES: [&str; 5] =
        ["Request URL", "Request Method", "Status Code", "Remote Address", "Referrer Policy"];
    if let Some(name) = SPLIT_NAMES.iter().find(|name| line.eq_ignore_ascii_case(name)) {
        return (Some(((*name).to_owned(), next.to_owned())), 2);
    }
    // A pseudo-field begins with a colon: `:method: GET`.
    let colon = line.get(1..).and_then(|rest| rest.find(':')).map(|at| at + 1);
    let Some(colon) = colon else { return (None, 1) };
    let (name, value) = (line[..colon].trim(), line[colon + 1..].trim());
    let is_name = crate::http::is_token(name.trim_start_matches(':').as_bytes())
        || SPLIT_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
    if !is_name {
        return (None, 1);
    }
    let value_follows = value.is_empty() && !next.is_empty() && !next.ends_with(':');
    let value = if value_follows { next } else { value };
    (Some((name.to_owned(), value.to_owned())), if value_follows { 2 } else { 1 })
}

impl Panel {
    /// Takes in a block of lines that belong together.
    fn take(&mut self, block: Vec<(String, String)>) {
        let has = |names: &[&str]| {
            block.iter().any(|(name, _)| names.iter().any(|it| name.eq_ignore_ascii_case(it)))
        };
        let is_request = has(&["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Host", "User-Agent"]);
        let is_response = has(&["Sec-WebSocket-Accept", "Server", "Date"]);
        for (name, value) in block {
            match name.to_ascii_lowercase().as_str() {
                "request url" => self.url = Some(value),
                ":path" => {
                    self.url.get_or_insert(value);
                }
                "request method" | ":method" => self.method = Some(value),
                "status code" | ":status" | "status" => self.status = Some(value),
                ":authority" => self.request.push(("Host".to_owned(), value)),
                "remote address" | "referrer policy" | ":scheme" => {}
                "sec-websocket-accept" => self.response.push((name, value)),
                _ if is_request => self.request.push((name, value)),
                _ if is_response => self.response.push((name, value)),
                _ => {}
            }
        }
    }

    fn into_transcript(self) -> Option<Transcript> {
        let speaks = |fields: &[(String, String)]| {
            let prefix = "sec-websocket-";
            fields.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with(prefix))
        };
        if !speaks(&self.request) && !speaks(&self.response) {
            return None;
        }
        let mut remarks = vec![
            "the heads were put together from a list of headers: their lines are counted as \
                  they would stand"
                .to_owned(),
        ];
        let method = self.method.as_deref().unwrap_or("GET");
        let target = self.url.as_deref().map_or("/".to_owned(), |url| split_url(url).1);
        if self.url.is_none() && !self.request.is_empty() {
            remarks.push(format!("no request line was given: {method} / HTTP/1.1 was assumed"));
        }
        let status = self.status.as_deref().unwrap_or("101 Switching Protocols");
        if self.status.is_none() && !self.response.is_empty() {
            remarks.push(format!("no status line was given: HTTP/1.1 {status} was assumed"));
        }
        let request = format!("{method} {target} HTTP/1.1");
        let response = format!("HTTP/1.1 {status}");
        let build = |start: &str, fields: &[(String, String)]| {
            (!fields.is_empty()).then(|| Box::new(rebuild(start, fields).head))
        };
        let exchange = Exchange {
            request: build(&request, &self.request),
            response: build(&response, &self.response),
            rebuilt_from: Some("the headers".to_owned()),
            ..Exchange::default()
        };
        Some(Transcript { connections: vec![vec![exchange]], remarks })
    }
}
