-- Who may come in. An agent is never deleted, because what it said stays; it is revoked.
create table agents (
    id         uuid        primary key,
    name       text        not null,
    -- SHA-256 of the token; the token itself is shown once and kept nowhere.
    token_hash bytea       not null check (octet_length(token_hash) = 32),
    -- The language model behind it, for people.
    model      text,
    -- `json`, not `jsonb`: what an operator gave is given back byte for byte.
    metadata   json,
    created_at timestamptz not null,
    -- From then on its token opens nothing.
    revoked_at timestamptz
);

-- Every request begins here: which agent does this token belong to?
create unique index agents_token_hash on agents (token_hash);
create index agents_newest on agents (created_at desc, id desc);
