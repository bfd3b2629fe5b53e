//! Where every bit went: fields, spans and the cursor that leaves footprints. Knows no protocol.
//!
//! A [`Spec`] says what a field *is* and is declared once, beside the line that reads it. A
//! [`Field`] is that field as found in some bytes. A [`Reader`] hands out values and, for each,
//! leaves a field behind, so that a parser reads like the RFC's list and cannot forget to annotate.
//!
//! The tiling law: the fields of a [`Layout`] cover its span exactly, in order, without gap or
//! overlap, whether or not the bytes were complete.

mod reader;

pub use reader::Reader;
use std::borrow::Cow;

/// What a field is: one declaration from which table, figure, JSON, page and course derive.
#[derive(Debug)]
pub struct Spec {
    /// Stable machine name, as in JSON (`payload_length`).
    pub name: &'static str,
    /// The RFC's own label, spelled as the RFC spells it (`Payload len`).
    pub label: &'static str,
    /// Where it is defined (`6455 §5.2`).
    pub section: &'static str,
    /// What the field is for, in one sentence.
    pub about: &'static str,
    /// What kind of thing it is, which decides its colour.
    pub role: Role,
}

/// A section as people write it: `RFC 6455 §5.2`. What no RFC defines (`W3C Trace Context`, a registry)
/// stays as it is, and so does nothing at all.
pub fn cited(section: &str) -> Cow<'_, str> {
    match section.starts_with(|first: char| first.is_ascii_digit()) {
        true => Cow::Owned(format!("RFC {section}")),
        false => Cow::Borrowed(section),
    }
}

/// The kind of a field. A palette turns it into a colour; colour is never the only carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A single bit with a meaning of its own.
    Flag,
    /// Says what kind of unit this is.
    Opcode,
    /// Says how long something is.
    Length,
    /// A key, such as the masking key.
    Key,
    /// What the application sent.
    Payload,
    /// A code inside the payload, such as a close code.
    Code,
    /// A header of a carrying layer.
    Header,
}

/// A run of bits in one endpoint's stream (or in the input, for bytes and transcripts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First bit, counted from the start of the stream; the first bit of a byte is its highest.
    pub start: u64,
    /// Number of bits.
    pub length: u64,
}

impl Span {
    /// A span of whole bytes.
    pub const fn bytes(offset: u64, length: u64) -> Span {
        Span { start: offset.saturating_mul(8), length: length.saturating_mul(8) }
    }

    /// A span of bits.
    pub const fn bits(start: u64, length: u64) -> Span {
        Span { start, length }
    }

    /// The bit after the last.
    pub const fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }

    /// Offset of the first byte touched.
    pub const fn byte_offset(self) -> u64 {
        self.start / 8
    }

    /// Number of bytes touched, partly or wholly.
    pub const fn byte_length(self) -> u64 {
        self.end().div_ceil(8) - self.start / 8
    }

    /// True if both ends lie on byte borders.
    pub const fn is_whole_bytes(self) -> bool {
        self.start.is_multiple_of(8) && self.length.is_multiple_of(8)
    }
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A number: flags, opcodes, lengths, codes.
    Number(u64),
    /// The bytes at the field's span.
    Bytes,
}

/// A field as found: what it is, where it lies, what it holds and what that means here.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its declaration.
    pub spec: &'static Spec,
    /// Where it lies.
    pub span: Span,
    /// What it holds. For a field that was cut short: `Bytes`, those that are there.
    pub value: Value,
    /// What that means here, in words; may be empty where the label says it all.
    pub meaning: Cow<'static, str>,
    /// Fields inside this one (a close code inside its payload), tiling it if not empty.
    pub children: Vec<Field>,
}

/// Which field ran dry, and how much was missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Name of the field that could not be read whole.
    pub field: &'static Spec,
    /// How many more bytes would have been enough to read that field.
    pub bytes: u64,
}

impl PartialEq for Spec {
    fn eq(&self, other: &Spec) -> bool {
        self.name == other.name && self.section == other.section
    }
}
impl Eq for Spec {}

/// The fields of one unit (a frame, a record, a header), in order, tiling it.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The fields in the order of the stream.
    pub fields: Vec<Field>,
    /// Set if the bytes ended before the unit did.
    pub missing: Option<Missing>,
}

impl Layout {
    /// The bits covered by the fields.
    pub fn span(&self) -> Span {
        let start = self.fields.first().map_or(0, |field| field.span.start);
        let end = self.fields.last().map_or(start, |field| field.span.end());
        Span { start, length: end - start }
    }

    /// The field declared by `spec`, if it was reached.
    pub fn find(&self, spec: &'static Spec) -> Option<&Field> {
        self.fields.iter().find(|field| std::ptr::eq(field.spec, spec))
    }

    /// Checks the tiling law; the error names the first place where it is broken.
    pub fn check_tiling(&self) -> Result<(), String> {
        tiles(&self.fields, None)
    }
}

fn tiles(fields: &[Field], parent: Option<Span>) -> Result<(), String> {
    let mut at = parent.map(|span| span.start);
    for field in fields {
        if let Some(at) = at
            && at != field.span.start
        {
            let name = field.spec.name;
            return Err(format!("{name} starts at bit {} instead of {at}", field.span.start));
        }
        at = Some(field.span.end());
        if !field.children.is_empty() {
            tiles(&field.children, Some(field.span))?;
        }
    }
    match (parent, at) {
        (Some(parent), Some(at)) if at != parent.end() => {
            Err(format!("the children end at bit {at} instead of {}", parent.end()))
        }
        _ => Ok(()),
    }
}
