-- Uploaded crowd files, crowds, their blocks of recipients and of rejected rows, remembered mappings.

-- A crowd is invisible until confirmed. state: 0 staged, 1 confirmed, 2 dropped (its blocks are swept bit by bit).
CREATE TABLE crowd (
    no         INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    app_no     INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    name       TEXT    NOT NULL, -- empty while staged
    mapping    TEXT    NOT NULL, -- JSON
    detected   TEXT    NOT NULL, -- JSON, without its preview
    counts     TEXT    NOT NULL, -- JSON
    reasons    TEXT    NOT NULL, -- JSON
    valid_rows INTEGER NOT NULL,
    blocks     INTEGER NOT NULL,
    file_name  TEXT    NOT NULL,
    file_size  INTEGER NOT NULL,
    sha256     TEXT    NOT NULL, -- hex
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX crowd_name ON crowd (app_no, name) WHERE state = 1;
CREATE INDEX crowd_list ON crowd (app_no, state, no);
CREATE INDEX crowd_file ON crowd (app_no, sha256) WHERE state = 1;

-- Up to 1,000 recipients in key order: storage::crowd_frame.
CREATE TABLE crowd_block (
    crowd_no  INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    first_key INTEGER NOT NULL,
    last_key  INTEGER NOT NULL,
    bytes     BLOB    NOT NULL,
    PRIMARY KEY (crowd_no, seq)
);

-- Up to 1,000 rejected rows in the order of the file.
CREATE TABLE crowd_reject (
    crowd_no INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    bytes    BLOB    NOT NULL,
    PRIMARY KEY (crowd_no, seq)
);

CREATE TABLE crowd_upload (
    no         INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    app_no     INTEGER NOT NULL,
    state      TEXT    NOT NULL, -- slug of UploadState
    file_name  TEXT    NOT NULL,
    file_size  INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    path       TEXT    NOT NULL, -- name inside the uploads folder, made by us
    overrule   TEXT    NOT NULL, -- JSON
    detected   TEXT    NOT NULL, -- JSON
    signature  TEXT    NOT NULL,
    mapping    TEXT,             -- JSON, of the last check
    counts     TEXT    NOT NULL, -- JSON
    reasons    TEXT    NOT NULL, -- JSON
    problem    TEXT,             -- JSON, why the last check failed
    crowd_no   INTEGER,
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
);
CREATE INDEX crowd_upload_open ON crowd_upload (app_no, state, no);
CREATE INDEX crowd_upload_stale ON crowd_upload (state, changed_at);

-- How somebody mapped a file with these columns the last time.
CREATE TABLE crowd_mapping (
    app_no     INTEGER NOT NULL,
    signature  TEXT    NOT NULL,
    mapping    TEXT    NOT NULL, -- JSON
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (app_no, signature)
);
