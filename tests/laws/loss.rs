//! A lost piece changes nothing before it, and everything after it is either right or marked.
//!
//! Each mutant is a valid conversation of which some stretches were not captured. What a mutant
//! tells is compared with what the whole conversation told, by the offsets of frames and messages.

use crate::dice::Dice;
use crate::facts::{Ear, Fact, Frame, Message};
use crate::talk::{Talk, valid};
use crate::{cases_of, say};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use ws101::rules::Severity;
use ws101::said::{Endpoint, GapReason};
use ws101::websocket::Limits;

const BOTH: [Endpoint; 2] = [Endpoint::Client, Endpoint::Server];

/// Segments, and which of their bytes are lost.
struct Wire {
    segments: Vec<(Endpoint, Vec<u8>)>,
    /// Where in each stream the frames begin.
    frames_from: [u64; 2],
}

impl Wire {
    /// Cuts a talk into segments: a frame mostly begins one, as with real senders.
    fn of(talk: &Talk, dice: &mut Dice) -> Wire {
        let longest = [20, 200, 1460, 1460][dice.below(4)];
        let mut segments = Vec::new();
        let mut frames_from = [0; 2];
        for (turn, (from, bytes)) in talk.said().into_iter().enumerate() {
            if turn < talk.opening_turns() {
                frames_from[from.index()] += bytes.len() as u64;
            }
            for piece in bytes.chunks(longest) {
                segments.push((from, piece.to_vec()));
            }
        }
        Wire { segments, frames_from }
    }

    fn length(&self, from: Endpoint) -> u64 {
        let own = self.segments.iter().filter(|segment| segment.0 == from);
        own.map(|segment| segment.1.len() as u64).sum()
    }

    fn hear(&self, lost: &[Vec<Range<u64>>; 2]) -> Vec<Fact> {
        let mut ear = Ear::new(Limits { keep_frames: true, ..Limits::default() });
        for (from, bytes) in &self.segments {
            let start = ear.offsets[from.index()];
            let end = start + bytes.len() as u64;
            let mut at = start;
            for range in &lost[from.index()] {
                let range = range.start.clamp(at, end)..range.end.clamp(at, end);
                if range.is_empty() {
                    continue;
                }
                ear.bytes(*from, &bytes[(at - start) as usize..(range.start - start) as usize]);
                ear.gap(*from, Some(range.end - range.start), GapReason::Lost);
                at = range.end;
            }
            ear.bytes(*from, &bytes[(at - start) as usize..]);
        }
        ear.finish(false)
    }
}

/// Stretches of one stream, in order: whole segments' worth, or any bytes.
fn stretches(from: u64, upto: u64, dice: &mut Dice) -> Vec<Range<u64>> {
    let mut stretches: Vec<Range<u64>> = Vec::new();
    if from >= upto {
        return stretches;
    }
    for _ in 0..1 + dice.below(3) / 2 {
        let start = from + u64::from(dice.roll()) % (upto - from);
        let length = 1 + [dice.below(8), dice.below(200), dice.below(3000)][dice.below(3)] as u64;
        stretches.push(start..(start + length).min(upto));
    }
    stretches.sort_by_key(|range| range.start);
    for at in 1..stretches.len() {
        stretches[at].start = stretches[at].start.max(stretches[at - 1].end);
    }
    stretches.retain(|range| !range.is_empty());
    stretches
}

#[derive(Default)]
struct Figures {
    mutants: u64,
    /// Streams in which framing was lost, with whole frames behind; in how many it was found again.
    framing_lost: u64,
    found_again: u64,
    /// Whole frames behind the last loss, and how many of them were told.
    frames_behind: u64,
    frames_told: u64,
    /// First frames after a search, and frames that never were.
    recovered: u64,
    wrong: u64,
    first_wrong: Option<String>,
    messages_behind: u64,
    messages_right: u64,
    messages_marked: u64,
}

struct Comparison<'a> {
    whole: &'a [Fact],
    lossy: &'a [Fact],
    lost: &'a [Vec<Range<u64>>; 2],
}

impl Comparison<'_> {
    /// One complaint if something is silently wrong; what is marked as recovered and wrong counts.
    fn check(&self, figures: &mut Figures) -> Result<(), String> {
        figures.mutants += 1;
        for from in BOTH {
            self.before(from)?;
            if self.frames(from, figures)? {
                self.messages(from, figures)?;
                self.rest(from)?;
            }
        }
        self.end()
    }

    /// Everything that ended before the first loss is the same.
    fn before(&self, from: Endpoint) -> Result<(), String> {
        let first = self.lost[from.index()].first().map_or(u64::MAX, |range| range.start);
        let frames = |facts: &[Fact]| -> Vec<Frame> {
            let frames = facts.iter().filter_map(Fact::frame);
            frames.filter(|f| f.from == from && f.end() <= first).cloned().collect()
        };
        let (whole, lossy) = (frames(self.whole), frames(self.lossy));
        if whole != lossy {
            return Err(format!("before the loss {whole:?}\nbecame {lossy:?}"));
        }
        let last =
            |message: &Message| whole.iter().any(|f| Some(&f.number) == message.frames.last());
        let messages = |facts: &[Fact]| -> Vec<Message> {
            let messages = facts.iter().filter_map(Fact::message);
            messages.filter(|m| m.from == from && m.complete && last(m)).cloned().collect()
        };
        let (whole, lossy) = (messages(self.whole), messages(self.lossy));
        if whole != lossy {
            return Err(format!("before the loss {whole:?}\nbecame {lossy:?}"));
        }
        Ok(())
    }

    /// Every frame was one before. False if a recovered one was not, which is counted.
    fn frames(&self, from: Endpoint, figures: &mut Figures) -> Result<bool, String> {
        let whole: BTreeMap<u64, &Frame> = self
            .whole
            .iter()
            .filter_map(Fact::frame)
            .filter(|frame| frame.from == from)
            .map(|frame| (frame.offset, frame))
            .collect();
        let mut told = 0;
        let last = self.lost[from.index()].last().map_or(u64::MAX, |range| range.end);
        let mut searched = None;
        for frame in self.lossy.iter().filter_map(Fact::frame).filter(|frame| frame.from == from) {
            told += u64::from(frame.offset >= last);
            if frame.recovered.is_some() && frame.recovered != searched {
                figures.recovered += 1;
                searched = frame.recovered;
            }
            if let Err(what) = self.one_frame(frame, whole.get(&frame.offset).copied()) {
                if frame.recovered.is_none() {
                    return Err(what);
                }
                figures.wrong += 1;
                figures.first_wrong.get_or_insert(format!("{what}\nlost {:?}", self.lost));
                return Ok(false);
            }
        }
        let behind = whole.range(last..).count() as u64;
        figures.frames_behind += behind;
        figures.frames_told += told;
        let framing_lost = self.lossy.iter().any(
            |fact| matches!(fact, Fact::Gap { from: of, framing_lost: true, .. } if *of == from),
        );
        if framing_lost && behind > 0 {
            figures.framing_lost += 1;
            figures.found_again += u64::from(told > 0);
        }
        Ok(true)
    }

    fn one_frame(&self, frame: &Frame, was: Option<&Frame>) -> Result<(), String> {
        let Some(was) = was else { return Err(format!("there is no frame {frame:?}")) };
        if frame.header != was.header {
            return Err(format!("{was:?}\nbecame {frame:?}"));
        }
        let lost_inside: u64 = self.lost[frame.from.index()]
            .iter()
            .map(|range| {
                let payload = frame.offset + frame.header.header_length();
                range.end.clamp(payload, frame.end()) - range.start.clamp(payload, frame.end())
            })
            .sum();
        let intact = frame.complete && frame.missing == 0 && frame.payload == was.payload;
        let prefix = match (&frame.payload, &was.payload) {
            (Some(some), Some(all)) => all.starts_with(some),
            _ => true,
        };
        // A frame that a search gave up may lack more than was lost inside of it, never less.
        let marked = !frame.complete && frame.missing >= lost_inside.max(1) && prefix;
        if if lost_inside == 0 { intact || marked } else { marked } {
            Ok(())
        } else {
            Err(format!("{lost_inside} bytes lost inside {was:?}\nbecame {frame:?}"))
        }
    }

    fn messages(&self, from: Endpoint, figures: &mut Figures) -> Result<(), String> {
        let whole: BTreeMap<u64, &Message> = self
            .whole
            .iter()
            .filter_map(Fact::message)
            .filter(|message| message.from == from)
            .map(|message| (message.offset, message))
            .collect();
        let last = self.lost[from.index()].last().map_or(u64::MAX, |range| range.end);
        figures.messages_behind += whole.range(last..).count() as u64;
        for message in self.lossy.iter().filter_map(Fact::message).filter(|m| m.from == from) {
            let Some(was) = whole.get(&message.offset) else {
                return Err(format!("there is no message {message:?}"));
            };
            let silent = message.complete && message.trusted;
            let same = message.payload == was.payload
                && message.opcode == was.opcode
                && message.length == was.length
                && message.utf8_fault.is_none()
                && message.inflate_fault.is_none();
            if message.offset >= last {
                figures.messages_right += u64::from(same);
                figures.messages_marked += u64::from(!silent);
            }
            if silent && !same || !was.payload.starts_with(&message.payload) {
                return Err(format!("{was:?}\nbecame {message:?}"));
            }
        }
        Ok(())
    }

    /// Close frames are those that were sent; gaps lie where bytes were lost; nobody is accused.
    fn rest(&self, from: Endpoint) -> Result<(), String> {
        let whole: Vec<_> = self.whole.iter().filter_map(Fact::close).collect();
        for close in self.lossy.iter().filter_map(Fact::close).filter(|c| c.from == from) {
            let same = |was: &&&crate::facts::Close| {
                (was.offset, was.code, &was.reason) == (close.offset, close.code, &close.reason)
            };
            if whole.iter().find(same).is_none() {
                return Err(format!("there is no {close:?}"));
            }
        }
        let lost = &self.lost[from.index()];
        for fact in self.lossy {
            let Fact::Gap { from: of, offset, length, .. } = fact else { continue };
            let end = offset + length.unwrap_or(0);
            let inside = lost.iter().any(|range| range.start <= *offset && end <= range.end);
            if *of == from && !inside {
                return Err(format!("{lost:?} was lost, not {fact:?}"));
            }
        }
        let errors = |facts: &[Fact]| -> Vec<String> {
            let findings = facts.iter().filter_map(Fact::finding);
            let errors = findings.filter(|f| f.severity == Severity::Error);
            errors.map(|f| format!("{} {:?}: {}", f.rule, f.endpoint, f.detail)).collect()
        };
        if errors(self.whole).is_empty() && !errors(self.lossy).is_empty() {
            return Err(format!("accused although it was only lost: {:?}", errors(self.lossy)));
        }
        Ok(())
    }

    /// The end sums up what was told, and says that bytes were missing.
    fn end(&self) -> Result<(), String> {
        let Some(end) = self.lossy.iter().find_map(Fact::ended) else {
            return Err("the conversation has no end".into());
        };
        for from in BOTH {
            let first = self.lossy.iter().filter_map(Fact::close).find(|close| close.from == from);
            if end.closes[from.index()] != first.map(|close| close.code) {
                return Err(format!("{first:?}, but {end:?}"));
            }
            if !self.lost[from.index()].is_empty() && !end.lossy[from.index()] {
                return Err(format!("not said to be lossy: {end:?}"));
            }
        }
        Ok(())
    }
}

#[test]
fn a_lost_piece_changes_nothing_before_it_and_what_follows_is_right_or_marked() {
    let figures = RefCell::new(Figures::default());
    let mut runner = TestRunner::new(cases_of(300));
    let result = runner.run(&(valid(9), any::<u64>()), |(talk, seed)| {
        let mut dice = Dice(seed);
        let wire = Wire::of(&talk, &mut dice);
        let whole = wire.hear(&[vec![], vec![]]);
        for _ in 0..8 {
            let which = dice.below(3);
            let mut lost = [vec![], vec![]];
            for from in BOTH {
                if which == 2 || which == from.index() {
                    let begin = wire.frames_from[from.index()];
                    lost[from.index()] = stretches(begin, wire.length(from), &mut dice);
                }
            }
            let lossy = wire.hear(&lost);
            Comparison { whole: &whole, lossy: &lossy, lost: &lost }
                .check(&mut figures.borrow_mut())
                .map_err(|what| TestCaseError::fail(format!("lost {lost:?}: {what}")))?;
        }
        Ok(())
    });
    let f = figures.into_inner();
    say(&format!(
        "loss: {} mutants; framing lost in {} streams, found again in {}; {} of {} frames behind \
         told; {} borders found, {} wrong; of {} messages behind {} right, {} marked",
        f.mutants,
        f.framing_lost,
        f.found_again,
        f.frames_told,
        f.frames_behind,
        f.recovered,
        f.wrong,
        f.messages_behind,
        f.messages_right,
        f.messages_marked
    ));
    if let Err(error) = result {
        panic!("{error}");
    }
    // The margin of the search is 12 bits: one in 4,096.
    let allowed = 1 + f.recovered / 2000;
    assert!(f.wrong <= allowed, "{} wrong, such as {}", f.wrong, f.first_wrong.unwrap_or_default());
}
