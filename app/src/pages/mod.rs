//! One folder per page: `mod.rs` (the page), `calls.rs` (its `#[server]` functions), `words.rs` when the texts are many.
//!
//! Pages of `routes::PLAIN` are forms and tables that the server writes; the browser's part does not hold them.

pub mod account;
#[cfg(feature = "ssr")]
pub mod approvals;
#[cfg(not(feature = "ssr"))]
pub mod approvals {
    pub use crate::ui::plain::Plain as Approvals;
}
pub mod apps;
#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(not(feature = "ssr"))]
pub mod audit {
    pub use crate::ui::plain::Plain as Audit;
}
#[cfg(feature = "ssr")]
pub mod before;
#[cfg(not(feature = "ssr"))]
pub mod before {
    pub use crate::ui::plain::Plain as Before;
}
pub mod books;
#[cfg(feature = "ssr")]
pub mod breakers;
#[cfg(not(feature = "ssr"))]
pub mod breakers {
    pub use crate::ui::plain::Plain as BreakersPage;
}
#[cfg(feature = "ssr")]
pub mod calendar;
#[cfg(not(feature = "ssr"))]
pub mod calendar {
    pub use crate::ui::plain::Plain as CalendarPage;
}
pub mod campaigns;
pub mod copies;
pub mod crowds;
#[cfg(feature = "ssr")]
pub mod dead_letters;
#[cfg(not(feature = "ssr"))]
pub mod dead_letters {
    pub use crate::ui::plain::Plain as DeadLettersPage;
}
pub mod devices;
#[cfg(feature = "ssr")]
pub mod during;
#[cfg(not(feature = "ssr"))]
pub mod during {
    pub use crate::ui::plain::Plain as MessageRecall;
}
#[cfg(feature = "ssr")]
pub mod follow;
#[cfg(not(feature = "ssr"))]
pub mod follow {
    pub use crate::ui::plain::{Plain as AgainPage, Plain as FollowPage};
}
pub mod forbidden;
pub mod funnel;
#[cfg(feature = "ssr")]
pub mod laboratory;
#[cfg(not(feature = "ssr"))]
pub mod laboratory {
    pub use crate::ui::plain::Plain as Laboratory;
}
pub mod lanes;
pub mod messages;
pub mod nodes;
pub mod not_found;
pub mod overview;
pub mod people;
#[cfg(feature = "ssr")]
pub mod policy;
#[cfg(not(feature = "ssr"))]
pub mod policy {
    pub use crate::ui::plain::Plain as PolicyPage;
}
#[cfg(feature = "ssr")]
pub mod sessions;
#[cfg(not(feature = "ssr"))]
pub mod sessions {
    pub use crate::ui::plain::{Plain as AllSessions, Plain as CodePage, Plain as OwnSessions, Plain as SecondStepPage};
}
pub mod sign_in;
pub mod start;
#[cfg(feature = "ssr")]
pub mod words;
#[cfg(not(feature = "ssr"))]
pub mod words {
    pub use crate::ui::plain::Plain as WordsPage;
}
#[cfg(feature = "ssr")]
pub mod workbench;
#[cfg(not(feature = "ssr"))]
pub mod workbench {
    pub use crate::ui::plain::Plain as WorkbenchPage;
}

#[cfg(feature = "ssr")]
use leptos::server_fn::ServerFn;

/// The forms whose fields the server may hold until the next page, when they were refused ([`crate::ui::returned`]). Never one
/// with a secret in it.
#[cfg(feature = "ssr")]
pub const KEPT: [&str; 22] = [
    <before::calls::SaveSchedule as ServerFn>::PATH,
    <crowds::shelf::CombineCrowds as ServerFn>::PATH,
    <during::calls::ChooseRamp as ServerFn>::PATH,
    <during::calls::RecallSent as ServerFn>::PATH,
    <before::calls::AskApproval as ServerFn>::PATH,
    <before::calls::JudgeCampaign as ServerFn>::PATH,
    <before::calls::StartCampaign as ServerFn>::PATH,
    <campaigns::SaveCampaign as ServerFn>::PATH,
    <campaigns::LaunchCampaign as ServerFn>::PATH,
    <copies::SaveCopy as ServerFn>::PATH,
    <apps::calls::RegisterApp as ServerFn>::PATH,
    <apps::calls::ChangeApp as ServerFn>::PATH,
    <people::calls::InvitePerson as ServerFn>::PATH,
    <laboratory::PlayScript as ServerFn>::PATH,
    <laboratory::TurnDials as ServerFn>::PATH,
    <policy::calls::SavePolicy as ServerFn>::PATH,
    <policy::calls::BlockAccounts as ServerFn>::PATH,
    <breakers::calls::SaveBreaker as ServerFn>::PATH,
    <words::calls::AddWords as ServerFn>::PATH,
    <follow::calls::SaveFollowUp as ServerFn>::PATH,
    <follow::calls::ResendSilent as ServerFn>::PATH,
    <dead_letters::calls::ReplayDeadLetters as ServerFn>::PATH,
];
