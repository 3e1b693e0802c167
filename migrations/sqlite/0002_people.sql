-- People, sessions, one-time links, the audit log.
-- Times are milliseconds UTC. Tokens of sessions and links are stored as SHA-256 only.

CREATE TABLE person (
    no          INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    email       TEXT    NOT NULL UNIQUE, -- lower case
    name        TEXT    NOT NULL,
    rights      TEXT    NOT NULL, -- JSON of types::people::Rights
    admin       INTEGER NOT NULL, -- 1 = administrator everywhere: counted, so that the last one stays
    password    TEXT,             -- argon2id PHC string; NULL = none set yet
    disabled    INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL
);

CREATE TABLE session (
    id         TEXT    PRIMARY KEY, -- hex SHA-256 of the cookie's value
    person_id  TEXT,
    data       TEXT    NOT NULL, -- JSON
    expires_at INTEGER NOT NULL
);
CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE link (
    token      TEXT    PRIMARY KEY, -- hex SHA-256
    person_id  TEXT,                -- NULL = creates the first administrator
    expires_at INTEGER NOT NULL
);

-- Append-only; each row's hash covers the row and the hash before it.
CREATE TABLE audit (
    no         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor_id   TEXT    NOT NULL,
    actor_name TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    app_id     TEXT,
    before     TEXT, -- JSON
    after      TEXT, -- JSON
    hash       TEXT    NOT NULL
);
CREATE INDEX audit_actor ON audit (actor_id, no);
CREATE INDEX audit_app ON audit (app_id, no);
CREATE INDEX audit_action ON audit (action, no);

-- How long the log is and how it ends: a cut tail shows.
CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    no   INTEGER NOT NULL,
    hash TEXT    NOT NULL
);
INSERT INTO audit_head (one, no, hash) VALUES (1, 0, '');

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
