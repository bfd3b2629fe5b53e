//! `ws101 pcap` for people: the overview, the lines of a stream, one conversation, layouts.

use super::select::{Chosen, Select};
use super::source::{Facts, inspector, listen, observe};
use super::totals::{write_title, write_total};
use super::{Args, Failure, Output};
use std::cell::RefCell;
use std::io::Write;
use ws101::Counts;
use ws101::inspection::Connection;
use ws101::render::Sheet;
use ws101::render::follow::Follow;
use ws101::render::ladders::Ladders;
use ws101::render::layouts::{Layouts, Wanted};
use ws101::render::overview::Overview;
use ws101::render::stream::Stream;
use ws101::render::timeline::Detail;
use ws101::websocket::{Event, Limits};

pub(super) fn run(
    args: &Args,
    chosen: &Chosen,
    sheet: Sheet,
    limits: Limits,
    quiet: bool,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let facts = RefCell::new(Facts::default());
    let select = &args.select;
    if let Some(frame) = args.layout {
        return layouts(args, chosen, frame, limits, output);
    }
    if args.layers {
        let ladders = Ladders::new(&mut *output, sheet);
        let (ladders, seen) = observe(args, chosen, ladders, limits, &facts)?;
        ladders.finish()?;
        return Ok(seen.passed);
    }
    if select.follows() {
        let follow = Follow::new(&mut *output, sheet, select.clock());
        let (follow, seen) = observe(args, chosen, follow, limits, &facts)?;
        follow.finish()?;
        return Ok(seen.passed);
    }
    if streams(args, chosen) {
        let only = select.only_connection();
        // Who chooses among messages may want one of them next, which its number tells.
        let detail = match select.detail(args.frames) {
            Detail::Messages if args.messages || !chosen.filter.is_open() => Detail::Numbered,
            detail => detail,
        };
        let stream = Stream::new(&mut *output, sheet, detail, only)
            .with_clock(select.clock())
            .with_whole_messages(select.names_messages())
            .with_reports(Select::is_whole_connection(&chosen.filter));
        let (stream, seen) = observe(args, chosen, stream, limits, &facts)?;
        stream.finish()?;
        writeln!(output)?;
        write_title(args, &sheet, &facts.borrow(), &seen.tally, &seen.counts, output)?;
        write_total(args, &sheet, &seen, chosen, output)?;
        return Ok(seen.passed);
    }
    let overview = match (args.summary, quiet) {
        (true, _) => Overview::table_only(sheet),
        (false, true) => Overview::only_wrong(sheet),
        (false, false) => Overview::new(sheet),
    };
    let (overview, seen) = observe(args, chosen, overview, limits, &facts)?;
    if quiet && !args.summary {
        overview.write(output)?;
        return Ok(seen.passed);
    }
    write_title(args, &sheet, &facts.borrow(), &seen.tally, &seen.counts, output)?;
    writeln!(output)?;
    overview.write(output)?;
    write_total(args, &sheet, &seen, chosen, output)?;
    Ok(seen.passed)
}

/// True if lines are shown as things happen.
fn streams(args: &Args, chosen: &Chosen) -> bool {
    let is_asked = args.frames || args.messages || !chosen.filter.is_empty();
    (is_asked || args.is_live() || args.select.is_timed()) && !args.summary
}

/// True if something is shown before the end of the capture.
pub(super) fn writes_at_once(args: &Args, chosen: &Chosen) -> bool {
    args.layout.is_some() || args.layers || args.select.follows() || streams(args, chosen)
}

/// The frames that `--layout` asks for.
pub(super) fn wanted(args: &Args, frame: u64) -> Wanted {
    let connection = args.select.only_connection().unwrap_or(1);
    Wanted { connection, from: args.select.from(), frame }
}

pub(super) fn is_wanted(wanted: Wanted, connection: &Connection, event: &Event<'_>) -> bool {
    let Event::Frame(frame) = event else { return false };
    connection.number == wanted.connection
        && frame.number == wanted.frame
        && wanted.from.is_none_or(|from| from == frame.from)
}

fn layouts(
    args: &Args,
    chosen: &Chosen,
    frame: u64,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let sheet = output.sheet;
    let wanted = wanted(args, frame);
    let Wanted { connection, from, .. } = wanted;
    let observer = chosen.judging.redacting(Layouts::new(&mut *output, sheet, wanted));
    let mut inspector = inspector(args, chosen, observer, limits)?;
    listen(args, &mut inspector, &RefCell::default(), chosen)?;
    let (observer, counts) = inspector.into_parts();
    if observer.into_inner().finish()? == 0 {
        let whose = from.map_or(String::new(), |from| format!(" from the {from}"));
        return Err(Failure::Input(format!(
            "error: connection {connection} has no frame {frame}{whose}\n  \
             try: ws101 pcap {} --frames",
            args.name()
        )));
    }
    Ok(counts)
}
