//! What the laws found, each as the smallest case that shows it.

use crate::facts::{Ear, Fact, Message};
use crate::talk::KEY;
use ws101::build::{Deflater, Frame};
use ws101::rules::Severity;
use ws101::said::{Endpoint, GapReason};
use ws101::websocket::accept::accept;
use ws101::websocket::extension::{Agreement, Compression, Deflate};
use ws101::websocket::{Conversation, How, Limits, NotFramesKind, Opcode};

fn frame(rsv: u8, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    Frame::new(opcode, payload, None).with_rsv(rsv).bytes()
}

/// A client after its request was answered.
fn upgraded() -> Ear {
    let mut ear = Ear::new(Limits::default());
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    ear.bytes(Endpoint::Client, request.as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept(KEY.as_bytes())
    );
    ear.bytes(Endpoint::Server, response.as_bytes());
    ear
}

fn with_deflate(limits: Limits) -> Ear {
    let widest = Compression { window_bits: 15, context_takeover: true };
    let deflate = Some(Deflate { client: widest, server: widest });
    let agreement = Agreement { deflate, ..Agreement::default() };
    Ear::of(Conversation::assumed(Some(agreement)), limits)
}

fn messages(facts: &[Fact]) -> Vec<&Message> {
    facts.iter().filter_map(Fact::message).collect()
}

/// Three bytes that might have become `HTTP/` were held back, turned out to be a frame of two and
/// its payload, were held back again, and so on for ever.
#[test]
fn the_beginning_of_http_that_is_none_does_not_hang() {
    let mut ear = upgraded();
    for byte in b"HTT\0" {
        ear.bytes(Endpoint::Server, &[*byte]);
    }
    let facts = ear.finish(true);
    let frames: Vec<_> = facts.iter().filter_map(Fact::frame).collect();
    assert_eq!((frames.len(), frames[0].missing), (1, 0x54 - 2));
}

/// Where a frame's border was lost, a compressed message may have been; the next one refers to it.
/// It was inflated with the wrong history, and called whole and trusted.
#[test]
fn behind_a_search_the_compression_context_is_not_trusted() {
    let mut deflater = Deflater::default();
    let mut ear = with_deflate(Limits::default());
    let texts = ["the first of all words", "the words that are lost", "the words that are found"];
    let frames = texts.map(|text| frame(4, Opcode::Text, &deflater.deflate(text.as_bytes())));
    ear.bytes(Endpoint::Server, &frames[0]);
    ear.gap(Endpoint::Server, Some(frames[1].len() as u64), GapReason::Lost);
    ear.bytes(Endpoint::Server, &frames[2]);
    for _ in 0..4 {
        ear.bytes(Endpoint::Server, &frame(0, Opcode::Ping, b"are you there"));
    }
    let facts = ear.finish(true);
    let [first, found] = messages(&facts)[..] else { panic!("{facts:?}") };
    assert!(first.trusted && !found.trusted);
    // How long it is does not depend on the window, and nothing wrong is shown of it.
    assert_eq!((found.length, found.inflate_fault), (texts[2].len() as u64, None));
    assert!(texts[2].as_bytes().starts_with(&found.payload));
}

/// The end summed up which Closes there were before the last search was over.
#[test]
fn a_close_that_is_found_at_the_very_end_counts() {
    let mut ear = upgraded();
    for from in [Endpoint::Client, Endpoint::Server] {
        ear.gap(from, Some(100), GapReason::Lost);
        let key = (from == Endpoint::Client).then_some([1, 2, 3, 4]);
        for _ in 0..3 {
            ear.bytes(from, &Frame::new(Opcode::Ping, &[], key).bytes());
        }
        ear.bytes(from, &Frame::new(Opcode::Close, &[], key).bytes());
    }
    let facts = ear.finish(false);
    let closes = facts.iter().filter_map(Fact::close).count();
    let end = facts.iter().find_map(Fact::ended).expect("an end");
    assert_eq!((closes, end.closes, end.how), (2, [Some(None); 2], How::ClosingHandshake));
}

/// Gaps that came while a border was sought lay where the search began.
#[test]
fn gaps_during_a_search_lie_where_they_lie() {
    let mut ear = upgraded();
    let start = ear.offsets[1];
    for _ in 0..3 {
        ear.gap(Endpoint::Server, Some(10), GapReason::Lost);
        ear.bytes(Endpoint::Server, b"no frame at all");
    }
    let facts = ear.finish(true);
    let gaps: Vec<u64> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Gap { offset, .. } => Some(*offset - start),
            _ => None,
        })
        .collect();
    assert_eq!(gaps, [0, 25, 50]);
}

/// With zeros, a search believed in chains of `00 00`: continuations without payload.
#[test]
fn zeros_are_no_chain_of_frames() {
    let mut ear = upgraded();
    ear.gap(Endpoint::Server, Some(100), GapReason::Lost);
    for _ in 0..20 {
        ear.bytes(Endpoint::Server, &[0; 1400]);
    }
    let facts = ear.finish(true);
    assert_eq!(facts.iter().filter_map(Fact::frame).count(), 0);
}

/// Byte by byte, the first byte of a client's frame after a refusal was no frame yet, and so the
/// connection was of no interest any more.
#[test]
fn frames_after_a_refusal_are_known_by_their_second_byte() {
    let mut ear = Ear::new(Limits::default());
    let request = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
    ear.bytes(Endpoint::Client, request);
    ear.bytes(Endpoint::Server, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n");
    for byte in Frame::new(Opcode::Ping, &[], Some([1; 4])).bytes() {
        ear.bytes(Endpoint::Client, &[byte]);
    }
    // The rest of the refusal was read as frames.
    ear.bytes(Endpoint::Server, b"no");
    let facts = ear.finish(true);
    let kinds: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::NotFrames { kind, .. } => Some(*kind),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [NotFramesKind::FramesAfterRefusal]);
    assert_eq!(facts.iter().filter_map(Fact::frame).count(), 1);
}

/// The answer came, without its end, before the end of the request: what was there of the request
/// was read as frames.
#[test]
fn an_unfinished_request_is_not_read_as_frames() {
    let mut ear = Ear::new(Limits::default());
    ear.bytes(Endpoint::Client, b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x");
    ear.bytes(Endpoint::Server, b"HTTP/1.1 101 Switching Protocols\r\nUpgr");
    ear.gap(Endpoint::Server, Some(40), GapReason::Lost);
    ear.bytes(Endpoint::Client, b"yz\r\nHost: example.com\r\n\r\n");
    let facts = ear.finish(true);
    assert_eq!(facts.iter().filter_map(Fact::frame).count(), 0, "{facts:?}");
}

/// A head that was cut inside a line was judged as if the line had ended there.
#[test]
fn a_line_that_was_cut_is_not_judged() {
    let mut ear = Ear::new(Limits::default());
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r";
    ear.bytes(Endpoint::Client, request.as_bytes());
    ear.gap(Endpoint::Client, Some(50), GapReason::Lost);
    ear.bytes(Endpoint::Server, b"HTTP/1.1 101 Switching Protocols\r");
    ear.gap(Endpoint::Server, Some(50), GapReason::Lost);
    let facts = ear.finish(true);
    let errors: Vec<_> = facts
        .iter()
        .filter_map(Fact::finding)
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}
