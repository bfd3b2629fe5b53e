//! Classic pcap: a file header, then records of a header and a packet each
//! (draft-ietf-opsawg-pcap).
//!
//! Absent: the record headers of Nokia's and SuSE's private variants.

use super::error::DamageKind;
use super::file::{Format, Found, LinkType, MAX_RECORD, Record};
use super::pcapng::Pcapng;
use crate::said::Time;
use pcap_parser::nom::{Err, IResult, Needed};
use pcap_parser::pcap::{
    parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};
use pcap_parser::{LegacyPcapBlock, PcapError};

/// Magic numbers as the bytes lie in the file.
const MAGICS: [([u8; 4], Layout, Format); 6] = [
    ([0xd4, 0xc3, 0xb2, 0xa1], Layout::Little, Format::PcapMicroseconds),
    ([0xa1, 0xb2, 0xc3, 0xd4], Layout::Big, Format::PcapMicroseconds),
    ([0x4d, 0x3c, 0xb2, 0xa1], Layout::Little, Format::PcapNanoseconds),
    ([0xa1, 0xb2, 0x3c, 0x4d], Layout::Big, Format::PcapNanoseconds),
    ([0x34, 0xcd, 0xb2, 0xa1], Layout::ModifiedLittle, Format::PcapModified),
    ([0xa1, 0xb2, 0xcd, 0x34], Layout::ModifiedBig, Format::PcapModified),
];

const FILE_HEADER: usize = 24;

/// No tool captures more of a packet, unless the file header allows it.
const USUAL_LIMIT: u32 = 256 * 1024;

/// The upper bits of the link type hold the length of the frame check sequence.
const LINK_TYPE_MASK: u32 = 0x0fff_ffff;

/// Neighbouring records that are plausible lie within this many seconds.
const NEAR: u32 = 7 * 24 * 3600;

#[inline(always)]
fn is_near(second: u32, other: u32) -> bool {
    second.wrapping_sub(other).wrapping_add(NEAR) < 2 * NEAR
}

/// What a record looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Little,
    Big,
    ModifiedLittle,
    ModifiedBig,
}

/// A walker over records.
#[derive(Debug)]
pub(super) struct Pcap {
    layout: Layout,
    format: Format,
    link: LinkType,
    longest: u32,
    /// In a unit of the fraction of a second.
    nanoseconds: i64,
    /// Of the first record and the last: of these two one is right where the other was read from
    /// the wrong place.
    first_second: Option<u32>,
    last_second: Option<u32>,
    /// True after a damaged record header: the next good record has to be searched for.
    lost: bool,
    /// True once the one interface was announced.
    announced: bool,
}

impl Pcap {
    pub(super) fn recognises(head: &[u8]) -> bool {
        MAGICS.iter().any(|(magic, ..)| head.starts_with(magic))
    }

    pub(super) fn read_header(head: &[u8]) -> Option<Pcap> {
        let (_, layout, format) = *MAGICS.iter().find(|(magic, ..)| head.starts_with(magic))?;
        let (network, longest) = if layout == Layout::ModifiedBig {
            // pcap-parser does not know this one.
            (u32::from_be_bytes(word(head, 20)?), u32::from_be_bytes(word(head, 16)?))
        } else {
            let (_, header) = parse_pcap_header(head.get(..FILE_HEADER)?).ok()?;
            (header.network.0 as u32, header.snaplen)
        };
        let longest = longest.clamp(USUAL_LIMIT, MAX_RECORD as u32 / 2);
        let link = LinkType(network & LINK_TYPE_MASK);
        let nanoseconds = if format == Format::PcapNanoseconds { 1 } else { 1_000 };
        Some(Pcap {
            nanoseconds,
            layout,
            format,
            link,
            longest,
            first_second: None,
            last_second: None,
            lost: false,
            announced: false,
        })
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// The record at the start of `bytes`, if it is of the most common layout and all there.
    #[inline(always)]
    pub(super) fn look_quickly(&mut self, bytes: &[u8]) -> Option<(usize, Record)> {
        if self.layout != Layout::Little || self.lost || !self.announced {
            return None;
        }
        let (_, block) = parse_pcap_frame(bytes).ok()?;
        if !self.last_second.is_some_and(|last| is_near(block.ts_sec, last)) {
            return None;
        }
        self.last_second = Some(block.ts_sec);
        let record = self.record(&block);
        // A record without a byte may be the header of another file.
        let is_usual = (1..=self.longest).contains(&block.caplen);
        is_usual.then_some((block.caplen as usize, record))
    }

    #[inline]
    fn record(&self, block: &LegacyPcapBlock<'_>) -> Record {
        let fraction = i64::from(block.ts_usec) * self.nanoseconds;
        let time = Some(Time::new(i64::from(block.ts_sec) * 1_000_000_000 + fraction));
        Record { time, link: self.link, original_length: block.origlen }
    }

    /// Looks at the record at the start of `bytes`.
    pub(super) fn look(&mut self, bytes: &[u8], at_end: bool) -> Found {
        if self.lost || !self.announced {
            return self.look_slowly(bytes, at_end);
        }
        let block = match self.parse(bytes) {
            Ok((_, block)) if block.caplen == 0 && Pcap::begins(bytes) => {
                return self.begin_anew(bytes, at_end);
            }
            Ok((rest, block)) if block.caplen <= self.longest => {
                if self.last_second.is_some_and(|last| !is_near(block.ts_sec, last)) {
                    // From quite another time: one that is read from the wrong place?
                    let cut = 1..self.header_length();
                    if cut.contains(&rest.len()) && !at_end {
                        return Found::Need(bytes.len() - rest.len() + self.header_length());
                    }
                    if !self.fits(bytes, rest) {
                        return self.absurd(bytes, block.caplen as usize);
                    }
                }
                block
            }
            Ok((_, block)) => return self.absurd(bytes, block.caplen as usize),
            Err(Err::Incomplete(Needed::Size(needed))) => {
                let wanted = bytes.len() + needed.get();
                let captured = wanted.saturating_sub(self.header_length());
                // What the last record lacks may be what it claims too much.
                if captured > self.longest as usize || at_end && self.goes_on_within(bytes) {
                    return self.absurd(bytes, captured);
                }
                return Found::Need(wanted);
            }
            Err(_) => return Found::Need(self.header_length()),
        };
        self.last_second = Some(block.ts_sec);
        let record = self.record(&block);
        let captured = block.caplen as usize;
        Found::Packet { skip: self.header_length(), captured, after: 0, record }
    }

    #[cold]
    fn look_slowly(&mut self, bytes: &[u8], at_end: bool) -> Found {
        if self.announced {
            return self.search(bytes, at_end);
        }
        self.announced = true;
        self.first_second = self.number(bytes, 0);
        Found::Interface { length: 0, link: self.link }
    }

    /// Whether this is the header of a file (in version 2.4 and in UTC, as all are): files that were
    /// written one behind the other are one.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        matches!(bytes.get(4..12), Some([2, 0, 4, 0, 0, 0, 0, 0] | [0, 2, 0, 4, 0, 0, 0, 0]))
            && Pcap::recognises(bytes)
    }

    #[cold]
    fn begin_anew(&mut self, bytes: &[u8], at_end: bool) -> Found {
        if bytes.len() < FILE_HEADER && !at_end {
            return Found::Need(FILE_HEADER);
        }
        let Some(next) = Pcap::read_header(bytes) else {
            return Found::Nothing { length: bytes.len() };
        };
        let link = next.link;
        *self =
            Pcap { announced: true, format: self.format, first_second: self.first_second, ..next };
        Found::Interface { length: FILE_HEADER, link }
    }

    fn absurd(&mut self, bytes: &[u8], length: usize) -> Found {
        if Pcapng::begins(bytes) {
            return Found::File;
        }
        self.lost = true;
        Found::Damage { length: 1, kind: DamageKind::AbsurdLength { length: length as u64 } }
    }

    #[inline]
    fn parse<'a>(&self, bytes: &'a [u8]) -> Parsed<'a> {
        match self.layout {
            Layout::Little => parse_pcap_frame(bytes),
            Layout::Big => parse_pcap_frame_be(bytes),
            Layout::ModifiedLittle => parse_pcap_frame_modified(bytes),
            Layout::ModifiedBig => parse_modified_be(bytes),
        }
    }

    fn header_length(&self) -> usize {
        match self.layout {
            Layout::Little | Layout::Big => 16,
            Layout::ModifiedLittle | Layout::ModifiedBig => 24,
        }
    }

    /// Whether this may be a record, by its header and by that behind it.
    fn fits(&self, bytes: &[u8], rest: &[u8]) -> bool {
        let fits = |bytes: &[u8]| self.length(bytes).is_some();
        fits(bytes) && (fits(rest) || rest.len() < self.header_length())
    }

    /// Whether, behind the first byte, two plausible records follow each other or a file begins.
    fn goes_on_within(&self, bytes: &[u8]) -> bool {
        (1..bytes.len()).any(|start| {
            let here = &bytes[start..];
            let next = self.plausible(here).and_then(|length| here.get(length..));
            next.is_some_and(|next| self.plausible(next).is_some()) || a_file_begins(here)
        })
    }

    /// Searches for the next place where two plausible records follow each other, or one that ends
    /// with the file, or another file begins: one damaged record must not cost the rest.
    fn search(&mut self, bytes: &[u8], at_end: bool) -> Found {
        let header = self.header_length();
        for start in 0..bytes.len() {
            let here = &bytes[start..];
            if here.len() < header {
                return wait(start, header, bytes.len(), at_end);
            }
            if a_file_begins(here) {
                return match start {
                    0 if Pcapng::begins(here) => Found::File,
                    0 => self.begin_anew(bytes, at_end),
                    _ => Found::Nothing { length: start },
                };
            }
            let Some(length) = self.plausible(here) else { continue };
            let next = here.get(length..).unwrap_or_default();
            let ends_the_file = at_end && here.len() == length;
            if ends_the_file || self.plausible(next).is_some() {
                self.lost = false;
                return Found::Nothing { length: start };
            }
            if next.len() < header && !at_end {
                return wait(start, length + header, bytes.len(), at_end);
            }
        }
        wait(bytes.len(), 1, bytes.len(), at_end)
    }

    /// A record that was not written to its end claims what follows it. So where none begins behind
    /// a record, one is looked for inside of it, at `from` or behind: it is believed if the records
    /// from there on lead out of it to another, or to another file. `all` is the record and what is behind its `length`.
    pub(super) fn look_inside(
        &mut self,
        all: &[u8],
        length: usize,
        from: usize,
        at_end: bool,
    ) -> Inside {
        let mut leads = vec![Inside::Nothing; length];
        for start in (from..length).rev() {
            if a_file_begins(&all[start..]) {
                leads[start] = Inside::At(start);
                continue;
            }
            let Some(next) = self.plausible(&all[start..]).map(|record| start + record) else {
                continue;
            };
            leads[start] = match all.get(next..) {
                _ if next < length => leads[next].from(start),
                Some([]) if at_end => Inside::At(start),
                Some(behind) if a_file_begins(behind) || self.plausible(behind).is_some() => {
                    Inside::At(start)
                }
                Some(behind) if behind.len() >= self.header_length() => Inside::Nothing,
                _ if at_end => Inside::Nothing,
                _ => Inside::Unknown,
            };
        }
        let found = leads.into_iter().find(|lead| *lead != Inside::Nothing);
        let found = found.unwrap_or(Inside::Nothing);
        self.lost = found == Inside::Nothing;
        found
    }

    fn number(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = word(bytes, at)?;
        Some(match self.layout {
            Layout::Little | Layout::ModifiedLittle => u32::from_le_bytes(bytes),
            Layout::Big | Layout::ModifiedBig => u32::from_be_bytes(bytes),
        })
    }

    /// The length of the record, header included, if its header could be one here.
    fn plausible(&self, bytes: &[u8]) -> Option<usize> {
        let second = self.number(bytes, 0)?;
        let mut known = [self.first_second, self.last_second].into_iter().flatten();
        let near = self.last_second.is_none() || known.any(|other| is_near(second, other));
        self.length(bytes).filter(|_| near)
    }

    /// The same at any time.
    fn length(&self, bytes: &[u8]) -> Option<usize> {
        let number = |at| self.number(bytes, at);
        let (fraction, captured, original) = (number(4)?, number(8)?, number(12)?);
        let a_second = if self.nanoseconds == 1 { 1_000_000_000 } else { 1_000_000 };
        let fits = captured > 0 && captured <= original && original <= self.longest;
        (fits && fraction < a_second).then_some(self.header_length() + captured as usize)
    }
}

/// What a record holds that should hold a packet only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// Records that were overlooked, from here on.
    At(usize),
    /// What is still to come will tell.
    Unknown,
    Nothing,
}

impl Inside {
    fn from(self, start: usize) -> Inside {
        if matches!(self, Inside::At(_)) { Inside::At(start) } else { self }
    }
}

fn a_file_begins(bytes: &[u8]) -> bool {
    Pcap::begins(bytes) || Pcapng::begins(bytes)
}

type Parsed<'a> = IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>>;

/// The one layout that pcap-parser does not know.
fn parse_modified_be(bytes: &[u8]) -> Parsed<'_> {
    let (Some(ts_sec), Some(ts_usec), Some(caplen), Some(origlen), Some(rest)) =
        (word(bytes, 0), word(bytes, 4), word(bytes, 8), word(bytes, 12), bytes.get(24..))
    else {
        return Err(Err::Incomplete(Needed::new(24 - bytes.len().min(23))));
    };
    let [ts_sec, ts_usec, caplen, origlen] =
        [ts_sec, ts_usec, caplen, origlen].map(u32::from_be_bytes);
    let Some((data, rest)) = rest.split_at_checked(caplen as usize) else {
        return Err(Err::Incomplete(Needed::new(caplen as usize - rest.len())));
    };
    Ok((rest, LegacyPcapBlock { ts_sec, ts_usec, caplen, origlen, data }))
}

/// Leaves out what was searched; only then asks for more, so that every search makes progress.
fn wait(searched: usize, wanted: usize, have: usize, at_end: bool) -> Found {
    match searched {
        _ if at_end && have > 0 => Found::Nothing { length: have },
        0 => Found::Need(wanted.max(have + 1)),
        _ => Found::Nothing { length: searched },
    }
}

fn word(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..at + 4)?.try_into().ok()
}
