//! What every acceptance test needs: where the references are, how the binary is run, how its
//! records are read.
//!
//! The references are outside the repository (`WS101_SHARED`, or `../shared` beside the checkout).
//! Where they are missing a test says so on stderr, past libtest's capture, and passes without a
//! verdict. `WS101_BIN` names another binary to judge, such as an installed release.

#![allow(dead_code)] // each test crate compiles this module anew and uses its part of it

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

/// Long enough for the largest capture in a debug build, short enough to catch an endless loop.
const PATIENCE: Duration = Duration::from_secs(120);

/// The machine that develops this has two cores, shared with others.
const THREADS: usize = 2;

/// Says a line on the real stderr: figures and skips must be seen when tests pass, too.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The file or folder `path` of the shared references, or a loud skip of the test `claim`.
pub(crate) fn shared(claim: &str, path: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("WS101_SHARED") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let found = root.join(path);
    if !found.exists() {
        say(&format!("SKIPPED {claim}: ../shared is not here"));
        return None;
    }
    Some(found)
}

/// A recording and what its peers saw: the copy in `samples/captures/`, else the shared one.
pub(crate) fn recording(claim: &str, name: &str) -> Option<(PathBuf, Value)> {
    let copies = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures");
    let folder = if copies.join(format!("{name}.pcap")).exists() {
        copies
    } else {
        shared(claim, "captures/recorded")?
    };
    let truth = read_text(&folder.join(format!("{name}.truth.json")));
    let truth = serde_json::from_str(&truth).expect("a truth file is JSON");
    Some((folder.join(format!("{name}.pcap")), truth))
}

/// What one run of the binary gave.
pub(crate) struct Run {
    pub(crate) what: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("WS101_BIN").map_or(env!("CARGO_BIN_EXE_ws101").into(), PathBuf::from)
}

/// Runs ws101 to its end, without input.
pub(crate) fn ws101(args: &[&str]) -> Run {
    ws101_with_input(args, &[])
}

/// Runs ws101 to its end with these bytes on stdin.
pub(crate) fn ws101_with_input(args: &[&str], input: &[u8]) -> Run {
    let output = assert_cmd::Command::new(binary())
        .args(args)
        .env_remove("CLICOLOR_FORCE")
        .env_remove("SSLKEYLOGFILE")
        .write_stdin(input)
        .timeout(PATIENCE)
        .output()
        .expect("the binary starts");
    Run {
        what: format!("ws101 {}", args.join(" ")),
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Run {
    /// One complaint if the program crashed, hung or used an exit status that is not documented.
    pub(crate) fn crash(&self) -> Option<String> {
        let code = match self.code {
            None => return Some(format!("{}: killed by a signal or out of time", self.what)),
            Some(code) => code,
        };
        if code > 2 || self.stderr.contains("panicked") {
            return Some(format!("{}: exit {code}\n{}", self.what, self.stderr));
        }
        None
    }

    /// The records of a `--format jsonl` run.
    pub(crate) fn records(&self) -> Vec<Value> {
        if let Some(crash) = self.crash() {
            panic!("{crash}");
        }
        let text = std::str::from_utf8(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: stdout is not UTF-8: {error}", self.what));
        text.lines()
            .enumerate()
            .map(|(at, line)| {
                serde_json::from_str(line).unwrap_or_else(|error| {
                    panic!("{}: line {} is not JSON: {error}\n{line}", self.what, at + 1)
                })
            })
            .collect()
    }
}

/// `ws101 pcap FILE --format jsonl`, with the key log beside the file if there is one.
pub(crate) fn pcap(file: &Path) -> Run {
    let keys = file.with_extension("keys");
    if keys.exists() {
        return ws101(&["pcap", utf8(file), "--format", "jsonl", "--keylog", utf8(&keys)]);
    }
    ws101(&["pcap", utf8(file), "--format", "jsonl"])
}

pub(crate) fn utf8(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

pub(crate) fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The values of a file with one JSON value a line.
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text = read_text(path);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).expect("a reference line is JSON")).collect()
}

/// The text in `key`, or "" where there is none.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

pub(crate) fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} is no number in {value}"))
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// The records of one type, in order.
pub(crate) fn of_type<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["type"] == kind).collect()
}

/// The findings that make a report red.
pub(crate) fn errors(records: &[Value]) -> Vec<&Value> {
    let mut findings = of_type(records, "finding");
    findings.retain(|finding| finding["severity"] == "error");
    findings
}

/// A finding in one line, for the list of what went wrong.
pub(crate) fn brief(finding: &Value) -> String {
    format!(
        "{} {} {} against {}: {}",
        text(finding, "severity"),
        text(finding, "rule"),
        text(finding, "direction"),
        finding["violator"],
        text(finding, "detail"),
    )
}

/// The rules as which a suite's kind of violation may be found; `*` ends a family's name.
///
/// The kinds and families are those of `conformance/README.md`, with the kinds that only the
/// vectors know below.
pub(crate) fn rules_for(kind: &str) -> &'static [&'static str] {
    match kind {
        "invalid_utf8" => &["UTF-*"],
        // Where it is the first letter of readable text, that says more.
        "reserved_opcode" => &["FRM-OPCODE-RESERVED", "HS-RES-HTTP-AFTER-101"],
        "bad_continuation" => &["FRG-*"],
        "reserved_bits" => &["FRM-RSV-UNNEGOTIATED", "PMD-RSV1-*"],
        "control_frame_too_long" => &["CTL-TOO-LONG"],
        "control_frame_fragmented" => &["CTL-FRAGMENTED"],
        "invalid_close_code" | "close_code_out_of_range" => &["CLS-CODE-*"],
        "close_payload_length_1" => &["CLS-BODY-LEN-1"],
        "invalid_close_reason_utf8" => &["CLS-REASON-UTF8"],
        "data_after_close" => &["CLS-DATA-AFTER-CLOSE"],
        "control_after_close" => &["CTL-AFTER-CLOSE"],
        "close_after_close" => &["CLS-DUPLICATE"],
        "close_inside_fragmented_message" => &["FRG-UNFINISHED"],
        "non_minimal_length" => &["FRM-LEN-MINIMAL-*"],
        "length_msb_set" => &["FRM-LEN-MSB"],
        "masked_server_frame" => &["MSK-SERVER-MASKED"],
        "unmasked_client_frame" => &["MSK-CLIENT-UNMASKED"],
        "decompression_failed" => &["PMD-INFLATE-ERROR", "PMD-CONTEXT-TAKEOVER"],
        other => panic!("the references have a kind of violation unknown to this test: {other}"),
    }
}

/// Whether a finding's rule is one of these rules and families.
pub(crate) fn is_one_of(finding: &Value, rules: &[&str]) -> bool {
    let rule = text(finding, "rule");
    rules.iter().any(|wanted| match wanted.strip_suffix('*') {
        Some(family) => rule.starts_with(family),
        None => rule == *wanted,
    })
}

/// Fails with all complaints at once: a list is worth more than its first line.
pub(crate) fn assert_none(complaints: &[String]) {
    let count = complaints.len();
    assert!(complaints.is_empty(), "{count} complaints:\n{}", complaints.join("\n"));
}

/// Applies `work` to every item on a few threads; results in the order of the items.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let toil = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut results = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(toil)).collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect::<Vec<_>>()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Bytes of a string of hex digits.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| 16 * digit(pair[0]) + digit(pair[1])).collect()
}

fn digit(character: u8) -> u8 {
    (character as char).to_digit(16).expect("the references' hex is hex") as u8
}
