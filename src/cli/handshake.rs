//! `ws101 handshake`: validates captured upgrade exchanges.

use super::name::{self, STDIN};
use super::{Common, Failure, Format, Output, Status, judging, recorded};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use ws101::input::reason;
use ws101::input::transcript::{self, Transcript};
use ws101::inspection::{Connection, Observer};
use ws101::recording::Recording;
use ws101::render::checks::Origin;
use ws101::render::handshake::{self as card, Detail, Source};
use ws101::render::json::{self, Shape};
use ws101::render::{Paint, escape, wrap};
use ws101::rules::{Judged, Severity};
use ws101::websocket::handshake::Handshake;
use ws101::websocket::{Event, Limits};
use ws101::{Counts, Inspector};

/// Validates upgrade exchanges: raw HTTP, curl commands and output, browser headers, Markdown, HAR.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 handshake chat.http                  one file with both halves
  ws101 handshake request.txt response.txt   one half in each
  curl -v … 2>&1 | ws101 handshake           whatever curl printed
  ws101 handshake -q --fail-on warning *.http  only what is wrong, and exit status 1 if anything is
  ws101 handshake --format markdown chat.http  a report to paste into an issue")]
pub struct Args {
    /// Files with requests and responses; `-` or none: standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// A text and where it came from.
struct Text {
    name: String,
    transcript: Transcript,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files[..] };
    // What can be read is reported, whatever stands beside it.
    let mut texts = Vec::new();
    let mut unreadable = Vec::new();
    for file in files {
        match read(file) {
            Ok(text) => texts.push(text),
            Err(message) => unreadable.push(message),
        }
    }
    if texts.is_empty() {
        return Err(Failure::Input(unreadable.join("\n")));
    }
    let pairs = pair(texts);
    let counts = match common.format {
        Format::Text => show_all(&pairs, common, output)?,
        Format::Json => write_records(&pairs, Shape::Document, common, output)?,
        Format::Jsonl | Format::Har | Format::Svg => {
            write_records(&pairs, Shape::Lines, common, output)?
        }
        Format::Markdown | Format::Mermaid => write_document(&pairs, common, output)?,
        Format::Sarif | Format::Github | Format::Junit => {
            write_checks(&pairs, &unreadable, common, output)?
        }
    };
    if !unreadable.is_empty() {
        output.flush()?;
        return Err(Failure::Input(unreadable.join("\n")));
    }
    Ok(common.judging.status(counts.worst()))
}

/// A transcript, and the names of the texts that its requests and its responses come from.
struct Pair {
    request: String,
    response: String,
    transcript: Transcript,
}

/// Joins a text that holds only a request with its neighbour, if that holds only a response.
fn pair(texts: Vec<Text>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut texts = texts.into_iter().peekable();
    while let Some(Text { name, mut transcript }) = texts.next() {
        let mut response = name.clone();
        let mut request = name;
        if let Some(next) = texts.next_if(|next| transcript.is_answered_by(&next.transcript)) {
            response = next.name;
            transcript = transcript.answered_by(next.transcript);
        } else if let Some(next) = texts.next_if(|next| next.transcript.is_answered_by(&transcript))
        {
            request = next.name;
            transcript = next.transcript.answered_by(transcript);
        }
        pairs.push(Pair { request, response, transcript });
    }
    pairs
}

fn show_all(pairs: &[Pair], common: &Common, output: &mut Output) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut is_first = true;
    for Pair { request, response, transcript } in pairs {
        counts += show(request, response, transcript, common, output, &mut is_first)?;
    }
    let sheet = output.sheet;
    judging::left_out(&sheet, &common.judging, &counts, output)?;
    Ok(counts)
}

fn write_records(
    pairs: &[Pair],
    shape: Shape,
    common: &Common,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let writer = json::Writer::new(output, shape, json::Options::default());
    let mut inspector = common
        .judging
        .applied(Inspector::of_transcripts(common.judging.redacting(writer), Limits::default()));
    for Pair { request, transcript, .. } in pairs {
        inspector.observer().inner().set_file(request);
        for exchanges in &transcript.connections {
            transcript::tell(exchanges, &mut inspector);
        }
    }
    let (writer, counts) = inspector.into_parts();
    writer.into_inner().finish(json::summary(&counts))?;
    Ok(counts)
}

/// A report to paste into an issue, or a diagram.
fn write_document(pairs: &[Pair], common: &Common, output: &mut Output) -> Result<Counts, Failure> {
    let recording = Recording::new(recorded::extent(common.format));
    let recording = common.judging.redacting(recording);
    let mut inspector =
        common.judging.applied(Inspector::of_transcripts(recording, Limits::default()));
    for exchanges in pairs.iter().flat_map(|pair| &pair.transcript.connections) {
        transcript::tell(exchanges, &mut inspector);
    }
    let (recording, counts) = inspector.into_parts();
    let names = pairs.iter().flat_map(|pair| [&pair.request, &pair.response]);
    let mut files: Vec<String> = names.map(|name| typed(name).to_owned()).collect();
    files.dedup();
    recorded::write(&recording.into_inner(), "handshake", &files, &counts, common, output)?;
    Ok(counts)
}

/// For the tools of continuous integration.
fn write_checks(
    pairs: &[Pair],
    unreadable: &[String],
    common: &Common,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let inspector = Inspector::of_transcripts(
        common.judging.redacting(common.checks(output)),
        Limits::default(),
    );
    let mut inspector = common.judging.applied(inspector);
    let file = |name: &String| (name != STDIN).then(|| name.clone());
    for Pair { request, response, transcript } in pairs {
        for exchanges in &transcript.connections {
            let has_lines = exchanges.iter().all(|exchange| exchange.rebuilt_from.is_none());
            let origin = Origin { request: file(request), response: file(response), has_lines };
            inspector.observer().inner().set_origin(origin);
            transcript::tell(exchanges, &mut inspector);
        }
    }
    let (checks, counts) = inspector.into_parts();
    checks.into_inner().finish(&common.outcome(&counts, unreadable))?;
    Ok(counts)
}

fn read(file: &Path) -> Result<Text, String> {
    let (name, bytes) = if name::is_stdin(file) {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes);
        (STDIN.to_owned(), read)
    } else {
        (file.to_string_lossy().into_owned(), std::fs::read(file))
    };
    let shown = name::source(file);
    let bytes = bytes.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::NotFound => "\n  try: ws101 handshake - to read standard input",
            _ => "",
        };
        format!("error: {shown} can't be read: {}{advice}", reason(&error))
    })?;
    match transcript::read(&bytes) {
        Ok(transcript) => Ok(Text { name, transcript }),
        Err(message) => {
            let message = message.replace("FILE", typed(&name));
            Err(format!("error: {shown}: {message}"))
        }
    }
}

/// What to type for a text.
fn typed(name: &str) -> &str {
    if name == STDIN { "-" } else { name }
}

/// Shows one text; says what was found in it.
fn show(
    name: &str,
    response_name: &str,
    transcript: &Transcript,
    common: &Common,
    output: &mut Output,
    is_first: &mut bool,
) -> Result<Counts, Failure> {
    let collector = common.judging.redacting(Collector::default());
    let inspector = Inspector::of_transcripts(collector, Limits::default());
    let mut inspector = common.judging.applied(inspector);
    let detail = match (common.quiet, common.verbose) {
        // Whatever makes the run fail is wrong.
        (true, _) => Detail::Quiet(
            common.judging.threshold().map_or(Severity::Warning, |it| it.min(Severity::Warning)),
        ),
        (false, 0) => Detail::Normal,
        (false, _) => Detail::Verbose,
    };
    let sheet = output.sheet;
    for exchanges in &transcript.connections {
        let from = exchanges.iter().find_map(|exchange| exchange.rebuilt_from.as_ref());
        let rebuilt = from.map(|from| format!("{from} of {name}"));
        let source = match &rebuilt {
            Some(rebuilt) => Source::Rebuilt(rebuilt),
            None => Source::Files { request: name, response: response_name },
        };
        transcript::tell(exchanges, &mut inspector);
        for (handshake, judged) in std::mem::take(&mut inspector.observer().inner().judged) {
            if !std::mem::take(is_first) && !common.quiet {
                writeln!(output, "\n")?;
            }
            card::report(output, &sheet, &handshake, &judged, source, detail)?;
        }
    }
    let counts = inspector.counts();
    if !common.quiet {
        for remark in &transcript.remarks {
            let remark = remark.replace("FILE", typed(name));
            let text = format!("({})", escape::text(remark.as_bytes()));
            for line in wrap(&sheet.words(&text), sheet.width) {
                writeln!(output, "{}", sheet.palette.paint(Paint::Faint, line))?;
            }
        }
    }
    Ok(counts)
}

/// Keeps what was found on a connection.
#[derive(Default)]
struct Collector {
    judged: Vec<(Handshake, Judged)>,
}

impl Observer for Collector {
    fn connection(&mut self, _connection: &Connection) {}

    fn event(&mut self, _connection: &Connection, event: &Event<'_>, judged: &Judged) {
        if let Event::Handshake(handshake) = event {
            self.judged.push(((*handshake).clone(), judged.clone()));
        }
    }
}
