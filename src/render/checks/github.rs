//! `--format github`: workflow commands that GitHub Actions shows as annotations. Nothing that was
//! captured can end a command or begin another: it is escaped twice, as text and as command data.

use super::{Check, Outcome};
use crate::render::escape;
use crate::rules::Severity;
use std::io::{self, Write};

/// Writes a line for each finding.
pub(super) struct Github<W> {
    out: W,
}

impl<W: Write> Github<W> {
    pub(super) fn new(out: W) -> Github<W> {
        Github { out }
    }

    pub(super) fn write(&mut self, check: &Check<'_>) -> io::Result<()> {
        let command = match check.finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        write!(self.out, "::{command} ")?;
        if let Some(file) = check.file {
            write!(self.out, "file={},", property(&escape::text(file.as_bytes())))?;
        }
        if let Some(region) = check.region {
            // The end column is that of the last character.
            let end = region.end_column.saturating_sub(1).max(region.column);
            let (line, column) = (region.line, region.column);
            write!(self.out, "line={line},col={column},endColumn={end},")?;
        }
        let message = check.lines().join("\n");
        writeln!(self.out, "title={}::{}", property(check.finding.rule.id), data(&message))
    }

    pub(super) fn finish(mut self, outcome: &Outcome<'_>) -> io::Result<W> {
        for problem in outcome.problems {
            writeln!(self.out, "::error title=ws101::{}", data(problem))?;
        }
        let counts = outcome.counts;
        let said = |words: &str, count: u64| match count {
            0 => String::new(),
            count => format!("; {words}: {}", counted(count, "finding")),
        };
        let ignored = said("ignored", counts.ignored) + &said("not told again", counts.repeats);
        writeln!(
            self.out,
            "ws101: {}, {}, {} in {}{ignored}",
            counted(counts.errors, "error"),
            counted(counts.warnings, "warning"),
            counted(counts.notes, "note"),
            counted(counts.connections, "connection")
        )?;
        Ok(self.out)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Text behind the `::` of a command: it ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property: it ends with a comma or a colon, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_property_and_no_text_its_line() {
        assert_eq!(property("a,line=1::error::x\n"), "a%2Cline=1%3A%3Aerror%3A%3Ax%0A");
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
    }
}
