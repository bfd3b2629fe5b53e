//! Who ended the transport first (RFC 6455 §7.1.1); the sentence about it is told by the rules.

use super::event::End;
use crate::said::{Endpoint, TransportEnd};

/// Which endpoint ended the transport first, and how.
pub(super) fn first_to_end(end: &End) -> Option<(Endpoint, TransportEnd)> {
    let ended = |endpoint: Endpoint| end.transport[endpoint.index()];
    match (ended(Endpoint::Client), ended(Endpoint::Server)) {
        (Some((client, at)), Some((server, peer_at))) => {
            let is_tie = !at.is_before(peer_at) && !peer_at.is_before(at);
            if peer_at.is_before(at) || is_tie && end.told_first == Some(Endpoint::Server) {
                Some((Endpoint::Server, server))
            } else {
                Some((Endpoint::Client, client))
            }
        }
        (Some((how, _)), None) => Some((Endpoint::Client, how)),
        (None, Some((how, _))) => Some((Endpoint::Server, how)),
        (None, None) => None,
    }
}
