//! Opens what `ws101 pcap` reads, and notes what becomes known of it.

use super::select::{self, Chosen, Seen};
use super::{Args, Failure};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use ws101::Inspector;
use ws101::input::capture::{self, KeyLog, LinkType, News, Tally};
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
    pub(super) gzip: bool,
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
    let source: Box<dyn Read> = match args.file.as_str() {
        "-" => Box::new(std::io::stdin().lock()),
        path => Box::new(File::open(path).map_err(|error| cannot_open(path, &error))?),
    };
    let mut news = |news: News<'_>| match news {
        News::Format(format, gzip) => {
            let mut facts = facts.borrow_mut();
            (facts.format, facts.gzip) = (format.name(), gzip);
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
        key_log_grows: args.file == "-",
        ..capture::Options::default()
    };
    capture::read(source, inspector, options).map_err(|error| {
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
