//! Two connections side by side, for people and for programs.

use super::{Paint, Sheet, escape, wrap};
use crate::diff::{Comparison, Difference, Side, Weight};
use crate::rules::Severity;
use serde::Serialize;
use std::io::{self, Write};

/// One of the two, with its name.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The file, and which connection of it.
    pub name: &'a str,
    /// What is known of it.
    pub side: &'a Side,
}

/// Prints a comparison; `all`: the harmless differences one by one, too.
pub fn report(
    out: &mut impl Write,
    sheet: &Sheet,
    sides: [Named<'_>; 2],
    comparison: &Comparison,
    all: bool,
) -> io::Result<()> {
    let (mark, paint) = if comparison.matters() {
        (sheet.bad(), Paint::Severity(Severity::Error))
    } else {
        (sheet.good(), Paint::Good)
    };
    let verdict = escape::text(comparison.verdict.as_bytes());
    for (index, row) in
        wrap(&sheet.words(&verdict), sheet.width.saturating_sub(2)).iter().enumerate()
    {
        let mark = if index == 0 { mark } else { " " };
        writeln!(out, "{}", sheet.palette.paint(paint, format!("{mark} {row}")))?;
    }
    if let Some(mend) = &comparison.mend {
        rows(out, sheet, "mend", mend)?;
    }
    writeln!(out)?;
    for (letter, Named { name, side }) in ["A", "B"].into_iter().zip(sides) {
        let name = escape::text(name.as_bytes());
        rows(out, sheet, letter, &format!("{name}: {}", summary(side)))?;
    }
    let (shown, rest): (Vec<_>, Vec<_>) =
        comparison.differences.iter().partition(|it| all || it.weight < Weight::Harmless);
    for difference in shown {
        writeln!(out)?;
        show(out, sheet, difference)?;
    }
    if !rest.is_empty() {
        let names: Vec<&str> = rest.iter().map(|it| it.about.as_str()).collect();
        let names = escape::text(names.join(", ").as_bytes());
        writeln!(out)?;
        let text = format!("{} more that do not matter (-v shows them): {names}", rest.len());
        for row in wrap(&text, sheet.width.saturating_sub(1)) {
            writeln!(out, " {}", sheet.palette.paint(Paint::Faint, row))?;
        }
    }
    Ok(())
}

fn show(out: &mut impl Write, sheet: &Sheet, difference: &Difference) -> io::Result<()> {
    let paint = match difference.weight {
        Weight::Decides => Paint::Severity(Severity::Error),
        Weight::Matters => Paint::Severity(Severity::Warning),
        Weight::Harmless => Paint::Severity(Severity::Note),
    };
    let about = escape::text(difference.about.as_bytes());
    writeln!(out, " {}  {about}", sheet.palette.paint(paint, difference.weight.name()))?;
    for (letter, value) in [("A", &difference.a), ("B", &difference.b)] {
        let value = value.as_ref().map_or("(nothing)".to_owned(), |it| escape::text(it.as_bytes()));
        rows(out, sheet, letter, &value)?;
    }
    if !difference.why.is_empty() {
        rows(out, sheet, "", &difference.why)?;
    }
    Ok(())
}

/// A label, and text beside it.
fn rows(out: &mut impl Write, sheet: &Sheet, label: &str, text: &str) -> io::Result<()> {
    let text = sheet.words(text);
    for (index, row) in wrap(&text, sheet.width.saturating_sub(8)).iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        writeln!(out, "   {label:<4} {row}")?;
    }
    Ok(())
}

fn summary(side: &Side) -> String {
    let request = side.handshake.as_ref().and_then(|it| it.request.as_ref());
    let line = request.map(|head| {
        let [method, target] =
            [head.method(), head.target()].map(|part| escape::clipped(part.unwrap_or(b"?"), 40));
        let target = target.split('?').next().unwrap_or_default();
        format!("{method} {target} → ")
    });
    let works = if side.works() { "works" } else { "fails" };
    format!("{}{}; it {works}", line.unwrap_or_default(), side.outcome())
}

/// A line of `--format json`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record<'a> {
    /// What came of it.
    Diff {
        /// One sentence.
        verdict: &'a str,
        /// What to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        mend: Option<&'a str>,
        /// There is a difference that matters.
        matters: bool,
        /// The first connection.
        a: About<'a>,
        /// The second.
        b: About<'a>,
    },
    /// One thing that differs.
    Difference {
        /// `decides`, `matters` or `harmless`.
        weight: &'static str,
        /// What differs.
        about: &'a str,
        /// What A has.
        a: Option<&'a str>,
        /// What B has.
        b: Option<&'a str>,
        /// What it means.
        why: &'a str,
    },
}

/// One of the two connections.
#[derive(Debug, Serialize)]
pub struct About<'a> {
    /// The file, and which connection of it.
    pub file: &'a str,
    /// What came of the handshake.
    pub outcome: String,
    /// The status of the response.
    pub status: Option<u16>,
    /// The handshake is right, and the end no accident.
    pub works: bool,
}

/// The records of a comparison.
pub fn records<'a>(sides: [Named<'a>; 2], comparison: &'a Comparison) -> Vec<Record<'a>> {
    let [a, b] = sides.map(|Named { name, side }| About {
        file: name,
        outcome: side.outcome(),
        status: side.handshake.as_ref().and_then(|it| it.status()),
        works: side.works(),
    });
    let (verdict, mend) = (comparison.verdict.as_str(), comparison.mend.as_deref());
    let first = Record::Diff { verdict, mend, matters: comparison.matters(), a, b };
    let differences = comparison.differences.iter().map(|it| Record::Difference {
        weight: it.weight.name(),
        about: &it.about,
        a: it.a.as_deref(),
        b: it.b.as_deref(),
        why: &it.why,
    });
    std::iter::once(first).chain(differences).collect()
}
