//! The one direction in which everything flows: what was said goes to its conversation, what
//! happened to the judge, both to the observer.

use crate::inspection::{Connection, Observer};
use crate::rules::{Across, Judge, Judged, Policy, Severity, Thresholds, Who, judge_opaque};
use crate::said::{ConnectionId, Interest, Listener, Opaque, Opening, Said, TcpFact, Transport};
use crate::websocket::{Assumed, Conversation, Desk, Event, Limits, Origin, Statements};
use std::sync::Arc;

/// Listens to an input and tells an observer.
pub struct Inspector<O> {
    desk: Desk,
    slots: Vec<Option<Box<Slot>>>,
    telling: Telling<O>,
    transcript: bool,
    statements: Option<Statements>,
    thresholds: Arc<Thresholds>,
}

/// What all connections have in common on the way from a fact to the observer.
struct Telling<O> {
    observer: O,
    judged: Judged,
    /// What is judged of most facts.
    nothing: Judged,
    counts: Counts,
    across: Across,
    policy: Policy,
}

/// What was counted, shown or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Connections that concern WebSocket.
    pub connections: u64,
    /// Their frames.
    pub frames: u64,
    /// Their messages.
    pub messages: u64,
    /// Gaps in their streams.
    pub gaps: u64,
    /// Findings: errors, warnings, notes.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Notes.
    pub notes: u64,
    /// Findings that do not count, see [`Policy`].
    pub ignored: u64,
    /// Warnings and errors that are no findings any more: the same rule was told of the same endpoint
    /// often enough ([`MAX_REPEATS`](crate::rules::MAX_REPEATS)).
    pub repeats: u64,
    /// HTTP exchanges that are no handshakes.
    pub other_exchanges: u64,
    /// TLS connections whose records stay closed.
    pub opaque: u64,
    /// Connections that do not concern WebSocket.
    pub other_connections: u64,
    /// Connections whose beginning was not captured, and which show no sign of WebSocket.
    pub unrecognised: u64,
}

impl Counts {
    /// How bad the worst finding is.
    pub fn worst(&self) -> Option<Severity> {
        match self {
            Counts { errors: 1.., .. } => Some(Severity::Error),
            Counts { warnings: 1.., .. } => Some(Severity::Warning),
            Counts { notes: 1.., .. } => Some(Severity::Note),
            _ => None,
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        // Named one by one, so that none can be forgotten.
        let Counts {
            connections,
            frames,
            messages,
            gaps,
            errors,
            warnings,
            notes,
            ignored,
            repeats,
            other_exchanges,
            opaque,
            other_connections,
            unrecognised,
        } = other;
        self.connections += connections;
        self.frames += frames;
        self.messages += messages;
        self.gaps += gaps;
        self.errors += errors;
        self.warnings += warnings;
        self.notes += notes;
        self.ignored += ignored;
        self.repeats += repeats;
        self.other_exchanges += other_exchanges;
        self.opaque += opaque;
        self.other_connections += other_connections;
        self.unrecognised += unrecognised;
    }
}

struct Slot {
    connection: Connection,
    conversation: Conversation,
    judge: Judge,
}

impl<O: Observer> Inspector<O> {
    /// An inspector that tells this observer.
    pub fn new(observer: O, limits: Limits) -> Inspector<O> {
        let telling = Telling {
            observer,
            judged: Judged::default(),
            nothing: Judged::default(),
            counts: Counts::default(),
            across: Across::default(),
            policy: Policy::default(),
        };
        Inspector {
            desk: Desk::new(limits),
            slots: Vec::new(),
            telling,
            transcript: false,
            statements: None,
            thresholds: Arc::default(),
        }
    }

    /// An inspector for heads that were typed or pasted.
    pub fn of_transcripts(observer: O, limits: Limits) -> Inspector<O> {
        Inspector { transcript: true, ..Inspector::new(observer, limits) }
    }

    /// The same, with other numbers for the rules to go by.
    pub fn with_thresholds(mut self, thresholds: &Arc<Thresholds>) -> Inspector<O> {
        self.desk.limits.max_inflated = thresholds.inflate_cap;
        self.thresholds = Arc::clone(thresholds);
        self
    }

    /// The same, told what captures may not tell.
    pub fn stating(mut self, statements: Statements) -> Inspector<O> {
        self.statements =
            Some(statements).filter(|statements| *statements != Statements::default());
        self
    }

    /// Lets only these findings count: the others are taken out before the observer hears.
    pub fn judging(mut self, policy: Policy) -> Inspector<O> {
        self.telling.policy = policy;
        self
    }

    /// The observer.
    pub fn observer(&mut self) -> &mut O {
        &mut self.telling.observer
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.telling.counts
    }

    /// The observer and what was counted.
    pub fn into_parts(self) -> (O, Counts) {
        (self.telling.observer, self.telling.counts)
    }

    /// Begins a conversation in a state that the caller knows.
    pub fn begin(&mut self, id: ConnectionId, opening: &Opening, conversation: Conversation) {
        let index = id.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        let connection = Connection {
            number: 0,
            id,
            client: opening.client,
            server: opening.server,
            transport: opening.transport,
            tls: None,
            origin: Origin::Handshake,
            assumed: Assumed::default(),
            opened: opening.at,
            trails: None,
        };
        let judge = Judge::of(opening, conversation.agreement(), &self.thresholds);
        self.slots[index] = Some(Box::new(Slot { connection, conversation, judge }));
    }
}

impl<O: Observer> Listener for Inspector<O> {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        let conversation =
            if self.transcript { Conversation::of_transcript() } else { Conversation::new() };
        let Some(statements) = &self.statements else {
            return self.begin(id, opening, conversation);
        };
        let (stated, is_swapped) = statements.concerning(opening);
        let (mut opening, mut conversation) = (*opening, conversation);
        if is_swapped {
            std::mem::swap(&mut opening.client, &mut opening.server);
        }
        opening.initiator_seen |= stated.client;
        conversation.state(stated, is_swapped, !opening.initiator_seen);
        self.begin(id, &opening, conversation);
        if let Some(Some(slot)) = self.slots.get_mut(id.0 as usize) {
            slot.connection.assumed.stated = stated;
            slot.judge.memory.stated = stated.agreement.is_some();
            if is_swapped {
                slot.connection.trails.get_or_insert_default().swapped = true;
            }
        }
    }

    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        let Some(Some(slot)) = self.slots.get_mut(id.0 as usize) else { return Interest::Done };
        let Slot { connection, conversation, judge } = &mut **slot;
        let telling = &mut self.telling;
        match said {
            Said::Bytes { .. } => judge.memory.fetch(),
            Said::Secured { tls } => {
                let tls = Arc::new(tls.clone());
                if connection.transport == Transport::Tcp {
                    connection.transport = Transport::Tls;
                }
                connection.tls = Some(Arc::clone(&tls));
                judge.memory.route.encrypted = Some(true);
                judge.memory.tls = Some(tls);
                return Interest::More;
            }
            Said::Carried { from, carried } => {
                connection.trails.get_or_insert_default().push(from, carried);
                return Interest::More;
            }
            Said::Tcp { fact: TcpFact::Unseen, .. } => {
                judge.memory.unseen = true;
                telling.across.may_be_answered(who(connection));
            }
            _ => {}
        }
        let interest = conversation.hear(said, &mut self.desk, &mut |event| {
            telling.tell(event, connection, judge);
        });
        if interest == Interest::Done || telling.observer.is_done() {
            telling.forget(connection);
            self.slots[id.0 as usize] = None;
            return Interest::Done;
        }
        Interest::More
    }

    fn other_exchange(&mut self) {
        self.telling.counts.other_exchanges += 1;
    }

    fn opaque(&mut self, opaque: &Opaque) {
        let Telling { observer, judged, counts, policy, .. } = &mut self.telling;
        judged.clear();
        judge_opaque(opaque, judged);
        policy.apply(judged);
        counts.opaque += 1;
        count_findings(judged, counts);
        observer.opaque(opaque, judged);
    }

    fn forgotten(&mut self, id: ConnectionId, _cut: bool) {
        let Some(slot) = self.slots.get_mut(id.0 as usize).and_then(Option::take) else { return };
        let Slot { mut connection, mut conversation, mut judge } = *slot;
        let telling = &mut self.telling;
        let is_undecided = conversation.is_undecided();
        conversation.finish(&mut self.desk, &mut |event| {
            telling.tell(event, &mut connection, &mut judge);
        });
        match is_undecided && connection.number == 0 {
            true => telling.counts.unrecognised += 1,
            false => telling.forget(&connection),
        }
    }

    fn pause(&mut self) {
        self.telling.observer.pause();
    }

    fn is_done(&self) -> bool {
        self.telling.observer.is_done()
    }
}

impl<O: Observer> Telling<O> {
    /// Nothing more will be said of a connection; if it does not concern WebSocket, it is counted.
    fn forget(&mut self, connection: &Connection) {
        match (connection.number, connection.transport) {
            (0, Transport::Http2 { .. }) => self.counts.other_exchanges += 1,
            (0, _) => self.counts.other_connections += 1,
            _ => {}
        }
    }

    /// Judges what happened and passes both on, once the connection is known to concern WebSocket.
    fn tell(&mut self, event: &Event<'_>, connection: &mut Connection, judge: &mut Judge) {
        if connection.number == 0 && !self.begin(event, connection, judge) {
            return;
        }
        count(event, &mut self.counts);
        let is_ordinary = judge.passes(event);
        let passes = is_ordinary && !self.across.compares_messages();
        if !passes {
            self.judge(event, connection, judge, is_ordinary);
        }
        let judged = if passes { &self.nothing } else { &self.judged };
        self.observer.event(connection, event, judged);
        if let (Some(trails), Event::Frame(frame)) = (&mut connection.trails, event) {
            trails.forget(frame.from, frame.end());
        }
    }

    /// The first that happens on a connection. False if it does not show that it concerns WebSocket.
    #[cold]
    fn begin(&mut self, event: &Event<'_>, connection: &mut Connection, judge: &mut Judge) -> bool {
        connection.origin = match event {
            Event::Exchange(_) => {
                self.counts.other_exchanges += 1;
                return false;
            }
            // A stream of HTTP/2 that nobody has recognised yet.
            Event::End(_) | Event::Http2(_) => return false,
            Event::Request(_) | Event::Handshake(_) => Origin::Handshake,
            Event::Recognised(recognised) => {
                if recognised.swapped {
                    std::mem::swap(&mut connection.client, &mut connection.server);
                    if let Some(trails) = &mut connection.trails {
                        trails.swapped ^= true;
                    }
                }
                connection.assumed.recognised = !connection.assumed.stated.websocket;
                Origin::Assumed
            }
            _ => Origin::Assumed,
        };
        match connection.origin {
            Origin::Handshake => connection.assumed = Assumed::default(),
            Origin::Assumed if judge.memory.agreement.is_none() => {
                judge.memory.agreement = connection.assumed.stated.agreement;
            }
            Origin::Assumed => {}
        }
        self.counts.connections += 1;
        connection.number = self.counts.connections;
        self.observer.connection(connection);
        true
    }

    /// Asks every rule that looks at such a fact; if it is ordinary, only those about several
    /// connections.
    #[inline(never)]
    fn judge(
        &mut self,
        event: &Event<'_>,
        connection: &Connection,
        judge: &mut Judge,
        is_ordinary: bool,
    ) {
        let Telling { judged, counts, across, policy, .. } = self;
        judged.clear();
        if !is_ordinary {
            judge.consider_all(event, judged);
        }
        across.consider(|| who(connection), event, &judge.memory, judged);
        policy.apply(judged);
        judge.trace(event, connection.number, across, judged);
        count_findings(judged, counts);
    }
}

fn who(connection: &Connection) -> Who {
    let Connection { number, client, server, opened, .. } = *connection;
    Who { number, client, server, opened }
}

#[inline]
fn count(event: &Event<'_>, counts: &mut Counts) {
    // Two questions answer it for nearly every fact; a table of all kinds is slower.
    if let Event::Frame(_) = event {
        counts.frames += 1;
    } else if let Event::Message(_) = event {
        counts.messages += 1;
    } else if let Event::Gap(_) = event {
        counts.gaps += 1;
    } else if let Event::Exchange(_) = event {
        counts.other_exchanges += 1;
    }
}

fn count_findings(judged: &Judged, counts: &mut Counts) {
    counts.ignored += judged.ignored;
    counts.repeats += judged.repeats.len() as u64;
    for finding in &judged.findings {
        match finding.severity {
            Severity::Error => counts.errors += 1,
            Severity::Warning => counts.warnings += 1,
            Severity::Note => counts.notes += 1,
        }
    }
}
