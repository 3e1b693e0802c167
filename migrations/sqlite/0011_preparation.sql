-- What was prepared at vendors before a campaign's first batch.

CREATE TABLE preparation (
    campaign TEXT   NOT NULL, -- its id
    lane_no  INTEGER NOT NULL REFERENCES lane (no),
    made_of  TEXT   NOT NULL, -- digest of content, values and deadline: another one is prepared anew
    state    INTEGER NOT NULL, -- 0 under way, 1 nothing needed, 2 ready, 3 failed
    words    TEXT   NOT NULL DEFAULT '', -- the vendor's, or why a picture is left out
    at       INTEGER NOT NULL,
    ends_at  INTEGER NOT NULL, -- looked at again from then on
    PRIMARY KEY (campaign, lane_no)
) WITHOUT ROWID;
CREATE INDEX preparation_end ON preparation (ends_at);
