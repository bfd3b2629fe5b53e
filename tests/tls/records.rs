//! Damage to each record of a recording over TLS 1.2 and of one over TLS 1.3, one at a time: what comes
//! out was said, and if something is missing, something says so.

use crate::damage::{Original, check_all, is_told};
use crate::film::{Film, sample};
use crate::shared::{of_type, utf8, ws101};
use serde_json::Value;

/// TLS 1.2 (AES-256-GCM, aiohttp) and TLS 1.3 (nginx).
const NAMES: [&str; 2] = ["aiohttp", "nginx"];

/// Where each byte of a record lies: the packet, and the place in it.
type Record = Vec<(usize, usize)>;

/// The records of both endpoints. Nothing is lost or sent twice in these recordings.
fn records(film: &Film) -> Vec<Record> {
    let port = |packet: usize| film.packets[packet][16 + 14 + 20..][..2].to_vec();
    let packets = film.with_payload();
    let mut records = Vec::new();
    for is_client in [true, false] {
        let is_its = |packet: &&usize| (port(**packet) == port(packets[0])) == is_client;
        let places: Record = packets
            .iter()
            .filter(is_its)
            .flat_map(|&packet| {
                let start = film.payload(packet).expect("it has one");
                (start..film.packets[packet].len()).map(move |place| (packet, place))
            })
            .collect();
        let byte = |at: usize| usize::from(film.packets[places[at].0][places[at].1]);
        let mut at = 0;
        while at < places.len() {
            assert!((20..24).contains(&byte(at)) && byte(at + 1) == 3, "a record begins at {at}");
            let end = at + 5 + byte(at + 3) * 256 + byte(at + 4);
            records.push(places[at..end].to_vec());
            at = end;
        }
    }
    records
}

/// A recording whose packet ends before this byte.
fn cut(film: &Film, (packet, place): (usize, usize)) -> Film {
    let mut film = film.clone();
    film.packets[packet].truncate(place);
    let captured = (place - 16) as u32;
    film.packets[packet][8..12].copy_from_slice(&captured.to_le_bytes());
    film
}

#[test]
fn any_bit_of_a_header_and_any_part_of_a_record_may_be_wrong() {
    for name in NAMES {
        let original = Original::of(name);
        let records = records(&original.film);
        assert!(records.len() > 25, "{name} has {} records", records.len());
        let mut changed = 0;
        for (nth, record) in records.iter().enumerate() {
            let header = (0..5 * 8).map(|bit| (bit / 8, bit % 8));
            let (middle, last) = (5 + (record.len() - 5) / 2, record.len() - 1);
            for (at, bit) in header.chain([(5, 0), (middle, 3), (last, 7)]) {
                let mut film = original.film.clone();
                let (packet, place) = record[at];
                film.packets[packet][place] ^= 1 << bit;
                let (recorder, _) = film.play();
                if let Err(wrong) = check_all(&recorder, &original) {
                    panic!("{name}, record {nth}, byte {at}, bit {bit}: {wrong}");
                }
                let is_told = is_told(&recorder, &original);
                assert!(is_told, "{name}, record {nth}, byte {at}, bit {bit}");
                changed += 1;
            }
        }
        crate::shared::say(&format!("{name}: {changed} bits in {} records", records.len()));
    }
}

#[test]
fn any_record_may_be_cut_anywhere() {
    for name in NAMES {
        let original = Original::of(name);
        for (nth, record) in records(&original.film).iter().enumerate() {
            for at in [1, 3, 5, record.len() / 2, record.len() - 1] {
                let film = cut(&original.film, record[at]);
                let (recorder, _) = film.play();
                if let Err(wrong) = check_all(&recorder, &original) {
                    panic!("{name}, record {nth}, cut at {at}: {wrong}");
                }
                assert!(is_told(&recorder, &original), "{name}, record {nth}, cut at {at}");
            }
        }
    }
}

/// What was said in a recording, as its peers told it.
fn truth(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sample(&format!("{name}.truth.json"))).expect("it is there");
    let truth: Value = serde_json::from_str(&text).expect("it is JSON");
    let said = ["client_to_server", "server_to_client"].map(|way| truth[way].as_array().cloned());
    said.into_iter().flatten().flatten().collect()
}

/// True if a whole message that was read is one that was said.
fn was_said(message: &Value, truth: &[Value]) -> bool {
    let is_it = |said: &Value| match said.get("text") {
        Some(text) => *text == message["text"],
        None => said["binary"] == message["base64"],
    };
    truth.iter().any(is_it)
}

/// The same through the command: no message that nobody said, and a statement if one is missing.
#[test]
fn the_command_says_what_is_missing_and_shows_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in NAMES {
        let (film, truth) = (Film::of(name), truth(name));
        let keys = sample(&format!("{name}.keys"));
        let run = |film: &Film, more: &[&str]| {
            let file = folder.path().join("damaged.pcap");
            std::fs::write(&file, film.bytes()).expect("it is written");
            ws101(&[&["pcap", utf8(&file), "--keylog", utf8(&keys)], more].concat())
        };
        let whole = of_type(&run(&film, &["--format", "jsonl"]).records(), "message").len();
        assert_eq!(whole, truth.len(), "{name} undamaged");
        let mut lacking = 0;
        for (nth, record) in records(&film).iter().enumerate() {
            let mut flipped = film.clone();
            let (packet, place) = record[record.len() - 1];
            flipped.packets[packet][place] ^= 1;
            for (how, film) in [("flipped", flipped), ("cut", cut(&film, record[record.len() - 1]))]
            {
                let what = format!("{name}, record {nth} {how}");
                let records = run(&film, &["--format", "jsonl"]).records();
                let messages = of_type(&records, "message");
                for message in &messages {
                    let is_known = message["truncated"] == true || message["trusted"] == false;
                    assert!(is_known || was_said(message, &truth), "{what}: {message}");
                }
                if messages.len() == truth.len() {
                    continue;
                }
                lacking += 1;
                let is_stated =
                    ["gap", "tls"].iter().any(|kind| !of_type(&records, kind).is_empty());
                assert!(is_stated, "{what}: nothing says that messages are missing");
                let text = String::from_utf8(run(&film, &[]).stdout).expect("text");
                let sentences = ["not authentic", "not captured", "not readable", "not read"];
                assert!(sentences.iter().any(|it| text.contains(it)), "{what}: {text}");
            }
        }
        assert!(lacking > 10, "{name}: only {lacking} cost a message");
    }
}
