-- Apps, devices, messages, chunks, tallies.
-- Times are milliseconds UTC. Bulk tables are keyed by `no`, never by the text id.
-- Vendor codes as in types::vendor::Vendor::code; 0 = no lane.

CREATE TABLE app (
    no              INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    environment     INTEGER NOT NULL,
    default_title   TEXT    NOT NULL,
    vendor_order    TEXT    NOT NULL, -- JSON
    services        TEXT    NOT NULL, -- JSON
    app_key         TEXT    NOT NULL UNIQUE,
    client_key      TEXT    NOT NULL UNIQUE,
    callback_secret TEXT    NOT NULL UNIQUE,
    devices         INTEGER NOT NULL DEFAULT 0, -- how many the app has: counted when registered, not when asked
    created_at      INTEGER NOT NULL,
    UNIQUE (name, environment)
);

CREATE TABLE app_secret (
    no           INTEGER PRIMARY KEY,
    app_no       INTEGER NOT NULL REFERENCES app (no),
    sealed       BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
);
CREATE INDEX app_secret_app ON app_secret (app_no);

CREATE TABLE credential (
    app_no     INTEGER NOT NULL REFERENCES app (no),
    vendor     INTEGER NOT NULL,
    sealed     BLOB    NOT NULL,
    hints      TEXT    NOT NULL, -- JSON
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (app_no, vendor)
);

CREATE TABLE lane (
    no       INTEGER PRIMARY KEY,
    app_no   INTEGER NOT NULL REFERENCES app (no),
    vendor   INTEGER NOT NULL,
    settings TEXT    NOT NULL, -- JSON of LaneSettings
    paused   TEXT,
    UNIQUE (app_no, vendor)
);

CREATE TABLE nonce (
    app_no INTEGER NOT NULL,
    nonce  TEXT    NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (app_no, nonce)
) WITHOUT ROWID;
CREATE INDEX nonce_until ON nonce (until);

CREATE TABLE device (
    no               INTEGER PRIMARY KEY,
    id               TEXT    NOT NULL UNIQUE,
    app_no           INTEGER NOT NULL REFERENCES app (no),
    user_id          TEXT,
    model            TEXT    NOT NULL,
    os_version       TEXT    NOT NULL,
    app_version      TEXT    NOT NULL,
    notifications_on INTEGER,
    environment      INTEGER NOT NULL,
    test             INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    seen_at          INTEGER NOT NULL
);
CREATE INDEX device_user ON device (app_no, user_id);
CREATE INDEX device_test ON device (app_no, no) WHERE test = 1;

CREATE TABLE device_token (
    no             INTEGER PRIMARY KEY,
    device_no      INTEGER NOT NULL REFERENCES device (no),
    app_no         INTEGER NOT NULL,
    vendor         INTEGER NOT NULL,
    token          TEXT    NOT NULL,
    environment    INTEGER NOT NULL,
    state          INTEGER NOT NULL, -- 0 active, 1 quarantined
    reason         TEXT,
    registered_at  INTEGER NOT NULL,
    quarantined_at INTEGER,
    UNIQUE (app_no, vendor, token)
);
CREATE INDEX device_token_device ON device_token (device_no);

CREATE TABLE message (
    no           INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    app_no       INTEGER NOT NULL REFERENCES app (no),
    campaign     TEXT,
    origin       TEXT    NOT NULL,
    class        TEXT    NOT NULL,
    priority     INTEGER NOT NULL,
    business     TEXT    NOT NULL,
    content      TEXT    NOT NULL, -- JSON
    variables    TEXT    NOT NULL, -- JSON
    targets      TEXT    NOT NULL, -- JSON
    vendor_order TEXT    NOT NULL, -- JSON
    state        INTEGER NOT NULL,
    cursor       INTEGER NOT NULL,
    planned_all  INTEGER NOT NULL,
    deadline     INTEGER NOT NULL,
    idem_key     TEXT,
    idem_hash    BLOB,
    account      TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER
);
CREATE INDEX message_app ON message (app_no, no);
CREATE INDEX message_campaign ON message (campaign, no) WHERE campaign IS NOT NULL;
CREATE UNIQUE INDEX message_idem ON message (app_no, idem_key) WHERE idem_key IS NOT NULL;
-- Everything still alive, in the order in which it is planned.
CREATE INDEX message_open ON message (state, priority, deadline, no) WHERE finished_at IS NULL;

-- The durable unit of work, and the queue itself. Large lists live beside it, so that claiming touches small rows only.
CREATE TABLE chunk (
    no          INTEGER PRIMARY KEY,
    message_no  INTEGER NOT NULL REFERENCES message (no),
    app_no      INTEGER NOT NULL,
    lane_no     INTEGER,
    vendor      INTEGER NOT NULL,
    state       INTEGER NOT NULL, -- 0 waiting, 1 leased, 2 held, 3 done
    priority    INTEGER NOT NULL,
    deadline    INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    first_key   INTEGER NOT NULL,
    last_key    INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    lapsed      INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER,
    why         TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
);
-- Claims walk it in order; the last three columns make "what is due" and "how much waits" index-only.
CREATE INDEX chunk_claim ON chunk (lane_no, priority, deadline, no, not_before, count, created_at) WHERE state = 0;
CREATE INDEX chunk_key ON chunk (message_no, first_key, last_key);
CREATE INDEX chunk_alive ON chunk (message_no, state) WHERE state < 3;
CREATE INDEX chunk_deadline ON chunk (deadline) WHERE state IN (0, 2);
CREATE INDEX chunk_lease ON chunk (lease_until) WHERE state = 1;

CREATE TABLE chunk_recipients (
    chunk_no INTEGER PRIMARY KEY REFERENCES chunk (no),
    bytes    BLOB NOT NULL
);
CREATE TABLE chunk_outcomes (
    chunk_no INTEGER PRIMARY KEY REFERENCES chunk (no),
    bytes    BLOB NOT NULL
);
-- One byte per recipient (types::receipt::mark); no row = nothing reported yet.
CREATE TABLE chunk_marks (
    chunk_no INTEGER PRIMARY KEY REFERENCES chunk (no),
    bytes    BLOB NOT NULL
);
CREATE TABLE chunk_reference (
    vendor    INTEGER NOT NULL,
    reference TEXT    NOT NULL,
    chunk_no  INTEGER NOT NULL,
    PRIMARY KEY (vendor, reference)
) WITHOUT ROWID;

CREATE TABLE tally (
    message_no INTEGER NOT NULL,
    vendor     INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    n          INTEGER NOT NULL,
    PRIMARY KEY (message_no, vendor, key)
) WITHOUT ROWID;
CREATE TABLE series (
    app_no INTEGER NOT NULL,
    grain  INTEGER NOT NULL, -- seconds of a bucket
    at     INTEGER NOT NULL, -- its start
    vendor INTEGER NOT NULL,
    key    TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (app_no, grain, at, vendor, key)
) WITHOUT ROWID;
