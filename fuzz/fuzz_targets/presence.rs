//! Any datagram: decoding never panics, and what it accepts survives a round trip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie::proto::MAX_DATAGRAM;
use vigie::proto::presence::Presence;

fuzz_target!(|datagram: &[u8]| {
    if let Ok(presence) = Presence::decode(datagram) {
        let bytes = presence.encode();
        assert!(bytes.len() <= MAX_DATAGRAM);
        assert_eq!(Presence::decode(&bytes), Ok(presence));
    }
});
