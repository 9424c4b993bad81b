drop trigger decisions_listed on decisions;
drop function list_decision();
drop table agent_decisions;

drop table meeting_words;
alter table meetings add column topic_folded text;
update meetings set topic_folded = lower(topic);
alter table meetings alter column topic_folded set not null;

drop index meeting_participants_agent;
alter table meeting_participants drop column meeting_created_at;
create index meeting_participants_agent on meeting_participants (agent_id, meeting_id);
