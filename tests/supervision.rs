//! A meeting that fails takes nobody with it: it comes back from its journal, so many times, and then it is given up.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use serde_json::json;
use synod::clock::Clock;
use synod::config::Limits;
use synod::wire::CloseCode;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::{DefaultGuard, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use crate::support::agent::{Agent, agreeable, logs};
use crate::support::checker::{Checked, check};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::eventually;
use crate::support::server::{Server, limits, live, step};
use crate::support::talk::{Talk, vote};

on_each_database!(
    a_panic_ends_the_sockets_of_its_own_meeting_which_goes_on_from_its_journal,
    a_meeting_that_fails_again_and_again_is_marked_failed,
    failures_that_lie_far_apart_do_not_add_up,
    a_meeting_that_cannot_even_be_given_up_sleeps_until_somebody_comes,
);

/// Makes a meeting panic in the middle of its work. It speaks of what it does to the log, in its own span, and the log
/// of a test's own thread is the test's: the server runs on that thread, and knows nothing of this.
struct Panics {
    due: Arc<Mutex<Due>>,
    _log: DefaultGuard,
}

#[derive(Default)]
struct Due {
    meeting: Uuid,
    /// The words at which it panics, each time that they are said.
    words: &'static [&'static str],
    left: usize,
    had: usize,
}

impl Panics {
    fn none() -> Self {
        let due = Arc::<Mutex<Due>>::default();
        let log = tracing_subscriber::registry().with(Listens(Arc::clone(&due)));
        Self {
            due,
            _log: tracing::subscriber::set_default(log),
        }
    }

    /// From now on, so many times.
    fn at(&self, words: &'static [&'static str], meeting: Uuid, times: usize) {
        let mut due = self.due.lock().unwrap();
        (due.meeting, due.words, due.left) = (meeting, words, times);
    }

    fn had(&self) -> usize {
        self.due.lock().unwrap().had
    }
}

struct Listens(Arc<Mutex<Due>>);

/// In which meeting a span is.
struct Of(String);

/// The field that is looked for, once it is found.
struct Look(&'static str, Option<String>);

impl Visit for Look {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == self.0 {
            self.1 = Some(format!("{value:?}"));
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listens {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut look = Look("meeting_id", None);
        attributes.record(&mut look);
        if let (Some(span), Some(meeting)) = (context.span(id), look.1) {
            span.extensions_mut().insert(Of(meeting));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let mut look = Look("message", None);
        event.record(&mut look);
        let said = look.1.unwrap_or_default();
        let mut due = self.0.lock().unwrap();
        let meeting = due.meeting.to_string();
        let is_its = context.event_scope(event).is_some_and(|mut scope| {
            scope.any(|span| {
                span.extensions()
                    .get::<Of>()
                    .is_some_and(|of| of.0 == meeting)
            })
        });
        if is_its && due.left > 0 && due.words.contains(&said.as_str()) {
            due.left -= 1;
            due.had += 1;
            drop(due);
            panic!("as the test asked: {said}");
        }
    }
}

async fn come_back(agent: &Agent, meeting: Uuid, gone: &mut Talk) -> Talk {
    assert_eq!(gone.ended().await.code, CloseCode::MOVED.code);
    agent.talk_after(meeting, gone.log.last_seq()).await
}

async fn a_panic_ends_the_sockets_of_its_own_meeting_which_goes_on_from_its_journal(fresh: Fresh) {
    let panics = Panics::none();
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let other = server.meeting(&[&cho], json!({})).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    let mut c = cho.talk(other).await;
    for id in [meeting, other] {
        step(&server.admin, id, "start").await;
    }
    c.turn().await;
    for talk in [&mut a, &mut b] {
        talk.turn().await;
        talk.speak("before").await;
    }
    a.vote(Some(false)).await;
    b.ballot().await;
    panics.at(&["ballot closed"], meeting, 1);
    b.send(vote(Some(false), "lost with the panic").to_string())
        .await;

    let mut a2 = come_back(&ada, meeting, &mut a).await;
    let mut b2 = come_back(&ben, meeting, &mut b).await;
    assert_eq!(panics.had(), 1);
    assert!(b.log.acks.len() == 1, "what is not kept is not answered");
    b2.ballot().await;
    b2.vote(Some(false)).await;
    for talk in [&mut a2, &mut b2] {
        talk.turn().await;
        talk.speak("after").await;
    }
    for talk in [&mut a2, &mut b2] {
        talk.ballot().await;
        talk.vote(Some(true)).await;
    }
    for talk in [&mut a2, &mut b2] {
        talk.ended().await;
    }
    assert_eq!(
        a2.log.ballots.len(),
        1,
        "the vote given before is kept: it is not asked again"
    );
    let logs = [a, b, a2, b2].map(|talk| talk.log);
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus");
    checked.only("meeting_recovered");

    // The other meeting is where it was, on the socket that it had.
    c.speak("nothing happened here").await;
    c.ballot().await;
    c.vote(Some(true)).await;
    c.ended().await;
    let checked = check(&*fresh.store, other, &[c.log]).await;
    assert_eq!(
        (
            checked.count("meeting_recovered"),
            checked.count("agent_left")
        ),
        (0, 0)
    );
    server.stop().await;
}

async fn a_meeting_that_fails_again_and_again_is_marked_failed(fresh: Fresh) {
    let panics = Panics::none();
    let limits = Limits {
        meeting_restarts_max: 2,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server
        .meeting(&[&ada, &ben], json!({"start": "when_all_joined"}))
        .await;
    panics.at(&["ballot closed"], meeting, usize::MAX);
    let logs = logs([
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, agreeable()),
    ])
    .await;
    assert_eq!(panics.had(), 3, "two restarts, and then no more");
    for log in &logs {
        assert_eq!(log.kinds().last(), Some(&"meeting_failed"));
        assert_eq!(log.close_code(), Some(CloseCode::MEETING_OVER.code));
        let moved = log.endings.split_last().unwrap().1;
        assert!(
            moved
                .iter()
                .all(|ended| ended.code == CloseCode::MOVED.code)
        );
    }
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "failed");
    let reason = Checked::data(checked.only("meeting_failed"))["reason"].clone();
    assert_eq!(reason, "it failed 3 times in a row on the server");
    let shown = server.admin.meeting(meeting).await.unwrap();
    assert_eq!(
        (&shown["status"], &shown["live"]),
        (&json!("failed"), &json!(null))
    );
    server.stop().await;
}

async fn failures_that_lie_far_apart_do_not_add_up(fresh: Fresh) {
    let panics = Panics::none();
    let clock = Clock::system();
    let limits = Limits {
        meeting_restarts_max: 1,
        meeting_restart_window_ms: 50,
        ..limits()
    };
    let window = Limits::ms(limits.meeting_restart_window_ms);
    let server = Server::with(&fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server
        .meeting(&[&ada], json!({"start": "when_all_joined"}))
        .await;
    let mut talk = ada.talk(meeting).await;
    let mut logs = Vec::new();
    for round in 1..=3 {
        talk.turn().await;
        talk.speak("as ever").await;
        talk.ballot().await;
        panics.at(&["ballot closed"], meeting, 1);
        talk.send(vote(Some(false), "lost").to_string()).await;
        let back = come_back(&ada, meeting, &mut talk).await;
        logs.push(std::mem::replace(&mut talk, back).log);
        assert_eq!(panics.had(), round);
        let failed = clock.elapsed();
        eventually("the window has passed", || async {
            (clock.elapsed() > failed + window).then_some(())
        })
        .await;
        talk.ballot().await;
        talk.vote(Some(round == 3)).await;
    }
    talk.ended().await;
    logs.push(talk.log);
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(
        (checked.outcome(), checked.count("meeting_recovered")),
        ("consensus", 3)
    );
    server.stop().await;
}

async fn a_meeting_that_cannot_even_be_given_up_sleeps_until_somebody_comes(fresh: Fresh) {
    let panics = Panics::none();
    let server = Server::on(&fresh).await;
    let restarts = limits().meeting_restarts_max;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server
        .meeting(&[&ada], json!({"start": "when_all_joined"}))
        .await;
    let mut talk = ada.talk(meeting).await;
    talk.turn().await;
    talk.speak("and then?").await;
    talk.ballot().await;
    let words = &["ballot closed", "meeting recovered", "meeting failed"];
    panics.at(words, meeting, usize::MAX);
    talk.send(vote(Some(true), "lost").to_string()).await;
    assert_eq!(talk.ended().await.code, CloseCode::MOVED.code);
    let last = restarts + 2;
    eventually("it was given up in vain", || async {
        (panics.had() >= last).then_some(())
    })
    .await;
    // Looking at it wakes nothing.
    for _ in 0..20 {
        assert_eq!(live(&server.admin, meeting).await["phase"], "voting");
    }
    assert_eq!(panics.had(), last, "it is not tried for ever");
    panics.at(&[], meeting, 0);
    let mut back = ada.talk_after(meeting, talk.log.last_seq()).await;
    back.ballot().await;
    back.vote(Some(true)).await;
    back.ended().await;
    let checked = check(&*fresh.store, meeting, &[talk.log, back.log]).await;
    assert_eq!(checked.outcome(), "consensus");
    server.stop().await;
}
