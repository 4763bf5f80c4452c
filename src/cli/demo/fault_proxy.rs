//! A proxy in front of a node's TCP server that passes dials on, or makes them fail.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
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
    loop {
        tokio::select! {
            changed = conduct.changed() => {
                if changed.is_err() || *conduct.borrow() == Conduct::Refuses {
                    return;
                }
            }
            Some(_) = held.join_next() => {}
            accepted = listener.accept(), if held.len() < MAX_HELD => match accepted {
                Ok((client, _)) => {
                    let passes = match *conduct.borrow() {
                        Conduct::Passes => true,
                        Conduct::Loses => !rng.random_bool(LOSS),
                        Conduct::Hangs | Conduct::Refuses => false,
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
