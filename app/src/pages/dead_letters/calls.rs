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
