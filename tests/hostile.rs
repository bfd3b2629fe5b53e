//! What an attack on the tool found: secrets that `--redact` let through, inputs whose cost grew
//! with their square, characters that a terminal obeys, counts that stopped without a word.

#![allow(dead_code, reason = "what tests share is used by others in other ways")]

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::Value;
use shared::{of_type, text, utf8, ws101, ws101_with_input};
use std::path::{Path, PathBuf};
use tape::By::{Client, Server};
use tape::{ACCEPTED, REQUEST, Tape};

/// No word of an output is mistaken for a part of it.
const SECRET: &str = "zqSEKRIT86";

fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the folder for tests can be written");
    path
}

fn said(args: &[&str], input: &str) -> String {
    let run = ws101_with_input(args, input.as_bytes());
    assert_eq!(run.crash(), None);
    format!("{}{}", String::from_utf8_lossy(&run.stdout), run.stderr)
}

/// The meter of `--compare-http` stood beside the redaction, and told paths and passwords.
#[test]
fn comparing_with_http_tells_no_path_and_no_password() {
    let mut tape = Tape::default();
    let polls = tape.open(0.0, 4001);
    let targets = [format!("/{SECRET}"), format!("http://u:{SECRET}@example.com/chat")];
    for (index, target) in targets.iter().cycle().take(10).enumerate() {
        let request = format!("GET {target} HTTP/1.1\r\nHost: example.com\r\n\r\n");
        let at = 1.0 + index as f64;
        tape.say(at, polls, Client, request.as_bytes());
        tape.say(at + 0.1, polls, Server, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    }
    tape.upgrade(0.0, 4002);
    let capture = tape.write("hostile-polls.pcap");
    let capture = capture.to_str().expect("a path");
    for format in ["text", "json", "jsonl"] {
        let args = ["pcap", capture, "--stats", "--compare-http", "--format", format];
        let open = said(&args, "");
        assert!(open.contains(SECRET), "{open}");
        let redacted = said(&[&args[..], &["--redact"]].concat(), "");
        assert!(!redacted.contains(SECRET), "{redacted}");
        assert!(redacted.contains("example.com/chat"), "{redacted}");
    }
}

/// `quiz` accepted `--redact` and asked about the real bytes.
#[test]
fn questions_about_a_redacted_capture_hold_none_of_its_bytes() {
    let mut tape = Tape::default();
    let talk = tape.upgrade(0.0, 4001);
    for at in 0..10 {
        let frame = [&[0x81, SECRET.len() as u8], SECRET.as_bytes()].concat();
        tape.say(f64::from(at) + 1.0, talk, Server, &frame);
    }
    let close = [&[0x88, 2 + SECRET.len() as u8, 3, 0xe8], SECRET.as_bytes()].concat();
    tape.say(20.0, talk, Server, &close);
    tape.fin(21.0, talk, Server);
    let capture = tape.write("hostile-quiz.pcap");
    let capture = capture.to_str().expect("a path");
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("ws101.toml");
    std::fs::write(&config, "redact = true\n").expect("it is written");
    let config = ["--config", config.to_str().expect("a path")];
    let hex: Vec<String> = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let shows = |redact: &[&str]| {
        (1..=5).any(|seed: u8| {
            let seed = seed.to_string();
            let args = ["quiz", "--from", capture, "--seed", &seed, "--count", "40"];
            let rest = ["--worksheet", "--answers"];
            let sheet = said(&[&args[..], &[], redact].concat(), "");
            let key = said(&[&args[..], &rest, redact].concat(), "");
            let text = format!("{sheet}{key}").to_lowercase();
            text.contains(&SECRET.to_lowercase())
                || hex.windows(4).any(|part| text.contains(&part.join(" ")))
        })
    };
    assert!(shows(&["--no-config"]), "the test sees what is shown");
    assert!(!shows(&["--redact"]));
    assert!(!shows(&config));
}

/// The argument of an option that was not known became the URL, and its password the host.
#[test]
fn no_argument_of_curl_is_its_url_and_no_password_shows() {
    for options in [
        "-u user:@",
        "-uuser:@",
        "-sSLu user:@",
        "--user user:@",
        "--user=user:@",
        "--oauth2-bearer @",
        "--proxy-user user:@",
        "-U user:@",
        "--pass @",
        "-E cert:@",
        "--json @",
        "-T @",
        "-K @",
        "--aws-sigv4 @",
        "-d @ -G",
        "--url-query token=@",
        "--expand-user user:@",
    ] {
        let options = options.replace('@', SECRET);
        let command = format!(
            "curl -i {options} -H 'Upgrade: websocket' -H 'Connection: Upgrade' \
             -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==' \
             https://example.com/chat\n"
        );
        let open = said(&["handshake"], &command);
        assert!(open.contains("Host: example.com"), "{options}: {open}");
        for format in ["text", "json", "sarif"] {
            let redacted = said(&["handshake", "--redact", "--format", format], &command);
            assert!(!redacted.contains(SECRET), "{options}: {redacted}");
        }
    }
    let command = format!("curl -u user:{SECRET} https://example.com/chat\n");
    let open = said(&["handshake", "--format", "json"], &command);
    assert!(open.contains("Basic dXNlcjp6cVNFS1JJVDg2"), "what curl sends for -u: {open}");
}

/// A token in the wrong header was told: values of these fields were not looked at.
#[test]
fn values_of_harmless_fields_are_shown_only_if_they_are_harmless() {
    for line in [
        "Upgrade: websocket, @",
        "Connection: Upgrade, @",
        "Sec-WebSocket-Version: @",
        "Content-Length: @",
        "Transfer-Encoding: @",
        "Date: @",
        "Via: 1.1 @",
        "Retry-After: @",
        "Accept-Language: @",
        "Content-Type: @",
        "Sec-WebSocket-Key: @",
        "Sec-WebSocket-Accept: @",
        "HTTP2-Settings: @",
        "Host: user:@",
    ] {
        let line = format!("{}\r\n", line.replace('@', SECRET));
        let head = |head: &str| head.replacen("\r\n\r\n", &format!("\r\n{line}\r\n"), 1);
        let path = file("hostile-value.http", (head(REQUEST) + &head(ACCEPTED)).as_bytes());
        let path = path.to_str().expect("a path");
        for format in ["text", "json", "sarif", "markdown"] {
            let args = ["handshake", path, "--format", format];
            let redacted = said(&[&args[..], &["--redact"]].concat(), "");
            assert!(!redacted.contains(SECRET), "{line}: {redacted}");
        }
        assert!(said(&["handshake", path], "").contains(SECRET), "{line}");
    }
    // What says how the connection is made stays, and the verdict with it.
    let path = file("hostile-plain.http", (REQUEST.to_owned() + ACCEPTED).as_bytes());
    let args = ["handshake", path.to_str().expect("a path")];
    assert_eq!(said(&[&args[..], &["--redact"]].concat(), ""), said(&args, ""));
}

/// A hundred thousand keys, parameters or names took minutes. A run that takes two is an error.
#[test]
fn the_cost_of_a_head_grows_with_its_length_only() {
    let with = |line: &str| {
        (REQUEST.replacen("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"), 1) + ACCEPTED).into_bytes()
    };
    let key = "Sec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==";
    let keys = file("hostile-keys.http", &with(&vec![key; 100_000].join("\r\n")));
    let parameters: String = (0..100_000).map(|number| format!("; a{number}=b")).collect();
    let line = format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}");
    let parameters = file("hostile-parameters.http", &with(&line));
    let names: Vec<String> = (0..100_000).map(|number| format!("X-{number}: 1")).collect();
    let names = file("hostile-names.http", &with(&names.join("\r\n")));
    let [keys, parameters, names] =
        [&keys, &parameters, &names].map(|path| path.to_str().expect("a path"));
    for args in [&["handshake", keys][..], &["handshake", parameters], &["diff", names, keys]] {
        let run = ws101(args);
        assert_eq!(run.crash(), None);
        assert_eq!(run.code, Some(1), "{}", run.what);
    }
}

/// Times that lie as far apart as a capture can say were subtracted.
#[test]
fn times_at_both_ends_of_what_a_capture_can_say_are_no_crash() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 4001);
    for _ in 0..2 {
        tape.say(1.0, line, Server, b"\x89\x02hi");
        tape.say(2.0, line, Client, b"\x8a\x82\x01\x02\x03\x04ik");
    }
    tape.fin(3.0, line, Server);
    let (first, last) = (i64::MIN / 1_000_000_000 * 1_000_000_000, i64::MAX);
    for (number, times) in
        [&[first, last][..], &[last, first], &[first, first, first, last]].iter().enumerate()
    {
        let capture = tape.write_at(&format!("hostile-times-{number}.pcapng"), times);
        let capture = capture.to_str().expect("a path");
        for format in ["text", "json", "har", "markdown", "mermaid", "sarif"] {
            said(&["pcap", capture, "--format", format], "");
        }
        for more in [&["--stats"][..], &["--frames"], &["--since", "00:00:01"]] {
            said(&[&["pcap", capture], more].concat(), "");
        }
    }
    let capture = tape.write_at("hostile-times.pcapng", &[first, first, first, last]);
    let har = said(&["pcap", capture.to_str().expect("a path"), "--format", "har"], "");
    let har: Value = serde_json::from_str(&har).expect("JSON");
    let wait = har["log"]["entries"][0]["time"].as_f64().expect("a number");
    assert!(wait > 9e12, "{wait} ms");
}

/// Each header of a file in a file was looked for among all link types before it, and each segment whose
/// bytes were cut off walked over all that waited. A run that takes two minutes is an error.
#[test]
fn the_cost_of_a_capture_grows_with_its_length_only() {
    let header = |link: u32| [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, link].map(u32::to_le_bytes);
    let headers: Vec<u8> = (101..200_101).flat_map(header).flatten().collect();
    let links = file("hostile-links.pcap", &headers);
    let run = ws101(&["pcap", utf8(&links), "--format", "jsonl"]);
    assert_eq!(run.crash(), None);
    let capture = run.records().into_iter().next().expect("a record");
    let named = shared::list(&capture, "link_types");
    assert_eq!((named[0].as_str(), named.len()), (Some("raw IP"), 64));
}

/// Control and direction characters came out raw in the JSON of `diff`, in the `file=` of an
/// annotation, and in errors about arguments.
#[test]
fn no_character_that_a_terminal_obeys_comes_out() {
    let harmful = ['\u{9b}', '\u{85}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\u{1b}'];
    let is_harmless = |text: &str, what: &str| {
        assert!(!text.contains(harmful), "{what}: {text:?}");
    };
    let odd: String = harmful[..6].iter().collect();
    let request = REQUEST.replacen("\r\n\r\n", &format!("\r\nX-Odd: {odd}\r\n\r\n"), 1);
    let bad = request.replacen("GET ", &format!("{odd} "), 1);
    let name = "hostile-\u{202e}\u{9b}.http";
    let a = file(name, (bad + ACCEPTED).as_bytes());
    let b = file("hostile-b.http", (REQUEST.to_owned() + ACCEPTED).as_bytes());
    let [a, b] = [&a, &b].map(|path| path.to_str().expect("a path"));
    for format in ["text", "json", "jsonl"] {
        is_harmless(&said(&["diff", a, b, "-v", "--format", format], ""), format);
    }
    let run = ws101(&["diff", a, b, "--format", "jsonl"]);
    assert!(run.records().iter().any(|record| text(&record["a"], "file").contains('\u{202e}')));
    for format in ["text", "json", "sarif", "github", "junit", "markdown"] {
        is_harmless(&said(&["handshake", a, "--format", format], ""), format);
    }
    for args in [&["pcap", "x", "--select", "\u{1b}[31m\u{202e}"][..], &["frame", "--\u{202e}"]] {
        let run = ws101(args);
        assert_eq!(run.code, Some(2));
        is_harmless(&run.stderr, "an error");
        assert!(run.stderr.contains("u{202e}"), "{}", run.stderr);
    }
}

/// "16 errors" was said of a hundred.
#[test]
fn what_is_broken_more_often_than_it_is_told_is_counted() {
    let hex = "8100".repeat(40);
    let records = ws101(&["frame", "--from", "client", &hex, "--format", "jsonl"]).records();
    let told = of_type(&records, "finding").len();
    let summary: &Value = of_type(&records, "summary")[0];
    assert_eq!(told, 16);
    assert_eq!((&summary["findings"]["error"], &summary["repeated"]), (&16.into(), &24.into()));
    let text = said(&["frame", "--from", "client", &hex], "");
    assert!(text.contains("24 more times"), "{text}");
    // Whatever it is told to.
    let sarif: Value =
        serde_json::from_str(&said(&["frame", "--from", "client", &hex, "--format", "sarif"], ""))
            .expect("JSON");
    let run = &sarif["runs"][0];
    assert_eq!(
        (shared::list(run, "results").len(), &run["properties"]["repeated"]),
        (16, &24.into())
    );
    let told = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert!(told.as_str().is_some_and(|told| told.contains("24 more times")), "{told}");
    let junit = said(&["frame", "--from", "client", &hex, "--format", "junit"], "");
    assert!(junit.contains(r#"<property name="repeated" value="24"/>"#), "{junit}");
    assert!(junit.contains(r#"message="and 24 more findings""#), "{junit}");
    let github = said(&["frame", "--from", "client", &hex, "--format", "github"], "");
    assert!(github.contains("not told again: 24 findings"), "{github}");
    let folder = tempfile::tempdir().expect("a folder");
    let (file, page) = (folder.path().join("f.bin"), folder.path().join("f.html"));
    std::fs::write(&file, shared::unhex(&hex)).expect("a file");
    let args = ["report", utf8(&file), "--from", "client", "-o", utf8(&page)];
    assert!(said(&args, "").contains("16 findings and 24 more of the same"));
    assert!(shared::read_text(&page).contains("the same 24 more times"));
    // What does not count is not counted here either.
    let ignored = said(&["frame", "--from", "client", &hex, "--ignore", "MSK"], "");
    assert!(!ignored.contains("more times"), "{ignored}");
}

/// Behind a reserved opcode, a frame without a mask was taken for the consequence of lost framing,
/// although both headers are whole.
#[test]
fn a_reserved_opcode_hides_no_missing_mask() {
    let hex = "8b8144208200 3c 8108756e6d61736b6564 8182fde6f1c2928d";
    let rules = |hex: &str| -> Vec<String> {
        let run = ws101(&["frame", "--from", "client", hex, "--format", "jsonl"]);
        let records = run.records();
        of_type(&records, "finding").iter().map(|it| text(it, "rule").to_owned()).collect()
    };
    assert_eq!(rules(hex), ["FRM-OPCODE-RESERVED", "MSK-CLIENT-UNMASKED"]);
    // Nonsense behind nonsense is still told once.
    assert_eq!(rules("8b8144208200 3c f4013c 8108756e6d61736b6564"), ["FRM-OPCODE-RESERVED"]);
}
