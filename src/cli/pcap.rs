//! `ws101 pcap`: decodes a packet capture: every connection, handshake, frame, message and finding.

use super::{Common, Failure, Output, Status};

/// Decodes a packet capture: every connection, handshake, frame, message and finding.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args, _common: &Common, _output: &mut Output) -> Result<Status, Failure> {
    Err(Failure::Input("error: this command is still to be written".to_owned()))
}
