use crate::support::on_postgres as fresh_storage;

#[path = "cases.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod cases;
