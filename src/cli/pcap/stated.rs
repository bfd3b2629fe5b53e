//! The options of `ws101 pcap` that state what a capture does not tell.

use super::Failure;
use crate::cli::deflate;
use clap::ValueEnum;
use std::net::{IpAddr, SocketAddr};
use ws101::websocket::Statements;

/// What is stated of connections whose handshake was not captured.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Stating what was not captured")]
pub struct Stated {
    /// What does not begin with HTTP is WebSocket, however little there is of it: read it as
    /// frames. With --client, only those connections.
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    assume: Option<Protocol>,
    /// This end is the client: 10.0.0.5:49152, [::1]:49152, or an address alone. May be repeated.
    #[arg(long, value_name = "IP:PORT", value_parser = client)]
    client: Vec<(IpAddr, Option<u16>)>,
    /// permessage-deflate was agreed, with these parameters: "permessage-deflate;
    /// server_no_context_takeover; client_max_window_bits=10".
    #[arg(long, value_name = "PARAMS")]
    deflate: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Websocket,
}

fn client(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(end) = text.parse::<SocketAddr>() {
        return Ok((end.ip(), Some(end.port())));
    }
    let address = text.parse().map_err(|_| "expected 10.0.0.5:49152, [::1]:49152, or an address");
    Ok((address?, None))
}

impl Stated {
    /// What is stated.
    pub fn statements(&self) -> Result<Statements, Failure> {
        Ok(Statements {
            websocket: self.assume.is_some(),
            clients: self.client.clone(),
            agreement: self.deflate.as_deref().map(deflate::agreement).transpose()?,
        })
    }
}
