//! What was built, written in the form that was asked for.

use super::conversation_hint;
use crate::cli::{Common, Failure, Format, Output, name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use ws101::build::fault::{Fault, Level};
use ws101::build::{Act, Conversation, What as Doing};
use ws101::render::escape;
use ws101::said::Endpoint;

/// Where to and in which form.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// In which form: by default hex for frames, the text itself for a handshake, pcap for a
    /// conversation or a file that is called so.
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// The file to write, instead of standard output.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Hexadecimal, one line a frame.
    Hex,
    /// As `ws101 frame` shows it.
    Annotated,
    /// The bytes themselves.
    Raw,
    /// A capture, with TCP around it.
    Pcap,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Frames,
    Handshake,
    Conversation,
}

impl What {
    /// Whether a fault can be seen in it.
    pub(super) fn suits(self, fault: &Fault) -> Result<(), Failure> {
        match (self, fault.level) {
            (What::Conversation, _)
            | (What::Frames, Level::Frames)
            | (What::Handshake, Level::Handshake) => Ok(()),
            _ => Err(conversation_hint(fault)),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            What::Frames => "frames",
            What::Handshake => "handshake",
            What::Conversation => "conversation",
        }
    }
}

/// What was built.
pub(super) struct Built {
    pub(super) conversation: Conversation,
    pub(super) what: What,
    /// Only what this end says.
    pub(super) half: Option<Endpoint>,
    pub(super) fault: Option<&'static Fault>,
    pub(super) seed: Option<u64>,
}

/// What was built, as JSON.
#[derive(Serialize)]
struct Record<'a> {
    r#type: &'static str,
    what: &'static str,
    seed: Option<u64>,
    fault: Option<&'a str>,
    from: Option<&'static str>,
    /// Hexadecimal.
    bytes: Option<String>,
    acts: Vec<ActRecord>,
    /// Base64.
    pcap: Option<String>,
    /// The command that reads it.
    read_with: String,
}

#[derive(Serialize)]
struct ActRecord {
    at: f64,
    from: &'static str,
    what: &'static str,
    text: Option<String>,
    bytes: Option<String>,
}

/// Writes what was built.
pub(super) fn write(
    built: &mut Built,
    target: &Target,
    common: &Common,
    output: &mut Output,
) -> Result<(), Failure> {
    if common.format != Format::Text {
        let record = built.record();
        return Ok(output.write_records(common.format, &[record])?);
    }
    let is_pcap = |path: &Path| path.extension().is_some_and(|extension| extension == "pcap");
    let form = target.form.or_else(|| {
        let is_pcap = target.file.as_deref().is_some_and(is_pcap);
        (is_pcap || built.what == What::Conversation).then_some(Form::Pcap)
    });
    let to_terminal = target.file.is_none() && io::stdout().is_terminal();
    if form == Some(Form::Pcap) && built.half.is_some() {
        return Err(Failure::Input(
            "error: a capture holds both halves\n  expected: --as hex or raw, or neither --request \
             nor --response"
                .to_owned(),
        ));
    }
    let bytes = match (form, built.what) {
        (Some(Form::Pcap), _) => built.pcap(),
        (Some(Form::Annotated), What::Frames) if target.file.is_none() => {
            let deflate = built.deflate();
            let bytes = built.bytes();
            let from = built.conversation.speaker;
            return crate::cli::frame::annotate(&bytes, from, deflate, common, output);
        }
        (Some(Form::Annotated), _) => return Err(built.annotated_elsewhere()),
        (Some(Form::Hex), _) | (None, What::Frames) if target.file.is_none() || form.is_some() => {
            built.hex().into_bytes()
        }
        (None, What::Handshake) if to_terminal => built.escaped().into_bytes(),
        _ => built.bytes(),
    };
    let is_text = matches!(form, Some(Form::Hex)) || form.is_none();
    if to_terminal && !is_text {
        return Err(Failure::Input(format!(
            "error: these bytes are no text, and standard output is a terminal\n  try: -o FILE, or \
             | {}",
            built.reader()
        )));
    }
    match &target.file {
        None => output.write_all(&bytes)?,
        Some(path) => {
            std::fs::write(path, &bytes).map_err(|error| name::cannot("written", path, &error))?
        }
    }
    Ok(())
}

impl Built {
    /// The payloads of the frames that were asked for by themselves.
    pub(super) fn payloads(&self) -> Vec<Vec<u8>> {
        let frames = self.conversation.acts.iter().filter_map(Act::frame);
        match self.what {
            What::Frames => frames.map(|frame| frame.payload.clone()).collect(),
            What::Handshake | What::Conversation => Vec::new(),
        }
    }

    /// Whether each of these is a payload, or a part of one.
    pub(super) fn holds(&self, payloads: &[Vec<u8>]) -> bool {
        let holds = |whole: &[u8], part: &[u8]| {
            part.is_empty() || whole.windows(part.len()).any(|window| window == part)
        };
        payloads.iter().all(|part| {
            let mut frames = self.conversation.acts.iter().filter_map(Act::frame);
            frames.any(|frame| holds(&frame.payload, part))
        })
    }

    fn is_wanted(&self, act: &Act) -> bool {
        self.half.is_none_or(|half| half == act.from)
    }

    /// What the fault, or the handshake, agreed on, as `ws101 frame --deflate` takes it.
    pub(super) fn deflate(&self) -> Option<String> {
        let agreed = self.conversation.agreed()?;
        agreed
            .strip_prefix("permessage-deflate")
            .map(|rest| rest.trim_matches([';', ' ']).to_owned())
    }

    /// The command that reads it.
    fn reader(&mut self) -> String {
        let from = self.conversation.speaker;
        match (self.what, self.deflate()) {
            (What::Conversation, _) => "ws101 pcap -".to_owned(),
            (What::Handshake, _) => "ws101 handshake".to_owned(),
            (What::Frames, None) => format!("ws101 frame --from {from}"),
            (What::Frames, Some(none)) if none.is_empty() => {
                format!("ws101 frame --from {from} --deflate")
            }
            (What::Frames, Some(some)) => format!("ws101 frame --from {from} --deflate=\"{some}\""),
        }
    }

    fn annotated_elsewhere(&mut self) -> Failure {
        let reader = match self.what {
            What::Frames => return Failure::Input(
                "error: annotated frames go to standard output\n  try: > FILE instead of -o FILE"
                    .to_owned(),
            ),
            _ => self.reader(),
        };
        Failure::Input(format!("error: only frames are annotated here\n  try: | {reader}"))
    }

    /// The bytes themselves.
    fn bytes(&mut self) -> Vec<u8> {
        match self.what {
            What::Frames => self.conversation.frames_of(self.conversation.speaker),
            What::Handshake => {
                let heads = [
                    (Endpoint::Client, self.conversation.request().bytes()),
                    (Endpoint::Server, self.conversation.response().bytes()),
                ];
                let wanted =
                    heads.into_iter().filter(|(from, _)| self.half.is_none_or(|it| it == *from));
                wanted.flat_map(|(_, bytes)| bytes).collect()
            }
            What::Conversation => self.conversation.acts.iter().flat_map(Act::bytes).collect(),
        }
    }

    fn pcap(&mut self) -> Vec<u8> {
        if self.what == What::Frames && self.conversation.alone {
            // In a capture the frames have a connection around them, and it ends.
            self.conversation.alone = false;
            if self.conversation.before_close() == self.conversation.acts.len() {
                self.conversation.close(Endpoint::Client, 1000);
            }
        }
        self.conversation.pcap()
    }

    /// One line a frame, or an act: who, and its bytes.
    fn hex(&mut self) -> String {
        let speaker = self.conversation.speaker;
        let mut text = String::new();
        let opened = if self.what == What::Frames { self.conversation.opened() } else { 0 };
        for act in self.conversation.acts.iter().skip(opened) {
            let bytes = act.bytes();
            let is_other = self.what == What::Frames && act.from != speaker;
            if bytes.is_empty() || is_other || !self.is_wanted(act) {
                continue;
            }
            if self.what == What::Conversation {
                let who = if act.from == Endpoint::Client { 'C' } else { 'S' };
                text.push_str(&format!("# t={:.3}\n{who}> ", act.at as f64 / 1e9));
            }
            text.push_str(&escape::hex(&bytes));
            text.push('\n');
        }
        text
    }

    /// The lines of the heads, safe for a terminal.
    fn escaped(&mut self) -> String {
        let bytes = self.bytes();
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            escape::text(line.strip_suffix(b"\r").unwrap_or(line)) + "\n"
        });
        lines.collect()
    }

    fn record(&mut self) -> Record<'static> {
        let frames = self.what == What::Frames;
        let plain = |bytes: &[u8]| escape::hex(bytes).replace(' ', "");
        let acts = if frames { Vec::new() } else { self.acts() };
        Record {
            r#type: "built",
            what: self.what.name(),
            seed: self.seed,
            fault: self.fault.map(|fault| fault.rule),
            from: frames.then(|| self.conversation.speaker.name()),
            bytes: frames.then(|| plain(&self.bytes())),
            pcap: (self.what == What::Conversation).then(|| STANDARD.encode(self.pcap())),
            acts,
            read_with: self.reader(),
        }
    }

    fn acts(&self) -> Vec<ActRecord> {
        let record = |act: &Act| {
            let bytes = act.bytes();
            let (what, is_text) = match &act.what {
                Doing::Head(_) => ("head", true),
                Doing::Frame(_) => ("frame", false),
                Doing::Bytes(_) => ("bytes", false),
                Doing::Window(_) => ("window", false),
                Doing::Fin => ("fin", false),
                Doing::Reset => ("reset", false),
            };
            let text = is_text.then(|| String::from_utf8_lossy(&bytes).into_owned());
            let hex = (!is_text && !bytes.is_empty()).then(|| escape::hex(&bytes).replace(' ', ""));
            let at = act.at as f64 / 1e9;
            ActRecord { at, from: act.from.name(), what, text, bytes: hex }
        };
        let acts = self.conversation.acts.iter().filter(|act| self.is_wanted(act));
        match self.what {
            What::Handshake => {
                acts.filter(|act| matches!(act.what, Doing::Head(_))).map(record).collect()
            }
            _ => acts.map(record).collect(),
        }
    }
}
