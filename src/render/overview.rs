//! A capture at a glance: the table of connections, then each connection's conversation, findings
//! and end. What is kept is capped, so that memory does not grow with the file; what is left out
//! is counted and said.

use super::opaque::{self, OpaqueList};
use super::timeline::{self, Detail, size};
use super::{Paint, Sheet, escape, wrap};
use crate::inspection::{Connection, Observer};
use crate::rules::{Cause, Finding, Judged, Rule, Severity};
use crate::said::{Endpoint, Opaque, Transport, TransportEnd};
use crate::websocket::handshake::Handshake;
use crate::websocket::{Assumed, End, Event, How};
use comfy_table::{CellAlignment, ContentArrangement, Table};
use std::collections::VecDeque;
use std::io::{self, Write};

/// Connections that are kept for the table.
const MAX_CONNECTIONS: usize = 1000;
/// Connections whose conversation is shown.
const MAX_SHOWN: usize = 5;
/// Lines at the start and at the end of a conversation that are shown.
const FIRST_LINES: usize = 40;
const LAST_LINES: usize = 8;
/// Different findings that are kept of a connection.
const MAX_FINDINGS: usize = 32;

/// Collects what an overview shows.
pub struct Overview {
    sheet: Sheet,
    kept: Vec<Kept>,
    /// For each slot: which connection is kept of those that were in it.
    slots: Vec<Option<usize>>,
    /// Of how many connections the conversation will be shown.
    shown: usize,
    /// Only what is wrong is shown, of every connection.
    only_wrong: bool,
    left_out: u64,
    /// The first findings across connections, with the numbers of these.
    across: Vec<(u64, Finding)>,
    /// How many there are, by rule.
    across_counts: Vec<(&'static Rule, u64)>,
    opaque: OpaqueList,
}

/// What is kept of a connection.
struct Kept {
    connection: Connection,
    request: String,
    agreed: String,
    messages: [u64; 2],
    payload: u64,
    /// The payload may be more: the lengths of some messages are not known.
    is_more: bool,
    /// The status of an answer that accepts nothing.
    refused: Option<u16>,
    ended: String,
    why: String,
    first: Vec<String>,
    last: VecDeque<String>,
    skipped: u64,
    findings: Vec<(Finding, u64)>,
    more_findings: u64,
    /// What several of them come from.
    causes: Vec<Cause>,
}

impl Overview {
    /// An overview to be printed on this sheet: the table and the first conversations.
    pub fn new(sheet: Sheet) -> Overview {
        let (kept, slots, across) = (Vec::new(), Vec::new(), Vec::new());
        let opaque = OpaqueList::default();
        let (shown, only_wrong) = (MAX_SHOWN, false);
        let (left_out, across_counts) = (0, Vec::new());
        Overview { sheet, kept, slots, shown, only_wrong, left_out, across, across_counts, opaque }
    }

    /// Warnings and errors and nothing else: nothing at all, if there are none.
    pub fn only_wrong(sheet: Sheet) -> Overview {
        Overview { shown: MAX_CONNECTIONS, only_wrong: true, ..Overview::new(sheet) }
    }

    /// An overview that is the table and nothing else.
    pub fn table_only(sheet: Sheet) -> Overview {
        Overview { shown: 0, ..Overview::new(sheet) }
    }

    /// Prints it.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.only_wrong {
            for (number, kept) in self.kept.iter().filter(|kept| kept.is_wrong()).enumerate() {
                if number > 0 {
                    writeln!(out)?;
                }
                kept.write_wrong(out, &self.sheet)?;
            }
            return self.write_left_out(out);
        }
        if !self.kept.is_empty() {
            writeln!(out, "{}", self.table().trim_fmt())?;
        }
        self.write_left_out(out)?;
        self.write_across(out)?;
        if self.shown == 0 {
            return self.opaque.write(out, &self.sheet);
        }
        for kept in self.kept.iter().take(self.shown) {
            writeln!(out)?;
            kept.write(out, &self.sheet)?;
        }
        if self.kept.len() > self.shown {
            let more = self.kept.len() - self.shown;
            writeln!(out, "\n{more} more connections are not shown: --connection N shows one")?;
        }
        // The conversations that are shown have theirs.
        let numbers = self.kept.iter().take(self.shown).map(|kept| kept.connection.number);
        let numbers: Vec<u64> = numbers.collect();
        for (number, finding) in self.across.iter().filter(|(it, _)| !numbers.contains(it)) {
            writeln!(out, "\non connection {number}, compared with earlier ones:")?;
            writeln!(out, "{}", timeline::finding_lines(&self.sheet, finding, 1))?;
        }
        self.opaque.write(out, &self.sheet)
    }

    /// What concerns several connections, in a few words for each rule: it may explain all the others.
    fn write_across(&self, out: &mut impl Write) -> io::Result<()> {
        for (at, (rule, count)) in self.across_counts.iter().enumerate() {
            let first = self.across.iter().find(|(_, finding)| finding.rule == *rule);
            let Some((number, finding)) = first else { continue };
            if at == 0 {
                writeln!(out)?;
            }
            let more = match count - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let label = format!("{}[{}]", finding.severity, rule.id);
            let label = self.sheet.palette.paint(Paint::Severity(finding.severity), label);
            writeln!(out, " {label}  on connection {number}{more}")?;
            let said = self.sheet.words(&finding.broken.seen);
            for row in wrap(&said, self.sheet.width.saturating_sub(12)) {
                writeln!(out, "{:10}{row}", "")?;
            }
        }
        Ok(())
    }

    fn write_left_out(&self, out: &mut impl Write) -> io::Result<()> {
        if self.left_out > 0 {
            writeln!(out, " … and {} more connections: --format jsonl lists all", self.left_out)?;
        }
        Ok(())
    }

    /// What concerns several connections is shown, wherever it comes out.
    fn across(&mut self, connection: &Connection, judged: &Judged) {
        let is_told = |it: &&Finding| it.rule.is_across() && it.severity > Severity::Note;
        for finding in judged.findings.iter().filter(is_told) {
            match self.across_counts.iter_mut().find(|(rule, _)| *rule == finding.rule) {
                Some((_, count)) => *count += 1,
                None => self.across_counts.push((finding.rule, 1)),
            }
            if self.across.len() < MAX_FINDINGS {
                self.across.push((connection.number, finding.clone()));
            }
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["#", "client", "server", "request", "messages", "payload", "ended"]);
        for kept in &self.kept {
            let address = |address: Option<std::net::SocketAddr>| {
                address.map_or("?".to_owned(), |address| address.to_string())
            };
            let [up, down] = kept.messages;
            let (up_mark, down_mark) = if self.sheet.ascii { (">", "<") } else { ("↑", "↓") };
            table.add_row([
                kept.connection.number.to_string(),
                address(kept.connection.client),
                address(kept.connection.server),
                kept.request.clone(),
                format!("{up} {up_mark} {down} {down_mark}"),
                format!("{}{}", if kept.is_more { "> " } else { "" }, size(kept.payload)),
                kept.ended.clone(),
            ]);
        }
        for column in [0, 4, 5] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        // Each column has a space on either side; the last one is none of the line.
        let columns = table.column_max_content_widths().into_iter();
        let width = columns.map(|width| usize::from(width) + 2).sum::<usize>() - 1;
        if width > self.sheet.width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(self.sheet.width).unwrap_or(u16::MAX));
        }
        table
    }
}

/// The title of a connection: who with whom, and how it was found.
pub fn title(sheet: &Sheet, connection: &Connection) -> String {
    title_with(sheet, connection, "")
}

/// The same, with more to say about it.
pub(super) fn title_with(sheet: &Sheet, connection: &Connection, more: &str) -> String {
    let address = |address: Option<std::net::SocketAddr>| {
        address.map_or("?".to_owned(), |address| address.to_string())
    };
    let arrow = if sheet.ascii { "->" } else { "→" };
    let mut title = format!(
        "connection {} · {} {arrow} {}",
        connection.number,
        address(connection.client),
        address(connection.server)
    );
    if let Transport::Http2 { stream } = connection.transport {
        title.push_str(&format!(" · HTTP/2 stream {stream}"));
    }
    match &connection.tls {
        Some(tls) => title.push_str(&opaque::facts(tls)),
        None if connection.transport == Transport::Tls => title.push_str(" · TLS"),
        None => {}
    }
    if connection.origin == crate::websocket::Origin::Assumed {
        title.push_str(" · no handshake seen");
        title.push_str(&assumed(&connection.assumed));
    }
    title.push_str(more);
    if sheet.ascii {
        title = title.replace('·', "-");
    }
    let mut rows = wrap(&title, sheet.width);
    if rows.len() > 1 {
        // Room for the indentation.
        rows = wrap(&title, sheet.width.saturating_sub(2));
    }
    sheet.palette.paint(Paint::Title, rows.join("\n  ")).to_string()
}

/// What was assumed of a connection whose handshake was not seen.
fn assumed(assumed: &Assumed) -> String {
    let Assumed { recognised, stated } = *assumed;
    let stated = [
        (stated.websocket, "that it is WebSocket"),
        (stated.client, "who is the client"),
        (stated.agreement.is_some(), "what was agreed"),
    ];
    let stated: Vec<_> =
        stated.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what).collect();
    let how = if recognised { " · recognised by its frames" } else { "" };
    match stated[..] {
        [] => how.to_owned(),
        _ => format!("{how} · stated: {}", stated.join(", ")),
    }
}

impl Kept {
    fn new(connection: &Connection) -> Kept {
        Kept {
            connection: connection.clone(),
            request: String::new(),
            agreed: String::new(),
            messages: [0; 2],
            payload: 0,
            is_more: false,
            refused: None,
            ended: String::new(),
            why: String::new(),
            first: Vec::new(),
            last: VecDeque::new(),
            skipped: 0,
            findings: Vec::new(),
            more_findings: 0,
            causes: Vec::new(),
        }
    }

    /// What the table says of it.
    fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Handshake(handshake) => self.note_handshake(handshake),
            Event::Message(message) => {
                self.messages[message.from.index()] += 1;
                self.payload += message.length;
                self.is_more |= !message.has_known_length();
            }
            Event::End(end) => self.ended = self.in_a_few_words(end),
            _ => {}
        }
    }

    /// What its conversation shows.
    fn keep(&mut self, sheet: &Sheet, event: &Event<'_>, judged: &Judged, shows_lines: bool) {
        if let Event::End(_) = event {
            self.why = timeline::end_line(sheet, judged);
        }
        if shows_lines
            && let Some(line) =
                timeline::line(sheet, &self.connection, event, judged, Detail::Messages)
        {
            self.keep_line(line);
        }
        self.causes.extend(judged.cause.clone());
        for finding in &judged.findings {
            self.keep_finding(finding);
        }
    }

    /// The end in a few words, for the table.
    fn in_a_few_words(&self, end: &End) -> String {
        if let Some(status) = self.refused {
            return format!("refused with {status}");
        }
        let closer = end.first_close();
        let code = closer
            .and_then(|endpoint| end.closes[endpoint.index()])
            .map(|code| code.map_or("no code".to_owned(), |code| code.to_string()));
        let left = end.first_to_end().map(|(endpoint, _)| endpoint);
        let who = closer.or(left).map_or("", Endpoint::name);
        let answered = match closer.map(Endpoint::peer) {
            Some(peer) if end.may_have_closed(peer) => "the other end is missing",
            _ if end.closes.contains(&None) => "unanswered",
            _ => "reply late",
        };
        match (end.how, code) {
            (How::ClosingHandshake, Some(code)) => format!("cleanly by the {who}, {code}"),
            (How::ClosingHandshake, None) => "cleanly".to_owned(),
            (How::Fin, Some(code)) => format!("{who} closed, {code}, {answered}"),
            (How::Fin, None) => match end.first_to_end() {
                Some((_, TransportEnd::EndStream)) => format!("stream ended by the {who}"),
                _ => format!("TCP closed by the {who}"),
            },
            (How::Reset, _) => match end.first_to_end() {
                Some((_, TransportEnd::ResetStream)) => format!("stream reset by the {who}"),
                _ => "TCP reset".to_owned(),
            },
            // A HAR does not tell.
            (How::CaptureEnd, _) if end.at.packet.is_none() => "not recorded".to_owned(),
            (How::CaptureEnd, _) => "still open".to_owned(),
        }
    }

    fn note_handshake(&mut self, handshake: &Handshake) {
        if let Some(request) = &handshake.request {
            let [method, target] = [request.method(), request.target()]
                .map(|part| escape::clipped(part.unwrap_or(b"?"), 24));
            self.request = format!("{method} {target}");
        }
        self.refused = handshake.status().filter(|_| !handshake.is_accepted());
        if !handshake.is_accepted() {
            return;
        }
        if let Some(subprotocol) = handshake.subprotocol() {
            let subprotocol = escape::clipped(subprotocol, 30);
            self.agreed.push_str(&format!(" · subprotocol {subprotocol}"));
        }
        for extension in handshake.accepted_extensions() {
            let name = escape::clipped(extension.name.as_bytes(), 30);
            self.agreed.push_str(&format!(" · {name}"));
        }
    }

    fn keep_line(&mut self, line: String) {
        if self.first.len() < FIRST_LINES {
            self.first.push(line);
            return;
        }
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
            self.skipped += 1;
        }
        self.last.push_back(line);
    }

    fn keep_finding(&mut self, finding: &Finding) {
        let same = self.findings.iter().position(|(kept, _)| {
            kept.rule == finding.rule && kept.broken.endpoint == finding.broken.endpoint
        });
        match same {
            Some(index) => self.findings[index].1 += 1,
            None if self.findings.len() < MAX_FINDINGS => self.findings.push((finding.clone(), 1)),
            None => self.more_findings += 1,
        }
    }

    fn following(&self, cause: &Cause) -> impl Iterator<Item = &(Finding, u64)> {
        self.findings.iter().filter(|(finding, _)| finding.root == Some(cause.id))
    }

    /// A cause is worth its lines: several findings follow from it, or it says more than one does.
    fn explains(&self, cause: &Cause) -> bool {
        let total: u64 = self.following(cause).map(|(_, times)| times).sum();
        total > 1 || cause.says_more
    }

    fn write(&self, out: &mut impl Write, sheet: &Sheet) -> io::Result<()> {
        writeln!(out, "{}", title_with(sheet, &self.connection, &self.agreed))?;
        for line in &self.first {
            writeln!(out, "{line}")?;
        }
        if self.skipped > 0 {
            let number = self.connection.number;
            writeln!(out, "   … {} more: --connection {number} shows all", self.skipped)?;
        }
        for line in &self.last {
            writeln!(out, "{line}")?;
        }
        if !self.why.is_empty() {
            writeln!(out, "\n{}", self.why)?;
        }
        self.write_findings(out, sheet, Severity::Note)
    }

    fn is_wrong(&self) -> bool {
        self.findings.iter().any(|(finding, _)| finding.severity > Severity::Note)
    }

    /// What is wrong with it, and how it ended.
    fn write_wrong(&self, out: &mut impl Write, sheet: &Sheet) -> io::Result<()> {
        writeln!(out, "{}", title_with(sheet, &self.connection, &self.agreed))?;
        if !self.why.is_empty() {
            writeln!(out, "{}", self.why)?;
        }
        self.write_findings(out, sheet, Severity::Warning)
    }

    /// The findings from that severity on, those of one cause as one.
    fn write_findings(
        &self,
        out: &mut impl Write,
        sheet: &Sheet,
        least: Severity,
    ) -> io::Result<()> {
        let told: Vec<&Cause> = self.causes.iter().filter(|cause| self.explains(cause)).collect();
        for cause in &told {
            let follows: Vec<_> =
                self.following(cause).map(|(finding, times)| (finding.rule.id, *times)).collect();
            writeln!(out, "{}", timeline::cause_lines(sheet, cause, &follows))?;
        }
        let is_folded = |finding: &Finding| told.iter().any(|cause| finding.root == Some(cause.id));
        let findings = self.findings.iter().filter(|(finding, _)| finding.severity >= least);
        for (finding, times) in findings.filter(|(finding, _)| !is_folded(finding)) {
            writeln!(out, "{}", timeline::finding_lines(sheet, finding, *times))?;
        }
        if self.more_findings > 0 {
            writeln!(out, " … and {} more findings", self.more_findings)?;
        }
        Ok(())
    }
}

impl Observer for Overview {
    fn connection(&mut self, connection: &Connection) {
        let slot = connection.id.0 as usize;
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, None);
        }
        if self.kept.len() == MAX_CONNECTIONS {
            self.slots[slot] = None;
            self.left_out += 1;
            return;
        }
        self.slots[slot] = Some(self.kept.len());
        self.kept.push(Kept::new(connection));
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        let slot = connection.id.0 as usize;
        let Some(index) = self.slots.get(slot).copied().flatten() else { return };
        self.kept[index].note(event);
        // Lines that nobody will see are not made.
        if index < self.shown {
            let shows_lines = !self.only_wrong;
            self.kept[index].keep(&self.sheet, event, judged, shows_lines);
        }
        self.across(connection, judged);
    }

    fn opaque(&mut self, opaque: &Opaque, _judged: &Judged) {
        self.opaque.add(&self.sheet, opaque);
    }
}
