//! Questions about what comes after what: the order of a conversation, fragments, endings. The
//! conversations are made up here and heard by the decoder.

use super::material::{Ended, Kept, Saying, hear};
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
    of_captures: false,
    make: order,
};
pub(super) const MESSAGES: Kind = Kind {
    name: "messages",
    about: "count the messages in a run of frames",
    level: 2,
    topic: "fragmentation",
    of_captures: true,
    make: messages,
};
pub(super) const BROWSER_CODE: Kind = Kind {
    name: "browser-code",
    about: "say which close code the browser reports",
    level: 3,
    topic: "close-codes",
    of_captures: true,
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
    // Whoever answers the Ping closes: nobody sends a Pong behind a Close, and the steps name
    // who begins and who answers, so the order is the only one there is.
    let closer = asker.peer();
    let code = match closer {
        Endpoint::Client => *one_of(numbers, &[1000, 3000, 4000]),
        Endpoint::Server => *one_of(numbers, &[1000, 1001, 1011, 4000]),
    };
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
    let steps: Vec<String> = hear(&sayings, None).steps.into_iter().map(|step| step.0).collect();
    let mut shuffled: Vec<usize> = (0..steps.len()).collect();
    while shuffled.is_sorted() {
        shuffle(&mut shuffled, numbers);
    }
    let place = |step: usize| shuffled.iter().position(|shown| *shown == step);
    let answer: Option<Vec<usize>> = (0..steps.len()).map(place).collect();
    let ask = "Put these steps of a healthy connection into the order in which they happen. After \
               its Close an end sends nothing more.";
    let because = format!("{}.", steps.join("; "));
    Some(Question {
        choices: shuffled.iter().map(|step| steps[*step].clone()).collect(),
        hint: "A question comes before its answer; TCP ends when both have closed.",
        because: because.clone(),
        topic: "closing",
        ..Question::new(kind, ask, Answer::Order(answer?), because)
    })
}

fn messages(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let (from, frames) = match material.source {
        Some(_) => run_of(numbers, material)?,
        None => (Endpoint::Server, some_messages(numbers)),
    };
    let bytes = frames.concat();
    let count = hear(&[Saying::Bytes(from, bytes.clone())], Some(None)).messages as u64;
    let ask = format!(
        "A {from} sends these frames, one a line. How many whole messages has the application got \
         by then?"
    );
    let shown: Vec<String> = frames.iter().map(|frame| escape::hex(frame)).collect();
    // To count is the exercise: the same number over and over is none.
    let gist = match material.source {
        Some(_) => shown.join("/"),
        None => format!("{count} {}", frames.len() > 4),
    };
    Some(Question {
        shown,
        hint: "A message begins with 1 or 2 in the lower half of the first byte, and ends with FIN.",
        because: format!(
            "{} frames, {count} of them the last of a message; pings and pongs are none, and what \
             has not ended is none yet",
            frames.len()
        ),
        command: Some(format!("frame --brief --from {from} {}", escape::hex(&bytes))),
        ..Question::new(kind, ask, Answer::Number(count), gist)
    })
}

/// Frames of a server with none to four messages in them, perhaps in pieces, perhaps with the
/// beginning of another behind, control frames in between.
fn some_messages(numbers: &mut Numbers) -> Vec<Vec<u8>> {
    let count = below(numbers, 5);
    let mut frames: Vec<Frame> = Vec::new();
    for _ in 0..count {
        let word = *one_of(numbers, &["Hello", "abcdef", "one two", "fragment", "yes"]);
        let parts = 1 + below(numbers, if count < 3 { 3 } else { 2 });
        frames.extend(Frame::new(Opcode::Text, word.as_bytes(), None).fragments(parts, numbers));
    }
    if count == 0 || below(numbers, 3) == 0 {
        let parts = 2 + below(numbers, 2);
        let mut open = Frame::new(Opcode::Text, b"unfinished", None).fragments(parts, numbers);
        open.pop();
        frames.extend(open);
    }
    for _ in 0..1 + below(numbers, 2) {
        let control = Frame::new(*one_of(numbers, &[Opcode::Ping, Opcode::Pong]), b"", None);
        frames.insert(below(numbers, frames.len() + 1), control);
    }
    frames.iter().map(Frame::bytes).collect()
}

/// No longer frames stand on a line.
const MAX_LINE: usize = 40;

/// Frames of a capture, of one end and one behind the other, from the beginning of a message on.
fn run_of(numbers: &mut Numbers, material: &Material) -> Option<(Endpoint, Vec<Vec<u8>>)> {
    let opcode = |frame: &Kept| frame.bytes[0] & 0x0f;
    let fits = |frame: &Kept| frame.bytes.len() <= MAX_LINE && frame.bytes[0] & 0x70 == 0;
    let starts: Vec<&Kept> = material
        .frames
        .iter()
        .filter(|frame| matches!(opcode(frame), 1 | 2) && fits(frame))
        .collect();
    if starts.is_empty() {
        return None;
    }
    let start = *one_of(numbers, &starts);
    let wanted = 2 + below(numbers, 5) as u64;
    let of_run = |frame: &&Kept| {
        (frame.connection, frame.from) == (start.connection, start.from)
            && (start.number..start.number + wanted).contains(&frame.number)
    };
    let run: Vec<&Kept> = material.frames.iter().filter(of_run).collect();
    let is_whole = run.iter().zip(start.number..).all(|(frame, number)| frame.number == number);
    let run: Vec<Vec<u8>> = run.iter().map(|frame| frame.bytes.clone()).collect();
    (is_whole && run.len() > 1 && run.iter().all(|bytes| bytes.len() <= MAX_LINE))
        .then_some((start.from, run))
        .filter(|(_, run)| run.iter().all(|bytes| bytes[0] & 0x70 == 0))
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
            hear(&sayings, None).material.endings.pop()?
        }
    };
    let code = ended.client_reports?;
    let command = match &material.source {
        Some(file) => format!("pcap {file} --connection {}", ended.connection),
        None => format!("explain {code}"),
    };
    let ask = "A browser is the client. Which code does its close event report?";
    let gist = shape(&ended.lines);
    Some(Question {
        shown: ended.lines,
        hint: "The code in the Close that arrived; 1005 if that had none; 1006 if none arrived.",
        because: format!("{code} is {}: {}", close::lookup(code).name, ended.why),
        command: Some(command),
        ..Question::new(kind, ask, Answer::Number(u64::from(code)), gist)
    })
}

/// Who does what, whatever the code and the reason.
fn shape(lines: &[String]) -> String {
    let does = lines.iter().map(|line| line.split('"').next().unwrap_or(line).trim_end());
    let does: Vec<&str> =
        does.map(|line| line.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    does.join("/")
}

/// One of the ways in which connections end. A script in a browser can begin to close with 1000
/// and 3000 to 4999 only, and a browser answers with the code that it got.
fn ending(numbers: &mut Numbers) -> Vec<Saying> {
    let code = *one_of(numbers, &[1000, 1001, 1008, 1011, 4000, 4001]);
    let own_code = *one_of(numbers, &[1000, 3000, 4000, 4001]);
    let reason = *one_of(numbers, &["", "bye", "enough"]);
    let (client, server) = (Endpoint::Client, Endpoint::Server);
    let mut sayings = handshake(numbers);
    let hello = Frame::new(Opcode::Text, b"Hello", None);
    sayings.push(say(server, hello, numbers));
    let with = |code: u16| Frame::close(code, reason, None);
    let answer = |code: u16| Frame::close(code, "", None);
    let without = || Frame::new(Opcode::Close, b"", None);
    let closes: Vec<(Endpoint, Frame)> = match below(numbers, 8) {
        0 | 1 => vec![(server, with(code)), (client, answer(code))],
        2 => vec![(server, without()), (client, without())],
        3 => vec![(client, with(own_code)), (server, answer(own_code))],
        4 => vec![(client, with(own_code)), (server, answer(1000))],
        5 => vec![(client, with(own_code)), (server, without())],
        6 => vec![(server, with(code))],
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
