//! Conversations in other protocols, captured from somewhere in their middle.

use crate::dice::Dice;
use crate::{binary, plain};
pub(crate) use ws101::said::Endpoint;

/// What was sent, in order.
#[derive(Default)]
pub(crate) struct Talk {
    pub(crate) said: Vec<(Endpoint, Vec<u8>)>,
}

impl Talk {
    pub(crate) fn say(&mut self, from: Endpoint, bytes: Vec<u8>) {
        self.said.push((from, bytes));
    }
}

/// A kind of traffic and how it is made.
pub(crate) type Kind = (&'static str, fn(&mut Dice) -> Talk);

pub(crate) const KINDS: [Kind; 46] = [
    ("DNS over TCP", binary::dns),
    ("DNS zone transfer", binary::zone_transfer),
    ("MQTT", binary::mqtt),
    ("TLS records", binary::tls),
    ("SSH", binary::ssh),
    ("HTTP/2", binary::http2),
    ("PostgreSQL", binary::postgresql),
    ("MySQL", binary::mysql),
    ("MongoDB", binary::mongodb),
    ("AMQP", binary::amqp),
    ("Kafka", binary::kafka),
    ("RTMP", binary::rtmp),
    ("BitTorrent", binary::bittorrent),
    ("memcached", binary::memcached),
    ("Cassandra", binary::cassandra),
    ("LDAP", binary::ldap),
    ("msgpack", binary::msgpack),
    ("CBOR", binary::cbor),
    ("RTP over RTSP", binary::rtp),
    ("Modbus", binary::modbus),
    ("SMB2", binary::smb),
    ("BGP", binary::bgp),
    ("tag and length", binary::tag_and_length),
    ("length-prefixed", binary::length_prefixed),
    ("protobuf", binary::protobuf),
    ("HTML", plain::html),
    ("HTTP chunks", plain::http_chunked),
    ("HTTP with JSON", plain::http_json),
    ("Redis", plain::redis),
    ("mail", plain::mail),
    ("Japanese", plain::japanese),
    ("Latin letters", plain::latin),
    ("UTF-16", plain::utf16),
    ("Base64", plain::base64),
    ("DEFLATE", plain::gzip),
    ("PNG", plain::png),
    ("JPEG", plain::jpeg),
    ("MPEG-TS", plain::mpeg_ts),
    ("sound", plain::sound),
    ("pixels", plain::pixels),
    ("random bytes", plain::noise),
    ("constant bytes", plain::constant),
    ("counters", plain::counters),
    ("records", plain::records),
    ("machine code", plain::machine_code),
    ("floats", plain::floats),
];

pub(crate) fn be16(number: u32) -> [u8; 2] {
    (number as u16).to_be_bytes()
}

pub(crate) fn be32(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

pub(crate) fn le16(number: u32) -> [u8; 2] {
    (number as u16).to_le_bytes()
}

pub(crate) fn le32(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

pub(crate) fn random(dice: &mut Dice, length: usize) -> Vec<u8> {
    (0..length).map(|_| dice.roll() as u8).collect()
}

pub(crate) fn word(dice: &mut Dice) -> String {
    (0..2 + dice.below(10)).map(|_| b"etaoinshrdlucmfw"[dice.below(16)] as char).collect()
}

/// Segments as a capture has them that began somewhere: mostly one for each message, cut where
/// they are too long; the front is missing, and perhaps a direction.
pub(crate) fn segments(talk: Talk, dice: &mut Dice) -> Vec<(Endpoint, Vec<u8>)> {
    let only = [None, None, Some(Endpoint::Client), Some(Endpoint::Server)][dice.below(4)];
    let together = dice.below(4) == 0;
    let mut cut = [Endpoint::Client, Endpoint::Server].map(|from| {
        let total: usize =
            talk.said.iter().filter(|said| said.0 == from).map(|said| said.1.len()).sum();
        match dice.below(3) {
            0 => 0,
            _ => dice.below(total / 2),
        }
    });
    let mut segments: Vec<(Endpoint, Vec<u8>)> = Vec::new();
    for (from, bytes) in talk.said {
        let skipped = cut[from.index()].min(bytes.len());
        cut[from.index()] -= skipped;
        let bytes = &bytes[skipped..];
        if bytes.is_empty() || only.is_some_and(|only| only != from) {
            continue;
        }
        if let Some((_, last)) = segments.last_mut().filter(|last| last.0 == from)
            && (together || dice.below(8) == 0)
            && last.len() + bytes.len() < 1460
        {
            last.extend(bytes);
            continue;
        }
        segments.extend(bytes.chunks(1460).map(|piece| (from, piece.to_vec())));
    }
    segments
}
