//! How PostgreSQL finds what is asked for: always by an index, whichever the filters are.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use synod::budget::Reservation;
use synod::domain::AgentId;
use synod::storage::postgres::plans;
use synod::storage::{CommunicationFilter, Database, Start, Words};
use uuid::Uuid;

use super::fixtures::page;
use crate::generated::{self, agent};
use crate::support::database::Fresh;

const MESSAGES: i64 = 100_000;

fn all() -> CommunicationFilter {
    CommunicationFilter::default()
}

/// Each filter alone.
fn filters() -> Vec<(&'static str, CommunicationFilter)> {
    let day = |text: &str| Some(text.parse::<DateTime<Utc>>().expect("a day"));
    let who = |n| Some(AgentId(agent(n)));
    let (from, until) = (day("2025-11-10T00:00:00Z"), day("2026-02-20T00:00:00Z"));
    vec![
        (
            "sender",
            CommunicationFilter {
                sender: who(50),
                ..all()
            },
        ),
        (
            "receiver",
            CommunicationFilter {
                receiver: who(80),
                ..all()
            },
        ),
        (
            "topic",
            CommunicationFilter {
                topic: Some("topic 40".to_owned()),
                ..all()
            },
        ),
        (
            "agent",
            CommunicationFilter {
                agent: who(30),
                ..all()
            },
        ),
        (
            "visible_to",
            CommunicationFilter {
                visible_to: who(60),
                ..all()
            },
        ),
        ("start_date", CommunicationFilter { from, ..all() }),
        ("end_date", CommunicationFilter { until, ..all() }),
        (
            "dates",
            CommunicationFilter {
                from,
                until,
                ..all()
            },
        ),
        (
            "q",
            CommunicationFilter {
                words: Words::of("word100"),
                ..all()
            },
        ),
    ]
}

const PAIRS: [(&str, &str); 13] = [
    ("sender", "dates"),
    ("receiver", "dates"),
    ("topic", "dates"),
    ("sender", "receiver"),
    ("sender", "topic"),
    ("agent", "topic"),
    ("q", "sender"),
    ("q", "dates"),
    ("topic", "q"),
    ("agent", "visible_to"),
    ("receiver", "topic"),
    ("q", "receiver"),
    ("q", "agent"),
];

/// Pairs that one index has, whichever of the two is the rarer.
const LAID: [(&str, &str); 8] = [
    ("sender", "receiver"),
    ("sender", "topic"),
    ("receiver", "topic"),
    ("agent", "topic"),
    ("q", "sender"),
    ("q", "receiver"),
    ("q", "agent"),
    ("q", "topic"),
];

/// What both ask for.
fn both(one: &CommunicationFilter, other: &CommunicationFilter) -> CommunicationFilter {
    let (one, other) = (one.clone(), other.clone());
    CommunicationFilter {
        from: one.from.or(other.from),
        until: one.until.or(other.until),
        sender: one.sender.or(other.sender),
        receiver: one.receiver.or(other.receiver),
        agent: one.agent.or(other.agent),
        visible_to: one.visible_to.or(other.visible_to),
        topic: one.topic.or(other.topic),
        words: one.words.or(other.words),
    }
}

/// A part of a plan that read a table or an index.
#[derive(Debug)]
pub(super) struct Scan {
    /// How.
    pub(super) kind: String,
    /// By which index, if by one.
    pub(super) index: Option<String>,
    /// Rows that it looked at, all in all.
    pub(super) rows: f64,
}

/// The scans of a plan that had rows to look at.
pub(super) fn scans(plan: &Value, found: &mut Vec<Scan>) {
    let text = |key: &str| plan[key].as_str().map(str::to_owned);
    let kind = text("Node Type").unwrap_or_default();
    let number = |key: &str| plan[key].as_f64().unwrap_or_default();
    let loops = number("Actual Loops");
    let seen = number("Actual Rows") + number("Rows Removed by Filter");
    if loops > 0.0 && (kind.contains("Index") || (kind == "Seq Scan" && seen > 0.0)) {
        found.push(Scan {
            kind,
            index: text("Index Name"),
            rows: loops * seen,
        });
    }
    for below in plan["Plans"].as_array().into_iter().flatten() {
        scans(below, found);
    }
}

#[tokio::test]
async fn every_filter_and_every_common_pair_is_answered_from_an_index() {
    let fresh = Fresh::postgres().await;
    generated::fill(&*fresh.store, &mut fresh.psql().await, MESSAGES).await;
    let Some(Database::Postgres(url)) = &fresh.database else {
        panic!("this test is about PostgreSQL");
    };
    let alone = filters();
    let named = |name: &str| {
        alone
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, f)| f)
    };
    let pairs = PAIRS.iter().map(|(one, other)| {
        let filters = (
            named(one).expect("a filter"),
            named(other).expect("a filter"),
        );
        (format!("{one} + {other}"), both(filters.0, filters.1))
    });
    let single = alone
        .iter()
        .map(|(name, filter)| ((*name).to_owned(), filter.clone()));
    let mut faults = Vec::new();
    for (name, filter) in single.chain(pairs) {
        let is_laid = LAID.iter().any(|(one, other)| {
            let names = [format!("{one} + {other}"), format!("{other} + {one}")];
            names.contains(&name)
        });
        let plans = plans::of_communications(url, &filter, page(1, 50))
            .await
            .unwrap();
        assert!(!plans.is_empty(), "{name}");
        for plan in &plans {
            let mut found = Vec::new();
            scans(&plan[0]["Plan"], &mut found);
            if found.is_empty() || found.iter().any(|scan| scan.index.is_none()) {
                faults.push(format!("{name}: {found:?}"));
            }
            let is_of_words = |scan: &Scan| {
                let index = scan.index.as_ref();
                index.is_some_and(|index| index.contains("words"))
            };
            if is_laid && !found.iter().any(is_of_words) {
                faults.push(format!("{name}, not laid: {found:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn the_pages_of_a_search_are_the_list_in_order_however_they_are_found() {
    let fresh = Fresh::postgres().await;
    let mut psql = fresh.psql().await;
    generated::fill(&*fresh.store, &mut psql, MESSAGES).await;
    // Nothing of late has this word: the first windows are empty.
    let old = "update communications set words = 'word1' where timestamp > '2026-04-01' and words @@ 'word3'";
    sqlx::query(old).execute(&mut psql).await.unwrap();
    let busy = Some(AgentId(agent(2)));
    let searches = [
        (Words::of("word3"), None, "words @@ 'word3'"),
        (Words::of("word30"), None, "words @@ 'word30'"),
        (Words::of("word2000"), None, "words @@ 'word2000'"),
        (
            Words::of("word0"),
            busy,
            "words @@ 'word0' and sender_id = '00000000-0000-0000-0000-000000000002'",
        ),
    ];
    for (words, sender, condition) in searches {
        let sql = format!(
            "select id from communications where {condition} order by timestamp desc, id desc"
        );
        let sorted: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&mut psql)
            .await
            .unwrap();
        let filter = CommunicationFilter {
            words,
            sender,
            ..all()
        };
        let mut next = page(1, 300);
        let mut found = Vec::new();
        loop {
            let answer = fresh
                .store
                .communications(&filter, next, &Reservation::unlimited())
                .await
                .unwrap();
            found.extend(answer.items.iter().map(|message| message.id.0));
            let Some(keyset) = answer.next else { break };
            next.start = Start::After(keyset);
        }
        assert_eq!(found.len(), sorted.len(), "{condition}");
        assert!(found == sorted, "{condition}");
        let third = fresh
            .store
            .communications(&filter, page(3, 50), &Reservation::unlimited())
            .await
            .unwrap();
        let third: Vec<_> = third.items.iter().map(|message| message.id.0).collect();
        assert!(
            third == sorted[sorted.len().min(100)..sorted.len().min(150)],
            "{condition}"
        );
    }
}
