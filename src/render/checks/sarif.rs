//! `--format sarif`: the Static Analysis Results Interchange Format, version 2.1.0. Results are
//! written as they come; what has to be known of the rules stands behind them, for those that were
//! broken only.

use super::{Check, Outcome};
use crate::render::finding::not_told;
use crate::render::json::harmless;
use crate::rules::{Rule, page};
use crate::said::PacketNumber;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Where the schema lives.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes one document with one run.
pub(super) struct Sarif<W> {
    out: W,
    /// The rules that were broken so far, in the order in which they were.
    rules: Vec<&'static Rule>,
    results: u64,
}

impl<W: Write> Sarif<W> {
    pub(super) fn new(out: W) -> Sarif<W> {
        Sarif { out, rules: Vec::new(), results: 0 }
    }

    pub(super) fn write(&mut self, check: &Check<'_>) -> io::Result<()> {
        self.separate()?;
        let rule = check.finding.rule;
        let index = self.rules.iter().position(|known| *known == rule).unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        });
        let result = result(check, index);
        self.value(&result)
    }

    pub(super) fn finish(mut self, outcome: &Outcome<'_>) -> io::Result<W> {
        if self.results == 0 {
            self.begin()?;
        }
        self.out.write_all(b"\n],\n\"tool\":")?;
        let rules: Vec<Value> = self.rules.iter().map(|rule| descriptor(rule)).collect();
        let version = env!("CARGO_PKG_VERSION");
        self.value(&json!({ "driver": {
            "name": "ws101",
            "version": version,
            "semanticVersion": version,
            "shortDescription": { "text": "inspects WebSocket traffic" },
            "rules": rules,
        }}))?;
        self.out.write_all(b",\n\"invocations\":")?;
        let counts = outcome.counts;
        let mut notifications: Vec<Value> = outcome
            .problems
            .iter()
            .map(|problem| json!({ "level": "error", "message": { "text": problem } }))
            .collect();
        if counts.repeats > 0 {
            let text = not_told(counts.repeats);
            notifications.push(json!({ "level": "note", "message": { "text": text } }));
        }
        self.value(&json!([{
            "executionSuccessful": outcome.problems.is_empty(),
            "exitCode": outcome.exit_code,
            "toolExecutionNotifications": notifications,
        }]))?;
        self.out.write_all(b",\n\"properties\":")?;
        let (connections, ignored) = (counts.connections, counts.ignored);
        let repeated = counts.repeats;
        self.value(
            &json!({ "connections": connections, "ignored": ignored, "repeated": repeated }),
        )?;
        self.out.write_all(b"\n}]}\n")?;
        Ok(self.out)
    }

    fn begin(&mut self) -> io::Result<()> {
        write!(self.out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{")?;
        write!(self.out, "\"columnKind\":\"unicodeCodePoints\",\"results\":[")
    }

    fn separate(&mut self) -> io::Result<()> {
        if self.results == 0 {
            self.begin()?;
        }
        self.results += 1;
        self.out.write_all(if self.results == 1 { b"\n" } else { b",\n" })
    }

    fn value(&mut self, value: &Value) -> io::Result<()> {
        self.out.write_all(harmless(value).as_bytes())
    }
}

fn result(check: &Check<'_>, index: usize) -> Value {
    let finding = check.finding;
    let mut location = json!({ "logicalLocations": [{
        "name": check.containers().last(),
        "fullyQualifiedName": check.containers().join("/"),
    }]});
    if let Some(file) = check.file {
        let mut physical = json!({ "artifactLocation": { "uri": uri(file) } });
        if let Some(region) = check.region {
            physical["region"] = json!({
                "startLine": region.line,
                "startColumn": region.column,
                "endLine": region.line,
                "endColumn": region.end_column,
            });
        }
        location["physicalLocation"] = physical;
    }
    let span = finding.broken.span;
    let mut properties = json!({
        "section": finding.rule.rfc,
        "connection": Some(check.connection.number).filter(|number| *number > 0),
        "direction": finding.broken.endpoint.map(|endpoint| endpoint.name()),
        "violator": finding.violator.map(|endpoint| endpoint.name()),
        "frame": finding.frame,
        "message": finding.message,
        "packet": finding.at.packet.map(PacketNumber::number),
        "packet_file": finding.at.packet.and_then(PacketNumber::file),
        "offset": span.map(|span| span.byte_offset()),
        "length": span.map(|span| span.byte_length()),
    });
    if let Some(properties) = properties.as_object_mut() {
        properties.retain(|_, value| !value.is_null());
    }
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": finding.severity.name(),
        "message": { "text": check.lines().join("\n") },
        "locations": [location],
        "partialFingerprints": { "ws101/v1": fingerprint(check) },
        "properties": properties,
    })
}

/// What a finding is recognised by in the next run: neither times nor words, and in a text neither
/// lines nor offsets, so that it stays itself when something is inserted above it.
fn fingerprint(check: &Check<'_>) -> String {
    let finding = check.finding;
    let mut parts = vec![finding.rule.id.to_owned(), check.file.unwrap_or_default().to_owned()];
    parts.push(check.ordinal.to_string());
    if check.connection.number == 0 {
        parts.push("tls".to_owned());
    }
    parts.extend(check.containers().into_iter().skip(1));
    if check.region.is_none() {
        parts.extend(finding.broken.span.map(|span| span.byte_offset().to_string()));
    }
    let digest = Sha1::digest(parts.join("\0").as_bytes());
    digest.iter().take(10).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn descriptor(rule: &Rule) -> Value {
    let help = format!("{}. More: ws101 explain {}", super::finding::demand(rule), rule.id);
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": super::finding::demand(rule) },
        "help": { "text": help, "markdown": page(rule) },
        "defaultConfiguration": { "level": rule.severity.name() },
        "properties": { "area": rule.area(), "section": rule.rfc, "tags": ["websocket"] },
    })
}

/// A path as a reference that a URI parser takes for what it is.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(byte as char),
            byte if byte.is_ascii_alphanumeric() => uri.push(byte as char),
            byte => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference_whatever_is_in_it() {
        assert_eq!(uri("captures/a b.pcap"), "captures/a%20b.pcap");
        assert_eq!(uri("c:ü?#.http"), "c%3A%C3%BC%3F%23.http");
        assert_eq!(uri("/srv/a.pcap"), "file:///srv/a.pcap");
    }
}
