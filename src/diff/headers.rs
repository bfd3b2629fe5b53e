//! Start lines and header fields of two handshakes, compared name by name. The order of fields,
//! the case of names and of tokens, and white space are no difference (RFC 9110 §5.1, §5.6).

use super::{Difference, Side, Weight, one_fails};
use crate::http::Head;
use crate::rules::Severity;
use crate::said::Endpoint;
use std::collections::HashMap;

/// Fields that a handshake consists of, and what they do.
const OWN: [(&str, &str); 8] = [
    ("Upgrade", "without it the server sees an ordinary request"),
    ("Connection", "it has to list Upgrade, or Upgrade does not count"),
    ("Sec-WebSocket-Key", "the server has to answer it"),
    ("Sec-WebSocket-Accept", "the client fails the connection unless it answers the key"),
    ("Sec-WebSocket-Version", "the version is 13; a server refuses others"),
    ("Sec-WebSocket-Protocol", "the subprotocol decides what the messages mean"),
    ("Sec-WebSocket-Extensions", "extensions decide how frames are read, compression first of all"),
    ("Transfer-Encoding", "a body has no place in a handshake"),
];

/// Fields that servers and proxies decide by.
const DECIDED_BY: [(&str, &str); 7] = [
    ("Host", "it chooses the site, and often the rules of the proxy"),
    ("Origin", "servers refuse pages of other sites"),
    ("Cookie", "the login may be in it"),
    ("Authorization", "the login may be in it"),
    ("Location", "the address has changed"),
    ("WWW-Authenticate", "the server asks for a login"),
    ("Sec-Fetch-Mode", "only browsers send it"),
];

/// Their values are secret: that they differ is enough.
const SECRET: [&str; 4] = ["Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization"];

/// Their values are random, or hang on one that is: what counts is whether they are valid.
const RANDOM: [&str; 2] = ["Sec-WebSocket-Key", "Sec-WebSocket-Accept"];

/// Their values are lists of tokens without order, whose case does not matter.
const TOKENS: [&str; 2] = ["Connection", "Upgrade"];

pub(super) fn compare(a: &Side, b: &Side, found: &mut Vec<Difference>) {
    let (Some(left), Some(right)) = (&a.handshake, &b.handshake) else { return };
    let sides = Sides { a, b };
    if let (Some(left), Some(right)) = (&left.request, &right.request) {
        let method = |head: &Head| lossy(head.method());
        let version = |head: &Head| lossy(head.version());
        sides.start_line("method", method(left), method(right), "RFC 6455 asks for GET", found);
        let why = "HTTP/1.0 knows no Upgrade";
        sides.start_line("HTTP version", version(left), version(right), why, found);
        sides.target(left, right, found);
        sides.fields(Endpoint::Client, left, right, found);
    }
    if let (Some(left), Some(right)) = (&left.response, &right.response) {
        sides.fields(Endpoint::Server, left, right, found);
    }
}

struct Sides<'a> {
    a: &'a Side,
    b: &'a Side,
}

impl Sides<'_> {
    fn start_line(
        &self,
        what: &str,
        a: Option<String>,
        b: Option<String>,
        why: &str,
        found: &mut Vec<Difference>,
    ) {
        if a != b {
            let weight = if one_fails(self.a, self.b) { Weight::Decides } else { Weight::Matters };
            let (about, why) = (format!("{what} of the request"), why.to_owned());
            found.push(Difference { weight, about, a, b, why });
        }
    }

    fn target(&self, left: &Head, right: &Head, found: &mut Vec<Difference>) {
        let [a, b] = [left, right].map(|head| head.target().unwrap_or_default());
        if a == b {
            return;
        }
        let path = |target: &[u8]| target.split(|byte| *byte == b'?').next().map(<[u8]>::to_vec);
        let is_query = path(a) == path(b);
        let (about, why) = if is_query {
            // It may hold a token.
            ("query of the request", "the path is the same; a login may be in the query")
        } else {
            ("path of the request", "another path may lead to another server, or to none")
        };
        let shown = |target: &[u8]| {
            let path = path(target).unwrap_or_default();
            let mark = if target.contains(&b'?') { "?…" } else { "" };
            Some(format!("{}{mark}", String::from_utf8_lossy(&path)))
        };
        let (a, b) = (shown(a), shown(b));
        let weight = self.weight_of_input();
        found.push(Difference { weight, about: about.to_owned(), a, b, why: why.to_owned() });
    }

    /// What servers decide by matters if they did decide otherwise.
    fn weight_of_input(&self) -> Weight {
        if self.a.outcome() == self.b.outcome() { Weight::Harmless } else { Weight::Matters }
    }

    fn fields(&self, from: Endpoint, left: &Head, right: &Head, found: &mut Vec<Difference>) {
        let mut names = Vec::new();
        let mut values: HashMap<String, [Option<String>; 2]> = HashMap::new();
        for (side, head) in [left, right].into_iter().enumerate() {
            for field in &head.fields {
                let [name, value] = [&field.name, &field.value]
                    .map(|part| String::from_utf8_lossy(head.bytes(part)).into_owned());
                let of_name = values.entry(name.to_ascii_lowercase()).or_insert_with(|| {
                    names.push(name);
                    [None, None]
                });
                // As RFC 9110 §5.3 allows.
                match &mut of_name[side] {
                    Some(joined) => joined.extend([", ", &value]),
                    none => *none = Some(value),
                }
            }
        }
        for name in names {
            let values = values.remove(&name.to_ascii_lowercase()).unwrap_or_default();
            self.field(from, &name, values, found);
        }
    }

    fn field(
        &self,
        from: Endpoint,
        name: &str,
        [a, b]: [Option<String>; 2],
        found: &mut Vec<Difference>,
    ) {
        let is_same = match (&a, &b) {
            (Some(_), Some(_)) if is_one_of(&RANDOM, name) => {
                let is_fine = |side: &Side| side.blames(from, name).is_none();
                is_fine(self.a) && is_fine(self.b) || a == b && from == Endpoint::Client
            }
            (Some(a), Some(b)) if is_one_of(&TOKENS, name) => tokens(a) == tokens(b),
            _ => a == b,
        };
        if is_same {
            return;
        }
        let head = if from == Endpoint::Client { "request" } else { "response" };
        let about = format!("{head} header {name}");
        let (weight, why) = self.judge(from, name, a.is_some() && b.is_some());
        let shown = |value: Option<String>| match value {
            Some(_) if is_one_of(&SECRET, name) => Some("(there; not shown)".to_owned()),
            value => value,
        };
        found.push(Difference { weight, about, a: shown(a), b: shown(b), why });
    }

    fn judge(&self, from: Endpoint, name: &str, in_both: bool) -> (Weight, String) {
        let known = |list: &[(&str, &str)]| {
            let found = list.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, why)| (*why).to_owned())
        };
        let blamed = self.a.blames(from, name).or(self.b.blames(from, name));
        let own = known(&OWN);
        if let Some((rule, true)) = blamed.filter(|_| one_fails(self.a, self.b)) {
            let why = own.unwrap_or_default();
            let why = if why.is_empty() { rule.to_owned() } else { format!("{why} ({rule})") };
            return (Weight::Decides, why);
        }
        if let Some(why) = own {
            // What a refusal has not is the refusal's doing.
            let is_answer = from == Endpoint::Server && self.a.upgraded() != self.b.upgraded();
            let is_own = from == Endpoint::Client && one_fails(self.a, self.b);
            let is_lost = !in_both && is_own && matches!(name.as_bytes()[0] | 0x20, b'u' | b'c');
            let weight = match (is_answer, is_lost) {
                (true, _) => Weight::Harmless,
                (_, true) => Weight::Decides,
                _ => Weight::Matters,
            };
            return (weight, why);
        }
        match known(&DECIDED_BY) {
            Some(why) => (self.weight_of_input(), why),
            None => (Weight::Harmless, String::new()),
        }
    }
}

impl Side {
    /// The rule that a header field breaks here, and whether that is an error.
    fn blames(&self, from: Endpoint, name: &str) -> Option<(&'static str, bool)> {
        let is_about = |header: &Option<String>| {
            header.as_deref().is_some_and(|header| header.eq_ignore_ascii_case(name))
        };
        let blamed = self.findings.iter().map(|(finding, _)| finding);
        blamed
            .filter(|it| it.broken.endpoint == Some(from) && is_about(&it.broken.header))
            .filter(|it| it.severity > Severity::Note)
            .map(|it| (it.rule.id, it.severity == Severity::Error))
            .max_by_key(|(_, is_error)| *is_error)
    }
}

fn tokens(value: &str) -> Vec<String> {
    let mut tokens: Vec<String> =
        value.split(',').map(|token| token.trim().to_ascii_lowercase()).collect();
    tokens.retain(|token| !token.is_empty());
    tokens.sort();
    tokens
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn lossy(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}
