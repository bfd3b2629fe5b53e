//! Questions about words: what a header says.

use super::{Answer, Kind, Material, Question, choose, one_of};
use crate::build::Numbers;
use crate::websocket::header::{self, Header};

pub(super) const HEADER: Kind = Kind {
    name: "header",
    about: "what a header of the handshake says",
    level: 1,
    topic: "upgrade",
    of_captures: false,
    make: header,
};

fn header(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let in_request = numbers.roll().is_multiple_of(2);
    let role = |header: &'static Header| match in_request {
        true => header.in_request,
        false => header.in_response,
    };
    let of_handshake: Vec<&'static Header> =
        header::ALL.iter().filter(|it| it.of_handshake && role(it).is_some()).collect();
    let asked = *one_of(numbers, &of_handshake);
    let right = role(asked)?.to_owned();
    let mut others: Vec<String> =
        of_handshake.iter().filter_map(|it| role(it)).map(str::to_owned).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|other| *other != right);
    super::shuffle(&mut others, numbers);
    others.truncate(3);
    let (choices, answer): (Vec<String>, Answer) = choose(numbers, right.clone(), others)?;
    let place = if in_request { "request" } else { "response" };
    let ask = format!("What does {} say in the {place} of a handshake?", asked.name);
    Some(Question {
        choices,
        hint: "Its name has it almost all.",
        because: format!("{} in a {place}: {right} ({})", asked.name, asked.section),
        command: Some(format!("explain {}", asked.name)),
        topic: asked.name,
        ..Question::new(kind, ask, answer, right.clone())
    })
}
