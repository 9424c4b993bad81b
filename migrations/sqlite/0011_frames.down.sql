drop index meeting_events_frame;
