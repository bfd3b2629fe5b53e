//! `ws101 build conversation`: a whole conversation, from a script or a short chat.

use super::form::What;
use super::{Making, opened};
use crate::cli::{Common, Failure, Output, name};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use ws101::build::{Conversation, Numbers, Script, Upgrade};
use ws101::input::reason;
use ws101::render::escape;

/// Builds a whole conversation as a capture that Wireshark opens, too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a script it is a short chat: a text each, a Ping and its Pong, the closing handshake.
What a script may hold: docs/scripts.md.

Examples:
  ws101 build conversation -o lesson.pcap
  ws101 build conversation samples/scripts/chat.toml | ws101 pcap -
  ws101 build conversation --fault LIV-HALF-OPEN | ws101 pcap -
  ws101 build conversation --as hex                        who says which bytes, and when")]
pub(super) struct Args {
    /// The script, in TOML; `-` reads standard input.
    #[arg(value_name = "SCRIPT")]
    script: Option<PathBuf>,
    #[command(flatten)]
    making: Making,
}

pub(super) fn run(args: &Args, common: &Common, output: &mut Output) -> Result<(), Failure> {
    let Some(file) = &args.script else {
        let seed = args.making.seed();
        let chat = Conversation::chat(&Upgrade::default(), Numbers::new(seed));
        return args.making.finish(opened(chat, What::Conversation, Some(seed)), common, output);
    };
    let shown = name::shown(file);
    let wrong = |what: String| Failure::Input(format!("error: {shown}: {}", what.trim_end()));
    let text = read(file).map_err(|error| wrong(format!("can't be read: {}", reason(&error))))?;
    let script = Script::read(&text).map_err(|what| {
        let what: Vec<String> = what.lines().map(|line| escape::text(line.as_bytes())).collect();
        wrong(what.join("\n  ") + "\n  what a script may hold: docs/scripts.md")
    })?;
    let seed = args.making.seed.or(script.seed).unwrap_or_else(|| args.making.seed());
    let conversation = script.conversation(Numbers::new(seed)).map_err(wrong)?;
    args.making.finish(opened(conversation, What::Conversation, Some(seed)), common, output)
}

fn read(file: &Path) -> std::io::Result<String> {
    if name::is_stdin(file) {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}
