//! The long text of each rule: its section of `docs/rules/AREA.md`, which is part of the program.
//! What the sections promise is held by `tests/rule_pages.rs`.

use super::Rule;

/// The files, in the order of the index.
static FILES: [&str; 11] = [
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
    include_str!("../../docs/rules/CAP.md"),
];

/// The text of a rule, in Markdown, from its heading on.
pub fn page(rule: &Rule) -> Option<&'static str> {
    section(rule.id)
}

/// The section under that id, from its heading on; ASCII case does not matter.
pub fn section(id: &str) -> Option<&'static str> {
    sections().find(|(found, _)| found.eq_ignore_ascii_case(id)).map(|(_, text)| text)
}

/// All sections in order: what stands in the heading, and the text from the heading on.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().flat_map(|file| {
        let starts = file.match_indices("\n## ").map(|(at, _)| at + 1);
        starts.map(|start| {
            let rest = &file[start..];
            let text = rest.find("\n## ").map_or(rest, |end| &rest[..=end]);
            let heading = text.lines().next().unwrap_or_default();
            (heading.trim_start_matches('#').trim(), text)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_runs_from_its_heading_to_the_next() {
        let text = section("hs-res-accept-value").expect("that rule has a text");
        assert!(text.starts_with("## HS-RES-ACCEPT-VALUE\n"));
        assert_eq!(text.matches("\n## ").count(), 0);
        assert!(text.contains("**How to fix it**"));
        assert_eq!(section("HS-RES-ACCEPT"), None);
    }
}
