//! Worksheets for paper: Markdown, or one HTML page to print, and their keys.

use super::answer::letter;
use super::{Answer, Question};
use crate::render::escape::markup;
use crate::render::wrap;
use std::fmt::Write as _;

/// A sheet of questions.
#[derive(Debug, Clone, Copy)]
pub struct Worksheet<'a> {
    /// The questions.
    pub questions: &'a [Question],
    /// What they follow from.
    pub seed: u64,
    /// The capture that they are about, if any.
    pub source: Option<&'a str>,
    /// The key instead of the questions.
    pub key: bool,
}

impl Worksheet<'_> {
    fn title(&self) -> String {
        let about = self.source.map_or(String::new(), |source| format!(" about {source}"));
        let key = if self.key { ": the key" } else { "" };
        format!("WebSocket exercises{about}, sheet {}{key}", self.seed)
    }

    /// The sheet, or its key, in Markdown.
    pub fn markdown(&self) -> String {
        // A heading is one line in Markdown, whatever a file is called.
        let mut out = format!("# {}\n", self.title());
        if !self.key {
            out.push_str("\nName: ______________________   Date: ______________\n");
        }
        for (index, question) in self.questions.iter().enumerate() {
            let number = index + 1;
            if self.key {
                let answer = question.answer.shown(&question.choices);
                let because = folded(&question.because);
                let _ = write!(out, "\n**{number}.** {answer}\n\n{because}\n");
                if let Some(command) = &question.command {
                    let _ = write!(out, "\n    ws101 {command}\n");
                }
                continue;
            }
            let _ = write!(out, "\n{}\n", folded(&format!("**{number}.** {}", question.ask)));
            // Indented code: nothing in it can end it.
            if !question.shown.is_empty() {
                out.push('\n');
                for line in &question.shown {
                    let _ = writeln!(out, "{}", format!("    {line}").trim_end());
                }
            }
            if !question.choices.is_empty() {
                out.push('\n');
            }
            for (index, choice) in question.choices.iter().enumerate() {
                let _ = writeln!(out, "- {} {choice}", box_of(question, index));
            }
            if question.choices.is_empty() || is_order(question) {
                let _ = write!(out, "\nAnswer ({}): ______________________\n", wants(question));
            }
        }
        out
    }

    /// The sheet, or its key, as a page.
    pub fn html(&self) -> String {
        let title = markup(&self.title());
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<h1>{title}</h1>\n"
        );
        if !self.key {
            out.push_str("<p class=\"name\">Name <span></span> Date <span></span></p>\n");
        }
        out.push_str("<ol>\n");
        for question in self.questions {
            let _ = match self.key {
                true => writeln!(out, "<li>{}</li>", key_html(question)),
                false => writeln!(out, "<li>{}</li>", question_html(question)),
            };
        }
        out.push_str("</ol>\n</html>\n");
        out
    }
}

const STYLE: &str = "body{font:11pt/1.5 Georgia,serif;max-width:42em;margin:2em auto;padding:0 1em}\
h1{font-size:1.3em}li{break-inside:avoid;margin:0 0 1.2em}li li{margin:0}ul{margin:.3em 0}pre{font:10pt/1.4 monospace;white-space:pre-wrap;\
overflow-wrap:anywhere;border-left:2px solid #888;padding-left:.8em}ul{list-style:none;padding-left:1em}\
.name span,.line{display:inline-block;border-bottom:1px solid;min-width:12em}\
@media print{body{margin:0}}";

/// In lines that fit on a page of source.
fn folded(text: &str) -> String {
    wrap(text, LINE).join("\n")
}

/// Columns of a line of Markdown.
const LINE: usize = 78;

fn wants(question: &Question) -> String {
    question.answer.wants(question.choices.len())
}

fn is_order(question: &Question) -> bool {
    matches!(question.answer, Answer::Order(_))
}

fn box_of(question: &Question, index: usize) -> String {
    if is_order(question) {
        format!("**{}**)", letter(index))
    } else {
        format!("[ ] {})", letter(index))
    }
}

fn question_html(question: &Question) -> String {
    let mut out = markup(&question.ask);
    if !question.shown.is_empty() {
        let _ = write!(out, "<pre>{}</pre>", markup(&question.shown.join("\n")));
    }
    if !question.choices.is_empty() {
        out.push_str("<ul>");
        for (index, choice) in question.choices.iter().enumerate() {
            let mark = if is_order(question) { "" } else { "☐ " };
            let _ = write!(out, "<li>{mark}{}) {}</li>", letter(index), markup(choice));
        }
        out.push_str("</ul>");
    }
    if question.choices.is_empty() || is_order(question) {
        let _ = write!(out, "<p>Answer ({}): <span class=\"line\"></span></p>", wants(question));
    }
    out
}

fn key_html(question: &Question) -> String {
    let answer = markup(&question.answer.shown(&question.choices));
    let mut out = format!("<strong>{answer}</strong><br>{}", markup(&question.because));
    if let Some(command) = &question.command {
        let _ = write!(out, "<pre>ws101 {}</pre>", markup(command));
    }
    out
}
