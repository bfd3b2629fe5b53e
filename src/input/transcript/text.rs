//! Finding heads in text: start lines, what stands before them on the line (a prompt, a quote
//! mark, an indent), and the lines that belong to them.

use super::{Found, MAX_BODY};
use crate::http::Head;
use std::ops::Range;
use std::sync::Arc;

/// A start line is looked for behind at most so many bytes of prompt.
const MAX_PROMPT: usize = 120;

/// Start lines are looked for in lines up to this length only.
const MAX_START_LINE: usize = 64 * 1024;

/// What was found in a text.
pub(super) struct Scan {
    /// The heads, in order.
    pub(super) heads: Vec<Found>,
    /// The first line behind a 101 that is no text, and how many bytes lie in such lines.
    pub(super) frames: Option<(usize, usize)>,
}

/// Finds the heads in a text.
pub(super) fn scan(source: &Arc<[u8]>) -> Scan {
    let scanner = Scanner { source, lines: lines(source) };
    let mut scan = Scan { heads: Vec::new(), frames: None };
    let mut number = 0;
    let mut fenced = false;
    let mut noisy = false;
    while number < scanner.lines.len() {
        let line = scanner.lines[number].clone();
        if let Some(start) = start_line(&source[line.clone()], Strictness::Anywhere)
            && scanner.is_head(number, &start)
        {
            let (head_lines, next) = scanner.collect(number, &start);
            noisy = start.prompt > 0;
            let head = Head::from_lines(source.clone(), 0, &head_lines, true);
            if !repeats(&scan.heads, &head) {
                scan.heads.push(Found { head, body: Vec::new() });
            }
            fenced = false;
            number = next;
            continue;
        }
        number += 1;
        let bytes = &source[line];
        fenced |= is_border(bytes);
        let is_nothing = fenced || noisy && is_noise(bytes);
        if !is_nothing {
            note_body(&mut scan, bytes, number);
        }
    }
    scan
}

/// Keeps the first bytes behind a refusal, and notes what is no text behind a 101.
fn note_body(scan: &mut Scan, bytes: &[u8], number: usize) {
    let Some(found) = scan.heads.last_mut() else { return };
    match found.head.status() {
        Some(101) if is_text(bytes) => {}
        Some(101) => scan.frames.get_or_insert((number, 0)).1 += bytes.len(),
        Some(_) if found.body.len() < MAX_BODY && !(found.body.is_empty() && is_blank(bytes)) => {
            let room = MAX_BODY - found.body.len();
            found.body.extend(bytes.iter().chain(b"\n").take(room));
        }
        _ => {}
    }
}

/// `curl -i -v` prints a response twice: once with `< ` before each line, once without.
fn repeats(heads: &[Found], head: &Head) -> bool {
    let same = |previous: &Head| {
        let pairs = previous.fields.iter().zip(&head.fields);
        previous.fields.len() == head.fields.len()
            && previous.bytes(&previous.start_range()) == head.bytes(&head.start_range())
            && pairs.into_iter().all(|(a, b)| previous.bytes(&a.line) == head.bytes(&b.line))
    };
    !head.is_request() && heads.last().is_some_and(|found| same(&found.head))
}

struct Scanner<'a> {
    source: &'a [u8],
    lines: Vec<Range<usize>>,
}

/// A start line, and how many bytes of prompt stand before it.
struct Start {
    prompt: usize,
    /// The prompt has words in it, as a log has: only believed if header lines follow.
    wordy: bool,
    /// Its form is that of a start line without any doubt.
    certain: bool,
}

/// Where a start line may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// Anywhere: behind a log's prefix, too.
    Anywhere,
    /// Inside of a head, where only a plain prompt ends it.
    InsideHead,
}

impl Scanner<'_> {
    fn line(&self, number: usize) -> &[u8] {
        self.lines.get(number).map_or(&[], |line| &self.source[line.clone()])
    }

    /// Doubtful start lines count only if the next line is a header line.
    fn is_head(&self, number: usize, start: &Start) -> bool {
        if start.certain && !start.wordy {
            return true;
        }
        let prompt = self.prompt(number, start);
        let next = self.line(number + 1);
        strip(&prompt, next).is_some_and(|at| is_header(&next[at..]))
            || start.wordy && is_header(next)
    }

    /// What the lines of the head begin with.
    fn prompt(&self, number: usize, start: &Start) -> Vec<u8> {
        let prompt = &self.line(number)[..start.prompt];
        let next = self.line(number + 1);
        // curl's progress meter may share the line; a caption stands before the first line only.
        let is_meter = memchr::memmem::find(prompt, b"--:--").is_some();
        if is_meter || prompt.contains(&b'\r') {
            return prompt[prompt.len().saturating_sub(2)..].to_vec();
        }
        if start.wordy && strip(prompt, next).is_none() && is_header(next) {
            return Vec::new();
        }
        prompt.to_vec()
    }

    /// The lines of the head that starts there, and the number of the line behind it.
    fn collect(&self, number: usize, start: &Start) -> (Vec<Range<usize>>, usize) {
        let prompt = self.prompt(number, start);
        let first = self.lines[number].clone();
        let mut collected = vec![trim_end(self.source, first.start + start.prompt..first.end)];
        let mut next = number + 1;
        while next < self.lines.len() {
            let line = self.lines[next].clone();
            let bytes = &self.source[line.clone()];
            let Some(at) = strip(&prompt, bytes) else {
                if is_noise(bytes) {
                    next += 1;
                    continue;
                }
                break;
            };
            let rest = &bytes[at..];
            if is_blank(rest) {
                return (collected, next + 1);
            }
            if is_border(rest) || start_line(rest, Strictness::InsideHead).is_some() {
                break;
            }
            if !is_noise(rest) {
                collected.push(trim_end(self.source, line.start + at..line.end));
            }
            next += 1;
        }
        (collected, next)
    }
}

/// The lines of a text, without their line ends.
pub(super) fn lines(source: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    // A byte order mark is no part of the first line.
    let mut start = if source.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let rest = (!source.ends_with(b"\n")).then_some(source.len());
    for end in memchr::memchr_iter(b'\n', source).chain(rest) {
        let is_crlf = end > start && source[end - 1] == b'\r';
        lines.push(start..if is_crlf { end - 1 } else { end });
        start = end + 1;
    }
    lines
}

/// Looks for a start line, perhaps behind a prompt.
fn start_line(line: &[u8], strictness: Strictness) -> Option<Start> {
    let holds = |word: &str| memchr::memmem::find(line, word.as_bytes()).is_some();
    // Most lines are told apart by this alone.
    if line.len() > MAX_START_LINE || !["HTTP", "http", "GET "].into_iter().any(holds) {
        return None;
    }
    let trimmed = line.trim_ascii_end();
    (0..=trimmed.len().min(MAX_PROMPT)).filter(|&at| may_start(trimmed, at)).find_map(|at| {
        let wordy = is_wordy(&trimmed[..at]);
        if wordy && strictness == Strictness::InsideHead {
            return None;
        }
        let certain = is_start_line(&trimmed[at..], at == 0)?;
        Some(Start { prompt: at, wordy, certain })
    })
}

/// True if a start line may begin at `at`: at the start, behind white space or a prompt's mark.
fn may_start(line: &[u8], at: usize) -> bool {
    let Some(&before) = line[..at].last() else { return true };
    let mark = line[..at].trim_ascii_end().last();
    let is_prompt = mark.is_none_or(|mark| b"><|:]#*/$%;\"'`".contains(mark))
        || memchr::memmem::find(&line[..at], b"--:--").is_some();
    is_prompt && (before.is_ascii_whitespace() || b"><|:\"'`".contains(&before))
}

fn is_wordy(prompt: &[u8]) -> bool {
    let is_meter = memchr::memmem::find(prompt, b"--:--").is_some();
    !is_meter && prompt.iter().any(u8::is_ascii_alphanumeric)
}

/// Some if this is a start line: true if there is no doubt about it.
fn is_start_line(line: &[u8], at_start: bool) -> Option<bool> {
    if line.first().is_none_or(u8::is_ascii_whitespace) {
        return None;
    }
    let is_http = |part: &[u8]| part.len() > 5 && part[..5].eq_ignore_ascii_case(b"HTTP/");
    let mut parts = line.split(|&b| b == b' ').filter(|part| !part.is_empty());
    let first = parts.next()?;
    let second = parts.next().unwrap_or_default();
    if is_http(first) {
        let is_code = second.len() == 3 && second.iter().all(u8::is_ascii_digit);
        // Without a status code it is still meant as one, if it stands alone on the line.
        return (is_code || at_start).then_some(is_code);
    }
    let is_known = METHODS.iter().any(|known| first.eq_ignore_ascii_case(known.as_bytes()));
    let is_upper = first.len() <= 24 && first.iter().all(u8::is_ascii_uppercase);
    let looks_like_target = second.starts_with(b"/")
        || second == b"*"
        || memchr::memmem::find(second, b"://").is_some()
        || first == b"CONNECT" && second.contains(&b':');
    let last = line.rsplit(|&b| b == b' ').next().unwrap_or_default();
    let has_version = last.len() >= 4 && last[..4].eq_ignore_ascii_case(b"HTTP");
    match (is_known || is_upper, looks_like_target, has_version && !second.is_empty()) {
        (true, true, true) => Some(true),
        (true, true, false) if is_known => Some(false),
        (true, false, true) if is_known && last.len() > 5 => Some(false),
        _ => None,
    }
}

const METHODS: [&str; 9] =
    ["GET", "POST", "CONNECT", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE"];

/// Where the rest of a line begins once the prompt is taken off; none if it has another one.
fn strip(prompt: &[u8], line: &[u8]) -> Option<usize> {
    if line.starts_with(prompt) {
        return Some(prompt.len());
    }
    let bare = prompt.trim_ascii_end();
    if line.trim_ascii_end() == bare {
        return Some(line.len());
    }
    // A time or an offset changes from line to line, the mark at its end does not.
    let (head, mark) = prompt.split_at_checked(prompt.len().checked_sub(2)?)?;
    let starts_alike = line.first().is_some_and(|b| b.is_ascii_alphanumeric())
        && prompt[0].is_ascii_alphanumeric()
        || line.first() == prompt.first();
    if head.len() < 4 || !starts_alike {
        return None;
    }
    match line.get(head.len()..) {
        Some(rest) if rest.starts_with(mark) => Some(prompt.len()),
        Some(rest) if !mark.trim_ascii_end().is_empty() && rest == mark.trim_ascii_end() => {
            Some(line.len())
        }
        _ => None,
    }
}

/// `name: value`, with a token for a name.
fn is_header(line: &[u8]) -> bool {
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    name.len() < line.len() && crate::http::is_token(name.trim_ascii())
}

/// Lines that end a head although they are not blank: fences, rules, captions.
fn is_border(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if line.starts_with(b"```") || line.starts_with(b"~~~") || line.starts_with(b"###") {
        return true;
    }
    let is_rule = line.len() >= 3 && line.iter().all(|b| b"-=*_".contains(b));
    is_rule || is_caption(line)
}

/// `Response:`, `request headers`, `Server response:` and the like.
fn is_caption(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else { return false };
    if text.len() > 40 {
        return false;
    }
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let is_caption_word = |word: &String| {
        ["request", "response", "reply", "answer", "handshake", "client", "server", "http"]
            .contains(&word.as_str())
            || ["headers", "header", "s", "the", "raw", "from"].contains(&word.as_str())
    };
    let names_a_half = |word: &String| {
        ["request", "response", "reply", "answer", "handshake"].contains(&word.as_str())
    };
    let has_value = text.split_once(':').is_some_and(|(_, value)| !value.trim().is_empty());
    !has_value && words.iter().any(names_a_half) && words.iter().all(is_caption_word)
}

/// Lines that tools put in between: curl's information, its progress, comments.
fn is_noise(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let starts: [&[u8]; 10] =
        [b"* ", b"{ [", b"} [", b"# ", b"// ", b"<!--", b"== Info", b"=> ", b"<= ", b"% Total"];
    starts.iter().any(|start| line.starts_with(start))
        || line == b"*"
        || memchr::memmem::find(line, b"--:--").is_some()
        || line.starts_with(b"Dload  Upload")
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

fn is_text(line: &[u8]) -> bool {
    let is_control = |b: &u8| b.is_ascii_control() && !matches!(b, b'\t' | b'\r' | 0x1b);
    std::str::from_utf8(line).is_ok() && !line.iter().any(is_control)
}

/// White space at the end of a line is an accident of copying.
fn trim_end(source: &[u8], line: Range<usize>) -> Range<usize> {
    let length = source[line.clone()].trim_ascii_end().len();
    line.start..line.start + length
}
