-- How far the audit log has been checked, so that opening it does not walk all of it.

CREATE TABLE audit_checked (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    no        BIGINT  NOT NULL, -- every entry up to here was found whole
    hash      TEXT    NOT NULL,
    again_no  BIGINT  NOT NULL, -- the walk that begins anew every day stands here
    again     TEXT    NOT NULL,
    whole_at  BIGINT  NOT NULL, -- when that walk last reached the end
    broken_at BIGINT            -- first entry that was not as written; stays until a whole check finds nothing
);
INSERT INTO audit_checked (one, no, hash, again_no, again, whole_at) VALUES (1, 0, '', 0, '', 0);
