//! `ws101 pcap --format json|jsonl|har`: records, and the document for browsers' tools.

use super::select::{Chosen, Seen};
use super::source::{Facts, observe};
use super::text::{is_wanted, wanted};
use super::totals::skipped;
use super::{Args, Common, Failure, Output};
use crate::cli::{name, recorded};
use std::cell::RefCell;
use ws101::Counts;
use ws101::input::capture::Tally;
use ws101::inspection::{Connection, Observer};
use ws101::recording::{Extent, Recording};
use ws101::render::checks::Origin;
use ws101::render::har::Har;
use ws101::render::json::record::{Capture, Record, Skipped};
use ws101::render::json::{self, Shape};
use ws101::rules::Judged;
use ws101::said::Opaque;
use ws101::websocket::{Event, Limits};

pub(super) fn jsonl(
    args: &Args,
    chosen: &Chosen,
    shape: Shape,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let facts = RefCell::new(Facts::default());
    let options = json::Options { layouts: args.layout.is_some(), ..json::Options::default() };
    let writer = json::Writer::new(output, shape, options);
    let observer = Announced::new(writer, json::Writer::record, args, &facts);
    // If nothing can be read, nothing is written.
    let (observer, seen) = observe(args, chosen, observer, limits, &facts)?;
    observer.into_inner().finish(summary(&seen, chosen, &skipped(&seen.tally, &seen.counts)))?;
    Ok(seen.passed)
}

/// `--format har`: a document for browsers' tools.
pub(super) fn har(
    args: &Args,
    chosen: &Chosen,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let (har, seen) = observe(args, chosen, Har::new(output), limits, &RefCell::default())?;
    har.finish()?;
    Ok(seen.passed)
}

/// A report to paste into an issue, or a diagram.
pub(super) fn document(
    args: &Args,
    chosen: &Chosen,
    limits: Limits,
    common: &Common,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let extent = recorded::extent(common.format);
    let extent = Extent { message: extent.message.min(limits.max_payload), ..extent };
    let limits = Limits { max_payload: extent.message, keep_frames: true, ..limits };
    let recording = Recording::new(extent);
    let (recording, seen) = observe(args, chosen, recording, limits, &RefCell::default())?;
    let files: Vec<_> = args.files.iter().map(|file| file.to_string_lossy().into()).collect();
    recorded::write(&recording, "pcap", &files, &seen.passed, common, output)?;
    Ok(seen.passed)
}

/// For the tools of continuous integration.
pub(super) fn checks(
    args: &Args,
    chosen: &Chosen,
    limits: Limits,
    common: &Common,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let mut checks = common.checks(output);
    let file = match &args.files[..] {
        [file] if !name::is_stdin(file) => Some(file.to_string_lossy()),
        _ => None,
    };
    checks.set_origin(Origin::file(file.as_deref()));
    let (checks, seen) = observe(args, chosen, checks, limits, &RefCell::default())?;
    checks.finish(&common.outcome(&seen.passed, &[]))?;
    Ok(seen.passed)
}

/// The `summary` of what was seen.
pub(super) fn summary<'a>(
    seen: &Seen,
    chosen: &Chosen,
    skipped: &'a [Skipped<'a>],
) -> json::record::Summary<'a> {
    json::record::Summary {
        packets: Some(seen.tally.packets),
        bytes: Some(seen.tally.bytes),
        skipped,
        tls: tls_summary(&seen.tally),
        selected: (!chosen.filter.is_empty()).then(|| json::selected(&seen.passed)),
        ..json::summary(&seen.counts)
    }
}

/// What was counted of TLS, if there was any, or a key log.
fn tls_summary(tally: &Tally) -> Option<json::record::TlsSummary> {
    let (tls, log) = (tally.tls, tally.key_log);
    let is_there = tls.read + tls.opaque + log.connections + log.rubbish > 0;
    is_there.then_some(json::record::TlsSummary {
        read: tls.read,
        opaque: tls.opaque,
        bad_records: tls.bad_records,
        key_updates: tls.key_updates,
        renegotiations: tls.renegotiations,
        secrets: log.secrets,
        connections_in_key_log: log.connections,
        connections_matched: log.matched,
        rubbish_lines: log.rubbish,
    })
}

/// Writes the `capture` record before anything else, once the link types are known.
pub(super) struct Announced<'a, O> {
    inner: O,
    record: fn(&mut O, &Record<'_>),
    args: &'a Args,
    facts: &'a RefCell<Facts>,
    announced: bool,
}

impl<'a, O: Observer> Announced<'a, O> {
    pub(super) fn new(
        inner: O,
        record: fn(&mut O, &Record<'_>),
        args: &'a Args,
        facts: &'a RefCell<Facts>,
    ) -> Announced<'a, O> {
        Announced { inner, record, args, facts, announced: false }
    }

    fn announce(&mut self) {
        if std::mem::replace(&mut self.announced, true) {
            return;
        }
        let facts = self.facts.borrow();
        let is_one = self.args.files.len() == 1;
        for ((file, number), facts) in self.args.files.iter().zip(1..).zip(&facts.files) {
            let capture = Capture {
                file: file.to_string_lossy(),
                packet_file: (!is_one).then_some(number),
                format: facts.format,
                link_types: &facts.link_names(),
            };
            (self.record)(&mut self.inner, &Record::Capture(capture));
        }
    }

    pub(super) fn into_inner(mut self) -> O {
        self.announce();
        self.inner
    }

    fn concerns(&self, connection: &Connection) -> bool {
        let layout = self.args.layout.map(|frame| wanted(self.args, frame));
        layout.is_none_or(|wanted| wanted.connection == connection.number)
    }
}

impl<O: Observer> Observer for Announced<'_, O> {
    fn connection(&mut self, connection: &Connection) {
        self.announce();
        if self.concerns(connection) {
            self.inner.connection(connection);
        }
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        let is_shown = match self.args.layout {
            Some(frame) => is_wanted(wanted(self.args, frame), connection, event),
            None => self.concerns(connection),
        };
        if is_shown {
            self.inner.event(connection, event, judged);
        }
    }

    fn opaque(&mut self, opaque: &Opaque, judged: &Judged) {
        self.announce();
        if self.args.layout.is_none() {
            self.inner.opaque(opaque, judged);
        }
    }

    fn pause(&mut self) {
        self.inner.pause();
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }
}
