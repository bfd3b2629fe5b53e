//! What happens around a stream that carries WebSocket: settings, resets, its end.

use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Http2Fact;
use crate::websocket::Http2Event;

/// CANCEL (RFC 9113 §7): what RFC 8441 §5 gives for a reset of TCP.
const CANCEL: u32 = 8;

/// H2-SETTING-VALUE
pub static SETTING_VALUE: Rule = Rule {
    id: "H2-SETTING-VALUE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "8441 §3",
    title: "SETTINGS_ENABLE_CONNECT_PROTOCOL is 0 or 1",
    mend: "send 1, or leave the setting out",
    check: Check::Http2(setting_value),
};

fn setting_value(event: &Http2Event, _: &Memory) -> Option<Broken> {
    let Http2Fact::ConnectProtocol { value, .. } = event.fact else { return None };
    (value > 1).then(|| {
        let seen = format!("SETTINGS_ENABLE_CONNECT_PROTOCOL is {value}");
        Broken::new(event.from, seen, "0 or 1")
    })
}

/// H2-SETTING-WITHDRAWN
pub static SETTING_WITHDRAWN: Rule = Rule {
    id: "H2-SETTING-WITHDRAWN",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "8441 §3",
    title: "Extended CONNECT is not switched off again",
    mend: "end the connection with GOAWAY, and do not allow it on the next one",
    check: Check::Http2(setting_withdrawn),
};

fn setting_withdrawn(event: &Http2Event, _: &Memory) -> Option<Broken> {
    let withdrawn = Http2Fact::ConnectProtocol { value: 0, before: Some(1) };
    (event.fact == withdrawn).then(|| {
        let seen = "SETTINGS_ENABLE_CONNECT_PROTOCOL goes from 1 to 0";
        Broken::new(event.from, seen, "that it stays 1")
    })
}

/// H2-NO-PERMISSION
pub static NO_PERMISSION: Rule = Rule {
    id: "H2-NO-PERMISSION",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "8441 §3",
    title: "Extended CONNECT comes after the server has allowed it",
    mend: "wait for the server's SETTINGS, and use HTTP/1.1 if it does not allow it",
    check: Check::Http2(no_permission),
};

fn no_permission(event: &Http2Event, _: &Memory) -> Option<Broken> {
    (event.fact == Http2Fact::Asked { allowed: Some(false) }).then(|| {
        let seen = ":protocol is sent, and the server has not set SETTINGS_ENABLE_CONNECT_PROTOCOL \
                    to 1 by then";
        Broken::new(event.from, seen, "the setting first")
    })
}

/// H2-STREAM-END
pub static STREAM_END: Rule = Rule {
    id: "H2-STREAM-END",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "8441 §5",
    title: "Nothing follows END_STREAM",
    mend: "send END_STREAM with, or after, the last frame",
    check: Check::Http2(stream_end),
};

fn stream_end(event: &Http2Event, _: &Memory) -> Option<Broken> {
    (event.fact == Http2Fact::DataAfterEnd).then(|| {
        let seen = format!("the {} goes on with DATA after its END_STREAM", event.from);
        Broken::new(event.from, seen, "nothing")
    })
}

/// H2-RESET-CODE
pub static RESET_CODE: Rule = Rule {
    id: "H2-RESET-CODE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "8441 §5",
    title: "An abort is RST_STREAM with CANCEL",
    mend: "reset the stream with CANCEL (8)",
    check: Check::Http2(reset_code),
};

fn reset_code(event: &Http2Event, _: &Memory) -> Option<Broken> {
    let Http2Fact::Reset { code, accepted: true } = event.fact else { return None };
    (code != CANCEL).then(|| {
        let seen = format!("RST_STREAM with {}", error_name(code));
        Broken::new(event.from, seen, "CANCEL (8)")
    })
}

/// Error codes (RFC 9113 §7).
pub(in crate::rules) fn error_name(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    match NAMES.get(code as usize) {
        Some(name) => format!("{name} ({code})"),
        None => format!("the code {code}"),
    }
}

/// H2-FRAME-TYPES
pub static FRAME_TYPES: Rule = Rule {
    id: "H2-FRAME-TYPES",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "9113 §8.5",
    title: "A tunnel holds DATA and nothing else",
    mend: "send no trailers on the stream",
    check: Check::Http2(frame_types),
};

fn frame_types(event: &Http2Event, _: &Memory) -> Option<Broken> {
    (event.fact == Http2Fact::LateHeaders).then(|| {
        let seen = format!("the {} sends HEADERS on the stream after it was opened", event.from);
        Broken::new(event.from, seen, "DATA, or frames that manage the stream")
    })
}
