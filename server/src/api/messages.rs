//! Messages: send, read, stop, send again.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use pipeline::access::accept::Submission;
use pipeline::storage::messages::{Message, MessageFilter, Origin, Targets};
use serde::{Deserialize, Serialize};
use types::ids::{CrowdId, MessageId};
use types::life::{MessageState, Outcome};
use types::policy::Versions;
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::token::one_spelling;
use utoipa::ToSchema;

use super::Api;
use super::frame::{Body, Failure, ProblemBody, one, page, pairs, read_json};
use super::shapes::{AcceptedBody, MessageBody, MessageLine, PageBody, SendBody, TargetsBody, read_time, time};
use super::signed::Signed;

const PAGE_MAX: u32 = 500;

/// Send a message
///
/// Durable before it is answered. With the same `Idempotency-Key` and body a repeat returns the first message.
#[utoipa::path(post, path = "/v1/messages", tag = "messages", request_body = SendBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters of your own; a retry with it never sends twice")),
    responses(
    (status = 202, description = "Accepted and on disk", body = AcceptedBody),
    (status = 200, description = "The same key and body came before", body = AcceptedBody),
    (status = 401, description = "The signature does not hold", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The key came before with another body", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn send(State(api): State<Api>, signed: Signed, headers: HeaderMap, Body(body): Body<SendBody>) -> Result<Response, Failure> {
    let idempotency = match headers.get("idempotency-key") {
        None => None,
        Some(value) => match value.to_str() {
            Ok(key) => Some((key.to_owned(), signed.body_sha256)),
            Err(_) => {
                return Err(Problem::field("Idempotency-Key", Text::new("只能用可见的 ASCII 字符", "only visible ASCII characters")).into());
            }
        },
    };
    let submission = Submission {
        campaign: None,
        origin: if body.test { Origin::Test } else { Origin::Api },
        class: body.class,
        business: body.business,
        content: body.content.into(),
        variables: body.variables,
        targets: targets(&api, &signed, body.targets).await?,
        vendor_order: body.lanes,
        versions: body.versions.and_then(|v| Versions::of(v.min.as_deref().unwrap_or(""), v.max.as_deref().unwrap_or(""))),
        hours: None,
        deadline: body.deadline.as_deref().map(|text| read_time("deadline", text)).transpose()?,
        idempotency,
        account: signed.app().app_key.clone(),
        address: signed.address.clone(),
    };
    let accepted = api.house.accept.submit(signed.app(), submission).await?;
    let status = if accepted.fresh { StatusCode::ACCEPTED } else { StatusCode::OK };
    let body = AcceptedBody { id: accepted.id.to_string(), created_at: time(accepted.created_at), repeated: !accepted.fresh };
    Ok((status, Json(body)).into_response())
}

async fn targets(api: &Api, signed: &Signed, body: TargetsBody) -> Result<Targets, Failure> {
    let TargetsBody { users, devices, tokens, crowd } = body;
    match (users, devices, tokens, crowd) {
        (Some(users), None, None, None) => Ok(Targets::Users { users }),
        (None, Some(devices), None, None) => Ok(Targets::Devices { devices }),
        (None, None, Some(tokens), None) => {
            let plausible = |t: &super::shapes::TokenBody| pipeline::vendors::registry::dialect(t.vendor).token_is_plausible(&t.token);
            match tokens.iter().position(|t| !plausible(t)) {
                None => Ok(Targets::Tokens {
                    tokens: tokens.into_iter().map(|t| (t.vendor, one_spelling(t.vendor, &t.token).into_owned())).collect(),
                }),
                Some(i) => {
                    let reason = Text::new("不像这个厂商的令牌", "is no token of this vendor");
                    Err(Problem::field(format!("targets.tokens[{i}].token"), reason).into())
                }
            }
        }
        (None, None, None, Some(crowd)) => {
            let unknown = || Problem::field("targets.crowd", Text::new("本应用没有这个人群包", "this app has no such crowd"));
            let id = CrowdId::parse(&crowd).ok_or_else(unknown)?;
            super::recipients::crowd_is_of(api, signed.app(), &id).await?.then_some(()).ok_or_else(unknown)?;
            Ok(Targets::Crowd { crowd: id })
        }
        _ => {
            let reason = Text::new("users、devices、tokens、crowd 中恰好选一个", "name exactly one of users, devices, tokens, crowd");
            Err(Problem::field("targets", reason).into())
        }
    }
}

/// # Errors
/// `NotFound`, also for another app's message.
pub async fn find(api: &Api, signed: &Signed, id: &str) -> Result<Message, Failure> {
    let id = MessageId::parse(id)
        .ok_or_else(|| Problem::because(Code::NotFound, Text::new("需要 msg_ 加 32 位十六进制", "needs msg_ and 32 hex digits")))?;
    Ok(api.house.controls.find(signed.app(), &id).await?)
}

async fn view(api: &Api, message: &Message) -> Result<Json<MessageBody>, Failure> {
    let counters = api.house.storage.tallies.of_message(message.no).await?;
    Ok(Json(MessageBody::new(message, counters)))
}

/// Read a message
///
/// State, equation, the same per lane, and losses by reason.
#[utoipa::path(get, path = "/v1/messages/{id}", tag = "messages", params(("id" = String, Path, description = "`msg_…`")), responses(
    (status = 200, description = "As it stands", body = MessageBody),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get(State(api): State<Api>, signed: Signed, Path(id): Path<String>) -> Result<Json<MessageBody>, Failure> {
    view(&api, &find(&api, &signed, &id).await?).await
}

/// List messages
#[utoipa::path(get, path = "/v1/messages", tag = "messages", params(
    ("state" = Option<String>, Query, description = "`planning`, `sending`, `paused`, `finished`, `cancelled`"),
    ("after" = Option<String>, Query, description = "`next` of the page before"),
    ("size" = Option<u32>, Query, description = "1 to 500, 50 when absent")), responses(
    (status = 200, description = "Newest first", body = PageBody<MessageLine>)))]
pub async fn list(State(api): State<Api>, signed: Signed, RawQuery(query): RawQuery) -> Result<Json<PageBody<MessageLine>>, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["state", "after", "size"])?;
    let state = match one(&query, "state") {
        None => None,
        Some(text) => Some(MessageState::ALL.into_iter().find(|s| s.slug() == text).ok_or_else(|| {
            let known = MessageState::ALL.map(MessageState::slug).join(", ");
            Problem::field("state", Words::new(format!("可用：{known}"), format!("known: {known}")))
        })?),
    };
    let filter = MessageFilter { state, ..MessageFilter::default() };
    let page = api.house.storage.messages.list(signed.app().no, &filter, &page(&query, PAGE_MAX)?).await?;
    let line = |m: Message| MessageLine {
        id: m.id.to_string(),
        state: m.state,
        class: m.class,
        origin: m.origin.slug(),
        business: m.business,
        created_at: time(m.created_at),
        deadline: time(m.deadline),
    };
    Ok(Json(PageBody { items: page.items.into_iter().map(line).collect(), next: page.next }))
}

#[derive(Serialize, ToSchema)]
pub struct CancelledBody {
    /// Recipients that had not been sent to.
    pub cancelled: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendBody {
    /// Among `refused`, `expired`, `cancelled`, `uncertain`.
    pub outcomes: Vec<String>,
}

/// `POST /v1/messages/{id}:{verb}`.
pub async fn verb(State(api): State<Api>, signed: Signed, Path(both): Path<String>, body: Bytes) -> Result<Response, Failure> {
    let (id, verb) = both.split_once(':').unwrap_or((&both, ""));
    let message = find(&api, &signed, id).await?;
    match verb {
        "cancel" => cancel(&api, &message).await,
        "pause" => pause(&api, &message).await,
        "resume" => resume(&api, &message).await,
        "resend" => resend(&api, &signed, &message, read_json(&body)?).await,
        "resend_silent" => resend_silent(&api, &signed, &message).await,
        _ => Err(Problem::because(
            Code::NotFound,
            Text::new(
                "可用：:cancel、:pause、:resume、:resend、:resend_silent",
                "known: :cancel, :pause, :resume, :resend, :resend_silent",
            ),
        )
        .into()),
    }
}

/// Cancel
///
/// What has not been sent ends as cancelled; what was handed over stays. Cannot be undone.
#[utoipa::path(post, path = "/v1/messages/{id}:cancel", tag = "messages", params(("id" = String, Path, description = "`msg_…`")), responses(
    (status = 200, description = "No request starts after this", body = CancelledBody),
    (status = 409, description = "It is over", body = ProblemBody, content_type = "application/problem+json")))]
async fn cancel(api: &Api, message: &Message) -> Result<Response, Failure> {
    Ok(Json(CancelledBody { cancelled: api.house.controls.cancel(message.no).await? }).into_response())
}

/// Pause
#[utoipa::path(post, path = "/v1/messages/{id}:pause", tag = "messages", params(("id" = String, Path, description = "`msg_…`")), responses(
    (status = 204, description = "No request starts after this"),
    (status = 409, description = "Not running", body = ProblemBody, content_type = "application/problem+json")))]
async fn pause(api: &Api, message: &Message) -> Result<Response, Failure> {
    api.house.controls.pause(message.no).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Resume
#[utoipa::path(post, path = "/v1/messages/{id}:resume", tag = "messages", params(("id" = String, Path, description = "`msg_…`")), responses(
    (status = 204, description = "Sending goes on"),
    (status = 409, description = "Not paused", body = ProblemBody, content_type = "application/problem+json")))]
async fn resume(api: &Api, message: &Message) -> Result<Response, Failure> {
    api.house.controls.resume(message.no).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Send again
///
/// A new message to those of an ended one with these outcomes. Phones that showed the first one show no second.
#[utoipa::path(post, path = "/v1/messages/{id}:resend", tag = "messages", params(("id" = String, Path, description = "`msg_…`")), request_body = ResendBody, responses(
    (status = 202, description = "Accepted and on disk", body = AcceptedBody),
    (status = 409, description = "It still runs", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "An outcome that is never sent again", body = ProblemBody, content_type = "application/problem+json")))]
async fn resend(api: &Api, signed: &Signed, message: &Message, body: ResendBody) -> Result<Response, Failure> {
    let outcomes: Option<Vec<Outcome>> = body.outcomes.iter().map(|text| Outcome::parse(text)).collect();
    let app = signed.app();
    let accepted = api.house.controls.resend(app, message, &outcomes.unwrap_or_default(), &app.app_key, &signed.address).await?;
    let body = AcceptedBody { id: accepted.id.to_string(), created_at: time(accepted.created_at), repeated: !accepted.fresh };
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

#[derive(Serialize, ToSchema)]
pub struct AgainBody {
    /// Recipients that go again.
    pub again: u64,
}

/// Send again to those not heard of
///
/// To everybody of this message whom the vendor took and no delivery receipt came of: by the same lane, under the same message id and
/// showing key, however often they were sent to. Outcomes and counters stay as they are. What the lane does by itself is a setting of
/// the lane.
#[utoipa::path(post, path = "/v1/messages/{id}:resend_silent", tag = "messages", params(("id" = String, Path, description = "`msg_…`")), responses(
    (status = 200, description = "They are back in their lanes' lines", body = AgainBody),
    (status = 409, description = "Paused, cancelled, or past its deadline", body = ProblemBody, content_type = "application/problem+json")))]
async fn resend_silent(api: &Api, signed: &Signed, message: &Message) -> Result<Response, Failure> {
    let again = api.house.controls.resend_silent(signed.app(), message, &super::policy::actor(signed)).await?;
    Ok(Json(AgainBody { again }).into_response())
}
