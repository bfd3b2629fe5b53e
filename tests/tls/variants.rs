//! Every kind of TLS that is read, through the real binary: short conversations between OpenSSL's
//! s_client and s_server (`samples/record/tls-variants.py`), held to what each of the two printed that it
//! had received.

use crate::film::{Film, sample};
use crate::shared::{number, of_type, utf8, ws101};
use serde_json::Value;
use std::collections::BTreeMap;

const NAME: &str = "tls-variants";

fn truth() -> Vec<Value> {
    let file = sample(&format!("{NAME}.truth.json"));
    let text = std::fs::read_to_string(file).expect("it is there");
    let truth: Value = serde_json::from_str(&text).expect("it is JSON");
    truth["conversations"].as_array().expect("a list").clone()
}

fn run(keys: &str) -> Vec<Value> {
    let file = sample(&format!("{NAME}.pcap"));
    ws101(&["pcap", "--format", "jsonl", utf8(&file), "--keylog", keys]).records()
}

fn port(record: &Value) -> u64 {
    let server = record["server"].as_str().expect("an address");
    server.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// The texts that an endpoint said on a connection.
fn texts(records: &[Value], connection: &Value, direction: &str) -> Vec<Value> {
    let messages = of_type(records, "message").into_iter();
    let is_its = |it: &&Value| it["connection"] == *connection && it["direction"] == direction;
    messages.filter(is_its).map(|message| message["text"].clone()).collect()
}

#[test]
fn each_conversation_is_read_as_openssl_heard_it() {
    let records = run(utf8(&sample(&format!("{NAME}.keys"))));
    let mut connections: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for connection in of_type(&records, "connection") {
        connections.entry(port(connection)).or_default().push(connection);
    }
    let truth = truth();
    assert!(truth.len() > 50, "only {}", truth.len());
    for said in &truth {
        let name = &said["name"];
        let here = connections.get_mut(&number(said, "port")).filter(|here| !here.is_empty());
        let connection = here.unwrap_or_else(|| panic!("{name} was not read")).remove(0);
        let (id, tls) = (&connection["connection"], &connection["tls"]);
        assert_eq!(
            (&tls["version"], &tls["cipher_suite"]),
            (&said["version"], &said["cipher_suite"])
        );
        for direction in ["client", "server"] {
            assert_eq!(Value::from(texts(&records, id, direction)), said[direction], "{name}");
        }
        let of_it = |kind| of_type(&records, kind).into_iter().filter(|it| it["connection"] == *id);
        assert!(of_it("handshake").all(|it| it["valid"] == true), "{name}");
        assert_eq!((of_it("handshake").count(), of_it("gap").count()), (1, 0), "{name}");
    }
    assert!(connections.values().all(Vec::is_empty), "{connections:?}");
    let summary = &records.last().expect("a summary")["tls"];
    assert_eq!(summary["read"], truth.len());
    assert_eq!((&summary["opaque"], &summary["bad_records"]), (&0.into(), &0.into()));
    // One of the client, one that asks the server for another, one of the server; three rounds of R.
    assert_eq!((&summary["key_updates"], &summary["renegotiations"]), (&4.into(), &3.into()));
}

#[test]
fn without_secrets_each_is_listed_with_its_version_and_cipher() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "").expect("it is written");
    let records = run(utf8(&keys));
    let listed = of_type(&records, "tls");
    let truth = truth();
    assert_eq!(listed.len(), truth.len());
    for (listed, said) in listed.iter().zip(&truth) {
        for fact in ["version", "cipher_suite"] {
            assert_eq!(listed[fact], said[fact], "{}", said["name"]);
        }
        assert_eq!(listed["server_name"], "localhost");
    }
    assert!(of_type(&records, "message").is_empty());
}

/// 0-RTT data has a secret of its own: without it the request is not read, and all after it is.
#[test]
fn a_request_sent_early_needs_the_secret_for_early_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    let log = std::fs::read_to_string(sample(&format!("{NAME}.keys"))).expect("it is there");
    let lines: Vec<_> = log.lines().collect();
    let kept: Vec<_> = lines.iter().filter(|it| !it.starts_with("CLIENT_EARLY")).copied().collect();
    assert_eq!(kept.len() + 1, lines.len(), "one connection has early data");
    std::fs::write(&keys, kept.join("\n")).expect("it is written");
    let records = run(utf8(&keys));
    let truth = truth();
    let early = truth.iter().rfind(|it| it["name"] == "resumption and 0-RTT").expect("it is there");
    let connections = of_type(&records, "connection");
    let connection = connections.iter().rfind(|it| port(it) == number(early, "port"));
    let id = &connection.expect("the rest of it is read")["connection"];
    for direction in ["client", "server"] {
        assert_eq!(Value::from(texts(&records, id, direction)), early[direction]);
    }
    let handshakes = of_type(&records, "handshake");
    let handshake = handshakes.iter().find(|it| it["connection"] == *id);
    assert!(handshake.is_none_or(|it| it["request"].is_null()), "{handshake:?}");
}

/// The recording holds what it is for: hellos over several segments, and over several records.
#[test]
fn hellos_are_larger_than_segments_and_records_where_they_should_be() {
    let film = Film::of(NAME);
    let truth = truth();
    let first = |name: &str| {
        let said = truth.iter().find(|it| it["name"] == name).expect("it is there");
        let port = number(said, "port") as u16;
        let mut packets = film.with_payload().into_iter();
        let is_to =
            |packet: &usize| film.packets[*packet][16 + 14 + 20 + 2..][..2] == port.to_be_bytes();
        let packet = packets.find(is_to).expect("a packet");
        let payload = &film.packets[packet][film.payload(packet).expect("it has one")..];
        let length = |at: usize| usize::from(u16::from_be_bytes([payload[at], payload[at + 1]]));
        assert_eq!((payload[0], payload[5]), (22, 1), "a ClientHello in {name}");
        // The record, the message in it, and what of both this segment holds.
        (length(3), length(7), payload.len())
    };
    let (record, message, segment) = first("a ClientHello of many segments");
    assert!(record > 2 * segment && record > message, "{record}, {message}, {segment}");
    for name in ["messages over records, 1.3", "messages over records, 1.2"] {
        let (record, message, _) = first(name);
        assert!(message > 3 * record, "{name}: {message} bytes in records of {record}");
    }
}
