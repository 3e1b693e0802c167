-- The name of this store, kept also where its nodes meet (Redis), and a count that living nodes move: two groups of nodes that agree in
-- different places are noticed.
CREATE TABLE meeting (
    one   BIGINT PRIMARY KEY, -- always 1
    name  TEXT    NOT NULL,
    beats BIGINT NOT NULL
);

-- Recipients of old messages are forgotten; their counters stay.
ALTER TABLE message ADD COLUMN forgotten_at BIGINT; -- since then its chunks are gone; NULL = they are there
CREATE INDEX message_over ON message (finished_at) WHERE finished_at IS NOT NULL AND forgotten_at IS NULL;
