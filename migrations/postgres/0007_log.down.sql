alter table communications rename to communications_by_month;
alter table communications_by_month drop constraint communications_pkey;
drop index communications_newest, communications_sender, communications_receiver, communications_topic, communications_words;

create table communications (
    id              uuid         primary key,
    timestamp       timestamptz  not null,
    sender_id       uuid         not null references agents (id),
    receiver_id     uuid         not null references agents (id),
    message_content text         not null,
    topic           varchar(255),
    content_type    text         not null,
    created_at      timestamptz  not null
);

-- An id that stands there with several times is kept with its first.
insert into communications
select distinct on (id) id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at
  from communications_by_month
 order by id, timestamp;

drop table communications_by_month;

create index communications_newest   on communications (timestamp desc, id desc);
create index communications_sender   on communications (sender_id,   timestamp desc, id desc);
create index communications_receiver on communications (receiver_id, timestamp desc, id desc) include (sender_id);
create index communications_topic    on communications (topic,       timestamp desc, id desc) where topic is not null;

alter table meeting_communications
    add foreign key (communication_id) references communications (id);
