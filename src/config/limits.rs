//! Every limit, in one value. Those that are no settings stand in [`fixed`].

mod fixed;

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

/// The longest that anybody is waited for: a day.
const DAY_MS: u64 = 86_400_000;
/// What both databases take at once is 1 GB; JSON is longer than what it says.
const MOST_MB: u64 = 256;
/// The same in bytes.
const MOST_BYTES: u64 = MOST_MB * 1_048_576;
/// One each nanosecond, which is as finely as a rate is kept.
const RATE_MOST: u64 = 1_000_000_000;

/// Numbers from a least that the server still works with to a most that it can reckon with.
fn within<T: TryFrom<u64>>(range: RangeInclusive<u64>) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(range)
}

/// Every limit. All of them hold at once, so no client and no fault can make the server grow without bound.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Open TCP connections; more wait in the listen queue. Each costs some 16 KB.
    #[arg(
        long,
        env = "SYNOD_CONNECTIONS_MAX",
        value_name = "N",
        default_value_t = 16_384,
        value_parser = within::<u32>(1..=1_048_576)
    )]
    pub connections_max: u32,
    /// Open TCP connections of one address (IPv6: of one /64 network); one more is told 429 and closed. Half of the house, so
    /// that no single address can fill it. Behind a proxy all connections have its address: raise this to the bound above.
    #[arg(
        long,
        env = "SYNOD_CONNECTIONS_PER_ADDRESS_MAX",
        value_name = "N",
        default_value_t = 8_192,
        value_parser = within::<u32>(1..=1_048_576)
    )]
    pub connections_per_address_max: u32,
    /// Requests a second of one address (IPv6: of one /64 network), over time; more are told 429. Many agents may share a
    /// machine, a proxy or a NAT, so it is as much as a small server can answer.
    #[arg(
        long,
        env = "SYNOD_RATE_PER_ADDRESS_PER_S",
        value_name = "N",
        default_value_t = 10_000,
        value_parser = within::<u32>(1..=RATE_MOST)
    )]
    pub rate_per_address_per_s: u32,
    /// Requests of one address that may come at once, before its rate counts. Two seconds' worth.
    #[arg(
        long,
        env = "SYNOD_BURST_PER_ADDRESS",
        value_name = "N",
        default_value_t = 20_000,
        value_parser = within::<u32>(1..=RATE_MOST)
    )]
    pub burst_per_address: u32,
    /// Requests and frames a second of one token, over time, on all its connections; more are refused as `rate_limited`.
    /// Far beyond what an agent has to say, far below what would starve the others.
    #[arg(
        long,
        env = "SYNOD_RATE_PER_TOKEN_PER_S",
        value_name = "N",
        default_value_t = 1_000,
        value_parser = within::<u32>(1..=RATE_MOST)
    )]
    pub rate_per_token_per_s: u32,
    /// Requests and frames of one token that may come at once, before its rate counts. Two seconds' worth.
    #[arg(
        long,
        env = "SYNOD_BURST_PER_TOKEN",
        value_name = "N",
        default_value_t = 2_000,
        value_parser = within::<u32>(1..=RATE_MOST)
    )]
    pub burst_per_token: u32,
    /// Frames of one connection that may be refused in a row as over the rate; one more closes it with 4101. Enough for
    /// what a client has on its way when it hears of the first.
    #[arg(
        long,
        env = "SYNOD_FRAMES_REFUSED_MAX",
        value_name = "N",
        default_value_t = 100,
        value_parser = within::<u32>(0..=1_048_576)
    )]
    pub frames_refused_max: u32,
    /// Time for a request's headers to arrive, from the connection's start or the last answer on: ends slow-header attacks
    /// and connections that nobody uses. No honest client needs as long.
    #[arg(
        long,
        env = "SYNOD_HEADER_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 10_000,
        value_parser = within::<u64>(100..=DAY_MS)
    )]
    pub header_timeout_ms: u64,
    /// Size of a request's line and headers together; more is told 431. As much as common servers and proxies take.
    #[arg(
        long,
        env = "SYNOD_HEADER_MAX_BYTES",
        value_name = "BYTES",
        default_value_t = 16_384,
        value_parser = within::<usize>(1_024..=1_048_576)
    )]
    pub header_max_bytes: usize,
    /// Size of a logged message. What is larger belongs in a file store, with its address in the message.
    #[arg(
        long,
        env = "SYNOD_MESSAGE_MAX_MB",
        value_name = "MB",
        default_value_t = 10,
        value_parser = within::<u64>(1..=MOST_MB)
    )]
    pub message_max_mb: u64,
    /// Size of a batch of messages to be logged. It is kept in one transaction, and in memory until then.
    #[arg(
        long,
        env = "SYNOD_BATCH_MAX_MB",
        value_name = "MB",
        default_value_t = 64,
        value_parser = within::<u64>(1..=MOST_MB)
    )]
    pub batch_max_mb: u64,
    /// Memory for all that is read, encoded and queued for readers: rows, JSON and frames, counted
    /// before they are made. A read for which there is no room waits for up to 5 s and is then
    /// refused as overloaded. One token holds at most an eighth, so that eight slow readers with
    /// large answers are not yet in the way of anybody. A few times the largest answer.
    #[arg(
        long,
        env = "SYNOD_READ_BUDGET_MB",
        value_name = "MB",
        default_value_t = 512,
        value_parser = within::<u32>(16..=65_536)
    )]
    pub read_budget_mb: u32,
    /// Sockets that one token may have in one meeting, and own lines that one agent may have; one
    /// more is told 429. Enough for a dashboard with one token that many people watch.
    #[arg(
        long,
        env = "SYNOD_SOCKETS_PER_MEETING_MAX",
        value_name = "N",
        default_value_t = 128,
        value_parser = within::<u32>(1..=1_048_576)
    )]
    pub sockets_per_meeting_max: u32,
    /// Time for a request's body to arrive: a message of the largest size over a slow line.
    #[arg(
        long,
        env = "SYNOD_BODY_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 30_000,
        value_parser = within::<u64>(100..=DAY_MS)
    )]
    pub body_timeout_ms: u64,
    /// Size of one WebSocket message; larger ones close the socket with 1009.
    #[arg(
        long,
        env = "SYNOD_FRAME_MAX_BYTES",
        value_name = "BYTES",
        default_value_t = 1_048_576,
        value_parser = within::<usize>(1_024..=MOST_BYTES)
    )]
    pub frame_max_bytes: usize,
    /// Size of one opinion, proposal or rationale. Every participant is sent every one of them.
    #[arg(
        long,
        env = "SYNOD_OPINION_MAX_BYTES",
        value_name = "BYTES",
        default_value_t = 262_144,
        value_parser = within::<usize>(256..=MOST_BYTES)
    )]
    pub opinion_max_bytes: usize,
    /// Commands of one connection that may wait for their answer; the server reads no further until one is answered.
    #[arg(
        long,
        env = "SYNOD_COMMANDS_IN_FLIGHT_MAX",
        value_name = "N",
        default_value_t = 4,
        value_parser = within::<usize>(1..=1_024)
    )]
    pub commands_in_flight_max: usize,
    /// Commands of the whole server that may wait for the database; more are refused as overloaded.
    #[arg(
        long,
        env = "SYNOD_COMMANDS_PENDING_MAX",
        value_name = "N",
        default_value_t = 8_192,
        value_parser = within::<usize>(256..=1_048_576)
    )]
    pub commands_pending_max: usize,
    /// Frames waiting for one reader; a reader that falls behind is closed with 4100 and resumes.
    #[arg(
        long,
        env = "SYNOD_OUTBOX_MAX_FRAMES",
        value_name = "N",
        default_value_t = 1_024,
        value_parser = within::<usize>(16..=1_048_576)
    )]
    pub outbox_max_frames: usize,
    /// Bytes waiting for one reader, beyond the frames being sent.
    #[arg(
        long,
        env = "SYNOD_OUTBOX_MAX_BYTES",
        value_name = "BYTES",
        default_value_t = 1_048_576,
        value_parser = within::<usize>(4_096..=MOST_BYTES)
    )]
    pub outbox_max_bytes: usize,
    /// Time between two pings. Below the idle time-outs of common proxies (60 s).
    #[arg(
        long,
        env = "SYNOD_PING_INTERVAL_MS",
        value_name = "MS",
        default_value_t = 25_000,
        value_parser = within::<u64>(100..=DAY_MS)
    )]
    pub ping_interval_ms: u64,
    /// Time for a pong; then the socket is closed with 4103.
    #[arg(
        long,
        env = "SYNOD_PONG_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 10_000,
        value_parser = within::<u64>(100..=DAY_MS)
    )]
    pub pong_timeout_ms: u64,
    /// Time for a peer to take what is being written to it; then it is closed as too slow, a socket with 4100. An answer to a request
    /// has it for each part that the peer does take.
    #[arg(
        long,
        env = "SYNOD_WRITE_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 30_000,
        value_parser = within::<u64>(100..=DAY_MS)
    )]
    pub write_timeout_ms: u64,
    /// Time for a peer to answer the close of its socket.
    #[arg(
        long,
        env = "SYNOD_CLOSE_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 2_000,
        value_parser = within::<u64>(100..=DAY_MS)
    )]
    pub close_timeout_ms: u64,
    /// A commit that took longer moves the deadlines that ran meanwhile to the end of the meeting's reconnect grace.
    #[arg(
        long,
        env = "SYNOD_COMMIT_STALL_MS",
        value_name = "MS",
        default_value_t = 1_000,
        value_parser = within::<u64>(10..=DAY_MS)
    )]
    pub commit_stall_ms: u64,
    /// Time between two looks at who owns the meetings that run here. A server that was overtaken learns it from its next
    /// write, and from this where it writes nothing.
    #[arg(
        long,
        env = "SYNOD_OWNERSHIP_INTERVAL_MS",
        value_name = "MS",
        default_value_t = 2_000,
        value_parser = within::<u64>(10..=DAY_MS)
    )]
    pub ownership_interval_ms: u64,
    /// Restarts of one meeting within the window below; one more marks it failed.
    #[arg(
        long,
        env = "SYNOD_MEETING_RESTARTS_MAX",
        value_name = "N",
        default_value_t = 3,
        value_parser = within::<usize>(0..=1_024)
    )]
    pub meeting_restarts_max: usize,
    /// The window in which a meeting's restarts are counted.
    #[arg(
        long,
        env = "SYNOD_MEETING_RESTART_WINDOW_MS",
        value_name = "MS",
        default_value_t = 60_000,
        value_parser = within::<u64>(1_000..=DAY_MS)
    )]
    pub meeting_restart_window_ms: u64,
    /// Time for everything to be finished and said when the server is told to stop.
    #[arg(
        long,
        env = "SYNOD_SHUTDOWN_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 30_000,
        value_parser = within::<u64>(100..=DAY_MS)
    )]
    pub shutdown_timeout_ms: u64,
    /// Days for which logged messages are kept; older ones are deleted for good, but those that a meeting links to. On
    /// PostgreSQL a month goes as a whole, once all of it is older. Without it all are kept: only an operator can know
    /// what may be forgotten.
    #[arg(
        long,
        env = "SYNOD_RETENTION_DAYS",
        value_name = "DAYS",
        value_parser = within::<u32>(1..=36_500)
    )]
    pub retention_days: Option<u32>,
}

impl Limits {
    /// The size of a logged message, in bytes.
    pub fn message_max_bytes(&self) -> u64 {
        self.message_max_mb * 1_048_576
    }

    /// A duration of so many milliseconds.
    pub fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
}

impl Default for Limits {
    /// The defaults of the command line, for tests and embedding.
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Defaults {
            #[command(flatten)]
            limits: Limits,
        }
        <Defaults as clap::Parser>::parse_from(["synod"]).limits
    }
}

#[cfg(test)]
mod tests;
