//! How a client reaches its server: over TCP, or over whatever else it is given, such as a simulated network.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;

/// Both directions of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Unpin> Stream for S {}

/// A connection that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// What carries a client's words.
pub trait Network: Send + Sync + 'static {
    /// Connects to a port of a host, which may be a name or an address.
    fn connect(&self, host: String, port: u16) -> Connecting;
}

/// TCP, without Nagle's delay.
pub struct Tcp;

impl Network for Tcp {
    fn connect(&self, host: String, port: u16) -> Connecting {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

impl Connection for Box<dyn Stream> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// A network as the HTTP client asks for it.
#[derive(Clone)]
pub(super) struct Connector(Arc<dyn Network>);

impl Connector {
    pub(super) fn new(network: impl Network) -> Self {
        Self(Arc::new(network))
    }

    pub(super) async fn connect(&self, uri: &Uri) -> io::Result<Box<dyn Stream>> {
        // An IPv6 address stands in brackets (RFC 3986, section 3.2.2).
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(HTTP_PORT);
        self.0.connect(host.to_owned(), port).await
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let network = self.clone();
        Box::pin(async move { network.connect(&uri).await.map(TokioIo::new) })
    }
}

/// Of `http` without a port.
const HTTP_PORT: u16 = 80;
