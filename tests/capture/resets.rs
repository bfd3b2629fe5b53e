//! Which RSTs end a connection (RFC 9293 §3.10.7.4, RFC 5961 §3.2): one that lies where its receiver
//! expects the next byte. Whoever injects one blindly does not know where that is.

use crate::told::{ACK, FIN, Made, RST, SYN, made, run};
use ws101::said::Endpoint::{self, Client, Server};

/// Client sequence numbers begin at 1000, the server's at 5000; windows are not scaled, or by
/// these shifts.
fn opened(scale: [Option<u8>; 2]) -> Vec<Made> {
    vec![
        Made { scale: scale[0], ..made(Client, 999, 0, SYN, b"") },
        Made { scale: scale[1], ..made(Server, 4999, 1000, SYN | ACK, b"") },
        made(Client, 1000, 5000, ACK, b"hello"),
        made(Server, 5000, 1005, ACK, b"hello"),
    ]
}

fn goes_on() -> [Made; 2] {
    [made(Client, 1005, 5005, ACK, b" world"), made(Server, 5005, 1011, ACK, b" world")]
}

fn rst(from: Endpoint, sequence: u32) -> Made {
    made(from, sequence, 0, RST, b"")
}

fn texts(segments: &[Made]) -> (String, String) {
    let (recorder, _) = run(segments);
    assert_eq!(recorder.told.len(), 1, "connections");
    (recorder.told[0].text(Client), recorder.told[0].text(Server))
}

fn both(one: &str, two: &str) -> (String, String) {
    (one.to_owned(), two.to_owned())
}

#[test]
fn a_reset_where_the_next_byte_is_expected_ends_the_connection() {
    let segments = [&opened([None; 2])[..], &[rst(Client, 1005)], &goes_on()].concat();
    assert_eq!(texts(&segments), both("hello[Reset]", "hello"));
}

#[test]
fn a_reset_may_lie_behind_what_its_receiver_acknowledged_last() {
    // The server's last bytes were captured, and their receiver has not acknowledged them yet.
    for sequence in [5000, 5003, 5005] {
        let segments = [&opened([None; 2])[..], &[rst(Server, sequence)]].concat();
        assert_eq!(texts(&segments), both("hello", "hello[Reset]"), "{sequence}");
    }
}

#[test]
fn a_blind_reset_ends_nothing_wherever_it_lies() {
    for scale in [[None; 2], [Some(7), Some(7)], [Some(14), None]] {
        for sequence in [0, 999, 1004, 1006, 1010, 2000, 60_000, 70_000, 1_000_000, 2_000_000_000] {
            let segments = [&opened(scale)[..], &[rst(Client, sequence)], &goes_on()].concat();
            let expected = both("hello world", "hello world");
            assert_eq!(texts(&segments), expected, "{sequence}, scaled by {scale:?}");
        }
    }
}

#[test]
fn whoever_goes_on_hearing_did_not_reset() {
    let answer = made(Server, 5005, 1005, ACK, b" world");
    let heard = made(Client, 1005, 5011, ACK, b"");
    let segments = [&opened([None; 2])[..], &[rst(Client, 1500), answer, heard]].concat();
    assert_eq!(texts(&segments), both("hello", "hello world"));
}

#[test]
fn a_reset_behind_lost_segments_ends_the_connection_if_it_lies_in_the_window() {
    let after = |scale: [Option<u8>; 2], window: u16, sequence: u32| {
        let mut segments = opened(scale);
        segments.push(Made { window, ..made(Server, 5005, 1005, ACK, b"!") });
        segments.push(rst(Client, sequence));
        texts(&segments)
    };
    let reset = both("hello[Reset]", "hello!");
    let ignored = both("hello", "hello!");
    assert_eq!(after([None; 2], 500, 1504), reset);
    assert_eq!(after([None; 2], 500, 1505), ignored);
    // The server scales its window by 4, if the client offered to scale as well.
    assert_eq!(after([Some(0), Some(4)], 500, 1005 + 500 * 16 - 1), reset);
    assert_eq!(after([Some(0), Some(4)], 500, 1005 + 500 * 16), ignored);
    assert_eq!(after([None, Some(4)], 500, 1505), ignored);
}

#[test]
fn without_the_syns_the_window_is_what_it_can_say_alone() {
    let after = |sequence: u32| {
        let begun = [
            made(Client, 1000, 5000, ACK, b"GET / HTTP/1.1"),
            Made { window: 10, ..made(Server, 5000, 1014, ACK, b"HTTP/1.1 200 OK") },
        ];
        texts(&[&begun[..], &[rst(Client, sequence)]].concat())
    };
    let heard = ("GET / HTTP/1.1", "HTTP/1.1 200 OK");
    assert_eq!(after(1014 + 65_534), both("GET / HTTP/1.1[Reset]", heard.1));
    assert_eq!(after(1014 + 65_535), both(heard.0, heard.1));
    assert_eq!(after(1013), both(heard.0, heard.1));
}

#[test]
fn a_reset_that_was_captured_too_early_waits_for_the_bytes_before_it() {
    let [more, answer] = goes_on();
    let segments = [&opened([None; 2])[..], &[rst(Client, 1011), answer, more]].concat();
    assert_eq!(texts(&segments), both("hello world[Reset]", "hello world"));
}

#[test]
fn a_reset_may_follow_the_fin_of_its_sender() {
    let fin = made(Client, 1005, 5005, FIN | ACK, b"");
    let segments = [&opened([None; 2])[..], &[fin, rst(Client, 1006)]].concat();
    assert_eq!(texts(&segments), both("hello[Fin][Reset]", "hello"));
}

#[test]
fn a_connection_that_was_reset_behind_lost_segments_is_not_kept_for_ever() {
    let mut segments = opened([None; 2]);
    segments.push(rst(Client, 1100));
    segments.extend((0..1100).map(|n| Made { port: 1, ..made(Client, 1000 + n, 5000, ACK, b".") }));
    segments.push(made(Client, 1005, 5005, ACK, b"too late"));
    assert_eq!(run(&segments).0.told[0].text(Client), "hello[Reset]");
}
