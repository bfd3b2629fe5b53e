//! `--ascii`: whatever the input holds, text output is ASCII; and tables keep to `--width`.

mod shared;

use shared::{assert_none, utf8, ws101};
use std::path::{Path, PathBuf};

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder is part of the project");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| utf8(file).ends_with(ending));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Everything that is printed for people, over the samples.
fn runs() -> Vec<Vec<String>> {
    let mut runs: Vec<Vec<String>> = Vec::new();
    let mut run = |args: &[&str]| runs.push(args.iter().map(|arg| (*arg).to_owned()).collect());
    for file in files("captures", ".pcap") {
        let file = utf8(&file);
        for more in [&[][..], &["--stats"], &["--summary"], &["--follow-stream", "1"]] {
            run(&[&["pcap", file], more].concat());
        }
    }
    for file in files("handshakes", ".http") {
        run(&["handshake", utf8(&file)]);
    }
    let topics =
        ["masking", "1006", "0x9", "Sec-WebSocket-Key", "CLS-REASON-UTF8", "payload_length"];
    topics.iter().for_each(|topic| run(&["explain", topic]));
    run(&["explain"]);
    run(&["rules"]);
    run(&["accept", "dGhlIHNhbXBsZSBub25jZQ=="]);
    // "Grüße" in a text frame.
    run(&["frame", "81074772c3bcc39f65"]);
    run(&["quiz", "--seed", "1", "--worksheet"]);
    run(&["diff", "samples/captures/chat-plain.pcap", "samples/captures/chat-deflate.pcap"]);
    runs
}

#[test]
fn with_ascii_there_is_nothing_else() {
    let mut complaints = Vec::new();
    for args in runs() {
        let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
        args.push("--ascii");
        let run = ws101(&args);
        if let Some(line) = run.stdout.split(|byte| *byte == b'\n').find(|line| !line.is_ascii()) {
            complaints.push(format!("{}: {}", run.what, String::from_utf8_lossy(line)));
        }
        // Of a connection whose keys are missing there is no stream to follow.
        if run.stdout.is_empty() && !run.stderr.contains("nothing matches") {
            complaints.push(format!("{}: nothing was printed: {}", run.what, run.stderr));
        }
    }
    assert_none(&complaints);
}

#[test]
fn what_other_programs_read_stays_utf_8() {
    let file = "samples/captures/close-4001.pcap";
    let [plain, ascii] = [&[][..], &["--ascii"]]
        .map(|more| ws101(&[&["pcap", file, "--format", "jsonl"], more].concat()).stdout);
    assert!(!plain.is_ascii());
    assert_eq!(plain, ascii);
}

#[test]
fn the_table_of_connections_keeps_to_the_width() {
    for file in files("captures", ".pcap") {
        for width in [60, 80, 100] {
            let run = ws101(&["pcap", utf8(&file), "--summary", "--width", &width.to_string()]);
            let text = String::from_utf8_lossy(&run.stdout).into_owned();
            let table = text
                .lines()
                .skip_while(|line| !line.starts_with(" #"))
                .take_while(|line| !line.is_empty());
            for line in table {
                assert!(line.trim_end().chars().count() <= width, "{}, {width}: {line}", run.what);
            }
        }
    }
}
