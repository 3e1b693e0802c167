//! Receipts: Xiaomi's callbacks and the reports of the phones, each at its time, batched like the real ones.
//!
//! Whether a device message arrives and is clicked is decided by its token and key, so a repeat with the same key
//! (which a phone shows once) gives the same receipts again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use types::Millis;
use types::vendor::Vendor;

use crate::accounts::Phones;
use crate::dials::Receipts;
use crate::kit::{Again, Errand, Event, Kind, Post};
use crate::ledger::token_hash;
use crate::twin::Twin;
use crate::xiaomi::KNOWN_TYPES;

/// One accepted Xiaomi request, as far as its receipts need it.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) callback: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) jobkey: String,
    pub(crate) types: u32,
}

/// One APNs push that a phone reports about.
pub(crate) struct Report<'a> {
    pub(crate) phones: &'a Phones,
    pub(crate) message: &'a str,
    pub(crate) token: &'a str,
    pub(crate) hash: u64,
    pub(crate) key: &'a str,
}

/// How many receipts were posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Posted {
    /// POSTs answered with 2xx.
    pub requests: u64,
    /// POSTs that failed or were answered otherwise.
    pub failed: u64,
    /// Targets or events inside the successful ones.
    pub receipts: u64,
    /// Receipts that are not due yet.
    pub waiting: u64,
}

/// What lies in the letter box until its time.
#[derive(Default)]
pub(crate) struct Mail {
    queue: Mutex<BinaryHeap<Reverse<Letter>>>,
    order: AtomicU64,
    requests: AtomicU64,
    failed: AtomicU64,
    receipts: AtomicU64,
}

struct Letter {
    due: Millis,
    order: u64,
    work: Work,
}

pub(crate) enum Work {
    /// Targets of one request of a vendor of the kit, with what is settled about them.
    Errand(Arc<Errand>, Receipts, Vec<(Box<str>, Option<Kind>)>),
    Events(Vec<Event>),
    Post(Post),
    /// Targets of one Xiaomi request, joined by line feeds.
    Arrive(Arc<Sent>, Receipts, String),
    /// An entry of a callback: (url, message id, content, how many targets).
    Entry(Arc<Sent>, Value, u64),
    Phone(Phones, PhoneEvent),
}

#[derive(Clone)]
pub(crate) struct PhoneEvent {
    vendor: Vendor,
    message: String,
    token: String,
    event: &'static str,
    at: Millis,
    tries: u32,
}

impl PartialEq for Letter {
    fn eq(&self, other: &Letter) -> bool {
        (self.due, self.order) == (other.due, other.order)
    }
}
impl Eq for Letter {}
impl PartialOrd for Letter {
    fn partial_cmp(&self, other: &Letter) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Letter {
    fn cmp(&self, other: &Letter) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

const TYPE_DELIVERED: u32 = 1;
const TYPE_CLICKED: u32 = 2;
const TYPE_INVALID: u32 = 16;
const TYPE_DISABLED: u32 = 32;
const TYPE_FILTERED: u32 = 64;
const TYPE_OVER_LIMIT: u32 = 128;
/// Targets in one POST of Xiaomi, and events in one POST of the phones.
const CALLBACK_TARGETS: u64 = 5_000;
const REPORT_EVENTS: usize = 500;
/// A phone that cannot reach its server tries again this often, a second apart.
const PHONE_TRIES: u32 = 30;

pub(crate) const DELIVERED_SALT: u64 = 1;
pub(crate) const CLICKED_SALT: u64 = 2;
pub(crate) const SWITCH_SALT: u64 = 3;
pub(crate) const AGAIN_SALT: u64 = 4;

impl Mail {
    fn queue(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Letter>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, due: Millis, work: Work) {
        let order = self.order.fetch_add(1, Ordering::Relaxed);
        self.queue().push(Reverse(Letter { due, order, work }));
    }

    fn due(&self, now: Millis) -> Vec<Work> {
        let mut queue = self.queue();
        let mut works = Vec::new();
        while queue.peek().is_some_and(|Reverse(letter)| letter.due <= now) {
            works.extend(queue.pop().map(|Reverse(letter)| letter.work));
        }
        works
    }

    pub(crate) fn reset(&self) {
        self.queue().clear();
    }

    pub(crate) fn posted(&self) -> Posted {
        let size = |work: &Work| match work {
            Work::Arrive(_, _, targets) => targets.lines().count() as u64,
            Work::Entry(_, _, count) => *count,
            Work::Errand(_, _, targets) => targets.len() as u64,
            Work::Events(events) => events.len() as u64,
            Work::Post(post) => post.count,
            Work::Phone(..) => 1,
        };
        let waiting = self.queue().iter().map(|Reverse(letter)| size(&letter.work)).sum();
        Posted {
            waiting,
            requests: self.requests.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            receipts: self.receipts.load(Ordering::Relaxed),
        }
    }
}

impl Twin {
    pub(crate) fn when(&self, receipts: &Receipts) -> Millis {
        self.clock.millis() + i64::from(receipts.delay_ms) + self.chance.up_to(u64::from(receipts.jitter_ms)).cast_signed()
    }

    /// Xiaomi accepted these targets: receipts follow when the message asked for them.
    pub(crate) fn arrive<'a>(&self, receipts: &Receipts, sent: &Arc<Sent>, targets: impl Iterator<Item = &'a str>) {
        // Undefined bits silence everything (xiaomi.md, 2).
        let wanted = sent.callback.is_some() && sent.types & !KNOWN_TYPES == 0 && sent.types & KNOWN_TYPES != 0;
        if !wanted || receipts.never {
            return;
        }
        let mut joined = String::new();
        for target in targets {
            joined.push_str(target);
            joined.push('\n');
        }
        self.mail.put(self.when(receipts), Work::Arrive(Arc::clone(sent), receipts.clone(), joined));
    }

    /// APNs took a push for a phone whose app reports.
    pub(crate) fn report(&self, receipts: &Receipts, push: Report<'_>) {
        let salt = token_hash(push.key) ^ token_hash(push.message);
        if receipts.never || !self.belongs(receipts.delivered_share, push.hash, DELIVERED_SALT ^ salt) {
            return;
        }
        let at = self.when(receipts);
        let clicked_at = at + i64::from(receipts.click_delay_ms);
        let off = self.belongs(receipts.switch_off_share, push.hash, SWITCH_SALT);
        // With notifications off for the app the extension does not run (apns.md, 6).
        if off {
            return;
        }
        let clicked = self.belongs(receipts.clicked_share, push.hash, CLICKED_SALT ^ salt);
        let again = self.belongs(receipts.duplicate_share, push.hash, AGAIN_SALT ^ salt);
        let (arrival_posted, click_posted) = if receipts.out_of_order && clicked { (clicked_at + 1, at) } else { (at, clicked_at) };
        let event = |event, at| PhoneEvent::new(Vendor::Apns, push.message, push.token, event, at);
        let put = |posted: Millis, event: PhoneEvent| {
            if again {
                self.mail.put(posted + 1_000, Work::Phone(push.phones.clone(), event.clone()));
            }
            self.mail.put(posted, Work::Phone(push.phones.clone(), event));
        };
        put(arrival_posted, event("received", at));
        if clicked {
            put(click_posted, event("clicked", clicked_at));
        }
    }

    /// A receipt by hand: `content` as in the manual, without `param` and `jobkey`, which the message knows.
    pub(crate) fn receipt_by_hand(&self, sent: &Arc<Sent>, mut content: Map<String, Value>) {
        if let Some(param) = &sent.param {
            content.entry("param").or_insert_with(|| json!(param));
        }
        if !sent.jobkey.is_empty() {
            content.entry("jobkey").or_insert_with(|| json!(sent.jobkey));
        }
        content.entry("timestamp").or_insert_with(|| json!(self.clock.millis()));
        let count = content.get("targets").and_then(Value::as_str).map_or(0, |t| t.split(',').count());
        self.mail.put(self.clock.millis(), Work::Entry(Arc::clone(sent), Value::Object(content), count as u64));
    }

    /// Decides about each target of a request, and lays the entries out for posting.
    fn sort(&self, sent: &Arc<Sent>, receipts: &Receipts, targets: &str) {
        let salt = token_hash(&sent.jobkey);
        let magic = self.dials(Vendor::Xiaomi).magic;
        let mut groups: BTreeMap<(u32, &str), Vec<&str>> = BTreeMap::new();
        let mut moved = Map::new();
        let mut again: BTreeMap<(u32, &str), Vec<&str>> = BTreeMap::new();
        for target in targets.lines() {
            let hash = token_hash(target);
            let special = if magic { target.split_once('-').map_or("", |(head, _)| head) } else { "" };
            let mut put = |kind: u32, bar: &'static str| {
                groups.entry((kind, bar)).or_default().push(target);
                if special == "dup" || self.belongs(receipts.duplicate_share, hash, AGAIN_SALT ^ salt) {
                    again.entry((kind, bar)).or_default().push(target);
                }
            };
            match special {
                "nodeliver" => continue,
                "gone" => put(TYPE_INVALID, ""),
                "disabled" => put(TYPE_DISABLED, ""),
                "filtered" => put(TYPE_FILTERED, ""),
                "quota" => put(TYPE_OVER_LIMIT, ""),
                _ => {
                    let certain = matches!(special, "dup" | "click" | "off" | "moved" | "deliver");
                    if !certain && !self.belongs(receipts.delivered_share, hash, DELIVERED_SALT ^ salt) {
                        continue;
                    }
                    if special == "moved" {
                        moved.insert(target.to_owned(), json!(target.replacen("moved-", "fresh-", 1)));
                    }
                    let off = special == "off" || self.belongs(receipts.switch_off_share, hash, SWITCH_SALT);
                    put(TYPE_DELIVERED, if off { "Disable" } else { "Enable" });
                    let clicks = special == "click" || self.belongs(receipts.clicked_share, hash, CLICKED_SALT ^ salt);
                    if clicks && !off {
                        put(TYPE_CLICKED, "Enable");
                    }
                }
            }
        }
        let now = self.clock.millis();
        let click_delay = i64::from(receipts.click_delay_ms);
        for (late, groups) in [(0, groups), (1_000, again)] {
            for ((kind, bar), targets) in groups {
                if sent.types & kind == 0 {
                    continue;
                }
                let is_click = kind == TYPE_CLICKED;
                let wait = if is_click != receipts.out_of_order && (is_click || kind == TYPE_DELIVERED) { click_delay.max(1) } else { 0 };
                let happened = if is_click { now + click_delay } else { now };
                let mut entry = Map::new();
                if let Some(param) = &sent.param {
                    entry.insert("param".into(), json!(param));
                }
                entry.insert("type".into(), json!(kind));
                entry.insert("targets".into(), json!(targets.join(",")));
                if !sent.jobkey.is_empty() {
                    entry.insert("jobkey".into(), json!(sent.jobkey));
                }
                if !bar.is_empty() {
                    entry.insert("barStatus".into(), json!(bar));
                }
                if kind == TYPE_INVALID {
                    entry.insert("errorCode".into(), json!(1));
                }
                if kind == TYPE_OVER_LIMIT {
                    entry.insert("extra".into(), json!({"ack": "10000", "quota": "10000"}));
                }
                if kind == TYPE_DELIVERED && !moved.is_empty() {
                    entry.insert("replaceTarget".into(), Value::Object(moved.clone()));
                }
                entry.insert("timestamp".into(), json!(happened));
                self.mail.put(now + wait + late, Work::Entry(Arc::clone(sent), Value::Object(entry), targets.len() as u64));
            }
        }
    }
}

/// Empties the letter box every `tick` until `stop`.
pub(crate) async fn postman(twin: Arc<Twin>, client: reqwest::Client, tick: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        twin.ledger.flush();
        let round = async {
            let mut works = twin.mail.due(twin.clock.millis());
            // Arrivals become entries; those already due go out in the same round.
            for work in &works {
                match work {
                    Work::Arrive(sent, receipts, targets) => twin.sort(sent, receipts, targets),
                    Work::Errand(errand, receipts, targets) => twin.settle(errand, receipts, targets),
                    _ => {}
                }
            }
            works.extend(twin.mail.due(twin.clock.millis()));
            deliver(&twin, &client, works).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = round => {}
        }
    }
}

async fn deliver(twin: &Arc<Twin>, client: &reqwest::Client, works: Vec<Work>) {
    // One object per POST is keyed by message id, so two entries of one message need two POSTs.
    /// One `data` object, and how many targets are in it.
    type Post = (Map<String, Value>, u64);
    let mut callbacks: BTreeMap<String, Vec<Post>> = BTreeMap::new();
    let mut reports: BTreeMap<(String, String), Vec<PhoneEvent>> = BTreeMap::new();
    let (mut events, mut posts) = (Vec::new(), Vec::new());
    for work in works {
        match work {
            Work::Arrive(..) | Work::Errand(..) => {}
            Work::Events(mut due) => events.append(&mut due),
            Work::Post(post) => posts.push(post),
            Work::Entry(sent, entry, count) => {
                let Some(url) = &sent.callback else { continue };
                let posts = callbacks.entry(url.clone()).or_default();
                let place = posts.iter().position(|(post, total)| !post.contains_key(&sent.id) && total + count <= CALLBACK_TARGETS);
                let place = place.unwrap_or_else(|| {
                    posts.push((Map::new(), 0));
                    posts.len() - 1
                });
                posts[place].0.insert(sent.id.clone(), entry);
                posts[place].1 += count;
            }
            Work::Phone(phones, event) => reports.entry((phones.url, phones.client_key)).or_default().push(event),
        }
    }
    for (url, posts) in callbacks {
        for (data, count) in posts {
            let sent = client.post(&url).form(&[("data", Value::Object(data).to_string())]).send().await;
            note(twin, &url, sent, count);
        }
    }
    posts.extend(twin.written(events));
    for post in posts {
        send(twin, client, post).await;
    }
    for ((url, client_key), events) in reports {
        for part in events.chunks(REPORT_EVENTS) {
            let rows: Vec<Value> = part.iter().map(PhoneEvent::row).collect();
            let sent = client.post(&url).header("x-client-key", &client_key).json(&json!({ "reports": rows })).send().await;
            if note(twin, &url, sent, part.len() as u64) {
                continue;
            }
            for event in part.iter().filter(|e| e.tries < PHONE_TRIES) {
                let phones = Phones { url: url.clone(), client_key: client_key.clone() };
                twin.mail.put(twin.clock.millis() + 1_000, Work::Phone(phones, PhoneEvent { tries: event.tries + 1, ..event.clone() }));
            }
        }
    }
}

/// Posts one letter of a vendor of the kit; it is posted again where the manual says so.
async fn send(twin: &Twin, client: &reqwest::Client, post: Post) {
    let mut request = client.post(&post.url).header("content-type", post.content_type).body(post.body.clone());
    for (name, value) in &post.headers {
        request = request.header(*name, value);
    }
    let (reached, heard) = match request.send().await {
        Err(e) => {
            tracing::debug!(url = post.url, error = %e, "a receipt of the simulator could not be posted");
            (false, false)
        }
        Ok(response) => {
            let good = response.status() == 200;
            let body = response.bytes().await.unwrap_or_default();
            let said = serde_json::from_slice::<Value>(&body).unwrap_or_default();
            (true, good && post.wants.is_none_or(|code| said["code"] == code))
        }
    };
    if heard {
        twin.mail.requests.fetch_add(1, Ordering::Relaxed);
        twin.mail.receipts.fetch_add(post.count, Ordering::Relaxed);
        return;
    }
    twin.mail.failed.fetch_add(1, Ordering::Relaxed);
    let again = match post.again {
        Again::Unreached { left, after_ms } if left > 0 && !reached => Some((Again::Unreached { left: left - 1, after_ms }, after_ms)),
        Again::Refused { left, after_ms } if left > 0 => Some((Again::Refused { left: left - 1, after_ms }, after_ms)),
        _ => None,
    };
    if let Some((again, after_ms)) = again {
        twin.mail.put(twin.clock.millis() + i64::from(after_ms), Work::Post(Post { again, ..post }));
    }
}

fn note(twin: &Twin, url: &str, sent: reqwest::Result<reqwest::Response>, count: u64) -> bool {
    let heard = match sent {
        Ok(response) if response.status().is_success() => true,
        Ok(response) => {
            tracing::debug!(url, status = %response.status(), "a receipt of the simulator was refused");
            false
        }
        Err(e) => {
            tracing::debug!(url, error = %e, "a receipt of the simulator could not be posted");
            false
        }
    };
    if heard {
        twin.mail.requests.fetch_add(1, Ordering::Relaxed);
        twin.mail.receipts.fetch_add(count, Ordering::Relaxed);
    } else {
        twin.mail.failed.fetch_add(1, Ordering::Relaxed);
    }
    heard
}

impl PhoneEvent {
    pub(crate) fn new(vendor: Vendor, message: &str, token: &str, event: &'static str, at: Millis) -> PhoneEvent {
        PhoneEvent { vendor, message: message.to_owned(), token: token.to_owned(), event, at, tries: 0 }
    }

    fn row(&self) -> Value {
        json!({"message": self.message, "token": self.token, "vendor": self.vendor.slug(), "event": self.event, "at": rfc3339(self.at)})
    }
}

/// RFC 3339 in UTC with milliseconds (days to civil date after Howard Hinnant).
fn rfc3339(millis: Millis) -> String {
    let (days, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (seconds, ms) = (of_day / 1_000, of_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(rfc3339(1_795_257_063_000), "2026-11-21T10:31:03.000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
    }
}
