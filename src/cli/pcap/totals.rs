//! What `ws101 pcap` says about a capture as a whole: the title line, what was skipped, the totals.

use super::Args;
use super::select::{Chosen, Seen};
use super::source::Facts;
use crate::cli::judging::left_out;
use crate::cli::name;
use std::borrow::Cow;
use std::io::Write;
use ws101::Counts;
use ws101::input::capture::Tally;
use ws101::render::json::record::Skipped;
use ws101::render::{Paint, Sheet, wrap};

/// The line that says what was read.
pub(super) fn write_title(
    args: &Args,
    sheet: &Sheet,
    facts: &Facts,
    tally: &Tally,
    counts: &Counts,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let links = facts.link_names().join(", ");
    let connections = counted(counts.connections, "WebSocket connection");
    let exchanges = match counts.other_exchanges {
        0 => String::new(),
        number => format!(", {}", counted(number, "other HTTP exchange")),
    };
    let packets = counted(tally.packets, "packet");
    let lasted = match tally.times {
        Some((first, last)) if last > first => {
            format!(" in {}", duration(last.seconds_since(first)))
        }
        _ => String::new(),
    };
    // A HAR has neither.
    let carried = match links.as_str() {
        "" if tally.packets == 0 => "no packets".to_owned(),
        links => format!("{links} · {packets}"),
    };
    let title = format!(
        "{} · {} · {carried}{lasted} · {connections}{exchanges}",
        args.name(),
        facts.formats()
    );
    let title = if sheet.ascii { title.replace('·', "-") } else { title };
    for row in wrap(&title, sheet.width) {
        writeln!(out, "{}", sheet.palette.paint(Paint::Title, row))?;
    }
    Ok(())
}

pub(super) fn write_total(
    args: &Args,
    sheet: &Sheet,
    seen: &Seen,
    chosen: &Chosen,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let Seen { tally, counts: all, passed: counts } = seen;
    if !chosen.filter.is_empty() {
        let connections = counted(all.connections, "connection");
        // What the lines are: frames, or what was chosen has no message in it.
        let are_frames = args.frames || counts.messages == 0 && counts.frames > 0;
        let (some, things) = match are_frames {
            true => (counts.frames, counted(all.frames, "frame")),
            false => (counts.messages, counted(all.messages, "message")),
        };
        let few = counts.connections;
        writeln!(out, "\nshown: {some} of {things}, of {few} of {connections}")?;
    }
    let skipped = skipped(tally, &seen.counts);
    if !skipped.is_empty() {
        let list: Vec<_> = skipped.iter().map(in_words).collect();
        writeln!(out)?;
        for row in wrap(&format!("not shown: {}", list.join(", ")), sheet.width) {
            writeln!(out, "{}", sheet.palette.paint(Paint::Faint, row))?;
        }
    }
    for line in tls_lines(tally) {
        for row in wrap(&line, sheet.width) {
            writeln!(out, "{}", sheet.palette.paint(Paint::Faint, row))?;
        }
    }
    for damage in &tally.damage {
        let file = match damage.file {
            0 => String::new(),
            file => format!("{}, ", name::source(&args.files[usize::from(file) - 1])),
        };
        writeln!(out, "damaged: {file}{damage}")?;
    }
    let kinds = |counts: &Counts| {
        [(counts.errors, "error"), (counts.warnings, "warning"), (counts.notes, "note")]
    };
    let mut total = kinds(counts).map(|(count, noun)| counted(count, noun)).join(" · ");
    if kinds(all) != kinds(counts) {
        let there = kinds(all).into_iter().filter(|(count, _)| *count > 0);
        let there: Vec<_> = there.map(|(count, noun)| counted(count, noun)).collect();
        total = format!("{total} in what is shown; in all: {}", there.join(" · "));
    }
    writeln!(out, "\n{}", if sheet.ascii { total.replace('·', "-") } else { total })?;
    left_out(sheet, &chosen.judging, counts, out)
}

/// What key logs held, and what of it was of use; records that could not be opened.
fn tls_lines(tally: &Tally) -> Vec<String> {
    let (tls, log) = (tally.tls, tally.key_log);
    let mut lines = Vec::new();
    let is_empty = log.files > 0 && tls.opaque > 0;
    if log.connections + log.rubbish > 0 || is_empty {
        let mut line = match log.connections {
            0 => "key log: no secrets".to_owned(),
            connections => format!(
                "key log: {} of {}",
                counted(log.secrets, "secret"),
                counted(connections, "connection")
            ),
        };
        match log.connections - log.matched {
            _ if log.connections == 0 => {}
            0 if log.connections == 1 => line.push_str(", which is in this capture"),
            0 => line.push_str(", all in this capture"),
            _ if log.matched == 0 => line.push_str(", none of them in this capture"),
            missing => line.push_str(&format!(", {missing} of them not in this capture")),
        }
        if log.rubbish > 0 {
            line.push_str(&format!("; {} no secrets", are(log.rubbish, "line")));
            if log.connections == 0 {
                line.push_str(" (expected CLIENT_RANDOM and the like, see ws101 explain keylog)");
            }
        }
        lines.push(line);
    }
    if tls.key_updates + tls.renegotiations > 0 {
        let updates = counted(tls.key_updates, "KeyUpdate");
        let renegotiations = counted(tls.renegotiations, "renegotiation");
        lines.push(format!("keys of TLS changed within connections: {updates}, {renegotiations}"));
    }
    if tls.bad_records > 0 {
        let records = are(tls.bad_records, "TLS record");
        lines.push(format!("{records} not authentic or cut short: nothing of them is shown"));
    }
    lines
}

/// `1 line is`, `2 lines are`.
fn are(number: u64, what: &str) -> String {
    format!("{} {}", counted(number, what), if number == 1 { "is" } else { "are" })
}

/// A duration as people read it.
fn duration(seconds: f64) -> String {
    match seconds as u64 {
        0..60 => format!("{seconds:.2} s"),
        60..3600 => format!("{} min {} s", seconds as u64 / 60, seconds as u64 % 60),
        hours => format!("{} h {} min", hours / 3600, hours % 3600 / 60),
    }
}

/// `1 error`, `2 errors`.
pub(super) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// `1 UDP packet`, `2 UDP packets`: the reason is written for several.
fn in_words(skipped: &Skipped<'_>) -> String {
    let Skipped { count, reason } = skipped;
    let one = ONE.iter().find(|(several, _)| *count == 1 && reason.starts_with(several));
    match one {
        Some((several, one)) => {
            format!("1 {one}{}", reason[several.len()..].replacen(" are", " is", 1))
        }
        None => format!("{count} {reason}"),
    }
}

/// How reasons begin, and how they do if there is one of it.
const ONE: [(&str, &str); 9] = [
    ("TCP connections", "TCP connection"),
    ("TLS connections", "TLS connection"),
    ("UDP packets", "UDP packet"),
    ("packets", "packet"),
    ("IP fragments", "IP fragment"),
    ("datagrams", "datagram"),
    ("connections", "connection"),
    ("pings, pongs and errors", "ping, pong or error"),
    ("damaged parts", "damaged part"),
];

/// What was skipped, by reason.
pub(super) fn skipped(tally: &Tally, counts: &Counts) -> Vec<Skipped<'static>> {
    let skipped = &tally.skipped;
    let reasons = [
        (counts.other_connections, "TCP connections that are not WebSocket"),
        (
            counts.unrecognised,
            "TCP connections whose beginning was not captured, without a sign of WebSocket (try \
             --assume websocket)",
        ),
        (tally.cut_packets, "packets cut by the snap length"),
        (skipped.unknown_link_type, "packets of an unknown link type"),
        (skipped.not_ip, "packets that are not IP"),
        (skipped.udp, "UDP packets"),
        (skipped.not_tcp, "packets that are neither TCP nor UDP"),
        (skipped.damaged_header, "packets with a damaged header"),
        (skipped.fragments, "IP fragments"),
        (skipped.too_deep, "packets in too many tunnels"),
        (tally.incomplete_datagrams, "datagrams with missing fragments"),
        (tally.evicted, "connections forgotten because too many were open"),
        (counts.opaque, "TLS connections that can't be read"),
        (tally.har_left_out, "pings, pongs and errors that the HAR mentions without their frames"),
        (tally.damages, "damaged parts of the file"),
    ];
    reasons
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, reason)| Skipped { reason: Cow::Borrowed(reason), count })
        .collect()
}
