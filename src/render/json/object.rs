//! Records written by hand, member by member. A name is given as it stands in the record, with the
//! comma in front and the colon behind: `,"name":`.

use super::hot::Lines;
use super::page::Page;
use super::text;
use crate::said::{At, Endpoint};
use std::io::Write;
use std::net::SocketAddr;

/// One record: each member goes to the page as it is told.
pub(super) struct Object<'a, W: Write> {
    page: &'a mut Page<W>,
    lines: &'a mut Lines,
}

impl<W: Write> Object<'_, W> {
    /// Begins a record with its type, `{"type":"…"`.
    pub(super) fn begin<'a, const N: usize>(
        page: &'a mut Page<W>,
        lines: &'a mut Lines,
        start: &[u8; N],
    ) -> Object<'a, W> {
        page.write(|pen| pen.words(start));
        Object { page, lines }
    }

    /// Ends it, and its line if it has one of its own.
    pub(super) fn end(self) {
        self.page.write(|pen| self.lines.push_end(pen));
    }

    /// What stands between members, or needs no value.
    #[inline(always)]
    pub(super) fn words<const N: usize>(&mut self, words: &[u8; N]) {
        self.page.write(|pen| pen.words(words));
    }

    /// Where and when; a connection has a number above 0.
    pub(super) fn place(
        &mut self,
        connection: u64,
        from: Option<Endpoint>,
        at: At,
        offset: Option<u64>,
    ) {
        if connection > 0 {
            self.number(b",\"connection\":", connection);
        }
        match from {
            Some(Endpoint::Client) => self.words(b",\"direction\":\"client\""),
            Some(Endpoint::Server) => self.words(b",\"direction\":\"server\""),
            None => {}
        }
        self.page.write(|pen| self.lines.push_at(pen, at));
        self.number_if(b",\"offset\":", offset);
    }

    #[inline(always)]
    pub(super) fn number<const N: usize>(&mut self, name: &[u8; N], number: u64) {
        self.page.write(|pen| {
            pen.words(name);
            pen.number(number);
        });
    }

    /// A member that is not there without a value.
    #[inline(always)]
    pub(super) fn number_if<const N: usize>(&mut self, name: &[u8; N], number: Option<u64>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    /// A member that is `null` without a value.
    #[inline(always)]
    pub(super) fn number_or_null<const N: usize>(&mut self, name: &[u8; N], number: Option<u16>) {
        match number {
            Some(number) => self.number(name, number.into()),
            None => self.null(name),
        }
    }

    #[inline(always)]
    pub(super) fn null<const N: usize>(&mut self, name: &[u8; N]) {
        self.words(name);
        self.words(b"null");
    }

    #[inline(always)]
    pub(super) fn bool<const N: usize>(&mut self, name: &[u8; N], value: bool) {
        self.page.write(|pen| {
            pen.words(name);
            pen.bool(value);
        });
    }

    #[inline(always)]
    pub(super) fn text<const N: usize>(&mut self, name: &[u8; N], value: &str) {
        self.words(name);
        text::push_quoted(self.page, value);
    }

    /// A member that is not there without a value.
    #[inline(always)]
    pub(super) fn text_if<const N: usize>(&mut self, name: &[u8; N], value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A member that is `null` without a value.
    #[inline(always)]
    pub(super) fn text_or_null<const N: usize>(&mut self, name: &[u8; N], value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.null(name),
        }
    }

    /// Parts of one text.
    #[inline(always)]
    pub(super) fn joined<const N: usize>(&mut self, name: &[u8; N], parts: &[&str]) {
        self.words(name);
        self.words(b"\"");
        for part in parts {
            text::push_words(self.page, part);
        }
        self.words(b"\"");
    }

    /// Captured bytes as text: what is not UTF-8 is replaced.
    #[inline(always)]
    pub(super) fn bytes<const N: usize>(&mut self, name: &[u8; N], bytes: &[u8]) {
        self.words(name);
        text::push_lossy(self.page, bytes);
    }

    /// A member that is `null` without a value.
    #[inline(always)]
    pub(super) fn bytes_or_null<const N: usize>(&mut self, name: &[u8; N], bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(name, bytes),
            None => self.null(name),
        }
    }

    /// `"127.0.0.1:49152"`; nothing without an address.
    pub(super) fn address_if<const N: usize>(
        &mut self,
        name: &[u8; N],
        address: Option<SocketAddr>,
    ) {
        match address {
            Some(SocketAddr::V4(address)) => self.page.write(|pen| {
                pen.words(name);
                let [a, b, c, d] = address.ip().octets();
                pen.words(b"\"");
                pen.number(a.into());
                for part in [b, c, d] {
                    pen.words(b".");
                    pen.number(part.into());
                }
                pen.words(b":");
                pen.number(address.port().into());
                pen.words(b"\"");
            }),
            Some(address) => self.text(name, &address.to_string()),
            None => {}
        }
    }

    /// A value of another kind, as serde tells it.
    pub(super) fn other<const N: usize>(&mut self, name: &[u8; N], value: &impl serde::Serialize) {
        self.words(name);
        let result = value.serialize(super::Serializer { page: self.page });
        debug_assert!(result.is_ok(), "{result:?}");
    }
}
