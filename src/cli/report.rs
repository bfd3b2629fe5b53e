//! `ws101 report`: one self-contained page of a capture, a handshake or some frames.

use super::recorded::{self, Recorded, Source};
use super::{Common, Failure, Format, Output, Status, name};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use ws101::Counts;
use ws101::render::page::{self, Course, Subject, Topic, Word};
use ws101::render::timeline::size;
use ws101::teach;
use ws101::websocket::frame::FIELDS;

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
    #[command(flatten)]
    input: Recorded,
    /// The page to write; `-`, or nothing where the output is no terminal: standard output.
    #[arg(short, long, value_name = "OUT.html")]
    output: Option<PathBuf>,
}

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
    let target = args.output.as_deref().or(is_piped.then_some(Path::new("-")));
    let Some(target) = target else {
        let file = name::shown(&args.input.file);
        let message = "error: a page is nothing for a terminal";
        return Err(Failure::Input(format!("{message}\n  try: ws101 report {file} -o page.html")));
    };
    let (recording, source) = args.input.record(common, page::EXTENT)?;
    let (subject, counts) = (subject(&args.input.file, &source, common), source.counts);
    let mut document = Vec::new();
    page::write(&mut document, &recording, &subject, &course(), &counts)?;
    if name::is_stdin(target) {
        output.write_all(&document)?;
    } else {
        std::fs::write(target, &document)
            .map_err(|error| name::cannot("written", target, &error))?;
        if !common.quiet {
            let (name, size) = (name::shown(target), size(document.len() as u64));
            writeln!(output, "{name}: {}, {size}", summary(&counts))?;
        }
    }
    Ok(common.judging.status(counts.worst()))
}

fn summary(counts: &Counts) -> String {
    let count =
        |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let findings = counts.errors + counts.warnings + counts.notes;
    let more = match counts.repeats {
        0 => String::new(),
        more => format!(" and {more} more of the same"),
    };
    format!(
        "{}, {}, {}{more}",
        count(counts.connections, "connection"),
        count(counts.frames, "frame"),
        count(findings, "finding")
    )
}

/// What the page is about.
fn subject(file: &Path, source: &Source, common: &Common) -> Subject {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let file = file.to_string_lossy();
    let command = match source.kind {
        recorded::Kind::Capture => format!("ws101 pcap {file} --format jsonl"),
        recorded::Kind::Transcript => format!("ws101 handshake {file}"),
        recorded::Kind::Frames => format!("ws101 frame --all {file}"),
    };
    Subject {
        name: name.into_owned(),
        kind: source.kind.name().to_owned(),
        packets: source.tally.as_ref().map(|tally| (tally.packets, tally.bytes)),
        redacted: common.judging.redact,
        command,
    }
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
