-- Chunks whose receipts are due then: who gave none goes on to the next lane.

CREATE TABLE onward (
    chunk_no BIGINT PRIMARY KEY,
    due_at   BIGINT NOT NULL
);
CREATE INDEX onward_due ON onward (due_at);
