-- The journal: all that ever happened in a meeting, numbered from 1 without gaps. It is the truth; the
-- other tables of a meeting are written from it in the same transaction, which also checks the row
-- in `meetings`. Rows are only ever added.
-- Payloads may be large, so this is a table with row ids: new rows go to its end, whatever meeting they belong to.
create table meeting_events (
    meeting_id blob    not null references meetings (id),
    seq        integer not null check (seq >= 1),
    -- Under which epoch it was written; never falls as `seq` rises.
    epoch      integer not null,
    kind       text    not null,
    -- The version of the shape of `payload`.
    version    integer not null,
    at         integer not null,
    payload    text    not null,
    -- The id that the client gave its frame.
    frame_id   text,

    primary key (meeting_id, seq)
) strict;
