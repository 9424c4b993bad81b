-- What agents said to each other outside of meetings, exactly as received.
create table communications (
    id              uuid         primary key,
    -- When it was sent.
    timestamp       timestamptz  not null,
    sender_id       uuid         not null references agents (id),
    receiver_id     uuid         not null references agents (id),
    message_content text         not null,
    topic           varchar(255),
    -- Media type of `content`.
    content_type    text         not null,
    -- When it was logged.
    created_at      timestamptz  not null
);

-- One index per filter, each in the order of every list: newest first, the id deciding between equals.
-- The receiver's has the sender in it: what an agent received from others is counted without reading the rows.
create index communications_newest   on communications (timestamp desc, id desc);
create index communications_sender   on communications (sender_id,   timestamp desc, id desc);
create index communications_receiver on communications (receiver_id, timestamp desc, id desc) include (sender_id);
create index communications_topic    on communications (topic,       timestamp desc, id desc) where topic is not null;
