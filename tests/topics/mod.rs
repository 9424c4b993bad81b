//! How well the log is understood: suggestions scored over labelled logs, beside two plain baselines in the same run.

mod baselines;
mod corpus;
mod score;

use corpus::Log;
use score::{Named, Score, Suggested};
use synod::topics::{Message, Suggestion, suggest};

/// What is held of a split.
struct Goal {
    /// The first three suggestions are right so often.
    precision: f64,
    /// So many of the expected topics are among the first five.
    recall: f64,
    /// So far ahead of each baseline, in precision and in the harmonic mean of both: to name everything finds everything, too.
    lead: f64,
    /// So many of those that are right are of the right kind.
    kind: f64,
}

/// Of logs that were looked at and of those that nobody looked at.
const GOAL: Goal = Goal {
    precision: 0.85,
    recall: 0.8,
    lead: 0.2,
    kind: 0.6,
};

#[test]
fn topics_of_the_development_logs_are_found() {
    hold("dev", &GOAL);
}

#[test]
fn topics_of_logs_that_were_kept_aside_are_found() {
    hold("test", &GOAL);
}

/// Scores one split, prints the table and holds the goals.
fn hold(split: &str, goal: &Goal) {
    let logs = corpus::logs(split);
    assert!(!logs.is_empty(), "there are logs");
    // Of what is kept aside only the whole is seen.
    if split == "dev" {
        for log in &logs {
            let Score {
                precision, recall, ..
            } = scored(log, suggested);
            println!("{:24} {precision:11.3} {recall:9.3}", log.name);
        }
    }
    let found = mean(&logs, suggested);
    let column = mean(&logs, |_, messages| baselines::by_topic_column(messages));
    let tf_idf = mean(&logs, |_, messages| baselines::by_tf_idf(messages));
    println!(
        "{split}: {} logs              precision@3  recall@5  evidence     kind",
        logs.len()
    );
    for (name, score) in [
        ("suggestions", found),
        ("topic column", column),
        ("TF-IDF", tf_idf),
    ] {
        let (evidence, kind) = (
            score.evidence.unwrap_or_default(),
            score.kind.unwrap_or_default(),
        );
        println!(
            "{name:24} {:11.3} {:9.3} {evidence:9.3} {kind:8.3}",
            score.precision, score.recall
        );
    }
    let kind = found.kind.unwrap_or_default();
    assert!(
        found.precision >= goal.precision && found.recall >= goal.recall && kind >= goal.kind,
        "{split}: {found:?}"
    );
    for baseline in [column, tf_idf] {
        let ahead =
            (found.precision - baseline.precision).min(found.harmonic() - baseline.harmonic());
        assert!(ahead >= goal.lead, "{split}: {found:?} beside {baseline:?}");
    }
}

fn mean(logs: &[Log], suggested: fn(&Log, &[Message<'_>]) -> Suggested) -> Score {
    let scores = logs.iter().map(|log| scored(log, suggested));
    Score::mean(&scores.collect::<Vec<_>>())
}

fn scored(log: &Log, suggested: fn(&Log, &[Message<'_>]) -> Suggested) -> Score {
    score::score(log, &suggested(log, &log.messages()))
}

fn suggested(log: &Log, messages: &[Message<'_>]) -> Suggested {
    let topics = suggest(messages, &log.question());
    let named = |topic: Suggestion| Named {
        messages: topic.related,
        kind: Some(topic.kind),
    };
    topics.into_iter().map(named).collect()
}
