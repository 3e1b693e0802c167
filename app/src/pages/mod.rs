//! One folder per page: `mod.rs` (the page), `calls.rs` (its `#[server]` functions), `words.rs` when the texts are many.

pub mod account;
pub mod apps;
pub mod audit;
pub mod books;
pub mod campaigns;
pub mod copies;
pub mod crowds;
pub mod devices;
pub mod forbidden;
pub mod funnel;
pub mod lanes;
pub mod messages;
pub mod not_found;
pub mod overview;
pub mod people;
pub mod sign_in;
pub mod start;
