-- What meetings decided. A decision never changes, and the database itself sees to it.
create table decisions (
    id                        blob    not null primary key check (length(id) = 16),
    -- A meeting makes at most one.
    meeting_id                blob    not null unique references meetings (id),
    decision_content          text    not null,
    -- The rule, the count, the round, and the voters' own reasons.
    rationale                 text    not null,
    -- The log rows that prompted the meeting, as they were when it decided: a JSON array of UUIDs as text.
    related_communication_ids text    not null check (json_valid(related_communication_ids)),
    -- The tally and every vote, as JSON.
    participant_agreement     text    not null check (json_valid(participant_agreement)),
    created_at                integer not null
) strict;

create index decisions_newest on decisions (created_at desc, id desc);

create trigger decisions_refuse_update before update on decisions
begin
    select raise(abort, 'decisions are immutable');
end;

create trigger decisions_refuse_delete before delete on decisions
begin
    select raise(abort, 'decisions are immutable');
end;
