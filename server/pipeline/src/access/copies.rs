//! The copy library: saves are checked by the rules of the app's vendors and its list of words, and every change is told to the audit log.

use std::collections::BTreeMap;

use serde_json::json;
use types::ids::CopyId;
use types::problem::{Code, Problem};
use types::sensitive::{Found, Severity};
use types::text::Words;
use types::views::copies::CopyForm;

use super::accept::store_problem;
use super::actor::Actor;
use super::sensitive;
use crate::storage::Storage;
use crate::storage::apps::App;
use crate::storage::copies::{CopyRow, CopySave};
use crate::world::World;

#[derive(Clone)]
pub struct CopyDesk {
    storage: Storage,
    world: World,
}

impl CopyDesk {
    pub fn new(storage: Storage, world: World) -> CopyDesk {
        CopyDesk { storage, world }
    }

    /// A copy of this app.
    ///
    /// # Errors
    /// `NotFound`, also for another app's copy.
    pub async fn find(&self, app: &App, id: &CopyId) -> Result<CopyRow, Problem> {
        let found = self.storage.copies.get(id).await.map_err(|e| store_problem(&e))?;
        found
            .filter(|copy| copy.app_no == app.no)
            .ok_or_else(|| Problem::because(Code::NotFound, Words::new(format!("没有文案 {id}"), format!("no copy {id}"))))
    }

    /// Makes a copy, or a new version of one. `expected` is the version the person edited.
    ///
    /// # Errors
    /// `InvalidFields` with every field at fault; `Conflict` when somebody saved first or the name is taken.
    pub async fn save(&self, app: &App, edited: Option<(&CopyId, u32)>, form: &CopyForm, actor: &Actor) -> Result<CopyRow, Problem> {
        let (content, mut errors) = form.check(&app.vendor_order, &app.default_title);
        let (found, _) = sensitive::look(&self.storage, app, &content, &BTreeMap::new()).await.map_err(|e| store_problem(&e))?;
        errors.extend(found.iter().filter(|f| f.severity == Severity::Refuse).map(Found::complaint));
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        let save = CopySave {
            name: form.name.trim().to_owned(),
            tags: form.tag_list(),
            content,
            note: form.note.trim().to_owned(),
            by: actor.name.clone(),
            by_id: actor.id.clone(),
            now: self.world.now(),
        };
        let (row, action) = match edited {
            Some((id, expected)) => {
                self.find(app, id).await?;
                (self.storage.copies.save(id, expected, save).await, "copy.save")
            }
            None => (self.storage.copies.create(app.no, CopyId::from_bytes(self.world.id()), save).await, "copy.create"),
        };
        let row = row.map_err(|e| taken(&e))?;
        let after = json!({ "name": row.name, "version": row.newest.number, "title": row.newest.content.title });
        actor.tell(&self.storage, &self.world, action, row.id.as_str(), app, after).await;
        Ok(row)
    }

    /// Archived copies stay readable by the campaigns that used them and are offered no more.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when its name was taken meanwhile.
    pub async fn archive(&self, app: &App, id: &CopyId, archived: bool, actor: &Actor) -> Result<(), Problem> {
        self.find(app, id).await?;
        self.storage.copies.archive(id, archived, self.world.now()).await.map_err(|e| taken(&e))?;
        let action = if archived { "copy.archive" } else { "copy.restore" };
        actor.tell(&self.storage, &self.world, action, id.as_str(), app, json!({})).await;
        Ok(())
    }
}

fn taken(error: &crate::storage::StorageError) -> Problem {
    match error {
        crate::storage::StorageError::Conflict("copy name") => Problem::field(
            "name",
            types::text::Text::new("已有同名文案，请换一个名字", "another copy has this name; choose a different one"),
        ),
        other => store_problem(other),
    }
}
