//! A capture file as a stream of packets, read through one bounded buffer from a file or a pipe.
//!
//! A file that is cut or damaged in one place is read up to there and, where the format allows it,
//! beyond. Reordering by time is not done here.

use super::error::{CaptureError, Damage, DamageKind, not_a_capture};
use super::pcap::{Inside, Pcap};
use super::pcapng::Pcapng;
use super::source::{Packing, Source};
use crate::said::{At, PacketNumber, Time};
use std::io::{self, Read};

/// No record or block may be longer: capture tools stop at 256 KiB a packet (USB captures at
/// 128 MiB, which hold no TCP), secrets and names at a few MiB.
pub(super) const MAX_RECORD: usize = 64 * 1024 * 1024;

/// So many bytes tell whether a file is packed.
const LONGEST_MAGIC: usize = 4;

/// The formats of capture files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap with microseconds.
    PcapMicroseconds,
    /// Classic pcap with nanoseconds.
    PcapNanoseconds,
    /// The "modified" pcap of Kuznetzov's patches: 24 bytes before each packet.
    PcapModified,
    /// pcapng.
    Pcapng,
}

impl Format {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Format::PcapMicroseconds => "pcap",
            Format::PcapNanoseconds => "pcap",
            Format::PcapModified => "pcap",
            Format::Pcapng => "pcapng",
        }
    }
}

/// The link-layer header type of an interface: a number from the registry of LINKTYPE values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u32);

impl std::fmt::Display for LinkType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}

impl LinkType {
    /// The usual name of the link types that are read, and of some that are met.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "BSD loopback",
            1 => "Ethernet",
            9 => "PPP",
            12 | 14 | 101 => "raw IP",
            51 => "PPPoE",
            105 => "802.11",
            108 => "OpenBSD loopback",
            113 => "Linux cooked",
            127 => "802.11 with radiotap",
            195 | 230 => "802.15.4",
            228 => "raw IPv4",
            229 => "raw IPv6",
            249 => "USB",
            276 => "Linux cooked v2",
            _ => return None,
        })
    }
}

/// One packet as it lies in the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Its number in the file, from 1, and when it was captured.
    pub at: At,
    /// How its first header is to be read.
    pub link: LinkType,
    /// What was captured.
    pub bytes: &'a [u8],
    /// How long it was on the wire; more than was captured if the snap length cut it.
    pub original_length: u32,
}

/// One step through a capture file.
#[derive(Debug)]
pub enum Step<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// What follows is of the file with this index (only if several are read as one).
    File(usize),
    /// What that file is (only if several are read as one).
    Format(Format, Option<Packing>),
    /// An interface was described; packets of this link type may follow.
    Interface(LinkType),
    /// Lines of a TLS key log (from a Decryption Secrets Block).
    Secrets(&'a [u8]),
    /// Something is damaged and was left out.
    Damage(Damage),
    /// The buffer holds no more: call [`CaptureFile::fill`] and go on.
    Starved,
    /// The end.
    End,
}

/// A capture file, open for reading.
pub struct CaptureFile<R> {
    source: Source<R>,
    walk: Blocks,
    /// Which of several files, from 1; 0 if it is the only one.
    file: u16,
    packets: u64,
    failure: Option<Damage>,
    /// The packing has gone astray: what it still yields may never have been in the file.
    is_astray: bool,
    /// The last place of damage: what lies before it was looked into.
    damaged_at: u64,
}

/// What gives packets, step by step.
pub(super) trait Walk {
    /// Goes one step further, without reading from the source.
    fn step(&mut self) -> Step<'_>;
    /// Reads once from the source.
    fn fill(&mut self);
    /// True if that may block.
    fn may_block(&self) -> bool;
}

impl<R: Read> Walk for CaptureFile<R> {
    #[inline(always)]
    fn step(&mut self) -> Step<'_> {
        CaptureFile::step(self)
    }

    fn fill(&mut self) {
        CaptureFile::fill(self);
    }

    fn may_block(&self) -> bool {
        CaptureFile::may_block(self)
    }
}

enum Blocks {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// What a format's walker found at the start of the buffer.
pub(super) enum Found {
    /// `header` bytes to leave out, a packet, and what follows it up to the next record.
    Packet {
        skip: usize,
        captured: usize,
        after: usize,
        record: Record,
    },
    Interface {
        length: usize,
        link: LinkType,
    },
    Secrets {
        skip: usize,
        secrets: usize,
        after: usize,
    },
    Damage {
        length: usize,
        kind: DamageKind,
    },
    Nothing {
        length: usize,
    },
    /// Another file begins here, of the other format.
    File,
    Need(usize),
}

pub(super) struct Record {
    pub(super) time: Option<Time>,
    pub(super) link: LinkType,
    pub(super) original_length: u32,
}

impl<R: Read> CaptureFile<R> {
    /// Reads as much as tells the format. Blocks until that is there.
    pub fn open(source: R) -> Result<CaptureFile<R>, CaptureError> {
        CaptureFile::open_as(source, 0)
    }

    /// The same, of one of several files: `file` is its number, from 1.
    pub(super) fn open_as(source: R, file: u16) -> Result<CaptureFile<R>, CaptureError> {
        let mut source = Source::new(source);
        fill_to(&mut source, LONGEST_MAGIC)
            .map_err(|error| CaptureError::Io { offset: 0, source: error })?;
        let mut source = source.unpack();
        let filled = fill_to(&mut source, 24);
        if let Err(error) = filled
            && source.bytes().len() < 24
        {
            return Err(match source.packing() {
                Some(packing) => CaptureError::Packed { packing, message: error.to_string() },
                None => CaptureError::Io { offset: source.bytes().len() as u64, source: error },
            });
        }
        let head = source.bytes();
        let length = head.len() as u64;
        let cut = |format, needed| Err(CaptureError::CutHeader { format, length, needed });
        let walk = if Pcapng::recognises(head) {
            if head.len() < 12 {
                return cut("pcapng", 28);
            }
            Blocks::Pcapng(Pcapng::default())
        } else if Pcap::recognises(head) {
            match Pcap::read_header(head) {
                Some(pcap) => {
                    source.take(24);
                    Blocks::Pcap(pcap)
                }
                None => return cut("pcap", 24),
            }
        } else if head.is_empty() {
            return Err(CaptureError::Empty);
        } else {
            let mut first = head.to_vec();
            first.truncate(64);
            return Err(not_a_capture(&first));
        };
        Ok(CaptureFile {
            source,
            walk,
            file,
            packets: 0,
            failure: None,
            is_astray: false,
            damaged_at: 0,
        })
    }

    /// The format.
    pub fn format(&self) -> Format {
        match &self.walk {
            Blocks::Pcap(pcap) => pcap.format(),
            Blocks::Pcapng(_) => Format::Pcapng,
        }
    }

    /// What the file is packed in, if it is.
    pub fn packing(&self) -> Option<Packing> {
        self.source.packing()
    }

    /// True if the next [`fill`](CaptureFile::fill) may block.
    pub fn may_block(&self) -> bool {
        self.source.may_block()
    }

    /// Reads once from the source. A failure is told by the [`Step::Damage`] that follows, after
    /// everything that was readable.
    pub fn fill(&mut self) {
        let Err(error) = self.source.fill() else { return };
        let kind = match (self.source.packing(), error.kind()) {
            (Some(packing), io::ErrorKind::UnexpectedEof) => DamageKind::PackingCut { packing },
            (Some(packing), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                DamageKind::PackingCorrupt { packing, message: error.to_string() }
            }
            _ => DamageKind::Unreadable { message: error.to_string() },
        };
        let offset = self.source.offset() + self.source.bytes().len() as u64;
        self.failure = Some(Damage { file: self.file, offset, kind });
    }

    /// Goes one step further, without reading from the source.
    #[inline(always)]
    pub fn step(&mut self) -> Step<'_> {
        if let Blocks::Pcap(pcap) = &mut self.walk
            && let Some((captured, record)) = pcap.look_quickly(self.source.bytes())
        {
            return self.packet(16, captured, 0, record);
        }
        self.step_slowly()
    }

    #[inline(never)]
    fn step_slowly(&mut self) -> Step<'_> {
        if self.is_astray {
            self.source.take(usize::MAX);
            return if self.source.at_end() { self.end(0) } else { Step::Starved };
        }
        loop {
            let offset = self.source.offset();
            let found = match &mut self.walk {
                Blocks::Pcap(pcap) => pcap.look(self.source.bytes(), self.source.at_end()),
                Blocks::Pcapng(pcapng) => pcapng.look(self.source.bytes(), self.source.at_end()),
            };
            match found {
                Found::Packet { skip, captured, after, record } => {
                    return self.packet(skip, captured, after, record);
                }
                Found::Nothing { length } => {
                    self.source.take(length);
                }
                Found::File => {
                    if Pcapng::begins(self.source.bytes()) {
                        self.walk = Blocks::Pcapng(Pcapng::default());
                    } else if let Some(pcap) = Pcap::read_header(self.source.bytes()) {
                        self.source.take(24);
                        self.walk = Blocks::Pcap(pcap);
                    } else if self.source.at_end() {
                        return self.end(24);
                    } else {
                        return Step::Starved;
                    }
                }
                Found::Need(wanted) if !self.source.at_end() => {
                    if wanted <= MAX_RECORD {
                        return Step::Starved;
                    }
                    // The walkers check lengths before they ask; this guards the loop.
                    return self.give_up(DamageKind::AbsurdLength { length: wanted as u64 });
                }
                Found::Need(wanted) => {
                    let left = self.source.bytes().len();
                    if left > 0 && matches!(self.look_inside(), Inside::At(_)) {
                        let missing = wanted.saturating_sub(left) as u64;
                        let kind = DamageKind::Cut { missing };
                        return Step::Damage(Damage { file: self.file, offset, kind });
                    }
                    return self.end(wanted);
                }
                Found::Interface { length, link } => {
                    self.source.take(length);
                    return Step::Interface(link);
                }
                Found::Secrets { skip, secrets, after } => {
                    self.source.take(skip);
                    let bytes = self.source.take(secrets + after);
                    return Step::Secrets(bytes.get(..secrets).unwrap_or(bytes));
                }
                Found::Damage { length, kind } => {
                    match self.look_inside() {
                        Inside::At(_) => {
                            return Step::Damage(Damage { file: self.file, offset, kind });
                        }
                        Inside::Unknown => return Step::Starved,
                        Inside::Nothing => {}
                    }
                    self.source.take(length);
                    let is_nonsense = matches!(
                        kind,
                        DamageKind::LengthsDiffer { .. } | DamageKind::BadBlock { .. }
                    );
                    // A fault in what was packed spreads: later parts repeat earlier ones.
                    self.is_astray = is_nonsense && self.source.packing().is_some();
                    return Step::Damage(Damage { file: self.file, offset, kind });
                }
            }
        }
    }

    #[inline(always)]
    fn packet(&mut self, skip: usize, captured: usize, after: usize, record: Record) -> Step<'_> {
        self.packets += 1;
        let at = At { packet: PacketNumber::in_file(self.file, self.packets), time: record.time };
        let bytes = self.source.take(skip + captured + after);
        let bytes = bytes.get(skip..skip + captured).unwrap_or_default();
        let Record { link, original_length, .. } = record;
        Step::Packet(Packet { at, link, bytes, original_length })
    }

    /// Goes back to records that were overlooked within the last one, if there are any.
    #[cold]
    fn look_inside(&mut self) -> Inside {
        let Blocks::Pcap(pcap) = &mut self.walk else { return Inside::Nothing };
        let (all, last) = self.source.with_last();
        let offset = self.source.offset();
        let begin = offset - last as u64;
        let from = self.damaged_at.saturating_sub(begin).max(1) as usize;
        let inside = pcap.look_inside(all, last, from, self.source.at_end());
        if inside != Inside::Unknown {
            self.damaged_at = offset;
        }
        if let Inside::At(start) = inside {
            self.source.give_back(last - start);
        }
        inside
    }

    fn end(&mut self, wanted: usize) -> Step<'_> {
        let left = self.source.bytes().len();
        if let Some(failure) = self.failure.take() {
            self.source.take(left);
            return Step::Damage(failure);
        }
        match left {
            0 => Step::End,
            _ => self.give_up(DamageKind::Cut { missing: wanted.saturating_sub(left) as u64 }),
        }
    }

    fn give_up(&mut self, kind: DamageKind) -> Step<'_> {
        let offset = self.source.offset();
        self.source.take(usize::MAX);
        Step::Damage(Damage { file: self.file, offset, kind })
    }
}

fn fill_to<R: Read>(source: &mut Source<R>, length: usize) -> io::Result<()> {
    while source.bytes().len() < length && !source.at_end() {
        source.fill()?;
    }
    Ok(())
}
