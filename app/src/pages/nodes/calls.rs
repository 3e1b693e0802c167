//! The server function of the nodes page; it asks for `Develop` first.

use leptos::prelude::*;
use types::views::nodes::NodesView;

use crate::error::AppError;

#[server(prefix = "/api")]
pub async fn list_nodes() -> Result<NodesView, AppError> {
    let asked = crate::ports::ask(types::people::Permission::Develop)?;
    asked.nodes.nodes().await
}
