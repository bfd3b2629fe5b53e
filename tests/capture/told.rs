//! A listener that writes everything down, and packets made by hand.

use ws101::input::capture::{Limits, LinkType, Packet, Reassembly, Tally};
use ws101::said::{
    At, ConnectionId, Endpoint, GapReason, Interest, Listener, Opaque, Opening, PacketNumber, Said,
    Time, TransportEnd,
};

/// What one endpoint of one connection said: bytes as they are, gaps in brackets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Bytes(Vec<u8>),
    Gap(u64, Option<u64>, GapReason),
    End(TransportEnd),
}

/// One connection, from opened to forgotten.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) opening: Option<Opening>,
    pub(crate) client: Vec<Heard>,
    pub(crate) server: Vec<Heard>,
    pub(crate) packets: Vec<(Endpoint, u64, u64)>,
    pub(crate) heard: Vec<Option<u64>>,
    pub(crate) forgotten: Option<bool>,
}

impl Told {
    pub(crate) fn by(&self, endpoint: Endpoint) -> &Vec<Heard> {
        if endpoint == Endpoint::Client { &self.client } else { &self.server }
    }

    fn by_mut(&mut self, endpoint: Endpoint) -> &mut Vec<Heard> {
        if endpoint == Endpoint::Client { &mut self.client } else { &mut self.server }
    }

    /// The bytes alone.
    pub(crate) fn bytes(&self, endpoint: Endpoint) -> Vec<u8> {
        let bytes = self.by(endpoint).iter().filter_map(|heard| match heard {
            Heard::Bytes(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// As text: bytes lossily, gaps as `[lost 3]`, ends as `[Fin]`.
    pub(crate) fn text(&self, endpoint: Endpoint) -> String {
        let show = |heard: &Heard| match heard {
            Heard::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Heard::Gap(_, Some(length), reason) => format!("[{} {length}]", reason.name()),
            Heard::Gap(_, None, reason) => format!("[{}]", reason.name()),
            Heard::End(how) => format!("[{how:?}]"),
        };
        self.by(endpoint).iter().map(show).collect()
    }
}

/// Writes down what it is told, and checks the contract of [`Listener`] while it does.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) open: Vec<Option<usize>>,
    pub(crate) told: Vec<Told>,
    pub(crate) pauses: usize,
    pub(crate) opaque: Vec<Opaque>,
    /// Says `Done` after so many bytes of a connection.
    pub(crate) patience: Option<usize>,
}

impl Listener for Recorder {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        let slot = id.0 as usize;
        self.open.resize(self.open.len().max(slot + 1), None);
        assert!(self.open[slot].is_none(), "the slot {slot} is taken");
        self.open[slot] = Some(self.told.len());
        self.told.push(Told { opening: Some(*opening), ..Told::default() });
    }

    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        let told = &mut self.told[self.open[id.0 as usize].expect("said before opened")];
        match said {
            Said::Bytes { from, offset, bytes, heard, at } => {
                assert!(!bytes.is_empty());
                told.packets.push((from, offset, at.packet.map_or(0, PacketNumber::number)));
                told.heard.push(heard);
                check_offset(told.by(from), offset);
                match told.by_mut(from).last_mut() {
                    Some(Heard::Bytes(all)) => all.extend_from_slice(bytes),
                    _ => told.by_mut(from).push(Heard::Bytes(bytes.to_vec())),
                }
            }
            Said::Gap { from, offset, length, reason, .. } => {
                assert_ne!(length, Some(0));
                check_offset(told.by(from), offset);
                told.by_mut(from).push(Heard::Gap(offset, length, reason));
            }
            Said::End { from, how, .. } => told.by_mut(from).push(Heard::End(how)),
            Said::Secured { .. } | Said::Carried { .. } | Said::Tcp { .. } => {}
            Said::CloseNotify { .. } | Said::Http2 { .. } => {}
            Said::Message { .. } | Said::Head { .. } => panic!("only HTTP/2 has heads"),
        }
        let said = told.bytes(Endpoint::Client).len() + told.bytes(Endpoint::Server).len();
        if self.patience.is_some_and(|most| said >= most) { Interest::Done } else { Interest::More }
    }

    fn forgotten(&mut self, id: ConnectionId, cut: bool) {
        let index = self.open[id.0 as usize].take().expect("forgotten before opened");
        self.told[index].forgotten = Some(cut);
    }

    fn opaque(&mut self, opaque: &Opaque) {
        self.opaque.push(opaque.clone());
    }

    fn pause(&mut self) {
        self.pauses += 1;
    }
}

/// Offsets tile the stream: what comes next begins where the last ended.
fn check_offset(before: &[Heard], offset: u64) {
    let length = before.iter().map(|heard| match heard {
        Heard::Bytes(bytes) => bytes.len() as u64,
        Heard::Gap(_, length, _) => length.unwrap_or(0),
        Heard::End(_) => 0,
    });
    assert_eq!(offset, length.sum::<u64>(), "offsets do not tile");
}

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A segment made by hand, and how it is captured.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) from: Endpoint,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
    /// Bytes of the payload that the snap length cuts off.
    pub(crate) cut: usize,
    /// The client's port: another one is another connection.
    pub(crate) port: u16,
    pub(crate) window: u16,
    /// The shift count of a window scale option (RFC 7323 §2.2).
    pub(crate) scale: Option<u8>,
}

pub(crate) fn made(
    from: Endpoint,
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    payload: &[u8],
) -> Made {
    Made {
        from,
        sequence,
        acknowledgment,
        flags,
        payload: payload.to_vec(),
        cut: 0,
        port: CLIENT_PORT,
        window: 0xffff,
        scale: None,
    }
}

pub(crate) const CLIENT_PORT: u16 = 50_000;
pub(crate) const SERVER_PORT: u16 = 80;

impl Made {
    /// The IPv4 packet, as captured.
    pub(crate) fn packet(&self) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0];
        let ends = match self.from {
            Endpoint::Client => ([10, 0, 0, 2], [10, 0, 0, 1], self.port, SERVER_PORT),
            Endpoint::Server => ([10, 0, 0, 1], [10, 0, 0, 2], SERVER_PORT, self.port),
        };
        packet.extend(ends.0);
        packet.extend(ends.1);
        packet.extend(ends.2.to_be_bytes());
        packet.extend(ends.3.to_be_bytes());
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.acknowledgment.to_be_bytes());
        let words = if self.scale.is_some() { 6 } else { 5 };
        packet.extend([words << 4, self.flags]);
        packet.extend(self.window.to_be_bytes());
        packet.extend([0, 0, 0, 0]);
        packet.extend(self.scale.into_iter().flat_map(|shift| [1, 3, 3, shift]));
        packet.extend(&self.payload);
        let total = packet.len() as u16;
        packet[2..4].copy_from_slice(&total.to_be_bytes());
        packet.truncate(packet.len() - self.cut);
        packet
    }
}

/// Runs segments, one a millisecond, through a reassembly.
pub(crate) fn run(segments: &[Made]) -> (Recorder, Tally) {
    run_within(segments, Limits::default(), Recorder::default())
}

pub(crate) fn run_within(
    segments: &[Made],
    limits: Limits,
    mut recorder: Recorder,
) -> (Recorder, Tally) {
    let mut reassembly = Reassembly::new(limits);
    for (index, segment) in segments.iter().enumerate() {
        let bytes = segment.packet();
        let time = Some(Time::new(1_000_000 * index as i64));
        let packet = Packet {
            at: At { packet: PacketNumber::new(index as u64 + 1), time },
            link: LinkType(101),
            bytes: &bytes,
            original_length: (bytes.len() + segment.cut) as u32,
        };
        reassembly.packet(&packet, &mut recorder);
    }
    let tally = reassembly.finish(&mut recorder);
    assert!(recorder.told.iter().all(|told| told.forgotten.is_some()), "all are forgotten");
    (recorder, tally)
}
