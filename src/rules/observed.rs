//! What a check of the handshake may look at: each answer is the thing itself, or why the rule
//! can't be judged. And how such a check says what it saw.

use super::{Broken, Phrase, Verdict};
use crate::http::{Flaw, FlawKind, Head, Names};
use crate::said::Endpoint;
use crate::websocket::handshake::{Dialect, Handshake};

pub(super) use crate::websocket::header::is_redacted;
use std::ops::Range;

/// What a check came to: nothing, or something broken, or why it could not look.
pub(super) type Judgement = Result<Option<Broken>, &'static str>;

impl From<Judgement> for Verdict {
    fn from(judgement: Judgement) -> Verdict {
        match judgement {
            Ok(broken) => broken.into(),
            Err(why) => Verdict::NotObserved(why),
        }
    }
}

/// The request, if it is one that the rules for handshakes concern.
pub(super) fn request(handshake: &Handshake) -> Result<&Head, &'static str> {
    let request = handshake.request.as_deref().ok_or("the request was not captured")?;
    (*handshake.answers.request.get_or_init(|| is_concerned(handshake, request)))?;
    Ok(request)
}

fn is_concerned(handshake: &Handshake, request: &Head) -> Result<(), &'static str> {
    if request.method() == Some(b"CONNECT") && !request.is_http2() {
        return Err("a CONNECT is not a handshake of HTTP/1.1");
    }
    if handshake.status() == Some(426) && !handshake.transcript && handshake.is_plain_get() {
        return Err("a request for a page is no handshake");
    }
    // What is missing from a head that was cut off may have come after the cut.
    if !request.complete && !handshake.transcript {
        return Err("the request was cut off");
    }
    Ok(())
}

/// True if the line that this range lies in was captured to its end.
pub(super) fn is_ended(head: &Head, range: &Range<usize>) -> bool {
    head.complete || head.source.get(range.end..).is_some_and(|rest| rest.contains(&b'\n'))
}

/// The request, if it is of RFC 6455: the drafts had other keys and versions.
pub(super) fn modern_request(handshake: &Handshake) -> Result<&Head, &'static str> {
    not_hixie(handshake)?;
    request(handshake)
}

/// The final response.
pub(super) fn response(handshake: &Handshake) -> Result<&Head, &'static str> {
    let response = handshake.response.as_deref().ok_or("no response was captured")?;
    if !response.complete && !handshake.transcript {
        return Err("the response was cut off");
    }
    Ok(response)
}

/// The response, if it accepts.
pub(super) fn accepted(handshake: &Handshake) -> Result<&Head, &'static str> {
    let response = response(handshake)?;
    if handshake.is_accepted() { Ok(response) } else { Err("the handshake was not accepted") }
}

/// Fails for the first two drafts, which shared little with RFC 6455 but the name.
pub(super) fn not_hixie(handshake: &Handshake) -> Result<(), &'static str> {
    match handshake.dialect() {
        Dialect::Hixie75 => Err("a handshake of the draft hixie-75"),
        Dialect::Hixie76 => Err("a handshake of the draft hixie-76"),
        Dialect::Rfc6455 | Dialect::Hybi(_) => Ok(()),
    }
}

/// Something in the request.
pub(super) fn in_request(
    head: &Head,
    range: &Range<usize>,
    seen: impl Into<Phrase>,
    expected: impl Into<Phrase>,
) -> Broken {
    Broken::new(Endpoint::Client, seen, expected).in_head(head, range)
}

/// Something in the response.
pub(super) fn in_response(
    head: &Head,
    range: &Range<usize>,
    seen: impl Into<Phrase>,
    expected: impl Into<Phrase>,
) -> Broken {
    Broken::new(Endpoint::Server, seen, expected).in_head(head, range)
}

/// What a proxy adds while it passes a request on.
pub(super) const TRACES: [&str; 6] =
    ["Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP"];

/// True if a request shows that a proxy has passed it on.
pub(super) fn is_passed_on(head: &Head) -> bool {
    const PLACES: u64 = Names::places(&TRACES);
    head.may_have(PLACES) && TRACES.iter().any(|name| head.line(name).is_some())
}

/// A line that is not there. What is pointed at is the first line of the head, which stays: so
/// the words say that a line is to be added.
pub(super) fn missing_line(
    from: Endpoint,
    head: &Head,
    seen: impl Into<Phrase>,
    line: &str,
) -> Broken {
    let broken = Broken::new(from, seen, format!("one more line: {line}"));
    let name = line.trim_start_matches('`').split(':').next().unwrap_or_default();
    let is_it = |flaw: &&Flaw| {
        let word = head.bytes(&flaw.range).split(|&b| b == b' ').next().unwrap_or_default();
        flaw.kind == FlawKind::NoColon && word.eq_ignore_ascii_case(name.as_bytes())
    };
    match head.flaws.iter().find(is_it) {
        Some(flaw) => Broken { expected: format!("{name}: and its value").into(), ..broken }
            .cause(format!("this line is none for want of a colon behind {name}"))
            .mend(format!("write a colon behind {name}"))
            .in_head(head, &flaw.range),
        None => broken.mend(format!("add the line {line}")).in_head(head, &head.start_range()),
    }
}

/// From the first to the last line of that name, as far as their values, and how many there are;
/// none if there is no line.
pub(super) fn all_values(head: &Head, name: &str) -> Option<(Range<usize>, usize)> {
    let mut lines = head.lines(name);
    let first = lines.next()?.value.clone();
    Some(lines.fold((first, 1), |(range, count), line| (range.start..line.value.end, count + 1)))
}
