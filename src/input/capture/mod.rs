//! Captures: file → link → IP → TCP → TLS → what was said.
//!
//! One pass over a stream, in bounded memory: a live pipe and a file of 100 GB are the same thing.
//! [`CaptureFile`] turns bytes into packets and knows nothing of networks; [`Reassembly`] turns
//! packets into [`Said`](crate::said::Said) and knows nothing of files; [`read`] joins the two.
//!
//! Absent: writing captures, live capturing, checksums, IPsec encryption, merging several files.

mod error;
mod file;
mod flow;
mod fragment;
mod ip;
mod link;
mod pcap;
mod pcapng;
mod places;
mod reassembly;
mod roles;
mod segment;
mod source;
mod stream;
mod tally;
mod tcp;
mod tls;
mod voice;
mod zstd;

pub use error::{CaptureError, Damage, DamageKind};
pub use file::{CaptureFile, Format, LinkType, Packet, Step};
pub use reassembly::Reassembly;
pub use source::Packing;
pub use tally::{Skipped, Tally};
pub use tcp::Limits;
pub use tls::{KeyLog, KeyLogCounts, TlsCounts, TlsListener, TlsStep};

use crate::said::{Listener, Time};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of a file while it is read, beside what was said in it.
#[derive(Debug)]
pub enum News<'a> {
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
    let mut file = CaptureFile::open(source)?;
    let mut reassembly = Reassembly::new(options.limits);
    let mut tell = |news: News<'_>| {
        if let Some(listener) = &mut options.news {
            listener(news);
        }
    };
    tell(News::Format(file.format(), file.packing()));
    // A pcapng may bring secrets behind the packets that they belong to.
    let may_come = options.key_log_grows || file.format() == Format::Pcapng;
    let mut tls = TlsStep::new(std::mem::take(&mut options.key_log), may_come);
    let listener = &mut tls.before(listener);
    let mut has_begun = false;
    loop {
        match file.step() {
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
                if file.may_block() {
                    listener.pause();
                }
                file.fill();
            }
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
    Ok(tally)
}
