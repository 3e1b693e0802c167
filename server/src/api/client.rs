//! For the library inside the app: what phones report, and their own registration. By client key, never the appSecret.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use pipeline::receipts::listen::ReportVerdict;
use pipeline::receipts::report::ClientReport;
use serde::{Deserialize, Serialize};
use types::field::FieldError;
use types::problem::{Code, Problem};
use types::text::Text;
use utoipa::ToSchema;

use super::Api;
use super::caller::By;
use super::devices::{check, registration, store};
use super::frame::{Body, Failure, ProblemBody, in_lang, lang_of};
use super::shapes::{DeviceBody, DeviceIdsBody};

/// Bytes of one body.
pub const BODY_MAX: usize = 1 << 20;

fn key(headers: &HeaderMap) -> Result<&str, Failure> {
    let key = headers.get("x-client-key").and_then(|v| v.to_str().ok()).filter(|key| !key.is_empty());
    key.ok_or_else(|| {
        let reason = Text::new("缺少这个头；用应用页上的客户端密钥", "this header is missing; use the client key of the app page");
        Problem { code: Code::ClientKeyWrong, detail: None, errors: vec![FieldError::new("X-Client-Key", reason)] }.into()
    })
}

/// What a phone saw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportsBody {
    /// 1 to 500.
    #[schema(value_type = Vec<ReportShape>)]
    pub reports: Vec<ClientReport>,
}

/// One event on one phone. Names its device by `device`, or by `vendor` and `token`.
#[derive(ToSchema)]
#[schema(as = Report)]
#[expect(dead_code, reason = "describes `ClientReport` of the pipeline, which knows no OpenAPI")]
pub struct ReportShape {
    /// `msg_…`, as the push carried it.
    message: String,
    /// `dev_…`
    device: Option<String>,
    token: Option<String>,
    vendor: Option<String>,
    /// `received`, `displayed`, `clicked`, `cleared` or `switched_off`.
    event: String,
    /// RFC 3339, by the phone's clock.
    at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ReportsAnswer {
    /// Reports on disk; each counts once, however often it comes.
    pub kept: usize,
    /// Reports that do not read. Do not send them again as they are.
    pub refused: Vec<RefusedReport>,
}

#[derive(Serialize, ToSchema)]
pub struct RefusedReport {
    #[schema(example = "reports[3].event")]
    pub field: String,
    /// In the language of `Accept-Language`, like every problem.
    pub reason: String,
}

/// Report what a phone saw
///
/// Also what the iOS notification service extension posts. Late and repeated reports are fine.
#[utoipa::path(post, path = "/v1/client/reports", tag = "client", request_body = ReportsBody, security(("X-Client-Key" = [])), responses(
    (status = 200, description = "Kept durably", body = ReportsAnswer),
    (status = 401, description = "Nobody has this client key", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn reports(State(api): State<Api>, headers: HeaderMap, Body(body): Body<ReportsBody>) -> Result<Json<ReportsAnswer>, Failure> {
    let verdicts = api.house.receipts.client_reports(key(&headers)?, body.reports).await?;
    let mut answer = ReportsAnswer { kept: 0, refused: Vec::new() };
    let lang = lang_of(&headers);
    for verdict in verdicts {
        match verdict {
            ReportVerdict::Kept => answer.kept += 1,
            ReportVerdict::Refused { error } => {
                answer.refused.push(RefusedReport { reason: in_lang(&error.reason, lang).to_owned(), field: error.field });
            }
        }
    }
    Ok(Json(answer))
}

/// A phone registers itself
///
/// As `POST /v1/devices` for one device, except that a phone cannot make itself a test device. To be called whenever the app comes to the
/// foreground: what waits for that on iOS (a resend for want of a receipt) is then sent.
#[utoipa::path(post, path = "/v1/client/devices", tag = "client", request_body = DeviceBody, security(("X-Client-Key" = [])), responses(
    (status = 200, description = "Stored durably; keep the id", body = DeviceIdsBody),
    (status = 401, description = "Nobody has this client key", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn register(State(api): State<Api>, headers: HeaderMap, Body(body): Body<DeviceBody>) -> Result<Json<DeviceIdsBody>, Failure> {
    let caller = api.callers.find(By::ClientKey, key(&headers)?).await?.ok_or_else(|| Problem::new(Code::ClientKeyWrong))?;
    let mut errors = Vec::new();
    check("", &body, &mut errors);
    if body.test.is_some() {
        errors.push(FieldError::new(
            "test",
            Text::new("测试设备只能由服务端或控制台设置", "test devices are made by the server or in the console"),
        ));
    }
    if !errors.is_empty() {
        return Err(Problem::fields(errors).into());
    }
    let registration = registration(&api, &caller.app, body, api.house.world.now());
    let ids = store(&api, &caller.app, vec![registration]).await?;
    // A phone registers when its app is opened: what iOS held back until then goes now.
    for id in &ids {
        if let Some(device) = api.house.storage.devices.get(caller.app.no, id).await? {
            api.house.storage.resends.foreground(device.no, api.house.world.now()).await?;
        }
    }
    Ok(Json(DeviceIdsBody { ids: ids.iter().map(ToString::to_string).collect() }))
}
