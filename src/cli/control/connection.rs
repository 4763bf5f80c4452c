//! One program that came in: what it wants, and what it gets.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::cli::visitor::VisitorSession;

use super::inside::Inside;
use super::limits::{FIRST_LINE, MAX_LINE, MAX_QUESTIONS, MAX_SUBSCRIBERS};
use super::lines::{Lines, NoLine, write};
use super::request::{Reply, Request, line, read};
use super::system::{self, Accepted};
use super::{answers, follow};

/// How often it is looked whether somebody who has said all still waits.
const LOOK: Duration = Duration::from_millis(250);

/// Does what the program wants.
pub(super) async fn serve(mut stream: Accepted, inside: Inside) {
    let Ok(place) = Arc::clone(&inside.questions).try_acquire_owned() else {
        return refuse(&mut stream, format!("{MAX_QUESTIONS} questions are waiting already: try again"))
            .await;
    };
    let mut lines = Lines::of(MAX_LINE);
    let request = match timeout(FIRST_LINE, lines.next(&mut stream)).await {
        Ok(Ok(line)) => read(line),
        Ok(Err(NoLine::TooLong)) => Err(format!("a line of more than {MAX_LINE} bytes is refused")),
        Ok(Err(NoLine::End | NoLine::Failed)) | Err(_) => return,
    };
    match request {
        Err(why) => refuse(&mut stream, why).await,
        Ok(request @ (Request::Follow | Request::Attach)) => {
            let Ok(_subscribed) = Arc::clone(&inside.subscribers).try_acquire_owned() else {
                return refuse(&mut stream, too_many()).await;
            };
            drop(place);
            match request {
                Request::Attach => follow::attach(stream, lines, &inside).await,
                _ => follow::serve(stream, lines, &inside).await,
            }
        }
        Ok(question) if question.is_watched() => {
            let Ok(_subscribed) = Arc::clone(&inside.subscribers).try_acquire_owned() else {
                return refuse(&mut stream, too_many()).await;
            };
            drop(place);
            give_changes(stream, &question, &inside).await;
        }
        Ok(question) => {
            let reply = tokio::select! {
                reply = answer(question, &inside) => reply,
                () = left(&mut stream) => return,
            };
            let _ = write(&mut stream, &line(&reply)).await;
        }
    }
}

fn too_many() -> String {
    format!("{MAX_SUBSCRIBERS} programs follow this node already")
}

/// Answers at each change, until the program leaves or the node stops.
async fn give_changes(mut stream: Accepted, question: &Request, inside: &Inside) {
    let Some(events) = inside.listen() else { return };
    let mut session = VisitorSession::new(inside.commands.clone(), events);
    let (replies, mut changes) = mpsc::channel(1);
    let rest = question.wait().saturating_sub(inside.since.elapsed());
    let mut giving = pin!(async {
        session.wait(rest).await?;
        answers::follow(question, &mut session, replies).await
    });
    loop {
        let reply = tokio::select! {
            Some(reply) = changes.recv() => reply,
            Err(_) = &mut giving => return,
            () = left(&mut stream) => return,
        };
        if write(&mut stream, &line(&reply)).await.is_err() {
            return;
        }
    }
}

async fn answer(question: Request, inside: &Inside) -> Reply {
    let Some(events) = inside.listen() else { return Reply::refused("the node has stopped") };
    let mut session = VisitorSession::new(inside.commands.clone(), events);
    let rest = question.wait().saturating_sub(inside.since.elapsed());
    let answer = async {
        session.wait(rest).await?;
        answers::give(&question, &mut session).await
    };
    match answer.await {
        Ok(printout) => printout.into(),
        Err(error) => Reply::refused(error.to_string()),
    }
}

async fn refuse(stream: &mut Accepted, why: String) {
    let _ = write(stream, &line(&Reply::refused(why))).await;
}

/// Returns when nobody waits for the answer any longer. Who has closed one direction may still do so.
async fn left(stream: &mut Accepted) {
    let mut ignored = [0; 512];
    while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    while !system::is_gone(stream) {
        sleep(LOOK).await;
    }
}
