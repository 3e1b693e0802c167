-- Sending again, by the same lane, to whom the vendor took and no receipt came of.

ALTER TABLE chunk ADD COLUMN resends BIGINT NOT NULL DEFAULT 0;   -- how often some of it went back in line
ALTER TABLE chunk ADD COLUMN resending BOOLEAN NOT NULL DEFAULT FALSE; -- in line for those only; its outcomes stay as they are

CREATE TABLE chunk_resend (
    chunk_no BIGINT PRIMARY KEY,
    bytes    BYTEA NOT NULL, -- storage::frame::Outcomes of the last time: who was not in it stands as cancelled
    times    BYTEA NOT NULL  -- one byte per recipient: how often it went again
);

-- Recipients on iOS phones: sent to again when the app comes to the foreground.
CREATE TABLE resend_foreground (
    chunk_no  BIGINT NOT NULL,
    place     BIGINT NOT NULL,
    device_no BIGINT NOT NULL,
    deadline  BIGINT NOT NULL,
    ready_at  BIGINT, -- the app came to the foreground; NULL = not yet
    PRIMARY KEY (chunk_no, place)
);
CREATE INDEX resend_foreground_device ON resend_foreground (device_no);
CREATE INDEX resend_foreground_ready ON resend_foreground (ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX resend_foreground_deadline ON resend_foreground (deadline);
