//! `ws101 build`: what it makes is read back, by ourselves through real pipes and by tshark.

mod shared;

use proptest::prelude::*;
use serde_json::Value;
use shared::{assert_none, binary, in_parallel, of_type, text, utf8, ws101, ws101_with_input};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use ws101::build::fault::{self, Fault, Level};
use ws101::build::{Act, Conversation, Fate, Frame, LengthForm, Numbers, Saying, Upgrade};
use ws101::said::Endpoint;
use ws101::websocket::Opcode;
use ws101::websocket::frame::FrameHeader;
use ws101::websocket::mask::mask;

fn any_frame() -> impl Strategy<Value = Frame> {
    let payload = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(any::<u8>(), 65_530..65_545),
    ];
    let form = prop::sample::select(vec![
        None,
        Some(LengthForm::Short),
        Some(LengthForm::Sixteen),
        Some(LengthForm::SixtyFour),
    ]);
    (any::<bool>(), 0u8..8, 0u8..16, prop::option::of(any::<[u8; 4]>()), payload, form).prop_map(
        |(fin, rsv, opcode, key, payload, form)| {
            let frame = Frame::new(Opcode::from_bits(opcode), &payload, key);
            let frame = frame.with_fin(fin).with_rsv(rsv);
            match form.filter(|form| form.holds(payload.len() as u64)) {
                Some(form) => frame.with_form(form),
                None => frame,
            }
        },
    )
}

proptest! {
    #[test]
    fn to_build_and_then_to_read_is_the_identity(frame in any_frame()) {
        let bytes = frame.bytes();
        let header = FrameHeader::read(&bytes).expect("the header is whole");
        prop_assert_eq!(header, frame.header);
        let mut payload = bytes[header.header_length() as usize..].to_vec();
        prop_assert_eq!(payload.len() as u64, header.payload_length);
        if let Some(key) = header.masking_key {
            mask(&mut payload, key, 0);
        }
        prop_assert_eq!(payload, frame.payload);
    }

    #[test]
    fn fragments_are_the_message(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        count in 1usize..12,
        masked: bool,
    ) {
        let from = if masked { Endpoint::Client } else { Endpoint::Server };
        let saying = Saying { fragments: count, ..Saying::new(Opcode::Binary, &payload) };
        let frames = saying.frames(from, &mut Numbers::new(7), None);
        prop_assert_eq!(frames.len(), count);
        let joined: Vec<u8> = frames.iter().flat_map(|frame| frame.payload.clone()).collect();
        prop_assert_eq!(joined, payload);
        for (index, frame) in frames.iter().enumerate() {
            let opcode = if index == 0 { Opcode::Binary } else { Opcode::Continuation };
            prop_assert_eq!(frame.header.opcode(), opcode);
            prop_assert_eq!(frame.header.fin(), index + 1 == count);
            prop_assert_eq!(frame.header.masked(), masked);
        }
    }
}

/// The records of what a shell prints; `ws101` is the binary under test.
fn shell(line: &str) -> Vec<Value> {
    let folder = binary().parent().expect("the binary is in a folder").to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let run = Command::new("sh")
        .args(["-c", line])
        .env("PATH", format!("{}:{path}", folder.display()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("there is a shell");
    let stdout = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(!stdout.is_empty(), "{line}: {}", String::from_utf8_lossy(&run.stderr));
    let json = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    stdout.lines().map(json).collect()
}

fn rules(records: &[Value]) -> Vec<String> {
    of_type(records, "finding").iter().map(|found| text(found, "rule").to_owned()).collect()
}

/// The rule is found, and nothing but what is listed with it; first, but for what it needs.
fn judge(fault: &Fault, line: &str) -> Result<(), String> {
    let found = rules(&shell(line));
    let is = |rows: &[(&str, &str)], rule: &str| rows.iter().any(|(row, _)| *row == rule);
    let first = found.iter().find(|rule| !is(fault.given, rule));
    let is_listed =
        |rule: &String| rule == fault.rule || is(fault.given, rule) || is(fault.also, rule);
    if first.map(String::as_str) == Some(fault.rule) && found.iter().all(is_listed) {
        return Ok(());
    }
    Err(format!("{line}\n    finds {found:?}"))
}

#[test]
fn each_fault_goes_through_a_pipe_and_is_found() {
    let faults: Vec<&Fault> = fault::all().collect();
    let verdicts = in_parallel(&faults, |fault| {
        let rule = fault.rule;
        let whole = judge(
            fault,
            &format!("ws101 build conversation --fault {rule} | ws101 pcap - --format jsonl"),
        );
        let part = match fault.level {
            Level::Conversation => Ok(()),
            Level::Handshake => judge(
                fault,
                &format!("ws101 build handshake --fault {rule} | ws101 handshake --format jsonl"),
            ),
            Level::Frames => {
                let built = &shell(&format!("ws101 build frame --fault {rule} --format jsonl"))[0];
                let reader = text(built, "read_with");
                let line = format!("ws101 build frame --fault {rule} | {reader} --format jsonl");
                judge(fault, &line)
            }
        };
        whole.and(part)
    });
    let complaints: Vec<String> = verdicts.into_iter().filter_map(Result::err).collect();
    assert_none(&complaints);
}

#[test]
fn without_a_fault_nothing_goes_wrong_in_a_pipe() {
    for line in [
        "ws101 build conversation | ws101 pcap -",
        "ws101 build conversation samples/scripts/chat.toml | ws101 pcap -",
        "ws101 build handshake | ws101 handshake",
        "ws101 build handshake --extension 'permessage-deflate; client_max_window_bits' \
         --subprotocol mqtt --origin http://server.example | ws101 handshake",
        "ws101 build frame --text Hello | ws101 frame --from client",
        "ws101 build frame --text Hello --as raw | ws101 frame --raw --from client",
        "ws101 build frame --text Hello --from server --fragments 3 | ws101 frame --from server",
        "ws101 build frame --text 'Hello, Hello' --deflate | ws101 frame --from client --deflate",
        "ws101 build frame --binary 000102 | ws101 frame --from client",
        "ws101 build frame --ping beat | ws101 frame --from client",
        "ws101 build frame --close 1001 'going away' | ws101 frame --from client",
        "ws101 build frame --text Hello --as pcap | ws101 pcap -",
        "ws101 build handshake --as pcap | ws101 pcap -",
    ] {
        let found = rules(&shell(&format!("{line} --format jsonl")));
        assert!(found.is_empty(), "{line}: {found:?}");
    }
}

#[test]
fn the_same_seed_builds_the_same_bytes_and_another_one_others() {
    let build = |seed: &str| ws101(&["build", "conversation", "--seed", seed]).stdout;
    assert_eq!(build("1"), build("1"));
    assert_ne!(build("1"), build("2"));
    let random = || ws101(&["build", "frame", "--text", "Hello"]).stdout;
    assert_ne!(random(), random(), "a key that nobody asked for must not be a fixed one");
}

#[test]
fn the_examples_of_the_rfcs_are_built() {
    let hex = |args: &[&str]| String::from_utf8(ws101(args).stdout).expect("hex is ASCII");
    // RFC 6455 §5.7.
    let masked = hex(&["build", "frame", "--text", "Hello", "--mask", "37fa213d"]);
    assert_eq!(masked.trim(), "81 85 37 fa 21 3d 7f 9f 4d 51 58");
    let server = hex(&["build", "frame", "--text", "Hello", "--from", "server"]);
    assert_eq!(server.trim(), "81 05 48 65 6c 6c 6f");
    // RFC 7692 §7.2.3.1.
    let deflated = hex(&["build", "frame", "--text", "Hello", "--from", "server", "--deflate"]);
    assert_eq!(deflated.trim(), "c1 07 f2 48 cd c9 c9 07 00");
    // RFC 6455 §1.3.
    let handshake = hex(&["build", "handshake", "--key", "dGhlIHNhbXBsZSBub25jZQ=="]);
    assert!(handshake.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

#[test]
fn what_cannot_be_built_is_said() {
    for (args, expected) in [
        (&["build", "frame", "--fault", "MSK-CLIENT-UNMASCED"][..], "MSK-CLIENT-UNMASKED"),
        (&["build", "frame", "--fault", "LIV-HALF-OPEN"], "ws101 build conversation"),
        (&["build", "frame", "--fault", "SEC-TLS-OLD"], "TLS"),
        (&["build", "frame", "--fault", "MSK-SERVER-MASKED", "--from", "client"], "--from server"),
        (&["build", "frame", "--text", "x", "--mask", "12"], "four bytes"),
        (&["build", "frame", "--close", "many"], "0 to 65535"),
        (&["build", "frame", "--binary", "zz"], "hexadecimal"),
        (&["build", "conversation", "nowhere.toml"], "nowhere.toml"),
        (&["build", "conversation", "--as", "annotated"], "ws101 pcap"),
    ] {
        let run = ws101(args);
        assert_eq!(run.code, Some(2), "{}", run.what);
        assert!(run.stderr.contains(expected), "{}: {}", run.what, run.stderr);
        assert!(run.stdout.is_empty(), "{}", run.what);
    }
    for (script, expected) in [
        ("[[say]]\nfrom = \"client\"\ntekst = \"x\"\n", "line 3"),
        ("[[say]]\nfrom = \"client\"\n", "1st [[say]]"),
        ("[[say]]\nfrom = \"client\"\ntext = \"x\"\nafter = -1\n", "after = -1"),
        ("client = \"[::1]:1\"\n", "family"),
    ] {
        let run = ws101_with_input(&["build", "conversation", "-"], script.as_bytes());
        assert_eq!(run.code, Some(2), "{script}");
        assert!(run.stderr.contains(expected), "{script}: {}", run.stderr);
    }
}

#[test]
fn a_handshake_is_built_whole_or_one_half_of_it() {
    let run = |more: &[&str]| {
        let args = [&["build", "handshake", "--seed", "5", "--origin", "https://a.example"], more];
        let run = ws101(&args.concat());
        assert_eq!(run.code, Some(0), "{}", run.what);
        String::from_utf8(run.stdout).expect("a handshake is ASCII")
    };
    let (request, response) = (run(&["--request"]), run(&["--response"]));
    assert!(request.starts_with("GET ") && request.contains("\r\nOrigin: https://a.example\r\n"));
    assert!(
        response.starts_with("HTTP/1.1 101 ") && response.contains("\r\nSec-WebSocket-Accept: ")
    );
    assert_eq!(run(&[]), request + &response);
    let acts = |half: &str| {
        shell(&format!("ws101 build handshake {half} --format jsonl"))[0]["acts"].clone()
    };
    assert_eq!(acts("--request").as_array().map(Vec::len), Some(1));
    assert_eq!(acts("--response")[0]["from"], "server");
    for (args, expected) in [
        (&["--request", "--response"][..], "cannot be used with"),
        (&["--request", "--as", "pcap", "-o", "/nowhere/x.pcap"], "both halves"),
    ] {
        let run = ws101(&[&["build", "handshake"], args].concat());
        assert!(
            run.code == Some(2) && run.stderr.contains(expected),
            "{}: {}",
            run.what,
            run.stderr
        );
    }
}

#[test]
fn a_fault_breaks_what_was_asked_for_or_says_that_it_does_not() {
    for rule in
        ["UTF-INVALID-BYTE", "UTF-TRUNCATED", "UTF-OVERLONG", "UTF-SURROGATE", "UTF-ABOVE-MAX"]
    {
        let run = ws101(&[
            "build",
            "frame",
            "--from",
            "server",
            "--text",
            "My own text",
            "--fault",
            rule,
        ]);
        let hex = String::from_utf8_lossy(&run.stdout);
        let own = "4d 79 20 6f 77 6e 20 74 65 78 74 ";
        assert!(hex.contains(own) && !run.stderr.contains("note"), "{rule}: {hex}{}", run.stderr);
    }
    for rule in ["CTL-FRAGMENTED", "CTL-TOO-LONG"] {
        let run = ws101(&["build", "frame", "--from", "server", "--ping", "beat", "--fault", rule]);
        let hex = String::from_utf8_lossy(&run.stdout);
        assert!(hex.contains("62 65 61 74") && hex.lines().count() == 1, "{rule}: {hex}");
    }
    let run = ws101(&["build", "frame", "--text", "My own text", "--fault", "MSK-CONSTANT-KEY"]);
    assert!(run.stderr.contains("brings frames of its own"), "{}", run.stderr);
}

#[test]
fn what_is_asked_for_and_breaks_a_rule_is_built_and_said() {
    for (args, rule) in [
        (&["--close", "1006"][..], Some("CLS-CODE-PSEUDO")),
        (&["--text", "Hi", "--no-mask"], Some("MSK-CLIENT-UNMASKED")),
        (&["--text", "Hi", "--rsv", "2"], Some("FRM-RSV-UNNEGOTIATED")),
        (&["--text", "Hi"], None),
        (&["--text", "Hi", "--deflate"], None),
        (&["--text", "Hello", "--fragments", "3"], None),
    ] {
        let run = ws101(&[&["build", "frame"], args].concat());
        assert!(run.code == Some(0) && !run.stdout.is_empty(), "{}", run.what);
        match rule {
            Some(rule) => assert!(run.stderr.contains(rule), "{}: {}", run.what, run.stderr),
            None => assert!(run.stderr.is_empty(), "{}: {}", run.what, run.stderr),
        }
    }
}

#[test]
fn help_has_no_options_and_no_formats_that_mean_nothing_to_the_command() {
    let help = |args: &[&str]| {
        let run = ws101(&[args, &["--help"]].concat());
        assert_eq!(run.code, Some(0), "{}", run.what);
        String::from_utf8_lossy(&run.stdout).into_owned()
    };
    for args in [
        &["build"][..],
        &["build", "frame"],
        &["build", "handshake"],
        &["build", "conversation"],
        &["quiz"],
        &["explain"],
    ] {
        let help = help(args);
        for misfit in ["sarif", "junit", "har:", "--fail-on", "--select", "--redact", "--no-config"]
        {
            // What is asked about a capture holds what is in it.
            let is_heeded = args == ["quiz"] && ["--redact", "--no-config"].contains(&misfit);
            assert_eq!(help.contains(misfit), is_heeded, "{args:?}: {misfit}\n{help}");
        }
        assert!(help.contains("How to print: text, json or jsonl"), "{args:?}\n{help}");
    }
    let help = help(&["pcap"]);
    assert!(["sarif", "--fail-on", "--redact"].iter().all(|word| help.contains(word)), "{help}");
}

#[test]
fn a_command_line_that_is_nearly_right_is_told_the_right_one() {
    for (args, expected) in [
        (&["build", "frame", "Hi"][..], "did you mean: ws101 build frame --text Hi"),
        (&["build", "--text", "Hi there"], "did you mean: ws101 build frame --text \"Hi there\""),
        (&["explian", "masking"], "did you mean: ws101 explain masking"),
        (&["quizz"], "did you mean: ws101 quiz"),
        (&["lessons"], "docs/lessons/README.md"),
        (&["explain", "frmae"], "frame"),
        (&["explain", "clsoe"], "close"),
        (&["explain", "pnig"], "ping"),
        (&["explain", "9"], "ws101 explain 0x9 (the opcode: ping)"),
        (&["explain", "81"], "ws101 frame 81 00"),
    ] {
        let run = ws101(args);
        assert_eq!(run.code, Some(2), "{}", run.what);
        assert!(run.stderr.contains(expected), "{}: {}", run.what, run.stderr);
    }
}

/// What tshark prints of a file, a line a packet; nothing if it is not there.
fn tshark(claim: &str, file: &Path, args: &[&str]) -> Option<Vec<String>> {
    let checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];
    let run = Command::new("tshark").args(["-r", utf8(file)]).args(checks).args(args).output();
    let Ok(run) = run else {
        shared::say(&format!("SKIPPED {claim}: tshark is not here"));
        return None;
    };
    assert!(run.status.success(), "{claim}: {}", String::from_utf8_lossy(&run.stderr));
    Some(String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect())
}

/// A frame as both sides of the comparison tell it: FIN, RSV, opcode, masking key, payload.
type Row = String;

/// The frames of each connection, told apart by the client's port; the client's first.
type Seen = BTreeMap<u16, [Vec<Row>; 2]>;

fn row(fin: bool, rsv: u8, opcode: u8, key: &str, payload: &str) -> Row {
    format!("fin {} rsv {rsv} opcode {opcode:x} key {key} payload {payload}", u8::from(fin))
}

/// What tshark makes of a file; nothing if it is not there.
fn seen_by_tshark(claim: &str, file: &Path) -> Option<Seen> {
    let args = ["-Y", "websocket", "-T", "jsonraw", "--no-duplicate-keys", "-J", "websocket tcp"];
    let lines = tshark(claim, file, &args)?;
    let packets: Vec<Value> = serde_json::from_str(&lines.join("\n")).expect("tshark writes JSON");
    let mut seen = Seen::new();
    for packet in packets {
        let layers = &packet["_source"]["layers"];
        let port = |name: &str| {
            let hex = raw(&layers["tcp"], name);
            u16::from_str_radix(&hex, 16).unwrap_or_else(|_| panic!("{name}: {hex:?}"))
        };
        let (from, to) = (port("tcp.srcport_raw"), port("tcp.dstport_raw"));
        let side = usize::from(from < to);
        let frames = match &layers["websocket"] {
            Value::Array(frames) => frames.clone(),
            frame => vec![frame.clone()],
        };
        for frame in frames {
            let bits = |name: &str| u8::from_str_radix(&raw(&frame, name), 16).unwrap_or(0);
            let [fin, rsv, opcode] =
                ["fin", "rsv", "opcode"].map(|name| bits(&format!("websocket.{name}_raw")));
            let key = raw(&frame, "websocket.masking_key_raw");
            assert_eq!(bits("websocket.mask_raw") == 1, !key.is_empty(), "{claim}: {frame}");
            let payload = raw(&frame, "websocket.payload_raw");
            let row = row(fin == 1, rsv, opcode, &key, &payload);
            seen.entry(from.max(to)).or_default()[side].push(row);
        }
    }
    Some(seen)
}

/// The bytes of a field, in hexadecimal; none if it is not there.
fn raw(layer: &Value, name: &str) -> String {
    layer[name][0].as_str().unwrap_or_default().to_owned()
}

fn built(conversation: &Conversation) -> [Vec<Row>; 2] {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    [Endpoint::Client, Endpoint::Server].map(|from| {
        // What was not captured can't be seen.
        let is_there = |act: &&Act| act.from == from && act.fate != Fate::Lost;
        let acts = conversation.acts.iter().filter(is_there);
        let row = |frame: &Frame| {
            let header = &frame.header;
            let key = header.masking_key.map_or(String::new(), |key| hex(&key));
            let (rsv, opcode) = (header.first >> 4 & 7, header.opcode().bits());
            row(header.fin(), rsv, opcode, &key, &hex(&frame.payload))
        };
        acts.filter_map(|act| act.frame().map(row)).collect()
    })
}

fn check_with_tshark(claim: &str, conversation: &Conversation) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("built.pcap");
    std::fs::write(&file, conversation.pcap()).expect("it can be written");
    let Some(seen) = seen_by_tshark(claim, &file) else { return };
    assert_eq!(seen[&conversation.client.port()], built(conversation), "{claim}");
}

#[test]
fn tshark_sees_the_frames_that_were_built() {
    let chat = Conversation::chat(&Upgrade::default(), Numbers::new(1));
    check_with_tshark("a chat", &chat);
    let mut six = chat.clone();
    six.client = "[2001:db8::2]:49152".parse().expect("an address");
    six.server = "[2001:db8::1]:80".parse().expect("an address");
    check_with_tshark("a chat over IPv6", &six);
    for name in ["chat", "half-open"] {
        let path = format!("{}/samples/scripts/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let script = std::fs::read_to_string(path).expect("a sample");
        let script = ws101::build::Script::read(&script).expect("a script");
        let conversation = script.conversation(Numbers::new(7)).expect("a conversation");
        check_with_tshark(name, &conversation);
    }
}

/// Every fault in one capture, each on a port of its own.
fn all_faults() -> Conversation {
    let mut all = Conversation::chat(&Upgrade::default(), Numbers::new(1));
    for (index, fault) in fault::all().enumerate() {
        let mut one = Conversation::chat(&Upgrade::default(), Numbers::new(index as u64));
        fault.apply(&mut one);
        // Other connections of one fault would need ports of their own; packets cut at the snap
        // length have no checksum to look at.
        one.others.clear();
        one.client.set_port(20_000 + index as u16);
        one.snap = None;
        all.others.push(one);
    }
    all
}

/// Faults of which tshark can't see the same frames, and why.
const BEYOND_TSHARK: &[(&str, &str)] = &[
    ("HS-REQ-EARLY-DATA", "what comes before the 101 is no WebSocket to it"),
    ("HS-RES-FRAMES-AFTER-REFUSAL", "without a 101 nothing is"),
    ("FRM-LEN-BYTE-ORDER", "it waits for the payload that is announced and never comes"),
    ("FRM-DATA-BEFORE-OPEN", "what comes before the 101 is no WebSocket to it"),
    ("CLS-TRAILING-BYTES", "the bytes behind the Close are a frame to it"),
    ("SEC-OVERSIZED", "it shows nothing of a payload that is not there to its end"),
    ("LIV-PONG-BLOCKED", "the large frame is built as bytes, in two parts"),
    ("CAP-NO-HANDSHAKE", "without a handshake it does not know that it is WebSocket"),
    ("CAP-DIRECTION", "without a handshake it does not know that it is WebSocket"),
    ("CAP-PROXY-CONNECT", "behind a CONNECT it does not look for an upgrade"),
];

#[test]
fn tshark_sees_the_same_frames_with_the_same_payloads_in_every_fault() {
    let claim = "the frames of every fault";
    let all = all_faults();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("faults.pcap");
    std::fs::write(&path, all.pcap()).expect("it can be written");
    let Some(seen) = seen_by_tshark(claim, &path) else { return };
    let (mut complaints, mut frames) = (Vec::new(), 0);
    for (fault, one) in fault::all().zip(&all.others) {
        let (seen, built) = (seen.get(&one.client.port()).cloned().unwrap_or_default(), built(one));
        let reason = BEYOND_TSHARK.iter().find(|(rule, _)| *rule == fault.rule);
        match (seen == built, reason) {
            (true, None) => frames += built.iter().map(Vec::len).sum::<usize>(),
            (true, Some(_)) => complaints.push(format!("{}: tshark can see it", fault.rule)),
            (false, Some(_)) => {}
            (false, None) => {
                let short = |rows: &[Vec<Row>; 2]| -> Vec<String> {
                    let rows = rows.iter().flatten();
                    rows.map(|row| row.chars().take(80).collect()).take(9).collect()
                };
                let (seen, built) = (short(&seen), short(&built));
                complaints.push(format!("{}:\n seen  {seen:#?}\n built {built:#?}", fault.rule));
            }
        }
    }
    assert_none(&complaints);
    assert!(frames > 500, "only {frames} frames");
}

#[test]
fn tshark_opens_every_fault_and_all_checksums_are_right() {
    let claim = "every fault in one capture";
    let all = all_faults();
    let mut packets = 0;
    let file = all.pcap();
    let mut at = 24;
    while at < file.len() {
        let length = u32::from_le_bytes(file[at + 8..at + 12].try_into().expect("four bytes"));
        at += 16 + length as usize;
        packets += 1;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("faults.pcap");
    std::fs::write(&path, &file).expect("it can be written");
    let fields = ["-T", "fields", "-e", "ip.checksum.status", "-e", "tcp.checksum.status"];
    let Some(lines) = tshark(claim, &path, &fields) else { return };
    assert_eq!(lines.len(), packets, "tshark reads another number of packets");
    // 1 is Wireshark's word for good.
    let wrong: Vec<&String> = lines.iter().filter(|line| *line != "1\t1").collect();
    assert!(wrong.is_empty(), "{} checksums are wrong: {wrong:?}", wrong.len());
}
