-- Receipts: kept raw before they are answered, applied later; orphans wait for their message.
-- Times are milliseconds UTC. `source` is a vendor code, 0 = our client.

CREATE TABLE receipt_raw (
    no           INTEGER PRIMARY KEY,
    app_no       INTEGER NOT NULL REFERENCES app (no),
    source       INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    content_type TEXT    NOT NULL,
    query        TEXT    NOT NULL,
    body         BLOB    NOT NULL,
    state        INTEGER NOT NULL, -- 0 fresh, 1 applied, 2 set aside with its error
    found        INTEGER NOT NULL DEFAULT 0, -- receipts inside that were believed
    refused      INTEGER NOT NULL DEFAULT 0, -- receipts inside that were not (wrong word, other app)
    error        TEXT
);
CREATE INDEX receipt_raw_fresh ON receipt_raw (no) WHERE state = 0;
CREATE INDEX receipt_raw_error ON receipt_raw (app_no, no) WHERE error IS NOT NULL;
CREATE INDEX receipt_raw_old ON receipt_raw (received_at) WHERE state > 0;

CREATE TABLE receipt_orphan (
    no          INTEGER PRIMARY KEY,
    app_no      INTEGER NOT NULL REFERENCES app (no),
    source      INTEGER NOT NULL,
    message     TEXT    NOT NULL,
    fact        TEXT    NOT NULL, -- JSON of receipts::Fact, already believed
    received_at INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    next_try    INTEGER NOT NULL
);
CREATE INDEX receipt_orphan_due ON receipt_orphan (next_try);
CREATE INDEX receipt_orphan_message ON receipt_orphan (message);
CREATE INDEX receipt_orphan_app ON receipt_orphan (app_no, received_at);

-- How many orphans were given up, per app.
CREATE TABLE receipt_dropped (
    app_no INTEGER PRIMARY KEY REFERENCES app (no),
    n      INTEGER NOT NULL
);
