drop table idempotency_keys;
drop table direct_messages;
drop table inboxes;
-- Without its role an observer would be an agent.
update agents set revoked_at = coalesce(revoked_at, now()) where role = 'observer';
alter table agents drop column role;
