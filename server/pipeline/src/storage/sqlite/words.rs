//! Where SQLite and PostgreSQL say the same thing differently: SQLite's words. `postgres/words.rs` has the same list.

/// A parameter that is a JSON list of numbers, as rows of (key, value); the key is the place in the list.
macro_rules! numbers {
    ($list:literal) => {
        concat!("json_each(", $list, ")")
    };
}

/// The same for a list of texts.
macro_rules! texts {
    ($list:literal) => {
        concat!("json_each(", $list, ")")
    };
}

/// The same for a list of lists, whose items are then read as `value ->> 0`, with a CAST when they are no text.
macro_rules! lists {
    ($list:literal) => {
        concat!("json_each(", $list, ")")
    };
}

/// How many items a JSON list has.
macro_rules! length_of {
    ($list:literal) => {
        concat!("json_array_length(", $list, ")")
    };
}

/// All rows as one JSON text: a list of lists.
macro_rules! gathered {
    ($columns:literal) => {
        concat!("json_group_array(json_array(", $columns, "))")
    };
}

/// Whether a text holds another.
macro_rules! holds {
    ($text:literal, $part:literal) => {
        concat!("instr(", $text, ", ", $part, ") > 0")
    };
}

/// True, as the partial indexes write it.
macro_rules! yes {
    () => {
        "1"
    };
}

/// Leads the planner to an index.
macro_rules! by_index {
    ($index:literal) => {
        concat!(" INDEXED BY ", $index)
    };
}

/// Keeps others from changing these rows until the end of this work. There is one writer: nobody else could.
macro_rules! locked {
    ($($of:literal)?) => {
        ""
    };
}

/// The same for the chunk, while the message behind it may only be read.
macro_rules! locked_with_message {
    () => {
        ""
    };
}

/// The same, and passes over rows somebody else holds.
macro_rules! unless_held {
    ($of:literal) => {
        ""
    };
}

/// The rows to be claimed.
macro_rules! one_of_free {
    ($($select:expr),+) => {
        concat!("IN (", $($select),+, ")")
    };
}

/// Chunks of lane `$1` and priority `$6` that are due before `$8`, found by the index of claims.
macro_rules! due_before {
    () => {
        "deadline < $8"
    };
}

/// Counters added up: (message, vendor, key, n).
pub const ADD_TALLY: &str = "INSERT INTO tally (message_no, vendor, key, n) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($1) WHERE true \
     ON CONFLICT (message_no, vendor, key) DO UPDATE SET n = tally.n + excluded.n";

/// Counters added up: (app, grain, at, vendor, key, n).
pub const ADD_SERIES: &str = "INSERT INTO series (app_no, grain, at, vendor, key, n) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each($1) WHERE true \
     ON CONFLICT (app_no, grain, at, vendor, key) DO UPDATE SET n = series.n + excluded.n";

/// Ends whole days of raw receipts at once, where a day is a table of its own: not here. Says how many rows went.
pub const FORGET_DAYS: Option<&str> = None;

/// Lists of chunks that go with them, one by one.
pub const FORGET_LISTS: [&str; 3] = [
    "DELETE FROM chunk_recipients WHERE chunk_no IN (SELECT value FROM json_each($1))",
    "DELETE FROM chunk_outcomes WHERE chunk_no IN (SELECT value FROM json_each($1))",
    "DELETE FROM chunk_marks WHERE chunk_no IN (SELECT value FROM json_each($1))",
];

/// Drops whole days of them, where a day is a table of its own: not here.
pub const FORGET_CHUNK_DAYS: [&str; 0] = [];

/// Whether this is the refusal of a second `column` (`table.column`, the first of its unique index).
pub fn taken(error: &sqlx::Error, column: &str) -> bool {
    error.as_database_error().is_some_and(|db| db.is_unique_violation() && db.message().contains(column))
}
