//! THE LANGUAGES: one folder per vendor, always the same files: request, answer, receipt, fixtures.
//!
//! Comes in: a batch of recipients with one content; the bytes of an answer; the bytes of a callback.
//! Goes out: a request; one verdict per recipient; receipts. Never: storage, retries, decisions about lanes.
//! Neighbours: none. How to add one: a variant in `types::vendor`, a folder here, an arm in `registry`, fixtures.
//!
//! `hearing`, `payload`, `form`, `entries`, `ttl` and `proof` hold what several vendors have in common; `picture` reads a header, `said` the texts
//! of a built request.
//! `dialect` is the seam, `registry` finds one, `pass` keeps signed tokens, `transport` alone opens sockets.

pub mod apns;
mod by_files;
pub mod credential;
pub mod dialect;
mod entries;
pub mod fcm;
mod form;
pub mod getui;
pub mod harmony;
mod hearing;
pub mod honor;
pub mod huawei;
pub mod jpush;
pub mod meizu;
pub mod oppo;
pub mod pass;
mod payload;
pub mod picture;
mod proof;
pub mod registry;
pub mod said;
mod service_account;
pub mod transport;
mod ttl;
pub mod umeng;
pub mod vivo;
mod words;
pub mod xiaomi;

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
