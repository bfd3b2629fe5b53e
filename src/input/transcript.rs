//! Transcripts of HTTP exchanges: raw, `curl -v`, "copy as headers", "copy as cURL", dumps in
//! hexadecimal, fenced Markdown, HAR.
//!
//! A transcript is evidence about heads, not about bytes: line ends, case of the prompt and white
//! space around it say nothing. Every head keeps the whole text as its source, so that whatever is
//! found in it is a place in the user's file. Heads that had to be put together from something
//! else (HAR, the panes of a browser) have a text of their own and say so. Nothing is judged here.

mod command;
mod curl;
mod devtools;
mod json;
mod text;

pub(crate) use json::entries;

use crate::http::Head;
use crate::input::bytes::from_hex;
use crate::input::detect;
use crate::said::{At, ConnectionId, Endpoint, Listener, Opening, Said, Transport};
use crate::websocket::accept;
use crate::websocket::handshake::{is_upgrade_request, is_upgrade_response};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// How much of a refusal's body is kept, to say what it is.
const MAX_BODY: usize = 256;

/// What was recognised in a text.
#[derive(Debug, Default)]
pub struct Transcript {
    /// Exchanges that share a connection; nearly always a single one.
    pub connections: Vec<Vec<Exchange>>,
    /// What the reader of the report should know about how the text was read.
    pub remarks: Vec<String>,
}

/// A request and what answered it, as far as the text has them.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// The request.
    pub request: Option<Box<Head>>,
    /// Interim responses.
    pub interim: Vec<Head>,
    /// The final response.
    pub response: Option<Box<Head>>,
    /// The first bytes of the body behind it.
    pub body: Vec<u8>,
    /// Where the heads were put together from (`entry 3`); none if they stand in the text.
    pub rebuilt_from: Option<String>,
}

/// A head as it was found in a text, with what stood behind it.
#[derive(Debug)]
struct Found {
    head: Head,
    body: Vec<u8>,
}

/// Reads a text. If nothing in it can be recognised, says what it looks like, what was expected
/// and what to try.
pub fn read(bytes: &[u8]) -> Result<Transcript, String> {
    if let Some(what) = detect::not_text(bytes) {
        return Err(what);
    }
    let bytes = detect::utf16(bytes).unwrap_or_else(|| bytes.to_vec());
    if detect::is_json(&bytes) {
        return json::read(&bytes).map(without_others);
    }
    let source: Arc<[u8]> = bytes.into();
    let text::Scan { heads, frames } = text::scan(&source);
    let mut transcript = if heads.is_empty() {
        let found = dumped(&source).or_else(|| command::read(&source));
        let found = found.or_else(|| devtools::read(&source));
        found.ok_or_else(|| detect::no_exchange(&source))?
    } else {
        Transcript { connections: group(pair(heads)), remarks: Vec::new() }
    };
    if let Some((line, length)) = frames {
        let unit = if length == 1 { "byte" } else { "bytes" };
        transcript.remarks.push(format!(
            "line {line}: {length} {unit} behind the 101 are no text and were left alone; \
             if they are frames: ws101 frame FILE"
        ));
    }
    Ok(without_others(transcript))
}

/// Reads the text that a dump of its bytes stands for, such as a hex dump by Wireshark.
fn dumped(source: &[u8]) -> Option<Transcript> {
    let text = std::str::from_utf8(source).ok()?;
    let bytes = from_hex(text).ok().filter(|bytes| detect::is_exchange(bytes))?;
    let mut transcript = read(&bytes).ok()?;
    for exchange in transcript.connections.iter_mut().flatten() {
        exchange.rebuilt_from = Some("the bytes".to_owned());
    }
    let remark = "this is a dump of bytes: the lines are those of the text that the bytes are";
    transcript.remarks.insert(0, remark.to_owned());
    Some(transcript)
}

impl Transcript {
    /// True if this text has only a request, and the other one only a response.
    pub fn is_answered_by(&self, other: &Transcript) -> bool {
        let asks = |e: &Exchange| e.request.is_some() && e.response.is_none();
        let answers = |e: &Exchange| e.request.is_none() && e.response.is_some();
        self.only().is_some_and(asks) && other.only().is_some_and(answers)
    }

    /// A text that has only a request together with one that has only a response.
    pub fn answered_by(self, other: Transcript) -> Transcript {
        let remarks = [self.remarks, other.remarks].concat();
        let mut requests = self.connections.into_iter().flatten();
        let request = requests.next().and_then(|exchange| exchange.request);
        let mut connections = other.connections;
        for exchange in connections.iter_mut().flatten().take(1) {
            exchange.request = request.clone();
        }
        Transcript { connections, remarks }
    }

    fn only(&self) -> Option<&Exchange> {
        match self.connections.as_slice() {
            [exchanges] => match exchanges.as_slice() {
                [exchange] => Some(exchange),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Tells a listener what was said on one connection.
pub fn tell(exchanges: &[Exchange], listener: &mut impl Listener) {
    let id = ConnectionId(0);
    let at = At::default();
    let opening = Opening {
        client: None,
        server: None,
        transport: Transport::None,
        initiator_seen: true,
        at,
    };
    listener.opened(id, &opening);
    for exchange in exchanges {
        if let Some(head) = &exchange.request {
            let head = head.clone();
            listener.said(id, Said::Head { from: Endpoint::Client, head, body: &[], at });
        }
        let responses = exchange.interim.iter().chain(exchange.response.as_deref());
        for head in responses.cloned() {
            let (head, body) = (Box::new(head), &exchange.body);
            listener.said(id, Said::Head { from: Endpoint::Server, head, body, at });
        }
    }
    listener.forgotten(id, true);
}

/// Pairs heads: each response answers the request whose key its Accept proves, else the request
/// before it that nothing has answered yet.
fn pair(heads: Vec<Found>) -> Vec<Exchange> {
    let requests = heads.iter().filter(|found| found.head.is_request()).count();
    let responses = heads.iter().filter(|found| is_final(&found.head)).count();
    let response_first = heads.first().is_some_and(|found| !found.head.is_request())
        && heads.last().is_some_and(|found| found.head.is_request());
    let mut pairing = Pairing::default();
    if response_first && requests == responses {
        let (requests, responses): (Vec<_>, Vec<_>) =
            heads.into_iter().partition(|found| found.head.is_request());
        requests.into_iter().for_each(|found| pairing.ask(found));
        for found in responses {
            let first = pairing.open.first().copied();
            pairing.answer(first, found);
        }
        return pairing.exchanges;
    }
    let pipelined = responses >= requests;
    for found in heads {
        if found.head.is_request() {
            pairing.ask(found);
            continue;
        }
        let by_place = if pipelined { pairing.open.first() } else { pairing.open.last() }.copied();
        let proven = pairing.proven(&found.head);
        pairing.answer(proven.or(by_place), found);
    }
    pairing.exchanges
}

/// The exchanges so far, and those that still wait for something.
#[derive(Default)]
struct Pairing {
    exchanges: Vec<Exchange>,
    /// Requests without a final response.
    open: BTreeSet<usize>,
    /// The requests that each Accept would prove, whether they are still open or not.
    by_accept: HashMap<String, VecDeque<usize>>,
    /// Interim responses that nobody asked for: they go with the response behind them.
    unasked: Option<usize>,
}

impl Pairing {
    fn ask(&mut self, found: Found) {
        let index = self.exchanges.len();
        if let Some(key) = found.head.value("Sec-WebSocket-Key") {
            self.by_accept.entry(accept::accept(key)).or_default().push_back(index);
        }
        self.open.insert(index);
        let request = Some(Box::new(found.head));
        self.exchanges.push(Exchange { request, ..Exchange::default() });
    }

    /// The first open request that this response proves that it answers.
    fn proven(&mut self, response: &Head) -> Option<usize> {
        let found = std::str::from_utf8(response.value("Sec-WebSocket-Accept")?).ok()?;
        let indexes = self.by_accept.get_mut(found)?;
        while indexes.front().is_some_and(|index| !self.open.contains(index)) {
            indexes.pop_front();
        }
        indexes.front().copied()
    }

    fn answer(&mut self, index: Option<usize>, found: Found) {
        let index = index.or(self.unasked).unwrap_or_else(|| {
            self.exchanges.push(Exchange::default());
            self.exchanges.len() - 1
        });
        let exchange = &mut self.exchanges[index];
        if is_final(&found.head) {
            exchange.response = Some(Box::new(found.head));
            exchange.body = found.body;
            self.open.remove(&index);
            self.unasked.take_if(|unasked| *unasked == index);
        } else {
            if exchange.request.is_none() {
                self.unasked = Some(index);
            }
            exchange.interim.push(found.head);
        }
    }
}

fn is_final(head: &Head) -> bool {
    !head.is_request() && !matches!(head.status(), Some(100 | 102..=199))
}

/// A CONNECT that a proxy granted shares its connection with the exchange after it.
fn group(exchanges: Vec<Exchange>) -> Vec<Vec<Exchange>> {
    let mut connections: Vec<Vec<Exchange>> = Vec::new();
    let mut tunnelled = false;
    for exchange in exchanges {
        let opens_tunnel = is_connect(&exchange)
            && matches!(exchange.response.as_ref().and_then(|head| head.status()), Some(200..=299));
        match connections.last_mut() {
            Some(connection) if tunnelled => connection.push(exchange),
            _ => connections.push(vec![exchange]),
        }
        tunnelled = opens_tunnel;
    }
    connections
}

fn is_connect(exchange: &Exchange) -> bool {
    let is_connect = |head: &Head| head.method() == Some(b"CONNECT") && !head.is_http2();
    exchange.request.as_deref().is_some_and(is_connect)
}

/// Leaves ordinary exchanges out if there are others that speak of WebSocket.
fn without_others(mut transcript: Transcript) -> Transcript {
    let concerns = |exchange: &Exchange| {
        exchange.request.as_ref().is_some_and(|head| is_upgrade_request(head))
            || exchange.response.as_ref().is_some_and(|head| is_upgrade_response(head))
    };
    let is_kept = |connection: &Vec<Exchange>| connection.iter().any(concerns);
    if transcript.connections.iter().any(is_kept) {
        let before = transcript.connections.len();
        transcript.connections.retain(is_kept);
        match before - transcript.connections.len() {
            0 => {}
            1 => transcript.remarks.push("1 exchange that is no handshake was left out".into()),
            count => transcript
                .remarks
                .push(format!("{count} exchanges that are no handshakes were left out")),
        }
    }
    transcript
}

#[cfg(test)]
mod tests;
