//! Scripts: a conversation written down in TOML, with times, and with what a capture may do to
//! its packets. Pings, Closes and the end are answered as they should be unless the script says
//! otherwise.

use super::conversation::{Conversation, Fate, MILLISECOND, SECOND, What};
use super::saying::{Mask, Saying};
use super::{Deflater, LengthForm, Numbers, Upgrade};
use crate::input::bytes::from_hex;
use crate::said::{Endpoint, Time};
use crate::websocket::Opcode;
use serde::Deserialize;
use std::net::SocketAddr;

/// A script, as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Script {
    /// Where keys come from, if the command line does not say.
    pub seed: Option<u64>,
    client: Option<SocketAddr>,
    server: Option<SocketAddr>,
    /// Seconds since the epoch.
    start: Option<f64>,
    /// Seconds until the other end has heard.
    latency: Option<f64>,
    segment: Option<usize>,
    snap: Option<usize>,
    handshake: Handshake,
    say: Vec<Say>,
    end: End,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Handshake {
    host: Option<String>,
    path: Option<String>,
    key: Option<String>,
    origin: Option<String>,
    subprotocols: Vec<String>,
    /// Parameters of permessage-deflate; `""` for none.
    deflate: Option<String>,
    status: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Say {
    from: From,
    text: Option<String>,
    /// Hexadecimal.
    binary: Option<String>,
    ping: Option<String>,
    pong: Option<String>,
    close: Option<u16>,
    reason: Option<String>,
    /// Bytes that need be no frame, in hexadecimal.
    bytes: Option<String>,
    /// Seconds after what was said before.
    after: Option<f64>,
    fragments: Option<usize>,
    deflate: Option<bool>,
    fin: Option<bool>,
    #[serde(default)]
    rsv: u8,
    /// Eight hexadecimal digits, or "none".
    mask: Option<String>,
    /// 7, 16 or 64.
    length_form: Option<u8>,
    /// False: the peer does not answer this Ping or Close.
    answered: Option<bool>,
    #[serde(default)]
    packets: Packets,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum From {
    Client,
    Server,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Packets {
    #[default]
    Captured,
    Lost,
    Late,
    Twice,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    /// Closes, then the end of TCP, as far as they were not said.
    #[default]
    Closing,
    Fin,
    Reset,
    /// The capture ends first.
    Cut,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct End {
    how: How,
    by: Option<From>,
    code: Option<u16>,
    after: Option<f64>,
}

impl From {
    fn endpoint(self) -> Endpoint {
        match self {
            From::Client => Endpoint::Client,
            From::Server => Endpoint::Server,
        }
    }
}

/// The longest time that may pass between two acts, in seconds: a year.
const LONGEST: f64 = 366.0 * 86_400.0;

/// Nanoseconds of a number of seconds.
fn nanoseconds(name: &str, seconds: f64) -> Result<i64, String> {
    if !(0.0..=LONGEST).contains(&seconds) {
        return Err(format!("{name} = {seconds}: expected seconds, from 0 to a year"));
    }
    Ok((seconds * SECOND as f64).round() as i64)
}

impl Script {
    /// Reads a script. The error says where, and what was expected.
    pub fn read(text: &str) -> Result<Script, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The conversation that it describes.
    pub fn conversation(&self, numbers: Numbers) -> Result<Conversation, String> {
        let mut conversation = Conversation::open(&self.upgrade(), numbers);
        if let Some(client) = self.client {
            conversation.client = client;
        }
        if let Some(server) = self.server {
            conversation.server = server;
        }
        if conversation.client.is_ipv4() != conversation.server.is_ipv4() {
            return Err("client and server: expected two addresses of one family".to_owned());
        }
        if let Some(start) = self.start {
            if !(0.0..=4_294_967_295.0).contains(&start) {
                return Err(format!("start = {start}: expected seconds since 1970, up to 2106"));
            }
            conversation.start = Time::new((start * SECOND as f64) as i64);
        }
        if let Some(latency) = self.latency {
            conversation.latency = nanoseconds("latency", latency)?;
        }
        conversation.segment = self.segment.unwrap_or(conversation.segment);
        conversation.snap = self.snap;
        let mut deflaters = self.deflaters();
        for (index, say) in self.say.iter().enumerate() {
            say.act(&mut conversation, &mut deflaters)
                .map_err(|what| format!("the {} [[say]]: {what}", ordinal(index + 1)))?;
        }
        self.end(&mut conversation)?;
        Ok(conversation)
    }

    fn upgrade(&self) -> Upgrade {
        let Handshake { host, path, key, origin, subprotocols, deflate, status } = &self.handshake;
        let usual = Upgrade::default();
        let extension = deflate.as_ref().map(|parameters| match parameters.trim() {
            "" => "permessage-deflate".to_owned(),
            parameters => format!("permessage-deflate; {parameters}"),
        });
        Upgrade {
            host: host.clone().unwrap_or(usual.host),
            path: path.clone().unwrap_or(usual.path),
            key: key.clone(),
            origin: origin.clone(),
            subprotocols: subprotocols.clone(),
            extensions: extension.into_iter().collect(),
            fields: Vec::new(),
            status: status.unwrap_or(usual.status),
        }
    }

    /// The compressors of client and server, if compression is agreed on.
    fn deflaters(&self) -> Option<[Deflater; 2]> {
        let parameters = self.handshake.deflate.as_ref()?;
        Some([Endpoint::Client, Endpoint::Server].map(|from| deflater(parameters, from)))
    }

    fn end(&self, conversation: &mut Conversation) -> Result<(), String> {
        let by = self.end.by.unwrap_or(From::Client).endpoint();
        let after = nanoseconds("after", self.end.after.unwrap_or(0.02))?;
        let is_closed = conversation
            .acts
            .iter()
            .any(|act| act.frame().is_some_and(|frame| frame.header.opcode() == Opcode::Close));
        let index = conversation.acts.len();
        match self.end.how {
            How::Closing if is_closed => conversation.end_tcp(Endpoint::Server),
            How::Closing if self.handshake.status.is_some_and(|status| status != 101) => {
                conversation.end_tcp(Endpoint::Server);
            }
            How::Closing => conversation.close(by, self.end.code.unwrap_or(1000)),
            How::Fin => conversation.end_tcp(by),
            How::Reset => conversation.push(by, What::Reset, 2 * MILLISECOND),
            How::Cut => {}
        }
        conversation.delay(index, after);
        Ok(())
    }
}

/// The compressor that these parameters of permessage-deflate prescribe for an endpoint.
pub fn deflater(parameters: &str, from: Endpoint) -> Deflater {
    let parts = || parameters.split(';').map(str::trim);
    let keeps = !parts().any(|part| part == format!("{from}_no_context_takeover"));
    let bits = parts().find_map(|part| part.strip_prefix(&format!("{from}_max_window_bits=")));
    let bits = bits.and_then(|bits| bits.trim_matches('"').parse().ok()).unwrap_or(15);
    Deflater::new(bits, keeps)
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

impl Say {
    fn act(
        &self,
        conversation: &mut Conversation,
        deflaters: &mut Option<[Deflater; 2]>,
    ) -> Result<(), String> {
        let from = self.from.endpoint();
        let after = nanoseconds("after", self.after.unwrap_or(0.02))?;
        let fate = match self.packets {
            Packets::Captured => Fate::Captured,
            Packets::Lost => Fate::Lost,
            Packets::Late => Fate::Late,
            Packets::Twice => Fate::Twice,
        };
        let first = conversation.acts.len();
        if let Some(bytes) = &self.bytes {
            conversation.push(from, What::Bytes(hex(bytes)?), after);
        } else {
            let saying = self.saying()?;
            saying.check()?;
            let deflates = self.deflate.unwrap_or(true);
            let deflater = deflaters.as_mut().filter(|_| deflates);
            let deflater = deflater.map(|both| &mut both[from.index()]);
            let frames = saying.frames(from, &mut conversation.numbers, deflater);
            for (index, frame) in frames.into_iter().enumerate() {
                let after = if index == 0 { after } else { MILLISECOND };
                conversation.push(from, What::Frame(frame), after);
            }
        }
        for act in &mut conversation.acts[first..] {
            act.fate = fate;
        }
        if self.answered.unwrap_or(true) {
            self.answer(conversation, from);
        }
        Ok(())
    }

    fn answer(&self, conversation: &mut Conversation, from: Endpoint) {
        let (opcode, body) = match (&self.ping, self.close) {
            (Some(payload), _) => (Opcode::Pong, payload.clone().into_bytes()),
            (_, Some(code)) => (Opcode::Close, code.to_be_bytes().to_vec()),
            _ => return,
        };
        let frame = conversation.frame(from.peer(), opcode, &body);
        conversation.push(from.peer(), What::Frame(frame), 2 * MILLISECOND);
    }

    fn saying(&self) -> Result<Saying, String> {
        let close = self.close.map(|code| {
            [&code.to_be_bytes(), self.reason.as_deref().unwrap_or_default().as_bytes()].concat()
        });
        let binary = self.binary.as_deref().map(hex).transpose()?;
        let bytes = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
        let said = [
            (Opcode::Text, bytes(&self.text)),
            (Opcode::Binary, binary),
            (Opcode::Ping, bytes(&self.ping)),
            (Opcode::Pong, bytes(&self.pong)),
            (Opcode::Close, close),
        ];
        let mut said = said.into_iter().filter_map(|(opcode, body)| Some((opcode, body?)));
        let (Some((opcode, payload)), None) = (said.next(), said.next()) else {
            return Err("expected one of text, binary, ping, pong, close and bytes".to_owned());
        };
        Ok(Saying {
            opcode,
            payload,
            fragments: self.fragments.unwrap_or(1).clamp(1, 100_000),
            fin: self.fin.unwrap_or(true),
            rsv: self.rsv & 7,
            mask: match self.mask.as_deref() {
                None => Mask::AsDue,
                Some("none") => Mask::Without,
                Some(key) => Mask::Key(masking_key(key)?),
            },
            form: self.length_form.map(length_form).transpose()?,
        })
    }
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    from_hex(text).map_err(|_| "expected bytes in hexadecimal, such as 81 05".to_owned())
}

/// A masking key of eight hexadecimal digits.
pub fn masking_key(text: &str) -> Result<[u8; 4], String> {
    let bytes = from_hex(text).ok().and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    bytes.ok_or_else(|| "expected a masking key: four bytes such as 37fa213d".to_owned())
}

/// The form of a length with so many bits.
pub fn length_form(bits: u8) -> Result<LengthForm, String> {
    match bits {
        7 => Ok(LengthForm::Short),
        16 => Ok(LengthForm::Sixteen),
        64 => Ok(LengthForm::SixtyFour),
        _ => Err("expected the bits of the length: 7, 16 or 64".to_owned()),
    }
}
