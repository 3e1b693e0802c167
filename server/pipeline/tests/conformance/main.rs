//! What every store must do, case by case. A case takes a `&Storage`, so that a second backend joins by opening its own.

mod apps;
mod campaigns;
mod chunks;
mod coordination;
mod copies;
mod crowds;
mod devices;
mod equation;
mod materials;
mod messages;
mod nodes;
mod people;
mod receipts;
#[path = "../support/redis.rs"]
mod redis_server;
mod statistics;
mod support;
mod tallies;
mod writer;
