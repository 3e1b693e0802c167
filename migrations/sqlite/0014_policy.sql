-- Policy: rules and stop switch per app, the blacklist, and who used which person's attention.

CREATE TABLE policy (
    app_no        INTEGER PRIMARY KEY REFERENCES app (no),
    revision      INTEGER NOT NULL, -- grows with every change of the rules; the etag
    rules         TEXT    NOT NULL, -- JSON of types::policy::Rules
    stopped       TEXT,             -- JSON of types::policy::Stopped
    -- Grows with every entry put on the blacklist: a chunk planned under an older one asks again.
    blocked_version  INTEGER NOT NULL,
    -- Grows with every step that claims slots: a step decided under an older one is not written.
    claims        INTEGER NOT NULL,
    changed_by    TEXT    NOT NULL,
    changed_at    INTEGER NOT NULL
);

CREATE TABLE blacklist (
    no         INTEGER PRIMARY KEY,
    app_no     INTEGER NOT NULL REFERENCES app (no),
    user_id    TEXT    NOT NULL,
    grp        TEXT    NOT NULL, -- a business type; empty = all
    reason     TEXT    NOT NULL,
    added_by   TEXT    NOT NULL,
    added_at   INTEGER NOT NULL,
    UNIQUE (app_no, user_id, grp)
);
CREATE INDEX blacklist_app ON blacklist (app_no, no);

-- One row per device a message was planned for, while a rule counts. Gone when the push failed for good.
CREATE TABLE policy_slot (
    message_no INTEGER NOT NULL,
    device_no  INTEGER NOT NULL, -- negative: a token nobody registered, by its key
    app_no     INTEGER NOT NULL,
    person     INTEGER NOT NULL, -- frame::key_of the user, or of the device when it has none
    counts_as  INTEGER NOT NULL, -- the message; a resend counts as its first
    business   TEXT    NOT NULL,
    bulk       INTEGER NOT NULL,
    content    INTEGER NOT NULL, -- hash of what the person would read
    vendor     INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (message_no, device_no)
) WITHOUT ROWID;
CREATE INDEX policy_slot_person ON policy_slot (app_no, person, at);

ALTER TABLE device ADD COLUMN zone TEXT; -- IANA; NULL = the app's
CREATE INDEX device_zone ON device (app_no, zone) WHERE zone IS NOT NULL;

ALTER TABLE message ADD COLUMN versions TEXT; -- JSON of types::policy::Versions; NULL = every version

ALTER TABLE chunk ADD COLUMN slots INTEGER NOT NULL DEFAULT 0; -- its recipients hold slots
ALTER TABLE chunk ADD COLUMN zone TEXT;                        -- all of them live there; NULL = the app's
ALTER TABLE chunk ADD COLUMN blocked_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunk ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chunk_held ON chunk (app_no, held_until) WHERE held_until > 0 AND state = 0;
