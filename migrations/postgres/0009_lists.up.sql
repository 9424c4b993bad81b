-- Lists of meetings and decisions, each read in its order from an index.

-- A participant's row has its meeting's time, which never changes, so that an agent's meetings are read newest first from its own
-- rows.
alter table meeting_participants add column meeting_created_at timestamptz;
update meeting_participants p set meeting_created_at = m.created_at from meetings m where m.id = p.meeting_id;
alter table meeting_participants alter column meeting_created_at set not null;

drop index meeting_participants_agent;
create index meeting_participants_agent on meeting_participants (agent_id, meeting_created_at desc, meeting_id desc);

-- The words of a meeting's topic, told apart and in lower case by the server, each once. Beside the meeting's row and not in it,
-- because that is written anew with every append.
create table meeting_words (
    meeting_id uuid     primary key references meetings (id),
    words      tsvector not null
);

-- Words that the database tells apart itself, as well as its locale lets it.
insert into meeting_words
select id, array_to_tsvector(array(
           select distinct left(word, 100)
             from regexp_split_to_table(topic_folded, '[^[:alnum:]]+') as word
            where word <> ''))
  from meetings;

-- A meeting is seldom created, so that its words need not wait in a list which every search would read.
create index meeting_words_words on meeting_words using gin (words) with (fastupdate = off);

alter table meetings drop column topic_folded;

-- Which decisions an agent sees: those of the meetings that it was in or moderated, also if it had left. Its key is the index of its
-- lists, read backwards. Without foreign keys: its rows are made of rows that are never deleted.
create table agent_decisions (
    agent_id    uuid        not null,
    -- When the decision was made.
    decided_at  timestamptz not null,
    decision_id uuid        not null,

    primary key (agent_id, decided_at, decision_id)
);

insert into agent_decisions
select p.agent_id, d.created_at, d.id
  from decisions d
  join meeting_participants p on p.meeting_id = d.meeting_id;

-- After the statement that decides, so that it sees also those who came with that very statement. Nobody comes later.
create function list_decision() returns trigger language plpgsql as $$
begin
    insert into agent_decisions
    select agent_id, new.created_at, new.id from meeting_participants where meeting_id = new.meeting_id;
    return null;
end
$$;

create trigger decisions_listed
    after insert on decisions
    for each row execute function list_decision();

analyze meetings, meeting_participants, meeting_words, agent_decisions;
