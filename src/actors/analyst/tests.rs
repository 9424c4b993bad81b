use futures_util::future::{join, join_all};
use ractor::rpc::CallResult;
use tokio::time::sleep;

use super::*;
use crate::domain::CommunicationId;
use crate::storage::memory::{Course, Fault, Memory};
use crate::storage::{Agent, Communication, Role, TokenHash};

/// An analyst whose every look into the log takes so many seconds.
async fn analyst(seconds: u64) -> ActorRef<Message> {
    let store = Memory::new();
    take(&store, seconds);
    analyst_of(Arc::new(store)).await
}

async fn analyst_of(store: Arc<Memory>) -> ActorRef<Message> {
    let clock = Clock::system();
    let analyst = Analyst {
        store,
        clock,
        embeddings: None,
    };
    Actor::spawn(None, analyst, ()).await.unwrap().0
}

/// From now on, every call to the database takes so many seconds.
fn take(store: &Memory, seconds: u64) {
    store.faults().follow(move || Course {
        before: Duration::from_secs(seconds),
        ..Course::default()
    });
}

fn asked(hours_back: u32) -> Asked {
    Asked {
        hours_back,
        messages_min: 1,
        topics_max: 10,
        agent: None,
        visible_to: None,
    }
}

async fn ask(analyst: &ActorRef<Message>, hours_back: u32) -> Answer {
    let message = |reply| Message::Suggest(asked(hours_back), reply);
    match analyst.call(message, None).await.unwrap() {
        CallResult::Success(answer) => answer,
        unanswered => panic!("{unanswered:?}"),
    }
}

/// Asks after so many seconds, and gives how long it took as well.
async fn ask_after(
    seconds: f64,
    analyst: &ActorRef<Message>,
    hours_back: u32,
) -> (Answer, Duration) {
    sleep(Duration::from_secs_f64(seconds)).await;
    let clock = Clock::system();
    (ask(analyst, hours_back).await, clock.elapsed())
}

fn is_busy(answer: &Answer) -> bool {
    matches!(answer, Err(Failure::Busy))
}

/// Somebody who can write to himself.
async fn writer(store: &Memory) -> AgentId {
    let id = AgentId(Uuid::from_u128(1));
    let agent = Agent {
        id,
        name: String::new(),
        role: Role::Agent,
        model: None,
        metadata: None,
        created_at: DateTime::UNIX_EPOCH,
        revoked_at: None,
    };
    let token = TokenHash([0; 32]);
    store.create_agent(&agent, token, None).await.unwrap();
    id
}

async fn write(store: &Memory, writer: AgentId, n: u128) {
    let now = Clock::system().now();
    let message = Communication {
        id: CommunicationId(Uuid::from_u128(n)),
        timestamp: now,
        sender: writer,
        receiver: writer,
        content: String::new(),
        topic: None,
        content_type: String::new(),
        is_json: false,
        created_at: now,
    };
    store.log(&[message]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_question_is_worked_on_and_nobody_waits_for_longer_than_he_must() {
    let analyst = analyst(8).await;
    // After 0 and after 8 seconds these begin; the third would have to wait for 16.
    let answers = join_all([1, 2, 3].map(|hours| ask(&analyst, hours))).await;
    assert_eq!(
        answers.iter().map(is_busy).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert!(answers[0].is_ok() && answers[1].is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_has_gone_takes_no_turn() {
    let analyst = analyst(8).await;
    let (first, gone, third) = (ask(&analyst, 1), ask(&analyst, 2), ask(&analyst, 3));
    let gone = tokio::time::timeout(Duration::from_secs(1), gone);
    let (first, gone, third) = tokio::join!(first, gone, third);
    assert!(first.is_ok() && gone.is_err() && third.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_same_question_is_worked_on_once_and_its_answer_is_looked_up_beside_others() {
    let analyst = analyst(8).await;
    let (first, same) = tokio::join!(ask(&analyst, 1), ask(&analyst, 1));
    let (first, same) = (first.unwrap(), same.unwrap());
    assert!(Arc::ptr_eq(&first, &same));
    let (other, again) = tokio::join!(ask(&analyst, 2), ask(&analyst, 1));
    assert!(other.is_ok() && Arc::ptr_eq(&first, &again.unwrap()));
    tokio::time::advance(Limits::SUGGEST_KEPT).await;
    let later = ask(&analyst, 1).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &later), "time goes on");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_and_the_next_question_is_answered() {
    let store = Memory::new();
    store.faults().push(Fault::FailBeforeCommit);
    let analyst = analyst_of(Arc::new(store)).await;
    assert!(matches!(ask(&analyst, 1).await, Err(Failure::Storage(_))));
    assert!(ask(&analyst, 1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_passed_over_by_those_whose_kept_answers_hold_no_longer() {
    let store = Arc::new(Memory::new());
    let (writer, analyst) = (writer(&store).await, analyst_of(Arc::clone(&store)).await);
    let kept = 11..30;
    for hours in kept.clone() {
        ask(&analyst, hours).await.unwrap();
    }
    write(&store, writer, 1).await;
    take(&store, 40);
    let works = ask_after(0.0, &analyst, 1);
    let others = async {
        sleep(Duration::from_millis(500)).await;
        take(&store, 0);
        let others = kept.map(|hours| ask_after(f64::from(hours - 10), &analyst, hours));
        let waits = ask_after(0.0, &analyst, 2);
        join(waits, join_all(others)).await
    };
    let (works, (waits, others)) = join(works, others).await;
    assert!(works.0.is_ok());
    for (answer, time) in [waits].iter().chain(&others) {
        assert!(is_busy(answer));
        assert_eq!(time.as_secs(), Limits::SUGGEST_TIMEOUT.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_ask_the_same_while_messages_come_it_is_worked_on_once_for_all_who_wait() {
    let store = Arc::new(Memory::new());
    let (writer, analyst) = (writer(&store).await, analyst_of(Arc::clone(&store)).await);
    take(&store, 2);
    let messages = async {
        // Between any two looks of the analyst, there is another.
        for n in 1.. {
            write(&store, writer, n).await;
        }
    };
    let first = ask_after(1.0, &analyst, 1);
    let others = (0..10).map(|_| ask_after(1.5, &analyst, 1));
    let answers = join(first, join_all(others));
    let (first, others) = tokio::select! {
        () = messages => unreachable!("messages come without end"),
        answers = answers => answers,
    };
    assert!(first.0.is_ok());
    let answers = others.into_iter().map(|(answer, _)| answer.unwrap());
    let answers: Vec<_> = answers.collect();
    assert!(
        answers
            .iter()
            .all(|answer| Arc::ptr_eq(answer, &answers[0]))
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_there_is_room_for_and_who_has_gone_leaves_his() {
    let analyst = analyst(12).await;
    let most = u32::try_from(Limits::SUGGEST_WAITING_MAX).unwrap();
    let all = join_all((1..=most).map(|hours| ask(&analyst, hours)));
    let all = tokio::time::timeout(Duration::from_secs(5), all);
    let one_more = ask_after(1.0, &analyst, most + 1);
    let later = ask_after(6.0, &analyst, most + 1);
    let (all, one_more, later) = tokio::join!(all, one_more, later);
    assert!(all.is_err(), "they have gone");
    assert!(is_busy(&one_more.0) && one_more.1.is_zero());
    assert!(later.0.is_ok());
}
