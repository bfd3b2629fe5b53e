//! Live input through the real binary: each frame is shown as its packet arrives, a file is
//! followed while it is written, and a signal ends either with everything that an end brings.
#![cfg(unix)]

mod shared;

use serde_json::Value;
use shared::{binary, of_type, recording, say, utf8, ws101};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Far more than a line takes to appear, far less than it would if it were held back.
const SOON: Duration = Duration::from_secs(20);

fn chat() -> PathBuf {
    recording("live", "chat-plain").expect("the recording is in samples/").0
}

fn start(args: &[&str], input: Stdio) -> (Child, Receiver<String>) {
    let mut child = Command::new(binary())
        .args(args)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let lines = lines(child.stdout.take().expect("stdout is a pipe"));
    (child, lines)
}

fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

/// Where each packet of a little-endian pcap ends.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = vec![24];
    let mut at = 24;
    while let Some(length) = bytes.get(at + 8..at + 12) {
        at += 16 + u32::from_le_bytes(length.try_into().expect("4 bytes")) as usize;
        ends.push(at);
    }
    ends
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

fn rest(receiver: &Receiver<String>) -> Vec<String> {
    std::iter::from_fn(|| receiver.recv_timeout(SOON).ok()).collect()
}

fn records(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).expect("a record a line")).collect()
}

#[test]
fn a_slow_pipe_shows_each_message_as_its_packet_arrives() {
    let bytes = std::fs::read(chat()).expect("a recording");
    let all = ws101(&["pcap", utf8(&chat()), "--format", "jsonl"]).records();
    let (mut child, lines) = start(&["pcap", "-", "--format", "jsonl"], Stdio::piped());
    let mut pipe = child.stdin.take().expect("stdin is a pipe");
    let (mut heard, mut from) = (Vec::new(), 0);
    for (packet, end) in ends(&bytes).into_iter().enumerate() {
        pipe.write_all(&bytes[from..end]).expect("ws101 reads");
        pipe.flush().expect("ws101 reads");
        from = end;
        // Whatever this packet brought is there before the next one is written.
        let brought = |record: &&Value| {
            record["packet"] == packet && (record["type"] == "frame" || record["type"] == "message")
        };
        for _ in all.iter().filter(brought) {
            loop {
                let line = lines.recv_timeout(SOON).expect("a line while the pipe is open");
                let record: Value = serde_json::from_str(&line).expect("a record");
                heard.push(record.clone());
                if record["type"] == "frame" || record["type"] == "message" {
                    assert_eq!(record["packet"], packet);
                    break;
                }
            }
        }
    }
    drop(pipe);
    heard.extend(records(&rest(&lines)));
    // The name of the input is all that differs.
    assert_eq!(heard[1..], all[1..]);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_signal_ends_a_blocked_pipe_with_its_end_and_summary() {
    let bytes = std::fs::read(chat()).expect("a recording");
    let half = ends(&bytes)[ends(&bytes).len() / 2];
    for name in ["-INT", "-TERM"] {
        let (mut child, lines) = start(&["pcap", "-", "--format", "jsonl"], Stdio::piped());
        let mut pipe = child.stdin.take().expect("stdin is a pipe");
        pipe.write_all(&bytes[..half]).expect("ws101 reads");
        let first = lines.recv_timeout(SOON).expect("a line");
        std::thread::sleep(Duration::from_millis(300));
        signal(&child, name);
        let mut heard = vec![first];
        heard.extend(rest(&lines));
        let heard = records(&heard);
        assert_eq!(of_type(&heard, "end").len(), 1, "{name}");
        assert_eq!(heard.last().expect("records")["type"], "summary", "{name}");
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{name}");
        drop(pipe);
    }
}

#[test]
fn a_signal_ends_text_with_its_totals() {
    let bytes = std::fs::read(chat()).expect("a recording");
    let (mut child, lines) = start(&["pcap"], Stdio::piped());
    let mut pipe = child.stdin.take().expect("stdin is a pipe");
    pipe.write_all(&bytes).expect("ws101 reads");
    let first = lines.recv_timeout(SOON).expect("a line");
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    let all = rest(&lines);
    assert!(!first.is_empty() || !all.is_empty());
    let packets = ends(&bytes).len() - 1;
    assert!(all.iter().any(|line| line.contains(&format!("{packets} packets"))), "{all:#?}");
    assert!(all.last().is_some_and(|line| line.starts_with("0 errors")), "{all:#?}");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_growing_file_is_followed_until_a_signal() {
    let bytes = std::fs::read(chat()).expect("a recording");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("growing.pcap");
    // Not even the file's header is there at first.
    std::fs::write(&path, &bytes[..10]).expect("written");
    let (mut child, lines) =
        start(&["pcap", utf8(&path), "--follow", "--format", "jsonl"], Stdio::null());
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("opened");
    let ends = ends(&bytes);
    let third = ends[ends.len() / 3];
    file.write_all(&bytes[10..third + 5]).expect("written");
    let first = lines.recv_timeout(SOON).expect("a line before the file is complete");
    assert!(first.contains("\"type\":\"capture\""), "{first}");
    file.write_all(&bytes[third + 5..]).expect("written");
    let mut heard = vec![first];
    while !heard.last().is_some_and(|line| line.contains("\"type\":\"close\"")) {
        heard.push(lines.recv_timeout(SOON).expect("a line"));
    }
    assert!(child.try_wait().expect("asked").is_none(), "it waits for more");
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    heard.extend(rest(&lines));
    let all = ws101(&["pcap", utf8(&path), "--format", "jsonl"]).records();
    assert_eq!(records(&heard), all);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_long_run_shows_its_progress_on_a_terminal_only() {
    let claim = "a_long_run_shows_its_progress_on_a_terminal_only";
    if Command::new("script").arg("--version").output().is_err() {
        return say(&format!("SKIPPED {claim}: script is not here"));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("long.pcap");
    let bytes = std::fs::read(chat()).expect("a recording");
    let mut long = bytes[..24].to_vec();
    while long.len() < 8 << 20 {
        long.extend(&bytes[24..]);
    }
    std::fs::write(&path, long).expect("written");
    // Whoever reads the records lets it wait for more than a second.
    let slow = |redirect: &str| {
        let command = format!(
            "{} pcap {} --format jsonl {redirect} | (sleep 1.5; cat > /dev/null)",
            utf8(&binary()),
            utf8(&path)
        );
        let mut child = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script starts");
        let mut text = String::new();
        let mut stdout = child.stdout.take().expect("stdout is a pipe");
        stdout.read_to_string(&mut text).expect("UTF-8");
        child.wait().expect("it ends");
        text
    };
    let shown = slow("");
    assert!(shown.contains(" of 8."), "{shown:?}");
    assert!(shown.contains("iB/s, ") && shown.contains("s left"), "{shown:?}");
    // The line is cleared at the end.
    assert!(shown.trim_end().ends_with("\u{1b}[2K"), "{shown:?}");
    assert_eq!(slow("2> /dev/null"), "");
}
