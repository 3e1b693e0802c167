-- Words an app does not want to send, or not without a second look.

CREATE TABLE sensitive_word (
    no         INTEGER PRIMARY KEY,
    app_no     INTEGER NOT NULL REFERENCES app (no),
    folded     TEXT    NOT NULL, -- as it is compared: half-width, lower case, letters and digits only
    word       TEXT    NOT NULL, -- as it was entered
    severity   TEXT    NOT NULL, -- refuse, warn, marketing
    added_by   TEXT    NOT NULL,
    added_at   INTEGER NOT NULL,
    UNIQUE (app_no, folded)
);
CREATE INDEX sensitive_word_app ON sensitive_word (app_no, no);
