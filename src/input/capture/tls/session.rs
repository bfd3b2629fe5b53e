//! One TLS connection: what is said of it comes in, and what it holds is told. How bytes are cut into
//! records is in `cut`, what records mean in `handshake`, how they are opened in `protected`; how bytes
//! wait for secrets in `waiting`, what a loss does in `loss`.

use super::super::ids::Ids;
use super::direction::{Direction, Held};
use super::hello::ServerHello;
use super::keylog::{KeyLog, Secrets};
use super::waiting::GivenUp;
use crate::said::{
    At, ConnectionId, Endpoint, Interest, Listener, Opaque, OpaqueReason, Opening, Said, Tls,
    Transport,
};

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
    /// Bytes that wait for secrets.
    pub(super) held: usize,
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
                self.directions[from.index()].read = offset + bytes.len() as u64;
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

    /// Nothing will be read of it: says what is known.
    pub(super) fn close<L: Listener>(&mut self, why: OpaqueReason, context: &mut Context<'_, L>) {
        if let Some(opaque) = self.shut(why, context) {
            context.listener.opaque(&opaque);
        }
    }

    /// Lets go of all that waits; what is to be said of it, if anything is.
    pub(super) fn shut<L: Listener>(
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
