//! Who does something, for the audit log.

use serde_json::Value;
use types::ids::AppId;

use crate::storage::Storage;
use crate::storage::apps::App;
use crate::storage::people::AuditEntry;
use crate::world::World;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `usr_…`, `system`, or `cli`.
    pub id: String,
    pub name: String,
    pub address: String,
    pub request_id: String,
}

impl Actor {
    /// The house itself: schedules, demo data.
    pub fn system() -> Actor {
        Actor { id: "system".into(), name: "Carillon".into(), address: "local".into(), request_id: String::new() }
    }

    /// `carillon admin …`
    pub fn cli() -> Actor {
        Actor { id: "cli".into(), name: "carillon admin".into(), address: "local".into(), request_id: String::new() }
    }

    /// An entry of now; `before` and `after` must hold no secret.
    pub fn entry(
        &self,
        world: &World,
        action: &str,
        object: &str,
        app: Option<&AppId>,
        before: Option<Value>,
        after: Option<Value>,
    ) -> AuditEntry {
        AuditEntry {
            at: world.now(),
            actor_id: self.id.clone(),
            actor_name: self.name.clone(),
            address: self.address.clone(),
            request_id: self.request_id.clone(),
            action: action.to_owned(),
            object: object.to_owned(),
            app: app.cloned(),
            before,
            after,
        }
    }

    /// Appends what was just done. The deed is durable already: a log that cannot be written is shouted about, not undone.
    pub async fn tell(&self, storage: &Storage, world: &World, action: &str, object: &str, app: &App, after: Value) {
        let entry = self.entry(world, action, object, Some(&app.id), None, Some(after));
        if let Err(error) = storage.people.audit(entry).await {
            tracing::error!(%error, action, object, actor = %self.id, "done, but the audit log could not be written");
        }
    }
}
