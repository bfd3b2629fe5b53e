//! `ws101 handshake`, `accept`, `rules`, `explain` through the real binary: what people type and
//! what they get back. How many rules hold is left to the tests of the rules.

mod shared;

use assert_cmd::Command;

/// What a run printed and how it ended.
struct Run {
    out: String,
    error: String,
    status: i32,
}

fn ws101(arguments: &str, input: &[u8]) -> Run {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("ws101"));
    command.args(["--width", "100", "--color", "never"]).args(arguments.split_whitespace());
    let output = command.write_stdin(input).output().expect("the binary runs");
    Run {
        out: String::from_utf8(output.stdout).expect("the output is text"),
        error: String::from_utf8(output.stderr).expect("the errors are text"),
        status: output.status.code().expect("it was not killed"),
    }
}

const TEXTBOOK: &str = "\
✓ handshake  GET /chat → 101 Switching Protocols                                             1 note

 request
   GET /chat HTTP/1.1                                  ✓ GET, HTTP/1.1, a path
   Host: example.com                                   ✓ who is asked
   Upgrade: websocket                                  ✓ what to switch to
   Connection: Upgrade                                 ✓ what holds for this hop only
   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==         i the key is the sample of RFC 6455 §1.3
   Sec-WebSocket-Version: 13                           ✓ the version of the protocol
 response
   HTTP/1.1 101 Switching Protocols                    ✓ accepted
   Upgrade: websocket                                  ✓ what is spoken from here on
   Connection: Upgrade                                 ✓ what holds for this hop only
   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  ✓ the proof that it read the key

note[HS-REQ-KEY-ENTROPY]: the key is the sample of RFC 6455 §1.3
";

#[test]
fn the_textbook_handshake_is_valid() {
    let run = ws101("handshake samples/handshakes/textbook.http", b"");
    assert!(run.out.starts_with(TEXTBOOK), "\n{}", run.out);
    assert_eq!((run.error.as_str(), run.status), ("", 0));
    let run = ws101("handshake -q samples/handshakes/textbook.http", b"");
    assert_eq!((run.out.as_str(), run.status), ("", 0));
}

#[test]
fn two_files_are_two_halves_and_standard_input_is_a_file() {
    let text = std::fs::read_to_string("samples/handshakes/textbook.http").expect("it is there");
    let (request, response) = text.split_once("\n\n").expect("there are two halves");
    let folder = tempfile::tempdir().expect("there is room for files");
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    std::fs::write(&first, request).expect("it can be written");
    std::fs::write(&second, response).expect("it can be written");
    let run = ws101(&format!("handshake {} {}", first.display(), second.display()), b"");
    assert!(run.out.starts_with(TEXTBOOK), "\n{}", run.out);
    assert!(ws101("handshake -", text.as_bytes()).out.starts_with(TEXTBOOK));
    assert!(ws101("handshake", text.as_bytes()).out.starts_with(TEXTBOOK));
    let run = ws101(&format!("handshake {}", second.display()), b"");
    assert!(run.out.contains("? there is no key to check it against"), "\n{}", run.out);
}

#[test]
fn every_sample_can_be_read_and_fits_the_sheet() {
    for folder in ["samples/handshakes", "samples/broken"] {
        for file in std::fs::read_dir(folder).expect("the samples are there") {
            let path = file.expect("the folder can be listed").path();
            let run = ws101(&format!("handshake -v {}", path.display()), b"");
            assert_eq!(run.error, "", "{}", path.display());
            let widest = run.out.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(100), "{}:\n{}", path.display(), run.out);
        }
    }
}

#[test]
fn every_prefix_of_every_sample_is_read_or_refused_in_words() {
    use ws101::input::transcript;
    for folder in ["samples/handshakes", "samples/broken"] {
        for file in std::fs::read_dir(folder).expect("the samples are there") {
            let bytes = std::fs::read(file.expect("it can be listed").path()).expect("it is there");
            for end in 0..bytes.len() {
                if let Err(message) = transcript::read(&bytes[..end]) {
                    assert!(message.contains("expected:"), "{message}");
                }
            }
        }
    }
}

#[test]
fn what_can_not_be_read_is_an_error_that_says_what_to_try() {
    let run = ws101("handshake -", b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00");
    let expected = "\
error: standard input: this is a packet capture: ws101 pcap -
  expected: a request that begins like `GET /chat HTTP/1.1`, a response that begins like
            `HTTP/1.1 101 Switching Protocols`, or both; as raw text, curl -v output, browser
            headers or its \"copy as cURL\", Markdown or HAR
";
    assert!(run.error.starts_with(expected), "\n{}", run.error);
    assert_eq!((run.out.as_str(), run.status), ("", 2));
    let run = ws101("handshake no-such-file", b"");
    assert!(run.error.starts_with("error: no-such-file can't be read: "), "\n{}", run.error);
    assert_eq!(run.status, 2);
}

/// Real recordings of other projects, which are not part of this repository.
#[test]
fn recordings_of_other_projects_are_read() {
    let claim = "recordings_of_other_projects_are_read";
    let Some(public) = shared::shared(claim, "captures/public") else { return };
    let har = public.join("har/mitmproxy__mitmproxy/test__mitmproxy__data__flows__websocket.har");
    let run = ws101(&format!("handshake {}", har.display()), b"");
    assert_eq!(run.out.matches("✓ the proof that it read the key").count(), 3, "\n{}", run.out);
    let log = public.join("transcripts/sitespeedio__chrome-har/test__perflogs__early-hints.json");
    let run = ws101(&format!("handshake {}", log.display()), b"");
    assert_eq!(run.out.matches("✓ the proof that it read the key").count(), 1, "\n{}", run.out);
}

#[test]
fn the_accept_is_derived_step_by_step() {
    let run = ws101("accept dGhlIHNhbXBsZSBub25jZQ==", b"");
    let expected = "   \
   key             dGhlIHNhbXBsZSBub25jZQ==
   key + GUID      dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11
   SHA-1 of it     b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea
   in Base64       s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
";
    assert_eq!(run.out, expected);
    assert_eq!(run.status, 0);
    let run = ws101("accept -q dGhlIHNhbXBsZSBub25jZQ==", b"");
    assert_eq!(run.out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n");
}

#[test]
fn an_accept_is_checked() {
    let check =
        |accept: &str| ws101(&format!("accept dGhlIHNhbXBsZSBub25jZQ== --check {accept}"), b"");
    let run = check("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(run.out.ends_with("✓\n\n✓ this Accept answers the key\n"), "\n{}", run.out);
    assert_eq!(run.status, 0);
    let run = check("BXhwxM0SZasKmCD9S4BfpPmCnEw=");
    assert!(run.out.contains("✗ this Accept does not answer the key\n"), "\n{}", run.out);
    assert_eq!(run.status, 1);
    let run = ws101("accept abc --format jsonl --check x", b"");
    assert!(run.out.starts_with("{\"type\":\"accept\",\"key\":\"abc\","), "\n{}", run.out);
    assert!(run.out.contains("\"check\":\"x\",\"matches\":false,"), "\n{}", run.out);
    assert_eq!(run.status, 1);
}

#[test]
fn a_rule_is_explained_once_and_in_full() {
    let run = ws101("explain hs-res-accept-value", b"");
    let start = "HS-RES-ACCEPT-VALUE error\nThe Accept answers the request's key (MUST, RFC 6455 \
                 §4.2.2)\n\nWhat it asks\n\nThe Accept is Base64";
    assert!(run.out.starts_with(start), "\n{}", run.out);
    for part in ["\nWhy\n", "\n   Sec-WebSocket-Accept: ", "\nHow to fix it\n"] {
        assert!(run.out.contains(part), "{part} is missing in\n{}", run.out);
    }
    assert!(run.out.lines().all(|line| line == line.trim_end()), "\n{}", run.out);
    assert_eq!(run.status, 0);
}

#[test]
fn a_rule_that_does_not_exist_is_an_error_with_advice() {
    let run = ws101("explain NO-SUCH-RULE", b"");
    assert!(run.error.starts_with("error: there is nothing to explain under \"NO-SUCH-RULE\""));
    assert!(run.error.ends_with("\n  try: ws101 explain, or ws101 rules\n"), "\n{}", run.error);
    assert_eq!((run.out.as_str(), run.status), ("", 2));
    let run = ws101("rules zzzz", b"");
    assert!(run.error.starts_with("error: no rule fits \"zzzz\""), "\n{}", run.error);
    assert_eq!(run.status, 2);
    assert_eq!(ws101("rules", b"").status, 0);
}

/// A request and its answer with these lines in the middle of either.
fn with_lines(request: &str, response: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==\r\n{request}\
         Sec-WebSocket-Version: 13\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n{response}Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: Ozi3DgKUQuilRLfXX2e3c0dy3mk=\r\n\r\n"
    )
}

#[test]
fn heads_of_any_length_are_read_to_their_end() {
    let many: String = (0..9000).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(300_000));
    for lines in [&many, &long] {
        for text in [with_lines(lines, ""), with_lines("", lines)] {
            let run = ws101("handshake - --format jsonl", text.as_bytes());
            assert!(run.out.contains("\"outcome\":\"upgraded\""), "{}", run.error);
            assert!(!run.out.contains("\"severity\":\"error\""));
        }
    }
}

#[test]
fn thousands_of_exchanges_are_paired_in_no_time() {
    // All requests, then all answers, the last first: only the keys tell which belong together.
    let key = |number: usize| format!("{number:021}A==");
    let mut text = String::new();
    for number in 0..4000 {
        let request = with_lines("", "").replace("p8MfDlmy1EiOaw0h95NaxA==", &key(number));
        text.push_str(request.split("HTTP/1.1 101").next().expect("the request"));
    }
    for number in (0..4000).rev() {
        let accept = ws101::websocket::accept::accept(key(number).as_bytes());
        let pair = with_lines("", "").replace("Ozi3DgKUQuilRLfXX2e3c0dy3mk=", &accept);
        text.push_str(&pair[pair.find("HTTP/1.1 101").expect("the answer")..]);
    }
    let begun = std::time::Instant::now();
    let run = ws101("handshake - --format jsonl", text.as_bytes());
    assert_eq!(run.out.matches("\"outcome\":\"upgraded\"").count(), 4000);
    assert!(!run.out.contains("HS-RES-ACCEPT"));
    // Each answer against each request was a derivation: eight million of them took minutes.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
