//! Laws of reassembly: order, duplication, overlap and splitting are invisible; a lost segment
//! changes nothing before it, and what comes after it is right.

use crate::told::{ACK, FIN, Heard, Made, SYN, Told, made, run};
use proptest::prelude::*;
use ws101::said::{Endpoint, GapReason, TransportEnd};

/// A segment as offset and length, and how late it comes.
type Sent = (usize, usize, usize);

/// What two endpoints say, cut into segments.
#[derive(Debug, Clone)]
struct Talk {
    first: [u32; 2],
    data: [Vec<u8>; 2],
    sent: [Vec<Sent>; 2],
}

/// Sequence numbers near the wrap are the interesting ones.
fn first_sequence() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), (0u32..5000).prop_map(|back| u32::MAX - back)]
}

fn said() -> impl Strategy<Value = (Vec<u8>, Vec<Sent>)> {
    (
        prop::collection::vec(any::<u8>(), 1..4000),
        prop::collection::vec((1usize..700, 0usize..40), 1..40),
        // Further copies: where, how long, how late.
        prop::collection::vec((0usize..4000, 1usize..900, 0usize..60), 0..10),
    )
        .prop_map(|(data, cuts, copies)| {
            let mut sent = Vec::new();
            let mut offset = 0;
            for (length, late) in cuts.iter().cycle() {
                let length = (*length).min(data.len() - offset);
                sent.push((offset, length, *late));
                offset += length;
                if offset == data.len() {
                    break;
                }
            }
            for (start, length, late) in copies {
                let start = start % data.len();
                sent.push((start, length.min(data.len() - start), late));
            }
            (data, sent)
        })
}

fn talk() -> impl Strategy<Value = Talk> {
    (first_sequence(), first_sequence(), said(), said()).prop_map(|(client, server, one, two)| {
        Talk { first: [client, server], data: [one.0, two.0], sent: [one.1, two.1] }
    })
}

impl Talk {
    fn handshake(&self) -> Vec<Made> {
        let [client, server] = self.first.map(|first| first.wrapping_sub(1));
        vec![
            made(Endpoint::Client, client, 0, SYN, b""),
            made(Endpoint::Server, server, self.first[0], SYN | ACK, b""),
            made(Endpoint::Client, self.first[0], self.first[1], ACK, b""),
        ]
    }

    /// Both directions, each segment as late as it says, the directions side by side.
    fn segments(&self) -> Vec<Made> {
        let mut all = Vec::new();
        for (index, from) in [Endpoint::Client, Endpoint::Server].into_iter().enumerate() {
            for (position, (offset, length, late)) in self.sent[index].iter().enumerate() {
                // Acknowledges nothing new: the receiver may not have the bytes yet.
                let sequence = self.first[index].wrapping_add(*offset as u32);
                let bytes = &self.data[index][*offset..offset + length];
                let segment = made(from, sequence, self.first[1 - index], ACK, bytes);
                all.push((position + late, segment));
            }
        }
        all.sort_by_key(|(when, _)| *when);
        all.into_iter().map(|(_, segment)| segment).collect()
    }

    fn ends(&self) -> Vec<Made> {
        let [client, server] = self.first;
        let after = |first: u32, data: &[u8]| first.wrapping_add(data.len() as u32);
        let (client, server) = (after(client, &self.data[0]), after(server, &self.data[1]));
        vec![
            made(Endpoint::Client, client, server, FIN | ACK, b""),
            made(Endpoint::Server, server, client.wrapping_add(1), FIN | ACK, b""),
            made(Endpoint::Client, client.wrapping_add(1), server.wrapping_add(1), ACK, b""),
        ]
    }
}

fn said_exactly(told: &Told, data: &[Vec<u8>; 2]) {
    for (endpoint, data) in [Endpoint::Client, Endpoint::Server].into_iter().zip(data) {
        let expected = [Heard::Bytes(data.clone()), Heard::End(TransportEnd::Fin)];
        assert!(told.by(endpoint) == &expected, "{endpoint}: {:?}", told.by(endpoint));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn order_duplication_and_overlap_are_invisible(talk in talk()) {
        let segments = [talk.handshake(), talk.segments(), talk.ends()].concat();
        let (recorder, tally) = run(&segments);
        prop_assert_eq!(recorder.told.len(), 1);
        said_exactly(&recorder.told[0], &talk.data);
        prop_assert_eq!((tally.gaps, tally.conflicts), (0, 0));
        prop_assert_eq!(recorder.told[0].forgotten, Some(false));
    }

    /// Even the handshake may come late: acknowledgments say where the streams begin.
    #[test]
    fn a_handshake_that_comes_late_is_invisible(talk in talk(), late in 0usize..30) {
        let mut segments = talk.segments();
        let [syn, syn_ack, ack] = talk.handshake().try_into().expect("three");
        segments.insert(late.min(segments.len()), syn_ack);
        segments.insert(0, ack);
        segments.insert(0, syn);
        segments.extend(talk.ends());
        let (recorder, _) = run(&segments);
        prop_assert_eq!(recorder.told.len(), 1);
        said_exactly(&recorder.told[0], &talk.data);
    }

    #[test]
    fn a_lost_segment_is_a_gap_of_its_length(
        talk in talk(),
        lost in any::<prop::sample::Index>(),
        acknowledged in any::<bool>(),
    ) {
        // Without copies, which could fill the hole; and it must lie before the last byte.
        let mut talk = talk;
        let data = talk.data[0].clone();
        let mut upto = 0;
        talk.sent[0].retain(|(offset, length, _)| {
            let fresh = *offset == upto;
            upto += if fresh { *length } else { 0 };
            fresh
        });
        let lost = lost.index(talk.sent[0].len());
        let (start, length, _) = talk.sent[0].remove(lost);
        let mut segments = [talk.handshake(), talk.segments()].concat();
        if acknowledged {
            segments.extend(talk.ends());
        }
        let (recorder, tally) = run(&segments);
        let mut expected = vec![
            Heard::Bytes(data[..start].to_vec()),
            Heard::Gap(start as u64, Some(length as u64), GapReason::Lost),
            Heard::Bytes(data[start + length..].to_vec()),
        ];
        if start + length == data.len() && !acknowledged {
            // Nothing behind it tells that there was more.
            expected.truncate(1);
        }
        if acknowledged {
            expected.push(Heard::End(TransportEnd::Fin));
        }
        expected.retain(|heard| heard != &Heard::Bytes(Vec::new()));
        prop_assert_eq!(&recorder.told[0].client, &expected);
        prop_assert!(tally.gaps <= 1);
    }

    /// Hostile segments: anything at all is taken without panic, and offsets still tile.
    #[test]
    fn any_segments_at_all_are_survived(
        segments in prop::collection::vec(
            (any::<bool>(), first_sequence(), 0u32..3000, any::<u32>(), any::<u8>(), 0usize..50, 0usize..20),
            0..120,
        ),
        base in first_sequence(),
        close in any::<bool>(),
    ) {
        let segments: Vec<Made> = segments
            .into_iter()
            .map(|(client, far, near, acknowledgment, flags, length, cut)| {
                let from = if client { Endpoint::Client } else { Endpoint::Server };
                let sequence = if flags & 0x80 != 0 { far } else { base.wrapping_add(near) };
                let ack = if flags & 0x40 != 0 { acknowledgment } else { base.wrapping_add(near) };
                // SYN and RST seldom, or nothing gets far.
                let flags = if flags & 0x20 != 0 || !close { flags & !6 } else { flags };
                let payload = vec![b'x'; length];
                Made { cut: cut.min(length), ..made(from, sequence, ack, flags, &payload) }
            })
            .collect();
        run(&segments);
    }

    #[test]
    fn any_bytes_behind_a_file_header_are_survived(
        header in 0usize..5,
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        link in prop::sample::select(vec![0u32, 1, 9, 12, 50, 51, 101, 104, 108, 113, 228, 229, 276]),
    ) {
        let magic: [u32; 5] = [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34, 0xd4c3_b2a1, 0x34cd_b2a1];
        let mut file = magic[header].to_le_bytes().to_vec();
        file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
        file.extend(link.to_le_bytes());
        // One record of these bytes, then the bytes as records.
        file.extend([0; 8]);
        file.extend((bytes.len() as u32).to_le_bytes());
        file.extend((bytes.len() as u32).to_le_bytes());
        file.extend(&bytes);
        file.extend(&bytes);
        let mut recorder = crate::told::Recorder::default();
        let options = ws101::input::capture::Options::default();
        let _ = ws101::input::capture::read(&file[..], &mut recorder, options);
    }

    /// Files with some bytes changed: no panic, no hang, and no more packets than there is room for.
    #[test]
    fn changed_bytes_are_survived(
        name in prop::sample::select(vec![
            "kitchen_le.pcapng", "kitchen_be.pcapng", "badcaplen.pcapng", "l_frag6.pcap", "l_gre.pcap",
            "l_quad.pcap", "l_ah.pcap", "l_hbh.pcap", "l_pppoe.pcap", "leg_mod_be.pcap", "trunc.pcapng",
            "plain.pcapng.gz",
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let path = format!("{}/tests/captures/formats/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut bytes = std::fs::read(path).expect("a sample");
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let mut recorder = crate::told::Recorder::default();
        let options = ws101::input::capture::Options::default();
        if let Ok(tally) = ws101::input::capture::read(&bytes[..], &mut recorder, options) {
            prop_assert!(tally.packets <= 1 + bytes.len() as u64 * 1000);
        }
    }
}
