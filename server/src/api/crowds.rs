//! Crowds: a whole file in one call, read back with its counts and its rejected rows.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use pipeline::access::crowd::import::ImportOrder;
use pipeline::storage::crowds::{Crowd, CrowdFilter};
use serde::Serialize;
use types::crowd::Mapping;
use types::ids::CrowdId;
use types::problem::{Code, Problem};
use types::text::{Lang, Text};
use utoipa::ToSchema;

use super::Api;
use super::frame::{Failure, ProblemBody, one, page, pairs};
use super::shapes::{PageBody, time};
use super::signed::Signed;

const PAGE_MAX: u32 = 500;

/// A confirmed crowd.
#[derive(Serialize, ToSchema)]
pub struct CrowdBody {
    pub id: String,
    pub name: String,
    pub file_name: String,
    pub file_size: u64,
    /// Of the file as uploaded, hex.
    pub sha256: String,
    /// Data rows read; blank ones and the header not counted.
    pub rows: u64,
    /// Recipients.
    pub valid: u64,
    pub duplicate: u64,
    pub malformed: u64,
    /// Valid rows whose user, device or token this app did not know at upload.
    pub unknown: u64,
    /// Rejected rows by reason; the rows themselves are at `/v1/crowds/{id}/rejects`.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub reasons: BTreeMap<types::crowd::RejectReason, u64>,
    pub created_at: String,
}

impl From<Crowd> for CrowdBody {
    fn from(crowd: Crowd) -> CrowdBody {
        CrowdBody {
            id: crowd.id.to_string(),
            name: crowd.name,
            file_name: crowd.file_name,
            file_size: crowd.file_size,
            sha256: crowd.sha256,
            rows: crowd.counts.rows,
            valid: crowd.counts.valid,
            duplicate: crowd.counts.duplicate,
            malformed: crowd.counts.malformed,
            unknown: crowd.counts.unknown,
            reasons: crowd.reasons,
            created_at: time(crowd.created_at),
        }
    }
}

/// Upload a crowd
///
/// The body is the file: CSV, TSV, TXT, XLSX, gzip; UTF-8, UTF-16, GB18030. Encoding, delimiter and header are detected;
/// columns are guessed unless `mapping` says them. Files over 1 MiB need `X-Content-Sha256`, whose value is then line 7 of the
/// string to sign; the file is checked against it while it streams, and nothing is kept when it differs.
#[utoipa::path(post, path = "/v1/crowds", tag = "crowds", params(
    ("name" = String, Query, description = "Name of the crowd"),
    ("file_name" = Option<String>, Query, description = "Shown in the console"),
    ("mapping" = Option<String>, Query, description = "JSON: `{\"key\":\"user\",\"key_column\":0,\"variables\":{\"name\":1}}`"),
    ("X-Content-Sha256" = Option<String>, Header, description = "Hex SHA-256 of the file")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 201, description = "Stored and usable", body = CrowdBody),
    (status = 409, description = "The name is taken", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "No usable rows, or the mapping does not fit", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn upload(State(api): State<Api>, signed: Signed, RawQuery(query): RawQuery, body: Body) -> Result<Response, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["name", "file_name", "mapping"])?;
    let name = one(&query, "name").map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::field("name", Text::new("请给人群包起名", "name the crowd")))?;
    let mapping: Option<Mapping> = match one(&query, "mapping") {
        None => None,
        Some(json) => Some(serde_json::from_str(json).map_err(|error| {
            let said = error.to_string();
            Problem::field("mapping", types::text::Words::new(format!("JSON 读不懂：{said}"), format!("the JSON cannot be read: {said}")))
        })?),
    };
    let order = ImportOrder {
        name: name.to_owned(),
        file_name: one(&query, "file_name").unwrap_or("upload").to_owned(),
        mapping,
        ..ImportOrder::default()
    };
    let app = signed.app();
    let crowd = api.house.crowds.import_all(app.no, &app.app_key, order, body.into_data_stream()).await?;
    Ok((StatusCode::CREATED, Json(CrowdBody::from(crowd))).into_response())
}

async fn find(api: &Api, signed: &Signed, id: &str) -> Result<Crowd, Failure> {
    let unknown = || Problem::because(Code::NotFound, Text::new("本应用没有这个人群包", "this app has no such crowd"));
    let id = CrowdId::parse(id).ok_or_else(unknown)?;
    let crowd = api.house.storage.crowds.get(&id).await?;
    Ok(crowd.filter(|crowd| crowd.app_no == signed.app().no).ok_or_else(unknown)?)
}

/// Read a crowd
#[utoipa::path(get, path = "/v1/crowds/{id}", tag = "crowds", params(("id" = String, Path, description = "`crd_…`")), responses(
    (status = 200, description = "Counts and reasons", body = CrowdBody),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get(State(api): State<Api>, signed: Signed, Path(id): Path<String>) -> Result<Json<CrowdBody>, Failure> {
    Ok(Json(find(&api, &signed, &id).await?.into()))
}

/// List crowds
#[utoipa::path(get, path = "/v1/crowds", tag = "crowds", params(
    ("name" = Option<String>, Query, description = "Part of the name"),
    ("after" = Option<String>, Query, description = "`next` of the page before"),
    ("size" = Option<u32>, Query, description = "1 to 500, 50 when absent")), responses(
    (status = 200, description = "Newest first", body = PageBody<CrowdBody>)))]
pub async fn list(State(api): State<Api>, signed: Signed, RawQuery(query): RawQuery) -> Result<Json<PageBody<CrowdBody>>, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["name", "after", "size"])?;
    let filter = CrowdFilter { name: one(&query, "name").map(str::to_owned), tag: None };
    let page = api.house.storage.crowds.list(signed.app().no, &filter, &page(&query, PAGE_MAX)?).await?;
    Ok(Json(PageBody { items: page.items.into_iter().map(CrowdBody::from).collect(), next: page.next }))
}

/// The rejected rows
///
/// CSV with row number, reason and the row as it was.
#[utoipa::path(get, path = "/v1/crowds/{id}/rejects", tag = "crowds", params(("id" = String, Path, description = "`crd_…`")), responses(
    (status = 200, description = "A file", body = String, content_type = "text/csv"),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn rejects(State(api): State<Api>, signed: Signed, Path(id): Path<String>) -> Result<Response, Failure> {
    let crowd = find(&api, &signed, &id).await?;
    let lines = api.house.crowds.rejects_of_crowd(signed.app().no, &crowd.id, Lang::En).await?;
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, "attachment; filename=\"rejects.csv\"")];
    Ok((headers, Body::from_stream(lines)).into_response())
}
