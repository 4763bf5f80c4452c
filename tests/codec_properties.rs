//! What must hold for every message and for every byte string.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use vigie::proto::address::Address;
use vigie::proto::exchange::{HEADER, Reply, Request, Status, body_length};
use vigie::proto::presence::{Kind, MAX_PERIOD_MS, MIN_PERIOD_MS, Presence, Suspicion};
use vigie::proto::rows::{
    self, Entry, GONE, LOSS_UNKNOWN, MAX_ABOUT, MAX_WANTS, PageHead, Proof, RowRequest, append,
};
use vigie::proto::{
    DecodeError, Incarnation, MAGIC, MAX_BODY, MAX_DATAGRAM, MAX_MESSAGE, MAX_PROBE, MAX_TEXT, NodeId, Nonce,
    VERSION, check_message, check_text,
};

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äßçø山田مض .:/_-]{1,15}".prop_filter("a name", |text| check_text(text).is_ok())
}

fn message() -> impl Strategy<Value = String> {
    "\\PC{1,64}".prop_filter("a message", |text| check_message(text).is_ok())
}

fn suspicion() -> impl Strategy<Value = Suspicion> {
    any::<(u128, u64, u8)>().prop_map(|(suspect, incarnation, seen)| Suspicion {
        suspect: NodeId(suspect),
        incarnation: Incarnation(incarnation),
        seen,
    })
}

fn nonce() -> impl Strategy<Value = Nonce> {
    any::<u64>().prop_map(Nonce)
}

prop_compose! {
    fn presence()(
        kind in prop_oneof![Just(Kind::Hello), Just(Kind::Heartbeat), Just(Kind::Goodbye)],
        texts in (name(), name()),
        id in any::<u128>(),
        (incarnation, sequence) in any::<(u64, u64)>(),
        tcp_port in any::<u16>(),
        udp_port in 1_u16..,
        period_ms in MIN_PERIOD_MS..=MAX_PERIOD_MS,
        claimed in any::<IpAddr>(),
        nonces in (option::of(nonce()), option::of(nonce())),
        prefix in option::of(0_u8..=128),
        wide in option::of(any::<bool>()),
        suspicion in option::of(suspicion()),
        news in option::of(page()),
        visitor in option::of(any::<bool>()),
        told in option::of(vec(any::<u8>(), 0..100)),
    ) -> Vec<u8> {
        let news = news.map(|page| written(&[page]));
        Presence {
            kind, group: &texts.0, id: NodeId(id), incarnation: Incarnation(incarnation), sequence,
            name: &texts.1, tcp_port, udp_port, period_ms, claimed, nonce: nonces.0, echo: nonces.1, prefix,
            wide, suspicion, rows: news.as_deref().map(Into::into), visitor, tag: None,
            membership: told.as_deref().map(Into::into),
        }.encode()
    }
}

/// A page as it is before it is written: its head, whose count is that of the entries, and these with their names.
type Page = (PageHead, Vec<(Entry<'static>, String)>);

fn ways() -> impl Strategy<Value = u16> {
    let each = vec(0_u16..=2, 6).prop_map(|ways| ways.iter().fold(0, |all, way| all << 2 | way));
    prop_oneof![9 => each, 1 => Just(GONE)]
}

prop_compose! {
    fn entry()(
        id in any::<u128>(),
        ways in ways(),
        (cause, rtt_us, checked, alive, port) in any::<(u8, u32, u16, u16, u16)>(),
        loss in prop_oneof![0_u8..=100, Just(LOSS_UNKNOWN)],
        ip in any::<IpAddr>(),
        name in name(),
    ) -> (Entry<'static>, String) {
        (Entry { id: NodeId(id), ways, cause, rtt_us, loss, checked, alive, port, ip, name: "" }, name)
    }
}

prop_compose! {
    fn page()(
        owner in any::<u128>(),
        incarnation in any::<u64>(),
        mut versions in any::<[u64; 3]>(),
        age_ms in any::<u32>(),
        dial_interval_ms in any::<Option<u32>>(),
        proof in any::<Option<[[u8; 32]; 4]>>(),
        entries in vec(entry(), 0..5),
    ) -> Page {
        versions.sort_unstable();
        let [from, upto, latest] = versions;
        let count = entries.iter().fold(0, |count, _| count + 1);
        let incarnation = Incarnation(incarnation);
        let proof = proof.map(|[key, digest, one, other]| {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&one);
            signature[32..].copy_from_slice(&other);
            Proof { key, digest, signature }
        });
        let owner = NodeId(owner);
        (PageHead { owner, incarnation, from, upto, latest, age_ms, count, dial_interval_ms, proof }, entries)
    }
}

fn pages() -> impl Strategy<Value = Vec<Page>> {
    vec(page(), 0..4)
}

fn want() -> impl Strategy<Value = RowRequest> {
    any::<(u128, u64, u64)>().prop_map(|(owner, incarnation, version)| RowRequest {
        owner: NodeId(owner),
        incarnation: Incarnation(incarnation),
        version,
    })
}

fn written(pages: &[Page]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (head, entries) in pages {
        append(head, &mut bytes);
        for (entry, name) in entries {
            append(&Entry { name, ..*entry }, &mut bytes);
        }
    }
    bytes
}

fn sequence<T: minicbor::Encode<()>>(items: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        append(item, &mut bytes);
    }
    bytes
}

/// A request that carries these byte strings.
fn carrying<'a>(rows: Option<&'a [u8]>, wants: Option<&'a [u8]>, about: Option<&'a [u8]>) -> Request<'a> {
    Request {
        group: "g",
        id: NodeId(1),
        incarnation: Incarnation(2),
        name: "n",
        tcp_port: 3,
        nonce: Nonce(4),
        message: None,
        rows: rows.map(Into::into),
        wants: wants.map(Into::into),
        about: about.map(Into::into),
        prefix: None,
        tether: None,
        visitor: None,
        outside: None,
    }
}

/// Whether a decoder takes these bytes as what they are called.
fn is_taken(request: &Request<'_>) -> bool {
    Request::decode(&request.encode()[HEADER..]).is_ok()
}

/// What is read of pages, read whatever was checked: never more than was written.
fn read(bytes: &[u8]) -> Vec<(PageHead, Vec<Entry<'_>>)> {
    rows::pages(bytes).map(|(head, entries)| (head, entries.collect())).collect()
}

proptest! {
    #[test]
    fn all_pages_read_back_as_they_were_written(all in pages()) {
        let bytes = written(&all);
        prop_assert!(is_taken(&carrying(Some(&bytes), None, None)));
        let expected: Vec<(PageHead, Vec<Entry<'_>>)> = all
            .iter()
            .map(|(head, entries)| (*head, entries.iter().map(|(entry, name)| Entry { name, ..*entry }).collect()))
            .collect();
        prop_assert_eq!(read(&bytes), expected);
    }

    #[test]
    fn wants_and_ids_read_back_as_they_were_written_up_to_their_limits(
        wanted in vec(want(), 0..=MAX_WANTS + 2),
        ids in vec(any::<u128>().prop_map(NodeId), 0..=MAX_ABOUT + 2),
    ) {
        let (wants, about) = (sequence(&wanted), sequence(&ids));
        prop_assert_eq!(is_taken(&carrying(None, Some(&wants), None)), wanted.len() <= MAX_WANTS);
        prop_assert_eq!(is_taken(&carrying(None, None, Some(&about))), ids.len() <= MAX_ABOUT);
        prop_assert_eq!(rows::wants(&wants).collect::<Vec<_>>(), wanted);
        prop_assert_eq!(rows::about(&about).collect::<Vec<_>>(), ids);
    }

    #[test]
    fn a_strict_prefix_of_pages_is_refused_unless_it_ends_between_two_pages(all in pages()) {
        let bytes = written(&all);
        let whole: Vec<usize> = (0..=all.len()).map(|n| written(&all[..n]).len()).collect();
        for end in 0..=bytes.len() {
            let taken = is_taken(&carrying(Some(&bytes[..end]), None, None));
            prop_assert_eq!(taken, whole.contains(&end), "{} of {}", end, bytes.len());
        }
    }

    #[test]
    fn a_strict_prefix_of_wants_or_ids_is_refused_unless_it_ends_between_two(
        wanted in vec(want(), 1..4),
        ids in vec(any::<u128>().prop_map(NodeId), 1..4),
    ) {
        let (wants, about) = (sequence(&wanted), sequence(&ids));
        let whole: Vec<usize> = (0..=wanted.len()).map(|n| sequence(&wanted[..n]).len()).collect();
        for end in 0..=wants.len() {
            prop_assert_eq!(is_taken(&carrying(None, Some(&wants[..end]), None)), whole.contains(&end));
        }
        for end in 0..=about.len() {
            prop_assert_eq!(is_taken(&carrying(None, None, Some(&about[..end]))), end % 17 == 0);
        }
    }

    #[test]
    fn pages_with_changed_bytes_never_panic_and_what_is_taken_is_read_to_its_end(
        all in pages(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = written(&all);
        for (at, byte) in changes.into_iter().filter(|_| !all.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let pages = read(&bytes);
        if is_taken(&carrying(Some(&bytes), None, None)) {
            // What was taken has no error behind which the reader would stop.
            let mut rest = minicbor::Decoder::new(&bytes);
            for (head, entries) in &pages {
                prop_assert!(head.from <= head.upto && head.upto <= head.latest);
                prop_assert_eq!(entries.len(), usize::from(head.count));
                for entry in entries {
                    prop_assert!(entry.loss <= 100 || entry.loss == LOSS_UNKNOWN);
                    prop_assert!(check_text(entry.name).is_ok());
                }
                (0..=head.count).for_each(|_| rest.skip().unwrap());
            }
            prop_assert_eq!(rest.position(), bytes.len());
        }
    }

    #[test]
    fn no_bytes_make_a_reader_of_sequences_panic(bytes in vec(any::<u8>(), 0..300)) {
        for carrying in [
            carrying(Some(&bytes), None, None),
            carrying(None, Some(&bytes), None),
            carrying(None, None, Some(&bytes)),
        ] {
            is_taken(&carrying);
        }
        read(&bytes);
        rows::wants(&bytes).for_each(drop);
        rows::about(&bytes).for_each(drop);
    }

    #[test]
    fn bytes_appended_to_a_probe_make_it_too_large(more in vec(any::<u8>(), 1..9), nonce in nonce()) {
        let probe = Presence {
            kind: Kind::Probe, group: "g", id: NodeId(1), incarnation: Incarnation(2), sequence: 3, name: "n", tcp_port: 4,
            udp_port: 5, period_ms: MIN_PERIOD_MS, claimed: [10, 0, 0, 1].into(), nonce: Some(nonce), echo: None,
            prefix: None, wide: None, suspicion: None, rows: None, visitor: None, tag: None, membership: None,
        };
        let bytes = probe.encode();
        for end in 0..bytes.len() {
            prop_assert_eq!(Presence::decode(&bytes[..end]), Err(DecodeError::Truncated));
        }
        let longer = [bytes, more].concat();
        prop_assert_eq!(Presence::decode(&longer), Err(DecodeError::Oversized));
        // Another kind may not be as large.
        let mut here = probe.encode();
        here[7] = 1;
        prop_assert_eq!(Presence::decode(&here), Err(DecodeError::Oversized));
    }

    #[test]
    fn every_presence_reads_back_as_it_was_written(
        kind in prop_oneof![Just(Kind::Hello), Just(Kind::Heartbeat), Just(Kind::Goodbye), Just(Kind::Probe)],
        texts in (name(), name()),
        id in any::<u128>(),
        (incarnation, sequence) in any::<(u64, u64)>(),
        tcp_port in any::<u16>(),
        udp_port in 1_u16..,
        period_ms in MIN_PERIOD_MS..=MAX_PERIOD_MS,
        claimed in any::<IpAddr>(),
        nonces in (option::of(nonce()), option::of(nonce())),
        prefix in option::of(0_u8..=128),
        wide in option::of(any::<bool>()),
        suspicion in option::of(suspicion()),
        news in option::of(page().prop_filter("news fit into a presence", |page| written(std::slice::from_ref(page)).len() <= 800)),
        visitor in option::of(any::<bool>()),
        told in option::of(vec(any::<u8>(), 0..100)),
    ) {
        let news = news.map(|page| written(&[page]));
        let presence = Presence {
            kind, group: &texts.0, id: NodeId(id), incarnation: Incarnation(incarnation), sequence,
            name: &texts.1, tcp_port, udp_port, period_ms, claimed, nonce: nonces.0, echo: nonces.1, prefix,
            wide, suspicion, rows: news.as_deref().map(Into::into), visitor, tag: None,
            membership: told.as_deref().map(Into::into),
        };
        let bytes = presence.encode();
        if kind == Kind::Probe {
            prop_assert_eq!(bytes.len(), MAX_PROBE);
        } else {
            prop_assert!(bytes.len() <= MAX_DATAGRAM);
        }
        prop_assert_eq!(Presence::decode(&bytes), Ok(presence));
    }

    #[test]
    fn every_request_reads_back_as_it_was_written(
        texts in (name(), name(), option::of(message())),
        id in any::<u128>(),
        incarnation in any::<u64>(),
        tcp_port in any::<u16>(),
        nonce in nonce(),
        rows in option::of(pages()),
        wants in option::of(vec(want(), 0..=MAX_WANTS)),
        about in option::of(vec(any::<u128>().prop_map(NodeId), 0..=MAX_ABOUT)),
        prefix in option::of(0_u8..=128),
        tether in option::of(any::<bool>()),
        visitor in option::of(any::<bool>()),
        outside in option::of(any::<IpAddr>().prop_map(Address)),
    ) {
        let (rows, wants, about) = (rows.as_deref().map(written), wants.map(|w| sequence(&w)), about.map(|a| sequence(&a)));
        let request = Request {
            group: &texts.0, id: NodeId(id), incarnation: Incarnation(incarnation), name: &texts.1, tcp_port,
            nonce, message: texts.2.as_deref(), rows: rows.as_deref().map(Into::into),
            wants: wants.as_deref().map(Into::into), about: about.as_deref().map(Into::into), prefix, tether, visitor, outside,
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
        rows in option::of(pages()),
        prefix in option::of(0_u8..=128),
        tether in option::of(any::<bool>()),
        visitor in option::of(any::<bool>()),
        secret in option::of(any::<bool>()),
        dial_in_ms in option::of(any::<u32>()),
        (seen_at, udp_port) in (option::of(any::<IpAddr>().prop_map(Address)), option::of(any::<u16>())),
    ) {
        let rows = rows.as_deref().map(written);
        let reply = Reply {
            status, id: NodeId(id), incarnation: Incarnation(incarnation), name: &texts.0, nonce,
            group: &texts.1, rows: rows.as_deref().map(Into::into), have, prefix, tether, visitor, secret,
            dial_in_ms, seen_at, udp_port,
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
            Just(vec![0xf5]),
            // A byte string of one page's head, and of one want.
            Just([&[0x57, 0x87, 0x50][..], &[7; 16], &[0; 6]].concat()),
            Just([&[0x54, 0x83, 0x50][..], &[7; 16], &[0; 2]].concat()),
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
