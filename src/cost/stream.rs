//! A stream of events, counted (the WHATWG's HTML standard, §9.2): lines, of which an empty one ends
//! an event.

/// Counts the events of a stream.
#[derive(Debug, Default)]
pub(super) struct EventStream {
    /// Events that said something.
    pub(super) events: u64,
    /// Bytes of their data.
    pub(super) data: u64,
    /// What there is of the current line: its beginning, and how long it is.
    line: Vec<u8>,
    length: u64,
    has_data: bool,
    after_cr: bool,
}

/// So much of a line tells what it is.
const BEGINNING: usize = 6;

impl EventStream {
    /// More of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' if std::mem::take(&mut self.after_cr) => {}
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    self.end_line();
                }
                byte => {
                    self.after_cr = false;
                    self.length += 1;
                    if self.line.len() < BEGINNING {
                        self.line.push(byte);
                    }
                }
            }
        }
    }

    fn end_line(&mut self) {
        if self.length == 0 {
            self.events += u64::from(std::mem::take(&mut self.has_data));
        } else if let Some(rest) = self.line.strip_prefix(b"data:") {
            self.has_data = true;
            let name = if rest.first() == Some(&b' ') { 6 } else { 5 };
            self.data += self.length - name;
        }
        self.line.clear();
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_their_lines_end_and_are_cut() {
        let stream =
            b": hello\n\nid: 1\ndata: one\n\ndata:two\r\ndata: more\r\n\r\nevent: x\n\ndata: un";
        for chunk in 1..stream.len() {
            let mut counted = EventStream::default();
            stream.chunks(chunk).for_each(|bytes| counted.push(bytes));
            assert_eq!((counted.events, counted.data), (2, 3 + 3 + 4), "in chunks of {chunk}");
        }
    }
}
