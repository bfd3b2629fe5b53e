//! Over TLS a lost record holds the next ones back, and an acknowledgment tells that there are more:
//! what waits is not held against the peer.

mod shared;

use serde_json::Value;
use shared::{assert_none, of_type, recording, utf8, ws101};
use std::path::Path;

/// The packets of a classic pcap, each with its header.
fn packets(file: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut packets) = (&file[24..], Vec::new());
    while let Some(captured) = rest.get(8..12) {
        let captured = u32::from_le_bytes(captured.try_into().expect("four bytes"));
        let (packet, behind) = rest.split_at(16 + captured as usize);
        packets.push(packet);
        rest = behind;
    }
    packets
}

#[test]
fn a_pong_whose_ping_waits_behind_a_loss_answers_it() {
    let claim = "a_pong_whose_ping_waits_behind_a_loss_answers_it";
    let name = "wss-tls12-gcm";
    let Some((file, _)) = recording(claim, name) else { return };
    let whole = std::fs::read(&file).expect("a recording");
    let packets = packets(&whole);
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loss-over-tls.pcap");
    let is_unasked = |finding: &&Value| finding["rule"] == "CTL-PONG-UNSOLICITED";
    let (mut complaints, mut pongs) = (Vec::new(), 0);
    // Behind the handshake of TLS every packet is lost in turn.
    for lost in (10..packets.len()).step_by(4) {
        let kept = packets.iter().enumerate().filter(|(at, _)| *at != lost);
        let kept: Vec<u8> = kept.flat_map(|(_, packet)| packet.iter().copied()).collect();
        std::fs::write(&made, [&whole[..24], &kept].concat()).expect("target/tmp is writable");
        let keys = file.with_extension("keys");
        let run = ws101(&["pcap", utf8(&made), "--keylog", utf8(&keys), "--format", "jsonl"]);
        let records = run.records();
        pongs += of_type(&records, "frame").iter().filter(|it| it["opcode_name"] == "pong").count();
        let found = of_type(&records, "finding").into_iter().filter(is_unasked).count();
        if found > 0 {
            complaints.push(format!("without packet {}", lost + 1));
        }
    }
    assert!(pongs > 50, "{pongs}");
    assert_none(&complaints);
}
