//! `ws101 step`: what the screen shows is what the recording holds, whatever its size; nothing that
//! was captured moves a cursor; and a real terminal is as it was before, however the walk ends.

mod shared;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Modifier;
use shared::say;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use ws101::Inspector;
use ws101::build::{Conversation, Frame, Numbers, Upgrade, What};
use ws101::input::{capture, transcript};
use ws101::recording::Recording;
use ws101::render::Sheet;
use ws101::render::step::{EXTENT, Outcome, Step};
use ws101::said::Endpoint;
use ws101::websocket::{Limits, Opcode};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn limits() -> Limits {
    Limits { max_payload: EXTENT.message, keep_frames: true, ..Limits::default() }
}

fn of_capture(bytes: &[u8]) -> Recording {
    let mut inspector = Inspector::new(Recording::new(EXTENT), limits());
    capture::read(bytes, &mut inspector, capture::Options::default()).expect("it is a capture");
    inspector.into_parts().0
}

fn sample(name: &str) -> Recording {
    let bytes = std::fs::read(root().join("samples").join(name)).expect("the sample is there");
    if name.ends_with(".pcap") {
        return of_capture(&bytes);
    }
    let mut inspector = Inspector::of_transcripts(Recording::new(EXTENT), limits());
    let transcript = transcript::read(&bytes).unwrap_or_else(|_| panic!("{name} can be read"));
    for exchanges in &transcript.connections {
        transcript::tell(exchanges, &mut inspector);
    }
    inspector.into_parts().0
}

/// A screen, and what is looked at on it.
struct Screen {
    terminal: Terminal<TestBackend>,
    step: Step,
    recording: Recording,
}

impl Screen {
    fn new(columns: u16, rows: u16, recording: Recording) -> Screen {
        Screen::of(columns, rows, false, recording)
    }

    fn of(columns: u16, rows: u16, ascii: bool, recording: Recording) -> Screen {
        let sheet =
            Sheet { width: columns.into(), ascii, palette: ws101::render::Palette::colored() };
        let explain = |word: &str, _: &Sheet| format!("about {word}\n").into_bytes();
        let mut step = Step::new("sample.pcap", sheet, explain);
        step.is_read = true;
        let terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test's terminal");
        let mut screen = Screen { terminal, step, recording };
        screen.draw();
        screen
    }

    fn draw(&mut self) {
        let Screen { terminal, step, recording } = self;
        terminal.draw(|frame| step.draw(frame, recording)).expect("it can be drawn on");
    }

    fn key(&mut self, code: KeyCode) -> Outcome {
        let outcome = self.step.press(KeyEvent::new(code, KeyModifiers::NONE), &self.recording);
        self.draw();
        outcome
    }

    fn keys(&mut self, keys: &str) {
        for c in keys.chars() {
            self.key(match c {
                '↓' => KeyCode::Down,
                '↑' => KeyCode::Up,
                '→' => KeyCode::Right,
                '←' => KeyCode::Left,
                '⏎' => KeyCode::Enter,
                c => KeyCode::Char(c),
            });
        }
    }

    fn rows(&self) -> Vec<String> {
        let buffer = self.terminal.backend().buffer();
        let columns = buffer.area.width as usize;
        let rows = buffer.content.chunks(columns);
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>()).collect()
    }

    fn text(&self) -> String {
        let rows = self.rows();
        rows.iter().map(|row| row.trim_end()).collect::<Vec<_>>().join("\n")
    }

    fn shows(&self, text: &str) -> bool {
        self.rows().iter().any(|row| row.contains(text))
    }

    /// What stands out beside the events: the text of the cells that are lit there, row by row.
    fn lit(&self) -> Vec<String> {
        let buffer = self.terminal.backend().buffer();
        let columns = buffer.area.width as usize;
        let rows = buffer.content.chunks(columns).skip(1);
        let lit = rows.map(|row| {
            let from = row.iter().position(|cell| cell.symbol() == "│").unwrap_or(0);
            let cells = row[from..].iter();
            let lit = cells.map(|cell| match cell.modifier.contains(Modifier::REVERSED) {
                true => cell.symbol(),
                false => " ",
            });
            lit.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
        });
        lit.filter(|row| !row.is_empty()).collect()
    }
}

/// The screen is as it stands in `tests/step/NAME.txt`; `REPLAY=write` writes that.
fn check_snapshot(name: &str, screen: &Screen) {
    let path = root().join("tests/step").join(format!("{name}.txt"));
    // How many rules there are is for others to say.
    let counts = regex::Regex::new("[0-9]+ rules hold, [0-9]+ could").expect("a pattern");
    let text = counts.replace(&screen.text(), "99 rules hold, 9 could").into_owned() + "\n";
    if std::env::var_os("REPLAY").is_some_and(|it| it == "write") {
        std::fs::write(&path, &text).expect("it can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, kept, "{name}: REPLAY=write cargo test --test step writes it anew");
}

#[test]
fn the_screens_of_a_recorded_chat() {
    let mut small = Screen::new(80, 24, sample("captures/browser-ws.pcap"));
    small.keys("↓↓");
    check_snapshot("text-80x24", &small);
    let mut large = Screen::new(120, 40, sample("captures/browser-ws.pcap"));
    large.keys("↓↓→↓↓↓↓↓↓↓↓i");
    check_snapshot("inflated-120x40", &large);
    let mut handshake = Screen::new(100, 30, sample("broken/accept-of-decoded-key.http"));
    handshake.keys("f");
    check_snapshot("handshake-100x30", &handshake);
    let mut help = Screen::new(80, 24, sample("captures/browser-ws.pcap"));
    help.keys("?");
    check_snapshot("help-80x24", &help);
}

#[test]
fn a_field_lights_its_bytes_and_a_byte_its_field() {
    // RFC 6455 §5.7: a masked "Hello", key 37 fa 21 3d, in a frame of 11 bytes.
    let frame = Frame::new(Opcode::Text, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
    let mut chat = Conversation::open(&Upgrade::default(), Numbers::new(1));
    chat.push(Endpoint::Client, What::Frame(frame), 1_000_000);
    let mut screen = Screen::new(80, 24, of_capture(&chat.pcap()));
    screen.keys("↓↓→↓↓↓↓↓↓↓");
    let lit = screen.lit();
    assert!(lit.contains(&"Masking-key".to_owned()), "{lit:?}");
    assert!(lit.contains(&"37 fa 21 3d 7.!=".to_owned()), "{lit:?}");
    // Two bytes on is the third of the key; one more and three the second of the payload.
    screen.keys("→→→");
    assert!(screen.lit().contains(&"21 !".to_owned()), "{:?}", screen.lit());
    screen.keys("→→→");
    let lit = screen.lit();
    assert!(lit.iter().any(|row| row.starts_with("9f")), "{lit:?}");
    assert!(screen.shows("0x1") && screen.shows("\"Hello\""));
    // 9f is unmasked by fa: e.
    assert!(lit.contains(&"65".to_owned()) && lit.contains(&"e".to_owned()), "{lit:?}");
}

#[test]
fn search_and_findings_lead_where_they_are() {
    let mut screen = Screen::new(100, 30, sample("captures/browser-ws.pcap"));
    screen.keys("/hello from a real browser⏎");
    assert!(screen.shows("event 3 of 13"), "{}", screen.text());
    screen.keys("n");
    assert!(screen.shows("event 5 of 13"), "the echo, two events on:\n{}", screen.text());
    screen.keys("N");
    assert!(screen.shows("event 3 of 13"));
    screen.keys("/no such thing⏎");
    assert!(screen.shows("is nowhere else"));
    // What text shows: notes at packet 32 (the answer), 52 and 53 (the two Closes).
    for event in ["event 11 of 13", "event 12 of 13", "event 2 of 13", "event 11 of 13"] {
        screen.keys("f");
        assert!(screen.shows(event), "{event}:\n{}", screen.text());
    }
    screen.keys("F");
    assert!(screen.shows("event 2 of 13"));
    assert!(screen.shows("note[NEG-SUBPROTO-UNREGISTERED]"), "{}", screen.text());
}

#[test]
fn bytes_are_shown_masked_unmasked_and_inflated() {
    let mut screen = Screen::new(100, 30, sample("captures/browser-ws.pcap"));
    screen.keys("↓↓");
    assert!(screen.shows("bytes on the wire") && screen.shows("c1 9b 59 79 7c 29 ab 31"));
    screen.keys("u");
    // ab ⊕ 59 and 31 ⊕ 79: the first bytes of "Hello" deflated (RFC 7692 §7.2.3.1).
    assert!(screen.shows("bytes, unmasked") && screen.shows("c1 9b 59 79 7c 29 f2 48"));
    screen.keys("i");
    assert!(screen.shows("the message, inflated") && screen.shows("48 65 6c 6c 6f"));
}

#[test]
fn a_presenter_shows_values_when_the_class_has_guessed() {
    let recording = sample("captures/chat-plain.pcap");
    let mut screen = Screen::new(100, 30, recording);
    screen.keys("p↓↓");
    assert!(!screen.shows("0x1") && !screen.shows("FIN            1"), "{}", screen.text());
    assert!(screen.shows("a frame, "), "{}", screen.text());
    let said = |screen: &Screen| {
        screen.rows().iter().filter(|row| row.contains("text: the payload")).count()
    };
    assert_eq!(said(&screen), 0);
    // FIN, RSV1, RSV2, RSV3, then the opcode: that one is shown.
    screen.keys("→↓↓↓↓ ");
    assert!(screen.shows("0x1") && said(&screen) > 0, "{}", screen.text());
    assert!(!screen.shows("Masking-key    ") || screen.shows("Masking-key   ?"));
    screen.keys("a");
    assert!(screen.shows("from the client"), "{}", screen.text());
    screen.keys("a");
    assert!(!screen.shows("0x1"), "a second time hides all again:\n{}", screen.text());
    screen.keys("pu");
    assert!(screen.shows("0x1"));
}

#[test]
fn what_is_under_the_cursor_is_explained() {
    let mut screen = Screen::new(80, 24, sample("captures/browser-ws.pcap"));
    screen.keys("↓↓→↓↓↓↓e");
    assert!(screen.shows("about 0x1"), "{}", screen.text());
    screen.keys("x");
    assert!(!screen.shows("about 0x1"), "any key closes it");
    screen.keys("fffe");
    assert!(screen.shows("about "), "{}", screen.text());
    assert_eq!(screen.key(KeyCode::Char('q')), Outcome::Stay, "it closes what lies on top first");
    assert_eq!(screen.key(KeyCode::Char('q')), Outcome::Quit);
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let recording = sample("captures/close-4001.pcap");
        let mut screen = Screen::of(columns, rows, true, recording);
        // What was captured may stay what it is.
        for keys in ["", "→", "↓↓", "v", "v", "?", "x", "c", "x", "←p", "a"] {
            screen.keys(keys);
            for row in screen.rows() {
                let odd = row.chars().find(|c| !c.is_ascii() && !"Grüße世界🌍⏰".contains(*c));
                assert_eq!(odd, None, "after {keys:?}: {row:?}");
            }
        }
    }
}

/// Everything that could do something to a terminal, or turn text around.
const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\r\n\t\u{8}\u{202e}evil\u{2066}\u{0}\u{85}\u{2028}";

fn hostile() -> Recording {
    of_capture(&hostile_capture())
}

fn hostile_capture() -> Vec<u8> {
    let upgrade = Upgrade { path: "/\u{1b}[31m?\u{202e}".to_owned(), ..Upgrade::default() };
    let mut chat = Conversation::open(&upgrade, Numbers::new(7));
    for from in [Endpoint::Client, Endpoint::Server] {
        for opcode in [Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Reserved(3)] {
            let frame = chat.frame(from, opcode, HOSTILE.as_bytes());
            chat.push(from, What::Frame(frame), 1_000_000);
        }
        chat.push(from, What::Frame(Frame::close(3000, HOSTILE, None)), 1_000_000);
    }
    chat.push(Endpoint::Server, What::Bytes(HOSTILE.as_bytes().to_vec()), 1_000_000);
    chat.pcap()
}

#[test]
fn nothing_captured_reaches_the_terminal_raw() {
    let recording = hostile();
    let count = recording.conversations[0].items.len();
    assert!(count >= 10, "{count} events");
    for (columns, rows) in [(80, 24), (120, 60)] {
        let mut screen = Screen::new(columns, rows, hostile());
        for _ in 0..count {
            for keys in ["", "→", "⏎", "x", "↓", "u", "i", "→", "→", "v", "c", "x", "/\u{202e}⏎"]
            {
                screen.keys(keys);
                for row in screen.rows() {
                    let bad = row
                        .chars()
                        .find(|c| c.is_control() || ws101::render::escape::is_harmful(*c));
                    assert_eq!(bad, None, "{row:?}");
                }
            }
            screen.key(KeyCode::Esc);
            screen.keys("J");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_keys_on_no_screen_break_it(
        keys in prop::collection::vec(prop::sample::select("↓↑→←jkhlJKgGfFnNuivpaec[] ?/x⏎".chars().collect::<Vec<_>>()), 0..60),
        columns in 1_u16..140,
        rows in 1_u16..60,
        name in prop::sample::select(vec![
            "captures/browser-ws.pcap", "captures/snaplen-96.pcap", "captures/nginx-proxy.pcap",
            "captures/close-4001.pcap", "broken/http-1.0.http", "handshakes/two-exchanges.md",
        ]),
    ) {
        let mut screen = Screen::new(columns, rows, sample(name));
        let text: String = keys.into_iter().collect();
        screen.keys(&text);
    }
}

// A real terminal.

static SESSIONS: AtomicU32 = AtomicU32::new(0);

/// A shell in a terminal of its own, held by tmux.
struct Session {
    name: String,
}

impl Session {
    /// None, said loudly, where there is no tmux.
    fn new(claim: &str, columns: u16, rows: u16) -> Option<Session> {
        if Command::new("tmux").arg("-V").output().is_err() {
            say(&format!("SKIPPED {claim}: tmux is missing"));
            return None;
        }
        let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
        let session = Session { name: format!("ws101-{}-{number}", std::process::id()) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let shell = "env -u NO_COLOR PS1='ready> ' LC_ALL=C.UTF-8 sh";
        session.tmux(&["new-session", "-d", "-s", "s", "-x", &columns, "-y", &rows, shell]);
        session.tmux(&["set", "-g", "status", "off"]);
        session.tmux(&["resize-window", "-t", "s", "-x", &columns, "-y", &rows]);
        session.wait_for("ready>");
        Some(session)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-f", "/dev/null", "-L", &self.name])
            .args(arguments)
            .output();
        String::from_utf8_lossy(&output.expect("tmux runs").stdout).into_owned()
    }

    fn pane(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "s"])
    }

    fn send(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "s"], keys].concat());
    }

    fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |pane| pane.contains(text))
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let pane = self.pane();
            if holds(&pane) {
                return pane;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no {what:?} in\n{pane}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn begin(&self, arguments: &str) {
        let binary = env!("CARGO_BIN_EXE_ws101");
        self.tmux(&[
            "send-keys",
            "-t",
            "s",
            "-l",
            &format!("{binary} step --no-config {arguments}; echo left:$?"),
        ]);
        self.send(&["Enter"]);
    }

    /// The process that holds the terminal.
    fn process(&self) -> String {
        let shell = self.tmux(&["display", "-p", "-t", "s", "#{pane_pid}"]);
        let output = Command::new("pgrep").args(["-P", shell.trim(), "-x", "ws101"]).output();
        String::from_utf8_lossy(&output.expect("pgrep runs").stdout).trim().to_owned()
    }

    /// The terminal is as it was: the first screen, a cursor, echo and line editing.
    fn is_as_before(&self, how: &str) {
        // The status, and not the command that prints it; then the shell asks for more.
        self.wait_until("left: and a number", |pane| {
            let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
            pane.split("left:").skip(1).any(is_number) && pane.trim_end().ends_with("ready>")
        });
        let state = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_cursor_flag}";
        let state = self.tmux(&["display", "-p", "-t", "s", state]);
        assert_eq!(state.trim(), "0 1 0 0", "{how}: another screen, a hidden cursor, a mouse");
        self.send(&[
            "stty -a | tr ' ' '\\n' | grep -cx -e 'icanon' -e 'echo' -e 'isig;*' -e 'icrnl'",
            "Enter",
        ]);
        let pane = self.wait_for("\n4");
        assert!(pane.contains("ready> stty"), "{how}: typed text is echoed\n{pane}");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

fn chat() -> PathBuf {
    root().join("samples/captures/browser-ws.pcap")
}

#[test]
fn a_terminal_is_as_it_was_after_leaving() {
    for (how, end) in [
        ("q", "q"),
        ("Ctrl-C", "C-c"),
        ("SIGTERM", "-TERM"),
        ("SIGINT", "-INT"),
        ("SIGHUP", "-HUP"),
    ] {
        let Some(session) = Session::new("a_terminal_is_as_it_was_after_leaving", 80, 24) else {
            return;
        };
        session.begin(&quoted(&chat()));
        session.wait_for("under the cursor");
        match end {
            signal if signal.starts_with('-') => {
                let process = session.process();
                assert!(!process.is_empty(), "{how}: the process is found");
                Command::new("kill").args([signal, &process]).status().expect("kill runs");
            }
            key => session.send(&[key]),
        }
        session.is_as_before(how);
        assert!(session.pane().contains("left:0"), "{how}: {}", session.pane());
    }
}

#[test]
fn it_ends_with_its_terminal() {
    let claim = "it_ends_with_its_terminal";
    let Some(session) = Session::new(claim, 80, 24) else { return };
    session.begin(&quoted(&chat()));
    session.wait_for("under the cursor");
    let process = session.process();
    session.tmux(&["kill-server"]);
    let begun = Instant::now();
    while Command::new("ps").args(["-p", &process, "-o", "stat="]).output().is_ok_and(|output| {
        let state = String::from_utf8_lossy(&output.stdout);
        !state.trim().is_empty() && !state.starts_with('Z')
    }) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{process} goes on without a terminal");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Not a test by itself: what `a_terminal_is_as_it_was_after_a_panic` runs in a terminal.
#[test]
#[ignore = "it panics on purpose, in a terminal of its own"]
fn panic_in_a_terminal() {
    let sheet = Sheet::plain(80);
    let recording = sample("captures/browser-ws.pcap");
    let mut step = Step::new("chat", sheet, |_, _| panic!("on purpose"));
    let mut terminal = ratatui::try_init().expect("this is a terminal");
    terminal.draw(|frame| step.draw(frame, &recording)).expect("it can be drawn on");
    std::thread::sleep(Duration::from_secs(1));
    step.press(KeyEvent::new(KeyCode::Char('e'), KeyModifiers::NONE), &recording);
    let _ = terminal.draw(|frame| step.draw(frame, &recording));
}

#[test]
fn a_terminal_is_as_it_was_after_a_panic() {
    let Some(session) = Session::new("a_terminal_is_as_it_was_after_a_panic", 100, 40) else {
        return;
    };
    let this = std::env::current_exe().expect("a test has a file");
    let command = format!(
        "RUST_BACKTRACE=0 {} --ignored --nocapture --exact panic_in_a_terminal; echo left:$?",
        quoted(&this)
    );
    session.tmux(&["send-keys", "-t", "s", "-l", &command]);
    session.send(&["Enter"]);
    session.wait_for("under the cursor");
    session.is_as_before("a panic");
    assert!(session.pane().contains("on purpose"), "the panic is told:\n{}", session.pane());
}

#[test]
fn it_follows_the_size_of_the_terminal() {
    let Some(session) = Session::new("it_follows_the_size_of_the_terminal", 80, 24) else { return };
    session.begin(&quoted(&chat()));
    session.wait_for("under the cursor");
    session.send(&["Down", "Down"]);
    session.wait_for("event 3 of 13");
    assert!(!session.pane().contains("0                   1"), "no room for the figure");
    session.tmux(&["resize-window", "-t", "s", "-x", "120", "-y", "40"]);
    let pane = session.wait_for("Masking-key (continued)");
    assert_eq!(pane.lines().count(), 40);
    for (columns, rows) in [("39", "9"), ("200", "60"), ("41", "11"), ("5", "3"), ("80", "24")] {
        session.tmux(&["resize-window", "-t", "s", "-x", columns, "-y", rows]);
        std::thread::sleep(Duration::from_millis(150));
    }
    let pane = session.wait_for("under the cursor");
    assert!(pane.lines().all(|line| line.chars().count() <= 80), "{pane}");
    session.send(&["q"]);
    session.is_as_before("after resizing");
}

fn kept(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the folder for tests can be written");
    path
}

#[test]
fn a_hundred_thousand_frames_are_there_at_once() {
    const FRAMES: usize = 100_000;
    let claim = "a_hundred_thousand_frames_are_there_at_once";
    let Some(session) = Session::new(claim, 120, 40) else { return };
    let mut chat = Conversation::open(&Upgrade::default(), Numbers::new(9));
    for number in 0..FRAMES {
        let frame = chat.frame(Endpoint::Client, Opcode::Text, format!("{number}").as_bytes());
        chat.push(Endpoint::Client, What::Frame(frame), 1000);
    }
    let file = kept("step-large.pcap", &chat.pcap());
    let begun = Instant::now();
    session.begin(&quoted(&file));
    session.wait_for("under the cursor");
    let opened = begun.elapsed();
    say(&format!("{FRAMES} frames: the first screen after {} ms", opened.as_millis()));
    // Far less than reading all of it takes, even where the machine is busy.
    assert!(opened < Duration::from_secs(5), "{opened:?}");
    let begun = Instant::now();
    while session.pane().lines().next().is_some_and(|first| first.contains("reading")) {
        // What other commands say of their progress has been written over the screen.
        assert!(!session.pane().contains("MiB"), "{}", session.pane());
        assert!(begun.elapsed() < Duration::from_secs(120), "it is read to its end");
        std::thread::sleep(Duration::from_millis(50));
    }
    // Request, response, frames, the end.
    let last = FRAMES + 3;
    session.send(&["End"]);
    session.wait_for(&format!("event {last} of {last}"));
    session.send(&["Up"]);
    session.wait_for("\"99999\"");
    session.send(&["q"]);
    session.is_as_before("a long capture");
}

#[test]
fn a_hostile_capture_does_nothing_to_a_real_terminal() {
    let claim = "a_hostile_capture_does_nothing_to_a_real_terminal";
    let Some(session) = Session::new(claim, 80, 24) else { return };
    let file = kept("step-hostile.pcap", &hostile_capture());
    session.begin(&quoted(&file));
    session.wait_for("under the cursor");
    for _ in 0..14 {
        session.send(&["J", "Right", "Down", "Enter", "x", "u"]);
        std::thread::sleep(Duration::from_millis(40));
    }
    let pane = session.pane();
    assert!(pane.contains("step-hostile.pcap") && pane.lines().count() == 24, "{pane}");
    let title = session.tmux(&["display", "-p", "-t", "s", "#{pane_title}"]);
    assert!(!title.contains("owned"), "{title}");
    session.send(&["q"]);
    session.is_as_before("a hostile capture");
}

#[test]
fn errors_come_before_there_is_a_screen() {
    let Some(session) = Session::new("errors_come_before_there_is_a_screen", 80, 24) else {
        return;
    };
    session.begin("no-such-file.pcap");
    let pane = session.wait_for("left:2");
    assert!(pane.contains("error: no-such-file.pcap can't be opened"), "{pane}");
    let output = Command::new(env!("CARGO_BIN_EXE_ws101")).arg("step").arg(chat()).output();
    let output = output.expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("step needs a terminal") && message.contains("ws101 report"),
        "{message}"
    );
}
