//! Which findings count: what is selected, without what is ignored. All rules are run in any case,
//! so that a finding that explains others goes on hiding them when it is itself ignored.

use super::nearest::nearest;
use super::{Finding, Judged, Rule, Severity, all};
use std::fmt;
use std::str::FromStr;

/// Some findings: those of a severity, of a rule, of an area, or of all rules whose ids are like
/// this (`*` stands for any letters, ASCII case does not matter).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Of this severity.
    Severity(Severity),
    /// Of this rule, or of this area: the id or its first words, or a pattern with `*`.
    Rule(String),
}

impl Pattern {
    /// True for a finding of this rule with this severity.
    pub fn covers(&self, rule: &Rule, severity: Severity) -> bool {
        match self {
            Pattern::Severity(wanted) => *wanted == severity,
            Pattern::Rule(name) => is_named(rule.id, name),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Severity(severity) => severity.fmt(f),
            Pattern::Rule(name) => f.write_str(name),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        let text = text.trim();
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        if let Some(found) = severities.iter().find(|it| it.name().eq_ignore_ascii_case(text)) {
            return Ok(Pattern::Severity(*found));
        }
        if !text.is_empty() && all().any(|rule| is_named(rule.id, text)) {
            return Ok(Pattern::Rule(text.to_owned()));
        }
        let near = nearest(text, all().flat_map(|rule| [rule.area(), rule.id]));
        let advice = match near.as_slice() {
            [] => String::new(),
            near => format!("; did you mean {}?", near.join(", ")),
        };
        Err(format!(
            "no rule is called so{advice}\n  expected: error, warning, note, an area such as CLS, a \
             rule such as CLS-CODE-ECHO, or a pattern such as 'CLS-*'\n  ws101 rules lists them"
        ))
    }
}

/// True if the id is `name`, begins with its words, or is like it where it has a `*`.
fn is_named(id: &str, name: &str) -> bool {
    if name.contains('*') {
        return is_like(id.as_bytes(), name.as_bytes());
    }
    let rest = id.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name));
    rest.is_some() && matches!(id.as_bytes().get(name.len()), None | Some(b'-'))
}

/// Each `*` of the pattern takes as little as it can; if that was too little, the last one takes
/// more. At most as many steps as both lengths multiplied.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star = None;
    while at < text.len() {
        if pattern.get(next) == Some(&b'*') {
            star = Some((next, at));
            next += 1;
        } else if pattern.get(next).is_some_and(|letter| letter.eq_ignore_ascii_case(&text[at])) {
            (at, next) = (at + 1, next + 1);
        } else if let Some((place, taken)) = &mut star {
            *taken += 1;
            (at, next) = (*taken, *place + 1);
        } else {
            return false;
        }
    }
    pattern[next..].iter().all(|letter| *letter == b'*')
}

/// Which findings count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Only these; empty: all.
    pub select: Vec<Pattern>,
    /// But not these, whether selected or not.
    pub ignore: Vec<Pattern>,
}

impl Policy {
    /// True if every finding counts.
    #[inline]
    pub fn is_everything(&self) -> bool {
        self.select.is_empty() && self.ignore.is_empty()
    }

    /// True if a finding of this rule with this severity counts.
    pub fn counts(&self, rule: &Rule, severity: Severity) -> bool {
        let covers = |patterns: &[Pattern]| patterns.iter().any(|it| it.covers(rule, severity));
        (self.select.is_empty() || covers(&self.select)) && !covers(&self.ignore)
    }

    /// Takes out what does not count, and says how many findings that were.
    #[inline]
    pub fn apply(&self, judged: &mut Judged) {
        if !self.is_everything() {
            self.narrow(judged);
        }
    }

    fn narrow(&self, judged: &mut Judged) {
        let before = judged.findings.len();
        judged.findings.retain(|it: &Finding| self.counts(it.rule, it.severity));
        judged.repeats.retain(|(rule, severity)| self.counts(rule, *severity));
        judged.held.retain(|rule| self.counts(rule, rule.severity));
        judged.not_observed.retain(|(rule, _)| self.counts(rule, rule.severity));
        judged.ignored = (before - judged.findings.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().expect("a pattern")
    }

    fn covered(text: &str) -> Vec<&'static str> {
        let pattern = pattern(text);
        all().filter(|rule| pattern.covers(rule, rule.severity)).map(|rule| rule.id).collect()
    }

    #[test]
    fn a_name_covers_a_rule_an_area_or_what_is_like_it() {
        assert_eq!(covered("cls-code-echo"), ["CLS-CODE-ECHO"]);
        assert!(covered("CLS").iter().all(|id| id.starts_with("CLS-")));
        assert!(covered("HS").len() > covered("HS-REQ").len());
        assert_eq!(covered("HS-*"), covered("hs"));
        assert!(covered("MSK-CLIENT*").contains(&"MSK-CLIENT-UNMASKED"));
        assert!(covered("*-CLIENT-*").contains(&"MSK-CLIENT-UNMASKED"));
        assert_eq!(covered("*").len(), all().count());
        assert!(covered("note").iter().all(|id| !covered("error").contains(id)));
    }

    #[test]
    fn a_part_of_a_word_is_no_name() {
        assert!("CL".parse::<Pattern>().is_err());
        assert!("".parse::<Pattern>().is_err());
        assert!("XYZ-*".parse::<Pattern>().is_err());
    }

    #[test]
    fn a_misspelt_rule_is_answered_with_the_nearest_ones() {
        let error = "HS-RES-ACCEPT-VALEU".parse::<Pattern>().unwrap_err();
        assert!(error.contains("did you mean HS-RES-ACCEPT-VALUE"), "{error}");
    }

    #[test]
    fn ignoring_wins_over_selecting() {
        let policy = Policy { select: vec![pattern("SEC")], ignore: vec![pattern("note")] };
        for rule in all() {
            let counts = rule.id.starts_with("SEC-");
            assert_eq!(policy.counts(rule, Severity::Error), counts, "{}", rule.id);
            assert!(!policy.counts(rule, Severity::Note), "{}", rule.id);
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        let pattern = "*a".repeat(2_000);
        assert!(!is_like("a".repeat(1_000).as_bytes(), pattern.as_bytes()));
    }
}
