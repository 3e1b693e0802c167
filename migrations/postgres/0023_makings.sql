-- Crowds made out of others, with how they were made; tags of crowds.

ALTER TABLE crowd ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'; -- JSON

-- Kept for good: the history of the crowd it made.
CREATE TABLE crowd_making (
    no         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    app_no     BIGINT NOT NULL,
    state      TEXT NOT NULL, -- slug of MakingState
    name       TEXT NOT NULL, -- of the crowd
    key        TEXT NOT NULL, -- slug of KeyKind
    steps      TEXT NOT NULL, -- JSON of types::making::Step
    progress   TEXT NOT NULL, -- JSON
    sizes      TEXT NOT NULL, -- JSON: SetSize of every step, then of the result; empty until made
    problem    TEXT, -- JSON
    crowd_no   BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX crowd_making_app ON crowd_making (app_no, no);
CREATE INDEX crowd_making_crowd ON crowd_making (crowd_no);
CREATE INDEX crowd_making_open ON crowd_making (changed_at) WHERE state = 'making';
