//! Recordings of real peers: what ws101 reads from the wire is what the peers themselves saw.
//!
//! Each recording has a `truth.json` written by its client and server. What these do not say
//! (how many frames, which close codes the server sent) was read with tshark 4.0 and is noted
//! beside the number. Those over TLS are opened with the key log beside them.

mod shared;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::{assert_none, brief, errors, list, number, of_type, text};

/// The recordings in which every message is listed by both peers, and every byte was captured.
const CHATS: [&str; 11] = [
    "chat-plain",
    "chat-deflate",
    "chat-fragments",
    "chat-ipv6",
    "chat-any-sll2",
    "chat-nano",
    "close-4001",
    "wss-tls13",
    "wss-tls12-gcm",
    "wss-tls12-chacha",
    "wss-tls12-cbc",
];

/// Well-known programs over TLS 1.2 and 1.3, proxies that end TLS among them.
const PROGRAMS: [&str; 8] = [
    "node-ws",
    "aiohttp",
    "connect",
    "nginx",
    "nginx-s_client",
    "nginx-curl",
    "haproxy",
    "haproxy-h2",
];

const OTHERS: [&str; 7] = [
    "snaplen-96",
    "heartbeat-lost",
    "reconnect-storm",
    "nginx-proxy",
    "browser-ws",
    "browser-wss-h1",
    "browser-wss-h2",
];

const DIRECTIONS: [(&str, &str); 2] =
    [("client", "client_to_server"), ("server", "server_to_client")];

#[test]
fn every_message_comes_out_as_the_peers_saw_it() {
    for name in CHATS {
        let Some((file, truth)) =
            shared::recording("every_message_comes_out_as_the_peers_saw_it", name)
        else {
            return;
        };
        let records = shared::pcap(&file).records();
        assert_eq!(of_type(&records, "connection").len(), 1, "{name}: connections");
        for (direction, key) in DIRECTIONS {
            let seen: Vec<&Value> = sent_by(&records, "message", direction);
            check_messages(name, direction, &seen, list(&truth, key));
        }
    }
}

#[test]
fn each_program_is_read_as_its_peer_heard_it() {
    for name in PROGRAMS {
        let Some((file, truth)) =
            shared::recording("each_program_is_read_as_its_peer_heard_it", name)
        else {
            return;
        };
        let records = shared::pcap(&file).records();
        assert_eq!(of_type(&records, "connection").len(), 1, "{name}: connections");
        for (direction, key) in DIRECTIONS {
            let seen: Vec<&Value> = sent_by(&records, "message", direction);
            check_messages(name, direction, &seen, list(&truth, key));
        }
        let closer = if name == "nginx-curl" { "server" } else { "client" };
        let close = sent_by(&records, "close", closer)[0];
        assert_eq!((&close["code"], &close["reason"]), (&truth["close"][0], &truth["close"][1]));
        let summary = &records.last().expect("a summary")["tls"];
        assert_eq!((&summary["opaque"], &summary["bad_records"]), (&json!(0), &json!(0)), "{name}");
        let errors = errors(&records);
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn the_close_code_and_reason_are_what_the_client_sent() {
    for name in CHATS {
        let Some((file, truth)) =
            shared::recording("the_close_code_and_reason_are_what_the_client_sent", name)
        else {
            return;
        };
        let records = shared::pcap(&file).records();
        // Python websockets answers with the code and reason that it received (tshark agrees).
        for (direction, _) in DIRECTIONS {
            let closes = sent_by(&records, "close", direction);
            assert_eq!(closes.len(), 1, "{name}: Close frames from the {direction}");
            assert_eq!(closes[0]["code"], truth["close"][0], "{name}: code, {direction}");
            assert_eq!(closes[0]["reason"], truth["close"][1], "{name}: reason, {direction}");
        }
        let end = the_only(&records, "end", name);
        assert_eq!(end["how"], "closing-handshake", "{name}");
        assert_eq!(end["closed_by"], "client", "{name}");
        assert_eq!(end["client_code"], truth["close"][0], "{name}");
        assert_eq!(end["server_code"], truth["close"][0], "{name}");
        assert_eq!(end["clean"], true, "{name}");
    }
}

#[test]
fn every_frame_that_tshark_counts_is_reported_whole() {
    // tshark -d tcp.port==PORT,http -Y websocket, all occurrences.
    let counted = [
        ("chat-plain", 82),
        ("chat-deflate", 122),
        ("chat-fragments", 133),
        ("chat-ipv6", 22),
        ("chat-any-sll2", 22),
        ("chat-nano", 22),
        ("close-4001", 8),
        ("heartbeat-lost", 24),
        ("reconnect-storm", 31),
        ("nginx-proxy", 8),
        ("browser-ws", 10),
    ];
    for (name, frames) in counted {
        let Some((file, _)) =
            shared::recording("every_frame_that_tshark_counts_is_reported_whole", name)
        else {
            return;
        };
        let records = shared::pcap(&file).records();
        let reported = of_type(&records, "frame");
        assert_eq!(reported.len(), frames, "{name}");
        assert!(reported.iter().all(|frame| frame["complete"] == true), "{name}: complete");
    }
}

/// Real peers that behave deserve no error, and one hop of one recording does not behave.
///
/// nginx-proxy: `/bad` forgets to forward Upgrade. The leg from nginx to the upstream server is
/// a handshake (it still has Sec-WebSocket-Key) in HTTP/1.0, with `Connection: close` and without
/// Upgrade; the upstream answers 505, which the client sees. RFC 6455 §4.2.1 items 1, 3 and 4.
/// heartbeat-lost and reconnect-storm end badly, but nobody breaks a MUST: warnings at most.
/// browser-ws has a plain GET on the endpoint, answered 400: it asks for no upgrade.
#[test]
fn no_error_is_found_where_nothing_was_wrong() {
    let mut complaints = Vec::new();
    for name in CHATS.into_iter().chain(OTHERS) {
        let Some((file, truth)) =
            shared::recording("no_error_is_found_where_nothing_was_wrong", name)
        else {
            return;
        };
        let run = shared::pcap(&file);
        let records = run.records();
        let upstream = truth["upstream"].as_u64().map(|port| format!(":{port}"));
        let bad_legs: BTreeSet<u64> = of_type(&records, "handshake")
            .into_iter()
            .filter(|handshake| text(&handshake["request"], "line").starts_with("GET /bad "))
            .map(|handshake| number(handshake, "connection"))
            .filter(|&leg| {
                let connection = connection(&records, leg);
                upstream.as_ref().is_some_and(|port| text(connection, "server").ends_with(port))
            })
            .collect();
        for error in errors(&records) {
            let leg = error["connection"].as_u64().unwrap_or(0);
            if !bad_legs.contains(&leg) {
                complaints.push(format!("{name}: {}", brief(error)));
            }
        }
        let expected_code = if name == "nginx-proxy" { 1 } else { 0 };
        if run.code != Some(expected_code) {
            complaints.push(format!("{name}: exit {:?}, expected {expected_code}", run.code));
        }
    }
    assert_none(&complaints);
}

#[test]
fn the_proxy_that_forgets_upgrade_is_found_out() {
    let Some((file, truth)) =
        shared::recording("the_proxy_that_forgets_upgrade_is_found_out", "nginx-proxy")
    else {
        return;
    };
    let records = shared::pcap(&file).records();
    let port = |key: &str| format!(":{}", number(&truth, key));
    let mut legs = BTreeMap::new();
    for handshake in of_type(&records, "handshake") {
        let server = text(connection(&records, number(handshake, "connection")), "server");
        let request = text(&handshake["request"], "line");
        let path = request.split(' ').nth(1).unwrap_or("").to_owned();
        legs.insert((path, server.ends_with(&port("upstream"))), handshake);
    }
    for upstream in [false, true] {
        let good = legs[&("/good".to_owned(), upstream)];
        assert_eq!(good["outcome"], "upgraded", "/good, upstream {upstream}");
        assert_eq!(good["valid"], true, "/good, upstream {upstream}");
        let bad = legs[&("/bad".to_owned(), upstream)];
        assert_eq!(bad["outcome"], "refused", "/bad, upstream {upstream}");
        assert_eq!(bad["status"], 505, "/bad, upstream {upstream}");
    }
    let bad_leg = &legs[&("/bad".to_owned(), true)]["connection"];
    let about_it: Vec<&str> = errors(&records)
        .into_iter()
        .filter(|error| error["connection"] == *bad_leg)
        .map(|error| text(error, "rule"))
        .collect();
    assert!(about_it.contains(&"HS-REQ-HTTP-VERSION"), "found instead: {about_it:?}");

    // `client_saw.good` is what came back through nginx: on both legs, from both ends.
    let through: Vec<&str> =
        of_type(&records, "message").iter().map(|message| text(message, "text")).collect();
    assert_eq!(through.len(), 4);
    let server_texts = sent_by(&records, "message", "server");
    assert!(server_texts.iter().all(|m| m["text"] == truth["client_saw"]["good"]), "{through:?}");
}

#[test]
fn bytes_that_were_not_captured_are_never_made_up() {
    let Some((file, truth)) =
        shared::recording("bytes_that_were_not_captured_are_never_made_up", "snaplen-96")
    else {
        return;
    };
    let records = shared::pcap(&file).records();
    let mut complaints = Vec::new();
    for (direction, key) in DIRECTIONS {
        let frames = sent_by(&records, "frame", direction);
        let truths = list(&truth, key);
        for message in sent_by(&records, "message", direction) {
            let parts = list(message, "frames");
            let whole = parts.iter().all(|part| {
                frames.iter().any(|frame| frame["frame"] == *part && frame["complete"] == true)
            });
            let marked = !whole || message["trusted"] == false || message["truncated"] == true;
            // Every message here is one frame (tshark, and the sizes in the recording).
            let before = frames
                .iter()
                .filter(|frame| frame["frame"].as_u64() < parts[0].as_u64() && is_data(frame));
            if !marked && !same_message(message, &truths[before.count()]) {
                complaints.push(format!("{direction}: silently wrong: {message}"));
            }
        }
    }
    assert_none(&complaints);
    let gaps = of_type(&records, "gap");
    assert!(!gaps.is_empty(), "94 % of the bytes were cut off and no gap is reported");
    assert!(gaps.iter().all(|gap| gap["reason"] == "snaplen"), "{gaps:?}");
}

/// Worked out from the packets' TCP headers, whose lengths tell where each frame begins: all
/// frame headers were captured, although the handshake itself was cut after 30 bytes.
#[test]
fn each_cut_frame_is_known_as_cut_and_each_whole_one_as_whole() {
    let Some((file, _)) = shared::recording(
        "each_cut_frame_is_known_as_cut_and_each_whole_one_as_whole",
        "snaplen-96",
    ) else {
        return;
    };
    let records = shared::pcap(&file).records();
    let cut = [1, 3, 6, 11, 13, 14, 15, 16, 17];
    let client =
        [48, 13, 131, 16, 1, 27, 3, 1, 7, 11, 65699, 1, 65696, 65698, 133, 50, 27, 3, 3, 5, 6];
    let server =
        [63, 14, 131, 16, 6, 46, 3, 4, 8, 11, 65699, 14, 65696, 65698, 133, 64, 46, 3, 3, 5, 6];
    for (direction, lengths) in [("client", client), ("server", server)] {
        let frames = sent_by(&records, "frame", direction);
        let seen: Vec<(u64, bool)> = frames
            .iter()
            .map(|frame| (number(frame, "payload_length"), frame["complete"] == true))
            .collect();
        let expected: Vec<(u64, bool)> =
            (1..).zip(lengths).map(|(n, l)| (l, !cut.contains(&n))).collect();
        assert_eq!(seen, expected, "{direction}: payload_length and complete of each frame");
    }
    // The lengths on the wire less what the file holds; 198,037 and 198,042 bytes were sent.
    for (direction, missing) in [("client", 198_037 - 562), ("server", 198_042 - 537)] {
        let gaps = sent_by(&records, "gap", direction);
        let total: u64 = gaps.iter().map(|gap| number(gap, "length")).sum();
        assert_eq!(total, missing, "bytes missing from the {direction}");
    }
}

/// The page's and the server's sizes count characters in text (`length`, `len`), bytes in binary.
#[test]
fn a_browser_and_its_server_logged_the_same_chat() {
    for name in ["browser-ws", "browser-wss-h1", "browser-wss-h2"] {
        let claim = "a_browser_and_its_server_logged_the_same_chat";
        let Some((file, truth)) = shared::recording(claim, name) else { return };
        check_browser(name, &file, &truth);
    }
}

fn check_browser(name: &str, file: &std::path::Path, truth: &Value) {
    let records = shared::pcap(file).records();
    let (page, server) = (list(truth, "page"), list(truth, "server"));

    let handshake = the_only(&records, "handshake", name);
    assert_eq!(handshake["subprotocol"], page[0][1]);
    assert_eq!(handshake["valid"], true);
    assert!(handshake["extensions"].to_string().contains("permessage-deflate"));

    // One server logs kinds of messages and the Close, the other Python types and the HTTP version.
    let sizes = server.iter().filter_map(|line| line[1].as_u64().filter(|_| line[0] != "CLOSE"));
    let seen: Vec<u64> =
        sent_by(&records, "message", "client").iter().map(|message| size(message)).collect();
    assert_eq!(seen, sizes.collect::<Vec<_>>(), "client to server, as the server logged it");
    let seen: Vec<Value> = sent_by(&records, "message", "server")
        .iter()
        .map(|message| json!(["message", size(message)]))
        .collect();
    assert_eq!(seen, page[1..page.len() - 1], "server to client, as the page logged it");

    // One server logged ["CLOSE", 3001], the pages ["close", 1000, "", true] and ["close", 3001, …].
    let closes = sent_by(&records, "close", "client");
    assert_eq!(closes[0]["code"], 3001);
    assert_eq!(closes[0]["reason"], "bye", "as tshark reads it");
    let closes = sent_by(&records, "close", "server");
    assert_eq!(closes[0]["code"], page[page.len() - 1][1]);
    let end = the_only(&records, "end", name);
    assert_eq!(end["client_would_report"], page[page.len() - 1][1]);
    assert_eq!(end["clean"], page[page.len() - 1][3]);
    // Only one of the two servers logged what it was told at the end.
    let logged = &server[server.len() - 1];
    if logged[0] == "CLOSE" {
        assert_eq!(end["server_would_report"], logged[1]);
    }
}

#[test]
fn a_lost_peer_leaves_the_server_closing_with_1011() {
    let Some((file, truth)) =
        shared::recording("a_lost_peer_leaves_the_server_closing_with_1011", "heartbeat-lost")
    else {
        return;
    };
    assert!(text(&truth["ended"], "server").starts_with("sent 1011"), "the reference");
    let records = shared::pcap(&file).records();
    // tshark: 12 texts, 5 pings from the server; 5 pongs, the last 3.4 s late, from the client.
    assert_eq!(sent_by(&records, "message", "server").len(), 12);
    let count = |opcode: &str| {
        of_type(&records, "frame").iter().filter(|f| f["opcode_name"] == opcode).count()
    };
    assert_eq!((count("ping"), count("pong"), count("close")), (5, 5, 2));
    let closes = sent_by(&records, "close", "server");
    assert_eq!(closes[0]["code"], 1011);
    assert_eq!(closes[0]["reason"], "keepalive ping timeout");
    let end = the_only(&records, "end", "heartbeat-lost");
    assert_eq!(end["server_code"], 1011);
    // The server's library reported "no close frame received"; the client, once it was woken, read
    // the Close that waited for it.
    assert_eq!(end["server_would_report"], 1006);
    assert_eq!(end["client_would_report"], 1011);
    let why = text(end, "why");
    let ping =
        "the server sent Close 1011 (Internal Error) after its fifth Ping had gone unanswered";
    assert!(why.starts_with(ping), "{why}");
    // tshark: the fifth Ping at 2.511 s, its Pong at 5.882 s.
    let heartbeat = &end["heartbeats"][0];
    assert_eq!((number(heartbeat, "pings"), number(heartbeat, "answered")), (5, 5));
    let longest = heartbeat["round_trip"][2].as_f64().expect("a time");
    assert!((longest - 3.371).abs() < 0.001, "{longest}");
}

#[test]
fn every_connection_of_a_reconnect_storm_is_told_apart() {
    let Some((file, truth)) =
        shared::recording("every_connection_of_a_reconnect_storm_is_told_apart", "reconnect-storm")
    else {
        return;
    };
    let times = number(&truth["reconnects"], "tight") + number(&truth["reconnects"], "backoff");
    let records = shared::pcap(&file).records();
    for kind in ["connection", "handshake", "message", "end"] {
        assert_eq!(of_type(&records, kind).len() as u64, times, "{kind} records");
    }
    assert!(of_type(&records, "handshake").iter().all(|h| h["outcome"] == "upgraded"));
    assert_eq!(of_type(&records, "close").len(), 0, "nobody sends Close");
    assert!(of_type(&records, "end").iter().all(|end| end["client_would_report"] == 1006));
}

#[test]
fn eight_clients_at_once_are_told_apart() {
    let claim = "eight_clients_at_once_are_told_apart";
    let Some((file, truth)) = shared::recording(claim, "desk") else { return };
    let records = shared::pcap(&file).records();
    let connections = of_type(&records, "connection");
    assert_eq!(connections.len(), 8);
    for connection in connections {
        let number = &connection["connection"];
        let port = text(connection, "client").rsplit(':').next().expect("a port");
        let noted = &truth["connections"][port];
        for direction in ["client", "server"] {
            let sent = sent_by(&records, "message", direction);
            let seen: Vec<_> = sent.into_iter().filter(|it| it["connection"] == *number).collect();
            check_messages("desk", direction, &seen, list(noted, direction));
        }
        let ends = of_type(&records, "end");
        let end = ends.iter().find(|it| it["connection"] == *number).expect("an end");
        assert_eq!(end["client_would_report"], noted["close"][0], "{port}");
    }
}

// Comparing and reading.

fn check_messages(name: &str, direction: &str, seen: &[&Value], expected: &[Value]) {
    for (at, (message, truth)) in seen.iter().zip(expected).enumerate() {
        let number = at + 1;
        assert_eq!(message["message"], number, "{name}: {direction} message {number}");
        assert!(
            same_message(message, truth),
            "{name}: {direction} message {number}\n  seen     {}\n  expected {}",
            start_of(message),
            start_of(truth),
        );
        assert!(message["trusted"] != false, "{name}: {direction} message {number} not trusted");
    }
    assert_eq!(seen.len(), expected.len(), "{name}: messages from the {direction}");
}

/// Same kind, same content; a Base64 string stands for its bytes.
fn same_message(message: &Value, truth: &Value) -> bool {
    match (truth.get("text"), truth.get("binary")) {
        (Some(text), None) => message["opcode_name"] == "text" && message["text"] == *text,
        (None, Some(bytes)) => message["opcode_name"] == "binary" && message["base64"] == *bytes,
        _ => panic!("a truth is text or binary: {truth}"),
    }
}

fn start_of(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}

fn size(message: &Value) -> u64 {
    match message["text"].as_str() {
        Some(text) => text.encode_utf16().count() as u64,
        None => number(message, "length"),
    }
}

fn sent_by<'a>(records: &'a [Value], kind: &str, direction: &str) -> Vec<&'a Value> {
    let mut found = of_type(records, kind);
    found.retain(|record| record["direction"] == direction);
    found
}

fn the_only<'a>(records: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = of_type(records, kind);
    assert_eq!(found.len(), 1, "{name}: {kind} records");
    found[0]
}

fn connection(records: &[Value], number: u64) -> &Value {
    let connections = of_type(records, "connection");
    connections.into_iter().find(|c| c["connection"] == number).expect("a record of its own")
}

fn is_data(frame: &Value) -> bool {
    matches!(frame["opcode"].as_u64(), Some(0..=2))
}
