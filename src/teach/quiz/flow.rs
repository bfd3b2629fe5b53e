//! Questions about what comes after what: the order of a conversation, fragments, endings. The
//! conversations are made up here and heard by the decoder.

use super::material::{Ended, Saying, hear};
use super::{Answer, Kind, Material, Question, below, one_of, shuffle};
use crate::build::{Frame, Numbers, Upgrade};
use crate::render::escape;
use crate::said::{Endpoint, TransportEnd};
use crate::websocket::{Opcode, close};

pub(super) const ORDER: Kind = Kind {
    name: "order",
    about: "put the steps of a connection in order",
    level: 1,
    topic: "upgrade",
    make: order,
};
pub(super) const MESSAGES: Kind = Kind {
    name: "messages",
    about: "count the messages in a run of frames",
    level: 2,
    topic: "fragmentation",
    make: messages,
};
pub(super) const BROWSER_CODE: Kind = Kind {
    name: "browser-code",
    about: "say which close code the browser reports",
    level: 3,
    topic: "close-codes",
    make: browser_code,
};

fn handshake(numbers: &mut Numbers) -> Vec<Saying> {
    let [request, response] = Upgrade::default().heads(numbers);
    vec![
        Saying::Bytes(Endpoint::Client, request.bytes()),
        Saying::Bytes(Endpoint::Server, response.bytes()),
    ]
}

/// Says a frame, masked if the client does.
fn say(from: Endpoint, frame: Frame, numbers: &mut Numbers) -> Saying {
    let key = (from == Endpoint::Client).then(|| numbers.masking_key());
    Saying::Bytes(from, frame.with_key(key).bytes())
}

fn order(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let asker = *one_of(numbers, &[Endpoint::Client, Endpoint::Server]);
    // Whoever answers the Ping closes: nobody sends a Pong behind a Close, so the order is the
    // only one there is.
    let closer = asker.peer();
    let code = *one_of(numbers, &[1000, 1001]);
    let mut sayings = handshake(numbers);
    for (from, frame) in [
        (asker, Frame::new(Opcode::Ping, b"", None)),
        (closer, Frame::new(Opcode::Pong, b"", None)),
        (closer, Frame::close(code, "", None)),
        (asker, Frame::close(code, "", None)),
    ] {
        sayings.push(say(from, frame, numbers));
    }
    sayings.push(Saying::End(Endpoint::Server, TransportEnd::Fin));
    let steps: Vec<String> = hear(&sayings, false).steps.into_iter().map(|step| step.0).collect();
    let mut shuffled: Vec<usize> = (0..steps.len()).collect();
    while shuffled.is_sorted() {
        shuffle(&mut shuffled, numbers);
    }
    let place = |step: usize| shuffled.iter().position(|shown| *shown == step);
    let answer: Option<Vec<usize>> = (0..steps.len()).map(place).collect();
    Some(Question {
        kind,
        ask: "Put these steps of a healthy connection into the order in which they happen."
            .to_owned(),
        shown: Vec::new(),
        choices: shuffled.iter().map(|step| steps[*step].clone()).collect(),
        answer: Answer::Order(answer?),
        hint: "A question comes before its answer, and after a Close its sender says nothing more.",
        because: format!("{}.", steps.join("; ")),
        command: Some("explain upgrade".to_owned()),
    })
}

fn messages(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let mut frames: Vec<Frame> = Vec::new();
    for _ in 0..1 + below(numbers, 2) {
        let word = *one_of(numbers, &["Hello", "abcdef", "one two", "fragment"]);
        let parts = 1 + below(numbers, 3);
        for part in Frame::new(Opcode::Text, word.as_bytes(), None).fragments(parts, numbers) {
            if below(numbers, 3) == 0 {
                frames.push(Frame::new(*one_of(numbers, &[Opcode::Ping, Opcode::Pong]), b"", None));
            }
            frames.push(part);
        }
    }
    let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
    let heard = hear(&[Saying::Bytes(Endpoint::Server, bytes.clone())], true);
    let count = heard.messages as u64;
    Some(Question {
        kind,
        ask: "A server sends these frames, one a line. How many messages does the application get?"
            .to_owned(),
        shown: frames.iter().map(|frame| escape::hex(&frame.bytes())).collect(),
        choices: Vec::new(),
        answer: Answer::Number(count),
        hint: "A message begins with 1 or 2 in the lower half of the first byte, and ends with FIN.",
        because: format!(
            "{} frames, {count} of them the last of a message; pings and pongs are none",
            frames.len()
        ),
        command: Some(format!("frame --brief --from server {}", escape::hex(&bytes))),
    })
}

fn browser_code(
    kind: &'static Kind,
    numbers: &mut Numbers,
    material: &Material,
) -> Option<Question> {
    let told: Vec<&Ended> =
        material.endings.iter().filter(|ended| ended.client_reports.is_some()).collect();
    let ended = match told.is_empty() {
        false => (*one_of(numbers, &told)).clone(),
        true if material.source.is_some() => return None,
        true => {
            let sayings = ending(numbers);
            hear(&sayings, false).material.endings.pop()?
        }
    };
    let code = ended.client_reports?;
    Some(Question {
        kind,
        ask: "A browser is the client. Which code does its close event report?".to_owned(),
        shown: ended.lines,
        choices: Vec::new(),
        answer: Answer::Number(u64::from(code)),
        hint: "The code in the Close that arrived; 1005 if that had none; 1006 if none arrived.",
        because: format!("{code} is {}. {}", close::lookup(code).name, ended.why),
        command: Some(format!("explain {code}")),
    })
}

/// One of the ways in which connections end.
fn ending(numbers: &mut Numbers) -> Vec<Saying> {
    let code = *one_of(numbers, &[1000, 1001, 1008, 1011, 4000, 4001]);
    let reason = *one_of(numbers, &["", "bye", "enough"]);
    let (client, server) = (Endpoint::Client, Endpoint::Server);
    let mut sayings = handshake(numbers);
    let hello = Frame::new(Opcode::Text, b"Hello", None);
    sayings.push(say(server, hello, numbers));
    let with_code = || Frame::close(code, reason, None);
    let without = || Frame::new(Opcode::Close, b"", None);
    let closes: Vec<(Endpoint, Frame)> = match below(numbers, 7) {
        0 => vec![(server, with_code()), (client, Frame::close(code, "", None))],
        1 => vec![(server, without()), (client, without())],
        2 => {
            vec![(client, Frame::close(4000, reason, None)), (server, Frame::close(1000, "", None))]
        }
        3 => vec![(client, with_code()), (server, without())],
        4 => {
            vec![(client, Frame::close(1000, reason, None)), (server, Frame::close(1000, "", None))]
        }
        _ => Vec::new(),
    };
    for (from, frame) in closes {
        sayings.push(say(from, frame, numbers));
    }
    let how =
        if numbers.roll().is_multiple_of(4) { TransportEnd::Reset } else { TransportEnd::Fin };
    sayings.push(Saying::End(server, how));
    sayings
}
