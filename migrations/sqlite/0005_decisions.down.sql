drop table decisions;
