//! What is shown as a whole: a capture, a handshake or the bytes of frames, read as what it is and
//! kept as a recording.

use super::pcap::key_log;
use super::progress::{self, Progress};
use super::{Common, Failure, Format, Output, frame, name};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use ws101::input::capture::{self, CaptureFile, Tally};
use ws101::input::transcript::{self, Transcript};
use ws101::inspection::Observer;
use ws101::recording::{Extent, Recording};
use ws101::redact::Redact;
use ws101::render::{issue, mermaid};
use ws101::websocket::Limits;
use ws101::{Counts, Inspector};

/// What is read.
#[derive(Debug, Clone, clap::Args)]
pub struct Recorded {
    /// A capture, a handshake as text, or the bytes of frames.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Open TLS with the secrets in this file, in the format of SSLKEYLOGFILE; may be repeated.
    #[arg(long, value_name = "FILE")]
    keylog: Vec<PathBuf>,
    #[command(flatten)]
    bytes: frame::Bytes,
}

/// What it turned out to be.
pub struct Source {
    /// What it is.
    pub kind: Kind,
    /// What was counted in it.
    pub counts: Counts,
    /// Of a capture: its packets and their bytes.
    pub tally: Option<Tally>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A capture.
    Capture,
    /// Handshakes as text.
    Transcript,
    /// The bytes of frames.
    Frames,
}

impl Kind {
    /// What it is, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Capture => "a packet capture",
            Kind::Transcript => "an opening handshake",
            Kind::Frames => "bytes of frames",
        }
    }
}

/// How much of a file is looked at to tell what it is.
const LOOKED_AT: u64 = 1 << 20;

impl Recorded {
    /// Reads the file and keeps so much of it.
    pub fn record(&self, common: &Common, extent: Extent) -> Result<(Recording, Source), Failure> {
        self.tell(common, Recording::new(extent), extent)
    }

    /// Reads the file as what it is, and tells an observer that wants so much of it.
    pub fn tell<O: Observer>(
        &self,
        common: &Common,
        observer: O,
        extent: Extent,
    ) -> Result<(O, Source), Failure> {
        read_twice(&self.file)?;
        let mut start = Vec::new();
        File::open(&self.file)
            .and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start))
            .map_err(|error| name::cannot("opened", &self.file, &error))?;
        let limits = limits(extent);
        if CaptureFile::open(&start[..]).is_ok() {
            let observer = common.judging.redacting(observer);
            let inspector = common.judging.applied(Inspector::new(observer, limits));
            return self.of_capture(inspector, common);
        }
        if start.len() as u64 == LOOKED_AT {
            start = std::fs::read(&self.file)
                .map_err(|error| name::cannot("read", &self.file, &error))?;
        }
        match transcript::read(&start) {
            Ok(transcript) => {
                let observer = common.judging.redacting(observer);
                let new = Inspector::of_transcripts(observer, limits);
                Ok(of_transcript(common.judging.applied(new), &transcript))
            }
            Err(_) => self.of_frames(common, observer, limits),
        }
    }

    fn of_capture<O: Observer>(
        &self,
        mut inspector: Inspector<Redact<O>>,
        common: &Common,
    ) -> Result<(O, Source), Failure> {
        let source =
            File::open(&self.file).map_err(|error| name::cannot("opened", &self.file, &error))?;
        let progress = match !common.quiet && Progress::is_of_use(false) {
            true => Progress::of(progress::length(&self.file)),
            false => Progress::hidden(),
        };
        let source = progress.watch(Box::new(source));
        let options = capture::Options { key_log: key_log(&self.keylog)?, ..Default::default() };
        let tally = capture::read(source, &mut inspector, options).map_err(|error| {
            let name = name::shown(&self.file);
            Failure::Input(format!("error: {name} can't be read as a capture\n  {error}"))
        })?;
        Ok(parts(inspector, Kind::Capture, Some(tally)))
    }

    fn of_frames<O: Observer>(
        &self,
        common: &Common,
        observer: O,
        limits: Limits,
    ) -> Result<(O, Source), Failure> {
        let agreement = self.bytes.agreement()?;
        let files = [self.file.clone().into_os_string()];
        let bytes = self.bytes.read(&files, common.judging.redact)?;
        let observer = common.judging.redacting(observer).agreed(agreement);
        let mut inspector = common.judging.applied(Inspector::new(observer, limits));
        self.bytes.inspect(&mut inspector, &bytes, agreement);
        Ok(parts(inspector, Kind::Frames, None))
    }
}

/// What is looked at first and read then has to be a file: a pipe gives its bytes once.
pub fn read_twice(name: &Path) -> Result<(), Failure> {
    match std::fs::metadata(name) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            let name = name::shown(name);
            Err(Failure::Input(format!(
                "error: {name} is no file but a pipe or a device, which gives its bytes once only\n  \
                 expected: a file\n  \
                 try: ws101 pcap {name}, if it is a capture, or cat {name} > FILE first"
            )))
        }
        _ => Ok(()),
    }
}

fn of_transcript<O: Observer>(
    mut inspector: Inspector<Redact<O>>,
    transcript: &Transcript,
) -> (O, Source) {
    for exchanges in &transcript.connections {
        transcript::tell(exchanges, &mut inspector);
    }
    parts(inspector, Kind::Transcript, None)
}

/// Whole frames are asked for only as far as they are shown: what is kept of a message is its
/// beginning.
fn limits(extent: Extent) -> Limits {
    Limits { max_payload: extent.message, keep_frames: true, ..Limits::default() }
}

fn parts<O: Observer>(
    inspector: Inspector<Redact<O>>,
    kind: Kind,
    tally: Option<Tally>,
) -> (O, Source) {
    let (observer, counts) = inspector.into_parts();
    (observer.into_inner(), Source { kind, counts, tally })
}

/// How much a document of that format shows.
pub fn extent(format: Format) -> Extent {
    if format == Format::Mermaid { mermaid::EXTENT } else { issue::EXTENT }
}

/// Writes a report to paste into an issue, or a diagram, of what a command makes of these files.
pub fn write(
    recording: &Recording,
    command: &str,
    files: &[String],
    counts: &Counts,
    common: &Common,
    output: &mut Output,
) -> Result<(), Failure> {
    if common.format == Format::Mermaid {
        return Ok(mermaid::write(output, recording)?);
    }
    let names = files.iter().map(|file| match Path::new(file).file_name() {
        _ if file == "-" => name::STDIN.to_owned(),
        Some(name) => name.to_string_lossy().into_owned(),
        None => file.clone(),
    });
    let name = name::joined(&names.collect::<Vec<_>>());
    let command = format!("ws101 {command} {}", files.join(" "));
    let subject = issue::Subject { name, command, redacted: common.judging.redact };
    Ok(issue::write(output, recording, &subject, counts)?)
}
