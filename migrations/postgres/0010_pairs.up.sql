-- Who and about what stand beside the words in one index, so that any of them together are one question to it: it lays their
-- lists of places over each other. Each is an array of one, because such an index is made of what lists have in them. The log
-- itself is left as it is; a log of ten million messages is indexed anew in some minutes.
drop index communications_words;
create index communications_words on communications
    using gin (words, (array[sender_id]), (array[receiver_id]), (array[topic::text])) with (gin_pending_list_limit = 1024);
analyze communications;
