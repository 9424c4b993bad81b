//! Between the tool and the real server: something that lies about one event to every agent.

use std::net::SocketAddr;

use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What it does to the third event of each connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lie {
    Swallows,
    Doubles,
    /// Tells it behind the next frame.
    Delays,
}

/// A port that leads to a server.
pub(super) struct Liar {
    pub(super) url: String,
    task: JoinHandle<()>,
}

impl Liar {
    pub(super) async fn before(url: &str, lie: Lie) -> Self {
        let target = url.strip_prefix("http://").expect("an address");
        let target: SocketAddr = target.parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                connections.spawn(carry(client, target, lie));
            }
        });
        Self {
            url: format!("http://{address}"),
            task,
        }
    }
}

/// Its connections end with it.
impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, target: SocketAddr, lie: Lie) {
    let server = TcpStream::connect(target).await.expect("the server");
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    // Whoever goes first ends both ways.
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        _ = answer(BufReader::new(from_server), to_client, lie) => {}
    }
}

/// Carries what the server says: as it is, unless it is a socket's.
async fn answer(
    mut from: BufReader<impl AsyncRead + Unpin>,
    mut to: impl AsyncWrite + Unpin,
    lie: Lie,
) -> std::io::Result<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && from.read_line(&mut head).await? > 0 {}
    to.write_all(head.as_bytes()).await?;
    if !head.starts_with("HTTP/1.1 101") {
        return copy(&mut from, &mut to).await.map(drop);
    }
    let (mut events, mut held) = (0, Vec::new());
    loop {
        let frame = frame(&mut from).await?;
        let text = String::from_utf8_lossy(&frame);
        events += u32::from(text.contains(r#""type":"meeting_event""#));
        let mut said = match lie {
            _ if events != 3 => frame,
            Lie::Swallows => Vec::new(),
            Lie::Doubles => [frame.clone(), frame].concat(),
            Lie::Delays => {
                held = frame;
                events += 1;
                continue;
            }
        };
        events += u32::from(events == 3);
        said.append(&mut held);
        to.write_all(&said).await?;
    }
}

/// One frame as a server sends it, unmasked (RFC 6455, section 5.2).
async fn frame(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    from.read_exact(&mut frame).await?;
    let extended = match frame[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = [0; 8];
    from.read_exact(&mut length[8 - extended..]).await?;
    frame.extend_from_slice(&length[8 - extended..]);
    let length = match extended {
        0 => frame[1].into(),
        _ => u64::from_be_bytes(length),
    };
    from.take(length).read_to_end(&mut frame).await?;
    Ok(frame)
}
