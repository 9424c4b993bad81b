drop index communications_words;
create index communications_words on communications using gin (words) with (gin_pending_list_limit = 1024);
