//! `ws101 pcap`: every connection, handshake, frame, message and finding of a packet capture.

mod extract;
mod live;
mod records;
mod select;
mod source;
mod stated;
mod stats;
mod text;
mod totals;

use super::progress::Progress;
use super::{Common, Failure, Format, Output, Status, name};
use select::{Chosen, Select};
pub(super) use source::key_log;
use source::listen;
use stated::Stated;
use std::cell::RefCell;
use std::path::PathBuf;
use ws101::render::json::Shape;
use ws101::select::{Ends, Filter, Units};
use ws101::websocket::Limits;

/// Decodes a packet capture: every connection, handshake, frame, message and finding.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 pcap chat.pcap                       what happened, connection by connection
  ws101 pcap chat.pcap --summary             only the table of connections
  ws101 pcap chat.pcap --connection 3        one conversation in full
  ws101 pcap chat.pcap --format jsonl | jq   everything, for programs
  ws101 pcap chat.pcap --format har          for the network view of a browser
  ws101 pcap chat.pcap --format markdown     a report to paste into an issue
  ws101 pcap chat.pcap --format mermaid      a sequence diagram that GitHub renders
  tcpdump -U --immediate-mode -w - port 80 | ws101 pcap -
                                             as it happens; Ctrl-C ends it with the totals
  ws101 pcap ring.pcap0 ring.pcap1           several files as one, by time
  ws101 pcap chat.pcap --follow              the same, of a file that is still being written

Questions:
  which messages contain \"error\"?            --text error        (any case: --text '(?i)error')
  show me message 12 of the client in full   --connection 1 --message 12 --from client
  what was sent in the second before connection 7 closed?
                                             --connection 7 --since -1s
  what did they say to each other?           --follow-stream 3
  who breaks a MUST, and where?              --finding error
  which connection carried the most bytes?   --stats                (it comes first)
  what would polling have cost?              --stats --compare-http
  what is large?                             --min-length 1M
  the handshake was not captured, but I know what this is
                                             --assume websocket --client 10.0.0.5:49152
  how do the bits of frame 5 stand?          --connection 3 --layout 5 --from client
  in which packets did message 2 travel?     --connection 3 --message 2 --layers

Reads pcap and pcapng, plain or in gzip or Zstandard, and the messages of a HAR. Exit status: 0 nothing wrong, 1 findings at or above
--fail-on, 2 the file could not be read.")]
pub struct Args {
    /// The capture; `-` reads a live pipe and prints as packets arrive. Several are read as one, in
    /// the order of their packets' times.
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// Open TLS with the secrets in this file, in the format of SSLKEYLOGFILE; may be repeated.
    /// The file that the variable SSLKEYLOGFILE names is read as well.
    #[arg(long, value_name = "FILE")]
    keylog: Vec<PathBuf>,
    /// Go on as the file grows, until Ctrl-C.
    #[arg(long)]
    follow: bool,
    /// Show every frame, one line each.
    #[arg(long, conflicts_with = "messages")]
    frames: bool,
    /// Show every message, one line each.
    #[arg(long, conflicts_with_all = ["layout", "stats", "follow_stream", "extract"])]
    messages: bool,
    /// Show only the table of connections.
    #[arg(long, conflicts_with_all = ["frames", "messages", "layout"])]
    summary: bool,
    /// Show the annotated layout of frame N of each direction (of --connection, else of the first).
    #[arg(long, value_name = "N")]
    layout: Option<u64>,
    /// Show for every frame what carried it: packets, records of TLS, DATA of HTTP/2; with --layout,
    /// their headers bit by bit.
    #[arg(long, conflicts_with_all = ["messages", "summary", "stats", "follow_stream", "extract"])]
    layers: bool,
    /// Keep at most this many bytes of each message.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_payload)]
    max_payload: usize,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    stated: Stated,
}

impl Args {
    /// True if there is no end to read to before something is shown.
    fn is_live(&self) -> bool {
        self.follow || self.files.iter().any(|file| name::is_stdin(file))
    }

    /// What is read, for people.
    fn name(&self) -> String {
        let names: Vec<_> = self.files.iter().map(|file| name::source(file).into()).collect();
        name::joined(&names)
    }
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    live::stop_on_signals();
    let mut filter = args.select.filter(common.format, args.frames, args.summary);
    if args.layers {
        filter.units = Units::Both;
    }
    if args.layout.is_some() {
        args.select.check_layout(&filter)?;
    }
    let is_table = args.summary && common.format == Format::Text;
    let limits = Limits {
        max_payload: if is_table && filter.text.is_none() { 0 } else { args.max_payload },
        keep_frames: args.layout.is_some() || args.layers,
        ..Limits::default()
    };
    check_format(args, common.format)?;
    let mut chosen = choose(args, filter, common)?;
    let writes_at_once = match common.format {
        _ if args.select.extract.is_some() => false,
        Format::Text => !args.select.stats && text::writes_at_once(args, &chosen),
        _ => true,
    };
    chosen.shows_progress = !common.quiet && Progress::is_of_use(writes_at_once);
    let sheet = output.sheet;
    let counts = match common.format {
        _ if args.select.extract.is_some() => extract::run(args, &chosen, limits, common, output)?,
        format if args.select.stats => stats::run(args, &chosen, format, limits, output)?,
        Format::Json => records::jsonl(args, &chosen, Shape::Document, limits, output)?,
        Format::Jsonl => records::jsonl(args, &chosen, Shape::Lines, limits, output)?,
        Format::Har => records::har(args, &chosen, limits, output)?,
        Format::Sarif | Format::Github | Format::Junit => {
            records::checks(args, &chosen, limits, common, output)?
        }
        Format::Markdown | Format::Mermaid => {
            records::document(args, &chosen, limits, common, output)?
        }
        Format::Text | Format::Svg => {
            text::run(args, &chosen, sheet, limits, common.quiet, output)?
        }
    };
    Ok(common.judging.status(counts.worst()))
}

/// Some formats have no place for some of what can be asked for.
fn check_format(args: &Args, format: Format) -> Result<(), Failure> {
    let select = &args.select;
    let of_text = [
        (args.summary, "--summary"),
        (args.frames, "--frames"),
        (args.messages, "--messages"),
        (select.is_timed(), "--time"),
    ];
    let of_text = of_text.into_iter().find(|(is_given, _)| *is_given && format != Format::Text);
    let asks_more = args.layout.is_some() || args.layers || select.stats;
    let extracts = select.extract.is_some();
    let (what, expected) = match format {
        _ if let Some((_, name)) = of_text => (
            format!("{name} chooses how text is laid out; the other formats hold all there is"),
            format!("--format text, or no {name}"),
        ),
        Format::Json | Format::Jsonl if extracts => (
            "--extract writes files, and index.jsonl beside them, which lists them".to_owned(),
            "no --format".to_owned(),
        ),
        Format::Har if asks_more || extracts => (
            "a HAR holds messages, neither layouts nor layers nor --stats nor --extract".to_owned(),
            "--format text, json or jsonl".to_owned(),
        ),
        Format::Markdown | Format::Mermaid if asks_more || extracts => (
            "markdown and mermaid tell conversations, neither layouts nor layers nor --stats nor \
             --extract"
                .to_owned(),
            "--format text, json or jsonl".to_owned(),
        ),
        format if format.checks().is_some() && (asks_more || extracts) => (
            "sarif, github and junit tell findings, neither layouts nor layers nor --stats nor \
             --extract"
                .to_owned(),
            "--format text, json or jsonl".to_owned(),
        ),
        _ => return Ok(()),
    };
    Err(Failure::Input(format!("error: {what}\n  expected: {expected}")))
}

/// Prepares the choice; what happened just before connections closed takes a pass to find out when
/// they did.
fn choose(args: &Args, filter: Filter, common: &Common) -> Result<Chosen, Failure> {
    let judging = common.judging.clone();
    let shows_progress = !common.quiet && Progress::is_of_use(false);
    let mut chosen = Chosen { filter, judging, shows_progress, ..Chosen::default() };
    if !chosen.filter.needs_ends() {
        return Ok(chosen);
    }
    if args.is_live() {
        return Err(Failure::Input(
            "error: a moment before the end of a connection can't be known while it is open\n  \
             try: saving the capture to a file, and reading that"
                .to_owned(),
        ));
    }
    let limits = Limits { max_payload: 0, ..Limits::default() };
    let mut inspector = source::inspector(args, &chosen, Ends::default(), limits)?;
    listen(args, &mut inspector, &RefCell::default(), &chosen)?;
    chosen.closed = inspector.into_parts().0.into_closed();
    Ok(chosen)
}
