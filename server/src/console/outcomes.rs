//! Files of outcomes: every recipient of a message, or of a campaign with its resends.

use app::ports::Caller;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use pipeline::access::outcomes;
use pipeline::access::spreadsheet::{File, Format};
use pipeline::statistics::funnel;
use serde_json::json;
use types::ids::{AppId, CampaignId, MessageId};
use types::people::Permission;
use types::problem::{Code, Problem};
use types::views::shell::ShellInfo;

use super::copies::app_of;
use super::{Actor, asked, audit, store};
use crate::problem::ProblemAnswer;
use crate::web::Web;

pub fn routes(web: &Web) -> Router {
    Router::new()
        .route("/apps/{app}/messages/{id}/outcomes.csv", get(of_message))
        .route("/apps/{app}/messages/{id}/outcomes.xlsx", get(of_message))
        .route("/apps/{app}/campaigns/{id}/outcomes.csv", get(of_campaign))
        .route("/apps/{app}/campaigns/{id}/outcomes.xlsx", get(of_campaign))
        .with_state(web.clone())
}

type Messages = Vec<(i64, MessageId)>;

async fn of_message(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    info: Option<Extension<ShellInfo>>,
    Path((app, id)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let found = |app_no: i64| {
        let (web, id) = (web.clone(), id.clone());
        async move {
            let missing = || Problem::new(Code::NotFound);
            let id = MessageId::parse(&id).ok_or_else(missing)?;
            let message = web.house.storage.messages.by_id(&id).await.map_err(|e| store(&e))?;
            let message = message.filter(|m| m.app_no == app_no).ok_or_else(missing)?;
            Ok(vec![(message.no, message.id)])
        }
    };
    answer(&web, &caller, info, (&app, Format::of_path(uri.path())), ("message.export", &id), found).await
}

/// Its message and what was sent again; test sends are no part of it.
async fn of_campaign(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    info: Option<Extension<ShellInfo>>,
    Path((app, id)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let found = |app_no: i64| {
        let (web, id) = (web.clone(), id.clone());
        async move {
            let missing = || Problem::new(Code::NotFound);
            let id = CampaignId::parse(&id).ok_or_else(missing)?;
            let campaign = web.house.storage.campaigns.get(&id).await.map_err(|e| store(&e))?;
            campaign.filter(|c| c.app_no == app_no).ok_or_else(missing)?;
            funnel::parts(&web.house.storage, app_no, &id).await.map_err(|e| store(&e))
        }
    };
    answer(&web, &caller, info, (&app, Format::of_path(uri.path())), ("campaign.export", &id), found).await
}

async fn answer<F>(
    web: &Web,
    caller: &Caller,
    info: Option<Extension<ShellInfo>>,
    (app, format): (&str, Format),
    (action, object): (&str, &str),
    found: impl FnOnce(i64) -> F,
) -> Response
where
    F: Future<Output = Result<Messages, Problem>>,
{
    let app = AppId::parse(app);
    // Who is not signed in learns nothing about ids.
    let who = match asked(caller, Permission::SeeRecipients, app.as_ref()) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let Some(app) = app else { return StatusCode::NOT_FOUND.into_response() };
    let lang = info.map(|info| info.0.lang).unwrap_or_default();
    let messages = async {
        let of = app_of(&web.house, &app).await.map_err(|error| error.problem)?;
        let messages = found(of.no).await?;
        let actor = Actor {
            id: who.id.as_str().to_owned(),
            name: who.name.clone(),
            address: caller.address.clone(),
            request_id: caller.request_id.clone(),
        };
        audit(&web.house, &actor, action, object, Some(&app), None, Some(json!({ "messages": messages.len() }))).await?;
        Ok(messages)
    };
    match messages.await {
        Ok(messages) => download("outcomes", format, outcomes::file(web.house.storage.clone(), messages, lang, format, web.zone.clone())),
        Err(problem) => ProblemAnswer { problem, request_id: caller.request_id.clone() }.into_response(),
    }
}

/// A file that is made while it is sent.
pub fn download(name: &str, format: Format, file: File) -> Response {
    let mut response = Body::from_stream(file).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{}\"", format.ending())) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
