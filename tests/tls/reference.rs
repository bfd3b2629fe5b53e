//! Public captures whose key logs are known: the same content as tshark 4.0 reads, connection by
//! connection. `reference.tsv` holds lengths and SHA-1 of what tshark read; with
//! `REPLAY=write cargo test --test tls tshark -- --ignored` it is asked again.

use crate::shared::{assert_none, say, shared, utf8};
use crate::told::Recorder;
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use ws101::input::capture::{CaptureFile, KeyLog, Limits, Reassembly, Step, Tally, TlsStep};
use ws101::said::{Endpoint, OpaqueReason, Transport};

/// What both ends of each connection said, as length and SHA-1, the lower first: tshark does not
/// always know who is who.
type Talks = Vec<[String; 2]>;

const REFERENCE: &str = include_str!("reference.tsv");

#[test]
fn public_captures_are_read_as_tshark_reads_them() {
    let claim = "public_captures_are_read_as_tshark_reads_them";
    let Some(folder) = shared(claim, "captures/public") else { return };
    let (mut wrong, mut files, mut connections) = (Vec::new(), 0, 0);
    let (mut unsupported, mut different) = (0, 0);
    for (name, keys) in captures(&folder) {
        files += 1;
        let (mut ours, facts) = ours(&folder.join(&name), keys.as_deref());
        let theirs = REFERENCE.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let mut missing = Vec::new();
        for row in theirs.filter(|row| row[0] == name) {
            connections += 1;
            match ours.iter().position(|talk| talk[0] == row[1] && talk[1] == row[2]) {
                Some(found) => _ = ours.swap_remove(found),
                None => missing.push(format!("{name}: {} and {} were not read", row[1], row[2])),
            }
        }
        // Old ciphers are not opened, but each such connection is listed under that name.
        let known = DIFFERENCES.iter().find(|(known, ..)| name.ends_with(known));
        let (_, less, more, _) = known.copied().unwrap_or_default();
        if missing.len() as i64 != facts.unsupported as i64 + less {
            wrong.extend(missing.iter().cloned());
        }
        if ours.len() != more {
            wrong.extend(ours.iter().map(|talk| format!("{name}: {talk:?} are ours alone")));
        }
        unsupported += facts.unsupported as i64 + less.min(0);
        different += less.max(0);
    }
    say(&format!(
        "{files} captures: of {connections} connections that tshark reads, {unsupported} have ciphers \
         that are not opened here, {different} are read otherwise, for known reasons, and the rest is \
         the same"
    ));
    assert!(connections > 100, "only {connections} connections were compared");
    assert_none(&wrong);
}

/// Captures that are read otherwise: how many connections only tshark reads like that (less than none: of
/// those with other ciphers, how many it does not read either), how many only this program does, and why.
const DIFFERENCES: [(&str, i64, usize, &str); 3] = [
    ("pcapgo__le__test301.pcapng", 1, 1, "segments are missing: tshark stops there"),
    (
        "tls2__dsb-dump.pcapng",
        -3,
        0,
        "three with ciphers that are not opened: tshark skips them, too",
    ),
    ("firefox-tls13-facebook-dsb.pcapng", 1, 1, "segments are out of order: tshark stops there"),
];

#[test]
#[ignore = "asks tshark, which takes minutes; REPLAY=write keeps its answers"]
fn tshark_still_says_the_same() {
    let claim = "tshark_still_says_the_same";
    let Some(folder) = shared(claim, "captures/public") else { return };
    let mut text = String::new();
    for (name, keys) in captures(&folder) {
        let file = folder.join(&name);
        let (_, facts) = ours(&file, keys.as_deref());
        for [one, other] in theirs(&file, keys.as_deref(), &facts) {
            text.push_str(&format!("{name}\t{one}\t{other}\n"));
        }
    }
    if std::env::var_os("REPLAY").is_some_and(|it| it == "write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/reference.tsv");
        std::fs::write(path, text).expect("it is written");
    } else {
        assert_eq!(text, REFERENCE);
    }
}

/// Length and hash of what was said.
fn digest(bytes: &[u8]) -> String {
    let digest = Sha1::digest(bytes);
    let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{hexadecimal}", bytes.len())
}

fn talk(said: [Vec<u8>; 2]) -> Option<[String; 2]> {
    let is_something = said.iter().any(|said| !said.is_empty());
    let mut talk = said.map(|said| digest(&said));
    talk.sort();
    is_something.then_some(talk)
}

/// The captures with TLS of the manifest, with their key logs.
fn captures(folder: &Path) -> Vec<(String, Option<PathBuf>)> {
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).expect("a manifest");
    let rows = manifest.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row.get(1) == Some(&"tls-keys"))
        .map(|row| {
            let keys = row[12].strip_prefix("external ").map(|keys| folder.join(keys));
            (row[0].to_owned(), keys)
        })
        .collect()
}

/// What tshark has to be told: how many TCP connections there are, and the ports of TLS.
#[derive(Default)]
struct Facts {
    connections: u64,
    /// Connections that were not read because of their cipher.
    unsupported: u64,
    ports: std::collections::BTreeSet<u16>,
}

fn ours(file: &Path, keys: Option<&Path>) -> (Talks, Facts) {
    let mut recorder = Recorder::default();
    let mut key_log = KeyLog::default();
    if let Some(keys) = keys {
        key_log.add_file(keys.to_owned()).expect("a key log");
    }
    let tally = read(file, key_log, &mut recorder);
    let mut facts = Facts { connections: tally.connections, ..Facts::default() };
    for opaque in &recorder.opaque {
        assert_ne!(opaque.why, OpaqueReason::WrongSecrets, "{}", file.display());
        facts.unsupported += u64::from(opaque.why == OpaqueReason::Unsupported);
        facts.ports.extend(opaque.server.map(|server| server.port()));
    }
    let mut talks = Talks::new();
    for told in &recorder.told {
        let opening = told.opening.expect("it was opened");
        if opening.transport == Transport::Tls {
            facts.ports.extend(opening.server.map(|server| server.port()));
            talks.extend(talk([Endpoint::Client, Endpoint::Server].map(|from| told.bytes(from))));
        }
    }
    (talks, facts)
}

/// Reads a capture as far as TLS: what HTTP/2 makes of it is not asked here.
fn read(file: &Path, key_log: KeyLog, recorder: &mut Recorder) -> Tally {
    let mut file = CaptureFile::open(File::open(file).expect("a file")).expect("a capture");
    let mut reassembly = Reassembly::new(Limits::default());
    let mut tls = TlsStep::new(key_log, true);
    let mut listener = tls.before(recorder);
    loop {
        match file.step() {
            Step::Packet(packet) => reassembly.packet(&packet, &mut listener),
            Step::Secrets(lines) => listener.secrets(lines),
            Step::Starved => file.fill(),
            Step::End => break,
            _ => {}
        }
    }
    let tally = reassembly.finish(&mut listener);
    listener.finish();
    tally
}

/// `tshark -z follow,tls,raw,N` for each TCP connection.
fn theirs(file: &Path, keys: Option<&Path>, facts: &Facts) -> Talks {
    let mut command = Command::new("tshark");
    command.args(["-q", "-n", "-r", utf8(file)]);
    if let Some(keys) = keys {
        command.args(["-o", &format!("tls.keylog_file:{}", utf8(keys))]);
    }
    for port in &facts.ports {
        command.args(["-d", &format!("tcp.port=={port},tls")]);
    }
    for number in 0..facts.connections {
        command.args(["-z", &format!("follow,tls,raw,{number}")]);
    }
    let output = command.output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut talks: BTreeMap<String, [Vec<u8>; 2]> = BTreeMap::new();
    let mut filter = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("Filter: ") {
            filter = name.to_owned();
        } else if !["===", "Follow", "Node"].iter().any(|start| line.starts_with(start)) {
            let said = talks.entry(filter.clone()).or_default();
            let (side, digits) = match line.strip_prefix('\t') {
                Some(digits) => (1, digits),
                None => (0, line),
            };
            for pair in digits.trim().as_bytes().chunks(2) {
                let pair = std::str::from_utf8(pair).expect("hexadecimal");
                said[side].push(u8::from_str_radix(pair, 16).expect("hexadecimal"));
            }
        }
    }
    talks.into_values().filter_map(talk).collect()
}
