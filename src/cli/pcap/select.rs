//! The options of `ws101 pcap` that choose what is shown, and how.

use super::totals::counted;
use super::{Failure, Format};
use crate::cli::Judging;
use clap::ValueEnum;
use regex::bytes::Regex;
use std::cell::Cell;
use std::path::PathBuf;
use ws101::Counts;
use ws101::render::Clock;
use ws101::render::timeline::Detail;
use ws101::rules::Pattern;
use ws101::said::{Endpoint, Time};
use ws101::select::{Closed, Filter, Moment, Numbers, Units, length};
use ws101::websocket::Opcode;

/// What is chosen, and how it is shown. Everything given must hold.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Choosing what is shown (all that is given must hold)")]
pub struct Select {
    /// Only connections with these numbers: 3, or 1,4-6.
    #[arg(long, value_name = "N")]
    connection: Option<Numbers>,
    /// Only connections whose Host is like this (a regular expression; so a part of it will do).
    #[arg(long, value_name = "REGEX")]
    host: Option<Regex>,
    /// Only connections whose path is like this.
    #[arg(long, value_name = "REGEX")]
    path: Option<Regex>,
    /// Only what this end sent.
    #[arg(long, value_enum, value_name = "ENDPOINT")]
    from: Option<From>,
    /// Only these kinds: text, binary, continuation, ping, pong, close, or 0x0 to 0xF.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = opcode)]
    opcode: Vec<Opcode>,
    /// Only the messages with these numbers (of their end); their lines are shown in full.
    #[arg(long, value_name = "N")]
    message: Option<Numbers>,
    /// Only messages and close reasons in which this is found (as far as --max-payload keeps them).
    #[arg(long, value_name = "REGEX", conflicts_with_all = ["frames", "layout"])]
    text: Option<Regex>,
    /// Only messages and frames of at least this length: 300, 10k, 64Ki, 1M.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    min_length: Option<u64>,
    /// Only messages and frames of at most this length.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    max_length: Option<u64>,
    /// Not before this: seconds from the start of the capture (1.5), seconds before the connection
    /// closed (-1s), a time of day in UTC (22:11:39), a date and time (2026-11-20T22:11:39Z). A
    /// connection closes with its first Close frame, else with FIN or RST, else when it is last
    /// heard of.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<Moment>,
    /// Not after this.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    until: Option<Moment>,
    /// Only that in which this was found: error, warning, note, a rule, an area, a pattern such as
    /// 'HS-*'. Chooses what is shown; --select and --ignore choose what is judged at all.
    #[arg(long, value_name = "FINDING", value_delimiter = ',')]
    finding: Vec<Pattern>,
    /// Show the conversation of connection N alone, each message whole.
    #[arg(long, value_name = "N", conflicts_with_all = ["connection", "frames", "layout", "summary"])]
    follow_stream: Option<u64>,
    /// Write each message into a file of its own in this folder, with an index.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["frames", "layout", "summary"])]
    pub extract: Option<PathBuf>,
    /// Show counts, sizes, rates and compression: per connection, end and kind.
    #[arg(long, conflicts_with_all = ["frames", "layout", "summary", "follow_stream", "extract"])]
    pub stats: bool,
    /// With --stats: what carrying a message cost, over WebSocket and, in the same capture, by short
    /// polling, long polling and Server-Sent Events; and what it would have cost by polling.
    #[arg(long, requires = "stats")]
    pub compare_http: bool,
    /// How times are shown in text: seconds since the connection began, date and time, or seconds
    /// since the line before.
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Times::Relative,
        conflicts_with_all = ["summary", "layout", "layers", "stats", "extract"])]
    time: Times,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    Client,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Times {
    Relative,
    Absolute,
    Delta,
}

/// Reads an opcode: its name or its four bits.
fn opcode(text: &str) -> Result<Opcode, String> {
    let bits = match text.to_ascii_lowercase().as_str() {
        "continuation" => Some(0x0),
        "text" => Some(0x1),
        "binary" => Some(0x2),
        "close" => Some(0x8),
        "ping" => Some(0x9),
        "pong" => Some(0xA),
        other => other.strip_prefix("0x").and_then(|hex| u8::from_str_radix(hex, 16).ok()),
    };
    bits.filter(|bits| *bits < 16).map(Opcode::from_bits).ok_or_else(|| {
        "expected text, binary, continuation, ping, pong, close, or 0x0 to 0xF".to_owned()
    })
}

/// What is chosen, while a capture is read.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The conditions.
    pub filter: Filter,
    /// What counts.
    pub judging: Judging,
    /// When the capture began.
    pub start: Cell<Option<Time>>,
    /// Somebody sees how far the reading has come.
    pub shows_progress: bool,
    /// When its connections closed, if that matters.
    pub closed: Closed,
}

/// What was seen of a capture.
#[derive(Debug)]
pub struct Seen {
    /// In the packets.
    pub tally: ws101::input::capture::Tally,
    /// In all connections.
    pub counts: Counts,
    /// In what was chosen; the same if everything was.
    pub passed: Counts,
}

impl Select {
    /// The conditions, for output in this format.
    pub fn filter(&self, format: Format, frames: bool, summary: bool) -> Filter {
        let following = self.follow_stream.map(Numbers::one);
        let units = match self.detail(frames) {
            _ if format != Format::Text || self.stats => Units::Both,
            Detail::Messages | Detail::Numbered => Units::Messages,
            Detail::Frames => Units::Frames,
            Detail::Both => Units::Both,
        };
        Filter {
            connections: following.or_else(|| self.connection.clone()),
            host: self.host.clone(),
            path: self.path.clone(),
            from: self.from(),
            opcodes: self.opcode.clone(),
            messages: self.message.clone(),
            text: self.text.clone(),
            min_length: self.min_length,
            max_length: self.max_length,
            since: self.since,
            until: self.until,
            findings: self.finding.clone(),
            units,
            context: self.stats
                || format == Format::Har
                || format.checks().is_some()
                || summary && format == Format::Text,
        }
    }

    /// The one end that is asked for.
    pub fn from(&self) -> Option<Endpoint> {
        self.from.map(|from| match from {
            From::Client => Endpoint::Client,
            From::Server => Endpoint::Server,
        })
    }

    /// Which events have lines: those that can be chosen by what was asked for.
    pub fn detail(&self, frames: bool) -> Detail {
        let is_frame = |opcode: &Opcode| {
            !matches!(opcode, Opcode::Text | Opcode::Binary) && !opcode.is_control()
        };
        match () {
            () if frames || self.opcode.iter().any(is_frame) => Detail::Frames,
            () if self.finding.is_empty() => Detail::Messages,
            () => Detail::Both,
        }
    }

    /// How times are shown.
    pub fn clock(&self) -> Clock {
        match self.time {
            Times::Relative => Clock::Relative,
            Times::Absolute => Clock::Absolute,
            Times::Delta => Clock::Delta(None),
        }
    }

    /// True if lines have to show times in another way than an overview does.
    pub fn is_timed(&self) -> bool {
        self.time != Times::Relative
    }

    /// True if a conversation is followed.
    pub fn follows(&self) -> bool {
        self.follow_stream.is_some()
    }

    /// True if messages are asked for one by one.
    pub fn names_messages(&self) -> bool {
        self.message.is_some()
    }

    /// The connection that alone is asked for, if so.
    pub fn only_connection(&self) -> Option<u64> {
        self.connection.as_ref().and_then(Numbers::only)
    }

    /// True if a connection is asked for, and all of it.
    pub fn is_whole_connection(filter: &Filter) -> bool {
        filter.is_open() && filter.host.is_none() && filter.path.is_none()
    }

    /// `--layout` shows one frame of each end; other conditions would leave nothing to choose.
    pub fn check_layout(&self, filter: &Filter) -> Result<(), Failure> {
        let others = Filter { connections: None, from: None, ..filter.clone() };
        if others.is_empty() && (self.connection.is_none() || self.only_connection().is_some()) {
            return Ok(());
        }
        Err(Failure::Input(
            "error: --layout shows the frame with one number; of the options that choose it takes \
             --connection with one number and --from\n  \
             try: --frames with these options, to find the number of the frame"
                .to_owned(),
        ))
    }
}

/// Says so if nothing was chosen.
pub fn say_if_nothing(shown: u64, counts: &Counts) {
    if shown == 0 {
        crate::cli::complain(&format!(
            "nothing matches; in all: {}, {}",
            counted(counts.connections, "connection"),
            counted(counts.messages, "message")
        ));
    }
}
