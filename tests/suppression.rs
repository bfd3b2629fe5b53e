//! Which finding hides which: one root cause is said, and not what follows from it. Each row of
//! the map is played: something that breaks a rule and, taken alone, others with it.

#[allow(dead_code)] // the other half is used by rule_pages.rs
#[path = "shared/scene.rs"]
mod scene;

use scene::{play_frames, play_http};

/// A row of the map.
struct Row {
    /// The finding that is made.
    fired: &'static str,
    /// What it hides: an id, or the beginning of one and a `*`.
    hidden: &'static [&'static str],
    /// What is said.
    scene: String,
}

const FRAMES: &[&str] = &["FRM-*", "MSK-*", "FRG-*", "CTL-*", "UTF-*", "PMD-*", "CLS-*"];

fn frames(fired: &'static str, hidden: &'static [&'static str], scene: &str) -> Row {
    Row { fired, hidden, scene: scene.to_owned() }
}

/// A handshake with these lines of the request and of the response put in place of their own.
fn handshake(
    fired: &'static str,
    hidden: &'static [&'static str],
    request: &[&str],
    response: &[&str],
    then: &str,
) -> Row {
    let asked = changed(
        &[
            "GET /chat HTTP/1.1",
            "Host: server.example.com",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==",
            "Sec-WebSocket-Version: 13",
        ],
        request,
    );
    let answered = changed(
        &[
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Accept: Ozi3DgKUQuilRLfXX2e3c0dy3mk=",
        ],
        response,
    );
    let scene = format!("{asked}\n\n{answered}\n\n{then}\n# over: TCP 192.168.0.9:80");
    Row { fired, hidden, scene }
}

/// The lines, with those changes that have their name in their place, and the others behind; a
/// line that begins with `-` takes the one of that name out.
fn changed(lines: &[&str], changes: &[&str]) -> String {
    let name = |line: &str| line.split([':', ' ']).next().unwrap_or_default().to_owned();
    let is_first = |change: &&&str| change.starts_with("GET") || change.starts_with("HTTP/");
    let mut out: Vec<String> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let first = changes.iter().find(is_first).filter(|_| number == 0);
        let same = |change: &&&str| name(change) == name(line) && number > 0;
        let is_out = changes.iter().any(|change| change.strip_prefix('-') == Some(&name(line)));
        match first.or(changes.iter().find(same)) {
            Some(change) => out.push((*change).to_owned()),
            None if is_out => {}
            None => out.push((*line).to_owned()),
        }
    }
    let is_new = |change: &&&str| {
        !is_first(change) && !change.starts_with('-') && !out.iter().any(|line| line == **change)
    };
    let new: Vec<String> =
        changes.iter().filter(is_new).map(|change| (*change).to_owned()).collect();
    out.extend(new);
    out.join("\n")
}

/// What breaks a rule of each kind if it is read as frames of the server.
const NONSENSE: &str =
    "S> 83 85 37 fa 21 3d 7f 9f 4d 51 58\nS> 80 01 c3\nS> b9 7e 00 05 c3 28 00 00 00";

fn rows() -> Vec<Row> {
    vec![
        frames("CAP-GAP", FRAMES, &format!("S> 81 01 61\n# gap: S 400\n{NONSENSE}")),
        frames("CAP-SNAPLEN", FRAMES, &format!("S> 81 01 61\n# snap: S 400\n{NONSENSE}")),
        frames(
            "CAP-NO-HANDSHAKE",
            &["NEG-*", "PMD-*", "FRM-RSV-UNNEGOTIATED", "FRG-CONT-WITHOUT-START"],
            "# agreed: unknown\nS> 80 02 6c 6f\nS> c1 05 f2 00 11 00 00\nS> c1 02 ff ff\nC> 81 80 37 fa 21 3d",
        ),
        handshake(
            "CAP-ENDED-EARLY",
            &["CLS-NO-CLOSE-FRAME", "FRG-UNFINISHED", "CLS-SERVER-LINGERS", "CTL-PING-UNANSWERED"],
            &[],
            &[],
            "# t=0\nC> 81 80 37 fa 21 3d\n# t=60\nS> 01 01 61\nS> 89 00\n# t=63\nC> 81 80 9c 41 d8 02\n# end: cut",
        ),
        handshake(
            "HIST-HIXIE75",
            &["HS-*", "NEG-*", "FRM-*", "MSK-*", "FRG-*", "CTL-*", "CLS-*", "UTF-*"],
            &[
                "Upgrade: WebSocket",
                "Origin: http://example.com",
                "-Sec-WebSocket-Key",
                "-Sec-WebSocket-Version",
            ],
            &["-Sec-WebSocket-Accept", "WebSocket-Origin: http://example.com"],
            "C> 00 48 69 ff\nS> 00 48 69 ff",
        ),
        handshake(
            "HIST-HIXIE76",
            &["HS-*", "NEG-*", "FRM-*", "MSK-*", "FRG-*", "CTL-*", "CLS-*", "UTF-*"],
            &[
                "Upgrade: WebSocket",
                "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5",
                "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00",
                "-Sec-WebSocket-Key",
                "-Sec-WebSocket-Version",
            ],
            &["-Sec-WebSocket-Accept", "Sec-WebSocket-Origin: http://example.com"],
            "C> 00 48 69 ff\nS> 00 48 69 ff",
        ),
        handshake(
            "HS-RES-NOT-101",
            &["NEG-*", "FRM-*", "MSK-*", "HS-RES-ACCEPT-*"],
            &[],
            &[
                "HTTP/1.1 404 Not Found",
                "Sec-WebSocket-Accept: nonsense",
                "Sec-WebSocket-Extensions: permessage-deflate",
                "Sec-WebSocket-Protocol: chat",
                "Content-Length: 0",
            ],
            "",
        ),
        handshake(
            "HS-REQ-KEY-SINGLE",
            &["HS-REQ-KEY-LENGTH", "HS-REQ-KEY-CANONICAL", "HS-REQ-KEY-BASE64"],
            &["Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\nSec-WebSocket-Key: c2hvcnQ="],
            &[],
            "",
        ),
        handshake(
            "HS-REQ-KEY-BASE64",
            &["HS-REQ-KEY-LENGTH", "HS-REQ-KEY-CANONICAL"],
            &["Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4P-_"],
            &[],
            "",
        ),
        handshake(
            "HS-RES-ACCEPT-SYNTAX",
            &["HS-RES-ACCEPT-VALUE"],
            &[],
            &["Sec-WebSocket-Accept: b37a4f2cc0624f1690f64606cf385945b2bec4ea"],
            "",
        ),
        handshake(
            "NEG-SUBPROTO-CASE",
            &["NEG-SUBPROTO-NOT-OFFERED"],
            &["Sec-WebSocket-Protocol: mqtt"],
            &["Sec-WebSocket-Protocol: MQTT"],
            "",
        ),
        frames(
            "PMD-RSV1-UNNEGOTIATED",
            &["FRM-RSV-UNNEGOTIATED"],
            "# agreed: nothing\n# offered: permessage-deflate\nS> c1 07 f2 48 cd c9 c9 07 00",
        ),
        frames(
            "PMD-RSV1-CONTROL",
            &["FRM-RSV-UNNEGOTIATED"],
            "# agreed: permessage-deflate\nS> c9 00\nC> 8a 80 37 fa 21 3d",
        ),
        frames(
            "FRM-LEN-MSB",
            &["FRM-TRUNCATED", "MSK-*", "FRG-*", "CTL-*", "UTF-*"],
            "S> 82 7f 80 00 00 00 00 00 00 00 c3 28 83 85 80 80",
        ),
        frames(
            "FRM-OPCODE-RESERVED",
            &["MSK-*", "FRG-*", "CTL-*", "UTF-*", "CLS-*"],
            "S> 83 01 61\nS> b4 00\nS> 80 01 c3\nS> 88 01 00\nS> 8a fe 00 00 00",
        ),
        frames("CTL-FRAGMENTED", &["FRG-*"], "S> 09 01 61\nS> 80 01 62\nC> 8a 80 37 fa 21 3d"),
        frames(
            "MSK-CONSTANT-KEY",
            &["MSK-REUSED-KEY", "MSK-PREDICTABLE-KEY"],
            "C> 81 81 11 22 33 44 70\nC> 81 81 11 22 33 44 70\nC> 81 81 11 22 33 44 70\nC> 81 81 11 22 33 44 70\nC> 81 81 11 22 33 44 70\nC> 81 81 11 22 33 44 70",
        ),
        frames(
            "PMD-TAIL-NOT-STRIPPED",
            &["PMD-INFLATE-ERROR"],
            "# agreed: permessage-deflate\nS> c1 0b f2 48 cd c9 c9 07 00 00 00 ff ff\nS> c1 05 f2 00 11 00 00\nS> c1 02 ff ff",
        ),
        // Not in the catalogue's map, for the same reason: one fault, one finding.
        frames(
            "PMD-CONTEXT-TAKEOVER",
            &["PMD-INFLATE-ERROR"],
            "# agreed: permessage-deflate; server_no_context_takeover\nS> c1 07 f2 48 cd c9 c9 07 00\nS> c1 05 f2 00 11 00 00",
        ),
        frames(
            "PMD-FRAGMENT-TAIL-STRIPPED",
            &["PMD-INFLATE-ERROR"],
            "# agreed: permessage-deflate\nS> 41 04 f2 48 05 00\nS> 80 05 ca c9 c9 07 00",
        ),
        handshake(
            "SEC-REDIRECT-TO-TLS",
            &["HS-RES-REDIRECT", "HS-RES-NOT-101"],
            &[],
            &[
                "HTTP/1.1 301 Moved",
                "Location: https://server.example.com/chat",
                "Content-Length: 0",
            ],
            "",
        ),
        // They say which kind of refusal it is.
        handshake(
            "HS-RES-200",
            &["HS-RES-NOT-101"],
            &[],
            &["HTTP/1.1 200 OK", "Content-Length: 0"],
            "",
        ),
        handshake(
            "HS-RES-403",
            &["HS-RES-NOT-101"],
            &[],
            &["HTTP/1.1 403 Forbidden", "Content-Length: 0"],
            "",
        ),
        handshake(
            "HS-RES-REDIRECT",
            &["HS-RES-NOT-101"],
            &[],
            &["HTTP/1.1 301 Moved", "Location: http://other.example/", "Content-Length: 0"],
            "",
        ),
        // They say why there is no Close.
        frames(
            "LIV-IDLE-CUT",
            &["CLS-NO-CLOSE-FRAME"],
            "# t=1\nS> 81 05 48 65 6c 6c 6f\n# t=61\n# end: S FIN",
        ),
        frames(
            "LIV-HALF-OPEN",
            &["CLS-NO-CLOSE-FRAME"],
            "# t=0\nC> 81 85 37 fa 21 3d 7f 9f 4d 51 58\n# t=30\nS> 89 01 31\n# t=60\nS> 89 01 32\n\
             # t=90\n# end: S RST",
        ),
    ]
}

fn ids(scene: &str) -> Vec<&'static str> {
    let is_http = scene.starts_with("GET");
    let found = if is_http { play_http(scene, false) } else { play_frames(scene) };
    found.iter().map(|finding| finding.rule.id).collect()
}

fn covers(pattern: &str, id: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == id, |start| id.starts_with(start))
}

#[test]
fn each_row_of_the_map_hides_what_follows_from_its_cause() {
    let mut wrong = Vec::new();
    for Row { fired, hidden, scene } in rows() {
        let found = ids(&scene);
        let shown: Vec<_> = found
            .iter()
            .filter(|id| **id != fired && hidden.iter().any(|pattern| covers(pattern, id)))
            .collect();
        if !found.contains(&fired) || !shown.is_empty() {
            wrong.push(format!("{fired} with {shown:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without its cause, what a row hides is said: the scenes are no empty promises.
#[test]
fn what_is_hidden_is_said_where_its_cause_is_missing() {
    let agreed = "# agreed: permessage-deflate\n";
    let cases = [
        ("PMD-INFLATE-ERROR", format!("{agreed}S> c1 05 f2 00 11 00 00")),
        ("MSK-SERVER-MASKED", NONSENSE.to_owned()),
        ("FRG-CONT-WITHOUT-START", "S> 81 00\nS> 80 01 62".to_owned()),
        ("FRM-RSV-UNNEGOTIATED", "S> c1 01 61".to_owned()),
        (
            "MSK-REUSED-KEY",
            "C> 81 81 11 22 33 44 70\nC> 81 81 11 22 33 44 70\nC> 81 81 c3 7d 10 66 00".to_owned(),
        ),
        ("CLS-BODY-LEN-1", "S> 88 01 00".to_owned()),
        ("UTF-INVALID-BYTE", "S> 81 02 c3 28".to_owned()),
    ];
    for (id, scene) in cases {
        assert!(ids(&scene).contains(&id), "{id}: {:?}", ids(&scene));
    }
}

/// A text that is no UTF-8 hides nothing: the Close that answers it has to say 1007.
#[test]
fn a_broken_text_is_still_answered_with_the_code_that_fits() {
    let scene = "S> 81 02 c3 28\nC> 88 82 37 fa 21 3d 34 12\nS> 88 02 03 e8";
    let found = ids(scene);
    assert!(
        found.contains(&"UTF-INVALID-BYTE") && found.contains(&"CLS-CODE-FITS-CAUSE"),
        "{found:?}"
    );
}
