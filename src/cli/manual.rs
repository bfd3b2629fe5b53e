//! `ws101 completions` and `ws101 man`: what shells and manual readers need, made from the same
//! declarations as `--help`.

use super::{Failure, Output, Status};
use std::io::Write as _;

/// Prints completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 completions bash > ~/.local/share/bash-completion/completions/ws101
  ws101 completions fish > ~/.config/fish/completions/ws101.fish")]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints the manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 man | man -l -
  ws101 man pcap | man -l -")]
pub struct Man {
    /// The page of this command; without it, that of ws101.
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Runs `ws101 completions`.
pub fn completions(args: &Completions, output: &mut Output) -> Result<Status, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "ws101", &mut script);
    output.write_all(&script)?;
    Ok(Status::Good)
}

/// Runs `ws101 man`.
pub fn man(args: &Man, output: &mut Output) -> Result<Status, Failure> {
    let mut all = super::command();
    all.build();
    let page = match &args.command {
        None => all,
        Some(name) => {
            let found = all.find_subcommand(name).cloned();
            found.ok_or_else(|| {
                let names: Vec<_> = all.get_subcommands().map(clap::Command::get_name).collect();
                let names = names.join(", ");
                Failure::Input(format!("error: there is no such command\n  expected: {names}"))
            })?
        }
    };
    clap_mangen::Man::new(page).render(output)?;
    Ok(Status::Good)
}
