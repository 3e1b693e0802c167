//! Pushes through the whole machine: the cases on SQLite and on PostgreSQL, the vendors' dialects on SQLite.

mod ahead;
#[path = "../support/postgres.rs"]
mod cluster;
mod goaway;
mod nodes;
mod postgres;
mod preview;
#[path = "../support/redis.rs"]
#[expect(dead_code, reason = "the conformance suite uses the rest")]
mod redis_server;
#[path = "../support/samples.rs"]
mod samples;
mod several;
mod sqlite;
mod support;
mod vendors;
mod words;
