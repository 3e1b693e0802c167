-- Copies and campaigns.

CREATE TABLE copy (
    no          INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    app_no      INTEGER NOT NULL REFERENCES app (no),
    name        TEXT    NOT NULL,
    tags        TEXT    NOT NULL, -- JSON
    version     INTEGER NOT NULL, -- the newest
    archived_at INTEGER,
    created_at  INTEGER NOT NULL
);
CREATE UNIQUE INDEX copy_name ON copy (app_no, name) WHERE archived_at IS NULL;
CREATE INDEX copy_app ON copy (app_no, no);

-- Never changed: a new save is a new row.
CREATE TABLE copy_version (
    copy_no INTEGER NOT NULL REFERENCES copy (no),
    number  INTEGER NOT NULL,
    content TEXT    NOT NULL, -- JSON of Content
    note    TEXT    NOT NULL,
    made_by TEXT    NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (copy_no, number)
);

CREATE TABLE campaign (
    no          INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    app_no      INTEGER NOT NULL REFERENCES app (no),
    revision    INTEGER NOT NULL, -- grows with every change; the etag
    state       TEXT    NOT NULL,
    name        TEXT    NOT NULL, -- of spec, for the list
    copy        TEXT,             -- of spec, for "used in"
    spec        TEXT    NOT NULL, -- JSON of CampaignSpec
    due_at      INTEGER,          -- while scheduled
    message_no  INTEGER,
    message_id  TEXT,
    trouble     TEXT,             -- JSON of Problem: why a scheduled start did not happen
    created_at  INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    changed_at  INTEGER NOT NULL,
    changed_by  TEXT    NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER
);
CREATE INDEX campaign_app ON campaign (app_no, no);
CREATE INDEX campaign_copy ON campaign (copy) WHERE copy IS NOT NULL;
CREATE INDEX campaign_due ON campaign (due_at) WHERE state = 'scheduled';
CREATE INDEX campaign_moving ON campaign (no) WHERE state IN ('running', 'paused');
