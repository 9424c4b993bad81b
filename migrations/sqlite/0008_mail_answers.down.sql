alter table direct_messages drop column delivered;
