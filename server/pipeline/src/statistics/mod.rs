//! THE BOOKS: questions the console asks of counters; recounts that prove them.
//!
//! Comes in: counters. Goes out: funnels, series, health. Never: a write. Neighbours: storage.
