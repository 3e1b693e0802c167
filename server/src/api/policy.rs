//! Rules of the app and its blacklist.

use axum::Json;
use axum::extract::{RawQuery, State};
use pipeline::access::actor::Actor;
use pipeline::access::blacklist::BlacklistFile;
use pipeline::storage::policy::{Blocked, NewBlocked};
use serde::{Deserialize, Serialize};
use types::policy::{Rules, Stopped};
use types::problem::Problem;
use types::text::Text;
use utoipa::ToSchema;

use super::Api;
use super::frame::{Body, Failure, ProblemBody, one, page, pairs};
use super::shapes::{PageBody, time};
use super::signed::Signed;

const PAGE_MAX: u32 = 500;
/// In one call; files with more go through the console.
const ENTRIES_MAX: usize = 10_000;

/// The app itself is the actor: the audit log shows its key.
pub(super) fn actor(signed: &Signed) -> Actor {
    Actor {
        id: signed.app().app_key.clone(),
        name: signed.app().app_key.clone(),
        address: signed.address.clone(),
        request_id: String::new(),
    }
}

#[derive(Serialize, ToSchema)]
pub struct PolicyBody {
    /// Send it back with a change.
    pub revision: i64,
    /// `zone`, `key_businesses`, `quiet`, `caps`, `same_content`, `vendor_caps`; `docs/policy.md` says what each means.
    #[schema(value_type = Object)]
    pub rules: Rules,
    /// The app-wide stop switch, set in the console: who, when, why.
    #[schema(value_type = Option<Object>)]
    pub stopped: Option<Stopped>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// The one the rules were edited from.
    pub revision: i64,
    #[schema(value_type = Object, example = json!({"zone": "Asia/Shanghai", "caps": [{"per": "day", "most": 3, "transactional_exempt": true}]}))]
    pub rules: Rules,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlacklistBody {
    /// 1 to 10,000.
    pub entries: Vec<EntryBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryBody {
    pub user_id: String,
    /// A business type, or `all`; all when absent.
    #[serde(default)]
    pub group: String,
    /// At most 200 characters.
    #[serde(default)]
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
pub struct EntryView {
    pub user_id: String,
    /// A business type, or `all`.
    pub group: String,
    pub reason: String,
    pub added_by: String,
    pub added_at: String,
}

impl From<Blocked> for EntryView {
    fn from(entry: Blocked) -> EntryView {
        EntryView {
            user_id: entry.user_id,
            group: if entry.group.is_empty() { "all".to_owned() } else { entry.group },
            reason: entry.reason,
            added_by: entry.added_by,
            added_at: time(entry.added_at),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct CountBody {
    pub entries: u64,
}

fn group(text: &str) -> String {
    if text == "all" { String::new() } else { text.to_owned() }
}

async fn view(api: &Api, signed: &Signed) -> Result<Json<PolicyBody>, Failure> {
    let policy = api.house.policy.of(signed.app()).await?;
    Ok(Json(PolicyBody { revision: policy.revision, rules: policy.rules.clone(), stopped: policy.stopped.clone() }))
}

/// Read the rules
#[utoipa::path(get, path = "/v1/policy", tag = "policy", responses((status = 200, description = "As they are now", body = PolicyBody)))]
pub async fn read(State(api): State<Api>, signed: Signed) -> Result<Json<PolicyBody>, Failure> {
    view(&api, &signed).await
}

/// Replace the rules
///
/// All at once. Whatever quiet hours hold is asked again by the new rules. `approve_above` and `confirm_above` stay as the console
/// set them.
#[utoipa::path(put, path = "/v1/policy", tag = "policy", request_body = PolicyChange, responses(
    (status = 200, description = "In force", body = PolicyBody),
    (status = 409, description = "Somebody changed them first: read them again", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn replace(State(api): State<Api>, signed: Signed, Body(body): Body<PolicyChange>) -> Result<Json<PolicyBody>, Failure> {
    let known = api.house.policy.of(signed.app()).await?;
    // Who must look before a campaign starts is people's to say, in the console: a server's secret lifts no such rule.
    let rules = Rules { approve_above: known.rules.approve_above, confirm_above: known.rules.confirm_above, ..body.rules };
    api.house.policy.save(signed.app(), body.revision, rules, &actor(&signed)).await?;
    view(&api, &signed).await
}

/// List the blacklist
#[utoipa::path(get, path = "/v1/blacklist", tag = "policy", params(
    ("user_id" = Option<String>, Query, description = "Accounts that begin so"),
    ("group" = Option<String>, Query, description = "A business type, or `all`"),
    ("after" = Option<String>, Query, description = "`next` of the page before"),
    ("size" = Option<u32>, Query, description = "1 to 500, 50 when absent")), responses(
    (status = 200, description = "Newest first", body = PageBody<EntryView>)))]
pub async fn list(State(api): State<Api>, signed: Signed, RawQuery(query): RawQuery) -> Result<Json<PageBody<EntryView>>, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["user_id", "group", "after", "size"])?;
    let group = one(&query, "group").map(group);
    let page = page(&query, PAGE_MAX)?;
    let page = api.house.storage.policy.blocked(signed.app().no, one(&query, "user_id"), group.as_deref(), &page).await?;
    Ok(Json(PageBody { items: page.items.into_iter().map(EntryView::from).collect(), next: page.next }))
}

/// Put accounts on the blacklist
///
/// All or nothing. From then on nothing is sent to them, also of what is planned already. An entry that is there takes the new reason.
#[utoipa::path(post, path = "/v1/blacklist", tag = "policy", request_body = BlacklistBody, responses(
    (status = 200, description = "On the list", body = CountBody),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn add(State(api): State<Api>, signed: Signed, Body(body): Body<BlacklistBody>) -> Result<Json<CountBody>, Failure> {
    if body.entries.len() > ENTRIES_MAX {
        return Err(Problem::field("entries", Text::new("一次最多 10000 个", "at most 10000 in one call")).into());
    }
    let entries = body.entries.into_iter().map(|e| NewBlocked { user_id: e.user_id, group: group(&e.group), reason: e.reason }).collect();
    Ok(Json(CountBody { entries: api.house.policy.block(signed.app(), entries, &actor(&signed)).await? }))
}

/// Take an account off the blacklist
#[utoipa::path(delete, path = "/v1/blacklist", tag = "policy", params(
    ("user_id" = String, Query, description = "Exactly this account"),
    ("group" = Option<String>, Query, description = "A business type, or `all`; `all` when absent")), responses(
    (status = 200, description = "How many entries there were: 0 or 1", body = CountBody),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn remove(State(api): State<Api>, signed: Signed, RawQuery(query): RawQuery) -> Result<Json<CountBody>, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["user_id", "group"])?;
    let Some(user) = one(&query, "user_id") else {
        return Err(Problem::field("user_id", Text::new("写明账号", "name the account")).into());
    };
    let entry = (user.to_owned(), one(&query, "group").map(group).unwrap_or_default());
    Ok(Json(CountBody { entries: api.house.policy.unblock(signed.app(), &[entry], &actor(&signed)).await? }))
}

/// What became of a blacklist file.
#[derive(Serialize, ToSchema)]
pub struct FileBody {
    /// Data rows read; blank ones and the header not counted. `added + duplicate + rejected`.
    pub rows: u64,
    /// On the list now, those among them that were before.
    pub added: u64,
    /// The same account and group again.
    pub duplicate: u64,
    pub rejected: u64,
    /// The first 100 of the rejected.
    pub rejects: Vec<FileReject>,
}

#[derive(Serialize, ToSchema)]
pub struct FileReject {
    /// From 1, without the header.
    pub row: u64,
    pub reason: &'static str,
}

/// Put the accounts of a file on the blacklist
///
/// The body is the file: CSV, TSV, TXT, XLSX, gzip; UTF-8, UTF-16, GB18030; a column called `account`, `user_id` or `账号` (without a header
/// the first one), optional columns `group` and `reason`. Good rows go on the list, rejected ones are named. Files over 1 MiB need
/// `X-Content-Sha256`, as `POST /v1/crowds` says; the same file again changes nothing.
#[utoipa::path(post, path = "/v1/blacklist/file", tag = "policy", params(
    ("file_name" = Option<String>, Query, description = "Shown in the audit log"),
    ("group" = Option<String>, Query, description = "Of rows that name none: a business type, or `all`; all when absent"),
    ("reason" = Option<String>, Query, description = "Of rows that name none"),
    ("X-Content-Sha256" = Option<String>, Header, description = "Hex SHA-256 of the file")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 200, description = "On the list", body = FileBody),
    (status = 400, description = "Not a table, or without a usable row", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn add_file(
    State(api): State<Api>,
    signed: Signed,
    RawQuery(query): RawQuery,
    body: axum::body::Body,
) -> Result<Json<FileBody>, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["file_name", "group", "reason"])?;
    let file = BlacklistFile {
        name: one(&query, "file_name").unwrap_or("upload").to_owned(),
        group: one(&query, "group").map(group).unwrap_or_default(),
        reason: one(&query, "reason").unwrap_or_default().to_owned(),
    };
    let folder = api.house.data_dir.join("uploads");
    let report = api.house.policy.block_file(signed.app(), &folder, file, body.into_data_stream(), &actor(&signed)).await?;
    Ok(Json(FileBody {
        rows: report.rows,
        added: report.added,
        duplicate: report.duplicate,
        rejected: report.rejected,
        rejects: report.named.iter().map(|r| FileReject { row: r.row, reason: r.why.name().en }).collect(),
    }))
}
