//! Huawei Push Kit, as `vendors/huawei.md` describes it: HMS v1 here, HarmonyOS v3 in `harmony`, receipts for both.

pub(crate) mod harmony;
mod receipt;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use self::receipt::address;
use crate::kit::json::{Form, at, filled, form, https, int, misformed, one_of, short, text, texts, within};
use crate::kit::{Ask, Content, Desk, Errand, Holder, Keyed, Kind, Magic, No, Reached, SENSITIVE, Target, insist};
use crate::ledger::Verdict;
use crate::twin::Reply;

pub(crate) const DESK: Desk = Desk { answer, refusal, letters: receipt::letters, passes: &["/oauth2/"], clicks: false };

const TARGETS_MOST: usize = 1_000;
const BODY_MOST: usize = 4_096;
const TTL_MOST: f64 = 1_296_000.0;
const TESTS_A_DAY: u64 = 500;
/// Marketing messages to one device in a day.
const DEVICE_DAILY: u32 = 2;
const CATEGORIES: [&str; 15] = [
    "IM",
    "VOIP",
    "SUBSCRIPTION",
    "TRAVEL",
    "HEALTH",
    "WORK",
    "ACCOUNT",
    "EXPRESS",
    "FINANCE",
    "DEVICE_REMINDER",
    "SYSTEM_REMINDER",
    "MAIL",
    "PLAY_VOICE",
    "MARKETING",
    // Only v3 knows this one.
    "MISS_CALL",
];

/// Section 4, with the status that goes with the family of a code.
fn refusal(ask: &Ask<'_>, no: &No) -> Reply {
    if ask.path.starts_with("/oauth2/") {
        let sub: i64 = no.code.parse().unwrap_or(0);
        return Reply::json(400, json!({"error": 1101, "sub_error": sub, "error_description": no.text}).to_string());
    }
    match no.code.as_ref() {
        "404" => return Reply::html(404, "<html><body><h1>404 Not Found</h1></body></html>"),
        // Flow control: no JSON is promised.
        "503" => return Reply::html(503, "<html><body><h1>503 Service Unavailable</h1></body></html>"),
        _ => {}
    }
    let usual = match no.code.get(..3) {
        Some("802") => 401,
        Some("806" | "810") => 500,
        _ if no.code == "80300036" => 401,
        _ => 400,
    };
    let message = if no.extra.is_null() { no.text.to_string() } else { no.extra.to_string() };
    let body = json!({"code": no.code, "msg": message, "requestId": request_id(ask)});
    Reply::json(usual, body.to_string())
}

/// 24 digits, as in the samples.
fn request_id(ask: &Ask<'_>) -> String {
    format!("{:013}{:08}001", ask.twin.clock.millis(), ask.trace() % 100_000_000)
}

fn bad(field: impl Into<Cow<'static, str>>) -> No {
    No::new("80100001", field)
}

fn illegal(why: &str) -> No {
    No::new("80100003", format!("Illegal payload, {why}"))
}

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    if matches!(ask.path, "/oauth2/v3/token" | "/oauth2/v2/token") {
        return token(ask);
    }
    let app = ask.path.strip_prefix("/v1/").and_then(|p| p.strip_suffix("/messages:send"));
    let app = app.filter(|a| !a.is_empty() && ask.is_post()).ok_or(No::new("404", "no such address"))?;
    let keyed = match ask.holder(ask.bearer()) {
        Holder::Unknown => return Err(No::new("80200001", "Authentication information is incorrect")),
        Holder::Expired => return Err(No::new("80200003", "The access token has expired")),
        Holder::Of(keyed) => keyed,
    };
    insist!(keyed.field("app_id") == app, No::new("80300002", "The application has no permission to send"));
    insist!(ask.is_type("application/json"), illegal("the content type is not application/json"));
    let body = ask.json().ok_or(illegal("no JSON object"))?;
    let message = at(&body, "message").filter(|m| m.is_object()).ok_or(illegal("message is missing"))?;
    if let Some(path) = misformed(&body, &FORMS) {
        return Err(illegal(path));
    }
    let tokens = tokens(message, "token", &["topic", "condition"])?;
    size(ask, &tokens)?;
    ttl(message)?;
    insist!(within(message, "android.collapse_key", -1..=100), No::new("80100013", "collapse_key must be -1 to 100"));
    fields(&keyed, message)?;
    let url = address(&keyed, text(message, "android.receipt_id"))?;
    send(ask, &keyed, &body, message, &tokens, url)
}

const FORMS: [(&str, Form); 22] = [
    ("validate_only", Form::Flag),
    ("message.data", Form::Text),
    ("message.notification", Form::Object),
    ("message.token", Form::List),
    ("message.android", Form::Object),
    ("message.android.data", Form::Text),
    ("message.android.collapse_key", Form::Int),
    ("message.android.urgency", Form::Text),
    ("message.android.category", Form::Text),
    ("message.android.ttl", Form::Text),
    ("message.android.bi_tag", Form::Text),
    ("message.android.receipt_id", Form::Text),
    ("message.android.target_user_type", Form::Int),
    ("message.android.notification", Form::Object),
    ("message.android.notification.title", Form::Text),
    ("message.android.notification.body", Form::Text),
    ("message.android.notification.click_action", Form::Object),
    ("message.android.notification.notify_id", Form::Int),
    ("message.android.notification.tag", Form::Text),
    ("message.android.notification.badge", Form::Object),
    ("message.android.notification.auto_clear", Form::Int),
    ("message.android.notification.foreground_show", Form::Flag),
];

/// Section 1: `client_credentials`.
fn token(ask: &Ask<'_>) -> Result<Reply, No> {
    let fields = form(ask.body);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    insist!(
        ask.is_post() && ask.is_type("application/x-www-form-urlencoded") && field("grant_type") == "client_credentials",
        No::new("20001", "grant_type must be client_credentials, in a form")
    );
    let id = field("client_id");
    insist!((1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()), No::new("20002", "client_id is malformed"));
    let keyed = ask.account(|k| k.field("app_id") == id).ok_or(No::new("20003", "client_id is unknown"))?;
    insist!(!field("client_secret").is_empty(), No::new("20171", "client_secret is empty"));
    insist!(keyed.field("client_secret") == field("client_secret"), No::new("12304", "client_secret is wrong"));
    let token = format!("CgB6e3x9{}/{}+sim", ask.random(16), ask.random(8));
    let life = ask.issue(keyed, &token, 3_600);
    let said = token.replace('/', r"\/");
    Ok(Reply::json(200, format!(r#"{{"access_token":"{said}","expires_in":{life},"token_type":"Bearer"}}"#)))
}

/// 1 to 1,000 texts, and nothing else that names receivers.
fn tokens<'a>(holder: &'a Value, path: &str, others: &[&str]) -> Result<Vec<&'a str>, No> {
    let no = || No::new("80300010", "The number of tokens is out of range, or the field stands in the wrong place");
    let tokens = texts(holder, path).ok_or_else(no)?;
    insist!((1..=TARGETS_MOST).contains(&tokens.len()) && others.iter().all(|o| at(holder, o).is_none()), no());
    Ok(tokens)
}

/// The body without the tokens.
fn size(ask: &Ask<'_>, tokens: &[&str]) -> Result<(), No> {
    let of_tokens: usize = tokens.iter().map(|t| t.len() + 3).sum();
    insist!(ask.body.len().saturating_sub(of_tokens) <= BODY_MOST, No::new("80300008", "The message body is too large"));
    Ok(())
}

/// `\d+(\.\d{1,9})?[sS]?`, at most 15 days.
fn ttl(message: &Value) -> Result<(), No> {
    let Some(given) = at(message, "android.ttl").and_then(Value::as_str) else { return Ok(()) };
    let number = given.strip_suffix(['s', 'S']).unwrap_or(given);
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    insist!(digits(whole) && digits(part) && part.len() <= 9, illegal("ttl"));
    insist!(number.parse::<f64>().is_ok_and(|n| n <= TTL_MOST), No::new("80100004", "ttl is beyond 15 days"));
    Ok(())
}

/// Section 2, the rules of single fields.
fn fields(keyed: &Keyed, message: &Value) -> Result<(), No> {
    insist!(one_of(message, "android.urgency", &["HIGH", "NORMAL"]), bad("urgency"));
    insist!(
        text(message, "android.urgency") != "HIGH" || keyed.may("high_urgency"),
        No::new("80300011", "No permission for messages of high urgency")
    );
    insist!(one_of(message, "android.category", &CATEGORIES[..14]), bad("category"));
    insist!(within(message, "android.target_user_type", 0..=1), bad("target_user_type"));
    let Some(shown) = at(message, "android.notification").or_else(|| at(message, "notification")) else {
        insist!(filled(message, "data") || filled(message, "android.data"), bad("neither notification nor data"));
        return Ok(());
    };
    let said = |field: &str| filled(shown, field) || filled(message, &format!("notification.{field}"));
    insist!(said("title"), bad("title"));
    insist!(said("body"), bad("body"));
    let click = match int(shown, "click_action.type") {
        Some(1) => filled(shown, "click_action.intent") || filled(shown, "click_action.action"),
        Some(2) => filled(shown, "click_action.url") && https(shown, "click_action.url"),
        Some(3) => true,
        _ => false,
    };
    insist!(click, bad("click_action"));
    insist!(https(shown, "image") && https(message, "notification.image"), bad("image"));
    let style = match int(shown, "style").unwrap_or(0) {
        0 => true,
        1 => filled(shown, "big_title") && filled(shown, "big_body"),
        3 => texts(shown, "inbox_content").is_some_and(|lines| (1..=5).contains(&lines.len())),
        _ => false,
    };
    insist!(style, bad("style"));
    insist!(within(shown, "badge.add_num", 1..=99) && within(shown, "badge.set_num", 0..=99), bad("badge"));
    insist!(one_of(shown, "importance", &["LOW", "NORMAL", "HIGH"]), bad("importance"));
    let colour = text(shown, "color");
    let colour = colour.is_empty() || (colour.len() == 7 && colour.starts_with('#') && colour[1..].bytes().all(|b| b.is_ascii_hexdigit()));
    insist!(colour, bad("color"));
    insist!(one_of(shown, "visibility", &["VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"]), bad("visibility"));
    insist!(within(shown, "auto_clear", 1..=i64::MAX) && short(shown, "profile_id", 64), bad("auto_clear or profile_id"));
    let buttons = at(shown, "buttons").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    insist!(buttons.len() <= 3 && buttons.iter().all(|b| filled(b, "name") && short(b, "name", 40)), bad("buttons"));
    Ok(())
}

/// Everything is in order: flow control, then the tokens.
fn send(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: &Value, message: &Value, tokens: &[&str], url: String) -> Result<Reply, No> {
    let said = |field: &str| {
        let own = text(message, &format!("android.notification.{field}"));
        if own.is_empty() { text(message, &format!("notification.{field}")) } else { own }
    };
    insist!(!said("title").contains(SENSITIVE) && !said("body").contains(SENSITIVE), No::new("80100016", "Sensitive words"));
    insist!(ask.pace(keyed, tokens.len()), No::pace("503", "flow control"));
    let test = int(message, "android.target_user_type") == Some(1);
    insist!(!test || ask.spend(keyed, "test", TESTS_A_DAY, tokens.len()), No::quota("80300029", "Test messages are too frequent"));
    let id = request_id(ask);
    if at(body, "validate_only").and_then(Value::as_bool) == Some(true) {
        return Ok(accepted(&id));
    }
    let targets: Vec<Target<'_>> = tokens.iter().map(|t| ask.target(t)).collect();
    let number = int(message, "android.notification.notify_id").filter(|n| *n != -1).map(|n| n.to_string());
    let key = number.unwrap_or_else(|| text(message, "android.notification.tag").to_owned());
    let illegal: Vec<&str> = targets.iter().filter(|t| v1_illegal(t)).map(|t| t.text).collect();
    let verdict = |t: &Target<'_>| if v1_illegal(t) { Verdict::BadToken } else { Verdict::Accepted };
    let code = if illegal.is_empty() {
        "80000000"
    } else if illegal.len() < targets.len() {
        "80100000"
    } else {
        "80300007"
    };
    let content = Content { key: &key, title: said("title"), body: said("body") };
    ask.book(content, if code == "80300007" { "" } else { code }, targets.iter().map(|t| (t.hash, verdict(t))));
    insist!(code != "80300007", No::new(code, "All the tokens are invalid"));

    let marketing = !keyed.may("classification") || matches!(text(message, "android.category"), "" | "MARKETING");
    let mut errand = Errand::new(keyed, &id, &key).carrying(ask.body);
    errand.url = url;
    errand.param = text(message, "android.bi_tag").to_owned();
    let reached = targets.iter().filter(|t| !v1_illegal(t)).map(|t| {
        let capped = marketing && !test && !ask.device_takes(keyed, t.hash, DEVICE_DAILY);
        Reached { token: t.text, settled: capped.then_some(Kind::Capped) }
    });
    ask.expect(errand, reached);
    if illegal.is_empty() {
        return Ok(accepted(&id));
    }
    let report = json!({"success": targets.len() - illegal.len(), "failure": illegal.len(), "illegal_tokens": illegal}).to_string();
    Ok(Reply::json(200, json!({"code": "80100000", "msg": report, "requestId": id}).to_string()))
}

fn v1_illegal(target: &Target<'_>) -> bool {
    target.bad || matches!(target.magic, Magic::Foreign | Magic::Fail)
}

fn accepted(id: &str) -> Reply {
    Reply::json(200, format!(r#"{{"code":"80000000","msg":"Success","requestId":"{id}"}}"#))
}
