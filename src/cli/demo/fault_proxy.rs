//! A proxy in front of a node's TCP server that passes dials on, or makes them fail.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use socket2::SockRef;
use tokio::io;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at once; the others wait in the kernel. Each peer of a demo dials with one at a time.
const MAX_HELD: usize = 256;
/// For one connection: twice what a server allows an exchange.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait after the system refused to open the port or to accept a connection.
const AGAIN: Duration = Duration::from_millis(500);
/// Share of connections that a lossy proxy drops: enough to see, and few enough for retries to get through.
const LOSS: f64 = 0.4;
/// Connections that wait in the kernel for a proxy that accepts none at the moment.
const QUEUE: i32 = 1_024;
/// A connection on loopback stands at once: one that does not by then is dropped.
const FULL_AFTER: Duration = Duration::from_millis(50);
/// Connections with which a queue is filled that has no room: Linux takes one more than it is told.
const MAX_FILLING: usize = 4;

/// What happens to dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conduct {
    /// They reach the node.
    Passes,
    /// Some reach the node, the others get no answer.
    Loses,
    /// They are accepted and get no answer.
    Hangs,
    /// Nothing listens.
    Refuses,
    /// Nothing answers, as where a firewall drops packets. Linux only.
    Drops,
}

/// A running proxy. Dropping it closes its port and all its connections.
#[derive(Debug)]
pub(super) struct FaultProxy {
    conduct: watch::Sender<Conduct>,
    _keeper: JoinSet<()>,
}

impl FaultProxy {
    /// Listens at one address and passes on to another.
    ///
    /// # Errors
    /// When the port is not available.
    pub(super) async fn open(outside: SocketAddr, inside: SocketAddr, rng: StdRng) -> io::Result<Self> {
        let listener = TcpListener::bind(outside).await?;
        let (conduct, wanted) = watch::channel(Conduct::Passes);
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(listener, inside, wanted, rng));
        Ok(Self { conduct, _keeper: keeper })
    }

    /// What happens to dials from now on.
    pub(super) fn set(&self, conduct: Conduct) {
        self.conduct.send_replace(conduct);
    }
}

/// Opens the port whenever it is to be open, until the proxy is dropped.
async fn keep(
    listener: TcpListener,
    inside: SocketAddr,
    mut conduct: watch::Receiver<Conduct>,
    mut rng: StdRng,
) {
    let Ok(outside) = listener.local_addr() else { return };
    let mut first = Some(listener);
    while conduct.wait_for(|conduct| *conduct != Conduct::Refuses).await.is_ok() {
        let listener = match first.take() {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(outside).await,
        };
        match listener {
            Ok(listener) => admit(listener, inside, &mut conduct, &mut rng).await,
            Err(error) => {
                tracing::warn!(target: super::DEMO, %error, "cannot reopen {outside}");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Accepts connections until they are to be refused.
async fn admit(
    listener: TcpListener,
    inside: SocketAddr,
    conduct: &mut watch::Receiver<Conduct>,
    rng: &mut StdRng,
) {
    let mut held = JoinSet::new();
    let mut queue = Queue::default();
    loop {
        let now = *conduct.borrow_and_update();
        if now == Conduct::Refuses {
            return;
        }
        if let Err(error) = queue.follow(now == Conduct::Drops, &listener).await {
            tracing::warn!(target: super::DEMO, %error, "cannot have the system drop connections");
        }
        tokio::select! {
            changed = conduct.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            Some(_) = held.join_next() => {}
            accepted = listener.accept(), if held.len() < MAX_HELD && !queue.is_full() => match accepted {
                Ok((_, from)) if queue.was_filled_by(from) => {}
                Ok((client, _)) => {
                    let passes = match *conduct.borrow() {
                        Conduct::Passes => true,
                        Conduct::Loses => !rng.random_bool(LOSS),
                        Conduct::Hangs | Conduct::Refuses | Conduct::Drops => false,
                    };
                    held.spawn(async move {
                        let _ = timeout(DEADLINE, async {
                            if passes { pass(client, inside).await } else { swallow(client).await }
                        })
                        .await;
                    });
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            },
        }
    }
}

/// The connections that wait for a listener. While there is no room for one more, Linux drops every SYN (`tcp_conn_request`), and a dial
/// ends as it does before a firewall.
#[derive(Debug, Default)]
struct Queue {
    filling: Vec<TcpStream>,
    /// From where it was filled.
    from: Vec<SocketAddr>,
}

impl Queue {
    fn is_full(&self) -> bool {
        !self.filling.is_empty()
    }

    fn was_filled_by(&self, from: SocketAddr) -> bool {
        self.from.contains(&from)
    }

    /// Fills it, or makes room, unless that is done already.
    async fn follow(&mut self, full: bool, listener: &TcpListener) -> io::Result<()> {
        if full == self.is_full() {
            return Ok(());
        }
        self.filling.clear();
        // A socket that listens already takes another length.
        SockRef::from(listener).listen(if full { 0 } else { QUEUE })?;
        while full && self.filling.len() < MAX_FILLING {
            match timeout(FULL_AFTER, TcpStream::connect(listener.local_addr()?)).await {
                Ok(connected) => {
                    let stream = connected?;
                    self.from.push(stream.local_addr()?);
                    self.filling.push(stream);
                }
                Err(_) => return Ok(()),
            }
        }
        if full { Err(io::Error::other("its queue has no end")) } else { Ok(()) }
    }
}

/// Connects the two, from the dialer's own address, so that the node sees it.
async fn pass(mut client: TcpStream, inside: SocketAddr) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(client.peer_addr()?.ip(), 0))?;
    let mut server = socket.connect(inside).await?;
    io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Reads until the dialer gives up.
async fn swallow(mut client: TcpStream) -> io::Result<()> {
    io::copy(&mut client, &mut io::sink()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    /// A server that answers every byte with the address of who sent it, and a proxy in front of it.
    async fn proxy_before_a_server() -> (FaultProxy, SocketAddr, JoinSet<()>) {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let inside = server.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            while let Ok((mut stream, from)) = server.accept().await {
                let _ = stream.read_u8().await;
                let _ = stream.write_all(from.ip().to_string().as_bytes()).await;
            }
        });
        let probe = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let outside = probe.local_addr().unwrap();
        drop(probe);
        let rng = StdRng::from_seed([3; 32]);
        (FaultProxy::open(outside, inside, rng).await.unwrap(), outside, serving)
    }

    async fn ask(proxy: SocketAddr, patience: Duration) -> Result<String, io::ErrorKind> {
        let exchange = async {
            let mut stream = TcpStream::connect(proxy).await?;
            stream.write_u8(1).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.map(|_| answer)
        };
        let answered = timeout(patience, exchange).await.map_err(|_| io::ErrorKind::TimedOut)?;
        answered.map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn a_proxy_passes_dials_on_hangs_closes_and_opens_again() {
        let (proxy, outside, _serving) = proxy_before_a_server().await;
        assert_eq!(ask(outside, SOON).await, Ok("127.0.0.1".into()), "the server sees the dialer's address");
        proxy.set(Conduct::Hangs);
        assert_eq!(ask(outside, Duration::from_millis(100)).await, Err(io::ErrorKind::TimedOut));
        proxy.set(Conduct::Refuses);
        let closed = async {
            while ask(outside, SOON).await != Err(io::ErrorKind::ConnectionRefused) {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, closed).await.unwrap();
        proxy.set(Conduct::Passes);
        let open = async { while ask(outside, SOON).await.is_err() {} };
        timeout(SOON, open).await.unwrap();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_dropping_proxy_answers_nobody_and_keeps_what_is_open() {
        let (proxy, outside, _serving) = proxy_before_a_server().await;
        let mut open = TcpStream::connect(outside).await.unwrap();
        open.write_u8(1).await.unwrap();
        assert_eq!(open.read_u8().await.unwrap(), b'1');
        for _ in 0..2 {
            proxy.set(Conduct::Drops);
            let connect = || timeout(Duration::from_millis(200), TcpStream::connect(outside));
            let dropped = async { while connect().await.is_ok() {} };
            timeout(SOON, dropped).await.unwrap();
            assert!(connect().await.is_err(), "and so are all others");
            proxy.set(Conduct::Passes);
            let passes = async { while ask(outside, Duration::from_millis(200)).await.is_err() {} };
            timeout(SOON, passes).await.unwrap();
        }
        let mut rest = String::new();
        open.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "27.0.0.1");
    }

    #[tokio::test]
    async fn a_lossy_proxy_passes_some_dials_and_not_others() {
        let (proxy, outside, _serving) = proxy_before_a_server().await;
        proxy.set(Conduct::Loses);
        let mut passed = Vec::new();
        for _ in 0..20 {
            passed.push(ask(outside, Duration::from_millis(100)).await.is_ok());
        }
        assert!(passed.contains(&true) && passed.contains(&false), "{passed:?}");
    }
}
