//! What can be wrong with a capture: it is none at all ([`CaptureError`]), or a part of it is
//! damaged ([`Damage`]), which costs that part and nothing else.

use super::source::Packing;
use crate::input::detect::{self, Remedy};
use std::fmt;

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There are no bytes.
    #[error(
        "the input is empty (0 bytes); a capture begins with a header of at least 24 bytes. Was the capture stopped before it was written? `tcpdump -U` writes each packet at once"
    )]
    Empty,
    /// The first bytes belong to something else.
    #[error(
        "this is not a capture: at offset 0 it looks like {looks_like} (the first bytes are {first}); expected pcap (d4 c3 b2 a1 and its variants), pcapng (0a 0d 0d 0a), or either in gzip (1f 8b) or Zstandard (28 b5 2f fd). {advice}"
    )]
    NotACapture {
        /// What the bytes look like, with its article.
        looks_like: &'static str,
        /// The first bytes in hexadecimal.
        first: String,
        /// What to try.
        advice: &'static str,
    },
    /// A capture that stops within its own header.
    #[error(
        "this {format} file ends at offset {length}, within its own header, which takes {needed} bytes; nothing can be read from it. Was it copied completely?"
    )]
    CutHeader {
        /// The format that it began as.
        format: &'static str,
        /// How many bytes there are.
        length: u64,
        /// How many the header takes.
        needed: u64,
    },
    /// A packed file of which nothing could be unpacked.
    #[error(
        "this is {packing}, but unpacking it failed at its beginning (offset 0): {message}. Try `{} -t` on it",
        packing.name()
    )]
    Packed {
        /// What it is packed in.
        packing: Packing,
        /// What the unpacker said.
        message: String,
    },
    /// The operating system could not read it.
    #[error("reading failed at offset {offset}: {}", crate::input::reason(source))]
    Io {
        /// How many bytes had been read.
        offset: u64,
        /// What the system said.
        source: std::io::Error,
    },
}

/// One damaged part of a capture, which was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// In which of several files, from 1; 0 if there is only one.
    pub file: u16,
    /// Where it begins, in the (inflated) file.
    pub offset: u64,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// What is wrong with a part of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DamageKind {
    /// The file ends within a record or a block.
    Cut {
        /// How many bytes are missing, as far as the record says.
        missing: u64,
    },
    /// The packed stream ends too early.
    PackingCut {
        /// What it is packed in.
        packing: Packing,
    },
    /// The packed stream is corrupt.
    PackingCorrupt {
        /// What it is packed in.
        packing: Packing,
        /// What the unpacker said.
        message: String,
    },
    /// The source could not be read any further.
    Unreadable {
        /// What the system said.
        message: String,
    },
    /// A length that no record or block can have.
    AbsurdLength {
        /// The length as it stands there.
        length: u64,
    },
    /// The two lengths around a pcapng block differ.
    LengthsDiffer {
        /// The one before it.
        before: u32,
        /// The one after it.
        after: u32,
    },
    /// The contents of a block do not fit into it.
    BadBlock {
        /// The type of the block.
        block_type: u32,
    },
    /// A packet of an interface that was never described.
    UnknownInterface {
        /// The number of the interface.
        interface: u32,
    },
    /// A section whose version nobody has defined; it is skipped.
    UnknownVersion {
        /// The major version.
        major: u16,
        /// The minor version.
        minor: u16,
    },
    /// More than this program keeps (interfaces, or secrets); the rest is skipped.
    TooMany,
}

impl DamageKind {
    /// The name used in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            DamageKind::Cut { .. } => "cut",
            DamageKind::PackingCut { packing: Packing::Gzip } => "gzip-cut",
            DamageKind::PackingCut { packing: Packing::Zstd } => "zstd-cut",
            DamageKind::PackingCorrupt { packing: Packing::Gzip, .. } => "gzip-corrupt",
            DamageKind::PackingCorrupt { packing: Packing::Zstd, .. } => "zstd-corrupt",
            DamageKind::Unreadable { .. } => "unreadable",
            DamageKind::AbsurdLength { .. } => "absurd-length",
            DamageKind::LengthsDiffer { .. } => "lengths-differ",
            DamageKind::BadBlock { .. } => "bad-block",
            DamageKind::UnknownInterface { .. } => "unknown-interface",
            DamageKind::UnknownVersion { .. } => "unknown-version",
            DamageKind::TooMany => "too-many",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at offset {}: ", self.offset)?;
        match &self.kind {
            DamageKind::Cut { missing } => {
                write!(f, "the file ends within a packet or block ({missing} bytes are missing)")
            }
            DamageKind::PackingCut { packing } => {
                write!(f, "the {packing} stream ends too early")
            }
            DamageKind::PackingCorrupt { packing, message } => {
                write!(f, "the {packing} stream is corrupt ({message})")
            }
            DamageKind::Unreadable { message } => write!(f, "reading failed ({message})"),
            DamageKind::AbsurdLength { length } => {
                write!(f, "a packet or block claims a length of {length} bytes")
            }
            DamageKind::LengthsDiffer { before, after } => {
                write!(f, "a block says {before} bytes before and {after} after its contents")
            }
            DamageKind::BadBlock { block_type } => {
                write!(f, "the contents of a block of type {block_type:#x} do not fit into it")
            }
            DamageKind::UnknownInterface { interface } => {
                write!(f, "a packet of interface {interface}, which was never described")
            }
            DamageKind::UnknownVersion { major, minor } => {
                write!(f, "a section of version {major}.{minor}, which nobody has defined")
            }
            DamageKind::TooMany => f.write_str("more than this program keeps; left out"),
        }
    }
}

/// Says what the first bytes of something that is no capture look like, and what to try.
pub(super) fn not_a_capture(first: &[u8]) -> CaptureError {
    let (looks_like, advice) = guess(first);
    let hex: Vec<String> = first.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    CaptureError::NotACapture { looks_like, first: hex.join(" "), advice }
}

const CAPTURE: &str = "Record one with `tcpdump -i any -w capture.pcap` or Wireshark.";
const TRANSCRIPT: &str = "Try: ws101 handshake FILE";

fn guess(first: &[u8]) -> (&'static str, &'static str) {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    if let Some(kind) = detect::recognise(first).or_else(|| detect::recognise(text)) {
        let advice = match kind.remedy {
            Remedy::Command(_) => TRANSCRIPT,
            Remedy::Unpack => "Unpack it first.",
            Remedy::Convert => "Convert it with `editcap FILE FILE.pcapng`.",
            Remedy::Json => "A HAR is read alone: ws101 pcap FILE, or ws101 handshake FILE",
            Remedy::None => CAPTURE,
        };
        return (kind.name, advice);
    }
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if memchr::memmem::find(line, b" HTTP/").is_some() {
        return ("an HTTP request", TRANSCRIPT);
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    let hex = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace() || *byte == b':';
    if first.iter().all(hex) {
        ("hexadecimal text", "If it is frames, try: ws101 frame FILE")
    } else if first.iter().all(printable) {
        ("text", TRANSCRIPT)
    } else {
        ("binary data of an unknown kind", CAPTURE)
    }
}
