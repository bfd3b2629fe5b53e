//! Requests that stand in a command: `curl … -H …` and `fetch(…)`, as browsers copy them. Nothing
//! was sent yet, or what was sent is not here: the head is the one that the command asks for.

use super::json::{rebuild, split_url};
use super::{Exchange, Transcript};
use serde_json::Value;

/// No command is longer, and none goes on over more lines.
const MAX_LINES: usize = 400;
const MAX_LENGTH: usize = 64 * 1024;

/// A request as a command names it.
#[derive(Default)]
struct Wanted {
    url: String,
    method: Option<String>,
    version: Option<&'static str>,
    fields: Vec<(String, String)>,
}

/// Reads the first command in a text; none if there is none.
pub(super) fn read(source: &[u8]) -> Option<Transcript> {
    let text = std::str::from_utf8(source).ok()?;
    if let Some(wanted) = curl(text) {
        let mut remarks = vec![
            "this is a command: the request is what curl would send, without its own User-Agent and \
             Accept; to see the answer as well: curl -v --http1.1 … 2>&1 | ws101 handshake"
                .to_owned(),
        ];
        let over_tls = wanted.url.starts_with("https:");
        if over_tls && wanted.version.is_none() {
            remarks.push(
                "curl offers HTTP/2 for https, where there is no Upgrade: --http1.1 keeps it from that"
                    .to_owned(),
            );
        }
        return Some(wanted.into_transcript(remarks));
    }
    let wanted = fetch(text)?;
    Some(wanted.into_transcript(vec![
        "this is a call of fetch: the request is what a browser would send".to_owned(),
    ]))
}

/// The command that begins on the first line with `curl `, perhaps behind a prompt.
fn curl(text: &str) -> Option<Wanted> {
    let lines: Vec<&str> = text.lines().collect();
    let is_command = |line: &&str| unprompted(line).starts_with("curl ");
    let first = lines.iter().position(is_command)?;
    let mut command = String::new();
    for line in lines[first..].iter().take(MAX_LINES) {
        if command.len() + line.len() > MAX_LENGTH {
            return None;
        }
        command.push_str(if command.is_empty() { unprompted(line) } else { line });
        command.push('\n');
        let goes_on = line.trim_end().ends_with(['\\', '^', '`']);
        if goes_on {
            continue;
        }
        // A quotation that is still open goes on, too.
        if let Ok(words) = shell_words::split(&plain(&command)) {
            return of_words(&words[1..]);
        }
    }
    None
}

fn unprompted(line: &str) -> &str {
    line.trim_start().trim_start_matches(['$', '%', '#', '>']).trim_start()
}

/// The command as a POSIX shell would have it: Windows has other signs for quoting and for going on
/// in the next line.
fn plain(command: &str) -> String {
    if !command.contains("^\"") {
        return command.replace("$'", "'").replace("`\n", "\\\n").replace("\r\n", "\n");
    }
    let mut plain = String::new();
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '^' => match chars.next() {
                Some('\n') | None => plain.push(' '),
                Some(escaped) => plain.push(escaped),
            },
            c => plain.push(c),
        }
    }
    plain
}

/// Options with a value that says nothing about the request's head.
const WITH_VALUE: [&str; 14] = [
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-x",
    "--proxy",
    "--resolve",
    "--cacert",
    "-E",
    "--cert",
    "--key",
    "-w",
    "--write-out",
];

fn of_words(words: &[String]) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if matches!(word, "|" | ";" | "&&" | "||") {
            break;
        }
        // Short options may have their value without a space between.
        let (option, attached) = match word.as_bytes() {
            [b'-', b'H' | b'X' | b'A' | b'b' | b'e' | b'd', _, ..] => {
                (&word[..2], Some(&word[2..]))
            }
            _ => (word, None),
        };
        let mut value = || attached.or_else(|| words.next()).unwrap_or_default().to_owned();
        let mut named = |name: &str, value: String| wanted.fields.push((name.to_owned(), value));
        match option {
            "-H" | "--header" => wanted.header(&value()),
            "-A" | "--user-agent" => named("User-Agent", value()),
            "-b" | "--cookie" => named("Cookie", value()),
            "-e" | "--referer" => named("Referer", value()),
            "-X" | "--request" => wanted.method = Some(value()),
            "-d" | "--data" | "--data-raw" | "--data-binary" => {
                value();
                wanted.method.get_or_insert_with(|| "POST".to_owned());
            }
            "-I" | "--head" => wanted.method = Some("HEAD".to_owned()),
            "--http1.0" | "-0" => wanted.version = Some("HTTP/1.0"),
            "--http1.1" => wanted.version = Some("HTTP/1.1"),
            "--http2" | "--http2-prior-knowledge" => wanted.version = Some("HTTP/2"),
            "--url" => wanted.url = value(),
            option if WITH_VALUE.contains(&option) => {
                value();
            }
            word if !word.starts_with('-') && wanted.url.is_empty() => wanted.url = word.to_owned(),
            _ => {}
        }
    }
    (!wanted.url.is_empty()).then_some(wanted)
}

/// The call of `fetch`, whose arguments browsers write as JSON.
fn fetch(text: &str) -> Option<Wanted> {
    let (_, arguments) = text.split_once("fetch(")?;
    let mut values = serde_json::Deserializer::from_str(arguments).into_iter::<Value>();
    let url = values.next()?.ok()?.as_str()?.to_owned();
    let rest = arguments[values.byte_offset()..].trim_start().strip_prefix(',').unwrap_or("{}");
    let options = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next()?.ok()?;
    let mut wanted = Wanted { url, ..Wanted::default() };
    wanted.method = options["method"].as_str().map(str::to_owned);
    for (name, value) in options["headers"].as_object().into_iter().flatten() {
        wanted.fields.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
    }
    Some(wanted)
}

impl Wanted {
    /// `Name: value`; `Name;` is a field without a value, and `Name:` takes a field out.
    fn header(&mut self, text: &str) {
        if let Some((name, value)) = text.split_once(':') {
            if !value.trim().is_empty() {
                self.fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        } else if let Some(name) = text.strip_suffix(';') {
            self.fields.push((name.trim().to_owned(), String::new()));
        }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn into_transcript(mut self, mut remarks: Vec<String>) -> Transcript {
        if !self.url.contains("://") {
            self.url.insert_str(0, "http://");
        }
        let (authority, target) = split_url(&self.url);
        let host = authority.rsplit('@').next().unwrap_or_default().to_owned();
        let mut fields = Vec::new();
        if !self.has("Host") {
            fields.push(("Host".to_owned(), host));
        }
        // For these schemes curl and browsers write what a handshake needs themselves.
        let is_websocket = self.url.starts_with("ws:") || self.url.starts_with("wss:");
        let own = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "<drawn-when-it-is-sent>"),
        ];
        let missing: Vec<_> = own.into_iter().filter(|(name, _)| !self.has(name)).collect();
        if is_websocket && !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
            remarks.push(format!(
                "{} will be set by whoever sends it, as for every ws:// and wss:// address",
                names.join(", ")
            ));
            fields
                .extend(missing.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        }
        fields.append(&mut self.fields);
        let method = self.method.as_deref().unwrap_or("GET");
        let version = self.version.unwrap_or("HTTP/1.1");
        let start = format!("{method} {target} {version}");
        let request = Some(Box::new(rebuild(&start, &fields).head));
        let rebuilt_from = Some("the command".to_owned());
        let exchange = Exchange { request, rebuilt_from, ..Exchange::default() };
        Transcript { connections: vec![vec![exchange]], remarks }
    }
}
