//! vivo Push, as `vendors/vivo.md` describes it: JSON, exchanged tokens, single sends, saved lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use crate::kit::json::{at, filled, int, number, short, text, texts, within};
use crate::kit::{Again, Ask, Content, Desk, Errand, Event, Holder, Keyed, Kind, Magic, No, Post, Reached, SENSITIVE, Target, insist};
use crate::ledger::{Verdict, token_hash};
use crate::meters::{SECOND_MICROS, hour_of};
use crate::twin::{Reply, Twin};

pub(crate) const DESK: Desk = Desk { answer, refusal, letters, passes: &["/message/auth"], clicks: false };

const DAY_SECONDS: u32 = 86_400;
const SKEW_MILLIS: i64 = 600_000;
const PASSES_A_SECOND: u32 = 10;
/// Operational messages to one device in a day.
const DEVICE_DAILY: u32 = 2;
const SYSTEM: [&str; 6] = ["IM", "ACCOUNT", "TODO", "DEVICE_REMINDER", "ORDER", "SUBSCRIPTION"];
const OPERATIONAL: [&str; 4] = ["NEWS", "CONTENT", "MARKETING", "SOCIAL"];

fn refusal(_: &Ask<'_>, no: &No) -> Reply {
    if no.code == "404" {
        return Reply::html(404, "Not Found");
    }
    let code: i64 = no.code.parse().unwrap_or(0);
    let mut body = json!({"result": code, "desc": no.text});
    if let (Some(body), Value::Object(extra)) = (body.as_object_mut(), &no.extra) {
        body.extend(extra.clone());
    }
    Reply::json(200, body.to_string())
}

fn success(more: Value) -> Reply {
    let mut body = json!({"result": 0, "desc": "请求成功"});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    Reply::json(200, body.to_string())
}

fn no(code: u32, why: &'static str) -> No {
    No::new(code.to_string(), why)
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    let known = ["/message/auth", "/message/send", "/message/saveListPayload", "/message/pushToList", "/invalidUser/check"];
    insist!(ask.is_post() && known.contains(&ask.path), no(404, "no such address"));
    let body = ask.json().filter(|_| ask.is_type("application/json"));
    // No code is known for this; internal faults are plain text with 500.
    let Some(body) = body else { return Ok(Reply::html(500, "Internal Server Error")) };
    if ask.path == "/message/auth" {
        return auth(ask, &body);
    }
    let Holder::Of(keyed) = ask.holder(ask.header("authtoken")) else { return Err(no(10000, "权限认证失败")) };
    insist!(number(&body, "appId").is_none_or(|id| id.to_string() == keyed.identity), no(10094, "appId不一致"));
    match ask.path {
        "/message/send" => single(ask, &keyed, &body),
        "/message/saveListPayload" => save(ask, &keyed, body),
        "/message/pushToList" => list(ask, &keyed, &body),
        _ => users(ask, &keyed, &body),
    }
}

/// Section 1.
fn auth(ask: &Ask<'_>, body: &Value) -> Result<Reply, No> {
    let id = number(body, "appId").ok_or(no(10200, "appId不能为空"))?.to_string();
    insist!(filled(body, "appKey"), no(10201, "appKey不能为空"));
    insist!(at(body, "timestamp").is_some(), no(10203, "timestamp不能为空"));
    insist!(filled(body, "sign"), no(10204, "sign不能为空"));
    let keyed = ask.account(|k| k.identity == id).ok_or(no(10205, "appId不存在"))?;
    let key = text(body, "appKey");
    insist!(keyed.field("app_key") == key, no(10202, "appKey不合法"));
    let sent = int(body, "timestamp").unwrap_or(0);
    insist!((ask.now() - sent).abs() <= SKEW_MILLIS, no(10207, "timestamp不合法"));
    insist!(text(body, "sign") == signed(&id, key, sent, keyed.field("app_secret")), no(10206, "sign不合法"));
    insist!(ask.pass_pace(keyed, PASSES_A_SECOND, SECOND_MICROS), No::pace("10093", "鉴权请求过于频繁"));
    insist!(ask.spend(keyed, "passes", 10_000, 1), No::quota("10250", "鉴权请求超限"));
    let token = format!("{}-sim", ask.random(32));
    ask.issue(keyed, &token, DAY_SECONDS);
    Ok(success(json!({ "authToken": token })))
}

fn signed(id: &str, key: &str, timestamp: i64, secret: &str) -> String {
    hex::encode(Md5::digest(format!("{id}{key}{timestamp}{secret}")))
}

/// Sections 2 and 4, the content of single sends and of saved lists.
fn check(ask: &Ask<'_>, keyed: &Keyed, m: &Value, listed: bool) -> Result<(), No> {
    let id = text(m, "requestId");
    insist!(!id.is_empty(), no(10352, "requestId不能为空"));
    insist!(id.len() <= 64, no(10353, "requestId过长"));
    insist!(int(m, "notifyType").is_some_and(|t| (1..=4).contains(&t)), no(10054, "notifyType不合法"));
    insist!(filled(m, "title"), no(10055, "title不能为空"));
    insist!(short(m, "title", 40), no(10056, "title过长"));
    insist!(filled(m, "content"), no(10057, "content不能为空"));
    insist!(short(m, "content", 100), no(10058, "content过长"));
    let least = if listed { 900 } else { 60 };
    insist!(within(m, "timeToLive", least..=86_400), no(10059, "timeToLive不合法"));
    let skip = int(m, "skipType").filter(|t| (1..=4).contains(t)).ok_or(no(10060, "skipType不合法"))?;
    let to = text(m, "skipContent");
    insist!(skip == 1 || !to.is_empty(), no(10061, "skipContent不能为空"));
    insist!(to.chars().count() <= 1_024, no(10062, "skipContent过长"));
    insist!(skip != 2 || to.starts_with("http://") || to.starts_with("https://"), no(10063, "skipContent不是网址"));
    insist!(skip != 4 || to.contains("://"), no(10064, "skipContent不合法"));
    insist!(int(m, "networkType").is_none_or(|t| t == -1 || t == 1), no(10065, "networkType不合法"));
    if let Some(own) = at(m, "clientCustomMap") {
        let own = own.as_object().ok_or(no(10066, "clientCustomMap不合法"))?;
        insist!(own.len() <= 10 && own.values().all(Value::is_string), no(10066, "clientCustomMap键值对过多"));
        let chars: usize = own.iter().map(|(k, v)| k.chars().count() + v.as_str().map_or(0, |v| v.chars().count())).sum();
        insist!(chars <= 1_024, no(10067, "clientCustomMap过长"));
    }
    insist!(int(m, "classification").is_none_or(|c| c == 0 || c == 1), no(11000, "classification不合法"));
    let category = text(m, "category");
    insist!(category.is_empty() || SYSTEM.contains(&category) || OPERATIONAL.contains(&category), no(10096, "category不合法"));
    let contradicts = !category.is_empty() && int(m, "classification").is_some_and(|c| (c == 1) != SYSTEM.contains(&category));
    insist!(!contradicts, no(10097, "category与classification不一致"));
    insist!(within(m, "notifyId", 1..=2_147_483_647), no(10095, "notifyId不合法"));
    let spoken = [text(m, "title"), text(m, "content")];
    insist!(!spoken.iter().any(|t| t.contains(SENSITIVE)), no(10103, "包含敏感词"));
    let formal = int(m, "pushMode").unwrap_or(0) == 0;
    let suspect = ask.dials.review && formal && spoken.iter().any(|t| looks_like_a_test(t));
    insist!(!suspect, no(10104, "请发送正式消息"));
    insist!(!formal || !keyed.may("in_review"), no(10045, "应用审核中，不能发送正式消息"));
    extra(keyed, m)
}

fn looks_like_a_test(text: &str) -> bool {
    text.contains("测试") || text.contains(['{', '}', '[', ']']) || text.is_ascii()
}

/// Section 6: the legacy form or an id from the console.
fn extra(keyed: &Keyed, m: &Value) -> Result<(), No> {
    let Some(extra) = at(m, "extra").and_then(Value::as_object) else { return Ok(()) };
    let get = |name: &str| extra.get(name).and_then(Value::as_str).unwrap_or("");
    let known = ["callback", "callback.param", "callback.id"];
    insist!(extra.keys().all(|k| known.contains(&k.as_str())), no(10304, "extra包含不支持的key"));
    insist!(get("callback").len() <= 128, no(10305, "callback过长"));
    let registered = get("callback.id").is_empty() || keyed.account.callbacks.contains_key(get("callback.id"));
    insist!(registered, no(10305, "callback.id不存在"));
    let most = if get("callback.id").is_empty() { 64 } else { 192 };
    insist!(get("callback.param").len() <= most, no(10306, "callback.param过长"));
    Ok(())
}

fn is_system(m: &Value) -> bool {
    int(m, "classification") == Some(1) || SYSTEM.contains(&text(m, "category"))
}

/// Hours, totals by class, speed by target users. Test messages stay outside the totals.
fn admit(ask: &Ask<'_>, keyed: &Keyed, m: &Value, targets: usize, formal: bool) -> Result<(), No> {
    let hour = hour_of(ask.now());
    let open = is_system(m) || !formal || !ask.dials.vendor_hours || (7..23).contains(&hour);
    insist!(open, No::quota("10071", "运营消息只能在07:00至23:00发送"));
    insist!(ask.pace(keyed, targets), No::pace("10072", "发送过快"));
    let (pot, code) = if is_system(m) { ("system", "10073") } else { ("operational", "10070") };
    insist!(!formal || ask.spend(keyed, pot, ask.quota(keyed), targets), No::quota(code, "当日总量已用完"));
    Ok(())
}

/// 1 unknown, 2 gone, 3 inactive, 4 no test device.
fn status(keyed: &Keyed, target: &Target<'_>, formal: bool) -> Option<i64> {
    match target.magic {
        _ if target.bad => Some(1),
        Magic::Foreign => Some(1),
        Magic::Fail => Some(2),
        Magic::Inactive | Magic::Off => Some(3),
        _ => (formal == keyed.account.test_devices.contains(target.text)).then_some(4),
    }
}

fn content(m: &Value) -> (String, &str, &str) {
    let key = int(m, "notifyId").map_or_else(|| text(m, "requestId").to_owned(), |id| id.to_string());
    (key, text(m, "title"), text(m, "content"))
}

/// Whether vivo shows it: equal operational texts to one device are not displayed again (section 5).
fn settle<'a>(ask: &Ask<'_>, keyed: &Keyed, m: &Value, target: &Target<'a>) -> (Verdict, Reached<'a>) {
    let mut settled = None;
    let mut verdict = Verdict::Accepted;
    if !is_system(m) {
        let same = token_hash(text(m, "title")) ^ token_hash(text(m, "content")).rotate_left(9) ^ target.hash.rotate_left(21);
        if !ask.is_new(keyed, same) {
            (verdict, settled) = (Verdict::Dropped, Some(Kind::Raw(Arc::from("104"))));
        } else if !ask.device_takes(keyed, target.hash, DEVICE_DAILY) {
            settled = Some(Kind::Capped);
        }
    }
    (verdict, Reached { token: target.text, settled })
}

/// The legacy address works for single formal pushes only; an id for all.
fn errand(keyed: &Arc<Keyed>, m: &Value, task: &str, key: &str, legacy: bool) -> Errand {
    let mut errand = Errand::new(keyed, task, key).carrying(m.to_string().as_bytes());
    let get = |name: &str| at(m, "extra").and_then(|e| e.get(name)).and_then(Value::as_str).unwrap_or("");
    errand.url = match keyed.account.callbacks.get(get("callback.id")) {
        Some(url) => url.clone(),
        None if legacy => get("callback").to_owned(),
        None => String::new(),
    };
    errand.param = get("callback.param").to_owned();
    errand
}

fn task_id(ask: &Ask<'_>) -> String {
    format!("9{:017}", ask.twin.chance.next() % 100_000_000_000_000_000)
}

fn single(ask: &Ask<'_>, keyed: &Arc<Keyed>, m: &Value) -> Result<Reply, No> {
    let to = text(m, "regId");
    insist!(!to.is_empty() || filled(m, "alias"), no(10050, "regId和alias不能同时为空"));
    insist!(!to.is_empty(), no(10301, "the simulator knows no alias"));
    check(ask, keyed, m, false)?;
    let formal = int(m, "pushMode").unwrap_or(0) == 0;
    admit(ask, keyed, m, 1, formal)?;
    let target = ask.target(to);
    let (key, title, body) = content(m);
    let said = Content { key: &key, title, body };
    if let Some(status) = status(keyed, &target, formal) {
        ask.book(said, "", std::iter::once((target.hash, Verdict::BadToken)));
        insist!(status != 3, no(10311, "用户当前不可推送"));
        return Err(no(10302, "regId不合法").with(json!({"invalidUser": {"status": status, "userid": to}})));
    }
    let task = task_id(ask);
    // The same requestId is the same request: the first answer comes back, and nothing is sent.
    if let Some(first) = ask.first(keyed, token_hash(text(m, "requestId")), &task) {
        ask.book(said, "0", std::iter::once((target.hash, Verdict::Dropped)));
        return Ok(success(json!({"taskId": first.as_ref()})));
    }
    let (verdict, reached) = settle(ask, keyed, m, &target);
    ask.book(said, "0", std::iter::once((target.hash, verdict)));
    ask.expect(errand(keyed, m, &task, &key, formal), std::iter::once(reached));
    Ok(success(json!({ "taskId": task })))
}

fn save(ask: &Ask<'_>, keyed: &Arc<Keyed>, m: Value) -> Result<Reply, No> {
    check(ask, keyed, &m, true)?;
    insist!(ask.pace(keyed, 0), No::pace("10072", "发送过快"));
    insist!(ask.spend(keyed, "save", keyed.account.save_daily, 1), No::quota("10252", "saveListPayload当日次数已用完"));
    let task = task_id(ask);
    ask.save(keyed, &task, m);
    ask.twin.ledger.refuse(ask.vendor, "content");
    Ok(success(json!({ "taskId": task })))
}

fn list(ask: &Ask<'_>, keyed: &Arc<Keyed>, call: &Value) -> Result<Reply, No> {
    let ids = texts(call, "regIds").filter(|ids| !ids.is_empty()).ok_or(no(10150, "regIds不能为空"))?;
    insist!(filled(call, "taskId"), no(10151, "taskId不能为空"));
    let task = text(call, "taskId");
    insist!(task.bytes().all(|b| b.is_ascii_digit()), no(10152, "taskId不合法"));
    insist!((2..=1_000).contains(&ids.len()), no(10153, "regIds个数必须在2到1000之间"));
    let request = text(call, "requestId");
    insist!(!request.is_empty(), no(10352, "requestId不能为空"));
    insist!(request.len() <= 64, no(10353, "requestId过长"));
    let saved = ask.saved(keyed, task).ok_or(no(10155, "任务不存在或已过期"))?;
    let m = &saved.content;
    let formal = int(call, "pushMode").or_else(|| int(m, "pushMode")).unwrap_or(0) == 0;
    admit(ask, keyed, m, ids.len(), formal)?;
    let targets: Vec<Target<'_>> = ids.iter().map(|id| ask.target(id)).collect();
    let (key, title, body) = content(m);
    let key = if int(m, "notifyId").is_some() { key } else { request.to_owned() };
    let said = Content { key: &key, title, body };
    if ask.first(keyed, token_hash(request), task).is_some() {
        ask.book(said, "0", targets.iter().map(|t| (t.hash, Verdict::Dropped)));
        return Ok(success(json!({ "taskId": task })));
    }
    let mut invalid = Vec::new();
    let mut reached = Vec::with_capacity(targets.len());
    let mut rows = Vec::with_capacity(targets.len());
    for target in &targets {
        match status(keyed, target, formal) {
            Some(status) => {
                invalid.push(json!({"status": status, "userid": target.text}));
                rows.push((target.hash, Verdict::BadToken));
            }
            None => {
                let (verdict, settled) = settle(ask, keyed, m, target);
                rows.push((target.hash, verdict));
                reached.push(settled);
            }
        }
    }
    ask.book(said, "0", rows.into_iter());
    ask.expect(errand(keyed, m, task, &key, false), reached.into_iter());
    let mut more = json!({ "taskId": task });
    if !invalid.is_empty() {
        more["invalidUsers"] = Value::from(invalid);
    }
    Ok(success(more))
}

/// `/invalidUser/check`.
fn users(ask: &Ask<'_>, keyed: &Keyed, call: &Value) -> Result<Reply, No> {
    let ids = texts(call, "userIds").filter(|ids| (1..=1_000).contains(&ids.len())).ok_or(no(10150, "userIds不合法"))?;
    let row = |id: &&str| status(keyed, &ask.target(id), !keyed.account.test_devices.contains(*id)).map(|s| (id.to_string(), s));
    let rows: Vec<Value> = ids.iter().filter_map(row).map(|(id, status)| json!({"status": status, "userid": id})).collect();
    Ok(success(json!({ "data": rows })))
}

/// Section 6: an object keyed by task; one task has one kind in a POST.
fn letters(_: &Twin, _: &Keyed, events: &[Event]) -> Vec<Post> {
    let word = |kind: &Kind| match kind {
        Kind::Delivered => Some("0".to_owned()),
        Kind::Capped => Some("100".to_owned()),
        Kind::Filtered => Some("101".to_owned()),
        Kind::Gone | Kind::Inactive => Some("102".to_owned()),
        Kind::Raw(own) => Some(own.to_string()),
        Kind::Off | Kind::Displayed | Kind::Clicked => None,
    };
    let mut groups: BTreeMap<(String, String), Vec<&Event>> = BTreeMap::new();
    for (event, word) in events.iter().filter_map(|e| Some((e, word(&e.kind)?))) {
        groups.entry((word, event.errand.id.clone())).or_default().push(event);
    }
    let mut posts: BTreeMap<String, (Map<String, Value>, u64, String)> = BTreeMap::new();
    for ((word, task), events) in groups {
        let Some(first) = events.first() else { continue };
        let (rows, count, url) = posts.entry(word.clone()).or_default();
        let targets: Vec<&str> = events.iter().map(|e| e.target.as_ref()).collect();
        *count += targets.len() as u64;
        url.clone_from(&first.errand.url);
        let row = json!({"param": first.errand.param, "targets": targets.join(","), "ackTime": first.at, "ackType": word});
        rows.insert(task, row);
    }
    let post = |(rows, count, url): (Map<String, Value>, u64, String)| Post {
        url,
        headers: Vec::new(),
        content_type: "application/json",
        body: Value::Object(rows).to_string(),
        count,
        wants: None,
        again: Again::Never,
    };
    posts.into_values().map(post).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_equals_the_vector_of_the_manual() {
        assert_eq!(signed("10001", "vivo-demo-key", 1_700_000_000_000, "vivo-demo-secret"), "e3343b08cfb23dddbca3a97672312e98");
    }
}
