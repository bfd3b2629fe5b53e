//! One TLS connection: bytes in, records out, and what is told of them. What records mean is in
//! `handshake`, how they are opened in `protected`, how a lost border is found again in `search`.

use super::super::ids::Ids;
use super::direction::{Direction, Epoch, Held};
use super::hello::ServerHello;
use super::keylog::{KeyLog, Secrets};
use super::record::{HEADER, Header};
use crate::said::{
    At, ConnectionId, Endpoint, Interest, Listener, Opaque, OpaqueReason, Opening, Said, Tls,
    Transport,
};
use std::collections::VecDeque;

/// So much of one connection waits for secrets that may still come, and so much of all.
const MAX_HELD: usize = 1 << 20;
const MAX_ALL_HELD: usize = 32 << 20;

/// So many are remembered whose bytes waited in vain.
const MAX_GIVEN_UP: usize = 4096;

/// What every step needs beside the connection.
pub(super) struct Context<'a, L> {
    pub(super) listener: &'a mut L,
    pub(super) desk: &'a mut Desk,
}

/// What connections share: the secrets, room to work, counts.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) log: KeyLog,
    /// Secrets may come that are not there yet.
    pub(super) more_may_come: bool,
    /// Where a record is opened.
    pub(super) scratch: Vec<u8>,
    pub(super) counts: super::TlsCounts,
    /// Bytes that wait for secrets.
    pub(super) held: usize,
    /// Connections of which more waited than is held: why, the end of the capture will tell.
    pub(super) given_up: Vec<GivenUp>,
    pub(super) ids: Ids,
}

/// A connection of which nothing will be read, even if its secrets come.
pub(super) struct GivenUp {
    pub(super) client_random: [u8; 32],
    pub(super) session: Vec<u8>,
    pub(super) opaque: Opaque,
}

/// Where bytes come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) offset: u64,
    pub(super) heard: Option<u64>,
    pub(super) at: At,
}

/// How to go on after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Go,
    /// Keys are missing that may still come.
    Wait,
    /// Nothing will be read of this connection.
    Close(OpaqueReason),
}

/// The state of a connection.
pub(super) struct Session {
    pub(super) opening: Opening,
    pub(super) tls: Tls,
    pub(super) client_random: Option<[u8; 32]>,
    /// The client has sent, or may have sent, 0-RTT data, and the server's answer is still to come.
    pub(super) awaits_early: bool,
    pub(super) server_hello: Option<Box<ServerHello>>,
    pub(super) secrets: Option<Box<Secrets>>,
    /// The key log has been looked into, at this state of it.
    pub(super) looked_at: Option<u64>,
    pub(super) directions: [Direction; 2],
    /// As whom the listener knows this connection, once it does.
    pub(super) id: Option<ConnectionId>,
    /// The listener knows what its handshake says.
    is_secured: bool,
    /// The listener wants to hear no more.
    pub(super) is_unwanted: bool,
    /// Records that were opened.
    pub(super) verified: u64,
    pub(super) failed: u64,
    pub(super) alert: Option<(Endpoint, &'static str)>,
    /// When something was said last.
    last: At,
    held: usize,
}

impl Session {
    /// A connection whose TLS begins at these offsets of the two streams. If the listener knows it
    /// already, they are those of what it has heard.
    pub(super) fn new(
        opening: Opening,
        offsets: [u64; 2],
        id: Option<ConnectionId>,
    ) -> Box<Session> {
        let direction = |offset| Direction::new(offset, if id.is_some() { offset } else { 0 });
        Box::new(Session {
            opening,
            tls: Tls::default(),
            client_random: None,
            awaits_early: false,
            server_hello: None,
            secrets: None,
            looked_at: None,
            directions: offsets.map(direction),
            id,
            is_secured: false,
            is_unwanted: false,
            verified: 0,
            failed: 0,
            alert: None,
            last: opening.at,
            held: 0,
        })
    }

    /// Takes in what was said.
    pub(super) fn hear<L: Listener>(
        &mut self,
        said: Said<'_>,
        context: &mut Context<'_, L>,
    ) -> Interest {
        let (from, flow) = match said {
            Said::Bytes { from, offset, bytes, heard, at } => {
                self.last = at;
                (from, self.bytes(from, bytes, Origin { offset, heard, at }, context))
            }
            Said::Gap { from, offset, length, reason, at } => {
                (from, self.take(from, Held::Gap { offset, length, reason, at }, context))
            }
            Said::End { from, how, heard, at } => {
                (from, self.take(from, Held::End { how, heard, at }, context))
            }
            Said::Carried { from, carried } => {
                self.directions[from.index()].trail.get_or_insert_default().push(carried);
                return Interest::More;
            }
            // What goes on below TLS concerns what is inside as well.
            Said::Tcp { .. } => {
                return self.id.map_or(Interest::More, |id| context.listener.said(id, said));
            }
            Said::Head { .. }
            | Said::Message { .. }
            | Said::Secured { .. }
            | Said::Http2 { .. }
            | Said::CloseNotify { .. } => {
                return Interest::More;
            }
        };
        let flow = match flow {
            Flow::Go => self.go_on(from.peer(), context),
            Flow::Wait if self.is_holding_too_much(context) => {
                self.give_up_waiting(context);
                return Interest::Done;
            }
            flow => flow,
        };
        if let Flow::Close(why) = flow {
            self.close(why, context);
            return Interest::Done;
        }
        if self.is_unwanted { Interest::Done } else { Interest::More }
    }

    #[inline]
    fn bytes<L: Listener>(
        &mut self,
        from: Endpoint,
        bytes: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        if self.directions[from.index()].held.is_some() {
            return self.hold_bytes(from, bytes, origin, context);
        }
        let is_first = from == Endpoint::Server && origin.offset == 0 && self.id.is_none();
        if is_first && self.client_random.is_some() && bytes.starts_with(b"HTTP/1.") {
            return Flow::Close(OpaqueReason::AnsweredInClear);
        }
        self.feed(from, bytes, origin, context)
    }

    pub(super) fn hold_bytes<L>(
        &mut self,
        from: Endpoint,
        bytes: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        let Origin { offset, heard, at } = origin;
        let held = self.directions[from.index()].held.get_or_insert_default();
        held.push_back(Held::Bytes { offset, bytes: Box::from(bytes), heard, at });
        self.held += bytes.len();
        context.desk.held += bytes.len();
        Flow::Wait
    }

    fn take<L: Listener>(
        &mut self,
        from: Endpoint,
        held: Held,
        context: &mut Context<'_, L>,
    ) -> Flow {
        if let Some(queue) = &mut self.directions[from.index()].held {
            queue.push_back(held);
            return Flow::Wait;
        }
        match held {
            Held::Bytes { offset, bytes, heard, at } => {
                return self.feed(from, &bytes, Origin { offset, heard, at }, context);
            }
            Held::Gap { offset, length, reason, at } => {
                let origin = Origin { offset, heard: None, at };
                self.lose(from, length, reason, origin, context);
            }
            Held::End { how, heard, at } => {
                self.end_of_records(from, at, context);
                let heard = self.directions[from.peer().index()].heard(heard);
                self.say(Said::End { from, how, heard, at }, context);
            }
        }
        Flow::Go
    }

    fn is_holding_too_much<L>(&self, context: &Context<'_, L>) -> bool {
        self.held > MAX_HELD || context.desk.held > MAX_ALL_HELD
    }

    /// Secrets came, or a hello: what waits may be read now.
    pub(super) fn wake<L: Listener>(&mut self, context: &mut Context<'_, L>) -> Interest {
        let mut flow = Flow::Go;
        for from in [Endpoint::Server, Endpoint::Client, Endpoint::Server] {
            if matches!(flow, Flow::Go | Flow::Wait) {
                flow = self.go_on(from, context);
            }
        }
        if let Flow::Close(why) = flow {
            self.close(why, context);
            return Interest::Done;
        }
        if self.is_unwanted { Interest::Done } else { Interest::More }
    }

    /// True if bytes wait for secrets.
    pub(super) fn is_waiting(&self) -> bool {
        self.directions.iter().any(|direction| direction.held.is_some())
    }

    /// Reads what waits in a direction, if it can be read by now.
    pub(super) fn go_on<L: Listener>(
        &mut self,
        from: Endpoint,
        context: &mut Context<'_, L>,
    ) -> Flow {
        let direction = &self.directions[from.index()];
        if direction.held.is_none() || self.must_wait(from, context) {
            return Flow::Go;
        }
        let mut queue = self.directions[from.index()].held.take().unwrap_or_default();
        while let Some(held) = queue.pop_front() {
            if let Held::Bytes { bytes, .. } = &held {
                self.held -= bytes.len();
                context.desk.held -= bytes.len();
            }
            let flow = self.take(from, held, context);
            if flow != Flow::Go {
                self.put_back(from, queue);
                return flow;
            }
        }
        Flow::Go
    }

    /// What still waits comes after what was just put in front of it.
    fn put_back(&mut self, from: Endpoint, mut rest: VecDeque<Held>) {
        self.directions[from.index()].held.get_or_insert_default().append(&mut rest);
    }

    /// Cuts bytes into records. What is no whole record yet is kept.
    pub(super) fn feed<L: Listener>(
        &mut self,
        from: Endpoint,
        mut bytes: &[u8],
        mut origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        while !bytes.is_empty() && !self.is_unwanted {
            let direction = &mut self.directions[from.index()];
            if direction.is_dead {
                return Flow::Go;
            }
            if direction.search.is_some() {
                return self.search(from, bytes, origin, context);
            }
            let kept = direction.buffer.len();
            if kept > 0 {
                let taken = match self.complete(from, bytes) {
                    Completed::Record(taken) => taken,
                    Completed::Need => return Flow::Go,
                    Completed::Nonsense => {
                        let buffer = std::mem::take(&mut self.directions[from.index()].buffer);
                        self.lose_border(from, &buffer, origin, context);
                        continue;
                    }
                };
                let record = std::mem::take(&mut self.directions[from.index()].buffer);
                origin.offset += taken as u64;
                bytes = &bytes[taken..];
                let flow = self.record(from, &record, origin, context);
                if flow == Flow::Wait {
                    // The record lies before the bytes that brought its end.
                    let start = Origin { offset: origin.offset - record.len() as u64, ..origin };
                    self.hold_bytes(from, &record, start, context);
                    if !bytes.is_empty() {
                        self.hold_bytes(from, bytes, origin, context);
                    }
                }
                if flow != Flow::Go {
                    return flow;
                }
                continue;
            }
            let Some(header) = Header::read(bytes) else {
                if bytes.len() < HEADER {
                    direction.buffer.extend_from_slice(bytes);
                    return Flow::Go;
                }
                self.lose_border(from, &[], origin, context);
                continue;
            };
            let length = HEADER + usize::from(header.length);
            let Some((record, rest)) = bytes.split_at_checked(length) else {
                direction.buffer.reserve_exact(length);
                direction.buffer.extend_from_slice(bytes);
                return Flow::Go;
            };
            let ends = Origin { offset: origin.offset + length as u64, ..origin };
            match self.record(from, record, ends, context) {
                Flow::Go => {}
                Flow::Wait => return self.hold_bytes(from, bytes, origin, context),
                flow => return flow,
            }
            (bytes, origin) = (rest, ends);
        }
        Flow::Go
    }

    /// Completes the record in progress, as far as the bytes reach.
    fn complete(&mut self, from: Endpoint, bytes: &[u8]) -> Completed {
        let buffer = &mut self.directions[from.index()].buffer;
        let mut taken = 0;
        if buffer.len() < HEADER {
            taken = (HEADER - buffer.len()).min(bytes.len());
            buffer.extend_from_slice(&bytes[..taken]);
            if buffer.len() < HEADER {
                return Completed::Need;
            }
        }
        let Some(header) = Header::read(buffer) else {
            // The bytes are looked at again from where they began.
            buffer.truncate(buffer.len() - taken);
            return Completed::Nonsense;
        };
        let missing = (HEADER + usize::from(header.length)).saturating_sub(buffer.len());
        let part = missing.min(bytes.len() - taken);
        buffer.extend_from_slice(&bytes[taken..taken + part]);
        if part == missing { Completed::Record(taken + part) } else { Completed::Need }
    }

    /// One whole record, which ends at the origin's offset.
    fn record<L: Listener>(
        &mut self,
        from: Endpoint,
        record: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        let Some((header, body)) = Header::read(record).zip(record.get(HEADER..)) else {
            return Flow::Go;
        };
        let flow = match self.directions[from.index()].epoch {
            Epoch::Clear => self.clear_record(from, header, body, origin, context),
            _ => self.protected_record(from, header, record, origin, context),
        };
        let direction = &mut self.directions[from.index()];
        if flow == Flow::Go && direction.search.is_none() {
            direction.border = origin.offset;
        }
        flow
    }

    /// Tells the listener, after telling it of the connection if this is the first it hears.
    pub(super) fn say<L: Listener>(&mut self, said: Said<'_>, context: &mut Context<'_, L>) {
        if let (Some(id), false) = (self.id, self.is_unwanted)
            && context.listener.said(id, said) == Interest::Done
        {
            self.is_unwanted = true;
        }
    }

    /// There is content: the listener hears of the connection.
    pub(super) fn open<L: Listener>(&mut self, context: &mut Context<'_, L>) {
        if std::mem::replace(&mut self.is_secured, true) {
            return;
        }
        if self.id.is_none() {
            let id = context.desk.ids.take();
            self.id = Some(id);
            context.listener.opened(id, &Opening { transport: Transport::Tls, ..self.opening });
        }
        context.desk.counts.read += 1;
        let tls = std::mem::take(&mut self.tls);
        self.say(Said::Secured { tls: &tls }, context);
        self.tls = tls;
    }

    /// Nothing more will be said.
    pub(super) fn finish<L: Listener>(&mut self, cut: bool, context: &mut Context<'_, L>) {
        if !self.is_unwanted {
            for from in [Endpoint::Client, Endpoint::Server] {
                self.end_of_records(from, self.last, context);
            }
        }
        context.desk.held -= std::mem::take(&mut self.held);
        self.forget(cut, context);
        if !self.is_secured && !self.is_unwanted {
            self.close(self.reason(context), context);
        }
    }

    fn forget<L: Listener>(&mut self, cut: bool, context: &mut Context<'_, L>) {
        if let Some(id) = self.id.take() {
            context.listener.forgotten(id, cut);
            context.desk.ids.give_back(id);
        }
    }

    fn reason<L>(&self, context: &Context<'_, L>) -> OpaqueReason {
        if self.alert.is_some() && self.verified == 0 {
            OpaqueReason::HandshakeFailed
        } else if self.is_waiting() && self.server_hello.is_some() {
            self.reason_to_wait(context)
        } else if self.failed > 0 && self.verified == 0 {
            OpaqueReason::WrongSecrets
        } else {
            OpaqueReason::HandshakeMissing
        }
    }

    /// Why bytes wait.
    pub(super) fn reason_to_wait<L>(&self, context: &Context<'_, L>) -> OpaqueReason {
        if self.client_random.is_none() || self.server_hello.is_none() {
            OpaqueReason::HandshakeMissing
        } else if context.desk.log.is_empty() {
            OpaqueReason::NoKeyLog
        } else if self.secrets.is_some() {
            OpaqueReason::SecretsIncomplete
        } else {
            OpaqueReason::NotInKeyLog
        }
    }

    /// Nothing will be read of it: says what is known.
    fn close<L: Listener>(&mut self, why: OpaqueReason, context: &mut Context<'_, L>) {
        if let Some(opaque) = self.shut(why, context) {
            context.listener.opaque(&opaque);
        }
    }

    /// More waits for secrets than is held. Whether they come too late or never is not known yet.
    fn give_up_waiting<L: Listener>(&mut self, context: &mut Context<'_, L>) {
        let why = self.reason_to_wait(context);
        let Some(opaque) = self.shut(why, context) else { return };
        match self.client_random {
            Some(client_random) if context.desk.given_up.len() < MAX_GIVEN_UP => {
                let session = self.server_hello.as_ref().map(|hello| hello.session.clone());
                let session = session.unwrap_or_default();
                context.desk.given_up.push(GivenUp { client_random, session, opaque });
            }
            _ => context.listener.opaque(&opaque),
        }
    }

    /// Lets go of all that waits; what is to be said of it, if anything is.
    fn shut<L: Listener>(
        &mut self,
        why: OpaqueReason,
        context: &mut Context<'_, L>,
    ) -> Option<Opaque> {
        context.desk.held -= std::mem::take(&mut self.held);
        self.is_unwanted = true;
        // In a tunnel the listener knows what came before TLS, and nothing more.
        self.forget(true, context);
        if self.is_secured {
            return None;
        }
        // A connection of which everything was read, and nothing was said.
        let is_whole = self.directions.iter().all(|direction| !direction.is_dead);
        if self.verified > 0 && why == OpaqueReason::HandshakeMissing && is_whole {
            return None;
        }
        context.desk.counts.opaque += 1;
        Some(Opaque {
            client: self.opening.client,
            server: self.opening.server,
            tls: self.tls.clone(),
            why,
            alert: self.alert,
            at: self.opening.at,
        })
    }
}

enum Completed {
    /// The record is whole; so many bytes were taken for it.
    Record(usize),
    Need,
    Nonsense,
}
