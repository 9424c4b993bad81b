//! Ids are newtypes over UUIDs, so that one kind is never taken for another.
//!
//! They are made by the clock's room (UUID version 7, RFC 9562) and only carried here.

use std::fmt;

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<&$name> for Uuid {
            fn from(id: &$name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// One meeting.
    MeetingId
}
id! {
    /// One agent, whatever connections it has.
    AgentId
}
id! {
    /// One message of the communication log.
    CommunicationId
}
id! {
    /// One decision; a meeting makes at most one, whose id is set aside when the meeting is created.
    DecisionId
}
