//! Captures: file → link → IP → TCP → TLS → HTTP/2 → what was said.
//!
//! One pass over a stream, in bounded memory: a live pipe and a file of 100 GB are the same thing.
//! [`CaptureFile`] turns bytes into packets and knows nothing of networks; [`Reassembly`] turns
//! packets into [`Said`](crate::said::Said) and knows nothing of files; [`read`] joins the two.
//!
//! Absent: writing captures, live capturing, checksums, IPsec encryption.

mod error;
mod file;
mod flow;
mod fragment;
mod http2;
mod ids;
mod ip;
mod link;
mod lone;
mod marks;
mod merge;
mod pcap;
mod pcapng;
mod places;
mod reassembly;
mod roles;
mod segment;
mod slots;
mod source;
mod stream;
mod tally;
mod tcp;
mod tls;
mod voice;
mod window;
mod zstd;

pub use error::{CaptureError, Damage, DamageKind};
pub use file::{CaptureFile, Format, LinkType, Packet, Step};
pub use http2::{Http2Listener, Http2Step};
pub use lone::{LonePacket, lone_packet};
pub use merge::{MAX_FILES, Open, Opened};
pub use reassembly::Reassembly;
pub use source::Packing;
pub use tally::{Skipped, Tally};
pub use tcp::Limits;
pub use tls::{KeyLog, KeyLogCounts, TlsCounts, TlsListener, TlsStep};

use crate::said::{Listener, Time};
use file::Walk;
use merge::Merged;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of a file while it is read, beside what was said in it.
#[derive(Debug)]
pub enum News<'a> {
    /// What follows is about the file with this index (only if several are read as one).
    File(usize),
    /// The format, before the first packet, and what it is packed in.
    Format(Format, Option<Packing>),
    /// The first packet was captured at this time.
    Began(Time),
    /// An interface of this link type was described.
    Interface(LinkType),
    /// Lines of a TLS key log that the file carries.
    Secrets(&'a [u8]),
    /// Something is damaged and was left out.
    Damage(&'a Damage),
}

/// How to read.
#[derive(Default)]
pub struct Options<'a> {
    /// What may be kept in memory.
    pub limits: Limits,
    /// Secrets with which TLS is opened, beside those in the capture.
    pub key_log: KeyLog,
    /// The key log is still being written: connections wait a while for their secrets.
    pub key_log_grows: bool,
    /// Tell what carries the bytes: segments, records, frames of HTTP/2.
    pub layers: bool,
    /// Who wants the news.
    pub news: Option<&'a mut dyn FnMut(News<'_>)>,
    /// Once this is true, reading stops as if the capture ended there; what was read already is
    /// still told.
    pub stop: Option<&'a AtomicBool>,
}

/// Reads a capture from its first byte to its last and tells `listener` what was said in it.
///
/// Only a source that is no capture at all is an error. One that is cut or damaged is read as far
/// as it can be, and [`Tally::damage`] says what was wrong.
pub fn read<L: Listener>(
    source: impl Read,
    listener: &mut L,
    mut options: Options<'_>,
) -> Result<Tally, CaptureError> {
    let file = CaptureFile::open(source)?;
    if let Some(news) = &mut options.news {
        news(News::Format(file.format(), file.packing()));
    }
    // A pcapng may bring secrets behind the packets that they belong to.
    let may_come = options.key_log_grows || file.format() == Format::Pcapng;
    Ok(walk(file, may_come, listener, options))
}

/// Reads several captures as if they were one, packet by packet in the order of their times. A
/// connection may go on from one to another, or have its directions in two.
///
/// The error names the file that is no capture, by its index.
pub fn read_all<L: Listener>(
    count: usize,
    open: Open<'_>,
    listener: &mut L,
    options: Options<'_>,
) -> Result<Tally, (usize, CaptureError)> {
    Ok(walk(Merged::new(count, open)?, true, listener, options))
}

fn walk<L: Listener>(
    mut packets: impl Walk,
    secrets_may_come: bool,
    listener: &mut L,
    mut options: Options<'_>,
) -> Tally {
    let mut reassembly = Reassembly::new(options.limits);
    if options.layers {
        reassembly.trace();
    }
    let mut tell = |news: News<'_>| {
        if let Some(listener) = &mut options.news {
            listener(news);
        }
    };
    let mut tls = TlsStep::new(std::mem::take(&mut options.key_log), secrets_may_come);
    let mut http2 = Http2Step::default();
    let mut streams = http2.before(listener);
    let listener = &mut tls.before(&mut streams);
    let mut has_begun = false;
    loop {
        match packets.step() {
            Step::Packet(packet) => {
                if !has_begun && let Some(time) = packet.at.time {
                    has_begun = true;
                    tell(News::Began(time));
                }
                reassembly.packet(&packet, listener);
            }
            Step::Starved => {
                if options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                    break;
                }
                if packets.may_block() {
                    listener.pause();
                }
                if listener.is_done() {
                    break;
                }
                packets.fill();
            }
            Step::File(index) => tell(News::File(index)),
            Step::Format(format, packing) => tell(News::Format(format, packing)),
            Step::Interface(link) => tell(News::Interface(link)),
            Step::Secrets(lines) => {
                listener.secrets(lines);
                tell(News::Secrets(lines));
            }
            Step::Damage(damage) => {
                tell(News::Damage(&damage));
                reassembly.damaged(damage);
            }
            Step::End => break,
        }
    }
    let mut tally = reassembly.finish(listener);
    listener.finish();
    (tally.tls, tally.key_log) = tls.counts();
    tally
}
