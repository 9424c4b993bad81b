//! A connection of bare bytes, for those who break the rules: of HTTP, and of WebSockets (RFC 6455).

use serde_json::Value;
use synod::client::Client;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::patience::within;

/// A connection that speaks as badly as a test wants.
pub(crate) struct Raw<S = TcpStream>(pub(crate) S);

impl Raw {
    pub(crate) async fn to(server: &Client) -> Self {
        let address = server.address().trim_start_matches("http://");
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let said = self.0.write_all(bytes.as_ref()).await;
        said.expect("the server reads");
    }

    /// All that is answered until the server closes the connection.
    pub(crate) async fn hear(self) -> String {
        String::from_utf8(self.hear_bytes().await).expect("text")
    }

    pub(crate) async fn hear_bytes(mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        let read = self.0.read_to_end(&mut heard);
        // A server that closes with something unread resets the connection; what it said before counts.
        let _ = within("the server closes the connection", read).await;
        heard
    }
}

impl<S: AsyncRead + Unpin> Raw<S> {
    /// Exactly this comes next.
    pub(crate) async fn expect(&mut self, said: &str) {
        let mut heard = vec![0; said.len()];
        let read = within("it is said", self.0.read_exact(&mut heard)).await;
        read.expect("all of it");
        assert_eq!(String::from_utf8_lossy(&heard), said);
    }

    /// One answer, which has a body of JSON; the connection stays.
    pub(crate) async fn answer(&mut self) -> (u16, Value) {
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

/// The status of an answer; 0 where there is none.
pub(crate) fn status(answer: &str) -> u16 {
    let code = answer.split(' ').nth(1);
    code.and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// Says something on a new connection and hears what is answered until it is closed.
pub(crate) async fn exchange(server: &Client, bytes: impl AsRef<[u8]>) -> String {
    let mut raw = Raw::to(server).await;
    raw.say(bytes).await;
    raw.hear().await
}

/// A handshake that is in order, but for its token.
pub(crate) fn handshake(path: &str, token: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\nauthorization: Bearer {token}\r\n\r\n"
    )
}

/// The key of the RFC's own example, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A frame as a client sends it, masked: its first byte (FIN, RSV1 to 3, opcode), its payload.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let masked = payload.iter().zip(MASK.iter().cycle());
    let mut frame = head(first, 0x80, payload.len());
    frame.extend(MASK);
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}

/// The beginning of a frame (section 5.2): with 0x80 in `mask`, a mask must follow.
pub(crate) fn head(first: u8, mask: u8, length: usize) -> Vec<u8> {
    let length = u64::try_from(length).expect("a length");
    let mut head = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => head.push(mask | short),
        (_, Ok(medium)) => {
            head.push(mask | 0x7e);
            head.extend(medium.to_be_bytes());
        }
        (_, Err(_)) => {
            head.push(mask | 0x7f);
            head.extend(length.to_be_bytes());
        }
    }
    head
}

/// A frame as the server sends it: its first byte, its payload.
pub(crate) type Heard = (u8, Vec<u8>);

impl Raw {
    /// A socket after its handshake.
    pub(crate) async fn upgraded(server: &Client, path: &str, token: &str) -> Self {
        let mut raw = Self::to(server).await;
        raw.say(handshake(path, token)).await;
        let answer = raw.head().await;
        assert_eq!(status(&answer), 101, "{answer}");
        raw
    }

    /// The head of an answer.
    pub(crate) async fn head(&mut self) -> String {
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            let byte = within("a head comes", self.0.read_u8()).await;
            heard.push(byte.expect("the whole head"));
        }
        String::from_utf8(heard).expect("text")
    }

    /// The next frame; `None` once the server has closed the connection.
    pub(crate) async fn frame(&mut self) -> Option<Heard> {
        within("a frame comes, or the end", self.read_frame()).await
    }

    async fn read_frame(&mut self) -> Option<Heard> {
        let first = self.0.read_u8().await.ok()?;
        let length = match self.0.read_u8().await.ok()? {
            126 => u64::from(self.0.read_u16().await.ok()?),
            127 => self.0.read_u64().await.ok()?,
            short @ ..=125 => short.into(),
            masked => panic!("a server masks nothing: {masked:#x}"),
        };
        let mut payload = vec![0; usize::try_from(length).expect("a length")];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((first, payload))
    }
}
