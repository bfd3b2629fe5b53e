//! The gate on speed: how many instructions `ws101 pcap --format jsonl` takes for a packet. Times
//! depend on the machine and its mood; instructions do not. Runs with `cargo test --release` where
//! valgrind is installed, and says so where it can't run.

#[path = "../benches/capture/mod.rs"]
mod capture;

use std::process::{Command, Stdio};

/// Instructions a packet, with a margin of 6 % above what was measured when this was written.
const MOST_OF_CHAT: u64 = 3_010;
const MOST_OF_BULK: u64 = 3_840;

/// Instructions a connection with two messages, with the same margin.
const MOST_OF_A_CONNECTION: u64 = 88_300;

/// Bytes of memory for a further idle connection, with the same margin.
const MOST_MEMORY: u64 = 1_150;

#[test]
fn a_packet_of_a_chat_takes_few_instructions() {
    check_instructions("chat", "packet", capture::chat(20, 1_000), MOST_OF_CHAT);
}

/// Large binary messages: collected, and written in Base64.
#[test]
fn a_packet_of_a_large_message_takes_few_instructions() {
    check_instructions("bulk", "packet", capture::bulk(4, 8, 500_000), MOST_OF_BULK);
}

/// What a connection costs once: its handshake, two messages, its end.
#[test]
fn a_connection_takes_few_instructions() {
    let (bytes, _) = capture::chat(2_000, 2);
    check_instructions("connections", "connection", (bytes, 2_000), MOST_OF_A_CONNECTION);
}

/// There are so many units in these bytes.
fn check_instructions(name: &str, unit: &str, (bytes, units): (Vec<u8>, u64), most: u64) {
    if cfg!(debug_assertions) {
        return skip("this is no release build: cargo test --release --test instructions");
    }
    let folder = tempfile::tempdir().expect("a folder for the capture");
    let path = folder.path().join("capture.pcap");
    std::fs::write(&path, bytes).expect("the capture is written");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env!("CARGO_BIN_EXE_ws101"))
        .args(["pcap", "--format", "jsonl", "--fail-on", "never"])
        .arg(&path)
        .stdout(Stdio::null())
        .output();
    let Ok(run) = run else { return skip("valgrind is not installed") };
    let report = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{report}");
    let collected = report.lines().find_map(|line| line.split_once("Collected : "));
    let count: u64 = collected.expect("a count").1.trim().parse().expect("a number");
    let each = count / units;
    println!("{name}: {each} instructions a {unit}, at most {most}");
    assert!(each <= most, "{name}: {each} instructions a {unit} are more than {most}");
}

/// Peak memory of 10,000 connections and of 30,000, all open to the end, as Linux counts it: what is
/// remembered of the last few thousand, open or not, is full by then.
#[test]
fn an_idle_connection_takes_little_memory() {
    let few = peak(10_000);
    let many = peak(30_000);
    let (Some(few), Some(many)) = (few, many) else { return skip("GNU time is not installed") };
    let each = many.saturating_sub(few) * 1024 / 20_000;
    println!("{each} bytes for a further connection, at most {MOST_MEMORY}");
    assert!(each <= MOST_MEMORY, "{each} bytes a connection are more than {MOST_MEMORY}");
}

/// In KiB.
fn peak(connections: u32) -> Option<u64> {
    let folder = tempfile::tempdir().expect("a folder for the capture");
    let path = folder.path().join("chat.pcap");
    std::fs::write(&path, capture::idle(connections).0).expect("the capture is written");
    let run = Command::new("/usr/bin/time")
        .args(["-f", "peak %M", env!("CARGO_BIN_EXE_ws101")])
        .args(["pcap", "--format", "jsonl", "--fail-on", "never"])
        .arg(&path)
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&run.stderr);
    report.lines().find_map(|line| line.strip_prefix("peak "))?.parse().ok()
}

fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}
