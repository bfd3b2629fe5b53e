//! What all commands share: format, colour, width, the output stream, exit status, failures.

use super::Judging;
use super::ascii::Ascii;
use anstream::AutoStream;
use clap::{Args, ValueEnum};
use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Stdout, Write};
use std::rc::Rc;
use ws101::Counts;
use ws101::render::checks::{Checks, Form, Outcome};
use ws101::render::{Palette, Sheet, escape};

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// How to print.
    #[arg(long, value_enum, global = true, default_value_t = Format::Text, value_name = "FORMAT")]
    pub format: Format,
    /// When to use colours (NO_COLOR and CLICOLOR_FORCE are honoured).
    #[arg(long, value_enum, global = true, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Columns to use instead of the terminal's.
    #[arg(long, global = true, value_name = "N")]
    pub width: Option<usize>,
    /// Draw with ASCII only.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Say less: only what is wrong.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    #[command(flatten)]
    pub judging: Judging,
}

/// The formats of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// One JSON object a line, as things happen.
    Jsonl,
    /// For browsers' tools: HTTP Archive 1.2 (`pcap` only).
    Har,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For GitHub Actions: workflow commands that become annotations.
    Github,
    /// For lists of tests: JUnit's XML, a test case for each connection.
    Junit,
    /// A report to paste into an issue (`pcap`, `handshake`).
    Markdown,
    /// A sequence diagram that GitHub renders (`pcap`, `handshake`).
    Mermaid,
    /// The figure of RFC 6455 §5.2 of the first frame, for slides (`frame`).
    Svg,
}

impl Format {
    /// The way of writing findings for continuous integration, if it is one.
    pub fn checks(self) -> Option<Form> {
        match self {
            Format::Sarif => Some(Form::Sarif),
            Format::Github => Some(Form::Github),
            Format::Junit => Some(Form::Junit),
            Format::Text
            | Format::Json
            | Format::Jsonl
            | Format::Har
            | Format::Markdown
            | Format::Mermaid
            | Format::Svg => None,
        }
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The exit status of a run that could read its input; see [`Failure`] for 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 0: nothing at or above the threshold was found.
    Good,
    /// 1: something was.
    Found,
}

/// Says something on standard error. Where nobody reads that, nothing is lost.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// Exit status 2: the input could not be read or understood, or wrong usage. The message says
    /// what, where, what was expected and what to try.
    Input(String),
    /// The output could not be written. A closed pipe is no error.
    Output(io::Error),
}

impl Status {
    /// The number that the process exits with.
    pub const fn code(self) -> u8 {
        match self {
            Status::Good => 0,
            Status::Found => 1,
        }
    }
}

impl Common {
    /// Writes findings for continuous integration, if the format is one for that.
    pub fn checks<W: Write>(&self, out: W) -> Checks<W> {
        let form = self.format.checks().unwrap_or(Form::Github);
        Checks::new(out, form, self.judging.threshold())
    }

    /// How a run goes that counted this and could not read that.
    pub fn outcome<'a>(&self, counts: &'a Counts, problems: &'a [String]) -> Outcome<'a> {
        let status = self.judging.status(counts.worst()).code();
        let exit_code = if problems.is_empty() { status.into() } else { 2 };
        Outcome { counts, exit_code, problems }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// Standard output, in one large buffer.
pub struct Output {
    pub(super) stream: io::BufWriter<Box<dyn Write>>,
    /// How text is laid out on it.
    pub sheet: Sheet,
}

/// Columns where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;

impl Output {
    /// Standard output, as the options and the environment want it.
    pub fn new(common: &Common) -> Output {
        let stdout = io::stdout();
        let colored = match common.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        };
        let palette = if colored { Palette::colored() } else { Palette::plain() };
        let width = common.width.unwrap_or_else(|| terminal_width(&stdout)).max(20);
        let ascii = common.ascii || stdout.is_terminal() && !is_utf8_locale();
        let out = unbuffered(stdout);
        // Other programs read UTF-8; people asked for what their terminal can show.
        let out = match ascii && common.format == Format::Text {
            true => Box::new(Ascii::new(out)),
            false => out,
        };
        let stream = io::BufWriter::with_capacity(64 * 1024, out);
        Output { stream, sheet: Sheet { width, ascii, palette } }
    }

    /// An output that is kept instead of shown.
    pub fn kept(sheet: Sheet) -> (Output, Kept) {
        let kept = Kept::default();
        let stream: Box<dyn Write> = Box::new(kept.clone());
        (Output { stream: io::BufWriter::new(stream), sheet }, kept)
    }
}

/// What was written to an output that is kept.
#[derive(Debug, Clone, Default)]
pub struct Kept(Rc<RefCell<Vec<u8>>>);

impl Kept {
    /// All of it.
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output without the buffer of its own, which looks for the end of a line in all that
/// passes: a third of the instructions where lines are long.
fn unbuffered(stdout: Stdout) -> Box<dyn Write> {
    #[cfg(unix)]
    if let Ok(descriptor) = std::os::fd::AsFd::as_fd(&stdout).try_clone_to_owned() {
        return Box::new(std::fs::File::from(descriptor));
    }
    Box::new(stdout.lock())
}

/// All records of a run as one document; its schema is in `docs/`.
#[derive(serde::Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    records: &'a [T],
}

impl Output {
    /// Writes records as one document, or one a line.
    pub fn write_records<T: serde::Serialize>(
        &mut self,
        format: Format,
        records: &[T],
    ) -> io::Result<()> {
        if format == Format::Json {
            let json = serde_json::to_string(&Document { schema: "ws101/1", records })?;
            return writeln!(self, "{}", escape::json(&json));
        }
        for record in records {
            let json = serde_json::to_string(record)?;
            writeln!(self, "{}", escape::json(&json))?;
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn terminal_width(stdout: &io::Stdout) -> usize {
    if !stdout.is_terminal() {
        return DEFAULT_WIDTH;
    }
    columns(&comfy_table::Table::new()).min(160)
}

/// Columns of the terminal that the table is meant for: comfy-table asks it already, and a width of zero
/// means that it does not know.
pub fn columns(table: &comfy_table::Table) -> usize {
    table.width().map(usize::from).filter(|width| *width > 0).unwrap_or(80)
}

fn is_utf8_locale() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_none_or(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        })
}
