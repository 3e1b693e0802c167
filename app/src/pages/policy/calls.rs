//! Server functions of the policy page; each asks for its permission first.

use leptos::prelude::*;
use types::listing::Page;
use types::views::policy::{BlockedView, PolicyForm, PolicyView};

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn view_policy(app: String) -> Result<PolicyView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.policy.view(&app).await
}

#[server(prefix = "/api")]
pub async fn save_policy(app: String, revision: i64, #[server(default)] rules: PolicyForm) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Approve, &app)?;
    asked.policy.save(&asked, &app, revision, rules).await
}

/// An empty reason lets everything go on.
#[server(prefix = "/api")]
pub async fn stop_app(app: String, #[server(default)] why: Option<String>) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Operate, &app)?;
    asked.policy.stop(&asked, &app, why).await
}

#[server(prefix = "/api")]
pub async fn list_blacklist(
    app: String,
    #[server(default)] text: String,
    #[server(default)] after: String,
) -> Result<Page<BlockedView>, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::SeeRecipients, &app)?;
    asked.policy.blocked(&app, &text, Some(after).filter(|a| !a.is_empty())).await
}

#[server(prefix = "/api")]
pub async fn block_accounts(
    app: String,
    #[server(default)] list: String,
    #[server(default)] group: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Operate, &app)?;
    asked.policy.block(&asked, &app, list, group, reason).await
}

#[server(prefix = "/api")]
pub async fn unblock_account(app: String, #[server(default)] user: String, #[server(default)] group: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Operate, &app)?;
    asked.policy.unblock(&asked, &app, user, group).await
}
