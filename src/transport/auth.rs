//! Stub, thrown away when the transport lands.

use crate::clock::Clock;
use crate::storage::TokenHash;

/// Stub.
pub fn issue(clock: &Clock) -> (String, TokenHash) {
    let bytes: [u8; 32] = clock.bytes();
    (format!("synod_{:x}", u128::from(bytes[0])), TokenHash(bytes))
}
