-- Before a campaign's start: who wrote it, the forecast that was shown, what a second person said of it.

ALTER TABLE campaign ADD COLUMN editors TEXT NOT NULL DEFAULT '[]'; -- JSON: ids of those who wrote it

-- As it was shown when somebody pressed start.
CREATE TABLE campaign_forecast (
    campaign_no BIGINT PRIMARY KEY REFERENCES campaign (no),
    made_of     TEXT   NOT NULL, -- digest of what was forecast
    forecast    TEXT   NOT NULL, -- JSON of types::views::forecast::Forecast
    overruled   TEXT,            -- JSON of types::views::forecast::Overruled: started although it must miss its deadline
    shown_at    BIGINT NOT NULL
);

-- Never changed but for the moment an edit voids them.
CREATE TABLE campaign_verdict (
    no          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_no BIGINT NOT NULL REFERENCES campaign (no),
    section     TEXT   NOT NULL, -- empty: somebody asked for verdicts
    said        TEXT   NOT NULL,
    made_of     TEXT   NOT NULL, -- digest of what it is about
    comment     TEXT   NOT NULL,
    person      TEXT   NOT NULL,
    person_name TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    voided_at   BIGINT
);
CREATE INDEX campaign_verdict_of ON campaign_verdict (campaign_no, no);
