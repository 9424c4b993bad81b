//! A small client: REST and WebSocket, for the command line, the load tool and the tests.
//!
//! [`Client`] speaks REST: JSON in and out, and one [`Error`] that says whose fault it was.
//! [`Socket`] is one agent in one meeting: it sends frames, reads [`ServerFrame`]s, and ends with a
//! close code that says [what to do next](socket::Ended::then). Fields that this client does not know are
//! ignored, so that it understands newer servers too.
//!
//! What is deliberately absent: retries and reconnecting (whoever uses it knows what may be
//! repeated), TLS (the server has none), panics on what a server answers.
//!
//! Start with [`Client::new`], then [`Client::attend`].

pub mod error;
pub mod frame;
pub mod network;
pub mod rest;
pub mod socket;

pub use error::Error;
pub use frame::{AgentFrame, ServerFrame};
pub use network::Network;
pub use rest::{Client, Credentials};
pub use socket::{Ended, Socket, Then};
