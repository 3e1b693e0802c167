use crate::support::on_sqlite as house;

#[path = "cases.rs"]
#[allow(clippy::duplicate_mod)]
mod cases;
