//! `ws101 FILE`: looks at what the file is, says so, and runs the fitting command.

use super::{Cli, Common, Failure, Output, Status, name};
use clap::Parser as _;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use ws101::input::capture::CaptureFile;
use ws101::input::{reason, transcript};

/// How much of a file is looked at.
const LOOKED_AT: u64 = 1 << 20;

/// Finds the fitting command and runs it.
pub fn run(file: &Path, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let shown = name::shown(file);
    super::recorded::read_twice(file)?;
    let mut start = Vec::new();
    File::open(file)
        .and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start))
        .map_err(|error| Failure::Input(cannot_open(&shown, &error)))?;
    let (what, command) = if CaptureFile::open(&start[..]).is_ok() {
        ("a packet capture", "pcap")
    } else if transcript::read(&start).is_ok() {
        ("an HTTP exchange", "handshake")
    } else {
        ("neither a capture nor an HTTP exchange, so perhaps bytes of frames", "frame")
    };
    if !common.quiet {
        crate::cli::complain(&format!("{shown} is {what}: ws101 {command} {shown}"));
    }
    let cli = Cli::parse_from(
        ["ws101", command, "--"].map(OsStr::new).into_iter().chain([file.as_os_str()]),
    );
    super::run_command(cli.command.as_ref(), common, output)
}

fn cannot_open(shown: &str, error: &std::io::Error) -> String {
    let advice = match (shown, super::advice::near_command(shown)) {
        ("lesson" | "lessons" | "course" | "topics", _) => {
            "the course: ws101 explain; the lessons: docs/lessons/README.md".to_owned()
        }
        (_, Some(near)) => format!("did you mean: ws101 {near}?"),
        _ => "expected: a file, or a command\n  try: ws101 --help".to_owned(),
    };
    let why = reason(error);
    format!("error: {shown} is no command, and it can't be opened as a file: {why}\n  {advice}")
}
