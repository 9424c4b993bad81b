-- What meetings decided. A decision never changes, and the database itself sees to it.
create table decisions (
    id                        uuid        primary key,
    -- A meeting makes at most one.
    meeting_id                uuid        not null unique references meetings (id),
    decision_content          text        not null,
    -- The rule, the count, the round, and the voters' own reasons.
    rationale                 text        not null,
    -- The log rows that prompted the meeting, as they were when it decided.
    related_communication_ids uuid[]      not null,
    -- The tally and every vote.
    participant_agreement     jsonb       not null,
    created_at                timestamptz not null
);

create index decisions_newest on decisions (created_at desc, id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% are immutable', tg_table_name
        using errcode = 'restrict_violation';
end
$$;

create trigger decisions_immutable
    before update or delete or truncate on decisions
    for each statement execute function refuse_change();
