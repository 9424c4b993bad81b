-- Lists of meetings and decisions, each read in its order from an index.

alter table meeting_participants rename to participants_before;

-- Who is in a meeting: one row per agent, also after it left. A moderator who participates too has
-- the role `moderator` and a place in the speaking order.
create table meeting_participants (
    id                 integer not null primary key,
    meeting_id         blob    not null references meetings (id),
    -- The meeting's time, which never changes, so that an agent's meetings are read newest first from its own rows.
    meeting_created_at integer not null,
    agent_id           blob    not null references agents (id),
    -- When it was first added.
    joined_at          integer not null,
    -- When it left for good; null again if it came back.
    left_at            integer,
    role               text    not null check (role in ('moderator', 'participant')),
    -- From 1 in the order of coming; null for a moderator who does not participate.
    speaking_order     integer check (speaking_order > 0),

    check (role = 'moderator' or speaking_order is not null),
    unique (meeting_id, agent_id)
) strict;

insert into meeting_participants
select p.id, p.meeting_id, m.created_at, p.agent_id, p.joined_at, p.left_at, p.role, p.speaking_order
  from participants_before p
  join meetings m on m.id = p.meeting_id
 order by p.id;

drop table participants_before;

create index meeting_participants_agent on meeting_participants (agent_id, meeting_created_at desc, meeting_id desc);

-- The words of a meeting's topic, told apart and in lower case by the server, each once. `ascii` takes every other sign for
-- a letter, so that it finds the server's words and no others. With the words themselves, which are few: without them, a
-- table keeps no `meeting_id`.
create virtual table meeting_words using fts5 (meeting_id unindexed, words, detail = none, tokenize = 'ascii');

-- Words that the database tells apart itself, which knows the signs of ASCII only.
insert into meeting_words (meeting_id, words) select id, topic_folded from meetings;

alter table meetings drop column topic_folded;

-- Which decisions an agent sees: those of the meetings that it was in or moderated, also if it had left. Without foreign keys: its
-- rows are made of rows that are never deleted.
create table agent_decisions (
    agent_id    blob    not null,
    -- When the decision was made.
    decided_at  integer not null,
    decision_id blob    not null,

    primary key (agent_id, decided_at desc, decision_id desc)
) strict, without rowid;

insert into agent_decisions
select p.agent_id, d.created_at, d.id
  from decisions d
  join meeting_participants p on p.meeting_id = d.meeting_id;

-- Those who come in the same append have come before it decides. Nobody comes later.
create trigger decisions_listed after insert on decisions
begin
    insert into agent_decisions
    select agent_id, new.created_at, new.id from meeting_participants where meeting_id = new.meeting_id;
end;
