//! One folder per page: `mod.rs` (the page), `calls.rs` (its `#[server]` functions), `words.rs` when the texts are many.

pub mod campaigns;
pub mod copies;
pub mod crowds;
pub mod not_found;
pub mod sign_in;
pub mod start;
