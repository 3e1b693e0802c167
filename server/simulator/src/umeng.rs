//! Umeng U-Push, as `vendors/umeng.md` describes it: every request signed over its exact bytes, up to 500 tokens.

use std::sync::Arc;

use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::kit::json::{at, filled, loose, number, text};
use crate::kit::{Again, Ask, Content, Desk, Errand, Event, Keyed, Kind, Magic, No, Post, Reached, SENSITIVE, Target, insist};
use crate::ledger::Verdict;
use crate::twin::{Reply, Twin};

pub(crate) const DESK: Desk = Desk { answer, refusal, letters, passes: &[], clicks: true };

const PUBLIC: &str = "https://msgapi.umeng.com";
const SKEW_MILLIS: i64 = 600_000;
const TARGETS_MOST: usize = 500;
const ANDROID_MOST: usize = 1_840;
const IOS_MOST: usize = 2_012;
const EXPIRY_MOST_MILLIS: i64 = 7 * 86_400_000;

fn refusal(_: &Ask<'_>, no: &No) -> Reply {
    if no.code == "404" {
        return Reply::html(404, "<html><body><h1>404 Not Found</h1></body></html>");
    }
    let data = json!({"error_code": no.code, "error_msg": no.text});
    Reply::json(400, json!({"ret": "FAIL", "data": data}).to_string())
}

fn no(code: u32, why: &'static str) -> No {
    No::new(code.to_string(), why)
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    insist!(ask.is_post() && ask.path == "/api/send", no(404, "no such address"));
    let body = ask.json().ok_or(no(2008, "the JSON cannot be parsed"))?;
    insist!(filled(&body, "appkey"), no(1000, "appkey is missing"));
    let keyed = ask.account(|k| k.identity == text(&body, "appkey")).ok_or(no(2021, "the appkey is unknown"))?;
    let sign = ask.query("sign").filter(|s| !s.is_empty()).ok_or(no(2007, "the request is not signed"))?;
    // The URL really used; the public one is the same address behind a proxy.
    let used = format!("https://{}{}", ask.host(), ask.parts.uri.path());
    let proper = [used, format!("{PUBLIC}{}", ask.path)].iter().any(|url| signed(url, ask.body, keyed.field("app_master_secret")) == sign);
    insist!(proper, no(2027, "the signature is wrong"));
    let sent = loose(&body, "timestamp");
    let millis = match (sent.len(), sent.parse::<i64>()) {
        (10, Ok(seconds)) => seconds * 1_000,
        (13, Ok(millis)) => millis,
        _ => return Err(no(2036, "the form of timestamp is wrong")),
    };
    insist!((ask.now() - millis).abs() <= SKEW_MILLIS, no(2028, "the timestamp is outside ten minutes"));
    let most = match text(&body, "type") {
        "" => return Err(no(1016, "type is missing")),
        "unicast" => 1,
        "listcast" => TARGETS_MOST,
        "broadcast" | "groupcast" | "filecast" | "customizedcast" => return Err(no(4012, "not in the simulator")),
        _ => return Err(no(4004, "type is wrong")),
    };
    let mode = at(&body, "production_mode");
    insist!(mode.is_none_or(|m| m == "true" || m == "false"), no(1017, "production_mode is \"true\" or \"false\""));
    insist!(filled(&body, "device_tokens"), no(1015, "device_tokens is missing"));
    let tokens: Vec<&str> = text(&body, "device_tokens").split(',').collect();
    insist!(tokens.len() <= most, no(2015, "too many device tokens"));
    payload(&body)?;
    policy(&body, ask.now())?;
    let url = text(&body, "receipt_url");
    insist!(url.len() <= 256, no(4006, "receipt_url is too long"));
    send(ask, keyed, &body, &tokens)
}

/// Section 1.
fn signed(url: &str, body: &[u8], secret: &str) -> String {
    hex::encode(Md5::new().chain_update("POST").chain_update(url).chain_update(body).chain_update(secret).finalize())
}

fn payload(body: &Value) -> Result<(), No> {
    let payload = at(body, "payload").filter(|p| p.is_object()).ok_or(no(1001, "payload is missing"))?;
    let size = payload.to_string().len();
    if let Some(aps) = at(payload, "aps") {
        insist!(size <= IOS_MOST, no(2022, "the payload is too long"));
        insist!(at(payload, "d").is_none() && at(payload, "p").is_none(), no(5002, "d and p are reserved"));
        insist!(aps.as_object().is_some_and(|a| !a.is_empty()), no(2025, "aps is empty"));
        let silent = number(aps, "content-available") == Some(1);
        let alert = at(aps, "alert");
        insist!(silent || alert.is_some_and(|a| filled(aps, "alert") || a.is_object()), no(5003, "alert is empty"));
        insist!(alert.is_none_or(|a| a.is_string() || a.is_object()), no(5004, "alert is no text"));
        return Ok(());
    }
    insist!(size <= ANDROID_MOST, no(2022, "the payload is too long"));
    let kind = text(payload, "display_type");
    insist!(!kind.is_empty(), no(1004, "display_type is missing"));
    insist!(["notification", "message"].contains(&kind), no(1019, "display_type is wrong"));
    let shown = at(payload, "body").filter(|b| b.is_object()).ok_or(no(1002, "body is missing"))?;
    let extra = at(payload, "extra");
    insist!(extra.is_none_or(|e| e.as_object().is_some_and(|e| e.values().all(Value::is_string))), no(4011, "extra: texts only"));
    if kind == "message" {
        insist!(at(shown, "custom").is_some(), no(1003, "custom is missing"));
        return Ok(());
    }
    for (field, code, why) in
        [("ticker", 1008, "ticker is missing"), ("title", 1009, "title is missing"), ("text", 1010, "text is missing")]
    {
        insist!(filled(shown, field), no(code, why));
    }
    let flags = [("play_vibrate", 1011), ("play_lights", 1012), ("play_sound", 1013)];
    for (field, code) in flags {
        insist!(at(shown, field).is_none_or(|f| f == "true" || f == "false"), no(code, "\"true\" or \"false\""));
    }
    match text(shown, "after_open") {
        "" | "go_app" => Ok(()),
        "go_url" if filled(shown, "url") => Ok(()),
        "go_url" => Err(no(1007, "url is missing")),
        "go_activity" if filled(shown, "activity") => Ok(()),
        "go_custom" if at(shown, "custom").is_some() => Ok(()),
        "go_custom" => Err(no(1003, "custom is missing")),
        _ => Err(no(4006, "after_open is wrong")),
    }
}

fn policy(body: &Value, now: i64) -> Result<(), No> {
    insist!(text(body, "policy.apns_collapse_id").len() <= 64, no(4007, "apns_collapse_id is too long"));
    let Some(given) = at(body, "policy.expire_time") else { return Ok(()) };
    let at = given.as_str().and_then(beijing).ok_or(no(2030, "the date is wrong"))?;
    insist!(at > now, no(2001, "expire_time is before now"));
    insist!(at - now <= EXPIRY_MOST_MILLIS, no(2040, "expire_time is more than 7 days ahead"));
    Ok(())
}

/// `yyyy-MM-dd HH:mm:ss` in Beijing (days from civil after Howard Hinnant).
fn beijing(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let part = |text: &str, sign: char| -> Option<[i64; 3]> {
        let parts: Vec<i64> = text.split(sign).map(str::parse).collect::<Result<_, _>>().ok()?;
        parts.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (part(date, '-')?, part(time, ':')?);
    let proper = text.len() == 19 && (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    proper.then_some(((days * 24 + hour - 8) * 60 + minute) * 60_000 + second * 1_000)
}

/// 44 characters on Android, 64 hexadecimal digits on iOS.
fn formed(ask: &Ask<'_>, token: &str) -> bool {
    !ask.dials.token_form || token.len() == 44 || (token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn send(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: &Value, tokens: &[&str]) -> Result<Reply, No> {
    let (shown, alert) = (&body["payload"]["body"], &body["payload"]["aps"]["alert"]);
    let (title, said) = match alert {
        Value::String(text) => ("", text.as_str()),
        Value::Object(_) => (text(alert, "title"), text(alert, "body")),
        _ => (text(shown, "title"), text(shown, "text")),
    };
    insist!(!title.contains(SENSITIVE) && !said.contains(SENSITIVE), no(4006, "sensitive words"));
    insist!(ask.pace(keyed, 1), No::pace("4009", "the queue is full"));
    let targets: Vec<Target<'_>> = tokens.iter().map(|t| ask.target(t)).collect();
    let why = |t: &Target<'_>| match t.magic {
        Magic::Foreign => Some((4014, "the token is not of this app")),
        _ if !formed(ask, t.text) => Some((4010, "the form of the device token is wrong")),
        Magic::Gone | Magic::Inactive | Magic::Fail => Some((4020, "the token is wrong")),
        _ if t.bad => Some((4020, "the token is wrong")),
        _ => None,
    };
    let verdict = |t: &Target<'_>| if why(t).is_some() { Verdict::BadToken } else { Verdict::Accepted };
    let failed = targets.iter().filter(|t| why(t).is_some()).count();
    let all = failed == targets.len();
    let key = text(body, "policy.apns_collapse_id");
    let content = Content { key, title, body: said };
    // Whether one bad token spoils its list is told by no source: here it is a right of the account.
    if let Some((code, why)) = targets.iter().find_map(why).filter(|_| targets.len() > 1 && keyed.may("refuses_lists")) {
        ask.book(content, "", targets.iter().map(|t| (t.hash, Verdict::Refused)));
        return Err(no(code, why));
    }
    ask.book(content, if all { "" } else { "SUCCESS" }, targets.iter().map(|t| (t.hash, verdict(t))));
    if all {
        let single = targets.first().filter(|_| targets.len() == 1).and_then(why);
        let (code, text) = single.unwrap_or((4025, "every token failed"));
        return Err(no(code, text));
    }
    let kind = if text(body, "type") == "unicast" { "uu" } else { "ul" };
    let id = format!("{kind}{:022}", ask.twin.chance.next() % 1_000_000_000_000_000_000);
    // The paid edition alone knows receipts.
    let mut errand = Errand::new(keyed, &id, key).carrying(ask.body);
    errand.url = if keyed.may("pro") { text(body, "receipt_url").to_owned() } else { String::new() };
    errand.types = loose(body, "receipt_type").parse().unwrap_or(3);
    ask.expect(errand, targets.iter().filter(|t| why(t).is_none()).map(|t| Reached::plainly(t.text)));
    // Bad tokens among good ones are dropped in silence, or told with 4026, which accepts the rest.
    insist!(failed == 0 || !keyed.may("tells_partial"), no(4026, "some tokens failed"));
    Ok(Reply::json(200, json!({"ret": "SUCCESS", "data": {"msg_id": id}}).to_string()))
}

/// No public source knows the real body: this form is the simulator's own.
fn letters(_: &Twin, _: &Keyed, events: &[Event]) -> Vec<Post> {
    let row = |e: &Event| {
        let (bit, word) = match &e.kind {
            Kind::Delivered => (1, "delivered".to_owned()),
            Kind::Clicked => (2, "click".to_owned()),
            Kind::Raw(own) => (0, own.to_string()),
            _ => return None,
        };
        let wanted = bit == 0 || e.errand.types == 0 || e.errand.types & bit != 0;
        let row = json!({"msg_id": e.errand.id, "device_token": e.target, "event": word, "time": e.at});
        wanted.then(|| (row, e.errand.url.clone()))
    };
    let rows: Vec<(Value, String)> = events.iter().filter_map(row).collect();
    let post = |part: &[(Value, String)]| Post {
        url: part.first().map(|(_, url)| url.clone()).unwrap_or_default(),
        headers: Vec::new(),
        content_type: "application/json",
        body: Value::from(part.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>()).to_string(),
        count: part.len() as u64,
        wants: None,
        again: Again::Never,
    };
    rows.chunks(100).map(post).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_beijing_time() {
        assert_eq!(beijing("1970-01-01 08:00:00"), Some(0));
        assert_eq!(beijing("2026-11-21 18:31:03"), Some(1_795_257_063_000));
        assert_eq!((beijing("2026-11-21"), beijing("2026-13-01 00:00:00"), beijing("2026-1-1 0:0:0")), (None, None, None));
    }
}
