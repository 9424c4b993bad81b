drop table meeting_communications;
drop table meeting_messages;
drop table meeting_participants;
drop table meetings;
