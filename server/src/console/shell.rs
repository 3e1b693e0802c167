//! What the frame of every page shows.

use std::sync::Arc;

use app::error::AppError;
use app::ports::{ShellPort, Who};
use async_trait::async_trait;
use pipeline::house::House;
use types::people::Permission;
use types::views::shell::AppBrief;

use super::failed;

pub struct ShellConsole {
    pub house: Arc<House>,
}

#[async_trait]
impl ShellPort for ShellConsole {
    async fn apps(&self, who: &Who) -> Result<Vec<AppBrief>, AppError> {
        let mut apps: Vec<AppBrief> = self
            .house
            .storage
            .apps
            .list()
            .await
            .map_err(|e| failed(&e))?
            .into_iter()
            .filter(|app| who.rights.may(Permission::See, Some(&app.id)))
            .map(|app| AppBrief { id: app.id, name: app.name, environment: app.environment })
            .collect();
        apps.sort_by(|a, b| (&a.name, a.environment).cmp(&(&b.name, b.environment)));
        Ok(apps)
    }
}
