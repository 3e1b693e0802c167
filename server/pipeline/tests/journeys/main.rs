//! Pushes through the whole machine: the cases on SQLite and on PostgreSQL, the vendors' dialects on SQLite.

mod ahead;
#[path = "../support/postgres.rs"]
mod cluster;
mod goaway;
mod postgres;
mod sqlite;
mod support;
mod vendors;
mod words;
