//! Plays a scene: tells an inspector what is said, line by line.

use super::{Part, START, Scene, Step};
use crate::Inspector;
use crate::inspection::Observer;
use crate::said::{
    At, ConnectionId, Endpoint, Listener as _, Opening, PacketNumber, Said, Time, Tls, Transport,
    TransportEnd,
};
use crate::websocket::{Conversation, Limits};
use std::net::SocketAddr;

/// The server of connections that have a client.
const SERVER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5)), 443);

impl Scene {
    /// Tells an observer what happens, and gives it back.
    pub fn play<O: Observer>(&self, observer: O) -> O {
        let limits = Limits { keep_frames: true, ..Limits::default() };
        let mut inspector = if self.pasted {
            Inspector::of_transcripts(observer, limits)
        } else {
            Inspector::new(observer, limits)
        };
        let mut lines: Vec<Line> = Vec::new();
        for part in &self.parts {
            let place = match lines.iter().position(|line| line.client == part.client) {
                Some(place) => place,
                None => {
                    lines.retain(|line| !line.hang_up(&mut inspector));
                    let id = lines.iter().map(|line| line.id.0 + 1).max().unwrap_or(0);
                    lines.push(self.open(ConnectionId(id), part, &mut inspector));
                    lines.len() - 1
                }
            };
            for step in &part.steps {
                lines[place].tell(step, &mut inspector);
            }
        }
        for line in lines {
            inspector.forgotten(line.id, line.ended.is_none());
        }
        inspector.into_parts().0
    }

    /// Begins a connection.
    fn open<O: Observer>(
        &self,
        id: ConnectionId,
        part: &Part,
        inspector: &mut Inspector<O>,
    ) -> Line {
        let clock = part.steps.iter().find_map(|step| match step {
            Step::Clock(time) => Some(*time),
            _ => None,
        });
        let time = clock.or(self.timed.then_some(START));
        let opening = Opening {
            client: part.client,
            server: part.server.or(self.server).or(part.client.map(|_| SERVER)),
            transport: self.transport,
            initiator_seen: self.roles_known,
            at: At { packet: None, time },
        };
        match self.assumed {
            Some(agreement) => inspector.begin(id, &opening, Conversation::assumed(agreement)),
            None => inspector.opened(id, &opening),
        }
        let tls = Tls::default();
        let over_http2 = matches!(self.transport, Transport::Http2 { .. });
        if let Some(tls) = part.tls.as_ref().or(over_http2.then_some(&tls)) {
            inspector.said(id, Said::Secured { tls });
        }
        if let Some(opaque) = &part.opaque {
            inspector.opaque(opaque);
        }
        Line { client: part.client, id, time, packets: 0, sent: [0; 2], ended: None }
    }
}

/// A connection of the scene, and how far it has come.
struct Line {
    client: Option<SocketAddr>,
    id: ConnectionId,
    time: Option<Time>,
    packets: u64,
    sent: [u64; 2],
    ended: Option<TransportEnd>,
}

impl Line {
    /// Ends it, if an end was said.
    fn hang_up<O: Observer>(&self, inspector: &mut Inspector<O>) -> bool {
        let is_over = self.ended.is_some();
        if is_over {
            inspector.forgotten(self.id, false);
        }
        is_over
    }

    fn at(&self) -> At {
        let packet = self.time.and(PacketNumber::new(self.packets));
        At { packet, time: self.time }
    }

    fn heard(&self, from: Endpoint) -> Option<u64> {
        Some(self.sent[from.peer().index()])
    }

    fn tell<O: Observer>(&mut self, step: &Step, inspector: &mut Inspector<O>) {
        let said = match step {
            Step::Clock(time) => {
                self.time = Some(*time);
                return;
            }
            Step::Bytes { from, bytes } => {
                let (from, offset) = (*from, self.sent[from.index()]);
                self.sent[from.index()] += bytes.len() as u64;
                self.packets += 1;
                Said::Bytes { from, offset, bytes, heard: self.heard(from), at: self.at() }
            }
            Step::Head { from, head } => {
                Said::Head { from: *from, head: head.clone(), body: &[], at: self.at() }
            }
            Step::Gap { from, length, reason } => {
                let (from, offset) = (*from, self.sent[from.index()]);
                self.sent[from.index()] += length.unwrap_or(0);
                Said::Gap { from, offset, length: *length, reason: *reason, at: self.at() }
            }
            Step::Http2 { from, fact } => Said::Http2 { from: *from, fact: *fact, at: self.at() },
            Step::Tcp { from, fact } => Said::Tcp { from: *from, fact: *fact, at: self.at() },
            Step::CloseNotify { from } => Said::CloseNotify { from: *from, at: self.at() },
            Step::End { from, how } => {
                self.ended = Some(*how);
                Said::End { from: *from, how: *how, heard: self.heard(*from), at: self.at() }
            }
        };
        inspector.said(self.id, said);
    }
}
