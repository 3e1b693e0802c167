//! Pushes through the whole machine: the cases on SQLite and on PostgreSQL, the vendors' dialects on SQLite.

#[path = "../support/postgres.rs"]
mod cluster;
mod postgres;
mod sqlite;
mod support;
mod vendors;
