//! `vigie list`: the peers that are found within a while.

use std::time::Duration;

use serde::Serialize;

use crate::engine::peers::{NodeInfo, PeerSnapshot, PeerState, Snapshot};
use crate::engine::verdict::Verdict;
use crate::text::{Measured, Reason, Wait, by_name, what_is_wrong};

use super::args::{ChangesArgs, ListArgs, NodeArgs};
use super::changes::Current;
use super::control::{self, ListQuestion, Request, Source, millis};
use super::error::{CliError, exit};
use super::table::{Side, aligned};
use super::visitor::{self, NodeView, Printout, VisitorSession, nobody_else_found};
use super::watching::{self, Watching};

/// What is not known.
const NOTHING: &str = "–";

pub(super) fn run(node: &NodeArgs, list: &ListArgs) -> Result<u8, CliError> {
    let ListArgs { json, visit, local, changes: ChangesArgs { watch, duration: length }, .. } = *list;
    let question = ListQuestion { json, local, watch, wait_ms: millis(list.wait) };
    if watch {
        let how = Watching { visit, json, length };
        let now = async |session: &mut VisitorSession, source| current(session, &question, source).await;
        return watching::watch(node, how, &Request::List(question.clone()), &now);
    }
    if let Some(code) = control::ask(node, visit, &Request::List(question.clone()))? {
        return Ok(code);
    }
    visitor::run(node, async |session| {
        session.wait(list.wait).await?;
        answer(session, &question, Source::Visit).await
    })
}

/// What a node knows at once.
pub(super) async fn answer(
    session: &mut VisitorSession,
    question: &ListQuestion,
    source: Source,
) -> Result<Printout, CliError> {
    let view = session.snapshot(|_| ()).await?;
    let peers = listed(&view.table);
    let alone = is_alone(&view, &peers, question);
    let hint = alone.then(|| nobody_else_found(&view, peers.len()));
    let out = match (question.json, peers.is_empty()) {
        (true, _) => document(&view.table.node, &peers, source)?,
        (false, true) => String::new(),
        (false, false) => table(&peers),
    };
    Ok(Printout { code: if alone { exit::NO } else { 0 }, out, hint })
}

/// The same as it is told at each change: a line for each peer, those that left among them.
pub(super) async fn current(
    session: &mut VisitorSession,
    question: &ListQuestion,
    source: Source,
) -> Result<Current, CliError> {
    let view = session.snapshot(|_| ()).await?;
    let mut peers: Vec<_> = view.table.peers.iter().collect();
    peers.sort_by(|a, b| by_name(&a.info, &b.info));
    let line = |peer: &&PeerSnapshot| {
        let (info, state) = (&peer.info, peer.state.as_str());
        let why = verdict(peer).map(|why| format!(": {why}")).unwrap_or_default();
        format!("{} ({}) {state}{why}\n", info.name, info.place())
    };
    let gist: String = peers.iter().map(line).collect();
    let listed = listed(&view.table);
    let alone = is_alone(&view, &listed, question);
    let out = if question.json { document(&view.table.node, &listed, source)? } else { gist.clone() };
    let printout = Printout { code: if alone { exit::NO } else { 0 }, out, hint: None };
    Ok(Current { gist, printout })
}

/// The peers that have not left, in the order of their names.
fn listed(table: &Snapshot) -> Vec<&PeerSnapshot> {
    let mut peers: Vec<_> = table.peers.iter().filter(|peer| peer.state != PeerState::Left).collect();
    peers.sort_by(|a, b| by_name(&a.info, &b.info));
    peers
}

/// Whether nobody counts: a node of this machine is listed, and is none of those that are looked for unless somebody says so.
fn is_alone(view: &NodeView, peers: &[&PeerSnapshot], question: &ListQuestion) -> bool {
    peers.iter().all(|peer| !question.local && view.is_on_this_machine(peer))
}

/// The contract's form.
fn document(node: &NodeInfo, peers: &[&PeerSnapshot], source: Source) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct ListDocument<'a> {
        v: u8,
        source: Source,
        node: &'a NodeInfo,
        peers: &'a [&'a PeerSnapshot],
    }
    Ok(serde_json::to_string(&ListDocument { v: 1, source, node, peers })? + "\n")
}

/// The form for people.
fn table(peers: &[&PeerSnapshot]) -> String {
    let heading = [
        ("name", Side::Left),
        ("address", Side::Left),
        ("state", Side::Left),
        ("round trip", Side::Right),
        ("loss", Side::Right),
        ("heard", Side::Right),
        ("verdict", Side::Left),
    ];
    let known = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    let rows: Vec<_> = peers
        .iter()
        .map(|peer| {
            [
                peer.info.name.clone(),
                peer.info.place().to_string(),
                peer.state.as_str().to_owned(),
                known(peer.rtt_us.map(|us| Measured(Duration::from_micros(us)).to_string())),
                known(peer.loss.map(|loss| format!("{:.0} %", loss * 100.0))),
                known(peer.last_heard_ms.map(|ms| format!("{} ago", Wait(Duration::from_millis(ms))))),
                known(verdict(peer)),
            ]
        })
        .collect();
    aligned(heading, &rows)
}

/// What to say about a peer: the diagnosis, else why it is not reached; nothing while nothing is known.
fn verdict(peer: &PeerSnapshot) -> Option<String> {
    // What was found before it failed says nothing of that.
    let known =
        if peer.state.is_failing() && peer.verdict == Verdict::Ok { Verdict::Unknown } else { peer.verdict };
    let unexplained = || peer.state.is_failing().then(|| Verdict::Unknown.description().to_owned());
    what_is_wrong(known, Reason::of(&peer.info, peer.cause)).or_else(unexplained)
}

#[cfg(test)]
mod tests {
    use crate::engine::cause::Cause;
    use crate::engine::peers::PeerInfo;
    use crate::testkit;

    use super::*;

    fn peer(name: &str, state: PeerState) -> PeerSnapshot {
        testkit::row(&testkit::peer_at(1, name, ([10, 0, 0, 1], 17_474)), state)
    }

    #[test]
    fn peers_stand_by_name_with_what_is_known_of_each() {
        let up = PeerSnapshot {
            rtt_us: Some(1_254),
            loss: Some(0.25),
            last_heard_ms: Some(1_200),
            verdict: Verdict::PacketLoss,
            ..peer("host9", PeerState::Up)
        };
        let refusing = PeerSnapshot { cause: Some(Cause::Refused), ..peer("host10", PeerState::Unreachable) };
        let fresh = peer("山田", PeerState::New);
        let mut nowhere = testkit::row(&testkit::named_peer(2, "far"), PeerState::Unreachable);
        let info = PeerInfo { addr: ([0, 0, 0, 0], 17_474).into(), ..PeerInfo::clone(&nowhere.info) };
        nowhere.info = info.into();
        let behind = testkit::row(&testkit::peer_at(3, "container", ([10, 0, 0, 1], 0)), PeerState::New);
        let mut peers = vec![&fresh, &refusing, &up, &nowhere, &behind];
        peers.sort_by(|a, b| by_name(&a.info, &b.info));
        let expected = "\
name       address         state        round trip  loss      heard  verdict
container  10.0.0.1:0      new                   –     –          –  it can dial in and cannot be dialed: it is behind another host's address
far        far:17474       unreachable           –     –          –  no address (DNS)
host9      10.0.0.1:17474  up              1.25 ms  25 %  1.2 s ago  packets are lost
host10     10.0.0.1:17474  unreachable           –     –          –  the host answers, but nothing is listening on the port
山田       10.0.0.1:17474  new                   –     –          –  –
";
        assert_eq!(table(&peers), expected);
    }
}
