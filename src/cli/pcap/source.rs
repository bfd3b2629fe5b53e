//! Opens what `ws101 pcap` reads, and notes what becomes known of it.

use super::live::{Growing, Pipe, STOP};
use super::progress::Watched;
use super::select::{self, Chosen, Seen};
use super::{Args, Failure};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use ws101::Inspector;
use ws101::input::capture::{self, KeyLog, LinkType, News, Packing, Tally};
use ws101::inspection::Observer;
use ws101::render::escape;
use ws101::websocket::Limits;

/// Reads the file and lets an observer hear what is chosen of it.
pub(super) fn observe<O: Observer>(
    args: &Args,
    chosen: &Chosen,
    observer: O,
    limits: Limits,
    facts: &RefCell<Facts>,
) -> Result<(O, Seen), Failure> {
    let select = select_with(chosen.judging.redacting(observer), chosen);
    let mut inspector = chosen.judging.applied(Inspector::new(select, limits));
    let tally = listen(args, &mut inspector, facts, chosen)?;
    let (select, counts) = inspector.into_parts();
    let (observer, passed, shown) = select.into_parts();
    let observer = observer.into_inner();
    if chosen.filter.is_empty() {
        return Ok((observer, Seen { tally, counts, passed: counts }));
    }
    select::say_if_nothing(shown, &counts);
    Ok((observer, Seen { tally, counts, passed }))
}

fn select_with<O: Observer>(observer: O, chosen: &Chosen) -> ws101::select::Select<'_, O> {
    ws101::select::Select::new(observer, &chosen.filter, &chosen.start)
        .with_closed(chosen.closed.clone())
}

/// What becomes known of the file while it is read.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) format: &'static str,
    pub(super) packing: Option<Packing>,
    links: Vec<LinkType>,
}

impl Facts {
    pub(super) fn link_names(&self) -> Vec<String> {
        self.links.iter().map(ToString::to_string).collect()
    }
}

/// Opens the file and lets the inspector hear it.
pub(super) fn listen<O: Observer>(
    args: &Args,
    inspector: &mut Inspector<O>,
    facts: &RefCell<Facts>,
    chosen: &Chosen,
) -> Result<Tally, Failure> {
    let source = open(args, chosen)?;
    let mut news = |news: News<'_>| match news {
        News::Format(format, packing) => {
            let mut facts = facts.borrow_mut();
            (facts.format, facts.packing) = (format.name(), packing);
        }
        News::Interface(link) => {
            let links = &mut facts.borrow_mut().links;
            if !links.contains(&link) {
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
        key_log: key_log(args)?,
        key_log_grows: args.is_live(),
        // A pipe ends by itself, after its last words.
        stop: source.is_file.then_some(&STOP),
        ..capture::Options::default()
    };
    capture::read(source.bytes, inspector, options).map_err(|error| {
        let error = error.to_string().replace("FILE", &escape::text(args.file.as_bytes()));
        Failure::Input(format!("error: {} can't be read as a capture\n  {error}", name(&args.file)))
    })
}

/// The secrets of `--keylog`, and of the file to which browsers and others write theirs. A variable
/// that was set for them need not name a file that is there.
fn key_log(args: &Args) -> Result<KeyLog, Failure> {
    let mut log = KeyLog::default();
    for path in &args.keylog {
        log.add_file(path.clone()).map_err(|error| {
            let path = escape::text(path.as_os_str().as_encoded_bytes());
            Failure::Input(format!(
                "error: the key log {path} can't be read: {error}\n  \
                 expected: a file of lines such as CLIENT_RANDOM 52362c10… 9f9a0f19…\n  \
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
    is_file: bool,
}

fn open(args: &Args, chosen: &Chosen) -> Result<Source, Failure> {
    if args.file == "-" {
        return Ok(Source { bytes: Box::new(Pipe::new(std::io::stdin())), is_file: false });
    }
    let file = File::open(&args.file).map_err(|error| cannot_open(&args.file, &error))?;
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    let bytes: Box<dyn Read> = match is_file {
        false => Box::new(Pipe::new(file)),
        true if args.follow => Box::new(Growing(file)),
        true if Watched::is_of_use(chosen.writes_at_once) => Box::new(Watched::new(file)),
        true => Box::new(file),
    };
    Ok(Source { bytes, is_file })
}

fn cannot_open(path: &str, error: &std::io::Error) -> Failure {
    let path = escape::text(path.as_bytes());
    Failure::Input(format!("error: {path} can't be opened: {error}"))
}

pub(super) fn name(file: &str) -> Cow<'static, str> {
    match file {
        "-" => Cow::Borrowed("standard input"),
        path => Cow::Owned(escape::text(path.as_bytes())),
    }
}
