-- What vendors keep for us, and the signatures they sign receipts with.

CREATE TABLE material (
    lane_no    BIGINT  NOT NULL REFERENCES lane (no),
    key        TEXT    NOT NULL COLLATE "C", -- digest of all it is made of
    kind       TEXT    NOT NULL, -- content, image
    message_no BIGINT  NOT NULL,
    vendor_id  TEXT,             -- NULL: refused, see words
    words      TEXT    NOT NULL DEFAULT '',
    made_at    BIGINT  NOT NULL,
    ends_at    BIGINT  NOT NULL,
    PRIMARY KEY (lane_no, key)
);
CREATE INDEX material_message ON material (message_no);
CREATE INDEX material_end ON material (ends_at);

ALTER TABLE receipt_raw ADD COLUMN signature TEXT NOT NULL DEFAULT '';
