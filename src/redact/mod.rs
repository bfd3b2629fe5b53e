//! Redaction: an observer that passes on what happened with every secret replaced, so that whatever
//! is made of it can be shared.
//!
//! It stands before all renderers, and they see nothing else: payloads, reasons, bodies and the
//! values of heads are replaced in the facts, not in their pictures. What the rules say is judged
//! on the original, but *told* of the redacted facts, by a second judge that never sees another:
//! so no sentence, excerpt or number of a report can hold what was taken out, and the verdicts are
//! those of the unredacted run.

mod head;
mod placeholder;
mod plain;

use crate::cost::Series;
use crate::inspection::{Connection, Observer};
use crate::rules::{Broken, Finding, Judge, Judged, Thresholds, refused};
use crate::said::{Opaque, Opening, Transport};
use crate::websocket::close::CloseBody;
use crate::websocket::extension::Agreement;
use crate::websocket::handshake::{Handshake, Stray};
use crate::websocket::{Close, Event, Frame, Message, NotFrames, Opcode};
use placeholder::Placeholders;
use std::sync::Arc;

/// Passes on what happened, redacted if that is asked for.
pub struct Redact<O> {
    inner: O,
    redactor: Option<Redactor>,
}

struct Redactor {
    placeholders: Placeholders,
    thresholds: Arc<Thresholds>,
    agreement: Option<Agreement>,
    /// By slot: the judges that know only what is redacted.
    judges: Vec<Judge>,
    judged: Judged,
    scratch: Vec<u8>,
}

impl<O> Redact<O> {
    /// Passes everything on as it is.
    pub fn off(inner: O) -> Redact<O> {
        Redact { inner, redactor: None }
    }

    /// Passes everything on redacted. What the rules go by has to be that of the inspector.
    pub fn on(inner: O, thresholds: Arc<Thresholds>) -> Redact<O> {
        let redactor = Redactor {
            placeholders: Placeholders::default(),
            thresholds,
            agreement: None,
            judges: Vec::new(),
            judged: Judged::default(),
            scratch: Vec::new(),
        };
        Redact { inner, redactor: Some(redactor) }
    }

    /// Where no handshake is seen, this was agreed.
    pub fn agreed(mut self, agreement: Option<Agreement>) -> Redact<O> {
        if let Some(redactor) = &mut self.redactor {
            redactor.agreement = agreement;
        }
        self
    }

    /// The observer behind it.
    pub fn inner(&mut self) -> &mut O {
        &mut self.inner
    }

    /// The observer behind it.
    pub fn into_inner(self) -> O {
        self.inner
    }
}

/// Takes the secrets out of what was measured of HTTP exchanges, which comes by no event.
pub fn series(series: &mut [Series]) {
    let mut placeholders = Placeholders::default();
    for it in series {
        it.method = head::method(&it.method, &mut placeholders);
        it.path = head::target(&it.path, &mut placeholders);
    }
}

impl<O: Observer> Observer for Redact<O> {
    fn connection(&mut self, connection: &Connection) {
        if let Some(redactor) = &mut self.redactor {
            redactor.open(connection);
        }
        self.inner.connection(connection);
    }

    #[inline]
    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        match &mut self.redactor {
            None => self.inner.event(connection, event, judged),
            Some(redactor) => redactor.tell(connection, event, judged, &mut self.inner),
        }
    }

    /// Names of hosts stay, here as in heads.
    fn opaque(&mut self, opaque: &Opaque, judged: &Judged) {
        self.inner.opaque(opaque, judged);
    }

    fn pause(&mut self) {
        self.inner.pause();
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }
}

impl Redactor {
    fn open(&mut self, connection: &Connection) {
        let slot = connection.id.0 as usize;
        if self.judges.len() <= slot {
            self.judges.resize_with(slot + 1, Judge::default);
        }
        let opening = Opening {
            client: connection.client,
            server: connection.server,
            transport: connection.transport,
            initiator_seen: true,
            at: connection.opened,
        };
        let mut judge = Judge::of(&opening, self.agreement, &self.thresholds);
        if connection.tls.is_some() {
            judge.memory.route.encrypted = Some(true);
        }
        judge.memory.tls = connection.tls.clone();
        judge.memory.pasted = opening.transport == Transport::None;
        self.judges[slot] = judge;
    }

    /// Redacts an event and passes it on.
    fn tell<O: Observer>(
        &mut self,
        connection: &Connection,
        event: &Event<'_>,
        judged: &Judged,
        inner: &mut O,
    ) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let placeholders = &mut self.placeholders;
        match event {
            Event::Exchange(exchange) => {
                let exchange = handshake(exchange, placeholders);
                self.pass(connection, &Event::Exchange(&exchange), judged, inner);
            }
            Event::Handshake(original) => {
                let handshake = handshake(original, placeholders);
                self.pass(connection, &Event::Handshake(&handshake), judged, inner);
            }
            Event::Request(request) => {
                let request = head::head(request, placeholders);
                self.pass(connection, &Event::Request(&request), judged, inner);
            }
            Event::Frame(original) => {
                let frame = frame(original, placeholders, &mut scratch);
                self.pass(connection, &Event::Frame(&frame), judged, inner);
            }
            Event::Message(original) => {
                let message = message(original, placeholders, &mut scratch);
                self.pass(connection, &Event::Message(&message), judged, inner);
            }
            Event::Close(original) => {
                let close = close(original, placeholders, &mut scratch);
                self.pass(connection, &Event::Close(&close), judged, inner);
            }
            Event::NotFrames(original) => {
                scratch.extend_from_slice(original.bytes);
                placeholders.fill("bytes", &mut scratch);
                let other = NotFrames { bytes: &scratch, ..**original };
                self.pass(connection, &Event::NotFrames(&other), judged, inner);
            }
            Event::Recognised(_)
            | Event::Resumed(_)
            | Event::CutHeader(_)
            | Event::Http2(_)
            | Event::Gap(_)
            | Event::End(_) => {
                self.pass(connection, event, judged, inner);
            }
        }
        self.scratch = scratch;
    }

    /// Passes on a redacted event with what the rules found, told anew.
    fn pass<O: Observer>(
        &mut self,
        connection: &Connection,
        event: &Event<'_>,
        judged: &Judged,
        inner: &mut O,
    ) {
        self.judged.clear();
        if let Some(judge) = self.judges.get_mut(connection.id.0 as usize) {
            judge.consider(event, &mut self.judged);
        }
        let mut told = std::mem::take(&mut self.judged.findings);
        let findings = judged.findings.iter().map(|finding| retold(finding, &mut told)).collect();
        let mut redacted = Judged {
            findings,
            held: judged.held.clone(),
            not_observed: judged.not_observed.clone(),
            ignored: judged.ignored,
            round_trip: judged.round_trip,
            repeats: judged.repeats.clone(),
            ending: judged.ending.as_ref().and(self.judged.ending.take()),
            // Their words are our own, with the numbers of connections at most.
            cause: judged.cause.clone(),
            traced: judged.traced.clone(),
        };
        if let Event::Handshake(handshake) = event {
            refused::word(handshake, &mut redacted);
        }
        inner.event(connection, event, &redacted);
    }
}

/// The finding in the words of the judge that saw only redacted facts. If that judge found nothing
/// there, what was found hangs on what was taken out: then the rule alone is told.
fn retold(finding: &Finding, told: &mut Vec<Finding>) -> Finding {
    let is_same = |other: &Finding| {
        other.rule == finding.rule && other.broken.endpoint == finding.broken.endpoint
    };
    // What is said across connections holds numbers and times.
    if finding.rule.is_across() {
        return finding.clone();
    }
    let words = told.iter().position(is_same).map(|at| told.swap_remove(at).broken);
    let words = words.unwrap_or_else(|| Broken {
        seen: format!("this does not hold: {} (what was seen is redacted)", finding.rule.title)
            .into(),
        ..Broken::default()
    });
    // Each part is named: a new one has to be thought about.
    let original = &finding.broken;
    let broken = Broken {
        seen: words.seen,
        expected: words.expected,
        cause: words.cause,
        mend: words.mend,
        header: words.header,
        severity: original.severity,
        endpoint: original.endpoint,
        span: original.span,
        frame: original.frame,
    };
    Finding {
        rule: finding.rule,
        severity: finding.severity,
        violator: finding.violator,
        broken,
        frame: finding.frame,
        message: finding.message,
        at: finding.at,
        root: finding.root,
    }
}

fn handshake(original: &Handshake, placeholders: &mut Placeholders) -> Handshake {
    let mut redact = |original: &Option<Box<crate::http::Head>>| {
        original.as_ref().map(|original| Box::new(head::head(original, placeholders)))
    };
    let (request, response) = (redact(&original.request), redact(&original.response));
    Handshake {
        request,
        response,
        interim: original.interim.clone(),
        request_at: original.request_at,
        response_at: original.response_at,
        stray: original.stray.as_ref().map(|stray| Stray {
            text: placeholders.free("text", &stray.text).into_bytes(),
            ..*stray
        }),
        early: original.early,
        earlier_exchanges: original.earlier_exchanges,
        answer_lost: original.answer_lost,
        through_connect: original.through_connect,
        transcript: original.transcript,
        body_preview: body(&original.body_preview, placeholders),
        answers: Default::default(),
    }
}

/// A body of the same kind: a page, something for programs, or other text.
fn body(original: &[u8], placeholders: &mut Placeholders) -> Vec<u8> {
    let placeholder = placeholders.free("body", original);
    match original.trim_ascii_start().first() {
        None => Vec::new(),
        Some(b'<') => placeholder.into_bytes(),
        Some(b'{' | b'[') => format!("[\"{placeholder}\"]").into_bytes(),
        Some(_) => format!("({placeholder})").into_bytes(),
    }
}

/// In a frame each byte of the payload has its place, so the placeholder has its length.
fn frame<'a>(
    original: &Frame<'_>,
    placeholders: &mut Placeholders,
    scratch: &'a mut Vec<u8>,
) -> Frame<'a> {
    let payload = original.payload.map(|payload| {
        scratch.extend_from_slice(payload);
        // The code of a Close frame is no secret; what an illegal one holds instead may be.
        let is_close = original.header.opcode() == Opcode::Close;
        let (code, rest) = scratch.split_at_mut(if is_close { payload.len().min(2) } else { 0 });
        if code.len() == 1 {
            code.fill(b'*');
        }
        placeholders.fill(if is_close { "reason" } else { "payload" }, rest);
        &scratch[..]
    });
    Frame {
        from: original.from,
        number: original.number,
        header: original.header,
        offset: original.offset,
        part: original.part,
        message: original.message,
        recovered: original.recovered,
        complete: original.complete,
        missing: original.missing,
        beyond: original.beyond,
        payload,
        started: original.started,
        at: original.at,
        heard: original.heard,
    }
}

/// Compressed data that begins like a file says what it is; other beginnings say what is in it.
const BEGINNINGS: [[u8; 2]; 5] =
    [[0x1f, 0x8b], [0x78, 0x01], [0x78, 0x5e], [0x78, 0x9c], [0x78, 0xda]];

fn message<'a>(
    original: &Message<'a>,
    placeholders: &mut Placeholders,
    scratch: &'a mut Vec<u8>,
) -> Message<'a> {
    if !original.payload.is_empty() {
        let placeholder = placeholders.free("payload", original.payload);
        scratch.extend_from_slice(placeholder.as_bytes());
    }
    let is_telling = !BEGINNINGS.contains(&original.wire_start);
    let wire_start = if is_telling { [0; 2] } else { original.wire_start };
    Message { payload: scratch, wire_start, ..*original }
}

fn close<'a>(
    original: &Close<'_>,
    placeholders: &mut Placeholders,
    scratch: &'a mut Vec<u8>,
) -> Close<'a> {
    let CloseBody { code, reason, reason_fault } = original.body;
    if !reason.is_empty() {
        let placeholder = placeholders.free("reason", reason);
        scratch.extend_from_slice(placeholder.as_bytes());
    }
    Close {
        from: original.from,
        frame: original.frame,
        offset: original.offset,
        length: original.length,
        body: CloseBody { code, reason: scratch, reason_fault },
        first: original.first,
        heard: original.heard,
        at: original.at,
    }
}
