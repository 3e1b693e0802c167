//! Server functions of the laboratory; each asks for `Develop` first: it belongs to no app, for all apps share its vendors.

use leptos::prelude::*;
use types::views::laboratory::{DialValues, LaboratoryView, ScriptForm};

use crate::error::AppError;

#[cfg(feature = "ssr")]
fn vendor_of(slug: &str) -> Result<types::vendor::Vendor, AppError> {
    types::vendor::Vendor::parse(slug).ok_or_else(|| AppError::new(types::problem::Code::NotFound))
}

/// `None` = no simulator is attached.
#[server(prefix = "/api")]
pub async fn view_laboratory() -> Result<Option<LaboratoryView>, AppError> {
    let asked = crate::ports::ask(types::people::Permission::Develop)?;
    asked.laboratory.view().await
}

#[server(prefix = "/api")]
pub async fn read_dials(vendor: String) -> Result<DialValues, AppError> {
    let asked = crate::ports::ask(types::people::Permission::Develop)?;
    asked.laboratory.dials(vendor_of(&vendor)?).await
}

/// `seen` = the values the form was drawn with, as JSON; only what differs is turned.
#[server(prefix = "/api")]
pub async fn turn_dials(vendor: String, #[server(default)] seen: String, #[server(default)] dials: DialValues) -> Result<(), AppError> {
    let asked = crate::ports::ask(types::people::Permission::Develop)?;
    let seen = serde_json::from_str(&seen).unwrap_or_default();
    asked.laboratory.turn(&asked, vendor_of(&vendor)?, seen, dials).await
}

#[server(prefix = "/api")]
pub async fn play_script(form: ScriptForm) -> Result<(), AppError> {
    let asked = crate::ports::ask(types::people::Permission::Develop)?;
    asked.laboratory.play(&asked, form).await
}

#[server(prefix = "/api")]
pub async fn stop_script(script: u64) -> Result<(), AppError> {
    let asked = crate::ports::ask(types::people::Permission::Develop)?;
    asked.laboratory.stop(&asked, script).await
}
