//! `ws101 accept`: derives Sec-WebSocket-Accept from a key, step by step.

use super::{Common, Failure, Output, Status};

/// Derives Sec-WebSocket-Accept from a key, step by step.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args, _common: &Common, _output: &mut Output) -> Result<Status, Failure> {
    Err(Failure::Input("error: this command is still to be written".to_owned()))
}
