//! Server functions of the audit page; each asks for `Administer` first.

use leptos::prelude::*;
use types::listing::Page;
use types::views::people::{AuditChain, AuditQuery, AuditView};

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn list_audit(query: AuditQuery) -> Result<Page<AuditView>, AppError> {
    let asked = crate::ports::ask(types::people::Permission::Administer)?;
    asked.people.audit(&query).await
}

/// What is new since the last look; the daily walk of the caretaker sees to the rest.
#[server(prefix = "/api")]
pub async fn check_audit() -> Result<AuditChain, AppError> {
    let asked = crate::ports::ask(types::people::Permission::Administer)?;
    asked.people.audit_chain().await
}
