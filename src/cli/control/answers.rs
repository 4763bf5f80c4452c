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
