//! `ws101 pcap`: every connection, handshake, frame, message and finding of a packet capture.

use super::{Common, Failure, Format, Output, Status};
use clap::ValueEnum;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use ws101::input::capture::{self, LinkType, News, Tally};
use ws101::inspection::{Connection, Observer};
use ws101::render::json::record::{Capture, Record, Skipped};
use ws101::render::json::{self, Shape};
use ws101::render::layouts::{Layouts, Wanted};
use ws101::render::overview::Overview;
use ws101::render::stream::Stream;
use ws101::render::timeline::Detail;
use ws101::render::{Paint, Sheet, escape, wrap};
use ws101::rules::Judged;
use ws101::said::Endpoint;
use ws101::websocket::{Event, Limits};
use ws101::{Counts, Inspector};

/// Decodes a packet capture: every connection, handshake, frame, message and finding.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 pcap chat.pcap                       what happened, connection by connection
  ws101 pcap chat.pcap --summary             only the table of connections
  ws101 pcap chat.pcap --connection 3        one conversation in full
  ws101 pcap chat.pcap --format jsonl | jq   everything, for programs
  tcpdump -U -w - port 80 | ws101 pcap -     as it happens

Reads pcap and pcapng, plain or gzipped. Exit status: 0 nothing wrong, 1 findings at or above
--fail-on, 2 the file could not be read.")]
pub struct Args {
    /// The capture; `-` reads a live pipe and prints as packets arrive.
    #[arg(value_name = "FILE", default_value = "-")]
    file: String,
    /// Show only connection N, in full.
    #[arg(long, value_name = "N")]
    connection: Option<u64>,
    /// Show every frame, one line each.
    #[arg(long, conflicts_with = "messages")]
    frames: bool,
    /// Show every message, one line each.
    #[arg(long)]
    messages: bool,
    /// Show only the table of connections.
    #[arg(long, conflicts_with_all = ["frames", "messages", "layout"])]
    summary: bool,
    /// Show the annotated layout of frame N of each direction (of --connection, else of the first).
    #[arg(long, value_name = "N")]
    layout: Option<u64>,
    /// With --layout: only the frame from this end.
    #[arg(long, value_enum, value_name = "ENDPOINT", requires = "layout")]
    from: Option<From>,
    /// Keep at most this many bytes of each message.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_payload)]
    max_payload: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    Client,
    Server,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let limits = Limits {
        max_payload: if args.summary && common.format == Format::Text {
            0
        } else {
            args.max_payload
        },
        keep_frames: args.layout.is_some(),
        ..Limits::default()
    };
    let sheet = output.sheet;
    let counts = match common.format {
        Format::Json => jsonl(args, Shape::Document, limits, output)?,
        Format::Jsonl => jsonl(args, Shape::Lines, limits, output)?,
        Format::Text => text(args, sheet, limits, output)?,
    };
    Ok(common.fail_on.status(counts.worst()))
}

/// What becomes known of the file while it is read.
#[derive(Debug, Default)]
struct Facts {
    format: &'static str,
    gzip: bool,
    links: Vec<LinkType>,
}

impl Facts {
    fn link_names(&self) -> Vec<String> {
        self.links.iter().map(ToString::to_string).collect()
    }
}

/// Opens the file and lets the inspector hear it.
fn listen<O: Observer>(
    args: &Args,
    inspector: &mut Inspector<O>,
    facts: &RefCell<Facts>,
) -> Result<Tally, Failure> {
    let source: Box<dyn Read> = match args.file.as_str() {
        "-" => Box::new(std::io::stdin().lock()),
        path => Box::new(File::open(path).map_err(|error| cannot_open(path, &error))?),
    };
    let mut news = |news: News<'_>| match news {
        News::Format(format, gzip) => {
            let mut facts = facts.borrow_mut();
            (facts.format, facts.gzip) = (format.name(), gzip);
        }
        News::Interface(link) => {
            let links = &mut facts.borrow_mut().links;
            if !links.contains(&link) {
                links.push(link);
            }
        }
        News::Secrets(_) | News::Damage(_) => {}
    };
    let options = capture::Options { news: Some(&mut news), ..capture::Options::default() };
    capture::read(source, inspector, options).map_err(|error| {
        let error = error.to_string().replace("FILE", &escape::text(args.file.as_bytes()));
        Failure::Input(format!("error: {} can't be read as a capture\n  {error}", name(&args.file)))
    })
}

fn cannot_open(path: &str, error: &std::io::Error) -> Failure {
    let path = escape::text(path.as_bytes());
    Failure::Input(format!("error: {path} can't be opened: {error}"))
}

fn name(file: &str) -> Cow<'static, str> {
    match file {
        "-" => Cow::Borrowed("standard input"),
        path => Cow::Owned(escape::text(path.as_bytes())),
    }
}

fn jsonl(
    args: &Args,
    shape: Shape,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let facts = RefCell::new(Facts::default());
    let options = json::Options { layouts: args.layout.is_some(), ..json::Options::default() };
    let writer = json::Writer::new(output, shape, options);
    let observer = Announced { inner: Some(writer), args, facts: &facts, announced: false };
    let mut inspector = Inspector::new(observer, limits);
    // If nothing can be read, nothing is written.
    let tally = listen(args, &mut inspector, &facts)?;
    let (mut observer, counts) = inspector.into_parts();
    observer.announce();
    let skipped = skipped(&tally);
    if let Some(writer) = observer.inner.take() {
        writer.finish(json::record::Summary {
            packets: Some(tally.packets),
            bytes: Some(tally.bytes),
            skipped: &skipped,
            ..json::summary(&counts)
        })?;
    }
    Ok(counts)
}

/// Writes the `capture` record before anything else, once the link types are known.
struct Announced<'a, W: Write> {
    inner: Option<json::Writer<W>>,
    args: &'a Args,
    facts: &'a RefCell<Facts>,
    announced: bool,
}

impl<W: Write> Announced<'_, W> {
    fn announce(&mut self) {
        if std::mem::replace(&mut self.announced, true) {
            return;
        }
        let facts = self.facts.borrow();
        if let Some(writer) = &mut self.inner {
            writer.record(&Record::Capture(Capture {
                file: Cow::Borrowed(&self.args.file),
                format: facts.format,
                link_types: &facts.link_names(),
            }));
        }
    }

    fn concerns(&self, connection: &Connection) -> bool {
        let only = self.args.connection.or(self.args.layout.map(|_| 1));
        only.is_none_or(|only| only == connection.number)
    }
}

impl<W: Write> Observer for Announced<'_, W> {
    fn connection(&mut self, connection: &Connection) {
        self.announce();
        if self.concerns(connection)
            && let Some(writer) = &mut self.inner
        {
            writer.connection(connection);
        }
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        let is_shown = match self.args.layout {
            Some(frame) => is_wanted(wanted(self.args, frame), connection, event),
            None => self.concerns(connection),
        };
        if is_shown && let Some(writer) = &mut self.inner {
            writer.event(connection, event, judged);
        }
    }

    fn pause(&mut self) {
        if let Some(writer) = &mut self.inner {
            writer.pause();
        }
    }

    fn is_done(&self) -> bool {
        self.inner.as_ref().is_some_and(Observer::is_done)
    }
}

fn text(args: &Args, sheet: Sheet, limits: Limits, output: &mut Output) -> Result<Counts, Failure> {
    if let Some(frame) = args.layout {
        return layouts(args, frame, sheet, limits, output);
    }
    let facts = RefCell::new(Facts::default());
    let streams = args.frames || args.messages || args.connection.is_some() || args.file == "-";
    if streams && !args.summary {
        let detail = if args.frames { Detail::Frames } else { Detail::Messages };
        let stream = Stream::new(&mut *output, sheet, detail, args.connection);
        let mut inspector = Inspector::new(stream, limits);
        let tally = listen(args, &mut inspector, &facts)?;
        let (stream, counts) = inspector.into_parts();
        stream.finish()?;
        writeln!(output)?;
        write_title(args, &sheet, &facts.borrow(), &tally, &counts, output)?;
        write_total(&sheet, &tally, &counts, output)?;
        return Ok(counts);
    }
    let overview = if args.summary { Overview::table_only(sheet) } else { Overview::new(sheet) };
    let mut inspector = Inspector::new(overview, limits);
    let tally = listen(args, &mut inspector, &facts)?;
    let (overview, counts) = inspector.into_parts();
    write_title(args, &sheet, &facts.borrow(), &tally, &counts, output)?;
    writeln!(output)?;
    overview.write(output)?;
    write_total(&sheet, &tally, &counts, output)?;
    Ok(counts)
}

/// The frames that `--layout` asks for.
fn wanted(args: &Args, frame: u64) -> Wanted {
    let from = args.from.map(|from| match from {
        From::Client => Endpoint::Client,
        From::Server => Endpoint::Server,
    });
    Wanted { connection: args.connection.unwrap_or(1), from, frame }
}

fn is_wanted(wanted: Wanted, connection: &Connection, event: &Event<'_>) -> bool {
    let Event::Frame(frame) = event else { return false };
    connection.number == wanted.connection
        && frame.number == wanted.frame
        && wanted.from.is_none_or(|from| from == frame.from)
}

fn layouts(
    args: &Args,
    frame: u64,
    sheet: Sheet,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let wanted = wanted(args, frame);
    let Wanted { connection, from, .. } = wanted;
    let observer = Layouts::new(&mut *output, sheet, wanted);
    let mut inspector = Inspector::new(observer, limits);
    listen(args, &mut inspector, &RefCell::new(Facts::default()))?;
    let (observer, counts) = inspector.into_parts();
    if observer.finish()? == 0 {
        let whose = from.map_or(String::new(), |from| format!(" from the {from}"));
        return Err(Failure::Input(format!(
            "error: connection {connection} has no frame {frame}{whose}\n  \
             try: ws101 pcap {} --frames",
            name(&args.file)
        )));
    }
    Ok(counts)
}

/// The line that says what was read.
fn write_title(
    args: &Args,
    sheet: &Sheet,
    facts: &Facts,
    tally: &Tally,
    counts: &Counts,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let gzip = if facts.gzip { " in gzip" } else { "" };
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
    let title = format!(
        "{} · {}{gzip} · {links} · {packets}{lasted} · {connections}{exchanges}",
        name(&args.file),
        facts.format
    );
    let title = if sheet.ascii { title.replace('·', "-") } else { title };
    for row in wrap(&title, sheet.width) {
        writeln!(out, "{}", sheet.palette.paint(Paint::Title, row))?;
    }
    Ok(())
}

fn write_total(
    sheet: &Sheet,
    tally: &Tally,
    counts: &Counts,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let skipped = skipped(tally);
    if !skipped.is_empty() {
        let list: Vec<_> =
            skipped.iter().map(|skipped| format!("{} {}", skipped.count, skipped.reason)).collect();
        writeln!(out)?;
        for row in wrap(&format!("not shown: {}", list.join(", ")), sheet.width) {
            writeln!(out, "{}", sheet.palette.paint(Paint::Faint, row))?;
        }
    }
    for damage in &tally.damage {
        writeln!(out, "damaged: {damage}")?;
    }
    let total = format!(
        "{} · {} · {}",
        counted(counts.errors, "error"),
        counted(counts.warnings, "warning"),
        counted(counts.notes, "note")
    );
    writeln!(out, "\n{}", if sheet.ascii { total.replace('·', "-") } else { total })
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
fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// What was skipped, by reason.
fn skipped(tally: &Tally) -> Vec<Skipped<'static>> {
    let skipped = &tally.skipped;
    let reasons = [
        (skipped.unknown_link_type, "packets of an unknown link type"),
        (skipped.not_ip, "packets that are not IP"),
        (skipped.udp, "UDP packets"),
        (skipped.not_tcp, "packets that are neither TCP nor UDP"),
        (skipped.damaged_header, "packets with a damaged header"),
        (skipped.fragments, "IP fragments"),
        (skipped.too_deep, "packets in too many tunnels"),
        (tally.incomplete_datagrams, "datagrams with missing fragments"),
        (tally.evicted, "connections forgotten because too many were open"),
        (tally.damages, "damaged parts of the file"),
    ];
    reasons
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, reason)| Skipped { reason: Cow::Borrowed(reason), count })
        .collect()
}
