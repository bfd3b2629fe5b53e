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
    let chat = "samples/captures/close-4001.pcap";
    for (args, fact) in [
        (&[name][..], "gives its bytes once"),
        (&["report", name, "-o", "/dev/null"], "gives its bytes once"),
        (&["pcap", "--keylog", name, chat], "it is no file, but a folder, a pipe or a device"),
    ] {
        let run = shared::ws101(args);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.stderr.contains(fact), "{args:?}: {}", run.stderr);
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

/// A name is bytes, and need not be text (Linux, a disk from elsewhere).
#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_is_a_name() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt as _;
    let folder = TempDir::new().expect("a temporary folder");
    let put = |name: &[u8], bytes: &[u8]| {
        let path = folder.path().join(OsStr::from_bytes(name));
        std::fs::write(&path, bytes).expect("a temporary file can be written");
        path.into_os_string()
    };
    let chat = samples().into_iter().find(|it| it.ends_with("chat-plain.pcap")).expect("a sample");
    let capture = put(b"caf\xe9.pcap", &std::fs::read(chat).expect("a sample"));
    let exchange = put(b"caf\xe9.http", HTTP);
    let frame = put(b"caf\xe9.bin", &[0x81, 2, b'h', b'i']);
    let keys = put(b"caf\xe9.keys", b"");
    let second = [&capture, OsStr::new("#1")].iter().copied().collect::<OsString>();
    let page = folder.path().join(OsStr::from_bytes(b"caf\xe9.html")).into_os_string();
    let word = OsString::from;
    for (args, codes) in [
        (vec![word("pcap"), capture.clone()], [0, 1]),
        (vec![word("pcap"), capture.clone(), word("--format"), word("jsonl")], [0, 1]),
        (vec![word("pcap"), capture.clone(), word("--format"), word("sarif")], [0, 1]),
        (vec![word("pcap"), capture.clone(), word("--format"), word("markdown")], [0, 1]),
        (vec![word("pcap"), word("--keylog"), keys, capture.clone()], [0, 1]),
        (vec![word("handshake"), exchange.clone()], [0, 1]),
        (vec![word("handshake"), exchange.clone(), word("--format"), word("jsonl")], [0, 1]),
        (vec![word("frame"), frame.clone()], [0, 1]),
        (vec![word("frame"), frame.clone(), word("--format"), word("sarif")], [0, 1]),
        (vec![word("report"), capture.clone(), word("-o"), page], [0, 1]),
        (vec![word("diff"), capture.clone(), second], [0, 0]),
        (vec![word("quiz"), word("--worksheet"), word("--from"), capture.clone()], [0, 0]),
        (vec![capture], [0, 1]),
        (vec![word("pcap"), folder.path().join(OsStr::from_bytes(b"no\xe9")).into()], [2, 2]),
    ] {
        let output = Command::new(shared::binary()).args(&args).output().expect("it runs");
        let code = output.status.code().expect("no signal");
        let stderr = String::from_utf8(output.stderr).expect("what is said is text");
        assert!(codes.contains(&code), "{args:?}: {code}\n{stderr}");
        assert!(!stderr.contains("UTF-8"), "{args:?}: {stderr}");
        assert!(String::from_utf8(output.stdout).is_ok(), "{args:?}: what is printed is text");
        assert!(code < 2 || stderr.contains(r"no\xe9 can't be opened"), "{stderr}");
    }
}

/// The fitting command took the name for options of its own.
#[test]
fn a_name_that_begins_with_a_dash_is_a_name() {
    let folder = TempDir::new().expect("a temporary folder");
    let exchange = folder.path().join("-a.http");
    std::fs::write(exchange, HTTP).expect("a temporary file can be written");
    let mut command = Command::new(shared::binary());
    let output = command.args(["--", "-a.http"]).current_dir(&folder).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("-a.http is "), "{stderr}");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{stderr}");
}

/// The number that the system has for it helps nobody.
#[test]
fn what_the_system_says_comes_without_its_number() {
    let none = "no/such/file";
    for args in [
        &["pcap", none][..],
        &["pcap", none, none],
        &["handshake", none],
        &["frame", "--raw", "/"],
        &["diff", none, none],
        &["report", none, "-o", "x.html"],
        &["quiz", "--from", none],
        &["build", "conversation", none],
        &["build", "frame", "--text", "x", "-o", "no/such/folder/x"],
        &["frame", "8100", "--config", none],
        &["pcap", "--keylog", none, none],
        &["pcap", "samples/captures/close-4001.pcap", "--extract", "Cargo.toml/x"],
        &[none],
    ] {
        let run = ws101(args);
        check_refusal(&run, &[]);
        assert!(!run.stderr.contains("os error"), "{args:?}: {}", run.stderr);
    }
}

/// Packets were decoded as if they were frames: nonsense, and errors about it.
#[test]
fn a_packet_is_no_frame() {
    let packet = "45000033 00004000 40063cb8 c0000207 cb007105 32c80050 000003e8 00001388 \
                  5018ffff 00000000 818537fa213d7f9f4d5158";
    let ethernet = format!("00112233 44556677 889900aa 0800 {packet}");
    for (bytes, start) in [(packet, "offset 40"), (&ethernet, "offset 54")] {
        let facts = ["a whole packet", "the 11 bytes", start, "ws101 pcap"];
        check_refusal(&ws101(&["frame", bytes]), &facts);
        check_refusal(&ws101(&["frame", bytes]), &["try: ws101 frame 818537fa213d7f9f4d5158"]);
        let redacted = ws101(&["frame", bytes, "--redact"]);
        check_refusal(&redacted, &["a whole packet"]);
        assert!(!redacted.stderr.contains("818537"), "{}", redacted.stderr);
        // In a file, as a dump and as the bytes themselves.
        check_refusal(&ws101_with_input(&["frame"], bytes.as_bytes()), &facts);
        let (_folder, path) = file_named("packet.bin", &shared::unhex(&bytes.replace(' ', "")));
        check_refusal(&ws101(&["frame", utf8(&path)]), &facts);
        // Whoever insists gets them decoded.
        assert_ne!(ws101(&["frame", "--raw", utf8(&path)]).code, Some(2));
    }
}

/// Options changed nothing, and nobody said so.
#[test]
fn an_option_that_changes_nothing_is_refused() {
    let chat = "samples/captures/close-4001.pcap";
    let has = |args: &[&str], facts: &[&str]| check_refusal(&ws101(args), facts);
    for option in ["--summary", "--frames", "--messages", "--time=delta"] {
        let name = option.split('=').next().expect("a name");
        for format in ["json", "jsonl", "har", "sarif", "junit", "github", "markdown", "mermaid"] {
            has(&["pcap", chat, option, "--format", format], &[name, "expected: --format text"]);
        }
    }
    for format in ["json", "jsonl", "har", "sarif", "junit", "github", "markdown", "mermaid"] {
        has(&["pcap", chat, "--extract", "no/folder", "--format", format], &["--extract"]);
        if !format.starts_with("json") {
            has(&["pcap", chat, "--layers", "--format", format], &["layers"]);
        }
    }
    for format in ["json", "sarif", "junit"] {
        has(&["frame", "8100", "--svg", "--format", format], &["--svg"]);
        has(&["frame", "8100", "--brief", "--format", format], &["--brief"]);
    }
    has(&["frame", "8100", "--brief", "--format", "svg"], &["--brief"]);
    has(&["frame", "8100", "--all", "--format", "svg"], &["--all"]);
    for other in ["--layout=1", "--stats", "--follow-stream=1", "--extract=no/folder"] {
        has(&["pcap", chat, "--messages", other], &["--messages"]);
    }
    for other in ["--summary", "--layout=1", "--layers", "--stats", "--extract=no/folder"] {
        has(&["pcap", chat, "--time=delta", other], &["--time"]);
    }
    for (command, options) in [
        (&["rules"][..], &["--select=MSK", "--ignore=HS", "--fail-on=note", "--redact"][..]),
        (&["rules"], &["--threshold=silence=5", "--config=x"]),
        (&["explain", "masking"], &["--select=MSK", "--config=x", "--fail-on=never"]),
        (&["quiz", "--worksheet"], &["--select=MSK", "--threshold=silence=5"]),
        (&["accept", "dGhlIHNhbXBsZSBub25jZQ=="], &["--select=MSK", "--config=x"]),
        (&["diff", chat, chat], &["--fail-on=never"]),
        (&["man"], &["--select=MSK"]),
        (&["completions", "bash"], &["--redact"]),
        (&["build", "frame", "--text", "x"], &["--ignore=HS"]),
    ] {
        for option in options {
            let name = option.split('=').next().expect("a name");
            has(&[command, &[*option]].concat(), &[name]);
            has(&[&[*option], command].concat(), &[name]);
        }
    }
    // What they heed works.
    for args in [
        &["rules", "--thresholds", "--threshold", "silence=5"][..],
        &["explain", "masking", "--no-config"],
        &["diff", chat, chat, "--redact", "--select", "HS"],
    ] {
        assert_eq!(ws101(args).code, Some(0), "{args:?}");
    }
    has(&["diff", chat, chat, "--config", "no/such.toml"], &["no/such.toml"]);
}
