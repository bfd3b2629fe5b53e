//! What is remembered across connections: of each client and server the last few attempts to
//! connect, and of each handshake's key where it was seen. It costs something for each connection,
//! nothing for a packet or a frame, and is capped: what was longest not heard of is forgotten.

mod legs;

use super::twins::{Reframed, Twins};
use super::{Check, Finding, Judged, Memory, Rule, Violator, all};
use crate::http::Head;
use crate::said::{At, Endpoint, Time};
use crate::websocket::accept::is_well_known;
use crate::websocket::handshake::Handshake;
use crate::websocket::{End, Event, Message};
use foldhash::quality::RandomState;
use legs::{Leg, Legs};
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

/// Pairs of a client and a server that are remembered, and keys.
const MAX_KNOWN: usize = 2048;
/// Attempts to connect that are remembered of each pair.
const MAX_ATTEMPTS: usize = 16;

/// Which connection something happened on.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    /// Its number.
    pub number: u64,
    /// Address of the client.
    pub client: Option<SocketAddr>,
    /// Address of the server.
    pub server: Option<SocketAddr>,
    /// Its first packet.
    pub opened: At,
}

/// What the rules remember across connections.
#[derive(Debug, Default)]
pub struct Across {
    hasher: RandomState,
    pairs: HashMap<(IpAddr, SocketAddr), Pair, RandomState>,
    legs: Legs,
    twins: Twins,
    /// Counts what is noted, to know what was longest not heard of.
    clock: u64,
}

/// A client and a server, and its last attempts to connect, oldest first.
#[derive(Debug, Default)]
struct Pair {
    attempts: VecDeque<Attempt>,
    /// For which target a storm has been told, and when it was seen last.
    storm: Option<(u64, Time)>,
    touched: u64,
}

/// An attempt to connect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) number: u64,
    port: u16,
    target: u64,
    key: Option<u64>,
    opened: Option<Time>,
    state: State,
    pub(super) masks: Option<[u32; 2]>,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unanswered,
    /// The answer was captured, or may be among what is missing.
    Answered,
    Over {
        at: Option<Time>,
        abnormal: bool,
    },
}

/// Something that a check across connections looks at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fact<'a> {
    /// The handshake's request.
    Request(&'a Head),
    /// A message that has other fragments on the other side of a proxy.
    Reframed(&'a Reframed),
    /// The end.
    End,
}

/// What a check across connections sees: the connection, and the earlier ones of the same client
/// and server.
#[derive(Debug)]
pub struct Meeting<'a> {
    pub(super) fact: Fact<'a>,
    /// This attempt.
    pub(super) own: Attempt,
    /// Those before it, oldest first.
    pub(super) earlier: &'a VecDeque<Attempt>,
    /// What was remembered of the connection itself.
    pub(super) memory: &'a Memory,
    storm: Option<(u64, Time)>,
}

impl Across {
    /// True if frames and messages are compared, too, not only how connections begin and end.
    #[inline]
    pub fn compares_messages(&self) -> bool {
        !self.twins.is_empty()
    }

    /// Compares what happened with what happened on other connections.
    #[inline]
    pub fn consider(
        &mut self,
        who: impl Fn() -> Who,
        event: &Event<'_>,
        memory: &Memory,
        judged: &mut Judged,
    ) {
        match event {
            Event::Request(head) => self.request(who(), head, memory, judged),
            Event::Handshake(handshake) => self.handshake(who(), handshake),
            Event::Frame(frame) if self.compares_messages() => {
                self.twins.frame(who().number, frame)
            }
            Event::Message(message) if self.compares_messages() => {
                self.message(who(), message, memory, judged);
            }
            Event::End(end) => self.end(who(), end, memory, judged),
            _ => {}
        }
    }

    fn request(&mut self, who: Who, head: &Head, memory: &Memory, judged: &mut Judged) {
        let (Some(client), Some(server)) = (who.client, who.server) else { return };
        let key = head.value("Sec-WebSocket-Key").map(|key| self.hash(key));
        if let Some(key) = key.filter(|_| !is_textbook(head)) {
            let leg = Leg::new(who.number, server, asks_upgrade(head), self.tick());
            if let Some(front) = self.legs.note(key, leg) {
                self.twins.pair(front, who.number);
            }
        }
        let own = Attempt {
            number: who.number,
            port: client.port(),
            target: self.hash(head.target().unwrap_or_default()),
            key,
            opened: who.opened.time,
            state: if memory.unseen { State::Answered } else { State::Unanswered },
            masks: None,
        };
        let pair = self.pair(client, server);
        if pair.attempts.iter().any(|attempt| attempt.number == who.number) {
            return; // another handshake on the same connection
        }
        let fact = Fact::Request(head);
        let storm = pair.storm;
        let meeting = Meeting { fact, own, earlier: &pair.attempts, memory, storm };
        let from = judged.findings.len();
        judge(&meeting, who.opened, judged);
        let is_storm = |finding: &Finding| finding.rule.id == "SEC-RECONNECT-STORM";
        if let Some(opened) = own.opened
            && (judged.findings[from..].iter().any(is_storm)
                || storm.is_some_and(|(target, _)| target == own.target))
        {
            pair.storm = Some((own.target, opened));
        }
        if pair.attempts.len() == MAX_ATTEMPTS {
            pair.attempts.pop_front();
        } else if pair.attempts.is_empty() {
            // Most clients connect once.
            pair.attempts.reserve_exact(1);
        }
        pair.attempts.push_back(own);
    }

    fn handshake(&mut self, who: Who, handshake: &Handshake) {
        if handshake.response.is_some() || handshake.answer_lost {
            self.may_be_answered(who);
        }
    }

    /// The handshake of that connection is answered, as far as anybody can know.
    pub(crate) fn may_be_answered(&mut self, who: Who) {
        if let Some(attempt) = self.attempt(who).filter(|it| it.state == State::Unanswered) {
            attempt.state = State::Answered;
        }
    }

    fn end(&mut self, who: Who, end: &End, memory: &Memory, judged: &mut Judged) {
        self.legs.end(who.number);
        self.twins.forget(who.number);
        let Some(attempt) = self.attempt(who) else { return };
        let at = end.first_to_end().and_then(|(endpoint, _)| end.transport[endpoint.index()]);
        let at = at.and_then(|(_, at)| at.time).or(end.at.time);
        attempt.state = State::Over { at, abnormal: !end.is_clean() };
        attempt.masks = memory.keys.beginning();
        let own = *attempt;
        let (Some(client), Some(server)) = (who.client, who.server) else { return };
        let Some(pair) = self.pairs.get(&(client.ip(), server)) else { return };
        let (fact, storm) = (Fact::End, pair.storm);
        let meeting = Meeting { fact, own, earlier: &pair.attempts, memory, storm };
        judge(&meeting, end.at, judged);
    }

    /// A message of a connection that may have been seen on the other side of a proxy, too.
    fn message(&mut self, who: Who, message: &Message<'_>, memory: &Memory, judged: &mut Judged) {
        let Some(reframed) = self.twins.message(who.number, message) else { return };
        let Some(own) = self.attempt(who).copied() else { return };
        let (Some(client), Some(server)) = (who.client, who.server) else { return };
        let Some(pair) = self.pairs.get(&(client.ip(), server)) else { return };
        let (fact, storm) = (Fact::Reframed(&reframed), pair.storm);
        let meeting = Meeting { fact, own, earlier: &pair.attempts, memory, storm };
        judge(&meeting, message.at, judged);
    }

    /// The other half of a handshake that passes a proxy: on which connection the same key is seen
    /// between the proxy and the server behind it, and whether Upgrade is asked for there.
    pub(super) fn behind(&self, number: u64, key: &[u8]) -> Option<(u64, bool)> {
        self.legs.get(self.hash(key)).filter(|leg| leg.number == number)?.behind
    }

    /// The same from behind: on which connection the client asked the proxy, and whether for Upgrade.
    pub(super) fn before(&self, number: u64, key: &[u8]) -> Option<(u64, bool)> {
        let leg = self.legs.get(self.hash(key))?;
        let (behind, _) = leg.behind?;
        (behind == number).then_some((leg.number, leg.asks_upgrade))
    }

    fn pair(&mut self, client: SocketAddr, server: SocketAddr) -> &mut Pair {
        let (touched, key) = (self.tick(), (client.ip(), server));
        if !self.pairs.contains_key(&key) && self.pairs.len() == MAX_KNOWN {
            forget_older_half(&mut self.pairs, |pair| pair.touched);
        }
        let pair = self.pairs.entry(key).or_default();
        pair.touched = touched;
        pair
    }

    fn attempt(&mut self, who: Who) -> Option<&mut Attempt> {
        let (client, server) = (who.client?, who.server?);
        let pair = self.pairs.get_mut(&(client.ip(), server))?;
        pair.attempts.iter_mut().find(|attempt| attempt.number == who.number)
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }
}

/// Makes room, if there is none: what was not heard of for longest goes, in one walk for many.
fn forget_older_half<K, V>(known: &mut HashMap<K, V, RandomState>, touched: fn(&V) -> u64) {
    if known.len() < MAX_KNOWN {
        return;
    }
    let mut times: Vec<u64> = known.values().map(touched).collect();
    let (_, middle, _) = times.select_nth_unstable(MAX_KNOWN / 2);
    known.retain(|_, value| touched(value) >= *middle);
}

/// The keys of textbooks are not random.
fn is_textbook(head: &Head) -> bool {
    head.value("Sec-WebSocket-Key").is_some_and(is_well_known)
}

/// The request has an Upgrade, whatever it names.
pub(super) fn asks_upgrade(head: &Head) -> bool {
    head.line("Upgrade").is_some()
}

fn judge(meeting: &Meeting<'_>, at: At, judged: &mut Judged) {
    static RULES: LazyLock<Vec<&'static Rule>> =
        LazyLock::new(|| all().filter(|rule| matches!(rule.check, Check::Across(_))).collect());
    for rule in RULES.iter() {
        let Check::Across(check) = rule.check else { continue };
        let Some(broken) = check(meeting) else { continue };
        judged.findings.push(Finding {
            rule,
            severity: broken.severity.unwrap_or(rule.severity),
            violator: (rule.violator == Violator::Client).then_some(Endpoint::Client),
            frame: broken.frame,
            broken,
            message: None,
            at,
            root: None,
        });
    }
}

impl Meeting<'_> {
    /// The request, if that is what happened.
    pub(super) fn request(&self) -> Option<&Head> {
        match self.fact {
            Fact::Request(head) => Some(head),
            Fact::Reframed(_) | Fact::End => None,
        }
    }

    /// The message that a proxy has cut anew, if that is what happened.
    pub(super) fn reframed(&self) -> Option<&Reframed> {
        match self.fact {
            Fact::Reframed(reframed) => Some(reframed),
            Fact::Request(_) | Fact::End => None,
        }
    }

    /// The last earlier attempt, from another port, that had the same key.
    pub(super) fn same_key(&self) -> Option<&Attempt> {
        let key = self.own.key?;
        self.earlier.iter().rfind(|it| it.key == Some(key) && it.port != self.own.port)
    }

    /// The earlier attempts that are still unanswered.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Attempt> {
        self.earlier.iter().filter(|it| it.state == State::Unanswered)
    }

    /// The last earlier connection, with another handshake, that began with the same masking keys.
    pub(super) fn same_masks(&self) -> Option<&Attempt> {
        let is_other = |it: &&Attempt| it.number != self.own.number && it.port != self.own.port;
        let has_same = |it: &&Attempt| it.masks == self.own.masks && it.key != self.own.key;
        self.own.masks?;
        self.earlier.iter().rev().filter(is_other).find(has_same)
    }

    /// The seconds between the abnormal end of each of the last `count - 1` connections to the same
    /// target and the attempt after it; none if they were not in that order, or one was clean.
    pub(super) fn retries(&self, count: usize) -> Option<Retries> {
        let is_told = self.storm.is_some_and(|(target, last)| {
            let quiet = self.own.opened.map_or(0.0, |opened| opened.seconds_since(last));
            target == self.own.target && quiet < self.memory.thresholds.reconnect_time
        });
        if is_told || count < 3 {
            return None;
        }
        let same = self.earlier.iter().filter(|it| it.target == self.own.target);
        let mut run: Vec<&Attempt> = same.rev().take(count - 1).collect();
        run.reverse();
        if run.len() + 1 < count {
            return None;
        }
        let nexts = run[1..].iter().copied().chain([&self.own]);
        let pauses: Option<Vec<f64>> = run
            .iter()
            .zip(nexts)
            .map(|(it, next)| match it.state {
                State::Over { at: Some(over), abnormal: true } => {
                    Some(next.opened?.seconds_since(over)).filter(|pause| *pause >= 0.0)
                }
                _ => None,
            })
            .collect();
        let first = run[0];
        let lasted = self.own.opened?.seconds_since(first.opened?);
        Some(Retries { first: first.number, lasted, pauses: pauses? })
    }
}

/// Attempts to connect, each after the abnormal end of the one before.
#[derive(Debug)]
pub(super) struct Retries {
    /// The number of the first connection.
    pub(super) first: u64,
    /// Seconds from the first attempt to the last.
    pub(super) lasted: f64,
    /// Seconds from each end to the next attempt.
    pub(super) pauses: Vec<f64>,
}

impl Retries {
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.pauses.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// True if the client waits longer each time, as far as a random part lets one see it.
    pub(super) fn grow(&self) -> bool {
        const SHORTEST: f64 = 0.05;
        match (self.pauses.first(), self.pauses.last()) {
            (Some(first), Some(last)) => *last >= SHORTEST && *last >= 1.5 * first,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeadRead;

    #[test]
    fn what_is_remembered_is_bounded() {
        let request = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==\r\n\r\n";
        let HeadRead::Head(head, _) = Head::read(request, 0) else { panic!("a whole head") };
        let mut across = Across::default();
        let (memory, mut judged) = (Memory::default(), Judged::default());
        for number in 0..5000u32 {
            let client = SocketAddr::from((number.to_be_bytes(), 1));
            let server = Some(SocketAddr::from(([192, 0, 2, 1], 80)));
            let (number, opened) = (u64::from(number), At::default());
            let who = Who { number, client: Some(client), server, opened };
            across.consider(|| who, &Event::Request(&head), &memory, &mut judged);
        }
        assert!((MAX_KNOWN / 2..=MAX_KNOWN).contains(&across.pairs.len()));
        // The one that was heard of last is still there.
        let last = IpAddr::from(4999u32.to_be_bytes());
        assert!(across.pairs.keys().any(|(client, _)| *client == last));
        for number in 5000..5100u64 {
            let client = SocketAddr::from((4999u32.to_be_bytes(), number as u16));
            let server = Some(SocketAddr::from(([192, 0, 2, 1], 80)));
            let who = Who { number, client: Some(client), server, opened: At::default() };
            across.consider(|| who, &Event::Request(&head), &memory, &mut judged);
        }
        assert!(across.pairs.values().all(|pair| pair.attempts.len() <= MAX_ATTEMPTS));
    }
}
