//! Who may ask what: one table of every route and every kind of token.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use serde_json::{Value, json};
use synod::client::Client;
use uuid::Uuid;

use super::{AGENTS, COMMUNICATIONS, get, post};
use crate::support::agent::{Agent, agreeable, logs};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{Server, meeting, over, step};

on_each_database!(whoever_may_not_is_told_so_on_every_route,);

/// What everyone is told: the operator, an observer, the meeting's moderator, one of its participants, an agent that has no part
/// in it, one that had a part in all of this until its token was revoked, and somebody without a token.
///
/// Every request is sound, so that the answer is about who asks alone. What a name in `<>` stands for is made anew for
/// every request that might use it up; `<self>` is the agent that asks, and any agent for those who are none. `WS` opens a socket.
const TABLE: &str = r#"
route                                               | admin observer moderator participant stranger revoked nobody
POST   /api/v1/agents                               | 201 403 403 403 403 401 401 | {"name": "new"}
GET    /api/v1/agents                               | 200 200 200 200 200 401 401
GET    /api/v1/agents/<agent>                       | 200 200 200 200 200 401 401
POST   /api/v1/agents/<agent>/token                 | 200 403 403 403 403 401 401 | {}
POST   /api/v1/agents/<self>/token                  | 200 403 403 403 403 401 401 | {}
DELETE /api/v1/agents/<agent>                       | 200 403 403 403 403 401 401
DELETE /api/v1/agents/<self>                        | 200 403 403 403 403 401 401
POST   /api/v1/communications                       | 201 403 201 201 201 401 401 | {"sender_id": "<self>", "receiver_id": "<other>", "message_content": "mine"}
POST   /api/v1/communications                       | 201 403 403 403 403 401 401 | {"sender_id": "<other>", "receiver_id": "<self>", "message_content": "forged"}
POST   /api/v1/communications/batch                 | 201 403 201 201 201 401 401 | {"sender_id": "<self>", "receiver_id": "<other>", "message_content": "mine"}
POST   /api/v1/communications/batch                 | 201 403 403 403 403 401 401 | {"sender_id": "<other>", "receiver_id": "<self>", "message_content": "forged"}
GET    /api/v1/communications                       | 200 200 200 200 200 401 401
GET    /api/v1/communications/<message>             | 200 200 404 200 404 401 401
POST   /api/v1/meetings                             | 201 403 201 201 201 401 401 | {"topic": "t", "participant_ids": ["<other>"]}
GET    /api/v1/meetings                             | 200 200 200 200 200 401 401
GET    /api/v1/meetings/suggest-topics              | 200 200 200 200 200 401 401
GET    /api/v1/meetings/<over>                      | 200 200 200 200 403 401 401
GET    /api/v1/meetings/<over>/events               | 200 200 200 200 403 401 401
GET    /api/v1/meetings/<over>/transcript           | 200 200 200 200 403 401 401
POST   /api/v1/meetings/<pending>/join              | 200 403 200 409 200 401 401 | {"agent_id": "<self>"}
POST   /api/v1/meetings/<invited>/join              | 200 403 403 409 403 401 401 | {"agent_id": "<self>"}
POST   /api/v1/meetings/<pending>/join              | 200 403 403 403 403 401 401 | {"agent_id": "<other>"}
POST   /api/v1/meetings/<pending>/start             | 200 403 200 403 403 401 401 | {}
POST   /api/v1/meetings/<running>/pause             | 200 403 200 403 403 401 401 | {}
POST   /api/v1/meetings/<paused>/resume             | 200 403 200 403 403 401 401 | {}
POST   /api/v1/meetings/<running>/cancel            | 200 403 200 403 403 401 401 | {}
GET    /api/v1/decisions                            | 200 200 200 200 200 401 401
GET    /api/v1/decisions/<decision>                 | 200 200 200 200 403 401 401
WS     /ws/meetings/<pending>                       | 101 101 101 101 101 401 401
WS     /ws/meetings/<invited>                       | 101 101 403 101 403 401 401
WS     /ws/meetings/<over>                          | 101 101 101 101 403 401 401
WS     /ws/meetings/<pending>?agent_id=<self>       | 403 403 101 101 101 401 401
WS     /ws/meetings/<pending>?agent_id=<other>      | 403 403 403 403 403 401 401
WS     /ws/agent                                    | 403 403 101 101 101 401 401
GET    /metrics                                     | 200 200 403 403 403 401 401
GET    /healthz                                     | 200 200 200 200 200 200 200
GET    /readyz                                      | 200 200 200 200 200 200 200
GET    /api/v1/openapi.json                         | 200 200 200 200 200 200 200
GET    /docs                                        | 308 308 308 308 308 308 308
GET    /docs/<file>                                 | 200 200 200 200 200 200 200
GET    /                                            | 200 200 200 200 200 200 200
GET    /dashboard/<script>                          | 200 200 200 200 200 200 200
"#;

/// A line of the table.
struct Row {
    method: &'static str,
    path: &'static str,
    expected: Vec<u16>,
    body: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().skip(2).map(|line| {
        let mut parts = line.split('|');
        let (method, path) = parts.next().unwrap().split_once(' ').unwrap();
        let expected = parts.next().unwrap().split_whitespace();
        Row {
            method,
            path: path.trim(),
            expected: expected.map(|status| status.parse().unwrap()).collect(),
            body: parts.next().unwrap_or_default().trim(),
        }
    })
}

/// A path without the names of what is asked for, and without its query.
fn template(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let of = |part: &str| {
        let is_name = part.starts_with(['<', '{']);
        if is_name { "{}" } else { part }.to_owned()
    };
    path.split('/').map(of).collect::<Vec<_>>().join("/")
}

/// The server, and what there is to be asked for.
struct House {
    server: Server,
    moderator: Agent,
    participant: Agent,
    over: Uuid,
    decision: String,
    message: String,
}

impl House {
    /// What a name in the table stands for.
    async fn named(&self, name: &str, who: Option<Uuid>) -> String {
        match name {
            "self" if let Some(id) = who => id.to_string(),
            "self" | "agent" | "other" => {
                let [agent] = self.server.agents(["another"]).await;
                agent.id.to_string()
            }
            "pending" => self.meeting(json!({}), &[]).await,
            "invited" => self.meeting(json!({"admission": "invited"}), &[]).await,
            "running" => self.meeting(json!({}), &["start"]).await,
            "paused" => self.meeting(json!({}), &["start", "pause"]).await,
            "over" => self.over.to_string(),
            "decision" => self.decision.clone(),
            "message" => self.message.clone(),
            "file" => "index.html".to_owned(),
            "script" => "app.js".to_owned(),
            unknown => panic!("what is <{unknown}>?"),
        }
    }

    /// A new meeting with one participant, after these steps.
    async fn meeting(&self, settings: Value, steps: &[&str]) -> String {
        let agents = [&self.participant];
        let meeting = meeting(&self.moderator.client, &agents, settings).await;
        for name in steps {
            step(&self.moderator.client, meeting, name).await;
        }
        meeting.to_string()
    }

    /// A text of the table with all names filled in.
    async fn filled(&self, text: &str, who: Option<Uuid>) -> String {
        let mut filled = text.to_owned();
        while let Some((before, rest)) = filled.split_once('<') {
            let (name, after) = rest.split_once('>').unwrap();
            filled = format!("{before}{}{after}", self.named(name, who).await);
        }
        filled
    }

    /// What one caller is told.
    async fn told(&self, row: &Row, client: &Client, who: Option<Uuid>) -> (u16, String) {
        let path = self.filled(row.path, who).await;
        if row.method == "WS" {
            return match client.open(&path).await {
                Ok(_) => (101, String::new()),
                Err(error) => {
                    let refused = error.refused().unwrap();
                    (refused.status.as_u16(), refused.code.clone())
                }
            };
        }
        let kind = if path.ends_with("/batch") {
            "application/x-ndjson"
        } else {
            "application/json"
        };
        let body = self.filled(row.body, who).await;
        let request = Request::builder()
            .method(Method::from_bytes(row.method.as_bytes()).unwrap())
            .uri(format!("{}{path}", client.address()))
            .header(CONTENT_TYPE, kind)
            .body(Bytes::from(body).into())
            .unwrap();
        let answer = client.exchange(request).await.unwrap();
        let said = String::from_utf8_lossy(answer.body()).into_owned();
        (answer.status().as_u16(), said)
    }
}

async fn whoever_may_not_is_told_so_on_every_route(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let names = ["moderator", "participant", "stranger", "gone"];
    let [moderator, participant, stranger, gone] = server.agents(names).await;
    let wall = json!({"name": "wall", "role": "observer"});
    let wall = post(&server.admin, AGENTS, wall).await;
    let wall = server
        .admin
        .with_token(wall["token"].as_str().unwrap())
        .unwrap();
    let message =
        json!({"sender_id": participant.id, "receiver_id": gone.id, "message_content": "Tea?"});
    let message = post(&participant.client, COMMUNICATIONS, message).await;
    let quick = json!({"start": "when_all_joined", "max_discussion_rounds": 1});
    let held = meeting(&moderator.client, &[&participant, &gone], quick).await;
    logs([&participant, &gone].map(|agent| agent.attend(held, agreeable()))).await;
    let ended = over(&server.admin, held).await;
    let revoked = format!("{AGENTS}/{}", gone.id);
    let revoked = server.admin.send(Method::DELETE, &revoked, None).await;
    revoked.unwrap();
    let nobody = server.admin.with_token("").unwrap();
    let callers = [
        (&server.admin, None),
        (&wall, None),
        (&moderator.client, Some(moderator.id)),
        (&participant.client, Some(participant.id)),
        (&stranger.client, Some(stranger.id)),
        (&gone.client, Some(gone.id)),
        (&nobody, None),
    ]
    .map(|(client, id)| (client.clone(), id));
    let house = House {
        over: held,
        decision: ended["decision"]["id"].as_str().unwrap().to_owned(),
        message: message["id"].as_str().unwrap().to_owned(),
        server,
        moderator,
        participant,
    };
    let mut wrong = Vec::new();
    for row in rows() {
        let mut all_told = Vec::new();
        for (client, id) in &callers {
            let (told, said) = house.told(&row, client, *id).await;
            let code = match told {
                401 => "authentication_required",
                403 => "forbidden",
                404 => "not_found",
                409 => "already_participant",
                _ => "",
            };
            assert!(said.contains(code), "{} {}: {said}", row.method, row.path);
            all_told.push(told);
        }
        if all_told != row.expected {
            let (method, path, expected) = (row.method, row.path, row.expected);
            wrong.push(format!("{method} {path}: {expected:?}, but {all_told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    house.server.stop().await;
}

/// Every route of both descriptions has a line above, and every line is of such a route.
#[tokio::test]
async fn no_route_is_missing_in_the_table() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let document = get(&server.admin, "/api/v1/openapi.json").await;
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), template(path)));
        }
    }
    let sockets: Value = serde_json::from_str(include_str!("../../docs/asyncapi.json")).unwrap();
    for channel in sockets["channels"].as_object().unwrap().values() {
        let address = channel["address"].as_str().unwrap();
        described.insert(("WS".to_owned(), template(address)));
    }
    let held = rows().map(|row| (row.method.to_owned(), template(row.path)));
    assert_eq!(held.collect::<BTreeSet<_>>(), described);
    server.stop().await;
}
