//! `ws101 rules`: lists every rule that is checked.

use super::{Common, Failure, Output, Status};

/// Lists every rule that is checked.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args, _common: &Common, _output: &mut Output) -> Result<Status, Failure> {
    Err(Failure::Input("error: this command is still to be written".to_owned()))
}
