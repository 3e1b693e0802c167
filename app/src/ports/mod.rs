//! The only way from a page to the server: small traits, given out by [`ask`] after the permission table has spoken.
//!
//! How to add a page group: a trait here (own file), a field in [`Ports`], its implementation in `server/src/console/`.
//! Every `#[server]` function starts with `let asked = ports::ask(Permission::…)?` or `ports::ask_for(Permission::…, &app)?`.

pub mod apps;
pub mod books;
pub mod campaigns;
pub mod copies;
pub mod crowds;
pub mod dead_letters;
pub mod laboratory;
pub mod nodes;
pub mod people;
pub mod policy;
pub mod running;
pub mod workbench;

use std::ops::Deref;
use std::sync::Arc;

use leptos::prelude::use_context;
use types::ids::{AppId, PersonId};
use types::people::{Permission, Rights};
use types::problem::{Code, Problem};
use types::text::Words;

use crate::error::AppError;

/// The signed-in person of this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub id: PersonId,
    pub name: String,
    pub email: String,
    pub rights: Rights,
}

/// Who asks, and from where; put into the request by the server's session layer.
#[derive(Clone, Debug)]
pub struct Caller {
    pub who: Option<Who>,
    /// Address of the peer, for the audit log.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// The own session, as the store names it.
    pub session: Option<String>,
    pub request_id: String,
}

/// One handle per page group; in leptos context during server rendering and server functions.
#[derive(Clone)]
pub struct Ports {
    pub shell: Arc<dyn ShellPort>,
    pub apps: Arc<dyn apps::AppsPort>,
    pub crowds: Arc<dyn crowds::CrowdsPort>,
    pub books: Arc<dyn books::BooksPort>,
    pub people: Arc<dyn people::PeoplePort>,
    pub policy: Arc<dyn policy::PolicyPort>,
    pub dead_letters: Arc<dyn dead_letters::DeadLettersPort>,
    pub copies: Arc<dyn copies::CopiesPort>,
    pub campaigns: Arc<dyn campaigns::CampaignsPort>,
    pub laboratory: Arc<dyn laboratory::LaboratoryPort>,
    pub nodes: Arc<dyn nodes::NodesPort>,
    pub running: Arc<dyn running::RunningPort>,
    pub workbench: Arc<dyn workbench::WorkbenchPort>,
}

/// A granted request: who it is, from where, and the ports.
pub struct Asked {
    pub who: Who,
    pub address: String,
    /// The own session, as the store names it.
    pub session: Option<String>,
    pub request_id: String,
    ports: Ports,
}

impl Deref for Asked {
    type Target = Ports;

    fn deref(&self) -> &Ports {
        &self.ports
    }
}

/// What the frame of every page shows.
#[async_trait::async_trait]
pub trait ShellPort: Send + Sync {
    /// Apps this person may see, by name.
    async fn apps(&self, who: &Who) -> Result<Vec<types::views::shell::AppBrief>, AppError>;
}

fn caller() -> Option<Caller> {
    use_context::<http::request::Parts>().and_then(|parts| parts.extensions.get::<Caller>().cloned())
}

/// Refusals carry their HTTP status, except towards plain form posts, which are redirected back with the error.
fn refuse(code: Code, problem: Problem) -> AppError {
    let plain_form = use_context::<http::request::Parts>().is_some_and(|parts| {
        parts.method == http::Method::POST
            && parts.headers.get(http::header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
    });
    if !plain_form && let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::from_u16(code.status()).unwrap_or(http::StatusCode::FORBIDDEN));
    }
    problem.into()
}

fn grant(permission: Option<Permission>, app: Option<&AppId>) -> Result<Asked, AppError> {
    let signed_out = || refuse(Code::NotSignedIn, Problem::new(Code::NotSignedIn));
    let caller = caller().ok_or_else(signed_out)?;
    let who = caller.who.ok_or_else(signed_out)?;
    if let Some(permission) = permission
        && !who.rights.may(permission, app)
    {
        let name = permission.name();
        let detail = Words::new(
            format!("需要「{}」权限；请联系管理员", name.zh),
            format!("This needs the permission to {}; ask an administrator", name.en),
        );
        return Err(refuse(Code::NotAllowed, Problem::because(Code::NotAllowed, detail)));
    }
    let ports = use_context::<Ports>().ok_or_else(|| AppError::new(Code::Internal))?;
    Ok(Asked { who, address: caller.address, session: caller.session, request_id: caller.request_id, ports })
}

/// Asks for something that belongs to no app.
///
/// # Errors
/// `NotSignedIn` without a session, `NotAllowed` when the person's role does not hold the permission.
pub fn ask(permission: Permission) -> Result<Asked, AppError> {
    grant(Some(permission), None)
}

/// Asks for something of one app; `app` is its id as the URL spells it.
///
/// # Errors
/// As [`ask`], decided by the role in this app; `NotFound` when the id is no app id.
pub fn ask_for(permission: Permission, app: &str) -> Result<(Asked, AppId), AppError> {
    let parsed = AppId::parse(app);
    // Who is not signed in learns nothing about ids.
    let asked = grant(Some(permission), parsed.as_ref())?;
    let id = parsed.ok_or_else(|| refuse(Code::NotFound, Problem::new(Code::NotFound)))?;
    Ok((asked, id))
}

/// Asks for something every signed-in person may do (the own account).
///
/// # Errors
/// `NotSignedIn` without a session.
pub fn ask_signed_in() -> Result<Asked, AppError> {
    grant(None, None)
}

/// Answers an inner error to the browser: logged with the request's id, told as `Internal` with that id.
pub fn internal(error: &dyn std::fmt::Display) -> AppError {
    let request_id = caller().map(|c| c.request_id);
    leptos::logging::error!("request {}: {error}", request_id.as_deref().unwrap_or("-"));
    AppError { problem: Problem::new(Code::Internal), request_id }
}
