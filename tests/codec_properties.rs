//! What must hold for every message and for every byte string.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use vigie::proto::exchange::{HEADER, Reply, Request, Status, body_length};
use vigie::proto::presence::{Kind, MAX_PERIOD_MS, MIN_PERIOD_MS, Presence};
use vigie::proto::{
    DecodeError, Incarnation, MAGIC, MAX_BODY, MAX_DATAGRAM, MAX_MESSAGE, MAX_TEXT, NodeId, Nonce, VERSION,
    check_message, check_text,
};

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äßçø山田مض .:/_-]{1,15}".prop_filter("a name", |text| check_text(text).is_ok())
}

fn message() -> impl Strategy<Value = String> {
    "\\PC{1,64}".prop_filter("a message", |text| check_message(text).is_ok())
}

fn nonce() -> impl Strategy<Value = Nonce> {
    any::<u64>().prop_map(Nonce)
}

prop_compose! {
    fn presence()(
        kind in prop_oneof![Just(Kind::Hello), Just(Kind::Here), Just(Kind::Goodbye)],
        texts in (name(), name()),
        id in any::<u128>(),
        (incarnation, sequence) in any::<(u64, u64)>(),
        tcp_port in any::<u16>(),
        udp_port in 1_u16..,
        period_ms in MIN_PERIOD_MS..=MAX_PERIOD_MS,
        claimed in any::<IpAddr>(),
        nonces in (option::of(nonce()), option::of(nonce())),
        prefix in option::of(0_u8..=128),
    ) -> Vec<u8> {
        Presence {
            kind, group: &texts.0, id: NodeId(id), incarnation: Incarnation(incarnation), sequence,
            name: &texts.1, tcp_port, udp_port, period_ms, claimed, nonce: nonces.0, echo: nonces.1, prefix,
            wide: None,
        }.encode()
    }
}

proptest! {
    #[test]
    fn every_presence_reads_back_as_it_was_written(
        kind in prop_oneof![Just(Kind::Hello), Just(Kind::Here), Just(Kind::Goodbye)],
        texts in (name(), name()),
        id in any::<u128>(),
        (incarnation, sequence) in any::<(u64, u64)>(),
        tcp_port in any::<u16>(),
        udp_port in 1_u16..,
        period_ms in MIN_PERIOD_MS..=MAX_PERIOD_MS,
        claimed in any::<IpAddr>(),
        nonces in (option::of(nonce()), option::of(nonce())),
        prefix in option::of(0_u8..=128),
    ) {
        let presence = Presence {
            kind, group: &texts.0, id: NodeId(id), incarnation: Incarnation(incarnation), sequence,
            name: &texts.1, tcp_port, udp_port, period_ms, claimed, nonce: nonces.0, echo: nonces.1, prefix,
            wide: None,
        };
        let bytes = presence.encode();
        prop_assert!(bytes.len() <= MAX_DATAGRAM);
        prop_assert_eq!(Presence::decode(&bytes), Ok(presence));
    }

    #[test]
    fn every_request_reads_back_as_it_was_written(
        texts in (name(), name(), option::of(message())),
        id in any::<u128>(),
        incarnation in any::<u64>(),
        tcp_port in any::<u16>(),
        nonce in nonce(),
    ) {
        let request = Request {
            group: &texts.0, id: NodeId(id), incarnation: Incarnation(incarnation), name: &texts.1, tcp_port,
            nonce, message: texts.2.as_deref(), rows: None, wants: None, about: None, prefix: None,
        };
        let frame = request.encode();
        let (header, body) = frame.split_first_chunk::<HEADER>().unwrap();
        prop_assert_eq!(body_length(header), Ok(body.len()));
        prop_assert_eq!(Request::decode(body), Ok(request));
        for end in 0..body.len() {
            prop_assert_eq!(Request::decode(&body[..end]), Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn every_reply_reads_back_as_it_was_written(
        status in prop_oneof![Just(Status::Ok), Just(Status::WrongGroup), Just(Status::BadRequest)],
        texts in (name(), name()),
        id in any::<u128>(),
        incarnation in any::<u64>(),
        nonce in option::of(nonce()),
        have in option::of(any::<u64>()),
    ) {
        let reply = Reply {
            status, id: NodeId(id), incarnation: Incarnation(incarnation), name: &texts.0, nonce,
            group: &texts.1, rows: None, have, prefix: None,
        };
        let frame = reply.encode();
        let (header, body) = frame.split_first_chunk::<HEADER>().unwrap();
        prop_assert_eq!(body_length(header), Ok(body.len()));
        prop_assert_eq!(Reply::decode(body), Ok(reply));
        for end in 0..body.len() {
            prop_assert_eq!(Reply::decode(&body[..end]), Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn every_strict_prefix_of_a_presence_is_truncated(datagram in presence()) {
        for end in 0..datagram.len() {
            prop_assert_eq!(Presence::decode(&datagram[..end]), Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn bytes_appended_to_a_presence_are_refused(datagram in presence(), more in vec(any::<u8>(), 1..1_300)) {
        let length = datagram.len() + more.len();
        let bytes = [datagram, more].concat();
        let expected = if length > MAX_DATAGRAM {
            DecodeError::Oversized
        } else {
            DecodeError::Malformed("bytes after the message")
        };
        prop_assert_eq!(Presence::decode(&bytes), Err(expected));
    }

    #[test]
    fn changed_bytes_never_panic_and_what_still_decodes_is_within_the_limits(
        mut datagram in presence(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (at, byte) in changes {
            let at = at.index(datagram.len());
            datagram[at] = byte;
        }
        if let Ok(presence) = Presence::decode(&datagram) {
            prop_assert!(presence.name.len() <= MAX_TEXT && presence.group.len() <= MAX_TEXT);
            prop_assert_ne!(presence.udp_port, 0);
            prop_assert!((MIN_PERIOD_MS..=MAX_PERIOD_MS).contains(&presence.period_ms));
            let written = presence.encode();
            prop_assert_eq!(Presence::decode(&written), Ok(presence));
        }
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in vec(any::<u8>(), 0..1_300)) {
        let _ = Presence::decode(&bytes);
        let _ = Request::decode(&bytes);
        let _ = Reply::decode(&bytes);
        let mut datagram = MAGIC.to_vec();
        datagram.push(VERSION);
        datagram.extend_from_slice(&bytes);
        let _ = Presence::decode(&datagram);
    }

    /// Random bytes are seldom CBOR: these are, and mostly with the keys of our messages.
    #[test]
    fn no_map_of_any_items_makes_a_decoder_panic(
        count in 0_u8..0x20,
        entries in vec((0_u8..14, prop_oneof![
            vec(any::<u8>(), 1..12),
            Just(b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
            Just(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
            Just(b"\x64name".to_vec()),
            Just([&[0x50][..], &[7; 16]].concat()),
            Just(vec![0x44, 10, 0, 0, 1]),
            (0_u8..0x18).prop_map(|n| vec![n]),
        ]), 0..14),
    ) {
        let mut body = vec![0xa0 | count];
        for (key, value) in entries {
            body.push(key);
            body.extend_from_slice(&value);
        }
        let _ = Request::decode(&body);
        let _ = Reply::decode(&body);
        let mut datagram = MAGIC.to_vec();
        datagram.push(VERSION);
        datagram.extend_from_slice(&body);
        let _ = Presence::decode(&datagram);
    }

    #[test]
    fn another_version_is_reported_whatever_follows_it(
        version in any::<u8>().prop_filter("another", |v| *v != VERSION),
        rest in vec(any::<u8>(), 4..1_300),
    ) {
        let mut bytes = MAGIC.to_vec();
        bytes.push(version);
        bytes.extend_from_slice(&rest);
        prop_assert_eq!(Presence::decode(&bytes), Err(DecodeError::Version(version)));
        let header = bytes.first_chunk().unwrap();
        prop_assert_eq!(body_length(header), Err(DecodeError::Version(version)));
    }

    #[test]
    fn a_length_is_accepted_up_to_the_limit_and_not_beyond(length in prop_oneof![
        any::<u32>(),
        0..=u32::try_from(MAX_BODY).unwrap(),
        Just(u32::try_from(MAX_BODY).unwrap() + 1),
    ]) {
        let bytes = [&MAGIC[..], &[VERSION], &length.to_be_bytes()].concat();
        let length = length as usize;
        let expected = if length <= MAX_BODY { Ok(length) } else { Err(DecodeError::Oversized) };
        prop_assert_eq!(body_length(bytes.first_chunk().unwrap()), expected);
    }

    #[test]
    fn what_is_checked_is_short_and_can_be_seen(text in any::<String>()) {
        if check_text(&text).is_ok() {
            prop_assert!((1..=MAX_TEXT).contains(&text.len()));
            prop_assert!(!text.chars().any(char::is_control));
            prop_assert!(!text.trim().is_empty());
        }
        prop_assert!(check_message(&text).is_err() || text.len() <= MAX_MESSAGE);
    }
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let body = vec![0xff; MAX_BODY + 1];
    assert_eq!(Request::decode(&body), Err(DecodeError::Oversized));
    assert_eq!(Reply::decode(&body), Err(DecodeError::Oversized));
}
