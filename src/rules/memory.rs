//! What the rules remember of a connection: small, and the same size however long it lives.

use crate::websocket::extension::Agreement;
use crate::websocket::handshake::Handshake;
use crate::websocket::{Close, End, Event, Frame, Gap, Message};

/// What was seen of a connection before the fact that a check looks at.
#[derive(Debug, Default)]
pub struct Memory {
    /// What was agreed in the handshake; none if it was not seen whole.
    pub agreement: Option<Agreement>,
    /// True if it is known for certain which endpoint is the client.
    pub direction_known: bool,
    /// True if the stream has a clock.
    pub timed: bool,
}

impl Memory {
    /// Takes note of a fact, after the checks have looked at it.
    pub fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Handshake(handshake) => self.note_handshake(handshake),
            Event::Frame(frame) => self.note_frame(frame),
            Event::Message(message) => self.note_message(message),
            Event::Close(close) => self.note_close(close),
            Event::Gap(gap) => self.note_gap(gap),
            Event::End(end) => self.note_end(end),
            Event::Exchange(_)
            | Event::Request(_)
            | Event::Recognised(_)
            | Event::NotFrames(_)
            | Event::CutHeader(_) => {}
        }
    }

    fn note_handshake(&mut self, handshake: &Handshake) {
        if handshake.request.is_some() && handshake.status() == Some(101) {
            self.agreement = Some(handshake.agreement());
        }
        self.direction_known = true;
    }

    fn note_frame(&mut self, _frame: &Frame<'_>) {}
    fn note_message(&mut self, _message: &Message<'_>) {}
    fn note_close(&mut self, _close: &Close<'_>) {}
    fn note_gap(&mut self, _gap: &Gap) {}
    fn note_end(&mut self, _end: &End) {}
}
