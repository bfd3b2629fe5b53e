//! From when on something is worth mentioning: all numbers that are a matter of judgement, in one
//! place. The defaults are those of the catalogue.

/// The numbers that rules about time, size and amount go by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Seconds after which a Ping counts as unanswered; three median round trips, if longer.
    pub pong_deadline: f64,
    /// Seconds after which a Pong is late, if its sender was talking meanwhile.
    pub pong_delay: f64,
    /// A Pong is late too if it takes this many median round trips (and `pong_delay`).
    pub pong_delay_medians: f64,
    /// Unanswered Pings from which on it is more than bad luck.
    pub pings_unanswered: u64,
    /// Seconds, beyond a round trip, after which the answer to a Close is slow.
    pub close_reply: f64,
    /// Seconds, beyond a round trip, that a server has to close TCP once both Closes are said.
    pub server_close: f64,
    /// Seconds that a client should leave the server to close TCP first.
    pub client_patience: f64,
    /// Seconds between two fragments of a message from which on it has stalled.
    pub fragment_pause: f64,
    /// Fragments of a message from which on tiny ones are a flood.
    pub fragments: u32,
    /// Empty fragments in a row from which on they are a flood.
    pub empty_fragments: u32,
    /// Seconds that an endpoint may go on after it was sent something fatal.
    pub fatal_patience: f64,
    /// Times by which a message may grow when inflated before it is a warning, and from which size.
    pub inflate_warning: (u64, u64),
    /// The same for a note.
    pub inflate_note: (u64, u64),
    /// Messages from which on sums over them mean something.
    pub messages: u64,
    /// Bytes of messages from which on unused compression is worth a word.
    pub uncompressed: u64,
    /// Bytes of a frame from which on it is worth a note.
    pub large_frame: u64,
    /// The same for a message, inflated.
    pub large_message: u64,
    /// Bytes of a frame or message from which on its size is a warning.
    pub huge_message: u64,
    /// Pings a second, over five seconds, from which on they are a flood.
    pub pings_per_second: f64,
    /// Seconds that a connection without a heartbeat is open before that is worth a word.
    pub open_without_heartbeat: f64,
    /// Seconds without any frame that are a long silence.
    pub silence: f64,
    /// Bytes of a request's head that servers commonly take.
    pub large_head: usize,
}

/// The catalogue's numbers.
pub static DEFAULT: Thresholds = Thresholds {
    pong_deadline: 10.0,
    pong_delay: 1.0,
    pong_delay_medians: 5.0,
    pings_unanswered: 3,
    close_reply: 1.0,
    server_close: 2.0,
    client_patience: 2.0,
    fragment_pause: 30.0,
    fragments: 100,
    empty_fragments: 16,
    fatal_patience: 1.0,
    inflate_warning: (100, 1 << 20),
    inflate_note: (50, 256 << 10),
    messages: 10,
    uncompressed: 1024,
    large_frame: 1 << 20,
    large_message: 16 << 20,
    huge_message: 64 << 20,
    pings_per_second: 10.0,
    open_without_heartbeat: 120.0,
    silence: 60.0,
    large_head: 8 << 10,
};

impl Default for Thresholds {
    fn default() -> Thresholds {
        DEFAULT
    }
}
