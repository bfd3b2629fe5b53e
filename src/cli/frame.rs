//! `ws101 frame`: decodes raw frame bytes and prints the annotated layout of each frame.

mod source;
mod text;

use source::{Dress, Manner};

use super::{Common, Failure, Format, Output, Status, deflate, judging};
use clap::ValueEnum;
use std::ffi::OsString;
use std::path::Path;
use ws101::Inspector;
use ws101::recording::{Extent, Recording, What};
use ws101::render::checks::Origin;
use ws101::render::frame::{FrameView, svg};
use ws101::render::json::{self, Shape};
use ws101::said::{At, ConnectionId, Endpoint, Listener as _, Opening, Said, Transport};
use ws101::websocket::extension::Agreement;
use ws101::websocket::{Conversation, Limits};

/// Decodes raw frame bytes and prints the annotated layout of each frame.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Bytes in hexadecimal, in any common dress, or files that hold such text or the bytes
    /// themselves. Several are joined. `-` or nothing reads standard input.
    #[arg(value_name = "BYTES|FILE")]
    inputs: Vec<OsString>,
    #[command(flatten)]
    bytes: Bytes,
    /// One line a frame.
    #[arg(long)]
    brief: bool,
    /// Leave nothing out, however long.
    #[arg(long)]
    all: bool,
    /// Draw the figure of the first frame as a picture, for slides (the same as --format svg).
    #[arg(long, conflicts_with_all = ["brief", "all"])]
    svg: bool,
}

/// How bytes of frames are read, and what is known of them.
#[derive(Debug, Clone, clap::Args)]
pub struct Bytes {
    /// Text is Base64 (standard or URL-safe) instead of hexadecimal.
    #[arg(long)]
    base64: bool,
    /// Files hold the bytes themselves, even if they look like text.
    #[arg(long, conflicts_with = "base64")]
    raw: bool,
    /// Who sent the bytes, so that masking can be judged.
    #[arg(long, value_enum, value_name = "ENDPOINT")]
    from: Option<From>,
    /// permessage-deflate was agreed, with these parameters: `--deflate`,
    /// `--deflate="client_no_context_takeover; client_max_window_bits=10"`.
    #[arg(long, value_name = "PARAMS", num_args = 0..=1, require_equals = true,
        default_missing_value = "")]
    deflate: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    Client,
    Server,
}

const EXAMPLES: &str = "\
Examples:
  ws101 frame 818537fa213d7f9f4d5158                 \"Hello\" from a client (RFC 6455 §5.7)
  ws101 frame --from client 81 05 48 65 6c 6c 6f     the same, forgotten to mask
  ws101 frame 0x01,0x03,0x48,0x65,0x6c 80:02:6c:6f   two fragments, joined
  ws101 frame --deflate c107f248cdc9c90700           compressed (RFC 7692 §7.2.3.1)
  ws101 frame --base64 iAID6A==                      a Close frame
  xxd frames.bin | ws101 frame --brief               a dump, one line a frame
  ws101 frame frames.bin                             a binary file
  ws101 frame --svg 818537fa213d7f9f4d5158 > f.svg   the figure of the RFC, for slides";

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    check_format(args, common.format)?;
    let agreement = args.bytes.agreement()?;
    let redact = common.judging.redact;
    let bytes = args.bytes.read(&args.inputs, redact)?;
    match common.format {
        Format::Text if args.svg => return figure(args, &bytes, agreement, common, output),
        Format::Svg => return figure(args, &bytes, agreement, common, output),
        Format::Text | Format::Markdown | Format::Mermaid => {}
        Format::Json => return records(args, Shape::Document, &bytes, agreement, common, output),
        Format::Jsonl | Format::Har => {
            return records(args, Shape::Lines, &bytes, agreement, common, output);
        }
        Format::Sarif | Format::Github | Format::Junit => {
            return checks(args, &bytes, agreement, common, output);
        }
    }
    show(args, &bytes, redact, agreement, common, output)
}

/// Some formats have no place for some of what can be asked for.
fn check_format(args: &Args, format: Format) -> Result<(), Failure> {
    let (name, what) = match format {
        Format::Text => return Ok(()),
        Format::Svg if args.svg => return Ok(()),
        _ if args.svg => ("--svg", "--svg draws a picture, which is a format of its own"),
        _ if args.brief => ("--brief", "--brief chooses how text is laid out"),
        _ if args.all => ("--all", "--all chooses how text is laid out"),
        _ => return Ok(()),
    };
    Err(Failure::Input(format!("error: {what}\n  expected: --format text, or no {name}")))
}

/// What `ws101 frame --from ENDPOINT` prints of these bytes; `deflate` as in `--deflate`.
pub fn annotate(
    bytes: &[u8],
    from: Endpoint,
    deflate: Option<String>,
    common: &Common,
    output: &mut Output,
) -> Result<(), Failure> {
    let from = match from {
        Endpoint::Client => From::Client,
        Endpoint::Server => From::Server,
    };
    let inputs = Vec::new();
    let manner = Bytes { base64: false, raw: true, from: Some(from), deflate };
    let args = Args { inputs, bytes: manner, brief: false, all: false, svg: false };
    let agreement = args.bytes.agreement()?;
    show(&args, bytes, false, agreement, common, output).map(|_| ())
}

fn show(
    args: &Args,
    bytes: &[u8],
    redact: bool,
    agreement: Option<Agreement>,
    common: &Common,
    output: &mut Output,
) -> Result<Status, Failure> {
    let sender = text::sender(args.bytes.stated(), bytes);
    let sheet = output.sheet;
    let show = text::Show { brief: args.brief, all: args.all, quiet: common.quiet };
    let observer = text::Text::new(output, sheet, sender, show);
    let limits = Limits { keep_frames: true, ..Limits::default() };
    let mut inspector = common
        .judging
        .applied(Inspector::new(common.judging.redacting(observer).agreed(agreement), limits));
    args.bytes.inspect(&mut inspector, bytes, agreement);
    let (observer, counts) = inspector.into_parts();
    let outcome = observer.into_inner().finish()?;
    if outcome.frames == 0 {
        return Err(Failure::Input(source::no_frames(bytes, redact)));
    }
    judging::left_out(&sheet, &common.judging, &counts, output)?;
    Ok(common.judging.status(outcome.worst))
}

fn records(
    args: &Args,
    shape: Shape,
    bytes: &[u8],
    agreement: Option<Agreement>,
    common: &Common,
    output: &mut Output,
) -> Result<Status, Failure> {
    let options = json::Options { layouts: true, ..json::Options::default() };
    let writer = json::Writer::new(output, shape, options);
    let limits = Limits { keep_frames: true, ..Limits::default() };
    let mut inspector = common
        .judging
        .applied(Inspector::new(common.judging.redacting(writer).agreed(agreement), limits));
    args.bytes.inspect(&mut inspector, bytes, agreement);
    let (writer, counts) = inspector.into_parts();
    writer.into_inner().finish(json::summary(&counts))?;
    Ok(common.judging.status(counts.worst()))
}

/// So much of a payload is drawn from: the figure shows its first rows.
const DRAWN: usize = 4096;

/// The first frame as a picture.
fn figure(
    args: &Args,
    bytes: &[u8],
    agreement: Option<Agreement>,
    common: &Common,
    output: &mut Output,
) -> Result<Status, Failure> {
    let extent = Extent {
        connections: 1,
        events: 1,
        events_of_one: 1,
        events_of_findings: 0,
        payload: DRAWN,
        message: DRAWN,
    };
    let limits = Limits { keep_frames: true, ..Limits::default() };
    let recording = common.judging.redacting(Recording::new(extent)).agreed(agreement);
    let mut inspector = common.judging.applied(Inspector::new(recording, limits));
    args.bytes.inspect(&mut inspector, bytes, agreement);
    let (recording, counts) = inspector.into_parts();
    let recording = recording.into_inner();
    let first = recording.conversations.first().and_then(|it| it.items.first());
    let Some((item, What::Frame(facts))) = first.map(|item| (item, &item.what)) else {
        return Err(Failure::Input(source::no_frames(bytes, common.judging.redact)));
    };
    svg(output, &FrameView::recorded(facts, item.from))?;
    Ok(common.judging.status(counts.worst()))
}

/// For the tools of continuous integration.
fn checks(
    args: &Args,
    bytes: &[u8],
    agreement: Option<Agreement>,
    common: &Common,
    output: &mut Output,
) -> Result<Status, Failure> {
    let limits = Limits { keep_frames: true, ..Limits::default() };
    let checks = common.judging.redacting(common.checks(output)).agreed(agreement);
    let mut inspector = common.judging.applied(Inspector::new(checks, limits));
    let file = match args.inputs.as_slice() {
        [only] if Path::new(only).is_file() => Some(only.to_string_lossy()),
        _ => None,
    };
    inspector.observer().inner().set_origin(Origin::file(file.as_deref()));
    args.bytes.inspect(&mut inspector, bytes, agreement);
    let (checks, counts) = inspector.into_parts();
    checks.into_inner().finish(&common.outcome(&counts, &[]))?;
    Ok(common.judging.status(counts.worst()))
}

impl Bytes {
    /// Reads the bytes that all the arguments together stand for.
    pub fn read(&self, inputs: &[OsString], redact: bool) -> Result<Vec<u8>, Failure> {
        source::read(inputs, Manner { dress: self.dress(), redact })
    }

    fn dress(&self) -> Dress {
        match (self.base64, self.raw) {
            (true, _) => Dress::Base64,
            (_, true) => Dress::Raw,
            _ => Dress::Hex,
        }
    }

    /// Who sent them, if that is said.
    fn stated(&self) -> Option<Endpoint> {
        self.from.map(|from| match from {
            From::Client => Endpoint::Client,
            From::Server => Endpoint::Server,
        })
    }

    /// One connection on which one endpoint said these bytes, and then nothing more.
    pub fn inspect<O: ws101::inspection::Observer>(
        &self,
        inspector: &mut Inspector<O>,
        bytes: &[u8],
        agreement: Option<Agreement>,
    ) {
        let stated = self.stated();
        let (id, at) = (ConnectionId(0), At::default());
        let opening = Opening {
            client: None,
            server: None,
            transport: Transport::None,
            initiator_seen: stated.is_some(),
            at,
        };
        inspector.begin(id, &opening, Conversation::assumed(agreement));
        let from = stated.unwrap_or_else(|| text::by_mask_bit(bytes));
        inspector.said(id, Said::Bytes { from, offset: 0, bytes, heard: None, at });
        inspector.forgotten(id, true);
    }

    /// What was agreed in the handshake: without `--deflate`, nothing.
    pub fn agreement(&self) -> Result<Option<Agreement>, Failure> {
        self.deflate.as_deref().map_or(Ok(Agreement::default()), deflate::agreement).map(Some)
    }
}
