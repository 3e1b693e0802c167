-- The second step of signing in: one-time codes of a phone, and codes for the day it is lost.

CREATE TABLE second_step (
    person_id  TEXT PRIMARY KEY,
    sealed     BYTEA NOT NULL, -- the secret, sealed by the vault
    active     BIGINT NOT NULL, -- 0 until a first code proved it
    last_step  BIGINT NOT NULL, -- of the last code taken: none is taken twice
    created_at BIGINT NOT NULL
);

-- Each works once.
CREATE TABLE recovery_code (
    person_id TEXT NOT NULL,
    hash      TEXT NOT NULL, -- hex SHA-256
    PRIMARY KEY (person_id, hash)
);

-- The audit log by time, and by what it was done to.
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (object, no);
