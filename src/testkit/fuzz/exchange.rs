//! Any body of a frame, as a request and as a reply: decoding never panics, and what it accepts survives a round trip. So do the
//! pages and wants in it.

use crate::engine::api::{ConnId, Input};
use crate::engine::{Nonce, check_refusal, check_reply};
use crate::proto::MAX_BODY;
use crate::proto::exchange::{HEADER, Reply, Request, body_length};
use crate::proto::rows::{self, MAX_ABOUT, MAX_WANTS, append};
use crate::testkit::Solo;

use super::stream::{Stream, frames};

/// Decodes it, and lets a node be asked with it and answered with it.
pub fn exchange(frame: &[u8]) {
    // As a connection brings it: many frames, cut anywhere.
    frames(&mut Stream::of(frame));
    let Some((header, body)) = frame.split_first_chunk::<HEADER>() else { return };
    if let Ok(length) = body_length(header) {
        assert!(length <= MAX_BODY);
    }
    // Whatever the header says: its length would keep most bodies from being tried.
    if let Ok(request) = Request::decode(body) {
        assert_eq!(Request::decode(&request.encode()[HEADER..]), Ok(request));
        request.rows.iter().for_each(|bytes| check_pages(bytes));
        assert!(request.wants.map_or(0, |bytes| rows::wants(bytes).count()) <= MAX_WANTS);
        assert!(request.about.map_or(0, |bytes| rows::about(bytes).count()) <= MAX_ABOUT);
    }
    if let Ok(reply) = Reply::decode(body) {
        assert_eq!(Reply::decode(&reply.encode()[HEADER..]), Ok(reply));
        reply.rows.iter().for_each(|bytes| check_pages(bytes));
    }
    let _ = (check_reply(body, Nonce(1)), check_refusal(body));
    let mut solo = Solo::new(|_| {});
    let from = ([10, 0, 0, 2], 40_000).into();
    for (conn, body) in [(1, Ok(body)), (2, Ok(&frame[..frame.len().min(MAX_BODY)]))] {
        solo.tell(Input::Request { conn: ConnId(conn), from, link: None, body, sealed: false });
    }
    assert_eq!(solo.replies.len(), 2, "each request is answered once");
    solo.engine.check_invariants();
}

/// Writes accepted pages again: as many entries as their heads say, and not one byte that was not read.
fn rewrite_pages(bytes: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    for (head, entries) in rows::pages(bytes) {
        append(&head, &mut written);
        let count = entries.map(|entry| append(&entry, &mut written)).count();
        assert_eq!(count, usize::from(head.count));
    }
    assert_eq!(written.is_empty(), bytes.is_empty());
    written
}

fn check_pages(bytes: &[u8]) {
    let written = rewrite_pages(bytes);
    assert!(written.len() <= bytes.len(), "the shortest form is not longer");
    assert_eq!(rewrite_pages(&written), written);
}
