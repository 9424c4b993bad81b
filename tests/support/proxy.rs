//! A network that can be bad, between a client and a server.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Forwards everything at once.
    Fine,
    /// Keeps everything for so long.
    Delays(Duration),
    /// Lets so many bytes a second through, each way of each connection.
    Throttles { bytes_per_s: u32 },
    /// Is cut: every connection is reset, and so is every new one.
    Cut,
    /// What clients say arrives, what they are answered is swallowed, and neither is told. A connection that lost something
    /// never gets well.
    HalfOpen,
}

/// A port that leads to another one, over such a network.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    network: watch::Sender<Network>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Leads to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let network = watch::Sender::new(Network::Fine);
        Self {
            address,
            task: tokio::spawn(serve(listener, target, network.subscribe())),
            network,
        }
    }

    /// Makes the network so from now on.
    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

/// Its connections end with it.
impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, network: watch::Receiver<Network>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        connections.spawn(connect(client, target, network.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(mut client: TcpStream, target: SocketAddr, mut network: watch::Receiver<Network>) {
    // Without a server it is as with one that is cut off.
    let Ok(mut server) = TcpStream::connect(target).await else {
        return reset(&client);
    };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a socket that is open");
    }
    let (there, back) = (network.clone(), network.clone());
    let is_cut = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let pumps = async {
            tokio::join!(
                pump(from_client, to_server, there, false),
                pump(from_server, to_client, back, true)
            )
        };
        tokio::select! {
            biased;
            _ = network.wait_for(|network| *network == Network::Cut) => true,
            (there, back) = pumps => there.is_err() || back.is_err(),
        }
    };
    if is_cut {
        reset(&client);
        reset(&server);
    }
}

/// Closes a connection without a goodbye.
fn reset(stream: &TcpStream) {
    // One that is gone is closed already.
    let _ = stream.set_zero_linger();
}

/// Carries one direction of a connection, to its end.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    network: watch::Receiver<Network>,
    is_answer: bool,
) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    let mut is_lost = false;
    loop {
        let read = from.read(&mut buffer).await?;
        let now = *network.borrow();
        is_lost |= is_answer && now == Network::HalfOpen;
        if is_lost {
            if read == 0 {
                // Nobody learns that it has ended.
                std::future::pending::<()>().await;
            }
            continue;
        }
        if read == 0 {
            return to.shutdown().await;
        }
        match now {
            Network::Delays(time) => sleep(time).await,
            Network::Throttles { bytes_per_s } => {
                let bytes = u32::try_from(read).expect("no more than fit in");
                sleep(Duration::from_secs(bytes.into()) / bytes_per_s).await;
            }
            Network::Fine | Network::Cut | Network::HalfOpen => {}
        }
        to.write_all(&buffer[..read]).await?;
    }
}
