//! One term of a filter: a word, or a question such as `rtt>5ms`.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::time::Duration;

use super::super::peer::PeerRow;
use crate::engine::address::share_network;
use crate::engine::peers::PeerState;

/// What a term asks of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// This is found in what is shown of it, in lower case.
    Word(String),
    /// It is in this state.
    State(PeerState),
    /// Its address is in this network.
    Network(IpAddr, u8),
    /// Its last round trip was longer, shorter, or just as long.
    RoundTrip(Ordering, Duration),
    /// So many percent of its echoes are lost, or more, or fewer.
    Loss(Ordering, u8),
    /// A person has marked it.
    Marked,
    /// A person has pinned it.
    Pinned,
    /// The term that follows the `!` does not hold.
    Not(Box<Term>),
}

impl Term {
    /// Reads a term.
    ///
    /// # Errors
    /// What it lacks, in a few words.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if let Some(rest) = text.strip_prefix('!') {
            return match state(rest) {
                _ if rest.is_empty() => Err("! needs a word: !up"),
                // Whoever is not up is asked for, not who has none of these letters in its name.
                Some(state) => Ok(Self::Not(Box::new(Self::State(state)))),
                None => Self::read(rest).map(|term| Self::Not(Box::new(term))),
            };
        }
        if let Some(word) = text.strip_prefix("state:") {
            return state(word)
                .map(Self::State)
                .ok_or("state: new, up, retrying, unreachable, silent or left");
        }
        match text.strip_prefix("is:") {
            Some("marked") => return Ok(Self::Marked),
            Some("pinned") => return Ok(Self::Pinned),
            Some(_) => return Err("is: marked or pinned"),
            None => {}
        }
        if let Some(network) = text.strip_prefix("net:") {
            return read_network(network).ok_or("net: needs a network: net:10.1.0.0/16");
        }
        if let Some((order, value)) = compared(text, "rtt") {
            let time = humantime::parse_duration(value);
            return time.map(|time| Self::RoundTrip(order, time)).map_err(|_| "rtt needs a time: rtt>5ms");
        }
        if let Some((order, value)) = compared(text, "loss") {
            let percent = value.strip_suffix('%').unwrap_or(value).parse();
            return percent
                .map(|percent| Self::Loss(order, percent))
                .map_err(|_| "loss needs percent: loss>0");
        }
        Ok(Self::Word(text.to_lowercase()))
    }

    /// Whether it holds of a peer; `finds` says whether a word is found in what is shown of it.
    pub(super) fn holds(&self, peer: &PeerRow, finds: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Word(word) => finds(word),
            Self::State(state) => peer.state == *state,
            Self::Network(ip, prefix) => {
                peer.info.has_address() && share_network(*ip, peer.info.addr.ip(), *prefix)
            }
            Self::RoundTrip(order, time) => {
                peer.rtt.is_some_and(|rtt| Duration::from(rtt).cmp(time) == *order)
            }
            Self::Loss(order, percent) => {
                peer.history.loss_percent().is_some_and(|loss| loss.cmp(percent) == *order)
            }
            Self::Marked => peer.noted.is_marked,
            Self::Pinned => peer.noted.is_pinned,
            Self::Not(term) => !term.holds(peer, finds),
        }
    }

    /// Whether it holds of somebody of whom only name and address are known: what asks for more, does.
    pub(super) fn holds_of_node(&self, ip: IpAddr, finds: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Word(word) => finds(word),
            Self::Network(network, prefix) => share_network(*network, ip, *prefix),
            Self::State(_) | Self::RoundTrip(..) | Self::Loss(..) | Self::Marked | Self::Pinned => true,
            Self::Not(term) => match &**term {
                Self::Word(_) | Self::Network(..) => !term.holds_of_node(ip, finds),
                _ => true,
            },
        }
    }
}

fn state(word: &str) -> Option<PeerState> {
    PeerState::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(word))
}

/// `net:10.1.0.0/16`, or one address.
fn read_network(text: &str) -> Option<Term> {
    let (ip, prefix) = text.split_once('/').map_or((text, None), |(ip, prefix)| (ip, Some(prefix)));
    let ip: IpAddr = ip.parse().ok()?;
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok())?;
    (prefix <= longest).then_some(Term::Network(ip, prefix))
}

/// What a quantity is compared with, and how.
fn compared<'t>(text: &'t str, quantity: &str) -> Option<(Ordering, &'t str)> {
    let rest = text.strip_prefix(quantity)?;
    let orders = [('>', Ordering::Greater), ('<', Ordering::Less), ('=', Ordering::Equal)];
    orders.into_iter().find_map(|(sign, order)| Some((order, rest.strip_prefix(sign)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_a_word_or_a_question() {
        let not = |term| Term::Not(Box::new(term));
        for (text, term) in [
            ("Printer", Term::Word("printer".into())),
            ("up", Term::Word("up".into())),
            ("!up", not(Term::State(PeerState::Up))),
            ("!printer", not(Term::Word("printer".into()))),
            ("state:Silent", Term::State(PeerState::Silent)),
            ("!state:silent", not(Term::State(PeerState::Silent))),
            ("net:10.1.0.0/16", Term::Network([10, 1, 0, 0].into(), 16)),
            ("net:fe80::/10", Term::Network("fe80::".parse().unwrap(), 10)),
            ("net:10.1.2.3", Term::Network([10, 1, 2, 3].into(), 32)),
            ("rtt>5ms", Term::RoundTrip(Ordering::Greater, Duration::from_millis(5))),
            ("rtt<300us", Term::RoundTrip(Ordering::Less, Duration::from_micros(300))),
            ("loss>0", Term::Loss(Ordering::Greater, 0)),
            ("loss=20%", Term::Loss(Ordering::Equal, 20)),
            ("is:marked", Term::Marked),
            ("!is:pinned", not(Term::Pinned)),
            ("lossy", Term::Word("lossy".into())),
            ("10.1.2.3:17474", Term::Word("10.1.2.3:17474".into())),
        ] {
            assert_eq!(Term::read(text), Ok(term), "{text}");
        }
    }

    #[test]
    fn what_a_question_lacks_is_said_with_an_example() {
        for (text, said) in [
            ("!", "!up"),
            ("state:", "silent"),
            ("state:gone", "silent"),
            ("net:10.1", "net:10.1.0.0/16"),
            ("net:10.1.0.0/33", "net:10.1.0.0/16"),
            ("rtt>", "rtt>5ms"),
            ("rtt>5", "rtt>5ms"),
            ("loss>x", "loss>0"),
            ("!loss>300", "loss>0"),
            ("is:maked", "is: marked or pinned"),
        ] {
            let error = Term::read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
