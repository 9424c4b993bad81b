//! The accept loop: our own, so that every socket has `TCP_NODELAY`, headers have their time, and there is
//! an end to how many connections there are.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower_service::Service;
use tracing::{debug, warn};
use warp::filters::BoxedFilter;

use super::Response;
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

/// Who is at the other end, and its place among the connections; kept as long as its socket.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    _place: Arc<OwnedSemaphorePermit>,
}

/// Requests and sockets that were under way when the loop ended.
pub struct UnderWay {
    /// Dropped to tell every connection to finish.
    open: watch::Sender<()>,
    places: Arc<Semaphore>,
    all_places: u32,
}

impl UnderWay {
    /// Waits until every request is answered and every socket has said goodbye.
    pub async fn finish(self) {
        drop(self.open);
        // A connection keeps its place until it is closed; the semaphore is never closed.
        let _ = self.places.acquire_many(self.all_places).await;
    }
}

/// Serves connections until `shutdown` ends, and takes none after that.
pub async fn serve<L: Listener>(
    mut listener: L,
    routes: BoxedFilter<(Response,)>,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> UnderWay {
    let places = Arc::new(Semaphore::new(limits.connections_max as usize));
    let (open, closing) = watch::channel(());
    let header_timeout = Limits::ms(limits.header_timeout_ms);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // A full house takes no more: new connections wait in the listen queue of the operating system.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        let Ok(place) = place else { break };
        match accepted {
            Ok((stream, address)) => {
                let peer = Peer {
                    address,
                    _place: Arc::new(place),
                };
                tokio::spawn(converse(
                    stream,
                    peer,
                    routes.clone(),
                    header_timeout,
                    closing.clone(),
                ));
            }
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    UnderWay {
        open,
        places,
        all_places: limits.connections_max,
    }
}

async fn converse<S>(
    stream: S,
    peer: Peer,
    routes: BoxedFilter<(Response,)>,
    header_timeout: Duration,
    mut closing: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = peer.address;
    let service = warp::service(routes);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        service.clone().call(request)
    });
    // WebSocket upgrades are HTTP/1.1 only, and agents need nothing of HTTP/2.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
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

/// Long enough for file descriptors to come free, short enough for nobody to notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
