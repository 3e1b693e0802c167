//! The tables, written once and compiled for each store: `sqlite/mod.rs` and `postgres/mod.rs` both include this folder and
//! bring their connection, their two doors (`Db`) and their words (`words.rs`: the few places where the two speak
//! differently). Everything else is SQL that both understand:
//!
//! - parameters are `$1 …`, numbers are `i64`, flags `bool`, larger things JSON text; lists travel as one JSON parameter
//!   (`numbers!`, `texts!`, `lists!`), so a block of 1,000 is a handful of statements;
//! - what comes out of JSON, of SUM or of a bare number is CAST;
//! - SQLite has one writer, PostgreSQL has many: a row that is read to decide what to write is read with `locked!`.

use std::sync::Arc;

use super::{Conn, Database, Db, words};
use crate::storage::tenancy::Tenancy;
use crate::storage::{Storage, rows};

mod apps;
mod audit_walk;
mod campaigns;
mod chunks;
mod claims;
mod closing;
mod copies;
mod crowd_rows;
mod crowds;
mod dead_letters;
mod devices;
mod joining;
mod lane_events;
mod lines;
mod makings;
mod materials;
mod meetings;
mod messages;
mod passes;
mod people;
mod planning;
mod poison;
mod policy;
mod ramps;
mod receipts;
mod registering;
mod resends;
mod retention;
mod second_step;
mod sensitive;
mod slots;
mod tallies;

/// The whole store behind these doors.
pub fn storage(db: Db, tenancy: Arc<dyn Tenancy>) -> Storage {
    Storage {
        apps: Arc::new(apps::StoredApps::new(db.clone())),
        campaigns: Arc::new(campaigns::StoredCampaigns::new(db.clone())),
        chunks: Arc::new(chunks::StoredChunks::new(db.clone())),
        copies: Arc::new(copies::StoredCopies::new(db.clone())),
        crowds: Arc::new(crowds::StoredCrowds::new(db.clone())),
        dead_letters: Arc::new(dead_letters::StoredDeadLetters::new(db.clone())),
        devices: Arc::new(devices::StoredDevices::new(db.clone())),
        lane_events: Arc::new(lane_events::StoredLaneEvents::new(db.clone())),
        makings: Arc::new(makings::StoredMakings::new(db.clone())),
        materials: Arc::new(materials::StoredMaterials::new(db.clone())),
        meetings: Arc::new(meetings::StoredMeetings::new(db.clone())),
        messages: Arc::new(messages::StoredMessages::new(db.clone())),
        passes: Arc::new(passes::StoredPasses::new(db.clone())),
        people: Arc::new(people::StoredPeople::new(db.clone())),
        policy: Arc::new(policy::StoredPolicy::new(db.clone())),
        ramps: Arc::new(ramps::StoredRamps::new(db.clone())),
        receipts: Arc::new(receipts::StoredReceipts::new(db.clone())),
        sensitive: Arc::new(sensitive::StoredWords::new(db.clone())),
        resends: Arc::new(resends::StoredResends::new(db.clone())),
        retention: Arc::new(retention::StoredRetention::new(db.clone())),
        tallies: Arc::new(tallies::StoredTallies::new(db)),
        tenancy,
    }
}
