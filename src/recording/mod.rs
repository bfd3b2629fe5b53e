//! A recording: an observer that keeps what happened, bounded whatever the size of the capture. Of
//! each connection the first events, those in which something is found, and how it ended; of each
//! payload the beginning. Page, diagrams, reports and the terminal view are made of it.

mod item;

pub use item::{Answer, FrameFacts, Item, MessageFacts, What};

use crate::inspection::{Connection, Observer};
use crate::rules::{Finding, Judged, Rule, Severity};
use crate::said::{At, Endpoint, Opaque, Transport};
use crate::websocket::Event;
use crate::websocket::handshake::Handshake;
use item::close_facts;
use std::collections::{BTreeMap, HashMap};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Connections.
    pub connections: usize,
    /// Events in all; the ends of connections come on top.
    pub events: usize,
    /// Events of one connection.
    pub events_of_one: usize,
    /// Beyond those, so many more of a connection in which something is found.
    pub events_of_findings: usize,
    /// Bytes of each frame's payload.
    pub payload: usize,
    /// Bytes of each message.
    pub message: usize,
}

/// What was kept.
#[derive(Debug)]
pub struct Recording {
    /// The connections, in the order in which they turned out to concern WebSocket.
    pub conversations: Vec<Conversation>,
    /// Connections that are not kept.
    pub more_connections: u64,
    /// Close codes in Close frames, and how often each.
    pub codes: BTreeMap<u16, u64>,
    /// The rules that are broken, by their ids.
    pub broken: BTreeMap<&'static str, RuleFacts>,
    /// TLS connections whose records stay closed: why, and how many.
    pub opaque: BTreeMap<&'static str, u64>,
    extent: Extent,
    /// Where a connection's conversation is, by its number.
    places: HashMap<u64, usize>,
    events: usize,
}

/// A connection and what happened on it.
#[derive(Debug)]
pub struct Conversation {
    /// The connection.
    pub connection: Connection,
    /// What is kept of what happened, in that order.
    pub items: Vec<Item>,
    /// Events that are not kept.
    pub left_out: u64,
    /// How many frames there were, kept or not.
    pub frames: u64,
    /// How many messages.
    pub messages: u64,
    /// Errors, warnings, notes.
    pub findings: [u64; 3],
    /// How it ended, once it has.
    pub ended: Option<String>,
    kept_for_findings: usize,
}

/// How often a rule is broken.
#[derive(Debug)]
pub struct RuleFacts {
    /// The rule.
    pub rule: &'static Rule,
    /// The worst that it was here.
    pub severity: Severity,
    /// How often it was broken.
    pub times: u64,
    /// Where first: the number of a connection, and which of its events; none if that is not kept.
    pub first: Option<(u64, usize)>,
}

impl Recording {
    /// A recording that keeps so much.
    pub fn new(extent: Extent) -> Recording {
        Recording {
            conversations: Vec::new(),
            more_connections: 0,
            codes: BTreeMap::new(),
            broken: BTreeMap::new(),
            opaque: BTreeMap::new(),
            extent,
            places: HashMap::new(),
            events: 0,
        }
    }

    /// The place of an event among those of its conversation, if there is room for one more.
    fn has_room(&self, place: usize, judged: &Judged) -> bool {
        let kept = &self.conversations[place];
        let found = !judged.findings.is_empty() || judged.cause.is_some();
        if self.events >= self.extent.events {
            return false;
        }
        kept.items.len() < self.extent.events_of_one
            || found && kept.kept_for_findings < self.extent.events_of_findings
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
        kept.kept_for_findings += usize::from(kept.items.len() >= self.extent.events_of_one);
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
            is_broken: judged.findings.iter().any(|it| it.severity == Severity::Error),
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
                let facts = Box::new(MessageFacts::of(message, self.extent.message));
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
                let facts = FrameFacts::of(frame, self.extent.payload);
                item(from(frame.from), frame.at, What::Frame(Box::new(facts)))
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
                let kept = &mut self.conversations[place];
                // What was pasted ends where it ends: that says nothing about the connection.
                let is_pasted = kept.connection.transport == Transport::None;
                let is_silent = end.first_to_end().is_none() && end.closes == [None; 2];
                if is_pasted && is_silent && judged.findings.is_empty() && kept.left_out == 0 {
                    return None;
                }
                kept.ended = Some(why.clone());
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

impl Observer for Recording {
    fn connection(&mut self, connection: &Connection) {
        if self.conversations.len() >= self.extent.connections {
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
