//! Numbers that look random, the same for the same seed (SplitMix64).

use crate::websocket::mask::MaskingKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A source of numbers that follow from a seed.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of that seed.
    pub const fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A masking key, new for each frame (RFC 6455 §5.3).
    pub fn masking_key(&mut self) -> MaskingKey {
        ((self.roll() >> 32) as u32).to_be_bytes()
    }

    /// A `Sec-WebSocket-Key`: 16 bytes in Base64 (§4.1).
    pub fn websocket_key(&mut self) -> String {
        STANDARD.encode([self.roll().to_be_bytes(), self.roll().to_be_bytes()].concat())
    }
}
