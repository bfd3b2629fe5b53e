//! Whatever happens to a recording over TLS, what comes out is what was said, or a statement that
//! something is missing: never anything else.

use crate::film::Film;
use crate::told::{Heard, Recorder, Told};
use proptest::prelude::*;
use std::sync::LazyLock;
use ws101::said::{Endpoint, OpaqueReason, Transport};

const NAMES: [&str; 5] =
    ["wss-tls13", "wss-tls12-gcm", "wss-tls12-chacha", "wss-tls12-cbc", "browser-wss-h1"];

const BOTH: [Endpoint; 2] = [Endpoint::Client, Endpoint::Server];

/// A recording, and what both endpoints of its connections said.
pub(crate) struct Original {
    pub(crate) film: Film,
    said: Vec<[Vec<u8>; 2]>,
}

impl Original {
    pub(crate) fn of(name: &str) -> Original {
        let film = Film::of(name);
        let said: Vec<_> =
            film.play().0.told.iter().map(|told| BOTH.map(|from| told.bytes(from))).collect();
        assert!(said.iter().any(|[client, _]| client.starts_with(b"GET ")), "{name} is read");
        Original { film, said }
    }
}

static ORIGINALS: LazyLock<Vec<Original>> = LazyLock::new(|| NAMES.map(Original::of).into());

/// Where in `whole` each run of bytes lies, one after the other; and each gap whose length is told is
/// exactly so long.
fn check(heard: &[Heard], whole: &[u8]) -> Result<(), String> {
    let mut at = Some(0);
    let mut after = 0;
    let mut run: Vec<u8> = Vec::new();
    for heard in heard.iter().chain([&Heard::Gap(0, None, ws101::said::GapReason::Lost)]) {
        match heard {
            Heard::Bytes(bytes) => run.extend(bytes),
            Heard::End(_) => {}
            Heard::Gap(_, length, _) => {
                let place = match at {
                    Some(at) => {
                        whole.get(at..).is_some_and(|rest| rest.starts_with(&run)).then_some(at)
                    }
                    None if run.is_empty() => Some(after),
                    None => whole[after..]
                        .windows(run.len())
                        .position(|window| window == run)
                        .map(|found| after + found),
                };
                let Some(place) = place else {
                    return Err(format!("{} bytes were never said", run.len()));
                };
                after = place + run.len();
                at = length.map(|length| after + length as usize);
                run.clear();
            }
        }
    }
    Ok(())
}

/// What was heard is part of what was said on one of the connections.
pub(crate) fn check_all(recorder: &Recorder, original: &Original) -> Result<(), String> {
    // What is not recognised as TLS is passed on as the bytes that it is, under that name.
    let is_tls = |told: &&Told| told.opening.is_some_and(|it| it.transport == Transport::Tls);
    for told in recorder.told.iter().filter(is_tls) {
        let fits = original.said.iter().map(|said| {
            BOTH.iter().try_for_each(|&from| check(told.by(from), &said[from.index()]))
        });
        let wrong: Vec<String> = fits.filter_map(Result::err).collect();
        if wrong.len() == original.said.len() {
            return Err(wrong.join("; "));
        }
    }
    Ok(())
}

/// If less was heard than was said, something says so.
pub(crate) fn is_told(recorder: &Recorder, original: &Original) -> bool {
    let all: usize = original.said.iter().flatten().map(Vec::len).sum();
    let heard = recorder.told.iter().flat_map(|told| BOTH.map(|from| told.bytes(from).len()));
    let gaps = recorder.told.iter().flat_map(|told| told.client.iter().chain(&told.server));
    let is_complete = heard.sum::<usize>() == all;
    let is_other = |told: &Told| told.opening.is_none_or(|it| it.transport != Transport::Tls);
    is_complete
        || !recorder.opaque.is_empty()
        || recorder.told.iter().any(is_other)
        || gaps.into_iter().any(|heard| matches!(heard, Heard::Gap(..)))
}

/// The packets of the handshake, and some of the others.
fn some(film: &Film) -> Vec<usize> {
    let all = film.with_payload();
    all.iter()
        .copied()
        .enumerate()
        .filter(|(nth, _)| *nth < 8 || nth % 9 == 0)
        .map(|it| it.1)
        .collect()
}

#[test]
fn a_bit_flipped_in_any_packet_is_noticed_and_nothing_wrong_is_read() {
    for (original, name) in ORIGINALS.iter().zip(NAMES) {
        for packet in some(&original.film) {
            let start = original.film.payload(packet).expect("it has one");
            let length = original.film.packets[packet].len() - start;
            // Each part of the first header, something within, the tag of the last record.
            for place in [0, 1, 3, 4, length / 2, length - 1] {
                let mut film = original.film.clone();
                film.packets[packet][start + place.min(length - 1)] ^= 0x10;
                let (recorder, _) = film.play();
                if let Err(wrong) = check_all(&recorder, original) {
                    panic!("{name}, packet {packet}, byte {place}: {wrong}");
                }
                assert!(is_told(&recorder, original), "{name}, packet {packet}, byte {place}");
            }
        }
    }
}

/// The first two whole records of application data in a packet, if it has two: where they lie.
fn two_records(film: &Film, packet: usize) -> Option<[std::ops::Range<usize>; 2]> {
    let bytes = &film.packets[packet];
    let next = |at: usize| {
        let header = bytes.get(at..at + 5)?;
        let end = at + 5 + usize::from(u16::from_be_bytes([header[3], header[4]]));
        (header[..3] == [23, 3, 3] && end <= bytes.len()).then_some(at..end)
    };
    let first = next(film.payload(packet)?)?;
    let second = next(first.end)?;
    Some([first, second])
}

/// Records have numbers that no one can see: in another order none of the two may be read as it stands.
#[test]
fn records_in_another_order_are_noticed() {
    let mut swapped = 0;
    for (original, name) in ORIGINALS.iter().zip(NAMES) {
        for packet in original.film.with_payload() {
            let Some([first, second]) = two_records(&original.film, packet) else { continue };
            let mut film = original.film.clone();
            let bytes = &mut film.packets[packet];
            let turned = [&bytes[second.clone()], &bytes[first.clone()]].concat();
            bytes[first.start..second.end].copy_from_slice(&turned);
            let (recorder, _) = film.play();
            if let Err(wrong) = check_all(&recorder, original) {
                panic!("{name}, packet {packet}: {wrong}");
            }
            assert!(is_told(&recorder, original), "{name}, packet {packet}");
            swapped += 1;
        }
    }
    assert!(swapped > 5, "only {swapped}");
}

#[test]
fn a_lost_packet_costs_what_was_in_it_and_the_records_that_it_cut() {
    for (original, name) in ORIGINALS.iter().zip(NAMES) {
        let (mut lost, mut most) = (0, 0);
        for packet in original.film.with_payload() {
            let mut film = original.film.clone();
            let size = film.packets.remove(packet).len();
            let (recorder, _) = film.play();
            if let Err(wrong) = check_all(&recorder, original) {
                panic!("{name} without packet {packet}: {wrong}");
            }
            assert!(is_told(&recorder, original), "{name}: packet {packet} is missed by nobody");
            let all: usize = original.said.iter().flatten().map(Vec::len).sum();
            let heard: usize =
                recorder.told.iter().flat_map(|told| BOTH.map(|from| told.bytes(from).len())).sum();
            if recorder.opaque.is_empty() {
                lost += 1;
                most = most.max(all - heard);
                // A record of 16 KiB before it and one behind it may be cut.
                assert!(
                    all - heard <= size + 2 * 16_384,
                    "{name} without packet {packet}: {} of {all} bytes are missing",
                    all - heard
                );
            } else if name != "browser-wss-h1" {
                // Only the hellos are needed to tell whose keys are to be used.
                assert!(packet < 8, "{name} without packet {packet}: {:?}", recorder.opaque);
            }
        }
        crate::shared::say(&format!("{name}: {lost} losses, at most {most} bytes of content each"));
    }
}

#[test]
fn packets_in_another_order_and_twice_change_nothing() {
    for (original, name) in ORIGINALS.iter().zip(NAMES) {
        for packet in original.film.with_payload() {
            let mut film = original.film.clone();
            let copy = film.packets[packet].clone();
            film.packets.insert((packet + 2).min(film.packets.len()), copy);
            if packet > 3 {
                film.packets.swap(packet, packet - 1);
            }
            let (recorder, _) = film.play();
            let said: Vec<_> =
                recorder.told.iter().map(|told| BOTH.map(|from| told.bytes(from))).collect();
            assert!(said == original.said, "{name}, packet {packet}");
            assert!(recorder.opaque.is_empty(), "{name}, packet {packet}");
        }
    }
}

/// Records over segments, among them the post-quantum ClientHellos of Chromium.
#[test]
fn however_small_the_segments_are_the_same_is_read() {
    for (original, name) in ORIGINALS.iter().zip(NAMES) {
        let is_large_hello = |&packet: &usize| {
            let start = original.film.payload(packet).expect("it has one");
            let payload = &original.film.packets[packet][start..];
            payload.starts_with(&[22, 3, 1]) && payload[5] == 1 && payload.len() > 1700
        };
        let hellos = original.film.with_payload().iter().filter(|it| is_large_hello(it)).count();
        assert_eq!(hellos, if name == "browser-wss-h1" { 4 } else { 0 }, "with ML-KEM in {name}");
        for size in [7, 100, 536, 1460] {
            let (recorder, tally) = original.film.in_segments(size).play();
            let said: Vec<_> =
                recorder.told.iter().map(|told| BOTH.map(|from| told.bytes(from))).collect();
            assert!(said == original.said, "{name} in segments of {size}");
            assert_eq!((recorder.opaque.len(), tally.tls.bad_records), (0, 0), "{name}, {size}");
        }
    }
}

#[test]
fn a_capture_that_ends_early_has_what_came_before() {
    for original in ORIGINALS.iter() {
        for packets in 0..original.film.packets.len() {
            let mut film = original.film.clone();
            film.packets.truncate(packets);
            let (recorder, _) = film.play();
            if let Err(wrong) = check_all(&recorder, original) {
                panic!("{packets} packets: {wrong}");
            }
        }
    }
}

/// Something that happens to a packet.
#[derive(Debug, Clone)]
enum Harm {
    Flip(usize, usize, u8),
    Lose(usize),
    Cut(usize, usize),
    Swap(usize, usize),
    Repeat(usize, usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let any = || 0usize..4096;
    prop_oneof![
        (any(), any(), 0u8..8).prop_map(|(packet, place, bit)| Harm::Flip(packet, place, bit)),
        any().prop_map(Harm::Lose),
        (any(), any()).prop_map(|(packet, place)| Harm::Cut(packet, place)),
        (any(), 1usize..6).prop_map(|(packet, by)| Harm::Swap(packet, by)),
        (any(), 1usize..6).prop_map(|(packet, by)| Harm::Repeat(packet, by)),
    ]
}

fn apply(film: &mut Film, harm: &Harm) {
    let some = film.with_payload();
    let Some(packet) = (match *harm {
        Harm::Flip(packet, ..)
        | Harm::Lose(packet)
        | Harm::Cut(packet, _)
        | Harm::Swap(packet, _)
        | Harm::Repeat(packet, _) => some.get(packet % some.len().max(1)),
    }) else {
        return;
    };
    let (packet, last) = (*packet, film.packets.len() - 1);
    let start = film.payload(packet).expect("it has a payload");
    let bytes = &mut film.packets[packet];
    let length = bytes.len() - start;
    match *harm {
        Harm::Flip(_, place, bit) => bytes[start + place % length] ^= 1 << bit,
        Harm::Lose(_) => {
            film.packets.remove(packet);
        }
        Harm::Cut(_, place) => {
            bytes.truncate(start + place % length);
            let captured = (bytes.len() - 16) as u32;
            bytes[8..12].copy_from_slice(&captured.to_le_bytes());
        }
        Harm::Swap(_, by) => film.packets.swap(packet, (packet + by).min(last)),
        Harm::Repeat(_, by) => {
            let copy = bytes.clone();
            film.packets.insert((packet + by).min(last), copy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_nothing_is_read_that_was_not_said(
        which in 0..NAMES.len(),
        harms in prop::collection::vec(harm(), 1..6),
    ) {
        let original = &ORIGINALS[which];
        let mut film = original.film.clone();
        harms.iter().for_each(|harm| apply(&mut film, harm));
        let (recorder, _) = film.play();
        let checked = check_all(&recorder, original);
        prop_assert!(checked.is_ok(), "{}: {}", NAMES[which], checked.unwrap_err());
        prop_assert!(is_told(&recorder, original), "{}: something is missing", NAMES[which]);
    }

    #[test]
    fn a_wrong_secret_opens_nothing(which in 0..NAMES.len(), place in any::<usize>(), line in 0..8usize) {
        let original = &ORIGINALS[which];
        let mut film = original.film.clone();
        let lines: Vec<String> = film.keys.lines().map(str::to_owned).collect();
        let index = line % lines.len();
        let mut changed = lines.clone();
        let mut words: Vec<String> = lines[index].split(' ').map(str::to_owned).collect();
        if words.len() == 3 {
            let at = place % words[2].len();
            let digit = if words[2].as_bytes()[at] == b'0' { "1" } else { "0" };
            words[2].replace_range(at..=at, digit);
            changed[index] = words.join(" ");
        }
        film.keys = changed.join("\n");
        let (recorder, _) = film.play();
        let checked = check_all(&recorder, original);
        prop_assert!(checked.is_ok(), "{}: {}", NAMES[which], checked.unwrap_err());
        prop_assert!(is_told(&recorder, original), "{}: {} is wrong", NAMES[which], lines[index]);
    }
}

#[test]
fn without_its_secrets_a_connection_is_opaque_and_says_why() {
    for original in ORIGINALS.iter() {
        let mut film = original.film.clone();
        film.keys = String::new();
        let (recorder, tally) = film.play();
        assert!(recorder.told.is_empty());
        assert_eq!(recorder.opaque.len() as u64, tally.tls.opaque);
        for opaque in &recorder.opaque {
            assert_eq!(opaque.why, OpaqueReason::NoKeyLog);
            assert_eq!(opaque.tls.server_name.as_deref(), Some(&b"localhost"[..]));
            assert!(opaque.tls.version.is_some() && opaque.tls.cipher_suite.is_some());
        }
    }
}
