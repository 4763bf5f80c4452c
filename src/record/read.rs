//! A whole line as the event that it was.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::engine::address::{Endpoint, LinkIndex, split_zone};
use crate::engine::cause::Detail;
use crate::engine::event::{Event, Stamped};
use crate::engine::interface::Interface;
use crate::engine::matrix::{MatrixNode, MatrixView};
use crate::engine::peers::{Elsewhere, HeardFrom, NodeInfo, PeerInfo, PeerKey, PeerSnapshot, Snapshot};
use crate::engine::verdict::{Advice, Evidence, Finding};

use super::epoch::Epoch;
use super::forms::{EventForm, FindingForm, HeardForm, MatrixNodeForm, PeerForm, RowForm};
use super::keys::key_of;
use super::matrix::{MatrixMore, ToldRows};
use super::more::{FindingMore, LinkMore, More, dial_interval};
use super::peers::{ElsewhereMore, PeerMore};

/// Why a line is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no event: {0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// In words.
    pub(super) fn new(why: &str) -> Self {
        Self(why.to_owned())
    }

    /// What the syntax says.
    #[expect(clippy::needless_pass_by_value, reason = "it is what maps an error")]
    pub(super) fn of(error: serde_json::Error) -> Self {
        // It counts within the line; where that stands in the file, the reader says.
        let said = error.to_string();
        Self(said.rsplit_once(" at line ").map_or(said.clone(), |(why, _)| why.to_owned()))
    }
}

/// Reads the whole lines of one writer, all of them and in their order.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// By the first line.
    epoch: Option<Epoch>,
    told: ToldRows,
    /// The numbers of the links, by name.
    links: HashMap<String, u32>,
    /// Each peer as it was last told: its events share it.
    peers: HashMap<PeerKey, Arc<PeerInfo>>,
}

/// A whole line as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct WholeLine {
    ts: String,
    more: More,
    #[serde(flatten)]
    event: EventForm,
}

impl Reader {
    /// The event of a line; none of an event that only a later version knows. The first line was written `now`.
    ///
    /// # Errors
    /// [`Unreadable`], if it is not the whole line of an event.
    pub fn line(&mut self, line: &[u8], now: Instant) -> Result<Option<Stamped>, Unreadable> {
        let line: WholeLine = serde_json::from_slice(line).map_err(Unreadable::of)?;
        let epoch = self.begin(Epoch::of(line.more.at, now));
        self.whole(line, epoch)
    }

    /// The event of a line whose times are counted from this epoch.
    pub(super) fn whole(&mut self, line: WholeLine, epoch: Epoch) -> Result<Option<Stamped>, Unreadable> {
        let WholeLine { ts, more, event } = line;
        let wall = humantime::parse_rfc3339(&ts).map_err(|error| Unreadable(format!("{ts}: {error}")))?;
        let at = epoch.instant(more.at);
        Ok(self.event(event, &more)?.map(|event| Stamped { at, wall, event }))
    }

    /// What numbers are counted from: the first that is given.
    pub(super) fn begin(&mut self, epoch: Epoch) -> Epoch {
        *self.epoch.get_or_insert(epoch)
    }

    fn event(&mut self, form: EventForm, more: &More) -> Result<Option<Event>, Unreadable> {
        let row = more.row.map(key_of);
        let event = match form {
            EventForm::Started { node, interfaces } => {
                let interfaces = self.interfaces(interfaces, &more.links).into();
                Event::Started { node: whole(node, more), interfaces }
            }
            EventForm::NodeRenamed { node, from } => Event::NodeRenamed { node: whole(node, more), from },
            EventForm::InterfaceUp { interface } => {
                Event::InterfaceUp { interface: self.interface(interface, more) }
            }
            EventForm::InterfaceDown { interface } => {
                Event::InterfaceDown { interface: self.interface(interface, more) }
            }
            EventForm::IdChanged { node, previous_id, addr } => {
                Event::IdChanged { node: whole(node, more), previous_id, twin: self.endpoint(&addr)? }
            }
            EventForm::Visited { name, addr, count } => {
                Event::Visited { name, addr: self.endpoint(&addr)?, count }
            }
            EventForm::ExchangeServed { peer, addr } => Event::ExchangeServed {
                peer: peer.map(|peer| self.peer(peer, row)).transpose()?,
                addr: addr.map(|addr| self.endpoint(&addr)).transpose()?,
            },
            EventForm::Diagnosis(finding) => Event::Diagnosis(self.finding(finding, more.findings.first())?),
            EventForm::Rejected { from, reason, count } => {
                Event::Rejected { from: self.endpoint(&from)?, reason, count }
            }
            EventForm::Lagged { missed } => Event::Lagged { missed },
            EventForm::Snapshot { node, interfaces, peers } => {
                let (node, interfaces) = (whole(node, more), self.interfaces(interfaces, &more.links).into());
                Event::Snapshot(Arc::new(Snapshot {
                    node,
                    interfaces,
                    peers: self.rows(peers, &more.peers)?,
                }))
            }
            EventForm::Matrix { nodes, findings } => {
                Event::Matrix(Arc::new(self.matrix(nodes, findings, more)?))
            }
            EventForm::Stopped { reason } => Event::Stopped { reason },
            EventForm::Later => return Ok(None),
            of_peer => return self.of_peer(of_peer, more, row).map(Some),
        };
        Ok(Some(event))
    }

    /// An event about a peer, but for dials.
    fn of_peer(&mut self, form: EventForm, more: &More, row: Option<PeerKey>) -> Result<Event, Unreadable> {
        Ok(match form {
            EventForm::PeerDiscovered { peer, via } => {
                Event::PeerDiscovered { peer: self.peer(peer, row)?, via }
            }
            EventForm::PeerState { peer, from, to } => {
                Event::PeerState { peer: self.peer(peer, row)?, from, to }
            }
            EventForm::PeerRestarted { peer, previous_incarnation } => {
                Event::PeerRestarted { peer: self.peer(peer, row)?, previous_incarnation }
            }
            EventForm::PeerMoved { peer, from, to } => {
                let to = self.endpoint(&to)?;
                let nowhere = Endpoint::from((Ipv4Addr::UNSPECIFIED, to.port()));
                let from = from.map_or(Ok(nowhere), |from| self.endpoint(&from))?;
                Event::PeerMoved { peer: self.peer(peer, row)?, from, to, path_only: more.path_only }
            }
            EventForm::BehindNat { peer, seen_at, this_node } => {
                Event::BehindNat { peer: self.peer(peer, row)?, seen_at, this_node }
            }
            EventForm::PeerPath { peer, addr, interface, from, to } => {
                let addr = self.endpoint(&addr)?;
                Event::PeerPath { peer: self.peer(peer, row)?, addr, interface, from, to }
            }
            EventForm::PeerLeft { peer, reason } => Event::PeerLeft { peer: self.peer(peer, row)?, reason },
            dial => return self.dial(dial, row),
        })
    }

    fn dial(&mut self, form: EventForm, row: Option<PeerKey>) -> Result<Event, Unreadable> {
        Ok(match form {
            EventForm::DialStarted { peer, addr, attempt, max, forced } => {
                let addr = self.endpoint(&addr)?;
                Event::DialStarted { peer: self.peer(peer, row)?, addr, attempt, max, forced }
            }
            EventForm::DialSucceeded { peer, addr, attempt, connect_us, rtt_us } => {
                let [connect, rtt] = [connect_us, rtt_us].map(Duration::from_micros);
                let addr = self.endpoint(&addr)?;
                Event::DialSucceeded { peer: self.peer(peer, row)?, addr, attempt, connect, rtt }
            }
            EventForm::DialFailed {
                peer,
                addr,
                attempt,
                max,
                cause,
                detail,
                errno,
                retryable,
                retry_in_ms,
            } => Event::DialFailed {
                addr: self.endpoint(&addr)?,
                peer: self.peer(peer, row)?,
                attempt,
                max,
                cause,
                detail: Detail::system(detail),
                errno,
                retryable,
                retry_in: retry_in_ms.map(Duration::from_millis),
            },
            EventForm::DialGaveUp { peer, addr, attempts, cause } => {
                let addr = self.endpoint(&addr)?;
                Event::DialGaveUp { peer: self.peer(peer, row)?, addr, attempts, cause }
            }
            other => return Err(Unreadable(format!("it is not about a peer: {other:?}"))),
        })
    }

    /// The peer in a row; shared with the events before, as long as it is told alike.
    pub(super) fn peer(&mut self, form: PeerForm, row: Option<PeerKey>) -> Result<Arc<PeerInfo>, Unreadable> {
        let key = row.ok_or_else(|| Unreadable("the row of its peer is missing".to_owned()))?;
        let PeerForm { id, name, addr, incarnation } = form;
        // One without an address has its name in the place of it.
        let port = || addr.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let addr = match self.endpoint(&addr) {
            Err(error) => Endpoint::from((Ipv4Addr::UNSPECIFIED, port().ok_or(error)?)),
            Ok(addr) => addr,
        };
        let told = PeerInfo { key, id, name, addr, incarnation };
        let known = self.peers.entry(key).or_insert_with(|| Arc::new(told.clone()));
        if **known != told {
            *known = Arc::new(told);
        }
        Ok(Arc::clone(known))
    }

    fn rows(&mut self, rows: Vec<RowForm>, more: &[PeerMore]) -> Result<Vec<PeerSnapshot>, Unreadable> {
        let rows: Vec<_> =
            rows.into_iter().zip(more).map(|(row, more)| self.row(row, more)).collect::<Result<_, _>>()?;
        // The others have gone, and their rows are never used again.
        self.peers = rows.iter().map(|row| (row.info.key, Arc::clone(&row.info))).collect();
        Ok(rows)
    }

    fn row(&mut self, form: RowForm, more: &PeerMore) -> Result<PeerSnapshot, Unreadable> {
        let RowForm { peer, state, via, rtt_us, loss, last_heard_ms, cause, verdict, paths } = form;
        let epoch = self.epoch()?;
        let elsewhere = more.elsewhere.as_ref().map(|more| self.elsewhere(paths, more, epoch)).transpose()?;
        Ok(PeerSnapshot {
            info: self.peer(peer, Some(key_of(more.row)))?,
            state,
            via,
            rtt_us,
            connect: more.connect_us.map(Duration::from_micros),
            loss,
            last_heard_ms,
            last_heard: more.last_heard.map(|at| epoch.instant(at)),
            cause,
            verdict,
            observation: more.seen.observation(epoch),
            dial: more.dial.phase(epoch),
            interface: more.interface.clone(),
            elsewhere: elsewhere.map(Arc::new),
        })
    }

    fn elsewhere(
        &mut self,
        heard: Vec<HeardForm>,
        more: &ElsewhereMore,
        epoch: Epoch,
    ) -> Result<Elsewhere, Unreadable> {
        let heard_from = |(form, (last, proven)): (HeardForm, &(i64, bool))| {
            let HeardForm { addr, last_heard_ms, interface, state, rtt_us } = form;
            let addr = self.endpoint(&addr)?;
            let last = epoch.instant(*last);
            Ok(HeardFrom { addr, last, last_heard_ms, interface, proven: *proven, state, rtt_us })
        };
        let heard = heard.into_iter().zip(&more.heard).map(heard_from).collect::<Result<_, _>>()?;
        Ok(Elsewhere { heard, claimed: more.claimed })
    }

    fn finding(&mut self, form: FindingForm, more: Option<&FindingMore>) -> Result<Arc<Finding>, Unreadable> {
        let more = more.ok_or_else(|| Unreadable("more of its finding is missing".to_owned()))?;
        let mut evidence: Vec<_> = form.evidence.into_iter().map(Evidence::Told).collect();
        if let Some((nth, addrs)) = &more.shared_name
            && let Some(told) = evidence.get_mut(*nth)
        {
            let addrs = addrs.iter().map(|addr| self.endpoint(addr)).collect::<Result<_, _>>()?;
            *told = Evidence::SharedName { addrs };
        }
        let advice = if form.advice.is_empty() { Advice::Nothing } else { Advice::Told(form.advice.into()) };
        Ok(Arc::new(Finding {
            id: form.id,
            peer: self.peer(form.peer, Some(key_of(more.row)))?,
            verdict: form.verdict,
            evidence,
            advice,
            pattern: form.pattern,
            confidence: form.confidence,
            nodes: form.nodes,
            names: form.names,
            pairs: form.pairs,
            pair_count: form.pair_count,
            since: self.epoch()?.instant(more.since),
            replaces: form.replaces,
        }))
    }

    fn matrix(
        &mut self,
        nodes: Vec<MatrixNodeForm>,
        findings: Vec<FindingForm>,
        more: &More,
    ) -> Result<MatrixView, Unreadable> {
        let epoch = self.epoch()?;
        let nothing = MatrixMore::default();
        let matrix = more.matrix.as_ref().unwrap_or(&nothing);
        let node = |(nth, MatrixNodeForm { id, name, addr })| {
            let addr = self.endpoint(&addr)?;
            Ok(MatrixNode { id, name, addr, second_hand: matrix.is_second_hand(nth) })
        };
        let nodes = nodes.into_iter().enumerate().map(node).collect::<Result<Arc<[_]>, _>>()?;
        let rows = matrix.rows(nodes.iter().map(|node| node.id), epoch, &mut self.told);
        let findings = findings.into_iter().enumerate();
        let findings = findings.map(|(nth, form)| self.finding(form, more.findings.get(nth)));
        let findings = findings.collect::<Result<_, _>>()?;
        let (at, left_out) = (matrix.at(epoch), matrix.left_out());
        let segments = matrix.segments().to_vec();
        Ok(MatrixView { at, nodes, rows, findings, left_out, segments })
    }

    fn interface(&mut self, interface: Interface, more: &More) -> Arc<Interface> {
        Arc::new(self.interfaces(vec![interface], &more.links).remove(0))
    }

    fn interfaces(&mut self, mut interfaces: Vec<Interface>, links: &[LinkMore]) -> Vec<Interface> {
        for (interface, link) in interfaces.iter_mut().zip(links) {
            interface.index = link.index.map(LinkIndex);
            interface.hardware = link.hardware.as_ref().and_then(|hardware| hardware.parse().ok());
            if let Some(index) = link.index {
                self.links.insert(interface.name.to_string(), index);
            }
        }
        interfaces
    }

    /// An address as it is told: `10.0.0.7:17474`, `[fe80::7%eth0]:17474`. A link that was not told of has a number that no other has.
    fn endpoint(&mut self, text: &str) -> Result<Endpoint, Unreadable> {
        if let Ok(addr) = text.parse::<SocketAddr>() {
            return Ok(addr.into());
        }
        let parts = text.strip_prefix('[').and_then(|text| text.rsplit_once("]:"));
        let zoned = parts.and_then(|(host, port)| Some((split_zone(host)?, port.parse().ok()?)));
        let Some(((std::net::IpAddr::V6(ip), Some(zone)), port)) = zoned else {
            return Err(Unreadable(format!("'{text}' is no address")));
        };
        let unknown = u32::MAX - u32::try_from(self.links.len()).unwrap_or(0);
        let index = *self.links.entry(zone.to_owned()).or_insert(unknown);
        Ok(Endpoint::named(SocketAddrV6::new(ip, port, 0, index).into(), Some(zone)))
    }

    fn epoch(&self) -> Result<Epoch, Unreadable> {
        self.epoch.ok_or_else(|| Unreadable("no line was read before".to_owned()))
    }
}

/// This node, with what the contract leaves out.
fn whole(node: NodeInfo, more: &More) -> Arc<NodeInfo> {
    Arc::new(NodeInfo { dial_interval: dial_interval(more.dial_interval_ms), ..node })
}
