//! `--format junit`: JUnit's XML. Each connection is a test case, each finding at or above the
//! threshold a failure of it. Readers want the totals first, so the cases are kept until the end;
//! beyond a bound they are only counted, and one more case says so.

use super::{Check, Outcome, ends};
use crate::inspection::Connection;
use crate::render::escape;
use crate::rules::Severity;
use crate::websocket::handshake::Handshake;
use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Of one connection, so many findings are listed.
const MAX_LISTED: usize = 20;

/// Cases are listed until they take this many bytes.
const MAX_BYTES: usize = 32 << 20;

/// Keeps test cases until all are known.
pub(super) struct Junit<W> {
    out: W,
    threshold: Option<Severity>,
    /// Those of open connections, by their number.
    open: BTreeMap<u64, Case>,
    /// Those of closed ones, as XML.
    cases: Vec<u8>,
    listed: u64,
    failures: u64,
    unlisted: u64,
    unlisted_failures: u64,
}

/// A test case.
struct Case {
    name: String,
    /// The name says what was asked for (first).
    is_named: bool,
    file: String,
    failures: Vec<Failure>,
    more_failures: u64,
    /// What was found and does not make it fail.
    notes: Vec<String>,
    more_notes: u64,
}

struct Failure {
    rule: &'static str,
    headline: String,
    text: String,
}

impl<W: Write> Junit<W> {
    pub(super) fn new(out: W, threshold: Option<Severity>) -> Junit<W> {
        Junit {
            out,
            threshold,
            open: BTreeMap::new(),
            cases: Vec::new(),
            listed: 0,
            failures: 0,
            unlisted: 0,
            unlisted_failures: 0,
        }
    }

    pub(super) fn open(&mut self, connection: &Connection, file: Option<&str>) {
        let mut name = match connection.number {
            0 => "TLS connection".to_owned(),
            number => format!("connection {number}"),
        };
        if let Some(ends) = ends(connection) {
            name.push_str(&format!(", {ends}"));
        }
        let case = Case {
            name,
            is_named: false,
            file: file.map_or("ws101".to_owned(), |file| escape::text(file.as_bytes())),
            failures: Vec::new(),
            more_failures: 0,
            notes: Vec::new(),
            more_notes: 0,
        };
        self.open.insert(connection.number, case);
    }

    /// Names a case for what was asked for.
    pub(super) fn asked(&mut self, connection: &Connection, handshake: &Handshake) {
        let Some(case) = self.open.get_mut(&connection.number) else { return };
        let Some(head) = handshake.request.as_deref() else { return };
        if case.is_named {
            return;
        }
        case.is_named = true;
        let line = escape::clipped(head.bytes(&head.start_range()), 100);
        case.name.push_str(&format!(": {line}"));
    }

    pub(super) fn note(&mut self, check: &Check<'_>) {
        let fails = self.fails(check.finding.severity);
        let Some(case) = self.open.get_mut(&check.connection.number) else { return };
        let (rule, headline) = (check.finding.rule.id, check.headline());
        match fails {
            true if case.failures.len() < MAX_LISTED => {
                let mut lines = check.lines();
                if let (Some(file), Some(region)) = (check.file, check.region) {
                    let file = escape::text(file.as_bytes());
                    lines.insert(1, format!("at: {file}:{}:{}", region.line, region.column));
                }
                case.failures.push(Failure { rule, headline, text: lines.join("\n") });
            }
            true => case.more_failures += 1,
            false if case.notes.len() < MAX_LISTED => {
                case.notes.push(format!("{}[{rule}]: {headline}", check.finding.severity));
            }
            false => case.more_notes += 1,
        }
    }

    fn fails(&self, severity: Severity) -> bool {
        self.threshold.is_some_and(|threshold| severity >= threshold)
    }

    /// A rule that was told often enough is broken once more.
    pub(super) fn repeat(&mut self, connection: &Connection, severity: Severity) {
        let fails = self.fails(severity);
        let Some(case) = self.open.get_mut(&connection.number) else { return };
        if fails {
            case.more_failures += 1;
        } else {
            case.more_notes += 1;
        }
    }

    pub(super) fn close(&mut self, connection: &Connection) {
        let Some(case) = self.open.remove(&connection.number) else { return };
        self.list(&case);
    }

    fn list(&mut self, case: &Case) {
        let failures = case.failures.len() as u64 + u64::from(case.more_failures > 0);
        if self.cases.len() > MAX_BYTES {
            self.unlisted += 1;
            self.unlisted_failures += u64::from(failures > 0);
            return;
        }
        self.listed += 1;
        self.failures += u64::from(failures > 0);
        // Writing into memory can't fail.
        let _ = write_case(&mut Writer::new(&mut self.cases), case);
    }

    pub(super) fn finish(mut self, outcome: &Outcome<'_>) -> io::Result<W> {
        for case in std::mem::take(&mut self.open).into_values() {
            self.list(&case);
        }
        let mut tail = Vec::new();
        self.write_tail(&mut Writer::new(&mut tail), outcome)?;
        let tests = self.listed + u64::from(self.unlisted > 0) + outcome.problems.len() as u64;
        let failures = self.failures + u64::from(self.unlisted_failures > 0);
        let problems = outcome.problems.len() as u64;
        let [tests, failures, errors] =
            [tests, failures, problems].map(|number| number.to_string());
        let properties =
            [("ignored", outcome.counts.ignored), ("repeated", outcome.counts.repeats)];
        let totals =
            [("name", "ws101"), ("tests", &tests), ("failures", &failures), ("errors", &errors)];
        let mut xml = Writer::new(&mut self.out);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.create_element("testsuites").with_attributes(totals).write_inner_content(|xml| {
            let suite = xml.create_element("testsuite").with_attributes(totals);
            suite.with_attribute(("skipped", "0")).write_inner_content(|xml| {
                xml.create_element("properties").write_inner_content(|xml| {
                    for (name, value) in properties {
                        let value = value.to_string();
                        let attributes = [("name", name), ("value", value.as_str())];
                        xml.create_element("property").with_attributes(attributes).write_empty()?;
                    }
                    Ok(())
                })?;
                xml.get_mut().write_all(&self.cases)?;
                xml.get_mut().write_all(&tail)
            })?;
            Ok(())
        })?;
        self.out.write_all(b"\n")?;
        Ok(self.out)
    }

    /// What could not be listed, and what could not be read.
    fn write_tail(&self, xml: &mut Writer<&mut Vec<u8>>, outcome: &Outcome<'_>) -> io::Result<()> {
        if self.unlisted > 0 {
            let name = format!("{} more connections, not listed one by one", self.unlisted);
            let case = case_element(xml, &name, "ws101");
            if self.unlisted_failures == 0 {
                case.write_empty()?;
            } else {
                let message = format!("{} of them fail", self.unlisted_failures);
                case.write_inner_content(|xml| {
                    let failure = xml.create_element("failure");
                    failure.with_attribute(("message", message.as_str())).write_empty().map(drop)
                })?;
            }
        }
        for problem in outcome.problems {
            case_element(xml, "reading the input", "ws101").write_inner_content(|xml| {
                let headline = problem.lines().next().unwrap_or_default();
                let error = xml.create_element("error").with_attribute(("message", headline));
                error.write_text_content(BytesText::new(problem)).map(drop)
            })?;
        }
        Ok(())
    }
}

fn case_element<'a, W: Write>(
    xml: &'a mut Writer<W>,
    name: &str,
    file: &str,
) -> quick_xml::writer::ElementWriter<'a, W> {
    xml.create_element("testcase").with_attributes([("name", name), ("classname", file)])
}

fn write_case(xml: &mut Writer<&mut Vec<u8>>, case: &Case) -> io::Result<()> {
    let element = case_element(xml, &case.name, &case.file);
    if case.failures.is_empty() && case.notes.is_empty() {
        return element.write_empty().map(drop);
    }
    element.write_inner_content(|xml| {
        for Failure { rule, headline, text } in &case.failures {
            let attributes = [("type", *rule), ("message", headline.as_str())];
            let failure = xml.create_element("failure").with_attributes(attributes);
            failure.write_text_content(BytesText::new(text))?;
        }
        if case.more_failures > 0 {
            let message = format!("and {} more findings", case.more_failures);
            let failure = xml.create_element("failure");
            failure.with_attribute(("message", message.as_str())).write_empty()?;
        }
        if !case.notes.is_empty() {
            let mut text = case.notes.join("\n");
            if case.more_notes > 0 {
                text.push_str(&format!("\nand {} more", case.more_notes));
            }
            xml.create_element("system-out").write_text_content(BytesText::new(&text))?;
        }
        Ok(())
    })?;
    Ok(())
}
