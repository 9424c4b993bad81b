//! The read budget: memory for what readers are told, shared fairly between their tokens.
//!
//! Everything that holds rows, JSON or frames for a reader draws from one [`Budget`] before it
//! reads or encodes, and gives back when that is written or dropped. What a reader holds is a
//! [`Reservation`]; what a meeting says to all of its readers is a [`Charge`], counted once
//! however many sockets share it.
//!
//! The rules, for each reservation:
//!
//! * Each token has [`Limits::READ_OWN_BYTES`] of its own, which are always granted, so a small
//!   request goes through whatever is held, by others or by the token itself.
//! * Beyond that a token holds at most a share of the budget
//!   ([`Limits::READ_SHARE_ONE_IN`]), or one larger read if it holds nothing else.
//! * If there is no room, the read waits in a bounded queue for [`Limits::READ_WAIT`], first come
//!   first served, except that nobody waits behind a token that has used up its own share.
//!
//! A charge is never refused: a meeting must go on. While the budget is used up, readers with a
//! backlog are closed instead ([`Budget::is_used_up`]).

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use crate::config::Limits;
use crate::telemetry::Metrics;

/// The budget of one server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

/// Why a reservation was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There was no room in time, or the queue is full: try again later.
    Full,
    /// It is more than any reader may have at once.
    TooLarge,
}

/// What one reader holds; dropping it gives everything back.
#[derive(Debug)]
pub struct Reservation {
    /// `None` draws from nothing.
    budget: Option<Budget>,
    holder: Uuid,
    held: Mutex<Held>,
}

/// Bytes that are shared by many readers; dropping it gives them back.
#[derive(Debug)]
pub struct Charge {
    budget: Budget,
    bytes: usize,
}

#[derive(Debug)]
struct Shared {
    total: usize,
    share: usize,
    used: AtomicUsize,
    /// As many as are in the queue, so that a release need not lock it in vain.
    waiting: AtomicUsize,
    readers: Mutex<Readers>,
    metrics: Metrics,
}

/// What a token, or one of its reservations, has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    /// Of what is always granted to it.
    own: usize,
    /// Of what all share.
    shared: usize,
}

impl Held {
    fn bytes(self) -> usize {
        self.own + self.shared
    }

    fn add(&mut self, more: Self) {
        self.own += more.own;
        self.shared += more.shared;
    }

    /// Takes away what it has beyond so many bytes, its own first: that is what small requests
    /// need.
    fn take_beyond(&mut self, bytes: usize) -> Self {
        let excess = self.bytes().saturating_sub(bytes);
        let own = excess.min(self.own);
        let shared = excess - own;
        self.own -= own;
        self.shared -= shared;
        Self { own, shared }
    }
}

#[derive(Debug, Default)]
struct Readers {
    held: HashMap<Uuid, Held>,
    queue: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    holder: Uuid,
    /// What its reservation has already of what all share.
    mine: usize,
    wanted: usize,
    grant: oneshot::Sender<Granted>,
}

/// Bytes on their way to a reservation; they go back if it is gone.
#[derive(Debug)]
struct Granted {
    budget: Budget,
    holder: Uuid,
    held: Held,
}

/// What stands in the way of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// The token has its share.
    Share,
    /// Everything is taken.
    Total,
}

impl Budget {
    /// As much as these limits give.
    pub fn new(limits: &Limits, metrics: Metrics) -> Self {
        let total = limits.read_budget_mb as usize * 1_048_576;
        Self(Arc::new(Shared {
            total,
            share: total / Limits::READ_SHARE_ONE_IN,
            used: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            readers: Mutex::default(),
            metrics,
        }))
    }

    /// An empty reservation for the holder of a token; nil is the operator.
    pub fn reservation(&self, holder: Uuid) -> Reservation {
        Reservation {
            budget: Some(self.clone()),
            holder,
            held: Mutex::default(),
        }
    }

    /// Counts what many readers share.
    pub fn charge(&self, bytes: usize) -> Charge {
        self.add(bytes);
        Charge {
            budget: self.clone(),
            bytes,
        }
    }

    /// Whether there is no room for anything that is not granted always.
    pub fn is_used_up(&self) -> bool {
        self.used() >= self.0.total
    }

    /// The bytes that are taken now.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::SeqCst)
    }

    fn add(&self, bytes: usize) {
        self.0.used.fetch_add(bytes, Ordering::SeqCst);
        self.0.metrics.read_budget_took(bytes);
    }

    fn subtract(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::SeqCst);
        self.0.metrics.read_budget_gave_back(bytes);
    }

    /// Serves the queue if there is one, because something was given back.
    fn serve_queue(&self) {
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            let mut readers = self.readers();
            self.grant_in_order(&mut readers);
        }
    }

    /// Whether a token may take `wanted` more for a reservation that has `mine`.
    fn obstacle(
        &self,
        readers: &Readers,
        holder: Uuid,
        mine: usize,
        wanted: usize,
    ) -> Option<Obstacle> {
        if readers.is_own(holder, wanted) {
            return None;
        }
        let shared = readers.held_by(holder).shared;
        if shared + wanted > self.0.share && shared > mine {
            return Some(Obstacle::Share);
        }
        (self.used() + wanted > self.0.total).then_some(Obstacle::Total)
    }

    fn take(&self, readers: &mut Readers, holder: Uuid, bytes: usize) -> Granted {
        let held = if readers.is_own(holder, bytes) {
            Held {
                own: bytes,
                shared: 0,
            }
        } else {
            Held {
                own: 0,
                shared: bytes,
            }
        };
        readers.held.entry(holder).or_default().add(held);
        self.add(bytes);
        Granted {
            budget: self.clone(),
            holder,
            held,
        }
    }

    /// Grants what there is room for. The first that waits for the total keeps those behind it
    /// waiting, so that a large read is not overtaken for ever.
    fn grant_in_order(&self, readers: &mut Readers) {
        let mut left = VecDeque::with_capacity(readers.queue.len());
        let mut is_blocked = false;
        for waiter in std::mem::take(&mut readers.queue) {
            if waiter.grant.is_closed() {
                continue;
            }
            let Waiter {
                holder,
                mine,
                wanted,
                ..
            } = waiter;
            let obstacle = if is_blocked {
                Some(Obstacle::Total)
            } else {
                self.obstacle(readers, holder, mine, wanted)
            };
            is_blocked |= obstacle == Some(Obstacle::Total);
            if obstacle.is_some() {
                left.push_back(waiter);
                continue;
            }
            let granted = self.take(readers, holder, wanted);
            if let Err(mut unwanted) = waiter.grant.send(granted) {
                self.put_back(readers, holder, std::mem::take(&mut unwanted.held));
            }
        }
        readers.queue = left;
        self.0.waiting.store(readers.queue.len(), Ordering::SeqCst);
        self.0.metrics.read_budget_waiting(readers.queue.len());
    }

    fn put_back(&self, readers: &mut Readers, holder: Uuid, back: Held) {
        if let Some(held) = readers.held.get_mut(&holder) {
            held.own -= back.own;
            held.shared -= back.shared;
            if *held == Held::default() {
                readers.held.remove(&holder);
            }
        }
        self.subtract(back.bytes());
    }

    fn give_back(&self, holder: Uuid, back: Held) {
        if back == Held::default() {
            return;
        }
        let mut readers = self.readers();
        self.put_back(&mut readers, holder, back);
        self.grant_in_order(&mut readers);
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        // Nothing here panics while it is locked, so a poisoned lock is still good.
        self.0
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readers {
    fn held_by(&self, holder: Uuid) -> Held {
        self.held.get(&holder).copied().unwrap_or_default()
    }

    /// Whether so many bytes more are a token's own, which are always granted.
    fn is_own(&self, holder: Uuid, wanted: usize) -> bool {
        self.held_by(holder).own + wanted <= Limits::READ_OWN_BYTES
    }
}

impl Reservation {
    /// One that draws from nothing: for what the server reads on its own account.
    pub fn unlimited() -> Self {
        Self {
            budget: None,
            holder: Uuid::nil(),
            held: Mutex::default(),
        }
    }

    /// Takes more bytes, waiting for them if need be. Safe to cancel.
    ///
    /// # Errors
    /// [`Denied::Full`] if there is no room within [`Limits::READ_WAIT`], or too many wait already;
    /// [`Denied::TooLarge`] if it would be more than half of the whole budget.
    pub async fn take(&self, bytes: usize) -> Result<(), Denied> {
        let Some(waiting) = self.try_or_wait(bytes, true)? else {
            return Ok(());
        };
        // A sender that is gone was told that nobody waits here.
        let granted = timeout(Limits::READ_WAIT, waiting).await;
        let granted = granted.map_err(|_| Denied::Full)?;
        self.accept(granted.map_err(|_| Denied::Full)?);
        Ok(())
    }

    /// Takes more bytes if they are free now.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn try_take(&self, bytes: usize) -> Result<(), Denied> {
        self.try_or_wait(bytes, false).map(|_| ())
    }

    /// Gives back what it has beyond so many bytes.
    pub fn keep(&self, bytes: usize) {
        let back = self.held().take_beyond(bytes);
        if let Some(budget) = &self.budget {
            budget.give_back(self.holder, back);
        }
    }

    /// What it has.
    pub fn bytes(&self) -> usize {
        self.held().bytes()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_or_wait(
        &self,
        bytes: usize,
        may_wait: bool,
    ) -> Result<Option<oneshot::Receiver<Granted>>, Denied> {
        let Some(budget) = self.budget.as_ref().filter(|_| bytes > 0) else {
            self.held().shared += bytes;
            return Ok(None);
        };
        let Held { own, shared: mine } = *self.held();
        if own + mine + bytes > budget.0.total / 2 {
            return Err(Denied::TooLarge);
        }
        let mut readers = budget.readers();
        let obstacle = budget.obstacle(&readers, self.holder, mine, bytes);
        let may_go_first = readers.queue.is_empty() || readers.is_own(self.holder, bytes);
        if obstacle.is_none() && may_go_first {
            let granted = budget.take(&mut readers, self.holder, bytes);
            drop(readers);
            self.accept(granted);
            return Ok(None);
        }
        if !may_wait {
            return Err(Denied::Full);
        }
        if readers.queue.len() >= Limits::READ_WAITING_MAX {
            readers.queue.retain(|waiter| !waiter.grant.is_closed());
        }
        if readers.queue.len() >= Limits::READ_WAITING_MAX {
            return Err(Denied::Full);
        }
        let (grant, waiting) = oneshot::channel();
        readers.queue.push_back(Waiter {
            holder: self.holder,
            mine,
            wanted: bytes,
            grant,
        });
        budget.grant_in_order(&mut readers);
        Ok(Some(waiting))
    }

    fn accept(&self, mut granted: Granted) {
        self.held().add(std::mem::take(&mut granted.held));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.keep(0);
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        self.budget.give_back(self.holder, self.held);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.subtract(self.bytes);
        self.budget.serve_queue();
    }
}

#[cfg(test)]
mod tests;
