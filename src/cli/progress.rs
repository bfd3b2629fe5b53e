//! How far a long run has come, on a terminal: `412 MiB of 1.2 GiB, 210 MiB/s, 4s left`.

use super::output::columns;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal as _, Read, Seek as _};
use std::path::Path;
use std::time::Duration;

/// Who waits less needs no comfort.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is told in so many columns.
const TEMPLATES: [(usize, &str); 3] = [
    (56, "{bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left"),
    (36, "{bytes} of {total_bytes}, {eta}"),
    (0, "{percent} %, {eta}"),
];

/// The same where nobody knows how much there is.
const ENDLESS: &str = "{bytes}, {binary_bytes_per_sec}";

/// A line on standard error about how much was read, which goes away with this.
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Says nothing.
    pub const fn hidden() -> Progress {
        Progress { bar: None }
    }

    /// Of so many bytes, if that is known.
    pub fn of(length: Option<u64>) -> Progress {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        let width = columns(comfy_table::Table::new().use_stderr());
        let fitting = TEMPLATES.iter().find(|(least, _)| *least <= width).map(|(_, told)| *told);
        let template = fitting.filter(|_| length.is_some()).unwrap_or(ENDLESS);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress { bar: Some(bar) }
    }

    /// True if somebody looks at standard error, and nothing is written to the same terminal
    /// meanwhile.
    pub fn is_of_use(writes_at_once: bool) -> bool {
        io::stderr().is_terminal() && !(writes_at_once && io::stdout().is_terminal())
    }

    /// Counts what is read from this.
    pub fn watch(&self, bytes: Box<dyn Read>) -> Box<dyn Read> {
        match &self.bar {
            None => bytes,
            Some(bar) => Box::new(Watched { bytes, bar: bar.clone(), read: 0 }),
        }
    }
}

impl Drop for Progress {
    /// Whatever comes next has the line for itself.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How many bytes are still to be read from a file, or from standard input for `-`, if that is known.
pub fn length(name: &Path) -> Option<u64> {
    let length = |metadata: Metadata| metadata.is_file().then_some(metadata.len());
    if !super::name::is_stdin(name) {
        return length(std::fs::metadata(name).ok()?);
    }
    let mut stdin = stdin()?;
    let total = length(stdin.metadata().ok()?)?;
    Some(total.saturating_sub(stdin.stream_position().ok()?))
}

#[cfg(unix)]
fn stdin() -> Option<File> {
    let stdin = io::stdin();
    std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned().ok().map(File::from)
}

#[cfg(not(unix))]
fn stdin() -> Option<File> {
    None
}

/// What is read while somebody looks on.
struct Watched {
    bytes: Box<dyn Read>,
    bar: ProgressBar,
    /// How much of it; taken back if it is closed before its end, because it is read anew then.
    read: u64,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(buffer)?;
        if self.bar.is_hidden() && self.bar.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(length as u64);
        self.read = if length == 0 && !buffer.is_empty() { 0 } else { self.read + length as u64 };
        Ok(length)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.bar.dec(self.read);
    }
}
