//! What every store must do, case by case: `cases.rs` names them, and they run on SQLite and on PostgreSQL.

#[path = "../support/postgres.rs"]
mod cluster;
mod coordination;
mod days;
mod migrations;
mod nodes;
mod postgres;
#[path = "../support/redis.rs"]
mod redis_server;
mod sqlite;
mod support;
