//! The observer that collects: the first events of each connection, those in which something is
//! found, and how it ended.

use super::item::{Answer, FrameFacts, Item, MessageFacts, What, close_facts};
use super::{MAX_CONNECTIONS, MAX_EVENTS, MAX_EVENTS_OF_ONE};
use crate::inspection::{Connection, Observer};
use crate::rules::{Finding, Judged, Rule, Severity};
use crate::said::{At, Endpoint, Opaque};
use crate::websocket::Event;
use crate::websocket::handshake::Handshake;
use std::collections::{BTreeMap, HashMap};

/// Beyond the first events, so many more of a connection in which something is found.
const MAX_FINDING_EVENTS: usize = 50;

/// Collects what a page shows.
#[derive(Default)]
pub struct Page {
    pub(super) conversations: Vec<Conversation>,
    /// Where a connection's conversation is, by its number.
    places: HashMap<u64, usize>,
    events: usize,
    /// Connections that are not kept.
    pub(super) more_connections: u64,
    /// Close codes in Close frames, and how often each.
    pub(super) codes: BTreeMap<u16, u64>,
    pub(super) broken: BTreeMap<&'static str, RuleFacts>,
    /// TLS connections whose records stay closed: why, and how many.
    pub(super) opaque: BTreeMap<&'static str, u64>,
}

/// A connection.
pub(super) struct Conversation {
    pub(super) connection: Connection,
    pub(super) items: Vec<Item>,
    /// Events that are not kept.
    pub(super) left_out: u64,
    pub(super) frames: u64,
    pub(super) messages: u64,
    /// Errors, warnings, notes.
    pub(super) findings: [u64; 3],
    pub(super) ended: Option<String>,
    kept_for_findings: usize,
}

/// How often a rule is broken.
pub(super) struct RuleFacts {
    pub(super) rule: &'static Rule,
    /// The worst that it was here.
    pub(super) severity: Severity,
    pub(super) times: u64,
    /// Where first: a conversation, an event of it.
    pub(super) first: Option<(u64, usize)>,
}

impl Page {
    /// The place of an event among those of its conversation, if there is room for one more.
    fn has_room(&self, place: usize, judged: &Judged) -> bool {
        let kept = &self.conversations[place];
        let found = !judged.findings.is_empty() || judged.cause.is_some();
        if self.events >= MAX_EVENTS {
            return false;
        }
        kept.items.len() < MAX_EVENTS_OF_ONE || found && kept.kept_for_findings < MAX_FINDING_EVENTS
    }

    /// Keeps an event if there is room; says which of its conversation it became.
    fn push(
        &mut self,
        place: usize,
        mut item: Item,
        judged: &Judged,
        is_end: bool,
    ) -> Option<usize> {
        let has_room = is_end || self.has_room(place, judged);
        let kept = &mut self.conversations[place];
        if !has_room {
            kept.left_out += 1;
            return None;
        }
        kept.kept_for_findings += usize::from(kept.items.len() >= MAX_EVENTS_OF_ONE);
        item.note(judged);
        kept.items.push(item);
        self.events += 1;
        Some(kept.items.len() - 1)
    }

    fn handshake(&mut self, place: usize, handshake: &Handshake, judged: &Judged) -> Option<usize> {
        let none = Judged::default();
        if let Some(request) = &handshake.request {
            let what = What::Request(request.clone());
            let item = Item::new(Some(Endpoint::Client), handshake.request_at, what);
            self.push(place, item, &none, false);
        }
        let from = handshake.response.is_some().then_some(Endpoint::Server);
        let at =
            if handshake.response.is_some() { handshake.response_at } else { handshake.request_at };
        let answer = Answer {
            handshake: handshake.clone(),
            held: judged.held.len(),
            not_observed: judged.not_observed.len(),
        };
        self.push(place, Item::new(from, at, What::Response(Box::new(answer))), judged, false)
    }

    /// Adds to the frame of that number, if it is kept; else to nothing.
    fn amend(
        &mut self,
        place: usize,
        from: Endpoint,
        number: u64,
        judged: &Judged,
        change: impl FnOnce(&mut FrameFacts),
    ) -> Option<usize> {
        let items = &mut self.conversations[place].items;
        let is_it = |item: &Item| {
            item.from == Some(from)
                && matches!(&item.what, What::Frame(frame) if frame.number == number)
        };
        // What is said of a frame follows soon; the other endpoint may speak in between.
        let earliest = items.len().saturating_sub(64);
        let found = earliest + items[earliest..].iter().rposition(is_it)?;
        items[found].note(judged);
        if let Some(frame) = items[found].what.frame_mut() {
            change(frame);
        }
        Some(found)
    }

    fn count(&mut self, place: Option<usize>, first: Option<(u64, usize)>, findings: &[Finding]) {
        for finding in findings {
            let facts = self.broken.entry(finding.rule.id).or_insert(RuleFacts {
                rule: finding.rule,
                severity: finding.severity,
                times: 0,
                first,
            });
            facts.times += 1;
            facts.severity = facts.severity.max(finding.severity);
            facts.first = facts.first.or(first);
            if let Some(place) = place {
                let column = Severity::Error as usize - finding.severity as usize;
                self.conversations[place].findings[column] += 1;
            }
        }
    }

    /// Keeps what is to be kept of an event; says which of its conversation that is.
    fn keep(&mut self, place: usize, event: &Event<'_>, judged: &Judged) -> Option<usize> {
        let item = |from: Option<Endpoint>, at: At, what: What| Item::new(from, at, what);
        let from = |from: Endpoint| Some(from);
        let kept = match event {
            // The handshake will show the request, the frame that its border was found again.
            Event::Request(_) | Event::Resumed(_) => return None,
            Event::Handshake(handshake) => return self.handshake(place, handshake, judged),
            Event::Message(message) => {
                let &last = message.frames.last()?;
                let facts = MessageFacts::of(message);
                return self.amend(place, message.from, last, judged, |frame| {
                    frame.message = Some(facts);
                });
            }
            Event::Close(close) => {
                return self.amend(place, close.from, close.frame, judged, |frame| {
                    frame.close = Some(close_facts(close));
                });
            }
            Event::Frame(_) if !self.has_room(place, judged) => {
                self.conversations[place].left_out += 1;
                return None;
            }
            Event::Frame(frame) => {
                item(from(frame.from), frame.at, What::Frame(Box::new(FrameFacts::of(frame))))
            }
            Event::CutHeader(cut) => {
                let facts = FrameFacts::of_cut(cut, self.conversations[place].frames + 1);
                item(from(cut.from), cut.at, What::Frame(Box::new(facts)))
            }
            Event::Exchange(exchange) => {
                let what = What::Exchange(Box::new((*exchange).clone()));
                item(None, exchange.response_at, what)
            }
            Event::Recognised(recognised) => {
                item(None, recognised.at, What::Recognised(recognised.confidence))
            }
            Event::Http2(_) if judged.findings.is_empty() => return None,
            Event::Http2(event) => item(from(event.from), event.at, What::Http2),
            Event::NotFrames(other) => item(from(other.from), other.at, What::not_frames(other)),
            Event::Gap(gap) => item(from(gap.from), gap.at, What::Gap(**gap)),
            Event::End(end) => {
                let ending = judged.ending.as_ref();
                let why = ending.map(|ending| ending.why.clone()).unwrap_or_default();
                self.conversations[place].ended = Some(why.clone());
                let what = What::End {
                    why,
                    clean: end.is_clean(),
                    codes: end.closes.map(Option::flatten),
                    reports: ending.map(|ending| ending.reports).unwrap_or_default(),
                };
                return self.push(place, item(None, end.at, what), judged, true);
            }
        };
        self.push(place, kept, judged, false)
    }
}

impl Observer for Page {
    fn connection(&mut self, connection: &Connection) {
        if self.conversations.len() >= MAX_CONNECTIONS {
            self.more_connections += 1;
            return;
        }
        self.places.insert(connection.number, self.conversations.len());
        self.conversations.push(Conversation {
            connection: connection.clone(),
            items: Vec::new(),
            left_out: 0,
            frames: 0,
            messages: 0,
            findings: [0; 3],
            ended: None,
            kept_for_findings: 0,
        });
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        if let Event::Close(close) = event
            && let Some(code) = close.body.code
        {
            *self.codes.entry(code).or_default() += 1;
        }
        let place = self.places.get(&connection.number).copied();
        let mut first = None;
        if let Some(place) = place {
            let kept = &mut self.conversations[place];
            kept.frames += u64::from(matches!(event, Event::Frame(_)));
            kept.messages += u64::from(matches!(event, Event::Message(_)));
            first = self.keep(place, event, judged).map(|event| (connection.number, event));
        }
        self.count(place, first, &judged.findings);
    }

    fn opaque(&mut self, opaque: &Opaque, judged: &Judged) {
        *self.opaque.entry(opaque.why.says()).or_default() += 1;
        self.count(None, None, &judged.findings);
    }
}
