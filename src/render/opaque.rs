//! TLS connections whose records stay closed: what is known of each, and how they could be read.

use super::{Paint, Sheet, escape, wrap};
use crate::said::{Opaque, OpaqueReason, Tls};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// So many are listed in an overview.
const MAX_LISTED: usize = 20;

/// How to get at secrets, for people.
const ADVICE: &str = "to read them: --keylog FILE with the secrets of these connections. Firefox, \
                      Chrome, curl and Python write them if SSLKEYLOGFILE names a file when they \
                      start, Node with --tls-keylog=FILE; for Java, Go and others see ws101 explain \
                      keylog";

/// Collects what an overview shows of them.
#[derive(Default)]
pub struct OpaqueList {
    lines: Vec<String>,
    reasons: BTreeMap<&'static str, u64>,
    count: u64,
    lacks_secrets: bool,
}

impl OpaqueList {
    /// Takes note of one.
    pub fn add(&mut self, sheet: &Sheet, opaque: &Opaque) {
        self.count += 1;
        *self.reasons.entry(opaque.why.says()).or_default() += 1;
        self.lacks_secrets |= lacks_secrets(opaque.why);
        if self.lines.len() < MAX_LISTED {
            self.lines.push(line(sheet, opaque));
        }
    }

    /// Prints the list, what is the matter, and how to mend it.
    pub fn write(&self, out: &mut impl Write, sheet: &Sheet) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let plural = if self.count == 1 { "" } else { "s" };
        let title = format!("{} TLS connection{plural} not read", self.count);
        writeln!(out, "\n{}", sheet.palette.paint(Paint::Title, title))?;
        for line in &self.lines {
            let rows = wrap(line, sheet.width.saturating_sub(3));
            writeln!(out, " {}", rows.join("\n   "))?;
        }
        if self.count > self.lines.len() as u64 {
            let more = self.count - self.lines.len() as u64;
            writeln!(out, " … and {more} more: --format jsonl lists all")?;
        }
        for (reason, count) in &self.reasons {
            let of_all = if *count == self.count { String::new() } else { format!("{count}: ") };
            for row in wrap(&format!("{of_all}{reason}"), sheet.width - 1) {
                writeln!(out, " {row}")?;
            }
        }
        if self.lacks_secrets {
            for row in wrap(ADVICE, sheet.width - 1) {
                writeln!(out, " {}", sheet.palette.paint(Paint::Faint, row))?;
            }
        }
        Ok(())
    }
}

fn lacks_secrets(why: OpaqueReason) -> bool {
    matches!(
        why,
        OpaqueReason::NoKeyLog | OpaqueReason::NotInKeyLog | OpaqueReason::SecretsIncomplete
    )
}

/// One connection in one line: who with whom, and what its hellos say.
pub fn line(sheet: &Sheet, opaque: &Opaque) -> String {
    let address = |address: Option<std::net::SocketAddr>| {
        address.map_or("?".to_owned(), |address| address.to_string())
    };
    let arrow = if sheet.ascii { "->" } else { "→" };
    let mut line = format!("{} {arrow} {}", address(opaque.client), address(opaque.server));
    line.push_str(&facts(&opaque.tls));
    if opaque.tls.protocol.is_none() && !opaque.tls.offered_protocols.is_empty() {
        let offered: Vec<_> =
            opaque.tls.offered_protocols.iter().map(|name| escape::clipped(name, 20)).collect();
        let _ = write!(line, " · offers {}", offered.join(", "));
    }
    if let Some((from, alert)) = opaque.alert {
        let _ = write!(line, " · {from}: alert {alert}");
    }
    if sheet.ascii { line.replace('·', "-") } else { line }
}

/// Version, cipher suite, name and protocol, each after a dot.
pub(super) fn facts(tls: &Tls) -> String {
    let mut facts = String::new();
    match tls.version {
        Some(version) => {
            let _ = write!(facts, " · {version}");
        }
        None => facts.push_str(" · TLS"),
    }
    if let Some((number, name)) = tls.cipher_suite {
        let unknown = if name.starts_with("TLS_") { "" } else { &format!(" {number:#06x}") };
        let _ = write!(facts, " · {name}{unknown}");
    }
    if let Some(name) = &tls.server_name {
        let _ = write!(facts, " · {}", escape::clipped(name, 60));
    }
    if let Some(protocol) = &tls.protocol {
        let _ = write!(facts, " · {}", escape::clipped(protocol, 20));
    }
    facts
}
