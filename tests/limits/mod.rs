//! Limits: how fast anybody may ask, what a connection may do, and what a browser's page may see.

mod answers;
mod bodies;
mod browsers;
mod connections;
mod metrics;
mod rates;

use http::HeaderMap;
use serde_json::Value;
use synod::client::Client;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::patience::within;
use crate::support::server::ADMIN_TOKEN;

const AGENTS: &str = "/api/v1/agents";
const MEETINGS: &str = "/api/v1/meetings";
const COMMUNICATIONS: &str = "/api/v1/communications";

/// A connection that speaks as badly as a test wants.
struct Raw<S = TcpStream>(S);

impl Raw {
    async fn to(server: &Client) -> Self {
        let address = server.address().trim_start_matches("http://");
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let said = self.0.write_all(bytes.as_ref()).await;
        said.expect("the server reads");
    }

    /// All that is answered until the server closes the connection.
    async fn hear(self) -> String {
        String::from_utf8(self.hear_bytes().await).expect("text")
    }

    async fn hear_bytes(mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        let read = self.0.read_to_end(&mut heard);
        // A server that closes with something unread resets the connection; what it said before counts.
        let _ = within("the server closes the connection", read).await;
        heard
    }
}

impl<S: AsyncRead + Unpin> Raw<S> {
    /// Exactly this comes next.
    async fn expect(&mut self, said: &str) {
        let mut heard = vec![0; said.len()];
        let read = within("it is said", self.0.read_exact(&mut heard)).await;
        read.expect("all of it");
        assert_eq!(String::from_utf8_lossy(&heard), said);
    }

    /// One answer, which has a body of JSON; the connection stays.
    async fn answer(&mut self) -> (u16, Value) {
        let mut heard = Vec::new();
        loop {
            let byte = within("an answer comes", self.0.read_u8()).await;
            heard.push(byte.expect("the whole answer"));
            if let Some((head, body)) = std::str::from_utf8(&heard).unwrap().split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                return (status(head), body);
            }
        }
    }
}

/// The head of a POST with these headers.
fn post(path: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_TOKEN}\r\n{headers}\r\n"
    )
}

/// The status of an answer; 0 where there is none.
fn status(answer: &str) -> u16 {
    let code = answer.split(' ').nth(1);
    code.and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// Says something on a new connection and hears what is answered until it is closed.
async fn exchange(server: &Client, bytes: impl AsRef<[u8]>) -> String {
    let mut raw = Raw::to(server).await;
    raw.say(bytes).await;
    raw.hear().await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}
