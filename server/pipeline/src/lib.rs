//! THE MACHINE: everything between the door and the vendor.
//!
//! ```text
//! caller -> access -> broker ------------> channel (one lane per app x vendor) -> vendors -> vendor API
//!            |         |                     | policy again, tokens, build, send, judge
//!            v         v                     v
//!         storage <---------------------- outcomes         receipts <- vendor callbacks, client reports
//!            ^                                                |
//!         statistics <---------------------------------------+        upkeep: expiry, schedules, retention, alarms
//! ```
//!
//! Who may import whom (a test reads the `use` lines and refuses the rest):
//!
//! | room | may import, besides `types`, `world`, `vault`, `telemetry` |
//! |---|---|
//! | storage, coordination, vendors | nothing else |
//! | statistics | storage |
//! | policy | storage, coordination |
//! | broker | storage, coordination, policy |
//! | access | policy, broker, storage, coordination |
//! | channel | broker, vendors, policy, storage, coordination |
//! | receipts | vendors (reading only), storage, broker |
//! | upkeep | storage, coordination, broker |
//! | house | every room; imported by none |

pub mod access;
pub mod broker;
pub mod channel;
pub mod coordination;
pub mod house;
pub mod policy;
pub mod receipts;
pub mod statistics;
pub mod storage;
pub mod telemetry;
pub mod upkeep;
pub mod vault;
pub mod vendors;
pub mod world;
