//! Recall: taking a message back, and what became of it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pipeline::access::controls::Notice;
use pipeline::storage::messages::Message;
use serde::{Deserialize, Serialize};
use types::vendor::Vendor;
use types::views::recall::{RecallCounts, RecallView};
use utoipa::ToSchema;

use super::Api;
use super::frame::{Failure, ProblemBody, read_json};
use super::messages::find;
use super::shapes::{LossBody, time};
use super::signed::Signed;

/// The notice that takes the place of a notification where a vendor can only overwrite.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecallBody {
    /// At most 40 characters; the message's own when empty.
    pub title: String,
    /// At most 100 characters, no variables. A sentence in Chinese and English when empty.
    pub body: String,
}

/// `reached = withdrawn + overwritten + opened + beyond + waiting`, at every instant.
#[derive(Serialize, ToSchema)]
pub struct RecallCountsBody {
    /// Not sent to yet; a recall stops them.
    pub unsent: u64,
    /// Stopped before they were sent to.
    pub stopped: u64,
    /// Handed to the vendor, with an answer or without.
    pub reached: u64,
    /// The vendor took the withdrawal.
    pub withdrawn: u64,
    /// The vendor took the notice that replaces it; no vendor confirms what the phone shows.
    pub overwritten: u64,
    /// Clicked or cleared before.
    pub opened: u64,
    /// Not taken back: no means, refused, too late, answer unknown.
    pub beyond: u64,
    /// Not asked about yet.
    pub waiting: u64,
}

impl From<RecallCounts> for RecallCountsBody {
    fn from(c: RecallCounts) -> RecallCountsBody {
        RecallCountsBody {
            unsent: c.unsent,
            stopped: c.stopped,
            reached: c.reached,
            withdrawn: c.withdrawn,
            overwritten: c.overwritten,
            opened: c.opened,
            beyond: c.beyond,
            waiting: c.waiting,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct RecallLaneBody {
    #[schema(value_type = String)]
    pub vendor: Vendor,
    /// `withdraw`, `overwrite` or `nothing`.
    pub means: &'static str,
    pub counts: RecallCountsBody,
}

#[derive(Serialize, ToSchema)]
pub struct RecalledBody {
    /// The message that takes this one back; absent = it was not recalled.
    pub recall: Option<String>,
    pub asked_at: Option<String>,
    /// Everybody reached stands in one of the counts.
    pub over: bool,
    pub counts: RecallCountsBody,
    pub lanes: Vec<RecallLaneBody>,
    /// Why some are beyond recall.
    pub losses: Vec<LossBody>,
}

fn body(view: RecallView) -> RecalledBody {
    RecalledBody {
        over: view.is_over(),
        recall: view.messages.into_iter().find_map(|(_, recall)| recall).map(|id| id.to_string()),
        asked_at: view.asked.map(|(_, at)| time(at)),
        counts: view.total.into(),
        lanes: view
            .lanes
            .into_iter()
            .map(|lane| RecallLaneBody { vendor: lane.vendor, means: lane.vendor.recall().means.slug(), counts: lane.counts.into() })
            .collect(),
        losses: view.losses.into_iter().map(LossBody::from).collect(),
    }
}

async fn view(api: &Api, signed: &Signed, message: Message) -> Result<RecalledBody, Failure> {
    Ok(body(api.house.controls.recall_view(signed.app(), message.content.title.clone(), &[message]).await?))
}

/// Recall a message
///
/// What is unsent stops for good; what was sent is taken back by each vendor's means, at the pace of its lane. Durable before it is
/// answered; asked for again it is the same recall. Part of no funnel.
#[utoipa::path(post, path = "/v1/messages/{id}/recall", tag = "messages", params(("id" = String, Path, description = "`msg_…`")),
    request_body = RecallBody, responses(
    (status = 202, description = "No request of it starts after this; taking back has begun", body = RecalledBody),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "It is a recall itself", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "A notice that cannot be said", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn post(State(api): State<Api>, signed: Signed, Path(id): Path<String>, body: Bytes) -> Result<Response, Failure> {
    let message = find(&api, &signed, &id).await?;
    let asked: RecallBody = if body.is_empty() { RecallBody::default() } else { read_json(&body)? };
    let notice = Notice::or_usual(asked.title, asked.body);
    let app = signed.app();
    api.house.controls.recall(app, &message, &notice, &app.app_key, &signed.address).await?;
    Ok((StatusCode::ACCEPTED, Json(view(&api, &signed, message).await?)).into_response())
}

/// Read a recall
///
/// What it would do, or has done, lane by lane.
#[utoipa::path(get, path = "/v1/messages/{id}/recall", tag = "messages", params(("id" = String, Path, description = "`msg_…`")), responses(
    (status = 200, description = "As it stands", body = RecalledBody),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get(State(api): State<Api>, signed: Signed, Path(id): Path<String>) -> Result<Json<RecalledBody>, Failure> {
    let message = find(&api, &signed, &id).await?;
    Ok(Json(view(&api, &signed, message).await?))
}
