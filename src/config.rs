//! Every knob and every limit: its unit in its name, its default, its reason.
//!
//! A setting is looked for on the command line, then in the environment, then in the TOML file of
//! `--config` (keys named as the flags, with `_` for `-`), then here. The help texts below are the reference: `synod serve --help` prints them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub struct Data {
    /// The database: `postgres://user@host/name`, or `sqlite://path`. Without it, an embedded SQLite file in the data directory.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Directory of the embedded database and of the admin token; made if it is missing.
    #[arg(
        long,
        env = "SYNOD_DATA_DIR",
        value_name = "DIR",
        default_value = "synod-data"
    )]
    pub data_dir: PathBuf,
    /// Connections to the database, beside the one that the journal keeps to itself. Ten keep a small machine busy; a database
    /// serves few well-used ones best.
    #[arg(
        long,
        env = "SYNOD_DATABASE_CONNECTIONS_MAX",
        value_name = "N",
        default_value_t = 10
    )]
    pub database_connections_max: u32,
}

/// What the server listens on and what it allows.
#[derive(Args, Clone, Debug)]
pub struct Server {
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "SYNOD_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
    /// Do not run pending migrations at start.
    #[arg(long, env = "SYNOD_NO_MIGRATE", value_parser = clap::builder::BoolishValueParser::new())]
    pub no_migrate: bool,
    /// The admin token. Without it one is made at first start and kept in DATA_DIR/admin-token, readable by its owner only.
    #[arg(
        long,
        env = "SYNOD_ADMIN_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub admin_token: Option<String>,
    /// Browser origins that may connect, such as `https://example.org`. None by default: agents send no Origin.
    #[arg(
        long,
        env = "SYNOD_ALLOWED_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Vec<String>,
    /// A statement to the database that takes longer is logged with its time and its text, in which no values stand. What a
    /// person waits for should take less.
    #[arg(
        long,
        env = "SYNOD_SLOW_QUERY_MS",
        value_name = "MS",
        default_value_t = 200
    )]
    pub slow_query_ms: u64,
    /// How the log is written.
    #[arg(long, env = "SYNOD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Pretty)]
    pub log_format: LogFormat,
    /// What is logged, in the syntax of tracing's `EnvFilter`: a level, or levels by module.
    #[arg(
        long,
        env = "SYNOD_LOG",
        value_name = "FILTER",
        default_value = "info,ractor=warn"
    )]
    pub log: String,
    /// What one client may do, and the whole server.
    #[command(flatten)]
    pub limits: Limits,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
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
        default_value_t = 16_384
    )]
    pub connections_max: u32,
    /// Time for a request's headers to arrive. Ends slow-header attacks; no honest client needs as long.
    #[arg(
        long,
        env = "SYNOD_HEADER_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 10_000
    )]
    pub header_timeout_ms: u64,
    /// Size of a logged message. What is larger belongs in a file store, with its address in the message.
    #[arg(
        long,
        env = "SYNOD_MESSAGE_MAX_MB",
        value_name = "MB",
        default_value_t = 10
    )]
    pub message_max_mb: u64,
    /// Size of one WebSocket message; larger ones close the socket with 1009.
    #[arg(
        long,
        env = "SYNOD_FRAME_MAX_BYTES",
        value_name = "BYTES",
        default_value_t = 1_048_576
    )]
    pub frame_max_bytes: usize,
    /// Size of one opinion, proposal or rationale. Every participant is sent every one of them.
    #[arg(
        long,
        env = "SYNOD_OPINION_MAX_BYTES",
        value_name = "BYTES",
        default_value_t = 262_144
    )]
    pub opinion_max_bytes: usize,
    /// Commands of one connection that may wait for their answer; the server reads no further until one is answered.
    #[arg(
        long,
        env = "SYNOD_COMMANDS_IN_FLIGHT_MAX",
        value_name = "N",
        default_value_t = 4
    )]
    pub commands_in_flight_max: usize,
    /// Commands of the whole server that may wait for the database; more are refused as overloaded.
    #[arg(
        long,
        env = "SYNOD_COMMANDS_PENDING_MAX",
        value_name = "N",
        default_value_t = 8_192
    )]
    pub commands_pending_max: usize,
    /// Frames waiting for one reader; a reader that falls behind is closed with 4100 and resumes.
    #[arg(
        long,
        env = "SYNOD_OUTBOX_MAX_FRAMES",
        value_name = "N",
        default_value_t = 1_024
    )]
    pub outbox_max_frames: usize,
    /// Bytes waiting for one reader, beyond the frames being sent.
    #[arg(
        long,
        env = "SYNOD_OUTBOX_MAX_BYTES",
        value_name = "BYTES",
        default_value_t = 1_048_576
    )]
    pub outbox_max_bytes: usize,
    /// Time between two pings. Below the idle time-outs of common proxies (60 s).
    #[arg(
        long,
        env = "SYNOD_PING_INTERVAL_MS",
        value_name = "MS",
        default_value_t = 25_000
    )]
    pub ping_interval_ms: u64,
    /// Time for a pong; then the socket is closed with 4103.
    #[arg(
        long,
        env = "SYNOD_PONG_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 10_000
    )]
    pub pong_timeout_ms: u64,
    /// Time for a peer to take what is being written to it; then it is closed as too slow, with 4100.
    #[arg(
        long,
        env = "SYNOD_WRITE_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 30_000
    )]
    pub write_timeout_ms: u64,
    /// Time for a peer to answer the close of its socket.
    #[arg(
        long,
        env = "SYNOD_CLOSE_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 2_000
    )]
    pub close_timeout_ms: u64,
    /// A commit that took longer moves the deadlines that ran meanwhile to the end of the meeting's reconnect grace.
    #[arg(
        long,
        env = "SYNOD_COMMIT_STALL_MS",
        value_name = "MS",
        default_value_t = 1_000
    )]
    pub commit_stall_ms: u64,
    /// Time between two looks at who owns the meetings that run here. A server that was overtaken learns it from its next
    /// write, and from this where it writes nothing.
    #[arg(
        long,
        env = "SYNOD_OWNERSHIP_INTERVAL_MS",
        value_name = "MS",
        default_value_t = 2_000,
        value_parser = clap::value_parser!(u64).range(10..)
    )]
    pub ownership_interval_ms: u64,
    /// Restarts of one meeting within the window below; one more marks it failed.
    #[arg(
        long,
        env = "SYNOD_MEETING_RESTARTS_MAX",
        value_name = "N",
        default_value_t = 3
    )]
    pub meeting_restarts_max: usize,
    /// The window in which a meeting's restarts are counted.
    #[arg(
        long,
        env = "SYNOD_MEETING_RESTART_WINDOW_MS",
        value_name = "MS",
        default_value_t = 60_000
    )]
    pub meeting_restart_window_ms: u64,
    /// Time for everything to be finished and said when the server is told to stop.
    #[arg(
        long,
        env = "SYNOD_SHUTDOWN_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 30_000
    )]
    pub shutdown_timeout_ms: u64,
    /// Days for which logged messages are kept; older ones are deleted for good, but those that a meeting links to. On
    /// PostgreSQL a month goes as a whole, once all of it is older. Without it all are kept: only an operator can know
    /// what may be forgotten.
    #[arg(
        long,
        env = "SYNOD_RETENTION_DAYS",
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    pub retention_days: Option<u32>,
}

impl Limits {
    /// The retry time that a refused client is told: about as long as a full queue needs to drain.
    pub const RETRY_AFTER: Duration = Duration::from_secs(1);
    /// Rows of the journal in one answer by REST, at most.
    pub const JOURNAL_PAGE_ROWS: u32 = 256;
    /// Bytes in one transaction, unless a single append or message has more: databases have limits on a statement.
    pub const BATCH_MAX_BYTES: usize = 16_777_216;
    /// What a command holds of the server's room for commands: one place, and one more for each of these many bytes. The
    /// default room is then half a GiB at most.
    pub const BYTES_PER_PERMIT: usize = 65_536;
    /// Appends or log requests in one transaction; more wait for the next. Beyond this a larger batch is no faster.
    pub const BATCH_MAX_APPENDS: usize = 512;
    /// Meetings loaded at once at start: large enough to amortise the round trip, small enough for memory.
    pub const RECOVERY_CHUNK_MEETINGS: usize = 250;
    /// The first pause after a failed commit; it doubles up to [`COMMIT_RETRY_MAX`](Self::COMMIT_RETRY_MAX).
    pub const COMMIT_RETRY_MIN: Duration = Duration::from_millis(50);
    /// The longest pause between two tries to commit: soon enough after a database is back.
    pub const COMMIT_RETRY_MAX: Duration = Duration::from_secs(2);
    /// Rows of a page when none is asked for, and at most.
    pub const PAGE_SIZE: (u32, u32) = (50, 500);
    /// Rows of a list that are counted exactly; of a longer one the total is an estimate. Counting these takes 1 to 5 ms in a log of
    /// ten million messages, and ten times as many 15 to 60 ms where two indexes must be laid over each other.
    pub const TOTAL_EXACT_MAX_ROWS: u64 = 1_000;
    /// Where the database believes a list to have more rows than this, it is not counted at all: to count a list that may well be
    /// longer than is counted, and whose filters rarely hold together, takes as long as to read it, 10 to 40 ms.
    pub const TOTAL_GUESSED_MIN_ROWS: u64 = 2_000;
    /// Rows that a page by number may skip: the database reads every one of them. A cursor goes on from anywhere.
    pub const PAGE_OFFSET_MAX_ROWS: u64 = 100_000;
    /// Characters of a message by whose words it is found. PostgreSQL keeps at most 1 MB of words, and a message is never
    /// refused for having more.
    pub const SEARCHABLE_CHARS: usize = 100_000;
    /// Characters of a search. Longer texts are looked for by their beginning.
    pub const SEARCH_MAX_CHARS: usize = 1_000;
    /// Months of the log that are made ahead of time: a server that is not restarted, or whose turn to make them fails, has
    /// long to go before it needs the next.
    pub const PARTITIONS_AHEAD_MONTHS: u32 = 3;
    /// Time between two turns of the log's upkeep. Retention is in days, so an hour is soon enough.
    pub const UPKEEP_INTERVAL: Duration = Duration::from_hours(1);
    /// Old messages deleted in one transaction, so that none of them takes long.
    pub const UPKEEP_BATCH_ROWS: u32 = 1_000;
    /// Bytes of a JSON body that is no message: settings and names need no more.
    pub const BODY_MAX_BYTES: u64 = 262_144;
    /// An answer about a meeting's state that takes longer means the database is away. What changes something has no such
    /// limit: it is answered when it is durable, and an answer before that could only be a guess.
    pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
    /// Time for a request's body to arrive: a message of the largest size over a slow line.
    pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
    /// Rows of the journal read at once for a resume. Each may hold an opinion of the largest size, and each connection
    /// reads for itself.
    pub const RESUME_PAGE_ROWS: u32 = 32;

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
