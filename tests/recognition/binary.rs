//! Other protocols with binary messages, written from their specifications.

use crate::dice::Dice;
use crate::traffic::{Endpoint::*, Talk, be16, be32, le16, le32, random, word};

/// RFC 7766: a length of two bytes before each message.
pub(crate) fn dns(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let names: Vec<Vec<u8>> = (0..4)
        .map(|_| {
            let labels = [word(dice), word(dice), "com".to_owned()];
            let mut name: Vec<u8> = Vec::new();
            for label in labels {
                name.push(label.len() as u8);
                name.extend(label.as_bytes());
            }
            name.push(0);
            name
        })
        .collect();
    for _ in 0..10 + dice.below(40) {
        let id = be16(dice.roll());
        let name = &names[dice.below(4)];
        let kind = [1, 28, 15, 16][dice.below(4)];
        let question = [name, &[0, kind, 0, 1][..]].concat();
        let query = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &question].concat();
        talk.say(Client, [&be16(query.len() as u32)[..], &query].concat());
        let answers = 1 + dice.below(3);
        let mut answer =
            [&id[..], &[0x81, 0x80, 0, 1, 0, answers as u8, 0, 0, 0, 0], &question].concat();
        for _ in 0..answers {
            let length = [4, 16, 20, 30 + dice.below(60)][dice.below(4)];
            answer.extend([0xc0, 12, 0, kind, 0, 1]);
            answer.extend(be32(dice.roll() % 86400));
            answer.extend(be16(length as u32));
            answer.extend(random(dice, length));
        }
        talk.say(Server, [&be16(answer.len() as u32)[..], &answer].concat());
    }
    talk
}

/// A zone transfer: one large answer in many messages.
pub(crate) fn zone_transfer(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let id = be16(dice.roll());
    for _ in 0..10 + dice.below(200) {
        let mut answer = [&id[..], &[0x84, 0x80, 0, 0, 0, 1, 0, 0, 0, 0]].concat();
        let label = word(dice);
        answer.push(label.len() as u8);
        answer.extend(label.as_bytes());
        answer.extend([7, b'e', b'x', b'a', b'm', b'p', b'l', b'e', 0, 0, 1, 0, 1, 0, 0, 14, 16]);
        answer.extend([0, 4, 10, 0, dice.roll() as u8, dice.roll() as u8]);
        talk.say(Server, [&be16(answer.len() as u32)[..], &answer].concat());
    }
    talk
}

/// MQTT 3.1.1: type and flags, a length of one byte or more, topic, payload.
pub(crate) fn mqtt(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let topics: Vec<String> =
        (0..3).map(|_| format!("{}/{}/{}", word(dice), word(dice), dice.below(100))).collect();
    let style = dice.below(4);
    for packet in 0..20 + dice.below(60) as u32 {
        let from = if dice.below(3) == 0 { Client } else { Server };
        if dice.below(12) == 0 {
            talk.say(Client, vec![0xc0, 0]);
            talk.say(Server, vec![0xd0, 0]);
            continue;
        }
        if style == 3 && dice.below(4) == 0 {
            let topic = &topics[dice.below(3)];
            let mut body = be16(packet).to_vec();
            body.extend(be16(topic.len() as u32));
            body.extend(topic.as_bytes());
            body.push(1);
            talk.say(Client, [&[0x82, body.len() as u8][..], &body].concat());
            talk.say(Server, [&[0x90, 3][..], &be16(packet), &[1]].concat());
            continue;
        }
        let quality = if style == 0 { 0 } else { dice.below(2) as u8 };
        let topic = &topics[dice.below(3)];
        let mut body = be16(topic.len() as u32).to_vec();
        body.extend(topic.as_bytes());
        if quality > 0 {
            body.extend(be16(packet));
        }
        body.extend(match style {
            1 => format!("{{\"temperature\":{}.{}}}", dice.below(40), dice.below(10)).into_bytes(),
            2 => {
                let length = dice.below(300);
                random(dice, length)
            }
            _ => format!("{}", dice.below(10_000)).into_bytes(),
        });
        let mut message = vec![0x30 | quality << 1];
        let mut left = body.len();
        while left > 127 {
            message.push(left as u8 | 0x80);
            left >>= 7;
        }
        message.push(left as u8);
        message.extend(body);
        talk.say(from, message);
        if quality > 0 {
            let other = if from == Client { Server } else { Client };
            talk.say(other, [&[0x40, 2][..], &be16(packet)].concat());
        }
    }
    talk
}

/// RFC 8446 §5.1: records of encrypted data.
pub(crate) fn tls(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..5 + dice.below(60) {
        let from = if dice.below(2) == 0 { Client } else { Server };
        let length = [30 + dice.below(100), 500 + dice.below(1000), 16_401][dice.below(3)];
        let record = [&[0x17, 3, 3][..], &be16(length as u32), &random(dice, length)].concat();
        talk.say(from, record);
    }
    talk
}

/// RFC 4253 §6: with an encrypted length, or (as *-etm* MACs have it) one in clear.
pub(crate) fn ssh(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let clear = dice.below(2) == 0;
    for _ in 0..10 + dice.below(80) {
        let from = if dice.below(2) == 0 { Client } else { Server };
        let length = 16 * (1 + dice.below(20));
        let start = if clear { be32(length as u32).to_vec() } else { random(dice, 4) };
        talk.say(from, [start, random(dice, length + 16)].concat());
    }
    talk
}

/// RFC 9113 §4.1.
pub(crate) fn http2(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for stream in 0..10 + dice.below(40) as u32 {
        let id = be32(stream * 2 + 1);
        let mut frame = |kind: u8, flags: u8, payload: Vec<u8>, from| {
            let length = be32(payload.len() as u32);
            talk.say(from, [&length[1..], &[kind, flags], &id, &payload].concat());
        };
        let length = 10 + dice.below(100);
        frame(1, 5, random(dice, length), Client);
        frame(1, 4, random(dice, length), Server);
        for _ in 0..dice.below(4) {
            let length = dice.below(2000);
            frame(0, dice.below(2) as u8, random(dice, length), Server);
        }
        frame(8, 0, be32(65_535).to_vec(), Client);
        if dice.below(4) == 0 {
            frame(6, 0, vec![0; 8], Client);
            frame(6, 1, vec![0; 8], Server);
        }
    }
    talk
}

/// The PostgreSQL protocol 3: a letter, a length of four bytes that counts itself.
pub(crate) fn postgresql(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let message =
        |kind: u8, body: &[u8]| [&[kind][..], &be32(body.len() as u32 + 4), body].concat();
    for _ in 0..5 + dice.below(20) {
        let query = format!("SELECT id, name FROM {} WHERE id = {}\0", word(dice), dice.below(99));
        talk.say(Client, message(b'Q', query.as_bytes()));
        let mut answer = Vec::new();
        for row in 0..dice.below(40) as u32 {
            let name = word(dice);
            let body =
                [&be16(2)[..], &be32(4), &be32(row), &be32(name.len() as u32), name.as_bytes()]
                    .concat();
            answer.extend(message(b'D', &body));
        }
        answer.extend(message(b'C', b"SELECT 1\0"));
        answer.extend(message(b'Z', b"I"));
        talk.say(Server, answer);
    }
    talk
}

/// MySQL: a length of three bytes, little endian, and a number; length-encoded columns.
pub(crate) fn mysql(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..5 + dice.below(20) {
        let query = format!("\x03SELECT * FROM {}", word(dice));
        talk.say(Client, [&le32(query.len() as u32)[..3], &[0], query.as_bytes()].concat());
        let mut answer = vec![1, 0, 0, 1, 2];
        for row in 0..dice.below(60) {
            let (name, value) = (word(dice), format!("{}", dice.below(100_000)));
            let length = name.len() + value.len() + 2;
            answer.extend([length as u8, 0, 0, row as u8 + 2, value.len() as u8]);
            answer.extend(value.as_bytes());
            answer.push(name.len() as u8);
            answer.extend(name.as_bytes());
        }
        answer.extend([5, 0, 0, 99, 0xfe, 0, 0, 2, 0]);
        talk.say(Server, answer);
    }
    talk
}

/// MongoDB OP_MSG with BSON documents.
pub(crate) fn mongodb(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for number in 0..10 + dice.below(40) as u32 {
        for from in [Client, Server] {
            let mut fields = Vec::new();
            for _ in 0..1 + dice.below(8) {
                let (kind, value) = match dice.below(4) {
                    0 => (0x10, le32(dice.roll() % 1000).to_vec()),
                    1 => (1, f64::from(dice.roll()).to_le_bytes().to_vec()),
                    2 => (7, random(dice, 12)),
                    _ => {
                        let text = word(dice);
                        let length = le32(text.len() as u32 + 1);
                        (2, [&length[..], text.as_bytes(), &[0]].concat())
                    }
                };
                fields.push(kind);
                fields.extend(word(dice).as_bytes());
                fields.push(0);
                fields.extend(value);
            }
            let document = [&le32(fields.len() as u32 + 5)[..], &fields, &[0]].concat();
            let length = le32(document.len() as u32 + 21);
            let answers = if from == Client { 0 } else { number };
            let header =
                [&length[..], &le32(number), &le32(answers), &le32(2013), &[0; 5]].concat();
            talk.say(from, [header, document].concat());
        }
    }
    talk
}

/// AMQP 0-9-1: type, channel, length, payload, 0xce.
pub(crate) fn amqp(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let frame = |kind: u8, body: &[u8]| {
        [&[kind, 0, 1][..], &be32(body.len() as u32), body, &[0xce]].concat()
    };
    for _ in 0..10 + dice.below(40) {
        let from = if dice.below(2) == 0 { Client } else { Server };
        let key = word(dice);
        let method = [&[0, 60, 0, 40, 0, 0, 0, key.len() as u8][..], key.as_bytes(), &[0]].concat();
        let length = dice.below(300);
        let header = [&[0, 60, 0, 0][..], &[0; 4], &be32(length as u32), &[0, 0]].concat();
        let body = random(dice, length);
        talk.say(from, [frame(1, &method), frame(2, &header), frame(3, &body)].concat());
        if dice.below(8) == 0 {
            talk.say(from, frame(8, &[]));
        }
    }
    talk
}

/// Kafka: a length of four bytes; batches of records with varints.
pub(crate) fn kafka(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for number in 0..10 + dice.below(40) as u32 {
        let topic = word(dice);
        let mut body = [&[0, 0, 0, 7][..], &be32(number), &[0, 4]].concat();
        body.extend(b"test");
        body.extend(be16(topic.len() as u32));
        body.extend(topic.as_bytes());
        for record in 0..dice.below(20) {
            let value = word(dice);
            body.extend([value.len() as u8 * 2 + 12, 0, record as u8 * 2, record as u8 * 2, 1]);
            body.push(value.len() as u8 * 2);
            body.extend(value.as_bytes());
            body.push(0);
        }
        talk.say(Client, [&be32(body.len() as u32)[..], &body].concat());
        let answer = [&be32(number)[..], &[0; 10], &random(dice, 8)].concat();
        talk.say(Server, [&be32(answer.len() as u32)[..], &answer].concat());
    }
    talk
}

/// RTMP: chunks of 128 bytes with headers of 1, 4, 8 or 12 bytes.
pub(crate) fn rtmp(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let mut time = 0;
    for _ in 0..20 + dice.below(60) {
        time += 20 + dice.below(40) as u32;
        let video = dice.below(2) == 0;
        let length = if video { 200 + dice.below(3000) } else { 20 + dice.below(300) };
        let mut message =
            vec![if video { 0x06 } else { 0x04 }, (time >> 16) as u8, (time >> 8) as u8];
        message.push(time as u8);
        message.extend(&be32(length as u32)[1..]);
        message.extend([if video { 9 } else { 8 }, 1, 0, 0, 0]);
        for (index, chunk) in random(dice, length).chunks(128).enumerate() {
            if index > 0 {
                message.push(if video { 0xc6 } else { 0xc4 });
            }
            message.extend(chunk);
        }
        talk.say(Client, message);
    }
    talk
}

/// BitTorrent: a length of four bytes and a type.
pub(crate) fn bittorrent(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for piece in 0..10 + dice.below(20) as u32 {
        for block in 0..2 {
            let place = [be32(piece), be32(block * 16_384)].concat();
            talk.say(Client, [&[0, 0, 0, 13, 6][..], &place, &be32(16_384)].concat());
            let data = random(dice, 4096);
            talk.say(Server, [&be32(4105)[..], &[7], &place, &data].concat());
        }
        talk.say(Client, [&[0, 0, 0, 5, 4][..], &be32(piece)].concat());
        talk.say(Server, [&[0, 0, 0, 5, 4][..], &be32(piece + 7)].concat());
        talk.say(Server, vec![0, 0, 0, 0]);
    }
    talk
}

/// memcached's binary protocol: 0x80 begins a request, 0x81 an answer.
pub(crate) fn memcached(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..20 + dice.below(60) {
        let key = word(dice);
        let opaque = be32(dice.roll());
        let head = |magic, key: usize, extras: u8, body: usize| {
            let length = be32(body as u32);
            [&[magic, 0][..], &be16(key as u32), &[extras, 0, 0, 0], &length, &opaque, &[0; 8]]
                .concat()
        };
        let request = head(0x80, key.len(), 0, key.len());
        talk.say(Client, [request, key.into_bytes()].concat());
        let length = dice.below(120);
        let value = random(dice, length);
        talk.say(Server, [head(0x81, 0, 4, length + 4), vec![0; 4], value].concat());
    }
    talk
}

/// Cassandra's protocol version 4: 0x04 begins a request, 0x84 an answer.
pub(crate) fn cassandra(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for stream in 0..20 + dice.below(40) as u32 {
        let query = format!("SELECT * FROM {} WHERE k={}", word(dice), dice.below(1000));
        let mut body = be32(query.len() as u32).to_vec();
        body.extend(query.as_bytes());
        body.extend([0, 1, 0]);
        let head = |version, code, length: usize| {
            [&[version, 0][..], &be16(stream), &[code], &be32(length as u32)].concat()
        };
        talk.say(Client, [head(4, 7, body.len()), body].concat());
        let rows = dice.below(30);
        let mut body = [&[0, 0, 0, 2, 0, 0, 0, 1][..], &be32(rows as u32)].concat();
        for _ in 0..rows {
            let cell = word(dice);
            body.extend(be32(cell.len() as u32));
            body.extend(cell.as_bytes());
        }
        talk.say(Server, [head(0x84, 8, body.len()), body].concat());
    }
    talk
}

/// LDAP: BER with tags 0x80 … 0x8a and lengths in one byte or 0x81, 0x82 and more.
pub(crate) fn ldap(dice: &mut Dice) -> Talk {
    fn ber(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = match body.len() {
            length @ ..128 => vec![length as u8],
            length @ ..256 => vec![0x81, length as u8],
            length => vec![0x82, (length >> 8) as u8, length as u8],
        };
        [&[tag][..], &length, body].concat()
    }
    let mut talk = Talk::default();
    for number in 1..10 + dice.below(30) as u8 {
        let id = ber(2, &[number]);
        let filter = ber(0x87, word(dice).as_bytes());
        let bind = [ber(2, &[3]), ber(4, word(dice).as_bytes()), ber(0x80, word(dice).as_bytes())];
        let request =
            if dice.below(2) == 0 { ber(0x63, &filter) } else { ber(0x60, &bind.concat()) };
        talk.say(Client, ber(0x30, &[id.clone(), request].concat()));
        let mut attributes = Vec::new();
        for _ in 0..dice.below(12) {
            let values: Vec<u8> =
                (0..1 + dice.below(4)).flat_map(|_| ber(4, word(dice).as_bytes())).collect();
            let pair = [ber(4, word(dice).as_bytes()), ber(0x31, &values)].concat();
            attributes.extend(ber(0x30, &pair));
        }
        let entry = [ber(4, b"cn=x,dc=example"), ber(0x30, &attributes)].concat();
        talk.say(Server, ber(0x30, &[id, ber(0x64, &entry)].concat()));
    }
    talk
}

/// fluentd's forward protocol: msgpack, with maps and short texts all over.
pub(crate) fn msgpack(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let text = |text: &str| [&[0xa0 | text.len() as u8][..], text.as_bytes()].concat();
    for _ in 0..20 + dice.below(60) {
        let mut event = [&[0x93][..], &text(&word(dice)), &[0xce], &be32(1_700_000_000)].concat();
        let pairs = 1 + dice.below(3);
        event.push(0x80 | pairs as u8);
        for _ in 0..pairs {
            event.extend(text(&word(dice)));
            match dice.below(3) {
                0 => event.push(dice.below(128) as u8),
                1 => event.extend([&[0xcd][..], &be16(dice.roll())].concat()),
                _ => event.extend(text(&word(dice))),
            }
        }
        talk.say(Client, event);
    }
    talk
}

/// CBOR items in a row: small arrays and maps, texts.
pub(crate) fn cbor(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..20 + dice.below(100) {
        let from = if dice.below(2) == 0 { Client } else { Server };
        let items = 1 + dice.below(3);
        let mut item = vec![0x80 | items as u8];
        for _ in 0..items {
            let name = word(dice);
            item.push(0x60 | name.len() as u8);
            item.extend(name.as_bytes());
        }
        talk.say(from, item);
    }
    talk
}

/// RTSP's interleaved RTP: a dollar sign, a channel, a length, and packets that begin with 0x80.
pub(crate) fn rtp(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for number in 0..20 + dice.below(100) as u32 {
        let length = 20 + dice.below(1200);
        let packet = [&[0x80, 96][..], &be16(number), &be32(number * 3000), &[1, 2, 3, 4]].concat();
        let size = be16((length + packet.len()) as u32);
        talk.say(Server, [&b"$\0"[..], &size, &packet, &random(dice, length)].concat());
    }
    talk
}

/// Modbus/TCP, polled again and again.
pub(crate) fn modbus(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let registers = 1 + dice.below(60) as u8;
    let base = dice.roll();
    for number in 0..50 + dice.below(200) as u32 {
        let unit = [1, 3];
        let ask = [&be16(number)[..], &[0, 0, 0, 6], &unit, &[0, 16, 0, registers]].concat();
        talk.say(Client, ask);
        let mut answer = [&be16(number)[..], &[0, 0, 0, registers * 2 + 3], &unit].concat();
        answer.push(registers * 2);
        for register in 0..u32::from(registers) {
            answer.extend(be16(base.wrapping_add(register * 977 + dice.roll() % 4)));
        }
        talk.say(Server, answer);
    }
    talk
}

/// SMB2 in NetBIOS sessions: a zero and a length of three bytes, then 64 bytes of header.
pub(crate) fn smb(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for number in 0..20 + dice.below(60) as u32 {
        for from in [Client, Server] {
            let length = [20 + dice.below(100), 1000 + dice.below(4000)][dice.below(2)];
            let mut header = b"\xfeSMB\x40\0\x01\0\0\0\0\0\x08\0\x01\0".to_vec();
            header.extend([&le32(u32::from(from == Server))[..], &[0; 4], &le32(number)].concat());
            header.resize(64, 0);
            header.extend(random(dice, length));
            talk.say(from, [&be32(header.len() as u32)[..], &header].concat());
        }
    }
    talk
}

/// BGP: sixteen bytes of ones, a length, a type.
pub(crate) fn bgp(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..30 + dice.below(100) {
        let routes: Vec<u8> = (0..dice.below(60))
            .flat_map(|_| [24, 10, dice.roll() as u8, dice.roll() as u8])
            .collect();
        let body = [&[0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 2][..], &[0, 1, 0, 2], &routes];
        let body = body.concat();
        let length = be16(body.len() as u32 + 19);
        talk.say(Server, [&[0xff; 16][..], &length, &[2], &body].concat());
    }
    talk
}

/// Tags and lengths of one byte each, as in many home-made protocols.
pub(crate) fn tag_and_length(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let tags: Vec<u8> = (0..2 + dice.below(8)).map(|_| dice.roll() as u8).collect();
    for _ in 0..50 + dice.below(200) {
        let length = dice.below(60);
        let value = if dice.below(2) == 0 { random(dice, length) } else { vec![0; length] };
        let from = if dice.below(2) == 0 { Client } else { Server };
        talk.say(from, [&[tags[dice.below(tags.len())], length as u8][..], &value].concat());
    }
    talk
}

/// Messages behind a length of two or four bytes, either byte order, small numbers inside.
pub(crate) fn length_prefixed(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    let form = dice.below(4);
    let longest = [100, 300, 3000][dice.below(3)];
    for _ in 0..50 + dice.below(100) {
        let length = 1 + dice.below(longest);
        let value: Vec<u8> = match dice.below(3) {
            0 => random(dice, length),
            1 => (0..length).map(|_| dice.below(4) as u8).collect(),
            _ => (0..length).map(|_| b"abcdefgh {}\":,"[dice.below(14)]).collect(),
        };
        let size = match form {
            0 => be16(length as u32).to_vec(),
            1 => be32(length as u32).to_vec(),
            2 => le16(length as u32).to_vec(),
            _ => le32(length as u32).to_vec(),
        };
        let from = if dice.below(2) == 0 { Client } else { Server };
        talk.say(from, [size, value].concat());
    }
    talk
}

/// protobuf messages behind a varint.
pub(crate) fn protobuf(dice: &mut Dice) -> Talk {
    fn varint(mut number: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number > 127 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    }
    let mut talk = Talk::default();
    for _ in 0..50 + dice.below(100) {
        let mut message = Vec::new();
        for field in 1..2 + dice.below(6) as u32 {
            if dice.below(2) == 0 {
                message.extend(varint(field << 3));
                message.extend(varint(dice.roll() >> dice.below(30)));
            } else {
                let text = word(dice);
                message.extend(varint(field << 3 | 2));
                message.extend(varint(text.len() as u32));
                message.extend(text.as_bytes());
            }
        }
        let from = if dice.below(2) == 0 { Client } else { Server };
        talk.say(from, [varint(message.len() as u32), message].concat());
    }
    talk
}
