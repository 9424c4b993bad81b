//! Agents at work, in meetings, in the log and with direct messages, who go on whatever happens to the server; and the account
//! of what they were told, which is then held against what is kept.

use std::collections::{BTreeSet, HashMap};
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use synod::client::{Client, ServerFrame, Socket};
use synod::wire::FrameId;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::agent::{Agent, Asked, Does, logs, script};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::log::Log;
use crate::support::patience::{eventually, within};
use crate::support::server::{agents, ready};

/// Meetings at once.
const MEETINGS: usize = 3;
const COMMUNICATIONS: &str = "/api/v1/communications";
const LAST_WORDS: &str = "the last message";

/// Counts what the agents heard. It is the only clock here.
#[derive(Clone)]
pub(super) struct Pulse(Arc<(watch::Sender<u64>, AtomicBool)>);

impl Pulse {
    fn new() -> Self {
        Self(Arc::new((watch::Sender::new(0), AtomicBool::new(false))))
    }

    fn beat(&self) {
        self.0.0.send_modify(|beats| *beats += 1);
    }

    /// How much was heard so far.
    pub(super) fn beats(&self) -> u64 {
        *self.0.0.borrow()
    }

    /// Waits until so much more was heard.
    pub(super) async fn after(&self, beats: u64) {
        let due = self.beats() + beats;
        let mut heard = self.0.0.subscribe();
        let heard = heard.wait_for(|beats| *beats >= due);
        let _ = within("enough was heard", heard).await;
    }

    fn is_over(&self) -> bool {
        self.0.1.load(Ordering::Relaxed)
    }
}

/// The agents at work.
pub(super) struct Load {
    pub(super) pulse: Pulse,
    meetings: Vec<JoinHandle<Vec<Held>>>,
    loggers: [JoinHandle<Vec<Logged>>; 2],
    writer: JoinHandle<Vec<String>>,
    reader: JoinHandle<Vec<String>>,
}

/// A meeting that has ended, and what its agents heard.
type Held = (Uuid, Vec<Log>);

/// A message that was sent to the log.
struct Logged {
    content: String,
    /// Whether it was said to be kept; else nobody knows.
    is_acked: bool,
}

/// What became of all that was said.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) meetings: usize,
    pub(super) acked: usize,
    /// What was acked and is not kept.
    pub(super) lost: usize,
    /// What was said once and is kept more than once.
    pub(super) doubled: usize,
    /// With which codes connections to meetings ended.
    pub(super) endings: BTreeSet<u16>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.meetings += more.meetings;
        self.acked += more.acked;
        self.lost += more.lost;
        self.doubled += more.doubled;
        self.endings.extend(more.endings);
    }
}

impl Load {
    /// Sets agents to work at a server that is up.
    pub(super) async fn begin(admin: &Client) -> Self {
        let pulse = Pulse::new();
        let mut meetings = Vec::new();
        for lane in 0..MEETINGS {
            let seats = agents(admin, ["ada", "ben", "cho"]).await;
            meetings.push(tokio::spawn(meet(
                admin.clone(),
                lane,
                seats,
                pulse.clone(),
            )));
        }
        let [dan, eli, fay, gil] = agents(admin, ["dan", "eli", "fay", "gil"]).await;
        let line = open(&gil, None).await;
        let logs =
            |sender, is_keyed| tokio::spawn(log_messages(sender, gil.id, is_keyed, pulse.clone()));
        Self {
            meetings,
            loggers: [logs(dan, true), logs(eli, false)],
            writer: tokio::spawn(write(fay, gil.id, pulse.clone())),
            reader: tokio::spawn(read(gil, line, pulse.clone())),
            pulse,
        }
    }

    /// Lets everybody finish, and holds what they were told against what is kept.
    pub(super) async fn end(self, fresh: &Fresh) -> Tally {
        self.pulse.0.1.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        for lane in self.meetings {
            for (meeting, logs) in within("the meetings end", lane).await.unwrap() {
                let checked = check(&*fresh.store, meeting, &logs).await;
                assert_eq!(checked.outcome(), "consensus");
                assert_eq!(checked.count("turn_timed_out"), 0);
                tally.meetings += 1;
                for log in &logs {
                    tally.acked += log.acks.len();
                    tally
                        .endings
                        .extend(log.endings.iter().map(|ended| ended.code));
                }
            }
        }
        let mut kept = HashMap::new();
        for content in fresh.logged_contents().await {
            *kept.entry(content).or_insert(0) += 1;
        }
        for logger in self.loggers {
            for Logged { content, is_acked } in within("the log is written", logger).await.unwrap()
            {
                tally.count(is_acked, kept.get(&content).copied().unwrap_or(0));
            }
        }
        let written = within("all is written", self.writer).await.unwrap();
        for content in &written {
            tally.count(true, kept.get(content).copied().unwrap_or(0));
        }
        let read = within("all is read", self.reader).await.unwrap();
        assert_eq!(read, written, "a line brings each message once, in order");
        tally
    }
}

impl Tally {
    fn count(&mut self, is_acked: bool, kept: usize) {
        self.acked += usize::from(is_acked);
        self.lost += usize::from(is_acked && kept == 0);
        self.doubled += usize::from(kept > 1);
    }
}

/// One meeting after the other.
async fn meet(admin: Client, lane: usize, seats: [Agent; 3], pulse: Pulse) -> Vec<Held> {
    let mut held = Vec::new();
    while !pulse.is_over() {
        let key = format!("meeting {} of lane {lane}", held.len());
        let ids = seats.each_ref().map(|agent| agent.id);
        let wanted = json!({"topic": key, "participant_ids": ids, "start": "when_all_joined",
                            "reconnect_grace_ms": 60_000});
        let created = eventually("the meeting is there", || {
            post(&admin, "/api/v1/meetings", Some(&key), &wanted)
        })
        .await;
        let meeting = created["id"].as_str().unwrap().parse().unwrap();
        let attending = seats.each_ref().map(|agent| {
            let pulse = pulse.clone();
            let answers = script(move |asked| {
                pulse.beat();
                match asked {
                    Asked::ToSpeak(request) => Does::Says(format!("round {}", request.round)),
                    Asked::ToVote(request) => Does::Votes(Some(request.round >= 2)),
                }
            });
            agent.attend(meeting, answers)
        });
        held.push((meeting, logs(attending).await));
    }
    held
}

/// One message to the log after the other: with a key each is sent until it is answered, without one only once.
async fn log_messages(sender: Agent, receiver: Uuid, is_keyed: bool, pulse: Pulse) -> Vec<Logged> {
    let mut logged = Vec::new();
    while !pulse.is_over() {
        let content = format!("logged by {}: {}", sender.name, logged.len());
        let body =
            json!({"sender_id": sender.id, "receiver_id": receiver, "message_content": content});
        let key = is_keyed.then_some(content.as_str());
        let send = || post(&sender.client, COMMUNICATIONS, key, &body);
        let answer = if is_keyed {
            Some(eventually("the message is logged", send).await)
        } else {
            send().await
        };
        if answer.is_some() {
            pulse.beat();
        } else {
            ready(&sender.client).await;
        }
        let is_acked = answer.is_some();
        logged.push(Logged { content, is_acked });
    }
    logged
}

/// POSTs something, and answers what was made; `None` if that is not known.
async fn post(client: &Client, path: &str, key: Option<&str>, body: &Value) -> Option<Value> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let request = request.body(Bytes::from(body.to_string()).into()).unwrap();
    let answer = client.exchange(request).await.ok()?;
    let (status, said) = (answer.status(), String::from_utf8_lossy(answer.body()));
    if status == StatusCode::CREATED {
        return Some(serde_json::from_str(&said).unwrap());
    }
    // Of a key that is in use, the earlier try is still on its way to the database.
    let is_for_now = [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::CONFLICT,
    ];
    assert!(is_for_now.contains(&status), "{status}: {said}");
    None
}

/// One direct message after the other, each under its id until it is acked.
async fn write(sender: Agent, receiver: Uuid, pulse: Pulse) -> Vec<String> {
    let (mut socket, _) = open(&sender, None).await;
    let mut written = Vec::new();
    loop {
        let is_last = pulse.is_over();
        let id = format!("message {}", written.len());
        let content = if is_last { LAST_WORDS } else { &id };
        while !is_acked(&mut socket, &id, receiver, content).await {
            (socket, _) = open(&sender, None).await;
        }
        pulse.beat();
        written.push(content.to_owned());
        if is_last {
            return written;
        }
    }
}

/// Whether a message was acked before the connection ended.
async fn is_acked(socket: &mut Socket, id: &str, receiver: Uuid, content: &str) -> bool {
    if socket.write_to(id, receiver, content).await.is_err() {
        return false;
    }
    loop {
        match within("the message is answered", socket.next()).await {
            Ok(ServerFrame::Ack(ack)) => {
                assert_eq!(ack.id, Some(FrameId::Text(id.to_owned())));
                return true;
            }
            Ok(ServerFrame::Error(refusal)) => {
                assert!(refusal.retry_after_ms.is_some(), "{refusal:?}");
                return false;
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// Reads a line to the last message, and comes back with its cursor.
async fn read(reader: Agent, line: (Socket, String), pulse: Pulse) -> Vec<String> {
    let (mut socket, mut cursor) = line;
    let mut contents = Vec::new();
    while contents.last().is_none_or(|last| last != LAST_WORDS) {
        match within("a message comes", socket.next()).await {
            Ok(ServerFrame::DirectMessage(message)) => {
                pulse.beat();
                cursor = message.cursor;
                contents.push(message.content);
            }
            Ok(_) => {}
            Err(_) => (socket, cursor) = open(&reader, Some(&cursor)).await,
        }
    }
    contents
}

/// An agent's own line, and where it stands.
async fn open(agent: &Agent, after: Option<&str>) -> (Socket, String) {
    eventually("the line is open", || async {
        let mut socket = agent.client.line(after).await.ok()?;
        match within("the line greets", socket.next()).await {
            Ok(ServerFrame::Connected(connected)) => Some((socket, connected.cursor?)),
            Ok(other) => panic!("the first frame is {other:?}"),
            Err(_) => None,
        }
    })
    .await
}
