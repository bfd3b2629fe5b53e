//! Opens what `ws101 pcap` reads, and notes what becomes known of it.

use super::live::{Growing, Pipe, STOP};
use super::select::{self, Chosen, Seen};
use super::{Args, Failure};
use crate::cli::name;
use crate::cli::progress::{self, Progress};
use std::cell::RefCell;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use ws101::Inspector;
use ws101::cost::{Meter, Metered};
use ws101::input::capture::{self, CaptureError, KeyLog, LinkType, News, Packing, Tally};
use ws101::input::{har, reason};
use ws101::inspection::Observer;
use ws101::said::Listener;
use ws101::websocket::Limits;

/// Reads the file and lets an observer hear what is chosen of it.
pub(super) fn observe<O: Observer>(
    args: &Args,
    chosen: &Chosen,
    observer: O,
    limits: Limits,
    facts: &RefCell<Facts>,
) -> Result<(O, Seen), Failure> {
    observe_beside(args, chosen, observer, limits, facts, None)
}

/// The same, with a meter beside the inspector.
pub(super) fn observe_beside<O: Observer>(
    args: &Args,
    chosen: &Chosen,
    observer: O,
    limits: Limits,
    facts: &RefCell<Facts>,
    meter: Option<&mut Meter>,
) -> Result<(O, Seen), Failure> {
    let select = select_with(chosen.judging.redacting(observer), chosen);
    let mut inspector = inspector(args, chosen, select, limits)?;
    let tally = match meter {
        None => listen(args, &mut inspector, facts, chosen)?,
        Some(meter) => {
            let mut metered = Metered { listener: &mut inspector, meter };
            listen(args, &mut metered, facts, chosen)?
        }
    };
    let (select, counts) = inspector.into_parts();
    let (observer, passed, shown) = select.into_parts();
    let observer = observer.into_inner();
    if chosen.filter.is_empty() {
        return Ok((observer, Seen { tally, counts, passed: counts }));
    }
    select::say_if_nothing(shown, &counts);
    Ok((observer, Seen { tally, counts, passed }))
}

/// An inspector that knows what was stated, and judges as the project wants it.
pub(super) fn inspector<O: Observer>(
    args: &Args,
    chosen: &Chosen,
    observer: O,
    limits: Limits,
) -> Result<Inspector<O>, Failure> {
    let inspector = Inspector::new(observer, limits).stating(args.stated.statements()?);
    Ok(chosen.judging.applied(inspector))
}

fn select_with<O: Observer>(observer: O, chosen: &Chosen) -> ws101::select::Select<'_, O> {
    ws101::select::Select::new(observer, &chosen.filter, &chosen.start)
        .with_closed(chosen.closed.clone())
}

/// What becomes known of the files while they are read.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) files: Vec<FileFacts>,
    /// The one that is spoken of.
    at: usize,
}

/// No more link types than this are told of a file: most have one, and one made to cost much, millions.
const MOST_LINKS: usize = 64;

/// What becomes known of one file.
#[derive(Debug, Default)]
pub(super) struct FileFacts {
    pub(super) format: &'static str,
    packing: Option<Packing>,
    links: Vec<LinkType>,
}

impl FileFacts {
    pub(super) fn link_names(&self) -> Vec<String> {
        self.links.iter().map(ToString::to_string).collect()
    }
}

impl Facts {
    fn file(&mut self) -> &mut FileFacts {
        if self.files.len() <= self.at {
            self.files.resize_with(self.at + 1, FileFacts::default);
        }
        &mut self.files[self.at]
    }

    /// The link types of all files.
    pub(super) fn link_names(&self) -> Vec<String> {
        once_each(self.files.iter().flat_map(FileFacts::link_names))
    }

    /// The formats of all files.
    pub(super) fn formats(&self) -> String {
        let format = |file: &FileFacts| match file.packing {
            Some(packing) => format!("{} in {packing}", file.format),
            None => file.format.to_owned(),
        };
        let known = self.files.iter().filter(|file| !file.format.is_empty());
        once_each(known.map(format)).join(", ")
    }
}

fn once_each(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut each = Vec::new();
    for name in names {
        if !each.contains(&name) {
            each.push(name);
        }
    }
    each
}

/// Opens the files and lets the inspector hear them.
pub(super) fn listen<L: Listener>(
    args: &Args,
    inspector: &mut L,
    facts: &RefCell<Facts>,
    chosen: &Chosen,
) -> Result<Tally, Failure> {
    let mut news = |news: News<'_>| match news {
        News::File(index) => facts.borrow_mut().at = index,
        News::Format(format, packing) => {
            let mut facts = facts.borrow_mut();
            let file = facts.file();
            (file.format, file.packing) = (format.name(), packing);
        }
        News::Interface(link) => {
            let mut facts = facts.borrow_mut();
            let links = &mut facts.file().links;
            if links.len() < MOST_LINKS && !links.contains(&link) {
                links.push(link);
            }
        }
        News::Began(time) => {
            let earlier = chosen.start.get().map_or(time, |start| start.min(time));
            chosen.start.set(Some(earlier));
        }
        News::Secrets(_) | News::Damage(_) => {}
    };
    let options = capture::Options {
        news: Some(&mut news),
        key_log: key_log(&args.keylog)?,
        key_log_grows: args.is_live(),
        layers: args.layers,
        ..capture::Options::default()
    };
    let progress = progress(args, chosen);
    let [file] = &args.files[..] else {
        return listen_to_all(args, inspector, options, &progress);
    };
    let source = open(file, args.follow).map_err(|error| name::cannot("opened", file, &error))?;
    // A pipe ends by itself, after its last words.
    let stop = source.is_file.then_some(&STOP);
    let options = capture::Options { stop, ..options };
    let mut bytes = progress.watch(source.bytes);
    let first = beginning(&mut bytes).map_err(|error| name::cannot("opened", file, &error))?;
    if har::may_be(&first) {
        return listen_to_har(file, first, bytes, inspector, facts, chosen);
    }
    let bytes = Cursor::new(first).chain(bytes);
    capture::read(bytes, inspector, options).map_err(|error| cannot_read(file, &error))
}

/// Tells how far the reading has come, if somebody looks and there is an end to come to.
fn progress(args: &Args, chosen: &Chosen) -> Progress {
    match chosen.shows_progress && !args.follow {
        true => Progress::of(args.files.iter().map(|file| progress::length(file)).sum()),
        false => Progress::hidden(),
    }
}

/// The first bytes of a source: enough to tell what it is.
fn beginning(source: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut first = vec![0; LOOKED_AT];
    loop {
        match source.read(&mut first) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            read => {
                first.truncate(read?);
                return Ok(first);
            }
        }
    }
}

/// How much of a source is looked at to see what it is.
const LOOKED_AT: usize = 64;

/// A HAR is one document: it is read as a whole.
fn listen_to_har<L: Listener>(
    file: &Path,
    mut document: Vec<u8>,
    rest: Box<dyn Read>,
    inspector: &mut L,
    facts: &RefCell<Facts>,
    chosen: &Chosen,
) -> Result<Tally, Failure> {
    let most = har::MAX_LENGTH as u64;
    rest.take(most)
        .read_to_end(&mut document)
        .map_err(|error| name::cannot("opened", file, &error))?;
    if document.len() as u64 > most {
        let what =
            format!("error: {} is larger than the {} MiB of", name::source(file), most >> 20);
        return Err(Failure::Input(format!("{what} JSON that are read as one HAR")));
    }
    facts.borrow_mut().file().format = "har";
    let mut began = |time| chosen.start.set(Some(time));
    let told = har::tell(&document, inspector, &mut began).map_err(|message| {
        let message = message.replace("FILE", &name::shown(file));
        Failure::Input(format!("error: {} can't be read as a HAR: {message}", name::source(file)))
    })?;
    let mut tally = Tally::default();
    (tally.times, tally.har_left_out) = (told.times, told.left_out);
    Ok(tally)
}

/// Several files as one.
fn listen_to_all<L: Listener>(
    args: &Args,
    inspector: &mut L,
    options: capture::Options<'_>,
    progress: &Progress,
) -> Result<Tally, Failure> {
    let files = &args.files;
    check_several(args)?;
    let open_one = |index: usize| {
        let source = open(&files[index], false)?;
        Ok(capture::Opened { bytes: progress.watch(source.bytes), again: source.is_file })
    };
    let options = capture::Options { stop: Some(&STOP), ..options };
    capture::read_all(files.len(), Box::new(open_one), inspector, options).map_err(
        |(index, error)| match error {
            CaptureError::Io { offset: 0, source } => {
                name::cannot("opened", &files[index], &source)
            }
            error => cannot_read(&files[index], &error),
        },
    )
}

fn check_several(args: &Args) -> Result<(), Failure> {
    let pipes = args.files.iter().filter(|file| name::is_stdin(file)).count();
    let (what, expected) = match args.files.len() {
        _ if args.follow => ("--follow waits at the end of one file", "one FILE"),
        _ if pipes > 1 => ("standard input can be read once only", "`-` once"),
        MOST_FILES.. => ("these are too many files to read as one", "fewer than 4,096"),
        _ => return Ok(()),
    };
    Err(Failure::Input(format!("error: {what}\n  expected: {expected}")))
}

/// One more than can be read as one.
const MOST_FILES: usize = capture::MAX_FILES + 1;

fn cannot_read(file: &Path, error: &CaptureError) -> Failure {
    let error = error.to_string().replace("FILE", &name::shown(file));
    Failure::Input(format!("error: {} can't be read as a capture\n  {error}", name::source(file)))
}

/// The secrets of `--keylog`, and of the file to which browsers and others write theirs. A variable
/// that was set for them need not name a file that is there.
pub fn key_log(paths: &[PathBuf]) -> Result<KeyLog, Failure> {
    let mut log = KeyLog::default();
    for path in paths {
        log.add_file(path.clone()).map_err(|error| {
            let (path, why) = (name::shown(path), reason(&error));
            let later = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "\n  if it is still to be written: make it first (touch), it is read as it grows"
                }
                _ => "",
            };
            Failure::Input(format!(
                "error: the key log {path} can't be read: {why}\n  \
                 expected: a file of lines such as CLIENT_RANDOM 52362c10… 9f9a0f19…{later}\n  \
                 try: ws101 explain keylog"
            ))
        })?;
    }
    if let Some(path) = std::env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty()) {
        let _ = log.add_file(path.into());
    }
    Ok(log)
}

/// What is read.
struct Source {
    bytes: Box<dyn Read>,
    /// It is a file, which can be read again.
    is_file: bool,
}

/// Opens a file or a pipe; a file that is followed has no end.
fn open(name: &Path, follow: bool) -> std::io::Result<Source> {
    if name::is_stdin(name) {
        return Ok(Source { bytes: Box::new(Pipe::new(std::io::stdin())), is_file: false });
    }
    let is_file = std::fs::metadata(name)?.is_file();
    let bytes: Box<dyn Read> = match is_file {
        false => {
            let name = name.to_owned();
            Box::new(Pipe::open(move || File::open(name)))
        }
        true if follow => Box::new(Growing::new(File::open(name)?, name.into())),
        true => Box::new(File::open(name)?),
    };
    Ok(Source { bytes, is_file })
}
