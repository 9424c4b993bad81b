//! What is said: every frame, every journal payload and every code, in their JSON shapes.
//!
//! [`inbound`] turns text into a command; behind it nothing unvalidated exists. [`outbound`] turns what
//! happened into frames, [`evidence`] is what they show of the log, `cut` how much of many long texts. [`journal`] is the shape in which an
//! event is kept, and the very same text is the `data` of the frame that tells it. [`transcript`] tells a
//! whole journal to people. [`shape`] holds the JSON mirrors that all of them share: serde stops here, the
//! types of `domain` know nothing of it.
//!
//! What is deliberately absent: sockets, actors, the database, any decision about a meeting.

pub mod close_code;
mod cut;
pub mod evidence;
pub mod fault;
pub mod frame;
pub mod inbound;
pub mod journal;
mod mirror;
pub mod outbound;
pub mod shape;
pub mod transcript;

pub use close_code::CloseCode;
pub use evidence::Evidence;
pub use frame::{Frame, FrameId};
