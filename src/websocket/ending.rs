//! How a connection ended, in one sentence with its evidence (RFC 6455 §7.1, §7.4).

use super::close;
use super::event::{End, How};
use crate::said::{Endpoint, TransportEnd};

/// One sentence: who closed, with what, and what the client's API makes of it.
pub(super) fn why(end: &End) -> String {
    let mut sentence = match end.how {
        How::ClosingHandshake => closing_handshake(end),
        How::CaptureEnd => capture_end(end),
        How::Fin | How::Reset => dropped(end),
    };
    if end.upgraded
        && let Some(code) = end.reported_to(Endpoint::Client)
    {
        sentence.push_str(&format!("; the client's API reports {code}"));
    }
    sentence
}

fn closing_handshake(end: &End) -> String {
    let first = end.closed_by.unwrap_or(Endpoint::Client);
    let [first_code, answer] = [first, first.peer()].map(|endpoint| with_code(end, endpoint));
    let peer = first.peer();
    let clean = if end.is_clean() { "clean" } else { "not clean, because of the code" };
    format!("the {first} closed first {first_code}; the {peer} answered {answer}; {clean}")
}

fn capture_end(end: &End) -> String {
    match [Endpoint::Client, Endpoint::Server].map(|endpoint| end.closes[endpoint.index()]) {
        [None, None] => "it was still open when the capture ended".to_owned(),
        [Some(_), _] => half_closed(end, Endpoint::Client),
        [None, Some(_)] => half_closed(end, Endpoint::Server),
    }
}

fn half_closed(end: &End, first: Endpoint) -> String {
    let code = with_code(end, first);
    format!("the {first} sent Close {code}; the capture ended before an answer")
}

fn dropped(end: &End) -> String {
    let mut sentence = match end.closed_by.filter(|by| end.closes[by.index()].is_some()) {
        Some(closer) => {
            let code = with_code(end, closer);
            let peer = closer.peer();
            let answer = match end.closes[peer.index()] {
                Some(_) => format!("the {peer} answered only after the {closer} had closed TCP; "),
                None => format!("the {peer} never answered; "),
            };
            format!("the {closer} sent Close {code}; {answer}")
        }
        None => String::new(),
    };
    let first = end.first_to_end();
    let (who, how) = match first {
        Some((endpoint, TransportEnd::Fin)) => (endpoint.name(), "closed TCP"),
        Some((endpoint, TransportEnd::Reset)) => (endpoint.name(), "reset TCP"),
        None => ("transport", "ended"),
    };
    sentence.push_str(&format!("the {who} {how}"));
    if end.closes == [None; 2] && end.upgraded {
        sentence.push_str(" without a Close frame from either side");
    }
    if let Some((endpoint, _)) = first
        && end.inside_frame[endpoint.index()]
    {
        sentence.push_str(", in the middle of a frame");
    }
    sentence
}

/// Which endpoint ended the transport first, and how.
pub(super) fn first_to_end(end: &End) -> Option<(Endpoint, TransportEnd)> {
    let ended = |endpoint: Endpoint| end.transport[endpoint.index()];
    let order = |at: crate::said::At| (at.packet, at.time);
    match (ended(Endpoint::Client), ended(Endpoint::Server)) {
        (Some((client, at)), Some((server, peer_at))) => {
            let is_tie = order(peer_at) == order(at);
            if order(peer_at) < order(at) || is_tie && end.told_first == Some(Endpoint::Server) {
                Some((Endpoint::Server, server))
            } else {
                Some((Endpoint::Client, client))
            }
        }
        (Some((how, _)), None) => Some((Endpoint::Client, how)),
        (None, Some((how, _))) => Some((Endpoint::Server, how)),
        (None, None) => None,
    }
}

fn with_code(end: &End, endpoint: Endpoint) -> String {
    match end.closes[endpoint.index()] {
        Some(Some(code)) => format!("with {code} ({})", close::lookup(code).name),
        Some(None) => "without a code".to_owned(),
        None => "not at all".to_owned(),
    }
}
