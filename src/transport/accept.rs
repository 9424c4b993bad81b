//! The accept loop: our own, so that every socket has `TCP_NODELAY`, headers have their time, and there is
//! an end to how many connections there are.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::door::Door;
use super::patient::Patient;
use super::places::{Places, Reserved};
use crate::config::Limits;

/// Where connections come from: a TCP port, or a simulated network.
pub trait Listener: Send + 'static {
    /// One connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection.
    ///
    /// # Errors
    /// As the operating system says; the loop goes on after a pause.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = Self::accept(self).await?;
        // Without it an answer in two parts waits 40 ms for the peer's delayed acknowledgement.
        stream.set_nodelay(true)?;
        Ok((stream, address))
    }
}

/// Who is at the other end, and its place among the connections, which is held as long as its socket lives.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Its place, free again when nobody holds it any more.
    pub place: Arc<dyn Any + Send + Sync>,
}

/// Requests and sockets that were under way when the loop ended.
pub struct UnderWay {
    /// Dropped to tell every connection to finish.
    open: watch::Sender<()>,
    places: Places,
}

impl UnderWay {
    /// Waits until every request is answered and every socket has said goodbye.
    pub async fn finish(self) {
        drop(self.open);
        // A connection keeps its place until it is closed.
        self.places.all_free().await;
    }
}

/// Serves connections until `shutdown` ends, and takes none after that.
pub async fn serve<L: Listener>(
    mut listener: L,
    door: Door,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> UnderWay {
    let places = Places::new(limits, door.metrics().clone());
    let (open, closing) = watch::channel(());
    let protocol = protocol(limits);
    let patience = Limits::ms(limits.write_timeout_ms);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // A full house takes no more: new connections wait in the listen queue of the operating system.
        let accepted = async {
            let reserved = places.reserve().await;
            (listener.accept().await, reserved)
        };
        let (accepted, reserved) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, address)) => match places.give(reserved, address.ip()) {
                Ok(place) => {
                    let peer = Peer {
                        address,
                        place: Arc::new(place),
                    };
                    let conversation = converse(
                        Patient::new(stream, patience),
                        peer,
                        door.clone(),
                        protocol.clone(),
                        closing.clone(),
                    );
                    tokio::spawn(conversation);
                }
                Err(reserved) => {
                    debug!(%address, "an address has too many connections");
                    tokio::spawn(turn_away(stream, reserved));
                }
            },
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    UnderWay { open, places }
}

/// HTTP/1.1 within these limits. WebSocket upgrades are HTTP/1.1 only, and agents need nothing of HTTP/2.
fn protocol(limits: &Limits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(Limits::ms(limits.header_timeout_ms))
        .max_headers(Limits::HEADERS_MAX)
        .max_header_size(limits.header_max_bytes);
    protocol
}

async fn converse<S>(
    stream: S,
    peer: Peer,
    door: Door,
    protocol: http1::Builder,
    mut closing: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = peer.address;
    let service = service_fn(move |request| {
        let (door, peer) = (door.clone(), peer.clone());
        async move { door.answer(request, peer).await }
    });
    let connection = protocol
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // The sender never sends: this is its end.
        _ = closing.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%address, %error, "a connection ended badly");
    }
}

/// Says that there are too many, to whoever still listens, without reading a word. A new socket has room for that.
async fn turn_away<S: AsyncWrite + Unpin>(mut stream: S, _reserved: Reserved) {
    let said = async {
        stream.write_all(TOO_MANY.as_bytes()).await?;
        stream.shutdown().await
    };
    // A peer that is gone, or that does not take it, needs no telling.
    let _ = timeout(ACCEPT_PAUSE, said).await;
}

/// The answer to a connection too many; the same shape as every other no.
const TOO_MANY: &str = concat!(
    "HTTP/1.1 429 Too Many Requests\r\n",
    "content-type: application/json\r\n",
    "content-length: 94\r\n",
    "retry-after: 1\r\n",
    "connection: close\r\n",
    "\r\n",
    r#"{"error":"rate_limited","message":"your address has too many connections: close some of them"}"#,
);

/// Long enough for file descriptors to come free, short enough for nobody to notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
