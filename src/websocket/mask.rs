//! Masking (RFC 6455 §5.3): byte *i* of the payload ⊕ byte *i* mod 4 of the masking key.
//! Masking and unmasking are the same operation.

/// A masking key: four bytes that the client chooses anew, at random, for each frame.
pub type MaskingKey = [u8; 4];

/// Masks or unmasks `bytes` in place. `at` is the position of the first byte in its payload.
pub fn mask(bytes: &mut [u8], key: MaskingKey, at: u64) {
    let phase = (at % 4) as usize;
    let turned: MaskingKey = std::array::from_fn(|i| key[(phase + i) % 4]);
    // Blocks of a fixed size let the compiler use the widest registers there are.
    let wide: [u8; 32] = std::array::from_fn(|i| turned[i % 4]);
    let mut blocks = bytes.chunks_exact_mut(wide.len());
    for block in &mut blocks {
        for (byte, key) in block.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }
    for (byte, key) in blocks.into_remainder().iter_mut().zip(wide) {
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
