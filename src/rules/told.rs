//! How often something was said about an endpoint, so that it is not said without end. Most connections
//! break one rule, or none: the first needs no memory of its own.

use super::{Rule, Severity};
use crate::said::Endpoint;

/// How often a warning or an error is repeated for one endpoint; notes are said once.
pub const MAX_REPEATS: u8 = 16;

/// What was said of a connection.
#[derive(Debug, Default)]
pub(super) struct Told {
    first: Option<Entry>,
    #[allow(clippy::box_collection)]
    others: Option<Box<Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    rule: &'static Rule,
    endpoint: Option<Endpoint>,
    times: u8,
}

impl Entry {
    fn is(&self, rule: &Rule, endpoint: Option<Endpoint>) -> bool {
        std::ptr::eq(self.rule, rule) && self.endpoint == endpoint
    }
}

impl Told {
    /// True if that was said about that endpoint often enough.
    pub(super) fn is_enough(&self, rule: &Rule, endpoint: Option<Endpoint>) -> bool {
        let limit = if rule.severity == Severity::Note { 1 } else { MAX_REPEATS };
        let mut entries = self.first.iter().chain(self.others.iter().flat_map(|it| it.iter()));
        entries.any(|entry| entry.is(rule, endpoint) && entry.times >= limit)
    }

    /// It is said once more.
    pub(super) fn note(&mut self, rule: &'static Rule, endpoint: Option<Endpoint>) {
        let Some(first) = &mut self.first else {
            self.first = Some(Entry { rule, endpoint, times: 1 });
            return;
        };
        let others = self.others.iter_mut().flat_map(|it| it.iter_mut());
        match std::iter::once(first).chain(others).find(|entry| entry.is(rule, endpoint)) {
            Some(entry) => entry.times = entry.times.saturating_add(1),
            None => {
                let entry = Entry { rule, endpoint, times: 1 };
                self.others.get_or_insert_default().push(entry);
            }
        }
    }
}
