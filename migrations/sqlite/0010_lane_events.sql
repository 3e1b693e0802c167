-- When a lane's breaker tripped and flowed again, and when a quota closed it: the lanes page shows it.

CREATE TABLE lane_event (
    no      INTEGER PRIMARY KEY,
    lane_no INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    what    TEXT    NOT NULL, -- slug of LaneEventKind
    until   INTEGER,          -- nothing goes until then
    words   TEXT    NOT NULL, -- by which rule, the vendor's words
    node    TEXT    NOT NULL
);
CREATE INDEX lane_event_lane ON lane_event (lane_no, no);
CREATE INDEX lane_event_at ON lane_event (at);
