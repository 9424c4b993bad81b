//! Small logs and what they suggest, then what holds for any log.

use expect_test::expect;
use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, option, proptest, sample};

use super::*;

const NOW_S: i64 = 1_900_000_000;

fn question() -> Question {
    Question {
        now: ago_s(0),
        hours_back: 24,
        messages_max: 1_000,
        topics_max: 10,
        related_max: 3,
    }
}

fn ago_s(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(NOW_S - seconds, 0).unwrap()
}

/// Message `id`, so many minutes old, between two of the agents 0, 1, 2, …
fn message(id: u128, minutes: i64, between: [u128; 2], topic: Option<&str>) -> Message<'_> {
    let [sender, receiver] = between.map(Uuid::from_u128);
    let (id, at) = (Uuid::from_u128(id), ago_s(60 * minutes));
    Message {
        id,
        at,
        sender,
        receiver,
        topic,
    }
}

fn show(suggestions: &[Suggestion]) -> String {
    let line = |s: &Suggestion| {
        let ids = |ids: &[Uuid]| {
            ids.iter()
                .map(|id| id.as_u128().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let (related, agents) = (ids(&s.related), ids(&s.agents));
        format!(
            "{} {}: {}; messages {related}, agents {agents}\n",
            s.priority, s.topic, s.reason
        )
    };
    suggestions.iter().map(line).collect()
}

#[test]
fn what_is_talked_about_most_widely_and_most_recently_comes_first() {
    let log = [
        message(1, 600, [1, 2], Some("Budget")),
        message(2, 590, [2, 1], Some(" budget ")),
        message(3, 50, [1, 2], Some("night shift")),
        message(4, 40, [2, 3], Some("Night  Shift")),
        message(5, 30, [3, 2], Some("night shift")),
        message(6, 5, [2, 1], Some("The Night Shift")),
        message(7, 5, [2, 1], Some("NIGHT shift")),
        message(8, 1, [1, 2], None),
        message(9, 1, [1, 2], Some("  ")),
    ];
    expect![[r"
        0.499 NIGHT shift: 4 messages between 3 agents in the last 24 hours, 2 of them answers, the last 5 minutes ago; messages 7 5 4, agents 1 2 3
        0.258 budget: 2 messages between 2 agents in the last 24 hours, 1 of them an answer, the last 9 hours ago; messages 2 1, agents 1 2
    "]].assert_eq(&show(&suggest(&log, question())));
}

#[test]
fn one_message_or_one_agent_is_no_topic_yet() {
    let log = [
        message(1, 1, [1, 2], Some("alone")),
        message(2, 1, [1, 1], Some("to myself")),
        message(3, 2, [1, 1], Some("to myself")),
    ];
    assert_eq!(suggest(&log, question()), []);
}

#[test]
fn what_is_too_old_or_beyond_the_newest_is_not_looked_at() {
    let log = [
        message(1, 24 * 60 + 1, [1, 2], Some("old")),
        message(2, 23 * 60, [1, 2], Some("old")),
        message(3, 3, [1, 2], Some("new")),
        message(4, 2, [1, 2], Some("new")),
    ];
    let topics = |messages_max| {
        let question = Question {
            messages_max,
            ..question()
        };
        let suggestions = suggest(&log, question);
        suggestions.into_iter().map(|s| s.topic).collect::<Vec<_>>()
    };
    assert_eq!(topics(4), ["new"]);
    assert_eq!(topics(1), [""; 0]);
}

#[test]
fn all_of_history_may_be_asked_for() {
    let log = [1, 2].map(|id| message(id, 60 * 24 * 365, [1, 2], Some("old")));
    let hours_back = u32::MAX;
    let question = Question {
        hours_back,
        ..question()
    };
    assert_eq!(suggest(&log, question).len(), 1);
}

#[test]
fn a_reason_is_plain() {
    let last_words = |minutes, hours_back| {
        let log = [1, 2].map(|id| message(id, minutes, [1, 2], Some("x")));
        let question = Question {
            hours_back,
            ..question()
        };
        suggest(&log, question)[0].reason.clone()
    };
    expect![
        "2 messages between 2 agents in the last 1 hour, none of them an answer, the last just now"
    ]
    .assert_eq(&last_words(0, 1));
    assert!(last_words(1, 24).ends_with("the last 1 minute ago"));
    assert!(last_words(-9, 24).ends_with("the last just now"));
    assert!(last_words(47 * 60, 96).ends_with("the last 47 hours ago"));
    assert!(last_words(72 * 60, 96).ends_with("the last 3 days ago"));
}

type Plain = (i64, [u128; 2], Option<&'static str>);

fn plain_message() -> impl Strategy<Value = Plain> {
    let topic = option::of(sample::select(vec!["a", "A ", "b", "c c", "c  C", "", "d"]));
    (-100i64..3_000, [0u128..5, 0..5], topic)
}

fn log_of(plain: &[Plain]) -> Vec<Message<'static>> {
    let numbered = (1..).zip(plain);
    numbered
        .map(|(id, (minutes, between, topic))| message(id, *minutes, *between, *topic))
        .collect()
}

proptest! {
    #[test]
    fn answers_are_bounded_ranked_and_of_what_was_asked(
        plain in collection::vec(plain_message(), 0..80), topics_max in 0usize..5, related_max in 0usize..5,
    ) {
        let log = log_of(&plain);
        let question = Question { topics_max, related_max, ..question() };
        let suggestions = suggest(&log, question);
        assert!(suggestions.len() <= topics_max);
        assert!(suggestions.is_sorted_by(|one, next| one.priority >= next.priority));
        for suggestion in suggestions {
            assert!((0.0..=1.0).contains(&suggestion.priority));
            assert!(suggestion.agents.len() >= 2 && suggestion.messages >= 2);
            assert_eq!(suggestion.related.len(), suggestion.messages.min(related_max));
            for id in suggestion.related {
                let named = log.iter().find(|message| message.id == id).unwrap();
                assert!(named.at >= ago_s(24 * 3_600));
                assert_eq!(label(named.topic.unwrap()), label(&suggestion.topic));
            }
        }
    }

    #[test]
    fn the_order_of_the_messages_does_not_matter(
        (log, shuffled) in collection::vec(plain_message(), 0..40)
            .prop_map(|plain| log_of(&plain))
            .prop_flat_map(|log| (Just(log.clone()), Just(log).prop_shuffle())),
    ) {
        assert_eq!(suggest(&log, question()), suggest(&shuffled, question()));
    }

    #[test]
    fn one_more_message_never_makes_a_topic_less_urgent(
        plain in collection::vec(plain_message(), 2..40), answers in any::<bool>(),
    ) {
        let log = log_of(&plain);
        for before in suggest(&log, question()) {
            let between = if answers { [1, 0] } else { [0, 1] };
            let mut more = log.clone();
            more.push(message(1_000, -101, between, Some(&before.topic)));
            let after = suggest(&more, question());
            let after = after.iter().find(|after| label(&after.topic) == label(&before.topic)).unwrap();
            assert!(after.priority >= before.priority);
        }
    }
}
