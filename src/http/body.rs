//! Stepping over bodies, to find the next head on a connection that is kept alive (RFC 9112 §6).

use super::Head;

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// That many bytes.
    Known(u64),
    /// Chunked transfer coding.
    Chunked,
    /// When the connection closes.
    UntilClose,
}

impl BodyLength {
    /// How the body of a request ends (RFC 9112 §6.3).
    pub fn of_request(head: &Head) -> BodyLength {
        if head.lists("Transfer-Encoding", "chunked") {
            BodyLength::Chunked
        } else {
            BodyLength::Known(content_length(head).unwrap_or(0))
        }
    }

    /// How the body of a response to a request of that method ends (RFC 9112 §6.3).
    pub fn of_response(head: &Head, method: Option<&[u8]>) -> BodyLength {
        let bodiless = matches!(head.status(), Some(100..=199 | 204 | 304));
        if bodiless || method == Some(b"HEAD") {
            BodyLength::Known(0)
        } else if head.lists("Transfer-Encoding", "chunked") {
            BodyLength::Chunked
        } else {
            content_length(head).map_or(BodyLength::UntilClose, BodyLength::Known)
        }
    }
}

fn content_length(head: &Head) -> Option<u64> {
    let value = head.value("Content-Length")?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A body being stepped over.
#[derive(Debug)]
pub struct Body {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes to go, then done.
    Bytes(u64),
    /// In the line that holds a chunk's size: what was read of it, and whether digits are over.
    ChunkSize {
        size: u64,
        digits_over: bool,
    },
    /// So many bytes of a chunk (and its line end) to go.
    Chunk(u64),
    /// In the trailer section: how many bytes of the current line were seen.
    Trailer {
        line: u64,
    },
    UntilClose,
}

impl Body {
    /// A body that ends in this way.
    pub fn new(length: BodyLength) -> Body {
        let state = match length {
            BodyLength::Known(length) => State::Bytes(length),
            BodyLength::Chunked => State::ChunkSize { size: 0, digits_over: false },
            BodyLength::UntilClose => State::UntilClose,
        };
        Body { state }
    }

    /// True when nothing of it is left.
    pub fn is_over(&self) -> bool {
        self.state == State::Bytes(0)
    }

    /// Steps over as much of `bytes` as belongs to the body; returns how much that was.
    pub fn step(&mut self, bytes: &[u8]) -> usize {
        self.step_through(bytes, &mut |_| {})
    }

    /// The same, and tells what the body says: without the borders of chunks.
    pub fn step_through(&mut self, bytes: &[u8], content: &mut impl FnMut(&[u8])) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.is_over() {
            at += self.step_once(&bytes[at..], content);
        }
        at
    }

    fn step_once(&mut self, bytes: &[u8], content: &mut impl FnMut(&[u8])) -> usize {
        match &mut self.state {
            State::UntilClose => {
                content(bytes);
                bytes.len()
            }
            State::Bytes(left) => {
                let taken = (*left).min(bytes.len() as u64);
                *left -= taken;
                content(&bytes[..taken as usize]);
                taken as usize
            }
            State::Chunk(left) => {
                let taken = (*left).min(bytes.len() as u64);
                // The last two are the line end behind the chunk.
                content(&bytes[..taken.min(left.saturating_sub(2)) as usize]);
                *left -= taken;
                if self.state == State::Chunk(0) {
                    self.state = State::ChunkSize { size: 0, digits_over: false };
                }
                taken as usize
            }
            State::ChunkSize { size, digits_over } => {
                let byte = bytes[0];
                match (byte as char).to_digit(16) {
                    Some(digit) if !*digits_over => {
                        *size = size.saturating_mul(16).saturating_add(u64::from(digit));
                    }
                    _ if byte == b'\n' => {
                        self.state = match *size {
                            0 => State::Trailer { line: 0 },
                            // The chunk's data and the CRLF behind it.
                            size => State::Chunk(size.saturating_add(2)),
                        };
                    }
                    _ => *digits_over = true,
                }
                1
            }
            State::Trailer { line } => {
                match bytes[0] {
                    b'\n' if *line == 0 => self.state = State::Bytes(0),
                    b'\n' => *line = 0,
                    b'\r' => {}
                    _ => *line += 1,
                }
                1
            }
        }
    }

    /// Steps over `length` bytes that were not captured; false if the end can't be told then.
    pub fn step_gap(&mut self, length: u64) -> bool {
        match &mut self.state {
            State::Bytes(left) | State::Chunk(left) if *left >= length => {
                *left -= length;
                if self.state == State::Chunk(0) {
                    self.state = State::ChunkSize { size: 0, digits_over: false };
                }
                true
            }
            State::UntilClose => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_ends_after_its_trailer_however_it_is_cut() {
        let body =
            b"5\r\nHello\r\n1a;ext=1\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX: y\r\n\r\nGET /";
        let end = body.len() - b"GET /".len();
        for chunk in 1..body.len() {
            let mut skipped = Body::new(BodyLength::Chunked);
            let stepped: usize = body.chunks(chunk).map(|part| skipped.step(part)).sum();
            assert!(skipped.is_over(), "in chunks of {chunk}");
            assert_eq!(stepped, end, "in chunks of {chunk}");
        }
    }
}
