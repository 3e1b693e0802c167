//! Dead letters: recipients that could have been accepted and were not; read, and send again.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pipeline::access::actor::Actor;
use pipeline::storage::dead_letters::{DeadFilter, DeadLetter};
use serde::{Deserialize, Serialize};
use types::ids::{CampaignId, MessageId};
use types::life::Outcome;
use types::problem::Problem;
use types::text::{Text, Words};
use types::vendor::Vendor;
use utoipa::ToSchema;

use super::Api;
use super::frame::{Body, Failure, ProblemBody, one, page, pairs};
use super::shapes::{AcceptedBody, PageBody, read_time, time};
use super::signed::Signed;

const PAGE_MAX: u32 = 500;

/// Recipients of one message in one lane that ended for one reason.
#[derive(Serialize, ToSchema)]
pub struct DeadLetterBody {
    /// Names it in a replay.
    pub line: i64,
    /// `msg_…`
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// The vendor of the lane.
    #[schema(value_type = Option<String>)]
    pub lane: Option<Vendor>,
    /// `refused`, `expired` or `uncertain`.
    pub outcome: &'static str,
    /// A class of failure; empty when there is none.
    pub reason: String,
    /// The vendor's.
    pub words: String,
    pub recipients: u64,
    /// The first of them ended then.
    pub at: String,
    /// Its message is over: it may be replayed.
    pub over: bool,
    /// The message that went to them again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed_at: Option<String>,
    /// What to do first, in words.
    pub remedy: String,
}

impl From<DeadLetter> for DeadLetterBody {
    fn from(letter: DeadLetter) -> DeadLetterBody {
        let (replayed_by, replayed_at) = letter.replay.as_ref().map(|(by, at)| (by.to_string(), time(*at))).unzip();
        DeadLetterBody {
            line: letter.no,
            message: letter.message.to_string(),
            over: letter.over(),
            campaign: letter.campaign.map(|id| id.to_string()),
            lane: letter.vendor,
            outcome: letter.outcome.slug(),
            remedy: types::dead::remedy(letter.outcome, &letter.reason).en.to_owned(),
            reason: letter.reason,
            words: letter.words,
            recipients: letter.recipients,
            at: time(letter.at),
            replayed_by,
            replayed_at,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// 1 to 200 lines.
    pub lines: Vec<i64>,
    /// Nothing is sent after it; at most 30 days ahead.
    #[schema(example = "2026-11-21T20:00:00+08:00")]
    pub deadline: String,
}

#[derive(Serialize, ToSchema)]
pub struct ReplayedBody {
    /// One message for each of those the lines were of.
    pub messages: Vec<AcceptedBody>,
}

fn known<T>(field: &str, text: Option<&str>, read: impl Fn(&str) -> Option<T>, known: &str) -> Result<Option<T>, Problem> {
    let wrong = || Problem::field(field, Words::new(format!("可用：{known}"), format!("known: {known}")));
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
}

/// List dead letters
///
/// Recipients that could have been accepted and were not, by message, lane and reason; newest first. Dead tokens and refused
/// content are not among them.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "dead letters", params(
    ("lane" = Option<String>, Query, description = "A vendor"),
    ("outcome" = Option<String>, Query, description = "`refused`, `expired` or `uncertain`"),
    ("reason" = Option<String>, Query, description = "A class of failure"),
    ("message" = Option<String>, Query, description = "`msg_…`"),
    ("campaign" = Option<String>, Query, description = "`cmp_…`"),
    ("from" = Option<String>, Query, description = "The first of them at or after, RFC 3339"),
    ("to" = Option<String>, Query, description = "The first of them before, RFC 3339"),
    ("replayed" = Option<bool>, Query, description = "Only those replayed, or only those not"),
    ("after" = Option<String>, Query, description = "`next` of the page before"),
    ("size" = Option<u32>, Query, description = "1 to 500, 50 when absent")), responses(
    (status = 200, description = "Newest first", body = PageBody<DeadLetterBody>),
    (status = 422, description = "Parameters at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list(State(api): State<Api>, signed: Signed, RawQuery(query): RawQuery) -> Result<Json<PageBody<DeadLetterBody>>, Failure> {
    let names = ["lane", "outcome", "reason", "message", "campaign", "from", "to", "replayed", "after", "size"];
    let query = pairs(query.as_deref().unwrap_or(""), &names)?;
    let instant = |field: &str| one(&query, field).map(|text| read_time(field, text)).transpose();
    let vendors = Vendor::ALL.map(Vendor::slug).join(", ");
    let outcomes = types::dead::OUTCOMES.map(Outcome::slug).join(", ");
    let filter = DeadFilter {
        vendor: known("lane", one(&query, "lane"), Vendor::parse, &vendors)?,
        outcome: known("outcome", one(&query, "outcome"), |text| types::dead::OUTCOMES.into_iter().find(|o| o.slug() == text), &outcomes)?,
        reason: one(&query, "reason").map(str::to_owned),
        message: known("message", one(&query, "message"), MessageId::parse, "msg_…")?,
        campaign: known("campaign", one(&query, "campaign"), CampaignId::parse, "cmp_…")?,
        from: instant("from")?,
        to: instant("to")?,
        replayed: known("replayed", one(&query, "replayed"), |text| text.parse().ok(), "true, false")?,
    };
    let found = api.house.dead_letters.list(signed.app(), &filter, &page(&query, PAGE_MAX)?).await?;
    Ok(Json(PageBody { items: found.items.into_iter().map(DeadLetterBody::from).collect(), next: found.next }))
}

/// Replay dead letters
///
/// One message of its own for each message the lines are of, to exactly these recipients; policy is asked again. All or nothing;
/// a line is replayed once.
#[utoipa::path(post, path = "/v1/dead-letters/replay", tag = "dead letters", request_body = ReplayBody, responses(
    (status = 202, description = "Accepted and on disk", body = ReplayedBody),
    (status = 409, description = "A message still runs, or a line was replayed before", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn replay(State(api): State<Api>, signed: Signed, Body(body): Body<ReplayBody>) -> Result<Response, Failure> {
    if body.deadline.trim().is_empty() {
        return Err(Problem::field("deadline", Text::new("补发要有新的截止时间", "a replay needs a deadline of its own")).into());
    }
    let deadline = read_time("deadline", &body.deadline)?;
    let app = signed.app();
    let actor = Actor { id: app.app_key.clone(), name: app.app_key.clone(), address: signed.address.clone(), request_id: String::new() };
    let made = api.house.dead_letters.replay(app, &body.lines, deadline, &actor).await?;
    let messages = made
        .into_iter()
        .map(|accepted| AcceptedBody { id: accepted.id.to_string(), created_at: time(accepted.created_at), repeated: false })
        .collect();
    Ok((StatusCode::ACCEPTED, Json(ReplayedBody { messages })).into_response())
}
