//! `ws101 report`: one self-contained page of a capture, a handshake or some frames.

use super::pcap::key_log;
use super::{Common, Failure, Format, Output, Status, frame};
use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use ws101::input::capture::{self, CaptureFile, Tally};
use ws101::input::transcript::{self, Transcript};
use ws101::redact::Redact;
use ws101::render::escape;
use ws101::render::page::{Course, MAX_BYTES, Page, Subject, Topic, Word};
use ws101::render::timeline::size;
use ws101::teach;
use ws101::websocket::{Limits, frame::FIELDS};
use ws101::{Counts, Inspector};

/// Writes one self-contained HTML page in which every byte of a conversation is explained.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 report chat.pcap -o chat.html            a sequence diagram; each event opens to its bytes
  ws101 report chat.http -o handshake.html       a handshake, with the derivation of its Accept
  ws101 report frames.bin -o frames.html         the bytes of frames
  ws101 report chat.pcap --redact -o chat.html   without secrets, so that it can be shared
  ws101 report chat.pcap --keylog keys.txt -o chat.html   wss, opened with the browser's secrets

The page needs no network and loads nothing; it can be mailed, printed and put on a projector. It
has at most 4 MB: of a large capture it shows the beginning of each connection, what was found and
how it ended, and says what it left out.")]
pub struct Args {
    /// A capture, a handshake as text, or the bytes of frames.
    #[arg(value_name = "FILE")]
    file: String,
    /// The page to write; `-`, or nothing where the output is no terminal: standard output.
    #[arg(short, long, value_name = "OUT.html")]
    output: Option<String>,
    /// Open TLS with the secrets in this file, in the format of SSLKEYLOGFILE; may be repeated.
    #[arg(long, value_name = "FILE")]
    keylog: Vec<PathBuf>,
    #[command(flatten)]
    bytes: frame::Bytes,
}

/// How much of a file is looked at to tell what it is.
const LOOKED_AT: u64 = 1 << 20;

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    if common.format != Format::Text {
        return Err(Failure::Input(
            "error: a report is an HTML page\n  expected: no --format\n  for programs: \
             ws101 pcap FILE --format json"
                .to_owned(),
        ));
    }
    let is_piped = args.output.is_none() && !std::io::stdout().is_terminal();
    let target = args.output.as_deref().or(is_piped.then_some("-"));
    let Some(target) = target else {
        let file = escape::text(args.file.as_bytes());
        let message = "error: a page is nothing for a terminal";
        return Err(Failure::Input(format!("{message}\n  try: ws101 report {file} -o page.html")));
    };
    let (page, subject, counts) = collect(args, common)?;
    let mut document = Vec::new();
    page.write(&mut document, &subject, &course(), &counts)?;
    if target == "-" {
        output.write_all(&document)?;
    } else {
        std::fs::write(target, &document).map_err(|error| cannot("written", target, &error))?;
        if !common.quiet {
            let (name, size) = (escape::text(target.as_bytes()), size(document.len() as u64));
            writeln!(output, "{name}: {}, {size}", summary(&counts))?;
        }
    }
    Ok(common.judging.status(counts.worst()))
}

fn summary(counts: &Counts) -> String {
    let count =
        |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let findings = counts.errors + counts.warnings + counts.notes;
    format!(
        "{}, {}, {}",
        count(counts.connections, "connection"),
        count(counts.frames, "frame"),
        count(findings, "finding")
    )
}

/// Reads the file as what it is.
fn collect(args: &Args, common: &Common) -> Result<(Page, Subject, Counts), Failure> {
    let mut start = Vec::new();
    File::open(&args.file)
        .and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start))
        .map_err(|error| cannot("opened", &args.file, &error))?;
    if CaptureFile::open(&start[..]).is_ok() {
        return of_capture(args, common);
    }
    if start.len() as u64 == LOOKED_AT {
        start = std::fs::read(&args.file).map_err(|error| cannot("read", &args.file, &error))?;
    }
    match transcript::read(&start) {
        Ok(transcript) => Ok(of_transcript(args, common, &transcript)),
        Err(_) => of_frames(args, common),
    }
}

fn of_capture(args: &Args, common: &Common) -> Result<(Page, Subject, Counts), Failure> {
    let mut inspector = inspector(common, Inspector::new);
    let source = File::open(&args.file).map_err(|error| cannot("opened", &args.file, &error))?;
    let options = capture::Options { key_log: key_log(&args.keylog)?, ..Default::default() };
    let tally = capture::read(source, &mut inspector, options).map_err(|error| {
        let name = escape::text(args.file.as_bytes());
        Failure::Input(format!("error: {name} can't be read as a capture\n  {error}"))
    })?;
    let command = format!("ws101 pcap {} --format jsonl", args.file);
    Ok(parts(args, common, inspector, "a packet capture", command, Some(&tally)))
}

fn of_transcript(args: &Args, common: &Common, transcript: &Transcript) -> (Page, Subject, Counts) {
    let mut inspector = inspector(common, Inspector::of_transcripts);
    for exchanges in &transcript.connections {
        transcript::tell(exchanges, &mut inspector);
    }
    let command = format!("ws101 handshake {}", args.file);
    parts(args, common, inspector, "an opening handshake", command, None)
}

fn of_frames(args: &Args, common: &Common) -> Result<(Page, Subject, Counts), Failure> {
    let agreement = args.bytes.agreement()?;
    let bytes = args.bytes.read(std::slice::from_ref(&args.file), common.judging.redact)?;
    let limits = limits();
    let page = common.judging.redacting(Page::default()).agreed(agreement);
    let mut inspector = common.judging.applied(Inspector::new(page, limits));
    args.bytes.inspect(&mut inspector, &bytes, agreement);
    let command = format!("ws101 frame --all {}", args.file);
    Ok(parts(args, common, inspector, "bytes of frames", command, None))
}

/// Whole frames are asked for only as far as they are shown: what a page needs of a message is its
/// beginning.
fn limits() -> Limits {
    Limits { max_payload: 4 * MAX_BYTES, keep_frames: true, ..Limits::default() }
}

fn inspector(
    common: &Common,
    new: fn(Redact<Page>, Limits) -> Inspector<Redact<Page>>,
) -> Inspector<Redact<Page>> {
    common.judging.applied(new(common.judging.redacting(Page::default()), limits()))
}

fn parts(
    args: &Args,
    common: &Common,
    inspector: Inspector<Redact<Page>>,
    kind: &str,
    command: String,
    tally: Option<&Tally>,
) -> (Page, Subject, Counts) {
    let (page, counts) = inspector.into_parts();
    let name = PathBuf::from(&args.file);
    let name = name.file_name().map_or(args.file.as_str().into(), |name| name.to_string_lossy());
    let subject = Subject {
        name: name.into_owned(),
        kind: kind.to_owned(),
        packets: tally.map(|tally| (tally.packets, tally.bytes)),
        redacted: common.judging.redact,
        command,
    };
    (page.into_inner(), subject, counts)
}

/// The course, as a page shows it.
fn course() -> Course {
    let topics = teach::topics().iter().map(|topic| Topic {
        name: topic.name,
        title: topic.title,
        sections: topic.sections,
        markdown: topic.body,
    });
    let words = teach::glossary().iter().map(|gloss| Word {
        word: gloss.word,
        meaning: gloss.meaning,
        topic: gloss.topic,
    });
    let of_fields = FIELDS.iter().filter_map(|spec| {
        let topic = teach::Entry::Field(spec).topic()?;
        Some((spec.name, topic.name))
    });
    Course { topics: topics.collect(), words: words.collect(), of_fields: of_fields.collect() }
}

fn cannot(what: &str, file: &str, error: &std::io::Error) -> Failure {
    let file = escape::text(file.as_bytes());
    Failure::Input(format!("error: {file} can't be {what}: {error}"))
}
