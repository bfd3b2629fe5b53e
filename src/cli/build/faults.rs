//! `ws101 build --faults`: which rules can be broken on purpose, and how.

use crate::cli::{Common, Failure, Format, Output};
use serde::Serialize;
use std::io::Write as _;
use ws101::build::fault::{self, Fault, Level};
use ws101::render::{Paint, escape};

/// A fault, as JSON.
#[derive(Serialize)]
struct Record {
    r#type: &'static str,
    rule: &'static str,
    /// What must be built for it to be seen; null: nothing that is built here shows it.
    level: Option<&'static str>,
    how: &'static str,
    also: Vec<&'static str>,
}

fn level(fault: &Fault) -> &'static str {
    match fault.level {
        Level::Handshake => "handshake",
        Level::Frames => "frame",
        Level::Conversation => "conversation",
    }
}

pub(super) fn list(common: &Common, output: &mut Output) -> Result<(), Failure> {
    if common.format == Format::Text {
        return text(output);
    }
    let faults = fault::all().map(|fault| Record {
        r#type: "fault",
        rule: fault.rule,
        level: Some(level(fault)),
        how: fault.how,
        also: fault.given.iter().chain(fault.also).map(|(rule, _)| *rule).collect(),
    });
    let beyond = fault::BEYOND_BYTES.iter().map(|(rule, why)| Record {
        r#type: "fault",
        rule,
        level: None,
        how: why,
        also: Vec::new(),
    });
    let records: Vec<Record> = faults.chain(beyond).collect();
    Ok(output.write_records(common.format, &records)?)
}

fn text(output: &mut Output) -> Result<(), Failure> {
    let sheet = output.sheet;
    let width = fault::all().map(|fault| fault.rule.len()).max().unwrap_or(0);
    let room = sheet.width.saturating_sub(width + 18).max(20);
    let mut line = |name: &str, level: &str, how: &str| -> std::io::Result<()> {
        let how = sheet.clip(&sheet.words(how), room);
        let name = sheet.palette.paint(Paint::Name, format!("{name:<width$}"));
        writeln!(output, "{name}  {level:<12}  {how}")
    };
    for fault in fault::all() {
        line(fault.rule, level(fault), fault.how)?;
    }
    for (rule, why) in fault::BEYOND_BYTES {
        line(rule, "-", why)?;
    }
    let count = fault::all().count();
    let words = format!(
        "{count} faults, and {} rules that nothing built here breaks. A fault of a handshake or a \
         frame can be built in a conversation, too: ws101 build conversation --fault RULE",
        fault::BEYOND_BYTES.len()
    );
    writeln!(output)?;
    for line in ws101::render::wrap(&sheet.words(&words), sheet.width) {
        debug_assert!(escape::width(&line) <= sheet.width.max(20));
        writeln!(output, "{}", sheet.palette.paint(Paint::Faint, line))?;
    }
    Ok(())
}
