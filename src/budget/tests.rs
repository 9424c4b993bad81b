use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinHandle;

use super::*;

const MB: usize = 1_048_576;

fn budget(mb: u32) -> Budget {
    let limits = Limits {
        read_budget_mb: mb,
        ..Limits::default()
    };
    Budget::new(&limits, Metrics::new())
}

fn token(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// A task that takes so much for a token and gives it back when it is aborted.
fn wait_for(budget: &Budget, holder: Uuid, bytes: usize) -> JoinHandle<Result<(), Denied>> {
    let reservation = budget.reservation(holder);
    tokio::spawn(async move { reservation.take(bytes).await })
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn what_is_taken_is_given_back() {
    let budget = budget(16);
    let reservation = budget.reservation(token(1));
    reservation.try_take(3 * MB).unwrap();
    reservation.keep(MB);
    assert_eq!((reservation.bytes(), budget.used()), (MB, MB));
    let frame = budget.charge(5);
    assert_eq!(budget.used(), MB + 5);
    drop((reservation, frame));
    assert_eq!(budget.used(), 0);
    assert!(budget.readers().held.is_empty());
}

#[test]
fn a_token_has_no_more_than_its_share_and_others_still_have_room() {
    let budget = budget(16);
    let [one, other] = [1, 1].map(|n| budget.reservation(token(n)));
    one.try_take(MB).unwrap();
    other.try_take(MB).unwrap();
    let more = one.try_take(MB);
    assert_eq!(more, Err(Denied::Full), "an eighth is 2 MB");
    let stranger = budget.reservation(token(2));
    assert_eq!(stranger.try_take(2 * MB), Ok(()));
}

#[test]
fn one_larger_read_is_granted_to_a_token_that_holds_nothing_else() {
    let budget = budget(16);
    let [large, other] = [1, 1].map(|n| budget.reservation(token(n)));
    large.try_take(4 * MB).unwrap();
    large.try_take(4 * MB).unwrap();
    assert_eq!(large.try_take(1), Err(Denied::TooLarge), "half of it all");
    assert_eq!(other.try_take(MB), Err(Denied::Full));
    drop(large);
    assert_eq!(other.try_take(MB), Ok(()));
}

#[test]
fn what_is_a_tokens_own_is_granted_whatever_is_held() {
    let budget = budget(16);
    let large = budget.reservation(token(1));
    large.try_take(8 * MB).unwrap();
    let all = budget.charge(8 * MB);
    assert!(budget.is_used_up());
    let small = budget.reservation(token(1));
    assert_eq!(small.try_take(Limits::READ_OWN_BYTES), Ok(()));
    assert_eq!(small.try_take(1), Err(Denied::Full));
    drop((all, large));
    assert_eq!(small.try_take(1), Ok(()));
}

#[test]
fn what_is_given_back_first_is_what_small_requests_need() {
    let budget = budget(16);
    let _all = budget.charge(8 * MB);
    let read = budget.reservation(token(1));
    read.try_take(Limits::READ_OWN_BYTES).unwrap();
    read.try_take(MB).unwrap();
    read.keep(MB);
    let small = budget.reservation(token(1));
    assert_eq!(small.try_take(Limits::READ_OWN_BYTES), Ok(()));
    assert_eq!(small.bytes() + read.bytes(), Limits::READ_OWN_BYTES + MB);
}

#[tokio::test(start_paused = true)]
async fn a_read_without_room_waits_for_so_long_and_then_is_refused() {
    let budget = budget(16);
    let all = budget.charge(16 * MB);
    let late = wait_for(&budget, token(1), MB);
    assert_eq!(late.await.unwrap(), Err(Denied::Full));
    let waits = wait_for(&budget, token(1), MB);
    settle().await;
    drop(all);
    assert_eq!(waits.await.unwrap(), Ok(()));
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_large_read_is_not_overtaken_and_nobody_waits_behind_a_token_with_its_share() {
    let budget = budget(16);
    let rest = budget.charge(11 * MB);
    let share = budget.reservation(token(1));
    share.try_take(2 * MB).unwrap();
    let more = wait_for(&budget, token(1), MB);
    settle().await;
    let stranger = wait_for(&budget, token(2), MB);
    settle().await;
    assert!(stranger.is_finished() && !more.is_finished());
    let large = wait_for(&budget, token(3), 6 * MB);
    settle().await;
    let small = wait_for(&budget, token(4), MB);
    settle().await;
    assert!(!small.is_finished(), "there is room, but not its turn");
    drop(rest);
    assert_eq!(large.await.unwrap(), Ok(()));
    assert_eq!(small.await.unwrap(), Ok(()));
    drop(share);
    assert_eq!(more.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_there_is_room_for_and_those_who_gave_up_leave_theirs() {
    let budget = budget(16);
    let all = budget.charge(16 * MB);
    let waiting: Vec<_> = (0..Limits::READ_WAITING_MAX)
        .map(|n| wait_for(&budget, token(n as u128), MB))
        .collect();
    settle().await;
    let refused = budget.reservation(token(7)).take(MB).await;
    assert_eq!(refused, Err(Denied::Full));
    waiting.iter().for_each(JoinHandle::abort);
    settle().await;
    let waits = wait_for(&budget, token(7), MB);
    settle().await;
    drop(all);
    assert_eq!(waits.await.unwrap(), Ok(()));
}

/// Something that happens to the budget.
#[derive(Clone, Debug)]
enum Step {
    /// A reader of this token asks for so many KiB, and waits if it must.
    Ask(u8, u16),
    /// The nth reader is cut off, whether it waits or has what it asked for.
    Cut(usize),
    /// The nth reader keeps only so many KiB.
    Keep(usize, u16),
    /// A meeting says something of so many KiB to its readers.
    Say(u16),
    /// The nth thing that was said has been written by all.
    Written(usize),
    /// Time passes.
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..5_u8, 1..9_000_u16).prop_map(|(who, kib)| Step::Ask(who, kib)),
        3 => any::<usize>().prop_map(Step::Cut),
        1 => (any::<usize>(), 0..2_000_u16).prop_map(|(nth, kib)| Step::Keep(nth, kib)),
        1 => (1..9_000_u16).prop_map(Step::Say),
        1 => any::<usize>().prop_map(Step::Written),
        1 => (1..6_000_u16).prop_map(Step::Wait),
    ]
}

/// One reader: a task that takes and then holds until it is aborted.
struct Reader {
    task: JoinHandle<()>,
    reservation: Arc<Reservation>,
}

async fn play(budget: &Budget, steps: Vec<Step>) {
    let mut readers: Vec<Reader> = Vec::new();
    let mut said = Vec::new();
    for step in steps {
        match step {
            Step::Ask(who, kib) => {
                let reservation = Arc::new(budget.reservation(token(who.into())));
                let held = Arc::clone(&reservation);
                let task = tokio::spawn(async move {
                    let _ = held.take(usize::from(kib) * 1_024).await;
                });
                readers.push(Reader { task, reservation });
            }
            Step::Cut(nth) if !readers.is_empty() => {
                let nth = nth % readers.len();
                readers.swap_remove(nth).task.abort();
            }
            Step::Keep(nth, kib) if !readers.is_empty() => {
                let nth = nth % readers.len();
                readers[nth].reservation.keep(usize::from(kib) * 1_024);
            }
            Step::Say(kib) => said.push(budget.charge(usize::from(kib) * 1_024)),
            Step::Written(nth) if !said.is_empty() => {
                let nth = nth % said.len();
                drop(said.swap_remove(nth));
            }
            Step::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms.into())).await,
            Step::Cut(_) | Step::Keep(..) | Step::Written(_) => {}
        }
        settle().await;
        let held: usize = budget
            .readers()
            .held
            .values()
            .map(|held| held.bytes())
            .sum();
        let charged: usize = said.iter().map(|charge| charge.bytes).sum();
        assert_eq!(budget.used(), held + charged);
    }
    for reader in &readers {
        reader.task.abort();
    }
    drop((readers, said));
    settle().await;
    // Those that still wait give up in the end.
    tokio::time::sleep(Limits::READ_WAIT).await;
    settle().await;
}

proptest! {
    #[test]
    fn whatever_is_cut_off_everything_is_given_back(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let budget = budget(16);
        runtime.block_on(play(&budget, steps));
        prop_assert_eq!(budget.used(), 0);
        prop_assert!(budget.readers().held.is_empty());
    }
}
