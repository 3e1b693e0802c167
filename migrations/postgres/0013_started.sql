-- Recipients of a chunk that may have been sent in this lease: those before this place. After a crash only they are unknown.
-- Chunks of before: all of them.

ALTER TABLE chunk ADD COLUMN started BIGINT NOT NULL DEFAULT 4294967295;
