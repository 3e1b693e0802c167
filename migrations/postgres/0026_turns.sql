-- Whose turn it is in a lane: key business types before other bulk, and an even share for every message of many recipients.

-- The list of policy.rules, where messages are ranked when they come in.
CREATE TABLE key_business (
    app_no   BIGINT NOT NULL,
    business TEXT   NOT NULL,
    PRIMARY KEY (app_no, business)
);

ALTER TABLE chunk ADD COLUMN flow BIGINT NOT NULL DEFAULT 0; -- the message whose share it uses; 0 = the one all small messages use
CREATE INDEX chunk_flow ON chunk (lane_no, priority, flow, deadline, no, not_before, count) WHERE state = 0 AND priority > 0;
