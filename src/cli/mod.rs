//! The command line: arguments, one file per command, and what all commands share.

mod accept;
mod explain;
mod frame;
mod handshake;
mod output;
mod pcap;
mod rules;

pub use output::{Common, Failure, Format, Output, Status};

use clap::{Parser, Subcommand};
use std::io::Write as _;

/// Inspects WebSocket traffic: handshakes, frames, packet captures.
#[derive(Debug, Parser)]
#[command(name = "ws101", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Frame(frame::Args),
    Handshake(handshake::Args),
    Pcap(pcap::Args),
    Accept(accept::Args),
    Explain(explain::Args),
    Rules(rules::Args),
}

/// Runs what the arguments ask for.
pub fn run(cli: Cli) -> Result<Status, Failure> {
    let Cli { common, command } = cli;
    let mut output = Output::new(&common);
    let status = match &command {
        None => return Err(Failure::Input("error: no command was given".to_owned())),
        Some(Command::Frame(args)) => frame::run(args, &common, &mut output),
        Some(Command::Handshake(args)) => handshake::run(args, &common, &mut output),
        Some(Command::Pcap(args)) => pcap::run(args, &common, &mut output),
        Some(Command::Accept(args)) => accept::run(args, &common, &mut output),
        Some(Command::Explain(args)) => explain::run(args, &common, &mut output),
        Some(Command::Rules(args)) => rules::run(args, &common, &mut output),
    }?;
    output.flush()?;
    Ok(status)
}
