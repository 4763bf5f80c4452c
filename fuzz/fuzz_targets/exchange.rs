//! Any frame, as a request and as a reply: decoding never panics, and what it accepts survives a round trip. So do the pages
//! and wants in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie::proto::MAX_BODY;
use vigie::proto::exchange::{HEADER, Reply, Request, body_length};
use vigie::proto::rows::{self, MAX_ABOUT, MAX_WANTS, append};

/// Writes accepted pages anew: as many entries as their heads say, and not one byte that was not read.
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

fuzz_target!(|frame: &[u8]| {
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
});
