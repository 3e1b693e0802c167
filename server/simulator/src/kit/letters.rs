//! Receipts of the vendors of this desk: who gets which, when, and how they reach the post.
//!
//! Whether a device message arrives and is clicked is decided by its token and key, so a repeat with the same key gives the
//! same receipts again.

use std::sync::Arc;

use types::Millis;

use super::keyed::Keyed;
use super::magic::Magic;
use crate::dials::Receipts;
use crate::ledger::token_hash;
use crate::receipts::{AGAIN_SALT, CLICKED_SALT, DELIVERED_SALT, PhoneEvent, SWITCH_SALT, Work};
use crate::twin::Twin;

/// What a receipt says. Each vendor has its own word for it, or none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Delivered,
    Displayed,
    Clicked,
    /// The notification switch is off.
    Off,
    Gone,
    Inactive,
    Filtered,
    Capped,
    /// The vendor's own word, for receipts made by hand.
    Raw(Arc<str>),
}

impl Kind {
    /// By the words of the control API; anything else is the vendor's own.
    fn named(word: &str) -> Kind {
        match word {
            "delivered" => Kind::Delivered,
            "displayed" => Kind::Displayed,
            "clicked" => Kind::Clicked,
            "off" => Kind::Off,
            "gone" => Kind::Gone,
            "inactive" => Kind::Inactive,
            "filtered" => Kind::Filtered,
            "capped" => Kind::Capped,
            own => Kind::Raw(Arc::from(own)),
        }
    }
}

/// One accepted request, as far as its receipts need it.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) account: Arc<Keyed>,
    /// Empty: nobody asked the vendor for receipts.
    pub(crate) url: String,
    /// What receipts name: request id, message id, task id.
    pub(crate) id: String,
    pub(crate) task: String,
    /// What the caller wants to read again.
    pub(crate) param: String,
    pub(crate) key: String,
    /// Bits of the kinds that were asked for, by the vendor's own numbers; 0 = all.
    pub(crate) types: u32,
    /// The id of the message inside the push, by which the app reports.
    pub(crate) message: Option<String>,
    /// The app itself learns of the arrival.
    pub(crate) app_sees: bool,
}

impl Errand {
    /// An errand of `account` for the request `id`, to the address in its console.
    pub(crate) fn new(account: &Arc<Keyed>, id: impl Into<String>, key: impl Into<String>) -> Errand {
        Errand {
            account: Arc::clone(account),
            url: account.account.receipts_url.clone().unwrap_or_default(),
            id: id.into(),
            task: String::new(),
            param: String::new(),
            key: key.into(),
            types: 0,
            message: None,
            app_sees: false,
        }
    }

    /// The message that `push` carries somewhere (`msg_…`): apps read it wherever our SDK put it.
    pub(crate) fn carrying(mut self, push: &[u8]) -> Errand {
        if self.account.account.phones.is_some() {
            let text = String::from_utf8_lossy(push);
            let id = text.find("msg_").map(|from| {
                let rest = &text[from..];
                let end = rest.bytes().skip(4).position(|b| !b.is_ascii_alphanumeric()).map_or(rest.len(), |n| n + 4);
                rest[..end].to_owned()
            });
            self.message = id.filter(|id| id.len() > 4);
        }
        self
    }
}

/// A target that a request reached, and what is settled about its receipt already.
pub(crate) struct Reached<'a> {
    pub(crate) token: &'a str,
    pub(crate) settled: Option<Kind>,
}

impl<'a> Reached<'a> {
    pub(crate) fn plainly(token: &'a str) -> Reached<'a> {
        Reached { token, settled: None }
    }
}

/// One receipt that is due.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) errand: Arc<Errand>,
    pub(crate) kind: Kind,
    pub(crate) at: Millis,
    pub(crate) target: Box<str>,
}

/// One POST of a vendor.
pub(crate) struct Post {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    pub(crate) count: u64,
    /// What the `code` of the answer must be, where the vendor reads it.
    pub(crate) wants: Option<&'static str>,
    pub(crate) again: Again,
}

/// Whether a vendor posts a failed receipt again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    /// Only when nobody could be reached.
    Unreached {
        left: u32,
        after_ms: u32,
    },
    /// Whenever the answer is not 200.
    Refused {
        left: u32,
        after_ms: u32,
    },
}

impl Twin {
    pub(crate) fn expect<'t>(&self, receipts: &Receipts, errand: Arc<Errand>, reached: impl Iterator<Item = Reached<'t>>) {
        self.kit.remember(&errand);
        if receipts.never || (errand.url.is_empty() && errand.message.is_none()) {
            return;
        }
        let targets: Vec<_> = reached.map(|r| (Box::from(r.token), r.settled)).collect();
        if !targets.is_empty() {
            self.mail.put(self.when(receipts), Work::Errand(errand, receipts.clone(), targets));
        }
    }

    /// Decides about each target, and lays the receipts out for posting.
    pub(crate) fn settle(&self, errand: &Arc<Errand>, receipts: &Receipts, targets: &[(Box<str>, Option<Kind>)]) {
        let salt = token_hash(&errand.key);
        let vendor = errand.account.account.vendor;
        let magic_on = self.dials(vendor).magic;
        let clicks = super::desk(vendor).is_some_and(|d| d.clicks);
        let now = self.clock.millis();
        let click_delay = i64::from(receipts.click_delay_ms);
        let mut due: [Vec<Event>; 4] = Default::default();
        for (target, settled) in targets {
            let hash = token_hash(target);
            let magic = if magic_on { Magic::of(target) } else { Magic::None };
            let belongs = |share, salt| self.belongs(share, hash, salt);
            let fate = match (settled, magic) {
                (Some(kind), _) => kind.clone(),
                (None, Magic::NoDeliver) => continue,
                (None, Magic::Gone) => Kind::Gone,
                (None, Magic::Inactive) => Kind::Inactive,
                (None, Magic::Filtered) => Kind::Filtered,
                (None, Magic::Capped) => Kind::Capped,
                (None, Magic::Off) => Kind::Off,
                (None, magic) => {
                    let certain = matches!(magic, Magic::Deliver | Magic::Click | Magic::Dup);
                    if !certain && !belongs(receipts.delivered_share, DELIVERED_SALT ^ salt) {
                        continue;
                    }
                    if !certain && belongs(receipts.switch_off_share, SWITCH_SALT) { Kind::Off } else { Kind::Delivered }
                }
            };
            let again = magic == Magic::Dup || belongs(receipts.duplicate_share, AGAIN_SALT ^ salt);
            let arrived = fate == Kind::Delivered;
            let clicked = arrived && (magic == Magic::Click || belongs(receipts.clicked_share, CLICKED_SALT ^ salt));
            // Lots: what is known at once, what a click adds, and both again a second later.
            let (first, last) = if receipts.out_of_order { (1, 0) } else { (0, 1) };
            let mut put = |lot: usize, kind: Kind, at: Millis| {
                let event = Event { errand: Arc::clone(errand), kind, at, target: target.clone() };
                if again {
                    due[lot + 2].push(event.clone());
                }
                due[lot].push(event);
            };
            put(if arrived { first } else { 0 }, fate, now);
            if arrived {
                put(first, Kind::Displayed, now);
            }
            if clicked {
                put(last, Kind::Clicked, now + click_delay);
            }
            if let (Some(phones), Some(message)) = (&errand.account.account.phones, &errand.message) {
                let tell = |event, at| PhoneEvent::new(vendor, message, target, event, at);
                if arrived && errand.app_sees {
                    self.mail.put(now, Work::Phone(phones.clone(), tell("received", now)));
                }
                if clicked && !clicks {
                    self.mail.put(now + click_delay, Work::Phone(phones.clone(), tell("clicked", now + click_delay)));
                }
            }
        }
        if errand.url.is_empty() {
            return;
        }
        let later = click_delay.max(1);
        for (events, wait) in due.into_iter().zip([0, later, 1_000, 1_000 + later]) {
            if !events.is_empty() {
                self.mail.put(now + wait, Work::Events(events));
            }
        }
    }

    /// Receipts by hand, due at once: `kind` is a word of the control API or the vendor's own.
    pub(crate) fn told(&self, errand: &Arc<Errand>, kind: &str, targets: &[String]) {
        let at = self.clock.millis();
        let event = |target: &String| Event { errand: Arc::clone(errand), kind: Kind::named(kind), at, target: Box::from(target.as_str()) };
        self.mail.put(at, Work::Events(targets.iter().map(event).collect()));
    }

    /// The POSTs that make up these receipts, batched as each vendor does.
    pub(crate) fn written(&self, mut events: Vec<Event>) -> Vec<Post> {
        let key = |e: &Event| (e.errand.account.account.vendor, e.errand.account.identity.clone(), e.errand.url.clone());
        events.sort_by_cached_key(key);
        let mut posts = Vec::new();
        for group in events.chunk_by(|a, b| key(a) == key(b)) {
            let Some(first) = group.first() else { continue };
            if let Some(desk) = super::desk(first.errand.account.account.vendor) {
                posts.extend((desk.letters)(self, &first.errand.account, group));
            }
        }
        posts
    }
}
