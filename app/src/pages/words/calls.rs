//! Server functions of the page of sensitive words; each asks for its permission first.

use leptos::prelude::*;
use types::people::Permission;
use types::views::workbench::WordsView;

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn list_words(
    app: String,
    #[server(default)] text: String,
    #[server(default)] severity: String,
    #[server(default)] after: String,
) -> Result<WordsView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.workbench.words(&app, &text, &severity, Some(after).filter(|a| !a.is_empty())).await
}

/// Who approves decides what is refused: an operator cannot open the own way.
#[server(prefix = "/api")]
pub async fn add_words(app: String, #[server(default)] list: String, #[server(default)] severity: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Approve, &app)?;
    asked.workbench.add_words(&asked, &app, &list, &severity).await
}

#[server(prefix = "/api")]
pub async fn remove_word(app: String, #[server(default)] word: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Approve, &app)?;
    asked.workbench.remove_word(&asked, &app, &word).await
}
