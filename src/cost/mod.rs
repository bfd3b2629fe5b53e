//! What carrying messages costs: the heads of ordinary HTTP exchanges, measured beside the
//! inspection, and told apart by how they carry news: short polling, long polling, Server-Sent
//! Events, single requests. An [`Inspector`](crate::Inspector) leaves such connections alone as soon
//! as it can; a [`Meter`] hears them to their end, so it is there only if somebody asks.

mod otherwise;
mod series;
mod stream;

pub use otherwise::{Exchange, Model, Otherwise, Way, otherwise};
pub use series::{Kind, Series};

use crate::http::{Body, BodyLength, Head, HeadRead};
use crate::said::{
    At, ConnectionId, Endpoint, Interest, Listener, Opaque, Opening, Said, Transport,
};
use crate::websocket::handshake::is_upgrade_response;
use series::{Key, Request};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// Series beyond so many are not told apart any more.
const MAX_SERIES: usize = 4096;

/// How many pipelined requests are remembered until their responses come.
const MAX_OUTSTANDING: usize = 64;

/// Measures HTTP/1.1 exchanges.
#[derive(Debug, Default)]
pub struct Meter {
    links: Vec<Option<Box<Link>>>,
    series: Vec<Series>,
    places: HashMap<Key, usize>,
    /// Connections that could not be measured to their end: bytes are missing, or it is no HTTP/1.1.
    pub unmeasured: u64,
}

/// A connection.
#[derive(Debug)]
struct Link {
    client: Option<IpAddr>,
    server: Option<SocketAddr>,
    sides: [Side; 2],
    outstanding: VecDeque<Request>,
    exchanges: u64,
    /// Once upgraded: the series of its handshake.
    upgraded: Option<usize>,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    pending: Vec<u8>,
    body: Option<Body>,
    /// The series that the body belongs to.
    series: Option<usize>,
}

/// What one look at the pending bytes came to.
enum Step {
    Progress,
    Wait,
    Leave,
}

impl Meter {
    /// What was measured: for each client, server and target one series.
    pub fn into_series(self) -> (Vec<Series>, u64) {
        (self.series, self.unmeasured)
    }

    fn hear(&mut self, id: ConnectionId, from: Endpoint, bytes: &[u8], at: At) -> Interest {
        let Some(Some(link)) = self.links.get_mut(id.0 as usize) else { return Interest::Done };
        if let Some(series) = link.upgraded {
            self.series[series].last = at.time.or(self.series[series].last);
            return Interest::More;
        }
        link.sides[from.index()].pending.extend_from_slice(bytes);
        while let Some(Some(link)) = self.links.get_mut(id.0 as usize) {
            match link.step(from, at, &mut self.series, &mut self.places) {
                Step::Progress => {}
                Step::Wait => return Interest::More,
                Step::Leave => return self.leave(id),
            }
        }
        Interest::Done
    }

    /// Nothing more can be measured on a connection.
    fn leave(&mut self, id: ConnectionId) -> Interest {
        if let Some(link) = self.links.get_mut(id.0 as usize).and_then(Option::take) {
            self.unmeasured += u64::from(link.exchanges > 0 && link.upgraded.is_none());
        }
        Interest::Done
    }
}

impl Meter {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        let index = id.0 as usize;
        if self.links.len() <= index {
            self.links.resize_with(index + 1, || None);
        }
        let is_http_1 = !matches!(opening.transport, Transport::Http2 { .. });
        self.links[index] = is_http_1.then(|| {
            Box::new(Link {
                client: opening.client.map(|client| client.ip()),
                server: opening.server,
                sides: Default::default(),
                outstanding: VecDeque::new(),
                exchanges: 0,
                upgraded: None,
            })
        });
    }

    fn said(&mut self, id: ConnectionId, said: &Said<'_>) -> Interest {
        match *said {
            Said::Bytes { from, bytes, at, .. } => self.hear(id, from, bytes, at),
            // Frames go on behind a gap; of exchanges nobody knows where the next one begins.
            Said::Gap { .. } => match self.links.get(id.0 as usize) {
                Some(Some(link)) if link.upgraded.is_some() => Interest::More,
                _ => self.leave(id),
            },
            Said::Head { .. } | Said::Message { .. } => self.leave(id),
            _ => match self.links.get(id.0 as usize) {
                Some(Some(_)) => Interest::More,
                _ => Interest::Done,
            },
        }
    }

    fn forgotten(&mut self, id: ConnectionId) {
        if let Some(link) = self.links.get_mut(id.0 as usize) {
            *link = None;
        }
    }
}

impl Link {
    fn step(
        &mut self,
        from: Endpoint,
        at: At,
        series: &mut Vec<Series>,
        places: &mut HashMap<Key, usize>,
    ) -> Step {
        let side = &mut self.sides[from.index()];
        if side.pending.is_empty() {
            return Step::Wait;
        }
        if let Some(body) = &mut side.body {
            let measured = side.series.and_then(|index| series.get_mut(index));
            let stepped = match measured {
                Some(series) => {
                    let mut content = 0;
                    let stepped = body.step_through(&side.pending, &mut |bytes| {
                        content += bytes.len() as u64;
                        series.content(bytes);
                    });
                    series.body(stepped as u64, content, at);
                    stepped
                }
                None => body.step(&side.pending),
            };
            side.pending.drain(..stepped);
            if body.is_over() {
                (side.body, side.series) = (None, None);
            }
            return Step::Progress;
        }
        match Head::read(&side.pending, 0) {
            HeadRead::Incomplete => Step::Wait,
            HeadRead::TooLong => Step::Leave,
            HeadRead::Head(head, length) => {
                side.pending.drain(..length);
                match (head.is_request(), head.status()) {
                    (true, _) => self.request(from, &head, length as u64, at),
                    (false, Some(status)) => {
                        self.response(from, (&head, status, length as u64), at, series, places)
                    }
                    (false, None) => Step::Leave,
                }
            }
        }
    }

    fn request(&mut self, from: Endpoint, head: &Head, length: u64, at: At) -> Step {
        if self.outstanding.len() == MAX_OUTSTANDING {
            return Step::Leave;
        }
        let key = Key::of(self.client, self.server, head);
        self.outstanding.push_back(Request { key, length, at, head: head.clone() });
        let body = Body::new(BodyLength::of_request(head));
        self.sides[from.index()].body = (!body.is_over()).then_some(body);
        Step::Progress
    }

    fn response(
        &mut self,
        from: Endpoint,
        (head, status, length): (&Head, u16, u64),
        at: At,
        series: &mut Vec<Series>,
        places: &mut HashMap<Key, usize>,
    ) -> Step {
        let Some(request) = self.outstanding.front_mut() else { return Step::Leave };
        if matches!(status, 100 | 102..=199) {
            request.length += length;
            return Step::Progress;
        }
        let Some(request) = self.outstanding.pop_front() else { return Step::Leave };
        let index = match places.get(&request.key) {
            Some(index) => *index,
            None if series.len() == MAX_SERIES => return Step::Leave,
            None => {
                series.push(Series::new(&request.key, request.head.clone(), head.clone()));
                places.insert(request.key.clone(), series.len() - 1);
                series.len() - 1
            }
        };
        self.exchanges += 1;
        series[index].exchange(&request, head, length, at);
        if is_upgrade_response(head) && status == 101 {
            series[index].upgrades += 1;
            self.upgraded = Some(index);
            self.sides = Default::default();
            return Step::Wait;
        }
        let body = Body::new(BodyLength::of_response(head, request.head.method()));
        let side = &mut self.sides[from.index()];
        side.body = (!body.is_over()).then_some(body);
        side.series = Some(index);
        Step::Progress
    }
}

/// A listener with a meter beside it, which goes on where the listener has heard enough.
pub struct Metered<'a, L> {
    /// The listener.
    pub listener: &'a mut L,
    /// The meter.
    pub meter: &'a mut Meter,
}

impl<L: Listener> Listener for Metered<'_, L> {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        self.listener.opened(id, opening);
        self.meter.opened(id, opening);
    }

    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        let measured = self.meter.said(id, &said);
        match self.listener.said(id, said) {
            Interest::Done => measured,
            Interest::More => Interest::More,
        }
    }

    fn other_exchange(&mut self) {
        self.listener.other_exchange();
    }

    fn opaque(&mut self, opaque: &Opaque) {
        self.listener.opaque(opaque);
    }

    fn forgotten(&mut self, id: ConnectionId, cut: bool) {
        self.listener.forgotten(id, cut);
        self.meter.forgotten(id);
    }

    fn pause(&mut self) {
        self.listener.pause();
    }

    fn is_done(&self) -> bool {
        self.listener.is_done()
    }
}
