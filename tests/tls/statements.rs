//! What the command says about TLS: through the real binary.

use crate::film::{Film, sample};
use crate::shared::{of_type, utf8, ws101, ws101_with_input};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};

fn run(args: &[&str]) -> Vec<Value> {
    ws101(&[&["pcap", "--format", "jsonl"], args].concat()).records()
}

fn summary(records: &[Value]) -> &Value {
    records.last().expect("a summary comes last")
}

#[test]
fn a_key_log_with_rubbish_is_read_and_the_rubbish_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    let good = std::fs::read_to_string(sample("wss-tls13.keys")).expect("it is there");
    let other = std::fs::read_to_string(sample("wss-tls12-gcm.keys")).expect("it is there");
    let rubbish = "\u{0}\u{1}\u{2}\nCLIENT_RANDOM\nCLIENT_RANDOM 12 34\nhello, world\n";
    std::fs::write(&keys, format!("{rubbish}{good}{other}{rubbish}")).expect("it is written");
    let records = run(&[utf8(&sample("wss-tls13.pcap")), "--keylog", utf8(&keys)]);
    assert_eq!(of_type(&records, "message").len(), 58);
    let tls = &summary(&records)["tls"];
    assert_eq!((&tls["rubbish_lines"], &tls["read"]), (&Value::from(8), &Value::from(1)));
    assert_eq!(tls["connections_in_key_log"], 2);
    assert_eq!(tls["connections_matched"], 1);
    let text = ws101(&["pcap", utf8(&sample("wss-tls13.pcap")), "--keylog", utf8(&keys)]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("1 of them not in this capture; 8 lines are no secrets"), "{text}");
}

#[test]
fn a_missing_key_log_is_an_error_and_a_missing_variable_is_none() {
    let file = sample("wss-tls13.pcap");
    let run = ws101(&["pcap", utf8(&file), "--keylog", "no-such-file"]);
    assert_eq!(run.code, Some(2));
    for said in ["no-such-file", "CLIENT_RANDOM", "make it first (touch)"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let output = Command::new(crate::shared::binary())
        .args(["pcap", utf8(&file), "--format", "jsonl"])
        .env("SSLKEYLOGFILE", sample("wss-tls13.keys"))
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().filter(|line| line.starts_with(r#"{"type":"message""#)).count(), 58);
}

#[test]
fn an_opaque_connection_is_listed_with_what_its_hellos_say() {
    let records = run(&[utf8(&sample("browser-wss-h1.pcap"))]);
    let tls = of_type(&records, "tls");
    assert_eq!(tls.len(), 4);
    for record in tls {
        assert_eq!(record["version"], "TLS 1.3");
        assert_eq!(record["cipher_suite"], "TLS_AES_128_GCM_SHA256");
        assert_eq!(record["server_name"], "localhost");
        assert_eq!(record["why"], "no-key-log");
    }
    let findings = of_type(&records, "finding");
    assert_eq!(findings.len(), 4);
    assert!(findings.iter().all(|finding| finding["rule"] == "CAP-TLS-OPAQUE"));
}

#[test]
fn secrets_of_another_connection_are_said_to_fit_none() {
    let keys = sample("wss-tls12-gcm.keys");
    let records = run(&[utf8(&sample("wss-tls13.pcap")), "--keylog", utf8(&keys)]);
    assert_eq!(of_type(&records, "tls")[0]["why"], "not-in-key-log");
    assert_eq!(summary(&records)["tls"]["connections_matched"], 0);
}

#[test]
fn a_wrong_secret_is_told_from_a_missing_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    let good = std::fs::read_to_string(sample("wss-tls12-gcm.keys")).expect("it is there");
    let line = good.lines().find(|line| line.starts_with("CLIENT_RANDOM")).expect("a secret");
    let (start, _) = line.rsplit_once(' ').expect("three words");
    std::fs::write(&keys, format!("{start} {}\n", "5a".repeat(48))).expect("it is written");
    let records = run(&[utf8(&sample("wss-tls12-gcm.pcap")), "--keylog", utf8(&keys)]);
    assert_eq!(of_type(&records, "tls")[0]["why"], "wrong-secrets");
    assert!(of_type(&records, "message").is_empty());
}

/// A block of pcapng: type, body, padding.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = (padded + 12) as u32;
    let mut block = [kind.to_le_bytes(), length.to_le_bytes()].concat();
    block.extend(body);
    block.resize(8 + padded, 0);
    block.extend(length.to_le_bytes());
    block
}

/// The film as a pcapng with its secrets behind so many packets.
fn pcapng(film: &Film, secrets_after: usize) -> Vec<u8> {
    let mut section = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    let mut bytes = block(0x0a0d_0d0a, &section);
    bytes.extend(block(1, &[1, 0, 0, 0, 0, 0, 4, 0]));
    let mut secrets = 0x544c_534b_u32.to_le_bytes().to_vec();
    secrets.extend((film.keys.len() as u32).to_le_bytes());
    secrets.extend(film.keys.as_bytes());
    for (index, packet) in film.packets.iter().enumerate() {
        if index == secrets_after {
            bytes.extend(block(10, &secrets));
        }
        let length = (packet.len() - 16) as u32;
        let mut body = vec![0; 12];
        body.extend([length.to_le_bytes(), length.to_le_bytes()].concat());
        body.extend(&packet[16..]);
        bytes.extend(block(6, &body));
    }
    if secrets_after >= film.packets.len() {
        bytes.extend(block(10, &secrets));
    }
    bytes
}

#[test]
fn secrets_in_a_pcapng_may_come_late() {
    for (name, messages) in [("wss-tls13", 58), ("wss-tls12-cbc", 36), ("wss-tls12-gcm", 44)] {
        let film = Film::of(name);
        for after in [0, 3, 5, 7, 20, 40, usize::MAX] {
            let args = ["pcap", "--format", "jsonl", "-"];
            let records = ws101_with_input(&args, &pcapng(&film, after)).records();
            let seen = of_type(&records, "message").len();
            assert_eq!(seen, messages, "{name}, secrets after packet {after}");
            assert!(of_type(&records, "gap").is_empty() && of_type(&records, "tls").is_empty());
        }
    }
}

#[test]
fn a_key_log_that_is_still_being_written_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "# nothing yet\n").expect("it is written");
    let mut child = Command::new(crate::shared::binary())
        .args(["pcap", "--format", "jsonl", "--keylog", utf8(&keys), "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let film = Film::of("wss-tls13");
    let bytes = film.bytes();
    let mut input = child.stdin.take().expect("a pipe");
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    input.write_all(first).expect("it reads");
    std::thread::sleep(std::time::Duration::from_millis(300));
    std::fs::write(&keys, format!("# nothing yet\n{}", film.keys)).expect("it is written");
    input.write_all(rest).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter(|line| line.starts_with(r#"{"type":"message""#)).count();
    assert_eq!(messages, 58, "{text}");
}

/// More waits for secrets than is held: if they come all the same, that is what is said, and if not, not.
#[test]
fn secrets_that_come_too_late_are_told_from_missing_ones() {
    let mut film = Film::of("wss-tls13");
    let of_size = |packet: &usize| film.packets[*packet].len() > 16_000;
    let packet = film.with_payload().into_iter().find(of_size).expect("a large packet");
    let start = film.payload(packet).expect("it has a payload");
    let large = film.packets[packet].clone();
    film.packets.truncate(packet);
    let sequence = &large[16 + 14 + 20 + 4..][..4];
    let mut sequence = u32::from_be_bytes(sequence.try_into().expect("4 bytes"));
    let length = large.len() - start;
    for _ in 0..80 {
        let mut filler = large.clone();
        filler[16 + 14 + 20 + 4..][..4].copy_from_slice(&sequence.to_be_bytes());
        filler[start..].fill(0x5a);
        let [high, low] = (16_000_u16).to_be_bytes();
        filler[start..][..5].copy_from_slice(&[23, 3, 3, high, low]);
        sequence += length as u32;
        film.packets.push(filler);
    }
    let why = |after: usize, film: &Film| {
        let args = ["pcap", "--format", "jsonl", "-"];
        let records = ws101_with_input(&args, &pcapng(film, after)).records();
        assert!(of_type(&records, "message").is_empty());
        let tls = of_type(&records, "tls");
        assert_eq!(tls.len(), 1);
        tls[0]["why"].clone()
    };
    assert_eq!(why(usize::MAX, &film), "too-late");
    film.keys = String::new();
    assert_eq!(why(usize::MAX, &film), "no-key-log");
    film.keys = std::fs::read_to_string(sample("wss-tls12-gcm.keys")).expect("it is there");
    assert_eq!(why(0, &film), "not-in-key-log");
}

/// What an operator needs who has no secrets, or the wrong ones: which connection it is, what is missing,
/// and what to do.
#[test]
fn what_is_missing_and_how_to_get_it_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = sample("wss-tls13.pcap");
    let good = std::fs::read_to_string(sample("wss-tls13.keys")).expect("it is there");
    let lines = |keep: &dyn Fn(&str) -> bool| {
        good.lines().filter(|line| keep(line)).map(|line| format!("{line}\n")).collect::<String>()
    };
    let wrong = |line: &str| line.rsplit_once(' ').expect("three words").0.to_owned();
    let cases = [
        ("empty", String::new(), "no secrets"),
        ("rubbish", "hello\nworld\n".to_owned(), "2 lines are no secrets (expected CLIENT_RANDOM"),
        ("comments", "# nothing here\n".to_owned(), "key log: no secrets"),
        ("cut", lines(&|_| true).replace("\n", "!\n"), "lines are no secrets"),
        (
            "one side",
            lines(&|line| line.starts_with("CLIENT_")),
            "has only some of this connection's",
        ),
        ("handshake only", lines(&|line| line.contains("HANDSHAKE")), "has only some of this"),
        (
            "others",
            std::fs::read_to_string(sample("wss-tls12-gcm.keys")).expect("it is there"),
            "1 secret of 1 connection, none of them in this capture",
        ),
        (
            "wrong",
            good.lines().map(|line| format!("{} {}\n", wrong(line), "5a".repeat(48))).collect(),
            "the secrets that the key log has for it open none of its records",
        ),
    ];
    for (name, text, said) in cases {
        let keys = folder.path().join(name);
        std::fs::write(&keys, text).expect("it is written");
        let run = ws101(&["pcap", utf8(&file), "--keylog", utf8(&keys), "--width", "200"]);
        let text = String::from_utf8(run.stdout).expect("text");
        assert_eq!(run.code, Some(0), "{name}: {text}");
        for said in
            [said, "TLS 1.3 · TLS_AES_256_GCM_SHA384 · localhost", "1 TLS connection not read"]
        {
            assert!(text.contains(said), "{name}: no {said:?} in {text}");
        }
        let is_told_how = text.contains("--keylog FILE") && text.contains("ws101 explain keylog");
        assert_eq!(is_told_how, name != "wrong", "{name}: {text}");
    }
}

#[test]
fn the_topics_say_how_each_kind_of_client_writes_its_secrets() {
    for topic in ["wss", "keylog", "CAP-TLS-OPAQUE"] {
        let text = String::from_utf8(ws101(&["explain", topic]).stdout).expect("text");
        let names = ["Chrome", "Firefox", "curl", "Python", "Node", "Java", "Go", "SSLKEYLOGFILE"];
        let missing: Vec<_> = names.iter().filter(|name| !text.contains(**name)).collect();
        assert!(missing.is_empty(), "explain {topic}: {missing:?}");
    }
}

#[test]
fn the_list_of_what_stays_closed_keeps_to_the_width() {
    for width in ["60", "80"] {
        let file = sample("browser-wss-h1.pcap");
        for more in [&[][..], &["--messages"]] {
            let arguments = [&["pcap", utf8(&file), "--width", width][..], more].concat();
            let text = String::from_utf8(ws101(&arguments).stdout).expect("text");
            let most: usize = width.parse().expect("a number");
            let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > most).collect();
            assert!(wide.is_empty() && text.contains("offers h2"), "{width}: {wide:?}");
        }
    }
    let text = ws101(&["pcap", utf8(&sample("wss-tls13.pcap"))]).stdout;
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains("1 TLS connection that can't be read"), "{text}");
}

#[test]
fn tls_inside_a_tunnel_is_listed_if_it_stays_closed() {
    let file = sample("connect.pcap");
    let records = run(&[utf8(&file)]);
    let tls = of_type(&records, "tls");
    assert_eq!(tls.len(), 1);
    assert_eq!(
        (&tls[0]["server_name"], &tls[0]["why"]),
        (&"localhost".into(), &"no-key-log".into())
    );
    let records = run(&[utf8(&file), "--keylog", utf8(&sample("connect.keys"))]);
    assert!(of_type(&records, "tls").is_empty());
    let connection = of_type(&records, "connection")[0];
    assert_eq!(connection["tls"]["version"], "TLS 1.3");
}
