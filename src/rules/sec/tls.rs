//! The version of TLS (RFC 6455 §10.6): wss is as good as what lies below it.

use crate::rules::route::NO_ROUTE;
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Verdict, Violator};
use crate::said::{Endpoint, TlsVersion};
use crate::websocket::handshake::Handshake;

/// SEC-TLS-OLD
pub static OLD: Rule = Rule {
    id: "SEC-TLS-OLD",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §10.6; 8996 §1",
    title: "TLS is of version 1.2 or later",
    mend: "let the server accept TLS 1.2 and 1.3 only",
    check: Check::Handshake(old),
};

fn old(_: &Handshake, memory: &Memory) -> Verdict {
    let Some(tls) = memory.tls.as_deref() else {
        return match memory.route.encrypted {
            Some(false) => Verdict::Holds,
            Some(true) => Verdict::NotObserved("the handshake of TLS was not seen"),
            None => Verdict::NotObserved(NO_ROUTE),
        };
    };
    let Some(version) = tls.version else {
        return Verdict::NotObserved("the ServerHello was not captured");
    };
    let is_old = version < TlsVersion::TLS_1_2;
    Verdict::from(is_old.then(|| {
        let seen = format!("the server chose {version}, which was retired in 2021 or before");
        Broken::new(Endpoint::Server, seen, "TLS 1.2 or 1.3")
            .cause("client or server is old, or its TLS was never configured")
    }))
}
