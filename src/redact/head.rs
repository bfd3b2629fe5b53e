//! Heads with their secrets replaced. A placeholder is as long as what it stands for, so every
//! range, offset, line and column of the redacted head is that of the original.

use super::placeholder::Placeholders;
use super::plain;
use crate::http::{FieldLine, Head, Names, StartLine};
use std::ops::Range;

/// The head with placeholders. Of the text around it (a transcript has other lines) only the
/// layout is left.
pub(super) fn head(head: &Head, placeholders: &mut Placeholders) -> Head {
    let mut redacted = Redacted {
        // All that is not copied on purpose is gone.
        text: head.source.iter().map(|&byte| blank(byte)).collect(),
        source: &head.source,
        placeholders,
    };
    redacted.start_line(&head.start);
    for field in &head.fields {
        redacted.field(field);
    }
    let names = Names::of(&redacted.text, &head.fields);
    let source = redacted.text.into();
    let (fields, flaws) = (head.fields.clone(), head.flaws.clone());
    let (start, range) = (head.start.clone(), head.range.clone());
    let (offset, complete) = (head.offset, head.complete);
    let (decoded, controls) = (head.decoded, head.controls);
    Head { source, offset, start, fields, names, flaws, complete, range, decoded, controls }
}

/// A method, if it is known.
pub(super) fn method(method: &[u8], placeholders: &mut Placeholders) -> Vec<u8> {
    alone(method, placeholders, |redacted, range| {
        redacted.keep_if(plain::is_method(method), "method", range);
    })
}

/// A request-target.
pub(super) fn target(target: &[u8], placeholders: &mut Placeholders) -> Vec<u8> {
    alone(target, placeholders, |redacted, range| redacted.url(range))
}

/// Text that stands in no head.
fn alone(
    source: &[u8],
    placeholders: &mut Placeholders,
    redact: impl FnOnce(&mut Redacted<'_>, &Range<usize>),
) -> Vec<u8> {
    let text = source.iter().map(|&byte| blank(byte)).collect();
    let mut redacted = Redacted { text, source, placeholders };
    redact(&mut redacted, &(0..source.len()));
    redacted.text
}

/// White space, the colon behind a name and the prompt before a line tell nothing.
fn blank(byte: u8) -> u8 {
    if b"\r\n\t :<>".contains(&byte) { byte } else { b'*' }
}

struct Redacted<'a> {
    text: Vec<u8>,
    source: &'a [u8],
    placeholders: &'a mut Placeholders,
}

impl Redacted<'_> {
    fn keep(&mut self, range: &Range<usize>) {
        self.text[range.clone()].copy_from_slice(&self.source[range.clone()]);
    }

    fn hide(&mut self, kind: &str, range: &Range<usize>) {
        self.keep(range);
        self.placeholders.fill(kind, &mut self.text[range.clone()]);
    }

    fn keep_if(&mut self, is_open: bool, kind: &str, range: &Range<usize>) {
        if is_open { self.keep(range) } else { self.hide(kind, range) }
    }

    fn start_line(&mut self, start: &StartLine) {
        match start {
            StartLine::Request { method, target, version } => {
                let is_known = plain::is_method(&self.source[method.clone()]);
                self.keep_if(is_known, "method", method);
                self.version(version);
                self.url(target);
            }
            StartLine::Status { version, code, reason } => {
                self.version(version);
                self.keep(code);
                self.keep_if(plain::is_reason(&self.source[reason.clone()]), "reason", reason);
            }
            StartLine::Malformed(line) => self.hide("line", line),
        }
    }

    fn version(&mut self, version: &Range<usize>) {
        let text = &self.source[version.clone()];
        // `HTTP/1.1`, `http/1.1`, `HTTP/2`
        let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let is_version = text.len() <= 8
            && text.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"HTTP/"))
            && text[5..].iter().all(is_number);
        self.keep_if(is_version, "version", version);
    }

    fn field(&mut self, field: &FieldLine) {
        let name = &self.source[field.name.clone()];
        let value = &self.source[field.value.clone()];
        let is_name = name.len() <= 64 && crate::http::is_token(name);
        self.keep_if(is_name, "name", &field.name);
        let range = &field.value;
        match name {
            name if plain::is_subprotocol_field(name) => {
                self.each(range, b",", |this, member| {
                    let is_known = plain::is_subprotocol(&this.source[member.clone()]);
                    this.keep_if(is_known, "subprotocol", member);
                });
            }
            name if plain::is_extension_field(name) => {
                self.each(range, b",", |this, element| {
                    let is_known = plain::is_extension(&this.source[element.clone()]);
                    this.keep_if(is_known, "extension", element);
                });
            }
            name if plain::is_url_field(name) => self.url(range),
            name if plain::is_free_field(name) => self.keep(range),
            name if plain::is_nonce_field(name) => {
                self.keep_if(plain::is_nonce(name, value), "value", range);
            }
            name if plain::is_worded_field(name) => {
                self.each(range, plain::VALUE_SEPARATORS, |this, word| {
                    let is_known = plain::is_value_word(name, &this.source[word.clone()]);
                    this.keep_if(is_known, "value", word);
                });
            }
            name => {
                let kind = plain::kind_of_field(name);
                let scheme = value.iter().take_while(|byte| **byte != b' ').count();
                let start = range.start + scheme;
                if kind == "credential" && plain::is_scheme(&value[..scheme]) && start < range.end {
                    self.keep(&(range.start..start + 1));
                    self.hide(kind, &(start + 1..range.end));
                } else {
                    self.hide(kind, range);
                }
            }
        }
    }

    /// Calls for each part of a list, white space trimmed; separators are kept.
    fn each(
        &mut self,
        range: &Range<usize>,
        separators: &[u8],
        mut part: impl FnMut(&mut Self, &Range<usize>),
    ) {
        let source = self.source;
        let mut start = range.start;
        while start <= range.end {
            let rest = &source[start..range.end];
            let length = rest.iter().position(|byte| separators.contains(byte));
            let end = start + length.unwrap_or(rest.len());
            if end < range.end {
                self.keep(&(end..end + 1));
            }
            let text = &source[start..end];
            let lead = text.len() - text.trim_ascii_start().len();
            let trimmed = start + lead..start + lead + text.trim_ascii().len();
            if !trimmed.is_empty() {
                part(self, &trimmed);
            }
            start = end + 1;
        }
    }

    /// A request-target, a URL, an origin or a host: the host stays, and of the rest what is made
    /// of known words.
    fn url(&mut self, range: &Range<usize>) {
        let text = &self.source[range.clone()];
        let scheme = text.windows(3).position(|part| part == b"://").map_or(0, |at| at + 3);
        let end_of = |from: usize, ends: &[u8]| {
            let length = text[from..].iter().position(|byte| ends.contains(byte));
            from + length.unwrap_or(text.len() - from)
        };
        let base = range.start;
        let is_scheme = scheme <= 16
            && text[..scheme].iter().all(|byte| !b"/?#".contains(byte) || *byte == b'/');
        self.keep_if(is_scheme, "url", &(base..base + scheme));
        let path = end_of(scheme, b"/?#");
        self.authority(&(base + scheme..base + path));
        let query = end_of(path, b"?#");
        self.each(&(base + path..base + query), b"/", |this, segment| {
            let is_wording = plain::is_wording(&this.source[segment.clone()]);
            this.keep_if(is_wording, "path", segment);
        });
        let fragment = end_of(query, b"#");
        if query < fragment {
            self.keep(&(base + query..base + query + 1));
            self.each(&(base + query + 1..base + fragment), b"&;", Self::parameter);
        }
        if fragment < text.len() {
            self.keep(&(base + fragment..base + fragment + 1));
            self.hide("fragment", &(base + fragment + 1..range.end));
        }
    }

    /// `user:password@host:port`.
    fn authority(&mut self, range: &Range<usize>) {
        let text = &self.source[range.clone()];
        let host = memchr::memrchr(b'@', text).map_or(0, |at| at + 1);
        if host > 0 {
            self.hide("userinfo", &(range.start..range.start + host - 1));
            self.keep(&(range.start + host - 1..range.start + host));
        }
        let name = &text[host..];
        self.keep_if(plain::is_host(name), "host", &(range.start + host..range.end));
    }

    fn parameter(&mut self, range: &Range<usize>) {
        let text = &self.source[range.clone()];
        let Some(equals) = memchr::memchr(b'=', text) else {
            return self.hide("token", range);
        };
        let (name, value) = (&text[..equals], &text[equals + 1..]);
        let at = range.start + equals;
        self.keep_if(plain::is_wording(name), "name", &(range.start..at));
        self.keep(&(at..at + 1));
        self.keep_if(plain::is_open_parameter(name, value), "token", &(at + 1..range.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeadRead;
    use proptest::prelude::*;

    fn redacted(text: &str) -> String {
        let HeadRead::Head(read, _) = Head::read(text.as_bytes(), 0) else { panic!("{text}") };
        let redacted = head(&read, &mut Placeholders::default());
        assert_eq!(redacted.source.len(), read.source.len());
        String::from_utf8(redacted.source.to_vec()).expect("UTF-8")
    }

    proptest! {
        /// Whatever the shape of a head, its redacted form has the same.
        #[test]
        fn nothing_moves(bytes in prop::collection::vec(
            prop_oneof![
                prop::sample::select(b"\r\n :/?#&=;,@\"GETHP1.".to_vec()),
                any::<u8>(),
            ],
            0..200,
        )) {
            let read = Head::read_cut(&bytes, 7);
            let redacted = head(&read, &mut Placeholders::default());
            prop_assert_eq!(redacted.source.len(), read.source.len());
            let ends = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).collect::<Vec<_>>();
            prop_assert_eq!(ends(&redacted.source), ends(&read.source));
        }
    }

    #[test]
    fn what_says_how_stays_and_what_says_who_goes() {
        let text = redacted(
            "GET /chat/room-4711/ws?token=hunter22&EIO=4&verbose#top HTTP/1.1\r\n\
             Host: example.com:8080\r\n\
             Cookie: sid=0123456789abc\r\n\
             Authorization: Bearer abcdefghijklmnop\r\n\
             Referer: https://me:secret@example.org/private?x=y\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: chat.v1, bearer.eyJhbGciOiJIUzI1\r\n\
             X-Api-Key: sid=0123456789abc\r\n\
             no colon but a secret\r\n\r\n",
        );
        assert_eq!(
            text,
            "GET /chat/<path:1>*/ws?token=<2>*****&EIO=4&<3>****#<4> HTTP/1.1\r\n\
             Host: example.com:8080\r\n\
             Cookie: <cookie:5>*******\r\n\
             Authorization: Bearer <credential:6>**\r\n\
             Referer: https://<7>******@example.org/<8>****?*=*\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: chat.v1, <subprotocol:9>********\r\n\
             X-Api-Key: <value:5>********\r\n\
             ** ***** *** * ******\r\n\r\n"
        );
    }
}
