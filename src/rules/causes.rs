//! One root cause instead of twenty symptoms: what several findings of a connection come from. It is
//! told once, when it is first seen, and the findings that follow from it say so.

use super::across::{Across, asks_upgrade};
use super::hs_req::upgrade::lost;
use super::observed::is_passed_on;
use super::suppression::matches;
use super::{Finding, Judged, all};
use crate::said::At;
use crate::websocket::handshake::Handshake;
use crate::websocket::{Event, NotFramesKind, Opcode};
use foldhash::fast::RandomState;
use std::collections::HashSet;
use std::sync::LazyLock;

/// What findings come from, as it is told when it is first seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Stable name, such as `upgrade-stripped`.
    pub id: &'static str,
    /// One sentence.
    pub what: String,
    /// What to do.
    pub mend: &'static str,
    /// Another connection that shows it, too: the other side of the proxy.
    pub other: Option<u64>,
    /// It says more than any one finding that follows from it.
    pub says_more: bool,
    /// When it came out.
    pub at: At,
}

/// What followed from a cause on one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The cause's name.
    pub id: &'static str,
    /// How many findings.
    pub findings: u64,
    /// Their rules, in the order in which they were broken.
    pub rules: Vec<&'static str>,
}

/// The causes that were seen on one connection.
#[derive(Debug, Default)]
pub(super) struct Causes {
    seen: Vec<Traced>,
}

/// A kind of cause: which findings show it, and which follow from it.
struct Kind {
    id: &'static str,
    what: &'static str,
    mend: &'static str,
    /// Which findings show it, if the fact looks like this. A TLS record needs no finding.
    begins: &'static [&'static str],
    is_it: fn(&Event<'_>) -> bool,
    /// What follows from it: ids, or prefixes that end in `*`.
    follows: &'static [&'static str],
}

const ANY: fn(&Event<'_>) -> bool = |_| true;

/// The name of a cause: the upgrade is not in the request.
pub const STRIPPED: &str = "upgrade-stripped";
/// The name of a cause: what was asked for is a page.
pub const PAGE: &str = "page-request";
/// The name of a cause: the server speaks TLS, and the client does not.
pub const TLS_PORT: &str = "plaintext-to-tls-port";
const PASSED_ON: &str = "a proxy has passed the request on, and most likely took Upgrade and \
    Connection: Upgrade out of it: the key of the handshake is there, and they are not";
const STRIPPED_MEND: &str = "tell the proxy to pass the upgrade on; in nginx: proxy_http_version 1.1; \
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";

static KINDS: [Kind; 10] = [
    Kind {
        id: STRIPPED,
        what: "the request has the key of a handshake, and neither Upgrade nor Connection: Upgrade: \
               a proxy on the way took them out, or the client never sent them",
        mend: "look whether the client sends Upgrade: websocket and Connection: Upgrade; if it does, \
               tell the proxy to pass them on; in nginx: proxy_http_version 1.1; proxy_set_header \
               Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";",
        begins: &["HS-REQ-UPGRADE-PRESENT", "SEC-HOP-STRIPPED"],
        is_it: was_meant,
        follows: &[
            "HS-REQ-UPGRADE-PRESENT",
            "HS-REQ-CONNECTION-UPGRADE",
            "HS-REQ-HTTP-VERSION",
            "SEC-HOP-STRIPPED",
            "HS-RES-*",
        ],
    },
    Kind {
        id: PAGE,
        what: "this is a request for a page: nothing in it asks for a WebSocket",
        mend: "connect with a WebSocket client, to ws:// or wss://: an address bar, a health check \
               or curl without further headers asks for a page",
        begins: &["HS-REQ-KEY-PRESENT"],
        is_it: asks_for_a_page,
        follows: &["HS-REQ-*", "HS-RES-*", "SEC-PLAIN-GET"],
    },
    Kind {
        id: TLS_PORT,
        what: "the client speaks plain HTTP to a port that expects TLS",
        mend: "use wss:// for this port, or the port for plain HTTP",
        begins: &["HS-RES-*"],
        is_it: is_answered_by_tls,
        follows: &["HS-RES-*", "FRM-*", "CLS-*"],
    },
    Kind {
        id: "tls-where-frames-belong",
        what: "a TLS record stands where a frame should begin: somebody speaks TLS inside the \
               connection",
        mend: "use TLS below the handshake (wss://), not behind it",
        begins: &["FRM-*", "MSK-*"],
        is_it: is_tls_record,
        follows: &["FRM-*", "MSK-*", "FRG-*", "CTL-*", "CLS-*"],
    },
    Kind {
        id: "http-where-frames-belong",
        what: "HTTP or markup stands where a frame should begin: two parts of the server answer",
        mend: "let nothing but the WebSocket library write to the socket after the 101",
        begins: &["HS-RES-HTTP-AFTER-101"],
        is_it: ANY,
        follows: &["HS-RES-HTTP-AFTER-101", "FRM-*", "MSK-*", "FRG-*", "UTF-*", "CLS-*"],
    },
    Kind {
        id: "server-masks",
        what: "the server masks its frames as only a client does",
        mend: "switch masking off in the server, or look whether a client's library serves",
        begins: &["MSK-SERVER-MASKED"],
        is_it: ANY,
        follows: &["MSK-*", "FRM-TOLERATED", "CLS-*"],
    },
    Kind {
        id: "client-does-not-mask",
        what: "the client does not mask its frames",
        mend: "mask every frame with a new key, as every library for clients does",
        begins: &["MSK-CLIENT-UNMASKED"],
        is_it: ANY,
        follows: &["MSK-CLIENT-UNMASKED", "FRM-TOLERATED", "CLS-*"],
    },
    Kind {
        id: "compression-not-agreed",
        what: "messages are compressed although permessage-deflate was not agreed",
        mend: "compress only if the response accepts permessage-deflate; a proxy that drops \
               Sec-WebSocket-Extensions has to drop it in both directions",
        begins: &["PMD-RSV1-UNNEGOTIATED", "NEG-EXT-USED-NOT-ACCEPTED", "FRM-RSV-UNNEGOTIATED"],
        is_it: is_compressed,
        follows: &[
            "PMD-RSV1-*",
            "NEG-EXT-USED-NOT-ACCEPTED",
            "FRM-RSV-UNNEGOTIATED",
            "FRM-TOLERATED",
            "UTF-*",
            "CLS-*",
        ],
    },
    Kind {
        id: "two-writers",
        what: "a message begins inside another one: two writers send on one connection",
        mend: "let one task send, or hold a lock from the first fragment of a message to the last",
        begins: &["FRG-INTERLEAVED"],
        is_it: ANY,
        follows: &["FRG-*", "UTF-*", "PMD-*", "FRM-TOLERATED", "CLS-*"],
    },
    Kind {
        id: "not-utf-8",
        what: "text messages are not encoded as UTF-8",
        mend: "encode text as UTF-8, and send everything else as binary",
        begins: &["UTF-INVALID-BYTE", "UTF-OVERLONG", "UTF-SURROGATE", "UTF-ABOVE-MAX"],
        is_it: ANY,
        follows: &["UTF-*", "FRM-TOLERATED", "CLS-*"],
    },
];

/// Who only forgets Upgrade has no proxy that takes out Connection: Upgrade with it.
fn was_meant(event: &Event<'_>) -> bool {
    let Event::Handshake(handshake) = event else { return false };
    let lost = handshake.request.as_deref().map(lost).unwrap_or_default();
    key(handshake).is_some() && lost.starts_with(&["Upgrade", "Connection: Upgrade"])
}

fn asks_for_a_page(event: &Event<'_>) -> bool {
    matches!(event, Event::Handshake(handshake) if handshake.is_plain_get())
}

/// The request shows that a proxy has passed it on.
fn is_behind_a_proxy(event: &Event<'_>) -> bool {
    let Event::Handshake(handshake) = event else { return false };
    handshake.request.as_deref().is_some_and(is_passed_on)
}

fn key(handshake: &Handshake) -> Option<&[u8]> {
    handshake.request.as_ref()?.value("Sec-WebSocket-Key")
}

/// A TLS alert or handshake record, or what HTTPS servers say to plain HTTP.
fn is_answered_by_tls(event: &Event<'_>) -> bool {
    match event {
        Event::NotFrames(other) => other.kind == NotFramesKind::TlsRecord,
        Event::Handshake(handshake) => body_wants_tls(handshake),
        _ => false,
    }
}

/// The body says that plain HTTP came where TLS is spoken.
pub(super) fn body_wants_tls(handshake: &Handshake) -> bool {
    const PHRASES: [&[u8]; 3] = [
        b"HTTP request was sent to HTTPS port",
        b"HTTP request to an HTTPS server",
        b"speaking plain HTTP to an SSL-enabled server port",
    ];
    let body = &handshake.body_preview;
    PHRASES.iter().any(|phrase| memchr::memmem::find(body, phrase).is_some())
}

fn is_tls_record(event: &Event<'_>) -> bool {
    match event {
        Event::Frame(frame) => (frame.header.first, frame.header.second) == (0x16, 0x03),
        Event::CutHeader(cut) => matches!(cut.bytes, [0x16, 0x03, ..]),
        _ => false,
    }
}

fn is_compressed(event: &Event<'_>) -> bool {
    match event {
        Event::Frame(frame) => {
            frame.header.rsv1() && matches!(frame.header.opcode(), Opcode::Text | Opcode::Binary)
        }
        _ => true,
    }
}

impl Causes {
    /// Tells the cause that comes out in this fact, and marks what follows from it and from those
    /// that came out before.
    pub(super) fn trace(
        causes: &mut Option<Box<Causes>>,
        event: &Event<'_>,
        number: u64,
        across: &Across,
        judged: &mut Judged,
    ) {
        let of_tls = |kind: &&Kind| matches!(event, Event::NotFrames(_)) && (kind.is_it)(event);
        let found = judged
            .findings
            .iter()
            .find_map(|finding| begins(finding, event))
            .or_else(|| KINDS.iter().find(|kind| kind.id == TLS_PORT).filter(of_tls));
        let seen =
            |id: &str| causes.as_ref().is_some_and(|it| it.seen.iter().any(|it| it.id == id));
        let legs = legs(event, number, across);
        let found = match legs {
            Some(cause) => Some((STRIPPED, cause)),
            None => found.map(|kind| (kind.id, kind.cause(event))),
        };
        if let Some((id, cause)) = found.filter(|(id, _)| !seen(id)) {
            let first = judged.findings.first().map(|finding| finding.at);
            let at = match event {
                Event::NotFrames(other) => other.at,
                _ => first.unwrap_or_default(),
            };
            judged.cause = Some(Cause { at, ..cause });
            let traced = Traced { id, findings: 0, rules: Vec::new() };
            causes.get_or_insert_default().seen.push(traced);
        }
        let Some(causes) = causes else { return };
        for finding in &mut judged.findings {
            let follows = |id| {
                let kind = KINDS.iter().find(|kind| kind.id == id);
                kind.is_some_and(|kind| kind.follows.iter().any(|it| matches(it, finding.rule.id)))
            };
            let Some(traced) = causes.seen.iter_mut().find(|it| follows(it.id)) else { continue };
            finding.root = Some(traced.id);
            traced.findings += 1;
            if !traced.rules.contains(&finding.rule.id) {
                traced.rules.push(finding.rule.id);
            }
        }
        if let Event::End(_) = event {
            judged.traced.clone_from(&causes.seen);
        }
    }
}

impl Kind {
    fn cause(&self, event: &Event<'_>) -> Cause {
        let at = At::default();
        let says_more = matches!(self.id, STRIPPED | PAGE | TLS_PORT | "tls-where-frames-belong");
        let (what, mend) = match self.id {
            STRIPPED if is_behind_a_proxy(event) => (PASSED_ON, STRIPPED_MEND),
            _ => (self.what, self.mend),
        };
        Cause { id: self.id, what: what.to_owned(), mend, other: None, says_more, at }
    }
}

fn begins(finding: &Finding, event: &Event<'_>) -> Option<&'static Kind> {
    // Few rules show a cause; to match patterns takes long.
    static RULES: LazyLock<HashSet<&str, RandomState>> = LazyLock::new(|| {
        let patterns = KINDS.iter().flat_map(|kind| kind.begins);
        all().map(|rule| rule.id).filter(|id| patterns.clone().any(|it| matches(it, id))).collect()
    });
    if !RULES.contains(finding.rule.id) {
        return None;
    }
    KINDS.iter().find(|kind| {
        kind.begins.iter().any(|it| matches(it, finding.rule.id)) && (kind.is_it)(event)
    })
}

/// Both sides of a proxy are in the capture: what it took out is known for certain.
fn legs(event: &Event<'_>, number: u64, across: &Across) -> Option<Cause> {
    let Event::Handshake(handshake) = event else { return None };
    let key = key(handshake)?;
    let (what, other) = match (across.before(number, key), across.behind(number, key)) {
        (Some((front, true)), _) if !handshake.request.as_deref().is_some_and(asks_upgrade) => {
            let what = format!(
                "the proxy took Upgrade out of the request: on connection {front} the client asked \
                 for it, with the same key; on this one, from the proxy to the server behind it, \
                 it is missing"
            );
            (what, front)
        }
        (_, Some((behind, false))) if handshake.status() != Some(101) => {
            let what = format!(
                "the proxy took Upgrade out of the request: on connection {behind}, from the proxy \
                 to the server behind it, the same key comes without Upgrade; this answer is what \
                 that server made of it"
            );
            (what, behind)
        }
        _ => return None,
    };
    let (other, at) = (Some(other), At::default());
    Some(Cause { id: STRIPPED, what, mend: STRIPPED_MEND, other, says_more: true, at })
}
