//! A recording as a Mermaid sequence diagram, which GitHub and others render: a lifeline for each
//! address, an arrow for each event. Captured text becomes text only: whatever could mean something
//! to Mermaid is written as a character code.

use super::caption;
use crate::inspection::Connection;
use crate::recording::{Conversation, Extent, Item, Recording, What};
use crate::rules::Finding;
use crate::said::Endpoint;
use std::fmt::Write as _;
use std::io::{self, Write};

/// How much a diagram shows: more than a few dozen arrows nobody follows, and renderers refuse more
/// than 50,000 characters.
pub const EXTENT: Extent = Extent {
    connections: 8,
    events: 150,
    events_of_one: 60,
    events_of_findings: 20,
    payload: 64,
    message: 64,
};

/// No diagram is longer than this, in characters.
pub const MAX_DIAGRAM: usize = 48_000;

/// Room for what is said behind the last event.
const TAIL: usize = 400;

/// Characters of a finding beside its arrow.
const MAX_FINDING: usize = 120;

/// Writes the diagram.
pub fn write(out: &mut impl Write, recording: &Recording) -> io::Result<()> {
    out.write_all(diagram(recording).as_bytes())
}

/// The diagram.
pub fn diagram(recording: &Recording) -> String {
    let mut text = String::from("sequenceDiagram\n");
    let ends = Ends::of(recording);
    ends.declare(&mut text);
    let mut left_out = 0;
    for conversation in &recording.conversations {
        let [client, server] = ends.of_connection(&conversation.connection);
        let number = conversation.connection.number;
        push(&mut text, &format!("    Note over {client},{server}: connection {number}\n"));
        for item in &conversation.items {
            if conversation.left_out > 0 && matches!(item.what, What::End { .. }) {
                let count = conversation.left_out;
                push(&mut text, &format!("    Note over {client},{server}: {count} more events\n"));
            }
            let line = event(item, &client, &server, conversation);
            left_out += u64::from(!push(&mut text, &line));
        }
    }
    if let Some(first) = ends.first() {
        let more = recording.more_connections;
        if more > 0 {
            let _ = writeln!(text, "    Note over {first}: {more} more connections are not shown");
        }
        if left_out > 0 {
            let _ = writeln!(text, "    Note over {first}: {left_out} more events had no room");
        }
    } else {
        text.push_str("    participant nobody as no WebSocket connection\n");
    }
    text
}

/// Adds lines if there is room for them.
fn push(text: &mut String, lines: &str) -> bool {
    let fits = text.len() + lines.len() <= MAX_DIAGRAM - TAIL;
    if fits {
        text.push_str(lines);
    }
    fits
}

fn event(item: &Item, client: &str, server: &str, conversation: &Conversation) -> String {
    let opened = conversation.connection.opened;
    let since = item.at.time.zip(opened.time).map(|(now, opened)| now.seconds_since(opened));
    let time = since.map_or(String::new(), |since| format!("{since:.3} s · "));
    let words = escaped(&format!("{time}{}", caption::text(item)));
    let mut lines = match item.from {
        Some(from) => {
            let (from, to) = match from {
                Endpoint::Client => (client, server),
                Endpoint::Server => (server, client),
            };
            let is_control = matches!(&item.what, What::Frame(frame) if frame.opcode().is_some_and(|it| !it.is_data()));
            let arrow = if is_control { "-->>" } else { "->>" };
            format!("    {from}{arrow}{to}: {words}\n")
        }
        None => format!("    Note over {client},{server}: {words}\n"),
    };
    for finding in &item.findings {
        let _ = writeln!(lines, "    Note over {client},{server}: {}", escaped(&told(finding)));
    }
    lines
}

fn told(finding: &Finding) -> String {
    let seen = super::escape::beginning(finding.broken.seen.as_bytes(), MAX_FINDING);
    format!("{} {}: {seen}", finding.severity, finding.rule.id)
}

/// The lifelines: one for each address of a client, one for each of a server.
struct Ends {
    names: [Vec<String>; 2],
}

impl Ends {
    fn of(recording: &Recording) -> Ends {
        let mut names = [Vec::new(), Vec::new()];
        for conversation in &recording.conversations {
            for (names, name) in names.iter_mut().zip(addresses(&conversation.connection)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ends { names }
    }

    fn declare(&self, text: &mut String) {
        for (kind, names) in ["client", "server"].into_iter().zip(&self.names) {
            let letter = &kind[..1];
            for (index, name) in names.iter().enumerate() {
                let name = escaped(format!("{kind} {name}").trim_end());
                let _ = writeln!(text, "    participant {letter}{} as {name}", index + 1);
            }
        }
    }

    fn of_connection(&self, connection: &Connection) -> [String; 2] {
        let mut ends = ["c1".to_owned(), "s1".to_owned()];
        for (side, name) in addresses(connection).into_iter().enumerate() {
            let index = self.names[side].iter().position(|other| *other == name).unwrap_or(0);
            ends[side] = format!("{}{}", ["c", "s"][side], index + 1);
        }
        ends
    }

    fn first(&self) -> Option<&'static str> {
        (!self.names[0].is_empty()).then_some("c1")
    }
}

fn addresses(connection: &Connection) -> [String; 2] {
    let shown = |address: Option<std::net::SocketAddr>| {
        address.map_or(String::new(), |address| address.to_string())
    };
    [shown(connection.client), shown(connection.server)]
}

/// Printable text as Mermaid takes it for text: letters, digits and harmless marks stay, every other
/// character of ASCII becomes a code.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || !c.is_ascii() => out.push(c),
            ' ' | '.' | ',' | ':' | '-' | '_' | '/' | '(' | ')' | '?' | '!' | '=' => out.push(c),
            c => {
                let _ = write!(out, "#{};", c as u32);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_means_something_to_mermaid_stays() {
        let hostile = "a;b #35; %%{init: {}}%% <b> \"q\" $$x$$ `c` @{d} \\n end & | * ~ + >";
        let kept = escaped(hostile);
        let codes = regex::Regex::new("#[0-9]+;").expect("a pattern");
        let rest = codes.replace_all(&kept, "");
        assert!(
            !rest.contains([';', '#', '%', '{', '}', '<', '>', '"', '$', '`', '@', '\\', '&']),
            "{rest}"
        );
        assert!(kept.starts_with("a#59;b "), "{kept}");
    }
}
