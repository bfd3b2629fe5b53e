//! `ws101 pcap --stats --compare-http`: a recording that holds polling, long polling, Server-Sent
//! Events and WebSocket side by side, against what its peers counted and against arithmetic of this
//! file's own on the captured bytes.

mod shared;

use regex::bytes::Regex;
use serde_json::Value;
use shared::{number, of_type, text, ws101};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ws101::build::{Conversation, Frame, Numbers, Upgrade, What};
use ws101::said::Endpoint;
use ws101::websocket::Opcode;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures").join(name)
}

fn costs(file: &Path) -> BTreeMap<String, Value> {
    let file = file.to_str().expect("UTF-8");
    let run = ws101(&["pcap", file, "--stats", "--compare-http", "--format", "jsonl"]);
    let records = run.records();
    let costs = of_type(&records, "cost").into_iter();
    costs.map(|record| (text(record, "kind").to_owned(), record.clone())).collect()
}

/// The bytes that each endpoint of each connection sent, by ports, in the order of the capture. Good
/// enough for the loopback interface, where nothing is lost or comes twice.
fn streams(pcap: &[u8]) -> BTreeMap<(u16, u16), Vec<u8>> {
    let mut streams: BTreeMap<(u16, u16), Vec<u8>> = BTreeMap::new();
    let mut rest = &pcap[24..];
    while rest.len() >= 16 {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let packet = &rest[16..16 + length];
        rest = &rest[16 + length..];
        let ip = &packet[14..];
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let tcp = &ip[usize::from(ip[0] & 15) * 4..total];
        let ports = (u16::from_be_bytes([tcp[0], tcp[1]]), u16::from_be_bytes([tcp[2], tcp[3]]));
        streams.entry(ports).or_default().extend_from_slice(&tcp[usize::from(tcp[12] >> 4) * 4..]);
    }
    streams
}

/// For each path: how many requests, the bytes of their heads, the bytes of the answers' heads.
fn heads(pcap: &[u8], server: u16) -> BTreeMap<String, (u64, u64, u64)> {
    let request = Regex::new(r"(?s-u)(GET|POST) (/[a-z]*)[^\r]* HTTP/1\.1\r\n.*?\r\n\r\n")
        .expect("a pattern");
    let answer = Regex::new(r"(?s-u)HTTP/1\.1 \d\d\d .*?\r\n\r\n").expect("a pattern");
    let mut found: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    let streams = streams(pcap);
    for ((from, to), bytes) in &streams {
        if *to != server {
            continue;
        }
        let answers = &streams[&(server, *from)];
        for (request, answer) in request.captures_iter(bytes).zip(answer.find_iter(answers)) {
            let path = String::from_utf8_lossy(&request[2]).into_owned();
            let entry = found.entry(path).or_default();
            entry.0 += 1;
            entry.1 += request[0].len() as u64;
            entry.2 += answer.len() as u64;
        }
    }
    found
}

#[test]
fn four_ways_of_carrying_the_same_news_are_told_apart_and_measured() {
    let costs = costs(&sample("polling.pcap"));
    let truth = shared::read_text(&sample("polling.truth.json"));
    let truth: Value = serde_json::from_str(&truth).expect("JSON");
    let pcap = std::fs::read(sample("polling.pcap")).expect("the sample is there");
    let heads = heads(&pcap, number(&truth, "port") as u16);
    let ways = [
        ("short-polling", "poll", "/poll"),
        ("long-polling", "wait", "/wait"),
        ("server-sent-events", "events", "/events"),
        ("websocket", "ws", "/ws"),
    ];
    for (kind, log, path) in ways {
        let (cost, log, head) = (&costs[kind], &truth[log], heads[path]);
        assert_eq!(text(cost, "target"), format!("GET {path}"), "{kind}");
        // What the server logged, and what this file counted in the bytes.
        assert_eq!(number(cost, "requests"), number(log, "requests"), "{kind}");
        assert_eq!(number(cost, "requests"), head.0, "{kind}");
        assert_eq!(number(cost, "request_head_bytes"), head.1, "{kind}");
        assert_eq!(number(cost, "response_head_bytes"), head.2, "{kind}");
        let news = log["news"].as_array().expect("a list").len() as u64;
        let own = if kind == "websocket" { number(log, "posts") } else { 0 };
        assert_eq!(number(cost, "messages"), news + own, "{kind}");
    }
    // RFC 6455 §5.2: 2 bytes of header, 4 of key from a client; 10 texts down, 3 up, a Close each.
    assert_eq!(number(&costs["websocket"], "framing_bytes"), 10 * 2 + 3 * 6 + 2 + 6);
    // Around each event "id: n\n", "data: ", "\n\n"; around its chunk "26\r\n" and "\r\n"; the last
    // chunk is "0\r\n\r\n".
    assert_eq!(number(&costs["server-sent-events"], "framing_bytes"), 10 * (6 + 6 + 2 + 4 + 2) + 5);
    assert_eq!(number(&costs["long-polling"], "framing_bytes"), 0);
    let posts = &costs["posts"];
    assert_eq!((number(posts, "requests"), heads["/say"].0), (9, 9));
    // The script asks again 0.25 s after each answer.
    let interval = costs["short-polling"]["interval"].as_f64().expect("a number");
    assert!((0.25..0.27).contains(&interval), "{interval}");
}

/// Counted by hand in the recording's bytes, apart from any code of this project: each endpoint's
/// segments put in order of their sequence numbers, heads cut at CR LF CR LF, frames read off.
#[test]
fn the_figures_are_those_counted_by_hand() {
    let costs = costs(&sample("polling.pcap"));
    // requests, messages, bytes of requests' heads, of answers' heads, of framing
    let by_hand = [
        // 443 + 202: the heads of the handshake. Framing: the server's 10 texts of 24 bytes and its
        // Close have 2 bytes of header, the client's 3 texts of 8 bytes and its Close 2 + 4 of key:
        // 11 * 2 + 4 * 6 = 46.
        ("websocket", 1, 13, 443, 202, 46),
        // 17 polls, each with a head of 307: 10 answers with news (200), 7 without (204).
        ("short-polling", 17, 10, 5219, 2290, 0),
        // 10 polls of 307, answered when there is news: 159 each.
        ("long-polling", 10, 10, 3070, 1590, 0),
        // Chunks 65 (10 * (4 + 2) + 5); in them 380 bytes, of which 10 * 24 are news: 65 + 140.
        ("server-sent-events", 1, 10, 302, 178, 205),
        // 9 posts (3 for each way but the WebSocket), answered 204: 100 each.
        ("posts", 9, 9, 3318, 900, 0),
    ];
    for (kind, requests, messages, request_heads, response_heads, framing) in by_hand {
        let cost = &costs[kind];
        let keys = ["requests", "messages", "request_head_bytes", "response_head_bytes"];
        let told = keys.map(|key| number(cost, key));
        assert_eq!(told, [requests, messages, request_heads, response_heads], "{kind}");
        assert_eq!(number(cost, "framing_bytes"), framing, "{kind}");
        let overhead = request_heads + response_heads + framing;
        assert_eq!(number(cost, "overhead_bytes"), overhead, "{kind}");
    }
    // 10 * 4660/10 + 3 * 4218/9 = 4660 + 1406.
    assert_eq!(number(&costs["if-long-polling"], "overhead_bytes"), 6066);
    // The WebSocket's data spans 4.033 s, a poll comes every 0.2541 s: 15.9, so 16 polls.
    // 16 * 7509/17 + 1406 = 7067.3 + 1406.
    assert_eq!(number(&costs["if-short-polling"], "requests"), 16 + 3);
    assert_eq!(number(&costs["if-short-polling"], "overhead_bytes"), 8473);
}

#[test]
fn the_same_by_polling_is_computed_from_this_captures_own_requests() {
    let costs = costs(&sample("polling.pcap"));
    let pcap = std::fs::read(sample("polling.pcap")).expect("the sample is there");
    let truth = shared::read_text(&sample("polling.truth.json"));
    let truth: Value = serde_json::from_str(&truth).expect("JSON");
    let heads = heads(&pcap, number(&truth, "port") as u16);
    let mean = |path: &str| {
        let (count, request, response) = heads[path];
        (request + response) as f64 / count as f64
    };
    // 10 messages of the server are waited for, 3 of the client posted.
    let long = 10.0 * mean("/wait") + 3.0 * mean("/say");
    let told = &costs["if-long-polling"];
    assert_eq!(number(told, "overhead_bytes"), long.round() as u64);
    assert_eq!((number(told, "requests"), number(told, "messages")), (13, 13));
    // As many polls as there is time for in the life of the WebSocket.
    let told = &costs["if-short-polling"];
    let polls = number(told, "requests") - 3;
    let short = polls as f64 * mean("/poll") + 3.0 * mean("/say");
    assert_eq!(number(told, "overhead_bytes"), short.round() as u64);
    let interval = told["interval"].as_f64().expect("a number");
    let seconds = polls as f64 * interval;
    assert!((3.9..4.5).contains(&seconds), "{polls} polls every {interval} s");
}

#[test]
fn where_nobody_polls_the_handshake_is_the_model() {
    let upgrade = Upgrade { host: "h.example".to_owned(), ..Upgrade::default() };
    let mut chat = Conversation::open(&upgrade, Numbers::new(1));
    for from in [Endpoint::Client, Endpoint::Server, Endpoint::Server] {
        let frame: Frame = chat.frame(from, Opcode::Text, b"{}");
        chat.push(from, What::Frame(frame), 100_000_000);
    }
    chat.close(Endpoint::Client, 1000);
    chat.end_tcp(Endpoint::Server);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cost-chat.pcap");
    std::fs::write(&file, chat.pcap()).expect("it can be written");
    let costs = costs(&file);
    let pcap = std::fs::read(&file).expect("just written");
    let streams = streams(&pcap);
    let head = |bytes: &[u8]| -> usize {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").expect("a head ends") + 4;
        let lines = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let kept = lines.split_inclusive('\n').filter(|line| {
            !["sec-websocket-", "upgrade:", "connection:"].iter().any(|it| line.starts_with(it))
        });
        kept.map(str::len).sum()
    };
    let each: usize = streams.values().map(|bytes| head(bytes)).sum();
    assert_eq!(number(&costs["if-long-polling"], "overhead_bytes"), 3 * each as u64);
    assert_eq!(number(&costs["websocket"], "messages"), 3);
    assert!(!costs.contains_key("short-polling") && !costs.contains_key("long-polling"));
}

#[test]
fn pages_and_single_requests_are_no_polling() {
    let costs = costs(&sample("browser-ws.pcap"));
    let kinds: Vec<&str> = costs.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["if-long-polling", "if-short-polling", "posts", "websocket"]);
    assert_eq!(number(&costs["websocket"], "requests"), 1, "a plain GET is no handshake");
}

#[test]
fn it_is_measured_only_if_it_is_asked_for() {
    let file = sample("polling.pcap");
    let file = file.to_str().expect("UTF-8");
    let plain = ws101(&["pcap", file, "--stats", "--format", "jsonl"]);
    assert!(of_type(&plain.records(), "cost").is_empty());
    let asked = ws101(&["pcap", file, "--compare-http"]);
    assert_eq!(asked.code, Some(2), "without --stats: {}", asked.stderr);
    let cut = ws101(&[
        "pcap",
        sample("snaplen-96.pcap").to_str().expect("UTF-8"),
        "--stats",
        "--compare-http",
    ]);
    assert!(cut.code != Some(2), "{}", cut.stderr);
}
