//! One field of a packet, as far as it is known, against the values that a rule wants.

use serde_json::Value;

use crate::doctor::facts::{Direction, IpVersion, Transport};
use crate::doctor::firewall::{Matched, ProbePacket, Span, network};

/// Ports from which a packet may come.
const ANY_SENDER: Span = (1_024, 65_535);
/// The bits of the TCP flags, by name; the first one is the lowest.
const FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];
/// Of the packet that opens a connection.
const SYN: u128 = 2;

/// What is known of one field of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FieldValue<'p> {
    /// It lies between these, themselves included.
    Number(Span),
    /// It has this name, or one of these.
    Word(&'p str, &'p str),
    /// Bits that have names.
    Flags(u128),
    All(Vec<Self>),
    /// The packet has it, we do not know what.
    Unknown,
    /// The packet has no such field: no condition on it holds.
    Absent,
}

impl<'p> FieldValue<'p> {
    fn word(word: &'p str) -> Self {
        Self::Word(word, word)
    }

    pub(super) fn of(left: &Value, probe: &'p ProbePacket) -> Self {
        let Some((kind, object)) = left.as_object().and_then(|object| object.iter().next()) else {
            return Self::Unknown;
        };
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        match kind.as_str() {
            "payload" => Self::of_payload(text("protocol"), text("field"), probe),
            "meta" => Self::of_meta(text("key"), probe),
            "ct" if text("key") == "state" => Self::word("new"),
            "ct" if text("key") == "direction" => Self::word("original"),
            "fib" if text("result") == "type" => {
                let flags = object["flags"].as_array().map(Vec::as_slice).unwrap_or_default();
                let of_receiver = flags.iter().any(|flag| flag == "daddr");
                // Ours is the receiver of what comes in, and the sender of what goes out.
                let ours = of_receiver == (probe.direction == Direction::In);
                match (of_receiver && probe.to_all, ours) {
                    (true, _) => Self::word(probe.kind_of_all()),
                    (false, true) => Self::word("local"),
                    (false, false) => Self::word("unicast"),
                }
            }
            "&" => match (Self::of(&object[0], probe), flags_of(&object[1]), number(&object[1])) {
                (Self::Flags(flags), Some(mask), _) => Self::Flags(flags & mask),
                (Self::Number((a, b)), _, Some(mask)) if a == b => Self::Number((a & mask, a & mask)),
                (Self::Absent, ..) => Self::Absent,
                _ => Self::Unknown,
            },
            "concat" => {
                let parts = object.as_array().map(Vec::as_slice).unwrap_or_default();
                let all: Vec<_> = parts.iter().map(|part| Self::of(part, probe)).collect();
                if all.contains(&Self::Absent) { Self::Absent } else { Self::All(all) }
            }
            _ => Self::Unknown,
        }
    }

    fn of_payload(protocol: &str, field: &str, probe: &'p ProbePacket) -> Self {
        let (ours, other) = match probe.ip {
            IpVersion::V4 => ("ip", "ip6"),
            IpVersion::V6 => ("ip6", "ip"),
        };
        match (protocol, field) {
            (ip, _) if ip == other => Self::Absent,
            (ip, "saddr") if ip == ours => Self::Number(probe.from),
            (ip, "daddr") if ip == ours => Self::Number(probe.to),
            ("ip", "protocol") | ("ip6", "nexthdr") => Self::word(probe.transport.name()),
            ("ip" | "ip6" | "ether" | "vlan", _) => Self::Unknown,
            ("udp" | "tcp" | "th", _) if protocol != "th" && protocol != probe.transport.name() => {
                Self::Absent
            }
            (_, "dport") if matches!(protocol, "udp" | "tcp" | "th") => {
                Self::Number((probe.port.into(), probe.port.into()))
            }
            (_, "sport") if matches!(protocol, "udp" | "tcp" | "th") => Self::Number(ANY_SENDER),
            ("tcp", "flags") => Self::Flags(SYN),
            ("udp" | "tcp" | "th", _) => Self::Unknown,
            // Other protocols than ours.
            _ => Self::Absent,
        }
    }

    fn of_meta(key: &str, probe: &'p ProbePacket) -> Self {
        match (key, probe.direction) {
            ("iif" | "iifname", Direction::In) | ("oif" | "oifname", Direction::Out) => {
                Self::word(&probe.interface)
            }
            ("iif" | "iifname" | "oif" | "oifname", _) => Self::word(""),
            ("l4proto", _) => Self::word(probe.transport.name()),
            ("nfproto", _) if probe.ip == IpVersion::V6 => Self::word("ipv6"),
            ("nfproto", _) => Self::word("ipv4"),
            ("protocol", _) if probe.ip == IpVersion::V6 => Self::word("ip6"),
            ("protocol", _) => Self::word("ip"),
            ("pkttype", Direction::In) if probe.to_all => Self::word(probe.kind_of_all()),
            ("pkttype", _) => Self::Word("host", "unicast"),
            _ => Self::Unknown,
        }
    }

    /// Whether it is this single value.
    pub(super) fn is(&self, value: &Value) -> Matched {
        match self {
            Self::Number(known) => match span(value) {
                Some(wanted) => Matched::within(*known, wanted),
                None => Matched::Maybe,
            },
            Self::Word(word, other) => match value {
                Value::String(wanted) => match wanted.strip_suffix('*') {
                    Some(start) => word.starts_with(start).into(),
                    None => (wanted == word || wanted == other).into(),
                },
                Value::Number(n) => {
                    let ours = [Transport::Udp, Transport::Tcp].into_iter().find(|t| t.name() == *word);
                    ours.map_or(Matched::Maybe, |t| (n.as_u64().map(u128::from) == Some(t.number())).into())
                }
                _ => Matched::Maybe,
            },
            Self::Flags(flags) => flags_of(value).map_or(Matched::Maybe, |wanted| (*flags == wanted).into()),
            Self::All(_) | Self::Unknown => Matched::Maybe,
            Self::Absent => Matched::No,
        }
    }
}

/// A number, a port or an address, or a span of them.
fn span(value: &Value) -> Option<Span> {
    if let Some(range) = value.get("range") {
        return Some((number(&range[0])?, number(&range[1])?));
    }
    if let Some(prefix) = value.get("prefix") {
        let bits = u32::try_from(prefix["len"].as_u64()?).ok()?;
        return prefix["addr"].as_str()?.parse().ok().map(|addr| network(addr, bits));
    }
    let one = number(value)?;
    Some((one, one))
}

/// A number, or an address as one.
pub(super) fn number(value: &Value) -> Option<u128> {
    let address = || value.as_str()?.parse().ok().map(|addr| network(addr, u32::MAX).0);
    value.as_u64().map(u128::from).or_else(address)
}

/// The bits that names stand for, as one name, several, or several joined.
pub(super) fn flags_of(value: &Value) -> Option<u128> {
    match value {
        Value::Number(n) => n.as_u64().map(u128::from),
        Value::String(name) => FLAGS.iter().position(|flag| flag == name).map(|nth| 1 << nth),
        Value::Array(all) => all.iter().try_fold(0, |bits, flag| Some(bits | flags_of(flag)?)),
        Value::Object(object) => flags_of(object.get("|")?),
        _ => None,
    }
}
