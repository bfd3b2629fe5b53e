//! Byte strings and verdicts from the test suites of other WebSocket libraries.
//!
//! Assumed of the command line: `frame FILE --from SIDE` takes a file of raw bytes; without more,
//! no extension is negotiated, so a reserved bit is a violation; `--deflate PARAMS` states that
//! permessage-deflate is, where PARAMS is the rest of the response's extension value, such as
//! `server_no_context_takeover`, or nothing (see [`negotiated`]). `handshake REQUEST RESPONSE`
//! takes two files, `handshake FILE` both halves in one.
//!
//! A suite's word is evidence, not law. Where the RFC says otherwise, the tables `*_OTHERWISE`
//! say what is expected instead, and why.

mod shared;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;
use shared::{
    Run, assert_none, brief, errors, in_parallel, is_one_of, list, number, of_type, rules_for, say,
    text, unhex, utf8,
};
use tempfile::NamedTempFile;

/// What is expected where the RFC and a suite differ.
enum Instead {
    /// An `error` finding of one of these rules.
    Error(&'static [&'static str]),
    /// No `error` finding.
    Clean,
    /// No `error` finding, but this rule at a lower severity.
    Mentioned(&'static str),
    /// Both readings can be defended: counted, not asserted.
    Open,
}
use Instead::{Clean, Error, Mentioned, Open};

type Table = &'static [(&'static str, Instead, &'static str)];

const FRAMES_OTHERWISE: Table = &[
    (
        "f0020",
        Open,
        "a test of one frame without a stream; in a stream its continuation would continue \
         nothing (RFC 6455 §5.4)",
    ),
    ("f0026", Open, "as f0020"),
    (
        "f0189",
        Mentioned("CLS-CODE-UNASSIGNED"),
        "2998 is unassigned, not forbidden: RFC 6455 §7.4.2 reserves 1000-2999 for future \
         definition, and a newer registry may have it",
    ),
];

const HANDSHAKES_OTHERWISE: Table = &[
    (
        "h0026",
        Open,
        "x-op is the test's private extension; what `op=that` may answer is its own affair \
         (RFC 6455 §9.1)",
    ),
    (
        "h0096",
        Open,
        "102 is an interim response (RFC 9110 §15.2) and the final one is missing; the suite \
         itself rejects, it does not call it broken",
    ),
    ("h0149", Open, "a hixie-76 handshake: another protocol, not a broken RFC 6455 one"),
    (
        "h0161",
        Open,
        "client bytes before the 101 break RFC 6455 §4.1 (wait for the response), which a \
         transcript cannot show; the vector also has its request twice",
    ),
    (
        "h0187",
        Mentioned("PMD-RESP-CLIENT-BITS-LARGER"),
        "RFC 7692 §7.1.2.2 lets a server answer with more than the client's hint",
    ),
    ("h0220", Mentioned("PMD-RESP-CLIENT-BITS-LARGER"), "as h0187"),
];

const OWS: &str = "white space around a field value is no part of it (RFC 9110 §5.5)";
const EMPTY_MEMBER: &str = "empty list members are skipped by recipients (RFC 9110 §5.6.1.2)";

const HEADER_VALUES_OTHERWISE: Table = &[
    ("v0014", Clean, EMPTY_MEMBER),
    ("v0015", Clean, EMPTY_MEMBER),
    ("v0022", Clean, OWS),
    ("v0043", Clean, OWS),
    ("v0044", Clean, OWS),
    ("v0045", Clean, EMPTY_MEMBER),
    ("v0047", Clean, OWS),
    ("v0048", Clean, EMPTY_MEMBER),
    ("v0053", Clean, OWS),
    ("v0058", Clean, EMPTY_MEMBER),
    ("v0059", Clean, EMPTY_MEMBER),
    ("v0063", Clean, OWS),
    ("v0067", Clean, OWS),
    ("v0068", Clean, EMPTY_MEMBER),
    ("v0069", Clean, OWS),
    ("v0070", Clean, EMPTY_MEMBER),
    (
        "v0108",
        Error(&["HS-REQ-EXT-SYNTAX"]),
        "a quoted value must be a token once unquoted (RFC 6455 §9.1), and \"b,a;z\" is none",
    ),
];

fn otherwise(table: Table, id: &str) -> Option<&'static Instead> {
    table.iter().find(|(entry, ..)| *entry == id).map(|(_, instead, _)| instead)
}

#[test]
fn the_references_have_the_vectors_that_these_tests_count() {
    // Counted with Python when this test was written; a change of the references must be seen.
    for (file, field, word, expected) in [
        ("frames", "outcome", "ok", 156),
        ("frames", "outcome", "violation", 82),
        ("frames", "outcome", "incomplete", 12),
        ("handshakes", "verdict", "valid", 78),
        ("handshakes", "verdict", "valid_request", 25),
        ("handshakes", "verdict", "invalid", 152),
    ] {
        let Some(vectors) = vectors("the_references_have_the_vectors_that_these_tests_count", file)
        else {
            return;
        };
        let counted = vectors.iter().filter(|v| v["expected"][field] == word).count();
        assert_eq!(counted, expected, "{file} labelled {word}");
    }
    let Some(values) =
        vectors("the_references_have_the_vectors_that_these_tests_count", "header_values")
    else {
        return;
    };
    let count = |word: &str| values.iter().filter(|v| v["expected"] == word).count();
    assert_eq!((count("ok"), count("invalid"), values.len()), (47, 74, 122));
    for (table, file) in [
        (FRAMES_OTHERWISE, "frames"),
        (HANDSHAKES_OTHERWISE, "handshakes"),
        (HEADER_VALUES_OTHERWISE, "header_values"),
    ] {
        let vectors = vectors("the_references_have_the_vectors_that_these_tests_count", file)
            .expect("seen above");
        for (id, ..) in table {
            assert!(vectors.iter().any(|vector| vector["id"] == *id), "{id} is gone");
        }
    }
}

// Frames.

#[test]
fn frames_are_judged_as_other_libraries_judge_them() {
    let Some(runs) = frame_runs("frames_are_judged_as_other_libraries_judge_them") else { return };
    let mut tally = Tally::default();
    for (vector, run) in runs {
        let expected = &vector["expected"];
        let kinds = list(expected, "violations");
        let verdict = match text(expected, "outcome") {
            "violation" => Verdict::Broken,
            "ok" | "incomplete" => Verdict::Fine,
            other => Verdict::None(other.to_owned()),
        };
        let complaint = match otherwise(FRAMES_OTHERWISE, text(vector, "id")) {
            Some(instead) => instead.complaint(run),
            None => match &verdict {
                Verdict::Broken => kinds.iter().find_map(|kind| {
                    let side = side(vector);
                    missing_error(run, rules_for(kind.as_str().expect("a word")), Some(side))
                }),
                Verdict::Fine => unexpected_errors(run),
                Verdict::None(_) => None,
            },
        };
        let instead = otherwise(FRAMES_OTHERWISE, text(vector, "id"));
        tally.count(&verdict, instead, complaint.map(|what| describe(vector, &what)));
    }
    tally.report("frame vectors");
}

#[test]
fn frames_are_decoded_field_by_field() {
    let Some(runs) = frame_runs("frames_are_decoded_field_by_field") else { return };
    let mut complaints = Vec::new();
    for (vector, run) in runs {
        let expected = &vector["expected"];
        if let Some(crash) = run.crash() {
            complaints.push(crash);
            continue;
        }
        let records = run.records();
        let mut frames = of_type(&records, "frame");
        frames.retain(|frame| frame["complete"] == true);
        if frames.len() as u64 != number(expected, "frame_count") {
            let count = number(expected, "frame_count");
            complaints.push(describe(vector, &format!("{} of {count} frames", frames.len())));
            continue;
        }
        for (frame, fields) in frames.iter().zip(list(expected, "frames")) {
            if let Some(difference) = frame_difference(frame, fields) {
                complaints.push(describe(vector, &difference));
            }
        }
        let judged = ["ok", "limit"].contains(&text(expected, "outcome"));
        if judged && let Some(difference) = message_difference(&records, expected) {
            complaints.push(describe(vector, &difference));
        }
    }
    assert_none(&complaints);
}

/// Every frame vector with its run; run once for all tests.
fn frame_runs(claim: &str) -> Option<&'static [(Value, Run)]> {
    static RUNS: OnceLock<Vec<(Value, Run)>> = OnceLock::new();
    let vectors = vectors(claim, "frames")?;
    let folder = shared::shared(claim, "conformance/vectors")?;
    let decode = |vector: &Value| {
        let bytes = match vector["bin"].as_str() {
            Some(bin) => std::fs::read(folder.join(bin)).expect("a vector's bytes"),
            None => unhex(text(vector, "hex")),
        };
        let file = file_with(&bytes, vector, ".bin");
        let mut args = vec!["frame", "--raw", utf8(file.path()), "--from", side(vector)];
        let deflate = negotiated(vector);
        let deflate = deflate.map(|parameters| format!("--deflate={parameters}"));
        args.extend(deflate.as_deref());
        args.extend(["--format", "jsonl"]);
        shared::ws101(&args)
    };
    let runs = RUNS.get_or_init(|| {
        let runs = in_parallel(&vectors, decode);
        vectors.into_iter().zip(runs).collect()
    });
    Some(runs)
}

fn side(vector: &Value) -> &'static str {
    if vector["direction"] == "client_to_server" { "client" } else { "server" }
}

/// The parameters for `--deflate`, where permessage-deflate was negotiated.
fn negotiated(vector: &Value) -> Option<String> {
    let value = vector["negotiated_extensions"].as_str()?;
    let parameters = value.strip_prefix("permessage-deflate").expect("no other extension is used");
    Some(parameters.trim_start_matches([';', ' ']).to_owned())
}

fn frame_difference(frame: &Value, fields: &Value) -> Option<String> {
    let bit = |name: &str| u64::from(frame[name] == true);
    let seen = [
        ("fin", bit("fin")),
        ("rsv", 4 * bit("rsv1") + 2 * bit("rsv2") + bit("rsv3")),
        ("opcode", number(frame, "opcode")),
        ("masked", bit("masked")),
        ("len", number(frame, "payload_length")),
        ("header_length", number(frame, "header_length")),
    ];
    for (name, seen) in seen {
        let expected = match (&fields[name], name) {
            (Value::Bool(value), _) => u64::from(*value),
            (_, "header_length") => {
                let extended = match number(fields, "len_encoding_bits") {
                    7 => 0,
                    bits => bits / 8,
                };
                2 + extended + if fields["masked"] == true { 4 } else { 0 }
            }
            (value, _) => value.as_u64().expect("a number"),
        };
        if seen != expected {
            return Some(format!("{name} is {seen}, the suite has {expected}"));
        }
    }
    let key = fields["mask"].as_str();
    if frame["masking_key"].as_str() != key {
        return Some(format!("masking_key is {}, the suite has {key:?}", frame["masking_key"]));
    }
    match (frame["payload"].as_str(), fields["payload"].as_str()) {
        (Some(seen), Some(expected)) if seen != expected => {
            Some(format!("payload is {seen}, the suite has {expected}"))
        }
        _ => None,
    }
}

/// The suite's message events, where it lists them, are our messages.
fn message_difference(records: &[Value], expected: &Value) -> Option<String> {
    let mut wanted = Vec::new();
    for event in list(expected, "messages") {
        if event["ev"] == "message" && event["payload"].is_string() {
            wanted.push((event["binary"] == true, unhex(text(event, "payload"))));
        } else if event["frame_plain"].is_array() {
            return None; // of the whole vector, without a kind
        } else if event["ev"] == "message" {
            return None; // too long for the reference
        }
    }
    let messages = of_type(records, "message");
    if wanted.is_empty() {
        return None;
    }
    let abridged = expected["frames"].is_null(); // f0228: 20,000 frames, 50 messages listed
    if messages.len() != wanted.len() && !abridged {
        return Some(format!("{} of {} messages", messages.len(), wanted.len()));
    }
    let wrong =
        messages.iter().zip(&wanted).position(|(message, (binary, payload))| match message["text"]
            .as_str()
        {
            Some(text) => *binary || text.as_bytes() != payload.as_slice(),
            None => !*binary || message["length"] != payload.len(),
        });
    wrong.map(|at| format!("message {} differs", at + 1))
}

// Handshakes.

#[test]
fn handshakes_are_judged_as_other_libraries_judge_them() {
    judge_handshakes(
        "handshakes_are_judged_as_other_libraries_judge_them",
        "handshake vectors",
        false,
    );
}

/// Apart, because the rules PMD-OFFER-* and PMD-RESP-* are a piece of work of their own.
#[test]
fn permessage_deflate_parameters_are_judged_as_other_libraries_judge_them() {
    judge_handshakes(
        "permessage_deflate_parameters_are_judged_as_other_libraries_judge_them",
        "permessage-deflate negotiation vectors",
        true,
    );
}

fn judge_handshakes(claim: &str, what: &str, about_deflate: bool) {
    let Some(runs) = handshake_runs(claim) else { return };
    let mut tally = Tally::default();
    for (vector, run, _) in runs {
        if is_about_deflate(vector) != about_deflate {
            continue;
        }
        let expected = &vector["expected"];
        let verdict = match text(expected, "verdict") {
            "invalid" => Verdict::Broken,
            "valid" | "valid_request" => Verdict::Fine,
            other => Verdict::None(other.to_owned()),
        };
        let instead = otherwise(HANDSHAKES_OTHERWISE, text(vector, "id"));
        let complaint = match (instead, &verdict) {
            (Some(instead), _) => instead.complaint(run),
            // No HTTP at all may also be refused as unreadable.
            (_, Verdict::Broken) if has_reason(vector, "malformed_http") && run.code == Some(2) => {
                None
            }
            (_, Verdict::Broken) => {
                // A parser's test has no roles; a bad message of its own may be taken for either.
                let culprit =
                    if vector["level"] == "http" { None } else { expected["culprit"].as_str() };
                missing_error(run, &["HS-*", "NEG-*", "PMD-*", "HIST-*"], culprit)
            }
            (_, Verdict::Fine) => {
                unexpected_errors(run).or_else(|| handshake_complaint(vector, run))
            }
            (_, Verdict::None(_)) => None,
        };
        tally.count(&verdict, instead, complaint.map(|what| describe(vector, &what)));
    }
    tally.report(what);
}

#[test]
fn one_file_or_two_files_make_no_difference() {
    let Some(runs) = handshake_runs("one_file_or_two_files_make_no_difference") else { return };
    let mut complaints = Vec::new();
    for (vector, two, one) in runs {
        let Some(one) = one else { continue };
        let rules = |run: &Run| {
            let records = run.records();
            let findings = of_type(&records, "finding").into_iter();
            let mut rules: Vec<String> = findings.map(|f| text(f, "rule").to_owned()).collect();
            rules.sort();
            rules
        };
        if text(&vector["expected"], "verdict") == "valid" && rules(one) != rules(two) {
            let difference = format!("one file {:?}, two files {:?}", rules(one), rules(two));
            complaints.push(describe(vector, &difference));
        }
    }
    assert_none(&complaints);
}

/// Every handshake vector that has bytes, with its run in two files and, if complete, in one.
type HandshakeRun = (Value, Run, Option<Run>);

fn handshake_runs(claim: &str) -> Option<&'static [HandshakeRun]> {
    static RUNS: OnceLock<Vec<HandshakeRun>> = OnceLock::new();
    let mut vectors = vectors(claim, "handshakes")?;
    vectors
        .retain(|vector| vector["request_hex"].is_string() || vector["response_hex"].is_string());
    let runs = RUNS.get_or_init(|| {
        let runs = in_parallel(&vectors, |vector| {
            let halves: Vec<Vec<u8>> = ["request_hex", "response_hex"]
                .into_iter()
                .filter_map(|half| vector[half].as_str().map(unhex))
                .collect();
            let files: Vec<NamedTempFile> =
                halves.iter().map(|half| file_with(half, vector, ".http")).collect();
            let mut args = vec!["handshake"];
            args.extend(files.iter().map(|file| utf8(file.path())));
            args.extend(["--format", "jsonl"]);
            let one = (halves.len() == 2 && vector["expected"]["verdict"] == "valid").then(|| {
                let file = file_with(&halves.concat(), vector, ".http");
                shared::ws101(&["handshake", utf8(file.path()), "--format", "jsonl"])
            });
            (shared::ws101(&args), one)
        });
        let pairs = vectors.into_iter().zip(runs);
        pairs.map(|(vector, (two, one))| (vector, two, one)).collect()
    });
    Some(runs)
}

fn is_about_deflate(vector: &Value) -> bool {
    let halves = ["request_text", "response_text"].map(|half| text(vector, half));
    halves.iter().any(|half| half.contains("permessage-deflate"))
        && has_reason(vector, "bad_extension_param")
}

fn has_reason(vector: &Value, wanted: &str) -> bool {
    list(&vector["expected"], "reasons").iter().any(|reason| reason == wanted)
}

/// An exchange that the suite completes is `valid` and `upgraded`.
fn handshake_complaint(vector: &Value, run: &Run) -> Option<String> {
    let records = run.records();
    let handshakes = of_type(&records, "handshake");
    let outcome = match text(&vector["expected"], "verdict") {
        "valid" => "upgraded",
        _ => "incomplete",
    };
    let [handshake] = handshakes[..] else {
        return Some(format!("{} handshake records", handshakes.len()));
    };
    if handshake["outcome"] != outcome {
        return Some(format!("outcome {}, expected {outcome}", handshake["outcome"]));
    }
    if outcome == "upgraded" && handshake["valid"] != true {
        return Some("not valid".to_owned());
    }
    None
}

// Header values.

#[test]
fn header_values_are_judged_as_other_libraries_judge_them() {
    let Some(values) =
        vectors("header_values_are_judged_as_other_libraries_judge_them", "header_values")
    else {
        return;
    };
    let runs = in_parallel(&values, |value| {
        let file = file_with(
            &exchange_around(text(value, "header"), text(value, "value")),
            value,
            ".http",
        );
        shared::ws101(&["handshake", utf8(file.path()), "--format", "jsonl"])
    });
    let mut tally = Tally::default();
    for (value, run) in values.iter().zip(&runs) {
        let verdict = match text(value, "expected") {
            _ if value["disputed"] == true => Verdict::None("disputed".to_owned()),
            "ok" => Verdict::Fine,
            "invalid" => Verdict::Broken,
            other => Verdict::None(other.to_owned()),
        };
        let instead = otherwise(HEADER_VALUES_OTHERWISE, text(value, "id"));
        let complaint = match (instead, &verdict) {
            (Some(instead), _) => instead.complaint(run),
            (_, Verdict::Broken) => {
                missing_error(run, &["HS-REQ-*", "PMD-OFFER-*"], Some("client"))
            }
            (_, Verdict::Fine) => unexpected_errors(run),
            (_, Verdict::None(_)) => None,
        };
        tally.count(&verdict, instead, complaint.map(|what| describe(value, &what)));
    }
    tally.report("header values");
}

/// The smallest complete exchange with this value in the request, answered without extension or
/// subprotocol: both may be declined, so nothing else is wrong with it.
fn exchange_around(header: &str, value: &str) -> Vec<u8> {
    let mut fields = BTreeMap::from([
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ]);
    fields.insert(header, value);
    let fields: String =
        fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    format!("GET /chat HTTP/1.1\r\n{fields}\r\n{response}").into_bytes()
}

// Judging.

enum Verdict {
    Fine,
    Broken,
    /// A word of the suite that is no verdict on the bytes.
    None(String),
}

impl Instead {
    fn complaint(&self, run: &Run) -> Option<String> {
        match self {
            Error(rules) => missing_error(run, rules, None),
            Clean => unexpected_errors(run),
            Mentioned(rule) => {
                let records = run.records();
                let mentioned = of_type(&records, "finding").iter().any(|f| f["rule"] == *rule);
                unexpected_errors(run).or((!mentioned).then(|| format!("{rule} is not mentioned")))
            }
            Open => run.crash(),
        }
    }
}

/// A complaint unless an error of one of these rules is found (against this end, if given).
fn missing_error(run: &Run, rules: &[&str], culprit: Option<&str>) -> Option<String> {
    if let Some(crash) = run.crash() {
        return Some(crash);
    }
    let records = run.records();
    let found = errors(&records).into_iter().any(|error| {
        is_one_of(error, rules) && culprit.is_none_or(|culprit| error["violator"] == culprit)
    });
    if found && run.code == Some(1) {
        return None;
    }
    let all: Vec<String> = of_type(&records, "finding").iter().map(|f| brief(f)).collect();
    Some(format!("no error of {rules:?} against {culprit:?}; exit {:?}, found {all:?}", run.code))
}

fn unexpected_errors(run: &Run) -> Option<String> {
    if let Some(crash) = run.crash() {
        return Some(crash);
    }
    let records = run.records();
    let found: Vec<String> = errors(&records).iter().map(|error| brief(error)).collect();
    if found.is_empty() && run.code == Some(0) {
        return None;
    }
    Some(format!("exit {:?}, {found:?} {}", run.code, run.stderr.trim()))
}

fn describe(vector: &Value, what: &str) -> String {
    let start = |value: &Value| value.as_str().unwrap_or("").chars().take(60).collect::<String>();
    let bytes = if vector["value"].is_string() { &vector["value"] } else { &vector["hex"] };
    let about = text(&vector["source"], "test");
    format!(
        "{} {} ({about}) {}: {what}",
        text(vector, "id"),
        text(&vector["source"], "suite"),
        start(bytes)
    )
}

/// How many vectors were judged as labelled, and which were not.
#[derive(Default)]
struct Tally {
    fine: (usize, usize),
    broken: (usize, usize),
    instead: usize,
    skipped: BTreeMap<String, usize>,
    complaints: Vec<String>,
}

impl Tally {
    fn count(&mut self, verdict: &Verdict, instead: Option<&Instead>, complaint: Option<String>) {
        let right = usize::from(complaint.is_none());
        match verdict {
            _ if instead.is_some() => self.instead += 1,
            Verdict::Fine => self.fine = (self.fine.0 + right, self.fine.1 + 1),
            Verdict::Broken => self.broken = (self.broken.0 + right, self.broken.1 + 1),
            Verdict::None(word) => *self.skipped.entry(word.clone()).or_default() += 1,
        }
        self.complaints.extend(complaint);
    }

    fn report(&self, what: &str) {
        say(&format!(
            "{what}: fine {}/{}, broken {}/{}, the RFC says otherwise {}, no verdict {:?}",
            self.fine.0, self.fine.1, self.broken.0, self.broken.1, self.instead, self.skipped,
        ));
        assert_none(&self.complaints);
    }
}

fn vectors(claim: &str, name: &str) -> Option<Vec<Value>> {
    let path: PathBuf = shared::shared(claim, &format!("conformance/vectors/{name}.jsonl"))?;
    Some(shared::json_lines(&path))
}

/// A file with these bytes, named after its vector so that a complaint names it, too.
fn file_with(bytes: &[u8], vector: &Value, suffix: &str) -> NamedTempFile {
    let prefix = format!("{}-", text(vector, "id"));
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(&prefix).suffix(suffix).tempfile().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file can be written");
    file
}
