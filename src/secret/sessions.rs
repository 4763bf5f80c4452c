//! Exchanges under a secret, with what is left of earlier ones: the tickets that this node has given, and those that it was given. A
//! handshake costs each end more than all the rest of an exchange, and the same nodes meet again every few seconds.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRng as _;

use super::Secret;
use super::exchange::{Channel, Dialing, FIRST, SECOND};
use super::resumption::{ANSWERED, ASKED, Asking, Ticket, TicketId};

/// How long a ticket may be used. Then both ends forget it: what was protected by it stays closed to whoever reads their memory later, and
/// a pair that dials each other every ten seconds makes one handshake in sixty.
pub const TICKET_LASTS: Duration = Duration::from_mins(10);

/// Tickets kept of each kind: a megabyte in all. Those of more peers than this make a handshake each time.
pub const MAX_TICKETS: usize = 4_096;

/// The secret of a node, and its tickets.
pub struct Sessions {
    secret: Arc<Secret>,
    given: Mutex<Tickets<TicketId>>,
    taken: Mutex<Tickets<SocketAddr>>,
}

/// What becomes of a wish to resume.
pub enum Resumption {
    /// The ticket is known: the second message.
    Known(Channel, [u8; ANSWERED]),
    /// It is not, or not any more: there has to be a handshake.
    Unknown,
}

/// A connection whose request was not yet read.
pub struct Accepted {
    /// What protects it.
    pub channel: Channel,
    /// The ticket for the next ones, if it began with a handshake.
    ticket: Option<Ticket>,
}

/// Tickets, each for its time; the oldest make room.
struct Tickets<K> {
    by: HashMap<K, (Ticket, Instant)>,
    /// What was kept at which time, the oldest first; what was kept again stands here twice.
    order: VecDeque<(K, Instant)>,
}

impl Sessions {
    /// Of a node with this secret.
    pub fn new(secret: Arc<Secret>) -> Self {
        Self { secret, given: Mutex::default(), taken: Mutex::default() }
    }

    /// The group, unless nobody else is to know it.
    pub fn shown_group(&self) -> Option<&str> {
        self.secret.shown_group()
    }

    /// Asks a server that gave a ticket to resume: the ticket, and the first message. None without one.
    pub fn resume(&self, server: SocketAddr, now: Instant) -> Option<(Asking, TicketId, [u8; ASKED])> {
        let ticket = held(&self.taken).get(&server, now)?;
        let (asking, first) = self.secret.ask(&ticket, random()?);
        Some((asking, ticket.id, first))
    }

    /// Begins a handshake. None if the system gives no random numbers.
    pub fn dial(&self) -> Option<(Dialing, [u8; FIRST])> {
        self.secret.dial()
    }

    /// A server gave this ticket.
    pub fn note_taken(&self, server: SocketAddr, ticket: Ticket, now: Instant) {
        held(&self.taken).keep(server, ticket, now);
    }

    /// Does without a server's ticket: it does not know it any more, or does not answer as it should.
    pub fn forget(&self, server: SocketAddr) {
        held(&self.taken).by.remove(&server);
    }

    /// Answers who wants to resume; none if it does not have the secret.
    pub fn accept_resumed(&self, id: &TicketId, first: &[u8], now: Instant) -> Option<Resumption> {
        let drawn = self.secret.asked(id, first)?;
        let Some(ticket) = held(&self.given).get(id, now) else { return Some(Resumption::Unknown) };
        let (resumed, second) = ticket.answer(&drawn, random()?)?;
        Some(Resumption::Known(Channel::Resumed(resumed), second))
    }

    /// Answers the first message of a handshake; none if it was not made with one of the keys.
    pub fn accept(&self, first: &[u8]) -> Option<(Accepted, [u8; SECOND])> {
        let ticket = Ticket::of(&random()?);
        let (channel, second) = self.secret.accept(first, &ticket)?;
        Some((Accepted { channel, ticket: Some(ticket) }, second))
    }

    /// The request of a connection could be read: its dialer is there now, and was not recorded. Only then its ticket is kept.
    pub fn note_read(&self, accepted: Accepted, now: Instant) -> Channel {
        if let Some(ticket) = accepted.ticket {
            held(&self.given).keep(ticket.id, ticket, now);
        }
        accepted.channel
    }
}

impl From<Channel> for Accepted {
    fn from(channel: Channel) -> Self {
        Self { channel, ticket: None }
    }
}

impl<K: Copy + Eq + Hash> Tickets<K> {
    fn keep(&mut self, key: K, ticket: Ticket, now: Instant) {
        while let Some((key, at)) = self.order.front().copied() {
            let is_over = now.saturating_duration_since(at) >= TICKET_LASTS;
            if !is_over && self.order.len() < MAX_TICKETS {
                break;
            }
            self.order.pop_front();
            if self.by.get(&key).is_some_and(|(_, kept_at)| *kept_at == at) {
                self.by.remove(&key);
            }
        }
        self.order.push_back((key, now));
        self.by.insert(key, (ticket, now));
    }

    fn get(&self, key: &K, now: Instant) -> Option<Ticket> {
        let (ticket, at) = self.by.get(key)?;
        (now.saturating_duration_since(*at) < TICKET_LASTS).then(|| ticket.clone())
    }
}

impl<K> Default for Tickets<K> {
    fn default() -> Self {
        Self { by: HashMap::new(), order: VecDeque::new() }
    }
}

/// Nothing is left half done where these are held.
fn held<K>(tickets: &Mutex<Tickets<K>>) -> MutexGuard<'_, Tickets<K>> {
    tickets.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random bytes of the system, if it gives any.
fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).ok()?;
    Some(bytes)
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("secret", &self.secret).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(fill: u8) -> Ticket {
        Ticket::of(&[fill; Ticket::LENGTH])
    }

    #[test]
    fn a_ticket_is_over_after_its_time_and_the_oldest_makes_room() {
        let t0 = crate::testkit::clock::now();
        let mut tickets = Tickets::default();
        tickets.keep(0, ticket(0), t0);
        let soon = t0 + TICKET_LASTS.mul_f64(0.9);
        assert_eq!(tickets.get(&0, soon), Some(ticket(0)));
        assert_eq!(tickets.get(&0, t0 + TICKET_LASTS), None);
        // One that is kept again is as young as the last time.
        tickets.keep(0, ticket(1), soon);
        tickets.keep(1, ticket(2), t0 + TICKET_LASTS);
        assert_eq!(tickets.get(&0, t0 + TICKET_LASTS), Some(ticket(1)));
        for key in 2..=MAX_TICKETS {
            tickets.keep(key, ticket(3), t0 + TICKET_LASTS);
        }
        assert_eq!(tickets.get(&0, t0 + TICKET_LASTS), None);
        assert_eq!(tickets.get(&1, t0 + TICKET_LASTS), Some(ticket(2)));
        assert_eq!((tickets.by.len(), tickets.order.len()), (MAX_TICKETS, MAX_TICKETS));
        tickets.keep(0, ticket(4), t0 + TICKET_LASTS * 2);
        assert_eq!((tickets.by.len(), tickets.order.len()), (1, 1), "what is over is not kept");
    }
}
