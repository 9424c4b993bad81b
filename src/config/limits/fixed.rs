//! Limits that are no settings: each follows from how the server is built.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Limits;

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
    /// Rows read at once for a resume, if they have fewer bytes than a page may have.
    pub const RESUME_PAGE_ROWS: u32 = 256;
    /// Bytes of rows read at once for a resume; one row may have more. The driver's rows and ours
    /// are there at the same time, and both are a third of what a token is always granted: so a
    /// resume goes on whatever others hold.
    pub const RESUME_PAGE_BYTES: usize = 131_072;
    /// Bytes of a fragment in which a longer message leaves (RFC 6455, section 5.4). Each socket
    /// may have one in its write buffer, which does not shrink.
    pub const FRAGMENT_BYTES: usize = 16_384;
    /// Bytes that may wait for one reader while the read budget is used up; a reader that is
    /// further behind is closed with 4100.
    pub const OUTBOX_SPARE_BYTES: usize = 65_536;
    /// The part of the read budget that one token may hold: one in so many.
    pub const READ_SHARE_ONE_IN: usize = 8;
    /// Bytes of the read budget that a token is granted whatever is held: a page of a list, a few
    /// pages of a resume, or an opinion of the largest size by default.
    pub const READ_OWN_BYTES: usize = 786_432;
    /// How long a read waits for room in the read budget: as long as a person waits for a page.
    pub const READ_WAIT: Duration = Duration::from_secs(5);
    /// Reads that may wait for room in the read budget; one more is refused at once.
    pub const READ_WAITING_MAX: usize = 1_024;
    /// One in how many connections to the database may be reading journals and whole meetings for
    /// readers, at least one. These reads are long, and all else must be served meanwhile.
    pub const READ_CONNECTIONS_ONE_IN: u32 = 4;
    /// Bytes of the long texts of one row that come with a list at once. What is longer is fetched
    /// once there is room for it. Most messages are shorter.
    pub const SHORT_ROW_BYTES: usize = 2_048;
    /// Bytes that a row takes in memory beside its long texts.
    pub const ROW_OVERHEAD_BYTES: usize = 512;
    /// Bytes of words that a frame shows where it holds those of everybody: the opinions of a
    /// round, the reasons of a ballot. As much as an outbox holds, and more than a model can read
    /// at once; the rest is found by REST.
    pub const WORDS_MAX_BYTES: usize = 1_048_576;
    /// Bytes of each opinion in the first frame on a socket of a meeting that is over; the events
    /// that follow have all of it.
    pub const ENDED_OPINION_MAX_BYTES: usize = 4_096;
    /// How long an agent waits that was closed with 4100: doubled each time, up to the most.
    pub const SLOW_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
    /// Time after which it is forgotten that an agent was closed with 4100.
    pub const SLOW_FORGOTTEN: Duration = Duration::from_mins(5);
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
}
