//! A recording as Markdown, to be pasted into an issue: what it is, the handshakes, what was found
//! and how to mend it, and what happened in a part that opens. Captured text becomes text only: it
//! ends no code block, mentions nobody and refers to nothing.

use super::{caption, mermaid};
use crate::Counts;
use crate::recording::{Answer, Conversation, Extent, Item, Recording, What};
use crate::render::escape;
use crate::render::finding::demand;
use crate::rules::{Finding, Severity};
use crate::said::{Endpoint, Transport};
use crate::websocket::handshake::Outcome;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// How much a report shows.
pub const EXTENT: Extent = Extent {
    connections: 20,
    events: 400,
    events_of_one: 150,
    events_of_findings: 50,
    payload: 64,
    message: 64,
};

/// So many findings are told; an issue holds 65,536 characters.
const MAX_FINDINGS: usize = 40;

/// So many bytes of a head are shown.
const MAX_HEAD: usize = 3000;

/// No report is longer than this, in bytes: what an issue holds, with room for words around it.
pub const MAX_REPORT: usize = 60_000;

/// What the report is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The name of the file.
    pub name: String,
    /// The command that shows everything.
    pub command: String,
    /// Secrets were replaced.
    pub redacted: bool,
}

/// Writes the report.
pub fn write(
    out: &mut impl Write,
    recording: &Recording,
    subject: &Subject,
    counts: &Counts,
) -> io::Result<()> {
    let mut text = String::new();
    summary(&mut text, recording, subject, counts);
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    for conversation in &recording.conversations {
        for item in &conversation.items {
            if let What::Response(answer) = &item.what {
                let part = handshake(answer, item, conversation);
                push(&mut text, &part);
            }
        }
    }
    let findings = recording.conversations.iter().flat_map(|conversation| {
        let found = |item: &'_ Item| item.findings.len();
        conversation
            .items
            .iter()
            .filter(move |item| found(item) > 0)
            .map(move |item| (conversation, item))
    });
    let mut found: Vec<(&Conversation, &Finding)> = findings
        .flat_map(|(conversation, item)| item.findings.iter().map(move |it| (conversation, it)))
        .collect();
    found.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    if !recording.broken.is_empty() {
        text.push_str("\n### Findings\n\n");
    }
    for (conversation, finding) in found.iter().take(MAX_FINDINGS) {
        let is_told = push(&mut text, &one(conversation, finding));
        *told.entry(finding.rule.id).or_default() += u64::from(is_told);
    }
    for (id, facts) in &recording.broken {
        let more = facts.times - told.get(id).copied().unwrap_or(0).min(facts.times);
        if more > 0 {
            let (severity, rule) = (facts.severity, words(facts.rule.title));
            let _ = writeln!(text, "- **{severity}** {}: {rule} ({more} more times)", code(id));
        }
    }
    for conversation in &recording.conversations {
        push(&mut text, &timeline(conversation));
    }
    let diagram = mermaid::diagram(recording);
    if text.len() + diagram.len() < MAX_REPORT / 2 {
        let _ = write!(
            text,
            "\n<details><summary>As a diagram</summary>\n\n```mermaid\n{diagram}```\n\n</details>\n"
        );
    }
    out.write_all(text.as_bytes())
}

/// Adds a part if there is room for it.
fn push(text: &mut String, part: &str) -> bool {
    let fits = text.len() + part.len() <= MAX_REPORT - 1000;
    if fits {
        text.push_str(part);
    }
    fits
}

fn summary(text: &mut String, recording: &Recording, subject: &Subject, counts: &Counts) {
    let redacted = if subject.redacted { " (redacted)" } else { "" };
    let _ = writeln!(text, "## {}{redacted}\n", words(&escape::text(subject.name.as_bytes())));
    let facts = [
        (counts.connections, "WebSocket connection"),
        (counts.frames, "frame"),
        (counts.messages, "message"),
        (counts.errors, "error"),
        (counts.warnings, "warning"),
        (counts.notes, "note"),
    ];
    let repeats = match counts.repeats {
        0 => String::new(),
        more => format!(" · {more} more of the same, not told"),
    };
    let facts =
        facts.map(|(count, noun)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" }));
    let _ = writeln!(text, "{}\n", facts.join(" · ") + &repeats);
    // What was pasted has no addresses and no end: a table would be empty.
    let is_pasted =
        |it: &Conversation| it.connection.transport == Transport::None && it.ended.is_none();
    if !recording.conversations.iter().all(is_pasted) {
        text.push_str(
            "| # | client | server | messages | ended |\n| --- | --- | --- | --- | --- |\n",
        );
    }
    for it in &recording.conversations {
        let address = |address: Option<std::net::SocketAddr>| {
            address.map_or("–".to_owned(), |address| format!("`{address}`"))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            it.connection.number,
            address(it.connection.client),
            address(it.connection.server),
            it.messages,
            words(&escape::text(it.ended.as_deref().unwrap_or("–").as_bytes()))
        );
    }
    if recording.more_connections > 0 {
        let _ = writeln!(text, "\n{} more connections are not listed.", recording.more_connections);
    }
    for (why, count) in &recording.opaque {
        let _ = writeln!(text, "\n{count} TLS connections could not be read: {}.", words(why));
    }
    let command = escape::text(subject.command.as_bytes());
    let _ = writeln!(text, "\nMade with {}; all of it: {}.", code("ws101"), code(&command));
}

fn handshake(answer: &Answer, item: &Item, conversation: &Conversation) -> String {
    let handshake = &answer.handshake;
    let verdict = match handshake.outcome() {
        Outcome::Upgraded
            if item.findings.iter().any(|finding| finding.severity == Severity::Error) =>
        {
            "accepted, but broken"
        }
        Outcome::Upgraded => "valid",
        Outcome::Refused => "refused",
        Outcome::Incomplete => "not whole",
    };
    let mut text = format!(
        "\n### Handshake of connection {}: {verdict}\n\n{} rules hold, {} could not be judged.\n\n",
        conversation.connection.number, answer.held, answer.not_observed
    );
    let heads = [(&handshake.request, Endpoint::Client), (&handshake.response, Endpoint::Server)];
    for (head, _) in heads {
        let Some(head) = head else { continue };
        let lines = String::from_utf8_lossy(head.text()).replace("\r\n", "\n");
        let lines: Vec<String> =
            lines.trim_end().lines().map(|line| escape::text(line.as_bytes())).collect();
        let lines =
            escape::beginning(lines.join("\u{1}").as_bytes(), MAX_HEAD).replace("\\x01", "\n");
        text.push_str(&fenced("http", &lines));
        text.push('\n');
    }
    if let (Some(expected), Some(found)) = (handshake.accept_expected(), handshake.accept_found()) {
        let found = escape::beginning(found, 200);
        let is_right = expected == found;
        let _ = match is_right {
            true => writeln!(text, "The Accept answers the key: {}.", code(expected)),
            false => {
                writeln!(text, "The Accept should be {} and is {}.", code(expected), code(&found))
            }
        };
    }
    text
}

fn one(conversation: &Conversation, finding: &Finding) -> String {
    let broken = &finding.broken;
    let seen = if broken.seen.is_empty() { finding.rule.title } else { &broken.seen };
    let shown = |text: &str| words(&escape::text(text.as_bytes()));
    let mut text = format!("- **{}** {}: {}", finding.severity, code(finding.rule.id), shown(seen));
    if !broken.expected.is_empty() {
        let _ = write!(text, "; expected {}", shown(&broken.expected));
    }
    let mut places = vec![format!("connection {}", conversation.connection.number)];
    if let Some(frame) = finding.frame {
        let whose = broken.endpoint.map_or(String::new(), |from| format!(" of the {from}"));
        places.push(format!("frame {frame}{whose}"));
    }
    if let Some(packet) = finding.at.packet {
        places.push(format!("packet {packet}"));
    }
    let _ = writeln!(text, " ({})", places.join(", "));
    if let Some(cause) = &broken.cause {
        let _ = writeln!(text, "  - cause: {}", shown(cause));
    }
    if finding.severity > Severity::Note && !finding.mend().is_empty() {
        let _ = writeln!(text, "  - mend: {}", shown(finding.mend()));
    }
    let _ = writeln!(text, "  - rule: {}", shown(&demand(finding.rule)));
    text
}

fn timeline(conversation: &Conversation) -> String {
    let mut lines = String::new();
    let opened = conversation.connection.opened;
    for item in &conversation.items {
        if conversation.left_out > 0 && matches!(item.what, What::End { .. }) {
            let _ = writeln!(lines, "… {} more events", conversation.left_out);
        }
        let since = item.at.time.zip(opened.time).map(|(now, opened)| now.seconds_since(opened));
        if let Some(since) = since {
            let _ = write!(lines, "{since:>9.3}  ");
        }
        let arrow = match item.from {
            Some(Endpoint::Client) => "──▶",
            Some(Endpoint::Server) => "◀──",
            None => "   ",
        };
        let _ = writeln!(lines, "{arrow}  {}", caption::text(item));
    }
    let title = format!(
        "What happened on connection {}: {} events",
        conversation.connection.number,
        conversation.items.len() as u64 + conversation.left_out
    );
    format!("\n<details><summary>{title}</summary>\n\n{}\n</details>\n", fenced("text", &lines))
}

/// A code block that nothing in it can end.
fn fenced(language: &str, lines: &str) -> String {
    let fence = "`".repeat(longest_run(lines).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.trim_end())
}

/// Code in a line, which nothing in it can end.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Words in which something captured may be quoted.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A comment in between is not seen, and keeps it from being a mention or a reference.
            '@' | '#' => {
                out.push(c);
                out.push_str("<!-- -->");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.replace("://", ":<!-- -->//").replace("www.", "www<!-- -->.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_words_mention_nobody_and_mean_nothing() {
        assert_eq!(
            words("@all <b> #1 `x` [a](http://b)"),
            "@<!-- -->all &lt;b&gt; #<!-- -->1 \\`x\\` \\[a\\](http:<!-- -->//b)"
        );
        assert_eq!(code("a`b``c"), "```a`b``c```");
        let block = fenced("text", "```\nend\n````");
        assert!(block.starts_with("`````text\n") && block.ends_with("\n`````\n"), "{block}");
    }
}
