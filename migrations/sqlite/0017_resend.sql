-- Sending again, by the same lane, to whom the vendor took and no receipt came of.

ALTER TABLE chunk ADD COLUMN resends INTEGER NOT NULL DEFAULT 0;   -- how often some of it went back in line
ALTER TABLE chunk ADD COLUMN resending INTEGER NOT NULL DEFAULT 0; -- in line for those only; its outcomes stay as they are

CREATE TABLE chunk_resend (
    chunk_no INTEGER PRIMARY KEY,
    bytes    BLOB NOT NULL, -- storage::frame::Outcomes of the last time: who was not in it stands as cancelled
    times    BLOB NOT NULL  -- one byte per recipient: how often it went again
);

-- Recipients on iOS phones: sent to again when the app comes to the foreground.
CREATE TABLE resend_foreground (
    chunk_no  INTEGER NOT NULL,
    place     INTEGER NOT NULL,
    device_no INTEGER NOT NULL,
    deadline  INTEGER NOT NULL,
    ready_at  INTEGER, -- the app came to the foreground; NULL = not yet
    PRIMARY KEY (chunk_no, place)
) WITHOUT ROWID;
CREATE INDEX resend_foreground_device ON resend_foreground (device_no);
CREATE INDEX resend_foreground_ready ON resend_foreground (ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX resend_foreground_deadline ON resend_foreground (deadline);
