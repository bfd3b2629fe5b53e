//! Turns that a connection over TLS may take: HelloRetryRequest, KeyUpdate, resumption, 0-RTT data
//! accepted and refused; versions and ciphers that nobody should use any more. What the servers received
//! is in the truth files, as OpenSSL printed it.

use crate::film::{Film, sample};
use ws101::said::{Endpoint, TlsVersion};

/// What the servers on these ports received is what is read. Answers how many connections were read, how
/// often keys were changed, and how many records could not be opened.
fn check(name: &str, ports: std::ops::RangeInclusive<u16>) -> (u64, u64, u64) {
    let truth = sample(&format!("{name}.truth.json"));
    let truth = std::fs::read_to_string(truth).expect("it is there");
    let truth: serde_json::Value = serde_json::from_str(&truth).expect("it is JSON");
    let (recorder, tally) = Film::of(name).play();
    for port in ports {
        let seen: Vec<String> = recorder
            .told
            .iter()
            .filter(|told| {
                let opening = told.opening.expect("it was opened");
                opening.server.is_some_and(|server| server.port() == port)
            })
            .map(|told| told.text(Endpoint::Client).replace("[Fin]", ""))
            .collect();
        let expected = &truth["received_by_the_server_on_port"][port.to_string()];
        assert_eq!(serde_json::json!(seen), *expected, "port {port}");
    }
    assert!(recorder.opaque.is_empty(), "{:?}", recorder.opaque);
    (tally.tls.read, tally.tls.key_updates, tally.tls.bad_records)
}

#[test]
fn what_the_servers_received_is_read_whatever_turns_a_connection_takes() {
    assert_eq!(check("tls-turns", 44330..=44331), (4, 2, 0));
}

#[test]
fn old_versions_and_macs_are_read_as_well() {
    assert_eq!(check("tls-old", 44380..=44385), (6, 0, 0));
    // Without secrets each says what it is.
    let mut film = Film::of("tls-old");
    film.keys.clear();
    let versions: Vec<_> = film
        .play()
        .0
        .opaque
        .iter()
        .map(|opaque| opaque.tls.version.expect("it is agreed"))
        .collect();
    let [old, newer, newest] = [TlsVersion::TLS_1_0, TlsVersion::TLS_1_1, TlsVersion::TLS_1_2];
    assert_eq!(versions, [old, old, newer, newer, newest, newest]);
}
