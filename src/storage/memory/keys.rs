//! Idempotency keys.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::{Error, KeptAnswer, KeyedRequest, Reserved};

/// Requests with a key.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<(Uuid, String), Reserved>);

impl Keys {
    pub(super) fn recall(&self, owner: Uuid, key: &str) -> Option<Reserved> {
        self.0.get(&(owner, key.to_owned())).cloned()
    }

    pub(super) fn reserve(&mut self, request: &KeyedRequest) -> bool {
        if self.0.contains_key(&place(request)) {
            return false;
        }
        let reserved = Reserved {
            fingerprint: request.fingerprint.to_vec(),
            resource: request.resource,
            at: request.at,
            salt: request.salt.to_vec(),
            answer: None,
        };
        self.0.insert(place(request), reserved);
        true
    }

    pub(super) fn answer(&mut self, kept: &KeptAnswer) -> bool {
        let is_open = self.ensure_open(Some(kept)).is_ok();
        if is_open {
            self.keep(Some(kept));
        }
        is_open
    }

    pub(super) fn release(&mut self, request: &KeyedRequest) {
        self.0.retain(|key, reserved| {
            *key != place(request)
                || reserved.answer.is_some()
                || reserved.resource != request.resource
        });
    }

    /// Refuses an answer to a request that is answered, or was another.
    pub(super) fn ensure_open(&self, once: Option<&KeptAnswer>) -> Result<(), Error> {
        let Some(KeptAnswer { request, .. }) = once else {
            return Ok(());
        };
        let is_same = |kept: &Reserved| {
            kept.answer.is_none()
                && kept.fingerprint == request.fingerprint
                && kept.salt == request.salt
        };
        match self.0.get(&place(request)) {
            Some(kept) if !is_same(kept) => Err(Error::KeyTaken),
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps an answer with what it tells of.
    pub(super) fn keep(&mut self, once: Option<&KeptAnswer>) {
        if let Some(kept) = once {
            self.reserve(&kept.request);
            if let Some(reserved) = self.0.get_mut(&place(&kept.request)) {
                reserved.answer = Some(kept.answer.clone());
            }
        }
    }

    pub(super) fn forget(&mut self, before: DateTime<Utc>) {
        self.0.retain(|_, reserved| reserved.at >= before);
    }
}

fn place(request: &KeyedRequest) -> (Uuid, String) {
    (request.owner, request.key.clone())
}
