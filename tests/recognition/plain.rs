//! Traffic without messages in binary: text, media, and what no protocol says.

use crate::dice::Dice;
use crate::traffic::{Endpoint::*, Talk, be16, be32, random, word};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write as _;

/// Text that is much alike, as web pages and logs are.
fn prose(dice: &mut Dice, length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&word(dice));
        text.push_str([" ", ", ", ". ", "<br>\n", "</td><td class=\"", "\n"][dice.below(6)]);
    }
    text
}

fn one_way(bytes: Vec<u8>) -> Talk {
    let mut talk = Talk::default();
    talk.say(Server, bytes);
    talk
}

pub(crate) fn html(dice: &mut Dice) -> Talk {
    let length = 2000 + dice.below(60_000);
    one_way(prose(dice, length).into_bytes())
}

pub(crate) fn http_chunked(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..10 + dice.below(30) {
        let length = 10 + dice.below(3000);
        let chunk = if dice.below(2) == 0 {
            random(dice, length)
        } else {
            prose(dice, length).into_bytes()
        };
        let size = format!("{:x}\r\n", chunk.len());
        talk.say(Server, [size.as_bytes(), &chunk, b"\r\n"].concat());
    }
    talk
}

pub(crate) fn http_json(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for number in 0..10 + dice.below(40) {
        let body = format!("{{\"id\":{number},\"name\":\"{}\",\"list\":[1,2,3]}}", word(dice));
        let length = body.len();
        talk.say(
            Client,
            format!("POST /api/{} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n{body}", word(dice)).into_bytes(),
        );
        talk.say(
            Server,
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes(),
        );
    }
    // The capture begins with the second half of something.
    talk
}

pub(crate) fn redis(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..20 + dice.below(60) {
        let (key, value) = (word(dice), word(dice));
        let (k, v) = (key.len(), value.len());
        talk.say(Client, format!("*3\r\n$3\r\nSET\r\n${k}\r\n{key}\r\n${v}\r\n{value}\r\n").into());
        talk.say(Server, b"+OK\r\n".to_vec());
        let length = dice.below(200);
        let blob = random(dice, length);
        talk.say(Server, [format!("${length}\r\n").as_bytes(), &blob, b"\r\n"].concat());
    }
    talk
}

pub(crate) fn mail(dice: &mut Dice) -> Talk {
    let mut talk = Talk::default();
    for _ in 0..3 + dice.below(8) {
        talk.say(Client, format!("RCPT TO:<{}@{}.example>\r\n", word(dice), word(dice)).into());
        talk.say(Server, b"250 2.1.5 Ok\r\n".to_vec());
        let length = 300 + dice.below(9000);
        let mut letter = prose(dice, length).replace('\n', "\r\n");
        letter.push_str("\r\n.\r\n");
        talk.say(Client, letter.into_bytes());
    }
    talk
}

/// Text in which every character has three bytes, many of them 0x80 to 0x8a.
pub(crate) fn japanese(dice: &mut Dice) -> Talk {
    let length = 1000 + dice.below(20_000);
    let text: String = (0..length)
        .map(|_| match dice.below(12) {
            0 => ['、', '。', '\n', ' '][dice.below(4)],
            1..=7 => char::from_u32(0x3041 + dice.below(83) as u32).unwrap_or('あ'),
            _ => char::from_u32(0x4e00 + dice.below(3000) as u32).unwrap_or('一'),
        })
        .collect();
    one_way(text.into_bytes())
}

/// Latin letters with marks, as in 0xc3 0x81, 0xc2 0x82.
pub(crate) fn latin(dice: &mut Dice) -> Talk {
    let length = 1000 + dice.below(20_000);
    let letters = ['Á', 'Â', 'É', 'À', 'È', 'ß', 'e', 't', ' ', ' ', '\u{80}', '\u{8a}'];
    one_way((0..length).map(|_| letters[dice.below(12)]).collect::<String>().into_bytes())
}

pub(crate) fn utf16(dice: &mut Dice) -> Talk {
    let length = 1000 + dice.below(20_000);
    one_way(prose(dice, length).encode_utf16().flat_map(u16::to_le_bytes).collect())
}

pub(crate) fn base64(dice: &mut Dice) -> Talk {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let length = 1000 + dice.below(60_000);
    one_way((0..length).map(|_| letters[dice.below(64)]).collect())
}

pub(crate) fn gzip(dice: &mut Dice) -> Talk {
    let length = 20_000 + dice.below(200_000);
    let text = prose(dice, length);
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let _ = encoder.write_all(text.as_bytes());
    one_way(encoder.finish().unwrap_or_default())
}

/// Chunks with a length, a name and DEFLATE data in them.
pub(crate) fn png(dice: &mut Dice) -> Talk {
    let mut all = Vec::new();
    for _ in 0..5 + dice.below(20) {
        let length = [13, 4, 8192][dice.below(3)];
        all.extend(
            [&be32(length as u32)[..], b"IDAT", &random(dice, length), &random(dice, 4)].concat(),
        );
    }
    one_way(all)
}

/// Entropy-coded data, in which 0xff is followed by a zero.
pub(crate) fn jpeg(dice: &mut Dice) -> Talk {
    let length = 10_000 + dice.below(100_000);
    let data = random(dice, length);
    one_way(data.into_iter().flat_map(|b| if b == 255 { vec![b, 0] } else { vec![b] }).collect())
}

/// Packets of 188 bytes that begin with 0x47.
pub(crate) fn mpeg_ts(dice: &mut Dice) -> Talk {
    let mut all = Vec::new();
    for number in 0..100 + dice.below(400) {
        all.extend([0x47, 1, dice.below(2) as u8, 0x10 | number as u8 & 15]);
        all.extend(random(dice, 184));
    }
    one_way(all)
}

/// Samples of sixteen bits of a slow wave.
pub(crate) fn sound(dice: &mut Dice) -> Talk {
    let (rate, height) = (0.001 + dice.below(100) as f64 / 1000.0, dice.below(20_000) as f64);
    let samples = (0..5000 + dice.below(30_000)).map(|at| {
        let noise = dice.below(20) as f64;
        ((at as f64 * rate).sin() * height + noise) as i16
    });
    one_way(samples.flat_map(i16::to_le_bytes).collect())
}

/// Pixels: long runs of few colours.
pub(crate) fn pixels(dice: &mut Dice) -> Talk {
    let colours: Vec<Vec<u8>> = (0..4).map(|_| random(dice, 4)).collect();
    let mut all = Vec::new();
    for _ in 0..200 + dice.below(400) {
        all.extend(colours[dice.below(4)].repeat(1 + dice.below(60)));
    }
    one_way(all)
}

pub(crate) fn noise(dice: &mut Dice) -> Talk {
    let length = 1000 + dice.below(120_000);
    one_way(random(dice, length))
}

/// One byte again and again, now and then another one.
pub(crate) fn constant(dice: &mut Dice) -> Talk {
    let usual = [0, 0, 0xff, 0x81, 0x82, 0x80, dice.roll() as u8][dice.below(7)];
    let seldom = [1, 20, 200][dice.below(3)];
    let all = (0..4000 + dice.below(40_000)).map(|_| match dice.below(1 + seldom * 10) {
        0 => dice.roll() as u8,
        _ => usual,
    });
    one_way(all.collect())
}

pub(crate) fn counters(dice: &mut Dice) -> Talk {
    let (start, step) = (dice.roll(), 1 + dice.roll() % 5);
    let width = dice.below(4);
    let numbers = (0..3000 + dice.below(10_000) as u32).map(|at| start.wrapping_add(at * step));
    one_way(
        numbers
            .flat_map(|number| match width {
                0 => vec![number as u8],
                1 => be16(number).to_vec(),
                2 => number.to_le_bytes().to_vec(),
                _ => be32(number).to_vec(),
            })
            .collect(),
    )
}

/// Records of one size: a few constant bytes, a counter, a measurement, padding.
pub(crate) fn records(dice: &mut Dice) -> Talk {
    let size = 8 + dice.below(120);
    let start = random(dice, 4);
    let mut talk = Talk::default();
    let together = dice.below(2) == 0;
    let mut all = Vec::new();
    for number in 0..100 + dice.below(200) as u32 {
        let mut record = [&start[..], &be16(number), &random(dice, 2)].concat();
        record.resize(size, 0);
        if together { all.extend(record) } else { talk.say(Server, record) }
    }
    if together {
        talk.say(Server, all);
    }
    talk
}

/// Instructions of a program: a few byte values make up most of them.
pub(crate) fn machine_code(dice: &mut Dice) -> Talk {
    let usual =
        [0x48, 0x89, 0x8b, 0x00, 0xff, 0xe8, 0x0f, 0x81, 0x83, 0x24, 0xc0, 0x88, 0x8a, 0x01];
    let length = 10_000 + dice.below(100_000);
    one_way(
        (0..length)
            .map(|_| if dice.below(3) > 0 { usual[dice.below(14)] } else { dice.roll() as u8 })
            .collect(),
    )
}

pub(crate) fn floats(dice: &mut Dice) -> Talk {
    let wide = dice.below(2) == 0;
    let numbers = (0..2000 + dice.below(6000)).map(|_| dice.below(100_000) as f64 / 100.0);
    one_way(
        numbers
            .flat_map(|n| {
                if wide { n.to_be_bytes().to_vec() } else { (n as f32).to_le_bytes().to_vec() }
            })
            .collect(),
    )
}
