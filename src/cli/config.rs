//! `ws101.toml`: how a project wants to be judged, found upwards from the working directory.

use super::judging::{FailOn, Judging};
use super::threshold::Setting;
use super::{Common, Failure, name};
use clap::ValueEnum as _;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use ws101::input::reason;
use ws101::render::escape;
use ws101::render::finding::Place;
use ws101::rules::{Pattern, nearest};

/// What the file is called.
const NAME: &str = "ws101.toml";

/// A longer file is no configuration.
const MAX_LENGTH: u64 = 64 * 1024;

/// A folder that holds one of these is the root of a repository: nothing above it is looked at.
const ROOTS: [&str; 3] = [".git", ".hg", ".jj"];

/// The keys there are.
const KEYS: [&str; 5] = ["fail-on", "select", "ignore", "redact", "thresholds"];

/// The options with what the file says wherever the command line says nothing.
pub fn with_file(common: &Common) -> Result<Common, Failure> {
    let path = match (&common.judging.config, common.judging.no_config) {
        (_, true) => return Ok(common.clone()),
        (Some(path), _) => Some(path.clone()),
        (None, _) => find(),
    };
    let Some(path) = path else { return Ok(common.clone()) };
    let text = read(&path)?;
    let name = name::shown(&path);
    let file = parse(&text).map_err(|wrong| wrong.told(&name, &text))?;
    let mut common = common.clone();
    fill(&mut common.judging, file, name);
    Ok(common)
}

/// The command line wins, key by key; thresholds one by one.
fn fill(judging: &mut Judging, file: Judging, name: String) {
    judging.fail_on = judging.fail_on.or(file.fail_on);
    if judging.select.is_empty() {
        judging.select = file.select;
    }
    if judging.ignore.is_empty() {
        judging.ignore = file.ignore;
    }
    judging.redact |= file.redact;
    judging.threshold.splice(0..0, file.threshold);
    judging.file = Some(name);
}

/// The nearest file, as seen from the working directory.
fn find() -> Option<PathBuf> {
    let folder = std::env::current_dir().ok()?;
    let mut shown = PathBuf::new();
    for folder in folder.ancestors() {
        if folder.join(NAME).is_file() {
            return Some(shown.join(NAME));
        }
        if ROOTS.iter().any(|root| folder.join(root).exists()) {
            return None;
        }
        shown.push("..");
    }
    None
}

fn read(path: &Path) -> Result<String, Failure> {
    let shown = name::shown(path);
    let failure = |what: String| {
        let advice = "try: another file with --config, or none with --no-config";
        Failure::Input(format!("error: {shown} {what}\n  {advice}"))
    };
    // A pipe or a device could keep us waiting for ever.
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(failure("is no file, so it can't be a configuration".to_owned())),
        Err(error) => return Err(failure(format!("can't be read: {}", reason(&error)))),
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_LENGTH + 1).read_to_end(&mut bytes))
        .map_err(|error| failure(format!("can't be read: {}", reason(&error))))?;
    if bytes.len() as u64 > MAX_LENGTH {
        return Err(failure(format!("has more than {MAX_LENGTH} bytes: no configuration does")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        failure(format!("is not UTF-8, as TOML has to be: see its byte {at}"))
    })
}

/// What is wrong in the file, and where.
struct Wrong {
    what: String,
    expected: String,
    at: Range<usize>,
}

impl Wrong {
    fn new(at: Range<usize>, what: impl Into<String>, expected: impl Into<String>) -> Wrong {
        Wrong { what: what.into(), expected: expected.into(), at }
    }

    fn told(self, name: &str, text: &str) -> Failure {
        const COLUMNS: usize = 100;
        let (place, column) = Place::in_text(text.as_bytes(), &self.at);
        let (number, line) = (place.number, escape::clipped(place.line, COLUMNS));
        let lead = escape::width(&escape::text(&place.line[..place.range.start]));
        let length = escape::width(&escape::text(&place.line[place.range])).max(1);
        let mut message = format!("error: {}\n", escape::text(self.what.as_bytes()));
        message.push_str(&format!("  --> {name}:{number}:{column}\n"));
        message.push_str(&format!("{number} | {line}\n"));
        if lead + length <= COLUMNS {
            let (gutter, carets) = (number.to_string().len(), "^".repeat(length));
            message.push_str(&format!("{:gutter$} | {:lead$}{carets}\n", "", ""));
        }
        message.push_str(&format!("  expected: {}", self.expected));
        Failure::Input(message)
    }
}

/// Reads the text of a file.
fn parse(text: &str) -> Result<Judging, Wrong> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or_default();
        Wrong::new(at, format!("this is not TOML: {}", error.message()), "lines of KEY = VALUE")
    })?;
    let mut judging = Judging::default();
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "fail-on" => judging.fail_on = Some(fail_on(value)?),
            "select" => judging.select = patterns(value)?,
            "ignore" => judging.ignore = patterns(value)?,
            "redact" => judging.redact = yes_or_no(value)?,
            "thresholds" => judging.threshold = thresholds(value)?,
            other => return Err(unknown(key.span(), other)),
        }
    }
    Ok(judging)
}

fn unknown(at: Range<usize>, key: &str) -> Wrong {
    let near = nearest(key, KEYS);
    let advice = match near.first() {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    Wrong::new(at, format!("there is no key {key}{advice}"), KEYS.join(", "))
}

fn fail_on(value: &Spanned<DeValue<'_>>) -> Result<FailOn, Wrong> {
    let named = value.get_ref().as_str().and_then(|name| FailOn::from_str(name, false).ok());
    named.ok_or_else(|| {
        let expected = r#""error", "warning", "note" or "never""#;
        Wrong::new(value.span(), "this is not from when on a run fails", expected)
    })
}

fn yes_or_no(value: &Spanned<DeValue<'_>>) -> Result<bool, Wrong> {
    let answer = value.get_ref().as_bool();
    answer.ok_or_else(|| Wrong::new(value.span(), "this is neither yes nor no", "true or false"))
}

/// One pattern, or a list of them.
fn patterns(value: &Spanned<DeValue<'_>>) -> Result<Vec<Pattern>, Wrong> {
    match value.get_ref() {
        DeValue::Array(list) => list.iter().map(pattern).collect(),
        _ => Ok(vec![pattern(value)?]),
    }
}

fn pattern(value: &Spanned<DeValue<'_>>) -> Result<Pattern, Wrong> {
    let expected = r#"names in quotes, such as ["SEC", "note", "HS-RES-*"]"#;
    let Some(name) = value.get_ref().as_str() else {
        return Err(Wrong::new(value.span(), "this is no name of rules", expected));
    };
    name.parse().map_err(|error: String| {
        Wrong::new(value.span(), error.lines().next().unwrap_or_default(), expected)
    })
}

fn thresholds(value: &Spanned<DeValue<'_>>) -> Result<Vec<Setting>, Wrong> {
    let expected = "names and values, such as silence = 120 or large-frame = \"4Mi\"";
    let Some(table) = value.get_ref().as_table() else {
        return Err(Wrong::new(value.span(), "this is no table of thresholds", expected));
    };
    let mut settings = Vec::new();
    for (name, value) in table {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            _ => return Err(Wrong::new(value.span(), "this is no number", expected)),
        };
        let setting = Setting::of(name.get_ref(), &text);
        settings.push(setting.map_err(|error| {
            let at = name.span().start..value.span().end;
            Wrong::new(at, error.lines().next().unwrap_or_default(), expected)
        })?);
    }
    Ok(settings)
}
