//! Times that requests name: how they are kept, and how far away they may lie.

use http::StatusCode;
use serde_json::json;

use super::{
    AGENTS, COMMUNICATIONS, DECISIONS, MEETINGS, get, get_refused, is, names, post, post_refused,
};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::Server;

on_each_database!(
    a_time_that_no_database_can_keep_is_refused_by_name,
    what_is_answered_of_a_time_is_what_is_kept,
    a_cursor_is_good_for_its_own_list_only,
);

/// Beyond what some database can count, or what can be written in four digits.
const FAR_AWAY: [&str; 5] = [
    "-4714-01-01",
    "0000-12-31",
    "0000-12-31T23:59:59Z",
    "%2B10000-01-01",
    "9999-12-31T23:59:59-00:01",
];

async fn a_time_that_no_database_can_keep_is_refused_by_name(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    for list in [COMMUNICATIONS, MEETINGS, DECISIONS] {
        for field in ["start_date", "end_date"] {
            for far in FAR_AWAY {
                let refused = get_refused(&server.admin, &format!("{list}?{field}={far}")).await;
                names(&refused, &[field]);
            }
        }
        for span in [
            "start_date=0001-01-01&end_date=9999-12-31",
            "start_date=0001-01-01T00:00:00Z&end_date=9999-12-31T23:59:59.999999Z",
        ] {
            let listed = get(&server.admin, &format!("{list}?{span}")).await;
            assert_eq!(listed["total"], 0, "{list} {span}");
        }
        // `c/-211845067200000001/…`, before 4713 BC, and the same for the other lists.
        for cursor in [
            "Yy8tMjExODQ1MDY3MjAwMDAwMDAxLzAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMA",
            "bS8tMjExODQ1MDY3MjAwMDAwMDAxLzAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMA",
            "ZC8tMjExODQ1MDY3MjAwMDAwMDAxLzAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMA",
        ] {
            let refused = get_refused(&server.admin, &format!("{list}?cursor={cursor}")).await;
            names(&refused, &["cursor"]);
        }
    }
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for far in ["0000-12-31T23:59:59Z", "-4714-01-01T00:00:00Z"] {
        let message = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": "x", "timestamp": far});
        let refused = post_refused(&server.admin, COMMUNICATIONS, message).await;
        names(&refused, &["timestamp"]);
    }
    server.stop().await;
}

async fn what_is_answered_of_a_time_is_what_is_kept(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for (given, kept, day) in [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", "2017-01-01"),
        (
            "1999-12-31T23:59:59.1234567+00:30",
            "1999-12-31T23:29:59.123456Z",
            "1999-12-31",
        ),
    ] {
        let message = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": given, "timestamp": given});
        let answered = post(&server.admin, COMMUNICATIONS, message).await;
        assert_eq!(answered["timestamp"], kept, "{given}");
        let path = format!("{COMMUNICATIONS}/{}", answered["id"].as_str().unwrap());
        assert_eq!(get(&ada.client, &path).await["timestamp"], kept, "{given}");
        let path = format!("{COMMUNICATIONS}?start_date={day}&end_date={day}");
        let listed = get(&ada.client, &path).await;
        assert_eq!(listed["total"], 1, "{given}");
    }
    server.stop().await;
}

async fn a_cursor_is_good_for_its_own_list_only(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    server.agents(["ada", "ben"]).await;
    let listed = get(&server.admin, &format!("{AGENTS}?page_size=1")).await;
    let cursor = listed["next_cursor"].as_str().unwrap();
    let next = get(&server.admin, &format!("{AGENTS}?cursor={cursor}")).await;
    assert_eq!(next["agents"][0]["name"], "ada");
    for list in [COMMUNICATIONS, MEETINGS, DECISIONS] {
        let refused = get_refused(&server.admin, &format!("{list}?cursor={cursor}")).await;
        is(&refused, StatusCode::BAD_REQUEST, "validation_error");
        let reason = &refused.refused().unwrap().details["cursor"][0];
        assert_eq!(reason, "is of another list: start without it", "{list}");
    }
    server.stop().await;
}
