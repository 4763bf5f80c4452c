//! Any datagram: decoding never panics, and what it accepts survives a round trip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie::proto::presence::{Kind, Presence};
use vigie::proto::{MAX_DATAGRAM, MAX_PROBE};

fuzz_target!(|datagram: &[u8]| {
    if let Ok(presence) = Presence::decode(datagram) {
        let bytes = presence.encode();
        match presence.kind {
            Kind::Probe => assert_eq!(bytes.len(), MAX_PROBE),
            _ => assert!(bytes.len() <= MAX_DATAGRAM && datagram.len() <= MAX_DATAGRAM),
        }
        assert_eq!(Presence::decode(&bytes), Ok(presence));
    }
});
