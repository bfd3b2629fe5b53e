//! `ws101 build handshake`: a request and its answer.

use super::form::{Built, What};
use super::{Making, opened};
use crate::cli::{Common, Failure, Output};
use ws101::build::{Conversation, Numbers, Upgrade};
use ws101::said::Endpoint;

/// Builds an opening handshake: a request and its answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 build handshake | ws101 handshake
  ws101 build handshake --request --origin https://example.com
  ws101 build handshake --response --key dGhlIHNhbXBsZSBub25jZQ==
  ws101 build handshake --key dGhlIHNhbXBsZSBub25jZQ==      the example of RFC 6455 §1.3
  ws101 build handshake --subprotocol mqtt --extension permessage-deflate
  ws101 build handshake --status 401                       a refusal, with what belongs to it
  ws101 build handshake --fault HS-RES-ACCEPT-VALUE | ws101 handshake")]
pub(super) struct Args {
    /// Sec-WebSocket-Key, as it is to be sent; random without it.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Host: the server, and its port if it is not the usual one.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The target of the request.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Origin, as browsers send it.
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// A subprotocol to offer; the first is chosen.
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// An extension to offer, with its parameters; all are accepted.
    #[arg(long, value_name = "EXTENSION")]
    extension: Vec<String>,
    /// Another header of the request: "Name: value".
    #[arg(long, value_name = "LINE")]
    header: Vec<String>,
    /// Only the request.
    #[arg(long, conflicts_with = "response")]
    request: bool,
    /// Only the answer.
    #[arg(long)]
    response: bool,
    /// The status of the answer.
    #[arg(long, value_name = "STATUS", default_value_t = 101,
        value_parser = clap::value_parser!(u16).range(100..=599))]
    status: u16,
    #[command(flatten)]
    making: Making,
}

pub(super) fn run(args: &Args, common: &Common, output: &mut Output) -> Result<(), Failure> {
    let usual = Upgrade::default();
    let fields: Option<Vec<(String, String)>> = args
        .header
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        })
        .collect();
    let fields = fields.ok_or_else(|| {
        Failure::Input("error: --header has no colon\n  expected: \"Name: value\"".to_owned())
    })?;
    let upgrade = Upgrade {
        host: args.host.clone().unwrap_or(usual.host),
        path: args.path.clone().unwrap_or(usual.path),
        key: args.key.clone(),
        origin: args.origin.clone(),
        subprotocols: args.subprotocol.clone(),
        extensions: args.extension.clone(),
        fields,
        status: args.status,
    };
    let seed = args.making.seed();
    let mut conversation = Conversation::open(&upgrade, Numbers::new(seed));
    if args.status == 101 {
        conversation.close(Endpoint::Client, 1000);
    } else {
        conversation.end_tcp(Endpoint::Server);
    }
    let half = match (args.request, args.response) {
        (true, _) => Some(Endpoint::Client),
        (_, true) => Some(Endpoint::Server),
        _ => None,
    };
    let built = Built { half, ..opened(conversation, What::Handshake, Some(seed)) };
    args.making.finish(built, common, output)
}
