//! The rules of the handshake: what must never be flagged (catalogue §3), the traps of single
//! rules, and what a finding says about classic mistakes.

use proptest::prelude::*;
use ws101::rules::{Finding, Judge, Judged, Severity};
use ws101::said::{At, Endpoint, Said, Time, TransportEnd};
use ws101::websocket::accept::accept;
use ws101::websocket::{Conversation, Desk, Event, Limits};

/// Not one of the well-known keys, which are worth a note.
const KEY: &str = "hX0Zp9pWqkRr2T6mC4eNsQ==";

/// A request with these lines; `-Name` takes a line out, others replace the line of their name or
/// are added. A first line that is no field replaces the request line.
fn request(changes: &[&str]) -> String {
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let lines = [
        "GET /chat HTTP/1.1",
        "Host: server.example.com",
        "Upgrade: websocket",
        "Connection: Upgrade",
        &key,
        "Sec-WebSocket-Version: 13",
    ];
    changed(&lines, changes)
}

/// The 101 that accepts it, changed likewise.
fn response(changes: &[&str]) -> String {
    let accept = format!("Sec-WebSocket-Accept: {}", accept(KEY.as_bytes()));
    let lines =
        ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", &accept];
    changed(&lines, changes)
}

fn changed(lines: &[&str], changes: &[&str]) -> String {
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let mut added: Vec<String> = Vec::new();
    for change in changes {
        let removed = change.strip_prefix('-');
        let is_start_line = change.contains("HTTP/") && !change.starts_with('-');
        if is_start_line {
            lines[0] = (*change).to_owned();
            continue;
        }
        let changed = name(removed.unwrap_or(change)).trim().to_owned();
        lines.retain(|line| name(line) != changed);
        if removed.is_none() {
            added.push((*change).to_owned());
        }
    }
    lines.extend(added);
    lines.join("\r\n") + "\r\n\r\n"
}

struct Scene {
    conversation: Conversation,
    judge: Judge,
    desk: Desk,
    sent: [u64; 2],
    time: Option<Time>,
    found: Vec<Finding>,
}

impl Scene {
    fn new(conversation: Conversation) -> Scene {
        Scene {
            conversation,
            judge: Judge::default(),
            desk: Desk::new(Limits::default()),
            sent: [0; 2],
            time: None,
            found: Vec::new(),
        }
    }

    fn at(mut self, seconds: f64) -> Scene {
        self.time = Some(Time::new((seconds * 1e9) as i64));
        self
    }

    fn says(mut self, from: Endpoint, bytes: impl AsRef<[u8]>) -> Scene {
        let bytes = bytes.as_ref();
        let (offset, heard) = (self.sent[from.index()], Some(self.sent[from.peer().index()]));
        self.sent[from.index()] += bytes.len() as u64;
        let at = At { packet: None, time: self.time };
        self.hear(Said::Bytes { from, offset, bytes, heard, at })
    }

    fn ends(self, from: Endpoint, how: TransportEnd) -> Scene {
        let at = At { packet: None, time: self.time };
        self.hear(Said::End { from, how, heard: None, at })
    }

    fn hear(mut self, said: Said<'_>) -> Scene {
        let Scene { conversation, judge, desk, found, .. } = &mut self;
        conversation.hear(said, desk, &mut |event| consider(judge, event, found));
        self
    }

    fn findings(mut self) -> Vec<Finding> {
        let Scene { conversation, judge, desk, found, .. } = &mut self;
        conversation.finish(desk, &mut |event| consider(judge, event, found));
        self.found
    }

    /// The rules that were broken, except those about what a cut-off capture lacks.
    fn ids(self) -> Vec<&'static str> {
        let found = self.findings().into_iter().map(|finding| finding.rule.id);
        found.filter(|id| !id.starts_with("CAP-")).collect()
    }
}

fn consider(judge: &mut Judge, event: &Event<'_>, found: &mut Vec<Finding>) {
    let mut judged = Judged::default();
    judge.consider(event, &mut judged);
    found.extend(judged.findings);
}

fn wire(request: &str, response: &str) -> Scene {
    let scene = Scene::new(Conversation::new()).says(Endpoint::Client, request);
    scene.says(Endpoint::Server, response)
}

/// The rules that this exchange breaks.
fn check(request: &str, response: &str) -> Vec<&'static str> {
    wire(request, response).ids()
}

/// The same for a transcript.
fn check_transcript(request: &str, response: &str) -> Vec<&'static str> {
    let scene = Scene::new(Conversation::of_transcript()).says(Endpoint::Client, request);
    scene.says(Endpoint::Server, response).ids()
}

const NONE: [&str; 0] = [];

fn accepts(changes: &[&str]) {
    assert_eq!(check(&request(changes), &response(&[])), NONE, "{changes:?}");
}

fn answers(changes: &[&str]) {
    assert_eq!(check(&request(&[]), &response(changes)), NONE, "{changes:?}");
}

/// An offer of extensions and the answer to it.
fn negotiates(offer: &str, answer: &str) -> Vec<&'static str> {
    let request = request(&[&format!("Sec-WebSocket-Extensions: {offer}")]);
    check(&request, &response(&[&format!("Sec-WebSocket-Extensions: {answer}")]))
}

/// What follows a correct handshake.
fn connected() -> Scene {
    wire(&request(&[]), &response(&[]))
}

#[test]
fn a_correct_handshake_breaks_nothing() {
    accepts(&[]);
    assert_eq!(check_transcript(&request(&[]), &response(&[])), NONE);
}

// The must-not-flag list of the catalogue, by number.

#[test]
fn number_1_connection_is_a_list_without_case() {
    for value in ["keep-alive, Upgrade", "upgrade", "  Upgrade  ", ", Upgrade,", "Upgrade , x"] {
        accepts(&[&format!("Connection: {value}")]);
        answers(&[&format!("Connection: {value}")]);
    }
    accepts(&["Connection: keep-alive\r\nConnection: Upgrade"]);
}

#[test]
fn number_2_upgrade_is_a_list_without_case_and_the_reason_is_free_text() {
    for value in ["WebSocket", "WEBSOCKET", "h2c, websocket", "websocket/13"] {
        accepts(&[&format!("Upgrade: {value}")]);
    }
    answers(&["Upgrade: WebSocket"]);
    for line in ["HTTP/1.1 101 Web Socket Protocol Handshake", "HTTP/1.1 101 ", "HTTP/1.1 101 OK"] {
        answers(&[line]);
    }
}

#[test]
fn number_3_a_key_that_is_not_canonical_is_at_most_a_warning() {
    let key = "AQIDBAUGBwgJCgsMDQ4PEC==";
    let request = request(&[&format!("Sec-WebSocket-Key: {key}")]);
    let answer = response(&[&format!("Sec-WebSocket-Accept:   {}   ", accept(key.as_bytes()))]);
    let findings = wire(&request, &answer).findings();
    assert!(findings.iter().all(|finding| finding.severity < Severity::Error), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.rule.id == "HS-REQ-KEY-CANONICAL"));
}

#[test]
fn number_4_lists_may_span_several_lines() {
    let offer = request(&["Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat"]);
    assert_eq!(check(&offer, &response(&["Sec-WebSocket-Protocol: superchat"])), NONE);
    let offer = request(&["Sec-WebSocket-Extensions: permessage-deflate, bbf-usp-protocol"]);
    let two_lines = "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: bbf-usp-protocol";
    assert_eq!(check(&offer, &response(&[two_lines])), ["NEG-EXT-RESPONSE-MULTILINE"]);
}

#[test]
fn number_5_what_permessage_deflate_permits() {
    let plain = "permessage-deflate";
    for (offer, answer) in [
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", plain),
        ("permessage-deflate; client_max_window_bits", plain),
        (
            "permessage-deflate; server_max_window_bits=\"10\"",
            "permessage-deflate; server_max_window_bits=10",
        ),
        (plain, "permessage-deflate; server_no_context_takeover"),
        (plain, "permessage-deflate; client_no_context_takeover"),
        (plain, "permessage-deflate; server_max_window_bits=12"),
        ("permessage-deflate; client_no_context_takeover", plain),
        ("permessage-deflate; client_max_window_bits=10", plain),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=12",
        ),
    ] {
        assert_eq!(negotiates(offer, answer), NONE, "{offer} → {answer}");
    }
}

#[test]
fn number_6_what_may_precede_and_follow_the_101() {
    let hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    let with_frame = [response(&[]).as_bytes(), &hello].concat();
    let scene = Scene::new(Conversation::new()).says(Endpoint::Client, request(&[]));
    assert_eq!(scene.says(Endpoint::Server, with_frame).ids(), NONE);

    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n".to_owned();
    assert_eq!(check(&request(&[]), &(interim + &response(&[]))), NONE);

    let scene = wire(
        "GET / HTTP/1.1\r\nHost: server.example.com\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    );
    let scene = scene.says(Endpoint::Client, request(&[])).says(Endpoint::Server, response(&[]));
    assert_eq!(scene.ids(), NONE);

    let scene = wire(
        "CONNECT server.example.com:80 HTTP/1.1\r\nHost: server.example.com:80\r\n\r\n",
        "HTTP/1.1 200 Connection established\r\n\r\n",
    );
    let scene = scene.says(Endpoint::Client, request(&[])).says(Endpoint::Server, response(&[]));
    assert_eq!(scene.ids(), NONE);
}

#[test]
fn number_7_origins_of_all_kinds() {
    for origin in [
        "null",
        "https://www.example.com",
        "http://localhost:3000",
        "http://[::1]:8080",
        "chrome-extension://aapocclcgogkmnckokdopfmhonfmgoek",
        "file://",
        "capacitor://localhost",
        "app://-",
    ] {
        accepts(&[&format!("Origin: {origin}")]);
    }
}

#[test]
fn number_16_a_refusal_is_no_error_of_anybody() {
    for status in [
        "401 Unauthorized\r\nWWW-Authenticate: Bearer",
        "403 Forbidden",
        "404 Not Found",
        "426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade",
        "503 Service Unavailable\r\nRetry-After: 30",
    ] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let findings = wire(&request(&[]), &answer).findings();
        let is_told = |id: &str| matches!(id, "HS-RES-NOT-101" | "HS-RES-403");
        assert!(findings.iter().any(|finding| is_told(finding.rule.id)), "{status}");
        assert!(findings.iter().all(|finding| finding.severity == Severity::Note), "{status}");
    }
}

// Traps of single rules.

#[test]
fn keywords_are_not_matched_in_part() {
    for (line, rule) in [
        ("Upgrade: websocketx", "HS-REQ-UPGRADE-PRESENT"),
        ("Connection: no-upgrade", "HS-REQ-CONNECTION-UPGRADE"),
        ("Connection: Upgraded", "HS-REQ-CONNECTION-UPGRADE"),
    ] {
        assert!(check(&request(&[line]), "").contains(&rule), "{line}");
    }
}

#[test]
fn one_mistake_makes_one_finding() {
    for (lines, rule) in [
        (&["POST /chat HTTP/1.1"][..], "HS-REQ-METHOD"),
        (&["GET /chat HTTP/1.0"], "HS-REQ-HTTP-VERSION"),
        (&["GET ws://server.example.com/chat HTTP/1.1"], "HS-REQ-TARGET-FORM"),
        (&["GET /chat#room1 HTTP/1.1"], "HS-REQ-NO-FRAGMENT"),
        (&["GET /chat room HTTP/1.1"], "HS-REQ-HTTP-SYNTAX"),
        (&["GET /100% HTTP/1.1"], "HS-REQ-TARGET-CHARS"),
        (&["-Host"], "HS-REQ-HOST-PRESENT"),
        (&["Host: a.example\r\nHost: b.example"], "HS-REQ-HOST-SINGLE"),
        (&["Host: ws://a.example/"], "HS-REQ-HOST-SYNTAX"),
        (&["Host: ::1"], "HS-REQ-HOST-SYNTAX"),
        (&["-Upgrade"], "HS-REQ-UPGRADE-PRESENT"),
        (&["Connection: keep-alive"], "HS-REQ-CONNECTION-UPGRADE"),
        (&["-Sec-WebSocket-Key"], "HS-REQ-KEY-PRESENT"),
        (&["Sec-WebSocket-Key: A\r\nSec-WebSocket-Key: B"], "HS-REQ-KEY-SINGLE"),
        (&["Sec-WebSocket-Key: hX0Zp9pWqkRr2T6mC4eNsQ"], "HS-REQ-KEY-BASE64"),
        (&["Sec-WebSocket-Key: hX0Zp9pWqkRr2T6mC4eNsQ-="], "HS-REQ-KEY-BASE64"),
        (&["Sec-WebSocket-Key:"], "HS-REQ-KEY-BASE64"),
        (&["Sec-WebSocket-Key: c2hvcnQ="], "HS-REQ-KEY-LENGTH"),
        (&["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="], "HS-REQ-KEY-ENTROPY"),
        (&["-Sec-WebSocket-Version"], "HS-REQ-VERSION-PRESENT"),
        (&["Sec-WebSocket-Version: 14"], "HS-REQ-VERSION-13"),
        (&["Sec-WebSocket-Version: 013"], "HS-REQ-VERSION-SYNTAX"),
        (&["Sec-WebSocket-Version: 13, 8"], "HS-REQ-VERSION-SINGLE"),
        (&["Origin: https://a.example/"], "HS-REQ-ORIGIN-SYNTAX"),
        (&["Sec-WebSocket-Protocol:"], "HS-REQ-SUBPROTO-SYNTAX"),
        (&["Sec-WebSocket-Protocol: chat room"], "HS-REQ-SUBPROTO-SYNTAX"),
        (&["Sec-WebSocket-Protocol: chat, chat"], "HS-REQ-SUBPROTO-UNIQUE"),
        (&["Sec-WebSocket-Extensions: permessage-deflate;"], "HS-REQ-EXT-SYNTAX"),
        (&["Sec-WebSocket-Extensions: permessage-deflate; x=1"], "PMD-OFFER-UNKNOWN-PARAM"),
        (&["Sec-WebSocket-Version : 13"], "HS-REQ-HEADER-WS"),
        (&["X-Folded: a\r\n b"], "HS-REQ-HEADER-WS"),
        (&["Expect: 100-continue"], "HS-REQ-EXPECT"),
    ] {
        assert_eq!(check(&request(lines), ""), [rule], "{lines:?}");
    }
}

#[test]
fn one_mistake_in_the_answer_makes_one_finding() {
    for (lines, rule) in [
        (&["HTTP/1.0 101 Switching Protocols"][..], "HS-RES-STATUS-LINE"),
        (&["-Upgrade"], "HS-RES-UPGRADE"),
        (&["Upgrade: websocket, foo"], "HS-RES-UPGRADE"),
        (&["Connection: keep-alive"], "HS-RES-CONNECTION"),
        (&["-Sec-WebSocket-Accept"], "HS-RES-ACCEPT-PRESENT"),
        (&["Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="], "HS-RES-ACCEPT-VALUE"),
        (&["Sec-WebSocket-Accept: AAAA"], "HS-RES-ACCEPT-SYNTAX"),
        (&["Sec-WebSocket-Accept: A\r\nSec-WebSocket-Accept: B"], "HS-RES-ACCEPT-SINGLE"),
        (&["Content-Length: 0"], "HS-RES-BODY-HEADERS"),
        (&["Sec-WebSocket-Version: 13"], "HS-RES-VERSION-ON-101"),
        (&["Connection: Upgrade, close"], "HS-RES-CONNECTION-CLOSE"),
        (&["Sec-WebSocket-Protocol: chat"], "NEG-SUBPROTO-NOT-OFFERED"),
        (&["Sec-WebSocket-Protocol:"], "NEG-SUBPROTO-EMPTY"),
        (&["Sec-WebSocket-Extensions: permessage-deflate"], "NEG-EXT-NOT-OFFERED"),
        (&["Sec-WebSocket-Extensions:"], "NEG-EXT-RESPONSE-SYNTAX"),
    ] {
        assert_eq!(check(&request(&[]), &response(lines)), [rule], "{lines:?}");
    }
}

#[test]
fn one_mistake_in_the_negotiation_makes_one_finding() {
    for (offer, answer, rule) in [
        ("permessage-deflate; x", "permessage-deflate", "PMD-ACCEPTED-BAD-OFFER"),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits",
            "PMD-RESP-BAD-VALUE",
        ),
        (
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits=12",
            "PMD-RESP-CLIENT-BITS-UNOFFERED",
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=12",
            "PMD-RESP-SERVER-BITS-TOO-BIG",
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate",
            "PMD-RESP-SERVER-BITS-MISSING",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate",
            "PMD-RESP-SERVER-NCT-MISSING",
        ),
        ("permessage-deflate", "permessage-deflate, permessage-deflate", "NEG-EXT-RSV-CONFLICT"),
    ] {
        let found = negotiates(offer, answer);
        let found: Vec<_> = found.iter().filter(|id| !id.starts_with("PMD-OFFER-")).collect();
        assert_eq!(found, [&rule], "{offer} → {answer}");
    }
}

#[test]
fn a_transcript_is_not_blamed_for_what_copying_did() {
    let url = request(&["GET wss://server.example.com/chat HTTP/1.1"]);
    let scene = Scene::new(Conversation::of_transcript()).says(Endpoint::Client, url);
    let findings = scene.says(Endpoint::Server, response(&[])).findings();
    assert!(findings.iter().all(|finding| finding.severity == Severity::Note), "{findings:?}");

    let redacted = request(&["Sec-WebSocket-Key: hX0Zp9p...<redacted>"]);
    assert_eq!(check_transcript(&redacted, &response(&[])), NONE);

    let unix = request(&[]).replace("\r\n", "\n");
    assert_eq!(check_transcript(&unix, &response(&[]).replace("\r\n", "\n")), NONE);
}

#[test]
fn drafts_are_not_held_to_rfc_6455() {
    let hixie76 = "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n\
                   Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n\
                   ^n:ds[4U";
    let answer = "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Origin: http://example.com\r\n\
                  Sec-WebSocket-Location: ws://example.com/demo\r\n\r\n";
    let found = check(hixie76, answer);
    assert!(found.iter().all(|id| !id.starts_with("HS-") && !id.starts_with("NEG-")), "{found:?}");

    let hybi8 = request(&["Sec-WebSocket-Version: 8"]);
    assert_eq!(check(&hybi8, &response(&[])), ["HIST-HYBI07-12"]);
}

// What follows from a handshake.

const CLIENT_HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

#[test]
fn a_client_that_trusts_a_wrong_answer_is_told_once() {
    let scene = wire(&request(&[]), &response(&["Connection: keep-alive"]));
    let scene = scene.says(Endpoint::Client, CLIENT_HELLO).says(Endpoint::Client, CLIENT_HELLO);
    let found = scene.ids();
    let told = found.iter().filter(|id| **id == "HS-RES-CLIENT-ACCEPTED-BAD").count();
    assert_eq!(told, 1, "{found:?}");
}

#[test]
fn frames_after_a_refusal_and_before_an_answer() {
    let refusal = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let found = wire(&request(&[]), refusal).says(Endpoint::Client, CLIENT_HELLO).ids();
    assert!(found.contains(&"HS-RES-FRAMES-AFTER-REFUSAL"), "{found:?}");

    let early = [request(&[]).as_bytes(), &CLIENT_HELLO].concat();
    let scene = Scene::new(Conversation::new()).says(Endpoint::Client, early);
    assert_eq!(scene.says(Endpoint::Server, response(&[])).ids(), ["HS-REQ-EARLY-DATA"]);
}

#[test]
fn a_message_of_the_wrong_kind_for_its_subprotocol() {
    let offer = request(&["Sec-WebSocket-Protocol: mqtt"]);
    let scene = wire(&offer, &response(&["Sec-WebSocket-Protocol: mqtt"]));
    let scene = scene.says(Endpoint::Client, CLIENT_HELLO).says(Endpoint::Client, CLIENT_HELLO);
    let found = scene.ids();
    assert_eq!(found.iter().filter(|id| **id == "NEG-SUBPROTO-OPCODE").count(), 1, "{found:?}");
}

#[test]
fn http_after_a_101() {
    let found = connected().says(Endpoint::Server, "HTTP/1.1 200 OK\r\n\r\n").ids();
    assert_eq!(found, ["HS-RES-HTTP-AFTER-101"]);
}

#[test]
fn how_long_an_answer_takes() {
    let asked = Scene::new(Conversation::new()).at(0.0).says(Endpoint::Client, request(&[]));
    let found = asked.at(6.2).says(Endpoint::Server, response(&[])).findings();
    let slow: Vec<_> = found.iter().map(|finding| (finding.rule.id, finding.severity)).collect();
    assert!(slow.contains(&("HS-RES-SLOW", Severity::Warning)), "{slow:?}");

    let asked = Scene::new(Conversation::new()).at(0.0).says(Endpoint::Client, request(&[]));
    let reset = asked.at(0.1).ends(Endpoint::Server, TransportEnd::Reset);
    assert_eq!(reset.ids(), ["HS-RES-NO-RESPONSE"]);

    let asked = Scene::new(Conversation::new()).at(0.0).says(Endpoint::Client, request(&[]));
    assert_eq!(asked.ids(), NONE, "the capture ended");
}

#[test]
fn the_cause_of_a_wrong_accept_is_named() {
    // b64(sha1(b64decode(KEY) + GUID)), in Python
    let decoded = "Sec-WebSocket-Accept: 509Yk6rPxKfD9stmn5quRpiRtp0=";
    let mut findings = wire(&request(&[]), &response(&[decoded])).findings();
    findings.retain(|finding| !finding.rule.id.starts_with("CAP-"));
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(finding.broken.expected, accept(KEY.as_bytes()));
    let cause = finding.broken.cause.as_deref().unwrap_or_default();
    assert!(cause.contains("Base64-decoded before it is hashed"), "{cause}");
    assert!(finding.broken.span.is_some());
}

#[test]
fn findings_carry_no_control_characters() {
    let request = request(&["Origin: \x1b[31m\u{202e}x"]);
    for finding in wire(&request, "").findings() {
        let text = format!("{} {:?}", finding.detail(), finding.broken.cause);
        assert!(!text.contains(['\x1b', '\u{202e}']), "{text}");
    }
}

/// An exchange with everything in it, and what may be put in its place.
fn mutations() -> impl Strategy<Value = Vec<(usize, String)>> {
    let pieces = prop_oneof![
        "[ -~]{0,3}",
        "\\PC{0,2}",
        Just("\r\n".to_owned()),
        Just("\0".to_owned()),
        Just("\"".to_owned()),
        Just(", ".to_owned()),
        Just(";=".to_owned()),
        Just("[::".to_owned()),
    ];
    prop::collection::vec((0usize..900, pieces), 0..6)
}

proptest! {
    #[test]
    fn whatever_the_heads_hold_findings_are_harmless_and_point_into_them(
        changes in mutations(),
        is_transcript in any::<bool>(),
    ) {
        let request = request(&[
            "Origin: https://www.example.com",
            "Sec-WebSocket-Protocol: chat, superchat",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; \
             server_max_window_bits=\"10\", permessage-deflate",
        ]);
        let response = response(&[
            "Sec-WebSocket-Protocol: chat",
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10",
        ]);
        let mut exchange = [request.into_bytes(), response.into_bytes()];
        for (at, piece) in changes {
            let head = &mut exchange[at % 2];
            let at = (at / 2).min(head.len());
            let end = (at + piece.len() % 3).min(head.len());
            head.splice(at..end, piece.bytes());
        }
        let conversation =
            if is_transcript { Conversation::of_transcript() } else { Conversation::new() };
        let scene = Scene::new(conversation).says(Endpoint::Client, &exchange[0]);
        for finding in scene.says(Endpoint::Server, &exchange[1]).findings() {
            let text = format!("{} {:?}", finding.detail(), finding.broken.cause);
            prop_assert!(!text.contains(|c: char| c.is_control()), "{text}");
            if let (Some(span), Some(from)) = (finding.broken.span, finding.broken.endpoint) {
                let length = exchange[from.index()].len() as u64;
                prop_assert!(span.end() <= length * 8, "{}: {span:?}", finding.rule.id);
            }
        }
    }
}
