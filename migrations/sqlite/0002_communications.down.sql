drop table communications;
