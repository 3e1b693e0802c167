//! The server function of the calendar.

use leptos::prelude::*;
use types::people::Permission;
use types::views::calendar::CalendarView;

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn view_calendar(
    app: String,
    #[server(default)] view: String,
    #[server(default)] date: String,
) -> Result<CalendarView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.calendar(&app, &view, &date).await
}
