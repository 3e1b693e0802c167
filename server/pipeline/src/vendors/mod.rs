//! THE LANGUAGES: one folder per vendor, always the same files: request, answer, receipt, fixtures.
//!
//! Comes in: a batch of recipients with one content; the bytes of an answer; the bytes of a callback.
//! Goes out: a request; one verdict per recipient; receipts. Never: storage, retries, decisions about lanes.
//! Neighbours: none. How to add one: a variant in `types::vendor`, a folder here, an arm in `registry`, fixtures.
//!
//! `hearing`, `payload`, `proof`, `ttl` hold what several vendors' answers, requests and signatures have in common.
//! `dialect` is the seam, `registry` finds one, `pass` keeps signed tokens, `transport` alone opens sockets.

pub mod apns;
pub mod credential;
pub mod dialect;
pub mod fcm;
pub mod getui;
pub mod harmony;
mod hearing;
pub mod honor;
pub mod huawei;
pub mod jpush;
pub mod pass;
mod payload;
mod proof;
pub mod registry;
mod service_account;
mod silent;
pub mod transport;
mod ttl;
pub mod umeng;
mod words;
pub mod xiaomi;

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod golden;
