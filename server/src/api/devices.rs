//! Devices and their tokens.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use pipeline::storage::StorageError;
use pipeline::storage::apps::App;
use pipeline::storage::devices::{DeviceFilter, Registration};
use pipeline::vendors::registry::dialect;
use types::Millis;
use types::field::FieldError;
use types::ids::DeviceId;
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::token::one_spelling;
use types::vendor::Vendor;

use super::Api;
use super::frame::{Body, Failure, ProblemBody, one, page, pairs};
use super::shapes::{DeviceBody, DeviceIdsBody, DeviceView, DevicesBody, PageBody};
use super::signed::Signed;

const DEVICES_MAX: usize = 1_000;
const PAGE_MAX: u32 = 500;

/// Every complaint about one registration, fields prefixed by `at` (`devices[3].`).
pub fn check(at: &str, device: &DeviceBody, errors: &mut Vec<FieldError>) {
    let mut bounded = |name: &str, text: &str, max: usize| {
        if text.len() > max || text.chars().any(char::is_control) {
            errors.push(FieldError::new(
                format!("{at}{name}"),
                Words::new(format!("最多 {max} 字节，不含控制字符"), format!("at most {max} bytes, no control characters")),
            ));
        }
    };
    bounded("user_id", device.user_id.as_deref().unwrap_or(""), 256);
    bounded("model", &device.model, 128);
    bounded("os_version", &device.os_version, 64);
    bounded("app_version", &device.app_version, 64);
    if device.zone.as_deref().is_some_and(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
        errors.push(FieldError::new(
            format!("{at}zone"),
            Text::new("没有这个时区；写成 Asia/Shanghai 的形式", "no such zone; write it as Asia/Shanghai"),
        ));
    }
    if device.user_id.as_deref().is_some_and(|user| user.trim().is_empty()) {
        errors.push(FieldError::new(
            format!("{at}user_id"),
            Text::new("不能为空白；没有用户就省略", "must not be blank; leave it out when nobody signed in"),
        ));
    }
    if device.id.as_deref().is_some_and(|id| DeviceId::parse(id).is_none()) {
        errors.push(FieldError::new(format!("{at}id"), Text::new("需要 dev_ 加 32 位十六进制", "needs dev_ and 32 hex digits")));
    }
    if device.id.is_none() && device.tokens.is_empty() {
        errors.push(FieldError::new(format!("{at}tokens"), Text::new("新设备至少要一个令牌", "a new device needs at least one token")));
    }
    for (i, token) in device.tokens.iter().enumerate() {
        if device.tokens[..i].iter().any(|other| other.vendor == token.vendor) {
            errors.push(FieldError::new(
                format!("{at}tokens[{i}].vendor"),
                Text::new("每个厂商最多一个令牌", "at most one token per vendor"),
            ));
        }
        if !dialect(token.vendor).token_is_plausible(&token.token) {
            let name = token.vendor.name();
            errors.push(FieldError::new(
                format!("{at}tokens[{i}].token"),
                Words::new(
                    format!("不像{}的令牌；请原样传客户端 SDK 给出的值", name.zh),
                    format!("is no {} token; send what the client library gave, unchanged", name.en),
                ),
            ));
        }
    }
}

/// A checked body as the store takes it.
pub fn registration(api: &Api, app: &App, device: DeviceBody, now: Millis) -> Registration {
    Registration {
        fresh_id: DeviceId::from_bytes(api.house.world.id()),
        id: device.id.as_deref().and_then(DeviceId::parse),
        user_id: device.user_id,
        model: device.model,
        os_version: device.os_version,
        app_version: device.app_version,
        notifications_on: device.notifications_on,
        environment: device.environment.unwrap_or(app.environment),
        zone: device.zone,
        test: device.test,
        tokens: device.tokens.into_iter().map(|t| (t.vendor, one_spelling(t.vendor, &t.token).into_owned())).collect(),
        now,
    }
}

/// # Errors
/// `NotFound` when a device named by id is not this app's.
pub async fn store(api: &Api, app: &App, registrations: Vec<Registration>) -> Result<Vec<DeviceId>, Failure> {
    api.house.storage.devices.register(app.no, registrations).await.map_err(|error| match error {
        StorageError::Stale(_) => no_device(),
        other => other.into(),
    })
}

fn no_device() -> Failure {
    let detail = Text::new("本应用没有这个设备；新设备请不带 id 注册", "this app has no such device; register a new one without id");
    Problem::because(Code::NotFound, detail).into()
}

fn id_of(text: &str) -> Result<DeviceId, Failure> {
    DeviceId::parse(text).ok_or_else(no_device)
}

/// Register or update devices
///
/// All or nothing. A token known under another device of the app moves to this one; a quarantined token becomes active again.
#[utoipa::path(post, path = "/v1/devices", tag = "devices", request_body = DevicesBody, responses(
    (status = 200, description = "Stored durably", body = DeviceIdsBody),
    (status = 401, description = "The signature does not hold", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "A device named by id is not this app's", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn register(State(api): State<Api>, signed: Signed, Body(body): Body<DevicesBody>) -> Result<Json<DeviceIdsBody>, Failure> {
    if body.devices.is_empty() || body.devices.len() > DEVICES_MAX {
        let n = body.devices.len();
        let reason = Words::new(format!("一次 1 到 {DEVICES_MAX} 个，现在 {n} 个"), format!("1 to {DEVICES_MAX} in one call, has {n}"));
        return Err(Problem::field("devices", reason).into());
    }
    let mut errors = Vec::new();
    for (i, device) in body.devices.iter().enumerate() {
        check(&format!("devices[{i}]."), device, &mut errors);
        if errors.len() >= 100 {
            break;
        }
    }
    if !errors.is_empty() {
        return Err(Problem::fields(errors).into());
    }
    let now = api.house.world.now();
    let registrations = body.devices.into_iter().map(|device| registration(&api, signed.app(), device, now)).collect();
    let ids = store(&api, signed.app(), registrations).await?;
    Ok(Json(DeviceIdsBody { ids: ids.iter().map(ToString::to_string).collect() }))
}

/// Update one device
#[utoipa::path(put, path = "/v1/devices/{id}", tag = "devices", params(("id" = String, Path, description = "`dev_…`")), request_body = DeviceBody, responses(
    (status = 200, description = "As it is now", body = DeviceView),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "Fields at fault", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn put(
    State(api): State<Api>,
    signed: Signed,
    Path(id): Path<String>,
    Body(mut body): Body<DeviceBody>,
) -> Result<Json<DeviceView>, Failure> {
    if body.id.as_deref().is_some_and(|other| other != id) {
        return Err(Problem::field("id", Text::new("与路径中的 id 不同；省略即可", "differs from the id in the path; leave it out")).into());
    }
    let id = id_of(&id)?;
    body.id = Some(id.to_string());
    let mut errors = Vec::new();
    check("", &body, &mut errors);
    if !errors.is_empty() {
        return Err(Problem::fields(errors).into());
    }
    let now = api.house.world.now();
    let registration = registration(&api, signed.app(), body, now);
    store(&api, signed.app(), vec![registration]).await?;
    view(&api, signed.app(), &id).await
}

async fn view(api: &Api, app: &App, id: &DeviceId) -> Result<Json<DeviceView>, Failure> {
    Ok(Json(api.house.storage.devices.get(app.no, id).await?.ok_or_else(no_device)?.into()))
}

/// Read one device
#[utoipa::path(get, path = "/v1/devices/{id}", tag = "devices", params(("id" = String, Path, description = "`dev_…`")), responses(
    (status = 200, description = "The device and its tokens", body = DeviceView),
    (status = 404, description = "Not this app's", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get(State(api): State<Api>, signed: Signed, Path(id): Path<String>) -> Result<Json<DeviceView>, Failure> {
    view(&api, signed.app(), &id_of(&id)?).await
}

/// List devices
#[utoipa::path(get, path = "/v1/devices", tag = "devices", params(
    ("user_id" = Option<String>, Query, description = "Exactly this user"),
    ("vendor" = Option<String>, Query, description = "`apns` or `xiaomi`"),
    ("token" = Option<String>, Query, description = "Exactly this token"),
    ("test" = Option<bool>, Query, description = "Test devices only, or none of them"),
    ("after" = Option<String>, Query, description = "`next` of the page before"),
    ("size" = Option<u32>, Query, description = "1 to 500, 50 when absent")), responses(
    (status = 200, description = "Newest first", body = PageBody<DeviceView>)))]
pub async fn list(State(api): State<Api>, signed: Signed, RawQuery(query): RawQuery) -> Result<Json<PageBody<DeviceView>>, Failure> {
    let query = pairs(query.as_deref().unwrap_or(""), &["user_id", "vendor", "token", "test", "after", "size"])?;
    let vendor = match one(&query, "vendor") {
        None => None,
        Some(text) => Some(vendor_of("vendor", text)?),
    };
    let test = match one(&query, "test") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Problem::field("test", Text::new("true 或 false", "true or false")).into()),
    };
    let filter =
        DeviceFilter { user_id: one(&query, "user_id").map(str::to_owned), token: one(&query, "token").map(str::to_owned), vendor, test };
    let page = api.house.storage.devices.list(signed.app().no, &filter, &page(&query, PAGE_MAX)?).await?;
    Ok(Json(PageBody { items: page.items.into_iter().map(DeviceView::from).collect(), next: page.next }))
}

/// # Errors
/// `InvalidFields` with the known vendors.
pub fn vendor_of(field: &str, text: &str) -> Result<Vendor, Failure> {
    Vendor::parse(text).ok_or_else(|| {
        let known = Vendor::ALL.map(Vendor::slug).join(", ");
        Problem::field(field, Words::new(format!("可用：{known}"), format!("known: {known}"))).into()
    })
}

/// Take a token away
///
/// Nothing is sent to it until the client registers it again.
#[utoipa::path(delete, path = "/v1/devices/{id}/tokens/{vendor}", tag = "devices", params(
    ("id" = String, Path, description = "`dev_…`"), ("vendor" = String, Path, description = "`apns` or `xiaomi`")), responses(
    (status = 204, description = "Set aside"),
    (status = 404, description = "No such device or token", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn drop_token(State(api): State<Api>, signed: Signed, Path((id, vendor)): Path<(String, String)>) -> Result<StatusCode, Failure> {
    let vendor = vendor_of("vendor", &vendor)?;
    let app_no = signed.app().no;
    let device = api.house.storage.devices.get(app_no, &id_of(&id)?).await?.ok_or_else(no_device)?;
    let tokens: Vec<(String, Option<Millis>)> = device.tokens.into_iter().filter(|t| t.vendor == vendor).map(|t| (t.token, None)).collect();
    if tokens.is_empty() {
        return Err(no_device());
    }
    api.house.storage.devices.quarantine(app_no, vendor, &tokens, "taken away by the app's server", api.house.world.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
