//! THE LANES: one runner per app x vendor.
//!
//! Comes in: chunks. Goes out: outcomes, tallies, references. One step = take tokens, claim, ask policy, build, send, judge, record.
//! Never: SQL, vendor codes. Neighbours: broker, vendors, policy, storage, coordination.
