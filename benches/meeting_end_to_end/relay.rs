//! A bare relay, and agents that talk through it in a circle: what sockets and fan-out cost alone.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::agents::{Socket, connect, small_buffers};
use crate::{Measured, OPINION_BYTES, nanoseconds, now, record};

/// Opens a relay for so many sockets, and tells where.
pub(crate) async fn open(runtime: &Runtime, sockets: usize) -> SocketAddr {
    // Bound inside the runtime that serves it.
    let listener = runtime.spawn(TcpListener::bind("127.0.0.1:0"));
    let listener = listener
        .await
        .expect("binding does not panic")
        .expect("a free port");
    let address = listener
        .local_addr()
        .expect("a bound listener has an address");
    runtime.spawn(serve(listener, sockets));
    address
}

async fn serve(listener: TcpListener, sockets: usize) {
    let (mut accepted, mut outboxes) = (Vec::new(), Vec::new());
    for _ in 0..sockets {
        let (stream, _) = listener.accept().await.expect("somebody connects");
        stream.set_nodelay(true).expect("TCP has TCP_NODELAY");
        let (outbox, waiting) = unbounded_channel();
        accepted.push((
            accept_async_with_config(stream, Some(small_buffers()))
                .await
                .expect("the handshake is in order"),
            waiting,
        ));
        outboxes.push(outbox);
    }
    let outboxes: Arc<[_]> = outboxes.into();
    for (socket, waiting) in accepted {
        tokio::spawn(pump(socket, waiting, Arc::clone(&outboxes)));
    }
}

/// Serves one socket: what comes goes to all, what waits goes out and is flushed once.
async fn pump(
    mut socket: Socket,
    mut waiting: UnboundedReceiver<Utf8Bytes>,
    outboxes: Arc<[UnboundedSender<Utf8Bytes>]>,
) {
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    // One that has hung up needs no telling.
                    outboxes.iter().for_each(|outbox| drop(outbox.send(text.clone())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            Some(text) = waiting.recv() => {
                if write(&mut socket, text, &mut waiting).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn write(
    socket: &mut Socket,
    first: Utf8Bytes,
    waiting: &mut UnboundedReceiver<Utf8Bytes>,
) -> tokio_tungstenite::tungstenite::Result<()> {
    socket.feed(Message::Text(first)).await?;
    while let Ok(text) = waiting.try_recv() {
        socket.feed(Message::Text(text)).await?;
    }
    socket.flush().await
}

/// Lets each of so many agents speak so many times, one after the other, once all may start.
pub(crate) async fn talk(
    address: SocketAddr,
    agents: usize,
    rounds: usize,
    start: Arc<Barrier>,
) -> Measured {
    let turns = agents * rounds;
    let mut sockets = Vec::new();
    for _ in 0..agents {
        sockets.push(connect(address, "/", None).await);
    }
    start.wait().await;
    let start = now();
    let mut talking = JoinSet::new();
    for (place, socket) in sockets.into_iter().enumerate() {
        talking.spawn(take_turns(socket, place, agents, turns));
    }
    let mut acks = nanoseconds();
    for agent in talking.join_all().await {
        acks.add(&agent).expect("histograms of one kind add up");
    }
    let whole = start.elapsed();
    Measured {
        turns,
        discussing: whole,
        whole,
        frames: turns * agents,
        acks,
    }
}

/// One agent: it speaks when it is its turn, and its own words coming back are its ack.
async fn take_turns(
    mut socket: Socket,
    place: usize,
    agents: usize,
    turns: usize,
) -> hdrhistogram::Histogram<u64> {
    let opinion = Utf8Bytes::from("o".repeat(OPINION_BYTES));
    let mut acks = nanoseconds();
    let mut spoke = None;
    for heard in 0..turns {
        if heard % agents == place {
            spoke = Some(now());
            socket
                .send(Message::Text(opinion.clone()))
                .await
                .expect("the relay listens");
        }
        let message = socket.next().await.expect("the relay stays");
        assert!(message.expect("the relay speaks in order").is_text());
        if let Some(spoke) = spoke.take() {
            record(&mut acks, spoke.elapsed());
        }
    }
    acks
}
