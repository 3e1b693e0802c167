use crate::support::on_postgres as house;

#[path = "cases.rs"]
#[allow(clippy::duplicate_mod)]
mod cases;
