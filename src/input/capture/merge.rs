//! Several captures as one: their packets in the order of their times, as `mergecap` has it.
//!
//! Each is looked at once, for the time of its first packet, and is then open only while its
//! packets come: a ring of a hundred files needs no more memory than one. Within a file the order
//! is kept as it is.

use super::error::{CaptureError, Damage, DamageKind};
use super::file::{CaptureFile, Format, LinkType, Packet, Step, Walk};
use super::source::Packing;
use crate::said::{At, Time};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, Read};

/// At most so many files: their numbers stand in 16 bits of a packet's number.
pub const MAX_FILES: usize = 4096;

/// One of the files, opened.
pub struct Opened<'a> {
    /// Its bytes from the first on.
    pub bytes: Box<dyn Read + 'a>,
    /// It can be closed and opened again later.
    pub again: bool,
}

/// Opens the file with this index, from 0.
pub type Open<'a> = Box<dyn FnMut(usize) -> io::Result<Opened<'a>> + 'a>;

/// Several capture files, read as one.
pub(super) struct Merged<'a> {
    open: Open<'a>,
    members: Vec<Member<'a>>,
    /// The time of the next packet of each file that has one.
    heads: BinaryHeap<Reverse<(Time, usize)>>,
    /// What has to be told before the next packet.
    pending: VecDeque<(usize, Item)>,
    /// The file whose next packet has to be found.
    advancing: Option<usize>,
    told: Option<usize>,
    secrets: Vec<u8>,
}

/// A step, in memory of its own.
enum Item {
    Format(Format, Option<Packing>),
    Interface(LinkType),
    Secrets(Vec<u8>),
    Damage(Damage),
}

struct Member<'a> {
    state: State<'a>,
    head: Head,
    /// The time of the packet before.
    last: Time,
}

enum State<'a> {
    /// Closed again until its first packet is due.
    Waiting,
    Open(Box<CaptureFile<Box<dyn Read + 'a>>>),
    Done,
}

/// The next packet of a file.
struct Head {
    at: At,
    link: LinkType,
    bytes: Vec<u8>,
    original_length: u32,
}

impl<'a> Merged<'a> {
    /// Looks at each file. The error names the one that is no capture.
    pub(super) fn new(count: usize, open: Open<'a>) -> Result<Merged<'a>, (usize, CaptureError)> {
        let mut merged = Merged {
            open,
            members: Vec::new(),
            heads: BinaryHeap::new(),
            pending: VecDeque::new(),
            advancing: None,
            told: None,
            secrets: Vec::new(),
        };
        for index in 0..count.min(MAX_FILES) {
            merged.look_at(index).map_err(|error| (index, error))?;
        }
        Ok(merged)
    }

    /// Opens a file and finds its first packet.
    fn look_at(&mut self, index: usize) -> Result<(), CaptureError> {
        let unopened = |source| CaptureError::Io { offset: 0, source };
        let Opened { bytes, again } = (self.open)(index).map_err(unopened)?;
        self.members.push(Member {
            state: State::Done,
            head: Head::default(),
            last: Time::new(i64::MIN),
        });
        let file = match CaptureFile::open_as(bytes, index as u16 + 1) {
            Ok(file) => file,
            // The newest file of a ring has often nothing in it yet.
            Err(error @ (CaptureError::Empty | CaptureError::CutHeader { .. })) => {
                self.lose(index, error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.pending.push_back((index, Item::Format(file.format(), file.packing())));
        self.members[index].state = State::Open(Box::new(file));
        while self.advance(index) == Advanced::Starved {
            self.read_on(index);
        }
        if again && matches!(self.members[index].state, State::Open(_)) {
            self.members[index].state = State::Waiting;
            // It is read again from the start.
            let of_this = |of: usize, item: &Item| {
                of == index && matches!(item, Item::Secrets(_) | Item::Damage(_))
            };
            self.pending.retain(|(of, item)| !of_this(*of, item));
        }
        Ok(())
    }

    fn read_on(&mut self, index: usize) {
        if let State::Open(file) = &mut self.members[index].state {
            file.fill();
        }
    }

    /// What comes before the packets of a file is told behind its number.
    fn tell(&mut self, index: usize, item: Item) -> Step<'_> {
        if self.told != Some(index) {
            self.told = Some(index);
            self.pending.push_front((index, item));
            return Step::File(index);
        }
        match item {
            Item::Format(format, packing) => Step::Format(format, packing),
            Item::Interface(link) => Step::Interface(link),
            Item::Damage(damage) => Step::Damage(damage),
            Item::Secrets(lines) => {
                self.secrets = lines;
                Step::Secrets(&self.secrets)
            }
        }
    }

    /// Takes the next packet of a file to its head.
    fn advance(&mut self, index: usize) -> Advanced {
        let Member { state, head, last } = &mut self.members[index];
        let State::Open(file) = state else { return Advanced::Done };
        loop {
            let item = match file.step() {
                Step::Packet(packet) => {
                    head.hold(&packet);
                    // One without a time comes with the one before it.
                    *last = packet.at.time.unwrap_or(*last);
                    self.heads.push(Reverse((*last, index)));
                    return Advanced::Done;
                }
                Step::Starved => return Advanced::Starved,
                Step::End => {
                    *state = State::Done;
                    head.bytes = Vec::new();
                    return Advanced::Done;
                }
                Step::Interface(link) => Item::Interface(link),
                Step::Secrets(lines) => Item::Secrets(lines.to_vec()),
                Step::Damage(damage) => Item::Damage(damage),
                Step::File(_) | Step::Format(..) => continue,
            };
            self.pending.push_back((index, item));
        }
    }

    /// The first packet of a file is due.
    fn reopen(&mut self, index: usize) {
        let opened = (self.open)(index).map_err(|error| error.to_string());
        let file = opened.and_then(|opened| {
            CaptureFile::open_as(opened.bytes, index as u16 + 1).map_err(|error| error.to_string())
        });
        self.members[index].state = match file {
            Ok(file) => State::Open(Box::new(file)),
            Err(message) => {
                self.lose(index, message);
                State::Done
            }
        };
    }

    /// A file of which nothing can be read.
    fn lose(&mut self, index: usize, message: String) {
        let damage =
            Damage { file: index as u16 + 1, offset: 0, kind: DamageKind::Unreadable { message } };
        self.pending.push_back((index, Item::Damage(damage)));
    }
}

impl Walk for Merged<'_> {
    fn step(&mut self) -> Step<'_> {
        if let Some(index) = self.advancing {
            if self.advance(index) == Advanced::Starved {
                return Step::Starved;
            }
            self.advancing = None;
        }
        if let Some((index, item)) = self.pending.pop_front() {
            return self.tell(index, item);
        }
        let Some(Reverse((_, index))) = self.heads.peek().copied() else { return Step::End };
        if matches!(self.members[index].state, State::Waiting) {
            self.heads.pop();
            self.reopen(index);
            self.advancing = Some(index);
            return self.step();
        }
        self.heads.pop();
        self.advancing = Some(index);
        let Head { at, link, bytes, original_length } = &self.members[index].head;
        let (at, link, original_length) = (*at, *link, *original_length);
        Step::Packet(Packet { at, link, bytes, original_length })
    }

    /// Reads from the file whose next packet has to be found.
    fn fill(&mut self) {
        if let Some(index) = self.advancing {
            self.read_on(index);
        }
    }

    fn may_block(&self) -> bool {
        let file = self.advancing.map(|index| &self.members[index].state);
        matches!(file, Some(State::Open(file)) if file.may_block())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advanced {
    /// The packet is there, or there is none.
    Done,
    /// The file has to be read first.
    Starved,
}

impl Default for Head {
    fn default() -> Head {
        Head { at: At::default(), link: LinkType(0), bytes: Vec::new(), original_length: 0 }
    }
}

impl Head {
    fn hold(&mut self, packet: &Packet<'_>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(packet.bytes);
        (self.at, self.link, self.original_length) =
            (packet.at, packet.link, packet.original_length);
    }
}
