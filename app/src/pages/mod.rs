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
pub mod laboratory;
pub mod lanes;
pub mod messages;
pub mod nodes;
pub mod not_found;
pub mod overview;
pub mod people;
pub mod policy;
pub mod sign_in;
pub mod start;

use leptos::server_fn::ServerFn;

/// The forms whose fields the server may hold until the next page, when they were refused ([`crate::ui::returned`]). Never one
/// with a secret in it.
pub const KEPT: [&str; 8] = [
    <campaigns::SaveCampaign as ServerFn>::PATH,
    <campaigns::LaunchCampaign as ServerFn>::PATH,
    <copies::SaveCopy as ServerFn>::PATH,
    <apps::calls::RegisterApp as ServerFn>::PATH,
    <apps::calls::ChangeApp as ServerFn>::PATH,
    <people::calls::InvitePerson as ServerFn>::PATH,
    <laboratory::PlayScript as ServerFn>::PATH,
    <laboratory::TurnDials as ServerFn>::PATH,
];
