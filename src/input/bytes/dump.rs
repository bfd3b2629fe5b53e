//! Dumps: lines of an offset, bytes, and perhaps a column of characters, by xxd, hexdump, od,
//! tcpdump and Wireshark. How many bytes a line holds follows from the offset of the next, or from
//! the gap before the column of characters, which tells nothing but the order in a group.

use super::{Unreadable, little, plain, quoted};

/// No dump of frames that a person looks at is larger; a squeezed line can claim anything.
const MAX_DUMP: u64 = 256 << 20;

/// One line that begins with an offset.
struct Line<'a> {
    /// Where the line starts in the text.
    start: usize,
    /// The digits of its offset.
    offset: &'a str,
    /// The offset ends with a colon (xxd, tcpdump).
    colon: bool,
    /// What follows the offset, and where in the text.
    rest: &'a str,
    rest_start: usize,
    /// A line `*` came before it: the lines between were like the one before.
    squeezed: bool,
}

/// True if the text is a dump: an offset first, bytes after it, and offsets that fit the bytes.
pub(super) fn is_dump(text: &str) -> bool {
    let Ok(lines) = lines(text) else { return false };
    let Some(first) = lines.first() else { return false };
    if first.rest.trim().is_empty() {
        return false;
    }
    if first.colon || first.rest.trim_end().ends_with('|') && first.rest.contains(" |") {
        return true;
    }
    // Without a mark the offset could be data: it is one if it is 0 or the next one fits.
    let tokens = cells(first, None);
    if tokens.is_empty() || tokens.iter().any(|(_, token)| token.len() != tokens[0].1.len()) {
        return false;
    }
    let is_words = tokens[0].1.len() == 4 && first.offset.len() == 7;
    if tokens[0].1.len() != 2 && !is_words {
        return false;
    }
    let is_zero = first.offset.bytes().all(|digit| digit == b'0');
    is_zero || lines.len() > 1 && radix(&lines).is_some()
}

/// Reads a dump.
pub(super) fn read(text: &str) -> Result<Vec<u8>, Unreadable> {
    let lines = lines(text)
        .map_err(|(at, length)| Unreadable::at(text, at, length, "this line has no offset"))?;
    let radix = radix(&lines).unwrap_or(16);
    let offset = |line: &Line<'_>| u64::from_str_radix(line.offset, radix).unwrap_or(u64::MAX);
    let mut out: Vec<u8> = Vec::new();
    let mut base = lines.first().map_or(0, offset);
    let mut last = Vec::new();
    let turned = little::is_turned(lines.iter().filter(|line| line.colon).map(|line| line.rest));
    for (index, line) in lines.iter().enumerate() {
        let here = offset(line);
        let digits_at =
            text[line.start..].find(line.offset).map_or(line.start, |at| line.start + at);
        if line.squeezed {
            repeat(&mut out, &last, here.saturating_sub(base))
                .map_err(|problem| Unreadable::at(text, digits_at, line.offset.len(), problem))?;
        }
        let came = out.len() as u64;
        if here < base.saturating_add(came) && line.rest.trim().is_empty() {
            // 16-bit words fill the last one up; the closing offset says how many bytes there are.
            if base + came - here == 1 {
                out.pop();
                continue;
            }
        }
        if came > 0 && here == 0 && !line.rest.trim().is_empty() {
            // The next dump begins: they are joined.
            base = 0u64.wrapping_sub(came);
        } else if here != base.wrapping_add(came) {
            let problem = format!(
                "the offset says {} bytes came before, but {came} did: lines are missing",
                here.wrapping_sub(base)
            );
            return Err(Unreadable::at(text, digits_at, line.offset.len(), problem));
        }
        let expected = lines
            .get(index + 1)
            .filter(|next| !next.squeezed)
            .and_then(|next| offset(next).checked_sub(here))
            .and_then(|count| usize::try_from(count).ok());
        last = match little::groups(line.rest).filter(|_| turned) {
            Some(groups) => turned_around(&groups),
            None => bytes(text, line, expected, out.len())?,
        };
        out.extend_from_slice(&last);
    }
    Ok(out)
}

/// The bytes of groups whose last byte stands first.
fn turned_around(groups: &[(usize, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (_, group) in groups {
        let first = out.len();
        plain::push_digits(group, &mut out);
        out[first..].reverse();
    }
    out
}

/// Repeats a line until `until` bytes are there.
fn repeat(out: &mut Vec<u8>, line: &[u8], until: u64) -> Result<(), String> {
    if line.is_empty() {
        return Err("a line * repeats the line before, but there is none".to_owned());
    }
    if until > MAX_DUMP {
        return Err(format!("the line * before claims {until} bytes, more than is read here"));
    }
    while (out.len() as u64) < until {
        let missing = (until - out.len() as u64) as usize;
        out.extend_from_slice(&line[..line.len().min(missing)]);
    }
    Ok(())
}

/// The lines with their offsets; the place of the first line that has none.
fn lines(text: &str) -> Result<Vec<Line<'_>>, (usize, usize)> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut squeezed = false;
    for whole in text.split_inclusive('\n') {
        let content = whole.trim_end();
        let body = content.trim_start();
        if body == "*" {
            squeezed = true;
        } else if !body.is_empty() && !body.starts_with('#') {
            let line = line(start, content).ok_or((start, content.len()))?;
            lines.push(Line { squeezed, ..line });
            squeezed = false;
        }
        start += whole.len();
    }
    Ok(lines)
}

fn line(start: usize, content: &str) -> Option<Line<'_>> {
    let lead = content.len() - content.trim_start().len();
    let lead = lead + if content[lead..].starts_with("0x") { 2 } else { 0 };
    let body = &content[lead..];
    let length = body.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(body.len());
    let colon = body[length..].starts_with(':');
    let rest_at = lead + length + usize::from(colon);
    let rest = &content[rest_at..];
    let is_offset =
        (4..=16).contains(&length) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    is_offset.then_some(Line {
        start,
        offset: &body[..length],
        colon,
        rest,
        rest_start: start + rest_at,
        squeezed: false,
    })
}

/// The radix in which the offsets fit the bytes: od counts in octal unless told otherwise.
fn radix(lines: &[Line<'_>]) -> Option<u32> {
    [16, 8, 10].into_iter().find(|&radix| {
        lines.windows(2).any(|_| true)
            && lines.windows(2).all(|pair| {
                let here = u64::from_str_radix(pair[0].offset, radix).ok();
                let next = u64::from_str_radix(pair[1].offset, radix).ok();
                let (Some(here), Some(next)) = (here, next) else { return false };
                if pair[1].squeezed || next == 0 {
                    return true;
                }
                let Some(count) = next.checked_sub(here) else { return false };
                let cells = cells(&pair[0], usize::try_from(count).ok());
                let length: usize = cells.iter().map(|(_, cell)| cell.len() / 2).sum();
                length as u64 == count || length as u64 == count + 1
            })
    })
}

/// The groups of digits of a line, each with its place in the text. With `expected`, no more than
/// that many bytes; without, up to the gap before the column of characters.
fn cells<'a>(line: &Line<'a>, expected: Option<usize>) -> Vec<(usize, &'a str)> {
    let rest = match line.rest.find(" |").or_else(|| line.rest.find(" >")) {
        Some(bar) => &line.rest[..bar],
        None => line.rest,
    };
    let mut cells: Vec<(usize, &str)> = Vec::new();
    let (mut at, mut count) = (0, 0);
    loop {
        let gap = rest[at..].find(|c: char| !c.is_whitespace()).unwrap_or(rest.len() - at);
        at += gap;
        let is_middle = gap == 2 && count == 8 && !line.colon;
        let is_characters = !cells.is_empty() && gap >= 2 && !is_middle;
        let is_enough = expected.is_some_and(|expected| count >= expected);
        if at >= rest.len() || is_characters || is_enough {
            return cells;
        }
        let length = rest[at..].find(char::is_whitespace).unwrap_or(rest.len() - at);
        cells.push((line.rest_start + at, &rest[at..at + length]));
        count += length.div_ceil(2);
        at += length;
    }
}

fn bytes(
    text: &str,
    line: &Line<'_>,
    expected: Option<usize>,
    before: usize,
) -> Result<Vec<u8>, Unreadable> {
    let mut out = Vec::new();
    let cells = cells(line, expected);
    // hexdump without -C shows 16-bit words, on common machines with the second byte first.
    let is_words = !line.colon && line.offset.len() == 7 && cells.iter().all(|c| c.1.len() == 4);
    for (at, cell) in cells {
        if let Some((index, c)) = cell.char_indices().find(|(_, c)| !c.is_ascii_hexdigit()) {
            let number = before + out.len() + index / 2 + 1;
            let which = if index % 2 == 0 { "first" } else { "second" };
            let problem = format!("the {which} digit of byte {number} is {}", quoted(c));
            return Err(Unreadable::at(text, at + index, c.len_utf8(), problem));
        }
        if cell.len() % 2 == 1 {
            let number = before + out.len() + cell.len() / 2 + 1;
            let problem = format!("byte {number} has one digit");
            return Err(Unreadable::at(text, at + cell.len() - 1, 1, problem));
        }
        if is_words {
            plain::push_digits(&cell[2..], &mut out);
            plain::push_digits(&cell[..2], &mut out);
        } else {
            plain::push_digits(cell, &mut out);
        }
    }
    Ok(out)
}
