//! The code, the specification (`docs/protocol.md`) and its test vectors say the same.
#![expect(clippy::unwrap_used, reason = "what the helpers of a test unwrap, they check")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use minicbor::Decoder;
use minicbor::bytes::ByteSlice;
use minicbor::data::Type;
use serde::Deserialize;
use serde_json::Value;

use vigie::engine::limits;
use vigie::proto::address::Address;
use vigie::proto::exchange::{self, HEADER, Reply, Request, Status};
use vigie::proto::membership::MAX_MEMBERSHIP;
use vigie::proto::presence::{self, Kind, Presence, Suspicion};
use vigie::proto::rows::{
    self, Entry, GONE, MAX_ABOUT, MAX_PAGES, MAX_WANTS, PageHead, Proof, RowRequest, append,
};
use vigie::proto::{
    DecodeError, Incarnation, MAGIC, MAX_BODY, MAX_DATAGRAM, MAX_MESSAGE, MAX_PROBE, MAX_TEXT, NodeId, Nonce,
    Tag, VERSION,
};
use vigie::proto::{codes, rendezvous};
use vigie::secret::text::{KEY, Key, SecretText};
use vigie::secret::{SEAL, Secret};

const SPECIFICATION: &str = include_str!("../docs/protocol.md");
const VECTORS: &str = include_str!("../docs/protocol-vectors.json");

#[derive(Deserialize)]
struct Vectors {
    version: u8,
    valid: Vec<Valid>,
    sequences: Vec<Sequence>,
    invalid: Vec<Invalid>,
    weights: Vec<Weight>,
    secrets: Vec<BTreeMap<String, String>>,
}

/// How heavy a node weighs for another one.
#[derive(Deserialize)]
struct Weight {
    of: String,
    node: String,
    #[serde(rename = "weight")]
    expected: String,
}

#[derive(Deserialize)]
struct Valid {
    name: String,
    message: String,
    canonical: bool,
    hex: String,
    fields: BTreeMap<String, Value>,
}

/// What a byte string of an exchange holds.
#[derive(Deserialize)]
struct Sequence {
    name: String,
    of: String,
    canonical: bool,
    hex: String,
    items: Vec<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Invalid {
    name: String,
    message: String,
    error: String,
    version: Option<u8>,
    hex: String,
}

#[derive(Debug, PartialEq)]
enum Message<'a> {
    Presence(Presence<'a>),
    Request(Request<'a>),
    Reply(Reply<'a>),
}

impl<'a> Message<'a> {
    fn decode(what: &str, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match what {
            "presence" => Presence::decode(bytes).map(Self::Presence),
            "request" => Request::decode(body_of(bytes)?).map(Self::Request),
            "reply" => Reply::decode(body_of(bytes)?).map(Self::Reply),
            other => panic!("no such message: {other}"),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Presence(presence) => presence.encode(),
            Self::Request(request) => request.encode(),
            Self::Reply(reply) => reply.encode(),
        }
    }
}

/// The body of the one frame that a side sends until it closes, as the specification's "Frames" has it.
fn body_of(stream: &[u8]) -> Result<&[u8], DecodeError> {
    let Some((header, rest)) = stream.split_first_chunk::<HEADER>() else {
        let foreign = !stream.starts_with(&MAGIC) && !MAGIC.starts_with(stream);
        return Err(if foreign { DecodeError::Foreign } else { DecodeError::Truncated });
    };
    let length = exchange::body_length(header)?;
    match rest.len() {
        n if n < length => Err(DecodeError::Truncated),
        n if n > length => Err(DecodeError::Malformed("bytes after the frame")),
        _ => Ok(rest),
    }
}

struct Fields<'a>(&'a BTreeMap<String, Value>);

impl<'a> Fields<'a> {
    fn text(&self, key: &str) -> &'a str {
        self.0[key].as_str().unwrap()
    }

    fn optional(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(|value| value.as_str().unwrap())
    }

    fn small<T: TryFrom<u64>>(&self, key: &str) -> T {
        self.0[key].as_u64().unwrap().try_into().ok().unwrap()
    }

    fn id(&self) -> NodeId {
        self.text("id").parse().unwrap()
    }

    fn owner(&self) -> NodeId {
        self.text("owner").parse().unwrap()
    }

    fn incarnation(&self) -> Incarnation {
        Incarnation(self.large("incarnation"))
    }

    /// A number too large for the numbers of JSON.
    fn large(&self, key: &str) -> u64 {
        self.text(key).parse().unwrap()
    }

    fn nonce(&self, key: &str) -> Option<Nonce> {
        self.optional(key).map(|hex| Nonce(u64::from_str_radix(hex, 16).unwrap()))
    }

    /// A number that may be absent.
    fn number<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        self.0.get(key).map(|value| value.as_u64().unwrap().try_into().ok().unwrap())
    }

    /// An address that may be absent.
    fn address(&self, key: &str) -> Option<Address> {
        self.optional(key).map(|text| Address(text.parse().unwrap()))
    }

    /// A truth that may be absent.
    fn flag(&self, key: &str) -> Option<bool> {
        self.0.get(key).map(|value| value.as_bool().unwrap())
    }

    fn suspicion(&self) -> Option<Suspicion> {
        let elements = self.0.get("suspicion")?.as_array().unwrap();
        Some(Suspicion {
            suspect: elements[0].as_str().unwrap().parse().unwrap(),
            incarnation: Incarnation(elements[1].as_str().unwrap().parse().unwrap()),
            seen: elements[2].as_u64().unwrap().try_into().unwrap(),
        })
    }

    /// A byte string that may be absent, as hexadecimal digits.
    fn bytes(&self, key: &str) -> Option<&'a ByteSlice> {
        let bytes: &'static [u8] = Box::leak(unhex(self.optional(key)?).into());
        Some(bytes.into())
    }

    fn message(&self, what: &str) -> Message<'a> {
        match what {
            "presence" => Message::Presence(Presence {
                kind: match self.text("kind") {
                    "hello" => Kind::Hello,
                    "here" => Kind::Heartbeat,
                    "goodbye" => Kind::Goodbye,
                    "probe" => Kind::Probe,
                    other => panic!("no such kind: {other}"),
                },
                group: self.text("group"),
                id: self.id(),
                incarnation: self.incarnation(),
                sequence: self.large("sequence"),
                name: self.text("name"),
                tcp_port: self.small("tcp_port"),
                udp_port: self.small("udp_port"),
                period_ms: self.small("period_ms"),
                claimed: self.text("claimed").parse().unwrap(),
                nonce: self.nonce("nonce"),
                echo: self.nonce("echo"),
                prefix: self.number("prefix"),
                wide: self.flag("wide"),
                suspicion: self.suspicion(),
                rows: self.bytes("rows"),
                visitor: self.flag("visitor"),
                tag: self.optional("tag").map(|tag| Tag(unhex(tag).try_into().unwrap())),
                membership: self.bytes("membership"),
            }),
            "request" => Message::Request(Request {
                group: self.text("group"),
                id: self.id(),
                incarnation: self.incarnation(),
                name: self.text("name"),
                tcp_port: self.small("tcp_port"),
                nonce: self.nonce("nonce").unwrap(),
                message: self.optional("message"),
                rows: self.bytes("rows"),
                wants: self.bytes("wants"),
                about: self.bytes("about"),
                prefix: self.number("prefix"),
                tether: self.flag("tether"),
                visitor: self.flag("visitor"),
                outside: self.address("outside"),
            }),
            "reply" => Message::Reply(Reply {
                status: match self.text("status") {
                    "ok" => Status::Ok,
                    "wrong_group" => Status::WrongGroup,
                    "bad_request" => Status::BadRequest,
                    other => panic!("no such status: {other}"),
                },
                id: self.id(),
                incarnation: self.incarnation(),
                name: self.text("name"),
                nonce: self.nonce("nonce"),
                group: self.text("group"),
                rows: self.bytes("rows"),
                have: self.optional("have").map(|text| text.parse().unwrap()),
                prefix: self.number("prefix"),
                tether: self.flag("tether"),
                visitor: self.flag("visitor"),
                secret: self.flag("secret"),
                dial_in_ms: self.number("dial_in_ms"),
                seen_at: self.address("seen_at"),
                udp_port: self.number("udp_port"),
            }),
            other => panic!("no such message: {other}"),
        }
    }

    fn page_head(&self, count: usize) -> PageHead {
        PageHead {
            owner: self.owner(),
            incarnation: self.incarnation(),
            from: self.large("from"),
            upto: self.large("upto"),
            latest: self.large("latest"),
            age_ms: self.small("age_ms"),
            count: count.try_into().unwrap(),
            dial_interval_ms: self.number("dial_interval_ms"),
            proof: self.bytes("proof").map(|bytes| Proof {
                key: bytes[..32].try_into().unwrap(),
                digest: bytes[32..64].try_into().unwrap(),
                signature: bytes[64..].try_into().unwrap(),
            }),
        }
    }

    fn entry(&self) -> Entry<'a> {
        Entry {
            id: self.id(),
            ways: self.small("ways"),
            cause: self.small("cause"),
            rtt_us: self.small("rtt_us"),
            loss: self.small("loss"),
            checked: self.small("checked"),
            alive: self.small("alive"),
            port: self.small("port"),
            ip: self.text("ip").parse().unwrap(),
            name: self.text("name"),
        }
    }

    fn want(&self) -> RowRequest {
        RowRequest { owner: self.owner(), incarnation: self.incarnation(), version: self.large("version") }
    }
}

/// The pages that a vector lists: items with an owner are heads, the others entries of the last one.
fn listed_pages(items: &[BTreeMap<String, Value>]) -> Vec<(PageHead, Vec<Entry<'_>>)> {
    let heads = items.iter().enumerate().filter(|(_, item)| item.contains_key("owner"));
    heads
        .map(|(at, head)| {
            let entries: Vec<_> = items[at + 1..]
                .iter()
                .take_while(|item| !item.contains_key("owner"))
                .map(|item| Fields(item).entry())
                .collect();
            (Fields(head).page_head(entries.len()), entries)
        })
        .collect()
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
fn the_vectors_are_of_this_version_and_cover_every_message_and_every_error() {
    let vectors = vectors();
    assert_eq!(vectors.version, VERSION);
    for what in ["presence", "request", "reply"] {
        assert!(vectors.valid.iter().any(|v| v.message == what && v.canonical), "{what}");
        for error in ["foreign", "version", "oversized", "truncated", "malformed"] {
            assert!(vectors.invalid.iter().any(|v| v.message == what && v.error == error), "{what}: {error}");
        }
    }
}

#[test]
fn every_valid_vector_decodes_to_its_fields() {
    for Valid { name, message, hex, fields, .. } in &vectors().valid {
        let bytes = unhex(hex);
        assert_eq!(
            Message::decode(message, &bytes),
            Ok(Fields(fields).message(message)),
            "{message}: {name}"
        );
    }
}

#[test]
fn the_fields_of_every_canonical_vector_encode_to_exactly_its_bytes() {
    for Valid { name, message, canonical, hex, fields } in &vectors().valid {
        let bytes = Fields(fields).message(message).encode();
        assert_eq!(bytes == unhex(hex), *canonical, "{message}: {name}");
    }
}

/// A request that carries one byte string.
fn carrying<'a>(of: &str, bytes: &'a [u8]) -> Request<'a> {
    let some = |what: &str| (what == of).then(|| bytes.into());
    Request {
        group: "g",
        id: NodeId(1),
        incarnation: Incarnation(2),
        name: "n",
        tcp_port: 3,
        nonce: Nonce(4),
        message: None,
        rows: some("pages"),
        wants: some("wants"),
        about: some("about"),
        prefix: None,
        tether: None,
        visitor: None,
        outside: None,
    }
}

#[test]
fn every_sequence_of_the_vectors_reads_as_its_items_which_encode_to_its_bytes() {
    let vectors = vectors();
    for Sequence { name, of, canonical, hex, items } in &vectors.sequences {
        let bytes = unhex(hex);
        let frame = carrying(of, &bytes).encode();
        assert!(Request::decode(&frame[HEADER..]).is_ok(), "{name}");
        let mut written = Vec::new();
        match of.as_str() {
            "pages" => {
                let read: Vec<_> =
                    rows::pages(&bytes).map(|(head, entries)| (head, entries.collect::<Vec<_>>())).collect();
                assert_eq!(read, listed_pages(items), "{name}");
                for (head, entries) in &read {
                    append(head, &mut written);
                    for entry in entries {
                        append(entry, &mut written);
                    }
                }
            }
            "wants" => {
                let read: Vec<_> = rows::wants(&bytes).collect();
                assert_eq!(read, items.iter().map(|item| Fields(item).want()).collect::<Vec<_>>(), "{name}");
                for want in &read {
                    append(want, &mut written);
                }
            }
            "about" => {
                let read: Vec<_> = rows::about(&bytes).collect();
                assert_eq!(read, items.iter().map(|item| Fields(item).id()).collect::<Vec<_>>(), "{name}");
                for id in &read {
                    append(id, &mut written);
                }
            }
            other => panic!("no such sequence: {other}"),
        }
        assert_eq!(written == bytes, *canonical, "{name}");
    }
    for of in ["pages", "wants", "about"] {
        assert!(vectors.sequences.iter().any(|s| s.of == of && s.canonical && !s.items.is_empty()), "{of}");
    }
}

#[test]
fn pages_of_more_bytes_than_the_specification_allows_are_refused() {
    let head = PageHead {
        owner: NodeId(1),
        incarnation: Incarnation(2),
        from: 0,
        upto: 0,
        latest: 0,
        age_ms: 0,
        count: 0,
        dial_interval_ms: Some(0),
        proof: Some(Proof { key: [0; 32], digest: [0; 32], signature: [0; 64] }),
    };
    let mut pages = Vec::new();
    append(&head, &mut pages);
    // The last head is longer by as many bytes as are missing, as it may be.
    let (length, first) = (pages.len(), pages.clone());
    while pages.len() + 2 * length <= MAX_PAGES {
        pages.extend_from_slice(&first);
    }
    let filled = |to: usize| {
        let missing = to - pages.len() - length;
        // One element more: a byte string with a head of two bytes.
        let more = [&[0x58, u8::try_from(missing - 2).unwrap()][..], &vec![0; missing - 2]].concat();
        [&pages[..], &[first[0] + 1], &first[1..], &more].concat()
    };
    let decode = |bytes: &[u8]| Request::decode(&carrying("pages", bytes).encode()[HEADER..]).map(|_| ());
    let (full, too_much) = (filled(MAX_PAGES), filled(MAX_PAGES + 1));
    assert_eq!((full.len(), too_much.len()), (MAX_PAGES, MAX_PAGES + 1));
    assert_eq!(decode(&full), Ok(()));
    assert!(matches!(decode(&too_much), Err(DecodeError::Malformed(_))));
}

#[test]
fn every_invalid_vector_fails_with_the_error_it_names() {
    for Invalid { name, message, error, version, hex } in &vectors().invalid {
        let bytes = unhex(hex);
        let (kind, its_version) = match Message::decode(message, &bytes) {
            Ok(decoded) => panic!("{message}: {name}: decodes to {decoded:?}"),
            Err(DecodeError::Foreign) => ("foreign", None),
            Err(DecodeError::Version(version)) => ("version", Some(version)),
            Err(DecodeError::Oversized) => ("oversized", None),
            Err(DecodeError::Truncated) => ("truncated", None),
            Err(DecodeError::Malformed(_)) => ("malformed", None),
        };
        assert_eq!((kind, its_version), (error.as_str(), *version), "{message}: {name}");
    }
}

/// Numbers and names of a message's keys in the specification's CDDL: lines like `  ? 10: u64,  ; nonce`.
fn cddl_keys(message: &str) -> Vec<(u32, String)> {
    let (_, rule) = SPECIFICATION.split_once(&format!("\n{message} = {{\n")).unwrap();
    let (rule, _) = rule.split_once("\n}").unwrap();
    let mut keys = Vec::new();
    for line in rule.lines() {
        let Some((key, rest)) = line.split_once(':') else { continue };
        let Ok(number) = key.trim().trim_start_matches("? ").parse() else { continue };
        let (_, comment) = rest.split_once(';').unwrap();
        keys.push((number, comment.split_whitespace().next().unwrap().to_owned()));
    }
    keys
}

/// All that an item may mean in a vector's fields.
fn readings(item: &mut Decoder<'_>) -> Vec<Value> {
    match item.datatype().unwrap() {
        Type::Bool => vec![item.bool().unwrap().into()],
        Type::String => vec![item.str().unwrap().into()],
        Type::Bytes => {
            let bytes = item.bytes().unwrap();
            let v4 = <[u8; 4]>::try_from(bytes).map(|b| IpAddr::from(b).to_string().into());
            let v6 = <[u8; 16]>::try_from(bytes).map(|b| IpAddr::from(b).to_string().into());
            let id = <[u8; 16]>::try_from(bytes).map(|b| NodeId(u128::from_be_bytes(b)).to_string().into());
            [v4, v6, id].into_iter().flatten().chain([hex(bytes).into()]).collect()
        }
        Type::Array => {
            let elements = item.array().unwrap().unwrap();
            let all = (0..elements).fold(vec![Vec::new()], |all: Vec<Vec<Value>>, _| {
                let next = readings(item);
                let with =
                    |begun: &Vec<Value>, last: &Value| [&begun[..], std::slice::from_ref(last)].concat();
                all.iter().flat_map(|begun| next.iter().map(move |last| with(begun, last))).collect()
            });
            all.into_iter().map(Value::from).collect()
        }
        _ => {
            let n = item.u64().unwrap();
            let word = |words: &[&str]| usize::try_from(n).ok().and_then(|i| words.get(i).copied()).into();
            vec![
                n.into(),
                n.to_string().into(),
                format!("{n:016x}").into(),
                word(&["hello", "here", "goodbye", "probe"]),
                word(&["ok", "wrong_group", "bad_request"]),
            ]
        }
    }
}

#[test]
fn the_key_numbers_of_the_cddl_are_those_of_the_vectors() {
    let vectors = vectors();
    for (message, header) in [("presence", 5), ("request", HEADER), ("reply", HEADER)] {
        let full =
            vectors.valid.iter().find(|v| v.message == message && v.name.ends_with("every key")).unwrap();
        let bytes = unhex(&full.hex);
        let mut body = Decoder::new(&bytes[header..]);
        let keys = cddl_keys(message);
        assert_eq!(body.map().unwrap(), Some(keys.len() as u64), "{message}");
        assert_eq!(full.fields.len(), keys.len(), "{message}");
        for (number, name) in keys {
            assert_eq!(body.u32().unwrap(), number, "{message}: {name}");
            let readings = readings(&mut body);
            assert!(
                readings.contains(&full.fields[&name]),
                "{message}: {number} is not {name}: {readings:?}"
            );
        }
    }
}

/// Names of an array's elements in the CDDL, and whether they may be absent: lines like `  owner: id,` and `  ? age: u32,`.
fn cddl_elements(array: &str) -> Vec<(&str, bool)> {
    let (_, rule) = SPECIFICATION.split_once(&format!("\n{array} = [\n")).unwrap();
    let (rule, _) = rule.split_once("\n]").unwrap();
    let names = rule.lines().filter_map(|line| Some(line.split_once(':')?.0.trim()));
    names.map(|name| name.strip_prefix("? ").map_or((name, false), |name| (name, true))).collect()
}

#[test]
fn the_elements_of_the_cddl_are_those_of_the_sequences() {
    for Sequence { name, of, hex, items, .. } in vectors().sequences.iter().filter(|s| s.of != "about") {
        let bytes = unhex(hex);
        let mut sequence = Decoder::new(&bytes);
        for (at, item) in items.iter().enumerate() {
            let array = match (of.as_str(), item.contains_key("owner")) {
                ("wants", _) => "want",
                (_, true) => "page-head",
                (_, false) => "entry",
            };
            let listed = sequence.array().unwrap().unwrap();
            let mut elements = cddl_elements(array);
            elements.retain(|(element, optional)| !optional || item.contains_key(*element));
            assert!(listed >= elements.len() as u64, "{name}");
            let entries = items[at + 1..].iter().take_while(|item| !item.contains_key("owner")).count();
            for (element, _) in &elements {
                let readings = readings(&mut sequence);
                let value = if *element == "count" { entries.into() } else { item[*element].clone() };
                assert!(readings.contains(&value), "{name}: {element} is not among {readings:?}");
            }
            for _ in elements.len() as u64..listed {
                sequence.skip().unwrap();
            }
        }
        assert_eq!(sequence.position(), bytes.len(), "{name}");
    }
}

#[test]
fn every_weight_of_the_vectors_is_that_of_the_code() {
    for Weight { of, node, expected } in &vectors().weights {
        let ours = rendezvous::weight(of.parse().unwrap(), node.parse().unwrap());
        assert_eq!(format!("{ours:016x}"), *expected, "{node} for {of}");
    }
}

#[test]
fn presences_are_tagged_and_sealed_as_the_vectors_say() {
    for case in &vectors().secrets {
        let bytes = |name: &str| unhex(&case[name]);
        let used = Key::new(bytes("key").try_into().unwrap());
        let secret = Secret::new(&SecretText { used, others: Vec::new(), hide: false }, &case["group"]);
        let plain = bytes("presence");
        let presence = Presence::decode(&plain).unwrap();
        assert_eq!(hex(&presence.encode_tagged(|covered| secret.tag(covered))), case["tagged"]);
        assert_eq!(hex(&presence.encode_sealed(SEAL, |body| secret.seal(body))), case["sealed"]);
        let (tagged, sealed) = (bytes("tagged"), bytes("sealed"));
        let (covered, tag) = presence::split_tag(&tagged).unwrap();
        assert!(secret.is_tagged(covered, tag));
        let body = secret.open(presence::sealed_in(&sealed).unwrap()).unwrap();
        assert_eq!(presence::unsealed(&body), plain);
    }
}

/// The exchange of the vectors is compared with the code where its private keys can be chosen: in `src/secret/exchange.rs`.
#[test]
fn an_independent_reader_of_the_specification_agrees_on_secrets() {
    let run = |args: &[&str]| {
        std::process::Command::new("python3").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output()
    };
    if run(&["--version"]).is_err() {
        assert!(std::env::var_os("CI").is_none(), "there is no python3 here");
        return eprintln!("skipped: there is no python3 here");
    }
    let checked = run(&["tests/secret_vectors.py", "docs/protocol-vectors.json"]).unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_probe_has_its_length_and_any_other_presence_fits_under_a_secret() {
    let text = "n".repeat(MAX_TEXT);
    let used = Key::new([7; KEY]);
    let secret = Secret::new(&SecretText { used, others: Vec::new(), hide: true }, "g");
    let news = vec![0; limits::NEWS_ROOM];
    let told = vec![0; MAX_MEMBERSHIP];
    for (kind, rows, membership, length) in [
        (Kind::Probe, None, None, MAX_PROBE..=MAX_PROBE),
        (Kind::Heartbeat, Some(&news[..]), None, 0..=MAX_DATAGRAM),
        (Kind::Heartbeat, None, Some(&told[..]), 0..=MAX_DATAGRAM),
    ] {
        let largest = Presence {
            kind,
            group: &text,
            name: &text,
            rows: rows.map(Into::into),
            membership: membership.map(Into::into),
            ..vigie::testkit::presence(kind, u128::MAX, u64::MAX)
        };
        for bytes in [
            largest.encode_tagged(|covered| secret.tag(covered)),
            largest.encode_sealed(SEAL, |body| secret.seal(body)),
        ] {
            assert!(length.contains(&bytes.len()), "{kind:?} has {} bytes", bytes.len());
            let opened =
                presence::sealed_in(&bytes).map(|sealed| presence::unsealed(&secret.open(sealed).unwrap()));
            let read = Presence::decode(opened.as_deref().unwrap_or(&bytes)).map(|read| read.kind);
            // Zeros are no page.
            assert_eq!(read.is_ok(), rows.is_none(), "{read:?}");
        }
    }
}

#[test]
fn the_numbers_of_a_suspicion_are_those_of_the_specification() {
    for (number, word) in [
        (codes::suspicion::TETHER_ENDED, "`tether_ended`"),
        (codes::suspicion::REFUSED, "`refused`"),
        (codes::suspicion::ECHOES_MISSED, "`echoes_missed`"),
        (codes::suspicion::UNANSWERED, "`unanswered`"),
    ] {
        assert!(SPECIFICATION.contains(&format!("| {number} | {word} |")), "{word}");
    }
}

#[test]
fn the_specification_says_how_a_node_that_went_is_written() {
    assert!(SPECIFICATION.contains(&format!("({GONE}, `{GONE:x}` in hexadecimal)")));
}

#[test]
fn the_specification_states_the_limits_of_the_code() {
    for (what, limit) in [
        ("Longest datagram", MAX_DATAGRAM),
        ("Longest probe", MAX_PROBE),
        ("Longest pages", MAX_PAGES),
        ("Longest [membership](#membership)", MAX_MEMBERSHIP),
        ("Most wants", MAX_WANTS),
        ("Most ids asked about", MAX_ABOUT),
        ("Echoes with few peers", limits::ECHOES_PER_INTERVAL as usize),
        ("Time for an echo", usize::try_from(limits::ECHO_TIMEOUT.as_millis()).unwrap()),
        ("Echoes of a burst", limits::BURST.into()),
        ("Bursts at once", limits::MAX_BURSTS),
        ("Echoes to proven peers", limits::ECHO_ANSWERS_PER_SECOND as usize),
        ("Tethers of a node", limits::TETHERS),
        ("Tethers held for others", limits::MAX_TETHERS_HELD),
        ("Tethers held for one address", limits::MAX_TETHERS_PER_ADDRESS),
        ("Dialers of a suspect", limits::SUSPECT_DIALERS),
        ("Witnesses that suffice", limits::WITNESSES),
        ("Between two echoes of a watched peer", usize::try_from(limits::WATCH_EVERY.as_millis()).unwrap()),
        ("Between two after one that stayed away", usize::try_from(limits::WATCH_AGAIN.as_millis()).unwrap()),
        ("Echoes that stay away before it is told", limits::WATCH_MISSES.into()),
        ("The same of a peer that loses packets", limits::WATCH_MISSES_WITH_LOSS.into()),
        (
            "Time for an answer of a suspect that was dialed",
            usize::try_from(limits::UNANSWERED_AFTER.as_millis()).unwrap(),
        ),
        (
            "The same where packets are lost",
            usize::try_from(limits::UNANSWERED_WITH_LOSS.as_millis()).unwrap(),
        ),
        ("Time for the suspect's echo", usize::try_from(limits::SUSPICION_PATIENCE.as_millis()).unwrap()),
        ("Between two looks at a suspect", usize::try_from(limits::SUSPECT_AGAIN.as_millis()).unwrap()),
        ("Suspects of one teller", limits::SUSPICIONS_PER_TELLER),
        ("Own row told", limits::ROW_KILOBYTES_PER_SECOND as usize),
        (
            "Wait of news that something fails or no longer fails",
            usize::try_from(limits::NEWS_SOON.as_millis()).unwrap(),
        ),
        ("Wait of other news", usize::try_from(limits::NEWS_LATER.as_millis()).unwrap()),
        ("Rounds with news", limits::NEWS_PER_SECOND as usize),
        ("Nodes looked at for the news of one datagram", limits::LOOKED_AT_FOR_NEWS),
        ("Nodes that look at one of them", limits::LOOKERS_FOR_NEWS),
        ("Entries kept", limits::MAX_CELLS),
        ("Entries of one row kept", limits::MAX_ROW),
        ("Longest body", MAX_BODY),
        ("Longest group or name", MAX_TEXT),
        ("Longest message", MAX_MESSAGE),
        ("Shortest period", presence::MIN_PERIOD_MS as usize),
        ("Longest period", presence::MAX_PERIOD_MS as usize),
    ] {
        let row = SPECIFICATION.lines().find(|line| line.starts_with(&format!("| {what} |"))).unwrap();
        assert!(row.contains(&format!("| {limit} ")), "{row} does not say {limit}");
    }
}

#[test]
fn the_specification_names_the_multicast_group_and_how_rarely_it_hears_of_whom_ipv4_carries() {
    assert!(SPECIFICATION.contains(&format!("The group is `{}`", presence::MULTICAST_GROUP)));
    assert!(SPECIFICATION.contains(&format!("one `here` in {}.", limits::MULTICAST_ONE_IN)));
}

#[test]
fn the_largest_presence_fits_a_datagram_four_times() {
    let text = "n".repeat(MAX_TEXT);
    let presence = Presence {
        kind: Kind::Goodbye,
        group: &text,
        id: NodeId(u128::MAX),
        incarnation: Incarnation(u64::MAX),
        sequence: u64::MAX,
        name: &text,
        tcp_port: u16::MAX,
        udp_port: u16::MAX,
        period_ms: presence::MAX_PERIOD_MS,
        claimed: IpAddr::from([0xff; 16]),
        nonce: Some(Nonce(u64::MAX)),
        echo: Some(Nonce(u64::MAX)),
        prefix: Some(128),
        wide: Some(true),
        suspicion: Some(Suspicion {
            suspect: NodeId(u128::MAX),
            incarnation: Incarnation(u64::MAX),
            seen: u8::MAX,
        }),
        rows: None,
        visitor: Some(true),
        tag: Some(Tag([0xff; Tag::LENGTH])),
        membership: None,
    };
    assert!(presence.encode().len() <= MAX_DATAGRAM / 4);
}
