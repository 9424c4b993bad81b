-- The journal: all that ever happened in a meeting, numbered from 1 without gaps. It is the truth; the
-- other tables of a meeting are written from it in the same statement, which also checks and locks
-- the row in `meetings`. Rows are only ever added.
-- Without a foreign key to `meetings`, as `meeting_messages` and for the same reason.
create table meeting_events (
    meeting_id uuid        not null,
    seq        bigint      not null check (seq >= 1),
    -- Under which epoch it was written; never falls as `seq` rises.
    epoch      bigint      not null,
    kind       text        not null,
    -- The version of the shape of `payload`.
    version    smallint    not null,
    at         timestamptz not null,
    -- `json`, not `jsonb`: the text is kept as it was written, so that a replay reads the very same bytes.
    payload    json        not null,
    -- The id that the client gave its frame.
    frame_id   text,

    primary key (meeting_id, seq)
);
