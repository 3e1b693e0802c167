//! The signature before everything: headers, clock, app, signature, nonce, in this order.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts as RequestParts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use pipeline::access::signature::{NONCE_KEPT_MS, NONCE_MAX, NONCE_MIN, Parts, WINDOW_S, sha256, verify};
use pipeline::storage::apps::App;
use ring::digest;
use types::field::FieldError;
use types::problem::{Code, Problem};
use types::text::{Text, Words};

use super::Api;
use super::caller::{By, Caller};
use super::frame::Failure;
use super::limit::admit;

/// Bytes of a signed body.
pub const BODY_MAX: usize = 1 << 20;

/// The app behind a signed call, and what is written of it.
#[derive(Clone)]
pub struct Signed {
    caller: Arc<Caller>,
    /// SHA-256 of the body as sent.
    pub body_sha256: [u8; 32],
    /// Where the call came from.
    pub address: String,
}

impl Signed {
    pub fn app(&self) -> &App {
        &self.caller.app
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut RequestParts, _: &S) -> Result<Signed, Failure> {
        parts.extensions.get::<Signed>().cloned().ok_or_else(|| Problem::new(Code::SignatureMissing).into())
    }
}

/// For bodies of at most [`BODY_MAX`].
pub async fn signed(State(api): State<Api>, request: Request, next: Next) -> Response {
    match check(&api, request, false).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

/// For files: with `X-Content-Sha256` the body streams through and is checked against it at its end.
pub async fn signed_stream(State(api): State<Api>, request: Request, next: Next) -> Response {
    match check(&api, request, true).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

struct Headers {
    app_key: String,
    timestamp: String,
    nonce: String,
    signature: String,
}

fn headers(request: &Request) -> Result<Headers, Failure> {
    let mut errors = Vec::new();
    let mut read = |name: &str| {
        let mut values = request.headers().get_all(name).iter();
        let reason = match (values.next().map(|v| v.to_str()), values.next()) {
            (Some(Ok(value)), None) if !value.is_empty() => return value.to_owned(),
            (None, _) | (Some(Ok(_)), None) => Text::new("缺少这个头", "this header is missing"),
            (Some(Err(_)), None) => Text::new("只能用可见的 ASCII 字符", "only visible ASCII characters"),
            (_, Some(_)) => Text::new("只能出现一次", "may appear once only"),
        };
        errors.push(FieldError::new(name, reason));
        String::new()
    };
    let headers =
        Headers { app_key: read("X-App-Key"), timestamp: read("X-Timestamp"), nonce: read("X-Nonce"), signature: read("X-Signature") };
    if errors.is_empty() {
        return Ok(headers);
    }
    let detail = Text::new("每个调用都要签名，见 /docs/api", "every call is signed; see /docs/api");
    Err(Problem { code: Code::SignatureMissing, detail: Some(detail.into()), errors }.into())
}

/// The SHA-256 a caller declares for a body that is to stream.
fn declared(request: &Request) -> Result<Option<[u8; 32]>, Failure> {
    let Some(value) = request.headers().get("x-content-sha256") else { return Ok(None) };
    let digest = value.to_str().ok().and_then(|text| hex::decode(text).ok()).and_then(|bytes| bytes.try_into().ok());
    digest.map(Some).ok_or_else(|| {
        let reason = Text::new("需要 64 位小写十六进制", "needs 64 lower-case hex digits");
        Problem::field("X-Content-Sha256", reason).into()
    })
}

/// The body as it comes; an error at its end when it is not what was declared.
fn checked(body: Body, declared: [u8; 32]) -> Body {
    let start = (body.into_data_stream(), Some(digest::Context::new(&digest::SHA256)));
    Body::from_stream(futures::stream::try_unfold(start, move |(mut stream, context)| async move {
        let Some(mut context) = context else { return Ok(None) };
        match stream.next().await {
            Some(Ok(piece)) => {
                context.update(&piece);
                Ok(Some((piece, (stream, Some(context)))))
            }
            Some(Err(error)) => Err(std::io::Error::other(error)),
            None if context.finish().as_ref() == declared => Ok(None),
            None => Err(std::io::Error::other("the file is not the one that X-Content-Sha256 names")),
        }
    }))
}

async fn check(api: &Api, request: Request, may_stream: bool) -> Result<Request, Failure> {
    let given = headers(&request)?;
    let now = api.house.world.now();
    let signed_at = check_clock(&given.timestamp, now)?;
    let good_nonce = (NONCE_MIN..=NONCE_MAX).contains(&given.nonce.len()) && given.nonce.bytes().all(|b| b.is_ascii_graphic());
    if !good_nonce {
        let reason = Text::new("16–64 个可见 ASCII 字符，每次调用都不同", "16 to 64 visible ASCII characters, new for every call");
        return Err(Problem { code: Code::SignatureMissing, detail: None, errors: vec![FieldError::new("X-Nonce", reason)] }.into());
    }
    let mut caller = api.callers.find(By::AppKey, &given.app_key).await?.ok_or_else(|| app_unknown(&given.app_key))?;

    let declared = if may_stream { declared(&request)? } else { None };
    let (parts, body) = request.into_parts();
    let (body, body_sha256) = match declared {
        Some(digest) => (checked(body, digest), digest),
        None => {
            let bytes = to_bytes(body, BODY_MAX).await.map_err(|_| too_large(may_stream))?;
            let digest = sha256(&bytes);
            (Body::from(bytes), digest)
        }
    };
    let to_sign = Parts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or(""),
        timestamp: &given.timestamp,
        nonce: &given.nonce,
        body_sha256,
    };
    let mut verdict = verify(&caller.keys, &to_sign, &given.signature);
    if verdict.is_err() {
        // A secret may have been added a moment ago.
        caller = api.callers.find_again(By::AppKey, &given.app_key).await?.ok_or_else(|| app_unknown(&given.app_key))?;
        verdict = verify(&caller.keys, &to_sign, &given.signature);
    }
    let which = verdict.map_err(|line| Failure::signature(Problem::because(Code::SignatureWrong, line.advice()), to_sign.to_sign()))?;
    // After the signature, so that strangers cannot use up anybody's calls or nonces.
    admit(api, "calls", caller.app.no, api.limits.calls).await?;
    if !api.house.storage.apps.remember_nonce(caller.app.no, &given.nonce, now, signed_at + NONCE_KEPT_MS).await? {
        let detail = Text::new("每次调用都要新的 X-Nonce；重试也要换", "every call needs a new X-Nonce, a retry too");
        return Err(Problem::because(Code::NonceUsed, detail).into());
    }
    api.callers.touch(&caller, which).await;
    let address = parts.extensions.get::<app::ports::Caller>().map_or_else(String::new, |caller| caller.address.clone());
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(Signed { caller, body_sha256, address });
    Ok(request)
}

fn too_large(may_stream: bool) -> Failure {
    let detail = if may_stream {
        Words::new(
            format!("超过 {BODY_MAX} 字节的文件请带上 X-Content-Sha256，并签它"),
            format!("a file of more than {BODY_MAX} bytes needs X-Content-Sha256, and that is what is signed"),
        )
    } else {
        Words::new(format!("正文最多 {BODY_MAX} 字节"), format!("a body has at most {BODY_MAX} bytes"))
    };
    Problem::because(Code::TooLarge, detail).into()
}

/// The time of the signature, milliseconds.
fn check_clock(timestamp: &str, now: types::Millis) -> Result<types::Millis, Failure> {
    let seconds: Option<i64> =
        Some(timestamp).filter(|t| t.len() <= 12 && t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok());
    let Some(seconds) = seconds else {
        let reason = Text::new("需要 Unix 秒，只含数字（不是毫秒）", "needs Unix seconds, digits only (no milliseconds)");
        return Err(Problem { code: Code::TimestampOutOfRange, detail: None, errors: vec![FieldError::new("X-Timestamp", reason)] }.into());
    };
    let ahead = seconds - now / 1_000;
    if ahead.abs() <= WINDOW_S {
        return Ok(seconds * 1_000);
    }
    let ours = now / 1_000;
    let detail = Words::new(
        format!("服务器时间是 {ours}，相差 {ahead} 秒；请校准时钟，单位是秒"),
        format!("our clock says {ours}, yours is {ahead} s away; set the clock, and send seconds"),
    );
    Err(Problem::because(Code::TimestampOutOfRange, detail).into())
}

fn app_unknown(key: &str) -> Failure {
    let shown: String = key.chars().take(40).collect();
    let detail =
        Words::new(format!("没有 appKey {shown}；在控制台的应用页查看"), format!("no appKey {shown}; see the app page of the console"));
    Problem::because(Code::AppUnknown, detail).into()
}
