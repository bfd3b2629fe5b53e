//! The catalogue of demands: each is a rule with the catalogue's severity, or stands in the list of
//! those that other rules see to, or that can't be seen here, with the reason on its page.

mod shared;

use shared::{assert_none, say, text};
use std::collections::BTreeMap;
use ws101::rules::{self, COVERED};

/// What ws101 checks beyond the catalogue.
const BEYOND: [&str; 2] = ["HS-REQ-AFTER-101", "CAP-UNREAD"];

#[test]
fn each_demand_of_the_catalogue_is_checked_or_explained() {
    let claim = "each_demand_of_the_catalogue_is_checked_or_explained";
    let Some(file) = shared::shared(claim, "rules.jsonl") else { return };
    let demands = shared::json_lines(&file);
    // Counted when this test was written: a change of the catalogue must be seen.
    assert_eq!(demands.len(), 241);
    let mut complaints = Vec::new();
    let mut areas: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for demand in &demands {
        let id = text(demand, "id");
        let figure = areas.entry(text(demand, "area")).or_default();
        let covered = COVERED.iter().find(|covered| covered.id == id);
        match (rules::find(id), covered) {
            (Some(rule), None) if rule.severity.name() == text(demand, "severity") => {
                figure[0] += 1
            }
            (Some(rule), None) => {
                complaints.push(format!("{id} is {} here: {}", rule.severity, demand["severity"]));
            }
            (None, Some(covered)) if covered.page().contains("No rule ") => figure[1] += 1,
            (None, Some(_)) => complaints.push(format!("{id}: its page does not say why not")),
            (Some(_), Some(_)) => complaints.push(format!("{id} is a rule, and listed as none")),
            (None, None) => complaints.push(format!("{id} is missing")),
        }
    }
    for (area, [checked, explained]) in &areas {
        say(&format!("catalogue: {area:<6} {checked:>3} checked, {explained} explained"));
    }
    let known = |id: &str| demands.iter().any(|demand| text(demand, "id") == id);
    for rule in rules::all().filter(|rule| !known(rule.id) && !BEYOND.contains(&rule.id)) {
        complaints.push(format!("{} is not in the catalogue", rule.id));
    }
    assert_none(&complaints);
}
