//! WebSocket over HTTP/2 in the clear (RFC 8441): recordings of real peers, whole, from any packet on,
//! and with any packet missing. What is shown is what the peers saw, or it is not shown.

#[path = "shared/mod.rs"]
mod shared;

use serde_json::Value;
use shared::{list, number, of_type, text, utf8, ws101};
use std::path::{Path, PathBuf};

const RECORDINGS: [&str; 2] = ["h2c-prior", "h2c-upgrade"];

/// The same over TLS, where the second request's head takes a HEADERS and a CONTINUATION.
const OVER_TLS: &str = "h2-tls";

/// What the command tells of a recording.
fn records(name: &str) -> Vec<Value> {
    let [file, keys] = ["pcap", "keys"].map(|kind| sample(&format!("{name}.{kind}")));
    let mut arguments = vec!["pcap", utf8(&file), "--format", "jsonl"];
    if keys.exists() {
        arguments.extend(["--keylog", utf8(&keys)]);
    }
    ws101(&arguments).records()
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures").join(name)
}

fn truth(name: &str) -> Value {
    let truth = shared::read_text(&sample(&format!("{name}.truth.json")));
    serde_json::from_str(&truth).expect("JSON")
}

/// What a `message` record says, as the truth has it.
fn said(message: &Value) -> Value {
    match message["text"].as_str() {
        Some(text) => serde_json::json!({ "text": text }),
        None => serde_json::json!({ "binary": message["base64"] }),
    }
}

/// What one endpoint said on one connection, whole and beyond doubt.
fn messages(records: &[Value], connection: &Value, direction: &str) -> Vec<Value> {
    let messages = of_type(records, "message").into_iter();
    messages
        .filter(|it| it["connection"] == *connection && it["direction"] == direction)
        .filter(|it| it["complete"] == true && it["trusted"] == true && it["truncated"] == false)
        .map(said)
        .collect()
}

#[test]
fn each_stream_is_what_its_peers_saw() {
    for name in RECORDINGS.into_iter().chain([OVER_TLS]) {
        let (records, truth) = (records(name), truth(name));
        let handshakes = of_type(&records, "handshake");
        assert_eq!(handshakes.len(), 2, "{name}");
        for handshake in handshakes {
            assert_eq!(handshake["valid"], true, "{name}: {handshake}");
            let field = |head: &str, name: &str| {
                let fields = list(&handshake[head], "headers").iter();
                fields.filter(|it| it[0] == name).map(|it| text(it, "1").to_owned()).next()
            };
            let path = list(&handshake["request"], "headers").iter().find(|it| it[0] == ":path");
            let path = path.expect("a path")[1].as_str().expect("text").to_owned();
            assert!(field("request", ":authority").is_some());
            let [client, server] =
                ["client", "server"].map(|end| messages(&records, &handshake["connection"], end));
            assert_eq!(client, list(&truth["client_to_server"], &path), "{name} {path}");
            assert_eq!(server, list(&truth["server_to_client"], &path), "{name} {path}");
        }
        let why = |number: u64| {
            let end = of_type(&records, "end").into_iter().find(|it| it["connection"] == number);
            text(end.expect("an end"), "why")
        };
        assert!(why(1).contains("Close 1000"), "{}", why(1));
        assert!(why(1).contains("the client had sent GOAWAY with NO_ERROR (0);"), "{}", why(1));
        assert!(why(2).contains("the client reset the stream with CANCEL (8)"), "{}", why(2));
        let others = if name == "h2c-upgrade" { 3 } else { 2 };
        assert_eq!(number(records.last().expect("a summary"), "other_exchanges"), others);
        let errors = shared::errors(&records);
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let how = |number: u64| {
            let end = of_type(&records, "end").into_iter().find(|it| it["connection"] == number);
            end.expect("an end")["transport_end"].clone()
        };
        assert_eq!(how(2), "rst-stream", "{name}");
    }
}

#[test]
fn http2_over_tls_is_named_and_a_long_head_is_whole() {
    let records = records(OVER_TLS);
    for connection in of_type(&records, "connection") {
        assert_eq!(
            (&connection["transport"], &connection["tls"]["alpn"]),
            (&"h2".into(), &"h2".into())
        );
        assert_eq!(connection["tls"]["version"], "TLS 1.3");
    }
    let request = &of_type(&records, "handshake")[1]["request"];
    let cookie = list(request, "headers").iter().find(|it| it[0] == "cookie").expect("a cookie");
    // No frame is longer than 16,384 bytes, and Huffman's code takes more than six bits for these.
    assert_eq!(text_at(cookie, 1), format!("long={}", "Zq~".repeat(7000)));
    let [file, keys] = ["pcap", "keys"].map(|kind| sample(&format!("{OVER_TLS}.{kind}")));
    let text = ws101(&["pcap", utf8(&file), "--keylog", utf8(&keys), "--width", "160"]).stdout;
    let text = String::from_utf8(text).expect("text");
    for said in ["HTTP/2 stream 5 · TLS 1.3 · TLS_AES_256_GCM_SHA384", "stream reset by the client"]
    {
        assert!(text.contains(said), "no {said:?} in {text}");
    }
}

/// The file's header, and its packets with theirs.
fn split(file: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
    let bytes = std::fs::read(file).expect("it is there");
    let (mut packets, mut at) = (Vec::new(), 24);
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four"));
        let end = at + 16 + length as usize;
        packets.push(bytes[at..end].to_vec());
        at = end;
    }
    (bytes[..24].to_vec(), packets)
}

/// Every message that is shown whole was said, in that direction of one of the streams.
fn check_truth(what: &str, records: &[Value], truth: &Value) -> usize {
    let mut shown = 0;
    for connection in of_type(records, "connection") {
        for (direction, key) in [("client", "client_to_server"), ("server", "server_to_client")] {
            let found = messages(records, &connection["connection"], direction);
            shown += found.len();
            let streams = truth[key].as_object().expect("streams").values();
            let is_part_of = |stream: &Value| {
                // In order, though some may be missing.
                let mut said = stream.as_array().expect("messages").iter();
                found.iter().all(|found| said.any(|it| it == found))
            };
            assert!(streams.into_iter().any(is_part_of), "{what}: {direction}: {found:?}");
        }
    }
    for handshake in of_type(records, "handshake") {
        for (name, value) in ["request", "response"].iter().flat_map(|head| {
            list(&handshake[*head], "headers").iter().map(|it| (text_at(it, 0), text_at(it, 1)))
        }) {
            let expected = match name {
                ":path" | "x-room" => &["/one", "/two"][..],
                ":method" => &["CONNECT"],
                ":protocol" => &["websocket"],
                ":status" => &["200"],
                "user-agent" => &["h2c.py"],
                "x-token" => &["kept in the table"],
                "sec-websocket-version" => &["13"],
                _ => continue,
            };
            assert!(expected.contains(&value), "{what}: {name}: {value}");
        }
    }
    shown
}

fn text_at(pair: &Value, index: usize) -> &str {
    pair[index].as_str().unwrap_or_default()
}

fn play(what: &str, header: &[u8], packets: &[&Vec<u8>], truth: &Value) -> (Vec<Value>, usize) {
    let bytes: Vec<u8> =
        header.iter().chain(packets.iter().flat_map(|packet| packet.iter())).copied().collect();
    let run = shared::ws101_with_input(&["pcap", "-", "--format", "jsonl"], &bytes);
    let records = run.records();
    let shown = check_truth(what, &records, truth);
    (records, shown)
}

#[test]
fn a_capture_that_begins_late_shows_what_can_be_known_and_nothing_else() {
    for name in RECORDINGS {
        let (header, packets) = split(&sample(&format!("{name}.pcap")));
        let truth = truth(name);
        let whole = play(name, &header, &packets.iter().collect::<Vec<_>>(), &truth).1;
        let mut late = Vec::new();
        for first in 1..packets.len() {
            let rest: Vec<_> = packets[first..].iter().collect();
            let (records, shown) = play(&format!("{name} from {first}"), &header, &rest, &truth);
            assert!(shown <= whole);
            let is_late =
                of_type(&records, "connection").iter().any(|it| it["origin"] == "assumed");
            late.extend(is_late.then_some(shown));
        }
        // Behind the two heads there are a dozen messages; with half of them left, most are found.
        assert!(late.iter().max() >= Some(&8), "{name}: {late:?}");
    }
}

#[test]
fn a_lost_packet_costs_no_more_than_what_was_in_it_or_hangs_on_it() {
    for name in RECORDINGS {
        let (header, packets) = split(&sample(&format!("{name}.pcap")));
        let truth = truth(name);
        let whole = play(name, &header, &packets.iter().collect::<Vec<_>>(), &truth).1;
        let mut costs = Vec::new();
        for lost in 0..packets.len() {
            let rest: Vec<_> =
                packets.iter().enumerate().filter(|(at, _)| *at != lost).map(|it| it.1).collect();
            let (_, shown) = play(&format!("{name} without {lost}"), &header, &rest, &truth);
            costs.push(whole - shown);
        }
        let dear = costs.iter().filter(|cost| **cost > 8).count();
        assert!(dear <= 2, "{name}: {costs:?}");
    }
}

/// RFC 8441 §5.1: behind its CONNECT a stream is WebSocket as RFC 6455 has it, so what was agreed, here
/// no extension, decides what the reserved bits may say (RFC 6455 §5.2).
#[test]
fn what_was_agreed_over_http2_is_what_frames_are_judged_by() {
    let capture = std::fs::read(sample("h2c-prior.pcap")).expect("the sample");
    let records = ws101(&["pcap", utf8(&sample("h2c-prior.pcap")), "--format", "jsonl"]).records();
    let first = of_type(&records, "frame").into_iter().find(|it| it["direction"] == "client");
    let key = text(first.expect("a frame"), "masking_key").to_owned();
    let key: Vec<u8> = (0..4)
        .map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    let keys: Vec<usize> =
        (0..capture.len()).filter(|&at| capture[at..].starts_with(&key)).collect();
    let [at] = keys[..] else { panic!("the key stands in the capture {} times", keys.len()) };
    for bit in [0x40, 0x20, 0x10] {
        let mut broken = capture.clone();
        broken[at - 2] |= bit;
        let told = shared::ws101_with_input(&["pcap", "-", "--format", "jsonl"], &broken).records();
        let rules: Vec<&str> = shared::errors(&told).iter().map(|it| text(it, "rule")).collect();
        assert_eq!(rules, ["FRM-RSV-UNNEGOTIATED"], "with the bit {bit:#x}");
    }
}
