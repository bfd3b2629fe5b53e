//! Exchanges in JSON: HAR, and the event log of Chrome's developer tools. Both have headers as
//! names and values, not as bytes; their heads are put together again and say so.

use super::{Exchange, Found, Transcript};
use crate::http::Head;
use crate::input::detect;
use serde_json::Value;

/// Reads a HAR or an event log.
pub(super) fn read(bytes: &[u8]) -> Result<Transcript, String> {
    let document = parse(bytes)?;
    if let Some(entries) = document.pointer("/log/entries").and_then(Value::as_array) {
        return har(entries);
    }
    let events = document.as_array().or_else(|| document.get("events")?.as_array());
    if let Some(transcript) = events.and_then(|events| event_log(events)) {
        return Ok(transcript);
    }
    let what = "this is JSON, but no HAR (`log.entries`) and no log of Network.webSocket… events";
    Err(detect::say(what, detect::EXPECTED))
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        let what = format!("this begins like JSON, but it is not: {error}");
        detect::say(&what, detect::EXPECTED)
    })
}

/// Gives each entry of a HAR that concerns WebSocket, with its heads.
pub(crate) fn entries(bytes: &[u8], mut give: impl FnMut(&Value, Exchange)) -> Result<(), String> {
    let document = parse(bytes)?;
    let Some(entries) = document.pointer("/log/entries").and_then(Value::as_array) else {
        return Err("this is JSON, but no HAR (`log.entries`)".to_owned());
    };
    let mut some = false;
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| concerns_websocket(entry))
    {
        some = true;
        give(entry, exchange(index, entry));
    }
    if some { Ok(()) } else { Err(concerns_nothing(entries.len())) }
}

fn har(entries: &[Value]) -> Result<Transcript, String> {
    let mut transcript = Transcript::default();
    let mut messages = 0;
    for (index, entry) in entries.iter().enumerate() {
        if !concerns_websocket(entry) {
            continue;
        }
        messages += entry["_webSocketMessages"].as_array().map_or(0, Vec::len);
        transcript.connections.push(vec![exchange(index, entry)]);
    }
    if transcript.connections.is_empty() {
        return Err(concerns_nothing(entries.len()));
    }
    transcript.remarks.push(
        "the heads were put together from a HAR, which keeps no bytes: their lines are counted \
         as they would stand"
            .to_owned(),
    );
    if messages > 0 {
        let (noun, verb) = if messages == 1 { ("message", "is") } else { ("messages", "are") };
        transcript.remarks.push(format!(
            "{messages} WebSocket {noun} in it {verb} not looked at here: ws101 pcap FILE shows them"
        ));
    }
    Ok(transcript)
}

fn exchange(index: usize, entry: &Value) -> Exchange {
    let (request, response) = (&entry["request"], &entry["response"]);
    // No method: whoever wrote this did not see the request.
    let was_seen = request["method"].as_str().is_none_or(|method| !method.is_empty());
    Exchange {
        request: was_seen.then(|| Box::new(har_request(request).head)),
        response: har_response(response).map(|found| Box::new(found.head)),
        body: response
            .pointer("/content/text")
            .and_then(Value::as_str)
            .map_or(Vec::new(), |text| text.bytes().take(super::MAX_BODY).collect()),
        rebuilt_from: Some(format!("entry {}", index + 1)),
        ..Exchange::default()
    }
}

/// What to say of a HAR without WebSocket.
fn concerns_nothing(entries: usize) -> String {
    let what = match entries {
        0 => "this HAR has no entries".to_owned(),
        1 => "this HAR has one entry, and it does not ask for WebSocket".to_owned(),
        count => format!("this HAR has {count} entries, and none asks for WebSocket"),
    };
    let advice = "  expected: an entry with status 101 or with Sec-WebSocket headers
  try:      reload the page with the network panel open, then export the HAR once more";
    detect::say(&what, advice)
}

fn concerns_websocket(entry: &Value) -> bool {
    let has_field = |head: &Value| {
        headers(head).iter().any(|(name, value)| {
            let name = name.to_ascii_lowercase();
            name.starts_with("sec-websocket-")
                || name == "upgrade" && value.to_ascii_lowercase().contains("websocket")
        })
    };
    let url = entry.pointer("/request/url").and_then(Value::as_str).unwrap_or_default();
    number(&entry["response"]["status"]) == Some(101)
        || entry["_resourceType"] == "websocket"
        || url.starts_with("ws://")
        || url.starts_with("wss://")
        || has_field(&entry["request"])
        || has_field(&entry["response"])
}

fn har_request(request: &Value) -> Found {
    let method = request["method"].as_str().unwrap_or("GET");
    let (authority, target) = split_url(request["url"].as_str().unwrap_or_default());
    let mut fields = headers(request);
    let has_host = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    // Some exporters leave out what the URL says already.
    if !has_host && !authority.is_empty() {
        fields.insert(0, ("Host".to_owned(), authority));
    }
    let version = version(&request["httpVersion"]);
    rebuild(&format!("{method} {target} {version}"), &fields)
}

fn har_response(response: &Value) -> Option<Found> {
    // Status 0: the browser never saw an answer.
    let status = number(&response["status"]).filter(|status| *status > 0)?;
    let reason = response["statusText"].as_str().unwrap_or_default();
    let version = version(&response["httpVersion"]);
    Some(rebuild(&format!("{version} {status} {reason}"), &headers(response)))
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The version as HTTP writes it; exporters write `http/1.1`, `h2` or nothing.
fn version(value: &Value) -> String {
    match value.as_str().unwrap_or_default() {
        text if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("HTTP/")) => {
            text.to_ascii_uppercase()
        }
        "h2" => "HTTP/2".to_owned(),
        "h3" => "HTTP/3".to_owned(),
        _ => "HTTP/1.1".to_owned(),
    }
}

/// The authority and the rest of a URL.
pub(super) fn split_url(url: &str) -> (String, String) {
    let Some((_, rest)) = url.split_once("://") else { return (String::new(), url.to_owned()) };
    let rest = rest.split('#').next().unwrap_or_default();
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(at);
    let target = match target {
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        target => target.to_owned(),
    };
    (authority.to_owned(), target)
}

/// The headers of a HAR message; a value with line ends stands for several fields.
fn headers(message: &Value) -> Vec<(String, String)> {
    let list = message["headers"].as_array().map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(|header| Some((header["name"].as_str()?, header["value"].as_str()?)))
        // HTTP/2 pseudo-fields stand in the first line already.
        .filter(|(name, _)| !name.starts_with(':'))
        // tshark's mark of a line that it shows cut; HARs are made from what it prints.
        .map(|(name, value)| {
            (name.trim_start_matches("[…] ").trim_start_matches("[truncated]"), value)
        })
        .flat_map(|(name, value)| value.split('\n').map(|v| (name.to_owned(), v.to_owned())))
        .collect()
}

/// A head put together from its parts.
pub(super) fn rebuild(start: &str, fields: &[(String, String)]) -> Found {
    let mut text = String::new();
    let mut lines = Vec::new();
    let mut push = |line: &str| {
        let from = text.len();
        text.push_str(line);
        lines.push(from..text.len());
        text.push_str("\r\n");
    };
    push(start.trim_end());
    for (name, value) in fields {
        push(&format!("{name}: {value}"));
    }
    text.push_str("\r\n");
    let head = Head::from_lines(text.into_bytes().into(), 0, &lines, true);
    Found { head, body: Vec::new() }
}

/// Chrome's event log: `Network.webSocketWillSendHandshakeRequest` and
/// `Network.webSocketHandshakeResponseReceived`, tied together by a request id.
fn event_log(events: &[Value]) -> Option<Transcript> {
    let mut transcript = Transcript::default();
    let params = |name: &str, id: Option<&str>| {
        events.iter().find_map(|event| {
            let params = &event["params"];
            let fits =
                event["method"] == name && (id.is_none() || params["requestId"].as_str() == id);
            fits.then_some(params)
        })
    };
    for (index, event) in events.iter().enumerate() {
        if event["method"] != "Network.webSocketWillSendHandshakeRequest" {
            continue;
        }
        let id = event["params"]["requestId"].as_str();
        let created = params("Network.webSocketCreated", id);
        let url = created.and_then(|created| created["url"].as_str()).unwrap_or_default();
        let received = params("Network.webSocketHandshakeResponseReceived", id);
        let response = received.map(|received| &received["response"]);
        let fields = map_headers(&event["params"]["request"]["headers"]);
        let request = rebuild(&format!("GET {} HTTP/1.1", split_url(url).1), &fields);
        let exchange = Exchange {
            request: Some(Box::new(request.head)),
            response: response.map(|response| Box::new(event_response(response).head)),
            rebuilt_from: Some(format!("event {}", index + 1)),
            ..Exchange::default()
        };
        transcript.connections.push(vec![exchange]);
    }
    transcript.remarks.push(
        "the heads were put together from events of Chrome's developer tools, which keep no bytes"
            .to_owned(),
    );
    (!transcript.connections.is_empty()).then_some(transcript)
}

fn event_response(response: &Value) -> Found {
    let status = number(&response["status"]).unwrap_or(0);
    let reason = response["statusText"].as_str().unwrap_or_default();
    rebuild(&format!("HTTP/1.1 {status} {reason}"), &map_headers(&response["headers"]))
}

fn map_headers(headers: &Value) -> Vec<(String, String)> {
    let Some(map) = headers.as_object() else { return Vec::new() };
    map.iter()
        .filter_map(|(name, value)| Some((name, value.as_str()?)))
        .flat_map(|(name, value)| value.split('\n').map(|v| (name.clone(), v.to_owned())))
        .collect()
}
