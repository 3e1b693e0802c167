//! JPush REST v3, as `vendors/jpush.md` describes it: Basic, up to 1,000 ids, `cid` as the key of safe repeats.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::kit::json::{Form, at, filled, int, misformed, text, texts, within};
use crate::kit::{Again, Ask, Content, Desk, Errand, Event, Keyed, Kind, Limit, Magic, No, Post, Reached, SENSITIVE, Target, insist};
use crate::ledger::{Taken, Verdict, token_hash};
use crate::meters::MINUTE_MICROS;
use crate::twin::{Reply, Twin};

pub(crate) const DESK: Desk = Desk { answer, refusal, letters, passes: &[], clicks: true };

const TARGETS_MOST: usize = 1_000;
const ANDROID_MOST: usize = 4_000;
const IOS_MOST: usize = 2_000;
const DAY_SECONDS: i64 = 86_400;
const POOL_MOST: usize = 1_000;
/// Bits of `callback.type`.
const DELIVERED: u32 = 1;
const CLICKED: u32 = 2;
const NOT_DELIVERED: u32 = 4;

fn refusal(ask: &Ask<'_>, no: &No) -> Reply {
    let code: i64 = no.code.parse().unwrap_or(1_000);
    let usual = match code {
        1_000 => 500,
        1_001 => 405,
        1_004 => 401,
        1_020 | 404 => 404,
        1_030 => 503,
        2_002 => 429,
        2_003..=2_007 => 403,
        _ => 400,
    };
    let reply = Reply::json(usual, json!({"error": {"code": code, "message": no.text}}).to_string());
    if no.limit == Limit::Pace { rated(ask, reply) } else { reply }
}

fn no(code: u32, why: impl Into<String>) -> No {
    No::new(code.to_string(), why.into())
}

/// Section 5: how much of the minute is left.
fn rated(ask: &Ask<'_>, mut reply: Reply) -> Reply {
    let Some(keyed) = holder(ask).filter(|k| k.account.per_minute > 0) else { return reply };
    let limit = u64::from(keyed.account.per_minute);
    let now = ask.twin.clock.micros();
    let (taken, free_in) = ask.used(keyed, |usage| usage.minute.state(now, MINUTE_MICROS));
    let reset = u64::try_from(free_in).unwrap_or(0).div_ceil(1_000_000);
    for (name, value) in [("limit", limit), ("remaining", limit.saturating_sub(taken)), ("reset", reset)] {
        if let Ok(name) = HeaderName::try_from(format!("x-rate-limit-{name}")) {
            reply.extra.push((name, HeaderValue::from(value)));
        }
    }
    reply
}

fn holder<'a>(ask: &'a Ask<'_>) -> Option<&'a Arc<Keyed>> {
    let pair = STANDARD.decode(ask.header("authorization").strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (key, secret) = pair.split_once(':')?;
    ask.account(|k| k.field("app_key") == key && k.field("master_secret") == secret)
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    let keyed = holder(ask).ok_or(no(1_004, "basic authentication failed"))?;
    if ask.path == "/v3/push/cid" && ask.parts.method == Method::GET {
        return pool(ask, keyed);
    }
    if let Some(id) = ask.path.strip_prefix("/v3/push/").filter(|_| ask.parts.method == Method::DELETE) {
        return recall(ask, keyed, id);
    }
    let validate = match ask.path {
        "/v3/push" => false,
        "/v3/push/validate" => true,
        "/v3/push/batch/regid/single" => return batch(ask, keyed),
        _ => return Err(no(404, "no such address")),
    };
    insist!(ask.is_post(), no(1_001, "only POST is supported"));
    let body = ask.json().filter(|_| ask.is_type("application/json")).ok_or(no(1_003, "the body is no JSON object"))?;
    check(keyed, &body)?;
    let ids = audience(&body)?;
    let cid = text(&body, "cid");
    insist!(cid.is_empty() || is_cid(ask, keyed, cid), no(1_003, "cid is not of the pool"));
    insist!(ask.pace(keyed, 1), No::pace("2002", "the request frequency of this API is exceeded"));
    if validate {
        return Ok(rated(ask, sent(&body, "0")));
    }
    let said = push(ask, keyed, &body, &ids, cid, "200")?;
    Ok(rated(ask, sent(&body, &said)))
}

/// Section 2 names the call and no more: what it answers is assumed. A push is found for a day.
fn recall(ask: &Ask<'_>, keyed: &Arc<Keyed>, id: &str) -> Result<Reply, No> {
    insist!(ask.pace(keyed, 1), No::pace("2002", "the request frequency of this API is exceeded"));
    let number = ask.known(keyed, pushed(id)).and_then(|number| number.parse().ok());
    let number = number.ok_or(no(1_003, "the msg_id is not valid"))?;
    ask.withdraw(Taken::Request(number), "recall");
    Ok(rated(ask, Reply::json(200, json!({ "msg_id": id }).to_string())))
}

/// Under this number the request of a push is remembered.
fn pushed(id: &str) -> u64 {
    token_hash(id) ^ 5
}

fn sent(body: &Value, id: &str) -> Reply {
    let number = int(body, "options.sendno").unwrap_or(0).to_string();
    Reply::json(200, json!({"sendno": number, "msg_id": id}).to_string())
}

/// `appkey-uuid`; with the right `cid_pool` only ids that were fetched.
fn is_cid(ask: &Ask<'_>, keyed: &Keyed, cid: &str) -> bool {
    let rest = cid.strip_prefix(keyed.field("app_key")).and_then(|c| c.strip_prefix('-'));
    let formed = rest.is_some_and(|r| r.len() >= 10 && r.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    formed && (!keyed.may("cid_pool") || ask.saved(keyed, cid).is_some())
}

fn pool(ask: &Ask<'_>, keyed: &Arc<Keyed>) -> Result<Reply, No> {
    let count: usize = ask.query("count").map_or(Some(1), |c| c.parse().ok()).ok_or(no(1_003, "count"))?;
    let most = if keyed.may("vip") { POOL_MOST } else { 10 };
    insist!((1..=most).contains(&count), no(1_003, "count is out of range"));
    // The limit is of each interface; pushes have their own.
    insist!(ask.pace_beside(keyed), No::pace("2002", "the request frequency of this API is exceeded"));
    let fresh = |_| {
        let uuid = uuid::Uuid::parse_str(&ask.random(32)).unwrap_or_default();
        let cid = format!("{}-{uuid}", keyed.field("app_key"));
        ask.save(keyed, &cid, Value::Null);
        cid
    };
    let list: Vec<String> = (0..count).map(fresh).collect();
    ask.twin.ledger.refuse(ask.vendor, "cid");
    Ok(rated(ask, Reply::json(200, json!({ "cidlist": list }).to_string())))
}

/// Section 2 and the simulator rules below it.
fn check(keyed: &Keyed, body: &Value) -> Result<(), No> {
    let platform = at(body, "platform").ok_or(no(1_002, "platform is missing"))?;
    let known = ["android", "ios", "hmos", "quickapp"];
    let listed = texts(body, "platform").is_some_and(|p| !p.is_empty() && p.iter().all(|p| known.contains(p)));
    insist!(platform == "all" || listed, no(1_003, "platform is not valid"));
    let spoken = ["notification", "message", "live_activity", "inapp_message", "notification_3rd"];
    insist!(spoken.iter().any(|s| at(body, s).is_some()), no(1_002, "notification or message is missing"));
    let top = ["platform", "audience", "notification", "message", "cid", "options", "callback", "sms_message", "target"];
    let stranger = body.as_object().and_then(|o| o.keys().find(|k| !top.contains(&k.as_str()) && !spoken.contains(&k.as_str())));
    insist!(stranger.is_none(), no(1_009, format!("unsupported key {}", stranger.map_or("", String::as_str))));
    if let Some(path) = misformed(body, &FORMS) {
        return Err(no(1_003, format!("{path} has the wrong type")));
    }
    for name in ["mutable_content", "content_available", "thread_id", "interruption_level"] {
        insist!(at(body, &format!("notification.ios.{name}")).is_none(), no(1_009, format!("unsupported key {name}")));
    }
    let common = filled(body, "notification.alert");
    for system in ["android", "hmos"] {
        if at(body, &format!("notification.{system}")).is_some() {
            insist!(common || filled(body, &format!("notification.{system}.alert")), no(1_002, format!("{system}.alert is missing")));
        }
    }
    insist!(at(body, "notification.hmos").is_none() || filled(body, "notification.hmos.category"), no(1_002, "hmos.category is missing"));
    insist!(at(body, "message").is_none() || filled(body, "message.msg_content"), no(1_002, "msg_content is missing"));
    insist!(within(body, "notification.android.priority", -2..=2), no(1_003, "android.priority"));
    insist!(within(body, "notification.android.badge_add_num", 1..=99), no(1_003, "android.badge_add_num"));
    let days = if keyed.may("vip") { 10 } else { 3 };
    insist!(within(body, "options.time_to_live", 0..=days * DAY_SECONDS), no(1_003, "time_to_live is out of range"));
    insist!(text(body, "options.apns_collapse_id").len() <= 64, no(1_003, "apns_collapse_id is too long"));
    insist!(within(body, "options.big_push_duration", 0..=1_400), no(1_003, "big_push_duration"));
    insist!(within(body, "options.classification", 0..=1), no(1_003, "classification"));
    let size = |path: &str| at(body, path).map_or(0, |v| v.to_string().len());
    insist!(size("notification.android") + size("message") <= ANDROID_MOST, no(1_005, "the message is too large"));
    insist!(size("notification.ios") <= IOS_MOST, no(1_005, "the iOS notification is too large"));
    insist!(!body.to_string().contains(SENSITIVE), no(1_003, "sensitive words"));
    insist!(at(body, "callback").is_none() || keyed.may("vip"), no(2_006, "callback is a VIP function"));
    insist!(within(body, "callback.type", 1..=15), no(1_003, "callback.type"));
    Ok(())
}

const FORMS: [(&str, Form); 15] = [
    ("cid", Form::Text),
    ("notification", Form::Object),
    ("notification.alert", Form::Text),
    ("notification.android", Form::Object),
    ("notification.android.alert", Form::Text),
    ("notification.android.title", Form::Text),
    ("notification.android.channel_id", Form::Text),
    ("notification.ios", Form::Object),
    ("notification.ios.mutable-content", Form::Flag),
    ("notification.ios.content-available", Form::Flag),
    ("message", Form::Object),
    ("options", Form::Object),
    ("options.time_to_live", Form::Int),
    ("options.apns_production", Form::Flag),
    ("callback.url", Form::Text),
];

fn audience(body: &Value) -> Result<Vec<&str>, No> {
    let audience = at(body, "audience").ok_or(no(1_002, "audience is missing"))?;
    insist!(audience.is_object(), no(1_003, "the simulator knows registration ids only"));
    let ids = texts(audience, "registration_id").ok_or(no(1_003, "registration_id"))?;
    insist!(!ids.is_empty() && ids.len() <= TARGETS_MOST, no(1_003, "registration_id: 1 to 1000"));
    Ok(ids)
}

fn live(target: &Target<'_>) -> bool {
    !target.bad && !matches!(target.magic, Magic::Foreign | Magic::Gone | Magic::Inactive)
}

/// Returns the message id. Within a day the same cid gives the first result and sends nothing.
fn push(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: &Value, ids: &[&str], cid: &str, answer: &str) -> Result<String, No> {
    insist!(ask.spend(keyed, "day", ask.quota(keyed), ids.len()), No::quota("2005", "the total volume is exceeded"));
    let targets: Vec<Target<'_>> = ids.iter().map(|id| ask.target(id)).collect();
    let said = |field: &str| {
        let ways = [format!("notification.android.{field}"), format!("notification.ios.alert.{field}"), format!("message.{field}")];
        ways.iter().map(|p| text(body, p)).find(|t| !t.is_empty()).unwrap_or("").to_owned()
    };
    let alerts =
        ["notification.android.alert", "notification.ios.alert", "notification.hmos.alert", "notification.alert", "message.msg_content"];
    let alert = alerts.iter().map(|p| text(body, p)).find(|t| !t.is_empty()).unwrap_or("");
    let title = said("title");
    let key = if cid.is_empty() { text(body, "options.apns_collapse_id") } else { cid };
    let content = Content { key, title: &title, body: alert };
    let id = format!("18{:016}", ask.twin.chance.next() % 10_000_000_000_000_000);
    if !cid.is_empty()
        && let Some(first) = ask.first(keyed, token_hash(cid), &id)
    {
        ask.book(content, answer, targets.iter().map(|t| (t.hash, Verdict::Dropped)));
        return if first.is_empty() { Err(no(1_011, "cannot find user by this audience")) } else { Ok(first.to_string()) };
    }
    let verdict = |t: &Target<'_>| if live(t) { Verdict::Accepted } else { Verdict::BadToken };
    let any = targets.iter().any(live);
    ask.book(content, if any { answer } else { "" }, targets.iter().map(|t| (t.hash, verdict(t))));
    if !any {
        // A refused cid may be used again: nothing was sent under it.
        ask.used(keyed, |usage| usage.forget(token_hash(cid)));
        return Err(no(1_011, "cannot find user by this audience"));
    }
    ask.first(keyed, pushed(&id), &ask.trace().to_string());
    let mut errand = Errand::new(keyed, &id, key).carrying(ask.body);
    if filled(body, "callback.url") {
        errand.url = text(body, "callback.url").to_owned();
    }
    errand.types = int(body, "callback.type").and_then(|t| u32::try_from(t).ok()).unwrap_or(0);
    errand.param = at(body, "callback.params").map(Value::to_string).unwrap_or_default();
    ask.expect(errand, targets.iter().filter(|t| live(t)).map(|t| Reached::plainly(t.text)));
    Ok(id)
}

/// VIP only: each entry is judged alone.
fn batch(ask: &Ask<'_>, keyed: &Arc<Keyed>) -> Result<Reply, No> {
    insist!(ask.is_post(), no(1_001, "only POST is supported"));
    insist!(keyed.may("vip"), no(2_006, "a VIP function"));
    let body = ask.json().ok_or(no(1_003, "the body is no JSON object"))?;
    let list = at(&body, "pushlist").and_then(Value::as_object).ok_or(no(1_002, "pushlist is missing"))?;
    insist!((1..=TARGETS_MOST).contains(&list.len()), no(1_003, "pushlist: 1 to 1000"));
    insist!(ask.pace(keyed, 1), No::pace("2002", "the request frequency of this API is exceeded"));
    let mut answer = "200";
    let mut one = |cid: &str, entry: &Value| {
        check(keyed, entry)?;
        insist!(is_cid(ask, keyed, cid), no(1_003, "cid is not of the pool"));
        insist!(filled(entry, "target"), no(1_002, "target is missing"));
        push(ask, keyed, entry, &[text(entry, "target")], cid, std::mem::take(&mut answer))
    };
    let row = |said: Result<String, No>| match said {
        Ok(id) => json!({ "msg_id": id }),
        Err(no) => json!({"error": {"code": no.code.parse::<i64>().unwrap_or(1_000), "message": no.text}}),
    };
    let rows: serde_json::Map<String, Value> = list.iter().map(|(cid, entry)| (cid.clone(), row(one(cid, entry)))).collect();
    Ok(rated(ask, Reply::json(200, Value::Object(rows).to_string())))
}

/// Section 6. The body is assumed: the manual has it from sister products only.
fn letters(_: &Twin, keyed: &Keyed, events: &[Event]) -> Vec<Post> {
    let row = |e: &Event| {
        let (kind, error) = match &e.kind {
            Kind::Delivered => (DELIVERED, Value::Null),
            Kind::Clicked => (CLICKED, Value::Null),
            Kind::Off => (NOT_DELIVERED, json!({"code": 1, "message": "notifications are off"})),
            Kind::Capped => (NOT_DELIVERED, json!({"code": 2, "message": "over the vendor's daily limit"})),
            Kind::Filtered => (NOT_DELIVERED, json!({"code": 3, "message": "discarded"})),
            Kind::Raw(own) => (own.parse().ok()?, Value::Null),
            Kind::Gone | Kind::Inactive | Kind::Displayed => return None,
        };
        if e.errand.types != 0 && e.errand.types & kind == 0 {
            return None;
        }
        let params: Value = serde_json::from_str(&e.errand.param).unwrap_or_default();
        let mut row = json!({"type": kind, "channelkey": keyed.field("app_key"), "msgid": e.errand.id, "userid": e.target,
                             "sent_time": e.at, "params": params});
        if !error.is_null() {
            row["error"] = error;
        }
        Some((row, e.errand.url.clone()))
    };
    let rows: Vec<(Value, String)> = events.iter().filter_map(row).collect();
    let pair = STANDARD.encode(format!("{}:{}", keyed.field("app_key"), keyed.field("master_secret")));
    let post = |part: &[(Value, String)]| Post {
        url: part.first().map(|(_, url)| url.clone()).unwrap_or_default(),
        headers: vec![("authorization", format!("Basic {pair}"))],
        content_type: "application/json",
        body: Value::from(part.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>()).to_string(),
        count: part.len() as u64,
        wants: None,
        again: Again::Refused { left: 2, after_ms: 50_000 },
    };
    rows.chunks(100).map(post).collect()
}
