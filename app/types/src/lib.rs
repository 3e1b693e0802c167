//! THE WORDS, shared by server and browser: ids, vendors, the life of a push, failures, rules, views.
//!
//! Comes in: nothing. Goes out: plain values that serialise. Never: I/O, a clock, randomness, platform-sized integers.
//! How to add a word: the module of its noun, one meaning, the name of `design.md` in code, API, UI and metrics alike.

pub mod breaker;
pub mod campaign;
pub mod category;
pub mod content;
pub mod copy;
pub mod crowd;
pub mod cut;
pub mod dead;
pub mod egress;
pub mod failure;
pub mod field;
pub mod follow;
pub mod funnel;
pub mod hours;
pub mod ids;
pub mod life;
pub mod listing;
pub mod making;
pub mod meter;
pub mod people;
pub mod places;
pub mod policy;
pub mod problem;
pub mod ramp;
pub mod receipt;
pub mod sensitive;
pub mod similar;
pub mod text;
pub mod token;
pub mod vendor;
pub mod views;

/// Milliseconds since the Unix epoch, UTC. The only time on the wire between server and browser.
pub type Millis = i64;
