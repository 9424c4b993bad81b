//! Messages found by their words, the same in every database.

use synod::budget::Reservation;
use synod::config::Limits;
use synod::storage::{Communication, CommunicationFilter, Store, Words};

use super::fixtures::{agents, communication, everything};
use crate::support::database::Fresh;

on_every_store! {
    all_words_must_occur_in_topic_or_content,
    no_sign_in_a_search_means_anything_but_itself,
    a_message_is_kept_however_many_words_it_has,
    a_message_logged_twice_is_found_once,
}

/// The numbers of the messages, in their order, that have these words.
async fn found(store: &dyn Store, words: &str) -> Vec<usize> {
    let filter = CommunicationFilter {
        words: Some(Words::of(words).expect("a word")),
        ..CommunicationFilter::default()
    };
    let page = store
        .communications(&filter, everything(), &Reservation::unlimited())
        .await
        .unwrap();
    let number = |m: &Communication| usize::try_from(m.id.0.as_u64_pair().1).unwrap();
    let mut found: Vec<_> = page.items.iter().map(number).collect();
    found.sort_unstable();
    found
}

async fn log(store: &dyn Store, texts: &[(&str, Option<&str>)]) {
    let known = agents(store, 2).await;
    let message = |(n, (content, topic)): (u64, &(&str, Option<&str>))| Communication {
        content: (*content).to_owned(),
        topic: topic.map(str::to_owned),
        ..communication(n, known[0], known[1])
    };
    let messages: Vec<_> = (0..).zip(texts).map(message).collect();
    store.log(&messages).await.unwrap();
}

async fn all_words_must_occur_in_topic_or_content(fresh: &Fresh) {
    let store = &*fresh.store;
    log(
        store,
        &[
            ("The quick brown fox", None),
            ("a QUICK answer", Some("Foxes & hounds")),
            (
                "see src/storage/words.rs, or http://example.org/fox?x=1",
                None,
            ),
            ("ÄPFEL und Birnen, STRASSE", Some("Obst")),
            ("Яблоки и груши; 林檎 梨", None),
            ("state-of-the-art; don't; snake_case; 3.14", None),
            ("", None),
            ("fox fox fox", Some("fox")),
        ],
    )
    .await;
    for (words, expected) in [
        ("quick", vec![0, 1]),
        ("QuIcK", vec![0, 1]),
        ("fox", vec![0, 2, 7]),
        ("quick fox", vec![0]),
        ("fox quick fox", vec![0]),
        ("hounds answer", vec![1]),
        ("fo", vec![]),
        ("storage", vec![2]),
        ("example.org", vec![2]),
        ("äpfel", vec![3]),
        ("apfel", vec![]),
        ("straße", vec![]),
        ("obst birnen", vec![3]),
        ("ЯБЛОКИ", vec![4]),
        ("林檎", vec![4]),
        ("art", vec![5]),
        ("the state of the art", vec![5]),
        ("snake 14", vec![5]),
        ("nowhere", vec![]),
    ] {
        assert_eq!(found(store, words).await, expected, "{words}");
    }
}

async fn no_sign_in_a_search_means_anything_but_itself(fresh: &Fresh) {
    let store = &*fresh.store;
    log(store, &[("this and that", None), ("or near not", None)]).await;
    for (words, expected) in [
        ("this AND that", vec![0]),
        ("\"this", vec![0]),
        ("this'", vec![0]),
        ("near(this that)", vec![]),
        ("NOT or NEAR", vec![1]),
        ("th*", vec![]),
        (
            "words:this ^this -that +and {this} | ! & ( ) : \\ ' \" * ?",
            vec![],
        ),
        ("-that | !this", vec![0]),
        ("%", vec![]),
    ] {
        if words == "%" {
            assert_eq!(Words::of(words), None);
        } else {
            assert_eq!(found(store, words).await, expected, "{words}");
        }
    }
}

/// More words, and longer ones, than any index takes; and what lies beyond the part that is searched.
async fn a_message_is_kept_however_many_words_it_has(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 1).await;
    let wide = |n: u32| char::from_u32(0x2_0000 + n % 40_000).expect("a letter");
    let short: String = (0..60_000).flat_map(|n| [wide(n), ' ']).collect();
    let long = "\u{20000}".repeat(Limits::SEARCHABLE_CHARS + 10);
    let hyphens: String = (0..60_000).flat_map(|n| [wide(n), '-']).collect();
    let beyond = format!("first {} last", "x ".repeat(Limits::SEARCHABLE_CHARS / 2));
    let texts = [short, long, hyphens, beyond];
    let message = |(n, content): (u64, String)| Communication {
        content,
        ..communication(n, known[0], known[0])
    };
    let messages: Vec<_> = (0..).zip(texts).map(message).collect();
    store.log(&messages).await.unwrap();
    for message in &messages {
        let kept = store
            .communication(message.id, &Reservation::unlimited())
            .await
            .unwrap();
        assert!(kept.as_ref() == Some(message), "{}", message.id.0);
    }
    assert_eq!(found(store, "first").await, [3]);
    assert_eq!(found(store, "last").await, [0; 0]);
    assert_eq!(found(store, &"\u{20000}".repeat(500)).await, [1]);
}

async fn a_message_logged_twice_is_found_once(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 1).await;
    let message = communication(1, known[0], known[0]);
    let twice = [message.clone(), message.clone()];
    store.log(&twice).await.unwrap();
    store.log(&twice).await.unwrap();
    assert_eq!(found(store, "message").await, [1]);
}
