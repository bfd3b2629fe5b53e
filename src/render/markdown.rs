//! Markdown for a terminal: headings, paragraphs, lists, code, emphasis. As much of it as our own
//! pages use, no more.

use super::{Paint, Sheet, escape, wrap};
use crate::layout::Role;
use comfy_table::{ContentArrangement, Table};
use std::io::{self, Write};

/// Writes a page.
pub fn page(out: &mut impl Write, sheet: &Sheet, text: &str) -> io::Result<()> {
    let mut paragraph = Paragraph::default();
    let mut rows: Vec<&str> = Vec::new();
    let mut is_code = false;
    let mut blank = 0;
    let mut is_first = true;
    for line in text.trim_matches('\n').lines() {
        let trimmed = line.trim_start();
        if !is_code && trimmed.starts_with('|') {
            paragraph.flush(out, sheet)?;
            rows.push(trimmed);
            is_first = false;
            continue;
        }
        table(out, sheet, &std::mem::take(&mut rows))?;
        if trimmed.starts_with("```") {
            paragraph.flush(out, sheet)?;
            is_code = !is_code;
            blank = 0;
            continue;
        }
        if is_code && line.is_empty() {
            // Held back until it separates something: heads end in an empty line.
            blank += 1;
            continue;
        }
        if is_code {
            (0..std::mem::take(&mut blank)).try_for_each(|_| writeln!(out))?;
            let line = sheet.clip(&escape::text(line.as_bytes()), sheet.width.saturating_sub(4));
            writeln!(out, "    {}", sheet.palette.paint(Paint::Role(Role::Payload), line))?;
            continue;
        }
        if let Some(title) = trimmed.strip_prefix('#') {
            paragraph.flush(out, sheet)?;
            let title = title.trim_start_matches('#').trim();
            for title in wrap(&sheet.words(&unmarked(title)), sheet.width) {
                writeln!(out, "{}", sheet.palette.paint(Paint::Title, title))?;
            }
        } else if trimmed.is_empty() {
            paragraph.flush(out, sheet)?;
            if !is_first {
                writeln!(out)?;
            }
        } else if let Some(item) = item(trimmed) {
            paragraph.flush(out, sheet)?;
            paragraph.mark = item.0.to_owned();
            paragraph.indent = (line.len() - trimmed.len()).min(8);
            paragraph.text.push_str(item.1);
        } else {
            paragraph.add(trimmed);
        }
        is_first = false;
    }
    table(out, sheet, &rows)?;
    paragraph.flush(out, sheet)
}

/// A table in columns, as wide as the sheet at most; its cells are wrapped if need be.
fn table(out: &mut impl Write, sheet: &Sheet, rows: &[&str]) -> io::Result<()> {
    let cells = |row: &&str| -> Vec<String> {
        let row = row.trim().trim_start_matches('|').trim_end_matches('|');
        row.split('|').map(|cell| sheet.words(&unmarked(cell.trim())).into_owned()).collect()
    };
    let Some((heading, rows)) = rows.split_first() else { return Ok(()) };
    let is_rule = |row: &&&str| row.chars().all(|c| "|-: ".contains(c));
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(sheet.width.min(MOST_COLUMNS) as u16);
    table.set_header(cells(heading));
    table.add_rows(rows.iter().filter(|row| !is_rule(row)).map(cells));
    let text = table.trim_fmt();
    for (index, line) in text.lines().enumerate() {
        match index {
            0 => writeln!(out, "{}", sheet.palette.paint(Paint::Faint, line))?,
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// Nobody reads wider tables.
const MOST_COLUMNS: usize = 1000;

/// The mark of a list item and what stands behind it.
pub(super) fn item(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some(("-", rest));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line[digits..].strip_prefix(". ")?;
    (1..=2).contains(&digits).then_some((&line[..=digits], rest))
}

#[derive(Default)]
struct Paragraph {
    text: String,
    mark: String,
    indent: usize,
}

impl Paragraph {
    fn add(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(line);
    }

    fn flush(&mut self, out: &mut impl Write, sheet: &Sheet) -> io::Result<()> {
        let Paragraph { text, mark, indent } = std::mem::take(self);
        if text.is_empty() {
            return Ok(());
        }
        let hang = indent + if mark.is_empty() { 0 } else { mark.len() + 1 };
        let marked = Marked::of(&sheet.words(&text));
        let mut at = 0;
        let room = sheet.width.saturating_sub(hang);
        for (index, line) in wrap(&marked.text, room).iter().enumerate() {
            let lead = if index == 0 { format!("{:indent$}{mark}", "") } else { String::new() };
            write!(out, "{lead:<hang$}")?;
            at = marked.write(out, sheet, at, line)?;
            writeln!(out)?;
        }
        Ok(())
    }
}

/// Text without its marks, and which bytes of it are set how.
struct Marked {
    text: String,
    paints: Vec<Option<Paint>>,
}

impl Marked {
    fn of(source: &str) -> Marked {
        let mut marked = Marked { text: String::new(), paints: Vec::new() };
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            match span(rest) {
                Some((inner, length, paint)) => {
                    marked.push(inner, Some(paint));
                    rest = &rest[length..];
                }
                None => {
                    marked.push(&rest[..c.len_utf8()], None);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        marked
    }

    fn push(&mut self, text: &str, paint: Option<Paint>) {
        self.text.push_str(text);
        self.paints.resize(self.text.len(), paint);
    }

    /// Writes a line that was broken out of the text at or behind `at`; says where it ended.
    fn write(
        &self,
        out: &mut impl Write,
        sheet: &Sheet,
        at: usize,
        line: &str,
    ) -> io::Result<usize> {
        let start = at + self.text[at..].find(line).unwrap_or(0);
        let mut from = 0;
        while from < line.len() {
            let paint = self.paints.get(start + from).copied().flatten();
            let length = (from..line.len())
                .find(|i| self.paints.get(start + i).copied().flatten() != paint)
                .unwrap_or(line.len());
            let piece = &line[from..length];
            match paint {
                Some(paint) => write!(out, "{}", sheet.palette.paint(paint, piece))?,
                None => write!(out, "{piece}")?,
            }
            from = length;
        }
        Ok(start + line.len())
    }
}

/// Code, strong text, emphasis or a link at the start of the text: what is inside, how many bytes
/// it takes with its marks, how it is set.
pub(super) fn span(text: &str) -> Option<(&str, usize, Paint)> {
    for (mark, paint) in
        [("`", Paint::Role(Role::Payload)), ("**", Paint::Title), ("*", Paint::Name)]
    {
        if let Some(rest) = text.strip_prefix(mark) {
            let end = rest.find(mark).filter(|end| *end > 0)?;
            let is_tight = !rest.starts_with(' ') && !rest[..end].ends_with(' ');
            return (is_tight || mark == "`").then_some((
                &rest[..end],
                end + 2 * mark.len(),
                paint,
            ));
        }
    }
    let rest = text.strip_prefix('[')?;
    let (label, target) = rest.split_once("](")?;
    let end = target.find(')')?;
    (!label.contains('[')).then_some((label, 1 + label.len() + 2 + end + 1, Paint::Name))
}

/// Text without its marks.
fn unmarked(text: &str) -> String {
    Marked::of(text).text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, width: usize, expected: &str) {
        let mut out = Vec::new();
        page(&mut out, &Sheet::plain(width), text).expect("memory takes everything");
        assert_eq!(String::from_utf8(out).expect("it is text"), expected);
    }

    #[test]
    fn tables_have_columns_and_fit_the_sheet() {
        let text = "Six:\n\n| code | name |\n| --- | --- |\n| `0x1` | text |\n\nThat is all.";
        check(text, 40, "Six:\n\n code  name\n 0x1   text\n\nThat is all.\n");
        let text = "| a | b |\n| --- | --- |\n| x | one two three four |";
        check(text, 20, " a  b\n x  one two three\n    four\n");
    }

    #[test]
    fn paragraphs_are_filled_lists_hang_and_code_stays_as_it_is() {
        check(
            "## A `title`\n\nSome **strong** words\nand *more* [here](x.md).\n\n- one two three\n  \
             four\n- five\n\n```http\nGET / HTTP/1.1\n\nHTTP/1.1 400\n\n```\n",
            24,
            "A title\n\nSome strong words and\nmore here.\n\n- one two three four\n- five\n\n    \
             GET / HTTP/1.1\n\n    HTTP/1.1 400\n",
        );
        check("2 * 3 * 4", 24, "2 * 3 * 4\n");
    }
}
