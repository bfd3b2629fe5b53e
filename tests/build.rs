//! `ws101 build`: what it makes is read back, by ourselves through real pipes and by tshark.

mod shared;

use proptest::prelude::*;
use serde_json::Value;
use shared::{assert_none, binary, in_parallel, of_type, text, utf8, ws101, ws101_with_input};
use std::path::Path;
use std::process::Command;
use ws101::build::fault::{self, Fault, Level};
use ws101::build::{Conversation, Frame, LengthForm, Numbers, Saying, Upgrade};
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

/// Each frame of each side: opcode, FIN, length.
type Seen = Vec<[String; 3]>;

fn seen_by_tshark(claim: &str, file: &Path, client: &str) -> Option<[Seen; 2]> {
    let fields = ["tcp.srcport", "websocket.opcode", "websocket.fin", "websocket.payload_length"];
    let mut args = vec!["-Y", "websocket", "-T", "fields", "-E", "occurrence=a"];
    fields.iter().for_each(|field| args.extend(["-e", field]));
    let mut seen = [Seen::new(), Seen::new()];
    for line in tshark(claim, file, &args)? {
        let columns: Vec<Vec<&str>> =
            line.split('\t').map(|column| column.split(',').collect()).collect();
        let side = usize::from(columns[0][0] != client);
        for (index, opcode) in columns[1].iter().enumerate() {
            let fin = if matches!(columns[2][index], "1" | "True") { "true" } else { "false" };
            seen[side].push([opcode.to_string(), fin.into(), columns[3][index].into()]);
        }
    }
    Some(seen)
}

fn built(conversation: &Conversation) -> [Seen; 2] {
    [Endpoint::Client, Endpoint::Server].map(|from| {
        let acts = conversation.acts.iter().filter(|act| act.from == from);
        let row = |frame: &Frame| {
            let header = &frame.header;
            let opcode = header.opcode().bits().to_string();
            [opcode, header.fin().to_string(), header.payload_length.to_string()]
        };
        acts.filter_map(|act| act.frame().map(row)).collect()
    })
}

fn check_with_tshark(claim: &str, conversation: &Conversation) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("built.pcap");
    std::fs::write(&file, conversation.pcap()).expect("it can be written");
    let client = conversation.client.port().to_string();
    let Some(seen) = seen_by_tshark(claim, &file, &client) else { return };
    assert_eq!(seen, built(conversation), "{claim}");
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

#[test]
fn tshark_opens_every_fault_and_all_checksums_are_right() {
    let claim = "every fault in one capture";
    let mut all = Conversation::chat(&Upgrade::default(), Numbers::new(1));
    let mut packets = 0;
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
