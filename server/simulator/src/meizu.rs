//! Meizu Push, as `vendors/meizu.md` describes it: signed forms of up to 100 targets; the same number means different things
//! at the top and inside `value`.

use std::collections::BTreeMap;
use std::sync::Arc;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use crate::kit::json::{at, filled, form, int, loose, number, short, text};
use crate::kit::{Again, Ask, Content, Desk, Errand, Event, Keyed, Kind, Magic, No, Post, Reached, SENSITIVE, Target, insist};
use crate::ledger::Verdict;
use crate::meters::MINUTE_MICROS;
use crate::twin::{Reply, Twin};

pub(crate) const DESK: Desk = Desk { answer, refusal, letters, passes: &[], clicks: true };

const BASE: &str = "/garcia/api/server/push/";
/// Where the dial `redirect` sends requests.
const ELSEWHERE: &str = "/elsewhere";
const TARGETS_MOST: usize = 100;
/// Public messages to one device in a day, and messages of any kind in a minute.
const DEVICE_DAILY: u32 = 3;
const DEVICE_MINUTE: u32 = 5;
type Fields = BTreeMap<String, String>;

fn refusal(_: &Ask<'_>, no: &No) -> Reply {
    match no.code.as_ref() {
        "404" => Reply::html(404, "<html><body><h1>404 Not Found</h1></body></html>"),
        code => Reply::json(200, json!({"code": code, "message": no.text, "value": "", "redirect": ""}).to_string()),
    }
}

fn success(value: &Value, id: &str) -> Reply {
    Reply::json(200, json!({"code": "200", "message": "", "value": value, "redirect": "", "msgId": id}).to_string())
}

fn wrong(field: &'static str) -> No {
    No::new("1005", format!("参数错误: {field}"))
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    let path = ask.path.strip_prefix(ELSEWHERE).unwrap_or(ask.path);
    let call = path.strip_prefix(BASE).filter(|_| ask.is_post()).ok_or(No::new("404", "no such address"))?;
    insist!(ask.is_type("application/x-www-form-urlencoded"), wrong("content type"));
    if ask.dials.redirect && path == ask.path {
        let to = format!("https://{}/meizu{ELSEWHERE}{path}", ask.host());
        ask.twin.ledger.refuse(ask.vendor, "300");
        return Ok(Reply::json(200, json!({"code": "300", "message": "redirect", "value": "", "redirect": to}).to_string()));
    }
    let fields = form(ask.body);
    let get = |name: &str| fields.get(name).map_or("", String::as_str);
    insist!(!get("appId").is_empty(), No::new("110004", "参数不能为空: appId"));
    let keyed = ask.account(|k| k.identity == get("appId")).ok_or(No::new("110000", "appId不合法"))?;
    insist!(get("sign") == signed(&fields, keyed.field("app_secret")), No::new("1006", "签名认证失败"));
    match call {
        "varnished/pushByPushId" => {
            let message = message(ask, keyed, get("messageJson"))?;
            send(ask, keyed, &fields, &message, true)
        }
        "pushTask/getTaskId" => {
            let message = message(ask, keyed, get("messageJson"))?;
            let kind: i64 = get("pushType").parse().map_err(|_| wrong("pushType"))?;
            insist!(kind == 0, No::new("110053", "透传消息受限"));
            let task = ask.twin.chance.next() % 1_000_000_000;
            ask.save(keyed, &task.to_string(), message);
            ask.twin.ledger.refuse(ask.vendor, "content");
            let app: i64 = keyed.identity.parse().unwrap_or(0);
            let value = json!({"taskId": task, "pushType": kind, "appId": app});
            Ok(Reply::json(200, json!({"code": "200", "message": "", "value": value, "redirect": ""}).to_string()))
        }
        "task/varnished/pushByPushId" => {
            let saved = ask.saved(keyed, get("taskId")).ok_or(No::new("110032", "taskId不合法"))?;
            // Receipts are documented for the direct calls only.
            send(ask, keyed, &fields, &saved.content, false)
        }
        "uploadImg" => {
            insist!(!get("imgUrl").is_empty(), No::new("110004", "参数不能为空: imgUrl"));
            let source = get("imgUrl");
            insist!(source.starts_with("https://") || source.starts_with("http://"), wrong("imgUrl"));
            insist!(["0", "1", "3", "4", "5", "6"].contains(&get("imgType")), wrong("imgType"));
            let url = format!("https://openapi-push.meizu.com/sim/{}.png", ask.random(16));
            ask.save(keyed, &url, json!({ "picture": get("imgType") }));
            ask.twin.ledger.keep_picture(ask.vendor, &url, source.as_bytes());
            ask.twin.ledger.refuse(ask.vendor, "picture");
            Ok(Reply::json(200, json!({"code": "200", "message": "", "value": {"imgUrl": url}, "redirect": ""}).to_string()))
        }
        "unvarnished/pushByPushId" => Err(No::new("110053", "透传消息受限")),
        _ => Err(No::new("404", "no such address")),
    }
}

/// Section 1: every field but `sign`, by name, raw, and the secret.
fn signed(fields: &Fields, secret: &str) -> String {
    let pairs: String = fields.iter().filter(|(name, _)| *name != "sign").map(|(name, value)| format!("{name}={value}")).collect();
    hex::encode(Md5::digest(format!("{pairs}{secret}")))
}

/// 0, 1 or a flag.
fn is_flag(m: &Value, path: &str) -> bool {
    at(m, path).is_none_or(|v| v.is_boolean() || v.as_i64().is_some_and(|n| n == 0 || n == 1))
}

fn message(ask: &Ask<'_>, keyed: &Keyed, text_of: &str) -> Result<Value, No> {
    insist!(!text_of.is_empty(), No::new("110004", "参数不能为空: messageJson"));
    let m: Value = serde_json::from_str(text_of).map_err(|_| wrong("messageJson"))?;
    let size = |path: &str| text(&m, path).chars().count();
    insist!(filled(&m, "noticeBarInfo.title") && size("noticeBarInfo.title") <= 32, wrong("noticeBarInfo.title"));
    insist!(filled(&m, "noticeBarInfo.content") && size("noticeBarInfo.content") <= 100, wrong("noticeBarInfo.content"));
    let spoken = [text(&m, "noticeBarInfo.title"), text(&m, "noticeBarInfo.content")];
    insist!(!spoken.iter().any(|t| t.contains(SENSITIVE)), wrong("sensitive words"));
    insist!(matches!(int(&m, "noticeBarInfo.noticeMsgType"), None | Some(0 | 1)), wrong("noticeBarInfo.noticeMsgType"));
    insist!(matches!(int(&m, "noticeBarInfo.noticeBarType"), None | Some(0 | 2)), wrong("noticeBarInfo.noticeBarType"));
    let expanded = match int(&m, "noticeExpandInfo.noticeExpandType").unwrap_or(0) {
        0 => true,
        1 => filled(&m, "noticeExpandInfo.noticeExpandContent"),
        // Only what was uploaded for this place is shown.
        2 => {
            let uploaded = ask.saved(keyed, text(&m, "noticeExpandInfo.noticeExpandImgUrl"));
            keyed.may("vip") && uploaded.is_some_and(|p| text(&p.content, "picture") == "1")
        }
        _ => false,
    };
    insist!(expanded, wrong("noticeExpandInfo"));
    let click = match int(&m, "clickTypeInfo.clickType").unwrap_or(0) {
        0 => true,
        1 => filled(&m, "clickTypeInfo.activity"),
        2 => filled(&m, "clickTypeInfo.url") && short(&m, "clickTypeInfo.url", 1_000),
        3 => filled(&m, "clickTypeInfo.customAttribute") && text(&m, "clickTypeInfo.customAttribute").len() <= 1_000,
        _ => false,
    };
    insist!(click, wrong("clickTypeInfo"));
    let parameters = at(&m, "clickTypeInfo.parameters");
    insist!(parameters.is_none_or(|p| p.as_object().is_some_and(|p| p.values().all(Value::is_string))), wrong("parameters"));
    let hours = at(&m, "pushTimeInfo.validTime");
    insist!(hours.is_none_or(|h| h.as_i64().is_some_and(|h| (1..=72).contains(&h))), wrong("pushTimeInfo.validTime"));
    for flag in ["pushTimeInfo.offLine", "advanceInfo.suspend", "advanceInfo.clearNoticeBar", "advanceInfo.fixDisplay"] {
        insist!(is_flag(&m, flag), wrong(flag));
    }
    let key = text(&m, "advanceInfo.notifyKey");
    let proper = key.len() <= 8 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    insist!(proper, wrong("advanceInfo.notifyKey"));
    insist!(at(&m, "vipInfo").is_none() || keyed.may("vip"), wrong("vipInfo"));
    let extra = &m["extra"];
    let get = |name: &str| extra.get(name).and_then(Value::as_str).unwrap_or("");
    insist!(get("callback").len() <= 128 && get("callback.param").len() <= 64, wrong("extra"));
    let registered = |url: &str| keyed.account.callbacks.values().chain(&keyed.account.receipts_url).any(|u| u == url);
    insist!(get("callback").is_empty() || registered(get("callback")), wrong("extra.callback is not registered in the console"));
    let types = extra.get("callback.type");
    insist!(types.is_none_or(|t| ["1", "2", "3"].contains(&t.to_string().trim_matches('"'))), wrong("extra.callback.type"));
    Ok(m)
}

/// What `value` says of a target, if anything.
fn inside(ask: &Ask<'_>, keyed: &Keyed, target: &Target<'_>, public: bool) -> Option<&'static str> {
    let minute = ask.now() * 1_000 / MINUTE_MICROS;
    match target.magic {
        _ if target.bad => Some("110003"),
        Magic::Foreign => Some("201"),
        Magic::Gone | Magic::Inactive => Some("110002"),
        Magic::Off => Some("110010"),
        Magic::Fail => Some("501"),
        Magic::Capped => Some("110011"),
        // Another salt keeps the minutes apart from the days of the same device.
        _ if !ask.used(keyed, |usage| usage.device(target.hash ^ 0x6d69_6e75, DEVICE_MINUTE, minute)) => Some("520"),
        _ => (public && !ask.device_takes(keyed, target.hash, DEVICE_DAILY)).then_some("110011"),
    }
}

fn send(ask: &Ask<'_>, keyed: &Arc<Keyed>, fields: &Fields, m: &Value, receipts: bool) -> Result<Reply, No> {
    let ids = fields.get("pushIds").filter(|ids| !ids.is_empty()).ok_or(No::new("110004", "参数不能为空: pushIds"))?;
    let ids: Vec<&str> = ids.split(',').collect();
    insist!(ids.len() <= TARGETS_MOST, wrong("pushIds: at most 100"));
    insist!(ask.pace(keyed, 1), No::pace("110010", "应用推送频率过高"));
    insist!(ask.spend(keyed, "day", ask.quota(keyed), ids.len()), No::quota("110019", "应用当日推送次数超限"));
    let public = number(m, "noticeBarInfo.noticeMsgType").unwrap_or(0) == 0;
    let targets: Vec<Target<'_>> = ids.iter().map(|id| ask.target(id)).collect();
    let said: Vec<Option<&str>> = targets.iter().map(|t| inside(ask, keyed, t, public)).collect();
    let verdict = |code: &Option<&str>| match *code {
        None => Verdict::Accepted,
        Some("110002" | "110003" | "201") => Verdict::BadToken,
        Some(_) => Verdict::Refused,
    };
    let key = loose(m, "advanceInfo.notifyKey");
    let content = Content { key: &key, title: text(m, "noticeBarInfo.title"), body: text(m, "noticeBarInfo.content") };
    ask.book(content, "200", targets.iter().zip(&said).map(|(t, code)| (t.hash, verdict(code))));
    let id = ask.random(32);
    if receipts {
        let get = |name: &str| m["extra"].get(name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default();
        let mut errand = Errand::new(keyed, &id, &key).carrying(ask.body);
        errand.url = get("callback");
        errand.param = get("callback.param");
        errand.types = get("callback.type").parse().unwrap_or(3);
        ask.expect(errand, targets.iter().zip(&said).filter(|(_, code)| code.is_none()).map(|(t, _)| Reached::plainly(t.text)));
    }
    let mut value: Map<String, Value> = Map::new();
    for (target, code) in targets.iter().zip(&said) {
        if let Some(code) = code
            && let Some(list) = value.entry(*code).or_insert_with(|| json!([])).as_array_mut()
        {
            list.push(json!(target.text));
        }
    }
    Ok(success(&Value::Object(value), &id))
}

/// Section 6: a form with `cb` and the token of the registered URL. At most once, whatever we answer.
fn letters(_: &Twin, keyed: &Keyed, events: &[Event]) -> Vec<Post> {
    let mut rows: BTreeMap<String, (&Event, i64, Vec<&str>)> = BTreeMap::new();
    for event in events {
        let kind = match &event.kind {
            Kind::Delivered => 1,
            Kind::Clicked => 2,
            Kind::Raw(own) => own.parse().unwrap_or(0),
            _ => continue,
        };
        if event.errand.types == 0 || i64::from(event.errand.types) & kind != 0 {
            rows.entry(format!("{}-{kind}", event.errand.id)).or_insert((event, kind, Vec::new())).2.push(&event.target);
        }
    }
    let count = rows.values().map(|(.., ids)| ids.len() as u64).sum();
    let Some(url) = rows.values().next().map(|(e, ..)| e.errand.url.clone()) else { return Vec::new() };
    let entry = |(e, kind, ids): (&Event, i64, Vec<&str>)| json!({"param": e.errand.param, "type": kind, "targets": ids});
    let cb: Map<String, Value> = rows.into_iter().map(|(key, row)| (key, entry(row))).collect();
    let fields = [("cb", Value::Object(cb).to_string()), ("access_token", keyed.field("receipt_token").to_owned())];
    vec![Post {
        url,
        headers: Vec::new(),
        content_type: "application/x-www-form-urlencoded",
        body: serde_urlencoded::to_string(&fields).unwrap_or_default(),
        count,
        wants: None,
        again: Again::Never,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_equal_the_vectors_of_the_manual() {
        let fields = |list: [(&str, &str); 3]| list.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let first = fields([
            ("pushIds", "S5Qdemo0001,S5Qdemo0002"),
            ("appId", "10001"),
            ("messageJson", r#"{"noticeBarInfo":{"title":"Hi","content":"Hello"}}"#),
        ]);
        assert_eq!(signed(&first, "mz-demo-secret"), "4469e533151b7c9a764ff1150f85176a");
        let second = fields([
            ("pushIds", "RA50c6348036344485d01776773577c64740465480a6b"),
            ("appId", "10000"),
            ("messageJson", r#"{"title":"title","content":"content","pushTimeInfo":{"offLine":1,"validTime":24}}"#),
        ]);
        assert_eq!(signed(&second, "<APP_SECRET>"), "ac076ff25d9900015a681cb5172aa53b");
    }
}
