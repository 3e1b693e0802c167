-- What was prepared at vendors before a campaign's first batch.

CREATE TABLE preparation (
    campaign TEXT   NOT NULL, -- its id
    lane_no  BIGINT NOT NULL REFERENCES lane (no),
    made_of  TEXT   NOT NULL, -- digest of content, values and deadline: another one is prepared anew
    state    BIGINT NOT NULL, -- 0 under way, 1 nothing needed, 2 ready, 3 failed
    words    TEXT   NOT NULL DEFAULT '', -- the vendor's, or why a picture is left out
    at       BIGINT NOT NULL,
    ends_at  BIGINT NOT NULL, -- looked at again from then on
    PRIMARY KEY (campaign, lane_no)
);
CREATE INDEX preparation_end ON preparation (ends_at);
