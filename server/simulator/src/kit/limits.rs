//! What each account has used: windows, days, devices, ids seen; issued access tokens; saved contents.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use types::Millis;
use types::vendor::Vendor;

use super::letters::Errand;
use crate::meters::{Day, Window};

/// Shared over connections.
#[derive(Default)]
pub(crate) struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Default)]
pub(crate) struct Inner {
    usage: HashMap<Vendor, Vec<(String, Usage)>>,
    recent: VecDeque<Arc<Errand>>,
    passes: HashMap<String, Pass>,
    shelf: HashMap<(Vendor, String), Arc<Saved>>,
}

/// What one account has used.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) second: Window,
    pub(crate) minute: Window,
    /// The same of calls that the vendor counts apart.
    pub(crate) second_beside: Window,
    pub(crate) minute_beside: Window,
    /// Calls for access tokens.
    pub(crate) passes: Window,
    pub(crate) days: HashMap<&'static str, Day>,
    /// Marketing messages to each device: (day, count).
    devices: HashMap<u64, (i64, u32)>,
    /// Ids that came before, with what was answered then.
    seen: HashMap<u64, (Millis, Arc<str>)>,
}

const DAY_MILLIS: Millis = 86_400_000;
const REMEMBERED: usize = 10_000;

impl Usage {
    /// Counts one message to a device in the period `today`; false when `limit` is reached (0 = none).
    pub(crate) fn device(&mut self, token: u64, limit: u32, today: i64) -> bool {
        if limit == 0 {
            return true;
        }
        let (day, count) = self.devices.entry(token).or_insert((today, 0));
        if *day != today {
            (*day, *count) = (today, 0);
        }
        let free = *count < limit;
        *count += u32::from(free);
        free
    }

    /// What was answered under this id within the last day.
    pub(crate) fn before(&self, id: u64, now: Millis) -> Option<Arc<str>> {
        self.seen.get(&id).filter(|(at, _)| now - at < DAY_MILLIS).map(|(_, answer)| Arc::clone(answer))
    }

    pub(crate) fn forget(&mut self, id: u64) {
        self.seen.remove(&id);
    }

    pub(crate) fn remember(&mut self, id: u64, now: Millis, answer: Arc<str>) {
        self.seen.insert(id, (now, answer));
    }
}

/// An issued access token.
pub(crate) struct Pass {
    pub(crate) vendor: Vendor,
    pub(crate) identity: String,
    pub(crate) until: Millis,
}

/// Content kept at the vendor for later sends.
pub(crate) struct Saved {
    pub(crate) identity: String,
    pub(crate) content: Value,
    pub(crate) until: Millis,
}

impl Memory {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Quotas, windows, ids and contents; issued access tokens stay good.
    pub(crate) fn reset(&self) {
        let mut inner = self.inner();
        inner.usage.clear();
        inner.shelf.clear();
        inner.recent.clear();
    }

    /// Keeps a request in mind for receipts made by hand.
    pub(crate) fn remember(&self, errand: &Arc<Errand>) {
        let mut inner = self.inner();
        if inner.recent.len() == REMEMBERED {
            inner.recent.pop_front();
        }
        inner.recent.push_back(Arc::clone(errand));
    }

    /// The newest request of a vendor under this id, task or key.
    pub(crate) fn sent_under(&self, vendor: Vendor, name: &str) -> Option<Arc<Errand>> {
        let fits = |e: &&Arc<Errand>| e.account.account.vendor == vendor && (e.id == name || e.task == name || e.key == name);
        self.inner().recent.iter().rev().find(fits).cloned()
    }

    /// Every access token of the vendor is over from `now` on. Returns how many were good.
    pub(crate) fn expire(&self, vendor: Vendor, now: Millis) -> usize {
        let mut inner = self.inner();
        let good = inner.passes.values_mut().filter(|p| p.vendor == vendor && p.until > now);
        good.map(|pass| pass.until = now).count()
    }
}

impl Inner {
    pub(crate) fn usage(&mut self, vendor: Vendor, identity: &str) -> &mut Usage {
        let accounts = self.usage.entry(vendor).or_default();
        // Asked once a target: the name is looked up without copying it.
        if !accounts.iter().any(|(name, _)| name == identity) {
            accounts.push((identity.to_owned(), Usage::default()));
        }
        let place = accounts.iter().position(|(name, _)| name == identity).unwrap_or(0);
        &mut accounts[place].1
    }

    pub(crate) fn issue(&mut self, token: String, pass: Pass) {
        self.passes.insert(token, pass);
    }

    pub(crate) fn revoke(&mut self, token: &str) {
        self.passes.remove(token);
    }

    pub(crate) fn pass(&self, vendor: Vendor, token: &str) -> Option<&Pass> {
        self.passes.get(token).filter(|p| p.vendor == vendor)
    }

    pub(crate) fn save(&mut self, vendor: Vendor, id: String, saved: Saved) {
        self.shelf.insert((vendor, id), Arc::new(saved));
    }

    /// A content of this account that has not run out.
    pub(crate) fn saved(&self, vendor: Vendor, id: &str, identity: &str, now: Millis) -> Option<Arc<Saved>> {
        let found = self.shelf.get(&(vendor, id.to_owned()))?;
        (found.identity == identity && found.until > now).then(|| Arc::clone(found))
    }
}
