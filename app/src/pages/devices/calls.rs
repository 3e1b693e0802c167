//! Server functions of the devices pages.

use leptos::prelude::*;
use types::listing::Page;
use types::views::apps::{DeviceQuery, DeviceView};

use crate::error::AppError;

#[cfg(feature = "ssr")]
fn device_id(text: &str) -> Result<types::ids::DeviceId, AppError> {
    types::ids::DeviceId::parse(text).ok_or_else(|| AppError::new(types::problem::Code::NotFound))
}

#[server(prefix = "/api")]
pub async fn list_devices(app: String, query: DeviceQuery) -> Result<Page<DeviceView>, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::SeeRecipients, &app)?;
    asked.apps.devices(&app, &query).await
}

#[server(prefix = "/api")]
pub async fn read_device(app: String, id: String) -> Result<DeviceView, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::SeeRecipients, &app)?;
    asked.apps.device(&app, &device_id(&id)?).await?.ok_or_else(|| AppError::new(types::problem::Code::NotFound))
}

#[server(prefix = "/api")]
pub async fn set_test_device(app: String, id: String, test: bool) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.set_test(&asked, &app, &device_id(&id)?, test).await
}
