//! `ws101 diff`: what differs between two handshakes or two connections, and whether it matters.

use super::pcap::key_log;
use super::{Common, Failure, Format, Output, Status, name};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use ws101::Inspector;
use ws101::diff::{Side, compare};
use ws101::input::capture::{self, CaptureFile};
use ws101::input::{reason, transcript};
use ws101::redact::Redact;
use ws101::render::diff::{self, Named};
use ws101::render::escape;
use ws101::websocket::Limits;

/// Says what differs between two handshakes or two connections, and whether it matters.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 diff works.http fails.http           two transcripts of a handshake
  ws101 diff works.pcap fails.pcap           the first connections of two captures
  ws101 diff proxy.pcap#1 proxy.pcap#3       two connections of one capture
  ws101 diff --keylog keys.log a.pcap b.pcap   over TLS, with the secrets of both
  ws101 diff -v works.har fails.pcap         what does not matter, too; a transcript and a capture

Order and case of headers are no difference; keys and accepts are compared by whether they are valid,
cookies and logins are never shown.

Exit status: 0 no difference matters, 1 one does, 2 a file could not be read.")]
pub struct Args {
    /// The first: a transcript or a capture, FILE or FILE#N for its connection (exchange) N.
    #[arg(value_name = "A")]
    a: OsString,
    /// The second.
    #[arg(value_name = "B")]
    b: OsString,
    /// Open TLS with the secrets in this file, in the format of SSLKEYLOGFILE; may be repeated.
    /// The file that the variable SSLKEYLOGFILE names is read as well.
    #[arg(long, value_name = "FILE")]
    keylog: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let (a, b) = (read(&args.a, args, common)?, read(&args.b, args, common)?);
    let comparison = compare(&a, &b);
    let names = [&args.a, &args.b].map(|name| name.to_string_lossy());
    let sides = [Named { name: &names[0], side: &a }, Named { name: &names[1], side: &b }];
    match common.format {
        Format::Text => {
            let sheet = output.sheet;
            diff::report(output, &sheet, sides, &comparison, common.verbose > 0)?;
        }
        Format::Json | Format::Jsonl => {
            output.write_records(common.format, &diff::records(sides, &comparison))?;
        }
        _ => {
            let expected = "expected: --format text, json or jsonl";
            return Err(Failure::Input(format!("error: diff writes no findings\n  {expected}")));
        }
    }
    Ok(if comparison.matters() { Status::Found } else { Status::Good })
}

/// A file that is called FILE#N is meant, if there is one; otherwise connection N of FILE.
fn split(argument: &OsStr) -> Result<(PathBuf, u64), Failure> {
    let whole = Path::new(argument);
    let number = name::split_last(argument, b'#').filter(|_| !whole.exists());
    let Some((file, number)) = number else { return Ok((whole.to_owned(), 1)) };
    let number = number.to_string_lossy();
    match number.parse() {
        Ok(number @ 1..) => Ok((file.into(), number)),
        _ => Err(Failure::Input(format!(
            "error: \"{}\" is no number of a connection\n  expected: FILE#N, N from 1 on",
            escape::text(number.as_bytes())
        ))),
    }
}

/// Hears only what may be written.
fn redacting(wanted: u64, common: &Common) -> Redact<Side> {
    common.judging.redacting(Side::of(wanted))
}

/// How much of a file is looked at to see what it is, and the most of a transcript.
const MAX_TRANSCRIPT: u64 = 16 << 20;

fn read(argument: &OsStr, args: &Args, common: &Common) -> Result<Side, Failure> {
    let (path, wanted) = split(argument)?;
    let shown = name::shown(&path);
    let fail = |what: String| Failure::Input(format!("error: {shown} {what}"));
    let cannot = |error: std::io::Error| fail(format!("can't be read: {}", reason(&error)));
    let mut file = File::open(path).map_err(cannot)?;
    let mut start = Vec::new();
    (&mut file).take(MAX_TRANSCRIPT).read_to_end(&mut start).map_err(cannot)?;
    let limits = Limits { max_payload: 0, ..Limits::default() };
    let side = if CaptureFile::open(&start[..]).is_ok() {
        file.rewind().map_err(cannot)?;
        let mut inspector =
            common.judging.applied(Inspector::new(redacting(wanted, common), limits));
        let key_log = key_log(&args.keylog)?;
        let options = capture::Options { key_log, ..capture::Options::default() };
        capture::read(file, &mut inspector, options)
            .map_err(|error| fail(format!("can't be read as a capture\n  {error}")))?;
        inspector.into_parts().0.into_inner()
    } else {
        let transcript = transcript::read(&start)
            .map_err(|error| fail(format!("can't be read as a handshake\n  {error}")))?;
        let inspector = Inspector::of_transcripts(redacting(wanted, common), Limits::default());
        let mut inspector = common.judging.applied(inspector);
        for exchanges in &transcript.connections {
            transcript::tell(exchanges, &mut inspector);
        }
        inspector.into_parts().0.into_inner()
    };
    if !side.found {
        let there = side.connections;
        let what = format!("has no WebSocket connection {wanted}; it has {there}");
        return Err(fail(format!("{what}\n  try: ws101 {shown}")));
    }
    Ok(side)
}
