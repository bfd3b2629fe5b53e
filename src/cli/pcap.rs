//! `ws101 pcap`: every connection, handshake, frame, message and finding of a packet capture.

mod extract;
mod select;

use super::{Common, Failure, Format, Output, Status};
use extract::Extract;
use select::{Chosen, Seen, Select};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use ws101::input::capture::{self, LinkType, News, Tally};
use ws101::inspection::{Connection, Observer};
use ws101::render::follow::Follow;
use ws101::render::har::Har;
use ws101::render::json::record::{Capture, Record, Skipped};
use ws101::render::json::{self, Shape};
use ws101::render::layouts::{Layouts, Wanted};
use ws101::render::overview::Overview;
use ws101::render::stats::Stats;
use ws101::render::stream::Stream;
use ws101::render::{Paint, Sheet, escape, wrap};
use ws101::rules::Judged;
use ws101::select::{Ends, Filter};
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
  ws101 pcap chat.pcap --format har          for the network view of a browser
  tcpdump -U -w - port 80 | ws101 pcap -     as it happens

Questions:
  which messages contain \"error\"?            --text error        (any case: --text '(?i)error')
  show me message 12 of the client in full   --connection 1 --message 12 --from client
  what was sent in the second before connection 7 closed?
                                             --connection 7 --since -1s
  what did they say to each other?           --follow-stream 3
  who breaks a MUST, and where?              --finding error
  which connection carried the most bytes?   --stats                (it comes first)
  what is large?                             --min-length 1M
  how do the bits of frame 5 stand?          --connection 3 --layout 5 --from client

Reads pcap and pcapng, plain or gzipped. Exit status: 0 nothing wrong, 1 findings at or above
--fail-on, 2 the file could not be read.")]
pub struct Args {
    /// The capture; `-` reads a live pipe and prints as packets arrive.
    #[arg(value_name = "FILE", default_value = "-")]
    file: String,
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
    /// Keep at most this many bytes of each message.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_payload)]
    max_payload: usize,
    #[command(flatten)]
    select: Select,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let filter = args.select.filter(common.format, args.frames, args.summary);
    if args.layout.is_some() {
        args.select.check_layout(&filter)?;
    }
    let is_table = args.summary && common.format == Format::Text;
    let limits = Limits {
        max_payload: if is_table && filter.text.is_none() { 0 } else { args.max_payload },
        keep_frames: args.layout.is_some(),
        ..Limits::default()
    };
    if common.format == Format::Har && (args.layout.is_some() || args.select.stats) {
        return Err(Failure::Input(
            "error: a HAR holds messages, neither layouts nor --stats\n  \
             expected: --format text, json or jsonl"
                .to_owned(),
        ));
    }
    let chosen = choose(args, filter)?;
    let sheet = output.sheet;
    let counts = match common.format {
        _ if args.select.extract.is_some() => extract(args, &chosen, limits, common, output)?,
        format if args.select.stats => stats(args, &chosen, format, limits, output)?,
        Format::Json => jsonl(args, &chosen, Shape::Document, limits, output)?,
        Format::Jsonl => jsonl(args, &chosen, Shape::Lines, limits, output)?,
        Format::Har => har(args, &chosen, limits, output)?,
        Format::Text => text(args, &chosen, sheet, limits, output)?,
    };
    Ok(common.fail_on.status(counts.worst()))
}

/// Prepares the choice; what happened just before connections closed takes a pass to find out when
/// they did.
fn choose(args: &Args, filter: Filter) -> Result<Chosen, Failure> {
    let mut chosen = Chosen { filter, ..Chosen::default() };
    if !chosen.filter.needs_ends() {
        return Ok(chosen);
    }
    if args.file == "-" {
        return Err(Failure::Input(
            "error: a moment before the end of a connection can't be known while it is open\n  \
             try: saving the capture to a file, and reading that"
                .to_owned(),
        ));
    }
    let limits = Limits { max_payload: 0, ..Limits::default() };
    let mut inspector = Inspector::new(Ends::default(), limits);
    listen(args, &mut inspector, &RefCell::default(), &chosen)?;
    chosen.closed = inspector.into_parts().0.into_closed();
    Ok(chosen)
}

/// Reads the file and lets an observer hear what is chosen of it.
fn observe<O: Observer>(
    args: &Args,
    chosen: &Chosen,
    observer: O,
    limits: Limits,
    facts: &RefCell<Facts>,
) -> Result<(O, Seen), Failure> {
    let select = select_with(observer, chosen);
    let mut inspector = Inspector::new(select, limits);
    let tally = listen(args, &mut inspector, facts, chosen)?;
    let (select, counts) = inspector.into_parts();
    let (observer, passed, shown) = select.into_parts();
    if chosen.filter.is_empty() {
        return Ok((observer, Seen { tally, counts, passed: counts }));
    }
    select::say_if_nothing(shown, &counts);
    Ok((observer, Seen { tally, counts, passed }))
}

fn select_with<O: Observer>(observer: O, chosen: &Chosen) -> ws101::select::Select<'_, O> {
    ws101::select::Select::new(observer, &chosen.filter, &chosen.start)
        .with_closed(chosen.closed.clone())
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
    chosen: &Chosen,
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
        News::Began(time) => {
            let earlier = chosen.start.get().map_or(time, |start| start.min(time));
            chosen.start.set(Some(earlier));
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
fn har(
    args: &Args,
    chosen: &Chosen,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let (har, seen) = observe(args, chosen, Har::new(output), limits, &RefCell::default())?;
    har.finish()?;
    Ok(seen.passed)
}

/// `--extract`: each message into a file.
fn extract(
    args: &Args,
    chosen: &Chosen,
    limits: Limits,
    common: &Common,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let folder = args.select.extract.as_deref().unwrap_or(Path::new("."));
    let observer = Extract::new(folder)?;
    let (observer, seen) = observe(args, chosen, observer, limits, &RefCell::default())?;
    let (written, index) = observer.finish()?;
    if !common.quiet {
        writeln!(output, "{} written; {index} lists them", counted(written, "message"))?;
    }
    Ok(seen.passed)
}

/// `--stats`: counts, sizes, rates.
fn stats(
    args: &Args,
    chosen: &Chosen,
    format: Format,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let facts = RefCell::new(Facts::default());
    let sheet = output.sheet;
    let shape = match format {
        Format::Text => {
            let stats = Stats::text(&mut *output, sheet);
            let (stats, seen) = observe(args, chosen, stats, limits, &facts)?;
            stats.finish(json::summary(&seen.counts))?;
            write_title(args, &sheet, &facts.borrow(), &seen.tally, &seen.counts, output)?;
            write_total(&sheet, &seen, chosen, output)?;
            return Ok(seen.passed);
        }
        Format::Json => Shape::Document,
        Format::Jsonl | Format::Har => Shape::Lines,
    };
    let writer = json::Writer::new(output, shape, json::Options::default());
    let stats = Announced::new(Stats::json(writer), Stats::record, args, &facts);
    let (stats, seen) = observe(args, chosen, stats, limits, &facts)?;
    stats.into_inner().finish(summary(&seen, chosen, &skipped(&seen.tally, &seen.counts)))?;
    Ok(seen.passed)
}

/// The `summary` of what was seen.
fn summary<'a>(
    seen: &Seen,
    chosen: &Chosen,
    skipped: &'a [Skipped<'a>],
) -> json::record::Summary<'a> {
    json::record::Summary {
        packets: Some(seen.tally.packets),
        bytes: Some(seen.tally.bytes),
        skipped,
        selected: (!chosen.filter.is_empty()).then(|| json::selected(&seen.passed)),
        ..json::summary(&seen.counts)
    }
}

/// Writes the `capture` record before anything else, once the link types are known.
struct Announced<'a, O> {
    inner: O,
    record: fn(&mut O, &Record<'_>),
    args: &'a Args,
    facts: &'a RefCell<Facts>,
    announced: bool,
}

impl<'a, O: Observer> Announced<'a, O> {
    fn new(
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
        let capture = Capture {
            file: Cow::Borrowed(&self.args.file),
            format: facts.format,
            link_types: &facts.link_names(),
        };
        (self.record)(&mut self.inner, &Record::Capture(capture));
    }

    fn into_inner(mut self) -> O {
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

    fn pause(&mut self) {
        self.inner.pause();
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }
}

fn text(
    args: &Args,
    chosen: &Chosen,
    sheet: Sheet,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let facts = RefCell::new(Facts::default());
    let select = &args.select;
    if let Some(frame) = args.layout {
        return layouts(args, frame, sheet, limits, output);
    }
    if select.follows() {
        let follow = Follow::new(&mut *output, sheet, select.clock());
        let (follow, seen) = observe(args, chosen, follow, limits, &facts)?;
        follow.finish()?;
        return Ok(seen.passed);
    }
    let streams = args.frames || args.messages || !chosen.filter.is_empty() || args.file == "-";
    if (streams || select.is_timed()) && !args.summary {
        let only = select.only_connection();
        let stream = Stream::new(&mut *output, sheet, select.detail(args.frames), only)
            .with_clock(select.clock())
            .with_whole_messages(select.names_messages())
            .with_reports(Select::is_whole_connection(&chosen.filter));
        let (stream, seen) = observe(args, chosen, stream, limits, &facts)?;
        stream.finish()?;
        writeln!(output)?;
        write_title(args, &sheet, &facts.borrow(), &seen.tally, &seen.counts, output)?;
        write_total(&sheet, &seen, chosen, output)?;
        return Ok(seen.passed);
    }
    let overview = if args.summary { Overview::table_only(sheet) } else { Overview::new(sheet) };
    let (overview, seen) = observe(args, chosen, overview, limits, &facts)?;
    write_title(args, &sheet, &facts.borrow(), &seen.tally, &seen.counts, output)?;
    writeln!(output)?;
    overview.write(output)?;
    write_total(&sheet, &seen, chosen, output)?;
    Ok(seen.passed)
}

/// The frames that `--layout` asks for.
fn wanted(args: &Args, frame: u64) -> Wanted {
    let connection = args.select.only_connection().unwrap_or(1);
    Wanted { connection, from: args.select.from(), frame }
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
    listen(args, &mut inspector, &RefCell::default(), &Chosen::default())?;
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
    seen: &Seen,
    chosen: &Chosen,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let Seen { tally, counts: all, passed: counts } = seen;
    if !chosen.filter.is_empty() {
        let connections = counted(all.connections, "connection");
        let messages = counted(all.messages, "message");
        let (some, few) = (counts.messages, counts.connections);
        writeln!(out, "\nshown: {some} of {messages}, of {few} of {connections}")?;
    }
    let skipped = skipped(tally, &seen.counts);
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
fn skipped(tally: &Tally, counts: &Counts) -> Vec<Skipped<'static>> {
    let skipped = &tally.skipped;
    let reasons = [
        (counts.other_connections, "TCP connections that are not WebSocket (or encrypted)"),
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
        (tally.damages, "damaged parts of the file"),
    ];
    reasons
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, reason)| Skipped { reason: Cow::Borrowed(reason), count })
        .collect()
}
