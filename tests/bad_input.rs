//! Input that is cut, foreign or mistyped: a clear message and exit 2 where nothing can be read,
//! otherwise everything readable; never a panic, never a signal.

mod shared;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use shared::{Run, assert_none, in_parallel, of_type, utf8, ws101, ws101_with_input};
use tempfile::TempDir;

/// Every prefix up to here is tried: headers, magic numbers and the first records are within.
const EVERY_PREFIX_UP_TO: usize = 300;

/// So many more prefixes are spread over a file, fewer over a file that takes long to decode.
const SPREAD: usize = 200;
const SPREAD_IF_LARGE: usize = 60;
const LARGE: u64 = 256 * 1024;

/// A PNG of one pixel, as `file` and every browser know it.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa7\x9a\xa0\xa0\0\0\0\0IEND\xaeB`\x82";

const PROSE: &[u8] = b"Dear diary,\n\ntoday I learned how masking works.\n";

const HTTP: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

#[test]
fn no_prefix_of_a_sample_makes_it_crash() {
    let samples = samples();
    assert!(!samples.is_empty(), "the repository has samples");
    let complaints = in_parallel(&samples, |sample| check_prefixes(sample));
    assert_none(&complaints.concat());
}

fn check_prefixes(sample: &Path) -> Vec<String> {
    let bytes = std::fs::read(sample).expect("a sample can be read");
    let command = fitting_command(sample);
    let folder = TempDir::new().expect("a temporary folder");
    let cut = folder.path().join(sample.file_name().expect("a file has a name"));
    let mut complaints = Vec::new();
    let mut frames_before = 0;
    for length in prefix_lengths(bytes.len()) {
        std::fs::write(&cut, &bytes[..length]).expect("a temporary file can be written");
        let run = ws101(&[command, utf8(&cut), "--format", "jsonl"]);
        let mut complain = |what: &str| {
            complaints.push(format!("first {length} bytes of {}: {what}", sample.display()));
        };
        if let Some(crash) = run.crash() {
            complain(&crash);
            continue;
        }
        if run.code == Some(2) {
            if run.stderr.trim().is_empty() {
                complain("exit 2 without a message");
            }
            if command == "pcap" && length >= first_packet_end(&bytes) {
                complain("exit 2 although there is a whole packet to read");
            }
            continue;
        }
        // What could be read of less can still be read of more.
        let frames = of_type(&run.records(), "frame").len();
        if frames < frames_before {
            complain(&format!("{frames} frames, {frames_before} in a shorter prefix"));
        }
        frames_before = frames;
    }
    complaints
}

#[test]
fn what_is_no_capture_is_refused_by_name() {
    for (name, bytes) in [("empty.pcap", &b""[..]), ("pixel.png", PNG), ("diary.txt", PROSE)] {
        let (_folder, path) = file_named(name, bytes);
        let run = ws101(&["pcap", utf8(&path)]);
        check_refusal(&run, &[name]);
        let run = ws101(&["pcap", utf8(&path), "--format", "jsonl"]);
        check_refusal(&run, &[name]);
    }
}

#[test]
fn a_capture_given_to_handshake_is_refused_and_sent_to_pcap() {
    let Some((capture, _)) =
        shared::recording("a_capture_given_to_handshake_is_refused_and_sent_to_pcap", "chat-ipv6")
    else {
        return;
    };
    let run = ws101(&["handshake", utf8(&capture)]);
    check_refusal(&run, &["chat-ipv6.pcap", "ws101 pcap"]);
}

#[test]
fn a_transcript_given_to_pcap_is_refused_and_sent_to_handshake() {
    let (_folder, path) = file_named("upgrade.http", HTTP);
    let run = ws101(&["pcap", utf8(&path)]);
    check_refusal(&run, &["upgrade.http", "ws101 handshake"]);
}

#[test]
fn what_is_no_handshake_is_refused_by_name() {
    for (name, bytes) in [("empty.http", &b""[..]), ("pixel.png", PNG)] {
        let (_folder, path) = file_named(name, bytes);
        check_refusal(&ws101(&["handshake", utf8(&path)]), &[name]);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    for command in ["pcap", "handshake"] {
        let run = ws101(&[command, "no/such/file.pcap"]);
        check_refusal(&run, &["no/such/file.pcap"]);
    }
}

#[test]
fn mistyped_hex_is_pointed_at() {
    // The second digit of byte 2 is 'z'.
    check_refusal(&ws101(&["frame", "81 8z 37"]), &["81 8z 37", "byte 2", "z", "--base64"]);
    // Three digits: byte 2 has one only.
    check_refusal(&ws101(&["frame", "818"]), &["818", "byte 2"]);
    check_refusal(&ws101(&["frame", ""]), &[]);
}

#[test]
fn mistyped_bytes_on_stdin_are_pointed_at_too() {
    check_refusal(&ws101_with_input(&["frame"], b"81 8z 37\n"), &["byte 2", "z"]);
    check_refusal(&ws101_with_input(&["frame"], b""), &[]);
    check_refusal(&ws101_with_input(&["pcap", "-"], b""), &[]);
    check_refusal(&ws101_with_input(&["handshake"], b""), &[]);
}

#[test]
fn wrong_usage_exits_with_2() {
    for args in [&["--no-such-option"][..], &["no-such-command-or-file"], &["pcap"]] {
        check_refusal(&ws101(args), &[]);
    }
    check_refusal(&ws101(&["frame", "8105", "--from", "nobody"]), &["client", "server"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let Some((capture, _)) =
        shared::recording("a_reader_that_has_seen_enough_is_no_error", "chat-plain")
    else {
        return;
    };
    for format in ["text", "json", "jsonl"] {
        let mut child = Command::new(shared::binary())
            .args(["pcap", utf8(&capture), "--format", format])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdout = child.stdout.take().expect("piped");
        let mut head = [0; 10];
        stdout.read_exact(&mut head).expect("some output");
        drop(stdout);
        let output = child.wait_with_output().expect("the binary ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{format}: {:?}, {stderr}", output.status);
        assert_eq!(stderr, "", "{format}");
    }
}

/// Damaged and odd files that were made to break readers; each must end in good order.
#[test]
fn no_damaged_capture_makes_it_crash() {
    let Some(folder) = shared::shared("no_damaged_capture_makes_it_crash", "captures/formats")
    else {
        return;
    };
    let files = files_under(&folder);
    let runs = in_parallel(&files, |file| shared::pcap(file));
    assert_none(&runs.iter().filter_map(Run::crash).collect::<Vec<_>>());
}

/// Every byte of the smallest recording, flipped in turn: decoded differently or not at all.
#[test]
fn no_flipped_byte_makes_it_crash() {
    let Some((capture, _)) = shared::recording("no_flipped_byte_makes_it_crash", "close-4001")
    else {
        return;
    };
    let bytes = std::fs::read(capture).expect("a recording can be read");
    let at: Vec<usize> = (0..bytes.len()).step_by(3).collect();
    let complaints = in_parallel(&at, |&at| {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0xff;
        let run = ws101_with_input(&["pcap", "-", "--format", "jsonl"], &flipped);
        run.crash().map(|crash| format!("byte {at} flipped: {crash}"))
    });
    assert_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

/// Exit 2, nothing on stdout that could be taken for a result, and a message with these facts.
fn check_refusal(run: &Run, facts: &[&str]) {
    let what = &run.what;
    assert_eq!(run.crash(), None);
    assert_eq!(run.code, Some(2), "{what}: exit status\n{}", run.stderr);
    assert!(!run.stderr.trim().is_empty(), "{what}: no message");
    assert!(run.stdout.is_empty(), "{what}: stdout is not empty");
    for fact in facts {
        assert!(run.stderr.contains(fact), "{what}: the message lacks {fact:?}:\n{}", run.stderr);
    }
}

fn file_named(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    (folder, path)
}

/// Everything under `samples/` that is an input: no descriptions, truths or keys.
fn samples() -> Vec<PathBuf> {
    let mut samples = files_under(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"));
    samples.retain(|path| {
        let is_recipe = path.parent().is_some_and(|folder| folder.ends_with("record"));
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        !is_recipe
            && name != "README.md"
            && !name.ends_with(".truth.json")
            && !name.ends_with(".keys")
    });
    samples
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn fitting_command(sample: &Path) -> &'static str {
    match sample.extension().and_then(|extension| extension.to_str()) {
        Some("pcap" | "pcapng" | "gz") => "pcap",
        Some("bin" | "hex" | "b64") => "frame",
        _ => "handshake",
    }
}

fn prefix_lengths(length: usize) -> Vec<usize> {
    let spread = if length as u64 > LARGE { SPREAD_IF_LARGE } else { SPREAD };
    let mut lengths: Vec<usize> = (0..length.min(EVERY_PREFIX_UP_TO)).collect();
    lengths.extend((0..=spread).map(|part| length * part / spread));
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// Where the first packet of a little-endian classic pcap file ends; never, for other files.
fn first_packet_end(bytes: &[u8]) -> usize {
    const MAGIC: [[u8; 4]; 2] = [[0xd4, 0xc3, 0xb2, 0xa1], [0x4d, 0x3c, 0xb2, 0xa1]];
    let little_endian = bytes.get(..4).is_some_and(|magic| MAGIC.iter().any(|m| m == magic));
    match bytes.get(32..36) {
        Some(captured) if little_endian => {
            let captured = u32::from_le_bytes(captured.try_into().expect("four bytes"));
            40 + captured as usize
        }
        _ => usize::MAX,
    }
}

/// A pipe gives its bytes once: a command that looks first and reads then says so, and does not wait.
#[cfg(unix)]
#[test]
fn a_pipe_where_a_file_is_needed_is_told() {
    let pipe = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad-input-pipe");
    let _ = std::fs::remove_file(&pipe);
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    let name = shared::utf8(&pipe);
    for args in [&[name][..], &["report", name, "-o", "/dev/null"]] {
        let run = shared::ws101(args);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.stderr.contains("gives its bytes once"), "{args:?}: {}", run.stderr);
    }
}

/// Where not even the complaint can be written, the exit status still says it.
#[cfg(target_os = "linux")]
#[test]
fn a_complaint_that_nobody_can_read_is_no_crash() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it opens");
    for args in [&["pcap", "no-such-file"][..], &["no-such-file"], &["frame", "xyz"]] {
        let status = std::process::Command::new(shared::binary())
            .args(args)
            .stderr(full())
            .stdout(std::process::Stdio::null())
            .status()
            .expect("it runs");
        assert_eq!(status.code(), Some(2), "{args:?}");
    }
}
