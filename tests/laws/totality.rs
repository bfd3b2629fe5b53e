//! Reading is total: no bytes, gaps or ends in any order make it panic, hang, forget to give memory
//! back, or speak of bytes that were never there.

use crate::cases_of;
use crate::facts::{Ear, Fact};
use crate::talk::anything;
use proptest::prelude::*;
use ws101::said::{Endpoint, GapReason, TransportEnd};
use ws101::websocket::extension::{Agreement, Compression, Deflate};
use ws101::websocket::{Conversation, Limits};

#[derive(Debug, Clone)]
enum Move {
    Bytes(Endpoint, Vec<u8>),
    Gap(Endpoint, Option<u64>, GapReason),
    End(Endpoint, TransportEnd),
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    prop::sample::select(vec![Endpoint::Client, Endpoint::Server])
}

fn gap() -> impl Strategy<Value = Move> {
    let length = prop_oneof![
        1 => Just(None),
        8 => (1u64..400).prop_map(Some),
        2 => (1u64..1 << 50).prop_map(Some),
    ];
    let reason =
        prop::sample::select(vec![GapReason::Lost, GapReason::SnapLength, GapReason::CaptureStart]);
    (endpoint(), length, reason).prop_map(|(from, length, reason)| Move::Gap(from, length, reason))
}

/// Bytes of any kind, or a conversation, cut, with gaps and ends thrown in.
fn moves() -> impl Strategy<Value = Vec<Move>> {
    let noise = (endpoint(), prop::collection::vec(any::<u8>(), 1..200))
        .prop_map(|(from, bytes)| Move::Bytes(from, bytes));
    let low = (
        endpoint(),
        prop::collection::vec(
            prop::sample::select(vec![
                0u8, 1, 0x81, 0x80, 0x7e, 0x7f, 0xff, b'\r', b'\n', b' ', b'H',
            ]),
            1..60,
        ),
    )
        .prop_map(|(from, bytes)| Move::Bytes(from, bytes));
    let end = (endpoint(), any::<bool>()).prop_map(|(from, fin)| {
        Move::End(from, if fin { TransportEnd::Fin } else { TransportEnd::Reset })
    });
    let other = prop_oneof![2 => noise, 2 => low, 4 => gap(), 1 => end];
    let talk = (anything(), 1usize..900).prop_map(|(talk, longest)| {
        let said = talk.said().into_iter();
        said.flat_map(|(from, bytes)| {
            bytes.chunks(longest).map(|piece| Move::Bytes(from, piece.to_vec())).collect::<Vec<_>>()
        })
        .collect::<Vec<_>>()
    });
    let talk = prop_oneof![3 => talk, 1 => Just(Vec::new())];
    let others = prop::collection::vec((any::<prop::sample::Index>(), other), 0..12);
    (talk, others).prop_map(|(mut moves, others)| {
        for (index, other) in others {
            moves.insert(index.index(moves.len() + 1), other);
        }
        moves
    })
}

fn conversation() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)]
}

fn begin(kind: u8) -> Conversation {
    let widest = Compression { window_bits: 15, context_takeover: true };
    let deflate = Some(Deflate { client: widest, server: widest });
    match kind {
        0 => Conversation::new(),
        1 => Conversation::of_transcript(),
        2 => Conversation::assumed(None),
        _ => Conversation::assumed(Some(Agreement { deflate, ..Agreement::default() })),
    }
}

/// Where a fact lies in the stream of its endpoint: first byte, and the byte behind the last.
fn place(fact: &Fact) -> Option<(Endpoint, u64, u64)> {
    Some(match fact {
        Fact::Frame(frame) => {
            let there = frame.end().saturating_sub(frame.missing);
            (frame.from, frame.offset, there)
        }
        Fact::Message(message) => (message.from, message.offset, message.offset),
        Fact::Close(close) => (close.from, close.offset, close.offset + close.length),
        Fact::CutHeader { from, offset, bytes, .. } => {
            (*from, *offset, *offset + bytes.len() as u64)
        }
        Fact::NotFrames { from, offset, .. } => (*from, *offset, *offset + 1),
        Fact::Gap { from, offset, length, .. } => (*from, *offset, *offset + length.unwrap_or(0)),
        _ => return None,
    })
}

proptest! {
    #![proptest_config(cases_of(1500))]

    #[test]
    fn nothing_said_in_any_order_is_too_much(
        moves in moves(), kind in conversation(), cut: bool, keep_frames: bool,
        max_payload in prop_oneof![Just(16usize << 20), 0usize..300],
        max_unfinished in prop_oneof![Just(256usize << 20), 0usize..500],
    ) {
        let limits = Limits { keep_frames, max_payload, max_unfinished, ..Limits::default() };
        let mut ear = Ear::of(begin(kind), limits);
        for next in &moves {
            match next {
                Move::Bytes(from, bytes) => ear.bytes(*from, bytes),
                Move::Gap(from, length, reason) => ear.gap(*from, *length, *reason),
                Move::End(from, how) => ear.end(*from, *how),
            }
            prop_assert!(ear.desk.unfinished() <= max_unfinished);
        }
        ear.finish_here(cut);
        // A conversation of no interest is dropped as it is: what it kept, its owner forgets.
        prop_assert_eq!(ear.desk.unfinished(), 0);
        // Ends and findings may speak of either endpoint; a swapped one counts the other's bytes.
        let swapped = ear.facts.iter().any(|fact| matches!(fact, Fact::Recognised(_, true)));
        let said = |from: Endpoint| {
            ear.offsets[if swapped { from.peer() } else { from }.index()]
        };
        let mut frames = [(0, 0); 2];
        for fact in &ear.facts {
            if let Some((from, start, end)) = place(fact) {
                prop_assert!(start <= end && end <= said(from), "{fact:?} of {}", said(from));
            }
            match fact {
                Fact::Frame(frame) => {
                    let (number, end) = &mut frames[frame.from.index()];
                    prop_assert_eq!(frame.number, *number + 1);
                    prop_assert!(*end <= frame.offset, "{fact:?} begins before {end}");
                    (*number, *end) = (frame.number, frame.end().saturating_sub(frame.missing));
                }
                Fact::Message(message) => {
                    prop_assert!(message.payload.len() <= max_payload);
                    prop_assert!(message.truncated || message.payload.len() as u64 <= message.length);
                    prop_assert!(!message.frames.is_empty());
                }
                Fact::Finding(finding) => {
                    if let (Some(span), Some(from)) = (finding.span, finding.endpoint) {
                        let end = span.end().div_ceil(8);
                        prop_assert!(end <= said(from), "{finding:?} of {}", said(from));
                    }
                }
                _ => {}
            }
        }
        let ends = ear.facts.iter().filter(|fact| fact.ended().is_some()).count();
        prop_assert_eq!(ends, usize::from(!ear.done));
    }
}
