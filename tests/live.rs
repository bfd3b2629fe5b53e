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

/// A named pipe opens once somebody writes to it: until then the first signal ended nothing.
#[test]
fn a_signal_ends_the_wait_for_somebody_who_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    for (name, more) in [("-TERM", None), ("-INT", None), ("-TERM", Some(chat()))] {
        let more = more.as_deref().map(utf8);
        let args: Vec<&str> = ["pcap", utf8(&pipe)].into_iter().chain(more).collect();
        let (mut child, _lines) = start(&args, Stdio::null());
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, name);
        let mut since = Duration::ZERO;
        while child.try_wait().expect("it can be asked").is_none() && since < SOON {
            std::thread::sleep(Duration::from_millis(50));
            since += Duration::from_millis(50);
        }
        let code = child.try_wait().expect("it can be asked").map(|status| status.code());
        let _ = child.kill();
        // What stands beside it was read, or nothing could be.
        let expected = if more.is_some() { 0 } else { 2 };
        assert_eq!(code, Some(Some(expected)), "{name} {args:?}");
    }
    // With somebody who writes, it is read.
    let (mut child, lines) = start(&["pcap", utf8(&pipe), "--format", "jsonl"], Stdio::null());
    std::fs::write(&pipe, std::fs::read(chat()).expect("a recording")).expect("somebody reads");
    assert_eq!(of_type(&records(&rest(&lines)), "summary").len(), 1);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
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

/// What the file was is told, because nothing that comes later shows it.
#[test]
fn a_followed_file_that_is_renamed_goes_on_and_one_that_is_cut_ends() {
    let bytes = std::fs::read(chat()).expect("a recording");
    let half = ends(&bytes)[ends(&bytes).len() / 2];
    let folder = tempfile::tempdir().expect("a folder");
    let (path, renamed) = (folder.path().join("ring.pcap"), folder.path().join("ring.pcap.1"));
    std::fs::write(&path, &bytes[..half]).expect("written");
    let (mut child, lines) =
        start(&["pcap", utf8(&path), "--follow", "--format", "jsonl"], Stdio::null());
    let mut heard = vec![lines.recv_timeout(SOON).expect("a line")];
    std::fs::rename(&path, &renamed).expect("renamed");
    let stderr = child.stderr.take().expect("stderr is a pipe");
    let mut said = BufReader::new(stderr).lines().map_while(Result::ok);
    assert!(said.next().is_some_and(|line| line.contains("renamed or removed")));
    let mut file = std::fs::OpenOptions::new().append(true).open(&renamed).expect("opened");
    file.write_all(&bytes[half..]).expect("written");
    while !heard.last().is_some_and(|line| line.contains("\"type\":\"close\"")) {
        heard.push(lines.recv_timeout(SOON).expect("a line"));
    }
    // The program that writes it begins anew, as tcpdump does when it comes round to a file of its
    // ring again.
    file.set_len(0).expect("cut");
    heard.extend(rest(&lines));
    assert!(said.next().is_some_and(|line| line.contains("was cut to 0 bytes")));
    assert_eq!(records(&heard).last().expect("records")["type"], "summary");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

/// ws101 went on to read a pipe that has no end when the reader of its lines had long left.
#[test]
fn a_live_pipe_is_left_once_nobody_reads_what_comes_of_it() {
    let bytes = std::fs::read(chat()).expect("a recording");
    for format in ["text", "jsonl"] {
        let mut child = Command::new(binary())
            .args(["pcap", "-", "--format", format])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut pipe = child.stdin.take().expect("stdin is a pipe");
        drop(child.stdout.take());
        // It may have left before all is written: that is what is claimed.
        if let Err(error) = pipe.write_all(&bytes) {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{format}: {error}");
        }
        // The pipe stays open, as that of tcpdump does.
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{format}");
        drop(pipe);
    }
}

/// A client and a server that say what RFC 6455 §1.3 and §5.7 have as examples.
struct Peers {
    client: std::net::TcpStream,
    server: std::net::TcpStream,
}

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const MASKED_HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
const HELLO: [u8; 7] = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];

impl Peers {
    fn meet(listener: &std::net::TcpListener) -> Peers {
        let client = std::net::TcpStream::connect(listener.local_addr().expect("an address"));
        let client = client.expect("connected");
        let mut peers = Peers { client, server: listener.accept().expect("accepted").0 };
        peers.client.write_all(REQUEST.as_bytes()).expect("sent");
        peers.server.read_exact(&mut [0; REQUEST.len()]).expect("received");
        peers.server.write_all(RESPONSE.as_bytes()).expect("sent");
        peers.client.read_exact(&mut [0; RESPONSE.len()]).expect("received");
        peers
    }
}

/// tcpdump at this port, once it captures; none if it may not, or is not here.
fn tcpdump(port: u16) -> Option<Child> {
    use std::os::unix::process::CommandExt as _;
    let mut child = Command::new("tcpdump")
        .args(["-i", "lo", "-U", "--immediate-mode", "-w", "-", "tcp", "port", &port.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .ok()?;
    let mut lines = BufReader::new(child.stderr.as_mut()?).lines().map_while(Result::ok);
    if lines.any(|line| line.contains("listening on")) {
        return Some(child);
    }
    child.wait().expect("it ended");
    None
}

/// `tcpdump -U -w - | ws101 pcap -`, and Ctrl-C, which a terminal sends to both.
#[test]
fn a_live_capture_shows_each_frame_before_the_next_is_sent() {
    use std::os::unix::process::CommandExt as _;
    let claim = "a_live_capture_shows_each_frame_before_the_next_is_sent";
    for format in ["jsonl", "text"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let Some(mut capturing) = tcpdump(listener.local_addr().expect("an address").port()) else {
            return say(&format!("SKIPPED {claim}: tcpdump can't capture here"));
        };
        let group = capturing.id();
        let mut child = Command::new(binary())
            .args(["pcap", "-", "--format", format])
            .stdin(capturing.stdout.take().expect("stdout is a pipe"))
            .stdout(Stdio::piped())
            .process_group(group as i32)
            .spawn()
            .expect("the binary starts");
        let lines = lines(child.stdout.take().expect("stdout is a pipe"));
        let mut peers = Peers::meet(&listener);
        let shown = |hint: &str| {
            while !lines.recv_timeout(SOON).expect("a line before anything else").contains(hint) {}
        };
        peers.client.write_all(&MASKED_HELLO).expect("sent");
        shown(r#"Hello""#);
        for _ in 0..3 {
            peers.server.write_all(&HELLO).expect("sent");
            shown(r#"Hello""#);
        }
        let killed = Command::new("kill").args(["-INT", "--", &format!("-{group}")]).status();
        assert!(killed.expect("kill runs").success());
        let rest = rest(&lines);
        let last = rest.last().expect("an end");
        match format {
            "text" => assert!(last.starts_with("0 errors · 0 warnings")),
            _ => assert!(last.contains(r#""type":"summary""#) && last.contains(r#""messages":4"#)),
        }
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        capturing.wait().expect("it ends");
    }
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
    let long = utf8(&path);
    // Whoever reads the records lets it wait for more than a second.
    let slow = |columns: u16, command: &str| {
        let command = format!(
            "stty rows 24 columns {columns}; {command} --format jsonl | (sleep 1.5; cat > /dev/null)"
        );
        let mut child = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("WS101", binary())
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
    std::thread::scope(|scope| {
        let expect = |columns, command: String, told: &'static [&'static str]| {
            scope.spawn(move || {
                let shown = slow(columns, &command);
                assert!(told.iter().all(|told| shown.contains(told)), "{command}: {shown:?}");
                // The line is cleared at the end.
                let cleared = told.is_empty() || shown.trim_end().ends_with("\u{1b}[2K");
                assert!(cleared, "{command}: {shown:?}");
                assert_eq!(told.is_empty(), shown.is_empty(), "{command}: {shown:?}");
                let widest = shown.split("\r\u{1b}[2K").map(|line| line.chars().count()).max();
                assert!(widest <= Some(columns.into()), "{command}: {shown:?}");
            });
        };
        expect(80, format!("$WS101 pcap {long}"), &[" of 8.", "iB/s, ", "s left"]);
        expect(40, format!("$WS101 pcap {long}"), &[" of 8.", "iB, "]);
        expect(20, format!("$WS101 pcap {long}"), &[" %, "]);
        // Two files as one have the length of both.
        expect(80, format!("$WS101 pcap {long} {long}"), &[" of 16.", "s left"]);
        expect(80, format!("$WS101 pcap - < {long}"), &[" of 8.", "s left"]);
        expect(80, format!("cat {long} | $WS101 pcap -"), &["iB/s"]);
        expect(80, format!("$WS101 pcap {long} --quiet"), &[]);
        expect(80, format!("$WS101 pcap {long} 2> /dev/null"), &[]);
    });
}
