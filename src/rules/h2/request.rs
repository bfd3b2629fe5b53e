//! The extended CONNECT (RFC 8441 §4 and §5) and its answer.

use crate::http::{Head, StartLine};
use crate::rules::observed::{Judgement, accepted, in_request, in_response, request, response};
use crate::rules::route::NO_ROUTE;
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;

/// Fields that concern one connection of HTTP/1.1 (RFC 9113 §8.2.2).
const CONNECTION_FIELDS: [&str; 5] =
    ["connection", "upgrade", "keep-alive", "proxy-connection", "transfer-encoding"];

/// H2-METHOD-PROTOCOL
pub static METHOD_PROTOCOL: Rule = Rule {
    id: "H2-METHOD-PROTOCOL",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "8441 §4, §5",
    title: "The request is CONNECT with :protocol websocket",
    mend: "send :method CONNECT and :protocol websocket",
    check: Check::Handshake(|handshake, memory| method_protocol(handshake, memory).into()),
};

/// The request as it was sent, unless a tool has printed it in the form of HTTP/1.1, as curl and HAR do:
/// then names, pseudo-header fields and what concerns the connection are the tool's own.
fn sent<'a>(handshake: &'a Handshake, memory: &Memory) -> Result<&'a Head, &'static str> {
    let head = request(handshake)?;
    let is_pseudo = |name: &[u8]| name.starts_with(b":");
    let has_pseudo = head.fields.iter().any(|field| is_pseudo(head.bytes(&field.name)));
    match (handshake.transcript || memory.pasted) && !has_pseudo {
        true => Err("a tool prints HTTP/2 in the form of HTTP/1.1"),
        false => Ok(head),
    }
}

/// Such a print shows one thing for certain: the method.
fn printed_get(head: &Head) -> Option<Broken> {
    let StartLine::Request { version, .. } = &head.start else { return None };
    let seen = "this went over HTTP/2, where there is no Upgrade: the server sees an ordinary GET";
    (head.method() == Some(b"GET")).then(|| {
        in_request(head, version, seen, "HTTP/1.1, or an extended CONNECT")
            .cause(
                "the two agreed on h2 while they set up TLS (ALPN): curl and others offer it by \
                 themselves for https",
            )
            .mend(
                "repeat it with curl --http1.1; a WebSocket over HTTP/2 begins with :method CONNECT \
                 and :protocol websocket, which curl does not send",
            )
    })
}

fn method_protocol(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = match sent(handshake, memory) {
        Ok(head) => head,
        Err(why) => {
            return printed_get(request(handshake)?).map_or(Err(why), |broken| Ok(Some(broken)));
        }
    };
    let (method, protocol) = (head.value(":method"), head.value(":protocol"));
    let is_protocol = protocol.is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"));
    Ok((method != Some(b"CONNECT") || !is_protocol).then(|| {
        let seen = match protocol {
            None => "fields of WebSocket come with a request that has no :protocol",
            Some(_) if !is_protocol => ":protocol is not websocket",
            Some(_) => ":protocol comes with another method than CONNECT",
        };
        in_request(head, &head.start_range(), seen, ":method CONNECT, :protocol websocket")
    }))
}

/// H2-SCHEME-PATH
pub static SCHEME_PATH: Rule = Rule {
    id: "H2-SCHEME-PATH",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "8441 §4",
    title: "Extended CONNECT has :scheme and :path",
    mend: "send both, as in any other request",
    check: Check::Handshake(|handshake, memory| scheme_path(handshake, memory).into()),
};

fn scheme_path(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = sent(handshake, memory)?;
    let missing = [":scheme", ":path"].into_iter().find(|name| head.line(name).is_none());
    Ok(missing.map(|name| {
        in_request(head, &head.start_range(), format!("{name} is missing"), name)
            .cause("it was taken for a CONNECT to a proxy, which has neither")
    }))
}

/// H2-SCHEME-VALUE
pub static SCHEME_VALUE: Rule = Rule {
    id: "H2-SCHEME-VALUE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "8441 §5",
    title: ":scheme is https or http",
    mend: "send https for wss, http for ws",
    check: Check::Handshake(|handshake, memory| scheme_value(handshake, memory).into()),
};

fn scheme_value(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = sent(handshake, memory)?;
    let Some(line) = head.line(":scheme") else { return Ok(None) };
    let scheme = head.bytes(&line.value);
    let (seen, severity) = match scheme {
        b"https" | b"http" => {
            let fits = memory.route.encrypted.is_none_or(|tls| tls == (scheme == b"https"));
            if fits {
                return Ok(None);
            }
            // Opportunistic security (RFC 8164) has http over TLS.
            let severity = if scheme == b"http" { Severity::Note } else { Severity::Error };
            ("the scheme does not fit to whether the connection goes over TLS", severity)
        }
        _ => ("the scheme is neither https nor http", Severity::Error),
    };
    Ok(Some(in_request(head, &line.value.clone(), seen, "https or http").severity(severity)))
}

/// H2-CONNECTION-HEADERS
pub static CONNECTION_HEADERS: Rule = Rule {
    id: "H2-CONNECTION-HEADERS",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "8441 §5; 9113 §8.2.2",
    title: "No fields about the connection",
    mend: "leave Connection, Upgrade and their like out: each stream is its own",
    check: Check::Handshake(|handshake, memory| connection_headers(handshake, memory).into()),
};

fn connection_headers(handshake: &Handshake, memory: &Memory) -> Judgement {
    let found = |head: &Head, from| {
        let line = CONNECTION_FIELDS.iter().find_map(|name| head.line(name))?;
        let name = String::from_utf8_lossy(head.bytes(&line.name)).into_owned();
        let seen = format!("the field {name} concerns a connection of HTTP/1.1");
        Some(Broken::new(from, seen, "nothing of it").in_head(head, &line.name))
    };
    let asked = found(sent(handshake, memory)?, Endpoint::Client);
    let answer = handshake.response.as_deref();
    Ok(asked.or_else(|| found(answer?, Endpoint::Server)))
}

/// H2-AUTHORITY
pub static AUTHORITY: Rule = Rule {
    id: "H2-AUTHORITY",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "8441 §4; 9113 §8.3.1",
    title: ":authority is there, and host says nothing else",
    mend: "send :authority, and no host beside it",
    check: Check::Handshake(|handshake, memory| authority(handshake, memory).into()),
};

fn authority(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = sent(handshake, memory)?;
    let Some(authority) = head.value(":authority") else {
        let seen = ":authority is missing";
        return Ok(Some(in_request(head, &head.start_range(), seen, ":authority with the host")));
    };
    let Some(line) = head.line("host") else { return Ok(None) };
    let is_same = head.bytes(&line.value).eq_ignore_ascii_case(authority);
    Ok((!is_same).then(|| {
        let seen = "host and :authority name different servers";
        in_request(head, &line.value.clone(), seen, "the same in both").severity(Severity::Warning)
    }))
}

/// H2-FIELD-CASE
pub static FIELD_CASE: Rule = Rule {
    id: "H2-FIELD-CASE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "8441 §5; 9113 §8.2",
    title: "Names of fields are in lower case",
    mend: "write the names in lower case",
    check: Check::Handshake(|handshake, memory| field_case(handshake, memory).into()),
};

fn field_case(handshake: &Handshake, memory: &Memory) -> Judgement {
    let found = |head: &Head, from| {
        let has_upper = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_uppercase);
        let line = head.fields.iter().find(|line| has_upper(head.bytes(&line.name)))?;
        let name = String::from_utf8_lossy(head.bytes(&line.name)).into_owned();
        let seen = format!("the name {name} has a capital letter");
        let expected = name.to_ascii_lowercase();
        Some(Broken::new(from, seen, expected).in_head(head, &line.name))
    };
    let asked = found(sent(handshake, memory)?, Endpoint::Client);
    let answer = handshake.response.as_deref();
    Ok(asked.or_else(|| found(answer?, Endpoint::Server)))
}

/// H2-KEY-IGNORED
pub static KEY_IGNORED: Rule = Rule {
    id: "H2-KEY-IGNORED",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "8441 §5",
    title: "Key and Accept are of no use over HTTP/2",
    mend: "leave sec-websocket-key and sec-websocket-accept out",
    check: Check::Handshake(|handshake, memory| key_ignored(handshake, memory).into()),
};

fn key_ignored(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = sent(handshake, memory)?;
    if let Some(line) = head.line("sec-websocket-key") {
        let seen = "the key is sent, and nobody looks at it";
        return Ok(Some(in_request(head, &line.name.clone(), seen, "no key")));
    }
    let Some(answer) = handshake.response.as_deref() else { return Ok(None) };
    Ok(answer.line("sec-websocket-accept").map(|line| {
        in_response(answer, &line.name.clone(), "an Accept is sent, and nobody asked", "no Accept")
    }))
}

/// H2-VERSION
pub static VERSION: Rule = Rule {
    id: "H2-VERSION",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "8441 §5; 6455 §4.1",
    title: "sec-websocket-version is 13",
    mend: "send sec-websocket-version: 13",
    check: Check::Handshake(|handshake, memory| version(handshake, memory).into()),
};

fn version(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = sent(handshake, memory)?;
    Ok(match head.line("sec-websocket-version") {
        None => {
            let seen = "sec-websocket-version is missing";
            Some(in_request(head, &head.start_range(), seen, "sec-websocket-version: 13"))
        }
        Some(line) if head.bytes(&line.value) == b"13" => None,
        Some(line) => Some(in_request(head, &line.value.clone(), "the version is not 13", "13")),
    })
}

/// H2-STATUS
pub static STATUS: Rule = Rule {
    id: "H2-STATUS",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "8441 §5; 9113 §8.6",
    title: "The answer that accepts is 200",
    mend: "answer :status 200",
    check: Check::Handshake(|handshake, _| status(handshake).into()),
};

fn status(handshake: &Handshake) -> Judgement {
    let head = response(handshake)?;
    let broken = |seen: String| in_response(head, &head.start_range(), seen, ":status 200");
    Ok(match handshake.status() {
        Some(101) => Some(
            broken("the status is 101, which HTTP/2 does not have".to_owned())
                .cause("the answer was made for HTTP/1.1"),
        ),
        Some(other @ 201..=299) => {
            let seen = format!("the status is {other}: any 2xx opens the stream");
            Some(broken(seen).severity(Severity::Note))
        }
        _ => None,
    })
}

/// H2-BODY-HEADERS
pub static BODY_HEADERS: Rule = Rule {
    id: "H2-BODY-HEADERS",
    severity: Severity::Warning,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "9110 §8.6, §9.3.6",
    title: "An answer that accepts says nothing about a length",
    mend: "leave content-length out",
    check: Check::Handshake(|handshake, _| body_headers(handshake).into()),
};

fn body_headers(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    Ok(head.line("content-length").map(|line| {
        let seen = "content-length comes with an answer that opens a tunnel";
        in_response(head, &line.line.clone(), seen, "no content-length")
    }))
}

/// H2-UNSUPPORTED-501
pub static UNSUPPORTED: Rule = Rule {
    id: "H2-UNSUPPORTED-501",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Server,
    rfc: "9220 §3",
    title: "A :protocol that the server does not know is answered with 501",
    mend: "answer :status 501 to a :protocol that is not known",
    check: Check::Handshake(|handshake, memory| unsupported(handshake, memory).into()),
};

/// Stated for HTTP/3; for HTTP/2 it is advice.
fn unsupported(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    let Some(protocol) = head.value(":protocol") else { return Ok(None) };
    let is_known = protocol.eq_ignore_ascii_case(b"websocket");
    let answer = response(handshake)?;
    let status = handshake.status().unwrap_or(0);
    if is_known || !memory.connect_allowed || status == 501 || status < 300 {
        return Ok(None);
    }
    let seen = format!("the :protocol {} is refused with {status}", crate::http::quote(protocol));
    Ok(Some(in_response(answer, &answer.start_range(), seen, ":status 501")))
}

/// H2-FALLBACK
pub static FALLBACK: Rule = Rule {
    id: "H2-FALLBACK",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "8441 §3",
    title: "WebSocket shares the connection of HTTP/2",
    mend: "nothing has to be mended; a server that sets SETTINGS_ENABLE_CONNECT_PROTOCOL to 1 saves \
           its clients the second connection",
    check: Check::Handshake(|handshake, memory| fallback(handshake, memory).into()),
};

fn fallback(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    if memory.tls.is_none() && memory.route.encrypted != Some(false) {
        return Err(NO_ROUTE);
    }
    let is_beside = memory.tls.as_ref().is_some_and(|tls| tls.beside_http2);
    Ok((is_beside && !handshake.is_http2()).then(|| {
        let seen = "this client has a connection of HTTP/2 to the same server, which does not allow \
                    WebSocket on it: so it opens one of HTTP/1.1 as well";
        in_request(head, &head.start_range(), seen, "")
    }))
}
