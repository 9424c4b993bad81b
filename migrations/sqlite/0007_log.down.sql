drop trigger communications_forget;
drop table communications_words;
alter table communications rename to communications_with_words;

create table communications (
    id              blob    not null primary key check (length(id) = 16),
    timestamp       integer not null,
    sender_id       blob    not null references agents (id),
    receiver_id     blob    not null references agents (id),
    message_content text    not null,
    topic           text    check (length(topic) <= 255),
    content_type    text    not null,
    created_at      integer not null
) strict;

insert into communications
select id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at
  from communications_with_words
 order by nth;

drop table communications_with_words;

create index communications_newest   on communications (timestamp desc, id desc);
create index communications_sender   on communications (sender_id,   timestamp desc, id desc);
create index communications_receiver on communications (receiver_id, timestamp desc, id desc, sender_id);
create index communications_topic    on communications (topic,       timestamp desc, id desc) where topic is not null;

create table links (
    meeting_id       blob not null references meetings (id),
    communication_id blob not null references communications (id),

    primary key (meeting_id, communication_id)
) strict, without rowid;
insert into links select meeting_id, communication_id from meeting_communications;
drop table meeting_communications;
alter table links rename to meeting_communications;
create index meeting_communications_communication on meeting_communications (communication_id, meeting_id);
