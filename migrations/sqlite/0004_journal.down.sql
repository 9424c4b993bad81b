drop table meeting_events;
