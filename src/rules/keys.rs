//! The masking keys of one connection (RFC 6455 §5.3, §10.3): the first few, and what they have in
//! common so far. "Random" cannot be proved; what is kept shows that keys are *not*.

use crate::said::Time;
use crate::websocket::mask::MaskingKey;

/// How many of the first keys are kept.
pub(super) const KEPT: usize = 16;

/// Counts at which a pattern may come out; see [`Keys::pattern`] and the rules.
const MOMENTS: u64 = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 32;

/// Keys compared with the kept ones; later repeats among many keys are to be expected.
const COMPARED: u64 = 64;

/// The masking keys so far.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// How many there were.
    pub(super) count: u64,
    pub(super) zeros: u64,
    first: [u32; KEPT],
    last: u32,
    /// The last two were the same.
    pub(super) repeated: bool,
    /// It was said that a key repeats, and that there is a pattern.
    pub(super) reused: bool,
    pub(super) patterned: bool,
    /// The bits that were set in any key.
    high_bits: u32,
    /// Some key is not the time at which it was sent.
    no_clock: bool,
}

/// A pattern in the keys, in words, and how likely random keys show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) what: &'static str,
    pub(super) chance: &'static str,
}

impl Keys {
    #[inline]
    pub(super) fn note(&mut self, key: MaskingKey, time: Option<Time>) {
        let key = u32::from_be_bytes(key);
        self.repeated = self.count > 0 && key == self.last;
        self.zeros += u64::from(key == 0);
        self.high_bits |= key;
        if let Some(kept) = self.first.get_mut(self.count as usize) {
            *kept = key;
            self.no_clock |= !is_clock(key, time);
        }
        self.last = key;
        self.count += 1;
    }

    /// True if nothing can come out of this key. Decided in a few instructions.
    #[inline]
    pub(super) fn is_unremarkable(&self, key: MaskingKey) -> bool {
        let key = u32::from_be_bytes(key);
        let number = self.count + 1;
        key != 0
            && key != self.last
            && (number > COMPARED
                || number < 64 && MOMENTS >> number & 1 == 0 && !self.is_kept(key))
    }

    /// The first two keys, if chance may have made them.
    pub(super) fn beginning(&self) -> Option<[u32; 2]> {
        let [first, second, ..] = self.first;
        let is_random = self.count >= 2 && !self.reused && !self.patterned && self.zeros == 0;
        (is_random && first != second).then_some([first, second])
    }

    fn is_kept(&self, key: u32) -> bool {
        let kept = (self.count as usize).min(KEPT);
        self.count < COMPARED && self.first[..kept].contains(&key)
    }

    /// How many keys there are if this one is added and all are the same (but not zero).
    pub(super) fn constant(&self, key: MaskingKey) -> Option<u64> {
        let key = u32::from_be_bytes(key);
        let kept = (self.count as usize).min(KEPT);
        let all_same = self.first[..kept].iter().all(|&kept| kept == key) && self.last == key;
        (self.count > 0 && key != 0 && all_same).then_some(self.count + 1)
    }

    /// This key was used before: by the frame before this one, or by one of the first.
    pub(super) fn repeats(&self, key: MaskingKey) -> bool {
        let key = u32::from_be_bytes(key);
        self.count > 0 && key != 0 && (key == self.last || self.is_kept(key))
    }

    /// How many pairs of equal keys chance makes when this one is added: of any two, or of
    /// neighbours if the one before is the same.
    pub(super) fn equal_pairs_by_chance(&self, key: MaskingKey) -> f64 {
        let before = self.count as f64;
        let pairs = if u32::from_be_bytes(key) == self.last { 2.0 } else { before + 1.0 };
        before * pairs / 2f64.powi(33)
    }

    /// The first two keys are the same, and this third one is not: only now is it certain that
    /// not all are.
    pub(super) fn first_two_repeat(&self, key: MaskingKey) -> bool {
        self.count == 2 && self.two_alike() && u32::from_be_bytes(key) != self.last
    }

    /// The last two keys are the same.
    pub(super) fn two_alike(&self) -> bool {
        self.repeated && self.last != 0
    }

    /// The pattern that comes out when this key is added.
    pub(super) fn pattern(&self, key: MaskingKey, time: Option<Time>) -> Option<Pattern> {
        let key = u32::from_be_bytes(key);
        let number = self.count + 1;
        if self.patterned || self.zeros > 1 || self.constant(key.to_be_bytes()).is_some() {
            return None;
        }
        if number == 32 {
            return self.high_bit_pattern(key);
        }
        let count = self.count as usize;
        if count >= KEPT {
            return None;
        }
        let mut keys = self.first;
        keys[count] = key;
        let keys = &keys[..=count];
        let swapped = keys.iter().map(|key| key.swap_bytes());
        match number {
            3 => (keys.iter().all(|&key| key.to_be_bytes() == [key as u8; 4]))
                .then_some(Pattern { what: "four equal bytes in each", chance: "2^-72" }),
            4 if !self.no_clock && is_clock(key, time) => {
                Some(Pattern { what: "the time of day", chance: "below 2^-100" })
            }
            4 => difference(keys.iter().copied()).or_else(|| difference(swapped)),
            5 => congruence(keys.iter().copied()).or_else(|| congruence(swapped)),
            8 => {
                (keys.iter().all(|key| key.to_be_bytes().iter().all(|b| (0x20..0x7f).contains(b))))
                    .then_some(Pattern { what: "printable ASCII only", chance: "2^-45" })
            }
            _ => None,
        }
    }

    fn high_bit_pattern(&self, key: u32) -> Option<Pattern> {
        let bits = self.high_bits | key;
        let what = "never the highest bit set, as rand() does it";
        (bits != 0 && (bits >> 31 == 0 || bits & 0x80 == 0))
            .then_some(Pattern { what, chance: "2^-31" })
    }
}

/// A constant difference, added or XORed.
fn difference(keys: impl Iterator<Item = u32> + Clone) -> Option<Pattern> {
    let pairs = || keys.clone().zip(keys.clone().skip(1));
    let is_constant = |mut steps: Box<dyn Iterator<Item = u32> + '_>| {
        let first = steps.next();
        steps.all(|step| Some(step) == first)
    };
    if is_constant(Box::new(pairs().map(|(a, b)| b.wrapping_sub(a)))) {
        let what = "each is the one before plus a constant";
        return Some(Pattern { what, chance: "2^-64" });
    }
    is_constant(Box::new(pairs().map(|(a, b)| a ^ b))).then_some(Pattern {
        what: "each is the one before XORed with a constant",
        chance: "2^-64",
    })
}

/// A linear congruential generator modulo 2^32: k' = a·k + c.
fn congruence(keys: impl Iterator<Item = u32>) -> Option<Pattern> {
    let keys: Vec<u32> = keys.collect();
    let step = |i: usize| keys[i + 1].wrapping_sub(keys[i]);
    let a = step(1).wrapping_mul(inverse(step(0))?);
    (1..keys.len() - 1).all(|i| step(i) == a.wrapping_mul(step(i - 1))).then_some(Pattern {
        what: "each is the one before times a constant, plus a constant",
        chance: "2^-64",
    })
}

/// The inverse of an odd number modulo 2^32, by Newton's iteration.
fn inverse(odd: u32) -> Option<u32> {
    let step = |x: u32, _| x.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(x)));
    (odd & 1 == 1).then(|| (0..5).fold(odd, step))
}

/// The key is the second or the millisecond at which it was sent, give or take two.
fn is_clock(key: u32, time: Option<Time>) -> bool {
    let Some(nanoseconds) = time.map(Time::nanoseconds) else { return false };
    let times = [(nanoseconds / 1_000_000_000) as u32, (nanoseconds / 1_000_000) as u32];
    [key, key.swap_bytes()]
        .iter()
        .any(|key| times.iter().any(|time| key.wrapping_sub(*time).wrapping_add(2) <= 4))
}
