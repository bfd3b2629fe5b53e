//! Bytes that wait for secrets, which may still be written to a key log, or stand further back in the
//! capture. So much of it is held; what waits in vain is told with its reason.

use super::direction::Held;
use super::session::{Context, Flow, Origin, Session};
use crate::said::{Endpoint, Interest, Listener, Opaque, OpaqueReason, Said};
use std::collections::VecDeque;

/// So much of one connection waits for secrets that may still come, and so much of all.
const MAX_HELD: usize = 1 << 20;
const MAX_ALL_HELD: usize = 32 << 20;

/// So many are remembered whose bytes waited in vain.
const MAX_GIVEN_UP: usize = 4096;

/// A connection of which nothing will be read, even if its secrets come.
pub(super) struct GivenUp {
    pub(super) client_random: [u8; 32],
    pub(super) session: Vec<u8>,
    pub(super) opaque: Opaque,
}

impl Session {
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

    pub(super) fn take<L: Listener>(
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

    pub(super) fn is_holding_too_much<L>(&self, context: &Context<'_, L>) -> bool {
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

    /// More waits for secrets than is held. Whether they come too late or never is not known yet.
    pub(super) fn give_up_waiting<L: Listener>(&mut self, context: &mut Context<'_, L>) {
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
}
