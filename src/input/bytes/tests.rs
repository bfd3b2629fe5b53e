use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

/// A masked "Hello" (RFC 6455 §5.7).
const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

#[track_caller]
fn check(text: &str, bytes: &[u8]) {
    match from_hex(text) {
        Ok(read) => assert_eq!(read, bytes, "{text}"),
        Err(error) => panic!("{error:?}\n{text}"),
    }
}

#[test]
fn the_same_bytes_come_out_of_every_dress() {
    for text in [
        "81 85 37 fa 21 3d 7f 9f 4d 51 58",
        "818537fa213d7f9f4d5158",
        "8185 37FA 213D 7F9F 4D51 58",
        "81:85:37:fa:21:3d:7f:9f:4d:51:58",
        "81-85-37-FA-21-3D-7F-9F-4D-51-58",
        r"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        "0x81,0x85,0x37,0xfa,0x21,0x3d,0x7f,0x9f,0x4d,0x51,0x58",
        "0x818537fa213d7f9f4d5158",
        "81 85        # FIN, text; MASK, 5\n37 fa 21 3d  // the key\r\n7f9f 4d5158 /* Hello */",
        "<Buffer 81 85 37 fa 21 3d 7f 9f 4d 51 58>",
        "[129, 133, 55, 250, 33, 61, 127, 159, 77, 81, 88]",
        "{\"type\":\"Buffer\",\"data\":[129,133,55,250,33,61,127,159,77,81,88]}",
        "unsigned char f1_bin[] = {\n  0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58\n};\nunsigned int f1_bin_len = 11;\n",
        "static const unsigned char pkt1[11] = {\n0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, /* ..7.!=.. */\n0x4d, 0x51, 0x58 /* MQX */\n};",
        r#""\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58""#,
        "\"\\x81\\x85\\x37\\xfa\" \\\n\"\\x21\\x3d\\x7f\\x9f\\x4d\\x51\\x58\"",
        r#"b'\x81\x857\xfa!=\x7f\x9fMQX'"#,
        r#"$'\201\2057\372!=\177\237MQX'"#,
        "00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
        "00000000: 81 85 37 fa 21 3d 7f 9f 4d 51 58                 ..7.!=..MQX\n",
        "00000000: 818537fa213d7f9f4d5158            ..7.!=..MQX\n",
        "00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58                 |..7.!=..MQX|\n0000000b\n",
        "0000000 8581 fa37 3d21 9f7f 514d 0058          \n000000b\n",
        "000000 81 85 37 fa 21 3d 7f 9f 4d 51 58\n00000b\n",
        "0000000 81 85 37 fa 21 3d 7f 9f 4d 51 58\n0000013\n",
        "000000 81 85 37 fa 21 3d 7f 9f 4d 51 58                 >..7.!=..MQX<\n00000b\n",
        "0000   81 85 37 fa 21 3d 7f 9f 4d 51 58                  ..7.!=..MQX",
        "0000  81 85 37 fa 21 3d 7f 9f  4d 51 58                  ..7.!=..MQX",
        "\t0x0000:  8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
        " 81 85 37 fa 21 3d 7f 9f 4d 51 58\n",
    ] {
        check(text, HELLO);
    }
}

/// `xxd -e`, also with groups of 2 and 8 bytes: the column of characters shows which end is first.
#[test]
fn groups_may_have_their_last_byte_first() {
    for text in [
        "00000000: fa378581 9f7f3d21   58514d           ..7.!=..MQX\n",
        "00000000: 8581 fa37 3d21 9f7f 514d   58             ..7.!=..MQX\n",
        "00000000: 9f7f3d21fa378581           58514d  ..7.!=..MQX\n",
        "00000000: 818537fa 213d7f9f 4d5158             ..7.!=..MQX\n",
    ] {
        check(text, HELLO);
    }
    // Two lines, the second with a group of one byte, and characters that are digits themselves.
    let bytes = b"\x81\x13abcdef 0123456789 ab!";
    let text = "00000000: 62611381 66656463 32313020 36353433  ..abcdef 0123456\n\
                00000010: 20393837   216261                    789 ab!\n";
    check(text, bytes);
}

#[test]
fn a_column_of_characters_that_is_hexadecimal_itself_is_not_read() {
    // "ab cd ef" and digits as payload, in lines that end at the width, at 8 bytes, and before.
    let bytes = b"\x81\x0eab cd ef 00 11";
    check("00000000: 810e 6162 2063 6420 6566 2030 3020 3131  ..ab cd ef 00 11", bytes);
    let first = b"\x81\x06ab cd ";
    check("0000   81 06 61 62 20 63 64 20                           ..ab cd ", first);
    check(
        "00000000  81 06 61 62 20 63 64 20                           |..ab cd |\n00000008",
        first,
    );
    check(
        "0000   61 62 20 63 64 20 65 66 20 30 31 20 30 32 20 30   ab cd ef 01 02 0\n0010   33",
        b"ab cd ef 01 02 03",
    );
}

#[test]
fn squeezed_lines_are_repeated() {
    let mut bytes = b"\x82\x7e\x00\x40".to_vec();
    bytes.extend([b'A'; 64]);
    bytes.extend(HELLO);
    check(
        "00000000  82 7e 00 40 41 41 41 41  41 41 41 41 41 41 41 41  |.~.@AAAAAAAAAAAA|\n\
         00000010  41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 41  |AAAAAAAAAAAAAAAA|\n\
         *\n\
         00000040  41 41 41 41 81 85 37 fa  21 3d 7f 9f 4d 51 58     |AAAA..7.!=..MQX|\n\
         0000004f\n",
        &bytes,
    );
    check(
        "0000000 82 7e 00 40 41 41 41 41 41 41 41 41 41 41 41 41\n\
         0000020 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41\n\
         *\n\
         0000100 41 41 41 41 81 85 37 fa 21 3d 7f 9f 4d 51 58\n\
         0000117\n",
        &bytes,
    );
    check(
        "0000000 7e82 4000 4141 4141 4141 4141 4141 4141\n\
         0000010 4141 4141 4141 4141 4141 4141 4141 4141\n\
         *\n\
         0000040 4141 4141 8581 fa37 3d21 9f7f 514d 0058\n\
         000004f\n",
        &bytes,
    );
}

#[test]
fn data_that_begins_like_an_offset_is_data() {
    check("8105 48 65 6c 6c 6f", b"\x81\x05Hello");
    check("8105 4865", b"\x81\x05He");
    check("8185 37fa\n213d 7f9f", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f");
    check("818537fa\n213d7f9f", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f");
}

#[track_caller]
fn check_error(text: &str, line: usize, column: usize, problem: &str) {
    let error = from_hex(text).expect_err("this can't be read");
    assert_eq!((error.line, error.column, error.problem.as_str()), (line, column, problem));
}

#[test]
fn an_error_says_which_digit_of_which_byte_on_which_line() {
    check_error("81 8z 37", 1, 5, "the second digit of byte 2 is 'z'");
    check_error("81 05\n4865 6c6l", 2, 9, "the second digit of byte 6 is 'l'");
    check_error("818", 1, 3, "byte 2 has one digit: 3 digits are no whole number of bytes");
    check_error("81 5 48", 1, 4, "byte 2 has one digit; written with two it is 05");
    check_error("81 0x 48", 1, 4, "byte 2 has no digits after '0x'");
    check_error(
        "[129, 256]",
        1,
        7,
        "element 2 of the array is neither 0 to 255 nor written with 0x",
    );
    check_error("x = { 0x81, 0xZ5 }", 1, 15, "the first digit of byte 2 is 'Z'");
    check_error(r#""\x81\x8z""#, 1, 6, r"byte 2: \x wants two hexadecimal digits");
    check_error(
        "00000000: 8185 37fa\n00000010: 213d",
        2,
        1,
        "the offset says 16 bytes came before, but 4 did: lines are missing",
    );
    check_error("00000000: 8185 3zfa", 1, 17, "the second digit of byte 3 is 'z'");
}

#[test]
fn base64_comes_in_both_alphabets_with_or_without_padding() {
    let hello = "gYU3+iE9f59NUVg=";
    for text in [hello, "gYU3-iE9f59NUVg", "gYU3+iE9\n f59NUVg=\r\n", "\"gYU3+iE9f59NUVg=\""] {
        assert_eq!(from_base64(text).as_deref(), Ok(HELLO), "{text}");
    }
    assert!(looks_like_base64(hello));
    assert!(!looks_like_base64("81 8z 37"));
    let error = from_base64("gYU3\n+i!9").expect_err("'!' is no digit");
    assert_eq!((error.line, error.column), (2, 3));
    assert!(from_base64("gYU3+").is_err());
    assert!(from_base64("gYU3=+").is_err());
}

#[test]
fn a_binary_file_is_told_from_text() {
    assert_eq!(Content::of(HELLO.to_vec()), Content::Binary(HELLO.to_vec()));
    assert_eq!(Content::of(b"81 05\r\n".to_vec()), Content::Text("81 05\r\n".to_owned()));
    let utf16 = b"\xff\xfe8\x001\x00".to_vec();
    assert_eq!(Content::of(utf16), Content::Text("81".to_owned()));
    assert_eq!(Content::of(b"\x01\x05Hello".to_vec()), Content::Binary(b"\x01\x05Hello".to_vec()));
}

fn xxd(bytes: &[u8], group: usize) -> String {
    let mut out = String::new();
    for (row, line) in bytes.chunks(16).enumerate() {
        let _ = write!(out, "{:08x}: ", row * 16);
        for index in 0..16 {
            match line.get(index) {
                Some(byte) => drop(write!(out, "{byte:02x}")),
                None => out.push_str("  "),
            }
            if index % group == group - 1 {
                out.push(' ');
            }
        }
        let _ = writeln!(out, " {}", characters(line));
    }
    out
}

fn wireshark(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (row, line) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(out, "{:04x}   {:<47}   {}", row * 16, hex.join(" "), characters(line));
    }
    out
}

fn hexdump(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut before: Option<&[u8]> = None;
    let mut squeezed = false;
    for (row, line) in bytes.chunks(16).enumerate() {
        if line.len() == 16 && before == Some(line) {
            if !squeezed {
                out.push_str("*\n");
            }
            squeezed = true;
            continue;
        }
        squeezed = false;
        before = Some(line);
        let _ = write!(out, "{:08x} ", row * 16);
        for index in 0..16 {
            let gap = if index == 8 { " " } else { "" };
            match line.get(index) {
                Some(byte) => drop(write!(out, "{gap} {byte:02x}")),
                None => drop(write!(out, "{gap}   ")),
            }
        }
        let _ = writeln!(out, "  |{}|", characters(line));
    }
    let _ = writeln!(out, "{:08x}", bytes.len());
    out
}

fn characters(bytes: &[u8]) -> String {
    bytes.iter().map(|b| if (b' '..=b'~').contains(b) { *b as char } else { '.' }).collect()
}

proptest! {
    #[test]
    fn what_a_dump_shows_is_what_is_read(
        // Many spaces and hexadecimal digits, so that the column of characters looks like data.
        bytes in prop::collection::vec(
            prop_oneof![Just(b' '), Just(b'a'), Just(b'0'), Just(b'|'), any::<u8>()], 1..80),
        repeated in 0usize..4,
    ) {
        let mut all = bytes.clone();
        all.extend(std::iter::repeat_n(b'a', 16 * repeated));
        all.extend(&bytes);
        prop_assert_eq!(from_hex(&xxd(&all, 2)).unwrap(), &all[..]);
        prop_assert_eq!(from_hex(&xxd(&all, 1)).unwrap(), &all[..]);
        prop_assert_eq!(from_hex(&hexdump(&all)).unwrap(), &all[..]);
        prop_assert_eq!(from_hex(&wireshark(&all)).unwrap(), &all[..]);
        let plain: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(from_hex(&plain).unwrap(), &all[..]);
        prop_assert_eq!(from_hex(&format!("{all:?}")).unwrap(), &all[..]);
        let literal: String = all.iter().flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
        let read = from_hex(&format!("b\"\\x00{literal}\"")).unwrap();
        prop_assert_eq!(&read[1..], &all[..]);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}", dump in "[0-9a-f:* |x\\\\\n]{0,80}") {
        let _ = from_hex(&text);
        let _ = from_hex(&dump);
        let _ = from_base64(&text);
    }
}
