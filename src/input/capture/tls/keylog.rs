//! Key logs in the format of NSS, which browsers, curl, OpenSSL and others write: a line for each
//! secret, `LABEL client-random secret`, in hexadecimal. What is no such line is counted.

use super::schedule::Secret;
use crate::said::Endpoint;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// No line of a key log is longer; what is, is no key log.
const MAX_LINE: usize = 4096;

/// Secrets by the random number of the ClientHello, and the files that they come from.
#[derive(Default)]
pub struct KeyLog {
    secrets: HashMap<[u8; 32], Secrets, RandomState>,
    /// Master secrets that are known by the session, as OpenSSL prints it.
    sessions: HashMap<Vec<u8>, Secrets, RandomState>,
    files: Vec<KeyLogFile>,
    counts: KeyLogCounts,
    /// Grows whenever something was added.
    pub(super) generation: u64,
}

/// What was found in key logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyLogCounts {
    /// Lines with a secret that can be used.
    pub secrets: u64,
    /// Connections that they belong to.
    pub connections: u64,
    /// Of those, how many were found in the capture.
    pub matched: u64,
    /// Lines with a secret for another purpose (exporters, QUIC, ECH).
    pub unused: u64,
    /// Lines that are no comment, and no secret either.
    pub rubbish: u64,
    /// Files that were given.
    pub files: u64,
}

/// The secrets of one connection: few, and most logs hold very many connections, so that there is
/// room for those that are there and no other.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    known: Vec<(Label, Secret)>,
    matched: bool,
}

impl Secrets {
    /// Before TLS 1.3.
    pub(super) fn master(&self) -> Option<&Secret> {
        self.find(Label::Master)
    }

    pub(super) fn early(&self) -> Option<&Secret> {
        self.find(Label::Early)
    }

    pub(super) fn handshake(&self, from: Endpoint) -> Option<&Secret> {
        self.find(Label::Handshake(from))
    }

    /// The traffic secret with which application data begins.
    pub(super) fn traffic(&self, from: Endpoint) -> Option<&Secret> {
        self.find(Label::Traffic(from, 0))
    }

    fn find(&self, label: Label) -> Option<&Secret> {
        self.known.iter().find(|(known, _)| *known == label).map(|(_, secret)| secret)
    }
}

/// A file that may still be written.
struct KeyLogFile {
    path: PathBuf,
    read: u64,
    /// The last line, as long as its end has not come.
    line: Vec<u8>,
    /// That line was believed and counted already.
    is_believed: bool,
}

impl KeyLog {
    /// Reads a key log; what is written to it later is read when it is needed. So it has to be a
    /// file: a pipe gives its bytes once, and may keep us waiting for ever.
    pub fn add_file(&mut self, path: PathBuf) -> io::Result<()> {
        if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            let what = "it is no file, but a folder, a pipe or a device";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let mut file = KeyLogFile { path, read: 0, line: Vec::new(), is_believed: false };
        let read = self.read(&mut file);
        self.files.push(file);
        read
    }

    /// Takes in lines of a key log.
    pub fn add_lines(&mut self, text: &[u8]) {
        text.split(|&byte| byte == b'\n').for_each(|line| self.line(line));
        self.generation += 1;
    }

    /// What was found so far.
    pub fn counts(&self) -> KeyLogCounts {
        let connections = (self.secrets.len() + self.sessions.len()) as u64;
        KeyLogCounts { connections, files: self.files.len() as u64, ..self.counts }
    }

    /// True if there is nothing to look in: no secrets, and no file that may get some.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.sessions.is_empty() && self.files.is_empty()
    }

    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Reads what was written to the files since. A file that vanished, or can't be read any more,
    /// has nothing new.
    pub(super) fn refresh(&mut self) {
        let mut files = std::mem::take(&mut self.files);
        for file in &mut files {
            let _ = self.read(file);
        }
        self.files = files;
    }

    fn read(&mut self, log: &mut KeyLogFile) -> io::Result<()> {
        let mut file = File::open(&log.path)?;
        let length = file.metadata()?.len();
        if length == log.read {
            return Ok(());
        }
        if length < log.read {
            // It was begun anew.
            log.read = 0;
            log.line.clear();
        }
        file.seek(SeekFrom::Start(log.read))?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count?,
            };
            if count == 0 {
                break;
            }
            log.read += count as u64;
            for part in buffer[..count].split_inclusive(|&byte| byte == b'\n') {
                if log.line.len() <= MAX_LINE {
                    log.line.extend_from_slice(part);
                }
                if part.ends_with(b"\n") {
                    self.counts.secrets -= u64::from(std::mem::take(&mut log.is_believed));
                    self.line(&log.line);
                    log.line.clear();
                }
            }
        }
        // The last line need not have an end; if there is more to come, it is read again then.
        if !log.is_believed && parse(&log.line).is_some() {
            self.line(&log.line);
            log.is_believed = true;
        }
        self.generation += 1;
        Ok(())
    }

    /// The secrets of the connection whose ClientHello has this random number, or whose ServerHello
    /// names this session.
    pub(super) fn find(&mut self, random: &[u8; 32], session: &[u8]) -> Option<&Secrets> {
        let found = match self.secrets.get_mut(random) {
            Some(found) => found,
            None => self.sessions.get_mut(session)?,
        };
        self.counts.matched += u64::from(!found.matched);
        found.matched = true;
        Some(found)
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return;
        }
        if let Some((session, secret)) = parse_session(line) {
            self.counts.secrets += 1;
            self.sessions.entry(session).or_default().put(Label::Master, secret);
            return;
        }
        match parse(line) {
            Some((Label::Other, ..)) => self.counts.unused += 1,
            Some((label, random, secret)) => {
                self.counts.secrets += 1;
                self.secrets.entry(random).or_default().put(label, secret);
            }
            None => self.counts.rubbish += 1,
        }
    }
}

impl Secrets {
    fn put(&mut self, label: Label, secret: Secret) {
        // Later ones follow from that with which data begins (RFC 8446 §7.2).
        if let Label::Other | Label::Traffic(_, 1..) = label {
            return;
        }
        match self.known.iter_mut().find(|(known, _)| *known == label) {
            Some((_, known)) => *known = secret,
            None => {
                self.known.reserve_exact(1);
                self.known.push((label, secret));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Master,
    Early,
    Handshake(Endpoint),
    Traffic(Endpoint, u32),
    /// A secret that opens no record.
    Other,
}

/// The label, the random number and the secret of a line.
fn parse(line: &[u8]) -> Option<(Label, [u8; 32], Secret)> {
    let mut words = line.trim_ascii().split(|byte| byte.is_ascii_whitespace());
    let (name, random, secret) = (words.next()?, words.next()?, words.next()?);
    if words.any(|word| !word.is_empty()) {
        return None;
    }
    let secret = Secret::new(&hexadecimal(secret)?)?;
    let label = label(name)?;
    if let Label::Other = label {
        return Some((label, [0; 32], secret));
    }
    let is_right_length = match label {
        Label::Master => secret.bytes().len() == 48,
        _ => matches!(secret.bytes().len(), 32 | 48),
    };
    let random = hexadecimal(random)?.try_into().ok()?;
    is_right_length.then_some((label, random, secret))
}

/// `RSA Session-ID:… Master-Key:…`, which OpenSSL's tools print.
fn parse_session(line: &[u8]) -> Option<(Vec<u8>, Secret)> {
    let line = std::str::from_utf8(line).ok()?;
    let (session, secret) = line.strip_prefix("RSA Session-ID:")?.split_once(" Master-Key:")?;
    let session = hexadecimal(session.as_bytes()).filter(|session| !session.is_empty())?;
    Some((session, Secret::new(&hexadecimal(secret.as_bytes())?)?))
}

fn label(name: &[u8]) -> Option<Label> {
    let name = std::str::from_utf8(name).ok()?;
    Some(match name {
        "CLIENT_RANDOM" => Label::Master,
        "CLIENT_EARLY_TRAFFIC_SECRET" => Label::Early,
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::Handshake(Endpoint::Client),
        "SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::Handshake(Endpoint::Server),
        "EXPORTER_SECRET"
        | "EARLY_EXPORTER_SECRET"
        | "EARLY_EXPORTER_MASTER_SECRET"
        | "RSA"
        | "ECH_SECRET"
        | "ECH_CONFIG" => Label::Other,
        // What OpenSSL writes after a KeyUpdate can be computed.
        "CLIENT_TRAFFIC_SECRET_N" | "SERVER_TRAFFIC_SECRET_N" => Label::Other,
        _ if name.starts_with("QUIC_") => Label::Other,
        _ => {
            let number = |prefix| name.strip_prefix(prefix)?.parse().ok();
            match (number("CLIENT_TRAFFIC_SECRET_"), number("SERVER_TRAFFIC_SECRET_")) {
                (Some(number), _) => Label::Traffic(Endpoint::Client, number),
                (_, Some(number)) => Label::Traffic(Endpoint::Server, number),
                _ => return None,
            }
        }
    })
}

fn hexadecimal(word: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let is_even = word.len().is_multiple_of(2) && word.len() <= 2 * MAX_LINE;
    is_even.then(|| {
        word.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn secrets_are_found_by_the_random_number_and_rubbish_is_counted() {
        let mut log = KeyLog::default();
        let secret = "ab".repeat(32);
        log.add_lines(
            format!(
                "# a comment\n\nSERVER_TRAFFIC_SECRET_0 {RANDOM} {secret}\r\n\
                 CLIENT_TRAFFIC_SECRET_1 {RANDOM} {secret}\nEXPORTER_SECRET {RANDOM} {secret}\n\
                 CLIENT_RANDOM {RANDOM} {secret}\nCLIENT_RANDOM {RANDOM}\nnonsense\n\
                 CLIENT_RANDOM {RANDOM} {}\nCLIENT_RANDOM {RANDOM} {} {secret}",
                "zz".repeat(48),
                "cd".repeat(48),
            )
            .as_bytes(),
        );
        let counts = log.counts();
        assert_eq!((counts.secrets, counts.connections, counts.matched), (2, 1, 0));
        assert_eq!((counts.unused, counts.rubbish), (1, 5));
        let random: [u8; 32] = std::array::from_fn(|index| index as u8);
        let found = log.find(&random, &[]).expect("the connection is there");
        assert!(found.traffic(Endpoint::Server).is_some_and(|secret| secret.bytes() == [0xab; 32]));
        assert!(found.traffic(Endpoint::Client).is_none(), "a later secret does not begin");
        assert!(found.master().is_none());
        assert!(log.find(&[0; 32], &[]).is_none());
        assert_eq!(log.counts().matched, 1);
    }

    /// A log of a million connections took more than a gigabyte.
    #[test]
    fn a_connection_takes_little_room() {
        assert!(size_of::<([u8; 32], Secrets)>() <= 64);
        assert!(size_of::<(Label, Secret)>() <= 64);
        let mut secrets = Secrets::default();
        let secret = Secret::new(&[7; 48]).expect("as long as a master secret");
        secrets.put(Label::Master, secret);
        secrets.put(Label::Master, secret);
        assert_eq!(secrets.known.capacity(), 1);
    }

    #[test]
    fn a_file_that_grows_is_read_on_from_where_it_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let line = format!("CLIENT_RANDOM {RANDOM} {}\n", "cd".repeat(48));
        std::fs::write(&path, &line[..line.len() - 7]).expect("it is written");
        let mut log = KeyLog::default();
        log.add_file(path.clone()).expect("it can be read");
        assert_eq!(
            (log.counts().secrets, log.counts().rubbish),
            (0, 0),
            "half a line says nothing"
        );
        std::fs::write(&path, &line).expect("it is written");
        log.refresh();
        assert_eq!((log.counts().secrets, log.counts().rubbish), (1, 0));
        log.refresh();
        assert_eq!(log.counts().secrets, 1);
    }
}
