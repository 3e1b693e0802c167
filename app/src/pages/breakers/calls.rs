//! Server functions of the breaker page; each asks for its permission first.

use leptos::prelude::*;
use types::breaker::BreakerSettings;
use types::views::lanes::BreakerView;

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn list_breakers(app: String) -> Result<Vec<BreakerView>, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::See, &app)?;
    asked.apps.breakers(&app).await
}

#[server(prefix = "/api")]
pub async fn save_breaker(app: String, vendor: String, #[server(default)] breaker: BreakerSettings) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    let vendor = types::vendor::Vendor::parse(&vendor).ok_or_else(|| AppError::new(types::problem::Code::NotFound))?;
    asked.apps.put_breaker(&asked, &app, vendor, breaker).await
}
