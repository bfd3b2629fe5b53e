//! What a TLS connection says about itself in its handshake (RFC 8446 §4, RFC 5246 §7.4): facts that
//! rules and renderers need. Keys and records are not here: how bytes were carried ends at waist 1.

use super::At;
use std::fmt;
use std::net::SocketAddr;

/// A version of TLS, as its handshake has it on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// TLS 1.0 (RFC 2246).
    pub const TLS_1_0: TlsVersion = TlsVersion(0x0301);
    /// TLS 1.1 (RFC 4346).
    pub const TLS_1_1: TlsVersion = TlsVersion(0x0302);
    /// TLS 1.2 (RFC 5246).
    pub const TLS_1_2: TlsVersion = TlsVersion(0x0303);
    /// TLS 1.3 (RFC 8446).
    pub const TLS_1_3: TlsVersion = TlsVersion(0x0304);
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            minor @ 0x0301..=0x0304 => write!(f, "TLS 1.{}", minor - 0x0301),
            draft @ 0x7f00..=0x7fff => write!(f, "TLS 1.3 draft {}", draft & 0xff),
            other => write!(f, "TLS {other:#06x}"),
        }
    }
}

/// What the hellos of a TLS connection agree on, as far as they were seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The version that the server chose.
    pub version: Option<TlsVersion>,
    /// The cipher suite that the server chose: IANA's number and name.
    pub cipher_suite: Option<(u16, &'static str)>,
    /// The ClientHello was read, so that what it lacks is known to be missing.
    pub client_hello_seen: bool,
    /// The name that the client asks for (SNI, RFC 6066 §3), as it stands there.
    pub server_name: Option<Vec<u8>>,
    /// The client sent an encrypted ClientHello: the name above may be a cover.
    pub encrypted_client_hello: bool,
    /// The protocols that the client offered (ALPN, RFC 7301).
    pub offered_protocols: Vec<Vec<u8>>,
    /// The protocol that the server chose; in TLS 1.3 it is encrypted.
    pub protocol: Option<Vec<u8>>,
    /// The same client has a connection of HTTP/2 to the same server, which has not allowed
    /// WebSocket on it (RFC 8441 §3).
    pub beside_http2: bool,
}

/// Why the records of a TLS connection were not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpaqueReason {
    /// There is no key log, and no secrets in the capture.
    NoKeyLog,
    /// There are secrets, but none for this connection.
    NotInKeyLog,
    /// The key log lacks one of the secrets that are needed.
    SecretsIncomplete,
    /// The capture began after the handshake, or lost part of it: whose keys these are is not known.
    HandshakeMissing,
    /// This program does not decrypt this cipher suite or version.
    Unsupported,
    /// The secrets that stand under this connection's random number open none of its records.
    WrongSecrets,
    /// The handshake failed: there is nothing to read.
    HandshakeFailed,
    /// The server answered the ClientHello with plain HTTP: it does not speak TLS on this port.
    AnsweredInClear,
    /// The secrets came after more was captured than is held back for them.
    TooLate,
}

impl OpaqueReason {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            OpaqueReason::NoKeyLog => "no-key-log",
            OpaqueReason::NotInKeyLog => "not-in-key-log",
            OpaqueReason::SecretsIncomplete => "secrets-incomplete",
            OpaqueReason::HandshakeMissing => "handshake-missing",
            OpaqueReason::Unsupported => "unsupported",
            OpaqueReason::WrongSecrets => "wrong-secrets",
            OpaqueReason::HandshakeFailed => "handshake-failed",
            OpaqueReason::AnsweredInClear => "answered-in-clear",
            OpaqueReason::TooLate => "too-late",
        }
    }

    /// One sentence without its full stop.
    pub const fn says(self) -> &'static str {
        match self {
            OpaqueReason::NoKeyLog => "there is no key log, and the capture holds no secrets",
            OpaqueReason::NotInKeyLog => "the key log has nothing for this connection",
            OpaqueReason::SecretsIncomplete => {
                "the key log has only some of this connection's secrets"
            }
            OpaqueReason::HandshakeMissing => {
                "its handshake was not captured whole, so it can't be told which secrets open it"
            }
            OpaqueReason::Unsupported => "this version or cipher suite is not decrypted here",
            OpaqueReason::WrongSecrets => {
                "the secrets that the key log has for it open none of its records"
            }
            OpaqueReason::HandshakeFailed => "its handshake failed",
            OpaqueReason::AnsweredInClear => {
                "the client speaks TLS to a port that expects plain HTTP: the server answers its \
                 ClientHello with HTTP. Use ws:// for this port, or the port for TLS"
            }
            OpaqueReason::TooLate => {
                "its secrets came after more had passed than is held back for them"
            }
        }
    }
}

/// A TLS connection whose records stay closed: all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opaque {
    /// Address of the client.
    pub client: Option<SocketAddr>,
    /// Address of the server.
    pub server: Option<SocketAddr>,
    /// What its hellos say.
    pub tls: Tls,
    /// Why no more is known.
    pub why: OpaqueReason,
    /// Of a failed handshake: the alert (RFC 8446 §6) that ended it.
    pub alert: Option<(super::Endpoint, &'static str)>,
    /// Its first packet.
    pub at: At,
}
