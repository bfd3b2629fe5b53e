//! The way a frame took, as a ladder: packets, the records of TLS in them, the DATA of HTTP/2 in
//! those, the frame, its message. Each rung says which bytes of the one above it takes.

use super::line::{Line, Marks, number};
use super::{FrameView, figure, opcode_name, payload, table};
use crate::layers::{http2, tls};
use crate::layout::{Layout, Role};
use crate::render::{Paint, Sheet, escape};
use crate::said::{Carried, Carrier};
use crate::websocket::Part;
use std::io::{self, Write};

/// Of each layer so many carriers are listed, the last one among them.
const MAX_LISTED: usize = 6;

/// Headers of so many carriers are drawn.
const MAX_DRAWN: usize = 4;

/// A line of the ladder.
struct Rung {
    depth: usize,
    /// Not the first of its layer.
    again: bool,
    name: String,
    what: String,
    bytes: String,
    more: String,
    role: Role,
}

/// Writes the ladder of a frame that these carried.
pub fn ladder(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    carried: &[Carried],
) -> io::Result<()> {
    super::headline(out, sheet, view)?;
    writeln!(out)?;
    if carried.is_empty() {
        return writeln!(out, " nothing is known of what carried it");
    }
    let marks = Marks::of(sheet);
    let rungs = rungs(view, carried, marks);
    let columns = Columns::of(&rungs, marks);
    for rung in &rungs {
        columns.write(out, sheet, rung, view)?;
    }
    Ok(())
}

/// How wide the columns are.
struct Columns {
    names: usize,
    whats: usize,
    bytes: usize,
    more: usize,
}

impl Columns {
    fn of(rungs: &[Rung], marks: Marks) -> Columns {
        let widest = |width: &dyn Fn(&Rung) -> usize| rungs.iter().map(width).max().unwrap_or(0);
        Columns {
            names: widest(&|it| lead(it, marks).chars().count() + escape::width(&it.name)) + 2,
            whats: widest(&|it| escape::width(&it.what)) + 2,
            bytes: widest(&|it| escape::width(&it.bytes)) + 2,
            more: widest(&|it| escape::width(&it.more)),
        }
    }

    /// One rung: in one line where the sheet is wide enough, else in two.
    fn write(
        &self,
        out: &mut impl Write,
        sheet: &Sheet,
        rung: &Rung,
        view: &FrameView,
    ) -> io::Result<()> {
        let marks = Marks::of(sheet);
        let lead = lead(rung, marks);
        let indent = lead.chars().count() + 2;
        let mut line = Line::new().paint(Paint::Faint, lead);
        line = line.paint(Paint::Role(rung.role), &rung.name).pad_to(self.names);
        line = line.text(&rung.what);
        let column = self.names + self.whats;
        if rung.role == Role::Payload {
            line = line.pad_to(column);
            let room = sheet.width.saturating_sub(line.columns()).max(12);
            let what = escape::clip(&payload::short(view, marks, room), room, true);
            return line.text(what).write(out, sheet);
        }
        if column + self.bytes + self.more > sheet.width {
            line.write(out, sheet)?;
            if rung.bytes.is_empty() && rung.more.is_empty() {
                return Ok(());
            }
            line = Line::of(" ".repeat(indent)).text(&rung.bytes);
            line = if rung.bytes.is_empty() { line } else { line.text(marks.dot()) };
        } else {
            line = line.pad_to(column).text(&rung.bytes).pad_to(column + self.bytes);
        }
        let more = sheet.clip(&rung.more, sheet.width.saturating_sub(line.columns()).max(8));
        line.paint(Paint::Faint, more).write(out, sheet)
    }
}

/// Draws the headers of what carried a frame, field by field.
pub fn carriers(out: &mut impl Write, sheet: &Sheet, carried: &[Carried]) -> io::Result<()> {
    let headers = carried.iter().filter_map(|it| header(&it.carrier).map(|header| (it, header)));
    let mut left_out = 0;
    for (index, (carried, (title, bytes, layout))) in headers.enumerate() {
        if index >= MAX_DRAWN {
            left_out += 1;
            continue;
        }
        let at = format!("at byte {} of the layer below", number(carried.offset));
        writeln!(out)?;
        super::title(out, sheet, title, &at)?;
        writeln!(out)?;
        let view = FrameView {
            number: 0,
            offset: 0,
            sender: super::Sender::Unknown,
            layout: Layout { missing: None, ..layout },
            wire: bytes,
            payload: Vec::new(),
            header: None,
            part: None,
            not_kept: true,
            compressed: false,
            inflated: None,
            findings: Vec::new(),
        };
        figure::write(out, sheet, &view, super::Extent { all: true })?;
        writeln!(out)?;
        table::write(out, sheet, &view)?;
    }
    if left_out > 0 {
        writeln!(out, "\n {left_out} more headers like these are not drawn")?;
    }
    Ok(())
}

/// What a carrier's header is called, its bytes, and where its bits went.
fn header(carrier: &Carrier) -> Option<(&'static str, Vec<u8>, Layout)> {
    match carrier {
        Carrier::Segment { .. } => None,
        Carrier::Record(header) => {
            let bytes = header.to_bytes().to_vec();
            let layout = tls::layout(&bytes, 0);
            Some(("header of the TLS record", bytes, layout))
        }
        Carrier::Data { header, padding } => {
            let mut bytes = header.to_bytes().to_vec();
            bytes.extend(padding);
            let layout = http2::layout(&bytes, 0);
            Some(("header of the HTTP/2 frame", bytes, layout))
        }
    }
}

fn lead(rung: &Rung, marks: Marks) -> String {
    let mark = match rung.depth {
        0 => "",
        _ if rung.again => "   ",
        _ => marks.branch(),
    };
    format!(" {}{mark}", "   ".repeat(rung.depth.saturating_sub(1)))
}

fn rungs(view: &FrameView, carried: &[Carried], marks: Marks) -> Vec<Rung> {
    let (mut rungs, mut depth, mut below) = (Vec::new(), 0, String::new());
    let kind = |it: &Carried| std::mem::discriminant(&it.carrier);
    for layer in carried.chunk_by(|one, other| kind(one) == kind(other)) {
        let is_elided = layer.len() > MAX_LISTED;
        let listed = if is_elided { MAX_LISTED - 2 } else { layer.len() };
        for (index, carried) in layer.iter().take(listed).enumerate() {
            rungs.push(rung(carried, depth, index > 0, &below, marks));
        }
        if let (true, Some(last)) = (is_elided, layer.last()) {
            let hidden = &layer[listed..layer.len() - 1];
            let bytes: u64 = hidden.iter().map(|it| it.length).sum();
            rungs.push(Rung {
                depth,
                again: true,
                name: format!("{} {} more", marks.ellipsis(), number(hidden.len() as u64)),
                what: String::new(),
                bytes: String::new(),
                more: format!("{} B", number(bytes)),
                role: Role::Header,
            });
            rungs.push(rung(last, depth, true, &below, marks));
        }
        below = match layer[0].carrier {
            Carrier::Segment { .. } => "TCP".to_owned(),
            Carrier::Record(_) => "TLS".to_owned(),
            Carrier::Data { header, .. } => format!("stream {}", header.stream),
        };
        depth += 1;
    }
    rungs.push(frame(view, depth, &below, marks));
    rungs.extend(message(view, depth + 1));
    rungs
}

fn rung(carried: &Carried, depth: usize, again: bool, below: &str, marks: Marks) -> Rung {
    let Carried { offset, length, content_length, .. } = *carried;
    let bytes = range(offset, length, below, marks);
    match carried.carrier {
        Carrier::Segment { sequence, at } => Rung {
            depth,
            again,
            name: at.packet.map_or("packet".to_owned(), |packet| format!("packet {packet}")),
            what: format!("sequence {sequence}"),
            bytes: range(offset, length, "TCP", marks),
            more: format!("{} B", number(length)),
            role: Role::Header,
        },
        Carrier::Record(header) => Rung {
            depth,
            again,
            name: "TLS record".to_owned(),
            what: tls::content_type(header.content_type).to_owned(),
            bytes,
            more: format!(
                "{} header + {} encrypted",
                tls::HEADER,
                number(u64::from(header.length))
            ),
            role: Role::Key,
        },
        Carrier::Data { header, padding } => Rung {
            depth,
            again,
            name: format!("HTTP/2 {}", http2::type_name(header.kind).unwrap_or("frame")),
            what: format!("stream {}", header.stream),
            bytes,
            more: match padding {
                None => format!("{} header + {} content", http2::HEADER, number(content_length)),
                Some(padding) => format!(
                    "{} header + 1 pad length + {} content + {padding} padding",
                    http2::HEADER,
                    number(content_length)
                ),
            },
            role: Role::Length,
        },
    }
}

fn frame(view: &FrameView, depth: usize, below: &str, marks: Marks) -> Rung {
    let header = view.header.map_or(0, |header| header.header_length());
    let length = view.header.map_or(0, |header| header.payload_length);
    Rung {
        depth,
        again: false,
        name: format!("frame {}", number(view.number)),
        what: view.opcode().map(opcode_name).unwrap_or_default(),
        bytes: range(view.offset, header.saturating_add(length), below, marks),
        more: format!("{header} header + {} payload", number(length)),
        role: Role::Opcode,
    }
}

fn message(view: &FrameView, depth: usize) -> Option<Rung> {
    let (part, message) = view.part?;
    let what = match part {
        Part::First => "its first fragment",
        Part::Middle => "a fragment of it",
        Part::Last => "its last fragment",
        _ => "all of it",
    };
    Some(Rung {
        depth,
        again: false,
        name: format!("message {}", number(message?)),
        what: what.to_owned(),
        bytes: String::new(),
        more: String::new(),
        role: Role::Payload,
    })
}

/// Bytes of a stream, the last one included.
fn range(offset: u64, length: u64, stream: &str, marks: Marks) -> String {
    let of = if stream.is_empty() { String::new() } else { format!(" of {stream}") };
    match length {
        0 => format!("before byte {offset}{of}"),
        1 => format!("byte {offset}{of}"),
        _ => format!("bytes {offset}{}{}{of}", marks.to(), offset.saturating_add(length - 1)),
    }
}
