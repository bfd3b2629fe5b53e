//! TCP, case by case: what the capture showed, and what must be said of it.

use crate::told::{ACK, FIN, Made, RST, Recorder, SYN, made, run, run_within};
use std::time::{Duration, Instant};
use ws101::input::capture::{Limits, LinkType, Packet, Reassembly};
use ws101::said::At;
use ws101::said::Endpoint::{self, Client, Server};

/// Client sequence numbers begin at 1000, the server's at 5000.
fn handshake() -> Vec<Made> {
    vec![
        made(Client, 999, 0, SYN, b""),
        made(Server, 4999, 1000, SYN | ACK, b""),
        made(Client, 1000, 5000, ACK, b""),
    ]
}

fn after_handshake(rest: &[Made]) -> Vec<Made> {
    [&handshake(), rest].concat()
}

fn client(sequence: u32, payload: &[u8]) -> Made {
    made(Client, sequence, 5000, ACK, payload)
}

fn server(sequence: u32, payload: &[u8]) -> Made {
    made(Server, sequence, 1000, ACK, payload)
}

/// One connection, and what each endpoint said on it.
#[track_caller]
fn check(
    segments: &[Made],
    client: &str,
    server: &str,
) -> (Recorder, ws101::input::capture::Tally) {
    let (recorder, tally) = run(segments);
    assert_eq!(recorder.told.len(), 1, "connections");
    assert_eq!(recorder.told[0].text(Endpoint::Client), client, "client");
    assert_eq!(recorder.told[0].text(Endpoint::Server), server, "server");
    (recorder, tally)
}

#[test]
fn nobody_is_told_of_a_connection_without_a_byte() {
    let closed = [made(Client, 1000, 5000, FIN | ACK, b""), made(Server, 5000, 1001, RST, b"")];
    let (recorder, tally) = run(&after_handshake(&closed));
    assert_eq!((recorder.told.len(), tally.connections, tally.opened), (0, 1, 0));
}

#[test]
fn the_opening_is_the_first_packet_and_the_syn_tells_the_client() {
    let (recorder, _) = check(&after_handshake(&[server(5000, b"hi")]), "", "hi");
    let opening = recorder.told[0].opening.expect("opened");
    assert!(opening.initiator_seen);
    assert_eq!(opening.at.packet.map(|number| number.number()), Some(1));
    assert_eq!(
        opening.client.map(|address| address.to_string()).as_deref(),
        Some("10.0.0.2:50000")
    );
}

#[test]
fn a_segment_in_order_keeps_its_packet_and_so_does_one_that_waited() {
    let segments = [client(1000, b"one"), client(1006, b"three"), client(1003, b"two")];
    let (recorder, _) = check(&after_handshake(&segments), "onetwothree", "");
    assert_eq!(recorder.told[0].packets, [(Client, 0, 4), (Client, 3, 6), (Client, 6, 5)]);
}

#[test]
fn the_sender_heard_what_it_acknowledged() {
    let segments = [client(1000, b"question"), made(Server, 5000, 1008, ACK, b"answer")];
    let (recorder, _) = check(&after_handshake(&segments), "question", "answer");
    assert_eq!(recorder.told[0].heard, [Some(0), Some(8)]);
}

#[test]
fn a_syn_may_carry_data() {
    let segments =
        [made(Client, 999, 0, SYN, b"early"), made(Server, 4999, 1005, SYN | ACK, b"bird")];
    check(&segments, "early", "bird");
}

#[test]
fn bytes_may_come_before_the_answer_to_the_syn() {
    let [syn, syn_ack, ack] = handshake().try_into().expect("three");
    let [first, second] = [server(5000, b"first "), server(5006, b"second")];
    // The capture shows the server's second segment before its SYN.
    let segments = [syn.clone(), second.clone(), syn_ack.clone(), first.clone()];
    check(&segments, "", "first second");
    let segments = [syn.clone(), second.clone(), ack.clone(), first.clone()];
    check(&segments, "", "first second");
    // The answer comes before the SYN; the SYN is not another connection then.
    let segments = [syn_ack, first, syn, ack, second];
    let (recorder, _) = check(&segments, "", "first second");
    assert!(recorder.told[0].opening.expect("opened").initiator_seen);
}

#[test]
fn keep_alives_say_nothing() {
    let segments =
        [client(1000, b"hello"), client(1004, b"\0"), client(1004, b""), client(1005, b"!")];
    let (_, tally) = check(&after_handshake(&segments), "hello!", "");
    assert_eq!((tally.keep_alives, tally.retransmissions, tally.conflicts), (1, 0, 0));
    // Nor do they begin a stream.
    check(&[client(1004, b"\0"), client(1005, b"GET / HTTP/1.1")], "GET / HTTP/1.1", "");
}

#[test]
fn a_zero_window_probe_is_said_once() {
    let segments = [client(1000, b"h"), client(1000, b"h"), client(1000, b"hello")];
    check(&after_handshake(&segments), "hello", "");
}

#[test]
fn the_first_arrival_wins_and_a_difference_is_counted() {
    let segments = [client(1003, b"DEF"), client(1002, b"cxyzg"), client(1000, b"ab")];
    let (_, tally) = check(&after_handshake(&segments), "abcDEFg", "");
    assert_eq!(tally.conflicts, 1);
    let segments = [client(1003, b"def"), client(1002, b"cdefg"), client(1000, b"ab")];
    let (_, tally) = check(&after_handshake(&segments), "abcdefg", "");
    assert_eq!(tally.conflicts, 0);
}

#[test]
fn a_hole_is_lost_only_once_it_must_be() {
    let mut segments = vec![client(1000, b"abc"), client(1006, b"ghi")];
    // Not acknowledged: it may still come, however long that takes.
    segments.extend((0..500).map(|n| server(5000 + n, b".")));
    segments.push(client(1003, b"def"));
    let (_, tally) = check(&after_handshake(&segments), "abcdefghi", &".".repeat(500));
    assert_eq!(tally.gaps, 0);
    // Acknowledged: it was received, so after a while nothing will bring it any more.
    let late = |many: u32| {
        let mut segments = vec![client(1000, b"abc"), client(1006, b"ghi")];
        segments.extend((0..many).map(|n| made(Server, 5000 + n, 1009, ACK, b".")));
        segments.push(client(1003, b"def"));
        segments
    };
    check(&after_handshake(&late(50)), "abcdefghi", &".".repeat(50));
    let (_, tally) = check(&after_handshake(&late(100)), "abc[lost 3]ghi", &".".repeat(100));
    assert_eq!((tally.gaps, tally.lost_bytes, tally.retransmissions), (1, 3, 1));
}

#[test]
fn an_acknowledgment_of_bytes_never_captured_tells_of_them() {
    let segments = [client(1000, b"abc"), made(Server, 5000, 1010, ACK, b"ok")];
    check(&after_handshake(&segments), "abc[lost 7]", "ok");
}

#[test]
fn a_fin_waits_for_the_bytes_before_it() {
    let segments = [
        client(1000, b"abc"),
        made(Client, 1006, 5000, FIN | ACK, b"ghi"),
        server(5000, b"x"),
        client(1003, b"def"),
    ];
    let (recorder, _) = check(&after_handshake(&segments), "abcdefghi[Fin]", "x");
    assert_eq!(recorder.told[0].forgotten, Some(true), "the server has not closed");
}

#[test]
fn a_reset_ends_both() {
    let segments =
        [client(1000, b"abc"), server(5002, b"z"), made(Server, 5003, 1003, RST | ACK, b"")];
    let (recorder, _) = check(&after_handshake(&segments), "abc", "[lost 2]z[Reset]");
    assert_eq!(recorder.told[0].forgotten, Some(false));
    // One from far away does not.
    let segments =
        [client(1000, b"abc"), made(Server, 3_000_000_000, 0, RST, b""), client(1003, b"d")];
    check(&after_handshake(&segments), "abcd", "");
}

#[test]
fn ports_may_be_used_again() {
    let mut segments = after_handshake(&[client(1000, b"one")]);
    segments.extend([
        made(Client, 70_000_000, 0, SYN, b""),
        made(Server, 90_000_000, 70_000_001, SYN | ACK, b""),
        made(Client, 70_000_001, 90_000_001, ACK, b"two"),
    ]);
    let (recorder, tally) = run(&segments);
    let texts: Vec<String> = recorder.told.iter().map(|told| told.text(Client)).collect();
    assert_eq!((texts, tally.connections), (vec!["one".into(), "two".into()], 2));
    // The same SYN again is a retransmission.
    let mut segments = after_handshake(&[client(1000, b"one")]);
    segments.push(made(Client, 999, 0, SYN, b""));
    segments.push(client(1003, b"two"));
    check(&segments, "onetwo", "");
}

fn goodbye() -> Vec<Made> {
    vec![
        made(Client, 1003, 5000, FIN | ACK, b""),
        made(Server, 5000, 1004, FIN | ACK, b""),
        made(Client, 1004, 5001, ACK, b""),
    ]
}

#[test]
fn a_closed_connection_leaves_no_ghost() {
    let mut segments = after_handshake(&[client(1000, b"one")]);
    segments.extend(goodbye());
    segments.extend([client(1000, b"one"), made(Server, 5000, 1004, FIN | ACK, b"")]);
    segments.push(made(Client, 999, 0, SYN, b""));
    let (recorder, tally) = check(&segments, "one[Fin]", "[Fin]");
    assert_eq!((tally.connections, tally.late), (1, 1));
    assert_eq!(recorder.told[0].forgotten, Some(false));
}

#[test]
fn without_a_syn_the_data_tells_the_client() {
    // The server's port is the higher one here; the request decides.
    let request = Made { from: Server, ..client(1000, b"GET /chat HTTP/1.1\r\n") };
    let answer = Made { from: Client, ..server(5000, b"HTTP/1.1 101 Switching") };
    let (recorder, _) =
        check(&[request, answer], "GET /chat HTTP/1.1\r\n", "HTTP/1.1 101 Switching");
    let opening = recorder.told[0].opening.expect("opened");
    assert!(!opening.initiator_seen);
    assert_eq!(opening.server.map(|address| address.port()), Some(50_000));
    // Without a beginning the ports decide, and what came before is missing.
    check(&[server(5000, b"\x81\x02hi")], "", "[capture-start]\u{fffd}\u{2}hi");
}

#[test]
fn snapped_segments_leave_gaps() {
    let cut = |sequence, payload: &[u8], cut| Made { cut, ..client(sequence, payload) };
    let segments = [
        cut(1000, b"abcdef", 4),
        client(1006, b"ghi"),
        cut(1012, b"mno", 3),
        client(1009, b"jkl"),
        client(1015, b"p"),
    ];
    let (_, tally) = check(&after_handshake(&segments), "ab[snaplen 4]ghijkl[snaplen 3]p", "");
    assert_eq!((tally.cut_packets, tally.lost_bytes), (2, 7));
}

#[test]
fn a_listener_that_is_done_hears_no_more() {
    let mut segments =
        after_handshake(&[client(1000, b"abc"), client(1003, b"def"), server(5000, b"x")]);
    segments.push(made(Client, 70_000_000, 0, SYN, b"next"));
    let recorder = Recorder { patience: Some(3), ..Recorder::default() };
    let (recorder, _) = run_within(&segments, Limits::default(), recorder);
    let texts: Vec<String> = recorder.told.iter().map(|told| told.text(Client)).collect();
    assert_eq!(texts, ["abc", "next"]);
}

#[test]
fn what_waits_is_bounded() {
    let limits = Limits { waiting: 10_000, ..Limits::default() };
    let mut segments = vec![client(1000, b"a")];
    segments.extend((0..100).map(|n| client(1002 + n * 500, &[b'x'; 500])));
    let (recorder, tally) = run_within(&after_handshake(&segments), limits, Recorder::default());
    let text = recorder.told[0].text(Client);
    assert_eq!(text, format!("a[lost 1]{}", "x".repeat(50_000)));
    assert_eq!(tally.overflows, 1);
    // The same over all connections together.
    let limits = Limits { all_waiting: 10_000, ..Limits::default() };
    let (_, tally) = run_within(&after_handshake(&segments), limits, Recorder::default());
    assert_eq!(tally.overflows, 1);
}

#[test]
fn the_connection_longest_unused_is_forgotten() {
    let limits = Limits { connections: 10, ..Limits::default() };
    let mut segments = Vec::new();
    for port in 0..100 {
        // Every other packet is of one connection, which is used all the time.
        segments.push(client(1000 + u32::from(port), b"x"));
        segments.push(Made { port, ..client(1000, b"abc") });
    }
    let (recorder, tally) = run_within(&segments, limits, Recorder::default());
    assert_eq!((recorder.told.len(), tally.connections), (101, 101));
    let used = recorder.told.iter().find(|told| told.bytes(Client).starts_with(b"x"));
    assert_eq!(used.map(|told| told.bytes(Client)), Some(vec![b'x'; 100]));
    assert_eq!(tally.evicted, 91);
    assert!(recorder.told.iter().all(|told| told.forgotten == Some(true)));
}

#[test]
fn graves_are_bounded_too() {
    let limits = Limits { graves: 10, ..Limits::default() };
    let mut segments = Vec::new();
    for port in 0..100 {
        segments.push(Made { port, ..client(1000, b"abc") });
        segments.push(Made { port, ..made(Client, 1003, 5000, RST, b"") });
    }
    // Late segments: those whose graves are forgotten look like new connections.
    segments.extend((0..100).map(|port| Made { port, ..client(1000, b"abc") }));
    let (_, tally) = run_within(&segments, limits, Recorder::default());
    assert_eq!((tally.connections, tally.late), (190, 10));
}

#[test]
fn an_injected_reset_must_acknowledge_the_syn() {
    let [syn, syn_ack, ack] = handshake().try_into().expect("three");
    let injected = made(Server, 0, 999, RST | ACK, b"");
    check(&[syn.clone(), injected, syn_ack, ack, client(1000, b"hello")], "hello", "");
    let refused = made(Server, 0, 1000, RST | ACK, b"");
    let (recorder, tally) = run(&[syn, refused, client(1000, b"hello")]);
    assert_eq!((recorder.told.len(), tally.late), (0, 1));
}

#[test]
fn the_answer_that_is_acknowledged_holds() {
    // The server answers from two places; the client believes one of them.
    let other = made(Server, 80_000_000, 1000, SYN | ACK, b"");
    let [syn, syn_ack, _] = handshake().try_into().expect("three");
    let believed = made(Client, 1000, 80_000_001, ACK, b"hello");
    let answer = made(Server, 80_000_001, 1005, ACK, b"good day");
    let segments = [syn, syn_ack.clone(), other, believed, syn_ack, answer];
    check(&segments, "hello", "good day");
}

/// A connection whose FINs were captured before its last bytes was over without them.
#[test]
fn bytes_may_come_behind_both_fins() {
    let mut segments = goodbye();
    segments.push(client(1000, b"one"));
    check(&after_handshake(&segments), "one[Fin]", "[Fin]");
    // But not for ever.
    let mut segments = after_handshake(&goodbye());
    segments.extend((0..1100).map(|n| Made { port: 1, ..client(1000 + n, b".") }));
    segments.push(client(1000, b"one"));
    let (recorder, tally) = run(&segments);
    assert_eq!(
        recorder.told.last().map(|told| told.text(Client)).as_deref(),
        Some("[lost 3][Fin]")
    );
    assert_eq!(tally.late, 1);
}

/// Without a SYN the first segment in the file was the beginning, and what came before it was lost.
#[test]
fn without_a_syn_earlier_bytes_may_come_a_little_later() {
    check(
        &[client(1006, b"ghi"), client(1000, b"abcdef"), server(5000, b"x")],
        "[capture-start]abcdefghi",
        "[capture-start]x",
    );
    // The SYN itself may come late.
    let [syn, syn_ack, ack] = handshake().try_into().expect("three");
    check(&[client(1003, b"def"), syn, syn_ack, ack, client(1000, b"abc")], "abcdef", "");
}

/// A SYN behind the answer to the request was another connection.
#[test]
fn a_syn_may_come_behind_the_answer() {
    let [syn, syn_ack, _] = handshake().try_into().expect("three");
    let answer = made(Server, 5000, 1004, ACK, b"HTTP/1.1 101 Switching Protocols");
    let request = client(1000, b"GET ");
    check(&[answer, syn, request, syn_ack], "GET ", "HTTP/1.1 101 Switching Protocols");
}

/// What a sender had heard was the most that it was known to have heard by then, later or not.
#[test]
fn what_a_sender_had_heard_is_in_its_own_segment() {
    let segments = [
        server(5000, b"question"),
        made(Client, 1003, 5008, ACK, b"answer"),
        made(Client, 1000, 5000, ACK, b"ah "),
    ];
    let (recorder, _) = check(&after_handshake(&segments), "ah answer", "question");
    assert_eq!(recorder.told[0].heard, [Some(0), Some(0), Some(8)]);
}

/// Each of these segments walked over all that waited.
#[test]
fn what_is_cut_off_does_not_cost_what_waits() {
    let (few, _) = cut_over(200);
    let (many, said) = cut_over(4_000);
    // Without a bound it is twenty times as much.
    assert!(many < 8 * few, "{few:?}, {many:?}");
    // What lies between the first of those that waited is cut off, the rest not captured.
    assert!(said.starts_with("[lost 100]x[snaplen 1]x[snaplen 1]x"), "{}", &said[..60]);
    assert!(said.ends_with("x[lost 1]x[lost 1]x"), "{}", &said[said.len() - 60..]);
}

/// How long segments take that reach over so many that wait, and what is said in the end.
fn cut_over(waiting: u32) -> (Duration, String) {
    let mut reassembly = Reassembly::new(Limits::default());
    let mut recorder = Recorder::default();
    let mut hear = |segment: &Made, times: u32| {
        let bytes = segment.packet();
        let original_length = (bytes.len() + segment.cut) as u32;
        let packet =
            Packet { at: At::default(), link: LinkType(101), bytes: &bytes, original_length };
        (0..times).for_each(|_| reassembly.packet(&packet, &mut recorder));
    };
    handshake().iter().for_each(|segment| hear(segment, 1));
    (0..waiting).for_each(|number| hear(&client(1100 + 2 * number, b"x"), 1));
    let reach = 2 * waiting as usize - 1;
    let begun = Instant::now();
    hear(&Made { cut: reach, ..client(1100, &vec![0; reach]) }, 300);
    let took = begun.elapsed();
    reassembly.finish(&mut recorder);
    (took, recorder.told[0].text(Client))
}
