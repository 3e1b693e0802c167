//! HarmonyOS 5 and later: scenario messages v3, authorised by a JWT of the service account.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::receipt::address;
use super::{CATEGORIES, accepted, bad, illegal, receipt, refusal, request_id, size, tokens};
use crate::kit::json::{Form, at, filled, https, int, misformed, one_of, short, text, texts, within};
use crate::kit::jwt::Jwt;
use crate::kit::{Ask, Content, Desk, Errand, Keyed, Kind, Magic, No, Reached, Target, insist};
use crate::ledger::{Verdict, token_hash};
use crate::twin::Reply;

pub(crate) const DESK: Desk = Desk { answer, refusal, letters: receipt::letters, passes: &[], clicks: false };

const AUDIENCE: &str = "https://oauth-login.cloud.huawei.com/oauth2/v3/token";
const DAY_SECONDS: i64 = 86_400;
/// Clocks of callers may be ahead a little.
const SKEW_SECONDS: i64 = 300;
const TTL_MOST: i64 = 1_296_000;
const TESTS_A_DAY: u64 = 1_000;
const TEST_TOKENS: usize = 10;
const DEVICE_DAILY: u32 = 2;

fn answer(ask: &Ask<'_>) -> Result<Reply, No> {
    let project = ask.path.strip_prefix("/v3/").and_then(|p| p.strip_suffix("/messages:send"));
    let project = project.filter(|p| !p.is_empty() && ask.is_post()).ok_or(No::new("404", "no such address"))?;
    let keyed = holder(ask)?;
    insist!(keyed.identity == project, No::new("80300002", "The project has no permission to send"));
    insist!(ask.is_type("application/json"), illegal("the content type is not application/json"));
    let body = ask.json().ok_or(illegal("no JSON object"))?;
    let push_type = ask.header("push-type");
    insist!(["0", "1", "2", "6", "7", "10"].contains(&push_type), illegal("the header push-type"));
    insist!(at(&body, "payload").is_some_and(Value::is_object), illegal("payload is missing"));
    insist!(at(&body, "message").is_none(), illegal("message belongs to v1"));
    if let Some(path) = misformed(&body, &FORMS) {
        return Err(illegal(path));
    }
    let target = at(&body, "target").ok_or(No::new("80300010", "target is missing"))?;
    let tokens = tokens(target, "token", &[])?;
    insist!(push_type != "1" || tokens.len() == 1, No::new("80100002", "one token for a widget update"));
    let test = at(&body, "pushOptions.testMessage").and_then(Value::as_bool) == Some(true);
    insist!(!test || tokens.len() <= TEST_TOKENS, No::new("80300030", "Too many tokens in a test message"));
    size(ask, &tokens)?;
    insist!(within(&body, "pushOptions.ttl", 1..=TTL_MOST), No::new("80100004", "ttl"));
    insist!(
        at(&body, "pushOptions.collapseKey").is_none()
            || (within(&body, "pushOptions.collapseKey", -1..=100) && ["0", "2"].contains(&push_type)),
        No::new("80100013", "collapseKey")
    );
    insist!(text(&body, "pushOptions.biTag").len() <= 64, bad("biTag"));
    if push_type == "0" {
        fields(&body)?;
    }
    let url = address(&keyed, text(&body, "pushOptions.receiptId"))?;
    send(ask, &keyed, &body, &tokens, test, url)
}

const FORMS: [(&str, Form); 19] = [
    ("payload.notification", Form::Object),
    ("payload.notification.category", Form::Text),
    ("payload.notification.title", Form::Text),
    ("payload.notification.body", Form::Text),
    ("payload.notification.image", Form::Text),
    ("payload.notification.clickAction", Form::Object),
    ("payload.notification.clickAction.actionType", Form::Int),
    ("payload.notification.clickAction.data", Form::Object),
    ("payload.notification.notifyId", Form::Int),
    ("payload.notification.appMessageId", Form::Text),
    ("payload.notification.badge", Form::Object),
    ("payload.notification.foregroundShow", Form::Flag),
    ("target", Form::Object),
    ("target.token", Form::List),
    ("pushOptions", Form::Object),
    ("pushOptions.ttl", Form::Int),
    ("pushOptions.biTag", Form::Text),
    ("pushOptions.collapseKey", Form::Int),
    ("pushOptions.testMessage", Form::Flag),
];

/// Section 1: the caller's own JWT, PS256 only.
fn holder(ask: &Ask<'_>) -> Result<Arc<Keyed>, No> {
    let wrong = || No::new("80200001", "Authentication information is incorrect");
    let jwt = Jwt::read(ask.bearer()).ok_or_else(wrong)?;
    let (kid, iss) = (text(&jwt.header, "kid"), text(&jwt.claims, "iss"));
    let owner = |k: &Keyed| k.service.as_ref().is_some_and(|s| s.key_id == kid && s.sub_account == iss);
    let keyed = ask.account(owner).ok_or_else(wrong)?;
    let key = keyed.service.as_ref().map_or(&[][..], |s| &s.public);
    insist!(jwt.genuine(key, "PS256") && text(&jwt.claims, "aud") == AUDIENCE, wrong());
    let (Some(issued), Some(ends)) = (jwt.seconds("iat"), jwt.seconds("exp")) else { return Err(wrong()) };
    let now = ask.now() / 1_000;
    insist!(ends - issued <= DAY_SECONDS, No::new("80300036", "The JWT lives longer than one day"));
    insist!(ends > now, No::new("80200005", "The JWT has expired"));
    insist!(issued <= now + SKEW_SECONDS, wrong());
    Ok(Arc::clone(keyed))
}

fn fields(body: &Value) -> Result<(), No> {
    let shown = at(body, "payload.notification").ok_or(bad("notification"))?;
    insist!(filled(shown, "category") && one_of(shown, "category", &CATEGORIES), bad("category"));
    insist!(filled(shown, "title"), bad("title"));
    insist!(filled(shown, "body"), bad("body"));
    let click = match int(shown, "clickAction.actionType") {
        Some(0) => true,
        Some(1) => filled(shown, "clickAction.action") || filled(shown, "clickAction.uri"),
        _ => false,
    };
    insist!(click, bad("clickAction"));
    let image = text(shown, "image");
    let picture = [".png", ".jpg", ".jpeg", ".bmp"].iter().any(|end| image.split(['?', '#']).next().is_some_and(|p| p.ends_with(end)));
    insist!(image.is_empty() || (https(shown, "image") && picture), bad("image"));
    let style = match int(shown, "style").unwrap_or(0) {
        0 => true,
        3 => texts(shown, "inboxContent").is_some_and(|lines| !lines.is_empty()),
        _ => false,
    };
    insist!(style, bad("style"));
    let id = text(shown, "appMessageId");
    let proper = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_ ".contains(&b));
    insist!(at(shown, "appMessageId").is_none() || (!id.is_empty() && proper), bad("appMessageId"));
    insist!(short(shown, "profileId", 64) && within(shown, "badge.addNum", 1..=99) && within(shown, "badge.setNum", 0..=99), bad("badge"));
    Ok(())
}

/// Why a token cannot be used, in the words of section 3.
fn reason(target: &Target<'_>) -> Option<&'static str> {
    match target.magic {
        _ if target.bad => Some("tokenFormatError"),
        Magic::Foreign => Some("noRight"),
        Magic::Fail => Some("tokenPlatformNotSupport"),
        _ => None,
    }
}

fn send(ask: &Ask<'_>, keyed: &Arc<Keyed>, body: &Value, tokens: &[&str], test: bool, url: String) -> Result<Reply, No> {
    insist!(ask.pace(keyed, tokens.len()), No::pace("503", "flow control"));
    let id = request_id(ask);
    let shown = at(body, "payload.notification").unwrap_or(&Value::Null);
    let own_id = text(shown, "appMessageId");
    let number = int(shown, "notifyId").filter(|n| *n != -1).map(|n| n.to_string());
    let key = if own_id.is_empty() { number.unwrap_or_default() } else { own_id.to_owned() };
    let targets: Vec<(Target<'_>, Verdict)> = tokens
        .iter()
        .map(|t| {
            let target = ask.target(t);
            let verdict = match reason(&target) {
                Some(_) => Verdict::BadToken,
                // The phone shows one appMessageId once and drops repeats in silence (section 7).
                None if !own_id.is_empty() && !ask.is_new(keyed, target.hash ^ token_hash(own_id).rotate_left(7)) => Verdict::Dropped,
                None => Verdict::Accepted,
            };
            (target, verdict)
        })
        .collect();
    let mut illegal: Map<String, Value> = Map::new();
    for (target, _) in &targets {
        if let Some(reason) = reason(target)
            && let Some(list) = illegal.entry(reason).or_insert_with(|| json!([])).as_array_mut()
        {
            list.push(json!(target.text));
        }
    }
    let failed = targets.iter().filter(|(_, v)| *v == Verdict::BadToken).count();
    let all = failed == targets.len();
    let content = Content { key: &key, title: text(shown, "title"), body: text(shown, "body") };
    let code = if failed == 0 { "80000000" } else { "80100000" };
    ask.book(content, if all { "" } else { code }, targets.iter().map(|(t, v)| (t.hash, *v)));
    if all {
        return Err(No::new("80300007", "All the tokens are invalid").with(json!({"failure": failed, "illegalTokens": illegal})));
    }
    let mut errand = Errand::new(keyed, &id, &key).carrying(ask.body);
    errand.url = url;
    errand.param = text(body, "pushOptions.biTag").to_owned();
    // Over the test limit the send is accepted, and the receipt tells.
    let capped = test && !ask.spend(keyed, "test", TESTS_A_DAY, targets.len() - failed);
    let marketing = !test && text(shown, "category") == "MARKETING";
    let reached = targets.iter().filter(|(_, v)| *v == Verdict::Accepted).map(|(t, _)| {
        let capped = capped || (marketing && !ask.device_takes(keyed, t.hash, DEVICE_DAILY));
        Reached { token: t.text, settled: capped.then_some(Kind::Capped) }
    });
    ask.expect(errand, reached);
    if failed == 0 {
        return Ok(accepted(&id));
    }
    let report = json!({"success": targets.len() - failed, "failure": failed, "illegalTokens": illegal}).to_string();
    Ok(Reply::json(200, json!({"code": code, "msg": report, "requestId": id}).to_string()))
}
