-- What agents said to each other outside of meetings, exactly as received.
-- Contents may be large, so this is a table with row ids: an index entry must not carry them.
create table communications (
    id              blob    not null primary key check (length(id) = 16),
    -- When it was sent.
    timestamp       integer not null,
    sender_id       blob    not null references agents (id),
    receiver_id     blob    not null references agents (id),
    message_content text    not null,
    topic           text    check (length(topic) <= 255),
    -- Media type of `content`.
    content_type    text    not null,
    -- When it was logged.
    created_at      integer not null
) strict;

-- One index per filter, each in the order of every list: newest first, the id deciding between equals.
-- The receiver's has the sender in it: what an agent received from others is counted without reading the rows.
create index communications_newest   on communications (timestamp desc, id desc);
create index communications_sender   on communications (sender_id,   timestamp desc, id desc);
create index communications_receiver on communications (receiver_id, timestamp desc, id desc, sender_id);
create index communications_topic    on communications (topic,       timestamp desc, id desc) where topic is not null;
