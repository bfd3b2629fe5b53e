//! `Sec-WebSocket-Extensions` (RFC 6455 §9.1) and the parameters of permessage-deflate
//! (RFC 7692 §7.1), as facts with their places.

use crate::http::{Head, is_token};
use crate::said::Endpoint;
use std::ops::Range;

/// The header.
pub const HEADER: &str = "Sec-WebSocket-Extensions";

/// The one extension in common use (RFC 7692).
pub const PERMESSAGE_DEFLATE: &str = "permessage-deflate";

/// One element of the list: a name and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The extension token.
    pub name: String,
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// Where the element stands in the head's source.
    pub range: Range<usize>,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value, unquoted; none if it had no `=`.
    pub value: Option<String>,
    /// Where it stands.
    pub range: Range<usize>,
}

/// A place where the header does not follow its grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarFault {
    /// Where.
    pub range: Range<usize>,
    /// What is wrong there, in words.
    pub what: &'static str,
}

/// What a head says of extensions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extensions {
    /// The elements that follow the grammar.
    pub list: Vec<Extension>,
    /// What does not.
    pub faults: Vec<GrammarFault>,
}

/// Reads all `Sec-WebSocket-Extensions` lines of a head as one list. Elements that do not follow
/// the grammar are left out of the list and described instead.
pub fn read(head: &Head) -> Extensions {
    let mut list = Vec::new();
    let mut faults = Vec::new();
    for line in head.lines(HEADER) {
        if line.value.is_empty() {
            let what = "an empty list of extensions";
            faults.push(GrammarFault { range: line.line.clone(), what });
        }
    }
    for member in head.members(HEADER) {
        // Recipients skip empty members (RFC 9110 §5.6.1); a header that is all empty is above.
        if member.range.is_empty() {
            continue;
        }
        match read_element(head, member.range.clone()) {
            Ok(extension) => list.push(extension),
            Err(fault) => faults.push(fault),
        }
    }
    Extensions { list, faults }
}

fn read_element(head: &Head, range: Range<usize>) -> Result<Extension, GrammarFault> {
    let mut parts = split(head, range.clone(), b';').into_iter();
    let name_range = parts.next().unwrap_or(range.clone());
    let name = token(head, &name_range, "the name of an extension is not a token")?;
    let mut parameters = Vec::new();
    for part in parts {
        parameters.push(read_parameter(head, part)?);
    }
    Ok(Extension { name, parameters, range })
}

fn read_parameter(head: &Head, range: Range<usize>) -> Result<Parameter, GrammarFault> {
    let mut sides = split(head, range.clone(), b'=').into_iter();
    let name_range = sides.next().unwrap_or(range.clone());
    let name = token(head, &name_range, "a parameter's name is not a token")?;
    let value = match (sides.next(), sides.next()) {
        (None, _) => None,
        (Some(value), None) => Some(read_value(head, value)?),
        (Some(_), Some(extra)) => {
            return Err(GrammarFault { range: extra, what: "a second `=` in one parameter" });
        }
    };
    Ok(Parameter { name, value, range })
}

fn read_value(head: &Head, range: Range<usize>) -> Result<String, GrammarFault> {
    let what = "a parameter's value is neither a token nor a quoted token";
    let bytes = head.bytes(&range);
    if let [b'"', inner @ .., b'"'] = bytes {
        let mut unescaped = Vec::new();
        let mut bytes = inner.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'\\' => unescaped.extend(bytes.next()),
                other => unescaped.push(other),
            }
        }
        return match String::from_utf8(unescaped) {
            Ok(text) if is_token(text.as_bytes()) => Ok(text),
            _ => Err(GrammarFault { range, what }),
        };
    }
    token(head, &range, what)
}

fn token(head: &Head, range: &Range<usize>, what: &'static str) -> Result<String, GrammarFault> {
    let bytes = head.bytes(range);
    match std::str::from_utf8(bytes) {
        Ok(text) if is_token(bytes) => Ok(text.to_owned()),
        _ => Err(GrammarFault { range: range.clone(), what }),
    }
}

/// Splits at a separator outside of quoted strings and trims each part.
fn split(head: &Head, range: Range<usize>, separator: u8) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = range.start;
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in range.clone().zip(head.bytes(&range)) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(trim(head, start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(trim(head, start..range.end));
    parts
}

fn trim(head: &Head, range: Range<usize>) -> Range<usize> {
    let bytes = head.bytes(&range);
    let is_space = |b: &&u8| matches!(b, b' ' | b'\t');
    let lead = bytes.iter().take_while(is_space).count();
    let tail = bytes[lead..].iter().rev().take_while(is_space).count();
    range.start + lead..range.end - tail
}

/// The two parameters that take a window size, for one direction each, and the two flags.
pub const PARAMETERS: [&str; 4] = [
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
];

/// A window size as RFC 7692 §7.1.2 writes it: 8 to 15 in decimal, without leading zero.
pub fn window_bits(value: &str) -> Option<u8> {
    let bits: u8 = value.parse().ok()?;
    ((8..=15).contains(&bits) && bits.to_string() == value).then_some(bits)
}

/// What one endpoint does when it compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// LZ77 window: 2 to the power of this many bytes.
    pub window_bits: u8,
    /// The history is kept from one message to the next.
    pub context_takeover: bool,
}

/// What permessage-deflate parameters were agreed (RFC 7692 §7.1), for both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deflate {
    /// How the client compresses.
    pub client: Compression,
    /// How the server compresses.
    pub server: Compression,
}

impl Deflate {
    /// How that endpoint compresses.
    pub fn of(self, endpoint: Endpoint) -> Compression {
        match endpoint {
            Endpoint::Client => self.client,
            Endpoint::Server => self.server,
        }
    }

    /// What an accepted element means. Values that are not legal count as the widest, so that the
    /// payload can still be read; judging them is for the rules.
    pub fn from_extension(extension: &Extension) -> Deflate {
        let widest = Compression { window_bits: 15, context_takeover: true };
        let mut agreed = Deflate { client: widest, server: widest };
        for parameter in &extension.parameters {
            let bits = parameter.value.as_deref().and_then(window_bits).unwrap_or(15);
            match parameter.name.as_str() {
                "server_no_context_takeover" => agreed.server.context_takeover = false,
                "client_no_context_takeover" => agreed.client.context_takeover = false,
                "server_max_window_bits" => agreed.server.window_bits = bits,
                "client_max_window_bits" => agreed.client.window_bits = bits,
                _ => {}
            }
        }
        agreed
    }
}

/// What the two endpoints agreed on, as far as it concerns the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreement {
    /// permessage-deflate, if it was accepted.
    pub deflate: Option<Deflate>,
    /// Some other extension was accepted, which may use any reserved bit.
    pub unknown_extension: bool,
    /// The client offered an extension that compresses, whether it was accepted or not.
    pub compression_offered: bool,
}

impl Agreement {
    /// What the heads of an accepted handshake agree on.
    pub fn of(request: Option<&Head>, response: Option<&Head>) -> Agreement {
        let [offered, accepted] =
            [request, response].map(|head| head.map(read).unwrap_or_default());
        Agreement::between(&offered, &accepted)
    }

    /// What was offered and accepted makes this agreement.
    pub fn between(offered: &Extensions, accepted: &Extensions) -> Agreement {
        let (offered, accepted) = (&offered.list, &accepted.list);
        Agreement {
            deflate: accepted
                .iter()
                .find(|extension| extension.name == PERMESSAGE_DEFLATE)
                .map(Deflate::from_extension),
            unknown_extension: accepted
                .iter()
                .any(|extension| extension.name != PERMESSAGE_DEFLATE),
            compression_offered: offered.iter().any(|extension| compresses(&extension.name)),
        }
    }
}

/// True for names of extensions, registered or historical, that use RSV1 for compression.
pub fn compresses(name: &str) -> bool {
    name.starts_with("permessage-")
        || ["x-webkit-deflate-frame", "deflate-frame", "perframe-deflate"].contains(&name)
}
