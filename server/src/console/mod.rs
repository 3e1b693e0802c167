//! Implementations of app's ports over the house; one file a noun. Free of HTTP except [`asked`].
//!
//! How to add one: a file here with `impl XPort for XConsole`, a field in `app::ports::Ports`, a line in [`ports`].

use std::sync::Arc;

use app::error::AppError;
use app::ports::{Asked, Caller, Ports, Who};
pub use pipeline::access::actor::Actor;
use pipeline::house::House;
use pipeline::storage::StorageError;
use serde_json::Value;
use types::ids::AppId;
use types::people::Permission;
use types::problem::{Code, Problem};

use crate::problem::ProblemAnswer;
use crate::settings::Settings;

pub mod apps;
pub mod blacklist;
pub mod books;
pub mod campaigns;
pub mod copies;
pub mod crowds;
pub mod dead_letters;
mod deeds;
pub mod devices;
mod follow_up;
pub mod funnel;
pub mod laboratory;
mod lane_form;
pub mod lanes;
pub mod log;
pub mod messages;
pub mod nodes;
pub mod once;
pub mod outcomes;
pub mod overview;
pub mod people;
pub mod policy;
pub mod running;
pub mod shell;
mod why;
pub mod workbench;

/// One of each; built once.
pub fn ports(house: &Arc<House>, settings: &Settings, recovery: &Arc<once::Once<Vec<String>>>) -> Ports {
    Ports {
        shell: Arc::new(shell::ShellConsole { house: house.clone() }),
        books: Arc::new(books::BooksConsole::new(house.clone(), settings)),
        apps: Arc::new(apps::AppsConsole::new(house.clone(), settings)),
        crowds: Arc::new(crowds::CrowdsConsole { house: house.clone() }),
        people: Arc::new(people::PeopleConsole::new(house.clone(), settings, recovery.clone())),
        dead_letters: Arc::new(dead_letters::DeadConsole::new(house.clone(), settings)),
        policy: Arc::new(policy::PolicyConsole { house: house.clone() }),
        copies: Arc::new(copies::CopiesConsole { house: house.clone() }),
        laboratory: Arc::new(laboratory::LaboratoryConsole::new(house.clone(), settings)),
        running: Arc::new(running::RunningConsole { house: house.clone() }),
        nodes: Arc::new(nodes::NodesConsole { house: house.clone() }),
        workbench: Arc::new(workbench::WorkbenchConsole::new(house.clone())),
        campaigns: Arc::new(campaigns::CampaignsConsole { house: house.clone(), zone: settings.console.zone.clone() }),
    }
}

/// Who asked, for the audit log.
pub fn actor(asked: &Asked) -> Actor {
    Actor {
        id: asked.who.id.as_str().to_owned(),
        name: asked.who.name.clone(),
        address: asked.address.clone(),
        request_id: asked.request_id.clone(),
    }
}

/// Appends to the audit log what was just done to something outside the people's tables.
///
/// # Errors
/// `Internal` when the log cannot be written.
pub async fn audit(
    house: &House,
    actor: &Actor,
    action: &str,
    object: &str,
    app: Option<&AppId>,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), Problem> {
    house.storage.people.audit(actor.entry(&house.world, action, object, app, before, after)).await.map(|_| ()).map_err(|e| store(&e))
}

/// An error of the store as a problem: its words go to the log, not to the caller.
pub fn store(error: &StorageError) -> Problem {
    match error {
        StorageError::Conflict(_) => Problem::new(Code::Conflict),
        StorageError::Stale(_) => Problem::new(Code::WrongState),
        other => {
            tracing::error!(error = %other, "the store failed");
            Problem::new(Code::Internal)
        }
    }
}

/// As [`store`], for ports.
pub fn failed(error: &StorageError) -> AppError {
    store(error).into()
}

/// The one question of plain handlers (uploads, downloads, charts, event streams): may this caller do this, in this app?
///
/// # Errors
/// The refusal as an HTTP answer.
pub fn asked(caller: &Caller, permission: Permission, app: Option<&AppId>) -> Result<Who, ProblemAnswer> {
    let refuse = |code: Code| ProblemAnswer { problem: Problem::new(code), request_id: caller.request_id.clone() };
    let who = caller.who.clone().ok_or_else(|| refuse(Code::NotSignedIn))?;
    if who.rights.may(permission, app) { Ok(who) } else { Err(refuse(Code::NotAllowed)) }
}
