//! What a forger says: messages that are well formed, in the name of nodes that are there or are not, with numbers that are right or not.

use std::net::IpAddr;

use crate::engine::{Incarnation, NodeId, Nonce};
use crate::proto::exchange::{Reply, Request, Status};
use crate::proto::presence::{Kind, Presence, Suspicion};
use crate::proto::rows::{Entry, PageHead, Proof, RowRequest, append};
use crate::secret::TAG;
use crate::testkit::{presence, reply, request};

use super::tape::Tape;

/// Identities that are of nobody, but for the forger.
const OTHERS: [u128; 4] = [0, 0x0bad, 0x0bad_0000_0001, u128::MAX];

/// What a forger knows: on a link, everything that is broadcast, and what was sent to it.
#[derive(Debug)]
pub(super) struct Known {
    /// The nodes that are there: id, life, the greatest sequence heard.
    pub(super) nodes: Vec<(NodeId, Incarnation, u64)>,
    /// Nonces that were sent to the forger's own addresses.
    pub(super) nonces: Vec<Nonce>,
}

/// Where something may be that is dialed, sent to or told of.
pub(super) const PLACES: [&str; 12] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.9.1",
    "10.0.9.2",
    "10.0.8.8",
    "192.0.2.9",
    "10.0.255.255",
    "255.255.255.255",
    "0.0.0.0",
    "224.0.0.1",
    "fe80::9",
];

const TCP_PORTS: [u16; 4] = [17_474, 17_474, 9, 0];
const UDP_PORTS: [u16; 4] = [30_000, 30_000, 9, 17_474];

impl Known {
    /// Somebody's id, life and sequence, or something near them.
    fn life(&self, tape: &mut Tape<'_>) -> (NodeId, Incarnation, u64) {
        let which = usize::from(tape.byte());
        let (id, Incarnation(life), sequence) = match self.nodes.get(which % (self.nodes.len() + 2)) {
            Some(node) => *node,
            None => (NodeId(tape.pick(&OTHERS)), Incarnation(1_000), 1),
        };
        (id, Incarnation(tape.near(life)), tape.near(sequence.wrapping_add(1)))
    }

    fn nonce(&self, tape: &mut Tape<'_>) -> Nonce {
        match self.nonces.len() {
            0 => Nonce(tape.byte().into()),
            count => self.nonces[count - 1 - usize::from(tape.byte()) % count],
        }
    }

    /// A datagram.
    pub(super) fn datagram(&self, tape: &mut Tape<'_>) -> Vec<u8> {
        let kind = tape.pick(&[
            Kind::Heartbeat,
            Kind::Heartbeat,
            Kind::Heartbeat,
            Kind::Hello,
            Kind::Hello,
            Kind::Goodbye,
            Kind::Probe,
        ]);
        let (id, incarnation, sequence) = self.life(tape);
        let rows = tape.maybe(|tape| self.pages(tape));
        let forged = Presence {
            id,
            incarnation,
            group: tape.pick(&["default", "default", "default", "other"]),
            tcp_port: tape.pick(&TCP_PORTS),
            udp_port: tape.pick(&UDP_PORTS),
            period_ms: tape.pick(&[5_000, 5_000, 100, 3_600_000]),
            claimed: place(tape),
            nonce: tape.maybe(|tape| Nonce(tape.byte().into())),
            echo: tape.maybe(|tape| self.nonce(tape)),
            prefix: tape.maybe(|tape| tape.pick(&[16, 24, 0, 128])),
            wide: tape.maybe(|tape| tape.byte() % 2 == 0),
            suspicion: tape.maybe(|tape| self.suspicion(tape)),
            rows: rows.as_deref().filter(|rows| rows.len() < 880).map(Into::into),
            visitor: tape.maybe(|tape| tape.byte() % 2 == 0),
            tag: None,
            ..presence(kind, 0, sequence)
        };
        match tape.byte() {
            0..40 => forged.encode_tagged(|_| [tape.byte(); TAG]),
            40..50 => forged.encode_sealed(TAG, |body| [&[tape.byte(); TAG], body].concat()),
            _ => forged.encode(),
        }
    }

    fn suspicion(&self, tape: &mut Tape<'_>) -> Suspicion {
        let (suspect, incarnation, _) = self.life(tape);
        Suspicion { suspect, incarnation, seen: tape.byte() % 6 }
    }

    /// The frame of a request.
    pub(super) fn request(&self, tape: &mut Tape<'_>) -> Vec<u8> {
        let (id, incarnation, _) = self.life(tape);
        let rows = tape.maybe(|tape| self.pages(tape));
        let wants = tape.maybe(|tape| self.wants(tape));
        let about = tape.maybe(|tape| {
            let mut about = Vec::new();
            (0..tape.byte() % 9).for_each(|_| append(&self.life(tape).0, &mut about));
            about
        });
        let request = Request {
            id,
            incarnation,
            group: tape.pick(&["default", "default", "default", "other"]),
            tcp_port: tape.pick(&TCP_PORTS),
            rows: rows.as_deref().map(Into::into),
            wants: wants.as_deref().map(Into::into),
            about: about.as_deref().map(Into::into),
            prefix: tape.maybe(|tape| tape.pick(&[16, 24, 0, 128])),
            tether: tape.maybe(|tape| tape.byte() % 4 != 0),
            visitor: tape.maybe(|tape| tape.byte() % 2 == 0),
            ..request(0)
        };
        request.encode()
    }

    /// The body of a reply.
    pub(super) fn reply(&self, tape: &mut Tape<'_>) -> Vec<u8> {
        let (id, incarnation, _) = self.life(tape);
        let rows = tape.maybe(|tape| self.pages(tape));
        let reply = Reply {
            status: tape.pick(&[Status::Ok, Status::Ok, Status::WrongGroup, Status::BadRequest]),
            id,
            incarnation,
            group: tape.pick(&["default", "default", "other"]),
            rows: rows.as_deref().map(Into::into),
            have: tape.maybe(|tape| tape.near(3)),
            tether: tape.maybe(|tape| tape.byte() % 4 != 0),
            visitor: tape.maybe(|tape| tape.byte() % 2 == 0),
            secret: tape.maybe(|tape| tape.byte() % 2 == 0),
            ..reply(0, Nonce(1))
        };
        reply.encode().split_off(crate::proto::exchange::HEADER)
    }

    fn wants(&self, tape: &mut Tape<'_>) -> Vec<u8> {
        let mut wants = Vec::new();
        for _ in 0..tape.byte() % 5 {
            let (owner, incarnation, version) = self.life(tape);
            append(&RowRequest { owner, incarnation, version: version % 64 }, &mut wants);
        }
        wants
    }

    /// A few pages.
    fn pages(&self, tape: &mut Tape<'_>) -> Vec<u8> {
        let mut pages = Vec::new();
        for _ in 0..=(tape.byte() % 2) {
            let (owner, incarnation, _) = self.life(tape);
            let upto = tape.near(5);
            let head = PageHead {
                owner,
                incarnation,
                from: tape.pick(&[0, 0, 5, 40]),
                upto,
                latest: tape.near(upto),
                age_ms: tape.pick(&[0, 0, 1_000, u32::MAX]),
                count: (tape.byte() % 5).into(),
                dial_interval_ms: tape.maybe(|tape| tape.pick(&[10_000, 0, u32::MAX])),
                proof: tape.maybe(|tape| {
                    let fill = tape.byte();
                    Proof { key: [fill; 32], digest: [fill; 32], signature: [fill; 64] }
                }),
            };
            append(&head, &mut pages);
            (0..head.count).for_each(|_| append(&self.entry(tape), &mut pages));
        }
        pages
    }

    fn entry(&self, tape: &mut Tape<'_>) -> Entry<'static> {
        let (id, ..) = self.life(tape);
        Entry {
            id,
            ways: tape.pick(&[0, 0b10_10_10_10_10_10, 0b01_01_01_01_01_01, 0xfff])
                ^ u16::from(tape.byte() & 3),
            cause: tape.byte() % 24,
            rtt_us: tape.pick(&[0, 300, u32::MAX]),
            loss: tape.pick(&[0, 100, 255, 50]),
            checked: tape.pick(&[0, 10, u16::MAX]),
            alive: tape.pick(&[0, 10, u16::MAX]),
            port: tape.pick(&TCP_PORTS),
            ip: place(tape),
            name: tape.pick(&["h0", "h1", "made up", "\u{202e}x"]),
        }
    }
}

/// Any of the places.
pub(super) fn place(tape: &mut Tape<'_>) -> IpAddr {
    tape.pick(&PLACES).parse().expect("invariant: each place is an address")
}
