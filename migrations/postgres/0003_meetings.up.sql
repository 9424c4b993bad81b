-- One row per meeting. Its journal (meeting_events) is the truth: everything here but `epoch` and
-- `last_seq` could be written again from it.
create table meetings (
    id                    uuid         primary key,
    topic                 varchar(500) not null,
    -- The topic in lower case, folded by the server: the same words are found whatever the locale of the database is.
    topic_folded          text         not null,
    meeting_type          text         not null check (meeting_type in ('user_specified', 'auto_generated')),
    status                text         not null check (status in ('pending', 'in_progress', 'completed', 'failed')),
    outcome               text         check (outcome in ('consensus', 'majority', 'no_consensus', 'no_quorum', 'tie',
                                                          'cancelled', 'failed')),
    -- May start, cancel, pause and resume; need not participate.
    moderator_id          uuid         references agents (id),
    max_discussion_rounds integer      not null check (max_discussion_rounds > 0),
    -- 0 before the first.
    current_round         integer      not null default 0 check (current_round >= 0),
    -- `json`, not `jsonb`: kept as it was written.
    settings              json         not null,
    -- The points of the discussion, where no decision stands.
    summary               text,
    created_at            timestamptz  not null,
    started_at            timestamptz,
    completed_at          timestamptz,
    -- Who owns it: every take-over adds one, and whoever still writes under an older epoch is refused.
    epoch                 bigint       not null default 0 check (epoch >= 0),
    -- The number of the last event in the journal; the next one must be one more.
    last_seq              bigint       not null check (last_seq >= 1),

    check ((status in ('completed', 'failed')) = (outcome is not null))
)
-- This row changes with every append, though never in an indexed column while a meeting runs:
-- room on the page lets the new version stay beside the old one without touching an index.
with (fillfactor = 70);

create index meetings_newest  on meetings (created_at desc, id desc);
create index meetings_status  on meetings (status,  created_at desc, id desc);
create index meetings_outcome on meetings (outcome, created_at desc, id desc) where outcome is not null;
-- What a starting server takes over, oldest first.
create index meetings_open    on meetings (created_at, id) where status in ('pending', 'in_progress');

-- Who is in a meeting: one row per agent, also after it left. A moderator who participates too has
-- the role `moderator` and a place in the speaking order.
create table meeting_participants (
    id             bigint      generated always as identity primary key,
    meeting_id     uuid        not null references meetings (id),
    agent_id       uuid        not null references agents (id),
    -- When it was first added.
    joined_at      timestamptz not null,
    -- When it left for good; null again if it came back.
    left_at        timestamptz,
    role           text        not null check (role in ('moderator', 'participant')),
    -- From 1 in the order of coming; null for a moderator who does not participate.
    speaking_order integer     check (speaking_order > 0),

    check (role = 'moderator' or speaking_order is not null),
    unique (meeting_id, agent_id)
);

-- Which meetings is this agent in?
create index meeting_participants_agent on meeting_participants (agent_id, meeting_id);

-- What was said in a meeting. Written from the journal in the same statement, under the number of the event.
-- Without a foreign key to `meetings`: that statement joins the meeting's own locked row, and looking it up
-- again for every row costs more than the insert itself (11 against 7 microseconds).
create table meeting_messages (
    id              bigint      generated always as identity primary key,
    meeting_id      uuid        not null,
    -- null is the meeting itself.
    agent_id        uuid,
    message_content text        not null,
    sequence_number bigint      not null,
    message_type    text        not null check (message_type in ('opinion', 'consensus', 'meta')),
    -- 0 before the first.
    round           integer     not null check (round >= 0),
    timestamp       timestamptz not null,

    unique (meeting_id, sequence_number)
);

-- The log rows that prompted a meeting, to be found from either side.
create table meeting_communications (
    meeting_id       uuid not null references meetings (id),
    communication_id uuid not null references communications (id),

    primary key (meeting_id, communication_id)
);

create index meeting_communications_communication on meeting_communications (communication_id, meeting_id);
