//! Dense numbers for the connections that a listener knows, used again once they are free.

use crate::said::ConnectionId;

#[derive(Default)]
pub(super) struct Ids {
    free: Vec<u32>,
    next: u32,
}

impl Ids {
    pub(super) fn take(&mut self) -> ConnectionId {
        ConnectionId(self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        }))
    }

    pub(super) fn give_back(&mut self, id: ConnectionId) {
        self.free.push(id.0);
    }
}
