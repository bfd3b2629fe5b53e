//! The connections of a step that stands between a source and a listener: what each turned out to be,
//! and what was said before that could be told.

use super::ids::Ids;
use crate::said::{
    At, Carried, ConnectionId, Endpoint, GapReason, Listener, Opening, Said, Tls, TransportEnd,
};

/// One connection. `K` is what the step knows of those that it has something to do with.
#[derive(Default)]
pub(super) enum Slot<K> {
    /// Nobody's, or nobody wants to hear of it.
    #[default]
    Empty,
    /// Nothing was said yet that tells what it is.
    New(Box<New>),
    /// Nothing to do: it passes through, under this number.
    Plain(ConnectionId),
    Known(K),
}

/// The connections, by the number that the source gives them.
pub(super) struct Slots<K>(Vec<Slot<K>>);

impl<K> Default for Slots<K> {
    fn default() -> Slots<K> {
        Slots(Vec::new())
    }
}

impl<K> Slots<K> {
    /// A connection appeared.
    pub(super) fn open(&mut self, id: ConnectionId, opening: &Opening) {
        let index = id.0 as usize;
        if self.0.len() <= index {
            self.0.resize_with(index + 1, Slot::default);
        }
        self.0[index] = Slot::New(Box::new(New { opening: *opening, before: Vec::new() }));
    }

    /// Its number for the listener, if it passes through.
    #[inline]
    pub(super) fn plain(&self, id: ConnectionId) -> Option<ConnectionId> {
        match self.0.get(id.0 as usize) {
            Some(Slot::Plain(inner)) => Some(*inner),
            _ => None,
        }
    }

    /// What is known of it; nothing is left behind.
    pub(super) fn take(&mut self, id: ConnectionId) -> Slot<K> {
        self.0.get_mut(id.0 as usize).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn put(&mut self, id: ConnectionId, slot: Slot<K>) {
        if let Some(place) = self.0.get_mut(id.0 as usize) {
            *place = slot;
        }
    }
}

/// A connection of which nothing telling was said yet.
pub(super) struct New {
    pub(super) opening: Opening,
    pub(super) before: Vec<Before>,
}

/// What was said before the first byte.
pub(super) enum Before {
    Gap { from: Endpoint, offset: u64, length: Option<u64>, reason: GapReason, at: At },
    End { from: Endpoint, how: TransportEnd, heard: Option<u64>, at: At },
    Carried { from: Endpoint, carried: Carried },
    Secured(Box<Tls>),
}

impl New {
    /// Keeps what tells nothing about what the connection is. False for what does.
    pub(super) fn keep(&mut self, said: &Said<'_>) -> bool {
        if self.widen_gap(said) {
            return true;
        }
        self.before.push(match *said {
            // Of TCP nothing is told before it carried something.
            Said::Tcp { .. } => return true,
            Said::Gap { from, offset, length, reason, at } => {
                Before::Gap { from, offset, length, reason, at }
            }
            Said::End { from, how, heard, at } => Before::End { from, how, heard, at },
            Said::Carried { from, carried } => Before::Carried { from, carried: *carried },
            Said::Secured { tls } => Before::Secured(Box::new(tls.clone())),
            _ => return false,
        });
        true
    }

    /// Where the snap length cuts everything, gap follows gap: they are kept as one of each endpoint.
    fn widen_gap(&mut self, said: &Said<'_>) -> bool {
        let Said::Gap { from, length: Some(more), .. } = *said else { return false };
        let known = self.before.iter_mut().find_map(|before| match before {
            Before::Gap { from: whose, length: Some(length), .. } if *whose == from => Some(length),
            _ => None,
        });
        let Some(length) = known else { return false };
        *length += more;
        true
    }

    /// True if bytes are missing before the first.
    pub(super) fn is_late(&self) -> bool {
        self.before.iter().any(|before| matches!(before, Before::Gap { .. }))
    }

    /// True if nothing happened before the first byte.
    pub(super) fn is_fresh(&self) -> bool {
        self.before.iter().all(|before| matches!(before, Before::Carried { .. }))
    }

    /// What its handshake of TLS says, if it goes over TLS.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.before.iter().find_map(|before| match before {
            Before::Secured(tls) => Some(&**tls),
            _ => None,
        })
    }

    /// The same, to add to it.
    pub(super) fn tls_mut(&mut self) -> Option<&mut Tls> {
        self.before.iter_mut().find_map(|before| match before {
            Before::Secured(tls) => Some(&mut **tls),
            _ => None,
        })
    }

    /// Tells the listener of it, and what was kept.
    pub(super) fn pass<L: Listener>(&self, listener: &mut L, ids: &mut Ids) -> ConnectionId {
        let id = ids.take();
        listener.opened(id, &self.opening);
        for before in &self.before {
            let _ = listener.said(id, before.said());
        }
        id
    }
}

impl Before {
    pub(super) fn said(&self) -> Said<'_> {
        match *self {
            Before::Gap { from, offset, length, reason, at } => {
                Said::Gap { from, offset, length, reason, at }
            }
            Before::End { from, how, heard, at } => Said::End { from, how, heard, at },
            Before::Carried { from, ref carried } => Said::Carried { from, carried },
            Before::Secured(ref tls) => Said::Secured { tls },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said::Transport;

    #[test]
    fn gap_after_gap_takes_no_more_room_than_one() {
        let at = At::default();
        let (client, server, transport) = (None, None, Transport::Tcp);
        let opening = Opening { client, server, transport, initiator_seen: true, at };
        let mut new = New { opening, before: Vec::new() };
        let reason = GapReason::SnapLength;
        for offset in 0..1000 {
            for from in [Endpoint::Client, Endpoint::Server] {
                assert!(new.keep(&Said::Gap { from, offset, length: Some(1), reason, at }));
            }
        }
        let lengths = new.before.iter().map(|before| match before {
            Before::Gap { offset: 0, length, .. } => *length,
            _ => None,
        });
        assert_eq!(lengths.collect::<Vec<_>>(), [Some(1000); 2]);
        assert!(new.is_late());
    }
}
