//! What counts and what makes a run fail: `--fail-on`, `--select`, `--ignore`, from the command
//! line or from the project's `ws101.toml`.

use super::Status;
use super::threshold::Setting;
use clap::{Args, ValueEnum};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use ws101::inspection::Observer;
use ws101::redact::Redact;
use ws101::render::finding::not_told;
use ws101::render::{Paint, Sheet, wrap};
use ws101::rules::{Pattern, Policy, Severity, Thresholds};
use ws101::{Counts, Inspector};

/// Options of the commands that judge.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Judging")]
pub struct Judging {
    /// From which severity on a finding makes the exit status 1 [default: error].
    #[arg(long, value_enum, global = true, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Judge only by these: rules, areas, severities, patterns (SEC, error, 'HS-*'); several with
    /// commas or again.
    #[arg(long, global = true, value_name = "WHAT", value_delimiter = ',')]
    pub select: Vec<Pattern>,
    /// Do not judge by these, whether selected or not.
    #[arg(long, global = true, value_name = "WHAT", value_delimiter = ',')]
    pub ignore: Vec<Pattern>,
    /// From when on something is found: `ws101 rules --thresholds` lists them.
    #[arg(long, value_parser = Setting::parse, global = true, value_name = "NAME=VALUE")]
    pub threshold: Vec<Setting>,
    /// Replace secrets by placeholders in whatever is written, so that it can be shared: payloads,
    /// close reasons, bodies, cookies, credentials, tokens, and what is not known to be harmless.
    #[arg(long, global = true)]
    pub redact: bool,
    /// Take these options from this file where the command line does not give them. Otherwise from
    /// the nearest ws101.toml, in the working directory or above it, up to the repository's root.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read no ws101.toml.
    #[arg(long, global = true, conflicts_with = "config")]
    pub no_config: bool,
    /// The file that was read.
    #[arg(skip)]
    pub file: Option<String>,
}

/// From which severity on a finding makes the exit status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors.
    Error,
    /// Warnings and errors.
    Warning,
    /// Any finding.
    Note,
    /// None.
    Never,
}

impl FailOn {
    /// The lowest severity that fails; none if nothing does.
    pub fn threshold(self) -> Option<Severity> {
        match self {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Note => Some(Severity::Note),
            FailOn::Never => None,
        }
    }
}

impl Judging {
    /// Which findings count.
    pub fn policy(&self) -> Policy {
        Policy { select: self.select.clone(), ignore: self.ignore.clone() }
    }

    /// The numbers that rules go by.
    pub fn thresholds(&self) -> Arc<Thresholds> {
        let mut thresholds = Thresholds::default();
        self.threshold.iter().for_each(|setting| setting.apply(&mut thresholds));
        Arc::new(thresholds)
    }

    /// An inspector that judges so.
    pub fn applied<O: Observer>(&self, inspector: Inspector<O>) -> Inspector<O> {
        inspector.with_thresholds(&self.thresholds()).judging(self.policy())
    }

    /// An observer that hears only what may be written.
    pub fn redacting<O: Observer>(&self, observer: O) -> Redact<O> {
        match self.redact {
            true => Redact::on(observer, self.thresholds()),
            false => Redact::off(observer),
        }
    }

    /// The lowest severity that makes the exit status 1.
    pub fn threshold(&self) -> Option<Severity> {
        self.fail_on.unwrap_or(FailOn::Error).threshold()
    }

    /// The exit status for findings of which this is the worst.
    pub fn status(&self, worst: Option<Severity>) -> Status {
        let fails = self.threshold().is_some_and(|threshold| worst >= Some(threshold));
        if fails { Status::Found } else { Status::Good }
    }
}

/// Quiet lines about what is not among the findings.
pub fn left_out(
    sheet: &Sheet,
    judging: &Judging,
    counts: &Counts,
    out: &mut impl Write,
) -> io::Result<()> {
    if counts.repeats > 0 {
        for row in wrap(&not_told(counts.repeats), sheet.width) {
            writeln!(out, "{}", sheet.palette.paint(Paint::Faint, row))?;
        }
    }
    let count = counts.ignored;
    if count == 0 {
        return Ok(());
    }
    let noun = if count == 1 { "finding" } else { "findings" };
    let by = judging.file.as_ref().map_or(String::new(), |file| format!(", {file}"));
    let text = format!("ignored: {count} {noun} (--select, --ignore{by})");
    writeln!(out, "{}", sheet.palette.paint(Paint::Faint, text))
}
