//! Sources that have no end of their own, a pipe and a file that is still being written, and how
//! Ctrl-C ends them: as if the capture ended there.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// True once somebody wants the run to end.
pub(super) static STOP: AtomicBool = AtomicBool::new(false);

/// How often a source without news is looked at again.
const INTERVAL: Duration = Duration::from_millis(100);

/// After Ctrl-C, what a pipe still brings is waited for so long: tcpdump writes out what it has.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What is asked of a pipe at once, and how many of these may wait.
const CHUNK: usize = 64 * 1024;
const WAITING: usize = 4;

/// The exit status of a process that SIGINT ended, as shells count it.
const INTERRUPTED: i32 = 130;

/// From now on Ctrl-C (and SIGTERM) ends the reading, and the second one the process.
pub(super) fn stop_on_signals() {
    // Without a handler Ctrl-C ends the process, which is no reason to read nothing at all.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
    });
}

fn is_stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// A pipe, read by a thread of its own, so that a wait for it can be ended.
pub(super) struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    stopped: Option<Instant>,
}

impl Pipe {
    /// Begins to read.
    pub(super) fn new(source: impl Read + Send + 'static) -> Pipe {
        Pipe::open(|| Ok(source))
    }

    /// Opens and begins to read: a named pipe opens once somebody writes to it.
    pub(super) fn open<R: Read>(open: impl FnOnce() -> io::Result<R> + Send + 'static) -> Pipe {
        let (sender, chunks) = sync_channel(WAITING);
        std::thread::spawn(move || {
            let mut source = match open() {
                Ok(source) => source,
                Err(error) => return drop(sender.send(Err(error))),
            };
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = match source.read(&mut chunk) {
                    Ok(0) => return,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let is_last = read.is_err();
                let sent = sender.send(read.map(|length| {
                    chunk.truncate(length);
                    chunk
                }));
                if is_last || sent.is_err() {
                    return;
                }
            }
        });
        Pipe { chunks, chunk: Vec::new(), at: 0, stopped: None }
    }

    /// The next chunk; an empty one at the end.
    fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if is_stopped() && self.stopped.get_or_insert_with(Instant::now).elapsed() > LAST_WORDS
            {
                return Ok(Vec::new());
            }
            match self.chunks.recv_timeout(INTERVAL) {
                Ok(chunk) => return chunk,
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            (self.chunk, self.at) = (self.next()?, 0);
        }
        let length = buffer.len().min(self.chunk.len() - self.at);
        buffer[..length].copy_from_slice(&self.chunk[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// A file that may still grow: its end is waited at.
pub(super) struct Growing {
    file: File,
    path: PathBuf,
    is_told: bool,
}

impl Growing {
    /// Follows a file, which stands at this path.
    pub(super) const fn new(file: File, path: PathBuf) -> Growing {
        Growing { file, path, is_told: false }
    }

    /// True if more may come. What happened to the file is said, because nothing else shows it.
    fn may_grow(&mut self) -> io::Result<bool> {
        let name = crate::cli::name::shown(&self.path);
        let (length, read) = (self.file.metadata()?.len(), self.file.stream_position()?);
        if length < read {
            crate::cli::complain(&format!(
                "{name} was cut to {length} bytes when {read} of it had been read: a new capture \
                 begins in it\n  to see that one: run ws101 again"
            ));
            return Ok(false);
        }
        if !self.is_told && !is_still(&self.file, &self.path) {
            self.is_told = true;
            crate::cli::complain(&format!(
                "{name} is not the file any more that is followed: it was renamed or removed. What \
                 is still written to that one is shown, until Ctrl-C"
            ));
        }
        Ok(true)
    }
}

/// True if the path still leads to this file.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(of).ok() == std::fs::metadata(path).map(of).ok()
}

#[cfg(not(unix))]
fn is_still(_file: &File, path: &Path) -> bool {
    path.exists()
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(buffer)? {
                0 if !buffer.is_empty() && !is_stopped() && self.may_grow()? => {
                    std::thread::sleep(INTERVAL);
                }
                length => return Ok(length),
            }
        }
    }
}
