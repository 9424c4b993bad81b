//! Every limit, in one value.

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
    /// Large answers to reads that are being sent, all together; more are refused as overloaded. Some of the largest, so that
    /// readers who take their time do not take all memory.
    #[arg(
        long,
        env = "SYNOD_ANSWERS_MAX_MB",
        value_name = "MB",
        default_value_t = 512,
        value_parser = within::<u32>(1..=65_536)
    )]
    pub answers_max_mb: u32,
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
    /// The retry time that a refused client is told: about as long as a full queue needs to drain.
    pub const RETRY_AFTER: Duration = Duration::from_secs(1);
    /// Headers of one request; more are told 431. Browsers behind proxies send some thirty.
    pub const HEADERS_MAX: usize = 100;
    /// Tokens, and addresses, whose rate is kept in mind; those beyond share one rate. Some 5 MB when all are there.
    pub const RATE_KEYS_MAX: usize = 65_536;
    /// Time between two rounds that forget who has been quiet: seldom enough to cost nothing.
    pub const RATE_KEYS_INTERVAL: Duration = Duration::from_mins(1);
    /// How long a browser may remember what another origin may ask. Chromium takes no more than two hours.
    pub const CORS_MAX_AGE: Duration = Duration::from_hours(2);
    /// Bytes of an answer that is kept under its request's idempotency key; a longer one is made again from what it told of. A long
    /// message has more, which its request brings again.
    pub const KEPT_ANSWER_MAX_BYTES: usize = 1_048_576;
    /// How long idempotency keys are kept: longer than anybody tries again.
    pub const IDEMPOTENCY_KEY_TTL: Duration = Duration::from_hours(24);
    /// Bytes that the rows of one answer may have, unless it is one row: some of the largest messages. Without it a page of those
    /// would be as large as all memory.
    pub const ANSWER_MAX_BYTES: usize = 67_108_864;
    /// Rows of the journal in one answer by REST, at most.
    pub const JOURNAL_PAGE_ROWS: u32 = 256;
    /// Bytes in one transaction, unless a single append or message has more: databases have limits on a statement.
    pub const BATCH_MAX_BYTES: usize = 16_777_216;
    /// Messages that are logged by one statement; more take several, in one transaction, so that none runs into the database's time
    /// limit and is tried again for ever.
    pub const STATEMENT_MAX_MESSAGES: usize = 4_000;
    /// A request whose body took longer to arrive is asked once more who it is from: another server may have taken a token away
    /// meanwhile. Where this one did, every request is asked whose body was on its way.
    pub const IDENTITY_MAX_AGE: Duration = Duration::from_secs(1);
    /// A body with more bytes is read off the threads that serve everybody.
    pub const BODY_READ_INLINE_MAX_BYTES: usize = 262_144;
    /// What a command holds of the server's room for commands: one place, and one more for each of these many bytes. The
    /// default room is then half a GiB at most.
    pub const BYTES_PER_PERMIT: usize = 65_536;
    /// Appends or log requests in one transaction; more wait for the next. Beyond this a larger batch is no faster.
    pub const BATCH_MAX_APPENDS: usize = 512;
    /// Agents of whom one transaction notes which messages they were told: those who wait for theirs to be kept wait for that as well.
    pub const BATCH_MAX_TOLD: usize = 1_000;
    /// Agents whose tokens are verified with one question to the database.
    pub const VERIFIED_AT_ONCE: usize = 1_000;
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
    /// A search whose list is believed to have more rows than this is read from the newest message on: enough of what is read
    /// is found. Of a shorter one the newest are looked up in windows of time.
    pub const WINDOW_MAX_ROWS: u64 = 50_000;
    /// One in how many connections to the database may be searching by words, at least one; more searches wait as long as for a
    /// connection, and are then refused as overloaded. A search is what takes longest, and all else must be served meanwhile.
    pub const SEARCH_CONNECTIONS_ONE_IN: u32 = 2;
    /// Messages and meetings that are looked up one by one for their words in SQLite, and sorted, in some 5 ms. Where more have the words,
    /// the list is read in its order until the page is full.
    pub const SEARCH_LOOKED_UP_MAX_ROWS: u64 = 2_000;
    /// Rows of a list in SQLite that are looked through for a word that many have, before all that have it are collected: some 5 ms,
    /// and enough for a page of a word that one message in two hundred has.
    pub const SEARCH_NEAR_ROWS: u64 = 10_000;
    /// Rows that a page by number may skip: the database reads every one of them. A cursor goes on from anywhere.
    pub const PAGE_OFFSET_MAX_ROWS: u64 = 100_000;
    /// Characters of a message by whose words it is found. PostgreSQL keeps at most 1 MB of words, and a message is never
    /// refused for having more.
    pub const SEARCHABLE_CHARS: usize = 100_000;
    /// Characters of a search; a longer one is refused. More words than anybody thinks of.
    pub const SEARCH_MAX_CHARS: usize = 1_000;
    /// Months of the log that are made ahead of time: a server that is not restarted, or whose turn to make them fails, has
    /// long to go before it needs the next.
    pub const PARTITIONS_AHEAD_MONTHS: u32 = 3;
    /// Time between two turns of the log's upkeep. Retention is in days, so an hour is soon enough.
    pub const UPKEEP_INTERVAL: Duration = Duration::from_hours(1);
    /// The same after a turn that was not finished: what was in its way is gone by then.
    pub const UPKEEP_RETRY: Duration = Duration::from_mins(1);
    /// Old messages deleted in one transaction, so that none of them takes long.
    pub const UPKEEP_BATCH_ROWS: u32 = 1_000;
    /// How deep JSON may be nested that is kept and given back: SQLite takes 1,000, other programs that read it often 128.
    pub const JSON_MAX_DEPTH: usize = 100;
    /// Bytes of a JSON body that is no message: settings and names need no more.
    pub const BODY_MAX_BYTES: u64 = 262_144;
    /// An answer about a meeting's state that takes longer means the database is away. What changes something has no such
    /// limit: it is answered when it is durable, and an answer before that could only be a guess.
    pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
    /// Messages in one batch: as many as are kept in some tenths of a second.
    pub const BATCH_MAX_MESSAGES: usize = 10_000;
    /// Fields of one JSON object that is a request, or a line of one: several times as many as any has. A field takes far more memory
    /// than the few bytes that it may be written in.
    pub const FIELDS_MAX: usize = 64;
    /// Faults told of one request: more help nobody.
    pub const FAULTS_MAX: usize = 100;
    /// Meetings that an agent's own line lists when it connects: the newest of those that have not ended. More than an agent can
    /// attend, and one read of the database; the rest is found by `GET /meetings`.
    pub const LINE_MEETINGS_MAX: u32 = 500;
    /// Rows of the journal read at once for a resume. Each may hold an opinion of the largest size, and each connection
    /// reads for itself.
    pub const RESUME_PAGE_ROWS: u32 = 32;
    /// Messages looked at to suggest topics: the newest. A busy day of a few dozen agents, and some seconds of one processor.
    pub const SUGGEST_MESSAGES_MAX: u32 = 50_000;
    /// Characters of a message that are read to suggest topics: two pages. What it is about is said sooner.
    pub const EXCERPT_CHARS: usize = 4_096;
    /// Time that somebody waits for the suggestions of others to be found.
    pub const SUGGEST_TIMEOUT: Duration = Duration::from_secs(10);
    /// Who may be waiting for suggestions at once, so that neither the queue nor the walk through it grows; one more is refused as
    /// overloaded. Many times what can be worked on within [`SUGGEST_TIMEOUT`](Self::SUGGEST_TIMEOUT).
    pub const SUGGEST_WAITING_MAX: usize = 64;
    /// Time for which suggestions are kept if no newer message comes: priorities fall as slowly.
    pub const SUGGEST_KEPT: Duration = Duration::from_mins(1);
    /// Questions whose suggestions are kept; at one more all are forgotten. As many as ask within a minute.
    pub const SUGGEST_KEPT_MAX: usize = 256;
    /// Topics suggested when no number is asked for, and at most.
    pub const SUGGEST_TOPICS: (u32, u32) = (10, 50);
    /// Bytes of a file of word embeddings: the vocabulary of a language with vectors of 300 numbers, which take half as much memory.
    pub const EMBEDDINGS_MAX_BYTES: u64 = 1_073_741_824;
    /// Hours back that topics may be suggested from: a year and a day.
    pub const SUGGEST_HOURS_MAX: u32 = 8_784;
    /// Years, in UTC, in which an instant that a client names must lie: RFC 3339 has four digits for them, every database can
    /// keep them, and there was no year 0.
    pub const YEARS: RangeInclusive<i32> = 1..=9_999;
    /// A moment after all others, in microseconds since 1970: the end of the year 9999.
    pub const LAST_MOMENT_MICROS: i64 = 253_402_300_799_000_000;
    /// Messages named with one suggested topic: the strongest evidence. They become the related communications of its meeting.
    pub const SUGGEST_RELATED_MAX: usize = 20;

    /// Bytes of JSON that the messages which prompted a meeting take in a request to speak. As much as an agent reads again at each
    /// of its turns without losing sight of what was said; the rest it can ask for by REST.
    pub const EVIDENCE_MAX_BYTES: usize = 32_768;
    /// Bytes shown of one of them: a page. It must be less than [`EXCERPT_CHARS`](Self::EXCERPT_CHARS), so that a longer one is known to be.
    pub const EVIDENCE_MESSAGE_MAX_BYTES: usize = 2_048;
    /// Messages read for it: more of the shortest would not fit.
    pub const EVIDENCE_MESSAGES_MAX: usize = 200;
    /// How often reading it is tried again, before a meeting goes on without: a database that is away stops the meeting anyway.
    pub const EVIDENCE_RETRIES: usize = 3;

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
