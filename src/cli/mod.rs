//! The command line: arguments, one file per command, and what all commands share.

mod accept;
mod advice;
mod ascii;
mod build;
mod config;
mod deflate;
mod diff;
mod explain;
mod frame;
mod guess;
mod handshake;
mod judging;
mod manual;
mod name;
mod output;
mod pcap;
mod progress;
mod quiz;
mod recorded;
mod report;
mod rules;
mod step;
mod threshold;

pub use advice::advice;
pub use judging::Judging;
pub use output::{Common, Failure, Format, Output, Status, complain};

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::io::Write as _;
use std::path::PathBuf;

/// Inspects WebSocket traffic: handshakes, frames, packet captures.
#[derive(Debug, Parser)]
#[command(
    name = "ws101",
    version,
    max_term_width = 100,
    subcommand_precedence_over_arg = true,
    arg_required_else_help = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    /// A file: ws101 looks at what it is and runs the fitting command.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  ws101 handshake chat.http                 is this upgrade right, and if not, what is wrong?
  ws101 pcap chat.pcap                      what happened, connection by connection
  ws101 frame 818537fa213d7f9f4d5158        one frame, bit by bit
  ws101 diff works.http fails.http          what differs, and whether it matters
  ws101 step chat.pcap                      through it on the screen, event by event, byte by byte
  ws101 report chat.pcap -o chat.html       one page in which every byte is explained
  ws101 explain HS-RES-ACCEPT-VALUE         what a rule asks, and why

Exit status: 0 nothing at or above --fail-on was found, 1 something was, 2 the input could not be
read or understood.";

#[derive(Debug, Subcommand)]
enum Command {
    Frame(frame::Args),
    Handshake(handshake::Args),
    Pcap(Box<pcap::Args>),
    Diff(diff::Args),
    Step(step::Args),
    Report(report::Args),
    Accept(accept::Args),
    Explain(explain::Args),
    Rules(rules::Args),
    Build(build::Args),
    Quiz(quiz::Args),
    Completions(manual::Completions),
    Man(manual::Man),
}

/// Commands that judge nothing.
const NOT_JUDGING: [&str; 5] = ["explain", "build", "quiz", "completions", "man"];

/// Options about judging, which all commands take.
const OF_JUDGING: [&str; 7] =
    ["fail_on", "select", "ignore", "threshold", "redact", "config", "no_config"];

/// Commands that do not heed all of them, and those that they do heed.
const HEEDED: [(&str, &[&str]); 9] = [
    ("diff", &["select", "ignore", "threshold", "redact", "config", "no_config"]),
    ("step", &["select", "ignore", "threshold", "redact", "config", "no_config"]),
    ("quiz", &["redact", "config", "no_config"]),
    ("accept", &["fail_on"]),
    ("rules", &["threshold"]),
    ("explain", &[]),
    ("build", &[]),
    ("completions", &[]),
    ("man", &[]),
];

/// The command line. A command's help has no options that mean nothing to it: where it has them
/// itself, hidden, the common ones do not come down to it.
pub fn command() -> clap::Command {
    let all = Cli::command();
    let hidden = |name: &str, heeded: &[&str]| -> Vec<clap::Arg> {
        let hide = |arg: &clap::Arg| match arg.get_id().as_str() {
            "format" if NOT_JUDGING.contains(&name) => {
                let arg = arg.clone().hide_possible_values(true);
                Some(arg.help("How to print: text, json or jsonl"))
            }
            id if OF_JUDGING.contains(&id) && !heeded.contains(&id) => Some(arg.clone().hide(true)),
            _ => None,
        };
        all.get_arguments().filter_map(hide).collect()
    };
    let hidden = HEEDED.map(|(name, heeded)| (name, hidden(name, heeded)));
    hidden
        .into_iter()
        .fold(all, |all, (name, hidden)| all.mut_subcommand(name, |command| command.args(hidden)))
}

/// What the arguments ask for.
pub fn parse() -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    if let Some(what) = unheeded(&matches) {
        return Err(command.error(clap::error::ErrorKind::ArgumentConflict, what));
    }
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// An option was given that changes nothing here: whoever gave it expects something of it.
fn unheeded(matches: &ArgMatches) -> Option<String> {
    let (name, own) = matches.subcommand()?;
    let (_, heeded) = HEEDED.iter().find(|(command, _)| *command == name)?;
    let is_given = |matches: &ArgMatches, id: &str| {
        matches.try_contains_id(id).is_ok()
            && matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine)
    };
    // To read no file is what they do.
    let unheeded = OF_JUDGING.iter().filter(|id| **id != "no_config" && !heeded.contains(id));
    let id = unheeded.into_iter().find(|id| is_given(own, id) || is_given(matches, id))?;
    Some(format!("--{} changes nothing of what {name} does", id.replace('_', "-")))
}

/// Runs what the arguments ask for.
pub fn run(cli: Cli) -> Result<Status, Failure> {
    let Cli { common, file, command } = cli;
    let mut output = Output::new(&common);
    let status = match &file {
        Some(file) => guess::run(file, &common, &mut output),
        None => run_command(command.as_ref(), &common, &mut output),
    }?;
    output.flush()?;
    Ok(status)
}

fn run_command(
    command: Option<&Command>,
    common: &Common,
    output: &mut Output,
) -> Result<Status, Failure> {
    check_format(command, common.format)?;
    match command {
        None => Err(Failure::Input("error: no command was given\n  try: ws101 --help".to_owned())),
        Some(Command::Frame(args)) => frame::run(args, &config::with_file(common)?, output),
        Some(Command::Handshake(args)) => handshake::run(args, &config::with_file(common)?, output),
        Some(Command::Pcap(args)) => pcap::run(args, &config::with_file(common)?, output),
        Some(Command::Diff(args)) => diff::run(args, &config::with_file(common)?, output),
        Some(Command::Report(args)) => report::run(args, &config::with_file(common)?, output),
        Some(Command::Step(args)) => step::run(args, &config::with_file(common)?, output.sheet),
        Some(Command::Accept(args)) => accept::run(args, common, output),
        Some(Command::Explain(args)) => explain::run(args, common, output),
        Some(Command::Rules(args)) => rules::run(args, common, output),
        Some(Command::Build(args)) => build::run(args, common, output),
        Some(Command::Quiz(args)) => quiz::run(args, &config::with_file(common)?, output),
        Some(Command::Completions(args)) => manual::completions(args, output),
        Some(Command::Man(args)) => manual::man(args, output),
    }
}

/// Some formats suit some commands only.
fn check_format(command: Option<&Command>, format: Format) -> Result<(), Failure> {
    let is_pcap = matches!(command, Some(Command::Pcap(_)));
    let is_frame = matches!(command, Some(Command::Frame(_)));
    let judges = is_pcap || is_frame || matches!(command, Some(Command::Handshake(_)));
    let what = match format {
        Format::Har if !is_pcap => "only pcap can write HAR",
        Format::Svg if !is_frame => "only frame can draw a figure",
        Format::Markdown | Format::Mermaid if !judges || is_frame => {
            "markdown and mermaid tell conversations: only pcap and handshake have any"
        }
        format if format.checks().is_some() && !judges => {
            "sarif, github and junit tell findings: only handshake, frame and pcap have any"
        }
        _ => return Ok(()),
    };
    Err(Failure::Input(format!("error: {what}\n  expected: --format text, json or jsonl")))
}
