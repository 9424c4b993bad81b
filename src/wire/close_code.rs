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

impl CloseCode {
    /// The agent left the meeting, as it had asked to.
    pub const NORMAL: Self = Self::new(1000, "goodbye");
    /// The peer broke the WebSocket protocol.
    pub const PROTOCOL_ERROR: Self = Self::new(1002, "protocol error");
    /// Binary frames are not understood here.
    pub const UNSUPPORTED: Self = Self::new(1003, "text frames only");
    /// A text frame was not UTF-8.
    pub const INVALID_UTF8: Self = Self::new(1007, "invalid UTF-8");
    /// A message over the limit.
    pub const TOO_BIG: Self = Self::new(1009, "message too big");
    /// The server failed.
    pub const INTERNAL: Self = Self::new(1011, "internal error");
    /// The request for this connection cannot be served as it stands.
    pub const BAD_FRAME: Self = Self::new(4000, "bad request: see the last error frame");
    /// The token was revoked.
    pub const REVOKED: Self = Self::new(4001, "token revoked");
    /// The meeting does not admit this agent.
    pub const FORBIDDEN: Self = Self::new(4003, "forbidden");
    /// There is no such meeting.
    pub const NO_SUCH_MEETING: Self = Self::new(4004, "no such meeting");
    /// The same agent opened another connection to this meeting.
    pub const REPLACED: Self = Self::new(4009, "replaced by a newer connection");
    /// The meeting has ended and everything was said.
    pub const MEETING_OVER: Self = Self::new(4011, "meeting over");
    /// The agent reads too slowly: its outbox was full.
    pub const SLOW_READER: Self = Self::new(4100, "slow reader");
    /// The agent sends too fast.
    pub const RATE_LIMITED: Self = Self::new(4101, "rate limited");
    /// The server has more to do than it can.
    pub const OVERLOADED: Self = Self::new(4102, "overloaded");
    /// The agent did not answer a ping.
    pub const NO_PONG: Self = Self::new(4103, "no pong");
    /// The server is going down.
    pub const DRAINING: Self = Self::new(4200, "server draining");
    /// The meeting was restarted, or another server runs it now.
    pub const MOVED: Self = Self::new(4201, "meeting moved or restarted");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}
