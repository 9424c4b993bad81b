-- What an agent's token opens: an `agent` takes part, an `observer` reads everything and says nothing.
alter table agents add column role text not null default 'agent' check (role in ('agent', 'observer'));

-- How far each agent's own line has come; an agent that was never written to has no row.
create table inboxes (
    agent_id      uuid   not null primary key references agents (id),
    -- The position of its last direct message. Whoever adds one locks this row, so positions are given in the
    -- order of commits, by however many servers: a reader who has one has all before it.
    last_position bigint not null check (last_position >= 0),
    -- Up to here its messages were written to one of its sockets.
    told_position bigint not null default 0 check (told_position >= 0)
);

-- Direct messages: rows of `communications` in the order in which their receiver is told, counted from 1 without gaps.
-- Without foreign keys: a row here is written with the message itself, and goes when retention takes that.
create table direct_messages (
    receiver_id      uuid        not null,
    position         bigint      not null check (position >= 1),
    communication_id uuid        not null,
    -- The message's timestamp, which says where in `communications` to look.
    sent_at          timestamptz not null,
    sender_id        uuid        not null,
    -- The id that the client gave its frame: the same frame sent twice is one message.
    frame_id         text,

    primary key (receiver_id, position)
);

create unique index direct_messages_communication on direct_messages (communication_id);
create unique index direct_messages_frame on direct_messages (sender_id, frame_id) where frame_id is not null;
create index direct_messages_oldest on direct_messages (sent_at);

-- Requests with an Idempotency-Key, and how they were answered. Kept for a day.
create table idempotency_keys (
    -- The agent that asked; the nil UUID is the operator.
    owner_id    uuid        not null,
    key         text        not null,
    -- SHA-256 of method, path and body: a key belongs to one request.
    fingerprint bytea       not null check (octet_length(fingerprint) = 32),
    -- The id that what the request makes has, and the time at which it is made: a second try makes the same again.
    resource_id uuid        not null,
    created_at  timestamptz not null,
    -- The answer; null while it is being worked out, and where it can be worked out again.
    status      smallint,
    answer      text,

    primary key (owner_id, key),
    check ((status is null) = (answer is null))
);

create index idempotency_keys_oldest on idempotency_keys (created_at);
