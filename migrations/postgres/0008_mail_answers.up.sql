-- How the sender of a direct message was answered: whether a socket of the receiver had it then. The same frame sent
-- again is answered the same.
alter table direct_messages add column delivered boolean not null default false;
