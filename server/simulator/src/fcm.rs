//! Firebase Cloud Messaging v1, as `vendors/fcm.md` describes it: one target a request, no receipts of its own.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::dials::FCM_CODES;
use crate::kit::json::{Form, at, form, misformed, text, unknown};
use crate::kit::jwt::Jwt;
use crate::kit::{Ask, Content, Desk, Errand, Event, Holder, Keyed, Magic, No, Reached, insist};
use crate::ledger::Verdict;
use crate::twin::{Reply, Twin};

pub(crate) const DESK: Desk =
    Desk { answer, refusal, letters: |_: &Twin, _: &Keyed, _: &[Event]| Vec::new(), passes: &["/token"], clicks: false };

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPES: [&str; 2] = ["https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"];
const SKEW_SECONDS: i64 = 300;
const LIFE_SECONDS: u32 = 3_599;
const MESSAGE_MOST: usize = 4_096;
const TTL_MOST: f64 = 2_419_200.0;

/// Section 3: the error object; an `errorCode` of FCM stands in `details`, other refusals have a status only.
fn refusal(ask: &Ask<'_>, no: &No) -> Reply {
    if ask.path == "/token" {
        return Reply::json(400, json!({"error": no.code, "error_description": no.text}).to_string());
    }
    let code = no.code.as_ref();
    if code == "404" {
        return Reply::html(404, "<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title></html>");
    }
    let (http, status) = match code {
        "UNAUTHENTICATED" | "THIRD_PARTY_AUTH_ERROR" => (401, "UNAUTHENTICATED"),
        "PERMISSION_DENIED" | "SENDER_ID_MISMATCH" => (403, "PERMISSION_DENIED"),
        "UNREGISTERED" => (404, "NOT_FOUND"),
        "QUOTA_EXCEEDED" => (429, "RESOURCE_EXHAUSTED"),
        "UNAVAILABLE" => (503, "UNAVAILABLE"),
        "INTERNAL" | "UNSPECIFIED_ERROR" => (500, "INTERNAL"),
        _ => (400, "INVALID_ARGUMENT"),
    };
    let mut details = Vec::new();
    // A violation of a field is told by google.rpc alone.
    if FCM_CODES.contains(&code) && no.extra.is_null() {
        details.push(json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}));
    }
    if !no.extra.is_null() {
        details.push(json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": no.extra}));
    }
    let mut error = json!({"code": http, "message": no.text, "status": status});
    if !details.is_empty() {
        error["details"] = Value::from(details);
    }
    Reply::json(http, json!({ "error": error }).to_string())
}

/// A request that is wrong in itself.
fn bad(field: &str, why: &str) -> No {
    let text = format!("Invalid value at '{field}': {why}");
    No::new("INVALID_ARGUMENT", text.clone()).with(json!([{"field": field, "description": text}]))
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    if ask.path == "/token" {
        return token(ask);
    }
    let project = ask.path.strip_prefix("/v1/projects/").and_then(|p| p.strip_suffix("/messages:send"));
    let project = project.filter(|p| !p.is_empty() && ask.is_post()).ok_or(No::new("404", "no such address"))?;
    let Holder::Of(keyed) = ask.holder(ask.bearer()) else {
        return Err(No::new("UNAUTHENTICATED", "Request had invalid authentication credentials."));
    };
    insist!(keyed.identity == project, No::new("PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied on resource."));
    let body = ask.json().filter(|_| ask.is_type("application/json")).ok_or(bad("", "Invalid JSON payload received."))?;
    let message = at(&body, "message").filter(|m| m.is_object()).ok_or(bad("message", "required"))?;
    insist!(unknown(Some(&body), &["validate_only", "validateOnly", "message"]).is_none(), bad("", "unknown name"));
    check(message)?;
    let kinds = ["token", "fid", "topic", "condition"];
    let mut given = kinds.iter().filter(|k| at(message, k).is_some());
    let (Some(kind), None) = (given.next(), given.next()) else { return Err(bad("message", "exactly one target")) };
    insist!(["token", "fid"].contains(kind), bad("message", "the simulator knows tokens and installation ids only"));
    limits(message)?;
    let validate = ["validate_only", "validateOnly"].iter().any(|k| at(&body, k) == Some(&Value::Bool(true)));
    send(ask, &keyed, message, text(message, kind), validate)
}

/// Section 1.
fn token(ask: &Ask<'_>) -> Result<Reply, No> {
    let fields = form(ask.body);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    insist!(ask.is_post() && ask.is_type("application/x-www-form-urlencoded"), No::new("invalid_request", "a form is wanted"));
    insist!(field("grant_type") == GRANT, No::new("unsupported_grant_type", "Invalid grant_type"));
    let jwt = Jwt::read(field("assertion")).ok_or(No::new("invalid_request", "Bad assertion"))?;
    let grant = |why: &'static str| No::new("invalid_grant", why);
    let issuer = text(&jwt.claims, "iss");
    let owner = ask.account(|k| k.service.as_ref().is_some_and(|s| s.sub_account == issuer));
    let (keyed, service) = owner.and_then(|k| Some((k, k.service.as_ref()?))).ok_or(grant("Invalid grant: account not found"))?;
    insist!(jwt.genuine(&service.public, "RS256"), grant("Invalid JWT Signature."));
    insist!(text(&jwt.claims, "aud") == service.token_uri, grant("Invalid JWT: Failed audience check."));
    let scopes: Vec<&str> = text(&jwt.claims, "scope").split(' ').collect();
    insist!(scopes.iter().any(|s| SCOPES.contains(s)), No::new("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
    let (from, to) = (jwt.seconds("iat").unwrap_or(0), jwt.seconds("exp").unwrap_or(0));
    let now = ask.now() / 1_000;
    let timely = to > now && from <= now + SKEW_SECONDS && to - from <= 3_600 && to > from;
    insist!(timely, grant("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."));
    let token = format!("ya29.sim-{}", ask.random(32));
    let life = ask.issue(keyed, &token, LIFE_SECONDS);
    Ok(Reply::json(200, json!({"access_token": token, "expires_in": life, "token_type": "Bearer"}).to_string()))
}

const MESSAGE: [&str; 11] =
    ["name", "token", "fid", "topic", "condition", "data", "notification", "android", "apns", "webpush", "fcm_options"];
const ANDROID: [&str; 10] = [
    "collapse_key",
    "priority",
    "ttl",
    "restricted_package_name",
    "data",
    "direct_boot_ok",
    "bandwidth_constrained_ok",
    "restricted_satellite_ok",
    "fcm_options",
    "notification",
];
const SHOWN: [&str; 27] = [
    "title",
    "body",
    "image",
    "icon",
    "color",
    "sound",
    "tag",
    "click_action",
    "body_loc_key",
    "body_loc_args",
    "title_loc_key",
    "title_loc_args",
    "channel_id",
    "ticker",
    "sticky",
    "event_time",
    "local_only",
    "notification_priority",
    "default_sound",
    "default_vibrate_timings",
    "default_light_settings",
    "vibrate_timings",
    "visibility",
    "notification_count",
    "light_settings",
    "proxy",
    "bypass_proxy_notification",
];

/// `channelId` is `channel_id` in proto3 JSON.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The same object with every name of the protocol in snake case; maps of the caller's own keys stay.
fn plain(value: &Value) -> Value {
    match value.as_object() {
        None => value.clone(),
        Some(fields) => {
            let own = |key: &str| matches!(key, "data" | "payload" | "headers");
            fields.iter().map(|(k, v)| (snake(k), if own(k) { v.clone() } else { plain(v) })).collect::<Map<_, _>>().into()
        }
    }
}

/// Unknown fields, wrong types, data, ttl: 400 with the field named.
fn check(message: &Value) -> Result<(), No> {
    let m = plain(message);
    if let Some(name) = unknown(Some(&m), &MESSAGE) {
        return Err(bad(&format!("message.{name}"), "Unknown name"));
    }
    if let Some(name) = unknown(at(&m, "notification"), &SHOWN[..3]) {
        return Err(bad(&format!("message.notification.{name}"), "Unknown name"));
    }
    if let Some(name) = unknown(at(&m, "android"), &ANDROID) {
        return Err(bad(&format!("message.android.{name}"), "Unknown name"));
    }
    if let Some(name) = unknown(at(&m, "android.notification"), &SHOWN) {
        return Err(bad(&format!("message.android.notification.{name}"), "Unknown name"));
    }
    if let Some(path) = misformed(&m, &FORMS) {
        return Err(bad(&format!("message.{path}"), "wrong type"));
    }
    let one_of = |path: &str, known: &[&str]| {
        let given = text(&m, path);
        given.is_empty() || known.contains(&given.to_ascii_uppercase().as_str())
    };
    insist!(one_of("android.priority", &["NORMAL", "HIGH"]), bad("message.android.priority", "NORMAL or HIGH"));
    insist!(
        one_of("android.notification.visibility", &["PRIVATE", "PUBLIC", "SECRET"]),
        bad("message.android.notification.visibility", "enum")
    );
    let levels = ["PRIORITY_MIN", "PRIORITY_LOW", "PRIORITY_DEFAULT", "PRIORITY_HIGH", "PRIORITY_MAX"];
    insist!(
        one_of("android.notification.notification_priority", &levels),
        bad("message.android.notification.notification_priority", "enum")
    );
    for path in ["data", "android.data", "apns.headers"] {
        let values = at(&m, path).and_then(Value::as_object);
        insist!(values.is_none_or(|map| map.values().all(Value::is_string)), bad(&format!("message.{path}"), "values are texts"));
    }
    Ok(())
}

const FORMS: [(&str, Form); 14] = [
    ("token", Form::Text),
    ("fid", Form::Text),
    ("data", Form::Object),
    ("notification", Form::Object),
    ("android", Form::Object),
    ("android.collapse_key", Form::Text),
    ("android.ttl", Form::Text),
    ("android.data", Form::Object),
    ("android.notification", Form::Object),
    ("android.notification.tag", Form::Text),
    ("android.notification.channel_id", Form::Text),
    ("android.notification.notification_count", Form::Int),
    ("apns", Form::Object),
    ("apns.headers", Form::Object),
];

/// Reserved keys, ttl, size: 400 about the message.
fn limits(message: &Value) -> Result<(), No> {
    let m = plain(message);
    for path in ["data", "android.data"] {
        let reserved = |k: &String| k == "from" || k == "message_type" || k.starts_with("google.") || k.starts_with("gcm.notification.");
        let refused = at(&m, path).and_then(Value::as_object).and_then(|map| map.keys().find(|k| reserved(k)));
        if let Some(key) = refused {
            return Err(bad(&format!("message.{path}"), &format!("Invalid data payload key: {key}")));
        }
    }
    let ttl = text(&m, "android.ttl");
    let seconds = ttl.strip_suffix('s').filter(|t| t.bytes().all(|b| b.is_ascii_digit() || b == b'.')).and_then(|t| t.parse::<f64>().ok());
    insist!(ttl.is_empty() || seconds.is_some_and(|s| s <= TTL_MOST), bad("message.android.ttl", "Invalid duration"));
    insist!(message.to_string().len() <= MESSAGE_MOST, No::new("INVALID_ARGUMENT", "Android message is too big").with(json!([])));
    Ok(())
}

fn send(ask: &Ask<'_>, keyed: &Arc<Keyed>, message: &Value, to: &str, validate: bool) -> Result<Reply, No> {
    let m = plain(message);
    let name = |id: &str| Reply::json(200, json!({"name": format!("projects/{}/messages/{id}", keyed.identity)}).to_string());
    let target = ask.target(to);
    let tag = ["android.notification.tag", "android.collapse_key"].into_iter().map(|p| text(&m, p)).find(|t| !t.is_empty());
    let collapse = at(&m, "apns.headers").and_then(|h| h.get("apns-collapse-id")).and_then(Value::as_str);
    let key = tag.or(collapse).unwrap_or("");
    let said = |field: &str| {
        let ways = [format!("android.notification.{field}"), format!("notification.{field}"), format!("data.{field}")];
        ways.iter().map(|p| text(&m, p).to_owned()).find(|t| !t.is_empty()).unwrap_or_default()
    };
    let (title, body) = (said("title"), said("body"));
    let content = Content { key, title: &title, body: &body };
    let refuse = |code: &'static str, why: &'static str| {
        ask.book(content, "", std::iter::once((target.hash, Verdict::BadToken)));
        Err(No::new(code, why))
    };
    match target.magic {
        Magic::Bad => return refuse("INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"),
        Magic::Foreign => return refuse("SENDER_ID_MISMATCH", "SenderId mismatch"),
        Magic::Capped => return Err(No::new("QUOTA_EXCEEDED", "Device message rate exceeded")),
        Magic::Fail => return Err(No::new("INTERNAL", "Internal error encountered.")),
        Magic::Gone => return refuse("UNREGISTERED", "Requested entity was not found."),
        _ if target.bad => return refuse("UNREGISTERED", "Requested entity was not found."),
        _ => {}
    }
    insist!(ask.pace(keyed, 1), No::pace("QUOTA_EXCEEDED", "Quota exceeded for quota metric 'Message send requests'"));
    if validate {
        return Ok(name("fake_message_id"));
    }
    ask.book(content, "200", std::iter::once((target.hash, Verdict::Accepted)));
    let shown = at(&m, "notification").is_some() || at(&m, "android.notification").is_some();
    let mut errand = Errand::new(keyed, "", key).carrying(ask.body);
    errand.url.clear();
    // A shown notification never reaches the app's code in the background (section 6).
    errand.app_sees = !shown;
    ask.expect(errand, std::iter::once(Reached::plainly(target.text)));
    Ok(name(&format!("0:{:016}%sim{:04x}", ask.twin.clock.micros(), ask.trace() & 0xffff)))
}
