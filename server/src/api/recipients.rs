//! What became of each recipient of a message: read from its chunks, no row per device anywhere.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use pipeline::storage::apps::App;
use pipeline::storage::chunks::ChunkView;
use pipeline::storage::frame::{Outcomes, Recipient, decode_recipients, key_of};
use serde::Serialize;
use types::crowd::KeyKind;
use types::ids::{ChunkNo, CrowdId};
use types::life::Outcome;
use types::problem::Problem;
use types::receipt::ReceiptKind;
use types::text::{Text, Words};
use types::token::one_spelling;
use types::vendor::Vendor;
use utoipa::ToSchema;

use super::Api;
use super::devices::vendor_of;
use super::frame::{Failure, ProblemBody, one, page, pairs};
use super::messages::find;
use super::shapes::{PageBody, time};
use super::signed::Signed;

const PAGE_MAX: u32 = 200;
/// Chunks read for one page, so that a rare outcome cannot make a call endless; `next` goes on from there.
const CHUNKS_MAX: u32 = 100;

/// One recipient of one message.
#[derive(Serialize, ToSchema)]
pub struct RecipientBody {
    /// `dev_…`, when it is a registered device.
    pub device: Option<String>,
    pub user_id: Option<String>,
    /// What the call or the crowd named, when no device says who it is.
    pub target: Option<String>,
    #[schema(value_type = Option<String>)]
    pub vendor: Option<Vendor>,
    /// `waiting`, `accepted`, `refused`, `filtered`, `expired`, `cancelled` or `uncertain`.
    #[schema(value_type = String)]
    pub outcome: Outcome,
    /// The rule that filtered it, or the class of the failure.
    pub reason: String,
    /// The vendor's own code and words.
    pub words: String,
    /// `delivered`, `displayed`, `clicked`, …
    pub receipts: Vec<&'static str>,
    /// Why this lane was chosen.
    pub why: String,
    pub updated_at: String,
}

/// # Errors
/// When the store fails.
pub async fn crowd_is_of(api: &Api, app: &App, id: &CrowdId) -> Result<bool, Failure> {
    Ok(api.house.storage.crowds.get(id).await?.is_some_and(|crowd| crowd.app_no == app.no))
}

/// Recipients and their outcomes
///
/// All of them page by page, or one: by `user_id`, `device_id`, or `vendor` and `token`, as the message named them.
#[utoipa::path(get, path = "/v1/messages/{id}/recipients", tag = "messages", params(
    ("id" = String, Path, description = "`msg_…`"),
    ("outcome" = Option<Vec<String>>, Query, description = "Only these; may be repeated"),
    ("user_id" = Option<String>, Query, description = "One user, of a message to users"),
    ("device_id" = Option<String>, Query, description = "One device, of a message to devices"),
    ("vendor" = Option<String>, Query, description = "With `token`"),
    ("token" = Option<String>, Query, description = "One token, of a message to tokens"),
    ("after" = Option<String>, Query, description = "`next` of the page before"),
    ("size" = Option<u32>, Query, description = "1 to 200, 50 when absent")), responses(
    (status = 200, description = "In a stable order; a page may be short and still have a `next`", body = PageBody<RecipientBody>),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list(
    State(api): State<Api>,
    signed: Signed,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<RecipientBody>>, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["outcome", "user_id", "device_id", "vendor", "token", "after", "size"])?;
    let outcomes = outcomes_of(&query)?;
    let page = page(&query, PAGE_MAX)?;
    let message = find(&api, &signed, &id).await?;
    let asked: Vec<i64> = key_asked(&query)?.into_iter().collect();
    if let [key] = asked[..] {
        let mut items = Vec::new();
        for chunk in api.house.storage.chunks.holding(message.no, key).await? {
            for (_, item) in read(&api, &chunk, 0, PAGE_MAX as usize, |r, outcome| r.key == key && wanted(&outcomes, outcome)).await? {
                items.push(item);
            }
        }
        return Ok(Json(PageBody { items, next: None }));
    }
    let (mut chunk_no, mut from) = match page.after.as_deref() {
        None => (0, 0),
        Some(text) => cursor(text)?,
    };
    let mut items = Vec::new();
    let size = page.size as usize;
    for _ in 0..CHUNKS_MAX {
        // `after` is exclusive, and a chunk may be read in two pages.
        let Some(chunk) = api.house.storage.chunks.of_message(message.no, ChunkNo(chunk_no - 1), 1).await?.pop() else {
            return Ok(Json(PageBody { items, next: None }));
        };
        if chunk.no.0 != chunk_no {
            (chunk_no, from) = (chunk.no.0, 0);
        }
        let found = read(&api, &chunk, from, size - items.len(), |_, outcome| wanted(&outcomes, outcome)).await?;
        let last = found.last().map(|(i, _)| *i);
        items.extend(found.into_iter().map(|(_, item)| item));
        if let (true, Some(last)) = (items.len() == size, last) {
            return Ok(Json(PageBody { items, next: Some(format!("{chunk_no}.{}", last + 1)) }));
        }
        (chunk_no, from) = (chunk_no + 1, 0);
    }
    Ok(Json(PageBody { items, next: Some(format!("{chunk_no}.0")) }))
}

fn wanted(outcomes: &[Outcome], outcome: Outcome) -> bool {
    outcomes.is_empty() || outcomes.contains(&outcome)
}

fn cursor(text: &str) -> Result<(i64, usize), Failure> {
    let read = text.split_once('.').and_then(|(chunk, at)| Some((chunk.parse::<i64>().ok().filter(|n| *n >= 0)?, at.parse().ok()?)));
    read.ok_or_else(|| Problem::field("after", Text::new("请用上一页的 next", "use `next` of the page before")).into())
}

fn outcomes_of(query: &[(String, String)]) -> Result<Vec<Outcome>, Failure> {
    query
        .iter()
        .filter(|(name, _)| name == "outcome")
        .map(|(_, text)| {
            Outcome::parse(text).ok_or_else(|| {
                let known = Outcome::ALL.map(Outcome::slug).join(", ");
                Problem::field("outcome", Words::new(format!("可用：{known}"), format!("known: {known}"))).into()
            })
        })
        .collect()
}

fn key_asked(query: &[(String, String)]) -> Result<Option<i64>, Failure> {
    match (one(query, "user_id"), one(query, "device_id"), one(query, "vendor"), one(query, "token")) {
        (None, None, None, None) => Ok(None),
        (Some(user), None, None, None) => Ok(Some(key_of(KeyKind::User, None, user))),
        (None, Some(device), None, None) => Ok(Some(key_of(KeyKind::Device, None, device))),
        (None, None, Some(vendor), Some(token)) => {
            let vendor = vendor_of("vendor", vendor)?;
            Ok(Some(key_of(KeyKind::Token, Some(vendor), &one_spelling(vendor, token))))
        }
        _ => {
            let reason = Text::new("user_id、device_id、vendor+token 中只能选一种", "one of user_id, device_id, or vendor with token");
            Err(Problem::field("user_id", reason).into())
        }
    }
}

/// Up to `max` recipients of a chunk from place `from`, with their places.
async fn read(
    api: &Api,
    chunk: &ChunkView,
    from: usize,
    max: usize,
    keep: impl Fn(&Recipient, Outcome) -> bool,
) -> Result<Vec<(usize, RecipientBody)>, Failure> {
    let recipients = decode_recipients(&chunk.recipients)?;
    let outcomes = Outcomes::decode(&chunk.outcomes)?;
    let mut found = Vec::new();
    for (i, recipient) in recipients.into_iter().enumerate().skip(from) {
        if found.len() == max {
            break;
        }
        let (outcome, reason) = outcomes.get(i);
        if !keep(&recipient, outcome) {
            continue;
        }
        let device = match recipient.device_no {
            0 => None,
            no => api.house.storage.devices.by_no(no).await?,
        };
        let marks = chunk.marks.get(i).copied().unwrap_or(0);
        let reason = reason.cloned().unwrap_or_default();
        let body = RecipientBody {
            device: device.as_ref().map(|d| d.id.to_string()),
            user_id: device.and_then(|d| d.user_id),
            target: Some(recipient.target).filter(|t| !t.is_empty()),
            vendor: chunk.vendor,
            outcome,
            reason: reason.slug,
            words: reason.words,
            receipts: (0..8)
                .filter(|bit| marks & (1 << bit) != 0)
                .filter_map(|bit| ReceiptKind::of_bit(1 << bit))
                .map(ReceiptKind::slug)
                .collect(),
            why: chunk.why.clone(),
            updated_at: time(chunk.updated_at),
        };
        found.push((i, body));
    }
    Ok(found)
}
