-- Who wrote a version of a copy, by id: names are not unique, and an author may not approve what uses it.

ALTER TABLE copy_version ADD COLUMN made_by_id TEXT NOT NULL DEFAULT ''; -- empty: written before ids were kept
CREATE INDEX campaign_verdict_open ON campaign_verdict (campaign_no, section) WHERE voided_at IS NULL;
