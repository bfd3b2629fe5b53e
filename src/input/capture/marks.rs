//! What an endpoint has heard of a stream that travels inside another one.

use std::collections::VecDeque;

/// So many places are remembered; without acknowledgments the oldest are given up.
const MAX_MARKS: usize = 128;

/// Places in the carrying stream, and how much of the carried one lies before each.
#[derive(Default)]
pub(super) struct Marks {
    marks: VecDeque<(u64, u64)>,
    heard: u64,
}

impl Marks {
    /// Marks for a stream of which so much was carried in another way.
    pub(super) fn from(heard: u64) -> Marks {
        Marks { marks: VecDeque::new(), heard }
    }

    /// Up to `outer`, so much was carried.
    pub(super) fn mark(&mut self, outer: u64, inner: u64) {
        if self.marks.len() == MAX_MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((outer, inner));
    }

    /// How much is carried by what was acknowledged.
    pub(super) fn heard(&mut self, acknowledged: Option<u64>) -> Option<u64> {
        let acknowledged = acknowledged?;
        while let Some((outer, inner)) = self.marks.front()
            && *outer <= acknowledged
        {
            self.heard = *inner;
            self.marks.pop_front();
        }
        Some(self.heard)
    }
}
