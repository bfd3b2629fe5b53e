//! Findings with carets, laws of every frame, and bytes that would like to reach the terminal.

use super::*;
use crate::layout::Span;
use crate::render::{Palette, escape};
use crate::rules::{Broken, Check, Level, Rule, Violator};
use crate::said::At;
use proptest::prelude::*;

static RULE: Rule = Rule {
    id: "MSK-CLIENT-UNMASKED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §5.1",
    title: "Every client frame is masked",
    mend: "set MASK, add four random bytes as Masking-key, and XOR the payload with them",
    check: Check::Frame(|_, _| None),
};

fn finding(broken: Broken) -> Finding {
    Finding {
        rule: &RULE,
        severity: RULE.severity,
        violator: broken.endpoint,
        frame: Some(1),
        message: None,
        at: At::default(),
        root: None,
        broken,
    }
}

/// The frame at the start of these bytes, as the conversation would tell it.
fn view(bytes: &[u8], offset: u64) -> FrameView {
    let sender = Sender::Certain(Endpoint::Client);
    let at = At::default();
    let Ok(header) = FrameHeader::read(bytes) else {
        let cut =
            CutHeader { from: Endpoint::Client, offset, bytes, needed: 2, part: Part::Whole, at };
        return FrameView::of_cut(&cut, 1, sender);
    };
    let start = header.header_length() as usize;
    let length = header.payload_length.min((bytes.len() - start) as u64) as usize;
    let mut payload = bytes[start..start + length].to_vec();
    if let Some(key) = header.masking_key {
        mask(&mut payload, key, 0);
    }
    let missing = header.payload_length - length as u64;
    FrameView::of(
        &Frame {
            from: Endpoint::Client,
            number: 1,
            recovered: None,
            header,
            offset,
            part: if header.opcode().is_control() { Part::Control } else { Part::Whole },
            message: Some(1),
            complete: missing == 0,
            missing,
            beyond: 0,
            payload: Some(&payload),
            started: at,
            at,
            heard: None,
        },
        sender,
    )
}

fn shown(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("text is UTF-8")
}

fn all_of(view: &FrameView, sheet: &Sheet, extent: Extent) -> String {
    shown(|out| annotated(out, sheet, view, extent))
}

#[track_caller]
fn check_finding(bytes: &[u8], offset: u64, broken: Broken, expected: &str) {
    let view = view(bytes, offset);
    let text = shown(|out| findings(out, &Sheet::plain(80), &[finding(broken)], Some(&view)));
    assert_eq!(text.trim_start(), expected, "\n{text}");
}

#[test]
fn a_caret_stands_under_the_very_bit() {
    // The second frame of a stream: the span counts from the stream's start.
    let broken = Broken::new(Endpoint::Client, "MASK is 0 in a frame from the client", "1")
        .at(Span::bits(40 * 8 + 8, 1))
        .cause("the sender builds frames as a server does");
    check_finding(
        b"\x81\x05Hello",
        40,
        broken,
        "\
error[MSK-CLIENT-UNMASKED]: MASK is 0 in a frame from the client
  --> frame 1, byte 1: MASK
   |
   | byte 0      byte 1
   | 81          05
   | 1000 0001   0000 0101
   |             ^ expected 1
   |
   = cause: the sender builds frames as a server does
   = mend:  set MASK, add four random bytes as Masking-key, and XOR the payload
            with them
   = rule:  Every client frame is masked (MUST, RFC 6455 §5.1)
   = more:  ws101 explain MSK-CLIENT-UNMASKED
",
    );
}

#[test]
fn carets_stand_under_bytes_and_their_characters() {
    let broken =
        Broken::new(Endpoint::Client, "the text stops being UTF-8", "").at(Span::bytes(9, 1));
    check_finding(
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\xc2\x58",
        0,
        broken,
        "\
error[MSK-CLIENT-UNMASKED]: the text stops being UTF-8
  --> frame 1, byte 9: Payload data
   |
   | 81 85 37 fa 21 3d 7f 9f 4d c2 58
   |                   48 65 6c ff 6f unmasked
   |                   H  e  l  .  o
   |                            ^^
   |
   = mend:  set MASK, add four random bytes as Masking-key, and XOR the payload
            with them
   = rule:  Every client frame is masked (MUST, RFC 6455 §5.1)
   = more:  ws101 explain MSK-CLIENT-UNMASKED
",
    );
}

#[test]
fn the_code_of_a_masked_close_is_shown_as_a_number() {
    let broken =
        Broken::new(Endpoint::Client, "the code is 999", "1000 to 4999").at(Span::bytes(6, 2));
    // 03 e7 "bye" under the key 37 fa 21 3d.
    let view = view(b"\x88\x85\x37\xfa\x21\x3d\x34\x1d\x43\x44\x52", 0);
    let text = shown(|out| findings(out, &Sheet::plain(80), &[finding(broken)], Some(&view)));
    let expected = "\
   | 88 85 37 fa 21 3d 34 1d 43 44 52
   |                   03 e7 62 79 65 unmasked
   |                   999   b  y  e
   |                   ^^^^^ expected 1000 to 4999
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn bits_of_several_fields_take_one_row_of_carets() {
    let broken = Broken::new(Endpoint::Client, "RSV1 to RSV3 are set", "0 without an extension")
        .at(Span::bits(1, 3));
    let view = view(b"\xf1\x80\x01\x02\x03\x04", 0);
    let text = shown(|out| findings(out, &Sheet::plain(80), &[finding(broken)], Some(&view)));
    assert!(text.contains("byte 0: RSV1, RSV2, RSV3\n"), "{text}");
    assert!(text.contains("   | 1111 0001   1000 0000\n   |  ^^^ expected 0 with"), "{text}");
}

#[test]
fn a_finding_that_points_elsewhere_says_where() {
    let broken = Broken::new(Endpoint::Client, "it came twice", "once").at(Span::bytes(900, 4));
    let view = view(b"\x81\x05Hello", 0);
    let text = shown(|out| findings(out, &Sheet::plain(80), &[finding(broken)], Some(&view)));
    assert!(text.contains("--> frame 1, byte 900 of the stream\n"), "{text}");
    assert!(text.contains("| expected once\n"), "{text}");
}

#[test]
fn colour_changes_nothing_but_colour() {
    let mut view = view(b"\x88\x85\x37\xfa\x21\x3d\x34\x12\x4d\x51\x58", 7);
    let broken = Broken::new(Endpoint::Client, "seen", "expected").at(Span::bits(56, 4));
    view.findings = vec![finding(broken)];
    let plain = Sheet::plain(100);
    let colored = Sheet { palette: Palette::colored(), ..plain };
    let (plain, colored) =
        (all_of(&view, &plain, Extent::default()), all_of(&view, &colored, Extent::default()));
    assert!(colored.contains('\x1b'));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}

/// Frames that say something: opcodes, lengths of every form, masked or not, any payload.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[ -~\u{1b}\u{0}\u{202e}é日\u{9b}]{0,60}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 120..400),
    ];
    (any::<u8>(), payload, any::<Option<[u8; 4]>>(), 0u8..3).prop_map(
        |(first, payload, key, form)| {
            let length = payload.len() as u64;
            let mut bytes = vec![first];
            let masked = u8::from(key.is_some()) << 7;
            match form {
                0 if length < 126 => bytes.push(masked | length as u8),
                0 | 1 => {
                    bytes.push(masked | 126);
                    bytes.extend((length as u16).to_be_bytes());
                }
                _ => {
                    bytes.push(masked | 127);
                    bytes.extend(length.to_be_bytes());
                }
            }
            let start = bytes.len();
            bytes.extend(key.iter().flatten());
            let start = start + key.map_or(0, |_| 4);
            bytes.extend(payload);
            if let Some(key) = key {
                mask(&mut bytes[start..], key, 0);
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn every_prefix_is_shown_and_what_is_missing_is_said(
        frame in any_frame(), keep in 0.0..1.0f64, width in 40usize..=200, ascii: bool,
        offset in 0u64..100,
    ) {
        let kept = 1 + ((frame.len() - 1) as f64 * keep) as usize;
        let view = view(&frame[..kept], offset);
        prop_assert_eq!(view.layout.check_tiling(), Ok(()));
        prop_assert_eq!(view.layout.span(), Span::bytes(offset, kept as u64));
        prop_assert_eq!(&view.wire, &frame[..kept]);
        let sheet = Sheet { ascii, ..Sheet::plain(width) };
        let text = all_of(&view, &sheet, Extent::default());
        if kept < frame.len() {
            prop_assert!(text.contains("missing"), "{}", text);
        }
        for line in text.lines() {
            prop_assert!(escape::width(line) <= width, "{} > {}: {}\n{}", escape::width(line), width, line, text);
            prop_assert!(!line.contains(|c: char| escape::is_harmful(c)), "{:?}", line);
        }
        prop_assert!(!ascii || text.is_ascii(), "{}", text);
        let line = shown(|out| brief(out, &sheet, &view));
        prop_assert!(!line.trim_end().contains(|c: char| escape::is_harmful(c)), "{:?}", line);
    }

    #[test]
    fn carets_never_leave_their_line(
        frame in any_frame(), start in 0u64..600, length in 0u64..600, width in 40usize..=120,
    ) {
        let mut view = view(&frame, 5);
        let broken = Broken::new(Endpoint::Client, "seen", "expected").at(Span::bits(start, length));
        view.findings = vec![finding(broken)];
        let sheet = Sheet::plain(width);
        let text = shown(|out| findings(out, &sheet, &view.findings, Some(&view)));
        for line in text.lines() {
            prop_assert!(escape::width(line) <= width, "{}", text);
        }
    }
}

#[test]
fn a_frame_of_ten_megabytes_is_shown_in_a_few_lines() {
    let mut frame = vec![0x82, 0xff, 0, 0, 0, 0, 0, 0x98, 0x96, 0x80, 1, 2, 3, 4];
    frame.resize(14 + 10_000_000, 0x1b);
    let text = all_of(&view(&frame, 0), &Sheet::plain(100), Extent::default());
    assert!(text.len() < 10_000, "{} bytes", text.len());
    assert!(text.contains("10 000 014 bytes = 14 header + 10 000 000 payload"), "{text}");
    assert!(text.contains("--all"), "{text}");
}
