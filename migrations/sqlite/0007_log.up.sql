-- The log with its words, so that it can be searched, and free to let old messages go.

-- `communication_id` refers to `communications.id` without a foreign key, as in PostgreSQL, where the id of a table in parts is
-- not unique alone. The statement that links sees to it that the message is there, and what is linked is kept
-- however old it is.
create table links (
    meeting_id       blob not null references meetings (id),
    communication_id blob not null,

    primary key (meeting_id, communication_id)
) strict, without rowid;
insert into links select meeting_id, communication_id from meeting_communications;
drop table meeting_communications;
alter table links rename to meeting_communications;
create index meeting_communications_communication on meeting_communications (communication_id, meeting_id);

alter table communications rename to communications_before;

-- What agents said to each other outside of meetings, exactly as received.
-- Contents may be large, so this is a table with row ids: an index entry must not carry them.
create table communications (
    -- Its row id, named so that nothing renumbers it: the index of words knows a message by it.
    nth             integer not null primary key,
    id              blob    not null unique check (length(id) = 16),
    -- When it was sent.
    timestamp       integer not null,
    sender_id       blob    not null references agents (id),
    receiver_id     blob    not null references agents (id),
    message_content text    not null,
    topic           text    check (length(topic) <= 255),
    -- Media type of `message_content`.
    content_type    text    not null,
    -- When it was logged.
    created_at      integer not null,
    -- Whether the content was given as JSON, of which this is the exact text.
    content_is_json integer not null default 0 check (content_is_json in (0, 1))
) strict;

insert into communications (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at)
select id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at
  from communications_before
 order by rowid;

drop table communications_before;

-- One index per filter, each in the order of every list: newest first, the id deciding between equals.
-- The receiver's has the sender in it: what an agent received from others is counted without reading the rows.
create index communications_newest   on communications (timestamp desc, id desc);
create index communications_sender   on communications (sender_id,   timestamp desc, id desc);
create index communications_receiver on communications (receiver_id, timestamp desc, id desc, sender_id);
create index communications_topic    on communications (topic,       timestamp desc, id desc) where topic is not null;

-- The words of topic and content, told apart and in lower case by the server, each once; without the text itself. `ascii`
-- takes every other sign for a letter, so that it finds the server's words and no others.
create virtual table communications_words using fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

-- Words that the database tells apart itself, which knows the cases of ASCII only.
insert into communications_words (rowid, words)
select nth, lower(coalesce(topic, '') || ' ' || substr(message_content, 1, 100000)) from communications;

-- The words go with their message.
create trigger communications_forget after delete on communications
begin
    delete from communications_words where rowid = old.nth;
end;
