//! `ws101 step`: a full-screen walk through a recording. The file is read by a thread of its own, so
//! that the first events are there at once; here are the terminal, the keys and the signals.

use super::recorded::Recorded;
use super::{Common, Failure, Format, Status, explain, name};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use ws101::inspection::{Connection, Observer};
use ws101::recording::Recording;
use ws101::render::Sheet;
use ws101::render::step::{EXTENT, Outcome, Step};
use ws101::rules::Judged;
use ws101::said::Opaque;

/// Walks through a conversation on the full screen: one event, one field, one byte at a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 step chat.pcap                     events on one side; fields, bits and bytes on the other
  ws101 step chat.http                     a handshake, line by line, and how its Accept comes about
  ws101 step frames.bin --from client      the bytes of frames
  ws101 step chat.pcap --present           for a class: values are hidden until you show them
  ws101 step chat.pcap --keylog keys.txt   wss, opened with the browser's secrets

Keys: arrows and Tab go through events, fields and bytes; f to the next finding, / searches, u and i
show what is masked and deflated, e explains what is under the cursor, p hides values, space shows
one, ? tells all keys, q leaves. Exit status: 0, or 2 if the file could not be read.")]
pub struct Args {
    #[command(flatten)]
    input: Recorded,
    /// Presenter mode: values are hidden until a key shows them.
    #[arg(long)]
    present: bool,
}

/// How long a key is waited for before it is looked whether there is more to show.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a walk has to end by itself after a signal.
const GRACE: Duration = Duration::from_millis(500);

/// What the reading thread and the screen share.
type Shared = Arc<Mutex<Recording>>;

/// Runs the command.
pub fn run(args: &Args, common: &Common, sheet: Sheet) -> Result<Status, Failure> {
    let file = name::shown(&args.input.file);
    if common.format != Format::Text {
        let message = "error: step is for people at a terminal\n  expected: no --format";
        return Err(Failure::Input(format!("{message}\n  try: ws101 pcap {file} --format json")));
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        let message = "error: step needs a terminal, for its keys and its screen";
        return Err(Failure::Input(format!("{message}\n  try: ws101 report {file} -o page.html")));
    }
    let shared: Shared = Arc::new(Mutex::new(Recording::new(EXTENT)));
    let mut reading = Some(begin(args, common, &shared));
    // A file that can't be read is told before there is a screen to clear away.
    std::thread::sleep(Duration::from_millis(30));
    if reading.as_ref().is_some_and(JoinHandle::is_finished) {
        end(reading.take())?;
    }
    let file = &args.input.file;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let step = Step::new(&name, sheet, explain::painted).presenting(args.present);
    let stop = stop_on_signals();
    let mut terminal = ratatui::try_init()?;
    let ended = walk(&mut terminal, step, &shared, &mut reading, &stop);
    ratatui::restore();
    ended
}

/// Reads the file in a thread of its own.
fn begin(args: &Args, common: &Common, shared: &Shared) -> JoinHandle<Result<(), Failure>> {
    let (input, tap) = (args.input.clone(), Tap(Arc::clone(shared)));
    // A line about progress would be written over the screen, whose first line tells of it.
    let common = Common { quiet: true, ..common.clone() };
    std::thread::spawn(move || input.tell(&common, tap, EXTENT).map(drop))
}

/// What came of the reading.
fn end(reading: Option<JoinHandle<Result<(), Failure>>>) -> Result<(), Failure> {
    match reading.map(JoinHandle::join) {
        None => Ok(()),
        Some(Ok(read)) => read,
        Some(Err(panic)) => std::panic::resume_unwind(panic),
    }
}

/// Shows and listens until somebody wants to leave.
fn walk(
    terminal: &mut DefaultTerminal,
    mut step: Step,
    shared: &Shared,
    reading: &mut Option<JoinHandle<Result<(), Failure>>>,
    stop: &AtomicBool,
) -> Result<Status, Failure> {
    loop {
        if reading.as_ref().is_none_or(JoinHandle::is_finished) {
            end(reading.take())?;
            step.is_read = true;
        }
        terminal.draw(|frame| step.draw(frame, &lock(shared)))?;
        let is_first = !step.is_read;
        while !event::poll(PATIENCE)? {
            if stop.load(Ordering::Relaxed) {
                return Ok(Status::Good);
            }
            if is_first {
                break;
            }
        }
        while event::poll(Duration::ZERO)? {
            if let Event::Key(key) = event::read()?
                && key.kind != KeyEventKind::Release
                && step.press(key, &lock(shared)) == Outcome::Quit
            {
                return Ok(Status::Good);
            }
        }
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP end the walk as `q` does.
fn stop_on_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    // Without a handler a signal ends the process, and the terminal stays as it is.
    let _ = ctrlc::set_handler(move || {
        told.store(true, Ordering::Relaxed);
        // Waiting for keys never returns where the terminal itself is gone.
        std::thread::sleep(GRACE);
        ratatui::restore();
        std::process::exit(Status::Good.code().into());
    });
    stop
}

fn lock(shared: &Shared) -> MutexGuard<'_, Recording> {
    // A reader that panicked ends the walk; until then there is what it had told.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes what happens on to the recording that is looked at.
struct Tap(Shared);

impl Observer for Tap {
    fn connection(&mut self, connection: &Connection) {
        lock(&self.0).connection(connection);
    }
    fn event(
        &mut self,
        connection: &Connection,
        event: &ws101::websocket::Event<'_>,
        judged: &Judged,
    ) {
        lock(&self.0).event(connection, event, judged);
    }
    fn opaque(&mut self, opaque: &Opaque, judged: &Judged) {
        lock(&self.0).opaque(opaque, judged);
    }
}
