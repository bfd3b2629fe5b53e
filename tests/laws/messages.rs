//! Messages within limits: what is kept is the beginning, and no bomb goes off.

use crate::cases_of;
use crate::facts::{Ear, Fact, Message};
use crate::talk::valid;
use proptest::prelude::*;
use std::time::{Duration, Instant};
use ws101::build::{Deflater, Frame};
use ws101::said::Endpoint;
use ws101::websocket::deflate::InflateFault;
use ws101::websocket::extension::{Agreement, Compression, Deflate};
use ws101::websocket::{Conversation, Limits, Opcode};

fn messages(said: &[(Endpoint, Vec<u8>)], limits: Limits) -> Vec<Message> {
    let mut ear = Ear::new(limits);
    for (from, bytes) in said {
        ear.bytes(*from, bytes);
    }
    ear.finish(false).iter().filter_map(Fact::message).cloned().collect()
}

proptest! {
    #![proptest_config(cases_of(200))]

    #[test]
    fn a_message_larger_than_the_limit_is_cut_and_its_beginning_is_right(
        talk in valid(6), max_payload in 0usize..600,
    ) {
        let said = talk.said();
        let whole = messages(&said, Limits::default());
        let cut = messages(&said, Limits { max_payload, ..Limits::default() });
        prop_assert_eq!(whole.len(), cut.len());
        for (whole, cut) in whole.into_iter().zip(cut) {
            let kept = whole.payload.len().min(max_payload);
            prop_assert_eq!(&cut.payload, &whole.payload[..kept]);
            prop_assert_eq!(cut.truncated, kept < whole.payload.len());
            // All else is judged and counted as if nothing had been cut.
            let (payload, truncated) = (whole.payload.clone(), whole.truncated);
            prop_assert_eq!(Message { payload, truncated, ..cut }, whole);
        }
    }
}

/// Zeros, compressed: a thousandth of their size.
fn bomb(size: usize) -> Vec<u8> {
    Deflater::default().deflate(&vec![0; size])
}

fn server_with_deflate() -> Conversation {
    let widest = Compression { window_bits: 15, context_takeover: true };
    let deflate = Some(Deflate { client: widest, server: widest });
    Conversation::assumed(Some(Agreement { deflate, ..Agreement::default() }))
}

#[test]
fn a_bomb_stops_at_the_cap_whether_it_comes_whole_or_in_pieces() {
    // A block of 64 MiB of zeros, sixteen times: 1 GiB in 1 MiB.
    let block = bomb(64 << 20);
    let mut payload = Vec::new();
    for _ in 0..16 {
        payload.extend_from_slice(&block);
        payload.extend_from_slice(&[0, 0, 0xff, 0xff]);
    }
    payload.truncate(payload.len() - 4);
    let frame = Frame::new(Opcode::Binary, &payload, None).with_rsv(4).bytes();
    for piece in [frame.len(), 1460] {
        let limits = Limits { max_inflated: 3_000_000, max_payload: 1000, ..Limits::default() };
        let mut ear = Ear::of(server_with_deflate(), limits);
        let started = Instant::now();
        for piece in frame.chunks(piece) {
            ear.bytes(Endpoint::Server, piece);
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(ear.desk.unfinished() <= 1000);
        let facts = ear.finish(false);
        let message = facts.iter().find_map(Fact::message).expect("a message");
        assert_eq!(message.inflate_fault, Some(InflateFault::TooBig));
        assert_eq!((message.length, message.truncated), (3_000_000, true));
        assert_eq!(message.payload, [0; 1000]);
    }
}

#[test]
fn after_a_bomb_what_goes_back_to_it_is_not_trusted() {
    // The inflater stopped in the middle, so what later messages refer back to is not known.
    let mut deflater = Deflater::default();
    let limits = Limits { max_inflated: 10, ..Limits::default() };
    let mut ear = Ear::of(server_with_deflate(), limits);
    for text in ["Hello, hello, hello, hello", "Hello, hello, hello, hello", "bye"] {
        let payload = deflater.deflate(text.as_bytes());
        let frame = Frame::new(Opcode::Text, &payload, None).with_rsv(4);
        ear.bytes(Endpoint::Server, &frame.bytes());
    }
    let facts = ear.finish(false);
    let messages: Vec<_> = facts.iter().filter_map(Fact::message).collect();
    assert_eq!(messages[0].payload, b"Hello, hel");
    assert_eq!(messages[0].inflate_fault, Some(InflateFault::TooBig));
    assert!(!messages[1].trusted);
    assert!(b"Hello, hello, hello, hello".starts_with(&messages[1].payload));
    // Nothing of it goes back to the bomb.
    assert!(messages[2].trusted);
    assert_eq!(messages[2].payload, b"bye");
}
