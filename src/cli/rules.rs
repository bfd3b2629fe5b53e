//! `ws101 rules`: lists every rule that is checked.

mod thresholds;

use super::{Common, Failure, Format, Output, Status};
use serde::Serialize;
use std::io::Write as _;
use ws101::render::{Paint, Sheet, escape};
use ws101::rules::{self, Rule, Violator};

/// Lists every rule that is checked: id, severity, RFC section, title.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 rules             all of them
  ws101 rules HS-RES      those about the response
  ws101 rules close code  those that speak of both
  ws101 rules --thresholds  the numbers that --threshold NAME=VALUE sets
  ws101 explain HS-RES-ACCEPT-VALUE")]
pub struct Args {
    /// An area, the beginning of an id, or words that id, title or section have.
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// List the numbers from which on something is found, with their values.
    #[arg(long, conflicts_with = "filter")]
    thresholds: bool,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    if args.thresholds {
        return thresholds::run(common, output);
    }
    if !common.judging.threshold.is_empty() {
        return Err(Failure::Input(
            "error: --threshold changes no rule, but the numbers that rules go by\n  \
             try: ws101 rules --thresholds"
                .to_owned(),
        ));
    }
    let listed: Vec<&Rule> = rules::all().filter(|rule| is_meant(rule, &args.filter)).collect();
    if listed.is_empty() && !args.filter.is_empty() {
        let words = escape::text(args.filter.join(" ").as_bytes());
        return Err(Failure::Input(format!(
            "error: no rule fits \"{words}\"\n  expected: an area such as HS-RES, the beginning of \
             an id, or words of a title\n  try: ws101 rules"
        )));
    }
    if common.format == Format::Text {
        let sheet = output.sheet;
        list(output, &sheet, &listed)?;
    } else {
        let records: Vec<Record> = listed.iter().map(|rule| Record::of(rule)).collect();
        output.write_records(common.format, &records)?;
    }
    Ok(Status::Good)
}

/// Every word of the filter begins the id or stands somewhere in what is shown of the rule.
fn is_meant(rule: &Rule, filter: &[String]) -> bool {
    filter.iter().all(|word| {
        let word = word.to_ascii_lowercase();
        let is_area = rules::all().any(|rule| rule.area().eq_ignore_ascii_case(&word));
        if is_area {
            return rule.area().eq_ignore_ascii_case(&word);
        }
        let shown = [rule.id, rule.title, rule.rfc, rule.severity.name(), rule.level.verb()];
        shown.iter().any(|text| text.to_ascii_lowercase().contains(&word))
    })
}

fn list(out: &mut Output, sheet: &Sheet, listed: &[&Rule]) -> std::io::Result<()> {
    let palette = sheet.palette;
    let ids = listed.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let sections =
        listed.iter().map(|rule| escape::width(&sheet.words(rule.rfc))).max().unwrap_or(0).min(24);
    // On a narrow sheet the titles come before the sections.
    let sections = sections.min(sheet.width.saturating_sub(ids + 15 + 24).max(9));
    let mut area = "";
    for rule in listed {
        if rule.area() != area {
            let gap = if area.is_empty() { "" } else { "\n" };
            area = rule.area();
            let about = about_area(area);
            let count = listed.iter().filter(|rule| rule.area() == area).count();
            let title =
                format!("{area}  {about}{}({count})", if about.is_empty() { "" } else { " " });
            writeln!(out, "{gap}{}", palette.paint(Paint::Title, title))?;
        }
        let section = sheet.clip(&sheet.words(rule.rfc), sections);
        let pad = sections - escape::width(&section).min(sections);
        let severity = format!("{:<7}", rule.severity.name());
        let used = 2 + ids + 2 + 7 + 2 + sections + 2;
        let title = sheet.words(rule.title);
        let title = sheet.clip(&title, sheet.width.saturating_sub(used).max(24));
        writeln!(
            out,
            "  {:<ids$}  {}  {section}{:pad$}  {title}",
            rule.id,
            palette.paint(Paint::Severity(rule.severity), severity),
            "",
        )?;
    }
    let count = listed.len();
    let noun = if count == 1 { "rule" } else { "rules" };
    let advice = if count == 0 { "" } else { "; ws101 explain RULE says more about one" };
    writeln!(out, "\n{}", palette.paint(Paint::Faint, format!("{count} {noun}{advice}")))
}

/// What an area is about, in the words of the catalogue.
pub(super) fn about_area(area: &str) -> &'static str {
    match area {
        "HS-REQ" => "the handshake's request",
        "HS-RES" => "the handshake's response",
        "NEG" => "subprotocols and extensions",
        "FRM" => "framing",
        "MSK" => "masking",
        "FRG" => "fragmentation",
        "CTL" => "control frames",
        "CLS" => "the closing handshake",
        "UTF" => "text and UTF-8",
        "PMD" => "compression with permessage-deflate",
        "CAP" => "what the capture holds",
        "H2" => "WebSocket over HTTP/2 and HTTP/3",
        "SEC" => "security and deployment",
        "LIV" => "liveness",
        "HIST" => "historical drafts",
        _ => "",
    }
}

/// A rule, as JSON.
#[derive(Serialize)]
struct Record {
    r#type: &'static str,
    id: &'static str,
    severity: &'static str,
    level: &'static str,
    rfc: &'static str,
    title: &'static str,
    violator: &'static str,
}

impl Record {
    fn of(rule: &Rule) -> Record {
        let violator = match rule.violator {
            Violator::Client => "client",
            Violator::Server => "server",
            Violator::Sender => "sender",
            Violator::Intermediary => "intermediary",
            Violator::Observer => "observer",
        };
        Record {
            r#type: "rule",
            id: rule.id,
            severity: rule.severity.name(),
            level: rule.level.strength(),
            rfc: rule.rfc,
            title: rule.title,
            violator,
        }
    }
}
