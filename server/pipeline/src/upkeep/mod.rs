//! THE CARETAKER: expiry, lapsed leases, settling, schedules, retention.
//!
//! Comes in: time. Goes out: states moved on. Never: a vendor. Neighbours: storage, coordination, broker.
