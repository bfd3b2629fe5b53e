//! `ws101 report`: the page says what text and JSON say, keeps to its size, and nothing that was
//! captured becomes anything but text on it. The last test asks a real browser.

#[path = "shared/browser.rs"]
mod browser;
mod shared;

use serde_json::Value;
use shared::{number, of_type, text};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use ws101::build::{Conversation, Frame, Numbers, Upgrade, What};
use ws101::render::page::MAX_PAGE;
use ws101::said::Endpoint;
use ws101::websocket::Opcode;

/// The elements that a page is made of.
const ELEMENTS: [&str; 48] = [
    "a",
    "article",
    "b",
    "blockquote",
    "body",
    "button",
    "code",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "i",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "script",
    "section",
    "span",
    "strong",
    "style",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "!DOCTYPE",
];

/// Their attributes.
const ATTRIBUTES: [&str; 33] = [
    "aria-describedby",
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "aria-live",
    "aria-pressed",
    "charset",
    "class",
    "content",
    "data-char",
    "data-do",
    "data-f",
    "data-fact",
    "data-key",
    "data-kind",
    "data-left-out",
    "data-masked",
    "data-rule",
    "data-step",
    "data-steps",
    "data-times",
    "hidden",
    "href",
    "html",
    "http-equiv",
    "id",
    "lang",
    "name",
    "rel",
    "role",
    "scope",
    "tabindex",
    "type",
];

/// What somebody might hope to get onto a page.
const HOSTILE: &str = "\"'><script>document.title='owned'</script><img src=x onerror=\"document.\
    title='owned'\"></style></title></textarea><!--<svg/onload=alert(1)>\u{1b}[31m\u{202e}evil\
    \u{2066}&lt;&#60;${7*7}{{7*7}}`";

fn report(file: &Path, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ws101"))
        .args(["report", "--no-config"])
        .arg(file)
        .args(more)
        .output()
        .expect("the binary runs");
    let code = output.status.code();
    assert!(code == Some(0) || code == Some(1), "{}: {code:?}", file.display());
    String::from_utf8(output.stdout).expect("a page is UTF-8")
}

/// Tags as they stand on the page: the name, and each attribute with its value.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = tag_end(rest);
        let tag = &rest[..end];
        rest = &rest[end..];
        let name: String =
            tag.trim_start_matches('/').chars().take_while(|c| !c.is_whitespace()).collect();
        let raw = ["script", "style"].into_iter().find(|raw| *raw == tag);
        if let Some(raw) = raw {
            let close = rest.find(&format!("</{raw}>")).expect("it ends");
            rest = &rest[close..];
        }
        tags.push((name.clone(), attributes(&tag[(tag.find(&name).unwrap_or(0) + name.len())..])));
    }
    tags
}

fn tag_end(text: &str) -> usize {
    let mut quoted = false;
    text.char_indices()
        .find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        })
        .map_or(text.len(), |(at, _)| at)
}

fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let name: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != '=').collect();
        rest = &rest[name.len()..];
        let mut value = String::new();
        if let Some(behind) = rest.strip_prefix("=\"") {
            let end = behind.find('"').expect("a value ends");
            value = behind[..end].to_owned();
            rest = &behind[end + 1..];
        }
        rest = rest.trim_start();
        found.push((name, value));
    }
    found
}

/// Nothing but what the page is made of, and nothing that leads away from it.
fn assert_ours(page: &str, what: &str) {
    for (element, attributes) in tags(page) {
        assert!(ELEMENTS.contains(&element.as_str()), "{what}: <{element}>");
        for (name, value) in attributes {
            assert!(ATTRIBUTES.contains(&name.as_str()), "{what}: <{element} {name}>");
            let leads = name == "href" && !value.starts_with('#') && value != "data:,";
            assert!(!leads, "{what}: {value}");
        }
    }
    for c in page.chars() {
        let moves = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{1b}');
        assert!(!moves, "{what}: {c:?}");
    }
    assert!(page.len() <= MAX_PAGE, "{what}: {} bytes", page.len());
    let count = |tag: &str| page.matches(tag).count();
    assert_eq!((count("<script"), count("<style")), (1, 1), "{what}");
}

fn hostile_capture() -> PathBuf {
    let upgrade = Upgrade {
        host: format!("h{HOSTILE}"),
        path: "/<script>alert(1)</script>?q=\"><b>".to_owned(),
        origin: Some(HOSTILE.to_owned()),
        subprotocols: vec![HOSTILE.to_owned()],
        extensions: vec![HOSTILE.to_owned()],
        fields: vec![(format!("X-{}", &HOSTILE[..40]), HOSTILE.to_owned())],
        ..Upgrade::default()
    };
    let mut talk = Conversation::open(&upgrade, Numbers::new(7));
    let opcodes = [Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Pong, Opcode::Reserved(3)];
    for from in [Endpoint::Client, Endpoint::Server] {
        for opcode in opcodes {
            let payload = &HOSTILE.as_bytes()[..HOSTILE.len().min(120)];
            let frame = talk.frame(from, opcode, payload);
            talk.push(from, What::Frame(frame), 1_000_000);
        }
    }
    let reason = Frame::close(1000, "<img src=x onerror=alert(1)>\u{202e}", Some([1, 2, 3, 4]));
    talk.push(Endpoint::Client, What::Frame(reason), 1_000_000);
    talk.push(Endpoint::Server, What::Bytes(HOSTILE.as_bytes().to_vec()), 1_000_000);
    talk.end_tcp(Endpoint::Client);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-<b onload=x>-hostile.pcap");
    std::fs::write(&path, talk.pcap()).expect("the folder for tests can be written");
    path
}

#[test]
fn nothing_captured_becomes_markup() {
    let page = report(&hostile_capture(), &[]);
    assert_ours(&page, "the hostile capture");
    // It is there, as text.
    assert!(page.contains("&lt;script&gt;"), "the page shows what was captured");
    assert!(page.contains("\\u{202e}"), "turned text is shown as an escape");
    let text = format!(
        "GET /{HOSTILE} HTTP/1.1\r\nHost: {HOSTILE}\r\nUpgrade: websocket\r\n\
                        Connection: Upgrade\r\nSec-WebSocket-Key: {HOSTILE}\r\n\r\n\
                        HTTP/1.1 101 {HOSTILE}\r\nSec-WebSocket-Accept: {HOSTILE}\r\n\r\n"
    );
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-hostile.http");
    std::fs::write(&file, text).expect("the folder for tests can be written");
    assert_ours(&report(&file, &[]), "the hostile transcript");
}

#[test]
fn the_policy_lets_run_only_what_stands_on_the_page() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = report(&hostile_capture(), &[]);
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).expect("a policy");
    let policy = &policy[..policy.find('"').expect("it ends")].replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
        let start = page.find(&format!("<{tag}>")).expect("it is there") + tag.len() + 2;
        let end = page[start..].find(&format!("</{tag}>")).expect("it ends");
        let hash = sha2::Sha256::digest(&page.as_bytes()[start..start + end]);
        let hash = base64::engine::general_purpose::STANDARD.encode(hash);
        assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{directive}: {policy}");
    }
}

fn fact(page: &str, name: &str) -> u64 {
    let behind = page.split(&format!("data-fact=\"{name}\">")).nth(1);
    let behind = behind.unwrap_or_else(|| panic!("the page tells {name}"));
    behind[..behind.find('<').expect("a number ends")].parse().expect("a number")
}

/// The close codes on a page, with how often each occurs.
fn codes(page: &str) -> BTreeMap<u64, u64> {
    let Some(list) = page.split("data-fact=\"codes\">").nth(1) else { return BTreeMap::new() };
    let list = &list[..list.find("</dd>").expect("the list ends")];
    list.split("<a ")
        .skip(1)
        .map(|one| {
            let (code, behind) = one.split_once("</a>").expect("a link ends");
            let code = code.rsplit('>').next().expect("its words").parse().expect("a code");
            let times = behind.trim().strip_prefix('×').map_or(1, |n| n.parse().expect("a number"));
            (code, times)
        })
        .collect()
}

/// How often each rule is broken, on a page.
fn broken(page: &str) -> BTreeMap<String, u64> {
    let Some(list) = page.split("id=\"findings\"").nth(1) else { return BTreeMap::new() };
    let list = &list[..list.find("</section>").expect("the section ends")];
    list.split("id=\"rule-")
        .skip(1)
        .map(|one| {
            let rule = one[..one.find('"').expect("an id ends")].to_owned();
            let times = one.split(&format!("data-times=\"{rule}\">")).nth(1);
            let times =
                times.map_or(1, |n| n[..n.find('<').expect("it ends")].parse().expect("a number"));
            (rule, times)
        })
        .collect()
}

fn samples() -> Vec<(&'static str, PathBuf)> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let folders = [("pcap", "captures"), ("handshake", "handshakes"), ("handshake", "broken")];
    let mut found = Vec::new();
    for (command, folder) in folders {
        for entry in std::fs::read_dir(samples.join(folder)).expect("samples are there") {
            let path = entry.expect("it can be listed").path();
            let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            let is_note = path.file_stem().is_some_and(|stem| stem == "README");
            if !is_note && ["pcap", "http", "txt", "md"].contains(&extension) {
                found.push((command, path));
            }
        }
    }
    found
}

#[test]
fn what_a_page_sums_up_is_what_the_records_tell() {
    let samples = samples();
    assert!(samples.len() > 40, "{} samples", samples.len());
    for (command, path) in samples {
        let name = path.display();
        let page = report(&path, &[]);
        assert_ours(&page, &name.to_string());
        let run = |format: &str| {
            let output = Command::new(env!("CARGO_BIN_EXE_ws101"))
                .args([command, "--no-config", "--format", format, "--width", "4000"])
                .arg(&path)
                .output()
                .expect("the binary runs");
            String::from_utf8(output.stdout).expect("it is text")
        };
        let records: Vec<Value> = run("jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect();
        let count = |kind: &str| of_type(&records, kind).len() as u64;
        for (fact_name, kind) in
            [("connections", "connection"), ("frames", "frame"), ("messages", "message")]
        {
            assert_eq!(fact(&page, fact_name), count(kind), "{name}: {fact_name}");
        }
        let mut severities = BTreeMap::new();
        let mut rules = BTreeMap::new();
        for finding in of_type(&records, "finding") {
            *severities.entry(text(finding, "severity").to_owned()).or_insert(0) += 1;
            *rules.entry(text(finding, "rule").to_owned()).or_insert(0) += 1;
        }
        for severity in ["error", "warning", "note"] {
            let told = severities.get(severity).copied().unwrap_or(0);
            assert_eq!(fact(&page, &format!("{severity}s")), told, "{name}: {severity}");
        }
        assert_eq!(broken(&page), rules, "{name}: rules");
        let mut sent = BTreeMap::new();
        for close in of_type(&records, "close").iter().filter(|it| it["code"].is_u64()) {
            *sent.entry(number(close, "code")).or_insert(0) += 1;
        }
        assert_eq!(codes(&page), sent, "{name}: close codes");
    }
}

#[test]
fn identifiers_are_unique_and_links_lead_somewhere() {
    for (_, path) in samples() {
        let page = report(&path, &[]);
        let mut ids = BTreeSet::new();
        let mut links = BTreeSet::new();
        for (_, attributes) in tags(&page) {
            for (name, value) in attributes {
                match name.as_str() {
                    "id" => {
                        assert!(ids.insert(value.clone()), "{}: #{value} twice", path.display())
                    }
                    "href" if value.starts_with('#') => _ = links.insert(value[1..].to_owned()),
                    "aria-describedby" | "aria-labelledby" => _ = links.insert(value),
                    _ => {}
                }
            }
        }
        let lost: Vec<_> = links.difference(&ids).collect();
        assert!(lost.is_empty(), "{}: {lost:?}", path.display());
    }
}

#[test]
fn a_large_capture_makes_a_page_of_the_stated_size_that_says_what_it_left_out() {
    let mut talk = Conversation::open(&Upgrade::default(), Numbers::new(1));
    for number in 0..3000 {
        let frame = talk.frame(Endpoint::Client, Opcode::Text, &[b'<'; 400]);
        talk.push(Endpoint::Client, What::Frame(frame), 1_000_000);
        let frame = Frame::new(Opcode::Reserved(5), &[number as u8; 300], Some([0; 4]));
        talk.push(Endpoint::Server, What::Frame(frame), 1_000_000);
    }
    talk.end_tcp(Endpoint::Client);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-large.pcap");
    std::fs::write(&path, talk.pcap()).expect("the folder for tests can be written");
    let page = report(&path, &[]);
    assert_ours(&page, "the large capture");
    assert_eq!(fact(&page, "frames"), 6000);
    let left_out = page.split("data-left-out=\"").nth(1).expect("it says what it left out");
    let left_out: u64 = left_out[..left_out.find('"').expect("it ends")].parse().expect("a number");
    let shown = page.matches("data-kind=\"frame\"").count() as u64;
    assert_eq!(shown + left_out, 6000, "{shown} shown");
}

#[test]
fn with_redact_no_payload_gets_on_the_page() {
    let page = report(&hostile_capture(), &["--redact"]);
    assert_ours(&page, "the redacted page");
    assert!(!page.contains("document.title"), "a payload is on the page");
    assert!(page.contains("redacted"));
}

#[test]
fn frames_and_errors() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-frames.hex");
    std::fs::write(&file, "818537fa213d7f9f4d5158 88 02 03 e8").expect("written");
    let page = report(&file, &["--from", "client"]);
    assert_eq!((fact(&page, "frames"), fact(&page, "messages")), (2, 1));
    assert!(page.contains(">Hello<"), "the message is on the page");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_ws101")).args(arguments).output().expect("it runs")
    };
    let output = run(&["report", "there-is-none.pcap", "-o", "-"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("there-is-none.pcap can't be opened"), "{text}");
    let output = run(&["report", "x", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A capture of 50 MB: 48,000 frames of a kilobyte, both ways.
fn fifty_megabytes() -> PathBuf {
    let mut talk = Conversation::open(&Upgrade::default(), Numbers::new(1));
    for number in 0..48_000_usize {
        let from = if number.is_multiple_of(2) { Endpoint::Client } else { Endpoint::Server };
        let frame = talk.frame(from, Opcode::Text, &[b"<&abcde"[number % 7]; 960]);
        talk.push(from, What::Frame(frame), 1_000_000);
    }
    talk.end_tcp(Endpoint::Client);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-fifty-megabytes.pcap");
    let pcap = talk.pcap();
    assert!(pcap.len() > 50_000_000, "{} bytes", pcap.len());
    std::fs::write(&path, pcap).expect("the folder for tests can be written");
    path
}

#[test]
fn a_real_browser_finds_nothing_to_complain_about() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let files = [
        ("chat", samples.join("captures/chat-plain.pcap")),
        ("accept", samples.join("broken/accept-of-decoded-key.http")),
        ("hostile", hostile_capture()),
        ("fifty-megabytes", fifty_megabytes()),
        ("small", samples.join("captures/browser-ws.pcap")),
    ];
    let mut arguments = Vec::new();
    for (name, file) in files {
        let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}.html"));
        std::fs::write(&page, report(&file, &[])).expect("the folder for tests can be written");
        arguments.push(page);
    }
    let packages = ["playwright-core", "axe-core"];
    browser::run("a_real_browser_…", "check.mjs", &packages, &arguments);
}
