//! How far a long run has come, on a terminal: `412 MiB of 1.2 GiB, 210 MiB/s, 4s left`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::time::Duration;

/// Who waits less needs no comfort.
const PATIENCE: Duration = Duration::from_secs(1);

const TEMPLATE: &str = "{bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// A file, and a line on standard error about how much of it was read.
pub(super) struct Watched {
    file: File,
    bar: ProgressBar,
    is_shown: bool,
}

impl Watched {
    /// Watches a file.
    pub(super) fn new(file: File) -> Watched {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Watched { file, bar, is_shown: false }
    }

    /// True if somebody looks at standard error, and nothing is written to the same terminal
    /// meanwhile.
    pub(super) fn is_of_use(writes_at_once: bool) -> bool {
        io::stderr().is_terminal() && !(writes_at_once && io::stdout().is_terminal())
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        if !self.is_shown && self.bar.elapsed() > PATIENCE {
            self.is_shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(length as u64);
        Ok(length)
    }
}

impl Drop for Watched {
    /// Whatever comes next has the line for itself.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
