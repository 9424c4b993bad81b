//! How long the log is kept: for ever, or for as many days as the operator says.

use http::StatusCode;
use synod::clock::Clock;
use synod::config::Limits;
use synod::domain::{AgentId, CommunicationId};
use synod::storage::Communication;

use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::eventually;
use crate::support::server::{Server, limits};

on_each_database!(messages_are_kept_for_as_long_as_the_operator_says);

async fn messages_are_kept_for_as_long_as_the_operator_says(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let clock = Clock::system();
    let days_ago = |days: i64| Communication {
        id: CommunicationId(clock.id()),
        timestamp: clock.now() - chrono::TimeDelta::days(days),
        sender: AgentId(ada.id),
        receiver: AgentId(ada.id),
        content: format!("{days} days old"),
        topic: None,
        content_type: "text/plain".to_owned(),
        is_json: false,
        created_at: clock.now(),
    };
    let messages = [400, 20].map(days_ago);
    fresh.store.log(&messages).await.unwrap();
    let shown = async |server: &Server, message: &Communication| {
        let path = format!("/api/v1/communications/{}", message.id.0);
        let answer = server.admin.get::<serde_json::Value>(&path).await;
        answer.err().and_then(|error| error.status())
    };
    server.stop().await;

    for (retention_days, old) in [(None, None), (Some(30), Some(StatusCode::NOT_FOUND))] {
        let limits = Limits {
            retention_days,
            ..limits()
        };
        let server = Server::with(&fresh, limits).await;
        // The server's first turn of upkeep goes on beside its first requests.
        eventually("the old message is as it should be", || async {
            (shown(&server, &messages[0]).await == old).then_some(())
        })
        .await;
        assert_eq!(
            shown(&server, &messages[1]).await,
            None,
            "{retention_days:?}"
        );
        server.stop().await;
    }
}
