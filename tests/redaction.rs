//! `--redact`: secrets are put wherever there is room for one, every command is run in every
//! format, and none of them may show, in any dress. Without `--redact` they do show.

#![allow(dead_code, reason = "what tests share is used by others in other ways")]

#[path = "shared/mod.rs"]
mod shared;
#[path = "shared/tape.rs"]
mod tape;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use tape::By::{self, Client, Server};
use tape::{ACCEPTED, REQUEST, Tape};

/// Consonants and digits, so that no word of an output is mistaken for a part of one.
const PATH: &str = "bMh3FGsJfwFqRDH";
const QUERY: &str = "kjGTHtkFvKS22wF";
const PARAMETER: &str = "vwhFSDtLXjMsKvZ";
const BARE: &str = "t5PJwv2QfJt7GvF";
const USERINFO: &str = "zRp5skbmwmfZTP6";
const HEADER: &str = "THvZrpc8lXxGKqj";
const NAMELESS: &str = "NcMpjD4Gtvbc6dx";
const COOKIE: &str = "pwmGHWn64GF86Z3";
const SET_COOKIE: &str = "v5lX7g4dCmdNzKp";
const LOGIN: &str = "FRXL9ThhpHNlhtW";
const SUBPROTOCOL: &str = "LktW7jd5gSMHPMS";
const EXTENSION: &str = "4SBpwPVXBMjsfzv";
const REASON_PHRASE: &str = "bL6qz359Fm5thhh";
const BODY: &str = "hJn2hFQGRlNKcxF";
const TEXT: &str = "JBvMsJfzCGRzgM2";
const FRAGMENTS: &str = "VdxfnKKpmnnZHMJ9c9V";
const BINARY: &str = "n6NrCRrfM6sCrZ3";
const PING: &str = "H6VrfNdSssqc2Sz";
const CLOSE: &str = "QTh9SQrpd8CCWnV";
const DEFLATED: &str = "Q6xdl8dfHSJSnQc";
const BROKEN_TEXT: &str = "RnzzBn3d3H4Kg7Q";
const HTTP_AFTER: &str = "nPk2cH8hmh9H8NN";
const START_LINE: &str = "LCMwm3Mzxn4dMtt";
const METHOD: &str = "XKCDQZRWPVBHJGT";
const EARLIER: &str = "LCB83Jr9LkQRCVR";
const FRAGMENT: &str = "XqTwbVsjLF9dm4w";

const SECRETS: [&str; 26] = [
    PATH,
    QUERY,
    PARAMETER,
    BARE,
    USERINFO,
    HEADER,
    NAMELESS,
    COOKIE,
    SET_COOKIE,
    LOGIN,
    SUBPROTOCOL,
    EXTENSION,
    REASON_PHRASE,
    BODY,
    TEXT,
    FRAGMENTS,
    BINARY,
    PING,
    CLOSE,
    DEFLATED,
    BROKEN_TEXT,
    HTTP_AFTER,
    START_LINE,
    METHOD,
    EARLIER,
    FRAGMENT,
];

/// The masking key of every frame.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn request() -> String {
    format!(
        "GET /ws/{PATH}/x?token={QUERY}&{PARAMETER}=1&{BARE}#{FRAGMENT} HTTP/1.1\r\n\
         Host: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==\r\nSec-WebSocket-Version: 13\r\n\
         Origin: http://{USERINFO}@other.example.org\r\n\
         Referer: http://server.example.com/{PATH}?{QUERY}\r\n\
         Cookie: sid={COOKIE}; {COOKIE}=1\r\nAuthorization: Bearer {LOGIN}\r\n\
         Proxy-Authorization: Basic {LOGIN}\r\nX-Api-Key: {HEADER}\r\n\
         Sec-WebSocket-Protocol: chat, bearer.{SUBPROTOCOL}, {SUBPROTOCOL} {SUBPROTOCOL}\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; {EXTENSION}={EXTENSION}, {EXTENSION}\r\n\
         no colon but {NAMELESS}\r\nX {NAMELESS}: 1\r\n\r\n"
    )
}

fn accepted(extensions: &str) -> String {
    let fields = format!(
        "Set-Cookie: sid={SET_COOKIE}; Path=/{PATH}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\
         Location: ws://{USERINFO}@server.example.com/{PATH}\r\n{extensions}\r\n"
    );
    ACCEPTED.replacen("\r\n\r\n", &format!("\r\n{fields}"), 1)
}

fn refused() -> String {
    format!(
        "HTTP/1.1 401 {REASON_PHRASE}\r\nWWW-Authenticate: Basic realm=\"{LOGIN}\"\r\n\
         Content-Length: {}\r\n\r\n{{\"{BODY}\":1}}",
        BODY.len() + 6
    )
}

fn frame(by: By, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, payload.len() as u8];
    if by == Server {
        bytes.extend(payload);
        return bytes;
    }
    bytes[1] |= 0x80;
    bytes.extend(KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn deflated(text: &str) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.flush().expect("memory");
    let bytes = encoder.get_ref();
    bytes[..bytes.len() - 4].to_vec()
}

/// What both say once they are upgraded.
fn frames(by: By) -> Vec<Vec<u8>> {
    let (start, rest) = FRAGMENTS.split_at(9);
    let close = [&1000u16.to_be_bytes()[..], CLOSE.as_bytes()].concat();
    vec![
        frame(by, 0x81, TEXT.as_bytes()),
        frame(by, 0x82, &[&[0, 1, 2], BINARY.as_bytes()].concat()),
        frame(by, 0x01, start.as_bytes()),
        frame(by, 0x89, PING.as_bytes()),
        frame(by, 0x8a, PING.as_bytes()),
        frame(by, 0x80, rest.as_bytes()),
        frame(by, 0x81, &[BROKEN_TEXT.as_bytes(), b"\xff", BROKEN_TEXT.as_bytes()].concat()),
        frame(by, 0x83, TEXT.as_bytes()),
        frame(by, 0x88, &close),
    ]
}

/// One file for all tests, which run at the same time.
static CAPTURE: LazyLock<PathBuf> = LazyLock::new(capture);
static TRANSCRIPTS: LazyLock<Vec<PathBuf>> = LazyLock::new(transcripts);

fn capture() -> PathBuf {
    let mut tape = Tape::default();
    let all = tape.open(0.0, 4001);
    tape.say(0.1, all, Client, request().as_bytes());
    tape.say(0.2, all, Server, accepted("").as_bytes());
    for (index, (client, server)) in frames(Client).iter().zip(frames(Server)).enumerate() {
        tape.say(1.0 + index as f64, all, Client, client);
        tape.say(1.5 + index as f64, all, Server, &server);
    }
    tape.fin(20.0, all, Server);
    let deflate = tape.open(0.0, 4002);
    let extensions = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let offer = REQUEST.replacen("\r\n\r\n", &format!("\r\n{extensions}\r\n"), 1);
    tape.say(0.1, deflate, Client, offer.as_bytes());
    tape.say(0.2, deflate, Server, accepted(extensions).as_bytes());
    tape.say(0.3, deflate, Client, &frame(Client, 0xc1, &deflated(DEFLATED)));
    tape.say(0.4, deflate, Server, &frame(Server, 0xc2, &deflated(DEFLATED)));
    let refusal = tape.open(0.0, 4003);
    tape.say(0.1, refusal, Client, request().as_bytes());
    tape.say(0.2, refusal, Server, refused().as_bytes());
    let http = tape.upgrade(0.0, 4004);
    let after = format!("HTTP/1.1 500 {HTTP_AFTER}\r\nX: {HTTP_AFTER}\r\n\r\n<p>{HTTP_AFTER}");
    tape.say(1.0, http, Server, after.as_bytes());
    let earlier = tape.open(0.0, 4005);
    let exchange = format!("GET /{EARLIER} HTTP/1.1\r\nHost: a\r\nX: {EARLIER}\r\n\r\n");
    tape.say(0.1, earlier, Client, exchange.as_bytes());
    let answer = format!("HTTP/1.1 404 {EARLIER}\r\nContent-Length: 15\r\n\r\n{EARLIER}");
    tape.say(0.2, earlier, Server, answer.as_bytes());
    tape.say(0.3, earlier, Client, request().as_bytes());
    tape.say(0.4, earlier, Server, accepted("").as_bytes());
    tape.write("redaction.pcap")
}

fn write(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the folder for tests can be written");
    path
}

fn transcripts() -> Vec<PathBuf> {
    let first = format!("{}{}", request(), accepted(""));
    let second = format!("{}{}", request(), refused());
    let verbose: String = first.lines().map(|line| format!("> {line}\n")).collect();
    let method = request().replacen("GET", METHOD, 1);
    let version = request().replacen("HTTP/1.1", &format!("HTTP/1.1{START_LINE}"), 1);
    let no_version = request().replacen(" HTTP/1.1", START_LINE, 1);
    vec![
        write("redaction-accepted.http", &first),
        write("redaction-refused.http", &second),
        write("redaction-verbose.txt", &verbose),
        write("redaction-method.http", &format!("{method}{}", accepted(""))),
        write("redaction-version.http", &format!("{version}{}", accepted(""))),
        write("redaction-no-version.http", &format!("{no_version}{}", accepted(""))),
    ]
}

/// Every command with every way of showing.
fn runs() -> Vec<Vec<String>> {
    let mut runs = Vec::new();
    let mut add = |args: &[&str]| runs.push(args.iter().map(|&arg| arg.to_owned()).collect());
    let capture = &*CAPTURE;
    let capture = capture.to_str().expect("a path");
    for format in ["text", "json", "jsonl", "har", "sarif", "github", "junit"] {
        add(&["pcap", capture, "--format", format]);
    }
    for way in ["--frames", "--messages", "--summary", "--stats"] {
        add(&["pcap", capture, way]);
    }
    for connection in ["1", "2", "3", "4", "5"] {
        add(&["pcap", capture, "--connection", connection]);
        add(&["pcap", capture, "--follow-stream", connection]);
        add(&["pcap", capture, "--connection", connection, "--message", "1-9"]);
    }
    for frame in ["1", "2", "3", "4", "7", "8", "9"] {
        add(&["pcap", capture, "--layout", frame]);
        add(&["pcap", capture, "--layout", frame, "--format", "jsonl"]);
    }
    add(&["pcap", capture, "--stats", "--format", "json"]);
    add(&["pcap", capture, "--finding", "note,warning,error"]);
    add(&["pcap", capture, "--text", "."]);
    add(&["pcap", capture, "--extract", env!("CARGO_TARGET_TMPDIR")]);
    for transcript in TRANSCRIPTS.iter() {
        let transcript = transcript.to_str().expect("a path");
        for format in ["text", "json", "jsonl", "sarif", "github", "junit"] {
            add(&["handshake", transcript, "--format", format]);
        }
        add(&["handshake", transcript, "-v"]);
        add(&["handshake", transcript, "-q"]);
        add(&["handshake", transcript, "--width", "40"]);
        add(&[transcript]);
    }
    for by in [Client, Server] {
        let hex: String = frames(by).concat().iter().map(|byte| format!("{byte:02x}")).collect();
        let from = if by == Client { "client" } else { "server" };
        for format in ["text", "json", "jsonl", "sarif", "github", "junit"] {
            add(&["frame", "--from", from, &hex, "--format", format]);
        }
        add(&["frame", "--from", from, &hex, "--brief"]);
        add(&["frame", "--from", from, &hex, "--all"]);
        add(&["frame", "--from", from, &hex, "-q"]);
    }
    let compressed = frame(Client, 0xc1, &deflated(DEFLATED));
    let compressed: String = compressed.iter().map(|byte| format!("{byte:02x}")).collect();
    add(&["frame", "--deflate", &compressed]);
    add(&["frame", "--deflate", &compressed, "--format", "json"]);
    runs
}

fn run(args: &[String], redact: bool) -> Output {
    let extracted = args.iter().any(|arg| arg == "--extract");
    let folder = tempfile::tempdir().expect("a folder");
    let mut args = args.to_vec();
    if extracted {
        *args.last_mut().expect("a folder") = folder.path().display().to_string();
    }
    args.extend(redact.then(|| "--redact".to_owned()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws101"));
    let mut out = command.args(&args).output().expect("the binary runs");
    out.stdout.extend(std::mem::take(&mut out.stderr));
    for entry in std::fs::read_dir(folder.path()).expect("the folder") {
        let path = entry.expect("a file").path();
        out.stdout.extend(path.file_name().expect("a name").as_encoded_bytes());
        out.stdout.extend(std::fs::read(path).expect("a file"));
    }
    out
}

/// The ways in which a part of a secret may show.
fn dresses(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut dresses = Vec::new();
    for part in bytes.windows(6) {
        dresses.push(String::from_utf8(part.to_vec()).expect("ASCII").to_lowercase());
    }
    let masked = |shift: usize| -> Vec<u8> {
        bytes.iter().enumerate().map(|(at, byte)| byte ^ KEY[(at + shift) % 4]).collect()
    };
    let raw = [bytes.to_vec(), masked(0), masked(1), masked(2), masked(3)];
    for part in raw.iter().flat_map(|bytes| bytes.windows(4)) {
        let join = |by: &str, write: fn(&u8) -> String| {
            part.iter().map(write).collect::<Vec<_>>().join(by)
        };
        dresses.push(join("", |byte| format!("{byte:02x}")));
        for by in [" ", ",", ", "] {
            dresses.push(join(by, |byte| format!("{byte}")));
        }
    }
    for lead in 0..3 {
        let shifted = [vec![0; lead], bytes.to_vec()].concat();
        for engine in [STANDARD, URL_SAFE] {
            let text = engine.encode(&shifted);
            dresses.push(text[4..text.len() - 4].to_lowercase());
        }
    }
    dresses
}

/// What finds each secret in any of its dresses.
static SEARCHES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let search = |secret: &'static str| {
        let dresses: Vec<String> = dresses(secret).iter().map(|it| regex::escape(it)).collect();
        (secret, Regex::new(&dresses.join("|")).expect("a regular expression"))
    };
    SECRETS.into_iter().map(search).collect()
});

/// The secrets that show in an output.
fn shown(output: &[u8]) -> BTreeSet<&'static str> {
    let text = String::from_utf8_lossy(output).to_lowercase();
    // Hexadecimal is cut into columns and rows.
    let dense: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_there = |search: &Regex| search.is_match(&text) || search.is_match(&dense);
    SEARCHES.iter().filter(|(_, search)| is_there(search)).map(|(secret, _)| *secret).collect()
}

fn is_for_findings(way: &str) -> bool {
    ["sarif", "github", "junit"].iter().any(|format| way.ends_with(format))
}

/// The command and its options, without what they are used on.
fn way(args: &[String]) -> String {
    let is_option = |arg: &&String| arg.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    args.iter().filter(is_option).cloned().collect::<Vec<_>>().join(" ")
}

/// What would betray nothing: the file that a run names.
fn without_names(output: Vec<u8>, args: &[String]) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(&output).into_owned();
    for arg in args {
        text = text.replace(arg, "");
    }
    text.into_bytes()
}

#[test]
fn no_secret_shows_in_any_output_and_all_do_without() {
    let mut seen = BTreeSet::new();
    let mut silent = BTreeSet::new();
    let mut telling = BTreeSet::new();
    let mut failures = Vec::new();
    for args in runs() {
        let open = run(&args, false);
        let redacted = run(&args, true);
        assert!(open.status.code().is_some_and(|code| code < 2), "{args:?}");
        assert_eq!(redacted.status, open.status, "{args:?}: {redacted:?}");
        let open = shown(&without_names(open.stdout, &args));
        let betrayed = shown(&without_names(redacted.stdout, &args));
        if !betrayed.is_empty() {
            failures.push(format!("{betrayed:?} in {args:?}"));
        }
        if open.is_empty() { &mut silent } else { &mut telling }.insert(way(&args));
        seen.extend(open);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let missing: Vec<&str> = SECRETS.into_iter().filter(|it| !seen.contains(it)).collect();
    // What came before is counted and not shown, with or without --redact.
    assert_eq!(missing, [EARLIER]);
    // A way of showing that never shows a secret proves nothing: what is found in frames quotes
    // none of their payload, and statistics hold only numbers and addresses.
    let untold: Vec<&String> = silent.difference(&telling).collect();
    let is_mute =
        |way: &String| way.contains("--stats") || way.starts_with("frame") && is_for_findings(way);
    assert!(untold.iter().all(|way| is_mute(way)), "{untold:?}");
}

#[test]
fn verdicts_places_and_carets_are_those_of_the_open_report() {
    let findings = |args: &[String], redact: bool| -> Vec<Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ws101"));
        command.args(args).args(["--format", "jsonl"]).args(redact.then_some("--redact"));
        let out = command.output().expect("the binary runs");
        let lines = String::from_utf8(out.stdout).expect("UTF-8");
        let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let keep = ["rule", "severity", "span", "frame", "message", "offset", "direction"];
        records
            .filter(|record| record["type"] == "finding")
            .map(|record| keep.iter().map(|key| record[key].clone()).collect())
            .collect()
    };
    let mut places = 0;
    for transcript in TRANSCRIPTS.iter() {
        let args = ["handshake".to_owned(), transcript.display().to_string()];
        assert_eq!(findings(&args, true), findings(&args, false), "{args:?}");
        let pointers = |redact: bool| -> Vec<String> {
            let wide = [&args[..], &["--width".to_owned(), "400".to_owned()]].concat();
            let text = String::from_utf8(run(&wide, redact).stdout).expect("UTF-8");
            let is_pointer =
                |line: &&str| line.contains("-->") || line.contains("| ") && line.contains('^');
            let cut = |line: &str| match line.rfind('^') {
                Some(end) => line[..=end].to_owned(),
                None => line.to_owned(),
            };
            text.lines().filter(is_pointer).map(cut).collect()
        };
        let open = pointers(false);
        places += open.len();
        assert_eq!(pointers(true), open, "{args:?}");
    }
    assert!(places > 20, "{places}");
    let capture = ["pcap".to_owned(), CAPTURE.display().to_string()];
    assert_eq!(findings(&capture, true), findings(&capture, false));
    assert!(findings(&capture, true).len() > 10);
}

#[test]
fn equal_secrets_have_equal_placeholders_and_others_have_others() {
    let capture = &*CAPTURE;
    let args =
        ["pcap".to_owned(), capture.display().to_string(), "--format".into(), "jsonl".into()];
    let text = String::from_utf8(run(&args, true).stdout).expect("UTF-8");
    let records: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let texts: Vec<&str> = records.iter().filter_map(|record| record["text"].as_str()).collect();
    assert!(texts.len() >= 5, "{texts:?}");
    assert!(texts.iter().all(|text| text.starts_with("<payload:")), "{texts:?}");
    assert_eq!(texts[0], texts[1], "both sent the same");
    assert_ne!(texts[0], texts[2]);
    let pings: Vec<&Value> = records
        .iter()
        .filter(|record| matches!(record["opcode_name"].as_str(), Some("ping" | "pong")))
        .map(|record| &record["payload"])
        .collect();
    assert!(pings.len() == 4 && pings.iter().all(|ping| *ping == pings[0]), "{pings:?}");
    assert_eq!(run(&args, true).stdout, text.as_bytes(), "the next run says the same");
}

#[test]
fn what_cannot_be_read_is_not_quoted() {
    let out = run(&["frame".to_owned(), format!("81 05 {TEXT}")], true);
    assert_eq!(out.status.code(), Some(2));
    assert!(shown(&out.stdout).is_empty(), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(!shown(&run(&["frame".to_owned(), format!("81 05 {TEXT}")], false).stdout).is_empty());
}
