//! `ws101 frame`: decodes raw frame bytes and prints the annotated layout of each frame.

use super::{Common, Failure, Output, Status};

/// Decodes raw frame bytes and prints the annotated layout of each frame.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args, _common: &Common, _output: &mut Output) -> Result<Status, Failure> {
    Err(Failure::Input("error: this command is still to be written".to_owned()))
}
