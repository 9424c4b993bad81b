//! Two servers on one database: what was done at one holds at the other.

use http::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use synod::client::{Client, Socket};
use synod::config::Limits;
use synod::wire::CloseCode;

use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::{eventually, within};
use crate::support::server::{Server, limits, once};

on_each_database!(
    a_token_that_is_revoked_at_one_closes_its_sockets_at_the_other,
    a_keyed_request_to_both_at_once_acts_once,
);

const AGENTS: &str = "/api/v1/agents";
const COMMUNICATIONS: &str = "/api/v1/communications";
const MEETINGS: &str = "/api/v1/meetings";

/// The code with which a socket is closed, whatever is said before.
async fn closed(mut socket: Socket) -> u16 {
    let ended = async {
        loop {
            if let Err(ended) = socket.next_text().await {
                return ended.code;
            }
        }
    };
    within("the socket is closed", ended).await
}

async fn a_token_that_is_revoked_at_one_closes_its_sockets_at_the_other(fresh: Fresh) {
    let watchful = Limits {
        ownership_interval_ms: 10,
        ..limits()
    };
    let (first, second) = (
        Server::on(&fresh).await,
        Server::with(&fresh, watchful).await,
    );
    let [ada, ben] = first.agents(["ada", "ben"]).await;
    let wall = json!({"name": "wall", "role": "observer"});
    let wall: Value = first.admin.post(AGENTS, &wall).await.unwrap();
    let at_second = |token: &str| second.admin.with_token(token).unwrap();
    let wall_client = at_second(wall["token"].as_str().unwrap());
    let meeting = second.meeting(&[&ada, &ben], json!({})).await;
    let path = format!("/ws/meetings/{meeting}");
    let (ada, ben) = (ada.at(&second.admin), ben.at(&second.admin));
    let bens = ben.client.open("/ws/agent").await.unwrap();
    let sockets = [
        ada.client.open(&path).await.unwrap(),
        ada.client.open("/ws/agent").await.unwrap(),
        wall_client.open(&path).await.unwrap(),
    ];
    for id in [ada.id.to_string(), wall["id"].as_str().unwrap().to_owned()] {
        let path = format!("{AGENTS}/{id}");
        let revoked = first.admin.send(Method::DELETE, &path, None).await;
        revoked.unwrap();
    }
    for socket in sockets {
        assert_eq!(closed(socket).await, CloseCode::REVOKED.code);
    }
    for client in [&ada.client, &wall_client] {
        let refused = client.open(&path).await.unwrap_err();
        assert_eq!(refused.code(), Some("authentication_required"));
    }

    let rotate = format!("{AGENTS}/{}/token", ben.id);
    let rotated: Value = first.admin.post(&rotate, &json!({})).await.unwrap();
    assert_eq!(closed(bens).await, CloseCode::REVOKED.code);
    let again = at_second(rotated["token"].as_str().unwrap());
    again.open("/ws/agent").await.expect("the new token opens");
    first.stop().await;
    second.stop().await;
}

/// The handshake waits for its meeting, whose row another holds who takes the agent's token away meanwhile, or the table of all.
#[tokio::test]
async fn a_token_that_goes_while_its_socket_is_opened_lets_nobody_in() {
    let fresh = Fresh::postgres().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let mut other = fresh.psql().await;
    for (meanwhile, afterwards, code) in [
        (
            "alter table agents rename to hidden",
            "alter table hidden rename to agents",
            CloseCode::OVERLOADED,
        ),
        (
            "update agents set revoked_at = now()",
            "select 1",
            CloseCode::REVOKED,
        ),
    ] {
        let meeting = server.meeting(&[], json!({"start": "manual"})).await;
        let path = format!("/ws/meetings/{meeting}");
        let mut other_work = other.begin().await.unwrap();
        let hold = "select 1 from meetings for update";
        other_work.execute(hold).await.unwrap();
        let opening = async { ada.client.open(&path).await.unwrap() };
        let meanwhile = async {
            eventually("the handshake waits for its meeting", || async {
                let mut psql = fresh.psql().await;
                let waiting = "select count(*) from pg_stat_activity
                                where datname = current_database() and wait_event_type = 'Lock'";
                let waiting: i64 = sqlx::query_scalar(waiting)
                    .fetch_one(&mut psql)
                    .await
                    .unwrap();
                (waiting > 0).then_some(())
            })
            .await;
            other_work.execute(meanwhile).await.unwrap();
            other_work.commit().await.unwrap();
        };
        let (mut socket, ()) = tokio::join!(opening, meanwhile);
        let first = within("the socket is closed", socket.next_text()).await;
        assert_eq!(first.unwrap_err().code, code.code);
        other.execute(afterwards).await.unwrap();
        let shown = server.admin.meeting(meeting).await.unwrap();
        assert_eq!(shown["participants"], json!([]));
    }
    server.stop().await;
}

/// How many rows a list has.
async fn total(client: &Client, path: &str) -> u64 {
    let listed: Value = client.get(path).await.unwrap();
    listed["total"].as_u64().unwrap()
}

async fn a_keyed_request_to_both_at_once_acts_once(fresh: Fresh) {
    const TIMES: u64 = 20;
    let (first, second) = (Server::on(&fresh).await, Server::on(&fresh).await);
    let [ada, ben] = first.agents(["ada", "ben"]).await;
    let before = total(&first.admin, AGENTS).await;
    for n in 0..TIMES {
        let message = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": format!("once {n}")});
        let meeting = json!({"topic": format!("once {n}"), "participant_ids": [ada.id, ben.id]});
        let agent = json!({"name": format!("once {n}")});
        for (path, body) in [
            (COMMUNICATIONS, message),
            (MEETINGS, meeting),
            (AGENTS, agent),
        ] {
            let key = format!("{path} {n}");
            let both = tokio::join!(
                once(&first.admin, path, &key, &body),
                once(&second.admin, path, &key, &body)
            );
            let again = once(&first.admin, path, &key, &body).await;
            assert_eq!(again.0, 201, "{}", again.1);
            assert_eq!(once(&second.admin, path, &key, &body).await, again);
            let mut answered = 0;
            for answer in [both.0, both.1] {
                if answer.0 == 409 {
                    assert_eq!(answer.1["error"], "idempotency_key_in_use", "{path}");
                } else {
                    assert_eq!(answer, again);
                    answered += 1;
                }
            }
            assert!(answered > 0, "one of them acts");
        }
    }
    assert_eq!(total(&second.admin, COMMUNICATIONS).await, TIMES);
    assert_eq!(total(&second.admin, MEETINGS).await, TIMES);
    assert_eq!(total(&second.admin, AGENTS).await, before + TIMES);
    first.stop().await;
    second.stop().await;
}
