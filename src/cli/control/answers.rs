//! The answers to questions: what the commands would say, by what the node knows.

use std::convert::Infallible;

use serde::Serialize;
use tokio::sync::mpsc;

use crate::cli::error::{CliError, exit};
use crate::cli::visitor::{Printout, VisitorSession};
use crate::cli::{changes, check, list, matrix};
use crate::engine::peers::{PeerSnapshot, PeerState};

use super::request::{Reply, Request, Source};

/// What the command would print.
pub(super) async fn give(question: &Request, session: &mut VisitorSession) -> Result<Printout, CliError> {
    match question {
        Request::List(question) => list::answer(session, question, Source::Node).await,
        Request::Check(question) => check::answer(session, question, Source::Node).await,
        Request::Matrix(question) => matrix::answer(session, question, Source::Node).await,
        Request::Find { name } => find(session, name).await,
        Request::Follow | Request::Attach => Err(CliError::Usage("to follow is no question".to_owned())),
    }
}

/// The same at each change, until nobody takes it.
pub(super) async fn follow(
    question: &Request,
    session: &mut VisitorSession,
    replies: mpsc::Sender<Reply>,
) -> Result<Infallible, CliError> {
    let tell = async |printout: Printout| {
        let gone = |_| CliError::Other(anyhow::anyhow!("nobody waits any longer"));
        replies.send(printout.into()).await.map_err(gone)
    };
    match question {
        Request::List(question) => {
            let current =
                async |session: &mut VisitorSession| list::current(session, question, Source::Node).await;
            changes::follow(session, current, tell).await
        }
        Request::Check(question) => {
            let current =
                async |session: &mut VisitorSession| check::current(session, question, Source::Node).await;
            changes::follow(session, current, tell).await
        }
        _ => Err(CliError::Usage("that has no changes".to_owned())),
    }
}

/// The peers with a name, as `vigie list --json` shows them; of those that can be dialed.
async fn find(session: &mut VisitorSession, name: &str) -> Result<Printout, CliError> {
    #[derive(Serialize)]
    struct Found<'a> {
        v: u8,
        peers: Vec<&'a PeerSnapshot>,
    }
    let view = session.snapshot(|_| ()).await?;
    let fits = |peer: &&PeerSnapshot| {
        peer.info.name == *name && peer.state != PeerState::Left && peer.info.is_dialable()
    };
    let peers: Vec<_> = view.table.peers.iter().filter(fits).collect();
    let code = if peers.is_empty() { exit::NO } else { 0 };
    let out = serde_json::to_string(&Found { v: 1, peers }).map_err(anyhow::Error::from)?;
    Ok(Printout { code, out, hint: None })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::broadcast;

    use crate::cli::control::{ListQuestion, MatrixQuestion};
    use crate::engine::event::{Event, Stamped};
    use crate::engine::observation::{Observation, PathStatus};
    use crate::engine::peers::Snapshot;
    use crate::testkit;

    use super::*;

    /// The answer of a node at 10.0.0.1 to which all is well, with one peer at this address.
    async fn answer(question: Request, ends_with: u8) -> Printout {
        let nodes = [(1, "here", 1), (2, "peer", ends_with)]
            .map(|(nth, name, last)| testkit::peer_at(nth, name, ([10, 0, 0, last], 17_474)));
        let fine = Observation { tcp: PathStatus::Ok, echo: PathStatus::Ok, ..Observation::default() };
        let at = testkit::t0();
        let matrix = testkit::matrix(at, &nodes, |_| {
            Some(testkit::told(at, nodes.iter().map(|node| (node.id.unwrap(), fine))))
        });
        let table = Snapshot {
            node: Arc::new(testkit::node(1, "here")),
            interfaces: ["lo=127.0.0.1/8", "eth0=10.0.0.1/16"].map(testkit::interface).into(),
            peers: vec![testkit::row(&nodes[1], PeerState::Up)],
        };
        let (events, heard) = broadcast::channel(2);
        for event in [Event::Snapshot(Arc::new(table)), Event::Matrix(Arc::new(matrix))] {
            events.send(Stamped { at, wall: std::time::SystemTime::UNIX_EPOCH, event }).unwrap();
        }
        let (commands, _asked) = mpsc::channel(2);
        give(&question, &mut VisitorSession::new(commands, heard)).await.unwrap()
    }

    #[tokio::test]
    async fn a_node_of_this_machine_alone_makes_no_list_and_no_matrix_good_unless_a_person_counts_it() {
        let list = |local| Request::List(ListQuestion { local, ..ListQuestion::default() });
        let matrix = |local| Request::Matrix(MatrixQuestion { local, ..MatrixQuestion::default() });
        for question in [list(false), matrix(false)] {
            let Printout { code, out, hint } = answer(question.clone(), 1).await;
            assert!(code == 1 && out.contains("peer"), "it is shown all the same: {out}");
            let hint = hint.unwrap();
            let own = "this machine's own node is not counted (--local counts it); no peers found: ";
            assert!(hint.starts_with(own), "{hint}");
            assert_eq!(answer(question, 2).await.code, 0);
        }
        for question in [list(true), matrix(true)] {
            let Printout { code, hint, .. } = answer(question, 1).await;
            assert_eq!((code, hint), (0, None));
        }
    }
}
