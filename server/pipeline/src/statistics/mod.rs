//! THE BOOKS: questions the console asks of counters; recounts that prove them.
//!
//! Comes in: counters. Goes out: funnels, series, health. Never: a write. Neighbours: storage.
//! How to add one: a question here, answered from tallies only, and a recount beside it in its test.
