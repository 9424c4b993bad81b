-- Whether a meeting has done already what a frame or a request asks for, without reading its journal. The system's own
-- events have no frame and stand in no such index.
create index meeting_events_frame on meeting_events (meeting_id, frame_id) where frame_id is not null;
