//! What the rules remember of a handshake, for what comes after it.

use super::sec::{Echoes, credentials, spells_secret};
use super::{Finding, Place, Route, Severity};
use crate::said::{At, Endpoint};
use crate::websocket::handshake::Handshake;
use crate::websocket::subprotocol::{self, Subprotocol};
use crate::websocket::{Event, Message, Opcode};

/// What was seen of the handshake. Each part is dropped once it has been spoken of, so that one
/// mistake does not make a finding for each message.
#[derive(Debug, Default)]
pub(super) struct HandshakeMemory {
    /// How many more messages of each endpoint are searched for secrets that anybody can read.
    searched: [u8; 2],
    /// How many more messages of the client are searched for a login.
    awaits_login: u8,
    /// A server in a public network accepted a client that showed no credentials.
    pub(super) anonymous: bool,
    rest: Option<Box<Rest>>,
}

/// What few handshakes leave to be remembered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// The first rule, as an error, that the accepting response broke.
    pub(super) bad_response: Option<&'static str>,
    /// When the request was sent that has no answer yet.
    pub(super) unanswered: Option<At>,
    /// For each endpoint: the subprotocol, if it is known which messages it is made of.
    pub(super) subprotocol: [Option<&'static Subprotocol>; 2],
    /// What the endpoints send is compressed with what they were sent, and encrypted.
    pub(super) echoes: Option<Box<Echoes>>,
}

/// A login stands at the beginning.
const MESSAGES_SEARCHED: u8 = 16;

impl HandshakeMemory {
    /// What few handshakes leave to be remembered.
    pub(super) fn rest(&self) -> Option<&Rest> {
        self.rest.as_deref()
    }

    /// Takes note of a fact and of what the rules found in it.
    pub(super) fn note(&mut self, event: &Event<'_>, route: Route, findings: &[Finding]) {
        match (event, &mut self.rest) {
            (Event::Handshake(handshake), _) => {
                *self = HandshakeMemory::of(handshake, route, findings);
            }
            (Event::Message(message), Some(rest)) => {
                if message.from == Endpoint::Client {
                    rest.bad_response = None;
                }
                let subprotocol = &mut rest.subprotocol[message.from.index()];
                if subprotocol.is_some_and(|known| !fits(known, message.opcode)) {
                    *subprotocol = None;
                }
            }
            _ => {}
        }
    }

    /// True if a message that comes may be of concern: after the first few mostly none is.
    #[inline(always)]
    pub(super) fn awaits_messages(&self) -> bool {
        self.searched != [0; 2] || self.awaits_login > 0 || self.rest.is_some()
    }

    /// True if a rule has something to say about this message because of the handshake.
    #[inline]
    pub(super) fn concerns(&self, message: &Message<'_>) -> bool {
        self.awaits_messages() && self.concerns_it(message)
    }

    fn concerns_it(&self, message: &Message<'_>) -> bool {
        self.searches(message) && spells_secret(message.payload).is_some()
            || self.rest.as_ref().is_some_and(|rest| rest.concerns(message))
    }

    /// True if the message is searched for secrets.
    pub(super) fn searches(&self, message: &Message<'_>) -> bool {
        self.searched[message.from.index()] > 0 && message.opcode == Opcode::Text
    }

    /// Takes note of a message that was searched, whatever was found.
    pub(super) fn note_searched(&mut self, message: &Message<'_>) {
        if self.searches(message) {
            self.searched[message.from.index()] -= 1;
        }
        if message.from == Endpoint::Client && self.awaits_login > 0 {
            self.awaits_login -= 1;
            self.anonymous &= !credentials::may_be_login(message);
        }
        if let Some(rest) = &mut self.rest
            && let Some(echoes) = &mut rest.echoes
        {
            echoes.note(message);
            rest.echoes.take_if(|echoes| echoes.is_over());
            self.rest.take_if(|rest| **rest == Rest::default());
        }
    }

    fn of(handshake: &Handshake, route: Route, findings: &[Finding]) -> HandshakeMemory {
        let mut memory = HandshakeMemory::default();
        let mut rest = Rest::default();
        match handshake.status() {
            None if handshake.response.is_none() => rest.unanswered = Some(handshake.request_at),
            Some(_) if handshake.is_accepted() => {
                // Only what a client has to check: not what the server let pass in the request.
                let about_response = |finding: &&Finding| {
                    finding.severity == Severity::Error
                        && finding.violator == Some(Endpoint::Server)
                        && finding.rule.id != "HS-RES-ACCEPTED-BAD-REQUEST"
                        && finding.rule.id != "PMD-ACCEPTED-BAD-OFFER"
                };
                let bad = findings.iter().find(about_response);
                if route.is_readable() == Ok(true) {
                    memory.searched = [MESSAGES_SEARCHED; 2];
                }
                memory.anonymous = route.server == Some(Place::Public)
                    && handshake.is_whole()
                    && handshake.request.as_ref().is_some_and(|head| !credentials::shows_any(head));
                memory.awaits_login = if memory.anonymous { MESSAGES_SEARCHED } else { 0 };
                rest.echoes = Echoes::of(handshake, route);
                rest.bad_response = bad.map(|finding| finding.rule.id);
                let known = handshake.subprotocol().and_then(subprotocol::find);
                rest.subprotocol =
                    [known.filter(|known| known.payload != subprotocol::Payload::Either); 2];
            }
            _ => {}
        }
        memory.rest = (rest != Rest::default()).then(|| Box::new(rest));
        memory
    }
}

impl Rest {
    fn concerns(&self, message: &Message<'_>) -> bool {
        let subprotocol = self.subprotocol[message.from.index()];
        message.from == Endpoint::Client && self.bad_response.is_some()
            || self.echoes.is_some()
            || subprotocol.is_some_and(|known| !fits(known, message.opcode))
    }
}

/// True unless the subprotocol is made of the other kind of message.
pub(super) fn fits(subprotocol: &Subprotocol, opcode: Opcode) -> bool {
    match subprotocol.payload {
        subprotocol::Payload::Text => opcode != Opcode::Binary,
        subprotocol::Payload::Binary => opcode != Opcode::Text,
        subprotocol::Payload::Either => true,
    }
}
