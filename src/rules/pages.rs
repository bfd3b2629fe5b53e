//! The pages of the rules: a section of `docs/rules/AREA.md` for each, found by its heading.

use super::Rule;

/// All pages, in the order of the index.
static PAGES: [&str; 15] = [
    include_str!("../../docs/rules/HS-REQ.md"),
    include_str!("../../docs/rules/HS-RES.md"),
    include_str!("../../docs/rules/NEG.md"),
    include_str!("../../docs/rules/FRM.md"),
    include_str!("../../docs/rules/MSK.md"),
    include_str!("../../docs/rules/FRG.md"),
    include_str!("../../docs/rules/CTL.md"),
    include_str!("../../docs/rules/CLS.md"),
    include_str!("../../docs/rules/UTF.md"),
    include_str!("../../docs/rules/PMD.md"),
    include_str!("../../docs/rules/H2.md"),
    include_str!("../../docs/rules/SEC.md"),
    include_str!("../../docs/rules/LIV.md"),
    include_str!("../../docs/rules/HIST.md"),
    include_str!("../../docs/rules/CAP.md"),
];

/// Something of the catalogue that no rule of its own finds.
#[derive(Debug, PartialEq, Eq)]
pub struct Covered {
    /// Its id: the heading of its section.
    pub id: &'static str,
    /// What is demanded.
    pub title: &'static str,
    /// Where: `8441 §5; 6455 §5.1`.
    pub rfc: &'static str,
}

impl Covered {
    /// Its page; empty if there is none, which a test rules out.
    pub fn page(&self) -> &'static str {
        sections().find(|(id, _)| *id == self.id).map_or("", |(_, text)| text)
    }
}

/// Demands with a page of their own that other rules see to, or that this program can't see.
pub static COVERED: [Covered; 3] = [
    Covered {
        id: "H2-NEGOTIATION",
        title: "What is negotiated over HTTP/2 is held to the same rules",
        rfc: "8441 §5; 6455 §4",
    },
    Covered {
        id: "H2-MASKING",
        title: "Client frames are masked inside the stream, too",
        rfc: "8441 §5; 6455 §5.1",
    },
    Covered {
        id: "H2-H3-SETTINGS-PLACE",
        title: "The settings of HTTP/3 are sent once, on the control stream",
        rfc: "9220 §3, §5; 9114 §7.2.4",
    },
];

/// The page of a rule: its title, what it asks and why, an example that breaks it and the same
/// mended, usual causes and what to do, in Markdown without the heading. Empty if there is none,
/// which a test rules out.
pub fn page(rule: &Rule) -> &'static str {
    sections().find(|(id, _)| *id == rule.id).map_or("", |(_, text)| text)
}

/// All sections: the id that is their heading, and their text.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().flat_map(|page| page.split("\n## ").skip(1)).map(|section| {
        let (id, text) = section.split_once('\n').unwrap_or((section, ""));
        (id.trim(), text.trim())
    })
}
