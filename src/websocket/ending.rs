//! Who ended the transport first (RFC 6455 §7.1.1); the sentence about it is told by the rules.

use super::event::End;
use crate::said::{Endpoint, TransportEnd};

/// Which endpoint ended the transport first, and how.
pub(super) fn first_to_end(end: &End) -> Option<(Endpoint, TransportEnd)> {
    let ended = |endpoint: Endpoint| end.transport[endpoint.index()];
    let order = |at: crate::said::At| (at.packet, at.time);
    match (ended(Endpoint::Client), ended(Endpoint::Server)) {
        (Some((client, at)), Some((server, peer_at))) => {
            let is_tie = order(peer_at) == order(at);
            if order(peer_at) < order(at) || is_tie && end.told_first == Some(Endpoint::Server) {
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
