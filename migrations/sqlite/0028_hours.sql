-- The hours of the day in which a message may be sent; outside them it waits.

ALTER TABLE message ADD COLUMN hours TEXT; -- JSON of types::hours::Hours; NULL = at any hour
-- Campaigns that missed their time and wait for a person.
CREATE INDEX campaign_missed ON campaign (app_no) WHERE state = 'missed';
