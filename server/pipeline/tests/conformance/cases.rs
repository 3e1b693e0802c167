//! Each of them asks for `fresh_storage`, and gets it from the store that includes this file.

use super::fresh_storage;

mod apps;
mod campaigns;
mod chunks;
mod copies;
mod crowds;
mod dead_letters;
mod devices;
mod equation;
mod lane_events;
mod makings;
mod materials;
mod meetings;
mod messages;
mod passes;
mod people;
mod poison;
mod policy;
mod races;
mod ramps;
mod receipts;
mod resends;
mod retention;
mod sensitive;
mod statistics;
mod tallies;
mod truth;
mod turns;
mod writer;
