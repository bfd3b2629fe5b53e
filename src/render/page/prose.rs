//! Our own Markdown as HTML: as much of it as our pages use, no more. Whatever is not one of its
//! marks becomes text.

use crate::layout::Role;
use crate::render::Paint;
use crate::render::markdown::{item, span};
use maud::{Markup, PreEscaped, Render, html};

/// Paragraphs, headings, lists, tables and code.
pub(super) fn of(text: &str) -> Markup {
    let mut out = String::new();
    let mut blocks = Blocks::default();
    let mut lines = text.trim_matches('\n').lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            let code: Vec<&str> =
                lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
            blocks.flush(&mut out);
            html! { pre tabindex="0" { code { (code.join("\n")) } } }.render_to(&mut out);
        } else if trimmed.is_empty() {
            blocks.flush(&mut out);
        } else if let Some(title) = trimmed.strip_prefix('#') {
            blocks.flush(&mut out);
            let title = title.trim_start_matches('#').trim();
            html! { h4 { (inline(title)) } }.render_to(&mut out);
        } else if trimmed.starts_with('|') {
            blocks.kind(Kind::Table, &mut out);
            blocks.parts.push(trimmed.to_owned());
        } else if let Some((_, words)) = item(trimmed) {
            blocks.kind(Kind::List, &mut out);
            blocks.parts.push(words.to_owned());
        } else {
            blocks.go_on(trimmed);
        }
    }
    blocks.flush(&mut out);
    PreEscaped(out)
}

/// What has not been written yet.
#[derive(Default)]
struct Blocks {
    kind: Kind,
    parts: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Default)]
enum Kind {
    #[default]
    Paragraph,
    List,
    Table,
}

impl Blocks {
    fn kind(&mut self, kind: Kind, out: &mut String) {
        if self.kind != kind {
            self.flush(out);
            self.kind = kind;
        }
    }

    /// A line that goes on with the paragraph or list item before it.
    fn go_on(&mut self, line: &str) {
        match self.parts.last_mut().filter(|_| self.kind != Kind::Table) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => self.parts.push(line.to_owned()),
        }
    }

    fn flush(&mut self, out: &mut String) {
        let Blocks { kind, parts } = std::mem::take(self);
        if parts.is_empty() {
            return;
        }
        let markup = match kind {
            Kind::Paragraph => html! { p { (inline(&parts.join(" "))) } },
            Kind::List => html! { ul { @for part in &parts { li { (inline(part)) } } } },
            Kind::Table => table(&parts),
        };
        markup.render_to(out);
    }
}

fn table(rows: &[String]) -> Markup {
    let cells = |row: &str| -> Vec<String> {
        row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let is_rule = |row: &&String| !row.trim_matches(['|', '-', ' ', ':']).is_empty();
    let mut rows = rows.iter().filter(is_rule).map(|row| cells(row));
    html! {
        div.scroll { table {
            @if let Some(head) = rows.next() {
                thead { tr { @for cell in head { th scope="col" { (inline(&cell)) } } } }
            }
            tbody { @for row in rows { tr { @for cell in row { td { (inline(&cell)) } } } } }
        } }
    }
}

/// Code, strong text and emphasis. Links lead to files that are not here: their words remain.
pub(super) fn inline(text: &str) -> Markup {
    let mut out = String::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let Some((inner, length, paint)) = span(rest) else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        std::mem::take(&mut plain).render_to(&mut out);
        match paint {
            Paint::Role(Role::Payload) => html! { code { (inner) } },
            Paint::Title => html! { strong { (inline(inner)) } },
            _ if rest.starts_with('[') => html! { (inline(inner)) },
            _ => html! { em { (inline(inner)) } },
        }
        .render_to(&mut out);
        rest = &rest[length..];
    }
    plain.render_to(&mut out);
    PreEscaped(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_everything_else_text() {
        let text =
            "One *two*\n**three** <b>.\n\n- a `<i>`\n  b\n- [c](d.md)\n\n```http\nGET < / \n```\n";
        let expected = "<p>One <em>two</em> <strong>three</strong> &lt;b&gt;.</p><ul><li>a \
                        <code>&lt;i&gt;</code> b</li><li>c</li></ul><pre tabindex=\"0\">\
                        <code>GET &lt; / </code></pre>";
        assert_eq!(of(text).into_string(), expected);
    }
}
