//! Numbers that look random, the same each time.

/// A generator; its seed is all there is to it.
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as u32
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.roll() as usize % limit.max(1)
    }
}
