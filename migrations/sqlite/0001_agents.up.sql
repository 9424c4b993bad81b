-- In all SQLite tables: ids are UUIDs as 16-byte blobs, times are microseconds since 1970 in UTC,
-- JSON is text. Meaning and names are those of the PostgreSQL tables.

-- Who may come in. An agent is never deleted, because what it said stays; it is revoked.
create table agents (
    id         blob    not null primary key check (length(id) = 16),
    name       text    not null,
    -- SHA-256 of the token; the token itself is shown once and kept nowhere.
    token_hash blob    not null check (length(token_hash) = 32),
    -- The language model behind it, for people.
    model      text,
    metadata   text    check (json_valid(metadata)),
    created_at integer not null,
    -- From then on its token opens nothing.
    revoked_at integer
) strict;

-- Every request begins here: which agent does this token belong to?
create unique index agents_token_hash on agents (token_hash);
create index agents_newest on agents (created_at desc, id desc);
