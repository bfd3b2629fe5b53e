//! The document around the conversations: title, counts, table of connections, what was left out,
//! the rules that are broken, the course, the glossary.

use super::{Shown, findings, prose, sequence};
use crate::Counts;
use crate::layout::cited;
use crate::recording::{Conversation, Recording};
use crate::render::escape;
use crate::render::finding::not_told;
use crate::render::timeline::size;
use crate::said::Transport;
use crate::websocket::frame::FIELDS;
use crate::websocket::{Opcode, close};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};
use std::net::SocketAddr;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The name of the file.
    pub name: String,
    /// What it is: `packet capture`.
    pub kind: String,
    /// Its packets and their bytes, if it has any.
    pub packets: Option<(u64, u64)>,
    /// Secrets were replaced.
    pub redacted: bool,
    /// The command that shows everything.
    pub command: String,
}

/// The texts of the course, for those who look something up.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// The topics, in teaching order.
    pub topics: Vec<Topic>,
    /// Words of the output.
    pub words: Vec<Word>,
    /// The name of the topic that teaches a frame field, by the field's name.
    pub of_fields: Vec<(&'static str, &'static str)>,
}

/// A step of the course.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Where the standards speak of it.
    pub sections: &'static str,
    /// The text, in Markdown.
    pub markdown: &'static str,
}

/// A word of the output.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// The word.
    pub word: &'static str,
    /// What it says, in Markdown.
    pub meaning: &'static str,
    /// The name of the topic to read on.
    pub topic: &'static str,
}

/// Writes the document.
pub fn write(
    out: &mut impl Write,
    recording: &Recording,
    subject: &Subject,
    course: &Course,
    counts: &Counts,
) -> io::Result<()> {
    let (conversations, left_out) = all_conversations(recording);
    let title = html! { (Shown(subject.name.as_bytes())) " · ws101" };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("ws101 ", env!("CARGO_PKG_VERSION")));
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#conversations" { "To the conversations" }
                (masthead(recording, subject, counts))
                main {
                    (not_here(recording, subject, counts, left_out))
                    @if recording.conversations.len() > 1 { (table(recording)) }
                    section #conversations aria-label="Conversations" { (conversations) }
                    (findings::explained(recording))
                    (topics(course))
                    (glossary(recording, course))
                }
                footer {
                    p { "Made by ws101 from what was captured. Nothing is loaded from anywhere, nothing is sent." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())
}

/// All conversations, as far as the page has room for them; and how many events it had none for.
fn all_conversations(recording: &Recording) -> (Markup, u64) {
    let mut budget = sequence::Budget::default();
    let markup = html! {
        @for conversation in &recording.conversations {
            (sequence::conversation(conversation, &mut budget))
        }
        @if recording.conversations.is_empty() {
            p.empty { "There is no WebSocket connection in it." }
        }
    };
    (markup, budget.left_out)
}

/// What is not on the page, said before anything else.
fn not_here(recording: &Recording, subject: &Subject, counts: &Counts, cut: u64) -> Markup {
    let events: u64 = recording.conversations.iter().map(|it| it.left_out).sum::<u64>() + cut;
    html! {
        @if events > 0 || recording.more_connections > 0 {
            p.left-out role="note" data-left-out=(events) {
                strong { "Not everything is on this page. " }
                @if events > 0 { (counted(events, "event")) " of the connections below " @if events == 1 { "is" } @else { "are" } " left out, so that the page stays small; each list says where. " }
                @if recording.more_connections > 0 { (counted(recording.more_connections, "more connection")) " not listed at all. " }
                "The counts above are of everything. All of it: " code { (Shown(subject.command.as_bytes())) }
            }
        }
        @if counts.repeats > 0 {
            p.left-out role="note" {
                strong { "Not every finding is here: " } (not_told(counts.repeats))
            }
        }
        @if !recording.opaque.is_empty() {
            p.left-out role="note" {
                strong { "Not everything could be read. " }
                @for (why, times) in &recording.opaque {
                    (counted(*times, "TLS connection")) ": " (why) ". "
                }
            }
        }
    }
}

fn table(recording: &Recording) -> Markup {
    html! {
        section aria-labelledby="connections-title" {
            h2 #connections-title { "Connections" }
            div.scroll tabindex="0" role="region" aria-labelledby="connections-title" {
                table.connections {
                    thead { tr {
                        th scope="col" { "#" } th scope="col" { "client" } th scope="col" { "server" }
                        th scope="col" { "messages" } th scope="col" { "findings" } th scope="col" { "ended" }
                    } }
                    tbody {
                        @for it in &recording.conversations {
                            tr {
                                th scope="row" { a href={ "#c" (it.connection.number) } { (it.connection.number) } }
                                td { (address(it.connection.client)) }
                                td { (address(it.connection.server)) }
                                td.number { (it.messages) }
                                td { (findings::counts(&it.findings)) }
                                td { (Shown(it.ended.as_deref().unwrap_or("").as_bytes())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn masthead(recording: &Recording, subject: &Subject, counts: &Counts) -> Markup {
    html! {
        header.masthead {
            div.titles {
                p.kind { (Shown(subject.kind.as_bytes())) @if subject.redacted { " · redacted" } }
                h1 { (Shown(subject.name.as_bytes())) }
            }
            div.tools hidden {
                button type="button" #open-all aria-pressed="false" { "Open all" }
                button type="button" #theme { "Dark or light" }
            }
            dl.facts {
                (fact("connections", counts.connections))
                (fact("frames", counts.frames))
                (fact("messages", counts.messages))
                (fact("errors", counts.errors))
                (fact("warnings", counts.warnings))
                (fact("notes", counts.notes))
                @if counts.gaps > 0 { (fact("gaps", counts.gaps)) }
                @if let Some((packets, bytes)) = subject.packets {
                    (fact("packets", packets))
                    div { dt { "captured" } dd { (size(bytes)) } }
                }
                @if !recording.codes.is_empty() {
                    div { dt { "close codes" } dd data-fact="codes" {
                        @for (at, (code, times)) in recording.codes.iter().enumerate() {
                            @if at > 0 { " " }
                            a href={ "#code-" (code) } { (code) }
                            @if *times > 1 { " ×" (times) }
                        }
                    } }
                }
            }
            nav aria-label="On this page" {
                a href="#conversations" { "Conversations" }
                @if !recording.broken.is_empty() { a href="#findings" { "Findings, explained" } }
                a href="#course" { "How it works" }
                a href="#glossary" { "Glossary" }
            }
        }
    }
}

fn fact(name: &str, value: u64) -> Markup {
    let class = match (name, value) {
        (_, 0) => "none",
        ("errors", _) => "error",
        ("warnings", _) => "warning",
        ("notes", _) => "note",
        _ => "",
    };
    let noun = if value == 1 { name.trim_end_matches('s') } else { name };
    html! { div class=(class) { dt { (noun) } dd data-fact=(name) { (value) } } }
}

fn topics(course: &Course) -> Markup {
    html! {
        @if !course.topics.is_empty() {
            section #course aria-labelledby="course-title" {
                h2 #course-title { "How it works" }
                p.lead { "The course of ws101, in the order in which one thing leads to the next." }
                @for topic in &course.topics {
                    details.text id={ "topic-" (topic.name) } {
                        summary { h3 { (topic.title) } span.sections { (topic.sections) } }
                        div.prose { (prose::of(topic.markdown)) }
                    }
                }
            }
        }
    }
}

fn glossary(recording: &Recording, course: &Course) -> Markup {
    let topic_of = |field: &str| {
        course.of_fields.iter().find(|(name, _)| *name == field).map(|(_, topic)| *topic)
    };
    html! {
        section #glossary aria-labelledby="glossary-title" {
            h2 #glossary-title { "Glossary" }
            h3 { "Fields of a frame" }
            dl.words {
                @for spec in FIELDS {
                    div {
                        dt { (spec.label) " " span.sections { (cited(spec.section)) } }
                        dd { span id={ "field-" (spec.name) } { (spec.about) } (more(topic_of(spec.name))) }
                    }
                }
            }
            h3 { "Opcodes" }
            dl.words {
                @for opcode in [0, 1, 2, 8, 9, 10].map(Opcode::from_bits) {
                    div { dt { (format!("0x{:X}", opcode.bits())) " " (opcode.name()) } dd { (opcode.about()) } }
                }
            }
            @if !recording.codes.is_empty() {
                h3 { "Close codes met here" }
                dl.words {
                    @for code in recording.codes.keys() {
                        div id={ "code-" (code) } { dt { (code) " " (close::lookup(*code).name) } dd { (close::lookup(*code).meaning) } }
                    }
                }
            }
            @if !course.words.is_empty() {
                details.text {
                    summary { h3 { "Words of the output, in text and JSON" } span.sections { (course.words.len()) " words" } }
                    dl.words {
                        @for word in &course.words {
                            div { dt { code { (word.word) } } dd { (prose::inline(word.meaning)) (more(Some(word.topic))) } }
                        }
                    }
                }
            }
        }
    }
}

fn more(topic: Option<&str>) -> Markup {
    html! { @if let Some(topic) = topic { " " a.more href={ "#topic-" (topic) } { (topic) } } }
}

/// Only the style and the script that stand on the page, by their hashes.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn address(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "?".to_owned(), |address| address.to_string())
}

/// `1 event`, `2 events`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Over what they speak, and how much.
pub(super) fn about(conversation: &Conversation) -> Markup {
    let connection = &conversation.connection;
    let over = match connection.transport {
        Transport::Tcp => Some("TCP".to_owned()),
        Transport::Tls => {
            let tls = connection.tls.as_deref();
            let version = tls.and_then(|tls| tls.version).map(|version| version.to_string());
            let name = tls.and_then(|tls| tls.server_name.as_deref());
            let to = name.map_or(String::new(), |name| format!(" to {}", escape::text(name)));
            Some(version.unwrap_or_else(|| "TLS".to_owned()) + &to)
        }
        Transport::Http2 { stream } => Some(format!("HTTP/2, stream {stream}")),
        Transport::None => None,
    };
    let frames = conversation.frames;
    let counts = (frames > 0).then(|| counted(frames, "frame"));
    let messages = (frames > 0).then(|| counted(conversation.messages, "message"));
    html! {
        @for part in [over, counts, messages].into_iter().flatten() { (Shown(part.as_bytes())) " · " }
    }
}
