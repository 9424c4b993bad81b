-- How the sender of a direct message was answered: whether a socket of the receiver had it then. The same frame sent
-- again is answered the same.
alter table direct_messages add column delivered integer not null default 0 check (delivered in (0, 1));
