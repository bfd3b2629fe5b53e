//! A conversation: what was said on one connection becomes what happened on it. HTTP exchanges
//! until a handshake upgrades (RFC 6455 §4), frames from there on (§5), the end (§7).

use super::event::{
    Carriage, End, Event, Gap, How, Http2Event, MAX_NOT_FRAMES_KEPT, NotFrames, NotFramesKind,
    Recognised,
};
use super::exchanges::{Exchanges, Reached, begins_masked};
use super::extension::Agreement;
use super::frame::MAX_HEADER;
use super::incoming::{self, FirstClose, Incoming};
use super::message::Desk;
use super::resync::{self, Expectation, Found, Seeker};
use super::stated::Stated;
use crate::http::Head;
use crate::said::{At, Endpoint, GapReason, Interest, Said, TcpFact, TransportEnd};

/// How a conversation came to be one about WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Its handshake was seen.
    Handshake,
    /// It was assumed, or recognised by its frames: no handshake was seen.
    Assumed,
}

impl Origin {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Handshake => "handshake",
            Origin::Assumed => "assumed",
        }
    }
}

/// How many bytes without frames prove that a connection of unknown kind is not WebSocket.
const MAX_UNKNOWN: u64 = 256 * 1024;

/// How many bytes of a client that does not wait for the answer are held back.
const MAX_EARLY: usize = 1 << 20;

/// How often a connection is read as HTTP again behind a 101.
const MAX_RETURNS: u8 = 32;

/// The state of one connection.
#[derive(Debug)]
pub struct Conversation {
    phase: Phase,
    /// How often it went on with HTTP behind a 101.
    returns: u8,
    first_close: Option<Endpoint>,
    /// How the transport ended, as far as it did.
    ends: Option<Box<Ends>>,
    lossy: [bool; 2],
    last_at: At,
    upgraded: bool,
    /// The input took the server for the client: what it says of either is turned around.
    swapped: bool,
    /// What somebody knows of it.
    stated: Stated,
    /// The input only guesses which end is the client.
    client_is_guessed: bool,
}

/// The transport's end, as each endpoint announced it.
#[derive(Debug, Default)]
struct Ends {
    how: [Option<(TransportEnd, At)>; 2],
    close_notify: [bool; 2],
    carriage: [Carriage; 2],
    told_first: Option<Endpoint>,
    heard: [Option<u64>; 2],
}

#[derive(Debug)]
// Most that is said is frames, of a connection that was last heard of long ago: what reads them lies
// where the rest of the conversation lies, and comes from memory with it.
#[allow(clippy::large_enum_variant)]
enum Phase {
    Http(Box<Exchanges>),
    Frames([Incoming; 2]),
    /// The beginning was not captured: perhaps these are frames.
    Unknown(Box<[Seeker; 2]>),
    /// Nothing that concerns WebSocket.
    Other,
    /// The same, but of what was told the end is told too.
    Spent,
}

/// What Flash asks before it lets a socket connect; a NUL follows.
const FLASH_POLICY: &[u8] = b"<policy-file-request/>";

impl Default for Conversation {
    fn default() -> Conversation {
        Conversation::new()
    }
}

impl Conversation {
    /// A conversation that begins with HTTP.
    pub fn new() -> Conversation {
        Conversation::in_phase(Phase::Http(Box::default()), false)
    }

    /// A conversation in HTTP whose heads were typed or pasted.
    pub fn of_transcript() -> Conversation {
        Conversation::in_phase(Phase::Http(Box::new(Exchanges::of_transcript())), false)
    }

    /// A conversation that begins with frames, because somebody says so. `agreement` is what is
    /// known of the handshake, if anything.
    pub fn assumed(agreement: Option<Agreement>) -> Conversation {
        let frames = [Endpoint::Client, Endpoint::Server]
            .map(|endpoint| Incoming::new(endpoint, 0, agreement));
        Conversation::in_phase(Phase::Frames(frames), true)
    }

    /// States what the capture may not tell. If `swapped`, the input calls the server the client;
    /// if `client_is_guessed`, it may do so, and the MASK bits decide.
    pub fn state(&mut self, stated: Stated, swapped: bool, client_is_guessed: bool) {
        (self.stated, self.swapped) = (stated, swapped);
        self.client_is_guessed = client_is_guessed;
    }

    /// What was agreed, once frames follow; none if that is not known.
    pub fn agreement(&self) -> Option<Agreement> {
        match &self.phase {
            Phase::Frames(incoming) => incoming[0].agreement(),
            _ => None,
        }
    }

    /// The beginning was not captured, and what was said so far does not tell what it is.
    pub fn is_undecided(&self) -> bool {
        matches!(&self.phase, Phase::Unknown(seekers) if !seekers.iter().all(Seeker::is_empty))
    }

    fn in_phase(phase: Phase, upgraded: bool) -> Conversation {
        Conversation {
            phase,
            returns: 0,
            first_close: None,
            ends: None,
            lossy: [false; 2],
            last_at: At::default(),
            upgraded,
            swapped: false,
            stated: Stated::default(),
            client_is_guessed: false,
        }
    }

    /// Takes in what was said and tells what happened. Answers whether there is any use in
    /// hearing more.
    pub fn hear(
        &mut self,
        said: Said<'_>,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> Interest {
        match said {
            Said::Bytes { from, offset, bytes, heard, at } => {
                self.last_at = at;
                let from = self.endpoint(from);
                self.bytes(from, offset, bytes, incoming::Origin { at, heard }, desk, sink);
            }
            Said::Gap { from, length, reason, at, .. } => {
                self.last_at = at;
                let from = self.endpoint(from);
                self.lossy[from.index()] = true;
                self.gap(from, length, reason, incoming::Origin { at, heard: None }, desk, sink);
            }
            Said::Head { from, head, body, at } => {
                self.last_at = at;
                self.head(from, head, body, at, desk, sink);
            }
            Said::Secured { .. } | Said::Carried { .. } => {}
            Said::Message { from, .. } => self.message(self.endpoint(from), &said, desk, sink),
            Said::Http2 { from, fact, at } => {
                sink(&Event::Http2(&Http2Event { from: self.endpoint(from), fact, at }));
            }
            // It concerns the other connections of this client.
            Said::Tcp { fact: TcpFact::Unseen, .. } => {}
            Said::Tcp { from, fact, at } => {
                let from = self.endpoint(from);
                self.ends.get_or_insert_default().carriage[from.index()].note(fact, at);
            }
            Said::CloseNotify { from, at } => {
                self.last_at = at;
                let from = self.endpoint(from);
                let ends = self.ends.get_or_insert_default();
                ends.close_notify[from.index()] |= ends.how[from.index()].is_none();
            }
            Said::End { from, how, heard, at } => {
                self.last_at = at;
                let from = self.endpoint(from);
                let ends = self.ends.get_or_insert_default();
                if ends.how[from.index()].is_none() {
                    ends.how[from.index()] = Some((how, at));
                    ends.told_first.get_or_insert(from);
                    ends.heard[from.index()] = heard;
                }
            }
        }
        if matches!(self.phase, Phase::Other) { Interest::Done } else { Interest::More }
    }

    /// Nothing more will be said.
    pub fn finish(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        if let Phase::Frames(incoming) = &self.phase
            && let [client, server] = incoming
            && client.holds_http()
            && !server.has_begun()
        {
            self.return_to_http(desk, sink);
        }
        if let Phase::Http(http) = &mut self.phase
            && http.answers_no_http()
        {
            self.not_http(Endpoint::Server, true, desk, sink);
        }
        self.take_unended(desk, sink);
        self.give_up_waiting(desk, sink);
        self.recognise_both(desk, sink);
        if let Phase::Http(http) = &mut self.phase {
            http.tell_incomplete(sink);
        }
        let (mut inside_frame, mut inside_message) = ([false; 2], [false; 2]);
        let (mut unread, mut tail_lost) = ([0; 2], [false; 2]);
        let mut closes: [Option<FirstClose>; 2] = [None; 2];
        if let Phase::Frames(incoming) = &mut self.phase {
            for (index, incoming) in incoming.iter_mut().enumerate() {
                let first_close = &mut self.first_close;
                incoming.finish_search(desk, &mut |event| noting_close(event, first_close, sink));
                unread[index] = incoming.unread();
                tail_lost[index] = incoming.is_lost();
                inside_frame[index] = incoming.is_inside_frame();
                inside_message[index] = incoming.is_inside_message();
                incoming.finish(desk, sink);
                closes[index] = incoming.closed();
                self.lossy[index] |= incoming.lossy;
            }
        }
        let ends = self.ends.take().unwrap_or_default();
        let mut end = End {
            how: How::CaptureEnd,
            upgraded: self.upgraded,
            closed_by: None,
            closes: closes.map(|close| close.map(|close| close.code)),
            closed_at: closes.map(|close| close.map(|close| close.at)),
            close_end: closes.map(|close| close.map(|close| close.end)),
            transport: ends.how,
            close_notify: ends.close_notify,
            carriage: ends.carriage,
            told_first: ends.told_first,
            heard: ends.heard,
            inside_frame,
            inside_message,
            lossy: self.lossy,
            unread,
            tail_lost,
            at: self.last_at,
        };
        let dropped_by = super::ending::first_to_end(&end);
        end.closed_by = first_to_close(closes)
            .or(self.first_close)
            .or(dropped_by.map(|(endpoint, _)| endpoint))
            .filter(|_| !end.may_hide_a_close());
        let both_took = end.took_close(Endpoint::Client) && end.took_close(Endpoint::Server);
        end.how = match (both_took, dropped_by) {
            (true, _) => How::ClosingHandshake,
            (_, Some((_, TransportEnd::Fin | TransportEnd::EndStream))) => How::Fin,
            (_, Some((_, TransportEnd::Reset | TransportEnd::ResetStream))) => How::Reset,
            // Neither end was seen to leave; the addresses may have been used again.
            (_, None) => How::CaptureEnd,
        };
        sink(&Event::End(&end));
        self.phase = Phase::Other;
    }

    fn endpoint(&self, said: Endpoint) -> Endpoint {
        if self.swapped { said.peer() } else { said }
    }

    #[inline(always)]
    fn bytes(
        &mut self,
        from: Endpoint,
        offset: u64,
        bytes: &[u8],
        origin: incoming::Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        match &mut self.phase {
            Phase::Frames(incoming) => {
                let first_close = &mut self.first_close;
                let [own, other] = [from, from.peer()].map(Endpoint::index);
                // Whoever goes on with frames takes what it hears for frames.
                if incoming[other].holds_http() && incoming[own].begins_frames(bytes) {
                    incoming[other].tell_other(sink);
                }
                incoming[own]
                    .hear(bytes, origin, desk, &mut |event| noting_close(event, first_close, sink));
                if incoming[own].holds_http() {
                    if incoming[other].has_begun() || self.returns == MAX_RETURNS {
                        incoming[own].await_no_peer(sink);
                    } else if incoming[other].holds_http() {
                        self.return_to_http(desk, sink);
                    }
                }
            }
            _ => self.bytes_before_frames(from, offset, bytes, origin, desk, sink),
        }
    }

    /// Bytes of what are no frames, or are not known to be any yet.
    #[inline(never)]
    fn bytes_before_frames(
        &mut self,
        from: Endpoint,
        offset: u64,
        bytes: &[u8],
        origin: incoming::Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        match &mut self.phase {
            Phase::Http(http) => {
                http.streams[from.index()].push(offset, bytes, origin);
                self.advance(desk, sink);
            }
            Phase::Unknown(seekers) => {
                let found = seekers[from.index()].push(bytes, origin);
                self.recognise(from, found, origin.at, desk, sink);
            }
            Phase::Frames(_) | Phase::Other | Phase::Spent => {}
        }
    }

    /// Both endpoints, or a client that is not answered, go on with HTTP where the first frames
    /// should be: they are read so again.
    fn return_to_http(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        let Phase::Frames(incoming) = &mut self.phase else { return };
        let [client, server] = incoming;
        let streams = [client, server].map(|incoming| incoming.take_http(sink));
        self.returns += 1;
        self.phase = Phase::Http(Box::new(Exchanges::behind_upgrade(streams, self.returns)));
        self.advance(desk, sink);
    }

    /// Goes on with HTTP as far as the bytes reach.
    fn advance(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        let Phase::Http(http) = &mut self.phase else { return };
        match http.advance(sink) {
            Reached::Upgrade(agreement) => self.switch_to_frames(Some(agreement), desk, sink),
            Reached::NotHttp(from) => self.not_http(from, false, desk, sink),
            Reached::End => self.limit_waiting(desk, sink),
        }
    }

    /// Something else than HTTP came: perhaps frames where none belong.
    fn not_http(
        &mut self,
        from: Endpoint,
        at_end: bool,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Phase::Http(http) = &mut self.phase else { return };
        if from == Endpoint::Server && http.awaits_upgrade() && http.may_be_stray(at_end) {
            match http.step_over_stray() {
                true => self.advance(desk, sink),
                false => self.limit_waiting(desk, sink),
            }
            return;
        }
        let stream = &http.streams[from.index()];
        let (offset, bytes, at) = (stream.offset, &stream.pending[..], stream.origin_of(0).at);
        let kind = match from {
            Endpoint::Server if http.awaits_upgrade() && begins_tls(bytes) => {
                NotFramesKind::TlsRecord
            }
            Endpoint::Server if http.awaits_upgrade() => {
                if bytes.len() < MAX_HEADER && !at_end {
                    return;
                }
                NotFramesKind::BeforeUpgrade
            }
            // The client may still go on with frames: that would concern WebSocket.
            Endpoint::Server if http.refused && !at_end => return self.limit_waiting(desk, sink),
            // One byte does not tell whether it is a frame: the second will come.
            Endpoint::Client if http.refused && bytes.len() == 1 && !at_end => return,
            Endpoint::Client if http.refused && begins_masked(bytes) => {
                NotFramesKind::FramesAfterRefusal
            }
            Endpoint::Client if bytes.starts_with(FLASH_POLICY) => {
                let bytes = &bytes[..bytes.len().min(MAX_NOT_FRAMES_KEPT)];
                let kind = NotFramesKind::FlashPolicy;
                sink(&Event::NotFrames(&NotFrames { from, offset, bytes, kind, at }));
                self.phase = Phase::Spent;
                return;
            }
            _ if self.stated.websocket && http.is_fresh() && !is_tls(bytes) => {
                return self.begin_stated(false, desk, sink);
            }
            _ => {
                self.phase = Phase::Other;
                return;
            }
        };
        // What tells it, however many bytes came with it.
        let bytes = &bytes[..bytes.len().min(MAX_HEADER)];
        sink(&Event::NotFrames(&NotFrames { from, offset, bytes, kind, at }));
        let is_text = kind == NotFramesKind::BeforeUpgrade && http.answers_text();
        http.tell_incomplete(sink);
        http.streams[Endpoint::Server.index()].refuses_frames = is_text;
        if kind == NotFramesKind::FramesAfterRefusal {
            // What the server goes on with is the body of its refusal.
            http.streams[Endpoint::Server.index()].refuses_frames = true;
        }
        if kind == NotFramesKind::TlsRecord {
            http.streams.iter_mut().for_each(|stream| stream.refuses_frames = true);
        }
        self.switch_to_frames(None, desk, sink);
        self.upgraded &= kind != NotFramesKind::TlsRecord;
    }

    /// A client that goes on without an answer, because the answer was not captured or it does
    /// not care: its bytes are not held back without end.
    fn limit_waiting(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        let Phase::Http(http) = &self.phase else { return };
        if http.streams[Endpoint::Client.index()].pending.len() > MAX_EARLY {
            self.give_up_waiting(desk, sink);
        } else if http.streams[Endpoint::Server.index()].pending.len() > MAX_EARLY {
            self.phase = Phase::Other;
        }
    }

    /// Nothing more comes, and the answer has no end: it is taken as far as it goes.
    fn take_unended(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        let Phase::Http(http) = &mut self.phase else { return };
        let server = Endpoint::Server.index();
        let how = self.ends.as_ref().and_then(|ends| ends.how[server]);
        let ended = matches!(how, Some((TransportEnd::Fin, _))) && !self.lossy[server];
        if let Some(agreement) = http.take_unended(ended, sink) {
            self.switch_to_frames(ended.then_some(agreement), desk, sink);
        }
    }

    /// No answer came: if the client went on with frames, they are read as such.
    fn give_up_waiting(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        let Phase::Http(http) = &mut self.phase else { return };
        let client = &http.streams[Endpoint::Client.index()];
        if http.awaits_upgrade() && begins_masked(&client.pending) {
            http.tell_incomplete(sink);
            self.switch_to_frames(None, desk, sink);
        }
    }

    /// From here on the bytes are frames. What was held back is read at once.
    fn switch_to_frames(
        &mut self,
        agreement: Option<Agreement>,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Phase::Http(http) = std::mem::replace(&mut self.phase, Phase::Other) else { return };
        self.upgraded = true;
        let agreement = agreement.or(self.stated.agreement);
        let frames = [Endpoint::Client, Endpoint::Server].map(|endpoint| {
            let offset = http.streams[endpoint.index()].offset;
            Incoming::new(endpoint, offset, agreement)
        });
        self.phase = Phase::Frames(frames);
        // Where bytes of HTTP are missing, the first frame's border is not known.
        if let Phase::Frames(incoming) = &mut self.phase {
            for (incoming, stream) in incoming.iter_mut().zip(&http.streams) {
                if stream.refuses_frames {
                    incoming.give_up();
                } else if let Some(gap) = &stream.cut {
                    sink(&Event::Gap(gap));
                    incoming.lossy = true;
                    incoming.seek_behind_head();
                } else if stream.is_unfinished {
                    incoming.lossy = true;
                    incoming.seek();
                }
            }
        }
        // The server spoke first: its answer is what ended the wait.
        for endpoint in [Endpoint::Server, Endpoint::Client] {
            let stream = &http.streams[endpoint.index()];
            for (offset, bytes, origin) in stream.pieces() {
                self.bytes(endpoint, offset, bytes, origin, desk, sink);
            }
        }
    }

    /// Frames were found on a connection whose handshake was not captured, or may never be.
    fn recognise(
        &mut self,
        from: Endpoint,
        found: Option<Found>,
        at: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Phase::Unknown(seekers) = &mut self.phase else { return };
        let Some(found) = found else {
            if seekers.iter().all(|seeker| seeker.tried() == 0 || seeker.tried() > MAX_UNKNOWN) {
                match self.stated.websocket {
                    true => self.begin_frames(0, [None, None], at, desk, sink),
                    false => self.phase = Phase::Other,
                }
            }
            return;
        };
        self.begin_found(from, found, at, desk, sink);
    }

    /// What was found in one direction tells whether it is the client's.
    fn begin_found(
        &mut self,
        from: Endpoint,
        found: Found,
        at: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let client = if found.masked { from.index() } else { from.peer().index() };
        let founds = if found.masked { [Some(found), None] } else { [None, Some(found)] };
        self.begin_frames(client, founds, at, desk, sink);
    }

    /// The connection ended, and neither direction alone was evidence enough.
    fn recognise_both(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        let Phase::Unknown(seekers) = &mut self.phase else { return };
        let at = self.last_at;
        if let Some((client, founds)) = resync::agree(seekers) {
            return self.begin_frames(client, founds.map(Some), at, desk, sink);
        }
        if !self.stated.websocket {
            return;
        }
        for from in [Endpoint::Client, Endpoint::Server] {
            if let Some(found) = seekers[from.index()].finish() {
                return self.begin_found(from, found, at, desk, sink);
            }
        }
        self.begin_frames(0, [None, None], at, desk, sink);
    }

    /// These are frames: what the input calls endpoint number `client` masks them. What was found
    /// comes in the order client, server.
    fn begin_frames(
        &mut self,
        client: usize,
        founds: [Option<Found>; 2],
        at: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Phase::Unknown(seekers) = std::mem::replace(&mut self.phase, Phase::Other) else {
            return;
        };
        let [first, second] = *seekers;
        let mut seekers = [first, second];
        let swapped = client != 0;
        if swapped {
            self.swapped = true;
            if let Some(ends) = &mut self.ends {
                ends.how.swap(0, 1);
                ends.close_notify.swap(0, 1);
                ends.carriage.swap(0, 1);
                ends.told_first = ends.told_first.map(Endpoint::peer);
                ends.heard.swap(0, 1);
            }
            self.lossy.swap(0, 1);
            seekers.swap(0, 1);
        }
        if founds.iter().any(Option::is_some) {
            let certain = founds.iter().flatten().map(|found| found.confidence);
            let confidence = certain.fold(1.0, f64::min);
            let from = if founds[0].is_some() { Endpoint::Client } else { Endpoint::Server };
            sink(&Event::Recognised(&Recognised { from, swapped, confidence, at }));
        }
        let mut frames = self.stated_frames(true);
        // What was found comes first: it is what tells what this connection is.
        let order = if founds[0].is_some() { [0, 1] } else { [1, 0] };
        let mut sides: Vec<_> = frames.iter_mut().zip(seekers).zip(founds).map(Some).collect();
        for index in order {
            let Some(((incoming, mut seeker), found)) = sides[index].take() else { continue };
            let from = incoming.from();
            for gap in seeker.take_untold() {
                sink(&Event::Gap(&Gap { from, ..gap }));
                incoming.lossy = true;
            }
            match found {
                Some(found) => incoming.resume(found, 0, desk, sink),
                None => incoming.seek_with(seeker, desk, sink),
            }
        }
        self.upgraded = true;
        self.first_close =
            frames.iter().find(|side| side.closed().is_some()).map(|side| side.from());
        self.phase = Phase::Frames(frames);
    }

    /// A message that an input has as such.
    fn message(
        &mut self,
        from: Endpoint,
        said: &Said<'_>,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        if let Phase::Http(http) = &mut self.phase {
            // There are messages: whatever is known of the handshake, it upgraded.
            http.tell_incomplete(sink);
            self.begin_stated(false, desk, sink);
        }
        let Phase::Frames(incoming) = &mut self.phase else { return };
        let first_close = &mut self.first_close;
        incoming[from.index()]
            .message(said, desk, &mut |event| noting_close(event, first_close, sink));
    }

    /// Both directions, with what was agreed as it was stated. If the beginning is missing, it is
    /// missing to their decompressors as well.
    fn stated_frames(&self, is_late: bool) -> [Incoming; 2] {
        [Endpoint::Client, Endpoint::Server].map(|endpoint| {
            let mut incoming = Incoming::new(endpoint, 0, self.stated.agreement);
            if is_late {
                // Frames mostly begin where segments do, and the capture begins with one.
                incoming.seek_behind_head();
            }
            incoming
        })
    }

    /// No handshake was seen, and none is needed: these are frames, it was said.
    fn begin_stated(&mut self, is_late: bool, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        let frames = self.stated_frames(is_late);
        let before = std::mem::replace(&mut self.phase, Phase::Frames(frames));
        self.upgraded = true;
        let Phase::Http(http) = before else { return };
        for endpoint in [Endpoint::Client, Endpoint::Server] {
            let stream = &http.streams[endpoint.index()];
            for (offset, bytes, origin) in stream.pieces() {
                self.bytes(endpoint, offset, bytes, origin, desk, sink);
            }
        }
    }

    fn head(
        &mut self,
        from: Endpoint,
        head: Box<Head>,
        body: &[u8],
        at: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Phase::Http(http) = &mut self.phase else { return };
        match from {
            Endpoint::Client => http.take_request(head, at, sink),
            Endpoint::Server => {
                if let Some(agreement) = http.take_response(head, body, at, sink) {
                    self.switch_to_frames(Some(agreement), desk, sink);
                }
            }
        }
    }

    fn gap(
        &mut self,
        from: Endpoint,
        length: Option<u64>,
        reason: GapReason,
        origin: incoming::Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        match &mut self.phase {
            Phase::Frames(incoming) => {
                incoming[from.index()].gap(length, reason, origin, desk, sink);
            }
            Phase::Http(http) => {
                if http.step_over_gap(from, length) {
                    return;
                }
                let gap =
                    Gap { from, offset: 0, length, reason, framing_lost: true, at: origin.at };
                if http.is_untouched() && self.stated.websocket && !self.client_is_guessed {
                    self.begin_stated(true, desk, sink);
                    return self.gap(from, length, reason, origin, desk, sink);
                }
                if http.is_untouched() {
                    // The connection is older than the capture: both directions may hold frames.
                    let mut seekers = [true, false].map(|masked| {
                        let masked = self.stated.client.then_some(masked);
                        let expected = match self.stated.websocket {
                            true => Expectation::stated(),
                            false => Expectation::unknown(masked),
                        };
                        Seeker::new(0, expected)
                    });
                    seekers[from.index()].push_untold_gap(gap, origin);
                    self.phase = Phase::Unknown(Box::new(seekers));
                    return;
                }
                let awaited = http.awaits_upgrade();
                if http.lose(gap, sink).is_some() {
                    // Part of the answer is missing, and with it what was agreed.
                    self.switch_to_frames(None, desk, sink);
                } else if from == Endpoint::Server && awaited {
                    http.tell_incomplete(sink);
                    self.switch_to_frames(None, desk, sink);
                } else {
                    // The answer may wait for a request that will not come any more.
                    self.advance(desk, sink);
                }
            }
            Phase::Unknown(seekers) => {
                let gap =
                    Gap { from, offset: 0, length, reason, framing_lost: true, at: origin.at };
                seekers[from.index()].push_untold_gap(gap, origin);
            }
            Phase::Other | Phase::Spent => {}
        }
    }
}

/// True for an alert or a handshake record of TLS (RFC 8446 §5.1).
fn begins_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 0x03, 0..=4, ..])
}

/// True for any record of TLS. No frame begins so, as long as no extension defines the opcodes.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x14..=0x17, 0x03, 0..=4, ..])
}

/// Who closed first, if the other had heard it by then: each Close with what its sender had heard,
/// and where it ends. The order in a capture may be another one.
fn first_to_close([client, server]: [Option<FirstClose>; 2]) -> Option<Endpoint> {
    let (client, server) = (client?, server?);
    if client.heard.is_some_and(|heard| heard >= server.end) {
        Some(Endpoint::Server)
    } else if server.heard.is_some_and(|heard| heard >= client.end) {
        Some(Endpoint::Client)
    } else {
        None
    }
}

fn noting_close(
    event: &Event<'_>,
    first_close: &mut Option<Endpoint>,
    sink: &mut impl FnMut(&Event<'_>),
) {
    if let Event::Close(close) = event {
        first_close.get_or_insert(close.from);
    }
    sink(event);
}
