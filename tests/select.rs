//! Finding things: what the options of `ws101 pcap` choose is what the peers say was there, and
//! nothing else. Expected values come from what the peers noted (`truth.json`), or are counted in
//! the records of a run without options.

mod shared;

use serde_json::Value;
use shared::{Run, list, number, of_type, recording, text, utf8, ws101};

const DIRECTIONS: [(&str, &str); 2] =
    [("client", "client_to_server"), ("server", "server_to_client")];

/// Runs `ws101 pcap` on a recording with options, as JSON Lines.
fn chosen(name: &str, options: &[&str]) -> Vec<Value> {
    let run = run(name, &[options, &["--format", "jsonl"]].concat());
    assert_eq!(run.code, Some(0), "{}: {}", run.what, run.stderr);
    run.records()
}

fn run(name: &str, options: &[&str]) -> Run {
    let (file, _) = recording("select", name).expect("the recording is in samples/");
    ws101(&[&["pcap", utf8(&file)], options].concat())
}

fn stdout(run: &Run) -> String {
    String::from_utf8(run.stdout.clone()).expect("text output is UTF-8")
}

fn truth(name: &str) -> Value {
    recording("select", name).expect("the recording is in samples/").1
}

/// Number and length of the messages that the peers noted and that satisfy a condition.
fn noted(truth: &Value, key: &str, holds: impl Fn(&Value, u64) -> bool) -> Vec<(u64, u64)> {
    let numbered = list(truth, key).iter().zip(1..).map(|(message, n)| (n, message));
    let sized = numbered.map(|(n, message)| (n, message, length(message)));
    sized.filter(|(_, message, length)| holds(message, *length)).map(|(n, _, l)| (n, l)).collect()
}

fn length(message: &Value) -> u64 {
    use base64::Engine as _;
    let bytes = match message["text"].as_str() {
        Some(text) => text.len(),
        None => base64::engine::general_purpose::STANDARD
            .decode(text(message, "binary"))
            .expect("Base64")
            .len(),
    };
    bytes as u64
}

/// The same of the messages that came out.
fn shown(records: &[Value], direction: &str) -> Vec<(u64, u64)> {
    of_type(records, "message")
        .iter()
        .filter(|message| message["direction"] == direction)
        .map(|message| (number(message, "message"), number(message, "length")))
        .collect()
}

#[test]
fn text_is_found_in_exactly_the_messages_that_contain_it() {
    for name in ["chat-plain", "chat-deflate", "chat-fragments", "chat-ipv6"] {
        let truth = truth(name);
        let records = chosen(name, &["--text", "content.*(Hello! ){9}"]);
        for (direction, key) in DIRECTIONS {
            let needle = "Hello! ".repeat(9);
            let expected = noted(&truth, key, |message, _| {
                let text = text(message, "text");
                text.contains("content") && text.contains(&needle)
            });
            assert!(!expected.is_empty());
            assert_eq!(shown(&records, direction), expected, "{name}, {direction}");
        }
    }
}

#[test]
fn text_is_found_in_close_reasons() {
    let records = chosen("close-4001", &["--text", "token expired"]);
    let reasons: Vec<_> = of_type(&records, "close").iter().map(|c| text(c, "reason")).collect();
    assert_eq!(reasons, ["token expired ⏰"; 2]);
    assert_eq!(of_type(&records, "message").len(), 0);
}

#[test]
fn lengths_opcodes_and_ends_are_conditions_that_must_all_hold() {
    for name in ["chat-plain", "chat-deflate", "chat-fragments"] {
        let truth = truth(name);
        let options = ["--min-length", "126", "--max-length", "1k"];
        let opcode = ["--opcode", "binary", "--from", "client"];
        let records = chosen(name, &[&options[..], &opcode].concat());
        let expected = noted(&truth, "client_to_server", |message, length| {
            message["text"].is_null() && (126..=1000).contains(&length)
        });
        assert_eq!(shown(&records, "client"), expected, "{name}");
        assert_eq!(shown(&records, "server"), [], "{name}");
        for record in &records {
            let is_frame = record["type"] != "frame" || record["opcode"] == 2;
            assert!(is_frame && record["direction"] != "server", "{name}: {record}");
        }
    }
}

#[test]
fn a_message_is_shown_whole_by_its_number() {
    let truth = truth("chat-deflate");
    let options = ["--connection", "1", "--message", "12", "--from", "server"];
    let out = stdout(&run("chat-deflate", &options));
    let whole = text(&list(&truth, "server_to_client")[11], "text");
    assert!(out.contains("server message 12"), "{out}");
    assert!(out.contains(whole), "{out}");
    assert_eq!(out.matches(" message 12").count(), 1);
}

#[test]
fn findings_choose_the_events_that_have_them() {
    let rule_of = |finding: &&Value| text(finding, "rule").to_owned();
    let records = chosen("browser-ws", &["--finding", "CLS"]);
    let rules: Vec<_> = of_type(&records, "finding").iter().map(rule_of).collect();
    assert_eq!(rules, ["CLS-CODE-3XXX", "CLS-CODE-ECHO"]);
    assert_eq!(of_type(&records, "message").len(), 0);
    let records = chosen("browser-ws", &["--finding", "NEG-SUBPROTO-UNREGISTERED"]);
    assert_eq!(of_type(&records, "handshake").len(), 1);
    assert_eq!(of_type(&records, "close").len(), 0);
    // Every connection of the storm was dropped without a Close.
    let dropped = truth("reconnect-storm");
    let all = number(&dropped["reconnects"], "tight") + number(&dropped["reconnects"], "backoff");
    let records = chosen("reconnect-storm", &["--finding", "warning"]);
    assert_eq!(of_type(&records, "end").len() as u64, all);
    assert_eq!(of_type(&records, "handshake").len(), 0);
}

#[test]
fn connections_are_chosen_by_number_host_and_path() {
    let connections = |name: &str, options: &[&str]| -> Vec<u64> {
        let run = run(name, &[options, &["--format", "jsonl", "--fail-on", "never"]].concat());
        of_type(&run.records(), "connection").iter().map(|c| number(c, "connection")).collect()
    };
    assert_eq!(connections("reconnect-storm", &["--connection", "3,5-6,31-"]), [3, 5, 6, 31]);
    let good = connections("nginx-proxy", &["--path", "/good"]);
    let bad = connections("nginx-proxy", &["--path", "^/bad$"]);
    assert_eq!((good, bad), (vec![1, 2], vec![3, 4]));
    assert_eq!(connections("nginx-proxy", &["--path", "/good", "--connection", "2-3"]), [2]);
    let truth = truth("reconnect-storm");
    let host = format!(":{}$", truth["port"]);
    assert_eq!(connections("reconnect-storm", &["--host", &host]).len(), 31);
    assert_eq!(connections("reconnect-storm", &["--host", "example"]), [0; 0]);
}

#[test]
fn the_exit_status_is_about_what_was_chosen() {
    assert_eq!(run("nginx-proxy", &["--path", "/good"]).code, Some(0));
    assert_eq!(run("nginx-proxy", &["--path", "/bad"]).code, Some(1));
    assert_eq!(run("nginx-proxy", &[]).code, Some(1));
}

/// The totals under a table were those of everything, whatever was chosen.
#[test]
fn totals_are_those_of_what_was_chosen_and_of_all_if_they_differ() {
    let all = stdout(&run("nginx-proxy", &["--summary"]));
    assert!(all.ends_with("\n3 errors · 0 warnings · 2 notes\n"), "{all}");
    // The errors are about handshakes, and no Ping was sent.
    for options in [&["--opcode", "ping"][..], &["--path", "/good"]] {
        for summary in [&[][..], &["--summary"]] {
            let run = run("nginx-proxy", &[options, summary].concat());
            let text = stdout(&run);
            let totals =
                "\n0 errors · 0 warnings · 0 notes in what is shown; in all: 3 errors · 2 notes\n";
            assert!(text.contains(totals), "{options:?} {summary:?}: {text}");
            assert_eq!(run.code, Some(0), "{options:?} {summary:?}");
        }
    }
    let bad = stdout(&run("nginx-proxy", &["--summary", "--path", "/bad"]));
    assert!(bad.contains("\n3 errors · 0 warnings · 2 notes\n"), "{bad}");
}

#[test]
fn times_may_be_counted_from_the_start_or_the_end() {
    let name = "reconnect-storm";
    let everything = chosen(name, &[]);
    let time = |record: &Value| text(record, "time").parse::<f64>().expect("seconds");
    let start = time(of_type(&everything, "connection")[0]);
    let between = |from: f64, to: f64| {
        let frames = of_type(&everything, "frame");
        frames.iter().filter(|frame| (start + from..=start + to).contains(&time(frame))).count()
    };
    let records = chosen(name, &["--since", "0.5", "--until", "4.25s"]);
    let expected = between(0.5, 4.25);
    assert!(expected > 0 && expected < 31, "{expected}");
    assert_eq!(of_type(&records, "frame").len(), expected);
    // The same as a date. 1795212…: tests/recorded.rs has these times as well.
    let frames = of_type(&chosen(name, &["--until", "2001-01-01T00:00:00Z"]), "frame").len();
    assert_eq!(frames, 0);
    let frames = of_type(&chosen(name, &["--since", "2001-01-01T00:00:00Z"]), "frame").len();
    assert_eq!(frames, 31);
    // The server of heartbeat-lost closes with 1011; what happened in the half second before.
    let everything = chosen("heartbeat-lost", &[]);
    let close = of_type(&everything, "close")[0];
    let expected: Vec<_> = everything
        .iter()
        .filter(|record| record["type"] == "frame" && time(record) >= time(close) - 0.5)
        .collect();
    let records = chosen("heartbeat-lost", &["--connection", "1", "--since", "-0.5s"]);
    assert_eq!(of_type(&records, "frame"), expected);
    let refused = ws101(&["pcap", "-", "--since", "-1s"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("try:"), "{}", refused.stderr);
}

#[test]
fn nothing_chosen_is_said_and_is_no_failure() {
    for format in ["text", "jsonl", "json"] {
        let run = run("chat-plain", &["--text", "never said", "--format", format]);
        assert_eq!(run.code, Some(0));
        assert_eq!(run.stderr, "nothing matches; in all: 1 connection, 70 messages\n");
    }
    let records = chosen("chat-plain", &["--connection", "9"]);
    let types: Vec<_> = records.iter().map(|record| text(record, "type")).collect();
    assert_eq!(types, ["capture", "summary"]);
    assert_eq!(records[1]["selected"]["messages"], 0);
    assert_eq!(records[1]["messages"], 70);
}

#[test]
fn a_conversation_is_followed_whole_and_in_order() {
    for name in ["close-4001", "chat-deflate"] {
        let truth = truth(name);
        let out = stdout(&run(name, &["--follow-stream", "1"]));
        for ((_, key), mark) in DIRECTIONS.into_iter().zip([">", "<"]) {
            let mut rest = out.as_str();
            for message in list(&truth, key).iter().filter(|message| message["text"].is_string()) {
                let line = format!("\n  {mark} {}\n", text(message, "text"));
                let at = rest.find(&line).unwrap_or_else(|| panic!("{name}: no {line}"));
                rest = &rest[at + line.len() - 1..];
            }
        }
    }
}

#[test]
fn times_are_shown_as_asked() {
    let records = chosen("close-4001", &["--opcode", "text"]);
    let first = &of_type(&records, "message")[0];
    let out = stdout(&run("close-4001", &["--opcode", "text", "--time", "absolute"]));
    // 1795212… seconds: 2026-11-20, by `date -u -d @…`; the digits behind the second are the same.
    let fraction = &text(first, "time")[11..17];
    assert!(out.contains("2026-11-20T22:"), "{out}");
    assert!(out.contains(&format!(".{fraction}Z")), "{out}");
    let out = stdout(&run("close-4001", &["--opcode", "text", "--time", "delta"]));
    let shown: Vec<f64> = out
        .lines()
        .filter(|line| line.contains("  text"))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('+'))?.parse().ok())
        .collect();
    let times: Vec<f64> = of_type(&records, "message")
        .iter()
        .map(|it| text(it, "time")[5..].parse().unwrap())
        .collect();
    assert_eq!((shown.len(), shown[0]), (times.len(), 0.0), "{out}");
    for (pair, shown) in times.windows(2).zip(&shown[1..]) {
        assert!(
            (pair[1] - pair[0] - shown).abs() < 2e-6 && *shown > 0.0,
            "{shown}: {pair:?}\n{out}"
        );
    }
}

#[test]
fn wrong_conditions_are_refused_with_what_is_expected() {
    for (option, wrong, expected) in [
        ("--opcode", "pung", "0x0 to 0xF"),
        ("--connection", "0", "numbers from 1"),
        ("--min-length", "10x", "64Ki"),
        ("--since", "soon", "-1s"),
        ("--finding", "NO-SUCH", "ws101 rules"),
        ("--text", "(", "unclosed"),
    ] {
        let run = run("close-4001", &[option, wrong]);
        assert_eq!(run.code, Some(2), "{option}");
        assert!(run.stderr.contains(expected), "{option}: {}", run.stderr);
    }
    let run = run("close-4001", &["--layout", "1", "--opcode", "text"]);
    assert_eq!(run.code, Some(2));
}

#[test]
fn a_layout_is_chosen_by_connection_and_end() {
    let options = ["--layout", "1", "--connection", "1", "--from", "server"];
    let out = stdout(&run("close-4001", &options));
    assert!(out.contains("from the server") && !out.contains("from the client"), "{out}");
    let records = chosen("close-4001", &options);
    let frames = of_type(&records, "frame");
    assert_eq!(frames.len(), 1);
    assert!(!list(frames[0], "layout").is_empty());
}

/// The peers' messages of one direction, as bytes.
fn payloads(truth: &Value, key: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text);
    list(truth, key)
        .iter()
        .map(|message| match message["text"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => decode(text(message, "binary")).expect("Base64"),
        })
        .collect()
}

#[test]
fn every_message_can_be_had_as_a_file() {
    let truth = truth("chat-deflate");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/messages");
    let run_it = || run("chat-deflate", &["--extract", utf8(&path)]);
    let first = run_it();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let index = shared::json_lines(&path.join("index.jsonl"));
    assert_eq!(std::fs::read_dir(&path).expect("it is there").count(), index.len() + 1);
    for (direction, key) in DIRECTIONS {
        let payloads = payloads(&truth, key);
        let listed: Vec<_> = index.iter().filter(|line| line["direction"] == direction).collect();
        assert_eq!(listed.len(), payloads.len());
        for ((line, payload), n) in listed.iter().zip(payloads).zip(1..) {
            let name = text(line, "file");
            let is_binary = list(&truth, key)[n - 1]["text"].is_null();
            let kind = if is_binary { "binary" } else { "text" };
            assert!(name.starts_with(&format!("c0001-m{n:06}-{direction}-{kind}.")), "{name}");
            let is_json = payload.starts_with(b"{");
            assert_eq!(name.ends_with(".json"), is_json && !is_binary, "{name}");
            assert_eq!(std::fs::read(path.join(name)).expect("the file"), payload, "{name}");
            assert!(line["text"].is_null() && line["base64"].is_null());
        }
    }
    // A second run overwrites nothing.
    let second = run_it();
    assert_eq!(second.code, Some(2));
    assert!(second.stderr.contains("not empty"), "{}", second.stderr);
}

#[test]
fn what_is_extracted_can_be_chosen_and_says_if_it_was_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut");
    let options = ["--extract", utf8(&path), "--min-length", "126", "--opcode", "binary"];
    let run =
        run("chat-plain", &[&options[..], &["--from", "client", "--max-payload", "100"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let index = shared::json_lines(&path.join("index.jsonl"));
    let expected = noted(&truth("chat-plain"), "client_to_server", |message, length| {
        message["text"].is_null() && length >= 126
    });
    let found: Vec<_> =
        index.iter().map(|line| (number(line, "message"), number(line, "length"))).collect();
    assert_eq!(found, expected);
    for line in &index {
        let name = text(line, "file");
        assert!(name.ends_with("-truncated.bin"), "{name}");
        let size = std::fs::metadata(path.join(name)).expect("the file").len();
        assert!((100..126).contains(&size) && line["truncated"] == true, "{name}: {size}");
    }
}

#[test]
fn stats_count_what_the_peers_noted() {
    for name in ["chat-plain", "chat-deflate", "chat-fragments"] {
        let truth = truth(name);
        let records = chosen(name, &["--stats"]);
        let everything = chosen(name, &[]);
        for (direction, key) in DIRECTIONS {
            for (opcode, kind) in [("text", "text"), ("binary", "binary")] {
                let is_kind = |message: &Value, _| !message[kind].is_null();
                let mut sizes: Vec<_> =
                    noted(&truth, key, is_kind).into_iter().map(|(_, length)| length).collect();
                sizes.sort_unstable();
                let is_it = |stats: &&&Value| {
                    stats["direction"] == direction
                        && stats["opcode_name"] == opcode
                        && stats["connection"] == 1
                };
                let stats = of_type(&records, "stats");
                let stats = stats.iter().find(is_it).expect("stats");
                let sum: u64 = sizes.iter().sum();
                assert_eq!(number(stats, "messages"), sizes.len() as u64, "{name}");
                assert_eq!(number(stats, "message_bytes"), sum, "{name}");
                assert_eq!(number(stats, "min"), sizes[0]);
                assert_eq!(number(stats, "max"), sizes[sizes.len() - 1]);
                let median = sizes[(sizes.len() - 1) / 2];
                let found = number(stats, "median");
                assert!((median..=median + median / 16).contains(&found), "{found} for {median}");
                assert_eq!(stats["compression_ratio"].is_null(), name == "chat-plain");
                let frames: Vec<_> = of_type(&everything, "frame")
                    .into_iter()
                    .filter(|f| f["direction"] == direction && f["opcode_name"] == opcode)
                    .collect();
                let bytes = |key: &str| frames.iter().map(|frame| number(frame, key)).sum::<u64>();
                assert_eq!(number(stats, "frames"), frames.len() as u64);
                assert_eq!(number(stats, "header_bytes"), bytes("header_length"));
                assert_eq!(number(stats, "payload_bytes"), bytes("payload_length"));
            }
        }
    }
}

/// Random binary of more than 196 kB was sent each way, of which a few bytes were captured.
#[test]
fn stats_count_what_was_sent_though_the_snap_length_cut_it() {
    let records = run("snaplen-96", &["--stats", "--format", "jsonl"]).records();
    let truth = truth("snaplen-96");
    for (direction, key) in DIRECTIONS {
        let is_binary = |message: &Value, _| !message["binary"].is_null();
        let sent: u64 = noted(&truth, key, is_binary).into_iter().map(|(_, length)| length).sum();
        let is_it = |stats: &&Value| {
            stats["direction"] == direction
                && stats["opcode_name"] == "binary"
                && stats["connection"] == 1
        };
        let stats = of_type(&records, "stats").into_iter().find(is_it).expect("stats");
        // DEFLATE makes random bytes a little longer.
        let on_wire = number(stats, "payload_bytes");
        assert!((sent..sent + sent / 100).contains(&on_wire), "{on_wire} for {sent}");
        // How long the messages were that lack bytes, nobody knows.
        for key in ["min", "median", "p95", "max"] {
            assert!(stats[key].is_null(), "{key}: {stats}");
        }
        let ratio = stats["compression_ratio"].as_f64().expect("some are whole");
        assert!(ratio < 10.0, "{ratio}");
    }
    assert!(stdout(&run("snaplen-96", &["--summary"])).contains("> 1.4 kB"));
}

#[test]
fn the_connection_with_most_bytes_comes_first() {
    let out = stdout(&run("nginx-proxy", &["--stats", "--fail-on", "never"]));
    let title = out.lines().next().unwrap_or_default();
    let everything = run("nginx-proxy", &["--format", "jsonl"]).records();
    let mut bytes = std::collections::BTreeMap::<u64, u64>::new();
    for frame in of_type(&everything, "frame") {
        *bytes.entry(number(frame, "connection")).or_default() +=
            number(frame, "header_length") + number(frame, "payload_length");
    }
    let most = bytes.iter().max_by_key(|(number, bytes)| (**bytes, u64::MAX - **number));
    let (number, _) = most.expect("some frames");
    assert!(title.starts_with(&format!("connection {number} ")), "{out}");
    assert!(out.contains("all 4 connections"), "{out}");
}

/// The questions of an operator, each answered by one command.
#[test]
fn each_question_of_the_help_has_an_answer_by_its_command() {
    let help = ws101(&["pcap", "--help"]);
    let help = String::from_utf8(help.stdout).expect("text");
    let (_, questions) = help.split_once("Questions:\n").expect("questions");
    let (questions, _) = questions.split_once("\n\n").expect("an end");
    let commands: Vec<&str> =
        questions.lines().filter_map(|line| Some(&line[line.find("  --")?..])).collect();
    assert!(commands.len() >= 10, "{questions}");
    for command in commands {
        let command = command.split("   (").next().unwrap_or(command);
        // An address of the capture stands for that of the example.
        let command = command.replace("10.0.0.5:49152", "127.0.0.1:32920");
        let options: Vec<&str> = command.split_whitespace().collect();
        let run = run("desk", &options);
        assert_eq!(run.code, Some(0), "{command}: {}", run.stderr);
        let is_nothing = ["--finding", "--min-length"].contains(&options[0]);
        assert_eq!(run.stderr.starts_with("nothing matches"), is_nothing, "{command}");
        assert!(stdout(&run).lines().count() > 2, "{command}");
    }
}

#[test]
fn the_four_questions_are_answered_with_what_the_peers_noted() {
    let truth = truth("desk");
    let everything = chosen("desk", &[]);
    let noted = |number: u64, direction: &str| {
        let connection = &of_type(&everything, "connection")[number as usize - 1];
        let port = text(connection, "client").rsplit(':').next().expect("a port");
        let texts = list(&truth["connections"][port], direction).iter();
        texts.map(|it| text(it, "text").to_owned()).collect::<Vec<_>>()
    };
    let bytes = |number: &u64| -> usize {
        ["client", "server"].iter().flat_map(|from| noted(*number, from)).map(|it| it.len()).sum()
    };
    let most = (1..=8).max_by_key(bytes).expect("eight");
    assert!(
        stdout(&run("desk", &["--stats"])).starts_with(&format!("connection {most} ")),
        "{most}"
    );
    let errors: usize = (1..=8)
        .flat_map(|number| noted(number, "server"))
        .filter(|text| text.contains("error"))
        .count();
    let found = chosen("desk", &["--text", "error"]);
    assert_eq!(of_type(&found, "message").len(), errors);
    assert!(of_type(&found, "message").iter().all(|it| text(it, "text").contains("error")));
    let twelfth = &noted(7, "server")[11];
    let shown = run("desk", &["--connection", "7", "--message", "12", "--from", "server"]);
    assert!(stdout(&shown).contains(&format!("\n  < {twelfth}\n")), "{twelfth}");
    let seconds = |record: &Value| text(record, "time").parse::<f64>().expect("seconds");
    let of_seven = |records: &[Value], kind: &str| -> Vec<Value> {
        of_type(records, kind).into_iter().filter(|it| it["connection"] == 7).cloned().collect()
    };
    let closed = seconds(&of_seven(&everything, "close")[0]);
    let last: Vec<Value> = of_seven(&everything, "message")
        .into_iter()
        .filter(|message| seconds(message) >= closed - 1.0)
        .collect();
    let shown = chosen("desk", &["--connection", "7", "--since", "-1s"]);
    assert!(last.len() > 5);
    assert_eq!(of_type(&shown, "message"), last.iter().collect::<Vec<_>>());
}

#[test]
fn a_har_holds_the_messages_that_the_peers_noted() {
    for name in ["chat-plain", "chat-deflate", "close-4001"] {
        let truth = truth(name);
        let run = run(name, &["--format", "har"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let har: Value = serde_json::from_slice(&run.stdout).expect("one JSON document");
        assert_eq!(har["log"]["version"], "1.2");
        let entries = list(&har["log"], "entries");
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!(entry["response"]["status"], 101);
        let url = format!("ws://127.0.0.1:{}/chat?room=101", truth["port"]);
        assert_eq!(text(&entry["request"], "url"), url);
        assert_eq!(entry["request"]["queryString"][0]["value"], "101");
        for (kind, key) in [("send", "client_to_server"), ("receive", "server_to_client")] {
            let messages = list(entry, "_webSocketMessages").iter();
            let messages: Vec<_> = messages.filter(|message| message["type"] == kind).collect();
            assert_eq!(messages.len(), list(&truth, key).len(), "{name}");
            for (message, noted) in messages.into_iter().zip(list(&truth, key)) {
                let is_text = noted["text"].is_string();
                let expected = if is_text { &noted["text"] } else { &noted["binary"] };
                assert_eq!(&message["data"], expected, "{name}");
                assert_eq!(message["opcode"], if is_text { 1 } else { 2 });
            }
        }
        let closes: Vec<_> = list(entry, "_webSocketControlFrames")
            .iter()
            .filter(|frame| frame["opcode"] == 8)
            .map(|close| (close["code"].clone(), close["reason"].clone()))
            .collect();
        let expected = (truth["close"][0].clone(), truth["close"][1].clone());
        assert_eq!(closes, [expected.clone(), expected], "{name}");
    }
    let har = run("reconnect-storm", &["--format", "har", "--opcode", "ping"]);
    let har: Value = serde_json::from_slice(&har.stdout).expect("one JSON document");
    let entries = list(&har["log"], "entries");
    assert_eq!(entries.len(), 31);
    assert!(entries.iter().all(|entry| list(entry, "_webSocketMessages").is_empty()));
    let refused = ws101(&["rules", "--format", "har"]);
    assert_eq!(refused.code, Some(2));
}
