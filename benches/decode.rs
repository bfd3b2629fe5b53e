//! How fast: frames from memory, and a whole capture as `ws101 pcap --format jsonl` reads it.
//! `cargo bench` prints times; `docs/performance.md` says what they were.

mod capture;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use std::io::sink;
use ws101::Inspector;
use ws101::input::capture::{Options, read};
use ws101::render::json::{self, Shape, Writer};
use ws101::said::{At, Endpoint, Said};
use ws101::websocket::extension::{Agreement, Compression, Deflate};
use ws101::websocket::{Conversation, Desk, Event, Limits};

fn main() {
    divan::main();
}

/// 1,000 messages of 64 bytes, as one endpoint sends them.
fn frames(from: Endpoint) -> Vec<u8> {
    let masked = from == Endpoint::Client;
    (0..1_000).flat_map(|number| capture::frame(0x81, &[b'a'; 64], masked, number)).collect()
}

/// Reads frames and counts messages, without an observer.
fn decode(from: Endpoint, bytes: &[u8], agreement: Option<Agreement>) -> u64 {
    let mut conversation = Conversation::assumed(agreement);
    let mut desk = Desk::new(Limits::default());
    let mut messages = 0;
    let said = Said::Bytes { from, offset: 0, bytes, heard: None, at: At::default() };
    conversation.hear(said, &mut desk, &mut |event| {
        messages += u64::from(matches!(event, Event::Message(_)));
    });
    messages
}

#[divan::bench(args = [Endpoint::Client, Endpoint::Server])]
fn small_frames(bencher: Bencher, from: &Endpoint) {
    let bytes = frames(*from);
    let counter = BytesCount::of_slice(&bytes);
    bencher
        .counter(counter)
        .counter(ItemsCount::new(1_000usize))
        .bench(|| decode(*from, &bytes, None));
}

#[divan::bench]
fn compressed_frames(bencher: Bencher) {
    let side = Compression { window_bits: 15, context_takeover: true };
    let deflate = Deflate { client: side, server: side };
    let agreement =
        Agreement { deflate: Some(deflate), compression_offered: true, unknown_extension: false };
    // "Hello" and the same again from the history (RFC 7692 §7.2.3.2).
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut bytes = capture::frame(0xc1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], false, 0);
    for number in 1..1_000 {
        bytes.extend(capture::frame(0xc1, &again, false, number));
    }
    assert_eq!(decode(Endpoint::Server, &bytes, Some(agreement)), 1_000);
    bencher
        .counter(ItemsCount::new(1_000usize))
        .bench(|| decode(Endpoint::Server, &bytes, Some(agreement)));
}

#[divan::bench(args = [10, 1_000])]
fn whole_capture(bencher: Bencher, connections: u32) {
    inspect(bencher, capture::chat(connections, 20_000 / connections));
}

#[divan::bench]
fn large_messages(bencher: Bencher) {
    inspect(bencher, capture::bulk(4, 8, 500_000));
}

fn inspect(bencher: Bencher, (bytes, packets): (Vec<u8>, u64)) {
    let counter = BytesCount::of_slice(&bytes);
    bencher.counter(counter).counter(ItemsCount::new(packets)).bench(|| {
        let writer = Writer::new(sink(), Shape::Lines, json::Options::default());
        let mut inspector = Inspector::new(writer, Limits::default());
        read(&bytes[..], &mut inspector, Options::default()).expect("it is a capture");
        inspector.counts()
    });
}
