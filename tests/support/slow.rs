//! Readers that take nothing until they are told to.

use futures_util::StreamExt;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use synod::client::{Client, Ended};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::patience::within;

/// A socket whose buffer takes little, in the hands of a test that does not read it yet.
pub(crate) struct Slow(WebSocketStream<TcpStream>);

impl Slow {
    pub(crate) async fn open(server: &Client, token: &str, path: &str) -> Self {
        let host = server.address().trim_start_matches("http://");
        let socket = TcpSocket::new_v4().expect("a socket");
        let narrowed = socket.set_recv_buffer_size(262_144);
        narrowed.expect("a size");
        let address = host.parse().expect("an address");
        let stream = socket.connect(address).await.expect("a connection");
        let request = format!("ws://{host}{path}").into_client_request();
        let mut request = request.expect("a request");
        let token = HeaderValue::from_str(&format!("Bearer {token}"));
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token.expect("a token"));
        Self(client_async(request, stream).await.expect("a handshake").0)
    }

    /// Reads what had been sent to it, up to the close.
    pub(crate) async fn read_at_last(mut self, mut hear: impl FnMut(&str)) -> Ended {
        loop {
            match within("the slow reader is sent away", self.0.next()).await {
                Some(Ok(Message::Text(text))) => hear(&text),
                Some(Ok(Message::Close(frame))) => return frame.into(),
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("no close came: {error}"),
                None => panic!("no close came"),
            }
        }
    }
}
