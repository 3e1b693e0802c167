//! OPPO Push, as `vendors/oppo.md` describes it: forms, exchanged tokens, single sends, saved contents and broadcasts.

use std::borrow::Cow;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::kit::json::{at, filled, form, from_form, number, short, text};
use crate::kit::pictures;
use crate::kit::{Again, Ask, Content, Desk, Errand, Event, Holder, Keyed, Kind, Magic, No, Post, Reached, SENSITIVE, Target, insist};
use crate::ledger::{Verdict, token_hash};
use crate::twin::{Reply, Twin};

pub(crate) const DESK: Desk = Desk { answer, refusal, letters, passes: &["/server/v1/auth"], clicks: false };

const DAY_SECONDS: u32 = 86_400;
const SKEW_MILLIS: i64 = 600_000;
const TARGETS_MOST: usize = 1_000;
/// Public messages to one device in a day.
const DEVICE_DAILY: u32 = 2;
const SERVICE: [&str; 6] = ["IM", "ACCOUNT", "DEVICE_REMINDER", "ORDER", "TODO", "SUBSCRIPTION"];
const MARKETING: [&str; 4] = ["NEWS", "CONTENT", "MARKETING", "SOCIAL"];
const SENDS: &str = "/server/v1/message/notification/";

/// Always 200: the code decides.
fn refusal(_: &Ask<'_>, no: &No) -> Reply {
    let code: i64 = no.code.parse().unwrap_or(-1);
    Reply::json(200, json!({"code": code, "message": no.text}).to_string())
}

fn success(data: Value) -> Reply {
    Reply::json(200, json!({"code": 0, "message": "Success", "data": data}).to_string())
}

fn missing(field: &'static str) -> No {
    No::new("40", format!("Missing argument: {field}"))
}

fn invalid(field: impl Into<Cow<'static, str>>) -> No {
    No::new("41", format!("Invalid argument: {}", field.into()))
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    insist!(ask.is_post(), No::new("12", "HTTP method not allowed"));
    let upload = ask.path.strip_prefix("/server/v1/media/upload/");
    let fields = if upload.is_some() { Default::default() } else { form(ask.body) };
    if ask.path == "/server/v1/auth" {
        return auth(ask, |name| fields.get(name).map_or("", String::as_str));
    }
    let (inside, header) = (fields.get("auth_token").map_or("", String::as_str), ask.header("auth_token"));
    insist!(!inside.is_empty() || !header.is_empty(), No::new("29", "Auth token is missing"));
    let agreed = inside.is_empty() || header.is_empty() || inside == header;
    let token = if inside.is_empty() { header } else { inside };
    let keyed = match ask.holder(token) {
        Holder::Of(keyed) if agreed => keyed,
        _ => return Err(No::new("11", "Invalid auth token")),
    };
    if let Some(kind) = upload {
        return picture(ask, &keyed, kind);
    }
    insist!(!fields.values().any(|v| v.contains('\u{fffd}')), No::new("25", "The encoding is not UTF-8"));
    let field = |name: &'static str| fields.get(name).filter(|v| !v.is_empty()).ok_or(missing(name));
    match ask.path.strip_prefix(SENDS) {
        Some("unicast") => {
            let message: Value = serde_json::from_str(field("message")?).map_err(|_| invalid("message"))?;
            single(ask, &keyed, &message)
        }
        Some("unicast_batch") => {
            let list: Value = serde_json::from_str(field("messages")?).map_err(|_| invalid("messages"))?;
            batch(ask, &keyed, list.as_array().ok_or(invalid("messages"))?)
        }
        Some("save_message_content") => save(ask, &keyed, from_form(&fields)),
        Some("broadcast") => broadcast(ask, &keyed, field("message_id")?, field("target_type")?, field("target_value")?),
        _ => Err(No::new("20", "No such method")),
    }
}

/// Section 1.
fn auth<'a>(ask: &Ask<'_>, field: impl Fn(&str) -> &'a str) -> Result<Reply, No> {
    let (key, timestamp, sign) = (field("app_key"), field("timestamp"), field("sign"));
    insist!(!key.is_empty(), No::new("15", "App key is missing"));
    insist!(!timestamp.is_empty(), No::new("18", "Timestamp is missing"));
    insist!(!sign.is_empty(), No::new("17", "Signature is missing"));
    let keyed = ask.account(|k| k.identity == key).ok_or(No::new("14", "Invalid app key"))?;
    let sent: i64 = timestamp.parse().unwrap_or(0);
    insist!((ask.now() - sent).abs() <= SKEW_MILLIS, No::new("19", "Invalid timestamp"));
    insist!(sign == signed(key, timestamp, keyed.field("master_secret")), No::new("16", "Invalid signature"));
    let token = format!("{}-sim", ask.random(32));
    ask.issue(keyed, &token, DAY_SECONDS);
    Ok(success(json!({"auth_token": token, "create_time": ask.now()})))
}

fn signed(key: &str, timestamp: &str, secret: &str) -> String {
    hex::encode(digest(&SHA256, format!("{key}{timestamp}{secret}").as_bytes()))
}

/// Section 2, the fields of a notification; numbers come as numbers in JSON and as texts in forms.
fn check(ask: &Ask<'_>, keyed: &Keyed, n: &Value, broadcast: bool) -> Result<(), No> {
    insist!(filled(n, "title"), missing("title"));
    insist!(short(n, "title", 50), invalid("title"));
    insist!(short(n, "sub_title", 10), invalid("sub_title"));
    insist!(filled(n, "content"), missing("content"));
    let style = number(n, "style").unwrap_or(1);
    let most = match style {
        1 if keyed.may("long_content") => 200,
        1 | 3 => 50,
        2 => 128,
        _ => return Err(invalid("style")),
    };
    insist!(short(n, "content", most), invalid("content"));
    insist!(!text(n, "title").contains(SENSITIVE) && !text(n, "content").contains(SENSITIVE), invalid("sensitive words"));
    let click = match number(n, "click_action_type").unwrap_or(0) {
        0 => true,
        1 | 4 => filled(n, "click_action_activity"),
        2 | 5 => filled(n, "click_action_url"),
        _ => false,
    };
    insist!(click && short(n, "click_action_activity", 500) && short(n, "click_action_url", 2_000), invalid("click_action"));
    let parameters = text(n, "action_parameters");
    let is_json = parameters.is_empty() || serde_json::from_str::<Map<String, Value>>(parameters).is_ok();
    insist!(is_json && short(n, "action_parameters", 4_000), invalid("action_parameters"));
    insist!(matches!(at(n, "action_parameters"), None | Some(Value::String(_))), invalid("action_parameters is a JSON text"));
    if number(n, "show_time_type") == Some(1) {
        insist!(number(n, "show_start_time").is_some() && number(n, "show_end_time").is_some(), missing("show_start_time"));
    }
    insist!(number(n, "off_line_ttl").is_none_or(|t| t > 0), invalid("off_line_ttl"));
    let url = text(n, "call_back_url");
    insist!(url.is_empty() || url.starts_with("http://") || url.starts_with("https://"), invalid("call_back_url"));
    insist!(short(n, "call_back_url", 200) && short(n, "call_back_parameter", 100), invalid("call_back_url or call_back_parameter"));
    let channel = text(n, "channel_id");
    insist!(channel.is_empty() || keyed.account.channels.is_empty() || keyed.account.channels.contains(channel), invalid("channel_id"));
    let category = text(n, "category");
    insist!(category.is_empty() || SERVICE.contains(&category) || MARKETING.contains(&category), No::new("67", "Invalid category"));
    if let Some(level) = number(n, "notify_level") {
        insist!([1, 2, 16].contains(&level) && SERVICE.contains(&category), No::new("67", "Invalid notify_level"));
    }
    if at(n, "badge_operation_type").is_some() {
        insist!(keyed.may("badge"), No::new("59", "No permission for badges"));
        insist!(number(n, "badge_message_count").is_some_and(|c| (0..=99).contains(&c)), invalid("badge_message_count"));
    }
    for id in ["big_picture_id", "small_picture_id"] {
        if at(n, id).is_some() {
            insist!(broadcast, invalid(id));
            let uploaded = ask.saved(keyed, text(n, id));
            insist!(uploaded.is_some_and(|p| id.starts_with(text(&p.content, "picture"))), No::new("51", "The picture id is invalid"));
        }
    }
    insist!(style != 3 || at(n, "big_picture_id").is_some(), missing("big_picture_id"));
    Ok(())
}

fn is_public(keyed: &Keyed, n: &Value) -> bool {
    !keyed.may(&format!("private:{}", text(n, "channel_id"))) && !SERVICE.contains(&text(n, "category"))
}

/// China only; the digits stand after the last `_`.
fn proper(ask: &Ask<'_>, id: &str) -> bool {
    let hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    let parts: Vec<&str> = id.split('_').collect();
    !ask.dials.token_form
        || match parts.as_slice() {
            [digits] => hex(digits, 32) || hex(digits, 24),
            [region, digits] => *region == "CN" && hex(digits, 32),
            [_, region, digits] => *region == "CN" && hex(digits, 32),
            _ => false,
        }
}

fn dead(ask: &Ask<'_>, target: &Target<'_>) -> bool {
    target.bad || target.magic == Magic::Foreign || !proper(ask, target.text)
}

/// Speed by target users, then the daily total of the public channel.
fn admit(ask: &Ask<'_>, keyed: &Keyed, targets: usize, public: bool) -> Result<(), No> {
    insist!(ask.pace(keyed, targets), No::pace("13", "App call limited"));
    let quota = ask.quota(keyed);
    insist!(!public || ask.spend(keyed, "public", quota, targets), No::quota("33", "The daily number of messages is exceeded"));
    Ok(())
}

/// Why one unicast is not taken, or its message id.
fn take(ask: &Ask<'_>, keyed: &Arc<Keyed>, message: &Value, target: Target<'_>, answer: &str) -> Result<String, (i64, &'static str)> {
    let n = at(message, "notification").unwrap_or(&Value::Null);
    let own = text(n, "app_message_id");
    let shown = number(n, "notify_id").map(|id| id.to_string()).unwrap_or_default();
    let key = if shown.is_empty() { own } else { &shown };
    let content = Content { key, title: text(n, "title"), body: text(n, "content") };
    let book = |answer: &str, verdict| ask.book(content, answer, std::iter::once((target.hash, verdict)));
    let id = format!("31000001-1-1-{}", ask.random(24));
    if dead(ask, &target) {
        book("", Verdict::BadToken);
        return Err((10000, "Invalid RegistrationId"));
    }
    if target.magic == Magic::Fail {
        book("", Verdict::Refused);
        return Err((10005, "Business fault"));
    }
    // Section 7: the same id to the same target is pushed once.
    if !own.is_empty() && !ask.is_new(keyed, target.hash ^ token_hash(own).rotate_left(7)) {
        book("", Verdict::Dropped);
        return Err((32, "Duplicate data"));
    }
    book(answer, Verdict::Accepted);
    let mut errand = Errand::new(keyed, &id, key).carrying(n.to_string().as_bytes());
    errand.task = id.clone();
    errand.url = text(n, "call_back_url").to_owned();
    errand.param = text(n, "call_back_parameter").to_owned();
    let capped = is_public(keyed, n) && !ask.device_takes(keyed, target.hash, DEVICE_DAILY);
    ask.expect(errand, std::iter::once(Reached { token: target.text, settled: capped.then_some(Kind::Capped) }));
    Ok(id)
}

/// A message object of the single interfaces.
fn check_message<'a>(ask: &Ask<'_>, keyed: &Keyed, message: &'a Value) -> Result<&'a str, No> {
    insist!(number(message, "target_type") == Some(2), invalid("target_type: the simulator knows registration ids only"));
    let target = text(message, "target_value");
    insist!(!target.is_empty(), missing("target_value"));
    insist!(!target.contains([';', ',']), invalid("target_value"));
    let n = at(message, "notification").filter(|n| n.is_object()).ok_or(missing("notification"))?;
    check(ask, keyed, n, false)?;
    Ok(target)
}

fn single(ask: &Ask<'_>, keyed: &Arc<Keyed>, message: &Value) -> Result<Reply, No> {
    let target = check_message(ask, keyed, message)?;
    admit(ask, keyed, 1, is_public(keyed, &message["notification"]))?;
    let id = take(ask, keyed, message, ask.target(target), "0").map_err(|(code, text)| No::new(code.to_string(), text))?;
    Ok(success(json!({ "messageId": id })))
}

fn batch(ask: &Ask<'_>, keyed: &Arc<Keyed>, list: &[Value]) -> Result<Reply, No> {
    insist!((1..=TARGETS_MOST).contains(&list.len()), invalid("messages: 1 to 1000"));
    let mut targets = Vec::with_capacity(list.len());
    for message in list {
        targets.push(ask.target(check_message(ask, keyed, message)?));
    }
    let public = list.iter().filter(|m| is_public(keyed, &m["notification"])).count();
    insist!(ask.pace(keyed, list.len()), No::pace("13", "App call limited"));
    insist!(ask.spend(keyed, "public", ask.quota(keyed), public), No::quota("33", "The daily number of messages is exceeded"));
    let mut answer = "0";
    let rows: Vec<Value> = targets
        .iter()
        .zip(list)
        .map(|(target, message)| match take(ask, keyed, message, *target, std::mem::take(&mut answer)) {
            Ok(id) => json!({"messageId": id, "registrationId": target.text}),
            Err((code, text)) => json!({"registrationId": target.text, "errorCode": code, "errorMessage": text}),
        })
        .collect();
    Ok(success(Value::from(rows)))
}

/// Content for broadcasts; the same `app_message_id` is stored once.
fn save(ask: &Ask<'_>, keyed: &Arc<Keyed>, n: Value) -> Result<Reply, No> {
    check(ask, keyed, &n, true)?;
    insist!(ask.pace(keyed, 1), No::pace("13", "App call limited"));
    let own = text(&n, "app_message_id");
    let mut id = ask.random(24);
    if !own.is_empty()
        && let Some(before) = ask.first(keyed, token_hash(own) ^ 1, &id)
        && ask.saved(keyed, &before).is_some()
    {
        id = before.to_string();
    } else {
        insist!(ask.spend(keyed, "save", keyed.account.save_daily, 1), No::quota("42", "The daily number of contents is exceeded"));
        ask.save(keyed, &id, n);
    }
    ask.twin.ledger.refuse(ask.vendor, "content");
    Ok(success(json!({ "message_id": id })))
}

/// Nothing protects a broadcast from being repeated, except a `notify_id`.
fn broadcast(ask: &Ask<'_>, keyed: &Arc<Keyed>, message_id: &str, kind: &str, value: &str) -> Result<Reply, No> {
    insist!(kind == "2", invalid("target_type: the simulator knows registration ids only"));
    let ids: Vec<&str> = value.split(';').collect();
    insist!(ids.len() <= TARGETS_MOST, invalid("target_value: at most 1000"));
    let saved = ask.saved(keyed, message_id).ok_or(No::new("31", "The data does not exist"))?;
    let n = &saved.content;
    let public = is_public(keyed, n);
    admit(ask, keyed, ids.len(), public)?;
    let targets: Vec<Target<'_>> = ids.iter().map(|id| ask.target(id)).collect();
    let shown = number(n, "notify_id").map(|id| id.to_string()).unwrap_or_default();
    let content = Content { key: &shown, title: text(n, "title"), body: text(n, "content") };
    let task = ask.random(24);
    let verdict = |t: &Target<'_>| if dead(ask, t) { Verdict::BadToken } else { Verdict::Accepted };
    ask.book(content, "0", targets.iter().map(|t| (t.hash, verdict(t))));
    let mut errand = Errand::new(keyed, message_id, &shown).carrying(n.to_string().as_bytes());
    errand.task.clone_from(&task);
    errand.url = text(n, "call_back_url").to_owned();
    errand.param = text(n, "call_back_parameter").to_owned();
    let reached = targets.iter().filter(|t| !dead(ask, t)).map(|t| {
        let capped = public && !ask.device_takes(keyed, t.hash, DEVICE_DAILY);
        Reached { token: t.text, settled: capped.then_some(Kind::Capped) }
    });
    ask.expect(errand, reached);
    let mut data = json!({"message_id": message_id, "task_id": task});
    let bad: Vec<&str> = targets.iter().filter(|t| dead(ask, t)).map(|t| t.text).collect();
    if !bad.is_empty() {
        data["10000"] = json!(bad);
    }
    Ok(success(data))
}

/// Pictures: the manual names sizes, fields and bounds; the name of the file's field and the answer's form are assumed.
fn picture(ask: &Ask<'_>, keyed: &Arc<Keyed>, kind: &str) -> Result<Reply, No> {
    let (most, size) = match kind {
        "big_picture" => (1 << 20, (876, 324)),
        "small_picture" => (50 * 1024, (144, 144)),
        _ => return Err(No::new("20", "No such method")),
    };
    insist!(ask.is_type("multipart/form-data"), missing("file"));
    let parts = pictures::parts(ask.header("content-type"), ask.body).ok_or(invalid("multipart body"))?;
    let (_, ttl) = parts.get("picture_ttl").ok_or(missing("picture_ttl"))?;
    let seconds: Option<u32> = std::str::from_utf8(ttl).ok().and_then(|t| t.parse().ok());
    insist!(seconds.is_some_and(|s| s > 0), invalid("picture_ttl"));
    let (_, bytes) = parts.get("file").filter(|(name, bytes)| name.is_some() && !bytes.is_empty()).ok_or(missing("file"))?;
    insist!(bytes.len() <= most, invalid("the picture is too large"));
    insist!(pictures::size_of(bytes) == Some(size), invalid("the picture is no PNG or JPG of the right size"));
    insist!(ask.spend(keyed, "pictures", keyed.account.save_daily, 1), No::quota("34", "The daily number of pictures is exceeded"));
    let id = ask.random(32);
    ask.save(keyed, &id, json!({ "picture": kind }));
    ask.twin.ledger.keep_picture(ask.vendor, &id, bytes);
    ask.twin.ledger.refuse(ask.vendor, "picture");
    Ok(success(json!({format!("{kind}_id"): id})))
}

/// Section 6: an array; ids of one message and event in one text.
fn letters(_: &Twin, _: &Keyed, events: &[Event]) -> Vec<Post> {
    let word = |kind: &Kind| match kind {
        Kind::Delivered => Some("push_arrive".to_owned()),
        Kind::Gone | Kind::Inactive => Some("regid_invalid".to_owned()),
        Kind::Capped => Some("user_daily_limit".to_owned()),
        // Further events exist, their names are unknown.
        Kind::Filtered => Some("push_controlled".to_owned()),
        Kind::Raw(own) => Some(own.to_string()),
        Kind::Off | Kind::Displayed | Kind::Clicked => None,
    };
    let mut groups: Vec<(&Event, String, Vec<&str>)> = Vec::new();
    for (event, word) in events.iter().filter_map(|e| Some((e, word(&e.kind)?))) {
        match groups.last_mut() {
            Some((first, known, ids)) if Arc::ptr_eq(&first.errand, &event.errand) && *known == word => ids.push(&event.target),
            _ => groups.push((event, word, vec![&event.target])),
        }
    }
    let row = |(e, word, ids): &(&Event, String, Vec<&str>)| {
        json!({"messageId": e.errand.id, "appId": "31000001", "taskId": e.errand.task, "registrationIds": ids.join(","),
               "eventTime": e.at.to_string(), "param": e.errand.param, "eventType": word})
    };
    let post = |part: &[(&Event, String, Vec<&str>)]| Post {
        url: part.first().map(|(e, ..)| e.errand.url.clone()).unwrap_or_default(),
        headers: Vec::new(),
        content_type: "application/json",
        body: Value::from(part.iter().map(row).collect::<Vec<_>>()).to_string(),
        count: part.iter().map(|(_, _, ids)| ids.len() as u64).sum(),
        wants: None,
        again: Again::Never,
    };
    groups.chunks(100).map(post).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_equals_the_vector_of_the_manual() {
        let signed = signed("oppo_demo_key", "1700000000000", "oppo_demo_master");
        assert_eq!(signed, "b949d062ffaa15a867c058637b27ab432820e8a9931d37007747730e2f8bcad4");
    }
}
