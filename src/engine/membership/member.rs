//! Who a member is to foca, and how its messages are written.

use std::cmp::Ordering;

use bytes::{Buf, BufMut};
use foca::{Codec, Header, Identity, Message, State};

use crate::engine::NodeId;
use crate::proto::DecodeError;
use crate::proto::membership::{self, Head, Item, Kind, Member, Update};

/// A member as foca tells them apart: by the node, its life, and how often it came back in it. Where it is reached is no part of that,
/// for everybody reaches it elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemberId(pub(crate) Member);

impl MemberId {
    fn life(&self) -> (crate::engine::Incarnation, u16) {
        (self.0.incarnation, self.0.renewal)
    }
}

impl PartialEq for MemberId {
    fn eq(&self, other: &Self) -> bool {
        (self.0.id, self.life()) == (other.0.id, other.life())
    }
}

impl Eq for MemberId {}

impl Identity for MemberId {
    type Addr = NodeId;

    fn renew(&self) -> Option<Self> {
        let renewal = self.0.renewal.checked_add(1)?;
        Some(Self(Member { renewal, ..self.0 }))
    }

    fn addr(&self) -> NodeId {
        self.0.id
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.life().cmp(&adversary.life()) == Ordering::Greater
    }
}

/// Why a message is not written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    /// It does not fit what is left of the datagram.
    #[error("no room left in the datagram")]
    Full,
    /// The bytes are not what the specification says.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// A kind of message that vigie never sends.
    #[error("a custom broadcast")]
    Broadcast,
}

/// Writes and reads as `docs/protocol.md` specifies.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cbor;

impl Codec<MemberId> for Cbor {
    type Error = CodecError;

    fn encode_header(&mut self, header: &Header<MemberId>, buf: impl BufMut) -> Result<(), CodecError> {
        put(&Item::of(&head_of(header)?), buf)
    }

    fn decode_header(&mut self, buf: impl Buf) -> Result<Header<MemberId>, CodecError> {
        header_of(&take(buf)?).map_err(Into::into)
    }

    fn encode_member(&mut self, member: &foca::Member<MemberId>, buf: impl BufMut) -> Result<(), CodecError> {
        let state = match member.state() {
            State::Alive => membership::State::Alive,
            State::Suspect => membership::State::Suspect,
            State::Down => membership::State::Down,
        };
        put(&Item::of(&Update { member: member.id().0, objections: member.incarnation(), state }), buf)
    }

    fn decode_member(&mut self, buf: impl Buf) -> Result<foca::Member<MemberId>, CodecError> {
        Ok(member_of(&take(buf)?))
    }
}

/// An update as foca has it.
pub(super) fn member_of(update: &Update) -> foca::Member<MemberId> {
    let state = match update.state {
        membership::State::Alive => State::Alive,
        membership::State::Suspect => State::Suspect,
        membership::State::Down => State::Down,
    };
    foca::Member::new(MemberId(update.member), update.objections, state)
}

fn put(item: &Item, mut buf: impl BufMut) -> Result<(), CodecError> {
    if item.bytes().len() > buf.remaining_mut() {
        return Err(CodecError::Full);
    }
    buf.put_slice(item.bytes());
    Ok(())
}

fn take<T: for<'a> minicbor::Decode<'a, ()>>(mut buf: impl Buf) -> Result<T, CodecError> {
    let (value, length) = membership::read(buf.chunk())?;
    buf.advance(length);
    Ok(value)
}

fn head_of(header: &Header<MemberId>) -> Result<Head, CodecError> {
    let (kind, probe, third) = match &header.message {
        Message::Ping(probe) => (Kind::Ping, Some(*probe), None),
        Message::Ack(probe) => (Kind::Ack, Some(*probe), None),
        Message::PingReq { target, probe_number } => (Kind::PingRequest, Some(*probe_number), Some(target.0)),
        Message::IndirectPing { origin, probe_number } => {
            (Kind::IndirectPing, Some(*probe_number), Some(origin.0))
        }
        Message::IndirectAck { target, probe_number } => {
            (Kind::IndirectAck, Some(*probe_number), Some(target.0))
        }
        Message::ForwardedAck { origin, probe_number } => {
            (Kind::ForwardedAck, Some(*probe_number), Some(origin.0))
        }
        Message::Announce => (Kind::Announce, None, None),
        Message::Feed => (Kind::Feed, None, None),
        Message::Gossip => (Kind::Gossip, None, None),
        Message::TurnUndead => (Kind::TurnUndead, None, None),
        Message::Broadcast => return Err(CodecError::Broadcast),
    };
    Ok(Head { from: header.src.0, objections: header.src_incarnation, to: header.dst.0, kind, probe, third })
}

fn header_of(head: &Head) -> Result<Header<MemberId>, DecodeError> {
    const MISSING: DecodeError = DecodeError::Malformed("the membership");
    let probe_number = head.probe.ok_or(MISSING);
    let third = head.third.map(MemberId).ok_or(MISSING);
    let message = match head.kind {
        Kind::Ping => Message::Ping(probe_number?),
        Kind::Ack => Message::Ack(probe_number?),
        Kind::PingRequest => Message::PingReq { target: third?, probe_number: probe_number? },
        Kind::IndirectPing => Message::IndirectPing { origin: third?, probe_number: probe_number? },
        Kind::IndirectAck => Message::IndirectAck { target: third?, probe_number: probe_number? },
        Kind::ForwardedAck => Message::ForwardedAck { origin: third?, probe_number: probe_number? },
        Kind::Announce => Message::Announce,
        Kind::Feed => Message::Feed,
        Kind::Gossip => Message::Gossip,
        Kind::TurnUndead => Message::TurnUndead,
    };
    Ok(Header { src: MemberId(head.from), src_incarnation: head.objections, dst: MemberId(head.to), message })
}
