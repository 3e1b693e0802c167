use crate::support::on_postgres as fresh_storage;

#[path = "cases.rs"]
#[allow(clippy::duplicate_mod)]
mod cases;
