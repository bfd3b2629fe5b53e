//! Connections whose beginning was not captured: WebSocket is recognised, nothing else is.

mod binary;
#[path = "../shared/dice.rs"]
mod dice;
mod plain;
mod real;
#[path = "../shared/mod.rs"]
mod shared;
mod traffic;

use dice::Dice;
use std::io::Write as _;
use traffic::{Endpoint, KINDS};
use ws101::said::{At, GapReason, Interest, Said, TransportEnd};
use ws101::websocket::{Conversation, Desk, Event, Limits};

fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// What was made of a connection that the capture joined late.
#[derive(Debug, Default, Clone)]
struct Heard {
    recognised: Option<f64>,
    frames: Vec<(Endpoint, u64, u8, u64)>,
}

/// A capture that joins late.
fn hear(segments: &[(Endpoint, Vec<u8>)]) -> Heard {
    hear_from(segments, false)
}

/// A capture that has it all.
fn hear_whole(segments: &[(Endpoint, Vec<u8>)]) -> Heard {
    hear_from(segments, true)
}

fn hear_from(segments: &[(Endpoint, Vec<u8>)], whole: bool) -> Heard {
    let mut conversation = Conversation::new();
    let mut desk = Desk::new(Limits::default());
    let mut heard = Heard::default();
    let mut note = |event: &Event<'_>| match event {
        Event::Recognised(recognised) => heard.recognised = Some(recognised.confidence),
        Event::Frame(frame) => {
            let header = frame.header;
            heard.frames.push((frame.from, frame.offset, header.first, header.payload_length));
        }
        _ => {}
    };
    let at = At::default();
    let mut offsets = [None; 2];
    for (from, bytes) in segments {
        let (from, mut interest) = (*from, Interest::More);
        let offset: &mut Option<u64> = &mut offsets[from.index()];
        if offset.is_none() && !whole {
            let reason = GapReason::CaptureStart;
            let gap = Said::Gap { from, offset: 0, length: None, reason, at };
            interest = conversation.hear(gap, &mut desk, &mut note);
        }
        let start = offset.unwrap_or(0);
        *offset = Some(start + bytes.len() as u64);
        if interest == Interest::More {
            let said = Said::Bytes { from, offset: start, bytes, heard: None, at };
            interest = conversation.hear(said, &mut desk, &mut note);
        }
        if interest == Interest::Done {
            break;
        }
    }
    for from in [Endpoint::Client, Endpoint::Server] {
        let end = Said::End { from, how: TransportEnd::Fin, heard: None, at };
        conversation.hear(end, &mut desk, &mut note);
    }
    conversation.finish(&mut desk, &mut note);
    heard
}

#[test]
fn other_traffic_is_not_taken_for_websocket() {
    let streams = times(25);
    let (mut all, mut bytes, mut wrong) = (0, 0, 0);
    for (number, (name, make)) in KINDS.iter().enumerate() {
        let mut taken = 0;
        let mut first = None;
        for seed in 0..streams {
            let mut dice = Dice(seed * 1009 + number as u64 * 7_919_113);
            let talk = make(&mut dice);
            let segments = traffic::segments(talk, &mut dice);
            bytes += segments.iter().map(|segment| segment.1.len()).sum::<usize>();
            let heard = hear(&segments);
            if heard.recognised.is_some() {
                taken += 1;
                first.get_or_insert((seed, heard));
            }
        }
        all += streams;
        wrong += taken;
        if let Some((seed, heard)) = first {
            let frames: Vec<_> = heard.frames.iter().take(6).collect();
            say(&format!("{name}: {taken} of {streams}; seed {seed}: {frames:x?}"));
        }
    }
    say(&format!("other traffic: {wrong} of {all} streams taken for WebSocket ({bytes} bytes)"));
    assert_eq!(wrong, 0);
}

/// Connections of the samples, each joined at many places.
#[test]
fn websocket_is_recognised_wherever_a_capture_begins() {
    let joins = times(6);
    let mut figures = Figures::default();
    for (number, (name, connection)) in real::samples().into_iter().enumerate() {
        let length = |from: Endpoint| -> u64 {
            let own = connection.segments.iter().filter(|segment| segment.0 == from);
            own.map(|segment| segment.1.len() as u64).sum()
        };
        let first = connection.frames();
        let start = |from: Endpoint| {
            let own = first.iter().filter(|frame| frame.0 == from).map(|frame| frame.1).min();
            own.unwrap_or(length(from))
        };
        let lengths = [Endpoint::Client, Endpoint::Server].map(length);
        let starts = [Endpoint::Client, Endpoint::Server].map(start);
        for seed in 0..joins {
            let mut dice = Dice(seed * 31 + number as u64);
            // Behind the handshake, somewhere; one direction alone now and then.
            let mut cut = [0, 1].map(|side| {
                let room = lengths[side] - starts[side];
                starts[side] + if room == 0 { 0 } else { u64::from(dice.roll()) % room }
            });
            let only = dice.below(3);
            if only < 2 {
                cut[only] = lengths[only];
            }
            figures.take(
                &name,
                seed,
                ["server alone", "client alone", "both"][only],
                &connection.join(cut),
            );
        }
    }
    figures.finish();
}

fn times(few: u64) -> u64 {
    let wanted = std::env::var("WS101_STREAMS").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(few)
}

#[derive(Default)]
struct Figures {
    /// By what there was: connections, of which recognised; frames there and found.
    by: std::collections::BTreeMap<(&'static str, &'static str), [usize; 4]>,
    wrong: Vec<String>,
}

impl Figures {
    fn take(&mut self, name: &str, seed: u64, what: &'static str, joined: &real::Joined) {
        let size = match joined.there {
            0 => return,
            1..=2 => "1 or 2 frames",
            3..=9 => "3 to 9",
            _ => "10 or more",
        };
        let row = self.by.entry((what, size)).or_default();
        row[0] += 1;
        row[1] += usize::from(joined.heard.recognised.is_some());
        row[2] += joined.there;
        row[3] += joined.right;
        if let Some(frame) = joined.wrong.first() {
            self.wrong.push(format!("{name}, {what}, seed {seed}: {frame:x?}"));
        }
        if joined.there >= 10
            && joined.heard.recognised.is_none()
            && std::env::var_os("WS101_MISSED").is_some()
        {
            say(&format!("missed: {name}, {what}, seed {seed}"));
        }
    }

    fn finish(self) {
        for ((what, size), [all, recognised, there, right]) in &self.by {
            say(&format!(
                "{what}, {size}: {recognised} of {all} recognised; {right} of {there} whole frames"
            ));
        }
        let total = self.by.values().fold([0; 4], |sum, row| [0, 1, 2, 3].map(|i| sum[i] + row[i]));
        say(&format!(
            "{} of {} connections joined late are recognised, with {} of {} frames; {} with a frame that never was",
            total[1],
            total[0],
            total[3],
            total[2],
            self.wrong.len()
        ));
        assert!(self.wrong.is_empty(), "{:?}", self.wrong);
        // Of a frame or two there is no telling; three are mostly enough.
        let enough = self.by.iter().filter(|(key, _)| key.1 != "1 or 2 frames");
        let [all, recognised, there, right] =
            enough.fold([0; 4], |sum, (_, row)| [0, 1, 2, 3].map(|i| sum[i] + row[i]));
        assert!(recognised * 100 >= all * 95, "{recognised} of {all}");
        assert!(right * 100 >= there * 95, "{right} of {there}");
    }
}

/// What public projects captured of other protocols, each joined late at several places.
#[test]
fn no_other_real_traffic_is_taken_for_websocket() {
    let Some(captures) = real::public("no_other_real_traffic_is_taken_for_websocket") else {
        return;
    };
    let (mut all, mut bytes) = (0, 0);
    let mut taken = Vec::new();
    for (path, about) in captures {
        // They hold frames without a handshake, and are another test's.
        if about.contains("midstream") {
            continue;
        }
        for (number, connection) in real::connections(&path).into_iter().enumerate() {
            if connection.speaks_of_websocket() {
                continue;
            }
            for seed in 0..times(4) {
                let mut dice = Dice(seed * 977 + number as u64);
                let talk = traffic::Talk { said: connection.segments.clone() };
                let segments = traffic::segments(talk, &mut dice);
                if segments.is_empty() {
                    continue;
                }
                all += 1;
                bytes += segments.iter().map(|segment| segment.1.len()).sum::<usize>();
                if hear(&segments).recognised.is_some() {
                    taken.push(format!("{}, connection {number}, seed {seed}", path.display()));
                }
            }
        }
    }
    say(&format!(
        "real traffic of other protocols: {} of {all} streams taken for WebSocket ({bytes} bytes)",
        taken.len()
    ));
    let shown: Vec<_> = taken.iter().take(20).collect();
    assert!(taken.is_empty(), "{shown:#?}");
}
