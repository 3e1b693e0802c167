-- Campaigns that begin with a few: one row each, by the id of the message they become (known before the start).
CREATE TABLE ramp (
    message  TEXT    PRIMARY KEY,
    campaign TEXT    NOT NULL,
    app_no   INTEGER NOT NULL,
    plan     TEXT    NOT NULL, -- JSON of types::ramp::RampPlan
    state    TEXT    NOT NULL,
    open     INTEGER NOT NULL, -- steps open; planning goes no further
    since    INTEGER NOT NULL, -- in this state
    waived   INTEGER NOT NULL, -- the step a person let go on in spite of the guards; 0 = none
    watched  TEXT    NOT NULL, -- JSON: the guards as they were when it last changed
    by_whom  TEXT    NOT NULL
);
CREATE INDEX ramp_living ON ramp (state) WHERE state IN ('planned', 'sending', 'looking', 'asks');
