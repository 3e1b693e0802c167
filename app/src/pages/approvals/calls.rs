//! The server function of the list of approvals; it is narrowed to apps where the caller may approve.

use leptos::prelude::*;
use types::people::Permission;
use types::views::approval::WaitingView;

use crate::error::AppError;

/// No app = all of them.
#[server(prefix = "/api")]
pub async fn list_waiting(#[server(default)] app: String) -> Result<Vec<WaitingView>, AppError> {
    if app.is_empty() {
        let asked = crate::ports::ask_signed_in()?;
        return asked.campaigns.waiting(&asked.who, None).await;
    }
    let (asked, app) = crate::ports::ask_for(Permission::Approve, &app)?;
    asked.campaigns.waiting(&asked.who, Some(&app)).await
}
