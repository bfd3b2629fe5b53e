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
    assert!(run.stderr.contains("no-such-file") && run.stderr.contains("CLIENT_RANDOM"));
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
