//! Real captures: connections as they were recorded, to be joined late.

use crate::shared;
use crate::{Heard, hear};
use std::collections::BTreeSet;
use std::path::PathBuf;
use ws101::input::capture::{self, Options};
use ws101::said::{ConnectionId, Endpoint, Interest, Listener, Opening, Said};

/// What was said on one connection, segment by segment.
#[derive(Default, Clone)]
pub(crate) struct Recorded {
    pub(crate) segments: Vec<(Endpoint, Vec<u8>)>,
    whole: bool,
}

/// Writes everything down.
#[derive(Default)]
struct Recorder {
    open: Vec<Recorded>,
    over: Vec<Recorded>,
}

impl Listener for Recorder {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        let index = id.0 as usize;
        if self.open.len() <= index {
            self.open.resize(index + 1, Recorded::default());
        }
        self.open[index] = Recorded { segments: Vec::new(), whole: opening.initiator_seen };
    }

    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        let recorded = &mut self.open[id.0 as usize];
        match said {
            Said::Bytes { from, bytes, .. } => recorded.segments.push((from, bytes.to_vec())),
            Said::Gap { .. } => recorded.whole = false,
            _ => {}
        }
        Interest::More
    }

    fn forgotten(&mut self, id: ConnectionId, _: bool) {
        self.over.push(std::mem::take(&mut self.open[id.0 as usize]));
    }
}

/// The connections of a capture, none if it can't be read.
pub(crate) fn connections(path: &PathBuf) -> Vec<Recorded> {
    let Ok(file) = std::fs::read(path) else { return Vec::new() };
    let mut recorder = Recorder::default();
    let _ = capture::read(&file[..], &mut recorder, Options::default());
    recorder.over
}

impl Recorded {
    /// Its handshake is there, and nothing is missing.
    pub(crate) fn is_whole_websocket(&self) -> bool {
        self.whole && self.speaks_of_websocket() && !self.frames().is_empty()
    }

    /// The word is in it.
    pub(crate) fn speaks_of_websocket(&self) -> bool {
        let speaks = |bytes: &[u8]| bytes.windows(9).any(|w| w.eq_ignore_ascii_case(b"websocket"));
        self.segments.iter().any(|segment| speaks(&segment.1))
    }

    /// The frames, as they are read with the handshake: from whom, where, first byte, length.
    pub(crate) fn frames(&self) -> BTreeSet<(Endpoint, u64, u8, u64)> {
        crate::hear_whole(&self.segments).frames.into_iter().collect()
    }

    /// What there is of it behind so many bytes of each direction; none at all of one that is cut
    /// everywhere.
    fn behind(&self, cut: [u64; 2]) -> Vec<(Endpoint, Vec<u8>)> {
        let mut left = cut;
        let mut segments = Vec::new();
        for (from, bytes) in &self.segments {
            let skipped = left[from.index()].min(bytes.len() as u64);
            left[from.index()] -= skipped;
            if bytes.len() as u64 > skipped {
                segments.push((*from, bytes[skipped as usize..].to_vec()));
            }
        }
        segments
    }

    /// Joins the connection late.
    pub(crate) fn join(&self, cut: [u64; 2]) -> Joined {
        let heard = hear(&self.behind(cut));
        let whole = self.frames();
        let behind = |from: Endpoint, at: u64| at >= cut[from.index()];
        let there: Vec<_> = whole.iter().filter(|frame| behind(frame.0, frame.1)).collect();
        let mut joined = Joined { there: there.len(), ..Joined::default() };
        joined.there_bytes = there.iter().map(|frame| frame.3).sum();
        joined.heard = heard;
        for &(from, offset, first, length) in &joined.heard.frames {
            let frame = (from, offset + cut[from.index()], first, length);
            if whole.contains(&frame) {
                joined.right += 1;
            } else {
                joined.wrong.push(frame);
            }
        }
        joined
    }
}

/// What was made of a connection that was joined late.
#[derive(Default)]
pub(crate) struct Joined {
    pub(crate) heard: Heard,
    /// Whole frames that were there to be found.
    pub(crate) there: usize,
    pub(crate) there_bytes: u64,
    pub(crate) right: usize,
    pub(crate) wrong: Vec<(Endpoint, u64, u8, u64)>,
}

/// Samples of this project: every WebSocket connection of them.
pub(crate) fn samples() -> Vec<(String, Recorded)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("samples").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".pcap") {
            let connections = connections(&entry.path());
            let found = connections.into_iter().filter(Recorded::is_whole_websocket);
            all.extend(found.map(|connection| (name.clone(), connection)));
        }
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// Captures of public projects, where they are: path and what the manifest says of it.
pub(crate) fn public(claim: &str) -> Option<Vec<(PathBuf, String)>> {
    let manifest = shared::read_text(&shared::shared(claim, "captures/public/manifest.tsv")?);
    let rows = manifest.lines().skip(1).filter_map(|row| row.split_once('\t'));
    let path = |name: &str| shared::shared(claim, &format!("captures/public/{name}"));
    Some(rows.filter_map(|(name, rest)| Some((path(name)?, rest.to_owned()))).collect())
}
