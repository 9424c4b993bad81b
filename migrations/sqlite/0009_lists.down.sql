drop trigger decisions_listed;
drop table agent_decisions;

drop table meeting_words;
-- SQLite itself folds only ASCII.
alter table meetings add column topic_folded text not null default '';
update meetings set topic_folded = lower(topic);

drop index meeting_participants_agent;
alter table meeting_participants drop column meeting_created_at;
create index meeting_participants_agent on meeting_participants (agent_id, meeting_id);
