//! Honor Push, as `vendors/honor.md` describes it: the least certain of the manuals; what it marks [L] is decided there too.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::kit::json::{Form, at, filled, form, https, int, misformed, one_of, short, text, texts, within};
use crate::kit::{Again, Ask, Content, Desk, Errand, Event, Holder, Keyed, Kind, Magic, No, Post, Reached, SENSITIVE, Target, insist};
use crate::ledger::Verdict;
use crate::twin::{Reply, Twin};

const REALM: &str = "/auth/realms/developer/protocol/openid-connect/token";
pub(crate) const DESK: Desk = Desk { answer, refusal, letters, passes: &["/auth/"], clicks: false };

const TARGETS_MOST: usize = 1_000;
const BODY_MOST: usize = 4_096;
const TTL_MOST: u64 = 1_296_000;
const SKEW_MILLIS: i64 = 600_000;
const DEVICE_DAILY: u32 = 2;
const TESTS_A_DAY: u64 = 1_000;
const DELIVERED: i64 = 40_000_002;

fn refusal(ask: &Ask<'_>, no: &No) -> Reply {
    if ask.path.starts_with("/auth/") {
        return Reply::json(401, json!({"error": no.code, "error_description": no.text}).to_string());
    }
    let code: i64 = no.code.parse().unwrap_or(500);
    let status = match code {
        401 | 404 | 429 | 500..=504 => u16::try_from(code).unwrap_or(500),
        _ => 200,
    };
    Reply::json(status, json!({"code": code, "message": no.text, "data": null}).to_string())
}

fn bad(why: impl Into<Cow<'static, str>>) -> No {
    No::new("400", why)
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    if ask.path == "/auth/token" || ask.path == REALM {
        return token(ask);
    }
    let app = ask.path.strip_prefix("/api/v1/").and_then(|p| p.strip_suffix("/sendMessage"));
    let app = app.filter(|a| !a.is_empty() && ask.is_post()).ok_or(No::new("404", "no such address"))?;
    let Holder::Of(keyed) = ask.holder(ask.bearer()) else { return Err(No::new("401", "the access token is missing, wrong or expired")) };
    insist!(keyed.field("app_id") == app, No::new("403", "the app is not of this credential"));
    let sent: i64 = ask.header("timestamp").parse().map_err(|_| bad("timestamp is required"))?;
    insist!((ask.now() - sent).abs() <= SKEW_MILLIS, bad("timestamp is out of range"));
    insist!(ask.is_type("application/json"), bad("the content type is not application/json"));
    let body = ask.json().ok_or(bad("the body is no JSON object"))?;
    insist!(at(&body, "message").is_none(), bad("there is no message wrapper"));
    let shown = at(&body, "android.notification").or_else(|| at(&body, "notification"));
    let snake = ["click_action", "notify_id", "bi_tag"].iter().any(|k| shown.and_then(|s| s.get(*k)).is_some());
    insist!(!snake && at(&body, "android.bi_tag").is_none(), bad("keys are written in camelCase"));
    if let Some(path) = misformed(&body, &FORMS) {
        return Err(bad(format!("{path} has the wrong type")));
    }
    let tokens = texts(&body, "token").filter(|t| (1..=TARGETS_MOST).contains(&t.len())).ok_or(bad("token"))?;
    let of_tokens: usize = tokens.iter().map(|t| t.len() + 3).sum();
    insist!(ask.body.len().saturating_sub(of_tokens) <= BODY_MOST, No::new("413", "the body is too large"));
    fields(&body, shown)?;
    send(ask, &keyed, &body, &tokens)
}

const FORMS: [(&str, Form); 14] = [
    ("token", Form::List),
    ("data", Form::Text),
    ("notification", Form::Object),
    ("android", Form::Object),
    ("android.ttl", Form::Text),
    ("android.biTag", Form::Text),
    ("android.targetUserType", Form::Int),
    ("android.data", Form::Text),
    ("android.notification", Form::Object),
    ("android.notification.clickAction", Form::Object),
    ("android.notification.notifyId", Form::Int),
    ("android.notification.tag", Form::Text),
    ("android.notification.badge", Form::Object),
    ("android.notification.importance", Form::Text),
];

/// Section 1.
fn token(ask: &Ask<'_>) -> Result<Reply, No> {
    let fields = form(ask.body);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let proper = ask.is_post() && ask.is_type("application/x-www-form-urlencoded") && field("grant_type") == "client_credentials";
    insist!(proper, No::new("unauthorized_client", "grant_type must be client_credentials, in a form"));
    let known = |k: &Keyed| k.field("client_id") == field("client_id") && k.field("client_secret") == field("client_secret");
    let keyed = ask.account(known).ok_or(No::new("invalid_client", "Invalid client or Invalid client credentials"))?;
    let token = format!("eyJhbGciOiJTSU0.{}.{}", ask.random(32), ask.random(16));
    let life = ask.issue(keyed, &token, 3_600);
    Ok(Reply::json(200, json!({"access_token": token, "expires_in": life, "token_type": "Bearer"}).to_string()))
}

/// Section 2, in the simulator order of the manual.
fn fields(body: &Value, shown: Option<&Value>) -> Result<(), No> {
    let ttl = text(body, "android.ttl");
    let seconds = ttl.strip_suffix('s').and_then(|t| t.parse::<u64>().ok());
    let Some(shown) = shown else {
        insist!(filled(body, "data") || filled(body, "android.data"), bad("neither notification nor data"));
        return Ok(());
    };
    let said = |field: &str| filled(shown, field) || filled(body, &format!("notification.{field}"));
    insist!(said("title") && said("body"), bad("title and body are required"));
    let click = match int(shown, "clickAction.type") {
        Some(1) => filled(shown, "clickAction.intent") || filled(shown, "clickAction.action"),
        Some(2) => filled(shown, "clickAction.url") && https(shown, "clickAction.url"),
        Some(3) => true,
        _ => false,
    };
    insist!(click, bad("clickAction is required"));
    insist!(ttl.is_empty() || seconds.is_some_and(|s| s <= TTL_MOST), bad("ttl"));
    let big = filled(shown, "bigTitle") && filled(shown, "bigBody");
    insist!(matches!(int(shown, "style").unwrap_or(0), 0) || (int(shown, "style") == Some(1) && big), bad("style"));
    insist!(one_of(shown, "importance", &["LOW", "NORMAL"]), bad("importance"));
    insist!(https(shown, "image"), bad("image"));
    insist!(within(shown, "badge.addNum", 1..=99) && within(shown, "badge.setNum", 0..=99), bad("badge"));
    insist!(at(shown, "badge").is_none() || filled(shown, "badge.badgeClass"), bad("badge.badgeClass"));
    let buttons = at(shown, "buttons").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    insist!(buttons.len() <= 3 && buttons.iter().all(|b| filled(b, "name") && short(b, "name", 40)), bad("buttons"));
    insist!(within(body, "android.targetUserType", 0..=1), bad("targetUserType"));
    Ok(())
}

fn send(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: &Value, tokens: &[&str]) -> Result<Reply, No> {
    let said = |field: &str| {
        let own = text(body, &format!("android.notification.{field}"));
        if own.is_empty() { text(body, &format!("notification.{field}")) } else { own }
    };
    insist!(!said("title").contains(SENSITIVE) && !said("body").contains(SENSITIVE), bad("sensitive words"));
    insist!(ask.pace(keyed, tokens.len()), No::pace("429", "too fast"));
    let targets: Vec<Target<'_>> = tokens.iter().map(|t| ask.target(t)).collect();
    let expired = |t: &Target<'_>| t.bad || t.magic == Magic::Foreign;
    let failed = |t: &Target<'_>| !expired(t) && t.magic == Magic::Fail;
    let verdict = |t: &Target<'_>| match t {
        t if expired(t) => Verdict::BadToken,
        t if failed(t) => Verdict::Refused,
        _ => Verdict::Accepted,
    };
    let number = int(body, "android.notification.notifyId").filter(|n| *n != -1).map(|n| n.to_string());
    let key = number.unwrap_or_else(|| text(body, "android.notification.tag").to_owned());
    let content = Content { key: &key, title: said("title"), body: said("body") };
    ask.book(content, "200", targets.iter().map(|t| (t.hash, verdict(t))));
    let id = format!("hn{:013}{:04}", ask.twin.clock.millis(), ask.trace() % 10_000);
    let mut errand = Errand::new(keyed, &id, &key).carrying(ask.body);
    errand.param = text(body, "android.biTag").to_owned();
    let test = int(body, "android.targetUserType") == Some(1);
    let over = test && !ask.spend(keyed, "test", TESTS_A_DAY, targets.len());
    // NORMAL without the granted class counts as marketing.
    let service = text(body, "android.notification.importance") == "NORMAL" && keyed.may("classification");
    let marketing = !test && !service;
    let reached = targets.iter().filter(|t| verdict(t) == Verdict::Accepted).map(|t| {
        let capped = over || (marketing && !ask.device_takes(keyed, t.hash, DEVICE_DAILY));
        Reached { token: t.text, settled: capped.then_some(Kind::Capped) }
    });
    ask.expect(errand, reached);
    let fail: Vec<&str> = targets.iter().filter(|t| failed(t)).map(|t| t.text).collect();
    let expire: Vec<&str> = targets.iter().filter(|t| expired(t)).map(|t| t.text).collect();
    let any = fail.len() + expire.len() < targets.len();
    let data = json!({"sendResult": any, "requestId": id, "failTokens": fail, "expireTokens": expire});
    Ok(Reply::json(200, json!({"code": 200, "message": "success", "data": data}).to_string()))
}

/// Section 6: only "delivered" is known; the other numbers are Huawei's.
fn letters(_: &Twin, keyed: &Keyed, events: &[Event]) -> Vec<Post> {
    let status = |kind: &Kind| {
        Some(match kind {
            Kind::Delivered => DELIVERED,
            Kind::Gone => 2,
            Kind::Off => 6,
            Kind::Inactive => 10,
            Kind::Capped => 102,
            Kind::Filtered => 201,
            Kind::Raw(own) => own.parse().ok()?,
            Kind::Displayed | Kind::Clicked => return None,
        })
    };
    let rows: Vec<(&Event, i64)> = events.iter().filter_map(|e| Some((e, status(&e.kind)?))).collect();
    let row = |(e, status): &(&Event, i64)| {
        json!({"biTag": e.errand.param, "appid": keyed.field("app_id"), "token": e.target, "status": status,
               "timestamp": e.at, "requestId": e.errand.id})
    };
    let post = |part: &[(&Event, i64)]| Post {
        url: part.first().map(|(e, _)| e.errand.url.clone()).unwrap_or_default(),
        headers: Vec::new(),
        content_type: "application/json",
        body: json!({"statuses": part.iter().map(row).collect::<Vec<_>>()}).to_string(),
        count: part.len() as u64,
        wants: Some("0"),
        again: Again::Never,
    };
    rows.chunks(100).map(post).collect()
}
