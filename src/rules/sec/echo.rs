//! Secrets that are compressed together with what the other side chose (RFC 7692 §8): a right
//! guess makes the message shorter, and TLS does not hide lengths.

use super::clear::spells_secret;
use crate::layout::Span;
use crate::rules::{Broken, Check, Level, Memory, Route, Rule, Severity, Violator};
use crate::websocket::Message;
use crate::websocket::handshake::Handshake;

/// SEC-PMD-SECRETS
pub static PMD_SECRETS: Rule = Rule {
    id: "SEC-PMD-SECRETS",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "7692 §8",
    title: "Secrets are not compressed together with what the peer chose",
    mend: "send messages that hold secrets with RSV1 0, or agree to no_context_takeover and keep \
           secrets and echoed text in different messages",
    check: Check::Message(pmd_secrets),
};

fn pmd_secrets(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let echoes = memory.handshake.rest()?.echoes.as_ref()?;
    let compression = memory.agreement?.deflate?.of(message.from);
    let secret = spells_secret(message.payload).or(echoes.secret[message.from.index()])?;
    let is_echoed = message.compressed && compression.context_takeover && echoes.are_in(message);
    is_echoed.then(|| {
        let peer = message.from.peer();
        let seen = format!(
            "the member \"{secret}\" is compressed in one context with text that the {peer} had \
             sent: how well it compresses shows in the lengths, which TLS does not hide"
        );
        Broken::new(message.from, seen, "")
            .at(Span::bytes(message.offset, message.wire_length.max(1)))
            .cause("the application sends back what it was sent, such as a name or a search term")
    })
}

/// Texts of this many bytes are looked for; shorter ones are there by chance.
const SHORTEST: usize = 12;
const LONGEST: usize = 64;

/// So many texts of each endpoint are kept.
const KEPT: usize = 4;

/// So many messages are looked at.
const LOOKED_AT: u8 = 32;

/// How much of a message is looked at.
const SEARCHED: usize = 4096;

/// What the endpoints have sent each other of late, as far as it may come back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Echoes {
    /// The last texts of each endpoint.
    texts: [Vec<Vec<u8>>; 2],
    /// The secret that each endpoint's window may hold.
    secret: [Option<&'static str>; 2],
    left: u8,
}

impl Echoes {
    /// Something to remember in, if what is sent is encrypted and compressed with a context.
    pub(crate) fn of(handshake: &Handshake, route: Route) -> Option<Box<Echoes>> {
        let deflate = handshake.agreement().deflate?;
        let keeps = deflate.client.context_takeover || deflate.server.context_takeover;
        let echoes = Echoes { texts: Default::default(), secret: [None; 2], left: LOOKED_AT };
        (keeps && route.encrypted == Some(true)).then(|| Box::new(echoes))
    }

    /// Enough was looked at.
    pub(crate) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Takes note of a message.
    pub(crate) fn note(&mut self, message: &Message<'_>) {
        self.left = self.left.saturating_sub(1);
        let index = message.from.index();
        if message.compressed {
            self.secret[index] = self.secret[index].or(spells_secret(message.payload));
        }
        let texts = &mut self.texts[index];
        for text in strings(message.payload).take(KEPT) {
            if texts.len() == KEPT {
                texts.remove(0);
            }
            texts.push(text.to_vec());
        }
    }

    /// True if the message holds a text that its receiver had sent.
    fn are_in(&self, message: &Message<'_>) -> bool {
        let payload = &message.payload[..message.payload.len().min(SEARCHED)];
        let texts = &self.texts[message.from.peer().index()];
        texts.iter().any(|text| memchr::memmem::find(payload, text).is_some())
    }
}

/// Texts in quotes, or the whole if there are none.
fn strings(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let payload = &payload[..payload.len().min(SEARCHED)];
    let whole = (memchr::memchr(b'"', payload).is_none()).then_some(payload);
    let quoted = payload.split(|&b| b == b'"').skip(1).step_by(2);
    whole.into_iter().chain(quoted).filter_map(|text| {
        let text = &text[..text.len().min(LONGEST)];
        (text.len() >= SHORTEST).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_stand_in_quotes_or_are_the_whole_message() {
        let found = |text: &'static str| strings(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found(r#"{"q":"a search for shoes"}"#), [b"a search for shoes"]);
        assert_eq!(found("a plain message of some length"), [b"a plain message of some length"]);
        assert!(found("short").is_empty());
    }
}
