-- Dead letters, poisoned chunks, and passes that all nodes share.

-- Recipients that ended without being accepted although they could have been: one row per message, lane and reason. How many they
-- are stands in the tally of the same key.
CREATE TABLE dead_letter (
    no          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_no      BIGINT NOT NULL,
    message_no  BIGINT NOT NULL,
    vendor      BIGINT NOT NULL,
    key         TEXT    NOT NULL COLLATE "C", -- of the tally
    outcome     TEXT    NOT NULL, -- both are in the key; here for filters
    reason      TEXT    NOT NULL,
    at          BIGINT NOT NULL, -- the first of them
    replay      TEXT,             -- id of the message that goes to them again
    replayed_at BIGINT,
    UNIQUE (message_no, vendor, key)
);
CREATE INDEX dead_letter_app ON dead_letter (app_no, at, no);

INSERT INTO dead_letter (app_no, message_no, vendor, key, outcome, reason, at)
SELECT m.app_no, t.message_no, t.vendor, t.key, split_part(t.key, '/', 2), split_part(t.key, '/', 3),
       COALESCE(m.finished_at, m.created_at)
FROM (SELECT message_no, vendor, key FROM tally
      WHERE key LIKE 'outcome/expired/%' OR key LIKE 'outcome/uncertain/%'
         OR (key LIKE 'outcome/refused/%' AND key NOT LIKE 'outcome/refused/invalid_token/%'
             AND key NOT LIKE 'outcome/refused/bad_content/%')
      GROUP BY message_no, vendor, key HAVING SUM(n) > 0) t
JOIN message m ON m.no = t.message_no;

ALTER TABLE chunk ADD COLUMN lapses BIGINT NOT NULL DEFAULT 0; -- leases in a row that ended without any progress
ALTER TABLE chunk ADD COLUMN poisoned_at BIGINT;               -- set aside since then; NULL = not
CREATE INDEX chunk_poisoned ON chunk (app_no, no) WHERE poisoned_at IS NOT NULL;

CREATE TABLE pass (
    place      TEXT    PRIMARY KEY, -- digest of what it is a pass for
    sealed     BYTEA,               -- NULL = never made
    turn       TEXT,                -- who makes one now
    turn_until BIGINT NOT NULL
);
