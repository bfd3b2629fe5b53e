//! Quotes and backslashes escaped without a branch for each, on machines that can move the bytes of
//! a lane to any other place at once (x86-64 with AVX2; from about 2013 on).

use super::super::page::Pen;
use std::arch::x86_64::{
    __m128i, __m256i, _mm_set1_epi8, _mm_shuffle_epi8, _mm_unpackhi_epi64, _mm_unpacklo_epi64,
    _mm256_add_epi8, _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8,
    _mm256_extracti128_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

/// How many bytes are looked at together.
const LANE: usize = 32;

/// How many are escaped together, and how many that may make.
const GROUP: usize = 8;
const ESCAPED: usize = 2 * GROUP;

/// True if this machine has the instructions that [`push_common`] is made of.
#[inline(always)]
pub(super) fn is_possible() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")
}

/// For each set of quotes in a group: where each byte of the result comes from. Behind the group
/// stand backslashes.
static SHUFFLES: [[u8; ESCAPED]; 1 << GROUP] = {
    let mut shuffles = [[0; ESCAPED]; 1 << GROUP];
    let mut quotes = 0;
    while quotes < 1 << GROUP {
        let (mut from, mut to) = (0, 0);
        while from < GROUP {
            if quotes >> from & 1 == 1 {
                shuffles[quotes][to] = GROUP as u8;
                to += 1;
            }
            shuffles[quotes][to] = from as u8;
            to += 1;
            from += 1;
        }
        quotes += 1;
    }
    shuffles
};

/// Plain ASCII, quotes and backslashes, up to the first byte that is none of them; returns how many
/// bytes that was.
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn push_common(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    let (lanes, last) = text.as_chunks::<LANE>();
    let mut done = 0;
    for lane in lanes {
        let (quotes, others) = odd(lane);
        if others != 0 {
            return done + push_start(pen, lane, quotes, others.trailing_zeros());
        }
        push_lane(pen, lane, quotes);
        done += LANE;
    }
    if last.is_empty() {
        return done;
    }
    // The zeros behind the text end it as any control character does.
    let mut lane = [0; LANE];
    lane[..last.len()].copy_from_slice(last);
    let (quotes, others) = odd(&lane);
    done + push_start(pen, &lane, quotes, others.trailing_zeros())
}

/// The first `length` bytes of a lane.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn push_start(pen: &mut Pen<'_>, lane: &[u8; LANE], quotes: u32, length: u32) -> usize {
    let quotes = quotes & !(u32::MAX << length);
    let end = pen.position() + (length + quotes.count_ones()) as usize;
    push_lane(pen, lane, quotes);
    pen.back_to(end);
    length as usize
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn push_lane(pen: &mut Pen<'_>, lane: &[u8; LANE], quotes: u32) {
    let bytes: __m256i = bytemuck::cast(*lane);
    let backslashes = _mm_set1_epi8(b'\\' as i8);
    for (half, quotes) in [
        (_mm256_castsi256_si128(bytes), quotes),
        (_mm256_extracti128_si256::<1>(bytes), quotes >> (2 * GROUP)),
    ] {
        push_group(pen, _mm_unpacklo_epi64(half, backslashes), quotes as u8);
        push_group(pen, _mm_unpackhi_epi64(half, backslashes), (quotes >> GROUP) as u8);
    }
}

/// A group that has backslashes behind it, with one before each quote.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn push_group(pen: &mut Pen<'_>, group: __m128i, quotes: u8) {
    let shuffle = bytemuck::cast(SHUFFLES[usize::from(quotes)]);
    let escaped: [u8; ESCAPED] = bytemuck::cast(_mm_shuffle_epi8(group, shuffle));
    pen.start(&escaped, GROUP + quotes.count_ones() as usize);
}

/// Quotes and backslashes, and what is no plain ASCII: a bit for each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn odd(lane: &[u8; LANE]) -> (u32, u32) {
    let bytes: __m256i = bytemuck::cast(*lane);
    let is_quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"' as i8));
    let is_backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
    let quotes = _mm256_movemask_epi8(_mm256_or_si256(is_quote, is_backslash));
    // One more, as a signed number: DEL and all that is not ASCII are negative or zero.
    let one_more = _mm256_add_epi8(bytes, _mm256_set1_epi8(1));
    let others =
        _mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_set1_epi8(b' ' as i8 + 1), one_more));
    (quotes as u32, others as u32)
}
