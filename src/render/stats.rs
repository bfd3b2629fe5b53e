//! Counts, sizes, rates and compression: for each connection, end and opcode, and for the capture.
//!
//! What is kept of a size is which of a fixed number of steps it lies on, so that memory is bounded
//! for each open connection; median and 95th percentile are exact below 32 bytes and where a step has
//! sizes of one kind, and within 1/16 elsewhere.

use super::json::{self, record};
use super::timeline::size;
use super::{Paint, Sheet, escape, overview, wrap};
use crate::inspection::{Connection, Observer};
use crate::rules::Judged;
use crate::said::{At, Endpoint, Time};
use crate::websocket::{Event, Opcode};
use comfy_table::{CellAlignment, Table};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

/// Connections that are shown in text.
const MAX_SHOWN: usize = 20;

/// The numbers of one opcode in one direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Frames with this opcode.
    pub frames: u64,
    /// Their headers' bytes.
    pub header_bytes: u64,
    /// Their payloads' bytes, on the wire.
    pub payload_bytes: u64,
    /// Messages with this opcode.
    pub messages: u64,
    /// Their bytes, inflated.
    pub message_bytes: u64,
    /// The inflated bytes of those messages that were compressed.
    pub inflated_bytes: u64,
    /// The bytes on the wire of the same.
    pub deflated_bytes: u64,
    /// Sizes of the messages, or of control frames' payloads.
    pub sizes: Sizes,
    first: Option<Time>,
    last: Option<Time>,
}

/// How sizes are distributed: how many lie on each step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    steps: BTreeMap<u16, Step>,
    /// Some are not known: then nothing is said of any.
    has_unknown: bool,
    count: u64,
    min: Option<u64>,
    max: Option<u64>,
}

/// What lies on one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Step {
    count: u64,
    largest: u64,
}

impl Step {
    fn add(&mut self, count: u64, largest: u64) {
        self.count += count;
        self.largest = self.largest.max(largest);
    }
}

/// Sixteen steps, that is, four bits, for each power of two.
const STEPS: u32 = 4;

impl Sizes {
    /// Counts a size.
    pub fn add(&mut self, size: u64) {
        self.steps.entry(step(size)).or_default().add(1, size);
        self.count += 1;
        self.min = Some(self.min.map_or(size, |min| min.min(size)));
        self.max = self.max.max(Some(size));
    }

    fn merge(&mut self, other: &Sizes) {
        self.has_unknown |= other.has_unknown;
        for (number, step) in &other.steps {
            self.steps.entry(*number).or_default().add(step.count, step.largest);
        }
        self.count += other.count;
        self.min = [self.min, other.min].into_iter().flatten().min();
        self.max = self.max.max(other.max);
    }

    /// The smallest size.
    pub fn min(&self) -> Option<u64> {
        self.min.filter(|_| !self.has_unknown)
    }

    /// The largest size.
    pub fn max(&self) -> Option<u64> {
        self.max.filter(|_| !self.has_unknown)
    }

    /// The size that this share of all sizes does not exceed (nearest rank).
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        self.max()?;
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let reaches = |step: &&Step| {
            seen += step.count;
            seen >= rank
        };
        self.steps.values().find(reaches).map(|step| step.largest)
    }
}

/// The step that a size lies on: its own below 32, then sixteen for each power of two.
fn step(size: u64) -> u16 {
    if size < 2 << STEPS {
        return size as u16;
    }
    let power = size.ilog2() - STEPS;
    ((power << STEPS) + (size >> power) as u32) as u16
}

impl Numbers {
    fn saw(&mut self, at: At) {
        self.first = self.first.or(at.time);
        self.last = at.time.or(self.last);
    }

    fn merge(&mut self, other: &Numbers) {
        self.frames += other.frames;
        self.header_bytes += other.header_bytes;
        self.payload_bytes += other.payload_bytes;
        self.messages += other.messages;
        self.message_bytes += other.message_bytes;
        self.inflated_bytes += other.inflated_bytes;
        self.deflated_bytes += other.deflated_bytes;
        self.sizes.merge(&other.sizes);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }

    /// Seconds from the first frame to the last.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.last?.seconds_since(self.first?))
    }

    /// Frames per second, where there are at least two and time passed.
    pub fn frames_per_second(&self) -> Option<f64> {
        let seconds = self.seconds().filter(|seconds| *seconds > 0.0 && self.frames > 1)?;
        Some((self.frames - 1) as f64 / seconds)
    }

    /// Bytes on the wire for each byte of the compressed messages.
    pub fn compression_ratio(&self) -> Option<f64> {
        let inflated = self.inflated_bytes;
        (inflated > 0).then(|| self.deflated_bytes as f64 / inflated as f64)
    }

    fn wire_bytes(&self) -> u64 {
        self.header_bytes + self.payload_bytes
    }
}

/// The numbers by direction and opcode, in this order.
pub type ByKind = BTreeMap<(Endpoint, u8), Numbers>;

/// Where the numbers of a connection go once it ended.
enum Way<W: Write> {
    /// Into a table: the connections with most bytes are kept.
    Text(W, Sheet, Vec<(Connection, ByKind)>),
    /// Into records, at once.
    Json(Box<json::Writer<W>>),
}

/// Collects numbers and writes them.
pub struct Stats<W: Write> {
    way: Way<W>,
    open: HashMap<u64, ByKind>,
    total: ByKind,
    connections: u64,
    error: Option<io::Error>,
}

impl<W: Write> Stats<W> {
    /// Numbers as text.
    pub fn text(out: W, sheet: Sheet) -> Stats<W> {
        Stats::new(Way::Text(out, sheet, Vec::new()))
    }

    /// Numbers as records.
    pub fn json(writer: json::Writer<W>) -> Stats<W> {
        Stats::new(Way::Json(Box::new(writer)))
    }

    fn new(way: Way<W>) -> Stats<W> {
        let (open, total) = (HashMap::new(), ByKind::new());
        Stats { way, open, total, connections: 0, error: None }
    }

    /// Writes what is left: the tables, or the totals with the summary.
    pub fn finish(self, summary: record::Summary<'_>) -> io::Result<()> {
        if let Some(error) = self.error {
            return Err(error);
        }
        match self.way {
            Way::Text(mut out, sheet, kept) => {
                write_text(&mut out, &sheet, &kept, self.connections, &self.total)
            }
            Way::Json(mut writer) => {
                write_records(&mut writer, None, &self.total);
                writer.finish(summary).map(|_| ())
            }
        }
    }

    /// Writes a record first, if these are records.
    pub fn record(&mut self, record: &record::Record<'_>) {
        if let Way::Json(writer) = &mut self.way {
            writer.record(record);
        }
    }

    /// Messages of the connections that ended, from client and server, and bytes of their frames'
    /// headers.
    pub fn carried(&self) -> ([u64; 2], u64) {
        let (mut messages, mut headers) = ([0; 2], 0);
        for ((from, _), numbers) in &self.total {
            messages[from.index()] += numbers.messages;
            headers += numbers.header_bytes;
        }
        (messages, headers)
    }

    fn close(&mut self, connection: &Connection) {
        let Some(kinds) = self.open.remove(&connection.number) else { return };
        for (kind, numbers) in &kinds {
            self.total.entry(*kind).or_default().merge(numbers);
        }
        match &mut self.way {
            Way::Json(writer) => write_records(writer, Some(connection), &kinds),
            Way::Text(_, _, kept) => {
                kept.push((connection.clone(), kinds));
                kept.sort_by_key(|(connection, kinds)| (Reverse(bytes(kinds)), connection.number));
                kept.truncate(MAX_SHOWN);
            }
        }
    }
}

fn bytes(kinds: &ByKind) -> u64 {
    kinds.values().map(Numbers::wire_bytes).sum()
}

impl<W: Write> Observer for Stats<W> {
    fn connection(&mut self, connection: &Connection) {
        self.connections += 1;
        self.open.insert(connection.number, ByKind::new());
        if let Way::Json(writer) = &mut self.way {
            writer.connection(connection);
        }
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, _judged: &Judged) {
        let number = connection.number;
        let mut numbers = |from: Endpoint, opcode: Opcode, note: &dyn Fn(&mut Numbers)| {
            if let Some(kinds) = self.open.get_mut(&number) {
                note(kinds.entry((from, opcode.bits())).or_default());
            }
        };
        match event {
            Event::Frame(frame) => numbers(frame.from, frame.header.opcode(), &|numbers| {
                numbers.frames += 1;
                numbers.header_bytes += frame.header.header_length();
                // What was not captured was sent all the same, unless the stream ended first.
                numbers.payload_bytes += frame.header.payload_length - frame.beyond;
                numbers.saw(frame.at);
                if frame.header.opcode().is_control() {
                    numbers.sizes.add(frame.header.payload_length);
                }
            }),
            Event::Message(message) => numbers(message.from, message.opcode, &|numbers| {
                numbers.messages += 1;
                numbers.message_bytes += message.length;
                match message.has_known_length() {
                    true => numbers.sizes.add(message.length),
                    false => numbers.sizes.has_unknown = true,
                }
                if message.compressed && message.has_known_length() {
                    numbers.inflated_bytes += message.length;
                    numbers.deflated_bytes += message.wire_length;
                }
            }),
            Event::End(_) => self.close(connection),
            _ => {}
        }
    }

    fn is_done(&self) -> bool {
        matches!(&self.way, Way::Json(writer) if writer.is_done())
    }
}

fn write_records<W: Write>(
    writer: &mut json::Writer<W>,
    connection: Option<&Connection>,
    kinds: &ByKind,
) {
    for ((from, opcode), numbers) in kinds {
        writer.record(&record::Record::Stats(record::Stats {
            connection: connection.map(|connection| connection.number),
            direction: from.name(),
            opcode: *opcode,
            opcode_name: Opcode::from_bits(*opcode).name(),
            frames: numbers.frames,
            header_bytes: numbers.header_bytes,
            payload_bytes: numbers.payload_bytes,
            messages: numbers.messages,
            message_bytes: numbers.message_bytes,
            min: numbers.sizes.min(),
            median: numbers.sizes.percentile(50),
            p95: numbers.sizes.percentile(95),
            max: numbers.sizes.max(),
            seconds: numbers.seconds(),
            frames_per_second: numbers.frames_per_second(),
            compression_ratio: numbers.compression_ratio(),
        }));
    }
}

fn write_text(
    out: &mut impl Write,
    sheet: &Sheet,
    kept: &[(Connection, ByKind)],
    connections: u64,
    total: &ByKind,
) -> io::Result<()> {
    for (connection, kinds) in kept {
        let traffic = format!(" · {}", traffic(kinds));
        writeln!(out, "{}", overview::title_with(sheet, connection, &traffic))?;
        writeln!(out, "{}\n", table(kinds, sheet))?;
    }
    let left_out = connections.saturating_sub(kept.len() as u64);
    if left_out > 0 {
        writeln!(out, "{left_out} connections with fewer bytes: --format jsonl has them all\n")?;
    }
    if connections > 1 {
        let title = sheet
            .words(&format!("all {connections} connections · {}", traffic(total)))
            .into_owned();
        writeln!(out, "{}\n{}", sheet.palette.paint(Paint::Title, title), table(total, sheet))?;
    }
    if total.values().any(|numbers| numbers.deflated_bytes > 0) {
        let legend = "on wire: as it travelled, compressed; min to max: sizes of messages as the \
                      application has them, and of control frames";
        for row in wrap(legend, sheet.width) {
            writeln!(out, "{}", sheet.palette.paint(Paint::Faint, row))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// All bytes of frames, and what share of them are headers.
fn traffic(kinds: &ByKind) -> String {
    let all = bytes(kinds);
    let headers: u64 = kinds.values().map(|numbers| numbers.header_bytes).sum();
    let share = if all > 0 { headers as f64 * 100.0 / all as f64 } else { 0.0 };
    format!("{} in frames, {share:.1} % of it headers", size(all))
}

/// The headings. On a narrow sheet those with a number are left out first, 1 before 2; records
/// have them all.
const HEADINGS: [(&str, u8); 12] = [
    ("from", 0),
    ("kind", 0),
    ("frames", 0),
    ("messages", 0),
    ("headers", 0),
    ("on wire", 0),
    ("min", 2),
    ("median", 0),
    ("95 %", 1),
    ("max", 0),
    ("per s", 1),
    ("deflated", 0),
];

/// The widest table that fits, without blanks at the ends of its lines.
fn table(kinds: &ByKind, sheet: &Sheet) -> String {
    let fits = |text: &str| text.lines().all(|line| escape::width(line) <= sheet.width);
    let tables = (0..=2).map(|least| whole_table(kinds, least).trim_fmt());
    let tables: Vec<String> = tables.collect();
    tables.iter().find(|text| fits(text)).or(tables.last()).cloned().unwrap_or_default()
}

/// The table without the columns up to this number.
fn whole_table(kinds: &ByKind, left_out: u8) -> Table {
    let is_shown = |index: usize| HEADINGS[index].1 == 0 || HEADINGS[index].1 > left_out;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let headings = HEADINGS.iter().enumerate().filter(|(index, _)| is_shown(*index));
    table.set_header(headings.map(|(_, (heading, _))| *heading));
    let sized = |bytes: Option<u64>| bytes.map_or(String::new(), size);
    for ((from, opcode), numbers) in kinds {
        let opcode = Opcode::from_bits(*opcode);
        let is_message = matches!(opcode, Opcode::Text | Opcode::Binary);
        let row = [
            from.name().to_owned(),
            match opcode {
                Opcode::Reserved(bits) => format!("0x{bits:X}"),
                opcode => opcode.name().to_owned(),
            },
            numbers.frames.to_string(),
            if is_message { numbers.messages.to_string() } else { String::new() },
            size(numbers.header_bytes),
            size(numbers.payload_bytes),
            sized(numbers.sizes.min()),
            sized(numbers.sizes.percentile(50)),
            sized(numbers.sizes.percentile(95)),
            sized(numbers.sizes.max()),
            numbers.frames_per_second().map_or(String::new(), |rate| format!("{rate:.1}")),
            numbers
                .compression_ratio()
                .map_or(String::new(), |ratio| format!("to {:.0} %", ratio * 100.0)),
        ];
        let row = row.into_iter().enumerate().filter(|(index, _)| is_shown(*index));
        table.add_row(row.map(|(_, cell)| cell));
    }
    for column in 2..HEADINGS.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_percentile_is_never_more_than_a_sixteenth_too_high(
            mut sizes in proptest::collection::vec(0..5_000_000u64, 1..80), percent in 1..=100u64,
        ) {
            let mut kept = Sizes::default();
            for size in &sizes {
                kept.add(*size);
            }
            sizes.sort_unstable();
            let rank = (sizes.len() as u64 * percent).div_ceil(100) as usize;
            let exact = sizes[rank - 1];
            let found = kept.percentile(percent).expect("there are sizes");
            prop_assert!(found >= exact && found <= exact + exact / 16, "{found} for {exact}");
            prop_assert_eq!(kept.min(), sizes.first().copied());
            prop_assert_eq!(kept.max(), sizes.last().copied());
        }

        #[test]
        fn a_percentile_of_sizes_that_are_alike_is_exact(
            size in 0..5_000_000u64, large in 10_000_000..20_000_000u64,
        ) {
            let mut kept = Sizes::default();
            for size in [size, size, size, large] {
                kept.add(size);
            }
            prop_assert_eq!(kept.percentile(50), Some(size));
            prop_assert!(step(u64::MAX) < 1024);
        }
    }
}
