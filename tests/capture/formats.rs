//! Formats and carriers: files made for this project, and what tshark 4.0.17 says of them.

use crate::told::Recorder;
use std::io::Read;
use std::path::PathBuf;
use ws101::input::capture::{self, CaptureError, CaptureFile, News, Options, Step, Tally};
use ws101::said::Endpoint;

const HELLO: &[u8] = b"hello websocket";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures/formats").join(name)
}

fn contents(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read(name: &str) -> (Recorder, Tally) {
    read_from(&contents(name)[..]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read_from(source: impl Read) -> Result<(Recorder, Tally), CaptureError> {
    let mut recorder = Recorder::default();
    let tally = capture::read(source, &mut recorder, Options::default())?;
    Ok((recorder, tally))
}

#[test]
fn a_segment_is_found_in_whatever_carries_it() {
    let carriers = [
        "6in4", "ah", "atomic6", "eth4", "eth4opts", "eth4pad", "eth6", "gre", "hbh", "ipip",
        "ipv4", "ipv6", "llc_snap", "loop", "mpls", "null6_le", "null_be", "null_le", "ppp",
        "pppoe", "qinq88a8", "qinq9100", "quad", "raw12", "raw4", "raw6", "sll", "sll2", "sll6",
        "sll_tun", "sllvlan", "triple", "tso0", "vlan",
        // tshark 4.0.17 stops before TCP in these two: at a payload length of 0 (which Big TCP
        // writes), and at a routing header of type 4 that is too short for segment routing.
        "bigtcp6", "dst_rt",
    ];
    for carrier in carriers {
        let (recorder, tally) = read(&format!("l_{carrier}.pcap"));
        assert_eq!(tally.segments, 1, "{carrier}");
        assert_eq!(tally.skipped.total(), 0, "{carrier}");
        // Port 1234 speaks to port 80, and nobody saw who began.
        assert_eq!(recorder.told.len(), 1, "{carrier}");
        assert_eq!(recorder.told[0].bytes(Endpoint::Client), HELLO, "{carrier}");
        let opening = recorder.told[0].opening.expect("opened");
        assert!(!opening.initiator_seen);
        assert_eq!(opening.server.expect("a capture has addresses").port(), 80);
        assert_eq!(recorder.told[0].text(Endpoint::Client), "[capture-start]hello websocket");
    }
}

#[test]
fn a_segment_is_found_in_the_netfilter_log() {
    let mut file = contents("l_raw4.pcap");
    file[20] = 239;
    let prefix = [2, 0, 0, 42, 6, 0, 10, 0, 0, 1, 0, 0, 71, 0, 9, 0];
    for length in [32, 36] {
        file[length] += prefix.len() as u8;
    }
    file.splice(40..40, prefix);
    let (recorder, _) = read_from(&file[..]).expect("a capture");
    assert_eq!(recorder.told[0].bytes(Endpoint::Client), HELLO);
}

#[test]
fn fragments_come_together_in_any_order() {
    for name in ["l_frag4.pcap", "l_frag4rev.pcap", "l_frag6.pcap"] {
        let (recorder, tally) = read(name);
        let expected: Vec<u8> = (0..2048u32).map(|byte| byte as u8).collect();
        assert_eq!(recorder.told[0].bytes(Endpoint::Client), expected, "{name}");
        assert_eq!((tally.skipped.fragments, tally.incomplete_datagrams), (2, 0), "{name}");
    }
    let (recorder, tally) = read("l_snapfrag.pcap");
    assert!(recorder.told.is_empty());
    assert_eq!((tally.cut_packets, tally.incomplete_datagrams), (3, 1));
}

#[test]
fn what_the_snap_length_cut_is_a_gap() {
    let (recorder, tally) = read("l_snap.pcap");
    let heard = recorder.told[0].text(Endpoint::Client);
    assert!(heard.ends_with("[snaplen 1902]"), "{heard:?}");
    assert_eq!(tally.lost_bytes, 1902);
    let (recorder, tally) = read("snap60.pcap");
    assert_eq!(recorder.told[0].bytes(Endpoint::Client), b"");
    assert_eq!((tally.cut_packets, tally.lost_bytes), (28, 77_394));
}

#[test]
fn headers_that_contradict_themselves_are_counted() {
    for name in ["l_baddoff.pcap", "l_doff15.pcap", "l_snaphdr.pcap"] {
        let (recorder, tally) = read(name);
        assert!(recorder.told.is_empty(), "{name}");
        assert_eq!(tally.skipped.damaged_header, 1, "{name}");
    }
}

/// Nanoseconds, length and link type of a packet.
type Summary = (Option<i64>, usize, u32);

/// The packets of a file, its damages, and its secrets.
fn packets(source: impl Read) -> (Vec<Summary>, Vec<String>, Vec<u8>) {
    let mut file = CaptureFile::open(source).expect("a capture");
    let (mut packets, mut damage, mut secrets) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match file.step() {
            Step::Packet(packet) => {
                let number = packet.at.packet.expect("numbered").number();
                assert_eq!(number, packets.len() as u64 + 1);
                let time = packet.at.time.map(ws101::said::Time::nanoseconds);
                packets.push((time, packet.bytes.len(), packet.link.0));
            }
            Step::Starved => file.fill(),
            Step::Damage(found) => damage.push(found.to_string()),
            Step::Secrets(lines) => secrets.extend_from_slice(lines),
            Step::File(_) | Step::Format(..) | Step::Interface(_) => {}
            Step::End => return (packets, damage, secrets),
        }
    }
}

#[test]
fn classic_pcap_comes_in_every_byte_order_and_resolution() {
    // tshark -r F -T fields -e frame.time_epoch
    let expected = [
        ("leg_us_le.pcap", 1_700_000_000_000_005_000),
        ("leg_us_be.pcap", 1_700_000_000_000_005_000),
        ("leg_ns_le.pcap", 1_700_000_000_000_000_005),
        ("leg_ns_be.pcap", 1_700_000_000_000_000_005),
        ("leg_mod_be.pcap", 1_700_000_000_000_005_000),
    ];
    for (name, time) in expected {
        let (packets, damage, _) = packets(&contents(name)[..]);
        assert_eq!(packets, [(Some(time), 67, 1)], "{name}");
        assert!(damage.is_empty(), "{name}");
    }
    assert_eq!(packets(&contents("p_mod.pcap")[..]), packets(&contents("p_us.pcap")[..]));
}

#[test]
fn pcapng_knows_each_interface_its_clock() {
    let little = packets(&contents("kitchen_le.pcapng")[..]);
    let big = packets(&contents("kitchen_be.pcapng")[..]);
    assert_eq!(little, big);
    assert!(little.1.is_empty());
    // tshark -r kitchen_le.pcapng -T fields -e frame.time_epoch; its sixth is no packet. The fifth,
    // before the epoch, it prints wrongly: 2³² + 2 nanoseconds less an hour is meant.
    let times: Vec<Option<i64>> = little.0.iter().map(|(time, ..)| *time).collect();
    let expected = [
        Some(1_699_996_400_123_456_789),
        Some(1_700_000_000_000_004_768),
        Some(1_700_000_000_123_456_000),
        None,
        Some(4_294_967_298 - 3_600_000_000_000),
        Some(1_699_996_401_000_000_000),
    ];
    assert_eq!(times, expected);
    let links: Vec<u32> = little.0.iter().map(|(.., link)| *link).collect();
    assert_eq!(links, [1, 113, 276, 1, 1, 1]);
    assert_eq!(little.2, b"# hi\n", "the secrets, without their padding");
}

#[test]
fn a_damaged_block_loses_only_itself() {
    let expected: [(&str, usize, &str); 6] = [
        ("badcaplen.pcapng", 3, "at offset 148: the contents of a block of type 0x6 do not fit"),
        ("tinyblock.pcapng", 2, "at offset 148: the contents of a block of type 0xa do not fit"),
        ("badblocklen.pcapng", 1, "at offset 148: a packet or block claims a length of 4294967280"),
        ("hugecap.pcap", 0, "at offset 24: a packet or block claims a length of 2147483647 bytes"),
        ("trunc.pcap", 13, "at offset 1589: the file ends within a packet or block (29439 bytes"),
        ("trunc.pcapng", 13, "at offset 2044: the file ends within a packet or block (29912 bytes"),
    ];
    for (name, count, message) in expected {
        let (packets, damage, _) = packets(&contents(name)[..]);
        assert_eq!((packets.len(), damage.len()), (count, 1), "{name}: {damage:?}");
        assert!(damage[0].starts_with(message), "{name}: {}", damage[0]);
    }
    let (packets, damage, _) = packets(&contents("nrb_noend.pcapng")[..]);
    assert_eq!((packets.len(), damage.len()), (1, 0), "names are not read, so cannot be wrong");
}

#[test]
fn a_wrong_length_between_good_packets_loses_one_packet() {
    // pcapng: the second EPB of four claims to be 16 bytes longer, before and not after.
    let mut bytes = contents("badcaplen.pcapng");
    bytes[152] = 0x74;
    let (found, damage, _) = packets(&bytes[..]);
    assert_eq!((found.len(), damage.len()), (3, 1), "{damage:?}");
    // The other way round.
    let mut bytes = contents("badcaplen.pcapng");
    bytes[148 + 96] = 0x74;
    let (found, damage, _) = packets(&bytes[..]);
    assert_eq!((found.len(), damage.len()), (3, 1), "{damage:?}");
    // A part of it is missing, and what follows lies at no multiple of four.
    let whole = contents("plain.pcapng");
    let word = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().expect("4 bytes"));
    let next = |at: &usize| (*at < whole.len()).then(|| at + word(at + 4) as usize);
    let blocks = std::iter::successors(Some(0), next).filter(|at| *at < whole.len());
    let tenth = blocks.filter(|at| word(*at) == 6).nth(9).expect("a packet");
    for missing in 1..=8 {
        let bytes = [&whole[..tenth + 40], &whole[tenth + 40 + missing..]].concat();
        let (found, damage, _) = packets(&bytes[..]);
        assert_eq!((found.len(), damage.len()), (27, 1), "{missing}: {damage:?}");
    }
    // Classic pcap: the third record claims 2 GiB; the next good one is searched for.
    let good = contents("p_us.pcap");
    let third = 24 + (16 + good_length(&good, 24)) + (16 + good_length(&good, 24 + 16 + 74));
    let mut bytes = good.clone();
    bytes[third + 11] = 0x7f;
    let (found, damage, _) = packets(&bytes[..]);
    assert_eq!((found.len(), damage.len()), (27, 1), "{damage:?}");
    // It claims seven bytes more: the next is read from the wrong place, and no other.
    let mut bytes = good.clone();
    bytes[third + 8] += 7;
    let (found, damage, _) = packets(&bytes[..]);
    assert!(found.len() >= 26 && damage.len() == 1, "{} packets, {damage:?}", found.len());
    // It was not written to its end.
    let bytes = [&good[..third + 40], &good[third + 16 + good_length(&good, third)..]].concat();
    let (found, damage, _) = packets(&bytes[..]);
    assert_eq!((found.len(), damage.len()), (28, 1), "{damage:?}");
    // The clock jumped: that is no damage.
    let mut bytes = good.clone();
    bytes[third + 3] ^= 0x40;
    let (found, damage, _) = packets(&bytes[..]);
    assert_eq!((found.len(), damage.len()), (28, 0), "{damage:?}");
}

/// A record that was not written to its end claims the next ones: they are read, and it alone is
/// wrong, whether they come at once or byte by byte.
#[test]
fn a_record_cut_in_its_middle_hides_no_other() {
    let good = contents("p_us.pcap");
    let whole = packets(&good[..]).0;
    let next = |at: &usize| (*at < good.len()).then(|| at + 16 + good_length(&good, *at));
    let records: Vec<usize> =
        std::iter::successors(Some(24), next).filter(|at| *at < good.len()).collect();
    for (number, record) in records.iter().enumerate() {
        let length = good_length(&good, *record);
        for left in [1, 17, length / 2, length - 1] {
            let bytes = [&good[..record + 16 + left], &good[record + 16 + length..]].concat();
            let (found, damage, _) = packets(&bytes[..]);
            let others = [&whole[..number], &whole[number + 1..]].concat();
            let missing = others.iter().filter(|packet| !found.contains(packet)).count();
            assert_eq!((missing, damage.len()), (0, 1), "{number}, {left}: {damage:?}");
            let dripped = packets(Drip(&bytes, vec![1000, 7], 0));
            assert_eq!(dripped.0, found, "{number}, {left}");
        }
    }
}

/// The first file ends within a record, as a tool leaves it that was killed.
#[test]
fn a_record_cut_at_the_end_of_a_file_does_not_hide_the_next_file() {
    let first = contents("p_us.pcap");
    for name in ["leg_us_be.pcap", "leg_ns_le.pcap", "leg_us_le.pcap", "plain.pcapng", "p_us.pcap"]
    {
        let second = packets(&contents(name)[..]).0;
        // Of a record that lacks 24 bytes, the header is all that it claims: nothing is damaged then.
        for left in (1..74).filter(|left| left + 24 != 74) {
            let bytes = [&first[..24 + 16 + left], &contents(name)].concat();
            let (found, damage, _) = packets(&bytes[..]);
            assert!(found.ends_with(&second), "{name} behind {left} bytes: {damage:?}");
            assert_eq!(damage.len(), 1, "{name} behind {left} bytes: {damage:?}");
        }
    }
}

/// Who writes whole records says with each where it ends: its packet does not wait for the next.
#[test]
fn a_packet_from_another_time_does_not_wait_for_the_next() {
    let mut bytes = contents("p_us.pcap");
    let third = 24 + (16 + good_length(&bytes, 24)) + (16 + good_length(&bytes, 24 + 16 + 74));
    bytes[third + 3] ^= 0x40;
    bytes.truncate(third + 16 + good_length(&bytes, third));
    let mut file = CaptureFile::open(Drip(&bytes, vec![bytes.len()], 0)).expect("a capture");
    let mut found = 0;
    loop {
        match file.step() {
            Step::Packet(_) => found += 1,
            Step::Starved if found < 3 && found > 0 => panic!("{found} packets, and a pause"),
            Step::Starved => file.fill(),
            Step::End => break,
            _ => {}
        }
    }
    assert_eq!(found, 3);
}

/// `cat one.pcap two.pcap`, in gzip as well: byte order, resolution, link type, and even the format
/// may change.
#[test]
fn files_one_behind_the_other_are_read_as_one() {
    for name in [
        "p_us.pcap",
        "leg_mod_be.pcap",
        "leg_us_be.pcap",
        "leg_ns_le.pcap",
        "l_raw4.pcap",
        "plain.pcapng",
        "kitchen_be.pcapng",
    ] {
        for (one, two) in [("p_us.pcap", name), (name, "p_us.pcap"), ("leg_ns_be.pcap", name)] {
            let [first, second] = [one, two].map(|name| packets(&contents(name)[..]).0);
            let (found, damage, _) = packets(&[contents(one), contents(two)].concat()[..]);
            assert_eq!(damage, Vec::<String>::new(), "{one}, {two}");
            assert_eq!(found, [first, second].concat(), "{one}, {two}");
        }
    }
}

/// What lies between two files, be it a rest of the first, costs no packet of the second.
#[test]
fn a_file_behind_rubbish_is_found() {
    let names =
        ["p_us.pcap", "leg_us_be.pcap", "leg_ns_le.pcap", "plain.pcapng", "kitchen_be.pcapng"];
    let rubbish = [&[0; 1][..], &[0; 2], &[7, 1, 9], &[0; 100], &[0xff; 37], b"no such file\n"];
    for (one, two) in names.iter().flat_map(|one| names.map(|two| (*one, two))) {
        let [first, second] = [one, two].map(|name| packets(&contents(name)[..]));
        for between in rubbish {
            let bytes = [&contents(one), between, &contents(two)].concat();
            let (found, damage, _) = packets(&bytes[..]);
            assert_eq!(found, [&first.0[..], &second.0].concat(), "{one}, {between:?}, {two}");
            let known = first.1.len() + second.1.len();
            assert_eq!(damage.len(), known + 1, "{one}, {between:?}, {two}: {damage:?}");
        }
    }
}

fn good_length(bytes: &[u8], record: usize) -> usize {
    u32::from_le_bytes(bytes[record + 8..record + 12].try_into().expect("4 bytes")) as usize
}

#[test]
fn sections_and_gzip_members_follow_one_another() {
    let (recorder, tally) = read("twosections.pcapng");
    assert_eq!((tally.packets, recorder.told.len(), tally.damages), (50, 2, 0));
    for name in ["p_us.pcap.gz", "cat.gz", "plain.pcapng.gz"] {
        let (recorder, tally) = read(name);
        assert_eq!((tally.packets, recorder.told.len(), tally.damages), (28, 1, 0), "{name}");
    }
}

#[test]
fn broken_gzip_is_read_as_far_as_it_goes() {
    let (_, tally) = read("tr.gz");
    assert_eq!((tally.packets, tally.damage[0].kind.name()), (13, "gzip-cut"));
    let (_, tally) = read("bad.gz");
    let kinds: Vec<&str> = tally.damage.iter().map(|damage| damage.kind.name()).collect();
    // Behind the block that makes no sense, nothing is read but the checksum.
    assert_eq!(kinds, ["lengths-differ", "gzip-corrupt"]);
    let before = tally.packets;
    let (_, whole) = read("plain.pcapng.gz");
    assert!(before > 0 && before < whole.packets, "{before} of {}", whole.packets);
}

#[test]
fn zstandard_holds_what_was_packed() {
    let plain = contents("p_us.pcap");
    // Packed by `zstd -19`, with a checksum.
    let packed = contents("p_us.pcap.zst");
    let whole = packets(&plain[..]);
    assert_eq!(packets(&packed[..]), whole);
    assert_eq!(packets(Drip(&packed, vec![7, 1, 100], 0)), whole);
    // A skippable frame (RFC 8878 §3.1.2), then two frames, each with a part of the capture.
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let (front, back) = plain.split_at(30_001);
    let frames = [
        b"\x53\x2a\x4d\x18\x03\0\0\0any".to_vec(),
        ruzstd::encoding::compress_to_vec(front, level),
        ruzstd::encoding::compress_to_vec(back, level),
    ];
    assert_eq!(packets(&frames[1..].concat()[..]), whole);
    // pzstd begins with one.
    assert_eq!(packets(&frames.concat()[..]), whole);
    assert_eq!(packets(&[&frames[1][..], &frames[0], &frames[2]].concat()[..]), whole);
    assert_eq!(packets(&[&frames[0][..], &frames[0], &frames[1], &frames[2]].concat()[..]), whole);
}

#[test]
fn broken_zstandard_is_read_as_far_as_it_goes() {
    // 400 KiB and more, so that there are several blocks.
    let mut plain = contents("p_us.pcap");
    let records = plain.split_off(24);
    (0..6).for_each(|_| plain.extend(&records));
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let packed = ruzstd::encoding::compress_to_vec(&plain[..], level);
    let (all, ..) = packets(&plain[..]);
    assert_eq!(packets(&packed[..]), (all.clone(), vec![], vec![]));
    let mut most = 0;
    for end in (packed.len() / 8..packed.len()).step_by(997) {
        let Ok(_) = CaptureFile::open(&packed[..end]) else { continue };
        let (found, damage, _) = packets(&packed[..end]);
        assert_eq!(found[..], all[..found.len()], "cut at {end}");
        assert!(damage.iter().any(|one| one.contains("Zstandard stream ends too early")));
        assert!(found.len() >= most, "more of the file holds no fewer packets");
        most = found.len();
    }
    assert!(most > all.len() / 2, "{most} of {}", all.len());
    let mut corrupt = packed.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle..middle + 64].fill(0xff);
    let (found, damage, _) = packets(&corrupt[..]);
    assert!(found.len() < all.len() && !damage.is_empty(), "{damage:?}");
}

#[test]
fn a_block_larger_than_the_buffer_is_read() {
    let section = contents("tinyblock.pcapng")[..28].to_vec();
    let rest = contents("tinyblock.pcapng")[28..148].to_vec();
    for size in [100_000u32, 300_000, 3_000_000] {
        let mut bytes = section.clone();
        bytes.extend(0x0bad_u32.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.resize(bytes.len() + size as usize - 12, 7);
        bytes.extend(size.to_le_bytes());
        bytes.extend(&rest);
        let (packets, damage, _) = packets(&bytes[..]);
        assert_eq!((packets.len(), damage.len()), (1, 0), "{size}");
    }
}

#[test]
fn what_is_no_capture_is_recognised() {
    let expected: [(&[u8], &str); 12] = [
        (b"", "the input is empty"),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            "a PNG image (the first bytes are 89 50 4e 47 0d 0a 1a 0a)",
        ),
        (b"GET /chat HTTP/1.1\r\nHost: x\r\n\r\n", "an HTTP request"),
        (b"HTTP/1.1 101 Switching Protocols\r\n", "an HTTP response"),
        (b"{\"log\": {\"version\": \"1.2\"}}", "JSON"),
        (b"<!DOCTYPE html>", "HTML or XML"),
        (b"\x28\xb5\x2f\xfd abcdefghijklmnopqrst", "this is Zstandard, but unpacking it failed"),
        (b"dear diary, nothing was captured", "text"),
        (b"81 85 37 fa 21 3d 7f 9f 4d 51 58", "hexadecimal text"),
        (b"\xd4\xc3\xb2\xa1\x02\0", "this pcap file ends at offset 6, within its own header"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0", "this pcapng file ends at offset 8"),
        (b"\x1f\x8b\x08\0garbage follows here", "this is gzip, but unpacking it failed"),
    ];
    for (bytes, message) in expected {
        let Err(error) = read_from(bytes) else { panic!("{bytes:?} is no capture") };
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn the_news_come_before_the_packets() {
    let mut news = Vec::new();
    let mut write_down = |item: News<'_>| news.push(format!("{item:?}"));
    let options = Options { news: Some(&mut write_down), ..Options::default() };
    capture::read(&contents("l_sll2.pcap")[..], &mut Recorder::default(), options).expect("read");
    assert_eq!(
        news,
        ["Format(PcapMicroseconds, None)", "Interface(LinkType(276))", "Began(Time(1000000000))"]
    );
}

/// Gives at most so many bytes at a time, in turn.
struct Drip<'a>(&'a [u8], Vec<usize>, usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1[self.2 % self.1.len()].max(1);
        self.2 += 1;
        let length = most.min(buffer.len()).min(self.0.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

#[test]
fn a_pipe_that_drips_holds_the_same_packets() {
    let names = [
        "kitchen_be.pcapng",
        "badcaplen.pcapng",
        "trunc.pcap",
        "trunc.pcapng",
        "tr.gz",
        "l_frag4.pcap",
        "badblocklen.pcapng",
        "hugecap.pcap",
        "p_us.pcap.gz",
        "twosections.pcapng",
    ];
    for name in names {
        let bytes = contents(name);
        let whole = packets(&bytes[..]);
        for sizes in [vec![1], vec![3, 1, 16], vec![1000, 7]] {
            let slow = bytes.len() > 10_000 && sizes == [1];
            let sizes = if slow { vec![61] } else { sizes };
            assert_eq!(packets(Drip(&bytes, sizes.clone(), 0)), whole, "{name} by {sizes:?}");
        }
    }
}

#[test]
fn a_live_pipe_pauses_before_each_wait() {
    let bytes = contents("p_us.pcap");
    let mut recorder = Recorder::default();
    capture::read(Drip(&bytes, vec![10_000], 0), &mut recorder, Options::default()).expect("read");
    assert!(recorder.pauses >= 8, "{}", recorder.pauses);
}

#[test]
fn no_prefix_of_a_capture_panics() {
    for name in [
        "kitchen_le.pcapng",
        "kitchen_be.pcapng",
        "l_frag6.pcap",
        "leg_mod_be.pcap",
        "l_quad.pcap",
        "l_dst_rt.pcap",
        "l_llc_snap.pcap",
        "l_pppoe.pcap",
        "l_gre.pcap",
        "trunc.pcapng",
        "tr.gz",
    ] {
        let bytes = contents(name);
        for end in 0..bytes.len() {
            let _ = read_from(&bytes[..end]);
        }
    }
}
