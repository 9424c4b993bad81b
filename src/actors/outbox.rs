//! The bounded queue of frames on their way to one reader.
//!
//! When it is full the reader is too slow: what waits is dropped, the socket is closed with
//! [`CloseCode::SLOW_READER`], and the agent resumes. Nobody ever waits for a reader.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::budget::Budget;
use crate::config::Limits;
use crate::wire::{CloseCode, Frame};

/// A new outbox: the end that fills it and the end that empties it.
pub fn outbox(max_frames: usize, max_bytes: usize, budget: &Budget) -> (Outbox, Reader) {
    let queue = Mutex::new(Queue {
        frames: VecDeque::new(),
        bytes: 0,
        largest: 0,
        closing: None,
    });
    let shared = Arc::new(Shared {
        queue,
        filled: Notify::new(),
        max_frames,
        max_bytes,
        budget: budget.clone(),
    });
    (
        Outbox {
            shared: Arc::clone(&shared),
            is_unsaid: false,
        },
        Reader { shared },
    )
}

/// The filling end. When it is dropped without a word, its meeting is gone: the reader closes with
/// [`CloseCode::MOVED`].
#[derive(Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
    /// Whether the reader does not know yet of all that waits.
    is_unsaid: bool,
}

/// The emptying end, which belongs to one socket.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Frames, in order: all that waited.
    Frames(VecDeque<Frame>),
    /// There will be no more; close the socket with this.
    Close(CloseCode),
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Notify,
    max_frames: usize,
    max_bytes: usize,
    budget: Budget,
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Of the largest frame that waits.
    largest: usize,
    closing: Option<CloseCode>,
}

impl Outbox {
    /// Puts a frame behind those that wait. Behind a close nothing is taken any more. The reader learns of it from
    /// [`flush`](Self::flush): what is said together wakes it once, and leaves in one write.
    pub fn push(&mut self, frame: Frame) {
        let _ = self.shared.push(frame);
        self.is_unsaid = true;
    }

    /// Wakes the reader if there is something new for it.
    pub fn flush(&mut self) {
        if std::mem::take(&mut self.is_unsaid) {
            self.shared.filled.notify_one();
        }
    }

    /// Says the last word: what waits is still sent, then the socket is closed with `code`.
    pub fn close(&self, code: CloseCode) {
        self.shared.close(code);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.close(CloseCode::MOVED);
    }
}

impl Reader {
    /// Waits for frames or for the close. Safe to cancel.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.shared.take() {
                return next;
            }
            self.shared.filled.notified().await;
        }
    }

    /// Waits until a write that is under way is to be given up: the reader is too slow, its token
    /// is gone, or a newer connection has replaced it. Safe to cancel.
    pub async fn given_up(&self) -> CloseCode {
        loop {
            let replaced = self.closing().filter(|code| *code == CloseCode::REPLACED);
            if let Some(code) = self.is_given_up().or(replaced) {
                return code;
            }
            self.shared.filled.notified().await;
        }
    }

    /// Why nothing more may be sent, not even what waits, if that is so.
    pub fn is_given_up(&self) -> Option<CloseCode> {
        self.closing()
            .filter(|code| matches!(*code, CloseCode::SLOW_READER | CloseCode::REVOKED))
    }

    /// With what the socket is to be closed, if it is.
    pub fn closing(&self) -> Option<CloseCode> {
        self.shared.lock().closing
    }

    /// Whether the token that opened the socket is gone: nothing that it says counts any more.
    pub fn is_revoked(&self) -> bool {
        self.closing() == Some(CloseCode::REVOKED)
    }

    /// Puts a frame behind those that wait, and says whether it was taken: for what reaches the socket from elsewhere
    /// than its meeting.
    pub fn push(&self, frame: Frame) -> bool {
        let is_taken = self.shared.push(frame);
        self.shared.filled.notify_one();
        is_taken
    }

    /// Closes from this end.
    pub fn close(&self, code: CloseCode) {
        self.shared.close(code);
    }
}

impl Shared {
    fn push(&self, frame: Frame) -> bool {
        let mut queue = self.lock();
        if queue.closing.is_some() {
            return false;
        }
        // The bound is on what waits beside the largest frame: a request with a whole round's opinions may alone be
        // larger than the bound, and an agent that reads must still get it, and what comes with it.
        let (bytes, largest) = (queue.bytes + frame.len(), queue.largest.max(frame.len()));
        let most = if self.budget.is_used_up() {
            self.max_bytes.min(Limits::OUTBOX_SPARE_BYTES)
        } else {
            self.max_bytes
        };
        let is_full = queue.frames.len() >= self.max_frames || bytes - largest > most;
        if is_full {
            queue.frames = VecDeque::new();
            queue.closing = Some(CloseCode::SLOW_READER);
        } else {
            (queue.bytes, queue.largest) = (bytes, largest);
            queue.frames.push_back(frame);
        }
        !is_full
    }

    fn close(&self, code: CloseCode) {
        self.lock().closing.get_or_insert(code);
        self.filled.notify_one();
    }

    fn take(&self) -> Option<Next> {
        let mut queue = self.lock();
        if queue.frames.is_empty() {
            return queue.closing.map(Next::Close);
        }
        (queue.bytes, queue.largest) = (0, 0);
        Some(Next::Frames(std::mem::take(&mut queue.frames)))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic cannot leave the queue half changed, so a poisoned lock is still good.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;

    fn budget() -> Budget {
        Budget::new(&Limits::default(), Metrics::new())
    }

    fn frame(text: &str) -> Frame {
        Frame::new(text.to_owned())
    }

    #[tokio::test]
    async fn frames_come_in_order_and_then_the_close() {
        let (mut outbox, reader) = outbox(8, 100, &budget());
        outbox.push(frame("a"));
        outbox.push(frame("b"));
        outbox.close(CloseCode::MEETING_OVER);
        outbox.push(frame("too late"));
        assert_eq!(
            reader.next().await,
            Next::Frames(VecDeque::from([frame("a"), frame("b")]))
        );
        assert_eq!(reader.next().await, Next::Close(CloseCode::MEETING_OVER));
    }

    #[tokio::test]
    async fn a_full_outbox_gives_its_reader_up() {
        for (frames, bytes) in [(2, 100), (100, 3)] {
            let (mut outbox, reader) = outbox(frames, bytes, &budget());
            for text in ["aa", "bb", "cc"] {
                outbox.push(frame(text));
            }
            assert_eq!(reader.given_up().await, CloseCode::SLOW_READER);
            assert_eq!(reader.next().await, Next::Close(CloseCode::SLOW_READER));
        }
    }

    #[tokio::test]
    async fn while_the_budget_is_used_up_only_those_that_lag_are_given_up() {
        let budget = budget();
        let _all = budget.charge(Limits::default().read_budget_mb as usize * 1_048_576);
        let half = "x".repeat(Limits::OUTBOX_SPARE_BYTES / 2 + 1);
        let (mut outbox, reader) = outbox(8, 1_048_576, &budget);
        outbox.push(frame(&half));
        outbox.push(frame(&half));
        assert_eq!(reader.closing(), None);
        outbox.push(frame(&half));
        assert_eq!(reader.closing(), Some(CloseCode::SLOW_READER));
    }

    #[tokio::test]
    async fn one_frame_may_be_larger_than_the_bound_wherever_it_stands() {
        let texts = ["ab", "larger than four", "cd"];
        for turn in 0..texts.len() {
            let (mut outbox, reader) = outbox(8, 4, &budget());
            let mut frames = VecDeque::from(texts.map(frame));
            frames.rotate_left(turn);
            for frame in &frames {
                outbox.push(frame.clone());
            }
            assert_eq!(reader.next().await, Next::Frames(frames));
        }
    }

    #[tokio::test]
    async fn an_outbox_whose_meeting_is_gone_tells_the_agent_to_come_back() {
        let (mut outbox, reader) = outbox(8, 100, &budget());
        outbox.push(frame("last"));
        drop(outbox);
        assert_eq!(
            reader.next().await,
            Next::Frames(VecDeque::from([frame("last")]))
        );
        assert_eq!(reader.next().await, Next::Close(CloseCode::MOVED));
    }
}
