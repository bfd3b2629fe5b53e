//! Captures of public projects: ws101 sees the frames and handshakes that tshark 4.0.17 sees.
//!
//! Frames are compared per TCP connection and direction, which addresses and ports identify, in
//! the order of the stream. Compared are fin, rsv, opcode, mask, masking key and length; the
//! payload is covered by the messages of other tests.

mod shared;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use serde_json::Value;
use shared::{assert_none, brief, number, of_type, say, text};

/// Where tshark is wrong, or sees more than ws101 sets out to: capture and written reason.
///
/// What else tshark is known to overlook makes no difference to the frames compared here: it
/// never compares Accept, nor does it complain about oversized or fragmented control frames.
///
/// The table is empty because a decoder written in Python for this purpose, knowing nothing of
/// tshark, found the same 1,301 frames.
const FRAMES_OTHERWISE: [(&str, &str); 0] = [];

/// Of 28 frames without a handshake; the others are alone or with one more on their connection.
const MIDSTREAM_FOUND: usize = 21;

/// Every error found in all public captures, opened with their key logs where there are some; each
/// was examined by hand: capture, rule, how often, and the bytes that break the rule.
const EXAMINED: [(&str, &str, usize, &str); 21] = [
    (
        "OISF__suricata-verify/websocket-control-frag__input.pcap",
        "HS-REQ-KEY-LENGTH",
        1,
        "the key is Base64 of \"suricata-test-key!\", 18 bytes (§4.1)",
    ),
    (
        "OISF__suricata-verify/websocket-control-frag__input.pcap",
        "MSK-CONSTANT-KEY",
        1,
        "01 94 12345678, 89 84 12345678, 80 9c 12345678 (§5.3)",
    ),
    (
        "OISF__suricata-verify/websocket-ping__input.pcap",
        "MSK-CLIENT-UNMASKED",
        1,
        "89 00 from the end that sent the request (§5.1)",
    ),
    (
        "arkime__arkime/pcap__arkime_synthetic.pcap",
        "MSK-CONSTANT-KEY",
        1,
        "four frames of the client, all under 11 22 33 44 (§5.3)",
    ),
    (
        "ntop__nDPI/pcap__false_positives.pcapng",
        "HS-REQ-EXT-SYNTAX",
        1,
        "Sec-WebSocket-Extensions with nothing behind it (§9.1; RFC 9110 §5.6.1.2)",
    ),
    (
        "ntop__nDPI/pcap__false_positives.pcapng",
        "HS-RES-ACCEPTED-BAD-REQUEST",
        1,
        "a 101 to that request, which §9.1 asks to fail",
    ),
    (INVALID, "HS-REQ-METHOD", 1, "POST / HTTP/1.1 (§4.1)"),
    (INVALID, "HS-REQ-VERSION-PRESENT", 5, "no Sec-WebSocket-Version in any request (§4.1)"),
    (INVALID, "HS-RES-UPGRADE", 4, "Upgrade: websockets (§4.2.2)"),
    (INVALID, "HS-RES-ACCEPTED-BAD-REQUEST", 4, "101 to what is no handshake (§4.2.1)"),
    (INVALID, "HS-REQ-AFTER-101", 4, "GET / HTTP/1.1 on a connection that was upgraded"),
    (INVALID, "HS-REQ-UPGRADE-PRESENT", 1, "the second request: Upgrade: websockets (§4.1)"),
    (INVALID, "HS-RES-UNREQUESTED", 1, "a 101 to that (RFC 9110 §7.8)"),
    (INVALID, "HS-REQ-KEY-PRESENT", 1, "the third request has no Sec-WebSocket-Key (§4.1)"),
    (INVALID, "HS-RES-ACCEPT-SYNTAX", 1, "Sec-WebSocket-Accept: invalid= (§4.2.2)"),
    (INVALID, "HS-RES-CLIENT-ACCEPTED-BAD", 1, "a frame of the client after that (§4.1)"),
    (
        "zeek__zeek/websocket__oversized-close-frame.pcapng",
        "FRM-LEN-MINIMAL-64",
        1,
        "88 7f 0000000000000102: 258 in 64 bits (§5.2)",
    ),
    (
        "zeek__zeek/websocket__oversized-close-frame.pcapng",
        "CTL-TOO-LONG",
        1,
        "the same: a Close of 258 bytes (§5.5)",
    ),
    (
        "zeek__zeek/websocket__wrong-accept-header.pcap",
        "HS-RES-ACCEPT-SYNTAX",
        1,
        "the right Accept with -wrong behind it (§4.2.2)",
    ),
    (
        "zeek__zeek/websocket__wstunnel-http.pcap",
        "MSK-CLIENT-UNMASKED",
        2,
        "82 48 and 88 02 from the end that sent the request (§5.1)",
    ),
    (
        "zeek__zeek/websocket__wstunnel-ssh.pcap",
        "CTL-PING-UNANSWERED",
        1,
        "no frame with opcode 10, and 45 frames of the server behind four Pings (§5.5.2)",
    ),
];

/// Five handshakes on one connection, each broken on purpose.
const INVALID: &str = "secdev__scapy/pcaps__websocket_invalid_handshakes.pcap";

/// One capture with what tshark says about it.
struct Capture {
    path: String,
    records: Vec<Value>,
}

/// The fields that are compared, in words that both sides use.
#[derive(Debug, PartialEq)]
struct Frame {
    fin: bool,
    rsv: u64,
    opcode: u64,
    masking_key: Option<String>,
    length: u64,
}

/// Who sends to whom.
type Way = (SocketAddr, SocketAddr);

#[test]
fn the_references_have_the_captures_that_these_tests_count() {
    let claim = "the_references_have_the_captures_that_these_tests_count";
    let Some(captures) = captures(claim) else { return };
    let of_all = |extension: &str| -> usize {
        captures.iter().filter_map(|path| reference(path, extension)).map(|lines| lines.len()).sum()
    };
    // Counted with Python when this test was written.
    assert_eq!(captures.len(), 48);
    assert_eq!(
        (of_all("json"), of_all("midstream.json"), of_all("handshakes.json")),
        (1301, 28, 288)
    );
}

#[test]
fn the_frames_are_those_that_tshark_sees() {
    let Some(captures) = decoded("the_frames_are_those_that_tshark_sees") else { return };
    let mut complaints = Vec::new();
    let (mut equal, mut all) = (0, 0);
    for capture in captures {
        let reference = reference(&capture.path, "json").unwrap_or_default();
        let theirs = frames_by_way(&reference, tshark_fields);
        let ours = our_frames(&capture.records);
        for (way, theirs) in theirs {
            let ours = ours.get(&way).map_or(&[][..], Vec::as_slice);
            all += theirs.len();
            equal += ours.iter().zip(&theirs).filter(|(ours, theirs)| ours == theirs).count();
            if ours == theirs.as_slice() || is_listed(&FRAMES_OTHERWISE, &capture.path) {
                continue;
            }
            let at = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
            complaints.push(format!(
                "{}: {} -> {}: {} frames, tshark {}; number {} is {:?}, tshark {:?}",
                capture.path,
                way.0,
                way.1,
                ours.len(),
                theirs.len(),
                at + 1,
                ours.get(at),
                theirs.get(at),
            ));
        }
    }
    say(&format!("public captures: frames as tshark sees them {equal}/{all}"));
    assert_none(&complaints);
}

#[test]
fn the_handshakes_are_at_least_those_that_tshark_sees() {
    let Some(captures) = decoded("the_handshakes_are_at_least_those_that_tshark_sees") else {
        return;
    };
    let mut complaints = Vec::new();
    let (mut found, mut all) = (0, 0);
    for capture in captures {
        let handshakes = of_type(&capture.records, "handshake");
        for message in reference(&capture.path, "handshakes.json").unwrap_or_default() {
            let (theirs, ours) = match text(&message, "http.sec_websocket_key") {
                "" => (text(&message, "http.sec_websocket_accept"), "accept_found"),
                key => (key, "key"),
            };
            all += 1;
            if handshakes.iter().any(|handshake| handshake[ours] == theirs) {
                found += 1;
            } else {
                let packet = text(&message, "frame.number");
                complaints.push(format!("{}: packet {packet}, {ours} {theirs}", capture.path));
            }
        }
    }
    say(&format!("public captures: requests and responses of handshakes {found}/{all}"));
    assert_none(&complaints);
}

#[test]
fn each_error_in_the_captures_of_others_was_examined_and_is_true() {
    let claim = "each_error_in_the_captures_of_others_was_examined_and_is_true";
    let Some(manifest) = shared::shared(claim, "captures/public/manifest.tsv") else { return };
    let folder = manifest.parent().expect("a folder");
    let text_of_it = shared::read_text(&manifest);
    let rows: Vec<Vec<&str>> = text_of_it.lines().map(|row| row.split('\t').collect()).collect();
    let is_capture =
        |row: &&Vec<&str>| !["path", "har", "transcript"].contains(&row[1]) && row[0] != "path";
    let captures: Vec<&Vec<&str>> = rows.iter().filter(is_capture).collect();
    let found = shared::in_parallel(&captures, |row| {
        let file = folder.join(row[0]);
        let mut arguments = vec!["pcap", shared::utf8(&file), "--format", "jsonl"];
        let keys = row.get(12).and_then(|keys| keys.strip_prefix("external "));
        let keys = keys.map(|keys| folder.join(keys)).filter(|keys| keys.exists());
        if let Some(keys) = &keys {
            arguments.extend(["--keylog", shared::utf8(keys)]);
        }
        let records = shared::ws101(&arguments).records();
        let ids = shared::errors(&records).iter().map(|it| text(it, "rule").to_owned()).collect();
        (row[0].to_owned(), ids)
    });
    let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (path, ids) in found {
        let ids: Vec<String> = ids;
        for id in ids {
            *counted.entry((path.clone(), id)).or_default() += 1;
        }
    }
    let errors: usize = counted.values().sum();
    say(&format!("public captures: {errors} errors in {}, each examined", captures.len()));
    let examined: BTreeMap<(String, String), usize> = EXAMINED
        .iter()
        .filter(|(.., why)| !why.is_empty())
        .map(|(path, id, times, _)| ((path.to_string(), id.to_string()), *times))
        .collect();
    assert_eq!(counted, examined);
}

#[test]
fn a_wrong_accept_is_found_out_where_tshark_is_content() {
    let path = "zeek__zeek/websocket__wrong-accept-header.pcap";
    let Some(file) = shared::shared(
        "a_wrong_accept_is_found_out_where_tshark_is_content",
        &format!("captures/public/{path}"),
    ) else {
        return;
    };
    let run = shared::pcap(&file);
    let records = run.records();
    let errors = shared::errors(&records);
    // The right value with `-wrong` behind it: no Base64 of 20 bytes, which says more than that it
    // is not the value expected, and so hides it (catalogue §2).
    let is_accept = |rule: &Value| rule.as_str().is_some_and(|id| id.starts_with("HS-RES-ACCEPT-"));
    let accept = errors.iter().find(|error| is_accept(&error["rule"]));
    let accept = accept.unwrap_or_else(|| panic!("found only {errors:?}"));
    assert_eq!(accept["violator"], "server");
    assert_eq!(run.code, Some(1));
    let handshake = of_type(&records, "handshake")[0];
    assert_eq!(handshake["valid"], false);
    assert_ne!(handshake["accept_found"], handshake["accept_expected"]);
}

/// The derivation, done with Python for every pair in the references, fits all but that one. The
/// invalid handshakes say `invalid=` in the last of five.
#[test]
fn no_accept_of_a_real_server_is_called_wrong() {
    let Some(captures) = decoded("no_accept_of_a_real_server_is_called_wrong") else { return };
    let mut alarms = Vec::new();
    for capture in captures {
        let crafted = ["wrong-accept-header", "invalid_handshakes"];
        if crafted.iter().any(|name| capture.path.contains(name)) {
            continue;
        }
        let mut findings = of_type(&capture.records, "finding");
        findings.retain(|finding| text(finding, "rule").starts_with("HS-RES-ACCEPT-"));
        alarms.extend(findings.iter().map(|f| format!("{}: {}", capture.path, brief(f))));
    }
    assert_none(&alarms);
}

#[test]
fn what_a_crafted_capture_does_wrong_is_found() {
    let Some(captures) = decoded("what_a_crafted_capture_does_wrong_is_found") else { return };
    // tshark decodes them without a word. The key of `control-frag` decodes to 18 bytes; the
    // invalid handshake is a POST without a version, answered with `Upgrade: websockets`.
    for (path, rule) in [
        ("OISF__suricata-verify/websocket-control-frag__input.pcap", "HS-REQ-KEY-LENGTH"),
        ("secdev__scapy/pcaps__websocket_invalid_handshakes.pcap", "HS-RES-UPGRADE"),
        ("zeek__zeek/websocket__oversized-close-frame.pcapng", "CTL-TOO-LONG"),
        ("secdev__scapy/pcaps__websocket_invalid_handshakes.pcap", "HS-REQ-METHOD"),
        ("secdev__scapy/pcaps__websocket_invalid_handshakes.pcap", "HS-RES-ACCEPT-SYNTAX"),
    ] {
        let capture = captures.iter().find(|capture| capture.path == path).expect("a reference");
        let errors = shared::errors(&capture.records);
        assert!(errors.iter().any(|error| error["rule"] == rule), "{path}: {errors:?}");
    }
}

/// tshark needs to be told that these are WebSocket, and was told so for the references.
#[test]
fn frames_without_a_handshake_are_those_that_tshark_sees_when_told() {
    let claim = "frames_without_a_handshake_are_those_that_tshark_sees_when_told";
    let Some(captures) = decoded(claim) else { return };
    let (mut found, mut all) = (0, 0);
    for capture in captures {
        let Some(theirs) = reference(&capture.path, "midstream.json") else { continue };
        let theirs = frames_by_way(&theirs, tshark_fields);
        let ours = our_frames(&capture.records);
        all += theirs.values().map(Vec::len).sum::<usize>();
        for (way, theirs) in &theirs {
            let ours = ours.get(way).map_or(&[][..], Vec::as_slice);
            // Frames in front may be missing where too little came before to tell what it is.
            assert!(theirs.ends_with(ours), "{}: {way:?}: {ours:?}, not {theirs:?}", capture.path);
            found += ours.len();
        }
    }
    say(&format!("public captures: frames without a handshake {found}/{all}"));
    assert!(found >= MIDSTREAM_FOUND, "{found} of {all}");
}

// Reading both sides.

fn captures(claim: &str) -> Option<Vec<String>> {
    let manifest = shared::read_text(&shared::shared(claim, "captures/public/manifest.tsv")?);
    let rows = manifest.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    let websocket = rows.filter(|row| ["websocket", "websocket-midstream"].contains(&row[1]));
    Some(websocket.map(|row| row[0].to_owned()).collect())
}

/// Every capture, decoded once for all tests.
fn decoded(claim: &str) -> Option<&'static [Capture]> {
    static CAPTURES: OnceLock<Vec<Capture>> = OnceLock::new();
    let mut captures = Vec::new();
    for path in self::captures(claim)? {
        let file = shared::shared(claim, &format!("captures/public/{path}"))?;
        captures.push((path, file));
    }
    Some(CAPTURES.get_or_init(|| {
        shared::in_parallel(&captures, |(path, file)| Capture {
            path: path.clone(),
            records: shared::pcap(file).records(),
        })
    }))
}

/// The lines of tshark's decode of a capture, where there is one of this kind.
fn reference(path: &str, extension: &str) -> Option<Vec<Value>> {
    let name = path.replace('/', "__");
    let folder = shared::shared("a reference", "captures/public/ref")?;
    let file = folder.join(format!("{name}.{extension}"));
    file.exists().then(|| shared::json_lines(&file))
}

type Fields = (Way, bool, u64, u64);

fn tshark_fields(frame: &Value) -> Fields {
    let side = |address: &str, port: &str| {
        let address: IpAddr = text(frame, address).parse().expect("an address");
        SocketAddr::new(address, text(frame, port).parse().expect("a port"))
    };
    let way = (side("src", "sport"), side("dst", "dport"));
    (way, frame["fin"] == true, number(frame, "rsv"), number(frame, "payload_len"))
}

fn frames_by_way(lines: &[Value], fields: impl Fn(&Value) -> Fields) -> BTreeMap<Way, Vec<Frame>> {
    let mut frames: BTreeMap<Way, Vec<Frame>> = BTreeMap::new();
    for line in lines {
        let (way, fin, rsv, length) = fields(line);
        let masking_key = line["masking_key"].as_str().map(str::to_owned);
        let opcode = number(line, "opcode");
        frames.entry(way).or_default().push(Frame { fin, rsv, opcode, masking_key, length });
    }
    frames
}

fn our_frames(records: &[Value]) -> BTreeMap<Way, Vec<Frame>> {
    let mut ends: BTreeMap<u64, Way> = BTreeMap::new();
    for connection in of_type(records, "connection") {
        let side = |end| text(connection, end).parse().expect("an address and a port");
        ends.insert(number(connection, "connection"), (side("client"), side("server")));
    }
    let frames: Vec<Value> = of_type(records, "frame").into_iter().cloned().collect();
    frames_by_way(&frames, |frame| {
        let (client, server) = ends[&number(frame, "connection")];
        let way = if frame["direction"] == "client" { (client, server) } else { (server, client) };
        let bit = |name: &str| u64::from(frame[name] == true);
        let rsv = 4 * bit("rsv1") + 2 * bit("rsv2") + bit("rsv3");
        (way, frame["fin"] == true, rsv, number(frame, "payload_length"))
    })
}

fn is_listed(table: &[(&str, &str)], path: &str) -> bool {
    table.iter().any(|(listed, _)| *listed == path)
}
