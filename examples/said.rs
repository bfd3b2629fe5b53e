//! Prints what a capture says: the input layer alone, to look at it and to measure it.
//!
//! `said FILE` counts; `said -v FILE` prints every `Said` in hexadecimal.

use std::fs::File;
use ws101::input::capture::{self, News, Options};
use ws101::said::{ConnectionId, Interest, Listener, Opening, Said};

struct Printer {
    verbose: bool,
    bytes: u64,
    pieces: u64,
}

impl Listener for Printer {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        if self.verbose {
            println!("{} opened {opening:?}", id.0);
        }
    }

    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        self.pieces += 1;
        if let Said::Bytes { bytes, .. } = &said {
            self.bytes += bytes.len() as u64;
        }
        if self.verbose {
            match said {
                Said::Bytes { from, offset, bytes, heard, at } => {
                    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    println!("{} {from} {offset} heard {heard:?} {at:?} {hex}", id.0);
                }
                other => println!("{} {other:?}", id.0),
            }
        }
        Interest::More
    }

    fn forgotten(&mut self, id: ConnectionId, cut: bool) {
        if self.verbose {
            println!("{} forgotten, cut: {cut}", id.0);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let verbose = arguments.first().is_some_and(|argument| argument == "-v");
    if verbose {
        arguments.remove(0);
    }
    for path in arguments {
        let mut printer = Printer { verbose, bytes: 0, pieces: 0 };
        let mut news = |news: News<'_>| {
            if verbose {
                println!("{news:?}");
            }
        };
        let options = Options { news: Some(&mut news), ..Options::default() };
        match capture::read(File::open(&path)?, &mut printer, options) {
            Ok(tally) => {
                println!("{path}: {} bytes in {} pieces, {tally:?}", printer.bytes, printer.pieces)
            }
            Err(error) => println!("{path}: {error}"),
        }
    }
    Ok(())
}
