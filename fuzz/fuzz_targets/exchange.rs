//! Any frame, as a request and as a reply: decoding never panics, and what it accepts survives a round trip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie::proto::MAX_BODY;
use vigie::proto::exchange::{HEADER, Reply, Request, body_length};

fuzz_target!(|frame: &[u8]| {
    let Some((header, body)) = frame.split_first_chunk::<HEADER>() else { return };
    if let Ok(length) = body_length(header) {
        assert!(length <= MAX_BODY);
    }
    // Whatever the header says: its length would keep most bodies from being tried.
    if let Ok(request) = Request::decode(body) {
        assert_eq!(Request::decode(&request.encode()[HEADER..]), Ok(request));
    }
    if let Ok(reply) = Reply::decode(body) {
        assert_eq!(Reply::decode(&reply.encode()[HEADER..]), Ok(reply));
    }
});
