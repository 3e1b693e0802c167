//! Xiaomi MiPush, as `vendors/xiaomi.md` describes it: forms with up to 1,000 targets, refusals by body code.

mod check;
mod form;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;
use types::vendor::Vendor;

use self::check::Fields;
use self::form::{Form, targets};
use crate::accounts::XiaomiAccount;
use crate::dials::{Dials, Outage};
use crate::ledger::{Verdict, token_hash};
use crate::meters::{Day, Window};
use crate::receipts::Sent;
use crate::twin::{End, Fate, Reply, Twin};

const TARGETS_MOST: usize = 1_000;
/// Requests that can still be found by their jobkey for a receipt made by hand.
const REMEMBERED: usize = 10_000;
/// Every bit of `extra.callback.type` that means something.
pub(crate) const KNOWN_TYPES: u32 = 1 | 2 | 16 | 32 | 64 | 128;

/// Shared over connections.
#[derive(Default)]
pub(crate) struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By package.
    usage: BTreeMap<String, Usage>,
    recent: VecDeque<Arc<Sent>>,
}

#[derive(Default)]
struct Usage {
    window: Window,
    day: Day,
}

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reset(&self) {
        *self.inner() = Inner::default();
    }

    /// The newest request under `key` (jobkey or message id).
    pub(crate) fn sent_under(&self, key: &str) -> Option<Arc<Sent>> {
        self.inner().recent.iter().rev().find(|s| s.jobkey == key || s.id == key).cloned()
    }

    fn remember(&self, sent: &Arc<Sent>) {
        let mut inner = self.inner();
        if inner.recent.len() == REMEMBERED {
            inner.recent.pop_front();
        }
        inner.recent.push_back(Arc::clone(sent));
    }
}

impl Fields for Form {
    fn get(&self, name: &str) -> Option<String> {
        Form::get(self, name).map(str::to_owned)
    }

    fn extras(&self) -> Vec<(String, String)> {
        self.fields().filter_map(|(n, v)| n.strip_prefix("extra.").map(|n| (n.to_owned(), v.to_owned()))).collect()
    }
}

/// One `message` object of `multi_messages`.
struct Inside<'a>(&'a Value);

impl Fields for Inside<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let value = match name.strip_prefix("extra.") {
            Some(key) => self.0.get("extra")?.get(key)?,
            None => self.0.get(name)?,
        };
        Some(text_of(value))
    }

    fn extras(&self) -> Vec<(String, String)> {
        let extra = self.0.get("extra").and_then(Value::as_object);
        extra.map(|e| e.iter().map(|(k, v)| (k.clone(), text_of(v))).collect()).unwrap_or_default()
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) fn answer(twin: &Twin, dials: &Dials, method: &Method, path: &str, headers: &HeaderMap, body: &Bytes) -> Reply {
    if dials.outage == Outage::Error {
        twin.ledger.refuse(Vendor::Xiaomi, "503");
        return Reply::html(503, "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>");
    }
    if let Some(refused) = twin.http_error(dials, Vendor::Xiaomi) {
        return refused;
    }
    let fate = twin.fate(dials);
    if fate == Fate::Error {
        return refuse(twin, dials.error.parse().unwrap_or(10001), "service is busy now");
    }
    if method != Method::POST {
        return refuse(twin, 10021, "the HTTP method is not supported");
    }
    let several = match path {
        "/v2/message/regid" => false,
        "/v3/message/regid" | "/v4/message/regid" | "/v2/multi_messages/regids" => true,
        _ => return refuse(twin, 10020, "no such API in the simulator"),
    };
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|t| t.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")));
    if !is_form {
        return refuse(twin, 10007, "mime type is not application/x-www-form-urlencoded");
    }
    let accounts = twin.accounts();
    let secret = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("key="));
    let Some(secret) = secret.filter(|s| accounts.xiaomi.iter().any(|a| a.app_secret == *s)) else {
        return refuse(twin, 21301, "authentication failed");
    };
    let form = Form::read(body);
    let result = if path == "/v2/multi_messages/regids" {
        several_messages(twin, dials, &accounts.xiaomi, secret, &form, fate)
    } else {
        one_message(twin, dials, &accounts.xiaomi, secret, several, &form, fate)
    };
    result.unwrap_or_else(|(code, reason)| refuse(twin, code, &reason))
}

/// The account whose secret and package belong together.
fn account_of<'a>(
    accounts: &'a [XiaomiAccount],
    secret: &str,
    packages: Option<&str>,
    several: bool,
) -> Result<&'a XiaomiAccount, check::Complaint> {
    let names = packages.ok_or_else(|| (10016, "missing required parameter: restricted_package_name".to_owned()))?;
    if names.contains(',') && !several {
        return Err((22022, "several packages need v3".into()));
    }
    let mut found = None;
    for name in names.split(',') {
        found = accounts.iter().find(|a| a.package_name == name.trim() && a.app_secret == secret);
        if found.is_none() {
            return Err((22022, format!("package name is illegal: {name}")));
        }
    }
    found.ok_or_else(|| (22022, "package name is illegal".into()))
}

fn one_message(
    twin: &Twin,
    dials: &Dials,
    accounts: &[XiaomiAccount],
    secret: &str,
    several: bool,
    form: &Form,
    fate: Fate,
) -> Result<Reply, check::Complaint> {
    let account = account_of(accounts, secret, form.filled("restricted_package_name"), several)?;
    let mut seen: Vec<Target<'_>> = Vec::with_capacity(TARGETS_MOST);
    for text in targets(&form.targets) {
        if seen.len() == TARGETS_MOST {
            return Err((10017, "too many targets, at most 1000".into()));
        }
        seen.push(Target::new(twin, dials, text));
    }
    if seen.iter().all(|t| t.text.is_empty()) {
        return Err((10016, "missing required parameter: registration_id".into()));
    }
    check::message(form, account, twin.clock.millis())?;
    let good = seen.iter().filter(|t| !t.bad).count();
    let (_, at) = admit(twin, dials, account, good as u64, true)?;
    let trace = twin.request_number();
    let jobkey = form.get("extra.jobkey").unwrap_or_default();
    let names = twin.ledger.name(jobkey, form.get("title").unwrap_or_default(), form.get("description").unwrap_or_default());
    let behaviour = Behaviour::of(&seen, dials);
    let unheard = matches!(fate, Fate::Cut | Fate::Garbage) || behaviour.end != End::Answer;
    let answer = if good == 0 { "20301" } else { "0" };
    twin.ledger.write(Vendor::Xiaomi, at, names, trace, answer, seen.iter().map(|t| (t.hash, t.verdict(unheard))));
    if good == 0 {
        return Ok(respond(dials, fate, behaviour, refusal(twin, 20301, "every regid is invalid, no valid targets")));
    }
    let id = format!("sdm{:02}b{:013}{:06}cD", twin.chance.up_to(99), twin.clock.millis(), trace % 1_000_000);
    let sent = Arc::new(Sent {
        id,
        callback: form.filled("extra.callback").map(str::to_owned),
        param: form.get("extra.callback.param").map(str::to_owned),
        jobkey: jobkey.to_owned(),
        types: form.get("extra.callback.type").and_then(|t| t.parse().ok()).unwrap_or(3),
    });
    let bad: Vec<&str> = seen.iter().filter(|t| t.bad).map(|t| t.text.as_ref()).collect();
    let body = accepted(twin, dials, account, &sent.id, good, &bad);
    twin.xiaomi.remember(&sent);
    twin.arrive(&dials.receipts, &sent, seen.iter().filter(|t| !t.bad).map(|t| t.text.as_ref()));
    Ok(respond(dials, fate, behaviour, Reply::json(200, body)))
}

/// `multi_messages`: each target with its own content. Over the quota it drops in silence and says how many.
fn several_messages(
    twin: &Twin,
    dials: &Dials,
    accounts: &[XiaomiAccount],
    secret: &str,
    form: &Form,
    fate: Fate,
) -> Result<Reply, check::Complaint> {
    let text = form.filled("messages").ok_or_else(|| (10016, "missing required parameter: messages".to_owned()))?;
    let list: Vec<Value> = serde_json::from_str(text).map_err(|_| (10017, "messages is no JSON array".to_owned()))?;
    if list.is_empty() {
        return Err((10016, "missing required parameter: messages".into()));
    }
    if list.len() > TARGETS_MOST {
        return Err((10017, "too many targets, at most 1000".into()));
    }
    let nothing = Value::Null;
    let mut account = None;
    let mut seen = Vec::with_capacity(list.len());
    for item in &list {
        let message = Inside(item.get("message").unwrap_or(&nothing));
        let owner = account_of(accounts, secret, message.filled("restricted_package_name").as_deref(), true)?;
        account = Some(owner);
        let target = item.get("target").and_then(Value::as_str).unwrap_or_default();
        check::message(&message, owner, twin.clock.millis())?;
        seen.push((Target::new(twin, dials, Cow::Borrowed(target)), message));
    }
    let Some(account) = account else { return Err((10016, "missing required parameter: messages".into())) };
    let good = seen.iter().filter(|(t, _)| !t.bad).count();
    let (room, at) = admit(twin, dials, account, good as u64, false)?;
    let trace = twin.request_number();
    let behaviour = Behaviour::of(seen.iter().map(|(t, _)| t), dials);
    let unheard = matches!(fate, Fate::Cut | Fate::Garbage) || behaviour.end != End::Answer;
    let id = format!("sdm{:02}m{:013}{:06}cD", twin.chance.up_to(99), twin.clock.millis(), trace % 1_000_000);
    let mut taken = 0;
    let mut dropped: BTreeMap<String, u64> = BTreeMap::new();
    for (n, (target, message)) in seen.iter().enumerate() {
        let get = |name: &str| message.get(name).unwrap_or_default();
        let jobkey = get("extra.jobkey");
        let names = twin.ledger.name(&jobkey, &get("title"), &get("description"));
        let over = !target.bad && taken >= room;
        let verdict = if over { Verdict::Refused } else { target.verdict(unheard) };
        let answer = if n == 0 { "0" } else { "" };
        twin.ledger.write(Vendor::Xiaomi, at, names, trace, answer, std::iter::once((target.hash, verdict)));
        if over {
            *dropped.entry(get("extra.channel_id")).or_insert(0) += 1;
        } else if !target.bad {
            taken += 1;
            let sent = Arc::new(Sent {
                id: id.clone(),
                callback: message.filled("extra.callback"),
                param: message.get("extra.callback.param"),
                jobkey,
                types: message.get("extra.callback.type").and_then(|t| t.parse().ok()).unwrap_or(3),
            });
            twin.xiaomi.remember(&sent);
            twin.arrive(&dials.receipts, &sent, std::iter::once(target.text.as_ref()));
        }
    }
    let bad: Vec<&str> = seen.iter().filter(|(t, _)| t.bad).map(|(t, _)| t.text.as_ref()).collect();
    let mut body = accepted(twin, dials, account, &id, good, &bad);
    if !dropped.is_empty() {
        let said: Vec<String> = dropped.iter().map(|(channel, count)| format!("{channel}:{count}")).collect();
        body = body.replacen(r#""data":{"#, &format!(r#""data":{{"channel_exceed_quota":{},"#, quoted(&said.join(" "))), 1);
    }
    Ok(respond(dials, fate, behaviour, Reply::json(200, body)))
}

/// Steps 8 and 9. Returns how many targets the day still takes, and the moment of admission, under which the ledger keeps
/// the request: windows read from the ledger are those that were judged. With `whole` it is all or nothing.
fn admit(twin: &Twin, dials: &Dials, account: &XiaomiAccount, count: u64, whole: bool) -> Result<(u64, i64), check::Complaint> {
    let pace = if dials.pace_per_second > 0 { dials.pace_per_second } else { account.requests_per_second };
    let quota = quota_of(dials, account);
    let mut inner = twin.xiaomi.inner();
    let (now, millis) = (twin.clock.micros(), twin.clock.millis());
    if pace == 0 && quota == 0 {
        return Ok((count, now));
    }
    let usage = inner.usage.entry(account.package_name.clone()).or_default();
    if pace > 0 && !usage.window.admit(now, pace) {
        return Err((200002, format!("app qps exceeded, limit {pace}")));
    }
    if quota == 0 {
        return Ok((count, now));
    }
    let left = usage.day.left(millis, quota);
    if whole && count > left {
        return Err((200001, format!("app daily quota exceeded, quota {quota}, acked {}", quota - left)));
    }
    let room = count.min(left);
    usage.day.spend(millis, room);
    Ok((room, now))
}

fn quota_of(dials: &Dials, account: &XiaomiAccount) -> u64 {
    if dials.daily_quota > 0 { dials.daily_quota } else { account.daily_quota }
}

/// One target of a request.
struct Target<'a> {
    text: Cow<'a, str>,
    hash: u64,
    bad: bool,
}

const FAULT_SALT: u64 = 0x7265_6769;

impl<'a> Target<'a> {
    fn new(twin: &Twin, dials: &Dials, text: Cow<'a, str>) -> Target<'a> {
        let hash = token_hash(&text);
        let bad = text.trim().is_empty()
            || (dials.magic && text.starts_with("bad-"))
            || twin.belongs(dials.token_fault_share, hash, FAULT_SALT)
            || twin.chance.hits(dials.partial_share);
        Target { text, hash, bad }
    }

    fn verdict(&self, unheard: bool) -> Verdict {
        match (self.bad, unheard) {
            (true, _) => Verdict::BadToken,
            (false, true) => Verdict::AcceptedUnheard,
            (false, false) => Verdict::Accepted,
        }
    }
}

/// What magic tokens make of the whole request.
struct Behaviour {
    delay: Duration,
    end: End,
}

impl Behaviour {
    fn of<'a>(seen: impl IntoIterator<Item = &'a Target<'a>>, dials: &Dials) -> Behaviour {
        let mut behaviour = Behaviour { delay: Duration::ZERO, end: End::Answer };
        if dials.magic {
            for target in seen {
                match target.text.as_bytes() {
                    [b's', ..] if target.text.starts_with("slow-") => behaviour.delay = Duration::from_millis(u64::from(dials.slow_ms)),
                    [b'h', ..] if target.text.starts_with("hang-") => behaviour.end = End::Hang,
                    [b'c', ..] if target.text.starts_with("cut-") => behaviour.end = End::Cut,
                    _ => {}
                }
            }
        }
        behaviour
    }
}

fn respond(dials: &Dials, fate: Fate, behaviour: Behaviour, reply: Reply) -> Reply {
    let mut reply = match fate {
        Fate::Garbage => Reply::garbage(200, dials.garbage, Vendor::Xiaomi),
        _ => reply,
    };
    reply.delay = behaviour.delay;
    reply.end = if fate == Fate::Cut { End::Cut } else { behaviour.end };
    reply
}

fn accepted(twin: &Twin, dials: &Dials, account: &XiaomiAccount, id: &str, good: usize, bad: &[&str]) -> String {
    let mut data = format!(r#""id":"{id}""#);
    if !bad.is_empty() {
        data.push_str(&format!(r#","bad_regids":{}"#, quoted(&bad.join(","))));
    }
    let quota = quota_of(dials, account);
    if quota > 0 {
        let left = twin.xiaomi.inner().usage.entry(account.package_name.clone()).or_default().day.left(twin.clock.millis(), quota);
        data.push_str(&format!(r#","day_quota":"{quota}","day_acked":"{}""#, quota - left));
    }
    let trace = trace_id(twin, 'd');
    format!(
        r#"{{"result":"ok","trace_id":"{trace}","code":0,"description":"成功","info":"Received push messages for {good} regid","data":{{{data}}}}}"#
    )
}

fn refuse(twin: &Twin, code: i64, reason: &str) -> Reply {
    match code {
        // A quota or a pace that the dial `error` pretends is none of ours.
        200001 | 200002 if reason.starts_with("app ") => twin.ledger.refuse_over_limit(Vendor::Xiaomi, &code.to_string(), code == 200001),
        _ => twin.ledger.refuse(Vendor::Xiaomi, &code.to_string()),
    }
    refusal(twin, code, reason)
}

fn refusal(twin: &Twin, code: i64, reason: &str) -> Reply {
    let trace = trace_id(twin, 'c');
    let reason = quoted(reason);
    Reply::json(200, format!(r#"{{"result":"error","reason":{reason},"trace_id":"{trace}","code":{code},"description":"发送消息失败"}}"#))
}

fn trace_id(twin: &Twin, kind: char) -> String {
    format!("X{kind}m{:08x}{:013}Zz", twin.chance.next() & 0xffff_ffff, twin.clock.millis())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
