//! Server functions of what follows a send; each asks for its permission first.

use leptos::prelude::*;
use types::follow::FollowUp;
use types::views::lanes::{FollowView, SilentView};

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn list_follow_ups(app: String) -> Result<Vec<FollowView>, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.apps.follow_ups(&app).await
}

#[server(prefix = "/api")]
pub async fn save_follow_up(app: String, vendor: String, #[server(default)] rules: FollowUp) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    let vendor = types::vendor::Vendor::parse(&vendor).ok_or_else(|| AppError::new(types::problem::Code::NotFound))?;
    asked.apps.put_follow_up(&asked, &app, vendor, rules).await
}

#[server(prefix = "/api")]
pub async fn view_silent(app: String, message: String) -> Result<SilentView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    let message = types::ids::MessageId::parse(&message).ok_or_else(|| AppError::new(types::problem::Code::NotFound))?;
    asked.dead_letters.silent(&app, &message).await
}

/// Everybody of a message who was accepted and not heard of, once more.
#[server(prefix = "/api")]
pub async fn resend_silent(app: String, message: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Operate, &app)?;
    let message = types::ids::MessageId::parse(&message).ok_or_else(|| AppError::new(types::problem::Code::NotFound))?;
    asked.dead_letters.resend_silent(&asked, &app, &message).await?;
    leptos_axum::redirect(&format!("/apps/{app}/messages/{message}/again?sent=yes"));
    Ok(())
}
