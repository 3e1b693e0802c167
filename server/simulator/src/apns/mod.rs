//! APNs, as `vendors/apns.md` describes it: HTTP/2, a token a request, checks in the order of the manual.

mod jwt;
mod payload;
mod reason;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use types::vendor::{Environment, Vendor};

pub(crate) use self::reason::Reason;
use crate::accounts::{Key, Phones};
use crate::dials::{Dials, Outage};
use crate::ledger::{Verdict, token_hash};
use crate::meters::Window;
use crate::receipts::Report;
use crate::twin::{End, Fate, Head, Line, Reply, Twin};

pub(crate) const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
pub(crate) const APNS_UNIQUE_ID: HeaderName = HeaderName::from_static("apns-unique-id");
const TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");
const PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
const PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
const SINGLE: [HeaderName; 7] = [APNS_ID, TOPIC, COLLAPSE_ID, PRIORITY, PUSH_TYPE, EXPIRATION, http::header::AUTHORIZATION];

/// Push types and the topic suffix that goes with each.
const PUSH_TYPES: [(&str, &str); 11] = [
    ("alert", ""),
    ("background", ""),
    ("location", ".location-query"),
    ("voip", ".voip"),
    ("complication", ".complication"),
    ("fileprovider", ".pushkit.fileprovider"),
    ("mdm", ""),
    ("liveactivity", ".push-type.liveactivity"),
    ("pushtotalk", ".voip-ptt"),
    ("widgets", ".push-type.widgets"),
    ("controls", ".push-type.controls"),
];
const PAYLOAD_MOST: usize = 4_096;
const VOIP_MOST: usize = 5_120;
const COLLAPSE_MOST: usize = 64;
const TOKEN_LIFE_SECONDS: i64 = 3_600;
const STORED_MOST_SECONDS: i64 = 30 * 86_400;

/// Which of Apple's two hosts the path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// No host named: the environment of the key decides.
    Either,
    Production,
    Sandbox,
}

/// What a connection remembers: one team, the first key, the last good token.
#[derive(Default)]
pub(crate) struct Session {
    first: Option<Arc<Key>>,
    last: Option<(HeaderValue, Arc<Good>)>,
}

impl Session {
    /// Whether a valid token was seen, which raises the stream limit.
    pub(crate) fn trusted(&self) -> bool {
        self.first.is_some()
    }
}

/// A token whose signature was checked.
struct Good {
    key: Arc<Key>,
    issued: i64,
    generation: u64,
}

/// Shared over connections.
#[derive(Default)]
pub(crate) struct Memory {
    inner: Mutex<Inner>,
    /// Moves when an account changes: tokens verified before are verified anew.
    generation: AtomicU64,
}

#[derive(Default)]
struct Inner {
    /// Verified tokens by their whole header value.
    good: HashMap<Vec<u8>, Arc<Good>>,
    /// (team, key) to its newest token and when (seconds) that was first shown.
    newest: HashMap<(String, String), (Vec<u8>, i64)>,
    window: Window,
    day: crate::meters::Day,
}

impl Memory {
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn forget_tokens(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.inner().good.clear();
    }

    pub(crate) fn reset(&self) {
        let mut inner = self.inner();
        inner.newest.clear();
        inner.window = Window::default();
        inner.day = crate::meters::Day::default();
    }
}

/// The wanted part of a request after steps 1 to 6.
struct Headers<'a> {
    topic: &'a str,
    push_type: Option<&'a str>,
    collapse: &'a str,
}

#[expect(clippy::too_many_arguments, reason = "one request in its parts")]
pub(crate) fn answer(
    twin: &Twin,
    dials: &Dials,
    line: &mut Line,
    host: Host,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Reply {
    let given = headers.get(&APNS_ID);
    let fresh = || uuid::Builder::from_random_bytes(random(twin)).into_uuid().hyphenated().encode_upper(&mut [0; 36]).to_owned();
    let id = match given {
        Some(value) if canonical_uuid(value.as_bytes()) => value.clone(),
        _ => HeaderValue::from_str(&fresh()).unwrap_or_else(|_| HeaderValue::from_static("")),
    };
    let refuse = |reason: Reason, timestamp: Option<i64>| {
        let body = match timestamp {
            Some(at) => format!(r#"{{"reason":"{}","timestamp":{at}}}"#, reason.name()),
            None => format!(r#"{{"reason":"{}"}}"#, reason.name()),
        };
        Reply { head: Head::Apns { id: id.clone(), unique: None }, ..Reply::json(reason.status(), body) }
    };
    let whole = |reason: Reason| {
        twin.ledger.refuse(Vendor::Apns, reason.name());
        refuse(reason, None)
    };
    if dials.outage == Outage::Error {
        return whole(Reason::ServiceUnavailable);
    }
    if let Some(refused) = twin.http_error(dials, Vendor::Apns) {
        return refused;
    }
    let fate = twin.fate(dials);
    if fate == Fate::Error {
        let reason = Reason::parse(&dials.error).unwrap_or(Reason::InternalServerError);
        twin.ledger.refuse(Vendor::Apns, reason.name());
        return refuse(reason, timestamp_of(reason, twin));
    }
    let wanted = match check_headers(method, headers, given, dials, twin.clock.seconds()) {
        Ok(wanted) => wanted,
        Err(reason) => return whole(reason),
    };
    let token = match path.strip_prefix("/3/device").map(|rest| rest.strip_prefix('/').unwrap_or(rest)) {
        None => return whole(Reason::BadPath),
        Some("") => return whole(Reason::MissingDeviceToken),
        Some(token) => token,
    };
    let hash = token_hash(token);
    let trace = trace_of(id.as_bytes());
    let note = |title: &str, text: &str, answer: &str, verdict: Verdict| {
        let names = twin.ledger.name(wanted.collapse, title, text);
        twin.ledger.write(Vendor::Apns, twin.clock.micros(), names, trace, answer, std::iter::once((hash, verdict)));
    };
    if !proper_token(token, dials) {
        note("", "", Reason::BadDeviceToken.name(), Verdict::BadToken);
        return refuse(Reason::BadDeviceToken, None);
    }
    let magic = if dials.magic { Magic::of(token) } else { None };
    let fault = match magic {
        Some(Magic::Refuse(reason)) => Some((reason, timestamp_of(reason, twin))),
        Some(Magic::LongGone) => Some((Reason::Unregistered, Some(1_000_000_000_000))),
        _ if twin.belongs(dials.token_fault_share, hash, FAULT_SALT) => {
            Reason::parse(&dials.token_fault).map(|reason| (reason, timestamp_of(reason, twin)))
        }
        _ => None,
    };
    if let Some((reason, at)) = fault {
        note("", "", reason.name(), if reason.about_token() { Verdict::BadToken } else { Verdict::Refused });
        return refuse(reason, at);
    }
    let key = match check_token(twin, dials, &mut line.apns, host, headers, wanted.topic) {
        Ok(key) => key,
        Err(reason) => return whole(reason),
    };
    if body.is_empty() {
        return whole(Reason::PayloadEmpty);
    }
    let most = if wanted.push_type == Some("voip") { VOIP_MOST } else { PAYLOAD_MOST };
    if body.len() > most {
        return whole(Reason::PayloadTooLarge);
    }
    let Ok(payload) = serde_json::from_slice::<payload::Payload>(body) else { return whole(Reason::PayloadEmpty) };
    if !payload.agrees_with(wanted.push_type) {
        return whole(Reason::InvalidPushType);
    }
    if dials.pace_per_second > 0 || dials.daily_quota > 0 {
        let now = twin.clock.micros();
        let mut inner = twin.apns.inner();
        let open = (dials.daily_quota == 0 || inner.day.left(twin.clock.millis(), dials.daily_quota) > 0)
            && (dials.pace_per_second == 0 || inner.window.admit(now, dials.pace_per_second));
        if !open {
            drop(inner);
            twin.ledger.refuse_over_limit(Vendor::Apns, "pace", false);
            return refuse(Reason::TooManyRequests, None).later(dials.retry_after_s);
        }
        inner.day.spend(twin.clock.millis(), 1);
    }

    let unheard = matches!(fate, Fate::Cut | Fate::Garbage) || matches!(magic, Some(Magic::Hang | Magic::Cut));
    let alert = payload.aps.alert.as_ref();
    let (title, text) = alert.map_or(("", ""), |a| (a.title.as_str(), a.body.as_str()));
    note(title, text, "200", if unheard { Verdict::AcceptedUnheard } else { Verdict::Accepted });
    if magic != Some(Magic::Silent) {
        arrive(twin, dials, &key, &wanted, token, hash, &payload);
    }
    let unique = (key.environment == Environment::Sandbox).then(|| HeaderValue::from_str(&fresh()).ok()).flatten();
    let mut reply = Reply { head: Head::Apns { id: id.clone(), unique }, ..Reply::bare(200) };
    match magic {
        Some(Magic::Slow) => reply.delay = Duration::from_millis(u64::from(dials.slow_ms)),
        Some(Magic::Hang) => reply.end = End::Hang,
        Some(Magic::Cut) => reply.end = End::Cut,
        _ => {}
    }
    match fate {
        Fate::Cut => reply.end = End::Cut,
        Fate::Garbage => reply = Reply::garbage(502, dials.garbage, Vendor::Apns),
        Fate::Plain | Fate::Error => {}
    }
    reply
}

const FAULT_SALT: u64 = 0x7a75_6c74;

/// Steps 1 to 6 of the manual's order.
fn check_headers<'a>(
    method: &Method,
    headers: &'a HeaderMap,
    id: Option<&HeaderValue>,
    dials: &Dials,
    now: i64,
) -> Result<Headers<'a>, Reason> {
    let text = |name: &HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("\u{0}"));
    if id.is_some_and(|id| !canonical_uuid(id.as_bytes())) {
        return Err(Reason::BadMessageId);
    }
    if method != Method::POST {
        return Err(Reason::MethodNotAllowed);
    }
    let topic = text(&TOPIC).filter(|t| !t.is_empty()).ok_or(Reason::MissingTopic)?;
    if !topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        return Err(Reason::BadTopic);
    }
    let collapse = text(&COLLAPSE_ID).unwrap_or_default();
    if collapse.len() > COLLAPSE_MOST {
        return Err(Reason::BadCollapseId);
    }
    let priority = text(&PRIORITY).unwrap_or("10");
    if !["10", "5", "1"].contains(&priority) {
        return Err(Reason::BadPriority);
    }
    let push_type = text(&PUSH_TYPE);
    let known = match push_type {
        None => dials.apple_compat,
        Some(name) => PUSH_TYPES.iter().any(|(known, suffix)| *known == name && topic.ends_with(suffix)),
    };
    if !known {
        return Err(Reason::InvalidPushType);
    }
    if push_type == Some("background") && priority != "5" {
        return Err(Reason::BadPriority);
    }
    if let Some(expiration) = text(&EXPIRATION) {
        let seconds: i64 = expiration.parse().map_err(|_| Reason::BadExpirationDate)?;
        // Beyond the storage cap Apple stores for 30 days; milliseconds instead of seconds are a mistake worth a refusal.
        if seconds < 0 || seconds > (now + STORED_MOST_SECONDS).saturating_mul(10) {
            return Err(Reason::BadExpirationDate);
        }
    }
    if SINGLE.iter().any(|name| headers.get_all(name).iter().nth(1).is_some()) {
        return Err(Reason::DuplicateHeaders);
    }
    Ok(Headers { topic, push_type, collapse })
}

/// Step 9: the provider token.
fn check_token(
    twin: &Twin,
    dials: &Dials,
    session: &mut Session,
    host: Host,
    headers: &HeaderMap,
    topic: &str,
) -> Result<Arc<Key>, Reason> {
    let value = headers.get(http::header::AUTHORIZATION).ok_or(Reason::MissingProviderToken)?;
    let now = twin.clock.seconds();
    let good = match &session.last {
        Some((seen, good)) if seen == value && good.generation == twin.apns.generation() => Arc::clone(good),
        _ => verify(twin, dials, session, value, now)?,
    };
    if now - good.issued > TOKEN_LIFE_SECONDS {
        return Err(Reason::ExpiredProviderToken);
    }
    let elsewhere = match host {
        Host::Either => false,
        Host::Production => good.key.environment != Environment::Production,
        Host::Sandbox => good.key.environment != Environment::Sandbox,
    };
    if elsewhere {
        return Err(Reason::BadEnvironmentKeyInToken);
    }
    if bundle_of(&good.key, topic).is_none() {
        return Err(Reason::TopicDisallowed);
    }
    let key = Arc::clone(&good.key);
    session.last = Some((value.clone(), good));
    session.first.get_or_insert_with(|| Arc::clone(&key));
    Ok(key)
}

fn verify(twin: &Twin, dials: &Dials, session: &Session, value: &HeaderValue, now: i64) -> Result<Arc<Good>, Reason> {
    let invalid = Reason::InvalidProviderToken;
    let bytes = value.as_bytes();
    let known = twin.apns.inner().good.get(bytes).cloned();
    let good = match known {
        Some(good) => good,
        None => {
            let text = value.to_str().map_err(|_| invalid)?;
            let (scheme, token) = text.split_once(' ').ok_or(Reason::MissingProviderToken)?;
            if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
                return Err(Reason::MissingProviderToken);
            }
            let jwt = jwt::read(token, dials.apple_compat).ok_or(invalid)?;
            let accounts = twin.accounts();
            let key = accounts.keys.iter().find(|k| k.key_id == jwt.kid && k.team_id == jwt.team).ok_or(invalid)?;
            if !jwt.verified_by(&key.point) {
                return Err(invalid);
            }
            let generation = twin.apns.generation();
            Arc::new(Good { key: Arc::new(key.clone()), issued: jwt.issued, generation })
        }
    };
    if let Some(first) = &session.first {
        if first.team_id != good.key.team_id {
            return Err(invalid);
        }
        if first.key_id != good.key.key_id {
            return Err(Reason::UnrelatedKeyIdInToken);
        }
    }
    // A second of tolerance: the two clocks are one machine's.
    if good.issued > now + 1 {
        return Err(invalid);
    }
    if now - good.issued > TOKEN_LIFE_SECONDS {
        return Err(Reason::ExpiredProviderToken);
    }
    let mut inner = twin.apns.inner();
    let whose = (good.key.team_id.clone(), good.key.key_id.clone());
    let is_newest = inner.newest.get(&whose).is_some_and(|(newest, _)| newest == bytes);
    let is_new = !is_newest && !inner.good.contains_key(bytes);
    if is_new
        && let Some((_, shown)) = inner.newest.get(&whose)
        && now - shown < i64::from(dials.resign_seconds)
    {
        return Err(Reason::TooManyProviderTokenUpdates);
    }
    if is_new {
        inner.newest.insert(whose, (bytes.to_vec(), now));
        inner.good.retain(|_, g| now - g.issued <= TOKEN_LIFE_SECONDS);
    }
    inner.good.insert(bytes.to_vec(), Arc::clone(&good));
    Ok(good)
}

/// The bundle of `key` that `topic` belongs to, with its phones.
fn bundle_of<'a>(key: &'a Key, topic: &str) -> Option<&'a (String, Option<Phones>)> {
    key.topics
        .iter()
        .find(|(bundle, _)| topic.strip_prefix(bundle.as_str()).is_some_and(|suffix| PUSH_TYPES.iter().any(|(_, known)| *known == suffix)))
}

/// The phone's side: the notification service extension reports the arrival, the app reports the opening.
fn arrive(twin: &Twin, dials: &Dials, key: &Key, wanted: &Headers<'_>, token: &str, hash: u64, payload: &payload::Payload) {
    let Some((_, Some(phones))) = bundle_of(key, wanted.topic) else { return };
    let Some(message) = payload.carillon.as_ref().and_then(|c| c.message.as_deref()) else { return };
    // The extension runs for alerts that may be changed, and not for silent pushes (apns.md, 6).
    let runs = wanted.push_type == Some("alert") && payload.aps.alert.is_some() && payload.aps.mutable_content == Some(1);
    if runs {
        twin.report(&dials.receipts, Report { phones, message, token, hash, key: wanted.collapse });
    }
}

fn proper_token(token: &str, dials: &Dials) -> bool {
    let hex = !token.is_empty() && token.len() <= 200 && token.bytes().all(|b| b.is_ascii_hexdigit());
    hex && (!dials.token_64_hex || token.len() == 64)
}

/// Tokens whose first four hex digits decide what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magic {
    Refuse(Reason),
    /// Unregistered, with a time long before any registration: nobody should be retired for it.
    LongGone,
    Slow,
    Hang,
    Cut,
    Silent,
}

impl Magic {
    fn of(token: &str) -> Option<Magic> {
        Some(match token.get(..4)?.to_ascii_lowercase().as_str() {
            "dead" => Magic::Refuse(Reason::Unregistered),
            "dea1" => Magic::LongGone,
            "dea2" => Magic::Refuse(Reason::ExpiredToken),
            "bad0" => Magic::Refuse(Reason::BadDeviceToken),
            "0bad" => Magic::Refuse(Reason::DeviceTokenNotForTopic),
            "b429" => Magic::Refuse(Reason::TooManyRequests),
            "b500" => Magic::Refuse(Reason::InternalServerError),
            "b503" => Magic::Refuse(Reason::ServiceUnavailable),
            "510e" => Magic::Slow,
            "dea7" => Magic::Hang,
            "c077" => Magic::Cut,
            "0ff0" => Magic::Silent,
            _ => return None,
        })
    }
}

/// 410 carries since when the token is known to be dead: an hour ago.
fn timestamp_of(reason: Reason, twin: &Twin) -> Option<i64> {
    (reason.status() == 410).then(|| twin.clock.millis() - 3_600_000)
}

fn canonical_uuid(text: &[u8]) -> bool {
    text.len() == 36 && text.iter().enumerate().all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// The first 64 bits of the UUID.
fn trace_of(id: &[u8]) -> u64 {
    id.iter().filter(|b| **b != b'-').take(16).fold(0, |sum, b| sum << 4 | u64::from((*b as char).to_digit(16).unwrap_or(0)))
}

fn random(twin: &Twin) -> [u8; 16] {
    (u128::from(twin.chance.next()) << 64 | u128::from(twin.chance.next())).to_le_bytes()
}
