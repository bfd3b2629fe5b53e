use super::*;
use proptest::prelude::*;

const REQUEST: &str = "GET /chat HTTP/1.1\nHost: example.com\nUpgrade: websocket\n\
    Connection: Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\
    Sec-WebSocket-Version: 13\n\n";
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\
    Connection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n";

/// What was recognised, one line an exchange: `GET /chat + 5 -> 101 + 3`.
fn summary(text: impl AsRef<[u8]>) -> String {
    let transcript = match read(text.as_ref()) {
        Ok(transcript) => transcript,
        Err(message) => return message.lines().next().unwrap_or_default().to_owned(),
    };
    let exchange = |exchange: &Exchange| {
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"?")).into_owned();
        let request = exchange.request.as_ref().map_or("nothing".to_owned(), |head| {
            format!("{} {} + {}", text(head.method()), text(head.target()), head.fields.len())
        });
        let response = exchange.response.as_ref().map_or("nothing".to_owned(), |head| {
            format!("{} + {}", head.status().unwrap_or(0), head.fields.len())
        });
        let body = match exchange.body.len() {
            0 => String::new(),
            length => format!(" ({length} bytes of body)"),
        };
        format!("{request} -> {response}{body}")
    };
    let connections = &transcript.connections;
    connections.iter().flatten().map(exchange).collect::<Vec<_>>().join("\n")
}

const BOTH: &str = "GET /chat + 5 -> 101 + 3";

fn with_prompts(request: &str, response: &str) -> String {
    let prompt = |text: &str, mark: &str| -> String {
        text.lines().map(|line| format!("{mark}{line}\n")).collect()
    };
    prompt(REQUEST, request) + &prompt(RESPONSE, response)
}

#[test]
fn raw_text_is_read_whatever_its_line_ends_and_whatever_stands_around_it() {
    let raw = REQUEST.to_owned() + RESPONSE;
    assert_eq!(summary(&raw), BOTH);
    assert_eq!(summary(raw.replace('\n', "\r\n")), BOTH);
    assert_eq!(summary(format!("\n\n{raw}")), BOTH);
    assert_eq!(summary(raw.trim_end()), BOTH);
    assert_eq!(summary(format!("Here is what I see:\n\n{raw}\nAny ideas?\n")), BOTH);
    assert_eq!(summary(format!("\u{feff}{raw}")), BOTH);
    assert_eq!(summary(with_prompts("      ", "      ")), BOTH);
    assert_eq!(summary(RESPONSE.to_owned() + REQUEST), BOTH);
    let captions = format!("Request:\n{}\nResponse:\n{}", REQUEST.trim_end(), RESPONSE.trim_end());
    assert_eq!(summary(captions), BOTH);
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(raw.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(summary(utf16), BOTH);
}

#[test]
fn prompts_and_quotes_before_the_lines_are_no_part_of_them() {
    assert_eq!(summary(with_prompts("> ", "< ")), BOTH);
    assert_eq!(summary(with_prompts("> > ", "> < ")), BOTH);
    assert_eq!(summary(with_prompts("> ", "> ")), BOTH);
    assert_eq!(summary(with_prompts("DEBUG:client:> ", "DEBUG:client:< ")), BOTH);
    assert_eq!(summary(with_prompts("| ", "| ")), BOTH);
    let mut counter = 0;
    let timed: String = with_prompts("> ", "< ")
        .lines()
        .map(|line| {
            counter += 1;
            format!("12:00:{counter:02}.5 {line}\n")
        })
        .collect();
    assert_eq!(summary(timed), BOTH);
}

#[test]
fn the_noise_of_curl_is_stepped_over() {
    let request = REQUEST.replace('\n', "\n> ");
    let response = RESPONSE.trim_end().replace('\n', "\n* Mark bundle as fine\n< ");
    let curl = format!(
        "  % Total    % Received % Xferd\n                                 Dload  Upload\n\
         \r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\
         *   Trying 127.0.0.1:80...\n* Connected to localhost\n> {request}\n\
         * Request completely sent off\n\
         \r  0     0    0     0    0     0      0      0 --:--:--  0:00:01 --:--:--     0\
         < {response}\n< \n{{ [5 bytes data]\n"
    );
    assert_eq!(summary(curl), BOTH);
    let refused = "> GET / HTTP/1.1\n> Host: a\n> Upgrade: websocket\n>\n* done\n\
                   < HTTP/1.1 403 Forbidden\n< Server: x\n<\n{ [9 bytes data]\n<html>no</html>\n";
    assert_eq!(summary(refused), "GET / + 2 -> 403 + 1 (16 bytes of body)");
    let twice = with_prompts("> ", "< ") + RESPONSE;
    assert_eq!(summary(twice), BOTH);
}

#[test]
fn fenced_markdown_may_hold_many_exchanges() {
    let markdown = format!(
        "# Handshake\n\n```http\n{REQUEST}```\n\nis answered by\n\n```http\n{RESPONSE}```\n\n\
         and refused with\n\n```http\nGET /no HTTP/1.1\nUpgrade: websocket\n```\n```http\n\
         HTTP/1.1 404 Not Found\n\nnothing here\n```\n\nprose\n"
    );
    assert_eq!(summary(markdown), format!("{BOTH}\nGET /no + 1 -> 404 + 0 (13 bytes of body)"));
}

#[test]
fn half_an_exchange_is_something_too() {
    assert_eq!(summary(REQUEST), "GET /chat + 5 -> nothing");
    assert_eq!(summary(RESPONSE), "nothing -> 101 + 3");
    let join =
        |a: &str, b: &str| read(a.as_bytes()).unwrap().is_answered_by(&read(b.as_bytes()).unwrap());
    assert!(join(REQUEST, RESPONSE));
    assert!(!join(RESPONSE, REQUEST));
    assert!(!join(REQUEST, REQUEST));
}

#[test]
fn an_answer_belongs_to_the_request_whose_key_it_proves() {
    let retry = REQUEST.replace("dGhl", "AGhl") + REQUEST + RESPONSE;
    assert_eq!(summary(retry), format!("GET /chat + 5 -> nothing\n{BOTH}"));
    let pipelined = REQUEST.replace("/chat", "/a").replace("dGhl", "AGhl")
        + REQUEST
        + RESPONSE
        + "HTTP/1.1 403 Forbidden\n\n";
    assert_eq!(summary(pipelined), format!("GET /a + 5 -> 403 + 0\n{BOTH}"));
    let interim = REQUEST.to_owned() + "HTTP/1.1 103 Early Hints\nLink: </a>\n\n" + RESPONSE;
    assert_eq!(summary(interim), BOTH);
    let tunnel = "CONNECT a:443 HTTP/1.1\nHost: a:443\n\nHTTP/1.1 200 OK\n\n".to_owned()
        + REQUEST
        + RESPONSE;
    assert_eq!(summary(tunnel), format!("CONNECT a:443 + 1 -> 200 + 0\n{BOTH}"));
    let other = "GET /page HTTP/1.1\nHost: a\n\nHTTP/1.1 200 OK\n\n<html>\n\n".to_owned()
        + REQUEST
        + RESPONSE;
    assert_eq!(summary(other), BOTH);
    assert_eq!(summary("GET /page HTTP/1.1\nHost: a\n\n"), "GET /page + 1 -> nothing");
}

#[test]
fn headers_from_a_browsers_panel_are_put_together() {
    let pane = "Request URL:\nwss://example.com/chat?a=b\nRequest Method:\nGET\nStatus Code:\n\
        101 Switching Protocols\nResponse Headers\nconnection:\nUpgrade\nsec-websocket-accept:\n\
        s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nupgrade:\nwebsocket\nRequest Headers\nhost:\nexample.com\n\
        sec-websocket-key:\ndGhlIHNhbXBsZSBub25jZQ==\nsec-websocket-version:\n13\n";
    assert_eq!(summary(pane), "GET /chat?a=b + 3 -> 101 + 3");
    // Newer panels have no colons.
    let newer = "General\nRequest URL\nwss://example.com/chat?a=b\nRequest Method\nGET\n\
        Status Code\n101 Switching Protocols\nReferrer Policy\nstrict-origin-when-cross-origin\n\
        Response Headers\nRaw\nconnection\nUpgrade\nx-served-by\na\nsec-websocket-accept\n\
        s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nupgrade\nwebsocket\nRequest Headers\nRaw\nconnection\n\
        Upgrade\nhost\nexample.com\nsec-websocket-key\ndGhlIHNhbXBsZSBub25jZQ==\n\
        sec-websocket-version\n13\nupgrade\nwebsocket\nx-own\nvalue\n";
    assert_eq!(summary(newer), "GET /chat?a=b + 6 -> 101 + 4");
    let bare = &REQUEST[REQUEST.find('\n').unwrap() + 1..];
    assert_eq!(summary(bare), "GET / + 5 -> nothing");
}

#[test]
fn start_lines_that_are_not_right_are_still_start_lines() {
    let check = |line: &str, expected: &str| {
        assert_eq!(summary(format!("{line}\nHost: a\nUpgrade: websocket\n\n")), expected);
    };
    check("get /chat HTTP/1.1", "get /chat + 2 -> nothing");
    check("GET /chat HTTP/1.0", "GET /chat + 2 -> nothing");
    check("GET wss://a:8181/ HTTP/1.1", "GET wss://a:8181/ + 2 -> nothing");
    check("GET /a b HTTP/1.1", "GET /a b + 2 -> nothing");
    check("http/1.1 101 Switching Protocols", "nothing -> 101 + 2");
    check("HTTP/1.1 Switching Protocols", "nothing -> 0 + 2");
    assert_eq!(
        summary("The client sends GET /chat HTTP/1.1 and waits.\n"),
        "there is no HTTP request and no response in this text"
    );
}

#[test]
fn places_are_places_in_the_users_text() {
    let text = "note\n> GET / HTTP/1.1\n> Host: a\n> Sec-WebSocket-Key: KEY\n";
    let transcript = read(text.as_bytes()).unwrap();
    let head = transcript.connections[0][0].request.as_ref().unwrap();
    let value = &head.line("Sec-WebSocket-Key").unwrap().value;
    assert_eq!(&text[value.clone()], "KEY");
}

#[test]
fn what_can_not_be_read_is_named() {
    assert_eq!(summary(""), "this is empty");
    assert_eq!(summary(" \n"), "there is nothing here but white space");
    assert_eq!(summary(b"\xd4\xc3\xb2\xa1\x02\x00"), "this is a packet capture: ws101 pcap FILE");
    assert!(summary(b"\x89PNG\r\n").starts_with("this is a PNG image"));
    assert!(summary("{\"a\": 1}").starts_with("this is JSON, but no HAR"));
    assert!(summary("{\"a\": ").starts_with("this begins like JSON, but it is not"));
    assert!(summary("81 85 37 fa 21 3d").starts_with("this looks like bytes in hexadecimal"));
    assert!(summary(b"\x81\x05Hello").starts_with("this is binary data"));
    assert!(summary("<!DOCTYPE html><html>").starts_with("this is a page of HTML"));
    assert!(summary("ws://example.com").starts_with("this is an address"));
}

#[test]
fn bytes_behind_a_101_are_left_alone_and_mentioned() {
    let text = [REQUEST.as_bytes(), RESPONSE.as_bytes(), b"\x81\x05Hello\x88\x00"].concat();
    assert_eq!(summary(&text), BOTH);
    let remarks = read(&text).unwrap().remarks;
    assert!(remarks[0].starts_with("line 13: 9 bytes behind the 101"), "{remarks:?}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(pieces in proptest::collection::vec(piece(), 0..40)) {
        let _ = read(pieces.concat().as_bytes());
    }
}

/// Pieces that transcripts are made of, in any order.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("GET /chat HTTP/1.1"),
        Just("HTTP/1.1 101 Switching Protocols"),
        Just("HTTP/1.1"),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("> "),
        Just("< "),
        Just("* "),
        Just("```http\n"),
        Just("Host: a"),
        Just("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        Just(":"),
        Just(" "),
        Just("Sec-WebSocket-Accept:"),
        Just("ü"),
        Just("\u{0}"),
        Just("--:--"),
        Just("12:00:01 "),
        Just("Request URL"),
        Just("{\"log\": {\"entries\": [{\"request\": {}}]}}"),
        Just("[{"),
    ]
    .prop_map(str::to_owned)
}
