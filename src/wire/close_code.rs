//! Every code with which the server closes a socket, in one table.
//!
//! The range tells a client that does not know a code what to do, so new codes need no new clients:
//!
//! | range | what the client does |
//! |---|---|
//! | 1000 to 1015 | as RFC 6455, section 7.4.1, says |
//! | 4000 to 4099 | does not reconnect unchanged |
//! | 4100 to 4199 | waits a second or more, then resumes |
//! | 4200 to 4299 | resumes at once |

/// Why the server closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode {
    /// The number on the wire.
    pub code: u16,
    /// The words beside it.
    pub reason: &'static str,
}

/// The table: one constant for each line, and all of them in [`CloseCode::ALL`].
macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)+) => {
        impl CloseCode {
            $(
                $(#[$doc])*
                pub const $name: Self = Self { code: $code, reason: $reason };
            )+
            /// Every code that the server may close with.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

table! {
    /// The agent left the meeting, as it had asked to.
    NORMAL = 1000, "goodbye";
    /// The peer broke the WebSocket protocol.
    PROTOCOL_ERROR = 1002, "protocol error";
    /// Binary frames are not understood here.
    UNSUPPORTED = 1003, "text frames only";
    /// A text frame was not UTF-8.
    INVALID_UTF8 = 1007, "invalid UTF-8";
    /// A message over the limit.
    TOO_BIG = 1009, "message too big";
    /// The server failed.
    INTERNAL = 1011, "internal error";
    /// The request for this connection cannot be served as it stands.
    BAD_FRAME = 4000, "bad request: see the last error frame";
    /// The token was revoked.
    REVOKED = 4001, "token revoked";
    /// The meeting does not admit this agent.
    FORBIDDEN = 4003, "forbidden";
    /// There is no such meeting.
    NO_SUCH_MEETING = 4004, "no such meeting";
    /// The same agent opened another connection to this meeting.
    REPLACED = 4009, "replaced by a newer connection";
    /// The meeting has ended and everything was said.
    MEETING_OVER = 4011, "meeting over";
    /// The agent reads too slowly: its outbox was full.
    SLOW_READER = 4100, "slow reader";
    /// The agent sends too fast.
    RATE_LIMITED = 4101, "rate limited";
    /// The server has more to do than it can.
    OVERLOADED = 4102, "overloaded";
    /// The agent did not answer a ping.
    NO_PONG = 4103, "no pong";
    /// The server is going down.
    DRAINING = 4200, "server draining";
    /// The meeting was restarted, or another server runs it now.
    MOVED = 4201, "meeting moved or restarted";
}
