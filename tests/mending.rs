//! What a report tells somebody who mends a handshake by it and has never read the RFC: the cause
//! first, nothing that the bytes do not show, and no value that is wrong once the rest is mended.

use assert_cmd::Command;

const KEY: &str = "k7Zq0rU3sXw1TnB5vYc8Lg==";
const ACCEPT: &str = "UUr2vhlLdzZFc/IypRAne5sQusA=";

/// What the binary prints about a text, its lines joined so that no sentence is broken.
fn told_by(arguments: &[&str], input: &str) -> (String, i32) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("ws101"));
    command.args(arguments).args(["--width", "100", "--color", "never"]);
    let output = command.write_stdin(input).output().expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("the output is text");
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "|").collect();
    (words.join(" "), output.status.code().expect("it was not killed"))
}

fn told(input: &str) -> String {
    told_by(&["handshake"], input).0
}

/// All of these are said, and none of those.
fn check(input: &str, said: &[&str], unsaid: &[&str]) {
    let told = told(input);
    for sentence in said {
        assert!(told.contains(sentence), "not said: {sentence}\n{told}");
    }
    for sentence in unsaid {
        assert!(!told.contains(sentence), "said: {sentence}\n{told}");
    }
}

/// A request whose lines of these names are replaced; an empty value takes the line out.
fn request(changes: &[(&str, &str)]) -> String {
    let fields = [
        ("Host", "chat.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ];
    head("GET /chat HTTP/1.1", &fields, changes)
}

fn response(changes: &[(&str, &str)]) -> String {
    let fields =
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)];
    head("HTTP/1.1 101 Switching Protocols", &fields, changes)
}

fn head(start: &str, fields: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let kept = fields.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let added = changes.iter().filter(|(_, value)| !value.is_empty());
    let lines: String =
        kept.chain(added).map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{start}\n{lines}\n")
}

fn refusal(status: &str, fields: &[(&str, &str)], body: &str) -> String {
    head(&format!("HTTP/1.1 {status}"), fields, &[]) + body
}

#[test]
fn nothing_is_computed_from_a_key_that_has_to_be_mended() {
    // 16 bytes without their padding: the Accept is the one for the padded key.
    let unpadded = request(&[("Sec-WebSocket-Key", &KEY[..22])]) + &response(&[]);
    let said = [
        "send the key with its padding: \"k7Zq0rU3sXw1TnB5vYc8Lg==\"",
        "mend the key alone: with its padding, this Accept answers it",
    ];
    check(&unpadded, &said, &["how the Accept comes about", "no common mistake"]);
    // The hints alone lead to a handshake in which nothing is wrong.
    assert_eq!(told_by(&["handshake", "--fail-on", "note"], &unpadded).1, 1);
    let mended = request(&[]) + &response(&[]);
    assert_eq!(told_by(&["handshake", "--fail-on", "note"], &mended).1, 0, "{}", told(&mended));

    let short = request(&[("Sec-WebSocket-Key", "AAECAwQFBgcICQoLDA0O")]) + &response(&[]);
    let said = ["mend the key first: the Accept changes with it", "once the key is mended"];
    check(&short, &said, &["no common mistake", "how the Accept comes about"]);

    // Right for a key of 15 bytes, and no longer right once there are 16.
    let accept = ws101::websocket::accept::accept(b"AAECAwQFBgcICQoLDA0O");
    let answered = response(&[("Sec-WebSocket-Accept", &accept)]);
    let short = request(&[("Sec-WebSocket-Key", "AAECAwQFBgcICQoLDA0O")]) + &answered;
    check(&short, &["? answers this key; the mended one gets another Accept"], &["how the Accept"]);
}

#[test]
fn of_two_keys_it_is_said_which_one_is_answered() {
    let second = format!("AQIDBAUGBwgJCgsMDQ4PEA==\nSec-WebSocket-Key: {KEY}");
    let both = request(&[("Sec-WebSocket-Key", &second)]) + &response(&[]);
    check(&both, &["? the Accept answers this key", "this answers the other key"], &[]);
}

#[test]
fn an_upgrade_that_went_over_http_2_is_one_finding() {
    let notation = "* ALPN: server accepted h2\n* [HTTP/2] [1] [:scheme: https]\n\
        > GET /chat HTTP/2\n> Host: chat.example.com\n> Upgrade: websocket\n\
        > Sec-WebSocket-Version: 13\n> Sec-WebSocket-Key: k7Zq0rU3sXw1TnB5vYc8Lg==\n>\n\
        < HTTP/2 400\n< server: nginx\n<\nBad Request\n";
    let said = ["repeat it with curl --http1.1", "refused · 1 error", "--> standard input:3:13"];
    check(notation, &said, &["missing", "H2-FIELD-CASE", "H2-AUTHORITY", "proxy_set_header"]);
    let extended = "CONNECT /chat HTTP/2\n:method: CONNECT\n:protocol: websocket\n:scheme: https\n\
        :path: /chat\n:authority: server.example.com\nsec-websocket-version: 13\n\n\
        HTTP/2 200 OK\n:status: 200\n\n";
    let (told, status) = told_by(&["handshake", "--fail-on", "note"], extended);
    assert_eq!(status, 0, "{told}");
}

#[test]
fn a_200_with_the_right_accept_lacks_its_status_only() {
    let fields =
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)];
    let said = ["nothing but the status line is missing for a 101"];
    check(
        &(request(&[]) + &refusal("200 OK", &fields, "")),
        &said,
        &["nobody there took the upgrade"],
    );
    let wrong = [("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")];
    check(
        &(request(&[]) + &refusal("200 OK", &wrong, "")),
        &["nobody there took the upgrade"],
        &said,
    );
}

#[test]
fn an_answer_is_read_together_with_its_request() {
    let asked = request(&[]);
    let versions = [
        ("Sec-WebSocket-Version", "13, 8, 7"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
    ];
    let list = refusal("426 Upgrade Required", &versions, "");
    let said = ["and this request asks for one", "the answer is from an earlier try"];
    check(&(asked.clone() + &list), &said, &["not this version"]);
    let old = request(&[("Sec-WebSocket-Version", "6")]) + &list;
    check(&old, &["the request asks for version 6, the server speaks 13, 8, 7"], &[]);

    let bare = asked.clone() + &refusal("426 Upgrade Required", &[], "");
    let said = ["this request does ask for the upgrade", "see which request arrives at the server"];
    check(&bare, &said, &[]);

    let get = refusal("405 Method Not Allowed", &[("Allow", "GET, HEAD")], "");
    check(&(asked.clone() + &get), &["Allow lists GET: the server saw another"], &["send a GET."]);
    let post = refusal("405 Method Not Allowed", &[("Allow", "POST")], "");
    check(&(asked.clone() + &post), &["the path takes POST, and a handshake is a GET"], &[]);
    let posted = asked.replace("GET /chat", "POST /chat") + &get;
    check(&posted, &["the request uses POST"], &[]);

    let bad = |body| refusal("400 Bad Request", &[("Content-Type", "text/plain")], body);
    check(&(asked.clone() + &bad("")), &["no error was found in this request"], &[]);
    let two = request(&[("Sec-WebSocket-Key", ""), ("Host", "")]) + &bad("");
    check(&two, &["what the request breaks: HS-REQ-HOST-PRESENT, HS-REQ-KEY-PRESENT."], &[]);
    let said = ["likely what the body says", "body {\"message\":\"Unsupported protocol version\"}"];
    check(&(asked + &bad("{\"message\":\"Unsupported protocol version\"}")), &said, &[]);
}

#[test]
fn a_proxy_is_accused_only_where_the_bytes_show_one() {
    let client = request(&[("Upgrade", "")]) + &refusal("400 Bad Request", &[], "");
    check(&client, &["cause: the client does not send it, most likely"], &["a proxy on the way"]);
    let neither = [("Upgrade", ""), ("Connection", "keep-alive")];
    let unknown = request(&neither) + &refusal("404 Not Found", &[], "");
    let said = ["a proxy on the way took them out, or the client never sent them"];
    check(&unknown, &said, &[]);
    let via = [("Upgrade", ""), ("Connection", "close"), ("Via", "1.1 proxy.example.net")];
    let proxied = request(&via) + &refusal("404 Not Found", &[], "");
    check(&proxied, &["a proxy has passed the request on, and most likely took"], &[]);
}

#[test]
fn the_root_cause_comes_first_and_what_follows_is_short() {
    let via = [("Upgrade", ""), ("Connection", "close"), ("X-Forwarded-For", "192.0.2.7")];
    let told = told(&(request(&via) + &refusal("400 Bad Request", &[], "")));
    let place = |what: &str| told.find(what).unwrap_or_else(|| panic!("{what} is not in\n{told}"));
    let cause = place("cause[upgrade-stripped]");
    assert!(place("proxy_set_header Connection \"upgrade\"") > cause);
    for rule in ["HS-REQ-UPGRADE-PRESENT]", "HS-REQ-CONNECTION-UPGRADE]", "SEC-HOP-STRIPPED]"] {
        assert!(place(rule) > cause, "{told}");
    }
    assert!(!told.contains("more: ws101 explain HS-REQ-UPGRADE-PRESENT"), "{told}");
}

#[test]
fn a_missing_line_is_to_be_added_and_replaces_none() {
    for (name, line) in [
        ("Upgrade", "`Upgrade: websocket`"),
        ("Connection", "`Connection: Upgrade`"),
        ("Sec-WebSocket-Version", "`Sec-WebSocket-Version: 13`"),
        ("Sec-WebSocket-Key", "`Sec-WebSocket-Key:` and 16 random bytes in Base64"),
        ("Host", "`Host:` and the server's name"),
    ] {
        let text = request(&[(name, "")]) + &refusal("400 Bad Request", &[], "");
        check(&text, &[&format!("expected one more line: {line}")], &[]);
    }
    let text = request(&[]) + &response(&[("Sec-WebSocket-Accept", "")]);
    check(&text, &[&format!("expected one more line: `Sec-WebSocket-Accept: {ACCEPT}`")], &[]);
    let key = request(&[("Sec-WebSocket-Key", "")]) + &refusal("400 Bad Request", &[], "");
    check(&key, &["openssl rand -base64 16"], &[]);
}

#[test]
fn what_is_misspelt_was_not_lost_on_the_way() {
    let changes = [("Upgrade", "websockets"), ("Connection", "keep-alive Upgrade")];
    let text = request(&changes) + &refusal("400 Bad Request", &[], "");
    let said = ["commas separate options", "send `Connection: keep-alive, Upgrade`"];
    check(&text, &said, &["SEC-HOP-STRIPPED", "cause[upgrade-stripped]"]);
    let space = request(&[("Upgrade", "\u{a0}websocket")]) + &refusal("400 Bad Request", &[], "");
    check(&space, &["Upgrade is \"\\u{a0}websocket\"", "a no-break space (U+00A0)"], &[]);
    let offer = [("Sec-WebSocket-Protocol", "chat superchat")];
    let text = request(&offer) + &response(&[("Sec-WebSocket-Protocol", "chat")]);
    let said =
        ["separate the names with commas: chat, superchat", "mend the offer, and this is gone"];
    check(&text, &said, &["a fixed name"]);
    let unasked = request(&[("Upgrade", "")]) + &response(&[]);
    check(&unasked, &["mend the request, and this is gone: Upgrade: websocket belongs"], &[]);
}

#[test]
fn an_old_version_that_was_refused_is_why() {
    let draft =
        [("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Origin", "http://chat.example.com")];
    let answer = refusal("400 Bad Request", &[("Sec-Websocket-Version", "13")], "");
    let text = request(&draft) + &answer;
    let said = [
        "warning[HIST-HYBI07-12]",
        "the request asks for version 8, the server speaks 13",
        "Origin, as drafts until 10 called it",
    ];
    check(&text, &said, &["belongs into a response"]);
    let accepted = request(&draft[..1]) + &response(&[]);
    check(&accepted, &["note[HIST-HYBI07-12]"], &[]);
}

#[test]
fn an_empty_list_of_extensions_is_to_be_left_out() {
    let version = "Sec-WebSocket-Version:";
    let empty = request(&[]).replace(version, &format!("Sec-WebSocket-Extensions: \r\n{version}"));
    check(&empty, &["names no extension", "leave the line out"], &["parameter=value, with commas"]);
}

#[test]
fn what_is_offered_instead_is_spelt_out() {
    let extension = [("Sec-WebSocket-Extensions", "permessage-deflate; threshold=1024")];
    let offer = [("Sec-WebSocket-Extensions", "permessage-deflate")];
    let text = request(&offer) + &response(&extension);
    check(&text, &["server_max_window_bits and client_max_window_bits"], &[]);
    let moved = [("Location", "https://chat.example.com/chat")];
    let text = request(&[]) + &refusal("301 Moved Permanently", &moved, "");
    check(&text, &["mend: connect to wss://chat.example.com/chat"], &[]);
}

#[test]
fn a_page_is_shown_by_what_it_says() {
    let page = "<html>\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\
        \n<body>\n<center><h1>400 Bad Request</h1></center>\n<hr><center>nginx</center>\n";
    let answer = refusal("400 Bad Request", &[("Server", "nginx/1.24.0")], page);
    let said = ["body 400 The plain HTTP request was sent to HTTPS port", "use wss:// instead"];
    check(&(request(&[]) + &answer), &said, &["proxy_set_header", "<html>"]);
    let (alone, status) = told_by(&["handshake"], page);
    assert!(
        alone.contains("it says \"400 The plain HTTP request was sent to HTTPS port"),
        "{alone}"
    );
    assert!(alone.contains("ws101 explain 400"), "{alone}");
    assert_eq!(status, 2);
}

#[test]
fn a_refusal_is_called_one() {
    let refused = request(&[]) + &refusal("403 Forbidden", &[("Connection", "close")], "");
    let said = ["403 Forbidden refused ·", "refused: no WebSocket came of it;"];
    check(&refused, &said, &["goes on as HTTP"]);
}

#[test]
fn quiet_shows_what_made_the_run_fail_and_how_to_mend_it() {
    let note = request(&[]) + &refusal("403 Forbidden", &[], "");
    let quiet = |more: &[&str]| told_by(&[&["handshake", "-q"], more].concat(), &note);
    let (told, status) = quiet(&["--fail-on", "note"]);
    assert!(told.contains("note[HS-RES-403]"), "{told}");
    assert_eq!(status, 1);
    assert_eq!(quiet(&[]), (String::new(), 0));
    let wrong = request(&[("Sec-WebSocket-Version", "")]) + &response(&[]);
    let (told, status) = told_by(&["handshake", "-q"], &wrong);
    for part in ["expected one more line:", "= mend: add the line", "= more:"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(status, 1);
}

#[test]
fn a_copied_command_is_read_as_the_request_it_would_send() {
    let curl = format!(
        "$ curl 'wss://chat.example.com/chat?room=1' \\\n  -H 'Upgrade: websocket' \\\n  \
         -H 'Connection: Upgrade' \\\n  -H 'Sec-WebSocket-Key: {KEY}' \\\n  \
         -H 'Sec-WebSocket-Version: 13' --compressed\n"
    );
    let said = ["GET /chat?room=1 HTTP/1.1", "Host: chat.example.com", "what curl would send"];
    check(&curl, &said, &["error["]);
    let posix = "curl -sS --http1.1 -X POST -H'Upgrade: websocket' https://example.com/chat | head";
    check(posix, &["POST /chat HTTP/1.1", "HS-REQ-METHOD", "the request has no Connection"], &[]);
    check("curl -i https://example.com -H 'Upgrade: websocket'", &["curl offers HTTP/2"], &[]);
    let cmd = "curl ^\"wss://example.com/chat^\" ^\n  -H ^\"Sec-WebSocket-Version: 12^\"\n";
    check(cmd, &["Sec-WebSocket-Version: 12", "HIST-VERSION-9-12"], &["the request has no"]);
    let fetch = format!(
        "fetch(\"wss://chat.example.com/chat\", {{\n  \"headers\": {{\n    \
         \"sec-websocket-key\": \"{KEY}\",\n    \"sec-websocket-version\": \"13\"\n  }},\n  \
         \"body\": null,\n  \"method\": \"GET\"\n}});\n"
    );
    let said = ["what a browser would send", "Upgrade, Connection will be set by whoever sends it"];
    check(&fetch, &said, &["error["]);
    for end in 0..curl.len() {
        ws101::input::transcript::read(&curl.as_bytes()[..end]).ok();
    }
    let console = "WebSocket connection to 'wss://a.example/' failed: Error during WebSocket \
        handshake: Unexpected response code: 400";
    check(console, &["what 400 means: ws101 explain 400"], &[]);
}

#[test]
fn http_in_a_hex_dump_is_read_as_http() {
    let dump = |text: &str| -> String {
        let lines = text.as_bytes().chunks(16).enumerate();
        let hex = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
        lines.map(|(number, line)| format!("{:08x}  {}\n", number * 16, hex(line))).collect()
    };
    let [asked, answer] = [request(&[]), response(&[])].map(|it| it.replace('\n', "\r\n"));
    let text = dump(&asked) + &dump(&answer);
    check(&text, &["✓ the proof that it read the key", "this is a dump of bytes"], &["error["]);
    let (frame, status) = told_by(&["frame"], &text);
    assert!(frame.contains("these bytes are HTTP, not frames try: ws101 handshake -"), "{frame}");
    assert_eq!(status, 2);
}

#[test]
fn the_halves_are_paired_in_either_order() {
    let folder = tempfile::tempdir().expect("there is room for files");
    let [asked, answer] =
        [("a.txt", request(&[])), ("b.txt", response(&[]))].map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("it can be written");
            path.display().to_string()
        });
    let (told, status) = told_by(&["handshake", &answer, &asked], "");
    assert!(told.contains("✓ the proof that it read the key"), "{told}");
    assert_eq!(status, 0);
}

#[test]
fn a_line_without_its_colon_is_shown_where_it_stands() {
    let text = request(&[]).replace("Host: chat", "Host chat") + &response(&[]);
    let said = ["--> standard input:2:1", "this line is none for want of a colon behind Host"];
    check(&text, &said, &["one more line"]);
}

/// What is told about frames of the server, in hexadecimal.
fn told_of_frames(bytes: &str) -> String {
    told_by(&["frame", "--from", "server", "-"], bytes).0
}

#[test]
fn no_earlier_frame_is_blamed_for_the_first_one() {
    let earlier = "an earlier frame was written or read with a wrong length";
    for first in ["83 00", "91 00", "82 7f 80 00 00 00 00 00 00 01"] {
        let alone = told_of_frames(first);
        assert!(alone.contains("they begin inside of a frame"), "{alone}");
        assert!(!alone.contains(earlier), "{alone}");
        let second = told_of_frames(&format!("81 00 {first}"));
        assert!(second.contains(earlier), "{second}");
    }
}

#[test]
fn a_length_is_mended_without_losing_the_mask() {
    let masked =
        told_by(&["frame", "--from", "client", "-"], "81 fe 00 05 37 fa 21 3d 7f 9f 4d 51 58").0;
    assert!(masked.contains("5 in the 7 bits of Payload len: the byte 85"), "{masked}");
    assert!(told_of_frames("81 7e 00 05 48 65 6c 6c 6f").contains("the byte 05"));
}

#[test]
fn a_reason_was_cut_only_if_there_was_no_room_for_more() {
    // 1000 and "café" in Latin-1.
    let short = told_of_frames("88 06 03 e8 63 61 66 e9");
    assert!(short.contains("in Latin-1, e9 is é"), "{short}");
    assert!(!short.contains("cut to 123 bytes"), "{short}");
    // 122 letters and the first byte of an é: 125 bytes with the code.
    let full = told_of_frames(&format!("88 7d 03 e8 {} c3", "61".repeat(122)));
    assert!(full.contains("cut to 123 bytes in the middle of a character"), "{full}");
}

#[test]
fn a_request_for_a_page_is_one_mistake_and_not_four() {
    let page = "GET /chat HTTP/1.1\nHost: chat.example.com\nConnection: keep-alive\n\n";
    let text = page.to_owned() + &refusal("404 Not Found", &[], "Cannot GET /chat\n");
    let said = ["nothing in it asks for a WebSocket", "connect with a WebSocket client"];
    check(&text, &said, &["add the line", "openssl"]);
    let faulty = request(&[("Upgrade", "")]) + &refusal("426 Upgrade Required", &[], "");
    check(&faulty, &["what the request breaks: HS-REQ-UPGRADE-PRESENT."], &["a plain GET on"]);
}

/// What the report of each broken sample tells to change, word for word. Of a refusal only the
/// request can be mended; what it names is a server's business where nothing stands here.
const MENDED: [(&str, &[(&str, &str)]); 24] = [
    ("accept-echoes-the-key", &[ACCEPT_LINE]),
    ("accept-in-hexadecimal", &[ACCEPT_LINE]),
    ("accept-lower-cased", &[ACCEPT_LINE]),
    (
        "accept-missing",
        &[("101 Switching Protocols", "101 Switching Protocols\nSec-WebSocket-Accept: ?")],
    ),
    ("accept-of-another-key", &[ACCEPT_LINE]),
    ("accept-of-decoded-key", &[ACCEPT_LINE]),
    ("accept-with-lower-case-guid", &[ACCEPT_LINE]),
    ("accept-with-newline-hashed", &[ACCEPT_LINE]),
    ("accept-with-wrong-guid", &[ACCEPT_LINE]),
    ("accept-without-guid", &[ACCEPT_LINE]),
    (
        "address-bar",
        &[(
            "Connection: keep-alive",
            "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
             Sec-WebSocket-Key: k7Zq0rU3sXw1TnB5vYc8Lg==",
        )],
    ),
    (
        "course-notes",
        &[
            ("wss://example.com:8181/", "/"),
            ("Connection: Upgrade", "Connection: Upgrade\nUpgrade: websocket"),
            ("r2320uflwjfoiw3==", KEY),
            ACCEPT_LINE,
        ],
    ),
    ("extension-not-offered", &[("Sec-WebSocket-Extensions: permessage-deflate\n", "")]),
    ("forbidden-origin", &[("https://evil.example", "http://example.com")]),
    ("host-without-colon", &[("Host ", "Host: ")]),
    ("http-1.0", &[("HTTP/1.0", "HTTP/1.1")]),
    ("key-of-fifteen-bytes", &[("dGhlIHNhbXBsZSBub25j", KEY), ACCEPT_LINE]),
    ("login-wanted", &[]),
    ("page-instead-of-upgrade", &[]),
    ("post-instead-of-get", &[("POST", "GET"), ("Content-Length: 0\n", "")]),
    ("redirect-to-tls", &[]),
    ("subprotocol-not-offered", &[("chat.v3", "chat.v2")]),
    (
        "upgrade-stripped-by-a-proxy",
        &[("Connection: close", "Connection: Upgrade\nUpgrade: websocket")],
    ),
    ("version-not-supported", &[("Sec-WebSocket-Version: 99", "Sec-WebSocket-Version: 13")]),
];

/// The line is to be written anew, for the key that is there then.
const ACCEPT_LINE: (&str, &str) = ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: ?");

#[test]
fn each_broken_sample_is_mended_by_what_its_report_says() {
    let mut samples: Vec<String> = std::fs::read_dir("samples/broken")
        .expect("the samples are there")
        .map(|file| file.expect("it can be listed").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    samples.sort();
    assert_eq!(samples, MENDED.map(|(name, _)| name), "each sample has its mending, in order");
    for (name, changes) in MENDED {
        let text = std::fs::read_to_string(format!("samples/broken/{name}.http"));
        let mut text = text.expect("it is there").replace("\r\n", "\n");
        for (from, to) in changes {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replacen(from, to, 1);
        }
        let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let key = key.unwrap_or_else(|| panic!("{name} has no key"));
        let accept = ws101::websocket::accept::accept(key.as_bytes());
        let (request, answer) = text.split_once("\n\nHTTP/").expect("there are two halves");
        let answer = if answer.contains(" 101 ") {
            let line = |line: &str| match line.starts_with(ACCEPT_LINE.1) {
                true => format!("Sec-WebSocket-Accept: {accept}\n"),
                false => format!("{line}\n"),
            };
            format!("HTTP/{answer}").lines().map(line).collect()
        } else {
            response(&[("Sec-WebSocket-Accept", &accept)])
        };
        let (told, status) =
            told_by(&["handshake", "--fail-on", "warning"], &format!("{request}\n\n{answer}"));
        assert_eq!(status, 0, "{name}:\n{told}");
    }
}

#[test]
fn a_refusal_is_explained_by_who_refuses_and_by_what_was_sent() {
    let input = request(&[]) + &refusal("521", &[("Server", "cloudflare")], "error code: 521");
    check(&input, &["behind Cloudflare refused the connection"], &["crashed"]);
    let sent = request(&[("Authorization", "Bearer abc")]);
    let input = sent + &refusal("401 Unauthorized", &[("WWW-Authenticate", "Bearer")], "");
    check(&input, &["does not take the credentials that were sent"], &["send them. A browser's"]);
    let body = "<title>400 The plain HTTP request was sent to HTTPS port</title>";
    let input = refusal("400 Bad Request", &[("Server", "nginx")], body);
    check(&input, &["use wss:// instead of ws://"], &["proxy_set_header"]);
}
