//! Where the bytes come from: arguments, files, standard input. And what is said if they can't be
//! read.

use crate::cli::Failure;
use crate::cli::name::{self, STDIN};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use ws101::input::bytes::{Content, Unreadable, from_base64, from_hex, looks_like_base64};
use ws101::input::capture::{LonePacket, lone_packet};
use ws101::input::detect::{self, Remedy};
use ws101::input::reason;
use ws101::render::escape;

/// What the bytes are dressed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dress {
    /// Hexadecimal or a dump of it; a file that is no text holds the bytes themselves.
    Hex,
    /// Base64.
    Base64,
    /// Nothing: files hold the bytes themselves, whatever they look like.
    Raw,
}

/// How bytes are read.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// What they are dressed in.
    pub dress: Dress,
    /// What can't be read is not quoted.
    pub redact: bool,
}

/// Reads the bytes that all the arguments together stand for.
pub fn read(inputs: &[OsString], manner: Manner) -> Result<Vec<u8>, Failure> {
    if inputs.is_empty() && std::io::stdin().is_terminal() {
        let message = "error: no bytes were given\n  \
             expected: bytes in hexadecimal, a file, or something piped in\n  \
             try: ws101 frame 81 05 48 65 6c 6c 6f\n  \
             more: ws101 frame --help";
        return Err(Failure::Input(message.to_owned()));
    }
    let mut bytes = Vec::new();
    let stdin = [OsString::from("-")];
    let inputs = if inputs.is_empty() { &stdin } else { inputs };
    // Arguments that are no files are pieces of one text: `ws101 frame 81 05 48`.
    let mut typed = String::new();
    for input in inputs {
        if input != "-" && !Path::new(input).exists() {
            if !typed.is_empty() {
                typed.push(' ');
            }
            typed.push_str(&input.to_string_lossy());
            continue;
        }
        bytes.extend(of_text(&std::mem::take(&mut typed), None, manner)?);
        let (name, content) = of_file(input)?;
        bytes.extend(of_content(content, &name, manner)?);
    }
    bytes.extend(of_text(&typed, None, manner)?);
    if bytes.is_empty() {
        let names: Vec<_> = inputs.iter().map(|input| shown_name(input)).collect();
        let names = names.join(", ");
        return Err(Failure::Input(format!(
            "error: there are no bytes in {names}\n  expected: {EXPECTED}"
        )));
    }
    match lone_packet(&bytes) {
        Some(packet) if manner.dress != Dress::Raw => Err(whole_packet(&bytes, &packet, manner)),
        _ => Ok(bytes),
    }
}

/// Of what a packet carries, so much is repeated in a command to type.
const TYPED: usize = 64;

/// The bytes are what carries frames, headers and all.
fn whole_packet(bytes: &[u8], packet: &LonePacket, manner: Manner) -> Failure {
    let headers = if packet.link == "Ethernet" { "Ethernet, IP and TCP" } else { "IP and TCP" };
    let mut message =
        format!("error: these bytes are a whole packet, with the headers of {headers}, not frames");
    let carried = &bytes[packet.payload.clone()];
    let start = packet.payload.start;
    message.push_str(&match carried.len() {
        0 => "\n  TCP carries nothing in it".to_owned(),
        1 => format!("\n  TCP carries one byte of it, at offset {start}"),
        length => format!("\n  TCP carries the {length} bytes of it from offset {start} on"),
    });
    if !manner.redact && (1..=TYPED).contains(&carried.len()) {
        let hex = escape::hex(carried).replace(' ', "");
        message.push_str(&format!("\n  try: ws101 frame {hex}"));
    }
    message.push_str(
        "\n  to read packets: make a capture of the dump (text2pcap DUMP FILE), then ws101 pcap FILE",
    );
    Failure::Input(message)
}

fn shown_name(input: &OsStr) -> Cow<'static, str> {
    match input {
        _ if input.is_empty() => Cow::Borrowed("an empty argument"),
        _ => name::source(Path::new(input)),
    }
}

fn of_file(input: &OsStr) -> Result<(Cow<'static, str>, Vec<u8>), Failure> {
    let name = shown_name(input);
    let content = if input == "-" {
        let mut content = Vec::new();
        std::io::stdin().read_to_end(&mut content).map(|_| content)
    } else {
        std::fs::read(input)
    };
    match content {
        Ok(content) => Ok((name, content)),
        Err(_) if Path::new(input).is_dir() => {
            Err(Failure::Input(format!("error: {name} is a directory\n  expected: a file")))
        }
        Err(error) => {
            Err(Failure::Input(format!("error: {name} can't be read: {}", reason(&error))))
        }
    }
}

fn of_content(content: Vec<u8>, name: &str, manner: Manner) -> Result<Vec<u8>, Failure> {
    if manner.dress == Dress::Raw {
        return Ok(content);
    }
    if let Some(kind) = detect::recognise(&content).filter(|kind| kind.is_certain()) {
        let file = if name == STDIN { "-" } else { name };
        let advice = match kind.remedy {
            Remedy::Command(command) => format!("\n  try: {command} {file}"),
            _ => String::new(),
        };
        let what = kind.name;
        let message = format!("error: {name} is {what}, not the bytes of frames{advice}");
        return Err(Failure::Input(message));
    }
    match Content::of(content) {
        Content::Binary(bytes) => Ok(bytes),
        Content::Text(text) => of_text(&text, Some(name), manner),
    }
}

fn of_text(text: &str, file: Option<&str>, manner: Manner) -> Result<Vec<u8>, Failure> {
    let base64 = manner.dress == Dress::Base64;
    let read = if base64 { from_base64(text) } else { from_hex(text) };
    if read.as_ref().is_ok_and(|bytes| detect::is_exchange(bytes)) {
        let file = file.filter(|name| *name != STDIN).unwrap_or("-");
        return Err(Failure::Input(format!(
            "error: these bytes are HTTP, not frames\n  try: ws101 handshake {file}"
        )));
    }
    read.map_err(|error| Failure::Input(unreadable(text, file, manner, &error)))
}

const EXPECTED: &str = "bytes such as 81 05 48, 81:05:48, \\x81\\x05\\x48, 0x81,0x05,0x48\n            \
     or a dump by xxd, hexdump -C, od or Wireshark";

/// What is wrong, where, what was expected, what to try.
fn unreadable(text: &str, file: Option<&str>, manner: Manner, error: &Unreadable) -> String {
    let base64 = manner.dress == Dress::Base64;
    let what = if base64 { "Base64" } else { "hexadecimal" };
    let mut message = match file {
        None if names_a_file(text) && !manner.redact => {
            let name = escape::clipped(text.as_bytes(), 60);
            format!("error: there is no file {name}, and it is not {what}\n")
        }
        _ => format!("error: this is not {what}\n"),
    };
    if let Some(file) = file {
        message.push_str(&format!("  --> {file}:{}:{}\n", error.line, error.column));
    }
    if !manner.redact {
        let (shown, lead, length) = excerpt(error);
        let quote = if file.is_none() { "\"" } else { "" };
        let carets = "^".repeat(length.max(1));
        message.push_str(&format!("  {quote}{shown}{quote}\n"));
        let problem = escape::text(error.problem.as_bytes());
        message.push_str(&format!("  {}{carets} {problem}\n", " ".repeat(lead + quote.len())));
    }
    if base64 {
        message.push_str("  expected: letters, digits, + and / (or - and _), = at the end");
        return message;
    }
    message.push_str(&format!("  expected: {EXPECTED}"));
    let start = text.trim_start();
    if start.starts_with("GET ") || start.starts_with("HTTP/") {
        message.push_str("\n  if it is a handshake: ws101 handshake FILE");
    } else if looks_like_base64(text) {
        let typed = if manner.redact { "…" } else { start.trim_end() };
        let name = escape::clipped(file.unwrap_or(typed).as_bytes(), 48);
        message.push_str(&format!("\n  it may be Base64: ws101 frame --base64 {name}"));
    } else if let Some(file) = file {
        message
            .push_str(&format!("\n  if it holds the bytes themselves: ws101 frame --raw {file}"));
    } else {
        message.push_str("\n  if it is Base64: ws101 frame --base64 …");
    }
    message
}

/// True if what was typed is more likely the name of a file than bytes.
fn names_a_file(text: &str) -> bool {
    let extension = text
        .rsplit_once('.')
        .is_some_and(|(name, extension)| !name.is_empty() && (1..=5).contains(&extension.len()));
    !text.contains([' ', ',']) && (extension || text.contains('/') || text.starts_with('~'))
}

/// The part of the line around the place, the columns before it, and the columns it takes.
fn excerpt(error: &Unreadable) -> (String, usize, usize) {
    const AROUND: usize = 30;
    let letters: Vec<char> = error.source.chars().collect();
    let at = (error.column - 1).min(letters.len());
    let end = (at + error.length).min(letters.len());
    let from = if at > AROUND + 6 { at - AROUND } else { 0 };
    let to = if letters.len() > end + AROUND + 6 { end + AROUND } else { letters.len() };
    let shown = |letters: &[char]| escape::text(letters.iter().collect::<String>().as_bytes());
    let (before, meant, after) =
        (shown(&letters[from..at]), shown(&letters[at..end]), shown(&letters[end..to]));
    let lead = if from > 0 { "…" } else { "" };
    let tail = if to < letters.len() { "…" } else { "" };
    let columns = escape::width(&before) + lead.chars().count();
    (format!("{lead}{before}{meant}{after}{tail}"), columns, escape::width(&meant))
}

/// There were bytes, but no frame began in them.
pub fn no_frames(bytes: &[u8], redact: bool) -> String {
    let mut message = "error: these bytes are not frames".to_owned();
    if !redact {
        let start = escape::clipped(&bytes[..bytes.len().min(64)], 40);
        message.push_str(&format!("\n  they begin with \"{start}\""));
    }
    if let Some(kind) = detect::recognise(bytes)
        && let Remedy::Command(command) = kind.remedy
    {
        message.push_str(&format!("\n  that is {}; try: {command} FILE", kind.name));
    }
    message
}
