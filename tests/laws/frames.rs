//! Frames: fields tile, the two readers agree, encode then read is the identity.

use crate::cases_of;
use proptest::prelude::*;
use ws101::layout::{Layout, Value};
use ws101::websocket::Opcode;
use ws101::websocket::frame::{self, FrameHeader, MAX_HEADER};
use ws101::websocket::mask::mask;

/// Bytes as they come, and bytes that begin like a frame whose length fits them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = prop::collection::vec(any::<u8>(), 0..300);
    let near = (any::<u8>(), any::<bool>(), 0u8..128, prop::collection::vec(any::<u8>(), 0..300));
    let near = near.prop_map(|(first, masked, code, rest)| {
        let mut bytes = vec![first, code | if masked { 0x80 } else { 0 }];
        let length = (rest.len() as u64).saturating_sub(4);
        match code {
            126 => bytes.extend((length as u16).to_be_bytes()),
            127 => bytes.extend(length.to_be_bytes()),
            _ => {}
        }
        bytes.extend(rest);
        bytes
    });
    prop_oneof![any_bytes, near]
}

fn number(layout: &Layout, spec: &'static ws101::layout::Spec) -> Option<u64> {
    match layout.find(spec)?.value {
        Value::Number(number) => Some(number),
        Value::Bytes => None,
    }
}

proptest! {
    #![proptest_config(cases_of(2000))]

    #[test]
    fn the_fields_tile_the_frame_or_what_there_is_of_it(bytes in bytes(), offset in 0u64..1 << 50) {
        let layout = frame::layout(&bytes, offset);
        prop_assert_eq!(layout.check_tiling(), Ok(()));
        let there = bytes.len() as u64;
        let frame = FrameHeader::read(&bytes)
            .map_or(there, |header| header.header_length().saturating_add(header.payload_length));
        let span = layout.span();
        if there > 0 {
            prop_assert_eq!(span.start, offset * 8);
        }
        prop_assert_eq!(span.length, frame.min(there) * 8);
    }

    #[test]
    fn the_two_readers_agree(bytes in bytes()) {
        let layout = frame::layout(&bytes, 0);
        match FrameHeader::read(&bytes) {
            Ok(header) => {
                let flag = |spec| number(&layout, spec) == Some(1);
                prop_assert_eq!(flag(&frame::FIN), header.fin());
                prop_assert_eq!(flag(&frame::RSV1), header.rsv1());
                prop_assert_eq!(flag(&frame::RSV2), header.rsv2());
                prop_assert_eq!(flag(&frame::RSV3), header.rsv3());
                prop_assert_eq!(flag(&frame::MASK), header.masked());
                let opcode = number(&layout, &frame::OPCODE);
                prop_assert_eq!(opcode, Some(u64::from(header.opcode().bits())));
                let code = number(&layout, &frame::PAYLOAD_LENGTH);
                prop_assert_eq!(code, Some(u64::from(header.length_code())));
                let length = number(&layout, &frame::EXTENDED_64)
                    .or(number(&layout, &frame::EXTENDED_16))
                    .or(code);
                prop_assert_eq!(length, Some(header.payload_length));
                let key = layout.find(&frame::MASKING_KEY).map(|field| {
                    let start = field.span.byte_offset() as usize;
                    bytes[start..start + 4].to_vec()
                });
                prop_assert_eq!(key, header.masking_key.map(|key| key.to_vec()));
                let there = bytes.len() as u64 - header.header_length();
                let missing = header.payload_length.saturating_sub(there);
                // A length in bits must not wrap: so much is never there anyway.
                let told = layout.missing.map_or(0, |missing| missing.bytes);
                if header.payload_length <= u64::MAX / 8 {
                    prop_assert_eq!(told, missing);
                } else {
                    prop_assert!(told > 0);
                }
            }
            Err(needed) => {
                let missing = layout.missing.expect("a header that is cut lacks something");
                // The fast reader says how long the header will be, the other what its field lacks.
                prop_assert!(missing.bytes > 0);
                prop_assert!(bytes.len() as u64 + missing.bytes <= needed as u64);
                // Adding what is asked for, again and again, leads to a header.
                let mut longer = bytes.clone();
                for _ in 0..MAX_HEADER {
                    let Err(needed) = FrameHeader::read(&longer) else { break };
                    prop_assert!(needed > longer.len() && needed <= MAX_HEADER);
                    longer.resize(needed, 0x7f);
                }
                prop_assert!(FrameHeader::read(&longer).is_ok());
            }
        }
    }

    #[test]
    fn a_header_read_gives_its_bytes_back(bytes in prop::collection::vec(any::<u8>(), MAX_HEADER)) {
        let header = FrameHeader::read(&bytes).expect("14 bytes are enough");
        let length = header.header_length() as usize;
        prop_assert_eq!(header.to_bytes(), &bytes[..length]);
        prop_assert_eq!(FrameHeader::read(&bytes[..length]), Ok(header));
        prop_assert!(FrameHeader::read(&bytes[..length - 1]).is_err());
    }

    #[test]
    fn a_header_written_is_read_the_same(
        fin: bool, rsv in 0u8..8, opcode in 0u8..16,
        length in prop_oneof![0u64..200, 65_000u64..66_000, any::<u64>()], key: Option<[u8; 4]>,
    ) {
        let header = FrameHeader::new(fin, rsv, Opcode::from_bits(opcode), length, key);
        prop_assert_eq!(FrameHeader::read(&header.to_bytes()), Ok(header));
        prop_assert_eq!(
            (header.fin(), header.first >> 4 & 7, header.opcode().bits(), header.payload_length),
            (fin, rsv, opcode, length)
        );
        prop_assert_eq!(header.masking_key, key);
    }

    #[test]
    fn masking_twice_is_the_identity(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200), key: [u8; 4], at: u64,
    ) {
        let plain = bytes.clone();
        mask(&mut bytes, key, at);
        mask(&mut bytes, key, at);
        prop_assert_eq!(bytes, plain);
    }
}
