//! THE BOOKS: questions the console asks of counters; recounts that prove them.
//!
//! Comes in: counters. Goes out: funnels, series, health. Never: a write. Neighbours: storage.
//! How to add one: a question per file, answered from counters; a recount that proves it in `tests/conformance/statistics.rs`.

pub mod funnel;
pub mod health;
pub mod recipients;
pub mod recount;
pub mod series;
