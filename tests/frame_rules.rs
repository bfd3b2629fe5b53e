//! The rules about frames, messages and endings: what must never be flagged. What they do flag is
//! held to the examples of their pages by `rule_pages.rs`.

#[allow(dead_code)] // the other half is used by rule_pages.rs
#[path = "shared/scene.rs"]
mod scene;

use scene::play_frames;
use ws101::rules::Severity;

/// Holds that nothing worse than a note is found.
fn check_fine(name: &str, text: &str) {
    let found = play_frames(text);
    let worse: Vec<_> = found.iter().filter(|finding| finding.severity != Severity::Note).collect();
    assert!(worse.is_empty(), "{name}: {worse:#?}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

#[test]
fn control_frames_between_fragments_and_empty_or_tiny_ones_are_fine() {
    check_fine(
        "ping between fragments",
        "S> 01 03 48 65 6c\nS> 89 00\nC> 8a 80 37 fa 21 3d\nS> 80 02 6c 6f",
    );
    check_fine("empty message", "S> 81 00\nS> 82 00");
    check_fine("empty fragments", "S> 01 00\nS> 00 00\nS> 80 00");
    check_fine("one-byte fragments", "S> 01 01 48\nS> 00 01 65\nS> 80 01 6c");
}

#[test]
fn lengths_at_the_borders_of_their_forms_are_fine() {
    for length in [125usize, 126, 127, 65535, 65536] {
        let mut bytes = vec![0x82];
        match length {
            0..=125 => bytes.push(length as u8),
            126..=65535 => bytes.extend([&[126][..], &(length as u16).to_be_bytes()].concat()),
            _ => bytes.extend([&[127][..], &(length as u64).to_be_bytes()].concat()),
        }
        bytes.resize(bytes.len() + length, 0);
        check_fine(&length.to_string(), &format!("S> {}", hex(&bytes)));
    }
}

#[test]
fn a_character_split_over_fragments_is_fine_and_so_is_odd_but_valid_text() {
    check_fine("split", "S> 01 04 63 61 66 c3\nS> 80 01 a9");
    check_fine("split around a ping", "S> 01 01 f0\nS> 89 00\nS> 00 02 9f 98\nS> 80 01 80");
    check_fine("NUL", "S> 81 01 00");
    check_fine("noncharacter U+FFFF", "S> 81 03 ef bf bf");
    check_fine("byte order mark", "S> 81 05 ef bb bf 7b 7d");
    check_fine("invalid UTF-8 in binary", "S> 82 02 c3 28");
    check_fine("compressed bytes", "# agreed: permessage-deflate\nS> c1 07 f2 48 cd c9 c9 07 00");
}

#[test]
fn pongs_may_be_unsolicited_or_answer_several_pings_or_stay_away() {
    check_fine("unsolicited", "# t=0\nC> 8a 80 37 fa 21 3d\n# t=60\nC> 8a 80 11 22 33 45");
    let pings = "# t=0\nS> 89 01 31\n# t=1\nS> 89 01 32\n# t=2\nC> 8a 81 37 fa 21 3d 05\n# t=90\nS> 81 01 61";
    check_fine("one for two", pings);
    let closed = "# t=0\nS> 89 01 31\nS> 88 02 03 e8\n# t=0.1\nC> 88 82 37 fa 21 3d 34 12\n# end: S FIN\n# t=30\n# end: C FIN";
    check_fine("after a Close", closed);
    check_fine(
        "in the last second",
        "# t=0\nC> 81 80 37 fa 21 3d\n# t=9\nS> 89 01 31\n# t=10\n# end: cut",
    );
}

#[test]
fn what_permessage_deflate_leaves_open_is_fine() {
    let agreed = "# agreed: permessage-deflate\n";
    let fine = |name: &str, frames: &str| check_fine(name, &format!("{agreed}{frames}"));
    fine("uncompressed", "S> 81 05 48 65 6c 6c 6f");
    fine("stored block", "S> c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00");
    fine("final block", "S> c1 08 f3 48 cd c9 c9 07 00 00\nS> c1 07 f2 48 cd c9 c9 07 00");
    fine(
        "history behind a final block",
        "S> c1 08 f3 48 cd c9 c9 07 00 00\nS> c1 05 f2 00 11 00 00",
    );
    fine("marker in the middle", "S> 41 09 f2 48 05 00 00 00 ff ff ca\nS> 80 04 c9 c9 07 00");
    fine("empty compressed message", "S> c1 01 00");
}

#[test]
fn closes_without_body_with_other_codes_or_at_the_same_time_are_fine() {
    check_fine("no body", "C> 88 80 37 fa 21 3d\nS> 88 00\n# end: S FIN\n# end: C FIN");
    check_fine("another code", "S> 88 02 03 e9\nC> 88 82 37 fa 21 3d 34 12\n# end: S FIN");
    for code in [1012u16, 1013, 1014, 3000, 3001, 3999, 4000, 4999] {
        check_fine(&code.to_string(), &format!("S> 88 02 {}", hex(&code.to_be_bytes())));
    }
    let data = "C> 88 82 37 fa 21 3d 34 12\nS> 81 02 68 69\nS> 88 02 03 e8\n# end: S FIN";
    check_fine("data before the answer", data);
}

#[test]
fn a_client_that_closes_tcp_after_a_wait_and_a_reset_after_both_closes_are_fine() {
    let closes = "# t=0\nC> 88 82 37 fa 21 3d 34 12\n# t=0.1\nS> 88 02 03 e8\n";
    check_fine("after a wait", &format!("{closes}# t=2.05\n# end: C FIN\n# t=2.06\n# end: S FIN"));
    check_fine("reset", &format!("{closes}# end: S RST"));
}

#[test]
fn a_repeated_key_among_tens_of_thousands_is_fine() {
    let mut text = String::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut frame = |key: u32| text.push_str(&format!("C> 82 80 {}\n", hex(&key.to_be_bytes())));
    for number in 0..20_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        frame(if number == 15_000 { 0x1234_5678 } else { (state >> 32) as u32 | 1 });
        if number == 300 {
            frame(0x1234_5678);
        }
    }
    assert!(play_frames(&text).is_empty());
}

#[test]
fn what_was_lost_silences_what_needed_it() {
    check_fine("a gap inside a text", "S> 81 06 c3\n# gap: S 4\nS> 28\nS> 81 01 61");
    check_fine("a gap over a border", "S> 81 06 c3\n# gap: S 40\nS> 28 ff ff ff");
    check_fine(
        "no handshake",
        "# agreed: unknown\nS> 80 02 6c 6f\nS> c1 05 f2 00 11 00 00\nC> 81 80 1 2 3 4",
    );
    let lost = "# agreed: permessage-deflate\nS> c1 07 f2 48\n# gap: S 5\nS> c1 05 f2 00 11 00 00";
    check_fine("a gap in the compressor's history", lost);
    check_fine("a gap and then the end", "S> 81 01 61\n# gap: S 7\n# end: S FIN\n# end: C FIN");
}
