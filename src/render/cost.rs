//! What carrying messages cost, measured and computed: text and records.

use super::json::record::{Cost, Record};
use super::timeline::size;
use super::{Paint, Sheet, escape, wrap};
use crate::cost::{Exchange, Kind, Model, Otherwise, Series, Way};
use comfy_table::{CellAlignment, Table};
use std::borrow::Cow;
use std::io::{self, Write};

/// Series that are shown in text.
const MAX_SHOWN: usize = 20;

/// The series that carry messages, those with most heads first; with the messages and frame headers
/// of the WebSocket connections.
pub struct Costs<'a> {
    /// All series.
    pub series: &'a [Series],
    /// Connections that could not be measured to their end.
    pub unmeasured: u64,
    /// Messages in WebSocket frames, from client and server.
    pub messages: [u64; 2],
    /// Bytes of those frames' headers, control frames included.
    pub frame_headers: u64,
    /// The same by polling.
    pub otherwise: Option<&'a Otherwise>,
}

/// On a sheet narrower than this, how often is asked is left to the records.
const WIDE: usize = 90;

/// A series as it is told.
struct Row<'a> {
    series: &'a Series,
    kind: Kind,
    messages: u64,
    around: u64,
}

impl Row<'_> {
    fn each(&self) -> Option<f64> {
        let overhead = self.series.heads() + self.around;
        (self.messages > 0).then(|| overhead as f64 / self.messages as f64)
    }
}

impl Costs<'_> {
    fn rows(&self) -> Vec<Row<'_>> {
        let sockets = self.series.iter().filter(|it| it.kind() == Kind::WebSocket).count();
        let mut rows: Vec<Row<'_>> = self
            .series
            .iter()
            .map(|series| {
                let kind = series.kind();
                let is_socket = kind == Kind::WebSocket;
                // What the frames carried is known of all of them together.
                let is_all = is_socket && sockets == 1;
                let messages = match is_socket {
                    true if is_all => self.messages[0] + self.messages[1],
                    true => 0,
                    false => series.messages(),
                };
                let around = if is_all { self.frame_headers } else { series.around() };
                Row { series, kind, messages, around }
            })
            .filter(|row| row.kind != Kind::Other)
            .collect();
        rows.sort_by_key(|row| (row.kind, std::cmp::Reverse(row.series.heads())));
        rows
    }

    /// Writes text.
    pub fn write(&self, out: &mut impl Write, sheet: &Sheet) -> io::Result<()> {
        let rows = self.rows();
        writeln!(out, "{}", sheet.palette.paint(Paint::Title, "what it costs to carry a message"))?;
        if rows.is_empty() {
            writeln!(out, "nothing in it carries messages over HTTP/1.1\n")?;
            return Ok(());
        }
        // The rhythm of polling is the first thing that a narrow sheet does without.
        let [whole, plain] = [true, false].map(|timed| table(&rows, sheet, timed).trim_fmt());
        let fits = whole.lines().all(|line| escape::width(line) <= sheet.width);
        writeln!(out, "{}", if fits { whole } else { plain })?;
        let others = self.series.iter().filter(|it| it.kind() == Kind::Other);
        let others: u64 = others.map(|it| it.exchanges).sum();
        let mut notes = Vec::new();
        if rows.len() > MAX_SHOWN {
            notes.push(format!("{} more: --format jsonl has them all", rows.len() - MAX_SHOWN));
        }
        if others > 0 {
            let exchanges = if others == 1 { "exchange carries" } else { "exchanges carry" };
            notes.push(format!("{others} other {exchanges} no news"));
        }
        if self.unmeasured > 0 {
            let count = self.unmeasured;
            notes.push(format!(
                "{count} connections with bytes missing were not measured to their end"
            ));
        }
        for note in notes {
            writeln!(out, " {}", sheet.palette.paint(Paint::Faint, note))?;
        }
        writeln!(out)?;
        if let Some(otherwise) = self.otherwise {
            self.write_otherwise(out, sheet, otherwise)?;
        }
        Ok(())
    }

    fn write_otherwise(
        &self,
        out: &mut impl Write,
        sheet: &Sheet,
        otherwise: &Otherwise,
    ) -> io::Result<()> {
        let messages = otherwise.messages[0] + otherwise.messages[1];
        let noun = if messages == 1 { "message" } else { "messages" };
        let title = format!("the {messages} {noun} of the WebSocket, had they been polled for");
        writeln!(out, "{}", sheet.palette.paint(Paint::Title, title))?;
        let own = otherwise.cost as f64 / messages as f64;
        let row = |name: &str, requests: String, bytes: u64, times: String| {
            let each = bytes as f64 / messages as f64;
            format!(" {name:<22}{requests:>15}{:>8}{:>7.0} B a message  {times}", size(bytes), each)
        };
        let line = row("as it was: frames", String::new(), otherwise.cost, String::new());
        writeln!(out, "{}", sheet.words(line.trim_end()))?;
        let mut models = Vec::new();
        for way in &otherwise.ways {
            let times = way.heads() as f64 / messages as f64 / own;
            let times = format!("{times:.1} times");
            let line = row(&name(way), format!("{} requests", way.requests()), way.heads(), times);
            writeln!(out, "{}", sheet.words(line.trim_end()))?;
            let poll = ("a poll", way.polls.1);
            let post = (way.posts.0 > 0).then_some(("a message from the client", way.posts.1));
            for (what, each) in [poll].into_iter().chain(post) {
                let model = self.model(what, each);
                if !models.contains(&model) {
                    models.push(model);
                }
            }
        }
        models
            .push("bodies, TCP and IP are left out; frames count with their handshake".to_owned());
        for line in wrap(&sheet.words(&models.join("; ")), sheet.width.saturating_sub(1)) {
            writeln!(out, " {}", sheet.palette.paint(Paint::Faint, line))?;
        }
        writeln!(out)
    }

    /// Where the numbers come from.
    fn model(&self, what: &str, exchange: Exchange) -> String {
        let (request, response) = (exchange.request, exchange.response);
        let from = match exchange.model {
            Model::Series(index) => {
                let what = self.series.get(index).map_or(String::new(), target);
                format!("the mean of {what}")
            }
            Model::Handshake => "the handshake's heads without the fields of WebSocket".to_owned(),
        };
        format!("{what}: {request:.0} B + {response:.0} B of heads, {from}")
    }

    /// Gives records.
    pub fn records(&self, mut give: impl FnMut(&Record<'_>)) {
        for row in self.rows() {
            let series = row.series;
            give(&Record::Cost(Cost {
                kind: row.kind.name(),
                target: Some(Cow::Owned(target(series))),
                requests: series.exchanges,
                messages: (row.messages > 0 || row.kind != Kind::WebSocket).then_some(row.messages),
                request_head_bytes: Some(series.request_heads),
                response_head_bytes: Some(series.response_heads),
                framing_bytes: Some(row.around),
                overhead_bytes: series.heads() + row.around,
                overhead_per_message: row.each(),
                interval: series.mean_interval().filter(|_| row.kind == Kind::ShortPolling),
            }));
        }
        let Some(otherwise) = self.otherwise else { return };
        let messages = otherwise.messages[0] + otherwise.messages[1];
        for way in &otherwise.ways {
            give(&Record::Cost(Cost {
                kind: match way.kind {
                    Kind::LongPolling => "if-long-polling",
                    _ => "if-short-polling",
                },
                target: None,
                requests: way.requests(),
                messages: Some(messages),
                request_head_bytes: None,
                response_head_bytes: None,
                framing_bytes: None,
                overhead_bytes: way.heads(),
                overhead_per_message: Some(way.heads() as f64 / messages as f64),
                interval: way.interval,
            }));
        }
    }
}

fn name(way: &Way) -> String {
    match (way.kind, way.interval) {
        (Kind::LongPolling, _) => "long polling".to_owned(),
        (_, Some(interval)) if way.is_observed => format!("polling every {interval:.2} s"),
        (_, interval) => format!("polling every {:.0} s", interval.unwrap_or_default()),
    }
}

/// What it is, in text.
const fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::WebSocket => "WebSocket",
        Kind::ShortPolling => "short polling",
        Kind::LongPolling => "long polling",
        Kind::Events => "event stream",
        Kind::Posts => "posts",
        Kind::Other => "other",
    }
}

fn target(series: &Series) -> String {
    let [method, path] = [&series.method, &series.path].map(|it| escape::clipped(it, 40));
    format!("{method} {path}")
}

fn table(rows: &[Row<'_>], sheet: &Sheet, timed: bool) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "how",
        "target",
        "requests",
        "messages",
        "heads",
        "framing",
        "a message",
        "",
    ]);
    for row in rows.iter().take(MAX_SHOWN) {
        let series = row.series;
        let note = match row.kind {
            _ if !timed => String::new(),
            Kind::ShortPolling => {
                let interval = series.mean_interval().unwrap_or_default();
                format!("every {interval:.2} s")
            }
            Kind::LongPolling => format!("waits {:.2} s", series.mean_wait()),
            _ => String::new(),
        };
        // Where there is no room for it, the records have it.
        let note = if sheet.width < WIDE { String::new() } else { note };
        let messages = match row.kind {
            Kind::WebSocket if row.messages == 0 => String::new(),
            _ => row.messages.to_string(),
        };
        table.add_row([
            in_words(row.kind).to_owned(),
            sheet.words(&target(series)).into_owned(),
            series.exchanges.to_string(),
            messages,
            size(series.heads()),
            size(row.around),
            row.each().map_or(String::new(), |each| format!("{each:.0} B")),
            note,
        ]);
    }
    for column in 2..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
