-- The console's list of messages by time of creation.
CREATE INDEX message_by_time ON message (app_no, created_at, no);
