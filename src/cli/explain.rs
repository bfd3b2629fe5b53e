//! `ws101 explain`: the course, topic by topic, and the reference.

use super::{Cli, Common, Failure, Format, Output, Status};
use clap::Parser as _;
use std::io::Write as _;
use ws101::render::{Paint, Sheet, escape, example, finding, markdown, wrap};
use ws101::rules::Rule;
use ws101::scene::{Example, examples};
use ws101::teach::{self, Entry, Page};
use ws101::websocket::Opcode;

/// Explains a topic, rule, frame field, opcode, close code, header or status.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 explain                      the topics, in teaching order
  ws101 explain masking              one of them
  ws101 explain 1006                 a close code
  ws101 explain 0x9                  an opcode
  ws101 explain Sec-WebSocket-Key    a header
  ws101 explain 426                  an answer to a handshake
  ws101 explain MSK-CLIENT-UNMASKED  a rule
  ws101 explain half open            any word: what speaks of it")]
pub struct Args {
    /// What is to be explained; without it the topics are listed.
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

/// An explanation, as JSON.
#[derive(serde::Serialize)]
struct Record {
    r#type: &'static str,
    kind: &'static str,
    topic: String,
    title: String,
    section: String,
    markdown: String,
    /// Of a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<ExampleRecord>,
}

/// An example of a rule's page, and what is found in it.
#[derive(serde::Serialize)]
struct ExampleRecord {
    breaks: bool,
    text: String,
    findings: Vec<Found>,
    shown: String,
}

#[derive(serde::Serialize)]
struct Found {
    rule: &'static str,
    severity: &'static str,
    detail: String,
}

impl From<&Entry> for Record {
    fn from(entry: &Entry) -> Record {
        let Page { kind, name, title, sections, markdown, .. } = entry.page();
        let (topic, section) = (name, sections);
        let examples =
            if let Entry::Rule(rule) = entry { example_records(rule) } else { Vec::new() };
        Record { r#type: "explanation", kind, topic, title, section, markdown, examples }
    }
}

/// The examples of a rule, as they are found and shown without a terminal.
fn example_records(rule: &Rule) -> Vec<ExampleRecord> {
    let mut focus = None;
    let record = |example: &Example| {
        let mut shown = Vec::new();
        let sheet = Sheet::plain(100);
        focus = example::write(&mut shown, &sheet, example, focus).unwrap_or(focus);
        let found = example::findings(example).into_iter().map(|finding| Found {
            rule: finding.rule.id,
            severity: finding.severity.name(),
            detail: finding.detail(),
        });
        ExampleRecord {
            breaks: example.breaks,
            text: example.text.clone(),
            findings: found.collect(),
            shown: String::from_utf8_lossy(&shown).into_owned(),
        }
    };
    examples(rule).iter().map(record).collect()
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let typed = args.topic.join(" ");
    if typed.trim().is_empty() {
        return list(common, output);
    }
    let found = teach::find(&typed);
    let related = if found.is_empty() { teach::related(&typed) } else { Vec::new() };
    let Some((entry, others)) = found.split_first().or(match related.len() {
        1 => related.split_first(),
        _ => None,
    }) else {
        return choices(&typed, &related, common, output);
    };
    if common.format != Format::Text {
        output.write_records(common.format, &[Record::from(entry)])?;
        return Ok(Status::Good);
    }
    show(entry, others, output)?;
    Ok(Status::Good)
}

/// The topics, in teaching order.
fn list(common: &Common, output: &mut Output) -> Result<Status, Failure> {
    if common.format != Format::Text {
        let topics = teach::topics().iter().map(Entry::Topic);
        let records: Vec<Record> = topics.map(|topic| Record::from(&topic)).collect();
        output.write_records(common.format, &records)?;
        return Ok(Status::Good);
    }
    let sheet = output.sheet;
    let words = "The course, in the order in which one thing leads to the next:";
    writeln!(output, "{}\n", sheet.palette.paint(Paint::Title, words))?;
    for topic in teach::topics() {
        let name = sheet.palette.paint(Paint::Name, format!("{:<15}", topic.name));
        let title = sheet.clip(&sheet.words(topic.title), sheet.width.saturating_sub(21));
        writeln!(output, " {:>2}  {name} {title}", topic.number)?;
    }
    let more = "Besides: any rule (ws101 rules), frame field, opcode (0x9), close code (1006), \
                header (Origin), status (404), and the words of the output.";
    writeln!(output)?;
    for line in wrap(more, sheet.width) {
        writeln!(output, "{line}")?;
    }
    Ok(Status::Good)
}

/// Several things that speak of it, or none.
fn choices(
    typed: &str,
    related: &[Entry],
    common: &Common,
    output: &mut Output,
) -> Result<Status, Failure> {
    if related.is_empty() {
        return Err(unknown(typed));
    }
    if common.format != Format::Text {
        let records: Vec<Record> = related.iter().map(Record::from).collect();
        output.write_records(common.format, &records)?;
        return Ok(Status::Good);
    }
    let sheet = output.sheet;
    let shown = escape::clipped(typed.as_bytes(), 80);
    writeln!(output, "nothing is called \"{shown}\"; these speak of it:\n")?;
    for entry in related.iter().take(MAX_CHOICES) {
        let name = sheet.palette.paint(Paint::Name, format!("{:<27}", entry.name()));
        let title = sheet.clip(&sheet.words(&entry.title()), sheet.width.saturating_sub(30));
        writeln!(output, "  {name} {title}")?;
    }
    if related.len() > MAX_CHOICES {
        writeln!(output, "  and {} more", related.len() - MAX_CHOICES)?;
    }
    Ok(Status::Good)
}

/// How many things are listed that speak of a word.
const MAX_CHOICES: usize = 12;

/// What is said of a word, painted for a sheet; nothing if the word is not known.
pub fn painted(word: &str, sheet: &Sheet) -> Vec<u8> {
    let found = teach::find(word);
    let Some((entry, others)) = found.split_first() else {
        return format!(
            "there is nothing to explain under \"{}\"",
            escape::clipped(word.as_bytes(), 80)
        )
        .into_bytes();
    };
    let (mut output, kept) = Output::kept(*sheet);
    // An example that does not run leaves what was said before it.
    let _ = show(entry, others, &mut output).and_then(|()| Ok(output.flush()?));
    drop(output);
    kept.take()
}

fn show(entry: &Entry, others: &[Entry], output: &mut Output) -> Result<(), Failure> {
    let page = entry.page();
    heading(entry, &page, output)?;
    body(entry, &page.markdown, output)?;
    let sheet = output.sheet;
    let mut pointers: Vec<(&str, String)> = Vec::new();
    if let Entry::Topic(topic) = entry {
        pointers.extend(topic.before().map(|it| ("before", pointer(it.name, it.title))));
        pointers.extend(topic.after().map(|it| ("next", pointer(it.name, it.title))));
    } else if let Some(topic) = page.topic {
        pointers.push(("learn", pointer(topic.name, topic.title)));
    }
    for other in others {
        match teach::find(&other.name()).first() {
            // The name leads to something else: this is the only place to say it.
            Some(first) if first != other => aside(other, output)?,
            _ if page.topic.map(Entry::Topic) == Some(*other) => {}
            _ => pointers.push(("also", pointer(&other.name(), &other.title()))),
        }
    }
    if !pointers.is_empty() {
        writeln!(output)?;
    }
    for (label, words) in pointers {
        let label = sheet.palette.paint(Paint::Faint, format!("{label:<7}"));
        writeln!(output, " {label} {}", sheet.clip(&sheet.words(&words), sheet.width - 9))?;
    }
    Ok(())
}

/// What else bears the name, in a sentence or two.
fn aside(entry: &Entry, output: &mut Output) -> Result<(), Failure> {
    let sheet = output.sheet;
    let page = entry.page();
    let text = page.markdown.split("\n```").next().unwrap_or_default().trim();
    writeln!(output)?;
    let words = format!("{} ({})", page.title, page.sections);
    writeln!(
        output,
        "{}",
        sheet.palette.paint(Paint::Title, sheet.words(words.trim_end_matches(" ()")))
    )?;
    markdown::page(output, &sheet, text)?;
    Ok(())
}

fn pointer(name: &str, title: &str) -> String {
    format!("ws101 explain {name:<15} {title}")
}

fn heading(entry: &Entry, page: &Page, output: &mut Output) -> Result<(), Failure> {
    let sheet = output.sheet;
    let lines = match entry {
        Entry::Rule(rule) => {
            let severity =
                sheet.palette.paint(Paint::Severity(rule.severity), rule.severity.name());
            writeln!(output, "{} {severity}", sheet.palette.paint(Paint::Name, rule.id))?;
            wrap(&sheet.words(&finding::demand(rule)), sheet.width)
        }
        Entry::Topic(topic) => {
            let place = format!("{} of {}", topic.number, teach::topics().len());
            let words = format!("{}  ({place} · {})", topic.title, topic.sections);
            wrap(&sheet.words(&words), sheet.width)
        }
        _ => {
            let sections = match page.sections.as_str() {
                "" => String::new(),
                sections => format!(" · {sections}"),
            };
            let words = format!("{}  ({}{sections})", page.title, page.kind);
            wrap(&sheet.words(&words), sheet.width)
        }
    };
    for line in lines {
        writeln!(output, "{}", sheet.palette.paint(Paint::Title, line))?;
    }
    writeln!(output)?;
    Ok(())
}

/// The text; commands in it that need no file are run here and now, in this width and colour.
fn body(entry: &Entry, text: &str, output: &mut Output) -> Result<(), Failure> {
    let text = match entry {
        Entry::Rule(_) => text.find("**What it asks**").map_or(text, |start| &text[start..]),
        _ => text,
    };
    let sheet = output.sheet;
    let examples = if let Entry::Rule(rule) = entry { examples(rule) } else { Vec::new() };
    let mut examples = examples.iter();
    let mut focus = None;
    let mut prose = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let is_example = ["```frames", "```http"].iter().any(|fence| line.starts_with(fence));
        if line != "```console" && !(is_example && matches!(entry, Entry::Rule(_))) {
            prose.push_str(line);
            prose.push('\n');
            continue;
        }
        markdown::page(output, &sheet, prose.trim_matches('\n'))?;
        prose.clear();
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        writeln!(output)?;
        match examples.next() {
            Some(example) => focus = example::write(output, &sheet, example, focus)?,
            None => console(&block, output)?,
        }
        writeln!(output)?;
    }
    markdown::page(output, &sheet, prose.trim_matches('\n'))?;
    Ok(())
}

/// Commands, each with what it prints.
fn console(block: &[&str], output: &mut Output) -> Result<(), Failure> {
    let sheet = output.sheet;
    let mut is_shown = true;
    for line in block {
        let Some(command) = line.strip_prefix("$ ") else {
            if is_shown {
                writeln!(output, "{}", sheet.clip(line, sheet.width))?;
            }
            continue;
        };
        writeln!(output, "{}", sheet.palette.paint(Paint::Name, format!("$ {command}")))?;
        is_shown = !run_here(command, output)?;
    }
    Ok(())
}

/// Runs a command that reads no file; says whether it did.
pub fn run_here(command: &str, output: &mut Output) -> Result<bool, Failure> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_pure = matches!(words[..], ["ws101", "frame" | "accept", ..])
        && !command.contains(['/', '"', '\'', '|', '<']);
    let Some(Cli { common, command, .. }) =
        is_pure.then(|| Cli::try_parse_from(words).ok()).flatten()
    else {
        return Ok(false);
    };
    super::run_command(command.as_ref(), &common, output)?;
    Ok(true)
}

/// A number too small for a code or status may be an opcode, or a byte in hexadecimal.
fn of_a_number(typed: &str) -> Option<String> {
    let is_byte = typed.len() == 2 && typed.bytes().all(|byte| byte.is_ascii_hexdigit());
    let opcode = |bits: u8| {
        let opcode = Opcode::from_bits(bits);
        format!("ws101 explain 0x{bits:X} (the opcode: {})", opcode.name())
    };
    match typed.parse::<u8>().ok().filter(|number| *number < 16) {
        Some(number) => Some(format!("  did you mean: {}?", opcode(number))),
        None if is_byte => {
            let byte = u8::from_str_radix(typed, 16).ok()?;
            let fin = if byte & 0x80 != 0 { "FIN is 1" } else { "FIN is 0" };
            let opcode = opcode(byte & 0x0f);
            Some(format!(
                "  as the first byte of a frame, {fin}, and for its lower half see {opcode}\n  try: \
                 ws101 frame {typed} 00"
            ))
        }
        None => None,
    }
}

fn unknown(typed: &str) -> Failure {
    let shown = escape::clipped(typed.as_bytes(), 80);
    let mut message = format!("error: there is nothing to explain under \"{shown}\"");
    if let Some(byte) = of_a_number(typed.trim()) {
        return Failure::Input(format!("{message}\n{byte}"));
    }
    let near = ws101::rules::nearest(typed, teach::names());
    if near.is_empty() {
        message
            .push_str("\n  expected: a topic, rule, field, opcode, close code, header or status");
    } else {
        message.push_str("\n  did you mean:");
        for name in near {
            let title = teach::find(name).first().map(Entry::title).unwrap_or_default();
            message.push_str(&format!("\n    {name:<28} {title}"));
        }
    }
    message.push_str("\n  try: ws101 explain, or ws101 rules");
    Failure::Input(message)
}
