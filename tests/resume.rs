//! Coming back: what was missed, once and in order, then what happens; a whole resume or none.

use http::StatusCode;
use serde_json::json;
use synod::client::frame::{MeetingEvent, ServerFrame};
use synod::config::Limits;
use synod::wire::CloseCode;

use crate::support::agent::{Asked, Does, agreeable, logs, script};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::log::Log;
use crate::support::on_each_database;
use crate::support::patience::within;
use crate::support::server::{ADMIN_TOKEN, Server, limits, step};
use crate::support::slow::Slow;
use crate::support::talk::Talk;

on_each_database!(
    an_agent_that_comes_back_hears_what_it_missed_and_then_what_happens,
    a_request_is_repeated_with_the_time_that_is_left,
    a_second_connection_of_an_agent_replaces_the_first,
    a_resume_beyond_the_last_event_is_refused,
    a_meeting_that_is_over_is_told_to_its_end,
    a_reader_that_is_too_slow_is_sent_away_and_resumes_whole,
    agents_that_drop_their_connection_at_every_request_hear_all,
);

fn seqs(events: &[MeetingEvent]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

async fn an_agent_that_comes_back_hears_what_it_missed_and_then_what_happens(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    let last = b.event("turn_opened").await.seq;
    let before = b.close().await;
    assert_eq!(before.last_seq(), Some(last));
    a.event("agent_left").await;
    let spoken = a.speak("while ben is away").await;
    a.told(spoken + 1).await;

    let mut b = ben.talk_after(meeting, Some(last)).await;
    let connected = b.log.connected[0].last_seq;
    assert_eq!(connected, spoken + 1);
    b.turn().await;
    assert_eq!(
        seqs(&b.log.events),
        [last + 1, last + 2, last + 3, last + 4]
    );
    let kinds = [
        "agent_left",
        "opinion_presented",
        "turn_opened",
        "agent_joined",
    ];
    assert_eq!(b.log.kinds(), kinds);
    assert_eq!(b.log.events[3].data["returning"], true);

    let after = b.close().await;
    let mut b = ben.talk(meeting).await;
    b.turn().await;
    let first = b.log.events[0].seq;
    assert_eq!(
        first,
        b.log.connected[0].last_seq + 1,
        "from now on, without `after`"
    );
    b.speak("back").await;
    for talk in [&mut a, &mut b] {
        talk.ballot().await;
        talk.vote(Some(true)).await;
    }
    a.ended().await;
    b.ended().await;
    check(&*fresh.store, meeting, &[a.log, before, after, b.log]).await;
    server.stop().await;
}

async fn a_request_is_repeated_with_the_time_that_is_left(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    let first = a.turn().await;
    a.close().await;
    b.event("agent_left").await;
    let mut a = ada.talk(meeting).await;
    let again = a.turn().await;
    assert_eq!((again.deadline, again.round), (first.deadline, 1));
    assert!(again.time_left_ms <= first.time_left_ms);
    a.speak("one").await;
    b.turn().await;
    b.speak("two").await;
    a.vote(Some(true)).await;
    let first = b.ballot().await;
    let mut logs = vec![b.close().await];
    let mut b = ben.talk(meeting).await;
    let again = b.ballot().await;
    assert_eq!(again.deadline, first.deadline);
    assert_eq!(again.opinions.len(), 2);
    assert!(again.time_left_ms <= first.time_left_ms);
    logs.push(a.close().await);
    let mut a = ada.talk(meeting).await;
    a.event("agent_joined").await;
    b.vote(Some(true)).await;
    a.ended().await;
    b.ended().await;
    assert!(
        a.log.ballots.is_empty(),
        "it has voted: it is not asked again"
    );
    logs.extend([a.log, b.log]);
    check(&*fresh.store, meeting, &logs).await;
    server.stop().await;
}

async fn a_second_connection_of_an_agent_replaces_the_first(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut first = ada.talk(meeting).await;
    step(&server.admin, meeting, "start").await;
    first.turn().await;
    let mut second = ada.talk(meeting).await;
    assert_eq!(first.ended().await.code, CloseCode::REPLACED.code);
    second.turn().await;
    second.speak("one").await;
    second.ballot().await;
    second.vote(Some(true)).await;
    second.ended().await;
    let checked = check(&*fresh.store, meeting, &[first.log, second.log]).await;
    assert_eq!(checked.count("agent_joined"), 2);
    assert_eq!(checked.count("agent_left"), 0, "it was there all the time");
    server.stop().await;
}

async fn a_resume_beyond_the_last_event_is_refused(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut talk = ada.talk(meeting).await;
    let joined = talk.event("agent_joined").await.seq;
    let beyond = ada.client.attend(meeting, ada.id, Some(999)).await;
    let mut beyond = beyond.unwrap();
    let ServerFrame::Error(refusal) = within("a refusal", beyond.next()).await.unwrap() else {
        panic!("the first frame is not the refusal");
    };
    assert_eq!(refusal.code, "invalid_frame");
    let ended = within("a close", beyond.next()).await.unwrap_err();
    assert_eq!(ended.code, CloseCode::BAD_FRAME.code);
    // It changed nothing: the connection that was there still is, and nothing was recorded.
    step(&server.admin, meeting, "start").await;
    let started = talk.event("meeting_started").await.seq;
    assert_eq!(started, joined + 1, "a refused resume leaves no event");
    let first = talk.close().await;
    let mut talk = ada.talk_after(meeting, Some(0)).await;
    talk.event("meeting_created").await;
    let log = talk.close().await;
    server.stop().await;
    check(&*fresh.store, meeting, &[first, log]).await;
}

async fn a_meeting_that_is_over_is_told_to_its_end(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, eve] = server.agents(["ada", "eve"]).await;
    // More events than are read from the journal at once.
    let settings = json!({"max_discussion_rounds": 50, "start": "when_all_joined"});
    let meeting = server.meeting(&[&ada], settings).await;
    let disagrees = script(|asked| match asked {
        Asked::ToSpeak(_) => Does::Says("no".to_owned()),
        Asked::ToVote(_) => Does::Votes(Some(false)),
    });
    let mut logs = logs([ada.attend(meeting, disagrees)]).await;
    let last = logs[0].last_seq().unwrap();
    assert!(last > u64::from(Limits::JOURNAL_PAGE_ROWS), "{last} events");
    for after in [0, 7, last] {
        let mut talk = ada.talk_after(meeting, Some(after)).await;
        assert_eq!(talk.ended().await.code, CloseCode::MEETING_OVER.code);
        assert_eq!(
            seqs(&talk.log.events),
            (after + 1..=last).collect::<Vec<_>>()
        );
        logs.push(talk.log);
    }
    let mut watcher = Talk::watch(&server.admin, meeting, None).await;
    assert_eq!(watcher.ended().await.code, CloseCode::MEETING_OVER.code);
    assert!(watcher.log.events.is_empty());
    let stranger = eve.client.attend(meeting, eve.id, Some(0)).await;
    let refused = stranger.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::FORBIDDEN));
    check(&*fresh.store, meeting, &logs).await;
    server.stop().await;
}

async fn a_reader_that_is_too_slow_is_sent_away_and_resumes_whole(fresh: Fresh) {
    let limits = Limits {
        outbox_max_bytes: 524_288,
        close_timeout_ms: 60_000,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let settings = json!({"max_discussion_rounds": 25, "start": "when_all_joined"});
    let meeting = server.meeting(&[&ada], settings).await;
    let path = format!("/ws/meetings/{meeting}?after=0");
    let slow = Slow::open(&server.admin, ADMIN_TOKEN, &path).await;
    let speaks_at_length = script(|asked| match asked {
        Asked::ToSpeak(_) => Does::Says("x".repeat(200_000)),
        Asked::ToVote(_) => Does::Votes(Some(false)),
    });
    let mut logs = logs([ada.attend(meeting, speaks_at_length)]).await;
    let mut log = Log::new(None, Some(0));
    let ended = slow.read_at_last(|text| drop(log.hear(text))).await;
    assert_eq!(
        ended.code,
        CloseCode::SLOW_READER.code,
        "nobody waited for it"
    );
    assert!(ended.reason.ends_with("; retry_after_ms=1000"), "{ended}");
    let heard = log.last_seq();
    assert!(heard < logs[0].last_seq(), "it has not heard all");
    let mut rest = Talk::watch(&server.admin, meeting, heard).await;
    assert_eq!(rest.ended().await.code, CloseCode::MEETING_OVER.code);
    logs.extend([log, rest.log]);
    check(&*fresh.store, meeting, &logs).await;
    server.stop().await;
}

async fn agents_that_drop_their_connection_at_every_request_hear_all(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let settings = json!({"max_discussion_rounds": 3, "start": "when_all_joined"});
    let meeting = server.meeting(&[&ada, &ben, &cho], settings).await;
    // Drops the connection at the first request of each kind in each round, and answers the second.
    let flaps = || {
        let mut dropped = Vec::new();
        script(move |asked| {
            let (does, key) = match asked {
                Asked::ToSpeak(request) => (Does::Says("here".to_owned()), (request.round, true)),
                Asked::ToVote(request) => (Does::Votes(Some(false)), (request.round, false)),
            };
            if dropped.contains(&key) {
                return does;
            }
            dropped.push(key);
            Does::Flaps
        })
    };
    let logs = logs([
        ada.attend(meeting, flaps()),
        ben.attend(meeting, flaps()),
        cho.attend(meeting, agreeable()),
    ])
    .await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.count("turn_timed_out"), 0);
    assert_eq!(checked.count("opinion_presented"), 9);
    assert_eq!(checked.count("vote_recorded"), 9);
    for log in &logs[..2] {
        assert_eq!(log.connected.len(), 7, "it came back twice a round");
    }
    server.stop().await;
}
