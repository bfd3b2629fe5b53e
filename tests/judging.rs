//! What counts: `--select`, `--ignore`, `--fail-on`, on every command that judges.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const BROKEN: &str = "samples/broken/accept-of-decoded-key.http";
const CAPTURE: &str = "samples/captures/nginx-proxy.pcap";
/// "Hello" from a client that forgot to mask.
const UNMASKED: [&str; 4] = ["frame", "--from", "client", "810548656c6c6f"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run_in(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws101"));
    command.args(args).current_dir(folder).output().expect("the binary runs")
}

fn run(args: &[&str]) -> Output {
    run_in(root(), args)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text is UTF-8")
}

fn code(args: &[&str]) -> Option<i32> {
    run(args).status.code()
}

/// The records of a run, and the rules of its findings.
fn records(args: &[&str]) -> (Vec<Value>, Vec<String>) {
    let out = run(&[args, &["--format", "jsonl"]].concat());
    let records: Vec<Value> = text(&out.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record is JSON"))
        .collect();
    let rules = records
        .iter()
        .filter(|record| record["type"] == "finding")
        .map(|record| record["rule"].as_str().expect("a rule has a name").to_owned())
        .collect();
    (records, rules)
}

#[test]
fn what_is_ignored_counts_nowhere() {
    let cases: [(&[&str], &str); 3] = [
        (&["handshake", BROKEN], "HS-RES-ACCEPT-VALUE"),
        (&UNMASKED, "MSK-CLIENT-UNMASKED"),
        (&["pcap", CAPTURE], "HS"),
    ];
    for (command, ignored) in cases {
        assert_eq!(code(command), Some(1), "{command:?}");
        let (_, all) = records(command);
        let with = [command, &["--ignore", ignored]].concat();
        let (left, rules) = records(&with);
        let out = run(&with);
        assert_eq!(out.status.code(), Some(0), "{command:?}");
        assert!(!text(&out.stdout).contains(&format!("[{ignored}]")), "{command:?}");
        assert!(text(&out.stdout).contains("ignored: "), "{command:?}");
        assert!(rules.iter().all(|rule| !rule.starts_with(ignored)), "{rules:?}");
        let summary = left.last().expect("a summary");
        assert_eq!(summary["ignored"], (all.len() - rules.len()) as u64, "{command:?}");
        assert_eq!(summary["findings"]["error"], 0, "{command:?}");
    }
}

#[test]
fn what_is_selected_counts_alone() {
    let (_, all) = records(&["handshake", BROKEN]);
    assert!(all.len() > 1, "{all:?}");
    let (_, notes) = records(&["handshake", BROKEN, "--select", "note"]);
    assert_eq!(notes, ["HS-REQ-KEY-ENTROPY"]);
    let (_, none) =
        records(&["handshake", BROKEN, "--select", "HS-*", "--ignore", "*-KEY-*,error"]);
    assert_eq!(none, [""; 0]);
    let (_, again) = records(&["handshake", BROKEN, "--select", "CLS", "--select", "hs-res"]);
    assert_eq!(again, ["HS-RES-ACCEPT-VALUE"]);
    assert_eq!(code(&["handshake", BROKEN, "--select", "CLS"]), Some(0));
}

#[test]
fn a_file_without_a_command_is_judged_in_the_same_way() {
    assert_eq!(code(&[BROKEN]), Some(1));
    assert_eq!(code(&["--ignore", "error", BROKEN]), Some(0));
    assert_eq!(code(&[BROKEN, "--fail-on", "note", "--select", "note"]), Some(1));
}

#[test]
fn a_rule_that_does_not_exist_is_an_error_with_the_nearest_names() {
    let out = run(&["handshake", BROKEN, "--ignore", "HS-RES-ACEPT-VALUE"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("HS-RES-ACCEPT-VALUE"), "{}", text(&out.stderr));
}

#[test]
fn a_finding_that_hides_others_hides_them_when_it_is_ignored() {
    // A key of the wrong length is one mistake: ignoring it must not raise others about the key.
    let sample = "samples/broken/key-of-fifteen-bytes.http";
    let (_, all) = records(&["handshake", sample]);
    let (_, left) = records(&["handshake", sample, "--ignore", "HS-REQ-KEY-LENGTH"]);
    let expected: Vec<&String> = all.iter().filter(|rule| *rule != "HS-REQ-KEY-LENGTH").collect();
    assert!(all.len() > expected.len());
    assert_eq!(left.iter().collect::<Vec<_>>(), expected);
}

/// A folder with a configuration and a capture of a broken handshake to judge by it.
fn project(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("deep/er")).expect("a folder in it");
    std::fs::create_dir(folder.path().join(".git")).expect("the root of a repository");
    std::fs::write(folder.path().join("ws101.toml"), config).expect("a configuration");
    for place in ["", "deep/er"] {
        let to = folder.path().join(place).join("chat.http");
        std::fs::copy(root().join(BROKEN), to).expect("a sample");
    }
    folder
}

#[test]
fn the_nearest_file_says_how_to_judge_and_the_command_line_wins() {
    let project = project(
        "fail-on = \"note\"\nignore = [\"HS-RES-*\"] # known\n\n[thresholds]\nsilence = 120\n",
    );
    let below = project.path().join("deep/er");
    let code =
        |args: &[&str]| run_in(&below, &[&["handshake", "chat.http"], args].concat()).status.code();
    assert_eq!(code(&[]), Some(1), "the note fails");
    assert_eq!(code(&["--fail-on", "error"]), Some(0), "the error is ignored");
    assert_eq!(code(&["--fail-on", "error", "--ignore", "SEC"]), Some(1));
    assert_eq!(code(&["--no-config", "--fail-on", "note", "--ignore", "error,note"]), Some(0));
    assert_eq!(code(&["--no-config", "--ignore", "HS-RES"]), Some(0));
    let out = run_in(&below, &["handshake", "chat.http"]);
    assert!(text(&out.stdout).contains("ignored: 1 finding"), "{}", text(&out.stdout));
    assert!(text(&out.stdout).contains("../../ws101.toml"), "{}", text(&out.stdout));
}

#[test]
fn nothing_above_the_root_of_the_repository_is_read() {
    let outer = project("fail-on = \"never\"\n");
    std::fs::create_dir(outer.path().join("deep/.git")).expect("a repository in it");
    let below = outer.path().join("deep/er");
    assert_eq!(run_in(&below, &["handshake", "chat.http"]).status.code(), Some(1));
    let named = ["handshake", "chat.http", "--config", "../../ws101.toml"];
    assert_eq!(run_in(&below, &named).status.code(), Some(0));
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_its_place() {
    let cases = [
        ("select = \"HS\"\nfial-on = \"note\"\n", "ws101.toml:2:1", "did you mean fail-on"),
        ("ignore = [\"SEC\", \"HS-REZ\"]", "ws101.toml:1:18", "HS-RES"),
        ("fail-on = 3", "ws101.toml:1:11", "\"never\""),
        ("[thresholds]\nsilense = 3", "ws101.toml:2:1", "silence"),
        ("[thresholds]\nsilence = \"long\"", "ws101.toml:2:1", "silence"),
        ("fail-on = \n", "ws101.toml:1:", "TOML"),
        ("thresholds = 7", "ws101.toml:1:14", "silence"),
    ];
    for (config, place, help) in cases {
        let project = project(config);
        let out = run_in(project.path(), &["handshake", "chat.http"]);
        let error = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{config}\n{error}");
        assert!(error.contains(place), "{config}\n{error}");
        assert!(error.contains(help), "{config}\n{error}");
        assert!(out.stdout.is_empty(), "{config}");
    }
}

#[test]
fn a_hostile_file_is_refused_at_once() {
    let deep = format!("select = {}", "[".repeat(60_000));
    let long = "#".repeat(1 << 20);
    let escape = "fail-on = \"\u{1b}[31m\"".to_owned();
    for config in [deep, long, escape, "\u{feff}\u{202e} = 1".to_owned()] {
        let project = project(&config);
        let out = run_in(project.path(), &["handshake", "chat.http"]);
        assert_eq!(out.status.code(), Some(2));
        assert!(out.stderr.len() < 2_000, "{}", out.stderr.len());
        assert!(!out.stderr.contains(&0x1b));
    }
    let project = project("");
    let out = run_in(project.path(), &["handshake", "chat.http", "--config", "/dev/zero"]);
    assert_eq!(out.status.code(), Some(2), "a device is no configuration");
    let out = run_in(project.path(), &["handshake", "chat.http", "--config", "missing.toml"]);
    assert!(text(&out.stderr).contains("missing.toml can't be read"));
}

#[test]
fn the_file_can_ask_for_redaction() {
    let project = project("redact = true\n");
    let request =
        "GET /chat?token=hunter22hunter22 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    std::fs::write(project.path().join("token.http"), request).expect("a file");
    let shown = |args: &[&str]| text(&run_in(project.path(), args).stdout).contains("hunter22");
    assert!(!shown(&["handshake", "token.http"]));
    assert!(shown(&["handshake", "token.http", "--no-config"]));
}
