//! Diagrams, reports for issues, figures for slides: Mermaid's own parser takes every diagram, a
//! browser shows every figure, and whatever was captured stays text in all of them.

#[path = "shared/browser.rs"]
mod browser;
mod shared;

use shared::{of_type, text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use ws101::build::{Conversation, Frame, Numbers, Upgrade, What};
use ws101::render::{issue, mermaid};
use ws101::said::Endpoint;
use ws101::websocket::Opcode;

/// What somebody might hope to get into a document.
const HOSTILE: &str = "x;y\nend\r#35; %%{init: {\"theme\":\"x\"}}%% <script>document.title='owned'</script>\
    <img src=x onerror=alert(1)> ``` ````` </details> $$\\alpha$$ | --> @everyone #1 [a](javascript:b) \
    http://evil.example www.evil.example \u{1b}[31m\u{202e}loop\u{2066} Note over c1: x\nopt a";

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ws101"))
        .args(["--no-config"])
        .args(arguments)
        .output()
        .expect("the binary runs");
    let [out, err] =
        [output.stdout, output.stderr].map(|it| String::from_utf8(it).expect("it is UTF-8"));
    (output.status.code(), out, err)
}

fn printed(arguments: &[&str]) -> String {
    let (code, out, err) = run(arguments);
    assert!(code == Some(0) || code == Some(1), "{arguments:?}: {code:?} {err}");
    out
}

fn kept(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the folder for tests can be written");
    path
}

/// All samples, each with the command that reads it.
fn samples() -> Vec<(&'static str, PathBuf)> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let folders = [("captures", "pcap"), ("broken", "handshake"), ("handshakes", "handshake")];
    let mut found = Vec::new();
    for (folder, command) in folders {
        for entry in std::fs::read_dir(samples.join(folder)).expect("it is there") {
            let path = entry.expect("it can be listed").path();
            let is_it = path.extension().is_some_and(|it| command == "handshake" || it == "pcap");
            let is_text = !path.ends_with("course-notes.http");
            if is_it && is_text {
                found.push((command, path));
            }
        }
    }
    found.sort();
    assert!(found.len() > 40, "{} samples", found.len());
    found
}

fn hostile() -> PathBuf {
    let upgrade = Upgrade {
        path: "/%%{init:{}}%%;<b>".to_owned(),
        subprotocols: vec![HOSTILE.to_owned()],
        fields: vec![("X-Hostile".to_owned(), HOSTILE.replace(['\n', '\r'], " "))],
        ..Upgrade::default()
    };
    let mut talk = Conversation::open(&upgrade, Numbers::new(3));
    for from in [Endpoint::Client, Endpoint::Server] {
        for start in (0..HOSTILE.len()).step_by(24).filter(|at| HOSTILE.is_char_boundary(*at)) {
            let frame = talk.frame(from, Opcode::Text, &HOSTILE.as_bytes()[start..]);
            talk.push(from, What::Frame(frame), 1_000_000);
        }
    }
    let reason = "```\n</details><script>;end".to_owned();
    talk.push(
        Endpoint::Client,
        What::Frame(Frame::close(1000, &reason, Some([1, 2, 3, 4]))),
        1_000_000,
    );
    talk.end_tcp(Endpoint::Client);
    kept("pictures-hostile.pcap", &talk.pcap())
}

fn large() -> PathBuf {
    let mut talk = Conversation::open(&Upgrade::default(), Numbers::new(5));
    for index in 0..3000 {
        let from = if index % 2 == 0 { Endpoint::Client } else { Endpoint::Server };
        let frame = talk.frame(from, Opcode::Text, format!("message {index} {HOSTILE}").as_bytes());
        talk.push(from, What::Frame(frame), 1_000_000);
    }
    talk.end_tcp(Endpoint::Client);
    kept("pictures-large.pcap", &talk.pcap())
}

#[test]
fn diagrams_figures_and_reports_are_what_their_readers_expect() {
    let mut files = Vec::new();
    let mut all: Vec<(&str, PathBuf)> = samples();
    all.extend([("pcap", hostile()), ("pcap", large())]);
    for (index, (command, file)) in all.iter().enumerate() {
        let path = file.to_str().expect("a test's path is UTF-8");
        let diagram = printed(&[command, "--format", "mermaid", path]);
        assert!(diagram.starts_with("sequenceDiagram\n"), "{path}");
        assert!(diagram.len() <= mermaid::MAX_DIAGRAM, "{path}: {}", diagram.len());
        let stem = file.file_stem().expect("it has a name").to_string_lossy();
        files.push(kept(&format!("diagram-{index}-{stem}.mmd"), diagram.as_bytes()));
        let report = printed(&[command, "--format", "markdown", path]);
        files.push(kept(&format!("report-{index}-{stem}.md"), report.as_bytes()));
    }
    let masked = Frame::new(Opcode::Text, HOSTILE.as_bytes(), Some(*b"<&\"'")).bytes();
    let frames: [(&str, Vec<u8>); 5] = [
        ("hello", vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]),
        ("hostile", masked),
        ("close", vec![0x88, 0x02, 0x03, 0xe8]),
        ("long", vec![0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3]),
        ("cut", vec![0x82, 0xfe, 0x01, 0x00, 0x11]),
    ];
    for (name, bytes) in frames {
        let input = kept(&format!("figure-{name}.bin"), &bytes);
        let figure = printed(&["frame", "--raw", "--svg", input.to_str().expect("UTF-8")]);
        files.push(kept(&format!("figure-{name}.svg"), figure.as_bytes()));
    }
    let packages = ["playwright-core", "mermaid", "marked"];
    let claim = "diagrams_figures_and_reports_are_what_their_readers_expect";
    browser::run(claim, "pictures.mjs", &packages, &files);
}

#[test]
fn a_diagram_has_an_arrow_for_each_event_and_says_what_it_left_out() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures/browser-ws.pcap");
    let diagram = printed(&["pcap", "--format", "mermaid", sample.to_str().expect("UTF-8")]);
    // What the peers saw: request, answer, 4 messages each way, a Close each way.
    let arrows = |arrow: &str| diagram.lines().filter(|line| line.contains(arrow)).count();
    assert_eq!((arrows("c1->>s1:"), arrows("s1->>c1:")), (5, 5), "{diagram}");
    assert_eq!((arrows("c1-->>s1:"), arrows("s1-->>c1:")), (1, 1), "control frames are dotted");
    assert!(diagram.contains("#34;Hello from a real browser#34;"), "{diagram}");
    let large = printed(&["pcap", "--format", "mermaid", large().to_str().expect("UTF-8")]);
    let shown = large.lines().filter(|line| line.contains("message ")).count();
    let more = large.lines().find_map(|line| line.split(": ").nth(1)?.strip_suffix(" more events"));
    let more: usize = more.expect("it says how many more").parse().expect("a number");
    assert_eq!(shown + more, 3000, "{large}");
}

/// The text outside code, and whether every block of code and every part that opens is closed.
fn prose(markdown: &str) -> String {
    let mut prose = String::new();
    let mut fence: Option<String> = None;
    let mut open = 0;
    for line in markdown.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(begun) if ticks.len() >= begun.len() && line.trim_end() == ticks => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                open += line.matches("<details>").count() as i32;
                open -= line.matches("</details>").count() as i32;
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    assert_eq!((fence, open), (None, 0), "all that opens closes:\n{markdown}");
    prose
}

/// What is said in Markdown, without code in lines and without our own marks.
fn bare(prose: &str) -> String {
    let code = regex::Regex::new("(?s)`[^`]*`").expect("a pattern");
    let prose = prose.replace("\\`", "");
    code.replace_all(&prose, "").into_owned()
}

#[test]
fn a_report_for_an_issue_tells_every_finding_and_how_to_mend_it() {
    for (command, file) in samples() {
        let path = file.to_str().expect("UTF-8");
        let markdown = printed(&[command, "--format", "markdown", path]);
        let lines = printed(&[command, "--format", "jsonl", path]);
        let records: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for finding in of_type(&records, "finding") {
            *expected.entry(text(finding, "rule").to_owned()).or_default() += 1;
        }
        let told = expected.values().sum::<usize>();
        assert!(markdown.len() <= issue::MAX_REPORT, "{path}: {}", markdown.len());
        prose(&markdown);
        for (rule, times) in expected {
            let line = format!("** `{rule}`: ");
            let lines: Vec<&str> = markdown.lines().filter(|it| it.contains(&line)).collect();
            let more = |line: &&str| -> Option<usize> {
                line.strip_suffix(" more times)")?.rsplit_once('(')?.1.parse().ok()
            };
            let of_more: usize = lines.iter().filter_map(more).sum();
            let in_full = lines.iter().filter(|line| more(line).is_none()).count();
            assert_eq!(in_full + of_more, times, "{path}: {rule}");
            let is_all = told <= 40 && of_type(&records, "connection").len() <= 20;
            assert!(!is_all || of_more == 0 || rule == "CAP-TLS-OPAQUE", "{path}: {rule}");
        }
        let errors =
            of_type(&records, "finding").into_iter().filter(|it| it["severity"] == "error");
        let mends = markdown.matches("\n  - mend: ").count();
        assert!(
            told > 40 || mends > 0 || errors.count() == 0,
            "{path}: every error has a way to mend it"
        );
        if command == "handshake" {
            let handshakes = of_type(&records, "handshake").len();
            assert_eq!(
                markdown.matches("### Handshake of connection").count(),
                handshakes,
                "{path}"
            );
        }
    }
}

#[test]
fn nothing_captured_means_anything_in_a_report() {
    let markdown = printed(&["pcap", "--format", "markdown", hostile().to_str().expect("UTF-8")]);
    let prose = bare(&prose(&markdown));
    assert!(!prose.contains("<script") && !prose.contains("<img"), "{prose}");
    for line in prose.lines() {
        for (at, _) in line.match_indices('@') {
            assert!(line[at..].starts_with("@<!-- -->"), "{line}");
        }
        assert!(!line.contains("](") && !line.contains("://"), "{line}");
    }
    for c in markdown.chars() {
        assert!(c == '\n' || !ws101::render::escape::is_harmful(c), "{c:?}");
    }
    let redacted =
        printed(&["pcap", "--redact", "--format", "markdown", hostile().to_str().expect("UTF-8")]);
    assert!(!redacted.contains("everyone") && redacted.contains("(redacted)"));
}

#[test]
fn a_figure_holds_the_bits_and_is_markup() {
    let figure = printed(&["frame", "--svg", "--from", "client", "818537fa213d7f9f4d5158"]);
    let mut reader = quick_xml::Reader::from_str(&figure);
    let (mut bits, mut bytes, mut depth) = (String::new(), Vec::new(), 0);
    let mut is_content = false;
    loop {
        match reader.read_event().expect("it is XML") {
            quick_xml::events::Event::Start(tag) => {
                depth += 1;
                is_content = tag.attributes().flatten().any(|it| it.value.as_ref() == "bits");
            }
            quick_xml::events::Event::End(_) => (depth, is_content) = (depth - 1, false),
            quick_xml::events::Event::Text(text) if is_content => {
                let text = text.into_inner().into_owned();
                if text.len() == 1 { bits.push_str(&text) } else { bytes.push(text) }
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    // 81 85: FIN, opcode 1; MASK, length 5 (RFC 6455 §5.7).
    assert_eq!(bits, "1000000110000101");
    let payload = ["7f → 48 H", "9f → 65 e", "4d → 6c l", "51 → 6c l", "58 → 6f o"];
    assert_eq!(bytes, [&["37", "fa", "21", "3d"][..], &payload].concat());
    assert_eq!(
        figure,
        printed(&["frame", "--format", "svg", "--from", "client", "818537fa213d7f9f4d5158"])
    );
}

/// What is kept of a message is what is shown of it; that there is more is said.
#[test]
fn no_more_of_a_message_is_shown_than_is_to_be_kept() {
    let capture = "samples/captures/chat-plain.pcap";
    for format in ["mermaid", "markdown"] {
        let cut = printed(&["pcap", capture, "--max-payload", "3", "--format", format]);
        let whole = printed(&["pcap", capture, "--format", format]);
        assert!(whole.contains("Hello! Hello!") && !cut.contains("Hello!"), "{format}: {cut}");
        let first = cut.lines().find(|line| line.contains("text 245 B")).expect("a text");
        assert!(first.contains('…'), "{format}: {first}");
    }
}

/// Of several files, one gave its name to the report.
#[test]
fn a_report_names_all_that_it_is_about() {
    let captures = ["chat-plain", "close-4001"].map(|it| format!("samples/captures/{it}.pcap"));
    let halves = tempfile::tempdir().expect("a folder");
    let chat = std::fs::read_to_string("samples/handshakes/textbook.http").expect("a sample");
    let (request, response) = chat.split_at(chat.find("HTTP/1.1 101").expect("both halves"));
    let names = ["asked.http", "answered.http"].map(|name| halves.path().join(name));
    std::fs::write(&names[0], request).expect("a file");
    std::fs::write(&names[1], response).expect("a file");
    let names = names.map(|name| name.to_str().expect("UTF-8").to_owned());
    for (command, files, title) in [
        ("pcap", &captures, "## chat-plain.pcap, close-4001.pcap"),
        ("handshake", &names, "## asked.http, answered.http"),
    ] {
        let report = printed(&[command, &files[0], &files[1], "--format", "markdown"]);
        assert!(report.starts_with(title), "{report}");
        let again = format!("ws101 {command} {} {}", files[0], files[1]);
        assert!(report.contains(&again), "{again}: {report}");
    }
}

#[test]
fn formats_that_do_not_fit_are_errors() {
    let sample = "samples/captures/close-4001.pcap";
    for arguments in [
        &["frame", "--format", "mermaid", "8100"][..],
        &["frame", "--format", "markdown", "8100"],
        &["pcap", "--format", "svg", sample],
        &["pcap", "--format", "markdown", "--stats", sample],
        &["accept", "--format", "mermaid", "x"],
        &["frame", "--svg", "zz"],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        assert!(err.starts_with("error: "), "{arguments:?}: {err}");
    }
}
