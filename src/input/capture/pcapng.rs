//! pcapng: a walk over blocks, section by section (draft-ietf-opsawg-pcapng).
//!
//! The walk is our own, because one block whose inside is wrong must cost that block only; the
//! blocks that do not come once a packet are read by pcap-parser. Left out: names, statistics,
//! journal entries, custom blocks.

use super::error::DamageKind;
use super::file::{Found, LinkType, MAX_RECORD, Record};
use super::pcap::Pcap;
use crate::said::Time;
use pcap_parser::nom::IResult;
use pcap_parser::{
    Block, InterfaceDescriptionBlock, OptionCode, PcapError, SecretsType, parse_block_be,
    parse_block_le,
};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

/// Block types that a search after damage trusts.
const KNOWN: [u32; 14] =
    [SECTION_HEADER, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x0bad, 0x4000_0bad, 0x8000_0001];

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Type and two lengths.
const SMALLEST: u32 = 12;

/// A section may describe that many interfaces; each costs memory until the section ends.
const MAX_INTERFACES: usize = 65_536;

/// How an interface's packets are to be read.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: LinkType,
    snap_length: u32,
    clock: Clock,
}

/// Units of time stamps, and where they count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    unit: Unit,
    offset_seconds: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// So many units make a nanosecond.
    PerNanosecond(u128),
    /// 2⁻ⁿ seconds.
    PowerOfTwo(u32),
}

/// A walker over blocks.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    big: bool,
    interfaces: Vec<Interface>,
    /// True after damage: the next good block has to be searched for.
    lost: bool,
    /// True within a section of an unknown version: everything is skipped up to the next one.
    foreign: bool,
}

impl Pcapng {
    pub(super) fn recognises(head: &[u8]) -> bool {
        head.starts_with(&SECTION_HEADER.to_le_bytes())
            && head.get(8..12).is_none_or(|magic| byte_order(magic).is_some())
    }

    /// Whether a section begins here.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        bytes.len() >= SMALLEST as usize && Pcapng::recognises(bytes)
    }

    /// Looks at the block at the start of `bytes`.
    #[inline]
    pub(super) fn look(&mut self, bytes: &[u8], at_end: bool) -> Found {
        if self.lost {
            return self.search(bytes, at_end);
        }
        let Some(head) = bytes.first_chunk::<12>() else { return Found::Need(12) };
        let block_type = self.word(head, 0);
        if block_type == SECTION_HEADER
            && let Err(found) = self.turn(head)
        {
            return found;
        }
        let length = self.word(head, 4);
        if length < SMALLEST || length as usize > MAX_RECORD {
            let kind = DamageKind::AbsurdLength { length: u64::from(length) };
            return self.no_block(bytes, kind);
        }
        // Some writers forget to pad the last option: the next block still begins aligned.
        let size = length.next_multiple_of(4) as usize;
        let Some(block) = bytes.get(..size) else {
            if Pcap::begins(bytes) {
                return Found::File;
            }
            return if at_end { self.cut(bytes, size) } else { Found::Need(size) };
        };
        let after = self.word(block, length as usize - 4);
        if after != length {
            return self.lengths_differ(bytes, length, after, at_end);
        }
        self.block(block_type, block)
    }

    #[inline]
    fn word(&self, bytes: &[u8], at: usize) -> u32 {
        let word =
            bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        if self.big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    }

    /// A section begins: its byte order holds from here on.
    fn turn(&mut self, head: &[u8; 12]) -> Result<(), Found> {
        let Some(big) = byte_order(&head[8..]) else {
            let kind = DamageKind::BadBlock { block_type: SECTION_HEADER };
            return Err(self.no_block(head, kind));
        };
        self.big = big;
        Ok(())
    }

    /// No block begins here: a file of the other format, or one may begin at the next byte.
    #[cold]
    fn no_block(&mut self, bytes: &[u8], kind: DamageKind) -> Found {
        if Pcap::begins(bytes) {
            return Found::File;
        }
        self.lost = true;
        Found::Damage { length: 1, kind }
    }

    /// The file ends within this block, or its length is wrong: then good blocks may lie inside.
    fn cut(&mut self, bytes: &[u8], size: usize) -> Found {
        match self.find(&bytes[1..], true) {
            Search::At(start) => {
                let kind = DamageKind::AbsurdLength { length: size as u64 };
                Found::Damage { length: 1 + start, kind }
            }
            _ => Found::Need(size),
        }
    }

    /// If a good block begins where the first length says that this one ends, it is believed.
    fn lengths_differ(&mut self, bytes: &[u8], before: u32, after: u32, at_end: bool) -> Found {
        let length = before.next_multiple_of(4) as usize;
        let kind = DamageKind::LengthsDiffer { before, after };
        let next = bytes.get(length..).unwrap_or_default();
        match self.judge(next) {
            Judgment::Short(wanted) if !at_end => Found::Need(length + wanted),
            Judgment::Good => Found::Damage { length, kind },
            _ if next.is_empty() => Found::Damage { length, kind },
            _ => self.no_block(bytes, kind),
        }
    }

    #[inline]
    fn block(&mut self, block_type: u32, block: &[u8]) -> Found {
        let length = block.len();
        if self.foreign && block_type != SECTION_HEADER {
            return Found::Nothing { length };
        }
        match block_type {
            ENHANCED_PACKET => self.enhanced_packet(block),
            SIMPLE_PACKET => self.simple_packet(block),
            OBSOLETE_PACKET => self.obsolete_packet(block),
            INTERFACE_DESCRIPTION => self.interface(block),
            SECTION_HEADER => self.section(block),
            DECRYPTION_SECRETS => self.secrets(block),
            _ => Found::Nothing { length },
        }
    }

    fn parse<'a>(&self, block: &'a [u8]) -> Option<Block<'a>> {
        let parsed: IResult<_, _, PcapError<&[u8]>> =
            if self.big { parse_block_be(block) } else { parse_block_le(block) };
        Some(parsed.ok()?.1)
    }

    fn section(&mut self, block: &[u8]) -> Found {
        let length = block.len();
        self.interfaces.clear();
        self.foreign = false;
        // Version 1.2 was written by some programs and means 1.0.
        match self.parse(block) {
            Some(Block::SectionHeader(section)) if section.major_version == 1 => {
                Found::Nothing { length }
            }
            Some(Block::SectionHeader(section)) => {
                self.foreign = true;
                let (major, minor) = (section.major_version, section.minor_version);
                Found::Damage { length, kind: DamageKind::UnknownVersion { major, minor } }
            }
            _ if length >= 28 => Found::Nothing { length },
            _ => {
                Found::Damage { length, kind: DamageKind::BadBlock { block_type: SECTION_HEADER } }
            }
        }
    }

    /// Interfaces are counted, so a damaged one is kept with what can be read of it.
    fn interface(&mut self, block: &[u8]) -> Found {
        let length = block.len();
        if self.interfaces.len() == MAX_INTERFACES {
            return Found::Damage { length, kind: DamageKind::TooMany };
        }
        let first = self.word(block, 8);
        let link = LinkType(if self.big { first >> 16 } else { first & 0xffff });
        let mut interface =
            Interface { link, snap_length: self.word(block, 12), clock: Clock::new(6, 0) };
        let parsed = match self.parse(block) {
            Some(Block::InterfaceDescription(parsed)) => parsed,
            _ => {
                self.interfaces.push(interface);
                let kind = DamageKind::BadBlock { block_type: INTERFACE_DESCRIPTION };
                return Found::Damage { length, kind };
            }
        };
        interface.clock = Clock::new(parsed.if_tsresol, self.offset_seconds(&parsed));
        self.interfaces.push(interface);
        Found::Interface { length, link }
    }

    /// pcap-parser reads this option in little-endian order always, so it is read here.
    fn offset_seconds(&self, block: &InterfaceDescriptionBlock) -> i64 {
        let option = block.options.iter().find(|option| option.code == OptionCode::IfTsoffset);
        let bytes = option.and_then(|option| option.as_bytes().ok());
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        if self.big { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) }
    }

    /// Once a packet, so read here: pcap-parser would collect the options each time.
    #[inline]
    fn enhanced_packet(&self, block: &[u8]) -> Found {
        let captured = self.word(block, 20);
        let units = u64::from(self.word(block, 12)) << 32 | u64::from(self.word(block, 16));
        let interface = self.word(block, 8);
        self.packet(block, 28, interface, Some(units), captured, self.word(block, 24))
    }

    /// Interface and drop count share a word; otherwise like the enhanced packet.
    fn obsolete_packet(&self, block: &[u8]) -> Found {
        let first = self.word(block, 8);
        let interface = if self.big { first >> 16 } else { first & 0xffff };
        let units = u64::from(self.word(block, 12)) << 32 | u64::from(self.word(block, 16));
        let captured = self.word(block, 20);
        self.packet(block, 28, interface, Some(units), captured, self.word(block, 24))
    }

    /// Belongs to the first interface, has no time, and is as long as the snap length allows.
    fn simple_packet(&self, block: &[u8]) -> Found {
        let original = self.word(block, 8);
        let limit = match self.interfaces.first() {
            Some(interface) if interface.snap_length > 0 => interface.snap_length,
            _ => u32::MAX,
        };
        let room = block.len().saturating_sub(16) as u32;
        self.packet(block, 12, 0, None, original.min(limit).min(room), original)
    }

    #[inline]
    fn packet(
        &self,
        block: &[u8],
        skip: usize,
        interface: u32,
        units: Option<u64>,
        captured: u32,
        original_length: u32,
    ) -> Found {
        let length = block.len();
        let captured = captured as usize;
        // The block's second length follows the packet.
        let Some(after) = length.checked_sub(skip + 4).and_then(|room| room.checked_sub(captured))
        else {
            return Found::Damage {
                length,
                kind: DamageKind::BadBlock { block_type: self.word(block, 0) },
            };
        };
        let Some(described) = self.interfaces.get(interface as usize) else {
            return Found::Damage { length, kind: DamageKind::UnknownInterface { interface } };
        };
        let time = units.map(|units| described.clock.time(units));
        let record = Record { time, link: described.link, original_length };
        Found::Packet { skip, captured, after: after + 4, record }
    }

    fn secrets(&self, block: &[u8]) -> Found {
        let length = block.len();
        match self.parse(block) {
            Some(Block::DecryptionSecrets(found))
                if found.secrets_type == SecretsType::TlsKeyLog =>
            {
                let secrets = (found.secrets_len as usize).min(found.data.len());
                Found::Secrets { skip: 16, secrets, after: length.saturating_sub(16 + secrets) }
            }
            Some(_) => Found::Nothing { length },
            None => {
                let kind = DamageKind::BadBlock { block_type: DECRYPTION_SECRETS };
                Found::Damage { length, kind }
            }
        }
    }

    /// Searches for the next good block.
    fn search(&mut self, bytes: &[u8], at_end: bool) -> Found {
        match self.find(bytes, at_end) {
            Search::At(start) => {
                self.lost = false;
                Found::Nothing { length: start }
            }
            Search::None if bytes.is_empty() => Found::Need(SMALLEST as usize),
            Search::None => Found::Nothing { length: bytes.len() },
            Search::Need { start: 0, wanted } => Found::Need(wanted),
            Search::Need { start, .. } => Found::Nothing { length: start },
        }
    }

    /// The first place at which a good block begins. Blocks begin at multiples of four, but not where
    /// a part of the file is missing.
    fn find(&self, bytes: &[u8], at_end: bool) -> Search {
        for start in 0..bytes.len() {
            match self.judge(&bytes[start..]) {
                Judgment::Good => return Search::At(start),
                Judgment::Short(wanted) if !at_end => return Search::Need { start, wanted },
                _ => {}
            }
        }
        Search::None
    }

    /// Whether a block begins here: a known type, a sane length, and the same length after it; or a
    /// file of the other format.
    fn judge(&self, bytes: &[u8]) -> Judgment {
        let Some(head) = bytes.first_chunk::<12>() else {
            return Judgment::Short(SMALLEST as usize);
        };
        if Pcap::begins(head) {
            return Judgment::Good;
        }
        let section = self.word(head, 0) == SECTION_HEADER;
        let order = if section { byte_order(&head[8..]) } else { Some(self.big) };
        let Some(big) = order else { return Judgment::Bad };
        let with = Pcapng { big, ..Pcapng::default() };
        let length = with.word(head, 4);
        let sane = length.is_multiple_of(4) && (SMALLEST..=SEARCH_LIMIT).contains(&length);
        if !sane || !KNOWN.contains(&with.word(head, 0)) {
            return Judgment::Bad;
        }
        match bytes.get(..length as usize) {
            Some(block) if with.word(block, block.len() - 4) == length => Judgment::Good,
            Some(_) => Judgment::Bad,
            None => Judgment::Short(length as usize),
        }
    }
}

/// In a search only blocks up to this length are believed, or one wrong word would read far ahead.
const SEARCH_LIMIT: u32 = 1024 * 1024;

enum Judgment {
    Good,
    Bad,
    /// So many bytes would tell.
    Short(usize),
}

enum Search {
    At(usize),
    Need { start: usize, wanted: usize },
    None,
}

/// True for big-endian.
fn byte_order(magic: &[u8]) -> Option<bool> {
    if magic == BYTE_ORDER_MAGIC.to_be_bytes() {
        Some(true)
    } else if magic == BYTE_ORDER_MAGIC.to_le_bytes() {
        Some(false)
    } else {
        None
    }
}

impl Clock {
    /// `if_tsresol`: a negative power of ten, or of two if the top bit is set.
    fn new(resolution: u8, offset_seconds: i64) -> Clock {
        let exponent = u32::from(resolution & 0x7f);
        let unit = match exponent {
            _ if resolution & 0x80 != 0 => Unit::PowerOfTwo(exponent),
            0..=9 => Unit::Nanoseconds(10u64.pow(9 - exponent)),
            _ => Unit::PerNanosecond(10u128.checked_pow(exponent - 9).unwrap_or(u128::MAX)),
        };
        Clock { unit, offset_seconds }
    }

    #[inline]
    fn time(self, units: u64) -> Time {
        if let (Unit::Nanoseconds(nanoseconds), 0) = (self.unit, self.offset_seconds)
            && let Some(time) = units.checked_mul(nanoseconds)
            && let Ok(time) = i64::try_from(time)
        {
            return Time::new(time);
        }
        self.time_slowly(units)
    }

    fn time_slowly(self, units: u64) -> Time {
        let units = u128::from(units);
        let nanoseconds = match self.unit {
            Unit::Nanoseconds(nanoseconds) => units * u128::from(nanoseconds),
            Unit::PerNanosecond(count) => units / count,
            Unit::PowerOfTwo(exponent) => (units * 1_000_000_000) >> exponent.min(127),
        };
        let offset = i128::from(self.offset_seconds) * 1_000_000_000;
        let time = (nanoseconds as i128).saturating_add(offset);
        Time::new(time.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}
