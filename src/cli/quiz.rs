//! `ws101 quiz`: exercises, asked one by one or printed as a sheet.

use super::explain::run_here;
use super::{Common, Failure, Format, Output, Status, name};
use clap::ValueEnum;
use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use ws101::Inspector;
use ws101::input::capture;
use ws101::render::{Paint, frame, wrap};
use ws101::rules::Severity;
use ws101::teach::quiz::{self, KINDS, Kind, Material, Question, Wish, Worksheet};
use ws101::websocket::Limits;

/// Exercises: asked one by one, or printed as a worksheet with its key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 quiz                                   ten questions, from easy to hard
  ws101 quiz --level 1 --count 5               five easy ones
  ws101 quiz --kind unmask,length              only these
  ws101 quiz --kinds                           the kinds there are
  ws101 quiz --seed 7 --worksheet              a sheet for paper, in Markdown
  ws101 quiz --seed 7 --worksheet=html         the same for a browser's printer
  ws101 quiz --seed 7 --worksheet --answers    its key
  ws101 quiz --from lesson.pcap                about a capture of your own

While it asks: ? for a hint, s to skip, q to end. The same seed gives the same questions.")]
pub struct Args {
    /// Where the questions come from: the same number gives the same ones. Without it, a new
    /// sheet each time.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many questions.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    count: u16,
    /// Only this level: 1 reading, 2 reckoning, 3 judging.
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<u8>,
    /// Only these kinds.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kind: Vec<&'static Kind>,
    /// List the kinds.
    #[arg(long)]
    kinds: bool,
    /// Ask about the frames and endings of this capture.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Print a sheet instead of asking.
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, default_missing_value = "markdown")]
    worksheet: Option<Form>,
    /// Print the key of the sheet instead of the sheet.
    #[arg(long)]
    answers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Markdown.
    Markdown,
    /// A page to print from a browser.
    Html,
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names = KINDS.iter().map(|kind| kind.name);
        let about = KINDS.iter().filter(|kind| kind.topic.eq_ignore_ascii_case(name));
        let mut near: Vec<&str> = about.map(|kind| kind.name).collect();
        near.extend(ws101::rules::nearest(name, names.clone()));
        near.dedup();
        let names: Vec<&str> = names.collect();
        match near.is_empty() {
            true => format!("expected one of {}", names.join(", ")),
            false => format!("did you mean {}?", near.join(" or ")),
        }
    })
}

fn level(typed: &str) -> Result<u8, String> {
    let level = typed.parse().ok().filter(|level| (1..=3).contains(level));
    level.ok_or_else(|| "expected 1 (reading), 2 (reckoning) or 3 (judging)".to_owned())
}

/// A question, as JSON.
#[derive(serde::Serialize)]
struct Record<'a> {
    r#type: &'static str,
    seed: u64,
    number: usize,
    kind: &'static str,
    level: u8,
    topic: &'static str,
    ask: &'a str,
    shown: &'a [String],
    choices: &'a [String],
    answer: String,
    hint: &'static str,
    because: &'a str,
    command: Option<&'a str>,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    if args.kinds {
        return list(output);
    }
    let material = match &args.from {
        Some(file) => collect(file, common)?,
        None => Material::default(),
    };
    let wish = Wish {
        seed: args.seed.unwrap_or_else(some_seed),
        count: usize::from(args.count),
        level: args.level,
        kinds: args.kind.clone(),
    };
    let questions = quiz::sheet(&wish, &material);
    if questions.is_empty() {
        return Err(nothing_to_ask(args));
    }
    if common.format != Format::Text {
        let records: Vec<Record<'_>> = questions
            .iter()
            .enumerate()
            .map(|(index, it)| record(it, index + 1, wish.seed))
            .collect();
        output.write_records(common.format, &records)?;
        return Ok(Status::Good);
    }
    let sheet = Worksheet {
        questions: &questions,
        seed: wish.seed,
        source: material.source.as_deref(),
        key: args.answers,
    };
    match args.worksheet {
        Some(Form::Html) => output.write_all(sheet.html().as_bytes())?,
        None if !args.answers => ask(&questions, wish.seed, output)?,
        _ => output.write_all(sheet.markdown().as_bytes())?,
    }
    Ok(Status::Good)
}

/// Nothing that was wished for can be asked.
fn nothing_to_ask(args: &Args) -> Failure {
    let Some(file) = &args.from else {
        let advice = "try: ws101 quiz --kinds";
        return Failure::Input(format!("error: no kind of question has this level\n  {advice}"));
    };
    let kinds = KINDS.iter().filter(|kind| kind.of_captures).map(|kind| kind.name);
    Failure::Input(format!(
        "error: {} holds nothing for a question of this kind and level\n  expected: frames with \
         short payloads, or ends of connections\n  what can be asked about a capture: {}",
        name::shown(file),
        kinds.collect::<Vec<_>>().join(", ")
    ))
}

fn record(question: &Question, number: usize, seed: u64) -> Record<'_> {
    Record {
        r#type: "question",
        seed,
        number,
        kind: question.kind.name,
        level: question.kind.level,
        topic: question.topic,
        ask: &question.ask,
        shown: &question.shown,
        choices: &question.choices,
        answer: question.answer.shown(&question.choices),
        hint: question.hint,
        because: &question.because,
        command: question.command.as_deref(),
    }
}

/// A seed that nobody chose, short enough to be written on a sheet.
fn some_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |it| u64::from(it.subsec_nanos()) / 1000 + it.as_secs() % 1000)
}

fn list(output: &mut Output) -> Result<Status, Failure> {
    let sheet = output.sheet;
    for kind in &KINDS {
        let name = sheet.palette.paint(Paint::Name, format!("{:<14}", kind.name));
        writeln!(output, " level {}  {name} {}", kind.level, kind.about)?;
    }
    Ok(Status::Good)
}

/// The frames and endings of a capture, without its secrets if that is asked for.
fn collect(file: &Path, common: &Common) -> Result<Material, Failure> {
    let name = name::shown(file);
    let source = File::open(file).map_err(|error| name::cannot("opened", file, &error))?;
    let limits = Limits { keep_frames: true, ..Limits::default() };
    let mut inspector = Inspector::new(common.judging.redacting(quiz::Heard::default()), limits);
    capture::read(source, &mut inspector, capture::Options::default()).map_err(|error| {
        let error = error.to_string().replace("FILE", &name);
        Failure::Input(format!("error: {name} can't be read as a capture\n  {error}"))
    })?;
    let (heard, _) = inspector.into_parts();
    Ok(Material { source: Some(name), ..heard.into_inner().material })
}

/// How far somebody has got.
#[derive(Default)]
struct Score {
    right: usize,
    asked: usize,
}

/// Asks one by one.
fn ask(questions: &[Question], seed: u64, output: &mut Output) -> Result<(), Failure> {
    let mut lines = io::stdin().lock().lines();
    let mut score = Score::default();
    for (index, question) in questions.iter().enumerate() {
        put(question, index + 1, questions.len(), output)?;
        if !ask_one(question, &mut lines, &mut score, output)? {
            break;
        }
    }
    writeln!(output)?;
    let Score { right, asked } = score;
    let words = format!("{right} of {asked} right. The same questions again: --seed {seed}");
    say(output, Paint::Title, &words)?;
    Ok(())
}

/// Asks until there is an answer; false if nobody wants to go on. Whether it was right stands
/// below the explanation, where the eye is when the next question comes.
fn ask_one(
    question: &Question,
    lines: &mut impl Iterator<Item = io::Result<String>>,
    score: &mut Score,
    output: &mut Output,
) -> Result<bool, Failure> {
    let mut hinted = false;
    let is_right = loop {
        prompt(question, output)?;
        let Some(Ok(typed)) = lines.next() else { return Ok(false) };
        match typed.trim() {
            "q" | "quit" => return Ok(false),
            "?" | "hint" => {
                say(output, Paint::Faint, question.hint)?;
                hinted = true;
                continue;
            }
            "s" | "skip" => break None,
            _ => {}
        }
        match question.answer.accepts(&typed, &question.choices) {
            Some(is_right) => break Some(is_right),
            None => say(output, Paint::Faint, &format!("Expected {}.", wants(question)))?,
        }
    };
    score.asked += 1;
    score.right += usize::from(is_right == Some(true));
    reveal(question, output)?;
    let (paint, words) = match is_right {
        None => (Paint::Faint, "skipped".to_owned()),
        Some(true) => {
            let words = if hinted { "right, with the hint" } else { "right" };
            (Paint::Good, format!("{} {words}", output.sheet.good()))
        }
        Some(false) => (Paint::Severity(Severity::Error), format!("{} no", output.sheet.bad())),
    };
    let Score { right, asked } = score;
    say(output, paint, &format!("{words} · {right} of {asked} so far"))?;
    Ok(true)
}

fn say(output: &mut Output, paint: Paint, words: &str) -> io::Result<()> {
    let sheet = output.sheet;
    for line in wrap(&sheet.words(words), sheet.width.saturating_sub(3)) {
        writeln!(output, "   {}", sheet.palette.paint(paint, line))?;
    }
    Ok(())
}

fn put(question: &Question, number: usize, of: usize, output: &mut Output) -> io::Result<()> {
    let sheet = output.sheet;
    let title = format!("{number}/{of}  {} (level {})", question.kind.name, question.kind.level);
    writeln!(output, "\n{}", sheet.palette.paint(Paint::Faint, title))?;
    say(output, Paint::Title, &question.ask)?;
    for line in &question.shown {
        writeln!(output, "     {}", sheet.clip(line, sheet.width.saturating_sub(5)))?;
    }
    for (index, choice) in question.choices.iter().enumerate() {
        let letter = quiz::letter(index);
        let choice = sheet.clip(&sheet.words(choice), sheet.width.saturating_sub(6));
        writeln!(output, "   {letter}) {choice}")?;
    }
    Ok(())
}

fn wants(question: &Question) -> String {
    question.answer.wants(question.choices.len())
}

/// Where there is nobody to type, the answer's place is shown all the same.
fn prompt(question: &Question, output: &mut Output) -> io::Result<()> {
    write!(output, "   {} (? hint, s skip, q quit)> ", output.sheet.words(&wants(question)))?;
    output.flush()?;
    if !io::stdin().is_terminal() {
        writeln!(output)?;
    }
    Ok(())
}

/// The answer, why, and the figure of the frame: about as much as fits on a screen. The whole
/// layout is one command away.
fn reveal(question: &Question, output: &mut Output) -> Result<(), Failure> {
    let sheet = output.sheet;
    let answer = question.answer.shown(&question.choices);
    say(output, Paint::Title, &format!("answer: {answer}"))?;
    say(output, Paint::Faint, &question.because)?;
    if let Some((from, bytes)) = &question.frame {
        frame::figure_of(output, &sheet, *from, bytes)?;
    }
    let command = question.command.as_deref().filter(|it| !it.starts_with("explain "));
    if let Some(command) = command {
        let command = format!("ws101 {command}");
        writeln!(output, "   {}", sheet.palette.paint(Paint::Name, format!("$ {command}")))?;
        if question.frame.is_none() {
            run_here(&command, output)?;
        }
    }
    say(output, Paint::Faint, &format!("learn more: ws101 explain {}", question.topic))?;
    Ok(())
}
