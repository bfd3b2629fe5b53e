//! `ws101 accept`: derives Sec-WebSocket-Accept from a key, step by step.

use super::{Common, Failure, Format, Output, Status};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Write as _;
use ws101::render::{Paint, derivation::derivation, escape, wrap};
use ws101::rules::{self, Severity};
use ws101::websocket::accept;

/// Derives Sec-WebSocket-Accept from a Sec-WebSocket-Key, step by step.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ws101 accept dGhlIHNhbXBsZSBub25jZQ==
  ws101 accept dGhlIHNhbXBsZSBub25jZQ== --check s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
  ws101 accept -q dGhlIHNhbXBsZSBub25jZQ==     the Accept and nothing else")]
pub struct Args {
    /// The value of Sec-WebSocket-Key, as it was sent.
    #[arg(value_name = "KEY", allow_hyphen_values = true)]
    key: String,
    /// The Accept that was found: says whether it answers the key, and if not, what went wrong.
    #[arg(long, value_name = "ACCEPT", allow_hyphen_values = true)]
    check: Option<String>,
}

/// The steps, as JSON.
#[derive(serde::Serialize)]
struct Record<'a> {
    r#type: &'static str,
    key: &'a str,
    concatenated: &'a str,
    sha1: &'a str,
    accept: &'a str,
    check: Option<&'a str>,
    matches: Option<bool>,
    cause: Option<&'a str>,
}

/// What gives a wrong Accept, and how to mend it.
struct Mistake {
    what: String,
    mend: String,
}

/// The classic mistake that leads to a wrong Accept, if it is one.
fn diagnose(key: &[u8], found: &[u8]) -> Option<Mistake> {
    let mistake = accept::diagnose(key, found)?;
    let mend = rules::find("HS-RES-ACCEPT-VALUE").map_or("", |rule| rule.mend);
    Some(Mistake { what: format!("this is what comes out when {mistake}"), mend: mend.to_owned() })
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    let key = args.key.trim();
    let check = args.check.as_deref().map(str::trim);
    let steps = accept::derive(key.as_bytes());
    let matches = check.map(|found| found == steps.accept);
    let mistake = match check {
        Some(found) if matches == Some(false) => diagnose(key.as_bytes(), found.as_bytes()),
        _ => None,
    };
    match common.format {
        Format::Text if common.quiet => writeln!(output, "{}", steps.accept)?,
        Format::Text => text(output, key, check, matches, mistake.as_ref())?,
        _ => {
            let record = Record {
                r#type: "accept",
                key,
                concatenated: &String::from_utf8_lossy(&steps.concatenated),
                sha1: &escape::hex(&steps.digest).replace(' ', ""),
                accept: &steps.accept,
                check,
                matches,
                cause: mistake.as_ref().map(|mistake| mistake.what.as_str()),
            };
            output.write_records(common.format, &[record])?;
        }
    }
    let worst = (matches == Some(false)).then_some(Severity::Error);
    Ok(common.judging.status(worst))
}

fn text(
    output: &mut Output,
    key: &str,
    check: Option<&str>,
    matches: Option<bool>,
    mistake: Option<&Mistake>,
) -> Result<(), Failure> {
    let sheet = output.sheet;
    derivation(output, &sheet, key.as_bytes(), check.map(str::as_bytes))?;
    if matches.is_some() || oddity(key).is_some() {
        writeln!(output)?;
    }
    let mut say = |mark: &str, paint: Paint, words: &str| -> std::io::Result<()> {
        let hang = escape::width(mark) + 1;
        let lines = wrap(&sheet.words(words), sheet.width.saturating_sub(hang));
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == 0 { mark } else { "" };
            let pad = hang - escape::width(mark);
            writeln!(output, "{}{:pad$}{line}", sheet.palette.paint(paint, mark), "")?;
        }
        Ok(())
    };
    let good = (sheet.good(), Paint::Good);
    let bad = (sheet.bad(), Paint::Severity(Severity::Error));
    match matches {
        Some(true) => say(good.0, good.1, "this Accept answers the key")?,
        Some(false) => say(bad.0, bad.1, "this Accept does not answer the key")?,
        None => {}
    }
    if let Some(mistake) = mistake {
        say("  cause:", Paint::Name, &mistake.what)?;
        say("  mend: ", Paint::Name, &mistake.mend)?;
    }
    if let Some(oddity) = oddity(key) {
        say("!", Paint::Severity(Severity::Warning), &oddity)?;
    }
    Ok(())
}

/// What is odd about a key: it is hashed as text, so it has an Accept all the same.
fn oddity(key: &str) -> Option<String> {
    let what = match STANDARD.decode(key) {
        Ok(_) if accept::is_well_known(key.as_bytes()) => return None,
        Ok(bytes) if bytes.len() == 16 => {
            let what = rules::key_pattern(&bytes)?;
            return Some(format!(
                "this key is well-formed, but not random: it decodes to {what}. RFC 6455 §4.1 asks \
                 for 16 bytes drawn at random, anew for each connection"
            ));
        }
        Ok(bytes) if bytes.len() == 1 => "this key holds 1 byte".to_owned(),
        Ok(bytes) => format!("this key holds {} bytes", bytes.len()),
        Err(_) => "this key is not Base64 as RFC 4648 §4 has it".to_owned(),
    };
    Some(format!(
        "{what}; RFC 6455 §4.1 asks for 16 random bytes in Base64: 24 characters, the last two \
         `==`. The Accept is derived from the text all the same"
    ))
}
