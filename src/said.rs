//! Waist 1: what was *said*. On some connection an endpoint said these bytes, at this time, found
//! in this packet. Inputs produce it; everything after it is blind to how the bytes were carried.

mod http2;
mod tcp;
mod tls;
mod trail;

pub use http2::Http2Fact;
pub use tcp::TcpFact;
pub use tls::{Opaque, OpaqueReason, Tls, TlsVersion};
pub use trail::{Carried, Carrier, MAX_STEPS, Trail};

use crate::http::Head;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU64;

/// One end of a WebSocket connection, in the words of RFC 6455 §1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// The end that asked for the upgrade; it masks what it sends.
    Client,
    /// The end that accepted it; it never masks.
    Server,
}

impl Endpoint {
    /// The other end.
    pub const fn peer(self) -> Endpoint {
        match self {
            Endpoint::Client => Endpoint::Server,
            Endpoint::Server => Endpoint::Client,
        }
    }

    /// `client` or `server`, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Endpoint::Client => "client",
            Endpoint::Server => "server",
        }
    }

    /// 0 for the client, 1 for the server: for state kept per direction.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Nanoseconds since the epoch, as precise as the capture had it.
///
/// They are kept as a number that is never 0 (`i64::MIN` is 0 there, and stands for no time), so that
/// a time that may be missing is no larger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(NonZeroU64);

impl Time {
    /// So many nanoseconds after the epoch; before it if negative.
    #[inline]
    pub const fn new(nanoseconds: i64) -> Time {
        match NonZeroU64::new(nanoseconds as u64 ^ Time::EPOCH) {
            Some(shifted) => Time(shifted),
            // Nobody tells the first nanosecond of that year from the second.
            None => Time(NonZeroU64::MIN),
        }
    }

    const EPOCH: u64 = 1 << 63;

    /// Nanoseconds since the epoch.
    #[inline]
    pub const fn nanoseconds(self) -> i64 {
        (self.0.get() ^ Time::EPOCH) as i64
    }

    /// Seconds from `earlier` to this; negative if the clock went backwards.
    pub fn seconds_since(self, earlier: Time) -> f64 {
        self.nanoseconds().saturating_sub(earlier.nanoseconds()) as f64 / 1e9
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&self.nanoseconds()).finish()
    }
}

/// Number of a packet in its file, from 1, and which file that is if several are read as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PacketNumber(NonZeroU64);

/// The number of the file stands above these bits.
const FILE_SHIFT: u32 = 48;

impl PacketNumber {
    /// The packet with this number, from 1, of the only file.
    pub const fn new(number: u64) -> Option<PacketNumber> {
        PacketNumber::in_file(0, number)
    }

    /// The packet with this number of the file with that number; both from 1, but 0 for the only
    /// file.
    #[inline]
    pub const fn in_file(file: u16, number: u64) -> Option<PacketNumber> {
        match NonZeroU64::new((file as u64) << FILE_SHIFT | number) {
            Some(packed) => Some(PacketNumber(packed)),
            None => None,
        }
    }

    /// The number in its file, from 1.
    #[inline]
    pub const fn number(self) -> u64 {
        self.0.get() & ((1 << FILE_SHIFT) - 1)
    }

    /// Which of several files, from 1; none if there is only one.
    #[inline]
    pub const fn file(self) -> Option<u64> {
        match self.0.get() >> FILE_SHIFT {
            0 => None,
            file => Some(file),
        }
    }
}

impl PacketNumber {
    /// How many packets after `earlier` this one is; none if it is not, or is of another file.
    pub fn since(self, earlier: PacketNumber) -> Option<u64> {
        let same = self.file() == earlier.file();
        same.then(|| self.number().checked_sub(earlier.number())).flatten()
    }
}

impl fmt::Display for PacketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file() {
            None => write!(f, "{}", self.number()),
            Some(file) => write!(f, "{} of file {file}", self.number()),
        }
    }
}

/// Where and when something was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// Which packet; none outside captures.
    pub packet: Option<PacketNumber>,
    /// When that packet was captured; none if the source has no clock.
    pub time: Option<Time>,
}

impl At {
    /// What can be compared with that of another: packets of one file by their order there, others
    /// by their times.
    pub fn is_before(self, other: At) -> bool {
        let file = |at: At| at.packet.and_then(PacketNumber::file);
        match (self.packet, other.packet) {
            (Some(own), Some(others)) if file(self) == file(other) => {
                own.number() < others.number()
            }
            _ => self.time < other.time,
        }
    }
}

/// A slot for one open connection, dense and reused once the connection is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u32);

/// How the bytes of a connection travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Plain TCP.
    Tcp,
    /// TLS over TCP, decrypted.
    Tls,
    /// One stream of an HTTP/2 connection (RFC 8441), with its stream number.
    Http2 {
        /// The stream identifier.
        stream: u32,
    },
    /// Not from the network: bytes on the command line, a transcript, a HAR.
    None,
}

/// What an input knows when a connection appears.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// Address of the client, where there are addresses.
    pub client: Option<SocketAddr>,
    /// Address of the server.
    pub server: Option<SocketAddr>,
    /// How the bytes travelled.
    pub transport: Transport,
    /// True if the input saw who opened the connection (a SYN); otherwise the roles are a guess.
    pub initiator_seen: bool,
    /// The first packet.
    pub at: At,
}

/// Why bytes are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// A segment was never captured.
    Lost,
    /// The snap length cut the packet.
    SnapLength,
    /// The capture began after the connection did.
    CaptureStart,
    /// A TLS record could not be opened: its tag or MAC does not fit, or it is cut short.
    TlsRecord,
    /// 0-RTT data (RFC 8446 §2.3) whose secret is not in the key log.
    EarlyData,
}

impl GapReason {
    /// True if the bytes were captured, and could not be opened.
    pub const fn is_closed(self) -> bool {
        matches!(self, GapReason::TlsRecord | GapReason::EarlyData)
    }

    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            GapReason::Lost => "lost",
            GapReason::SnapLength => "snaplen",
            GapReason::CaptureStart => "capture-start",
            GapReason::TlsRecord => "tls-record",
            GapReason::EarlyData => "early-data",
        }
    }
}

/// How the transport below ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportEnd {
    /// FIN from this endpoint: it will say nothing more.
    Fin,
    /// END_STREAM from this endpoint: it will say nothing more on this stream of HTTP/2, and goes on
    /// hearing what the other says (RFC 9113 §5.1).
    EndStream,
    /// RST from this endpoint: the connection is gone.
    Reset,
    /// RST_STREAM from this endpoint: the stream of HTTP/2 is gone, and nothing else on its connection.
    ResetStream,
}

/// One thing that was said.
#[derive(Debug)]
pub enum Said<'a> {
    /// Bytes of one endpoint's stream, in order, each byte once.
    Bytes {
        /// Who sent them.
        from: Endpoint,
        /// Offset of the first in that endpoint's stream.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
        /// How much of the other endpoint's stream the sender had acknowledged by then.
        heard: Option<u64>,
        /// The packet that brought them.
        at: At,
    },
    /// Bytes of one endpoint's stream that were not captured.
    Gap {
        /// Who sent them.
        from: Endpoint,
        /// Where they would be in that endpoint's stream.
        offset: u64,
        /// How many; none if even that is unknown.
        length: Option<u64>,
        /// Why they are missing.
        reason: GapReason,
        /// The packet that showed that they are missing.
        at: At,
    },
    /// A head without wire bytes below it (HAR, HTTP/2, a transcript whose lines were decorated).
    Head {
        /// Who sent it.
        from: Endpoint,
        /// The head, in a box: bytes are said a thousand times as often, and are handed on by value.
        head: Box<Head>,
        /// The first bytes of the body behind it, if any were given: enough to say what it is.
        body: &'a [u8],
        /// When.
        at: At,
    },
    /// The connection goes over TLS, from here on if not from its first byte.
    Secured {
        /// What its handshake says.
        tls: &'a Tls,
    },
    /// What carries the bytes that come next, if somebody asked how they travelled.
    Carried {
        /// Who sends them.
        from: Endpoint,
        /// What carries them.
        carried: &'a Carried,
    },
    /// Something about HTTP/2 that concerns the stream (RFC 8441, RFC 9113).
    Http2 {
        /// Who did it.
        from: Endpoint,
        /// What.
        fact: Http2Fact,
        /// The packet that showed it.
        at: At,
    },
    /// Something about TCP below the bytes.
    Tcp {
        /// Who did it.
        from: Endpoint,
        /// What.
        fact: TcpFact,
        /// The packet that showed it.
        at: At,
    },
    /// An endpoint closed TLS with a `close_notify` alert (RFC 8446 §6.1).
    CloseNotify {
        /// Who sent it.
        from: Endpoint,
        /// The packet that brought it.
        at: At,
    },
    /// A message without frames below it (HAR), or a Close.
    Message {
        /// Who sent it.
        from: Endpoint,
        /// What kind of message.
        kind: MessageKind,
        /// What it says, inflated.
        payload: &'a [u8],
        /// `payload` is only the beginning.
        truncated: bool,
        /// All of it was seen.
        complete: bool,
        /// It does not depend on bytes that were missing.
        trusted: bool,
        /// When.
        at: At,
    },
    /// The transport's end, as one endpoint announced it.
    End {
        /// Who announced it.
        from: Endpoint,
        /// How.
        how: TransportEnd,
        /// How much of the other endpoint's stream the sender had acknowledged by then.
        heard: Option<u64>,
        /// The packet that said so.
        at: At,
    },
}

/// The kinds of messages that an input may have as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// The payload of a Close: code and reason.
    Close,
}

/// Whether a listener wants to hear more of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Go on.
    More,
    /// This connection is of no interest: do not reassemble it any further.
    Done,
}

/// Somebody to whom an input tells what was said. An input calls [`opened`](Listener::opened)
/// once for a connection, then [`said`](Listener::said), then [`forgotten`](Listener::forgotten),
/// after which the slot may be used for another connection.
pub trait Listener {
    /// A connection appeared.
    fn opened(&mut self, id: ConnectionId, opening: &Opening);

    /// Something was said on it.
    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest;

    /// An HTTP exchange took place that concerns nobody.
    fn other_exchange(&mut self) {}

    /// A TLS connection whose records stay closed: of it nothing is said.
    fn opaque(&mut self, _opaque: &Opaque) {}

    /// Nothing more will be said on it: both ends closed it, its slot was taken by a new
    /// connection, or the input ended (`cut`: it ended while the connection was still open).
    fn forgotten(&mut self, id: ConnectionId, cut: bool);

    /// The input paused (a live pipe has no more for now): whatever was held back may be shown.
    fn pause(&mut self) {}

    /// True once nobody wants to hear of any connection: the input need not be read to its end.
    fn is_done(&self) -> bool {
        false
    }
}
