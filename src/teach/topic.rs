//! Topics: one file of `docs/topics/` each, in teaching order.

use std::sync::LazyLock;

/// One step of the course: a minute's read.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// The name to ask for, which is the name of its file.
    pub name: &'static str,
    /// The title.
    pub title: &'static str,
    /// Other words that lead here.
    pub also: Vec<&'static str>,
    /// Where the standards speak of it: `RFC 6455 §5.3`.
    pub sections: &'static str,
    /// What it says, in Markdown, without title and facts.
    pub body: &'static str,
    /// 1, 2, … in teaching order.
    pub number: usize,
}

/// All texts, in teaching order: that of [README.md](../../docs/topics/README.md).
static TEXTS: [(&str, &str); 38] = [
    ("why", include_str!("../../docs/topics/why.md")),
    ("upgrade", include_str!("../../docs/topics/upgrade.md")),
    ("host", include_str!("../../docs/topics/host.md")),
    ("hop-by-hop", include_str!("../../docs/topics/hop-by-hop.md")),
    ("key", include_str!("../../docs/topics/key.md")),
    ("version", include_str!("../../docs/topics/version.md")),
    ("accept", include_str!("../../docs/topics/accept.md")),
    ("refusal", include_str!("../../docs/topics/refusal.md")),
    ("404-trap", include_str!("../../docs/topics/404-trap.md")),
    ("frames", include_str!("../../docs/topics/frames.md")),
    ("fin", include_str!("../../docs/topics/fin.md")),
    ("rsv", include_str!("../../docs/topics/rsv.md")),
    ("opcodes", include_str!("../../docs/topics/opcodes.md")),
    ("lengths", include_str!("../../docs/topics/lengths.md")),
    ("masking", include_str!("../../docs/topics/masking.md")),
    ("payload", include_str!("../../docs/topics/payload.md")),
    ("fragmentation", include_str!("../../docs/topics/fragmentation.md")),
    ("control-frames", include_str!("../../docs/topics/control-frames.md")),
    ("heartbeats", include_str!("../../docs/topics/heartbeats.md")),
    ("closing", include_str!("../../docs/topics/closing.md")),
    ("close-codes", include_str!("../../docs/topics/close-codes.md")),
    ("utf-8", include_str!("../../docs/topics/utf-8.md")),
    ("subprotocols", include_str!("../../docs/topics/subprotocols.md")),
    ("extensions", include_str!("../../docs/topics/extensions.md")),
    ("compression", include_str!("../../docs/topics/compression.md")),
    ("wss", include_str!("../../docs/topics/wss.md")),
    ("keylog", include_str!("../../docs/topics/keylog.md")),
    ("layers", include_str!("../../docs/topics/layers.md")),
    ("origin", include_str!("../../docs/topics/origin.md")),
    ("authentication", include_str!("../../docs/topics/authentication.md")),
    ("proxies", include_str!("../../docs/topics/proxies.md")),
    ("reconnection", include_str!("../../docs/topics/reconnection.md")),
    ("limits", include_str!("../../docs/topics/limits.md")),
    ("scaling", include_str!("../../docs/topics/scaling.md")),
    ("http2", include_str!("../../docs/topics/http2.md")),
    ("history", include_str!("../../docs/topics/history.md")),
    ("capturing", include_str!("../../docs/topics/capturing.md")),
    ("losses", include_str!("../../docs/topics/losses.md")),
];

static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
    let numbered = TEXTS.iter().enumerate();
    numbered.map(|(index, (name, text))| Topic::read(name, text, index + 1)).collect()
});

/// All topics, in teaching order.
pub fn topics() -> &'static [Topic] {
    &TOPICS
}

impl Topic {
    /// Reads a text: `# Title`, then a paragraph `*also: words · where it stands*`, then the body.
    fn read(name: &'static str, text: &'static str, number: usize) -> Topic {
        let (title, rest) = text.split_once("\n\n").unwrap_or((text, ""));
        let (facts, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let facts = facts.trim_matches('*').trim_start_matches("also: ");
        let (also, sections) = facts.split_once(" · ").unwrap_or(("", facts));
        Topic {
            name,
            title: title.trim_start_matches('#').trim(),
            also: also.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect(),
            sections: sections.trim(),
            body: body.trim(),
            number,
        }
    }

    /// The topic before this one.
    pub fn before(&self) -> Option<&'static Topic> {
        topics().get(self.number.checked_sub(2)?)
    }

    /// The topic behind this one.
    pub fn after(&self) -> Option<&'static Topic> {
        topics().get(self.number)
    }

    /// True if this word leads here.
    pub fn is_named(&self, word: &str) -> bool {
        self.name.eq_ignore_ascii_case(word)
            || self.also.iter().any(|also| also.eq_ignore_ascii_case(word))
    }
}
