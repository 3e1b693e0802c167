//! Server functions of the books.

use leptos::prelude::*;
use types::listing::Page;
use types::views::funnel::{FunnelQuery, FunnelView};
use types::views::lanes::LanesView;
use types::views::messages::{MessageBrief, MessageQuery, MessageView, RecipientQuery, RecipientView};
use types::views::overview::{OverviewView, RangeQuery};

use crate::error::AppError;

#[cfg(feature = "ssr")]
fn message_id(text: &str) -> Result<types::ids::MessageId, AppError> {
    types::ids::MessageId::parse(text).ok_or_else(|| AppError::new(types::problem::Code::NotFound))
}

#[server]
pub async fn view_overview(app: String, query: RangeQuery) -> Result<OverviewView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.books.overview(&app, &query).await
}

#[server]
pub async fn view_lanes(app: String) -> Result<LanesView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.books.lanes(&app).await
}

#[server]
pub async fn view_funnel(app: String, query: FunnelQuery) -> Result<FunnelView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.books.funnel(&app, &query).await
}

#[server]
pub async fn list_messages(app: String, query: MessageQuery) -> Result<Page<MessageBrief>, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.books.messages(&app, &query).await
}

#[server]
pub async fn view_message(app: String, message: String) -> Result<MessageView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.books.message(&app, &message_id(&message)?).await
}

#[server]
pub async fn list_recipients(app: String, message: String, query: RecipientQuery) -> Result<Page<RecipientView>, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::SeeRecipients, &app)?;
    asked.books.recipients(&app, &message_id(&message)?, &query).await
}
