//! Findings where they were found, and the rules behind them explained once.

use super::{Shown, prose};
use crate::recording::{Item, Recording};
use crate::render::finding::demand;
use crate::rules::{self, Finding, Severity};
use maud::{Markup, html};

/// What was found in an event.
pub(super) fn of(item: &Item) -> Markup {
    html! {
        @if let Some(cause) = &item.cause {
            div.cause {
                p { strong { "What is behind it: " } (Shown(cause.what.as_bytes())) }
                p { strong { "What to do: " } (cause.mend) }
            }
        }
        @for finding in worst_first(&item.findings) { (one(finding)) }
        @if item.more_findings > 0 { p.faint { "… and " (item.more_findings) " more findings here" } }
    }
}

fn worst_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    sorted
}

fn one(finding: &Finding) -> Markup {
    let broken = &finding.broken;
    let seen = if broken.seen.is_empty() { finding.rule.title } else { &*broken.seen };
    html! {
        details class={ "finding " (finding.severity.name()) } data-rule=(finding.rule.id) {
            summary {
                span.severity { (finding.severity.name()) } " "
                span.seen { (Shown(seen.as_bytes())) }
            }
            dl.why {
                @if !broken.expected.is_empty() { dt { "expected" } dd { (Shown(broken.expected.as_bytes())) } }
                @if let Some(cause) = &broken.cause { dt { "cause" } dd { (Shown(cause.as_bytes())) } }
                @if !finding.mend().is_empty() { dt { "mend" } dd { (Shown(finding.mend().as_bytes())) } }
                dt { "rule" } dd { (demand(finding.rule)) " · " a href={ "#rule-" (finding.rule.id) } { (finding.rule.id) } }
            }
        }
    }
}

/// Every rule that is broken, with its page.
pub(super) fn explained(recording: &Recording) -> Markup {
    let mut broken: Vec<_> = recording.broken.values().collect();
    broken.sort_by_key(|facts| std::cmp::Reverse((facts.severity, facts.times)));
    html! {
        @if !broken.is_empty() {
            section #findings aria-labelledby="findings-title" {
                h2 #findings-title { "Findings, explained" }
                @for facts in broken {
                    details.text id={ "rule-" (facts.rule.id) } {
                        summary {
                            span class={ "badge " (facts.severity.name()) } { (facts.severity.name()) }
                            h3 { (facts.rule.title) }
                            span.sections {
                                code { (facts.rule.id) }
                                @if facts.times > 1 { " ×" span data-times=(facts.rule.id) { (facts.times) } }
                            }
                        }
                        @if let Some((connection, event)) = facts.first {
                            p { a href={ "#c" (connection) "-e" (event) } { "Where it was found first" } }
                        }
                        div.prose { (prose::of(rules::page(facts.rule))) }
                    }
                }
            }
        }
    }
}

/// `2 errors, 1 note`, or that there is nothing.
pub(super) fn counts(findings: &[u64; 3]) -> Markup {
    let named = [Severity::Error, Severity::Warning, Severity::Note].map(Severity::name);
    html! {
        @for (count, name) in findings.iter().zip(named).filter(|(count, _)| **count > 0) {
            span class={ "badge " (name) } { (count) " " (name) @if *count > 1 { "s" } } " "
        }
        @if *findings == [0; 3] { span.good { "✓ nothing found" } }
    }
}
