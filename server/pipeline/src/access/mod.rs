//! THE DOOR: callers come in. Signed calls, crowd files and schedules become stored messages.
//!
//! Comes in: calls, files, times. Goes out: stored messages and crowds. Never: a vendor, a lane's settings.
//! Neighbours: policy, broker, storage, coordination. How to add one: a file per way in; messages go through [`accept`].

pub mod accept;
pub mod actor;
pub mod blacklist;
pub mod campaigns;
pub mod controls;
pub mod copies;
pub mod crowd;
pub mod dead_letters;
pub mod keys;
pub mod outcomes;
pub mod policy;
pub mod sensitive;
pub mod signature;
pub mod spreadsheet;
pub mod workbench;
mod workbook;
