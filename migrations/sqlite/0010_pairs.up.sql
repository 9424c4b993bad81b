-- Nothing: SQLite reads a pair from the index of one of the two. PostgreSQL has an index for both here.
select 1;
