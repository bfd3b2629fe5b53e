//! `ws101 explain`: explains a rule.

use super::{Common, Failure, Format, Output, Status};
use std::io::Write as _;
use ws101::render::{Paint, Sheet, escape, finding, markdown};
use ws101::rules::{self, Rule};

/// Explains a rule: what it asks, why, an example that breaks it, what causes it, how to mend it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 explain HS-RES-ACCEPT-VALUE
  ws101 rules                        the rules there are")]
pub struct Args {
    /// The id of a rule.
    #[arg(value_name = "RULE")]
    topic: String,
}

/// An explanation, as JSON.
#[derive(serde::Serialize)]
struct Record {
    r#type: &'static str,
    topic: &'static str,
    title: &'static str,
    markdown: &'static str,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let topic = args.topic.trim();
    let Some(rule) = rules::find(topic) else { return Err(unknown(topic)) };
    if common.format != Format::Text {
        let (topic, title, markdown) = (rule.id, rule.title, rules::page(rule));
        let record = Record { r#type: "explanation", topic, title, markdown };
        output.write_records(common.format, &[record])?;
        return Ok(Status::Good);
    }
    let sheet = output.sheet;
    heading(output, &sheet, rule)?;
    markdown::page(output, &sheet, without_title(rules::page(rule)))?;
    Ok(Status::Good)
}

fn heading(out: &mut Output, sheet: &Sheet, rule: &Rule) -> std::io::Result<()> {
    let severity = sheet.palette.paint(Paint::Severity(rule.severity), rule.severity.name());
    writeln!(out, "{} {severity}", sheet.palette.paint(Paint::Name, rule.id))?;
    for line in ws101::render::wrap(&sheet.words(&finding::demand(rule)), sheet.width) {
        writeln!(out, "{}", sheet.palette.paint(Paint::Title, line))?;
    }
    writeln!(out)
}

/// A page without its title and facts, which the heading has shown already.
fn without_title(page: &str) -> &str {
    page.find("**What it asks**").map_or(page, |start| &page[start..])
}

fn unknown(topic: &str) -> Failure {
    let shown = escape::clipped(topic.as_bytes(), 80);
    let mut message = format!("error: there is nothing to explain under \"{shown}\"");
    let near = rules::nearest(topic, rules::all().map(|rule| rule.id));
    if near.is_empty() {
        message.push_str("\n  expected: the id of a rule, such as HS-RES-ACCEPT-VALUE");
    } else {
        message.push_str("\n  did you mean:");
        for id in near {
            let title = rules::find(id).map_or("", |rule| rule.title);
            message.push_str(&format!("\n    {id:<28} {title}"));
        }
    }
    message.push_str("\n  try: ws101 rules");
    Failure::Input(message)
}
