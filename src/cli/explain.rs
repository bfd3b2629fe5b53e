//! `ws101 explain`: explains a rule.

use super::{Common, Failure, Output, Status};

/// Explains a rule.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args, _common: &Common, _output: &mut Output) -> Result<Status, Failure> {
    Err(Failure::Input("error: this command is still to be written".to_owned()))
}
