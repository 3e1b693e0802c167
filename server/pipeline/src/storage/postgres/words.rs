//! Where SQLite and PostgreSQL say the same thing differently: PostgreSQL's words. `sqlite/words.rs` has the same list and
//! says what each is for.

macro_rules! numbers {
    ($list:literal) => {
        concat!(
            "(SELECT ordinality - 1 AS key, CAST(value AS BIGINT) AS value FROM jsonb_array_elements_text(CAST(",
            $list,
            " AS jsonb)) WITH ORDINALITY)"
        )
    };
}

macro_rules! texts {
    ($list:literal) => {
        concat!("(SELECT ordinality - 1 AS key, value FROM jsonb_array_elements_text(CAST(", $list, " AS jsonb)) WITH ORDINALITY)")
    };
}

macro_rules! lists {
    ($list:literal) => {
        concat!("(SELECT ordinality - 1 AS key, value FROM jsonb_array_elements(CAST(", $list, " AS jsonb)) WITH ORDINALITY)")
    };
}

macro_rules! length_of {
    ($list:literal) => {
        concat!("jsonb_array_length(CAST(", $list, " AS jsonb))")
    };
}

macro_rules! gathered {
    ($columns:literal) => {
        concat!("CAST(COALESCE(json_agg(json_build_array(", $columns, ")), '[]') AS TEXT)")
    };
}

macro_rules! holds {
    ($text:literal, $part:literal) => {
        concat!("strpos(", $text, ", ", $part, ") > 0")
    };
}

macro_rules! yes {
    () => {
        "TRUE"
    };
}

macro_rules! by_index {
    ($index:literal) => {
        ""
    };
}

// Nobody waits who only refers to the row (`FOR KEY SHARE` of foreign keys).
macro_rules! locked {
    () => {
        " FOR NO KEY UPDATE"
    };
    ($of:literal) => {
        concat!(" FOR NO KEY UPDATE OF ", $of)
    };
}

// `c` is the chunk, `m` its message. A pause waits for what is being recorded, and what is recorded after it sees it.
macro_rules! locked_with_message {
    () => {
        " FOR NO KEY UPDATE OF c FOR SHARE OF m"
    };
}

macro_rules! unless_held {
    ($of:literal) => {
        concat!(" FOR NO KEY UPDATE OF ", $of, " SKIP LOCKED")
    };
}

// An array is made once; `IN (SELECT … LIMIT … FOR UPDATE)` may be run once for every row it is compared with.
macro_rules! one_of_free {
    ($($select:expr),+) => {
        concat!("= ANY(ARRAY(", $($select),+, " FOR NO KEY UPDATE SKIP LOCKED))")
    };
}

// Said of the whole key, lest it walk the deadlines of all lanes.
macro_rules! due_before {
    () => {
        "(lane_no, priority, deadline) < ($1, $6, $8)"
    };
}

/// Counters are kept in sixteen parts, one per connection: everybody who counts into one row would wait for the others' commits.
pub const ADD_TALLY: &str = "INSERT INTO tally (message_no, vendor, key, part, n) \
     SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, pg_backend_pid() % 16, CAST(value ->> 3 AS BIGINT) \
     FROM jsonb_array_elements(CAST($1 AS jsonb)) \
     ON CONFLICT (message_no, vendor, key, part) DO UPDATE SET n = tally.n + excluded.n";

pub const ADD_SERIES: &str = "INSERT INTO series (app_no, grain, at, vendor, key, part, n) \
     SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
     value ->> 4, pg_backend_pid() % 16, CAST(value ->> 5 AS BIGINT) FROM jsonb_array_elements(CAST($1 AS jsonb)) \
     ON CONFLICT (app_no, grain, at, vendor, key, part) DO UPDATE SET n = series.n + excluded.n";

pub const FORGET_DAYS: Option<&str> = Some("SELECT forget_days('receipt_raw', $1, 'state = 0')");

/// Only of chunks without a day of their own: the others go with their day.
pub const FORGET_LISTS: [&str; 3] = [
    "DELETE FROM chunk_recipients_rest WHERE chunk_no IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS jsonb)) x (value))",
    "DELETE FROM chunk_outcomes_rest WHERE chunk_no IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS jsonb)) x (value))",
    "DELETE FROM chunk_marks_rest WHERE chunk_no IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS jsonb)) x (value))",
];

pub const FORGET_CHUNK_DAYS: [&str; 3] = [
    "SELECT forget_days('chunk_marks', $1, 'EXISTS (SELECT 1 FROM chunk c WHERE c.no = chunk_no)')",
    "SELECT forget_days('chunk_outcomes', $1, 'EXISTS (SELECT 1 FROM chunk c WHERE c.no = chunk_no)')",
    "SELECT forget_days('chunk_recipients', $1, 'EXISTS (SELECT 1 FROM chunk c WHERE c.no = chunk_no)')",
];

/// Unique indexes are named as `table_column`.
pub fn taken(error: &sqlx::Error, column: &str) -> bool {
    error.as_database_error().is_some_and(|db| db.is_unique_violation() && db.constraint() == Some(column.replace('.', "_").as_str()))
}
