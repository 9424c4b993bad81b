-- The log by months, so that old months go whole and at once, and with its words, so that it can be searched.
alter table meeting_communications drop constraint meeting_communications_communication_id_fkey;
alter table communications rename to communications_before;
alter table communications_before drop constraint communications_pkey;

-- What agents said to each other outside of meetings, exactly as received.
create table communications (
    id              uuid         not null,
    -- When it was sent.
    timestamp       timestamptz  not null,
    sender_id       uuid         not null references agents (id),
    receiver_id     uuid         not null references agents (id),
    message_content text         not null,
    topic           varchar(255),
    -- Media type of `message_content`.
    content_type    text         not null,
    -- When it was logged.
    created_at      timestamptz  not null,
    -- Whether the content was given as JSON, of which this is the exact text.
    content_is_json boolean      not null default false,
    -- The words of topic and content, told apart and in lower case by the server: what is found does not hang on the locale
    -- of the database. Without places; each word stands once.
    words           tsvector     not null,

    -- A table in parts cannot see to it that an id is unique alone.
    primary key (id, timestamp)
) partition by range (timestamp);

-- The parts: a month (UTC) each, `communications_2026_01`, which the server makes ahead of time. What fits in none is here:
-- old messages that are imported, those that a meeting links to and that have outlived their month, and whatever comes
-- with a time that nobody was prepared for.
create table communications_default partition of communications default;

do $$
declare
    month timestamp;
begin
    for month in select distinct date_trunc('month', timestamp at time zone 'UTC') from communications_before loop
        execute format('create table %I partition of communications for values from (%L) to (%L)',
                       'communications_' || to_char(month, 'YYYY_MM'),
                       month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
    end loop;
end
$$;

-- Words that the database tells apart itself, as well as its locale lets it.
insert into communications
select id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at, false,
       array_to_tsvector(array(
           select distinct left(word, 100)
             from regexp_split_to_table(lower(concat_ws(' ', topic, left(message_content, 100000))), '[^[:alnum:]]+') as word
            where word <> ''))
  from communications_before;

drop table communications_before;

-- One index per filter, each in the order of every list: newest first, the id deciding between equals.
-- The receiver's has the sender in it: what an agent received from others is counted without reading the rows.
create index communications_newest   on communications (timestamp desc, id desc);
create index communications_sender   on communications (sender_id,   timestamp desc, id desc);
create index communications_receiver on communications (receiver_id, timestamp desc, id desc) include (sender_id);
create index communications_topic    on communications (topic,       timestamp desc, id desc) where topic is not null;
create index communications_words    on communications using gin (words);

-- How often a word occurs decides whether it is looked up, or the newest messages are read until enough have it. With the
-- default of 100 only the thousand commonest words are known.
alter table communications alter column words set statistics 500;

-- `meeting_communications.communication_id` refers to `communications.id` without a foreign key, which an id that is not
-- unique alone cannot have. The statement that links sees to it that the message is there, and what is linked is kept
-- however old it is.
