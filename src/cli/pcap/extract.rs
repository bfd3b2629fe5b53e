//! `ws101 pcap --extract DIR`: each message into a file of its own, and an index of them.

use super::select::Chosen;
use super::source::observe;
use super::totals::counted;
use super::{Args, Common, Failure, Output};
use crate::cli::name;
use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use ws101::Counts;
use ws101::input::reason;
use ws101::inspection::{Connection, Observer};
use ws101::render::json;
use ws101::rules::Judged;
use ws101::websocket::{Event, Limits, Message, Opcode};

/// The index: one record a message.
const INDEX: &str = "index.jsonl";

/// `--extract`: each message into a file.
pub(super) fn run(
    args: &Args,
    chosen: &Chosen,
    limits: Limits,
    common: &Common,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let folder = args.select.extract.as_deref().unwrap_or(Path::new("."));
    let observer = Extract::new(folder)?;
    let (observer, seen) = observe(args, chosen, observer, limits, &RefCell::default())
        // What can't be read leaves nothing behind that would be in the way of the next try.
        .inspect_err(|_| drop(fs::remove_file(folder.join(INDEX))))?;
    let (written, index) = observer.finish()?;
    if !common.quiet {
        writeln!(output, "{} written; {index} lists them", counted(written, "message"))?;
    }
    Ok(seen.passed)
}

/// Writes messages into files.
pub struct Extract {
    folder: PathBuf,
    index: BufWriter<File>,
    written: u64,
    error: Option<io::Error>,
}

impl Extract {
    /// Prepares the folder, which must be empty: nothing is overwritten.
    pub fn new(folder: &Path) -> Result<Extract, Failure> {
        let is_empty = fs::create_dir_all(folder)
            .and_then(|()| fs::read_dir(folder))
            .map_err(|error| failure(folder, &error))?
            .next()
            .is_none();
        if !is_empty {
            return Err(Failure::Input(format!(
                "error: {} is not empty, and nothing in it is overwritten\n  \
                 try: another folder; one that does not exist is made",
                name::shown(folder)
            )));
        }
        let index =
            File::create_new(folder.join(INDEX)).map_err(|error| failure(folder, &error))?;
        let index = BufWriter::new(index);
        Ok(Extract { folder: folder.to_owned(), index, written: 0, error: None })
    }

    /// How many messages were written, and where the index of them is.
    pub fn finish(mut self) -> Result<(u64, String), Failure> {
        let result = self.error.take().map_or_else(|| self.index.flush(), Err);
        result.map_err(|error| failure(&self.folder, &error))?;
        let index = self.folder.join(INDEX);
        Ok((self.written, name::shown(&index)))
    }

    fn write(&mut self, connection: &Connection, message: &Message<'_>) -> io::Result<()> {
        let name = name(connection, message);
        File::create_new(self.folder.join(&name))?.write_all(message.payload)?;
        let mut record = json::message_without_text(connection.number, message);
        record["file"] = name.into();
        serde_json::to_writer(&mut self.index, &record)?;
        self.index.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }
}

impl Observer for Extract {
    fn connection(&mut self, _connection: &Connection) {}

    fn event(&mut self, connection: &Connection, event: &Event<'_>, _judged: &Judged) {
        if let Event::Message(message) = event
            && self.error.is_none()
        {
            self.error = self.write(connection, message).err();
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}

fn failure(folder: &Path, error: &io::Error) -> Failure {
    let folder = name::shown(folder);
    Failure::Input(format!("error: messages can't be written into {folder}: {}", reason(error)))
}

/// `c0001-m000012-client-text.txt`; what keeps it from being the whole message stands before the
/// dot.
fn name(connection: &Connection, message: &Message<'_>) -> String {
    let Message { from, number, opcode, .. } = message;
    let flag = |is_so: bool, name: &'static str| if is_so { name } else { "" };
    let notes = [
        flag(!message.complete, "-incomplete"),
        flag(message.truncated, "-truncated"),
        flag(!message.trusted, "-untrusted"),
        flag(message.inflate_fault.is_some(), "-not-inflated"),
        flag(message.opaque, "-opaque"),
    ];
    let ending = ending(message, notes.iter().all(|note| note.is_empty()));
    format!("c{:04}-m{number:06}-{from}-{opcode}{}.{ending}", connection.number, notes.concat())
}

fn ending(message: &Message<'_>, is_whole: bool) -> &'static str {
    if message.opcode != Opcode::Text || message.opaque {
        return "bin";
    }
    // A number or a word in quotes is JSON, too, but nobody would call its file so.
    let is_structure = matches!(message.payload.trim_ascii_start().first(), Some(b'{' | b'['));
    let parses = || serde_json::from_slice::<serde::de::IgnoredAny>(message.payload).is_ok();
    if is_whole && is_structure && parses() { "json" } else { "txt" }
}
