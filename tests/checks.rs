//! Findings for the tools of continuous integration: SARIF that its schema accepts, annotations
//! that nothing captured can break out of, XML that a reader reads.

use quick_xml::events::Event;
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Output};

/// A request with markup, commands, escapes and bytes that are no text wherever there is room.
const HOSTILE: &[u8] = b"GET /\x1b[31m]]>\x00<a&\"'%0A HTTP/1.1\r\n\
    Host: a\xff,b::error::c\r\n\
    Upgrade: websocket]]>\"<x\r\n\
    Connection: \x07Upgrade%0A::error file=x,line=1::y\r\n\
    Sec-WebSocket-Key: <failure/>\xc3\x28\r\n\
    Sec-WebSocket-Version: 13, \xe2\x80\xae\xef\xbf\xbe1\r\n\
    Sec-WebSocket-Protocol: a\r::warning::b, \x9b,,&lt;\r\n\
    X-\"<Name>: 1\r\n\r\n\
    HTTP/1.1 101 <b>&\r\n\
    Upgrade: \x01\r\n\
    Sec-WebSocket-Accept: ::error::]]>\r\n\r\n";

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws101"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("the binary runs")
}

fn text(args: &[&str]) -> String {
    let out = run(args);
    assert!(out.status.code().is_some_and(|code| code < 2), "{args:?}: {out:?}");
    String::from_utf8(out.stdout).expect("the output is UTF-8")
}

/// What is judged: all samples, and a hostile request in a file with a hostile name.
fn inputs(folder: &Path) -> Vec<Vec<String>> {
    let list = |folder: &str, ending: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .expect("samples")
            .map(|entry| entry.expect("a sample").path().display().to_string())
            .filter(|path| path.ends_with(ending))
            .collect();
        found.sort();
        found
    };
    let mut inputs: Vec<Vec<String>> = Vec::new();
    let command = |name: &str, files: Vec<String>| [vec![name.to_owned()], files].concat();
    inputs.push(command("handshake", list("samples/broken", ".http")));
    inputs.push(command("handshake", list("samples/handshakes", ".http")));
    for capture in list("samples/captures", ".pcap") {
        inputs.push(command("pcap", vec![capture]));
    }
    for bytes in ["810548656c6c6f", "c3ff4142", "8800", "f7ffffffffffffffffff000000"] {
        let args = ["--from", "client", bytes].map(str::to_owned).to_vec();
        inputs.push(command("frame", args));
    }
    let hostile = folder.join("a,b:c%<>&\"\u{fffe}.http");
    std::fs::write(&hostile, HOSTILE).expect("a file");
    inputs.push(command("handshake", vec![hostile.display().to_string()]));
    inputs
}

fn each_output(format: &str, mut check: impl FnMut(&[&str], &str)) {
    let folder = tempfile::tempdir().expect("a folder");
    for input in inputs(folder.path()) {
        let mut args: Vec<&str> = input.iter().map(String::as_str).collect();
        args.extend(["--format", format]);
        check(&args, &text(&args));
    }
}

/// How many findings of each severity a run has, by its own records.
fn findings(args: &[&str]) -> Vec<Value> {
    let args = [&args[..args.len() - 1], &["jsonl"]].concat();
    text(&args)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a record"))
        .filter(|record| record["type"] == "finding")
        .collect()
}

#[test]
fn sarif_is_what_its_schema_says() {
    // One of its patterns, of a property that is not written here, has a bracket too many: a
    // regular expression that strict readers refuse.
    let schema = include_str!("sarif/sarif-schema-2.1.0.json").replace("{2}]?$", "{2}$");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schema is one");
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })), "it can say no");
    let mut seen = 0;
    each_output("sarif", |args, output| {
        let document: Value = serde_json::from_str(output).expect("SARIF is JSON");
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:#?}");
        let run = &document["runs"][0];
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), findings(args).len(), "{args:?}");
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        for result in results {
            let index = result["ruleIndex"].as_u64().expect("an index") as usize;
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let help = rules[index]["help"]["markdown"].as_str().expect("help");
            assert!(help.contains("**What it asks**"), "{help}");
            seen += 1;
        }
        let code = run["invocations"][0]["exitCode"].as_i64();
        assert_eq!(code, self::run(args).status.code().map(i64::from));
    });
    assert!(seen > 50, "{seen}");
}

#[test]
fn fingerprints_tell_findings_apart_and_stay() {
    let prints = |args: &[&str]| -> Vec<String> {
        let document: Value = serde_json::from_str(&text(args)).expect("JSON");
        let results = document["runs"][0]["results"].as_array().expect("results").clone();
        let of = |it: &Value| it["partialFingerprints"]["ws101/v1"].as_str().map(str::to_owned);
        results.iter().map(|result| of(result).expect("a fingerprint")).collect()
    };
    each_output("sarif", |args, _| {
        let first = prints(args);
        let distinct: HashSet<&String> = first.iter().collect();
        assert_eq!(distinct.len(), first.len(), "{args:?}");
        assert_eq!(first, prints(args), "{args:?}");
    });
    // What stands above an exchange, and which files come before, make it no other one.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.http");
    let file = file.to_str().expect("a path");
    let sample = include_str!("../samples/broken/accept-of-decoded-key.http");
    std::fs::write(file, sample).expect("a file");
    let alone = prints(&["handshake", file, "--format", "sarif"]);
    let other = "samples/broken/http-1.0.http";
    let both = prints(&["handshake", other, file, "--format", "sarif"]);
    assert_eq!(both[both.len() - alone.len()..], alone);
    std::fs::write(file, format!("\n\n{sample}")).expect("a file");
    assert_eq!(prints(&["handshake", file, "--format", "sarif"]), alone);
}

#[test]
fn places_in_sarif_are_the_lines_and_columns_of_the_file() {
    let file = "samples/broken/accept-of-decoded-key.http";
    let document: Value =
        serde_json::from_str(&text(&["handshake", file, "--format", "sarif"])).expect("JSON");
    let source = include_str!("../samples/broken/accept-of-decoded-key.http");
    let mut meant = Vec::new();
    for result in document["runs"][0]["results"].as_array().expect("results") {
        let physical = &result["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], file);
        let number = |name: &str| physical["region"][name].as_u64().expect("a number") as usize;
        let line = source.lines().nth(number("startLine") - 1).expect("the line is there");
        meant.push(&line[number("startColumn") - 1..number("endColumn") - 1]);
    }
    assert_eq!(meant, ["dGhlIHNhbXBsZSBub25jZQ==", "BXhwxM0SZasKmCD9S4BfpPmCnEw="]);
}

#[test]
fn every_line_for_github_is_one_command_of_ours() {
    each_output("github", |args, output| {
        let lines: Vec<&str> = output.split('\n').collect();
        let (last, commands) = lines[..lines.len() - 1].split_last().expect("a last line");
        assert!(last.starts_with("ws101: "), "{last}");
        let findings = findings(args);
        assert_eq!(commands.len(), findings.len(), "{args:?}");
        for (command, finding) in commands.iter().zip(&findings) {
            let name = match finding["severity"].as_str() {
                Some("note") => "notice",
                other => other.expect("a severity"),
            };
            let rest = command.strip_prefix(&format!("::{name} ")).expect("a command");
            let (properties, _) = rest.split_once("::").expect("a message");
            let names: Vec<&str> = properties
                .split(',')
                .map(|property| property.split_once('=').expect("a property").0)
                .collect();
            let known = ["file", "line", "col", "endColumn", "title"];
            assert!(names.iter().all(|name| known.contains(name)), "{properties}");
            assert!(properties.ends_with(finding["rule"].as_str().expect("a rule")));
            assert!(!command.contains(['\r', '\u{1b}', '\0', '\u{202e}']), "{command:?}");
        }
    });
}

/// The elements of a document, with their attributes, in order.
fn elements(xml: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut found = Vec::new();
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(tag) | Event::Empty(tag) => {
                let attributes = tag.attributes().map(|attribute| {
                    let attribute = attribute.expect("a well-formed attribute");
                    (attribute.key.as_ref().to_owned(), attribute.value.to_string())
                });
                let attributes = attributes.collect();
                let name = tag.name().as_ref().to_owned();
                found.push((name, attributes));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn junit_is_well_formed_and_counts_right_whatever_was_captured() {
    each_output("junit", |args, output| {
        let illegal =
            |c: char| c.is_control() && !"\n\t".contains(c) || "\u{fffe}\u{ffff}".contains(c);
        assert!(!output.contains(illegal), "{args:?}");
        let elements = elements(output);
        let count = |name: &str| elements.iter().filter(|(found, _)| found == name).count();
        let errors = findings(args).iter().filter(|it| it["severity"] == "error").count();
        assert_eq!(count("failure"), errors, "{args:?}");
        let total = |name: &str| {
            let attributes = &elements[0].1;
            let (_, value) = attributes.iter().find(|(key, _)| key == name).expect("a total");
            value.parse::<usize>().expect("a number")
        };
        assert_eq!(total("tests"), count("testcase"), "{args:?}");
        assert!(total("failures") <= errors && (total("failures") > 0) == (errors > 0));
    });
}

#[test]
fn in_junit_the_threshold_decides_what_fails() {
    let file = "samples/broken/accept-of-decoded-key.http";
    let failures = |threshold: &str| {
        let args = ["handshake", file, "--format", "junit", "--fail-on", threshold];
        elements(&text(&args)).iter().filter(|(name, _)| name == "failure").count()
    };
    assert_eq!([failures("error"), failures("note"), failures("never")], [1, 2, 0]);
}

#[test]
fn a_file_that_cannot_be_read_is_told_in_each_format() {
    for format in ["sarif", "github", "junit"] {
        let file = "samples/broken/http-1.0.http";
        let out = run(&["handshake", file, "missing.http", "--format", format]);
        assert_eq!(out.status.code(), Some(2));
        let output = String::from_utf8(out.stdout).expect("UTF-8");
        assert!(output.contains("missing.http"), "{format}: {output}");
    }
}

#[test]
fn formats_for_findings_are_refused_where_there_are_none() {
    for args in [
        &["rules", "--format", "sarif"][..],
        &["explain", "MSK-CLIENT-UNMASKED", "--format", "junit"],
        &["pcap", "samples/captures/chat-plain.pcap", "--stats", "--format", "github"],
    ] {
        let out = run(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("expected: --format"), "{args:?}");
    }
}
