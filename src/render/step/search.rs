//! Going to the next event that contains a text, or in which something is found.

use super::Step;
use crate::recording::{Item, Recording, What};
use crate::render::caption;

impl Step {
    /// Goes to the next event (or the one before) for which this holds, around the end if need be.
    /// Says whether there is one.
    pub(super) fn seek(
        &mut self,
        recording: &Recording,
        forward: bool,
        holds: impl Fn(&Item) -> bool,
    ) -> bool {
        let conversations = &recording.conversations;
        let count = conversations.len();
        // The current one twice: behind the cursor first, before it last.
        for turn in 0..=count {
            let step = if forward { turn } else { count * 2 - turn };
            let at = (self.conversation + step) % count.max(1);
            let Some(conversation) = conversations.get(at) else { return false };
            let own = turn == 0 || turn == count;
            let mut events: Vec<usize> = (0..conversation.items.len())
                .filter(|event| !own || (turn == 0) == self.is_beyond(*event, forward))
                .collect();
            if !forward {
                events.reverse();
            }
            let found = events.into_iter().find(|event| holds(&conversation.items[*event]));
            if let Some(event) = found {
                self.go(at, event);
                return true;
            }
        }
        false
    }

    fn is_beyond(&self, event: usize, forward: bool) -> bool {
        if forward { event > self.event } else { event < self.event }
    }

    /// Goes to what is searched for.
    pub(super) fn find(&mut self, recording: &Recording, forward: bool) {
        if self.wanted.is_empty() {
            self.note = "nothing is searched for: / begins".to_owned();
            return;
        }
        let wanted = self.wanted.to_lowercase();
        let is_found = self.seek(recording, forward, |item| contains(item, &wanted));
        self.note = match is_found {
            true => format!("/{}", self.wanted),
            false => format!("\"{}\" is nowhere else", self.wanted),
        };
    }

    /// Goes to where something is found.
    pub(super) fn find_finding(&mut self, recording: &Recording, forward: bool) {
        let is_found = self.seek(recording, forward, |item| !item.findings.is_empty());
        if !is_found && self.item(recording).is_none_or(|item| item.findings.is_empty()) {
            self.note = "nothing is found in it".to_owned();
        } else if !is_found {
            self.note = "nothing else is found in it".to_owned();
        }
    }
}

/// True if the words, the head or the payload of an event contain this, in small letters.
fn contains(item: &Item, wanted: &str) -> bool {
    let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase().contains(wanted);
    if caption::text(item).to_lowercase().contains(wanted) {
        return true;
    }
    let rules = item.findings.iter().map(|finding| finding.rule.id);
    if rules.into_iter().any(|rule| rule.to_lowercase().contains(wanted)) {
        return true;
    }
    match &item.what {
        What::Request(head) => has(head.text()),
        What::Response(answer) => {
            answer.handshake.response.as_ref().is_some_and(|head| has(head.text()))
        }
        What::Frame(frame) => match &frame.message {
            Some(message) => has(&message.payload),
            None => has(&frame.payload()),
        },
        What::NotFrames { bytes, .. } => has(bytes),
        _ => false,
    }
}
