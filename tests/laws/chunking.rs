//! Chunking is invisible: byte by byte, at any cut, all at once, the same happens.

use crate::cases_of;
use crate::dice::Dice;
use crate::facts::{Ear, Fact};
use crate::talk::{Opening, anything};
use proptest::prelude::*;
use ws101::said::{Endpoint, TransportEnd};
use ws101::websocket::Limits;

type Said = Vec<(Endpoint, Vec<u8>)>;

/// Hears everything, each turn cut by `cut`, which is told how much is left.
fn hear(said: &Said, limits: Limits, mut cut: impl FnMut(usize) -> usize) -> Vec<Fact> {
    let mut ear = Ear::new(limits);
    for (from, mut bytes) in said.iter().map(|(from, bytes)| (*from, &bytes[..])) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(cut(bytes.len()).clamp(1, bytes.len()));
            ear.bytes(from, now);
            bytes = later;
        }
    }
    ear.end(Endpoint::Client, TransportEnd::Fin);
    ear.finish(false)
}

fn first_difference(one: &[Fact], two: &[Fact]) -> Option<String> {
    let longest = one.len().max(two.len());
    (0..longest)
        .find(|&at| one.get(at) != two.get(at))
        .map(|at| format!("fact {at} is\n  {:?}\n  {:?}", one.get(at), two.get(at)))
}

/// The same, the order of the two directions to each other aside.
fn difference_of_one(one: &[Fact], two: &[Fact]) -> Option<String> {
    [Endpoint::Client, Endpoint::Server]
        .into_iter()
        .find_map(|from| first_difference(&of(one, from), &of(two, from)))
}

fn of(facts: &[Fact], from: Endpoint) -> Vec<Fact> {
    let own = |fact: &&Fact| !matches!(fact, Fact::Finding(_)) && fact.from() == Some(from);
    facts.iter().filter(own).cloned().collect()
}

proptest! {
    #![proptest_config(cases_of(300))]

    #[test]
    fn however_the_bytes_are_cut_the_same_happens(
        talk in anything(), seed: u64, longest in 2usize..3000, keep_frames: bool,
        max_payload in prop_oneof![Just(16usize << 20), 0usize..200],
        max_inflated in prop_oneof![Just(64u64 << 20), 0u64..300],
    ) {
        let limits = Limits { keep_frames, max_payload, max_inflated, ..Limits::default() };
        let said = talk.said();
        // If the server's first bytes are no answer, the client's wait until that is certain.
        let compare = match talk.opening {
            Opening::Unanswered => difference_of_one,
            _ => first_difference,
        };
        let at_once = hear(&said, limits, |left| left);
        let by_bytes = hear(&said, limits, |_| 1);
        if let Some(difference) = compare(&at_once, &by_bytes) {
            prop_assert!(false, "byte by byte, {difference}");
        }
        let mut dice = Dice(seed);
        let cut = hear(&said, limits, |_| 1 + dice.below(longest));
        if let Some(difference) = compare(&at_once, &cut) {
            prop_assert!(false, "at random cuts, {difference}");
        }
        // Once upgraded, how the two directions lie to each other changes nothing in either.
        if !matches!(talk.opening, Opening::Refused | Opening::Unanswered) {
            let mut turned = said;
            turned[talk.opening_turns()..].sort_by_key(|(from, _)| *from);
            let turned = hear(&turned, limits, |left| left);
            if let Some(difference) = difference_of_one(&at_once, &turned) {
                prop_assert!(false, "with the directions apart, {difference}");
            }
        }
    }
}
