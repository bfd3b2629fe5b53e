//! `ws101 diff`: what differs between two connections, and whether it matters.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::{Value, json};
use shared::{of_type, text};
use std::path::Path;
use tape::By::{Client, Server};
use tape::{ACCEPTED, REQUEST, Tape};

const TEXTBOOK: &str = "samples/handshakes/textbook.http";
const NGINX: &str = "samples/captures/nginx-proxy.pcap";

/// The exit status and the records.
fn diff(a: &str, b: &str) -> (Option<i32>, Vec<Value>) {
    let run = shared::ws101(&["diff", a, b, "--format", "jsonl"]);
    let records = if run.code == Some(2) { Vec::new() } else { run.records() };
    (run.code, records)
}

fn about<'a>(records: &'a [Value], about: &str) -> Option<&'a Value> {
    of_type(records, "difference").into_iter().find(|it| it["about"] == about)
}

/// A file of that content.
fn file(name: &str, content: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the folder for tests can be written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn the_same_is_no_difference() {
    for same in [TEXTBOOK, "samples/captures/chat-plain.pcap"] {
        let (code, records) = diff(same, same);
        assert_eq!(code, Some(0), "{same}");
        assert_eq!(of_type(&records, "difference").len(), 0, "{same}: {records:#?}");
        assert_eq!(records[0]["verdict"], "both work, and nothing that differs matters");
    }
}

#[test]
fn a_proxy_that_strips_upgrade_is_the_verdict() {
    let (code, records) = diff(&format!("{NGINX}#1"), &format!("{NGINX}#3"));
    assert_eq!(code, Some(1));
    let verdict = text(&records[0], "verdict");
    assert!(verdict.starts_with("B fails because the proxy took Upgrade out"), "{verdict}");
    assert!(text(&records[0], "mend").contains("proxy_set_header Upgrade"));
    assert_eq!(records[1]["weight"], "decides");
    assert_eq!(
        about(&records, "outcome of the handshake").expect("it differs")["b"],
        "505, no upgrade"
    );

    // Behind the proxy: what the server was sent.
    let (code, records) = diff(&format!("{NGINX}#4"), &format!("{NGINX}#2"));
    assert_eq!(code, Some(1));
    assert!(text(&records[0], "verdict").starts_with("A fails because the proxy took Upgrade out"));
    let upgrade = about(&records, "request header Upgrade").expect("it differs");
    assert_eq!((&upgrade["weight"], &upgrade["a"]), (&json!("decides"), &Value::Null));
    assert_eq!(upgrade["b"], "websocket");
    assert_eq!(
        about(&records, "HTTP version of the request").expect("it differs")["a"],
        "HTTP/1.0"
    );
    assert!(about(&records, "request header Sec-WebSocket-Key").is_none(), "both are valid");
}

#[test]
fn each_broken_sample_fails_beside_the_textbook() {
    for entry in std::fs::read_dir("samples/broken").expect("the samples are there") {
        let path = entry.expect("it can be listed").path();
        let path = path.to_str().expect("UTF-8");
        let (code, records) = diff(TEXTBOOK, path);
        assert_eq!(code, Some(1), "{path}");
        let verdict = text(&records[0], "verdict");
        assert!(verdict.starts_with("B fails"), "{path}: {verdict}");
        assert!(!verdict.contains("nothing tells why"), "{path}: {verdict}");
        assert_eq!(records[1]["weight"], "decides", "{path}: {records:#?}");
        let key = about(&records, "request header Sec-WebSocket-Key");
        let has_other_key =
            !std::fs::read_to_string(path).unwrap().contains("dGhlIHNhbXBsZSBub25jZQ==");
        assert!(key.is_none() || has_other_key, "{path}: {key:?}");
        // The other way round it is A.
        let (_, records) = diff(path, TEXTBOOK);
        assert!(text(&records[0], "verdict").starts_with("A fails"), "{path}");
    }
}

#[test]
fn order_case_and_random_values_are_no_difference() {
    let one = file("diff-one.http", &format!("{REQUEST}{ACCEPTED}"));
    let other = "GET /chat HTTP/1.1\r\nSEC-WEBSOCKET-VERSION: 13\r\nconnection: upgrade , Keep-Alive\r\n\
        UPGRADE: WebSocket\r\nSec-WebSocket-Key: yP0m8Qm5c2Jj5m0y1T1x3g==\r\n\
        host: server.example.com\r\n\r\n\
        HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: Yesfb5d/bignNxryFTLE28uydDg=\r\n\
        Connection: upgrade\r\nUpgrade: WEBSOCKET\r\n\r\n";
    let other = file("diff-other.http", &other.replace(" , Keep-Alive", ""));
    let (code, records) = diff(&one, &other);
    assert_eq!(of_type(&records, "difference").len(), 0, "{records:#?}");
    assert_eq!(code, Some(0));
}

#[test]
fn what_is_secret_is_not_shown() {
    let with = |token: &str| {
        format!("{}{ACCEPTED}", REQUEST.replace("Host:", &format!("Cookie: sid={token}\r\nHost:")))
            .replace("/chat", &format!("/chat?token={token}"))
    };
    let one = file("diff-secret-1.http", &with("geheim1"));
    let other = file("diff-secret-2.http", &with("geheim2"));
    for more in ["text", "json"] {
        let run = shared::ws101(&["diff", &one, &other, "-v", "--format", more]);
        let shown = String::from_utf8(run.stdout).expect("UTF-8");
        assert!(shown.contains("request header Cookie"), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
    }
}

#[test]
fn two_captures_differ_in_how_they_end() {
    let mut fine = Tape::default();
    let line = fine.upgrade(0.0, 50001);
    fine.hex(1.0, line, Client, "81 81 01 02 03 04 60");
    fine.hex(2.0, line, Client, "88 82 01 02 03 04 02 ea");
    fine.hex(2.1, line, Server, "88 02 03 e8");
    fine.fin(2.1, line, Server);
    let mut torn = Tape::default();
    let line = torn.upgrade(0.0, 50001);
    torn.hex(1.0, line, Client, "81 81 01 02 03 04 60");
    torn.rst(61.0, line, Server);
    let (fine, torn) = (fine.write("diff-fine.pcap"), torn.write("diff-torn.pcap"));
    let (code, records) = diff(shared::utf8(&fine), shared::utf8(&torn));
    assert_eq!(code, Some(1));
    assert!(text(&records[0], "verdict").starts_with("B fails"), "{records:#?}");
    let codes = about(&records, "close codes").expect("they differ");
    assert_eq!(codes["a"], "client 1000, server 1000");
    assert_eq!(codes["b"], "client no Close, server no Close");
    assert!(about(&records, "messages of the client").is_none());
}

#[test]
fn what_can_not_be_read_is_said() {
    for (a, says) in [
        ("samples/none.http", "can't be read"),
        ("samples/captures/nginx-proxy.pcap#99", "has no WebSocket connection 99; it has 4"),
        ("samples/captures/nginx-proxy.pcap#x", "is no number of a connection"),
        ("Cargo.toml", "can't be read as a handshake"),
    ] {
        let run = shared::ws101(&["diff", a, TEXTBOOK]);
        assert_eq!(run.code, Some(2), "{a}");
        assert!(run.stderr.contains(says), "{a}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{a}");
    }
}

#[test]
fn captures_over_tls_are_compared_with_their_keys() {
    let claim = "captures_over_tls_are_compared_with_their_keys";
    let Some((old, _)) = shared::recording(claim, "wss-tls12-gcm") else { return };
    let Some((new, _)) = shared::recording(claim, "wss-tls13") else { return };
    let (old_keys, new_keys) = (old.with_extension("keys"), new.with_extension("keys"));
    if !old_keys.exists() || !new_keys.exists() {
        return shared::say(&format!("SKIPPED {claim}: the keys are not here"));
    }
    let [old, new, old_keys, new_keys] =
        [&old, &new, &old_keys, &new_keys].map(|path| shared::utf8(path));
    let args = ["diff", old, new, "--keylog", old_keys, "--keylog", new_keys, "--format", "jsonl"];
    let run = shared::ws101(&args);
    assert_ne!(run.code, Some(2), "{}", run.stderr);
    let records = run.records();
    assert!(text(&records[0], "verdict").starts_with("both work"), "{records:#?}");
    // Without keys there is no connection to compare.
    assert_eq!(shared::ws101(&["diff", old, new]).code, Some(2));
}
