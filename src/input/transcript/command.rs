//! Requests that stand in a command: `curl … -H …` and `fetch(…)`, as browsers copy them. Nothing
//! was sent yet, or what was sent is not here: the head is the one that the command asks for.

use super::curl::{self, Given};
use super::json::{rebuild, split_url};
use super::{Exchange, Transcript};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    /// Instead of the URL's.
    target: Option<String>,
    fields: Vec<(String, String)>,
}

/// Reads the first command in a text; none if there is none.
pub(super) fn read(source: &[u8]) -> Option<Transcript> {
    let text = std::str::from_utf8(source).ok()?;
    if let Some(wanted) = command(text) {
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
fn command(text: &str) -> Option<Wanted> {
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

/// The request that a command line asks for, up to `--next`.
fn of_words(words: &[String]) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    let mut authorization = None;
    let (mut data, mut query) = (Vec::new(), Vec::new());
    // What the options imply, unless `-X` says otherwise.
    let (mut implied, mut get, mut other_login) = (None, false, false);
    for given in curl::read(words) {
        let (option, value) = match given {
            Given::Url(url) => ("url", url),
            Given::Option("next", _) if !wanted.url.is_empty() => break,
            Given::Option(name, value) => (name, value),
        };
        let mut named = |name: &str| wanted.fields.push((name.to_owned(), value.to_owned()));
        match option {
            "url" if wanted.url.is_empty() => wanted.url = value.to_owned(),
            "header" => wanted.header(value),
            "user-agent" => named("User-Agent"),
            // Otherwise it is the name of a file.
            "cookie" if value.contains('=') => named("Cookie"),
            "referer" => named("Referer"),
            "range" => wanted.fields.push(("Range".to_owned(), format!("bytes={value}"))),
            "user" => authorization = Some(format!("Basic {}", STANDARD.encode(value))),
            "oauth2-bearer" => authorization = Some(format!("Bearer {value}")),
            "anyauth" | "digest" | "negotiate" | "ntlm" | "aws-sigv4" => other_login = true,
            "request" => wanted.method = Some(value.to_owned()),
            "request-target" => wanted.target = Some(value.to_owned()),
            "data" | "data-ascii" | "data-raw" | "data-binary" | "data-urlencode" | "json" => {
                implied = Some("POST");
                data.push(value);
                if option == "json" {
                    for name in ["Content-Type", "Accept"] {
                        wanted.fields.push((name.to_owned(), "application/json".to_owned()));
                    }
                }
            }
            "form" | "form-string" => implied = Some("POST"),
            "upload-file" => implied = Some("PUT"),
            "head" => implied = Some("HEAD"),
            "get" => get = true,
            "url-query" => query.push(value),
            "http1.0" => wanted.version = Some("HTTP/1.0"),
            "http1.1" => wanted.version = Some("HTTP/1.1"),
            "http2" | "http2-prior-knowledge" => wanted.version = Some("HTTP/2"),
            _ => {}
        }
    }
    if get {
        implied = implied.filter(|method| *method == "HEAD");
        query.append(&mut data);
    }
    for part in query {
        wanted.ask(part);
    }
    wanted.method = wanted.method.or(implied.map(str::to_owned));
    // Other schemes wait for the server's challenge.
    if let Some(value) = authorization.filter(|_| !other_login && !wanted.has("Authorization")) {
        wanted.fields.push(("Authorization".to_owned(), value));
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

    /// One more part of the URL's query. A character that can't stand there is encoded.
    fn ask(&mut self, part: &str) {
        let fragment = self.url.find('#').unwrap_or(self.url.len());
        self.url.truncate(fragment);
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        for byte in part.bytes() {
            match byte {
                b'!'..=b'~' if byte != b'#' => self.url.push(char::from(byte)),
                _ => self.url.push_str(&format!("%{byte:02X}")),
            }
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
        let target = self.target.as_deref().unwrap_or(&target);
        let start = format!("{method} {target} {version}");
        let request = Some(Box::new(rebuild(&start, &fields).head));
        let rebuilt_from = Some("the command".to_owned());
        let exchange = Exchange { request, rebuilt_from, ..Exchange::default() };
        Transcript { connections: vec![vec![exchange]], remarks }
    }
}
