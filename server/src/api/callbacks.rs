//! Where vendors post receipts: on disk first, answered at once, read later.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use pipeline::receipts::listen;
use types::problem::{Code, Problem};
use types::vendor::Vendor;

use super::Api;
use super::frame::{Failure, ProblemBody};

/// Bytes of one callback.
pub const BODY_MAX: usize = listen::BODY_MAX;

/// A vendor's receipts
///
/// The address holds 128 random bits of the app; every receipt must bring back the word we gave with its message.
#[utoipa::path(post, path = "/callbacks/{vendor}/{secret}", tag = "callbacks", params(
    ("vendor" = String, Path, description = "`xiaomi`"), ("secret" = String, Path, description = "Of the app")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"), security(()), responses(
    (status = 200, description = "On disk"),
    (status = 404, description = "No such address", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn take(
    State(api): State<Api>,
    Path(address): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    keep(&api, address, query, &headers, body).await
}

/// A vendor's look at the address
///
/// Some vendors ask for an `echostr` when the address is registered, or put a receipt into the query.
#[utoipa::path(get, path = "/callbacks/{vendor}/{secret}", tag = "callbacks", params(
    ("vendor" = String, Path, description = "`jpush`"), ("secret" = String, Path, description = "Of the app")),
    security(()), responses(
    (status = 200, description = "On disk; `echostr` said back", body = String, content_type = "text/plain"),
    (status = 404, description = "No such address", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn look(
    State(api): State<Api>,
    Path(address): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    keep(&api, address, query, &headers, Bytes::new()).await
}

async fn keep(
    api: &Api,
    (vendor, secret): (String, String),
    query: Option<String>,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let vendor = Vendor::parse(&vendor).ok_or_else(|| Problem::new(Code::NotFound))?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let query = query.as_deref().unwrap_or("");
    let signature = pipeline::vendors::registry::dialect(vendor).signature_header().and_then(|name| headers.get(name));
    let signature = signature.and_then(|v| v.to_str().ok()).unwrap_or("");
    let answer = api.house.receipts.vendor_callback(vendor, &secret, content_type, query, signature, body.to_vec()).await?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    Ok((status, [(CONTENT_TYPE, answer.content_type)], answer.body).into_response())
}
