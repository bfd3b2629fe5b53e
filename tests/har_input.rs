//! HAR as an input of `pcap`: what browsers' tools and others write, and our own output read back.

mod shared;

use serde_json::{Value, json};
use shared::{of_type, recording, shared, utf8, ws101, ws101_with_input};
use std::path::PathBuf;

fn jsonl(har: &str) -> Vec<Value> {
    let run = ws101_with_input(&["pcap", "-", "--format", "jsonl"], har.as_bytes());
    assert!(run.code.is_some_and(|code| code < 2), "{}", run.stderr);
    run.records()
}

/// Direction, number, kind, text or Base64 of each message.
fn messages(records: &[Value]) -> Vec<[Value; 5]> {
    let fields = ["direction", "message", "opcode_name", "text", "base64"];
    let of = |message: &Value| fields.map(|field| message[field].clone());
    of_type(records, "message").into_iter().map(of).collect()
}

#[test]
fn our_own_har_comes_back_as_the_same_conversation() {
    for name in ["chat-plain", "chat-deflate", "chat-fragments", "close-4001", "chat-ipv6"] {
        let file = recording("har_input", name).expect("the recording is in samples/").0;
        let packets = ws101(&["pcap", utf8(&file), "--format", "jsonl"]).records();
        let har = ws101(&["pcap", utf8(&file), "--format", "har"]).stdout;
        let records = jsonl(std::str::from_utf8(&har).expect("JSON"));
        let by_end = |records: &[Value], end: &str| {
            let mut all = messages(records);
            all.retain(|message| message[0] == end);
            all
        };
        for end in ["client", "server"] {
            let (expected, found) = (by_end(&packets, end), by_end(&records, end));
            assert!(!expected.is_empty(), "{name}");
            assert_eq!(found, expected, "{name}, {end}");
        }
        let codes = |records: &[Value]| {
            let closes = of_type(records, "close");
            closes.iter().map(|close| [close["code"].clone(), close["reason"].clone()]).collect()
        };
        let (expected, found): (Vec<_>, Vec<_>) = (codes(&packets), codes(&records));
        assert_eq!(found, expected, "{name}");
        let handshake = |records: &[Value]| {
            let handshake = of_type(records, "handshake")[0];
            [&handshake["request"]["headers"], &handshake["response"]["headers"]].map(Value::clone)
        };
        assert_eq!(handshake(&records), handshake(&packets), "{name}");
        // Nothing below messages is made up.
        assert!(of_type(&records, "frame").is_empty(), "{name}");
        assert!(of_type(&records, "close").iter().all(|close| close["frame"].is_null()), "{name}");
        assert!(of_type(&records, "message").iter().all(|one| one["frames"] == json!([])));
        assert_eq!(of_type(&records, "capture")[0]["format"], "har");
    }
}

/// A HAR has no pseudo-header fields: that they are missing says nothing of the client.
#[test]
fn our_own_har_of_http2_comes_back_without_a_complaint() {
    let name = "browser-wss-h2";
    let file = recording("har_input", name).expect("the recording is in samples/").0;
    let keys = file.with_extension("keys");
    let run = ws101(&["pcap", utf8(&file), "--keylog", utf8(&keys), "--format", "har"]);
    let records = jsonl(std::str::from_utf8(&run.stdout).expect("JSON"));
    assert_eq!(messages(&records).len(), 8);
    let errors: Vec<_> = shared::errors(&records).into_iter().map(shared::brief).collect();
    shared::assert_none(&errors);
}

/// A HAR with one entry.
fn har(entry: Value) -> String {
    json!({ "log": { "version": "1.2", "entries": [entry] } }).to_string()
}

fn entry(messages: Value) -> Value {
    json!({
        "startedDateTime": "2026-11-20T22:11:39.500Z",
        "time": 9000.0,
        "timings": { "send": 0, "wait": 20.0, "receive": 8980 },
        "_resourceType": "websocket",
        "serverIPAddress": "203.0.113.5",
        "request": {
            "method": "GET", "url": "wss://server.example.com/chat", "httpVersion": "HTTP/1.1",
            "headers": [
                { "name": "Host", "value": "server.example.com" },
                { "name": "Connection", "value": "Upgrade" },
                { "name": "Upgrade", "value": "websocket" },
                { "name": "Sec-WebSocket-Version", "value": "13" },
                { "name": "Sec-WebSocket-Key", "value": "dGhlIHNhbXBsZSBub25jZQ==" },
            ],
        },
        "response": {
            "status": 101, "statusText": "Switching Protocols", "httpVersion": "HTTP/1.1",
            "headers": [
                { "name": "Upgrade", "value": "websocket" },
                { "name": "Connection", "value": "Upgrade" },
                { "name": "Sec-WebSocket-Accept", "value": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
            ],
        },
        "_webSocketMessages": messages,
    })
}

#[test]
fn messages_as_chrome_writes_them() {
    // Seconds as a number; binary in Base64; an error has the opcode -1.
    let records = jsonl(&har(entry(json!([
        { "type": "send", "time": 1_795_212_699.7, "opcode": 1, "data": "Hello" },
        { "type": "receive", "time": 1_795_212_699.9, "opcode": 2, "data": "AAEC" },
        { "type": "error", "time": 1_795_212_700.0, "opcode": -1, "data": "net::ERR_FAILED" },
    ]))));
    assert_eq!(
        messages(&records),
        [
            [json!("client"), json!(1), json!("text"), json!("Hello"), Value::Null],
            [json!("server"), json!(1), json!("binary"), Value::Null, json!("AAEC")],
        ]
    );
    let message = of_type(&records, "message")[0];
    assert_eq!(message["time"], "1795212699.700000000");
    let handshake = of_type(&records, "handshake")[0];
    assert_eq!((&handshake["valid"], &handshake["outcome"]), (&json!(true), &json!("upgraded")));
    let connection = of_type(&records, "connection")[0];
    assert_eq!(connection["server"], "203.0.113.5:443");
    let summary = records.last().expect("a summary");
    assert_eq!(summary["skipped"][0]["count"], 1);
}

#[test]
fn an_entry_that_was_refused_or_never_answered_is_told_as_such() {
    for (status, outcome) in [(403, "refused"), (0, "incomplete")] {
        let mut entry = entry(json!([]));
        entry["response"]["status"] = status.into();
        entry["response"]["headers"] = json!([]);
        let records = jsonl(&har(entry));
        assert_eq!(of_type(&records, "handshake")[0]["outcome"], outcome);
        assert!(messages(&records).is_empty());
    }
}

#[test]
fn messages_are_chosen_and_shown_like_those_of_a_capture() {
    let har = har(entry(json!([
        { "type": "send", "time": 1_795_212_699.7, "opcode": 1, "data": "Hello" },
        { "type": "receive", "time": 1_795_212_699.9, "opcode": 1, "data": "an error" },
    ])));
    let run = ws101_with_input(&["pcap", "--text", "error", "-"], har.as_bytes());
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    assert!(text.contains("\"an error\"") && !text.contains("\"Hello\""), "{text}");
    let run = ws101_with_input(&["pcap", "--since", "0.3", "-"], har.as_bytes());
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    assert!(text.contains("\"an error\"") && !text.contains("\"Hello\""), "{text}");
}

/// What a HAR does not tell was told: TCP that was still open, a frame 0.
#[test]
fn nothing_is_told_of_what_carried_the_messages() {
    let (file, _) = recording("har", "close-4001").expect("the recording is in samples/");
    let har = ws101(&["pcap", utf8(&file), "--format", "har"]).stdout;
    let run = ws101_with_input(&["pcap", "--summary", "-"], &har);
    assert!(String::from_utf8_lossy(&run.stdout).contains("cleanly by the client, 4001"));
    let records = jsonl(&String::from_utf8(har.clone()).expect("UTF-8"));
    let findings = of_type(&records, "finding");
    assert!(findings.iter().any(|finding| finding["rule"] == "CLS-EXPLAIN"));
    assert!(findings.iter().all(|finding| finding["frame"].is_null()), "{findings:?}");
    let why = of_type(&records, "end")[0]["why"].as_str().expect("a sentence").to_owned();
    assert!(why.contains("how TCP ended was not recorded"), "{why}");
    // And out again, to the URL that it was.
    let again = ws101_with_input(&["pcap", "-", "--format", "har"], &har).stdout;
    let url = |har: &[u8]| {
        let har: Value = serde_json::from_slice(har).expect("JSON");
        har["log"]["entries"][0]["request"]["url"].clone()
    };
    assert_eq!(url(&again), url(&har));
}

#[test]
fn what_is_no_har_or_has_no_websocket_is_said() {
    let cases = [
        ("{\"log\": {\"entries\": []}}", "this HAR has no entries"),
        ("{\"log\": 7}", "this is JSON, but no HAR"),
        ("{\"log\": {\"entries\": [", "this begins like JSON, but it is not"),
    ];
    for (text, message) in cases {
        for format in ["text", "jsonl"] {
            let run = ws101_with_input(&["pcap", "-", "--format", format], text.as_bytes());
            assert_eq!((run.code, run.stdout.len()), (Some(2), 0), "{text}");
            assert!(run.stderr.contains(message), "{}", run.stderr);
        }
    }
}

#[test]
fn public_hars_are_read() {
    let expected = [
        ("mikekap__pcap2har/test_websocket.py-test_websocket_parse.har", 1, 5),
        ("mikekap__pcap2har/test_websocket.py-test_websocket_segmented.har", 1, 2),
        ("mitmproxy__mitmproxy/test__mitmproxy__data__flows__websocket.har", 3, 5),
    ];
    for (name, connections, count) in expected {
        let Some(folder) = shared("public_hars_are_read", "captures/public/har") else { return };
        let file: PathBuf = folder.join(name);
        let records = ws101(&["pcap", utf8(&file), "--format", "jsonl"]).records();
        assert_eq!(of_type(&records, "connection").len(), connections, "{name}");
        assert_eq!(messages(&records).len(), count, "{name}");
    }
}
