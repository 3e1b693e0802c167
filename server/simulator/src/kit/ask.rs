//! One request as a vendor's desk sees it, and what the desk may do with it.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, header};
use serde_json::Value;
use types::Millis;
use types::vendor::Vendor;

use super::keyed::Keyed;
use super::letters::{Errand, Reached};
use super::limits::{Pass, Saved, Usage};
use super::magic::Magic;
use crate::accounts::Accounts;
use crate::dials::Dials;
use crate::ledger::{Taken, Verdict, token_hash};
use crate::meters::{MINUTE_MICROS, SECOND_MICROS, Window, day_of};
use crate::twin::{End, Fate, Reply, Twin};

/// A refusal of the whole request.
#[derive(Debug)]
pub(crate) struct No {
    pub(crate) code: Cow<'static, str>,
    pub(crate) text: Cow<'static, str>,
    /// What else this refusal carries (invalid users, field violations).
    pub(crate) extra: Value,
    pub(crate) limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    None,
    Pace,
    Quota,
}

impl No {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> No {
        No { code: code.into(), text: text.into(), extra: Value::Null, limit: Limit::None }
    }

    pub(crate) fn pace(code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> No {
        No { limit: Limit::Pace, ..No::new(code, text) }
    }

    pub(crate) fn quota(code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> No {
        No { limit: Limit::Quota, ..No::new(code, text) }
    }

    pub(crate) fn with(self, extra: Value) -> No {
        No { extra, ..self }
    }
}

/// Refuses unless `right`.
macro_rules! insist {
    ($right:expr, $no:expr) => {
        if !$right {
            return Err($no);
        }
    };
}
pub(crate) use insist;

/// Whose access token this is.
pub(crate) enum Holder {
    Unknown,
    Expired,
    Of(Arc<Keyed>),
}

/// What a phone would get.
#[derive(Clone, Copy, Default)]
pub(crate) struct Content<'a> {
    /// The id under which the phone (or the vendor) takes a repeat for the same thing.
    pub(crate) key: &'a str,
    pub(crate) title: &'a str,
    pub(crate) body: &'a str,
}

/// One target of a request.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) text: &'a str,
    pub(crate) hash: u64,
    pub(crate) magic: Magic,
    /// Not a good token: by its magic, by the dials, or because it is blank.
    pub(crate) bad: bool,
}

/// See the module.
pub(crate) struct Ask<'a> {
    pub(crate) twin: &'a Arc<Twin>,
    pub(crate) dials: &'a Dials,
    pub(crate) vendor: Vendor,
    pub(crate) parts: &'a Parts,
    /// Below the vendor's prefix.
    pub(crate) path: &'a str,
    pub(crate) body: &'a Bytes,
    pub(crate) accounts: Arc<Accounts>,
    fate: Fate,
    /// Something became of this request: the faults of answers concern it.
    taken: Cell<bool>,
    delay: Cell<Duration>,
    end: Cell<End>,
    /// Micros of admission: the window that was judged is the one the ledger shows.
    at: Cell<i64>,
    trace: Cell<u64>,
}

const FAULT_SALT: u64 = 0x6b65_7965;
const CONTENT_SECONDS: i64 = 86_400;
/// A word that no vendor lets through.
pub(crate) const SENSITIVE: &str = "敏感词";

impl<'a> Ask<'a> {
    pub(super) fn new(
        twin: &'a Arc<Twin>,
        dials: &'a Dials,
        vendor: Vendor,
        parts: &'a Parts,
        path: &'a str,
        body: &'a Bytes,
        fate: Fate,
    ) -> Ask<'a> {
        Ask {
            twin,
            dials,
            vendor,
            parts,
            path,
            body,
            accounts: twin.accounts(),
            fate,
            taken: Cell::new(false),
            delay: Cell::new(Duration::ZERO),
            end: Cell::new(End::Answer),
            at: Cell::new(twin.clock.micros()),
            trace: Cell::new(0),
        }
    }

    pub(crate) fn is_post(&self) -> bool {
        self.parts.method == Method::POST
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// The host that the caller named.
    pub(crate) fn host(&self) -> &str {
        self.parts.uri.authority().map_or_else(|| self.header("host"), |a| a.as_str())
    }

    pub(crate) fn bearer(&self) -> &str {
        self.header("authorization").strip_prefix("Bearer ").unwrap_or("")
    }

    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let fields: Vec<(String, String)> = serde_urlencoded::from_str(self.parts.uri.query()?).ok()?;
        fields.into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// The media type without its parameters.
    pub(crate) fn is_type(&self, wanted: &str) -> bool {
        let given = self.parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        given.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case(wanted))
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok().filter(Value::is_object)
    }

    pub(crate) fn now(&self) -> Millis {
        self.at.get() / 1_000
    }

    /// The account of this vendor that fits.
    pub(crate) fn account(&self, fits: impl Fn(&Keyed) -> bool) -> Option<&Arc<Keyed>> {
        self.accounts.keyed.iter().find(|k| k.account.vendor == self.vendor && fits(k))
    }

    /// Issues `token`. Returns how many seconds it lives.
    pub(crate) fn issue(&self, keyed: &Keyed, token: &str, life_seconds: u32) -> u32 {
        let life = if self.dials.pass_seconds > 0 { self.dials.pass_seconds } else { life_seconds };
        let pass = Pass { vendor: self.vendor, identity: keyed.identity.clone(), until: self.now() + i64::from(life) * 1_000 };
        self.twin.kit.inner().issue(token.to_owned(), pass);
        self.twin.ledger.refuse(self.vendor, "pass");
        life
    }

    /// Whether another token call of this account fits into the last `length` microseconds.
    pub(crate) fn pass_pace(&self, keyed: &Keyed, limit: u32, length: i64) -> bool {
        let now = self.at.get();
        self.used(keyed, |usage| usage.passes.admit_many(now, limit, 1, length))
    }

    pub(crate) fn revoke(&self, token: &str) {
        self.twin.kit.inner().revoke(token);
    }

    pub(crate) fn holder(&self, token: &str) -> Holder {
        let inner = self.twin.kit.inner();
        let Some(pass) = inner.pass(self.vendor, token) else { return Holder::Unknown };
        if pass.until <= self.now() {
            return Holder::Expired;
        }
        self.account(|k| k.identity == pass.identity).map_or(Holder::Unknown, |k| Holder::Of(Arc::clone(k)))
    }

    /// Something random in hexadecimal, `digits` long at most 32.
    pub(crate) fn random(&self, digits: usize) -> String {
        let mut text = format!("{:016x}{:016x}", self.twin.chance.next(), self.twin.chance.next());
        text.truncate(digits);
        text
    }

    pub(crate) fn used<T>(&self, keyed: &Keyed, with: impl FnOnce(&mut Usage) -> T) -> T {
        with(self.twin.kit.inner().usage(self.vendor, &keyed.identity))
    }

    /// Takes `weight` places in the running second (and minute) of the account.
    pub(crate) fn pace(&self, keyed: &Keyed, weight: usize) -> bool {
        self.paced(keyed, weight, |usage| (&mut usage.second, &mut usage.minute))
    }

    /// Takes a place in the second (and minute) of a call that the vendor does not count with sends.
    pub(crate) fn pace_beside(&self, keyed: &Keyed) -> bool {
        self.paced(keyed, 1, |usage| (&mut usage.second_beside, &mut usage.minute_beside))
    }

    fn paced(&self, keyed: &Keyed, weight: usize, windows: fn(&mut Usage) -> (&mut Window, &mut Window)) -> bool {
        let second = if self.dials.pace_per_second > 0 { self.dials.pace_per_second } else { keyed.account.per_second };
        let (minute, weight) = (keyed.account.per_minute, u32::try_from(weight).unwrap_or(u32::MAX));
        let mut inner = self.twin.kit.inner();
        // The clock is read under the lock, so that windows fill in the order of their times.
        let now = self.twin.clock.micros();
        self.at.set(now);
        let (of_second, of_minute) = windows(inner.usage(self.vendor, &keyed.identity));
        (second == 0 || of_second.admit_many(now, second, weight, SECOND_MICROS))
            && (minute == 0 || of_minute.admit_many(now, minute, weight, MINUTE_MICROS))
    }

    /// Whether this id is new within a day; it is not any more.
    pub(crate) fn is_new(&self, keyed: &Keyed, id: u64) -> bool {
        self.first(keyed, id, "").is_none()
    }

    /// What was answered under this id within a day; if nothing, `answer` is from now on.
    pub(crate) fn first(&self, keyed: &Keyed, id: u64, answer: &str) -> Option<Arc<str>> {
        let now = self.now();
        self.used(keyed, |usage| {
            let before = usage.before(id, now);
            if before.is_none() {
                usage.remember(id, now, Arc::from(answer));
            }
            before
        })
    }

    /// What was answered under this id within a day.
    pub(crate) fn known(&self, keyed: &Keyed, id: u64) -> Option<Arc<str>> {
        let now = self.now();
        self.used(keyed, |usage| usage.before(id, now))
    }

    /// Takes back what phones got. `answer`: how the request ended.
    pub(crate) fn withdraw(&self, what: Taken<'_>, answer: &str) {
        self.taken.set(true);
        self.twin.ledger.withdraw(self.vendor, self.at.get(), self.trace(), what);
        self.twin.ledger.refuse(self.vendor, answer);
    }

    /// Takes `count` from today's `quota` of `pot`, all or nothing; 0 = unlimited.
    pub(crate) fn spend(&self, keyed: &Keyed, pot: &'static str, quota: u64, count: usize) -> bool {
        let (now, count) = (self.now(), count as u64);
        self.used(keyed, |usage| {
            let day = usage.days.entry(pot).or_default();
            let fits = quota == 0 || count <= day.left(now, quota);
            if fits {
                day.spend(now, count);
            }
            fits
        })
    }

    /// Device messages a day: the dial, else the account.
    pub(crate) fn quota(&self, keyed: &Keyed) -> u64 {
        if self.dials.daily_quota > 0 { self.dials.daily_quota } else { keyed.account.daily_quota }
    }

    /// Counts a marketing message to a device; false when it has had `published` (or what the account says) today.
    pub(crate) fn device_takes(&self, keyed: &Keyed, token: u64, published: u32) -> bool {
        let limit = keyed.account.device_daily.unwrap_or(published);
        let today = day_of(self.now());
        self.used(keyed, |usage| usage.device(token, limit, today))
    }

    /// Keeps a content for later sends.
    pub(crate) fn save(&self, keyed: &Keyed, id: &str, content: Value) {
        self.taken.set(true);
        let life = if self.dials.content_seconds > 0 { i64::from(self.dials.content_seconds) } else { CONTENT_SECONDS };
        let until = self.now() + life * 1_000;
        self.twin.kit.inner().save(self.vendor, id.to_owned(), Saved { identity: keyed.identity.clone(), content, until });
    }

    pub(crate) fn saved(&self, keyed: &Keyed, id: &str) -> Option<Arc<Saved>> {
        self.twin.kit.inner().saved(self.vendor, id, &keyed.identity, self.now())
    }

    /// Looks at one target; slow, silent and cutting ones count for the whole request.
    pub(crate) fn target<'t>(&self, text: &'t str) -> Target<'t> {
        let hash = token_hash(text);
        let magic = if self.dials.magic { Magic::of(text) } else { Magic::None };
        let (delay, end) = magic.spoils(self.dials.slow_ms);
        self.delay.set(self.delay.get().max(delay));
        if end != End::Answer {
            self.end.set(end);
        }
        let bad = magic == Magic::Bad
            || text.trim().is_empty()
            || self.twin.belongs(self.dials.token_fault_share, hash, FAULT_SALT)
            || self.twin.chance.hits(self.dials.partial_share);
        Target { text, hash, magic, bad }
    }

    fn unheard(&self) -> bool {
        matches!(self.fate, Fate::Cut | Fate::Garbage) || self.end.get() != End::Answer
    }

    /// The number of this request.
    pub(crate) fn trace(&self) -> u64 {
        if self.trace.get() == 0 {
            self.trace.set(self.twin.request_number());
        }
        self.trace.get()
    }

    /// Writes device messages into the ledger. Every target must have been looked at before the first row is written.
    /// `answer`: how the request ended, empty when that is counted already.
    pub(crate) fn book(&self, content: Content<'_>, answer: &str, rows: impl Iterator<Item = (u64, Verdict)>) {
        self.taken.set(true);
        let unheard = self.unheard();
        let names = self.twin.ledger.name(content.key, content.title, content.body);
        let rows = rows.map(|(hash, v)| (hash, if unheard && v == Verdict::Accepted { Verdict::AcceptedUnheard } else { v }));
        self.twin.ledger.write(self.vendor, self.at.get(), names, self.trace(), answer, rows);
    }

    /// Receipts follow for these targets.
    pub(crate) fn expect<'t>(&self, errand: Errand, reached: impl Iterator<Item = Reached<'t>>) {
        self.twin.expect(&self.dials.receipts, Arc::new(errand), reached);
    }

    /// What the dials and the targets make of an answer to a request that had an effect.
    pub(super) fn spoil(&self, reply: Reply) -> Reply {
        if !self.taken.get() {
            return reply;
        }
        let mut reply = if self.fate == Fate::Garbage { Reply::garbage(200, self.dials.garbage, self.vendor) } else { reply };
        reply.delay += self.delay.get();
        reply.end = if self.fate == Fate::Cut { End::Cut } else { self.end.get() };
        reply
    }
}
