//! Server functions of the dead-letter page; each asks for its permission first.

use leptos::prelude::*;
use types::views::dead_letters::{DeadQuery, DeadView};

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn list_dead_letters(app: String, #[server(default)] query: DeadQuery) -> Result<DeadView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.dead_letters.list(&app, &query).await
}

/// `lines`: numbers of lines. Leads to what was replayed.
#[server(prefix = "/api")]
pub async fn replay_dead_letters(
    app: String,
    #[server(default)] lines: Vec<String>,
    #[server(default)] deadline: String,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Operate, &app)?;
    let lines: Vec<i64> = lines.iter().filter_map(|no| no.parse().ok()).collect();
    asked.dead_letters.replay(&asked, &app, &lines, &deadline).await?;
    leptos_axum::redirect(&format!("/apps/{app}/dead-letters?state=replayed"));
    Ok(())
}

/// No chunk = all of the app.
#[server(prefix = "/api")]
pub async fn try_chunk_again(app: String, #[server(default)] chunk: Option<i64>) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Operate, &app)?;
    asked.dead_letters.try_again(&asked, &app, chunk).await
}

#[server(prefix = "/api")]
pub async fn give_chunk_up(app: String, chunk: i64) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Operate, &app)?;
    asked.dead_letters.give_up(&asked, &app, chunk).await
}
