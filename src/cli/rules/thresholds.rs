//! `ws101 rules --thresholds`: from when on something is found.

use super::super::{Common, Failure, Format, Output, Status};
use serde::Serialize;
use std::io::Write as _;
use ws101::render::{Paint, wrap};
use ws101::rules::thresholds::{ALL, Threshold, Thresholds, Unit};

/// Lists the thresholds with the values that they have now.
pub fn run(common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let thresholds = common.judging.thresholds();
    if common.format == Format::Text {
        list(&thresholds, output)?;
    } else {
        let records: Vec<Record> = ALL.iter().map(|one| Record::of(one, &thresholds)).collect();
        output.write_records(common.format, &records)?;
    }
    Ok(Status::Good)
}

fn list(thresholds: &Thresholds, out: &mut Output) -> std::io::Result<()> {
    let sheet = out.sheet;
    let names = ALL.iter().map(|threshold| threshold.name.len()).max().unwrap_or(0);
    let values = 8;
    let width = sheet.width.saturating_sub(names + values + 6).max(24);
    for threshold in &ALL {
        let value = shown(threshold, thresholds);
        let about = format!("{} ({})", threshold.about, threshold.rules.join(", "));
        let mut left = format!("  {:<names$}  {value:>values$}", threshold.name);
        for line in wrap(&sheet.words(&about), width) {
            writeln!(out, "{left}  {line}")?;
            left = " ".repeat(2 + names + 2 + values);
        }
    }
    let count = format!("\n{} thresholds; --threshold NAME=VALUE sets one", ALL.len());
    writeln!(out, "{}", sheet.palette.paint(Paint::Faint, count))
}

/// The value with its unit, as `--threshold` takes it.
fn shown(threshold: &Threshold, thresholds: &Thresholds) -> String {
    let value = threshold.value(thresholds);
    let multiple = |unit: f64| value >= unit && value % unit == 0.0;
    match threshold.unit() {
        Unit::Seconds => format!("{value}s"),
        Unit::Bytes if multiple(1_048_576.0) => format!("{}Mi", value / 1_048_576.0),
        Unit::Bytes if multiple(1024.0) => format!("{}Ki", value / 1024.0),
        Unit::Bytes | Unit::One => format!("{value}"),
    }
}

/// A threshold, as JSON.
#[derive(Serialize)]
struct Record {
    r#type: &'static str,
    name: &'static str,
    value: f64,
    unit: Option<&'static str>,
    about: &'static str,
    rules: &'static [&'static str],
}

impl Record {
    fn of(threshold: &Threshold, thresholds: &Thresholds) -> Record {
        Record {
            r#type: "threshold",
            name: threshold.name,
            value: threshold.value(thresholds),
            unit: match threshold.unit() {
                Unit::Seconds => Some("seconds"),
                Unit::Bytes => Some("bytes"),
                Unit::One => None,
            },
            about: threshold.about,
            rules: threshold.rules,
        }
    }
}
