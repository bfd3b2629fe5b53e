//! A compressed message that would become a gigabyte: it is reported at its cap, and neither the
//! inflater nor what waits for it grows beyond that.

mod shared;

use shared::{of_type, say, utf8};
use std::path::Path;
use ws101::build::{Conversation, Deflater, Numbers, Upgrade};
use ws101::said::Endpoint;
use ws101::websocket::Opcode;

/// Zeros so often: 1 GiB in 1 MiB.
const BLOCKS: usize = 16;
const BLOCK: usize = 64 << 20;

/// A capture in which the server sends the bomb, in frames of this many bytes.
fn bomb(name: &str, fragment: usize) -> std::path::PathBuf {
    let block = Deflater::new(15, true).deflate(&vec![0; BLOCK]);
    let mut payload = Vec::new();
    for number in 0..BLOCKS {
        payload.extend_from_slice(&block);
        // Between blocks what every message but the last part of one lacks.
        let tail: &[u8] = if number + 1 < BLOCKS { &[0, 0, 0xff, 0xff] } else { &[] };
        payload.extend_from_slice(tail);
    }
    let mut conversation = Conversation::chat(&Upgrade::default(), Numbers::new(1));
    conversation.agree("permessage-deflate");
    conversation.speaker = Endpoint::Server;
    let pieces: Vec<&[u8]> = payload.chunks(fragment).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let (opcode, rsv) =
            if index == 0 { (Opcode::Binary, 4) } else { (Opcode::Continuation, 0) };
        let frame = conversation.spoken(opcode, piece);
        conversation.add(frame.with_rsv(rsv).with_fin(index + 1 == pieces.len()));
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, conversation.pcap()).expect("the folder for tests can be written");
    path
}

#[test]
fn a_bomb_is_reported_at_its_cap_in_bounded_memory() {
    for (name, fragment) in [("bomb-whole.pcap", usize::MAX), ("bomb-pieces.pcap", 60_000)] {
        let file = bomb(name, fragment);
        for cap in ["1MiB", "64MiB"] {
            let threshold = format!("inflate-cap={cap}");
            let args = ["pcap", utf8(&file), "--format", "jsonl", "--threshold", &threshold];
            let records = shared::ws101(&args).records();
            let found = of_type(&records, "finding");
            let bombs: Vec<_> =
                found.iter().filter(|finding| finding["rule"] == "PMD-BOMB-RATIO").collect();
            assert_eq!(bombs.len(), 1, "{name} {cap}: {found:#?}");
            let cap: u64 = if cap == "1MiB" { 1 << 20 } else { 64 << 20 };
            let message = of_type(&records, "message");
            let longest = message.iter().filter_map(|it| it["length"].as_u64()).max();
            assert_eq!(longest, Some(cap), "{name}: {message:#?}");
        }
        if let Some(peak) = peak(&file, "jsonl") {
            say(&format!("{name}: 1 GiB in 1 MiB is read with at most {} MiB", peak >> 10));
            assert!(peak < 160 << 10, "{name}: {peak} KiB");
        }
    }
}

/// A HAR has the messages of a connection in one list, and connections take turns: what waits for the
/// end of its connection is kept in a file, beyond a few megabytes.
#[test]
fn messages_that_wait_for_the_end_of_their_connection_take_bounded_memory() {
    const MESSAGES: usize = 100;
    let mut conversation = Conversation::chat(&Upgrade::default(), Numbers::new(1));
    conversation.agree("permessage-deflate");
    conversation.speaker = Endpoint::Server;
    let payload = Deflater::new(15, true).deflate(&vec![0; 1 << 20]);
    for _ in 0..MESSAGES {
        let frame = conversation.spoken(Opcode::Binary, &payload);
        conversation.add(frame.with_rsv(4));
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bomb-many.pcap");
    std::fs::write(&file, conversation.pcap()).expect("the folder for tests can be written");
    let har = shared::ws101(&["pcap", utf8(&file), "--format", "har"]);
    let har: serde_json::Value = serde_json::from_slice(&har.stdout).expect("JSON");
    let waited = har["log"]["entries"][0]["_webSocketMessages"].as_array().expect("a list");
    assert_eq!(waited.iter().filter(|it| it["opcode"] == 2).count(), MESSAGES);
    if let Some(peak) = peak(&file, "har") {
        say(&format!("bomb-many.pcap: 100 MiB wait in at most {} MiB", peak >> 10));
        assert!(peak < 64 << 10, "{peak} KiB");
    }
}

/// The most memory that reading a capture takes, in KiB; none where that can't be measured.
fn peak(file: &Path, format: &str) -> Option<u64> {
    let script = "\"$0\" pcap \"$1\" --format \"$2\" > /dev/null & pid=$!; peak=0; \
                  while kill -0 $pid 2> /dev/null; do \
                  now=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status 2> /dev/null); \
                  [ \"${now:-0}\" -gt $peak ] && peak=$now; sleep 0.01; done; echo $peak";
    let out = std::process::Command::new("sh")
        .args(["-c", script, utf8(&shared::binary()), utf8(file), format])
        .output()
        .ok()?;
    String::from_utf8(out.stdout).ok()?.trim().parse().ok().filter(|peak| *peak > 0)
}
