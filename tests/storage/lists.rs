//! How PostgreSQL finds meetings and decisions: by an index in the list's own order, or by one that has few.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use synod::domain::{AgentId, MeetingId, Outcome, Status};
use synod::storage::postgres::plans;
use synod::storage::{Database, DecisionFilter, MeetingFilter, PageRequest, Words};
use uuid::Uuid;

use super::fixtures::page;
use super::plans::{Scan, scans};
use crate::generated::agent;
use crate::support::database::Fresh;

/// A year of meetings of up to five agents each. Agent 1 is in every one, agent 2 in every one of the first half of the year and in none
/// since, the others in some hundred each. Nearly all are over and most decided; the newest are open.
const FILL: [&str; 7] = [
    "insert into agents (id, name, token_hash, created_at)
     select lpad(to_hex(n), 32, '0')::uuid, 'agent ' || n, sha256(n::text::bytea), now() from generate_series(1, 400) as n",
    "insert into meetings (id, topic, meeting_type, status, outcome, max_discussion_rounds, settings, created_at, last_seq)
     select lpad(to_hex(n), 32, '0')::uuid, 'topic ' || n, 'user_specified', state, outcome, 3, '{}',
            '2025-07-01'::timestamptz + n * interval '8 minutes', 1
       from (select n,
                    case when n > 59900 then 'in_progress' when n > 59800 then 'pending'
                         when n % 500 = 0 then 'failed' else 'completed' end as state,
                    case when n > 59800 then null when n % 500 = 0 then 'failed'
                         when n % 100 = 1 then 'tie' else 'consensus' end as outcome
               from generate_series(1, 60000) as n) as meeting",
    "insert into meeting_words
     select id, array_to_tsvector(array['topic', 'word' || nth % 7, 'rare' || nth % 6000])
       from (select id, row_number() over (order by id) as nth from meetings) as meeting",
    "insert into meeting_participants (meeting_id, meeting_created_at, agent_id, joined_at, role, speaking_order)
     select m.id, m.created_at, lpad(to_hex(who), 32, '0')::uuid, m.created_at, 'participant', place
       from (select id, created_at, row_number() over (order by id) as nth from meetings) as m,
            lateral (values (1, 1), (2, (case when nth <= 30000 then 2 else 3 + nth * 7 % 397 end)::int), (3, (20 + nth * 11 % 120)::int),
                            (4, (140 + nth * 13 % 120)::int), (5, (260 + nth * 17 % 120)::int)) as seat (place, who)
         on conflict do nothing",
    "insert into decisions
     select id, id, 'this', 'because', '{}', '{}', created_at + interval '1 hour' from meetings where outcome = 'consensus'",
    "vacuum analyze meetings, meeting_words, meeting_participants, agent_decisions",
    "vacuum analyze decisions",
];

async fn filled(fresh: &Fresh) -> (&str, PgConnection) {
    let mut psql = fresh.psql().await;
    for sql in FILL {
        psql.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let Some(Database::Postgres(url)) = &fresh.database else {
        panic!("this test is about PostgreSQL");
    };
    (url, psql)
}

fn who(n: u32) -> AgentId {
    AgentId(agent(n))
}

fn day(text: &str) -> DateTime<Utc> {
    text.parse().expect("a day")
}

/// Each filter alone and in pairs; of agents one that is in every meeting, one that came no more, and one
/// that is in some hundred.
fn meetings() -> Vec<(String, MeetingFilter)> {
    type Set = fn(&mut MeetingFilter);
    let others: [(&str, Set); 10] = [
        ("", |_| {}),
        ("status completed", |f| f.status = Some(Status::Completed)),
        ("status failed", |f| f.status = Some(Status::Failed)),
        ("status pending", |f| f.status = Some(Status::Pending)),
        ("open", |f| f.is_open = true),
        ("outcome", |f| f.outcome = Some(Outcome::Tie)),
        ("dates", |f| {
            f.from = Some(day("2025-11-10T00:00:00Z"));
            f.until = Some(day("2025-12-20T00:00:00Z"));
        }),
        ("common q", |f| f.words = Words::of("topic")),
        ("q", |f| f.words = Words::of("word3")),
        ("rare q", |f| f.words = Words::of("rare77")),
    ];
    let agents: [(&str, Set); 8] = [
        ("", |_| {}),
        ("busy agent", |f| f.agent = Some(who(1))),
        ("agent of old", |f| f.agent = Some(who(2))),
        ("agent", |f| f.agent = Some(who(150))),
        ("busy visible_to", |f| f.visible_to = Some(who(1))),
        ("visible_to of old", |f| f.visible_to = Some(who(2))),
        ("visible_to", |f| f.visible_to = Some(who(150))),
        ("agent, busy visible_to", |f| {
            (f.agent, f.visible_to) = (Some(who(150)), Some(who(1)));
        }),
    ];
    let mut all = Vec::new();
    for (agent, of_agent) in agents {
        for (other, also) in others {
            let mut filter = MeetingFilter::default();
            of_agent(&mut filter);
            also(&mut filter);
            all.push((format!("{agent} + {other}"), filter));
        }
    }
    all
}

fn decisions() -> Vec<(&'static str, DecisionFilter)> {
    let all = DecisionFilter::default;
    let dates = || DecisionFilter {
        from: Some(day("2025-11-10T00:00:00Z")),
        until: Some(day("2025-12-20T00:00:00Z")),
        ..all()
    };
    let of = |agent, filter: DecisionFilter| DecisionFilter {
        visible_to: Some(agent),
        ..filter
    };
    let meeting = || DecisionFilter {
        meeting: Some(MeetingId(Uuid::from_u128(77))),
        ..all()
    };
    vec![
        ("all", all()),
        ("dates", dates()),
        ("meeting", meeting()),
        ("busy visible_to", of(who(1), all())),
        ("visible_to of old", of(who(2), all())),
        ("visible_to", of(who(150), all())),
        ("busy visible_to + dates", of(who(1), dates())),
        ("visible_to + dates", of(who(150), dates())),
        ("visible_to + meeting", of(who(1), meeting())),
    ]
}

/// Rows that a page may look at.
const ROWS_MAX: f64 = 10_000.0;
/// Entries that it may read of an index alone: half of an agent's meetings, laid over those of a rare outcome, cost less than looking
/// up each of the latter. Not all of those of the busy agent.
const ENTRIES_MAX: f64 = 40_000.0;

/// What is wrong with how a list was found: a table that was read whole, or far more looked at than is wanted.
fn faults(plans: &[Value]) -> Vec<Scan> {
    assert!(!plans.is_empty());
    let mut found = Vec::new();
    for plan in plans {
        let before = found.len();
        scans(&plan[0]["Plan"], &mut found);
        assert!(found.len() > before, "{plan}");
    }
    found.retain(|scan| {
        let is_of_entries = scan.kind == "Index Only Scan";
        let most = if is_of_entries { ENTRIES_MAX } else { ROWS_MAX };
        scan.index.is_none() || scan.rows > most
    });
    found
}

#[tokio::test]
async fn every_list_is_answered_from_an_index() {
    let fresh = Fresh::postgres().await;
    let (url, _) = filled(&fresh).await;
    let mut wrong = Vec::new();
    let starts = [page(1, 50), page(4, 50), PageRequest::newest(50)];
    for (name, filter) in meetings() {
        for start in starts {
            let plans = plans::of_meetings(url, &filter, start).await.unwrap();
            let faults = faults(&plans);
            if !faults.is_empty() {
                wrong.push(format!("meetings, {name}, {:?}: {faults:?}", start.start));
            }
        }
    }
    for (name, filter) in decisions() {
        for start in starts {
            let plans = plans::of_decisions(url, &filter, start).await.unwrap();
            let faults = faults(&plans);
            if !faults.is_empty() {
                wrong.push(format!("decisions, {name}, {:?}: {faults:?}", start.start));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
