use super::*;
use crate::input::transcript::{self, Exchange};
use crate::rules::{Broken, Check, Level, Rule, Verdict, Violator};
use proptest::prelude::*;

const DECODED: &[u8] = include_bytes!("../../../samples/broken/accept-of-decoded-key.http");
const REFUSED: &[u8] = include_bytes!("../../../samples/broken/forbidden-origin.http");
const FILES: Source<'static> = Source::Files { request: "chat.http", response: "chat.http" };

static ACCEPT: Rule = Rule {
    id: "HS-RES-ACCEPT-VALUE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "Accept equals base64(SHA-1(key + GUID))",
    mend: "hash the 24 characters of the header as they stand, followed by the GUID",
    check: Check::Handshake(|_, _| Verdict::Holds),
};

fn handshake(text: &[u8]) -> Handshake {
    let transcript = transcript::read(text).expect("the sample has an exchange");
    let Exchange { request, response, body, .. } = transcript.connections[0][0].clone();
    Handshake { request, response, body_preview: body, transcript: true, ..Handshake::default() }
}

/// A finding of that severity at the value of a header.
fn finding(handshake: &Handshake, from: Endpoint, name: &str, severity: Severity) -> Finding {
    let head = match from {
        Endpoint::Client => handshake.request.as_deref(),
        Endpoint::Server => handshake.response.as_deref(),
    };
    let head = head.expect("the sample has this half");
    let range = head.line(name).expect("the sample has this header").value.clone();
    let broken = Broken::new(
        from,
        "the Accept does not answer this request's key",
        handshake.accept_expected().unwrap_or_default().to_owned(),
    )
    .in_head(head, &range)
    .cause("this is what comes out when the key is Base64-decoded before it is hashed");
    let violator = Some(from);
    let at = At::default();
    Finding {
        rule: &ACCEPT,
        severity,
        violator,
        broken,
        frame: None,
        message: None,
        at,
        root: None,
    }
}

fn judged(findings: Vec<Finding>) -> Judged {
    Judged {
        findings,
        held: vec![&ACCEPT],
        not_observed: vec![(&ACCEPT, "no clock")],
        ..Judged::default()
    }
}

fn shown(sheet: &Sheet, handshake: &Handshake, judged: &Judged, detail: Detail) -> String {
    let mut out = Vec::new();
    report(&mut out, sheet, handshake, judged, FILES, detail).expect("memory takes everything");
    String::from_utf8(out).expect("what is shown is text")
}

#[test]
fn a_wrong_accept_is_pointed_at_and_derived() {
    let handshake = handshake(DECODED);
    let accept = finding(&handshake, Endpoint::Server, "Sec-WebSocket-Accept", Severity::Error);
    let expected = "\
✗ handshake  GET /chat → 101 Switching Protocols                                            1 error

 request
   GET /chat HTTP/1.1                                  ✓ GET, HTTP/1.1, a path
   Host: example.com                                   ✓ who is asked
   Upgrade: websocket                                  ✓ what to switch to
   Connection: Upgrade                                 ✓ what holds for this hop only
   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==         ✓ 16 random bytes in Base64
   Sec-WebSocket-Version: 13                           ✓ the version of the protocol
 response
   HTTP/1.1 101 Switching Protocols                    ✓ accepted
   Upgrade: websocket                                  ✓ what is spoken from here on
   Connection: Upgrade                                 ✓ what holds for this hop only
   Sec-WebSocket-Accept: BXhwxM0SZasKmCD9S4BfpPmCnEw=  ✗ the Accept does not answer this request's
                                                         key

error[HS-RES-ACCEPT-VALUE]: the Accept does not answer this request's key
  --> chat.http:11:23
   |
11 | Sec-WebSocket-Accept: BXhwxM0SZasKmCD9S4BfpPmCnEw=
   |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
   |
   = cause: this is what comes out when the key is Base64-decoded before it is hashed
   = mend:  hash the 24 characters of the header as they stand, followed by the GUID
   = rule:  Accept equals base64(SHA-1(key + GUID)) (MUST, RFC 6455 §4.2.2)
   = more:  ws101 explain HS-RES-ACCEPT-VALUE

 how the Accept comes about
   key             dGhlIHNhbXBsZSBub25jZQ==
   key + GUID      dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11
   SHA-1 of it     b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea
   in Base64       s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
   found           BXhwxM0SZasKmCD9S4BfpPmCnEw= ✗

1 rule holds, 1 is broken, 1 could not be judged (no clock)
";
    let judged = judged(vec![accept]);
    let found = shown(&Sheet::plain(100), &handshake, &judged, Detail::Normal);
    assert_eq!(found, expected, "\n{found}");
}

#[test]
fn only_what_is_wrong_takes_a_few_lines() {
    let handshake = handshake(DECODED);
    let accept = finding(&handshake, Endpoint::Server, "Sec-WebSocket-Accept", Severity::Error);
    let note = finding(&handshake, Endpoint::Client, "Host", Severity::Note);
    let expected = "\
✗ handshake  GET /chat → 101 Switching Protocols     1 error · 1 note

error[HS-RES-ACCEPT-VALUE]: the Accept does not answer this
  request's key
  --> chat.http:11:23
   |
11 | Sec-WebSocket-Accept: BXhwxM0SZasKmCD9S4BfpPmCnEw=
   |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   |                       expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
   |
   = cause: this is what comes out when the key is Base64-decoded
            before it is hashed
   = mend:  hash the 24 characters of the header as they stand,
            followed by the GUID
   = rule:  Accept equals base64(SHA-1(key + GUID)) (MUST, RFC 6455
            §4.2.2)
   = more:  ws101 explain HS-RES-ACCEPT-VALUE
";
    let found = shown(
        &Sheet::plain(70),
        &handshake,
        &judged(vec![note.clone(), accept]),
        Detail::Quiet(Severity::Warning),
    );
    assert_eq!(found, expected, "\n{found}");
    assert_eq!(
        shown(&Sheet::plain(70), &handshake, &judged(vec![note]), Detail::Quiet(Severity::Warning)),
        ""
    );
}

#[test]
fn a_refusal_is_explained() {
    let found = shown(&Sheet::plain(100), &handshake(REFUSED), &judged(vec![]), Detail::Normal);
    let expected = "
 what 403 says
   it means The server understood the request and will not have this caller. That is often right.
   likely   the server does not take calls from Origin https://evil.example.
   next     add that origin to the server's list, if it belongs there; else look at its policy.
   body     {\"error\":\"origin not allowed\"}
";
    assert!(found.contains(expected), "\n{found}");
}

#[test]
fn a_redacted_value_is_neither_right_nor_wrong() {
    let text = String::from_utf8_lossy(DECODED);
    let key = text.replace("dGhlIHNhbXBsZSBub25jZQ==", "<redacted>");
    let found =
        shown(&Sheet::plain(100), &handshake(key.as_bytes()), &judged(vec![]), Detail::Normal);
    assert!(found.contains("? taken out by whoever shared it: not checked"), "\n{found}");
    assert!(found.contains("? the key was taken out: not checked"), "\n{found}");
    assert!(!found.contains("how the Accept comes about"), "\n{found}");
}

#[test]
fn a_place_in_a_capture_is_a_byte_of_a_stream() {
    let handshake = handshake(DECODED);
    let accept = finding(&handshake, Endpoint::Server, "Sec-WebSocket-Accept", Severity::Error);
    let label = |source| locate(&handshake, &accept, source).expect("it has a place").label;
    assert_eq!(label(Source::Stream), "byte 241 of the server's stream");
    assert_eq!(label(Source::Rebuilt("entry 3 of a.har")), "entry 3 of a.har, response line 11");
}

/// The widest line, and everything that is not ASCII.
fn measure(text: &str) -> (usize, String) {
    let widest = text.lines().map(escape::width).max().unwrap_or(0);
    (widest, text.chars().filter(|c| !c.is_ascii()).collect())
}

#[test]
fn whatever_the_header_holds_it_fits_the_sheet_and_stays_harmless() {
    let value = format!("{}\u{1b}[31m\t\u{202e}{}", "a".repeat(3000), "b".repeat(3000));
    let text = String::from_utf8_lossy(DECODED)
        .replace("BXhwxM0SZasKmCD9S4BfpPmCnEw=", &value)
        .replace("example.com", "\t日本語\u{7}");
    let handshake = handshake(text.as_bytes());
    for width in [32, 40, 59, 60, 72, 80, 100, 200] {
        for ascii in [false, true] {
            let sheet = Sheet { ascii, ..Sheet::plain(width) };
            let findings = [("Sec-WebSocket-Accept", Endpoint::Server), ("Host", Endpoint::Client)]
                .map(|(name, from)| finding(&handshake, from, name, Severity::Error));
            let found = shown(&sheet, &handshake, &judged(findings.into()), Detail::Verbose);
            let (widest, _) = measure(&found);
            assert!(widest <= width, "{widest} columns instead of {width}:\n{found}");
            assert!(!found.contains(['\u{1b}', '\u{202e}', '\t', '\u{7}']), "\n{found}");
        }
    }
}

#[test]
fn a_sheet_of_ascii_has_nothing_else_on_it() {
    for text in [DECODED, REFUSED] {
        let handshake = handshake(text);
        let host = finding(&handshake, Endpoint::Client, "Host", Severity::Error);
        let sheet = Sheet { ascii: true, ..Sheet::plain(80) };
        let found = shown(&sheet, &handshake, &judged(vec![host]), Detail::Verbose);
        assert_eq!(measure(&found).1, "", "\n{found}");
    }
}

proptest! {
    #[test]
    fn no_place_makes_it_panic(
        line in proptest::collection::vec(any::<u8>(), 0..200),
        start in 0usize..220,
        length in 0usize..220,
        width in 20usize..120,
    ) {
        let handshake = handshake(DECODED);
        let mut finding =
            finding(&handshake, Endpoint::Server, "Sec-WebSocket-Accept", Severity::Error);
        finding.broken.seen = String::from_utf8_lossy(&line).into_owned().into();
        let (place, _) = Place::in_text(&line, &(start..start + length));
        let mut out = Vec::new();
        finding::whole(&mut out, &Sheet::plain(width), &finding, Some(&place)).unwrap();
        let text = String::from_utf8(out).unwrap();
        prop_assert!(measure(&text).0 <= width, "{text}");
    }
}
