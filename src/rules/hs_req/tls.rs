//! What the handshake of TLS says about the client: the name it asks for (RFC 6066 §3).

use crate::rules::observed::{Judgement, in_request, request};
use crate::rules::route::NO_ROUTE;
use crate::rules::{Check, Level, Memory, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;
use std::net::IpAddr;

/// HS-REQ-TLS-SNI
pub static SNI: Rule = Rule {
    id: "HS-REQ-TLS-SNI",
    severity: Severity::Note,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1; 6066 §3",
    title: "A client of wss names the server in the handshake of TLS",
    mend: "give the host's name to the TLS library as well: server_hostname, servername, \
           SSL_set_tlsext_host_name",
    check: Check::Handshake(|handshake, memory| sni(handshake, memory).into()),
};

fn sni(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    match memory.route.encrypted {
        None => return Err(NO_ROUTE),
        Some(false) => return Ok(None),
        Some(true) => {}
    }
    let tls = memory.tls.as_deref().filter(|tls| tls.client_hello_seen);
    let tls = tls.ok_or("the ClientHello was not captured")?;
    let host = head.authority().unwrap_or_default();
    if tls.server_name.is_some() || tls.encrypted_client_hello || is_address(host) {
        return Ok(None);
    }
    let line = head.line("Host").map(|line| line.value.clone());
    let range = line.unwrap_or_else(|| head.start_range());
    let seen = "the ClientHello has no server_name, although the client knows the host by name";
    Ok(Some(
        in_request(head, &range, seen, "server_name with the name in Host")
            .cause("the library was given an address, or a socket that was connected before"),
    ))
}

/// An address is never put into server_name (RFC 6066 §3).
fn is_address(host: &[u8]) -> bool {
    let host = String::from_utf8_lossy(host);
    let bare = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare.parse::<IpAddr>().is_ok()
}
