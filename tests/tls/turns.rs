//! Turns that a connection over TLS 1.3 may take: HelloRetryRequest, KeyUpdate, resumption, 0-RTT data
//! accepted and refused. What the servers received is in the truth file, as OpenSSL printed it.

use crate::film::{Film, sample};
use ws101::said::Endpoint;

#[test]
fn what_the_servers_received_is_read_whatever_turns_a_connection_takes() {
    let truth = std::fs::read_to_string(sample("tls-turns.truth.json")).expect("it is there");
    let truth: serde_json::Value = serde_json::from_str(&truth).expect("it is JSON");
    let (recorder, tally) = Film::of("tls-turns").play();
    for port in [44330, 44331] {
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
    assert_eq!((tally.tls.read, tally.tls.key_updates, tally.tls.bad_records), (4, 2, 0));
}
