//! Masking (RFC 6455 §5.3): byte *i* of the payload ⊕ byte *i* mod 4 of the masking key.
//! Masking and unmasking are the same operation.

/// A masking key: four bytes that the client chooses anew, at random, for each frame.
pub type MaskingKey = [u8; 4];

/// Masks or unmasks `bytes` in place. `at` is the position of the first byte in its payload.
pub fn mask(bytes: &mut [u8], key: MaskingKey, at: u64) {
    let turned = u32::from_le_bytes(key).rotate_right(8 * (at % 4) as u32).to_le_bytes();
    // Blocks of a fixed size let the compiler use the widest registers there are.
    let wide: [u8; 32] = std::array::from_fn(|i| turned[i % 4]);
    let (blocks, rest) = bytes.as_chunks_mut::<32>();
    for block in blocks {
        for (byte, key) in block.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(turned)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(turned) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_section_5_7() {
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        mask(&mut payload, [0x37, 0xfa, 0x21, 0x3d], 0);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn masking_in_pieces_is_masking_at_once() {
        let key = [1, 2, 3, 4];
        let payload: Vec<u8> = (0..200).collect();
        let mut whole = payload.clone();
        mask(&mut whole, key, 0);
        for cut in 0..payload.len() {
            let mut parts = payload.clone();
            let (left, right) = parts.split_at_mut(cut);
            mask(left, key, 0);
            mask(right, key, cut as u64);
            assert_eq!(parts, whole, "cut at {cut}");
        }
    }
}
