use crate::support::on_sqlite as fresh_storage;

#[path = "cases.rs"]
#[allow(clippy::duplicate_mod)]
mod cases;
