//! Any bytes to whoever has a secret: nothing that was not made with it is taken, whatever is changed of what was.

use std::sync::{Arc, LazyLock};

use futures::FutureExt as _;

use crate::engine::api::{ConnId, Input, Socket};
use crate::net::sealing;
use crate::proto::Sealed;
use crate::proto::exchange::HEADER;
use crate::proto::presence::{Kind, Presence, sealed_in, split_tag};
use crate::secret::Secret;
use crate::secret::sessions::Sessions;
use crate::secret::text::{KEY, Key, SecretText};
use crate::testkit::{Solo, presence, request};

use super::stream::Stream;

/// The secret of all that have one here.
pub(super) static SECRET: LazyLock<Arc<Secret>> = LazyLock::new(|| {
    let key = |fill| Key::new([fill; KEY]);
    let text = SecretText { used: key(1), others: vec![key(2)], hide: false };
    Arc::new(Secret::new(&text, "default"))
});

/// Bytes as a secret file, a datagram, and what either end of a connection sends.
pub fn sealed(bytes: &[u8]) {
    if let Ok(text) = SecretText::read(bytes) {
        assert_eq!(SecretText::read(written(&text).as_bytes()).as_ref(), Ok(&text));
    }
    if let Ok(sealed) = Sealed::decode(bytes) {
        assert_eq!(Sealed::decode(&sealed.encode()[HEADER..]), Ok(sealed));
    }
    forged_datagram(bytes);
    changed_datagram(bytes);
    connection(bytes);
}

fn written(text: &SecretText) -> String {
    let keys = std::iter::once(&text.used).chain(&text.others).map(|key| key.line() + "\n");
    keys.chain(text.hide.then(|| "hide\n".to_owned())).collect()
}

/// Nobody is known by it.
fn forged_datagram(bytes: &[u8]) {
    let mut solo = Solo::new(|config| config.secret = Some(Arc::clone(&SECRET)));
    let from = ([10, 0, 0, 2], 30_000).into();
    for bytes in [bytes, &presence(Kind::Hello, 7, 1).encode_tagged(|_| tag(bytes))] {
        let bytes = &bytes[..bytes.len().min(1_473)];
        solo.tell(Input::Datagram { from, link: None, socket: Socket::Private, bytes });
    }
    solo.tell(Input::Request { conn: ConnId(1), from, link: None, body: Ok(bytes), sealed: false });
    let plain = request(7).encode();
    solo.tell(Input::Request {
        conn: ConnId(2),
        from,
        link: None,
        body: Ok(&plain[HEADER..]),
        sealed: false,
    });
    assert!(solo.rows().is_empty() && solo.sent.iter().all(|(_, to, _)| to.ip() != from.ip()));
    assert_eq!(solo.replies.len(), 2);
}

fn tag(bytes: &[u8]) -> [u8; 16] {
    let mut tag = [0; 16];
    tag.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    tag
}

/// A genuine one, of which the bytes say what is changed.
fn changed_datagram(bytes: &[u8]) {
    let [first, second, change, rest @ ..] = bytes else { return };
    let genuine = presence(Kind::Heartbeat, 7, 1);
    let mut tagged = genuine.encode_tagged(|covered| SECRET.tag(covered));
    let mut hidden = genuine.encode_sealed(16, |body| SECRET.seal(body));
    for datagram in [&mut tagged, &mut hidden] {
        let at = usize::from(u16::from_be_bytes([*first, *second])) % datagram.len();
        datagram[at] ^= change;
        for (at, mask) in rest.iter().enumerate().take(datagram.len()) {
            datagram[at] ^= mask;
        }
    }
    let is_changed = *change != 0 || rest.iter().any(|mask| *mask != 0);
    let opened = sealed_in(&hidden).and_then(|sealed| SECRET.open(sealed));
    let is_tagged = split_tag(&tagged).is_some_and(|(covered, tag)| SECRET.is_tagged(covered, tag));
    if !is_changed {
        assert!(opened.is_some() && is_tagged && Presence::decode(&tagged).is_ok());
    } else if rest.is_empty() {
        assert!(opened.is_none() && !is_tagged, "one byte differs");
    }
}

/// What comes by a connection, to the server and to the dialer.
fn connection(bytes: &[u8]) {
    let sessions = Sessions::new(Arc::clone(&SECRET));
    let to = ([10, 0, 0, 2], 17_474).into();
    let mut body = bytes.to_vec();
    let mut stream = Stream::of(bytes);
    let accepted = sealing::accept(&mut stream, &sessions, &mut body).now_or_never();
    assert!(!matches!(accepted, Some(Ok(Some(_)))), "a handshake without the secret");
    // With a first message that is right, and all that follows is not.
    let (_, first) = SECRET.dial().expect("the system has random numbers");
    let mut body = Sealed::of(&first).encode()[HEADER..].to_vec();
    let accepted = sealing::accept(&mut Stream::of(bytes), &sessions, &mut body).now_or_never();
    assert!(!matches!(accepted, Some(Ok(Some(_)))), "a request without the secret");
    let (mut stream, mut reply) = (Stream::of(bytes), Vec::new());
    let request = request(7).encode();
    let exchanged = sealing::exchange(&mut stream, to, Some(&sessions), &request, &mut reply).now_or_never();
    assert!(matches!(exchanged, Some(Err(_))), "a reply without the secret");
    assert!(stream.written < 128, "the request was not sent to whoever has no secret");
}
