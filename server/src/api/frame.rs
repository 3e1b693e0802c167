//! Around every call: a request id, the caller's language, and problems written out.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::problem::{Code, Problem};
use types::text::{Lang, Text, Words};
use utoipa::ToSchema;

use super::Api;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A problem on its way out. [`frame`] writes it, because it knows language and request id.
pub struct Failure {
    problem: Problem,
    string_to_sign: Option<String>,
    /// Seconds, for `Retry-After`.
    later: Option<u64>,
}

impl Failure {
    /// The same call may succeed in so many seconds.
    pub fn later(problem: Problem, seconds: u64) -> Failure {
        Failure { later: Some(seconds), ..problem.into() }
    }

    pub fn signature(problem: Problem, string_to_sign: String) -> Failure {
        Failure { string_to_sign: Some(string_to_sign), ..problem.into() }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure { problem, string_to_sign: None, later: None }
    }
}

impl From<pipeline::storage::StorageError> for Failure {
    fn from(error: pipeline::storage::StorageError) -> Failure {
        pipeline::access::accept::store_problem(&error).into()
    }
}

#[derive(Clone)]
struct Pending(Problem, Option<String>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(seconds) = self.later {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Pending(self.problem, self.string_to_sign));
        response
    }
}

/// One field at fault.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem {
    /// As the body, query or header spells it.
    #[schema(example = "content.title")]
    pub field: String,
    /// Why, and what to do.
    pub reason: String,
}

/// `application/problem+json` (RFC 9457). `code` is stable; texts follow `Accept-Language` (`zh` or `en`, English otherwise).
#[derive(Serialize, ToSchema)]
pub struct ProblemBody {
    pub status: u16,
    /// Stable, for programs.
    #[schema(value_type = String, example = "invalid_fields")]
    pub code: Code,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Name it when you report the problem.
    pub request_id: String,
    /// With `signature_wrong`: the string our side signed, to be compared line by line with yours. Holds no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_to_sign: Option<String>,
}

/// The caller's language; English unless `Accept-Language` begins with Chinese.
pub fn lang_of(headers: &HeaderMap) -> Lang {
    headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).and_then(Lang::read).unwrap_or(Lang::En)
}

pub async fn frame(State(api): State<Api>, request: Request, next: Next) -> Response {
    let lang = lang_of(request.headers());
    // The frame of the whole server has named the request already; alone (tests, an embedding) we do.
    let id = match request.extensions().get::<app::ports::Caller>() {
        Some(caller) => caller.request_id.clone(),
        None => format!("req_{}", hex::encode(api.house.world.id())),
    };
    let mut response = next.run(request).await;
    if let Some(Pending(problem, string_to_sign)) = response.extensions_mut().remove::<Pending>() {
        let headers = std::mem::take(response.headers_mut());
        response = write(problem, string_to_sign, lang, &id, response.status());
        response.headers_mut().extend(headers.into_iter().filter(|(name, _)| name.as_ref() != Some(&CONTENT_TYPE)));
    } else if (response.status().is_client_error() || response.status().is_server_error()) && !response.headers().contains_key(CONTENT_TYPE)
    {
        response = write(of_status(response.status()), None, lang, &id, response.status());
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn write(problem: Problem, string_to_sign: Option<String>, lang: Lang, id: &str, status: StatusCode) -> Response {
    if status.is_server_error() {
        tracing::error!(request_id = id, code = problem.code.slug(), "a call failed");
    }
    let body = ProblemBody {
        status: status.as_u16(),
        code: problem.code,
        title: problem.code.title().get(lang).to_owned(),
        detail: problem.detail.as_ref().map(|words| in_lang(words, lang).to_owned()),
        errors: problem
            .errors
            .iter()
            .map(|e| FieldProblem { field: e.field.clone(), reason: in_lang(&e.reason, lang).to_owned() })
            .collect(),
        request_id: id.to_owned(),
        string_to_sign,
    };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

pub fn in_lang(words: &Words, lang: Lang) -> &str {
    match lang {
        Lang::Zh => &words.zh,
        Lang::En => &words.en,
    }
}

/// For answers that axum or a layer gave without words.
fn of_status(status: StatusCode) -> Problem {
    Problem::new(match status.as_u16() {
        404 => Code::NotFound,
        413 => Code::TooLarge,
        400..=499 => Code::InvalidBody,
        _ => Code::Internal,
    })
}

pub async fn no_such_method() -> Response {
    let detail = Text::new("这个地址没有这个方法，请查看 /docs/api", "this address has no such method; see /docs/api");
    let mut response = Failure::from(Problem::because(Code::NotFound, detail)).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

/// A JSON body; unknown fields are refused by the shapes themselves.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Failure> {
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|rejection| {
            let code = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { Code::TooLarge } else { Code::InvalidBody };
            Failure::from(Problem::new(code))
        })?;
        read_json(&bytes).map(Body)
    }
}

/// # Errors
/// `InvalidBody` with line, column and what was expected.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let said: String = error.to_string().chars().take(300).collect();
        Problem::because(Code::InvalidBody, Words::new(format!("JSON 读不懂：{said}"), format!("the JSON cannot be read: {said}"))).into()
    })
}

/// A query read pair by pair; names nobody asked for are refused.
///
/// # Errors
/// `InvalidFields` naming the unknown ones.
pub fn pairs(query: &str, known: &[&str]) -> Result<Vec<(String, String)>, Failure> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| Failure::from(Problem::because(Code::InvalidBody, Text::new("查询串读不懂", "the query cannot be read"))))?;
    let unknown = pairs.iter().find(|(name, _)| !known.contains(&name.as_str()));
    match unknown {
        None => Ok(pairs),
        Some((name, _)) => {
            let list = known.join(", ");
            let shown: String = name.chars().take(40).collect();
            Err(Problem::field(shown, Words::new(format!("没有这个参数；可用：{list}"), format!("no such parameter; known: {list}")))
                .into())
        }
    }
}

pub fn one<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// `after` and `size`.
///
/// # Errors
/// `InvalidFields` when the size is out of `1 ..= max`.
pub fn page(pairs: &[(String, String)], max: u32) -> Result<types::listing::PageRequest, Failure> {
    let size = match one(pairs, "size") {
        None => types::listing::PAGE_SIZE.min(max),
        Some(text) => match text.parse::<u32>() {
            Ok(n) if (1..=max).contains(&n) => n,
            _ => {
                return Err(
                    Problem::field("size", Words::new(format!("1 到 {max} 的整数"), format!("a whole number from 1 to {max}"))).into()
                );
            }
        },
    };
    Ok(types::listing::PageRequest { after: one(pairs, "after").map(str::to_owned), size })
}
