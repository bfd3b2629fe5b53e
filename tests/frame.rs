//! `ws101 frame` as a person sees it: transcripts of the real command, first line the command, then
//! every byte that it prints. `UPDATE_TRANSCRIPTS=1 cargo test --test frame` writes them anew; look
//! at what changed.

use assert_cmd::Command;
use std::fs;
use std::io::Write as _;
use std::path::Path;

fn ws101(arguments: &[&str], stdin: &[u8]) -> (String, String, i32) {
    let mut command = Command::cargo_bin("ws101").expect("the binary is built");
    command.env_clear().args(["--width", "100", "frame"]).args(arguments).write_stdin(stdin);
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code().expect("it exits"))
}

/// `827e0100 00*256`: hexadecimal, and bytes repeated, as standard input.
fn described(bytes: &str) -> Vec<u8> {
    let hex = |text: &str| ws101::input::bytes::from_hex(text).expect("hexadecimal");
    let word = |word: &str| match word.split_once('*') {
        Some((byte, count)) => hex(byte).repeat(count.parse().expect("a count")),
        None => hex(word),
    };
    bytes.split_whitespace().flat_map(word).collect()
}

#[track_caller]
fn check(name: &str) {
    let path = Path::new("tests/transcripts").join(name).with_extension("txt");
    let expected = fs::read_to_string(&path).expect("the transcript exists");
    let (first, _) = expected.split_once('\n').unwrap_or((&expected, ""));
    let command = first.strip_prefix("$ ws101 frame ").expect("the command comes first");
    let (arguments, stdin) = command.split_once(" < ").unwrap_or((command, ""));
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let (stdout, stderr, status) = ws101(&arguments, &described(stdin));
    let status = if status == 0 { String::new() } else { format!("exit status {status}\n") };
    let actual = format!("{first}\n{stdout}{stderr}{status}");
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        fs::write(&path, &actual).expect("the transcript can be written");
    }
    assert!(actual == expected || std::env::var_os("UPDATE_TRANSCRIPTS").is_some(), "{actual}");
}

#[test]
fn rfc_6455_section_5_7_a_single_frame_unmasked_text_message() {
    check("frame-text-unmasked");
}

#[test]
fn rfc_6455_section_5_7_a_single_frame_masked_text_message() {
    check("frame-text-masked");
}

#[test]
fn rfc_6455_section_5_7_a_fragmented_unmasked_text_message() {
    check("frame-fragments");
}

#[test]
fn rfc_6455_section_5_7_unmasked_ping_request() {
    check("frame-ping");
}

#[test]
fn rfc_6455_section_5_7_masked_pong_response() {
    check("frame-pong");
}

#[test]
fn rfc_6455_section_5_7_256_bytes_of_binary() {
    check("frame-binary-256");
}

#[test]
fn rfc_6455_section_5_7_64_kib_of_binary() {
    check("frame-binary-64-kib");
}

#[test]
fn rfc_7692_section_7_2_3_1_a_message_compressed_using_one_block() {
    check("frame-deflate");
}

#[test]
fn rfc_7692_section_7_2_3_1_the_same_in_two_fragments() {
    check("frame-deflate-fragments");
}

#[test]
fn a_close_frame_has_a_code_and_a_reason() {
    check("frame-close");
}

#[test]
fn a_frame_that_is_cut_short_shows_what_is_there() {
    check("frame-cut");
}

#[test]
fn several_frames_in_brief() {
    check("frame-brief");
}

#[test]
fn ascii_on_a_narrow_sheet() {
    check("frame-ascii");
}

#[track_caller]
fn check_unreadable(arguments: &[&str], stdin: &[u8], expected: &str) {
    let (stdout, stderr, status) = ws101(arguments, stdin);
    assert_eq!((stdout.as_str(), status), ("", 2));
    assert!(stderr.starts_with(expected), "{stderr}");
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    check_unreadable(
        &["81 8z 37"],
        b"",
        "error: this is not hexadecimal\n  \"81 8z 37\"\n       ^ the second digit of byte 2 is 'z'\n",
    );
    check_unreadable(&[], b"", "error: there are no bytes in standard input\n");
    check_unreadable(&[""], b"", "error: there are no bytes in an empty argument\n");
    check_unreadable(
        &[],
        b"81 05\n48 6\n",
        "error: this is not hexadecimal\n  --> standard input:2:4\n  48 6\n     ^ byte 4 has one digit",
    );
    check_unreadable(&[], b"\x89PNG\r\n\x1a\n", "error: standard input is a PNG image");
    check_unreadable(
        &[],
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "error: standard input is an HTTP response",
    );
    check_unreadable(&["/nowhere/frames.bin"], b"", "error: there is no file /nowhere/frames.bin");
    check_unreadable(&["."], b"", "error: . is a directory");
    check_unreadable(&["--base64", "gY!"], b"", "error: this is not Base64\n");
    check_unreadable(
        &["--deflate=client_max_window_bits=16", "8100"],
        b"",
        "error: these are no parameters",
    );
    check_unreadable(
        &["81 \u{1b}[31m"],
        b"",
        "error: this is not hexadecimal\n  \"81 \\x1b[31m\"\n      ^^^^ the first digit of byte 2 is U+001B\n",
    );
    let long = format!("{}zz", "81 ".repeat(60));
    check_unreadable(&[&long], b"", "error: this is not hexadecimal\n  \"…");
}

#[test]
fn every_prefix_is_read_and_says_what_is_missing() {
    let whole = described(
        "818537fa213d7f9f4d5158 0103 48656c 8900 8002 6c6f 827e0100 00*256 880503e8 627965",
    );
    for length in 1..whole.len() {
        let (stdout, stderr, status) = ws101(&["--brief"], &whole[..length]);
        // One or two bytes of ASCII are text, and so hexadecimal; these are not.
        assert!(status < 2, "{length}: {stderr}");
        let borders = [11, 16, 18, 22, 282];
        assert_eq!(stdout.contains("cut short"), !borders.contains(&length), "{length}: {stdout}");
    }
}

#[test]
fn hostile_payloads_do_not_reach_the_terminal() {
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\u{9b}\0\r\n\u{feff}";
    for first in [0x81, 0x82, 0x01, 0x89, 0x8a, 0x83, 0xc1, 0x88] {
        let mut frame = vec![first, hostile.len() as u8];
        frame.extend(hostile.bytes());
        frame.extend([0x80, 2, 0xff, 0xfe]);
        for option in ["--all", "--brief", "--ascii", "--deflate"] {
            let (stdout, ..) = ws101(&[option], &frame);
            let raw = stdout.chars().find(|c| *c != '\n' && ws101::render::escape::is_harmful(*c));
            assert_eq!(raw, None, "{stdout}");
            assert!(option != "--ascii" || stdout.is_ascii(), "{stdout}");
        }
    }
}

#[test]
fn a_file_arguments_and_standard_input_are_read_alike() {
    let frame = described("818537fa213d7f9f4d5158");
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&frame).expect("it can be written");
    let path = file.path().to_str().expect("its name is text");
    let (expected, ..) = ws101(&["818537fa213d7f9f4d5158"], b"");
    assert_eq!(ws101(&[path], b"").0, expected);
    assert_eq!(ws101(&[], &frame).0, expected);
    assert_eq!(ws101(&["-"], b"8185 37fa 213d 7f9f 4d51 58").0, expected);
    assert_eq!(ws101(&["81:85", "37fa213d", "7f9f4d5158"], b"").0, expected);
    assert_eq!(ws101(&["--base64", "gYU3+iE9f59NUVg"], b"").0, expected);
    let (twice, ..) = ws101(&[path, "8900"], b"");
    assert!(twice.contains("frame 2 · ping"), "{twice}");
}

/// The tools that most dumps come from, where they are installed.
#[test]
fn real_dumps_are_read() {
    let frame = described(
        "827e0140 41*64 00*200 20*40 1c007c20616220637c203061200a0d ff*1 818537fa213d7f9f4d5158",
    );
    let tools: [&[&str]; 12] = [
        &["xxd"],
        &["xxd", "-g1"],
        &["xxd", "-u", "-c", "8"],
        &["xxd", "-p"],
        &["xxd", "-i"],
        &["hexdump", "-C"],
        &["hexdump"],
        &["od", "-A", "x", "-t", "x1"],
        &["od", "-A", "d", "-t", "x1"],
        &["od", "-t", "x1"],
        &["od", "-A", "x", "-t", "x1z", "-v"],
        &["od", "-A", "n", "-v", "-t", "x1"],
    ];
    let (expected, ..) = ws101(&[], &frame);
    for tool in tools {
        let mut command = Command::new(tool[0]);
        let Ok(output) = command.args(&tool[1..]).write_stdin(frame.clone()).output() else {
            continue;
        };
        let (stdout, stderr, _) = ws101(&[], &output.stdout);
        assert!(stdout == expected, "{tool:?}\n{stderr}");
    }
}

#[test]
fn a_frame_of_ten_megabytes_takes_little_output() {
    let frame = described("82ff 0000000000989680 01020304 1b*10000000");
    let (stdout, _, status) = ws101(&["--from", "client"], &frame);
    assert_eq!(status, 0);
    assert!(stdout.len() < 10_000, "{}", stdout.len());
}
