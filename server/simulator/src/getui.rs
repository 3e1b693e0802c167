//! Getui REST v2, as `vendors/getui.md` describes it: exchanged tokens, single pushes, batches, saved lists.

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;
use md5::{Digest, Md5};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::kit::json::{at, filled, loose, number, short, text, texts};
use crate::kit::{Again, Ask, Content, Desk, Errand, Event, Holder, Keyed, Kind, Magic, No, Post, Reached, SENSITIVE, Target, insist};
use crate::ledger::{Taken, Verdict, token_hash};
use crate::meters::MINUTE_MICROS;
use crate::twin::{Reply, Twin};

pub(crate) const DESK: Desk = Desk { answer, refusal, letters, passes: &[], clicks: true };

const DAY_SECONDS: u32 = 86_400;
const SKEW_MILLIS: i64 = 600_000;
const TTL_MOST: i64 = 3 * 86_400_000;
const LISTS_A_DAY: u64 = 2_000_000;
const PASSES_A_MINUTE: u32 = 100;

/// Section 4: the status goes with the code.
fn refusal(_: &Ask<'_>, no: &No) -> Reply {
    let code: i64 = no.code.parse().unwrap_or(1);
    let status = match code {
        404 | 405 => u16::try_from(code).unwrap_or(400),
        5_000 => 500,
        10_000..=19_999 => 401,
        20_000..=29_999 => 400,
        30_000..=39_999 => 403,
        _ => 200,
    };
    Reply::json(status, json!({"code": code, "msg": no.text}).to_string())
}

fn success(data: Value) -> Reply {
    Reply::json(200, json!({"code": 0, "msg": "success", "data": data}).to_string())
}

fn bad(why: impl Into<String>) -> No {
    No::new("20001", why.into())
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    let (app, call) = ask.path.strip_prefix("/v2/").and_then(|p| p.split_once('/')).ok_or(No::new("404", "url error"))?;
    if let Some(token) = call.strip_prefix("auth/") {
        insist!(ask.parts.method == Method::DELETE, No::new("405", "method error"));
        insist!(matches!(ask.holder(token), Holder::Of(_)), No::new("10001", "token is invalid"));
        ask.revoke(token);
        return Ok(success(json!({})));
    }
    let known = ["auth", "push/single/cid", "push/single/batch/cid", "push/list/message", "push/list/cid"];
    insist!(known.contains(&call), No::new("404", "url error"));
    insist!(ask.is_post(), No::new("405", "method error"));
    let body = ask.json().filter(|_| ask.is_type("application/json")).ok_or(No::new("1", "the body is no JSON"))?;
    if call == "auth" {
        return auth(ask, app, &body);
    }
    let Holder::Of(keyed) = ask.holder(ask.header("token")) else { return Err(No::new("10001", "token is invalid or expired")) };
    insist!(keyed.identity == app, No::new("10002", "appId is barred"));
    match call {
        "push/single/cid" => single(ask, &keyed, &body),
        "push/single/batch/cid" => batch(ask, &keyed, &body),
        "push/list/message" => keep(ask, &keyed, body),
        _ => list(ask, &keyed, &body),
    }
}

/// Section 1.
fn auth(ask: &Ask<'_>, app: &str, body: &Value) -> Result<Reply, No> {
    let keyed = ask.account(|k| k.identity == app).ok_or(No::new("10002", "appId is unknown"))?;
    insist!(ask.pass_pace(keyed, PASSES_A_MINUTE, MINUTE_MICROS), No::pace("10003", "too many auth calls"));
    let (key, sent) = (text(body, "appkey"), loose(body, "timestamp"));
    insist!(key == keyed.field("app_key"), bad("appkey is invalid"));
    insist!(sent.parse::<i64>().is_ok_and(|t| (ask.now() - t).abs() <= SKEW_MILLIS), bad("timestamp is invalid"));
    insist!(text(body, "sign") == signed(key, &sent, keyed.field("master_secret")), bad("sign is invalid"));
    let token = ask.random(32);
    let life = ask.issue(keyed, &token, DAY_SECONDS);
    Ok(success(json!({"expire_time": (ask.now() + i64::from(life) * 1_000).to_string(), "token": token})))
}

fn signed(key: &str, timestamp: &str, secret: &str) -> String {
    hex::encode(digest(&SHA256, format!("{key}{timestamp}{secret}").as_bytes()))
}

/// Section 2, what a push and a saved list have in common.
fn check(push: &Value) -> Result<(), No> {
    let id = text(push, "request_id");
    insist!((10..=32).contains(&id.len()), bad("request_id is invalid"));
    if let Some(ttl) = at(push, "settings.ttl") {
        insist!(ttl.as_i64().is_some_and(|t| (-1..=TTL_MOST).contains(&t)), bad("ttl is invalid"));
    }
    insist!(short(push, "group_name", 100), bad("group_name size over limit"));
    let message = at(push, "push_message").filter(|m| m.is_object()).ok_or(bad("push_message can not be empty"))?;
    let ways = ["notification", "transmission", "revoke"].iter().filter(|w| at(message, w).is_some()).count();
    insist!(ways == 1, bad("please choose one of notification and transmission and revoke"));
    insist!(short(message, "transmission", 3_072), bad("transmission size over limit"));
    if let Some(n) = at(message, "notification") {
        notification(n, true)?;
    }
    if let Some(revoke) = at(message, "revoke") {
        insist!(filled(revoke, "old_task_id"), bad("old_task_id can not be empty"));
        insist!(at(revoke, "force").is_none_or(Value::is_boolean), bad("force type error"));
    }
    if let Some(n) = at(push, "push_channel.android.ups.notification") {
        notification(n, false)?;
    }
    let kind = text(push, "push_channel.ios.type");
    insist!(["", "notify", "voip", "liveactivity"].contains(&kind), bad("ios type is invalid"));
    insist!(short(push, "push_channel.ios.apns-collapse-id", 64), bad("apns-collapse-id size over limit"));
    Ok(())
}

fn notification(n: &Value, online: bool) -> Result<(), No> {
    insist!(filled(n, "title"), bad("title can not be empty"));
    insist!(filled(n, "body"), bad("body can not be empty"));
    let limits =
        [("title", 50), ("body", 256), ("big_text", 512), ("big_image", 1_024), ("logo", 64), ("logo_url", 256), ("channel_id", 64)];
    for (field, most) in [&limits[..], &[("channel_name", 64), ("intent", 4_096), ("url", 1_024), ("payload", 3_072)]].concat() {
        insist!(short(n, field, most), bad(format!("{field} size over limit")));
    }
    insist!(!text(n, "title").contains(SENSITIVE) && !text(n, "body").contains(SENSITIVE), bad("body is invalid: sensitive words"));
    insist!(at(n, "big_text").is_none() || at(n, "big_image").is_none(), bad("please choose one of big_text and big_image"));
    let wanted = match text(n, "click_type") {
        "intent" => "intent",
        "url" => "url",
        "payload" | "payload_custom" if online => "payload",
        "none" if online => "title",
        "startapp" => "title",
        _ => return Err(bad("click_type is invalid")),
    };
    insist!(filled(n, wanted), bad(format!("{wanted} can not be empty")));
    let level = number(n, "channel_level").is_none_or(|l| (0..=4).contains(&l));
    insist!(level && number(n, "notify_id").is_none_or(|i| (0..=2_147_483_647).contains(&i)), bad("channel_level or notify_id is invalid"));
    Ok(())
}

/// What a phone would show, and under which id.
fn spoken(push: &Value) -> (String, String, String) {
    let n = ["push_message.notification", "push_channel.android.ups.notification"].iter().find_map(|p| at(push, p));
    let n = n.unwrap_or(&Value::Null);
    let alert = |field: &str| text(push, &format!("push_channel.ios.aps.alert.{field}")).to_owned();
    let or_alert = |field: &str| if filled(n, field) { text(n, field).to_owned() } else { alert(field) };
    let shown = number(n, "notify_id").map(|i| i.to_string());
    let key = shown.unwrap_or_else(|| text(push, "push_channel.ios.apns-collapse-id").to_owned());
    (key, or_alert("title"), or_alert("body"))
}

fn limited(ask: &Ask<'_>, keyed: &Keyed, targets: usize, pace: &'static str) -> Result<(), No> {
    insist!(ask.pace(keyed, 1), No::pace(pace, "too many calls per minute"));
    insist!(ask.spend(keyed, "day", ask.quota(keyed), targets), No::quota("30009", "the app's daily total is used up"));
    Ok(())
}

/// A refused target of a single push, or its state.
fn state(target: &Target<'_>) -> Result<&'static str, &'static str> {
    match target.magic {
        _ if target.bad => Err("target user is invalid"),
        Magic::Foreign => Err("appid not match cid"),
        Magic::Inactive | Magic::Gone => Ok("successed_ignore"),
        Magic::Off => Ok("successed_offline"),
        _ => Ok("successed_online"),
    }
}

fn verdict(target: &Target<'_>) -> Verdict {
    match state(target) {
        Ok("successed_ignore") | Err(_) => Verdict::BadToken,
        Ok(_) => Verdict::Accepted,
    }
}

fn errand(ask: &Ask<'_>, keyed: &Arc<Keyed>, push: &Value, task: &str, key: &str) -> Errand {
    let mut errand = Errand::new(keyed, task, key).carrying(push.to_string().as_bytes());
    errand.task = ask.random(16);
    let own = text(push, "settings.custom_callback");
    if !own.is_empty() && keyed.may("custom_callback") {
        errand.url = own.to_owned();
    }
    errand
}

/// A push that takes an earlier one back, from these CIDs. The manual names the fields and says nothing of a task nobody knows: it is
/// refused here.
fn revoked(ask: &Ask<'_>, keyed: &Keyed, push: &Value, targets: &[&Target<'_>]) -> Result<bool, No> {
    let Some(revoke) = at(push, "push_message.revoke") else { return Ok(false) };
    let task = text(revoke, "old_task_id");
    let key = match ask.saved(keyed, task) {
        Some(saved) => spoken(&saved.content).0,
        None => ask.known(keyed, sent_as(task)).ok_or(bad("old_task_id is invalid"))?.to_string(),
    };
    let tokens: HashSet<u64> = targets.iter().filter(|t| verdict(t) == Verdict::Accepted).map(|t| t.hash).collect();
    ask.withdraw(Taken::Key { key: &key, tokens: &tokens }, "revoke");
    Ok(true)
}

/// Under this number the key of a single push is remembered.
fn sent_as(task: &str) -> u64 {
    token_hash(task) ^ 7
}

/// One push to one CID. The second message with a `request_id` is dropped; what the call then says is unknown, we say so.
fn push(ask: &Ask<'_>, keyed: &Arc<Keyed>, push: &Value, answer: &str) -> Result<Value, No> {
    check(push)?;
    let cids = texts(push, "audience.cid").filter(|c| c.len() == 1).ok_or(bad("audience is invalid"))?;
    let target = ask.target(cids[0]);
    let (key, title, body) = spoken(push);
    let id = text(push, "request_id");
    let key = if key.is_empty() { id.to_owned() } else { key };
    let content = Content { key: &key, title: &title, body: &body };
    let row = |answer: &str, verdict| ask.book(content, answer, std::iter::once((target.hash, verdict)));
    let state = state(&target).map_err(|why| {
        row("", Verdict::BadToken);
        bad(why)
    })?;
    if !ask.is_new(keyed, token_hash(id) ^ 2) {
        row("", Verdict::Dropped);
        return Err(bad("request_id contains duplicate"));
    }
    let task = format!("RASS_{}_{}", ask.trace() % 10_000, ask.random(12));
    if revoked(ask, keyed, push, &[&target])? {
        return Ok(json!({task: {target.text: state}}));
    }
    ask.first(keyed, sent_as(&task), &key);
    row(answer, verdict(&target));
    if verdict(&target) == Verdict::Accepted {
        ask.expect(errand(ask, keyed, push, &task, &key), std::iter::once(Reached::plainly(target.text)));
    }
    Ok(json!({task: {target.text: state}}))
}

fn single(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: &Value) -> Result<Reply, No> {
    check(body)?;
    limited(ask, keyed, 1, "10005")?;
    Ok(success(push(ask, keyed, body, "0")?))
}

fn batch(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: &Value) -> Result<Reply, No> {
    let list = at(body, "msg_list").and_then(Value::as_array).ok_or(bad("msg_list can not be empty"))?;
    insist!((1..=200).contains(&list.len()), bad("msg_list size over limit"));
    for one in list {
        check(one)?;
    }
    limited(ask, keyed, list.len(), "10005")?;
    for one in list {
        for cid in texts(one, "audience.cid").unwrap_or_default() {
            ask.target(cid);
        }
    }
    let mut answer = "0";
    let mut data = Map::new();
    for one in list {
        match push(ask, keyed, one, std::mem::take(&mut answer)) {
            Ok(Value::Object(map)) => data.extend(map),
            Ok(_) => {}
            // Each message has its own entry; one that was refused has none.
            Err(_) if list.len() > 1 => {}
            Err(no) => return Err(no),
        }
    }
    Ok(success(Value::Object(data)))
}

fn keep(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: Value) -> Result<Reply, No> {
    check(&body)?;
    insist!(ask.pace(keyed, 1), No::pace("30015", "list pushes over the limit per minute"));
    insist!(ask.spend(keyed, "lists", LISTS_A_DAY, 1), No::quota("30008", "list pushes over the daily count"));
    let mut task = format!("RASL_{}_{}", ask.trace() % 10_000, ask.random(12));
    // Made twice with one id, it is one task.
    match ask.first(keyed, token_hash(text(&body, "request_id")) ^ 3, &task) {
        Some(first) if ask.saved(keyed, &first).is_some() => task = first.to_string(),
        _ => ask.save(keyed, &task, body),
    }
    ask.twin.ledger.refuse(ask.vendor, "content");
    Ok(success(json!({ "taskid": task })))
}

fn list(ask: &Ask<'_>, keyed: &Arc<Keyed>, call: &Value) -> Result<Reply, No> {
    let task = text(call, "taskid");
    let saved = ask.saved(keyed, task).ok_or(bad("taskid is invalid"))?;
    let cids = texts(call, "audience.cid").filter(|c| (1..=1_000).contains(&c.len())).ok_or(bad("audience size over limit"))?;
    let mut sorted = cids.clone();
    sorted.sort_unstable();
    insist!(!sorted.windows(2).any(|two| two[0] == two[1]), bad("cid contains duplicate"));
    limited(ask, keyed, cids.len(), "30015")?;
    let targets: Vec<Target<'_>> = cids.iter().map(|c| ask.target(c)).collect();
    insist!(targets.iter().any(|t| state(t).is_ok()), bad("target user is invalid"));
    let states = |targets: &[Target<'_>]| -> Map<String, Value> {
        targets.iter().filter_map(|t| Some((t.text.to_owned(), json!(state(t).ok()?)))).collect()
    };
    if revoked(ask, keyed, &saved.content, &targets.iter().collect::<Vec<_>>())? {
        return Ok(success(json!({ task: states(&targets) })));
    }
    let (key, title, body) = spoken(&saved.content);
    let content = Content { key: &key, title: &title, body: &body };
    ask.book(content, "0", targets.iter().map(|t| (t.hash, verdict(t))));
    let reached = targets.iter().filter(|t| verdict(t) == Verdict::Accepted).map(|t| Reached::plainly(t.text));
    ask.expect(errand(ask, keyed, &saved.content, task, &key), reached);
    if at(call, "is_async") == Some(&Value::Bool(true)) {
        return Ok(success(json!({})));
    }
    Ok(success(json!({ task: states(&targets) })))
}

/// Section 6: one object a line, each signed. Posted again only when nobody could be reached.
fn letters(_: &Twin, keyed: &Keyed, events: &[Event]) -> Vec<Post> {
    let line = |e: &Event| {
        let (code, action) = match &e.kind {
            Kind::Delivered => ("200", "0"),
            Kind::Displayed => ("200", "10000"),
            Kind::Clicked => ("200", "10010"),
            Kind::Gone => ("401", "0"),
            Kind::Inactive => ("402", "0"),
            Kind::Filtered | Kind::Capped => ("500", "0"),
            Kind::Raw(own) => ("200", own.as_ref()),
            Kind::Off => return None,
        };
        let message = format!("{}{:08x}", e.errand.task, token_hash(&e.target) & 0xffff_ffff);
        let signed = format!("{}{}{}{message}{}", keyed.identity, e.target, e.errand.id, keyed.field("master_secret"));
        let row = json!({"appid": keyed.identity, "cid": e.target, "taskid": e.errand.id, "msgid": message, "code": code, "desc": "",
                         "actionId": action, "recvtime": e.at, "sign": hex::encode(Md5::digest(signed))});
        Some((row.to_string(), e.errand.url.clone()))
    };
    let lines: Vec<(String, String)> = events.iter().filter_map(line).collect();
    let post = |part: &[(String, String)]| Post {
        url: part.first().map(|(_, url)| url.clone()).unwrap_or_default(),
        headers: Vec::new(),
        content_type: "text/plain;charset=utf-8",
        body: part.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>().join("\n"),
        count: part.len() as u64,
        wants: None,
        again: Again::Unreached { left: 3, after_ms: 1_000 },
    };
    lines.chunks(500).map(post).collect()
}
