//! `ws101 quiz`: exercises, asked one by one or printed as a sheet.

use super::explain::run_here;
use super::{Common, Failure, Format, Output, Status};
use clap::ValueEnum;
use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use ws101::Inspector;
use ws101::input::capture;
use ws101::render::{Paint, escape, wrap};
use ws101::teach::quiz::{self, Answer, KINDS, Kind, Material, Question, Wish, Worksheet};
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
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=3))]
    level: Option<u8>,
    /// Only these kinds.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kind: Vec<&'static Kind>,
    /// List the kinds.
    #[arg(long)]
    kinds: bool,
    /// Ask about the frames and endings of this capture.
    #[arg(long, value_name = "FILE")]
    from: Option<String>,
    /// Print a sheet instead of asking.
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "markdown")]
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
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("expected one of {}", names.join(", "))
    })
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
        Some(file) => collect(file)?,
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
        let about = args.from.as_deref().unwrap_or("this choice");
        return Err(Failure::Input(format!(
            "error: there is no question of this kind and level about {about}\n  \
             try: ws101 quiz --kinds"
        )));
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

fn record(question: &Question, number: usize, seed: u64) -> Record<'_> {
    Record {
        r#type: "question",
        seed,
        number,
        kind: question.kind.name,
        level: question.kind.level,
        topic: question.kind.topic,
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

/// The frames and endings of a capture.
fn collect(file: &str) -> Result<Material, Failure> {
    let name = escape::text(file.as_bytes());
    let source = File::open(file)
        .map_err(|error| Failure::Input(format!("error: {name} can't be opened: {error}")))?;
    let limits = Limits { keep_frames: true, ..Limits::default() };
    let mut inspector = Inspector::new(quiz::Heard::default(), limits);
    capture::read(source, &mut inspector, capture::Options::default()).map_err(|error| {
        let error = error.to_string().replace("FILE", &name);
        Failure::Input(format!("error: {name} can't be read as a capture\n  {error}"))
    })?;
    let (heard, _) = inspector.into_parts();
    Ok(Material { source: Some(name), ..heard.material })
}

/// Asks one by one.
fn ask(questions: &[Question], seed: u64, output: &mut Output) -> Result<(), Failure> {
    let mut lines = io::stdin().lock().lines();
    let (mut right, mut asked) = (0, 0);
    'questions: for (index, question) in questions.iter().enumerate() {
        put(question, index + 1, questions.len(), output)?;
        let mut hinted = false;
        loop {
            prompt(question, output)?;
            let typed = match lines.next() {
                Some(Ok(typed)) => typed,
                _ => break 'questions,
            };
            match typed.trim() {
                "q" | "quit" => break 'questions,
                "?" | "hint" => {
                    say(output, Paint::Faint, question.hint)?;
                    hinted = true;
                    continue;
                }
                "s" | "skip" => {
                    asked += 1;
                    reveal(question, output)?;
                    break;
                }
                _ => {}
            }
            let Some(is_right) = question.answer.accepts(&typed, &question.choices) else {
                say(output, Paint::Faint, &format!("Expected {}.", question.answer.wants()))?;
                continue;
            };
            asked += 1;
            right += usize::from(is_right);
            let mark = if is_right { output.sheet.good() } else { output.sheet.bad() };
            let words = match (is_right, hinted) {
                (true, false) => "right",
                (true, true) => "right, with the hint",
                (false, _) => "no",
            };
            let paint =
                if is_right { Paint::Good } else { Paint::Severity(ws101::rules::Severity::Error) };
            say(output, paint, &format!("{mark} {words}"))?;
            reveal(question, output)?;
            break;
        }
    }
    writeln!(output)?;
    let score = format!("{right} of {asked} right. The same questions again: --seed {seed}");
    say(output, Paint::Title, &score)?;
    Ok(())
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
        writeln!(
            output,
            "   {letter}  {}",
            sheet.clip(&sheet.words(choice), sheet.width.saturating_sub(6))
        )?;
    }
    Ok(())
}

/// Where there is nobody to type, the answer's place is shown all the same.
fn prompt(question: &Question, output: &mut Output) -> io::Result<()> {
    write!(output, "   {} (? hint, s skip, q quit)> ", question.answer.wants())?;
    output.flush()?;
    if !io::stdin().is_terminal() {
        writeln!(output)?;
    }
    Ok(())
}

fn reveal(question: &Question, output: &mut Output) -> Result<(), Failure> {
    let answer = question.answer.shown(&question.choices);
    let steps = matches!(question.answer, Answer::Order(_));
    say(output, Paint::Title, &format!("answer: {answer}"))?;
    if !steps || question.because.len() < 400 {
        say(output, Paint::Faint, &question.because)?;
    }
    if let Some(command) = &question.command {
        let command = format!("ws101 {command}");
        let sheet = output.sheet;
        writeln!(output, "   {}", sheet.palette.paint(Paint::Name, format!("$ {command}")))?;
        if command.starts_with("ws101 frame ") {
            run_here(&command, output)?;
        }
    }
    let learn = format!("learn more: ws101 explain {}", question.kind.topic);
    say(output, Paint::Faint, &learn)?;
    Ok(())
}
