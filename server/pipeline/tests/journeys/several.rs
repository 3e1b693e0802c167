//! On PostgreSQL and a Redis of the test's own.

use crate::support::on_postgres_and_redis as house;

#[path = "turns.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod turns;
