//! The opening handshake (RFC 6455 §4): the heads of one exchange and the facts about them.

use super::accept;
use super::extension::{self, Agreement, Extension, Extensions};
use crate::http::Head;
use crate::said::{At, Endpoint};
use std::cell::OnceCell;

/// One request with its final response, as far as they were seen.
#[derive(Debug, Clone, Default)]
pub struct Handshake {
    /// The request.
    pub request: Option<Box<Head>>,
    /// The final response; interim ones are counted in `interim`.
    pub response: Option<Box<Head>>,
    /// Status codes of interim responses (1xx other than 101) before it.
    pub interim: Vec<u16>,
    /// When the last byte of the request was seen.
    pub request_at: At,
    /// When the last byte of the response was seen.
    pub response_at: At,
    /// Text in front of the response's status line.
    pub stray: Option<Stray>,
    /// Client bytes that were sent before the server's answer: where and how many.
    pub early: Option<Early>,
    /// Ordinary HTTP exchanges on this connection before this one.
    pub earlier_exchanges: u64,
    /// Bytes are missing where the answer should be, or the client went on as after one.
    pub answer_lost: bool,
    /// The connection went through a forward proxy: a CONNECT came first.
    pub through_connect: bool,
    /// The heads were typed or pasted: line ends, case and white space are not evidence.
    pub transcript: bool,
    /// The first bytes behind a response that refuses: whether there is HTML, text or JSON.
    pub body_preview: Vec<u8>,
    /// What was read from the heads already.
    pub(crate) answers: Answers,
}

/// What many rules ask, found out when the first one does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// Why the rules about requests do not concern this one, if they do not.
    pub(crate) request: OnceCell<Result<(), &'static str>>,
    accepted: OnceCell<bool>,
    dialect: OnceCell<Dialect>,
    accept: OnceCell<Option<String>>,
    extensions: [OnceCell<Extensions>; 2],
}

/// Text of the server in front of its status line: no client reads on behind it (RFC 9112 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Offset of its first byte in the server's stream.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
    /// Its beginning, 64 bytes at most.
    pub text: Vec<u8>,
}

/// Client bytes before the server's answer (RFC 6455 §4.1: the client has to wait).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Early {
    /// Offset of the first in the client's stream.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// What came of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 101: the connection carries frames from here on.
    Upgraded,
    /// Another final status: it does not.
    Refused,
    /// One half is missing.
    Incomplete,
}

impl Outcome {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Upgraded => "upgraded",
            Outcome::Refused => "refused",
            Outcome::Incomplete => "incomplete",
        }
    }
}

/// Which generation of the protocol a request belongs to (RFC 6455 §4.4, §11.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// RFC 6455, or what was meant to be.
    Rfc6455,
    /// draft-hixie-thewebsocketprotocol-75: no key, no version.
    Hixie75,
    /// draft-hixie-thewebsocketprotocol-76, also called hybi-00: `Sec-WebSocket-Key1` and `-Key2`.
    Hixie76,
    /// A draft of the HyBi working group, by its `Sec-WebSocket-Version` of 0 to 8.
    Hybi(u8),
}

impl Handshake {
    /// Which generation of the protocol it speaks.
    pub fn dialect(&self) -> Dialect {
        *self.answers.dialect.get_or_init(|| self.read_dialect())
    }

    fn read_dialect(&self) -> Dialect {
        let has = |head: &Option<Box<Head>>, names: &[&str]| {
            head.as_ref().is_some_and(|head| names.iter().any(|name| head.line(name).is_some()))
        };
        let Some(request) = &self.request else { return Dialect::Rfc6455 };
        if has(&self.request, &["Sec-WebSocket-Key1", "Sec-WebSocket-Key2"]) {
            return Dialect::Hixie76;
        }
        match request.value("Sec-WebSocket-Version") {
            Some([digit @ b'0'..=b'8']) => return Dialect::Hybi(digit - b'0'),
            Some(_) => return Dialect::Rfc6455,
            None if has_websocket_field(request) => return Dialect::Rfc6455,
            None => {}
        }
        // A modern request that a proxy stripped looks almost the same, but says so elsewhere.
        let proxied = ["Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP"];
        let spelt_as_then = request.value("Upgrade") == Some(b"WebSocket")
            && has(&self.request, &["Origin"])
            && !has(&self.request, &proxied);
        if has(&self.request, &["WebSocket-Protocol"])
            || has(&self.response, &["WebSocket-Origin", "WebSocket-Location"])
            || spelt_as_then
        {
            return Dialect::Hixie75;
        }
        Dialect::Rfc6455
    }

    /// The request is an ordinary one for a page: nothing in it speaks of WebSocket.
    pub fn is_plain_get(&self) -> bool {
        self.request
            .as_ref()
            .is_some_and(|head| head.method() == Some(b"GET") && !is_upgrade_request(head))
    }

    /// The handshake is that of HTTP/2: an extended CONNECT (RFC 8441).
    pub fn is_http2(&self) -> bool {
        self.request.as_ref().or(self.response.as_ref()).is_some_and(|head| head.is_http2())
    }

    /// The versions that the server lists as those it speaks, where it refuses (RFC 6455 §4.4).
    pub fn versions_offered(&self) -> Option<Vec<u8>> {
        let name = "Sec-WebSocket-Version";
        let head = self.response.as_ref().filter(|head| head.line(name).is_some())?;
        let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
        let members = head.members(name);
        let listed = members.filter_map(|member| number(head.bytes(&member.range)));
        (!self.is_accepted()).then(|| listed.collect())
    }

    /// The final response opens the connection: 101, or over HTTP/2 any 2xx.
    pub fn is_accepted(&self) -> bool {
        *self.answers.accepted.get_or_init(|| match self.status() {
            Some(200..=299) => self.is_http2(),
            Some(101) => !self.is_http2(),
            _ => false,
        })
    }

    /// What came of it.
    pub fn outcome(&self) -> Outcome {
        match (self.status(), &self.request) {
            (None, _) | (_, None) => Outcome::Incomplete,
            // What stands behind a cut is not known to be right.
            _ if self.is_accepted() && self.is_whole() => Outcome::Upgraded,
            _ if self.is_accepted() => Outcome::Incomplete,
            _ => Outcome::Refused,
        }
    }

    /// Both heads were captured to their end.
    pub fn is_whole(&self) -> bool {
        [&self.request, &self.response]
            .iter()
            .all(|head| head.as_ref().is_some_and(|head| head.complete))
    }

    /// The status code of the final response.
    pub fn status(&self) -> Option<u16> {
        self.response.as_ref()?.status()
    }

    /// The first `Sec-WebSocket-Key` of the request, as sent.
    pub fn key(&self) -> Option<&[u8]> {
        self.request.as_ref()?.value("Sec-WebSocket-Key")
    }

    /// The Accept that answers that key.
    pub fn accept_expected(&self) -> Option<&str> {
        self.answers.accept.get_or_init(|| self.key().map(accept::accept)).as_deref()
    }

    /// The first `Sec-WebSocket-Accept` of the response, as sent.
    pub fn accept_found(&self) -> Option<&[u8]> {
        self.response.as_ref()?.value("Sec-WebSocket-Accept")
    }

    /// The subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&[u8]> {
        self.response.as_ref()?.value("Sec-WebSocket-Protocol")
    }

    /// The request or the final response.
    pub fn head_of(&self, endpoint: Endpoint) -> Option<&Head> {
        match endpoint {
            Endpoint::Client => self.request.as_deref(),
            Endpoint::Server => self.response.as_deref(),
        }
    }

    /// What the client offers and what the server accepts of extensions.
    pub fn extensions_of(&self, endpoint: Endpoint) -> &Extensions {
        self.answers.extensions[endpoint.index()]
            .get_or_init(|| self.head_of(endpoint).map(extension::read).unwrap_or_default())
    }

    /// The extensions that the server accepted.
    pub fn accepted_extensions(&self) -> &[Extension] {
        &self.extensions_of(Endpoint::Server).list
    }

    /// What the two agreed on, as far as it concerns the frames.
    pub fn agreement(&self) -> Agreement {
        let [offered, accepted] =
            [Endpoint::Client, Endpoint::Server].map(|endpoint| self.extensions_of(endpoint));
        Agreement::between(offered, accepted)
    }
}

/// True for a request that asks for WebSocket, or that visibly did before a proxy touched it: it
/// names `websocket` in `Upgrade`, or carries a `Sec-WebSocket-` field.
pub fn is_upgrade_request(head: &Head) -> bool {
    names_websocket(head)
        || has_websocket_field(head)
        || head.value(":protocol").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
}

/// True for a response that speaks of WebSocket: one with a `Sec-WebSocket-` field, a 426 that asks
/// for it, or a 101 that does not switch to something else, as far as it can be read.
pub fn is_upgrade_response(head: &Head) -> bool {
    let switches_elsewhere =
        head.complete && head.line("Upgrade").is_some() && !names_websocket(head);
    has_websocket_field(head)
        || head.status() == Some(101) && !switches_elsewhere
        || head.status() == Some(426) && names_websocket(head)
}

fn names_websocket(head: &Head) -> bool {
    let begins =
        |value: &[u8]| value.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"websocket"));
    // Mostly it is all that stands there.
    head.value("Upgrade").is_some_and(begins)
        || head.members("Upgrade").any(|member| begins(head.bytes(&member.range)))
}

fn has_websocket_field(head: &Head) -> bool {
    let prefix = b"Sec-WebSocket-";
    head.fields.iter().any(|field| {
        let start = head.bytes(&field.name).get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}
