-- Dead letters, poisoned chunks, and passes that all nodes share.

-- Recipients that ended without being accepted although they could have been: one row per message, lane and reason. How many they
-- are stands in the tally of the same key.
CREATE TABLE dead_letter (
    no          INTEGER PRIMARY KEY,
    app_no      INTEGER NOT NULL,
    message_no  INTEGER NOT NULL,
    vendor      INTEGER NOT NULL,
    key         TEXT    NOT NULL, -- of the tally
    outcome     TEXT    NOT NULL, -- both are in the key; here for filters
    reason      TEXT    NOT NULL,
    at          INTEGER NOT NULL, -- the first of them
    replay      TEXT,             -- id of the message that goes to them again
    replayed_at INTEGER,
    UNIQUE (message_no, vendor, key)
);
CREATE INDEX dead_letter_app ON dead_letter (app_no, at, no);

INSERT INTO dead_letter (app_no, message_no, vendor, key, outcome, reason, at)
SELECT app_no, message_no, vendor, key,
       substr(rest, 1, instr(rest, '/') - 1),
       substr(substr(rest, instr(rest, '/') + 1), 1, instr(substr(rest, instr(rest, '/') + 1), '/') - 1),
       at
FROM (SELECT m.app_no, t.message_no, t.vendor, t.key, substr(t.key, 9) AS rest, COALESCE(m.finished_at, m.created_at) AS at
      FROM tally t JOIN message m ON m.no = t.message_no
      WHERE t.n > 0 AND (t.key LIKE 'outcome/expired/%' OR t.key LIKE 'outcome/uncertain/%'
         OR (t.key LIKE 'outcome/refused/%' AND t.key NOT LIKE 'outcome/refused/invalid_token/%'
             AND t.key NOT LIKE 'outcome/refused/bad_content/%')))
WHERE true;

ALTER TABLE chunk ADD COLUMN lapses INTEGER NOT NULL DEFAULT 0; -- leases in a row that ended without any progress
ALTER TABLE chunk ADD COLUMN poisoned_at INTEGER;               -- set aside since then; NULL = not
CREATE INDEX chunk_poisoned ON chunk (app_no, no) WHERE poisoned_at IS NOT NULL;

CREATE TABLE pass (
    place      TEXT    PRIMARY KEY, -- digest of what it is a pass for
    sealed     BLOB,                -- NULL = never made
    turn       TEXT,                -- who makes one now
    turn_until INTEGER NOT NULL
) WITHOUT ROWID;
