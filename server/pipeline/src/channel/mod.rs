//! THE LANES: one runner per app x vendor.
//!
//! Comes in: chunks. Goes out: outcomes, tallies, references. One step = claim, ask policy, take tokens, build, send, judge, record.
//! Never: SQL, vendor codes. Neighbours: broker, vendors, policy, storage, coordination.
//! How to change one: what a verdict means is `settle`, when to try again is `retry`, when to stand still is `breaker`, what one
//! request needs is `call` (before the first one: `ahead`; without sending it: `preview`), leaving a lane that is out is `handover`.

pub mod ahead;
mod allowance;
pub mod breaker;
pub mod call;
mod counting;
pub mod egress;
pub mod gate;
pub mod guard;
pub mod handover;
pub mod lanes;
mod line;
mod mark;
pub mod materials;
mod naming;
pub mod pictures;
pub mod preview;
pub mod render;
pub mod retry;
pub mod runner;
pub mod settle;
pub mod shelf;
pub mod status;
pub mod step;
mod turnstile;
