-- Nonces are known in memory; on disk one row holds those of one commit (8 bytes of hash and 8 of time each).

DROP TABLE nonce;
CREATE TABLE nonce (
    no    INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: readers go on behind the last one they saw
    until INTEGER NOT NULL,                  -- the latest of them
    names BLOB    NOT NULL
);
