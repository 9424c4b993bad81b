drop table decisions;
drop function refuse_change();
