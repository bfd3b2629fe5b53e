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
