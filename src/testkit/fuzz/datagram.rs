//! Any datagram: decoding never panics, and what it accepts survives a round trip.

use crate::engine::api::{Input, Socket};
use crate::proto::presence::{Kind, Presence, sealed_in, split_tag, unsealed};
use crate::proto::{MAX_DATAGRAM, MAX_PROBE};
use crate::secret::TAG;
use crate::testkit::Solo;

/// Decodes it, and lets a node hear it.
pub fn datagram(bytes: &[u8]) {
    // The net reads no more.
    let bytes = &bytes[..bytes.len().min(MAX_PROBE + 1)];
    if let Ok(presence) = Presence::decode(bytes) {
        let written = presence.encode();
        match presence.kind {
            Kind::Probe => assert_eq!(written.len(), MAX_PROBE),
            _ => assert!(written.len() <= MAX_DATAGRAM && bytes.len() <= MAX_DATAGRAM),
        }
        assert_eq!(Presence::decode(&written), Ok(presence));
        let bare = Presence { tag: None, ..presence };
        let tagged = bare.encode_tagged(|covered| [covered[0]; TAG]);
        // A node leaves room for its tag.
        if presence.kind == Kind::Probe || tagged.len() <= MAX_DATAGRAM {
            let again = Presence::decode(&tagged).map(|presence| Presence { tag: None, ..presence });
            assert_eq!(again, Ok(bare));
        }
        assert!(split_tag(&tagged).is_some());
        let sealed = bare.encode_sealed(0, <[u8]>::to_vec);
        let opened = unsealed(sealed_in(&sealed).expect("it was sealed so"));
        assert_eq!(Presence::decode(&opened), Ok(bare));
    }
    let _ = (split_tag(bytes), sealed_in(bytes));
    let mut solo = Solo::new(|_| {});
    for socket in [Socket::Shared, Socket::Private] {
        let from = ([10, 0, 0, 2], 30_000).into();
        solo.tell(Input::Datagram { from, link: None, socket, bytes });
    }
    solo.engine.check_invariants();
    assert!(solo.rows().len() <= 1 && solo.sent.len() <= 8, "one datagram makes a row, and few others");
}
