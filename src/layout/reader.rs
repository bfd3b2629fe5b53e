//! A bit cursor that leaves footprints: what it reads, it annotates.

use super::{Field, Layout, Missing, Span, Spec, Value};
use std::borrow::Cow;

/// Reads fields from bytes, most significant bit first, and records each as a [`Field`].
///
/// Reading past the end records what is there and returns [`Missing`]; nothing panics.
pub struct Reader<'a> {
    bytes: &'a [u8],
    origin: u64,
    cursor: usize,
    layout: Layout,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, whose first byte lies at byte `offset` of its stream.
    pub fn new(bytes: &'a [u8], offset: u64) -> Reader<'a> {
        Reader { bytes, origin: offset.saturating_mul(8), cursor: 0, layout: Layout::default() }
    }

    /// One bit.
    pub fn flag(&mut self, spec: &'static Spec) -> Result<bool, Missing> {
        self.number(spec, 1).map(|bit| bit == 1)
    }

    /// A number of up to 64 bits in network byte order.
    pub fn number(&mut self, spec: &'static Spec, bits: u32) -> Result<u64, Missing> {
        self.need(spec, u64::from(bits))?;
        let mut value = 0u64;
        for bit in self.cursor..self.cursor + bits as usize {
            value = value << 1 | u64::from(self.bytes[bit / 8] >> (7 - bit % 8) & 1);
        }
        self.leave(spec, u64::from(bits), Value::Number(value));
        Ok(value)
    }

    /// A run of whole bytes. If fewer are there, they are recorded before the error is returned.
    pub fn bytes(&mut self, spec: &'static Spec, length: u64) -> Result<&'a [u8], Missing> {
        self.need(spec, length.saturating_mul(8))?;
        let start = self.cursor / 8;
        self.leave(spec, length * 8, Value::Bytes);
        Ok(&self.bytes[start..start + length as usize])
    }

    /// Says in words what the field just read means here.
    pub fn explain(&mut self, meaning: impl Into<Cow<'static, str>>) {
        if let Some(field) = self.layout.fields.last_mut() {
            field.meaning = meaning.into();
        }
    }

    /// The footprints. `missing` is what the last read returned, if it failed.
    pub fn finish(mut self, missing: Option<Missing>) -> Layout {
        self.layout.missing = missing;
        self.layout
    }

    /// Makes sure that `bits` more are there; otherwise records the rest under `spec`.
    fn need(&mut self, spec: &'static Spec, bits: u64) -> Result<(), Missing> {
        let left = (self.bytes.len() * 8 - self.cursor) as u64;
        if left >= bits {
            return Ok(());
        }
        let missing = Missing { field: spec, bytes: (bits - left).div_ceil(8) };
        if left > 0 {
            self.leave(spec, left, Value::Bytes);
            self.explain("cut short");
        }
        Err(missing)
    }

    fn leave(&mut self, spec: &'static Spec, bits: u64, value: Value) {
        let span = Span::bits(self.origin + self.cursor as u64, bits);
        self.cursor += bits as usize;
        let meaning = Cow::Borrowed("");
        self.layout.fields.push(Field { spec, span, value, meaning, children: Vec::new() });
    }
}
