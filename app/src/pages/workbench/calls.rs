//! Server function of the workbench; it asks for its permission first.

use leptos::prelude::*;
use types::ids::CopyId;
use types::people::Permission;
use types::problem::Code;
use types::views::workbench::{WorkbenchAsk, WorkbenchView};

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn view_workbench(app: String, id: String, #[server(default)] ask: WorkbenchAsk) -> Result<WorkbenchView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = CopyId::parse(&id).ok_or_else(|| AppError::new(Code::NotFound))?;
    asked.workbench.view(&asked, &app, &id, &ask).await
}
