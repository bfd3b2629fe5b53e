//! What is wrong with frames that were asked for as they are, without a fault: said, not forbidden.

use super::form::{Built, What};
use ws101::Inspector;
use ws101::inspection::{Connection, Observer};
use ws101::rules::{Judged, Rule, Severity};
use ws101::said::{At, ConnectionId, Listener as _, Opening, Said, Transport};
use ws101::websocket::extension::Agreement;
use ws101::websocket::{Conversation, Event, Limits};

/// The rules that are broken.
#[derive(Default)]
struct Broken(Vec<&'static Rule>);

impl Observer for Broken {
    fn connection(&mut self, _: &Connection) {}

    fn event(&mut self, _: &Connection, _: &Event<'_>, judged: &Judged) {
        for finding in &judged.findings {
            if finding.severity == Severity::Error && !self.0.contains(&finding.rule) {
                self.0.push(finding.rule);
            }
        }
    }
}

/// Says on standard error which rules the frames break, if they break any.
pub(super) fn tell(built: &Built) {
    if built.what != What::Frames {
        return;
    }
    let none = Agreement { deflate: None, unknown_extension: false, compression_offered: false };
    let agreed =
        built.deflate().and_then(|parameters| crate::cli::deflate::agreement(&parameters).ok());
    let mut inspector = Inspector::new(Broken::default(), Limits::default());
    let (id, at) = (ConnectionId(0), At::default());
    let transport = Transport::None;
    let opening = Opening { client: None, server: None, transport, initiator_seen: true, at };
    inspector.begin(id, &opening, Conversation::assumed(Some(agreed.unwrap_or(none))));
    let from = built.conversation.speaker;
    let bytes = built.conversation.frames_of(from);
    inspector.said(id, Said::Bytes { from, offset: 0, bytes: &bytes, heard: None, at });
    inspector.forgotten(id, true);
    for rule in inspector.into_parts().0.0 {
        crate::cli::complain(&format!(
            "note: built as asked for, and it breaks {}: {}",
            rule.id, rule.title
        ));
    }
}
