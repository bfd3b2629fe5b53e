//! `ws101 build frame`: frames of one endpoint, from their fields.

use super::form::What;
use super::{Making, opened};
use crate::cli::{Common, Failure, Output};
use clap::ValueEnum;
use ws101::build::script::{deflater, length_form, masking_key};
use ws101::build::{Conversation, LengthForm, Mask, Saying, Upgrade, What as Doing};
use ws101::input::bytes::from_hex;
use ws101::said::Endpoint;
use ws101::websocket::Opcode;
use ws101::websocket::mask::MaskingKey;

/// Builds a message or a control frame.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  ws101 build frame --text Hello --mask 37fa213d           the example of RFC 6455 §5.7
  ws101 build frame --text Hello --from server             not masked
  ws101 build frame --text Hello --fragments 3             a text and two continuations
  ws101 build frame --text Hello --deflate --as annotated  compressed, bit by bit
  ws101 build frame --close 1001 \"going away\"
  ws101 build frame --binary 00ff --length-form 64         a length longer than need be
  ws101 build frame --ping beat --as raw -o ping.bin
  ws101 build frame --text Hello --fault UTF-INVALID-BYTE | ws101 frame --from client"
)]
pub(super) struct Args {
    /// A text message.
    #[arg(long, value_name = "TEXT", group = "kind")]
    text: Option<String>,
    /// A binary message; its bytes in hexadecimal.
    #[arg(long, value_name = "HEX", group = "kind")]
    binary: Option<String>,
    /// A continuation of an earlier frame; text.
    #[arg(long, value_name = "TEXT", group = "kind")]
    continuation: Option<String>,
    /// A Ping, perhaps with a payload.
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "", group = "kind")]
    ping: Option<String>,
    /// A Pong, perhaps with a payload.
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "", group = "kind")]
    pong: Option<String>,
    /// A Close, perhaps with a code, and a reason behind it.
    #[arg(long, value_names = ["CODE", "REASON"], num_args = 0..=2, group = "kind")]
    close: Option<Vec<String>>,
    /// Who sends it: clients mask, servers do not.
    #[arg(long, value_enum, value_name = "ENDPOINT")]
    from: Option<From>,
    /// The masking key, eight hexadecimal digits; random without it.
    #[arg(long, value_name = "KEY", value_parser = masking_key, conflicts_with = "no_mask")]
    mask: Option<MaskingKey>,
    /// Do not mask.
    #[arg(long)]
    no_mask: bool,
    /// Cut the message into so many frames.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = fragments)]
    fragments: usize,
    /// Compress with permessage-deflate, with these parameters as in the handshake.
    #[arg(long, value_name = "PARAMS", num_args = 0..=1, require_equals = true,
        default_missing_value = "")]
    deflate: Option<String>,
    /// Write the length in so many bits: 7, 16 or 64.
    #[arg(long, value_name = "BITS", value_parser = bits)]
    length_form: Option<LengthForm>,
    /// Leave FIN 0, as if more fragments followed.
    #[arg(long)]
    no_fin: bool,
    /// Set RSV1, RSV2 or RSV3; may be given several times.
    #[arg(long, value_name = "1|2|3", value_parser = clap::value_parser!(u8).range(1..=3))]
    rsv: Vec<u8>,
    #[command(flatten)]
    making: Making,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    Client,
    Server,
}

/// More fragments than anybody wants to read.
const MOST_FRAGMENTS: usize = 100_000;

fn fragments(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MOST_FRAGMENTS).contains(count));
    count.ok_or_else(|| format!("expected a number from 1 to {MOST_FRAGMENTS}"))
}

fn bits(text: &str) -> Result<LengthForm, String> {
    length_form(text.parse().unwrap_or(0))
}

pub(super) fn run(args: &Args, common: &Common, output: &mut Output) -> Result<(), Failure> {
    let fault = args.making.fault()?;
    let stated = args.from.map(|from| match from {
        From::Client => Endpoint::Client,
        From::Server => Endpoint::Server,
    });
    let needed = fault.and_then(|fault| fault.violator());
    if let (Some(stated), Some(needed), Some(fault)) = (stated, needed, fault)
        && stated != needed
    {
        return Err(Failure::Input(format!(
            "error: only a {needed} can break {}\n  try: --from {needed}",
            fault.rule
        )));
    }
    let from = stated.or(needed).unwrap_or(Endpoint::Client);
    let seed = args.making.seed();
    let mut upgrade = Upgrade::default();
    if let Some(parameters) = &args.deflate {
        let semicolon = if parameters.is_empty() { "" } else { "; " };
        upgrade.extensions = vec![format!("permessage-deflate{semicolon}{parameters}")];
    }
    let numbers = ws101::build::Numbers::new(seed);
    let mut conversation = Conversation::open(&upgrade, numbers);
    conversation.speaker = from;
    conversation.alone = true;
    if let Some(saying) = saying(args)? {
        saying.check().map_err(|what| Failure::Input(format!("error: {what}")))?;
        let mut deflater = args.deflate.as_ref().map(|parameters| deflater(parameters, from));
        for frame in saying.frames(from, &mut conversation.numbers, deflater.as_mut()) {
            conversation.push(from, Doing::Frame(frame), 20_000_000);
        }
    }
    let built = opened(conversation, What::Frames, Some(seed));
    args.making.finish(built, common, output)
}

/// What is to be said; nothing if only a fault is wanted.
fn saying(args: &Args) -> Result<Option<Saying>, Failure> {
    let wrong = |what: &str, expected: &str| {
        Failure::Input(format!("error: {what}\n  expected: {expected}"))
    };
    let binary =
        match &args.binary {
            None => None,
            Some(hex) => Some(from_hex(hex).map_err(|_| {
                wrong("--binary is not hexadecimal", "bytes such as 00 ff, or 00ff")
            })?),
        };
    let close = match &args.close {
        None => None,
        Some(words) => Some(close_body(words).ok_or_else(|| {
            wrong("this is no close code", "a number from 0 to 65535, such as 1000")
        })?),
    };
    let bytes = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
    let said = [
        (Opcode::Text, bytes(&args.text)),
        (Opcode::Binary, binary),
        (Opcode::Continuation, bytes(&args.continuation)),
        (Opcode::Ping, bytes(&args.ping)),
        (Opcode::Pong, bytes(&args.pong)),
        (Opcode::Close, close),
    ];
    let said = said.into_iter().find_map(|(opcode, body)| Some((opcode, body?)));
    let Some((opcode, payload)) = said else {
        return match args.making.fault {
            Some(_) => Ok(None),
            None => Err(wrong(
                "there is nothing to build",
                "--text, --binary, --continuation, --ping, --pong, --close or --fault",
            )),
        };
    };
    Ok(Some(Saying {
        opcode,
        payload,
        fragments: args.fragments,
        fin: !args.no_fin,
        rsv: args.rsv.iter().fold(0, |bits, number| bits | 8 >> number),
        mask: match args.mask {
            _ if args.no_mask => Mask::Without,
            Some(key) => Mask::Key(key),
            None => Mask::AsDue,
        },
        form: args.length_form,
    }))
}

fn close_body(words: &[String]) -> Option<Vec<u8>> {
    let Some((code, reason)) = words.split_first() else { return Some(Vec::new()) };
    let code: u16 = code.parse().ok()?;
    let reason = reason.first().map(String::as_str).unwrap_or_default();
    Some([&code.to_be_bytes(), reason.as_bytes()].concat())
}
