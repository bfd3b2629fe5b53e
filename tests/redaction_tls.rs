//! `--redact` where the secrets lie deeper: inside TLS, inside HTTP/2, and between connections. What
//! real peers said over TLS must not show in any output, and what connections have to do with each
//! other must be found all the same.

mod shared;

use serde_json::Value;
use shared::{of_type, say, utf8};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Recordings over TLS, and their keys.
const RECORDINGS: [&str; 4] = ["wss-tls12-gcm", "wss-tls13", "browser-wss-h1", "browser-wss-h2"];

/// Ways of showing a capture.
const WAYS: [&[&str]; 14] = [
    &["--format", "jsonl"],
    &["--format", "json"],
    &["--format", "har"],
    &["--format", "sarif"],
    &["--format", "github"],
    &["--format", "junit"],
    &[],
    &["--frames"],
    &["--messages"],
    &["--connection", "1"],
    &["--follow-stream", "1"],
    &["--layers"],
    &["--layout", "1"],
    &["--text", "."],
];

fn recording(claim: &str, name: &str) -> Option<(PathBuf, PathBuf)> {
    let (file, _) = shared::recording(claim, name)?;
    let keys = file.with_extension("keys");
    if keys.exists() {
        return Some((file, keys));
    }
    say(&format!("SKIPPED {claim}: {name} has no keys here"));
    None
}

fn run(file: &Path, keys: &Path, way: &[&str], redact: bool) -> String {
    let args = [&["pcap", utf8(file), "--keylog", utf8(keys), "--width", "400"], way].concat();
    let args = if redact { [&args[..], &["--redact"]].concat() } else { args };
    let run = shared::ws101(&args);
    assert!(run.code.is_some_and(|code| code < 2), "{args:?}: {}", run.stderr);
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// Pieces of what the peers said: of each text the first characters, and the target asked for.
fn secrets(records: &[Value]) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    for message in of_type(records, "message") {
        let text = message["text"].as_str().unwrap_or_default();
        let piece: String = text.chars().filter(|c| c.is_ascii_alphabetic()).take(14).collect();
        secrets.extend((piece.len() == 14).then_some(piece));
    }
    secrets
}

/// Letters alone, so that no escape and no column hides anything.
fn letters(output: &str) -> String {
    output.chars().filter(char::is_ascii_alphabetic).collect()
}

#[test]
fn nothing_said_inside_tls_or_http2_shows() {
    let claim = "nothing_said_inside_tls_or_http2_shows";
    let mut looked_at = 0;
    for name in RECORDINGS {
        let Some((file, keys)) = recording(claim, name) else { continue };
        let open =
            shared::ws101(&["pcap", utf8(&file), "--keylog", utf8(&keys), "--format", "jsonl"])
                .records();
        let secrets = secrets(&open);
        assert!(!secrets.is_empty(), "{name}: nothing was read");
        let mut betrayed = Vec::new();
        let mut seen = BTreeSet::new();
        for way in WAYS {
            let output = letters(&run(&file, &keys, way, false));
            seen.extend(secrets.iter().filter(|secret| output.contains(*secret)).cloned());
            let output = letters(&run(&file, &keys, way, true));
            let told = secrets.iter().find(|secret| output.contains(*secret));
            betrayed.extend(told.map(|secret| format!("{name} {way:?}: {secret}")));
        }
        assert!(betrayed.is_empty(), "{betrayed:#?}");
        assert_eq!(seen, secrets, "{name}: without --redact all of it shows");
        looked_at += secrets.len();
    }
    say(&format!("{looked_at} texts inside TLS stay hidden"));
}

/// What is found: rule, severity, connection, cause.
fn found(args: &[&str]) -> Vec<[Value; 4]> {
    let records = shared::ws101(&[args, &["--format", "jsonl"]].concat()).records();
    let findings = of_type(&records, "finding");
    let keep = ["rule", "severity", "connection", "root"];
    findings.iter().map(|finding| keep.map(|key| finding[key].clone())).collect()
}

fn is_same_under_redaction(args: &[&str]) -> Vec<[Value; 4]> {
    let open = found(args);
    assert_eq!(found(&[args, &["--redact"]].concat()), open, "{args:?}");
    open
}

#[test]
fn verdicts_inside_tls_and_http2_are_those_of_the_open_report() {
    let claim = "verdicts_inside_tls_and_http2_are_those_of_the_open_report";
    for name in RECORDINGS {
        let Some((file, keys)) = recording(claim, name) else { continue };
        is_same_under_redaction(&["pcap", utf8(&file), "--keylog", utf8(&keys)]);
    }
}

#[test]
fn what_is_found_between_connections_is_found_under_redaction() {
    let claim = "what_is_found_between_connections_is_found_under_redaction";
    for (name, rule) in
        [("nginx-proxy", "HS-REQ-UPGRADE-PRESENT"), ("reconnect-storm", "SEC-RECONNECT-STORM")]
    {
        let Some((file, _)) = shared::recording(claim, name) else { continue };
        let found = is_same_under_redaction(&["pcap", utf8(&file)]);
        assert!(found.iter().any(|it| it[0] == rule), "{name}: {found:#?}");
    }
    for fault in ["HS-REQ-KEY-FRESH", "MSK-SEED-REPEAT", "HS-REQ-CONCURRENT", "FRG-PROXY-REFRAMED"]
    {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("between-{fault}.pcap"));
        let build = ["build", "conversation", "--fault", fault, "--seed", "7", "-o", utf8(&file)];
        let run = shared::ws101(&build);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let found = is_same_under_redaction(&["pcap", utf8(&file)]);
        assert!(found.iter().any(|it| it[0] == fault), "{fault}: {found:#?}");
    }
}
