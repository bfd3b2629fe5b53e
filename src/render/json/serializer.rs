//! Records as JSON: serde tells their parts, which go to a page one by one. Strings do no harm on
//! a terminal (see [`text`]).
//!
//! Absent: what records are not made of (bytes, and variants that carry data).

use super::page::Page;
use super::text;
use serde::ser::{self, Impossible, Serialize};
use std::fmt::Display;
use std::io::Write;

/// Writes values to a page.
pub(super) struct Serializer<'a, W: Write> {
    pub(super) page: &'a mut Page<W>,
}

/// Writes the members of an object, or those of an array.
pub(super) struct Members<'a, W: Write> {
    page: &'a mut Page<W>,
    is_first: bool,
    end: &'static [u8; 1],
}

/// Why a value is no JSON. A page takes everything.
#[derive(Debug)]
pub(super) struct NoJson(String);

impl Display for NoJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoJson {}

impl ser::Error for NoJson {
    fn custom<T: Display>(message: T) -> NoJson {
        NoJson(message.to_string())
    }
}

type Done = Result<(), NoJson>;

fn not_needed<T>() -> Result<T, NoJson> {
    Err(NoJson("no record has such a part".to_owned()))
}

impl<'a, W: Write> Serializer<'a, W> {
    fn signed(self, number: i64) -> Done {
        if number < 0 {
            self.page.write(|pen| pen.words(b"-"));
        }
        ser::Serializer::serialize_u64(self, number.unsigned_abs())
    }

    fn members(self, start: &'static [u8; 1], end: &'static [u8; 1]) -> Members<'a, W> {
        self.page.write(|pen| pen.words(start));
        Members { page: self.page, is_first: true, end }
    }
}

impl<'a, W: Write> ser::Serializer for Serializer<'a, W> {
    type Ok = ();
    type Error = NoJson;
    type SerializeSeq = Members<'a, W>;
    type SerializeTuple = Members<'a, W>;
    type SerializeTupleStruct = Impossible<(), NoJson>;
    type SerializeTupleVariant = Impossible<(), NoJson>;
    type SerializeMap = Members<'a, W>;
    type SerializeStruct = Members<'a, W>;
    type SerializeStructVariant = Impossible<(), NoJson>;

    fn serialize_bool(self, value: bool) -> Done {
        self.page.write(|pen| pen.bool(value));
        Ok(())
    }

    fn serialize_i8(self, number: i8) -> Done {
        self.signed(number.into())
    }

    fn serialize_i16(self, number: i16) -> Done {
        self.signed(number.into())
    }

    fn serialize_i32(self, number: i32) -> Done {
        self.signed(number.into())
    }

    fn serialize_i64(self, number: i64) -> Done {
        self.signed(number)
    }

    fn serialize_u8(self, number: u8) -> Done {
        self.serialize_u64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Done {
        self.serialize_u64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Done {
        self.serialize_u64(number.into())
    }

    fn serialize_u64(self, number: u64) -> Done {
        self.page.write(|pen| pen.number(number));
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Done {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Done {
        let written = serde_json::to_string(&number).map_err(ser::Error::custom)?;
        self.page.write(|pen| pen.piece(written.as_bytes()));
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        text::push_quoted(self.page, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Done {
        not_needed()
    }

    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.page.write(|pen| pen.words(b"null"));
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Done {
        not_needed()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a, W>, NoJson> {
        Ok(self.members(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a, W>, NoJson> {
        Ok(self.members(b"[", b"]"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NoJson> {
        not_needed()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoJson> {
        not_needed()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a, W>, NoJson> {
        Ok(self.members(b"{", b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a, W>, NoJson> {
        Ok(self.members(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoJson> {
        not_needed()
    }
}

impl<W: Write> Members<'_, W> {
    fn next(&mut self) -> Serializer<'_, W> {
        if !std::mem::take(&mut self.is_first) {
            self.page.write(|pen| pen.words(b","));
        }
        Serializer { page: self.page }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.page.write(|pen| pen.words(b":"));
        value.serialize(Serializer { page: self.page })
    }

    fn finish(self) -> Done {
        self.page.write(|pen| pen.words(self.end));
        Ok(())
    }
}

impl<W: Write> ser::SerializeSeq for Members<'_, W> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(self.next())
    }

    fn end(self) -> Done {
        self.finish()
    }
}

impl<W: Write> ser::SerializeTuple for Members<'_, W> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(self.next())
    }

    fn end(self) -> Done {
        self.finish()
    }
}

impl<W: Write> ser::SerializeMap for Members<'_, W> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        key.serialize(self.next())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.value(value)
    }

    fn end(self) -> Done {
        self.finish()
    }
}

impl<W: Write> ser::SerializeStruct for Members<'_, W> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        // Names of fields are plain.
        let is_first = std::mem::take(&mut self.is_first);
        self.page.write(|pen| {
            match is_first {
                true => pen.words(b"\""),
                false => pen.words(b",\""),
            }
            pen.piece(name.as_bytes());
            pen.words(b"\":");
        });
        value.serialize(Serializer { page: self.page })
    }

    fn end(self) -> Done {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_what_it_was(value in values()) {
            let written = super::super::harmless(&value);
            let read: Value = serde_json::from_str(&written).expect("it is JSON");
            prop_assert_eq!(read, value);
        }
    }
}
