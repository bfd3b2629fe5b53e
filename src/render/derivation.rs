//! How the Accept comes about, step by step (RFC 6455 §4.2.2, step 5.4).

use super::{Paint, Sheet, escape, wrap};
use crate::layout::Role;
use crate::websocket::accept;
use std::io::{self, Write};

/// Columns of the names of the steps.
const NAMES: usize = 16;

/// On a sheet narrower than this, names have lines of their own.
const NARROW: usize = 48;

/// The steps from a key to its Accept; with what was found instead, if anything was.
pub fn derivation(
    out: &mut impl Write,
    sheet: &Sheet,
    key: &[u8],
    found: Option<&[u8]>,
) -> io::Result<()> {
    let steps = accept::derive(key);
    let palette = sheet.palette;
    let mut step = |name: &str, text: &str, paint: Paint| -> io::Result<()> {
        if sheet.width < NARROW {
            writeln!(out, "   {name}")?;
        }
        let hang = if sheet.width < NARROW { 5 } else { NAMES + 3 };
        for (index, line) in wrap(text, sheet.width.saturating_sub(hang)).iter().enumerate() {
            let name = if index == 0 && sheet.width >= NARROW { name } else { "" };
            let gap = hang - 3;
            writeln!(out, "   {name:<gap$}{}", palette.paint(paint, line))?;
        }
        Ok(())
    };
    let key_role = Paint::Role(Role::Key);
    step("key", &escape::text(key), key_role)?;
    step("key + GUID", &escape::text(&steps.concatenated), key_role)?;
    step("SHA-1 of it", &escape::hex(&steps.digest), Paint::Role(Role::Code))?;
    let is_same = found.is_none_or(|found| found == steps.accept.as_bytes());
    step("in Base64", &steps.accept, if is_same { Paint::Good } else { Paint::Name })?;
    if let Some(found) = found {
        let (verdict, paint) = if is_same {
            (sheet.good(), Paint::Good)
        } else {
            (sheet.bad(), Paint::Severity(crate::rules::Severity::Error))
        };
        let text = format!("{} {verdict}", escape::clipped(found, 512));
        step("found", &text, paint)?;
    }
    Ok(())
}
