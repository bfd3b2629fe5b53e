//! A head: the start line and the field lines of a request or response (RFC 9112 §2 to §5).

use crate::layout::Span;
use std::ops::Range;
use std::sync::Arc;

/// The longest head that is read. Servers commonly refuse more than 8 to 64 KiB (431).
pub const MAX_HEAD: usize = 256 * 1024;

/// More lines than this are not read: no real head comes near.
const MAX_LINES: usize = 4096;

/// A request or response head, with the place of each part.
///
/// All ranges are byte ranges into [`source`](Head::source). For a head from the wire that is the
/// head itself; for a transcript it is the whole text, so that line and column can be shown.
#[derive(Debug, Clone)]
pub struct Head {
    /// The bytes that the ranges point into.
    pub source: Arc<[u8]>,
    /// Offset of `source[0]` in its endpoint's stream.
    pub offset: u64,
    /// The first line.
    pub start: StartLine,
    /// The field lines in order.
    pub fields: Vec<FieldLine>,
    /// Which names they may have.
    pub(crate) names: Names,
    /// What is odd about the shape, in order.
    pub flaws: Vec<Flaw>,
    /// The empty line at the end was there.
    pub complete: bool,
    /// From the first byte of the start line to the byte after the empty line.
    pub range: Range<usize>,
    /// It has no wire form of its own (HTTP/2): the text was made for it, and is no place.
    pub decoded: bool,
    /// Control bytes may stand in its lines; if not, nobody has to look for them.
    pub(crate) controls: bool,
}

/// The first line of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartLine {
    /// `method SP request-target SP HTTP-version` (RFC 9112 §3).
    Request {
        /// The method.
        method: Range<usize>,
        /// The request-target.
        target: Range<usize>,
        /// The HTTP version.
        version: Range<usize>,
    },
    /// `HTTP-version SP status-code SP [reason-phrase]` (RFC 9112 §4).
    Status {
        /// The HTTP version.
        version: Range<usize>,
        /// The status code, three digits.
        code: Range<usize>,
        /// The reason phrase, possibly empty.
        reason: Range<usize>,
    },
    /// Neither of the two.
    Malformed(
        /// The whole line.
        Range<usize>,
    ),
}

/// One header line: `field-name ":" OWS field-value OWS` (RFC 9112 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldLine {
    /// The name, without whitespace around it.
    pub name: Range<usize>,
    /// The value, without whitespace around it.
    pub value: Range<usize>,
    /// The line, without its line end.
    pub line: Range<usize>,
}

/// Something odd about the shape of a head. Whether it matters is for the rules to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// What it is.
    pub kind: FlawKind,
    /// Where it is.
    pub range: Range<usize>,
}

/// The kinds of [`Flaw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlawKind {
    /// The start line has too few or too many parts, or none that make sense.
    StartLine,
    /// A line without a colon.
    NoColon,
    /// A field name that is empty or holds a character outside of tchar.
    NameNotToken,
    /// Whitespace between the field name and the colon.
    SpaceBeforeColon,
    /// A line that starts with whitespace and so continues the one before (obs-fold).
    Folded,
    /// CR without LF inside a line.
    BareCr,
    /// LF without CR at the end of a line.
    BareLf,
    /// A NUL byte.
    Nul,
    /// The head is longer than what is read of one from a stream: it goes on here.
    Unread,
    /// Its sender ended here, without the empty line (RFC 9112 §2.1).
    Unended,
}

/// One member of a comma-separated list, whitespace removed (RFC 9110 §5.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where it is; empty for an empty member.
    pub range: Range<usize>,
}

/// What came of reading a head from a stream.
#[derive(Debug)]
pub enum HeadRead {
    /// The empty line has not come yet.
    Incomplete,
    /// More than [`MAX_HEAD`] bytes without an empty line.
    TooLong,
    /// A head, and how many bytes of the input it took (leading empty lines included).
    Head(Box<Head>, usize),
}

impl Head {
    /// Reads a head from the start of `bytes`, which lie at `offset` of their stream.
    /// Leading empty lines are stepped over (RFC 9112 §2.2).
    pub fn read(bytes: &[u8], offset: u64) -> HeadRead {
        let skipped = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let Some((mut lines, length)) = whole_head(&bytes[skipped..]) else {
            let too_long = bytes.len() > MAX_HEAD;
            return if too_long { HeadRead::TooLong } else { HeadRead::Incomplete };
        };
        let source: Arc<[u8]> = bytes[skipped..skipped + length].into();
        let unread = lines.get(MAX_LINES).cloned();
        lines.truncate(MAX_LINES);
        let offset = offset + skipped as u64;
        let mut head = Head::of_stream(source, offset, &lines, unread.is_none());
        head.flaws.extend(unread.map(|range| Flaw { kind: FlawKind::Unread, range }));
        HeadRead::Head(Box::new(head), skipped + length)
    }

    /// Reads what there is of a head that was cut off before its empty line. A line that was cut
    /// itself is left out: its end might have changed everything. Only a status line tells what
    /// matters before its end.
    pub fn read_cut(bytes: &[u8], offset: u64) -> Head {
        let has_code = bytes.starts_with(b"HTTP/") && bytes.get(12) == Some(&b' ');
        let cut_line = if has_code { bytes.trim_ascii_end().len() } else { 0 };
        let whole = memchr::memrchr(b'\n', bytes).map_or(cut_line, |end| end + 1);
        let source: Arc<[u8]> = bytes[..whole].into();
        let lines = lines(&source);
        Head::of_stream(source, offset, &lines, false)
    }

    /// Reads as much of a head as is read of any: it is longer than [`MAX_HEAD`].
    pub fn read_beginning(bytes: &[u8], offset: u64) -> Head {
        let mut head = Head::read_cut(&bytes[..bytes.len().min(MAX_HEAD)], offset);
        let end = head.source.len();
        head.flaws.push(Flaw { kind: FlawKind::Unread, range: end..end });
        head
    }

    /// Reads a head whose sender ended before its empty line: nothing is missing, there is no more.
    /// What stands behind its last line end belongs to it if it is text.
    pub fn read_unended(bytes: &[u8], offset: u64) -> Head {
        let last = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        let is_text = bytes[last..].iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        let source: Arc<[u8]> = bytes[..if is_text { bytes.len() } else { last }].into();
        let mut head = Head::of_stream(Arc::clone(&source), offset, &lines(&source), true);
        let end = source.len();
        head.flaws.push(Flaw { kind: FlawKind::Unended, range: end..end });
        head
    }

    /// Its empty line was seen, or belongs to it though it was not pasted along.
    pub fn has_empty_line(&self) -> bool {
        self.complete && !self.flaws.iter().any(|flaw| flaw.kind == FlawKind::Unended)
    }

    /// Reads a head whose lines are known, each without its line end: the transcripts' way in,
    /// where a line may stand behind a prompt (`> Host: …`).
    pub fn from_lines(
        source: Arc<[u8]>,
        offset: u64,
        lines: &[Range<usize>],
        complete: bool,
    ) -> Head {
        let mut head = Head::of_lines(source, offset, lines, complete);
        head.note_control_bytes(lines);
        head
    }

    /// The same for lines that are all there is in `source`.
    fn of_stream(source: Arc<[u8]>, offset: u64, lines: &[Range<usize>], complete: bool) -> Head {
        let mut head = Head::of_lines(source, offset, lines, complete);
        // One look at the whole is less than one at each line.
        head.controls = has_control_bytes(&head.source);
        if head.controls {
            head.note_control_bytes(lines);
        }
        head
    }

    fn of_lines(source: Arc<[u8]>, offset: u64, lines: &[Range<usize>], complete: bool) -> Head {
        let first = lines.first().cloned().unwrap_or(0..0);
        let mut flaws = Vec::new();
        let start = read_start_line(&source, first.clone(), &mut flaws);
        let mut fields = Vec::with_capacity(lines.len().saturating_sub(1));
        // As tools print HTTP/2, its pseudo-header fields stand among the others: `:path: /chat`.
        let is_http2 = source[first.clone()].ends_with(b" HTTP/2")
            || source[first.clone()].starts_with(b"HTTP/2 ");
        for line in lines.iter().skip(1) {
            if !line.is_empty() {
                let is_pseudo = is_http2 && source[line.start] == b':';
                read_field_line(&source, line.clone(), is_pseudo, &mut fields, &mut flaws);
            }
        }
        let end = lines.last().map_or(first.end, |line| line_end(&source, line.end));
        let names = Names::of(&source, &fields);
        let (range, decoded, controls) = (first.start..end, false, true);
        Head { source, offset, start, fields, names, flaws, complete, range, decoded, controls }
    }

    /// A head without a wire form of its own (HTTP/2): the words of a first line, and fields whose
    /// names may be those of pseudo-header fields. A text is made of them that ranges point into.
    pub fn decoded(words: [Vec<u8>; 3], fields: &[(Vec<u8>, Vec<u8>)]) -> Head {
        let mut source = Vec::new();
        let mut write = |bytes: &[u8], end: &[u8]| {
            let start = source.len();
            source.extend_from_slice(bytes);
            source.extend_from_slice(end);
            start..start + bytes.len()
        };
        let [one, two, three] = [(0, &b" "[..]), (1, b" "), (2, b"\r\n")]
            .map(|(index, end): (usize, &[u8])| write(&words[index], end));
        let start = if words[0].starts_with(b"HTTP/") {
            StartLine::Status { version: one, code: two, reason: three }
        } else {
            StartLine::Request { method: one, target: two, version: three }
        };
        let fields = fields.iter().map(|(name, value)| {
            let name = write(name, b": ");
            let value = write(value, b"\r\n");
            FieldLine { line: name.start..value.end, name, value }
        });
        let fields: Vec<FieldLine> = fields.collect();
        let (range, names) = (0..source.len(), Names::of(&source, &fields));
        let (flaws, source) = (Vec::new(), source.into());
        let (offset, complete, decoded, controls) = (0, true, true, true);
        Head { source, offset, start, fields, names, flaws, complete, range, decoded, controls }
    }

    /// What httparse, a strict parser that servers use, says against the lines of this head.
    pub fn strict_opinion(&self) -> Option<httparse::Error> {
        let lines = self.fields.iter().map(|field| &field.line);
        let mut text = self.bytes(&self.start_range()).to_vec();
        for line in lines {
            text.extend_from_slice(b"\r\n");
            text.extend_from_slice(self.bytes(line));
        }
        text.extend_from_slice(b"\r\n\r\n");
        let mut headers = vec![httparse::EMPTY_HEADER; self.fields.len()];
        match self.start {
            StartLine::Status { .. } => httparse::Response::new(&mut headers).parse(&text).err(),
            _ => httparse::Request::new(&mut headers).parse(&text).err(),
        }
    }

    /// What the request says of the host: `Host`, or `:authority` over HTTP/2.
    pub fn authority(&self) -> Option<&[u8]> {
        self.value("Host").or(self.value(":authority"))
    }

    /// True for a head of HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.version() == Some(b"HTTP/2")
    }

    /// The bytes of a range.
    pub fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.source.get(range.clone()).unwrap_or(&[])
    }

    /// A range as a span of the endpoint's stream.
    pub fn span(&self, range: &Range<usize>) -> Span {
        Span::bytes(self.offset + range.start as u64, range.len() as u64)
    }

    /// The head's bytes, first line to empty line.
    pub fn text(&self) -> &[u8] {
        self.bytes(&self.range)
    }

    /// True if the first line is a request line.
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&[u8]> {
        match &self.start {
            StartLine::Request { method, .. } => Some(self.bytes(method)),
            _ => None,
        }
    }

    /// The request-target.
    pub fn target(&self) -> Option<&[u8]> {
        match &self.start {
            StartLine::Request { target, .. } => Some(self.bytes(target)),
            _ => None,
        }
    }

    /// The HTTP version as it was written.
    pub fn version(&self) -> Option<&[u8]> {
        match &self.start {
            StartLine::Request { version, .. } | StartLine::Status { version, .. } => {
                Some(self.bytes(version))
            }
            StartLine::Malformed(_) => None,
        }
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        match &self.start {
            StartLine::Status { code, .. } => match self.bytes(code) {
                code @ [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9'] => {
                    Some(code.iter().fold(0, |number, digit| 10 * number + u16::from(digit - b'0')))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The range of the first line.
    pub fn start_range(&self) -> Range<usize> {
        match &self.start {
            StartLine::Request { method, version, .. } => method.start..version.end,
            StartLine::Status { version, reason, .. } => version.start..reason.end,
            StartLine::Malformed(line) => line.clone(),
        }
    }

    /// All lines of that name (ASCII case does not matter), in order.
    #[inline]
    pub fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a FieldLine> {
        self.candidates(name).iter().filter(move |field| self.is_named(field, name))
    }

    /// The first line of that name.
    #[inline(always)]
    pub fn line(&self, name: &str) -> Option<&FieldLine> {
        // That there is none is seen in place.
        match self.candidates(name) {
            [] => None,
            candidates => self.line_among(candidates, name),
        }
    }

    fn line_among<'a>(&self, candidates: &'a [FieldLine], name: &str) -> Option<&'a FieldLine> {
        candidates.iter().find(|field| self.is_named(field, name))
    }

    /// The fields among which are those of that name: mostly one, or none.
    #[inline(always)]
    fn candidates(&self, name: &str) -> &[FieldLine] {
        self.names.candidates(name, &self.fields)
    }

    #[inline(always)]
    fn is_named(&self, field: &FieldLine, name: &str) -> bool {
        // Most names differ in their length already, or are spelt alike.
        let (found, name) = (self.bytes(&field.name), name.as_bytes());
        found.len() == name.len() && (found == name || found.eq_ignore_ascii_case(name))
    }

    /// False if it is certain that no name has one of these places.
    pub(crate) fn may_have(&self, places: u64) -> bool {
        self.names.taken & places != 0
    }

    /// The value of the first line of that name.
    #[inline(always)]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.line(name).map(|field| self.bytes(&field.value))
    }

    /// The members of the comma-separated list that all lines of that name make together, empty
    /// members included. Commas inside a quoted string do not separate.
    #[inline]
    pub fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Member> + 'a {
        self.lines(name).flat_map(|field| List::of(&self.source, field.value.clone()))
    }

    /// True if that list has this member; ASCII case does not matter.
    pub fn lists(&self, name: &str, member: &str) -> bool {
        let is_it =
            |range: &Range<usize>| self.bytes(range).eq_ignore_ascii_case(member.as_bytes());
        // Most lists have one member.
        self.line(name).is_some_and(|field| is_it(&field.value))
            || self.members(name).any(|found| is_it(&found.range))
    }
}

/// Where to look for a name: by its length and its ends it has one of 64 places. A hundred rules ask
/// for fields, mostly for such that are not there, and need not look at all the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Names {
    /// A bit for each place that a field has, and for each that several may have.
    taken: u64,
    shared: u64,
    /// The number of the first field that has the place, or a smaller one.
    first: [u8; 64],
}

impl Names {
    /// Those of these fields.
    pub(crate) fn of(source: &[u8], fields: &[FieldLine]) -> Names {
        let mut names = Names { taken: 0, shared: 0, first: [0; 64] };
        for (number, field) in fields.iter().enumerate() {
            let place = Names::place(&source[field.name.clone()]);
            let bit = 1 << place;
            if names.taken & bit == 0 {
                names.first[place] = u8::try_from(number).unwrap_or(u8::MAX);
            }
            names.shared |= if number < usize::from(u8::MAX) { names.taken & bit } else { bit };
            names.taken |= bit;
        }
        names
    }

    #[inline(always)]
    fn candidates<'a>(&self, name: &str, fields: &'a [FieldLine]) -> &'a [FieldLine] {
        let place = Names::place(name.as_bytes());
        if self.taken >> place & 1 == 0 {
            return &[];
        }
        let rest = fields.get(usize::from(self.first[place])..).unwrap_or_default();
        if self.shared >> place & 1 == 0 { rest.get(..1).unwrap_or_default() } else { rest }
    }

    /// The same for names that differ in ASCII case only.
    #[inline(always)]
    const fn place(name: &[u8]) -> usize {
        let [first, last] = match name {
            [] => [0, 0],
            [only] => [*only, *only],
            [first, .., last] => [*first, *last],
        };
        let [first, last] = [first.to_ascii_lowercase(), last.to_ascii_lowercase()];
        (name.len() + 5 * first as usize + 11 * last as usize) % 64
    }

    /// The places of some names, a bit each.
    pub(crate) const fn places(names: &[&str]) -> u64 {
        let (mut places, mut index) = (0, 0);
        while index < names.len() {
            places |= 1 << Names::place(names[index].as_bytes());
            index += 1;
        }
        places
    }
}

/// True for a non-empty run of tchar (RFC 9110 §5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| IS_TCHAR[usize::from(b)])
}

static IS_TCHAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_tchar(byte as u8);
        byte += 1;
    }
    table
};

/// True for a character that a token may hold (RFC 9110 §5.6.2).
pub const fn is_tchar(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// The lines of a head whose empty line is there, without their line ends, and its length. Of more
/// than [`MAX_LINES`] one more.
fn whole_head(bytes: &[u8]) -> Option<(Vec<Range<usize>>, usize)> {
    let searched = &bytes[..bytes.len().min(MAX_HEAD)];
    let mut lines = Vec::with_capacity(16);
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', searched) {
        let has_cr = end > start && searched[end - 1] == b'\r';
        let text_end = if has_cr { end - 1 } else { end };
        if text_end == start {
            return Some((lines, end + 1));
        }
        if lines.len() <= MAX_LINES {
            lines.push(start..text_end);
        }
        start = end + 1;
    }
    None
}

/// The lines of a head, without their line ends, up to and without the empty line.
fn lines(source: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::with_capacity(16);
    let mut start = 0;
    while start < source.len() && lines.len() <= MAX_LINES {
        let end = memchr::memchr(b'\n', &source[start..]).map_or(source.len(), |at| start + at);
        let text_end = if end > start && source[end - 1] == b'\r' && end < source.len() {
            end - 1
        } else {
            end
        };
        if text_end == start {
            break;
        }
        lines.push(start..text_end);
        start = end + 1;
    }
    lines
}

/// The byte after the line end that starts at `at`, and after the empty line behind it.
fn line_end(source: &[u8], mut at: usize) -> usize {
    for _ in 0..2 {
        at += match &source[at.min(source.len())..] {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => 0,
        };
    }
    at
}

fn read_start_line(source: &[u8], line: Range<usize>, flaws: &mut Vec<Flaw>) -> StartLine {
    let bytes = &source[line.clone()];
    let flaw = Flaw { kind: FlawKind::StartLine, range: line.clone() };
    let at = |range: Range<usize>| line.start + range.start..line.start + range.end;
    if bytes.len() >= 5 && bytes[..5].eq_ignore_ascii_case(b"HTTP/") {
        let version = memchr::memchr(b' ', bytes).unwrap_or(bytes.len());
        let code_start = (version + 1).min(bytes.len());
        let code_end = memchr::memchr(b' ', &bytes[code_start..])
            .map_or(bytes.len(), |space| code_start + space);
        let code = &bytes[code_start..code_end];
        if code.len() != 3 || !code.iter().all(u8::is_ascii_digit) {
            flaws.push(flaw);
            return StartLine::Malformed(line);
        }
        let reason = (code_end + 1).min(bytes.len())..bytes.len();
        return StartLine::Status {
            version: at(0..version),
            code: at(code_start..code_end),
            reason: at(reason),
        };
    }
    let first = memchr::memchr(b' ', bytes);
    let last = memchr::memrchr(b' ', bytes);
    let (Some(first), Some(last)) = (first, last) else {
        flaws.push(flaw);
        return StartLine::Malformed(line);
    };
    if first == last || !is_token(&bytes[..first]) {
        flaws.push(flaw);
        return StartLine::Malformed(line);
    }
    // A space inside the target makes more than three parts, but the parts can still be told.
    if memchr::memchr(b' ', &bytes[first + 1..last]).is_some() {
        flaws.push(flaw);
    }
    StartLine::Request {
        method: at(0..first),
        target: at(first + 1..last),
        version: at(last + 1..bytes.len()),
    }
}

fn read_field_line(
    source: &[u8],
    line: Range<usize>,
    is_pseudo: bool,
    fields: &mut Vec<FieldLine>,
    flaws: &mut Vec<Flaw>,
) {
    let bytes = &source[line.clone()];
    if matches!(bytes[0], b' ' | b'\t') {
        flaws.push(Flaw { kind: FlawKind::Folded, range: line.clone() });
        // The value goes on: stretch the field over the fold, as old recipients did.
        if let Some(previous) = fields.last_mut() {
            previous.value.end = line.start + trim(bytes).end;
            previous.line.end = line.end;
        }
        return;
    }
    let colon = usize::from(is_pseudo);
    let Some(colon) = memchr::memchr(b':', &bytes[colon..]).map(|at| colon + at) else {
        flaws.push(Flaw { kind: FlawKind::NoColon, range: line });
        return;
    };
    let name = trim(&bytes[..colon]);
    if name.end != colon {
        let range = line.start + name.end..line.start + colon;
        flaws.push(Flaw { kind: FlawKind::SpaceBeforeColon, range });
    }
    if !is_token(&bytes[name.start + usize::from(is_pseudo)..name.end]) {
        let range = line.start + name.start..line.start + colon;
        flaws.push(Flaw { kind: FlawKind::NameNotToken, range });
    }
    let value = trim(&bytes[colon + 1..]);
    let base = line.start + colon + 1;
    fields.push(FieldLine {
        name: line.start + name.start..line.start + name.end,
        value: base + value.start..base + value.end,
        line,
    });
}

/// The range of `bytes` without the whitespace at both ends.
fn trim(bytes: &[u8]) -> Range<usize> {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t');
    let start = bytes.iter().take_while(|b| is_space(b)).count();
    let end = bytes.len() - bytes[start..].iter().rev().take_while(|b| is_space(b)).count();
    start..end
}

/// True if there is a CR without LF, an LF without CR, or any other control byte but a tab. Without a
/// branch, so that many bytes are looked at together.
fn has_control_bytes(source: &[u8]) -> bool {
    let is_text = |b: u8| (b >= b' ') & (b != 0x7f) | (b == b'\t');
    let pairs = source.iter().zip(source.iter().skip(1));
    let is_fine = |a: u8, b: u8| {
        let behind_cr = a == b'\r';
        behind_cr & (b == b'\n') | !behind_cr & (is_text(b) | (b == b'\r'))
    };
    !source.first().is_none_or(|&first| is_text(first))
        || source.ends_with(b"\r")
        || !pairs.fold(true, |so_far, (&a, &b)| so_far & is_fine(a, b))
}

impl Head {
    fn note_control_bytes(&mut self, lines: &[Range<usize>]) {
        for line in lines {
            let bytes = &self.source[line.clone()];
            if memchr::memchr2(b'\r', 0, bytes).is_some() {
                for (kind, byte) in [(FlawKind::BareCr, b'\r'), (FlawKind::Nul, 0)] {
                    if let Some(at) = memchr::memchr(byte, bytes) {
                        let at = line.start + at;
                        self.flaws.push(Flaw { kind, range: at..at + 1 });
                    }
                }
            }
            if self.source.get(line.end) == Some(&b'\n') {
                self.flaws.push(Flaw { kind: FlawKind::BareLf, range: line.end..line.end + 1 });
            }
        }
    }
}

/// The members of one comma-separated value, as they come.
struct List<'a> {
    source: &'a [u8],
    /// What is left of it; none behind the last member.
    rest: Option<Range<usize>>,
}

impl List<'_> {
    fn of(source: &[u8], value: Range<usize>) -> List<'_> {
        List { source, rest: Some(value) }
    }
}

impl Iterator for List<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let rest = self.rest.take()?;
        // Most lists have one member.
        if !self.source[rest.clone()].contains(&b',') {
            return Some(member(self.source, rest));
        }
        let (mut quoted, mut escaped) = (false, false);
        let comma = self.source[rest.clone()].iter().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => return *byte == b',' && !quoted,
            }
            false
        });
        let end = comma.map_or(rest.end, |at| rest.start + at);
        self.rest = comma.map(|_| end + 1..rest.end);
        Some(member(self.source, rest.start..end))
    }
}

fn member(source: &[u8], range: Range<usize>) -> Member {
    let inner = trim(&source[range.clone()]);
    Member { range: range.start + inner.start..range.start + inner.end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strict_parser_may_be_asked_for_its_opinion() {
        let opinion = |text: &[u8]| match Head::read(text, 0) {
            HeadRead::Head(head, _) => head.strict_opinion(),
            other => panic!("{other:?}"),
        };
        assert_eq!(opinion(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
        assert_eq!(opinion(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n"), None);
        let error = Some(httparse::Error::HeaderName);
        assert_eq!(opinion(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"), error);
    }
}
