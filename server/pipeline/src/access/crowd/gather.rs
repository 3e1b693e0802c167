//! What a rule says, as a set in key order: devices or messages are walked once, who fits is sorted by runs on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use types::Millis;
use types::crowd::KeyKind;
use types::ids::{ChunkNo, CrowdId};
use types::life::Outcome;
use types::listing::PageRequest;
use types::making::{Deed, DeedRule, DeviceRule};
use types::policy::Versions;
use types::problem::Problem;
use types::receipt::mark;
use types::vendor::Vendor;

use super::internal;
use super::join::Feed;
use super::sort::{Merge, Sorter};
use crate::storage::Storage;
use crate::storage::crowd_frame::{BLOCK_ROWS, CrowdRow, code_of};
use crate::storage::devices::{Device, DeviceFilter, TokenState};
use crate::storage::frame::{self, Outcomes, key_of};
use crate::storage::messages::{MessageFilter, Origin};

const DAY_MS: Millis = 24 * 3_600_000;
/// Devices, messages and chunks read at a time.
const DEVICES: u32 = 1_000;
const MESSAGES: u32 = 200;
const CHUNKS: u32 = 10;

type Name = (Option<Vendor>, String);

/// Where rules look, and where their runs lie.
#[derive(Clone)]
pub struct Ground {
    pub storage: Storage,
    pub app_no: i64,
    pub kind: KeyKind,
    /// When the making began: days are counted back from here.
    pub now: Millis,
    pub folder: PathBuf,
    pub sort_bytes: usize,
    /// Devices and recipients looked at.
    pub seen: Arc<AtomicU64>,
}

/// Everybody of one source, in key order.
pub enum Source {
    Crowd { storage: Box<Storage>, id: CrowdId, seq: i64 },
    Sorted(Sorted),
}

/// Who fits a rule.
pub struct Sorted {
    merge: Option<Merge>,
    kind: KeyKind,
    last: (i64, Vec<u8>),
    started: bool,
    /// Entries in it, before those named twice are told apart.
    pub entries: u64,
}

#[async_trait]
impl Feed for Source {
    async fn part(&mut self) -> Result<Vec<CrowdRow>, Problem> {
        match self {
            Source::Crowd { storage, id, seq } => {
                let block = storage.crowds.block(id, *seq).await.map_err(internal)?;
                *seq += 1;
                Ok(block.map(|block| block.rows).unwrap_or_default())
            }
            Source::Sorted(sorted) => sorted.part().await,
        }
    }
}

impl Sorted {
    async fn part(&mut self) -> Result<Vec<CrowdRow>, Problem> {
        let Some(mut merge) = self.merge.take() else { return Ok(Vec::new()) };
        let (kind, mut last, mut started) = (self.kind, std::mem::take(&mut self.last), self.started);
        let read = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
            let mut rows = Vec::with_capacity(BLOCK_ROWS);
            while rows.len() < BLOCK_ROWS {
                let Some(entry) = merge.next()? else { return Ok((rows, None, last, started)) };
                if started && last.0 == entry.key && last.1 == entry.tie {
                    continue;
                }
                started = true;
                last.0 = entry.key;
                last.1.clear();
                last.1.extend_from_slice(entry.tie);
                let (code, raw) = entry.tie.split_first().unwrap_or((&0, &[]));
                let text = std::str::from_utf8(raw).map_err(std::io::Error::other)?.to_owned();
                let vendor = Vendor::from_code(i64::from(*code));
                rows.push(CrowdRow { key: entry.key, kind, vendor, text, variables: BTreeMap::new() });
            }
            Ok((rows, Some(merge), last, started))
        });
        let rows;
        (rows, self.merge, self.last, self.started) = read.await.map_err(internal)?.map_err(internal)?;
        Ok(rows)
    }
}

/// Takes names in any order.
struct Pile {
    sorter: Option<Sorter>,
    kind: KeyKind,
    entries: u64,
}

impl Pile {
    fn new(ground: &Ground) -> Pile {
        Pile { sorter: Some(Sorter::new(ground.folder.clone(), ground.sort_bytes)), kind: ground.kind, entries: 0 }
    }

    async fn add(&mut self, names: Vec<Name>) -> Result<(), Problem> {
        let Some(mut sorter) = self.sorter.take() else { return Err(internal("a pile that was closed")) };
        let kind = self.kind;
        self.entries += names.len() as u64;
        let added = tokio::task::spawn_blocking(move || -> std::io::Result<Sorter> {
            let mut tie = Vec::new();
            for (vendor, text) in names {
                tie.clear();
                tie.push(vendor.map_or(0, code_of));
                tie.extend_from_slice(text.as_bytes());
                sorter.add(key_of(kind, vendor, &text), &tie, &[])?;
            }
            Ok(sorter)
        });
        self.sorter = Some(added.await.map_err(internal)?.map_err(internal)?);
        Ok(())
    }

    async fn close(mut self) -> Result<Sorted, Problem> {
        let Some(sorter) = self.sorter.take() else { return Err(internal("a pile that was closed")) };
        let merge = tokio::task::spawn_blocking(move || sorter.finish()).await.map_err(internal)?.map_err(internal)?;
        Ok(Sorted { merge: Some(merge), kind: self.kind, last: (0, Vec::new()), started: false, entries: self.entries })
    }
}

/// Whether a device fits. Pure.
pub fn fits(rule: &DeviceRule, device: &Device, now: Millis) -> bool {
    let version = |versions: &Versions, told: &str| *versions == Versions::default() || versions.holds(told);
    let days = |days: Option<u32>| days.map(|days| now - Millis::from(days) * DAY_MS);
    rule.vendor.is_none_or(|vendor| device.tokens.iter().any(|t| t.vendor == vendor && t.state == TokenState::Active))
        && (rule.model.is_empty() || device.model.to_lowercase().contains(&rule.model.to_lowercase()))
        && version(&rule.os, &device.os_version)
        && version(&rule.app, &device.app_version)
        && days(rule.seen_days).is_none_or(|since| device.seen_at >= since)
        && days(rule.unseen_days).is_none_or(|since| device.seen_at < since)
}

/// What a crowd of this kind calls a device. Pure.
fn names(kind: KeyKind, rule: &DeviceRule, device: Device) -> Vec<Name> {
    match kind {
        KeyKind::User => device.user_id.map(|user| (None, user)).into_iter().collect(),
        KeyKind::Device => vec![(None, device.id.as_str().to_owned())],
        KeyKind::Token => {
            let wanted = |vendor: Vendor| rule.vendor.is_none_or(|only| only == vendor);
            let usable = device.tokens.into_iter().filter(|t| t.state == TokenState::Active && wanted(t.vendor));
            usable.map(|t| (Some(t.vendor), t.token)).collect()
        }
    }
}

/// # Errors
/// When the store or the disk fails.
pub async fn devices(ground: &Ground, rule: &DeviceRule) -> Result<Sorted, Problem> {
    let mut pile = Pile::new(ground);
    let mut page = PageRequest { after: None, size: DEVICES };
    loop {
        let found = ground.storage.devices.list(ground.app_no, &DeviceFilter::default(), &page).await.map_err(internal)?;
        ground.seen.fetch_add(found.items.len() as u64, Ordering::Relaxed);
        let fit = found.items.into_iter().filter(|device| fits(rule, device, ground.now));
        pile.add(fit.flat_map(|device| names(ground.kind, rule, device)).collect()).await?;
        page.after = found.next;
        if page.after.is_none() {
            return pile.close().await;
        }
    }
}

/// Whether somebody's outcome and marks tell of this deed. Pure.
fn tells(deed: Deed, outcome: Outcome, marks: u8) -> bool {
    match deed {
        Deed::Accepted => outcome == Outcome::Accepted,
        Deed::Delivered => marks & mark::DELIVERED != 0,
        Deed::Clicked => marks & mark::CLICKED != 0,
    }
}

/// # Errors
/// When the store or the disk fails.
pub async fn deeds(ground: &Ground, rule: &DeedRule) -> Result<Sorted, Problem> {
    let mut pile = Pile::new(ground);
    let filter = MessageFilter {
        campaign: rule.campaign.as_ref().map(|(id, _)| id.clone()),
        from: rule.days.map(|days| ground.now - Millis::from(days) * DAY_MS),
        ..MessageFilter::default()
    };
    let mut page = PageRequest { after: None, size: MESSAGES };
    loop {
        let found = ground.storage.messages.list(ground.app_no, &filter, &page).await.map_err(internal)?;
        // Test sends are no campaign's doing.
        for message in found.items.iter().filter(|m| m.campaign.is_some() && m.origin != Origin::Test) {
            of_message(ground, message.no, rule.deed, &mut pile).await?;
        }
        page.after = found.next;
        if page.after.is_none() {
            return pile.close().await;
        }
    }
}

async fn of_message(ground: &Ground, message_no: i64, deed: Deed, pile: &mut Pile) -> Result<(), Problem> {
    let mut after = ChunkNo(0);
    loop {
        let chunks = ground.storage.chunks.of_message(message_no, after, CHUNKS).await.map_err(internal)?;
        let Some(last) = chunks.last() else { return Ok(()) };
        after = last.no;
        for chunk in &chunks {
            ground.seen.fetch_add(u64::from(chunk.count), Ordering::Relaxed);
            let outcomes = Outcomes::decode(&chunk.outcomes).map_err(internal)?;
            let did = |i: &usize| tells(deed, outcomes.get(*i).0, chunk.marks.get(*i).copied().unwrap_or(0));
            let who: Vec<usize> = (0..outcomes.len()).filter(did).collect();
            if who.is_empty() {
                continue;
            }
            let recipients = frame::decode_recipients(&chunk.recipients).map_err(internal)?;
            let recipients: Vec<&frame::Recipient> = who.iter().filter_map(|i| recipients.get(*i)).collect();
            let names: Vec<Name> = if ground.kind == KeyKind::Token {
                recipients.iter().filter(|r| !r.token.is_empty()).map(|r| (chunk.vendor, r.token.clone())).collect()
            } else {
                let nos: Vec<i64> = recipients.iter().map(|r| r.device_no).filter(|no| *no > 0).collect();
                let named = ground.storage.devices.named(&nos).await.map_err(internal)?;
                let name = |n: crate::storage::devices::Named| match ground.kind {
                    KeyKind::Device => Some((None, n.id.as_str().to_owned())),
                    _ => n.user.map(|user| (None, user)),
                };
                named.into_iter().filter_map(name).collect()
            };
            pile.add(names).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use types::ids::DeviceId;
    use types::vendor::Environment;

    use super::*;
    use crate::storage::devices::Token;

    fn device() -> Device {
        let token = |vendor, token: &str, state| Token {
            vendor,
            token: token.into(),
            environment: Environment::Production,
            state,
            reason: None,
            registered_at: 0,
            quarantined_at: None,
        };
        Device {
            no: 1,
            id: DeviceId::from_bytes([1; 16]),
            app_no: 1,
            user_id: Some("u1".into()),
            model: "Mi 14 Pro".into(),
            os_version: "14".into(),
            app_version: "3.2.1".into(),
            notifications_on: None,
            environment: Environment::Production,
            zone: None,
            test: false,
            created_at: 0,
            seen_at: 100 * DAY_MS,
            tokens: vec![token(Vendor::Xiaomi, "x", TokenState::Active), token(Vendor::Getui, "g", TokenState::Quarantined)],
        }
    }

    #[test]
    fn every_fact_must_fit() {
        let now = 110 * DAY_MS;
        let fit = |rule: DeviceRule| fits(&rule, &device(), now);
        assert!(fit(DeviceRule::default()));
        assert!(fit(DeviceRule { vendor: Some(Vendor::Xiaomi), model: "mi 14".into(), ..DeviceRule::default() }));
        assert!(!fit(DeviceRule { vendor: Some(Vendor::Getui), ..DeviceRule::default() }), "a token set aside is of no use");
        assert!(!fit(DeviceRule { model: "Pura".into(), ..DeviceRule::default() }));
        let versions = |min: &str, max: &str| Versions::of(min, max).unwrap();
        assert!(fit(DeviceRule { app: versions("3.2", "3.10"), os: versions("14", ""), ..DeviceRule::default() }));
        assert!(!fit(DeviceRule { app: versions("3.3", ""), ..DeviceRule::default() }));
        assert!(!fit(DeviceRule { os: versions("", "13"), ..DeviceRule::default() }));
        for (days, seen) in [(9, false), (10, true), (11, true)] {
            assert_eq!(fit(DeviceRule { seen_days: Some(days), ..DeviceRule::default() }), seen, "{days}");
            assert_eq!(fit(DeviceRule { unseen_days: Some(days), ..DeviceRule::default() }), !seen, "{days}");
        }
    }

    #[test]
    fn a_crowd_of_tokens_takes_usable_ones() {
        let all = DeviceRule::default();
        assert_eq!(names(KeyKind::Token, &all, device()), [(Some(Vendor::Xiaomi), "x".to_owned())]);
        assert_eq!(names(KeyKind::User, &all, device()), [(None, "u1".to_owned())]);
        assert!(names(KeyKind::User, &all, Device { user_id: None, ..device() }).is_empty());
    }

    #[test]
    fn deeds_are_told_by_outcome_and_marks() {
        assert!(tells(Deed::Accepted, Outcome::Accepted, 0) && !tells(Deed::Accepted, Outcome::Refused, mark::CLICKED));
        assert!(tells(Deed::Clicked, Outcome::Accepted, mark::CLICKED | mark::DELIVERED));
        assert!(!tells(Deed::Clicked, Outcome::Accepted, mark::DELIVERED) && tells(Deed::Delivered, Outcome::Accepted, mark::DELIVERED));
    }
}
