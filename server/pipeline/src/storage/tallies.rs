//! Tallies: additive counters per message and per time bucket, always written in the transaction of the fact they count.

use async_trait::async_trait;
use types::Millis;
use types::funnel::Funnel;
use types::life::Outcome;
use types::receipt::ReceiptKind;
use types::vendor::Vendor;

use super::Result;
use super::frame::Reason;

/// What is counted. As text: `planned`, `outcome/accepted`, `outcome/refused/invalid_token/410 Unregistered`, `receipt/delivered`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    Planned,
    /// Outcome, reason slug (may be empty), the vendor's words (may be empty). Never `Waiting`: that is the rest.
    Outcome {
        outcome: Outcome,
        reason: String,
        words: String,
    },
    Receipt(ReceiptKind),
    /// Accepted once more by the same lane, for want of a receipt. In no funnel: the recipient counts once.
    Resent,
    /// Accepted as marketing, on a lane with a quota for it: what its ledger begins with after a restart.
    Bulk,
}

impl Measure {
    pub fn outcome(outcome: Outcome) -> Measure {
        Measure::Outcome { outcome, reason: String::new(), words: String::new() }
    }

    pub fn key(&self) -> String {
        match self {
            Measure::Planned => "planned".to_owned(),
            Measure::Outcome { outcome, reason, words } => format!("outcome/{}/{reason}/{words}", outcome.slug()),
            Measure::Receipt(kind) => format!("receipt/{}", kind.slug()),
            Measure::Resent => "resent".to_owned(),
            Measure::Bulk => "bulk".to_owned(),
        }
    }

    /// The key without vendor words, for time buckets.
    pub fn short_key(&self) -> String {
        match self {
            Measure::Outcome { outcome, reason, .. } => format!("outcome/{}/{reason}/", outcome.slug()),
            other => other.key(),
        }
    }

    pub fn read(key: &str) -> Option<Measure> {
        let mut parts = key.splitn(4, '/');
        match parts.next()? {
            "planned" => Some(Measure::Planned),
            "outcome" => Some(Measure::Outcome {
                outcome: Outcome::parse(parts.next()?)?,
                reason: parts.next().unwrap_or_default().to_owned(),
                words: parts.next().unwrap_or_default().to_owned(),
            }),
            "resent" => Some(Measure::Resent),
            "bulk" => Some(Measure::Bulk),
            "receipt" => ReceiptKind::parse(parts.next()?).map(Measure::Receipt),
            _ => None,
        }
    }
}

/// A change of one counter. `n` may be negative only when an outcome is corrected (uncertain -> accepted).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    pub message_no: i64,
    pub app_no: i64,
    /// `None` = no lane.
    pub vendor: Option<Vendor>,
    pub measure: Measure,
    pub n: i64,
}

impl Delta {
    /// A recipient turned out to be accepted: an uncertain one (with this reason), or one that still waited for its answer.
    pub fn corrected(message_no: i64, app_no: i64, vendor: Option<Vendor>, uncertain: Option<Reason>) -> Vec<Delta> {
        let was = uncertain.map(|r| (Measure::Outcome { outcome: Outcome::Uncertain, reason: r.slug, words: r.words }, -1));
        let is = (Measure::outcome(Outcome::Accepted), 1);
        was.into_iter().chain([is]).map(|(measure, n)| Delta { message_no, app_no, vendor, measure, n }).collect()
    }
}

/// Length of a time bucket, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    Minute,
    Hour,
}

impl Grain {
    pub const fn ms(self) -> Millis {
        match self {
            Grain::Minute => 60_000,
            Grain::Hour => 3_600_000,
        }
    }
}

/// One point of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Start of the bucket.
    pub at: Millis,
    pub vendor: Option<Vendor>,
    pub measure: Measure,
    pub n: i64,
}

#[async_trait]
pub trait Tallies: Send + Sync {
    /// Raw counters of one message: (vendor, measure, n).
    async fn of_message(&self, message_no: i64) -> Result<Vec<(Option<Vendor>, Measure, i64)>>;
    /// Buckets of an app (or of all apps) in `from .. to`.
    async fn series(&self, app_no: Option<i64>, grain: Grain, from: Millis, to: Millis) -> Result<Vec<Point>>;
    /// Drops minute buckets before `before`.
    async fn forget_minutes(&self, before: Millis) -> Result<u64>;
}

/// Folds raw counters into the funnel of the console. Waiting is planned minus every outcome.
pub fn fold(counters: impl IntoIterator<Item = (Option<Vendor>, Measure, i64)>) -> Funnel {
    use std::collections::BTreeMap;
    use types::funnel::{FunnelLane, Loss};

    let mut lanes: BTreeMap<Option<Vendor>, FunnelLane> = BTreeMap::new();
    let mut losses: BTreeMap<(Option<Vendor>, Outcome, String, String), i64> = BTreeMap::new();
    let mut planned: BTreeMap<Option<Vendor>, i64> = BTreeMap::new();
    let mut outcomes: BTreeMap<(Option<Vendor>, Outcome), i64> = BTreeMap::new();
    for (vendor, measure, n) in counters {
        if matches!(measure, Measure::Resent | Measure::Bulk) {
            continue;
        }
        let lane = lanes.entry(vendor).or_insert_with(|| FunnelLane { vendor, ..FunnelLane::default() });
        match measure {
            Measure::Planned => *planned.entry(vendor).or_default() += n,
            Measure::Outcome { outcome, reason, words } => {
                *outcomes.entry((vendor, outcome)).or_default() += n;
                if outcome != Outcome::Accepted {
                    *losses.entry((vendor, outcome, reason, words)).or_default() += n;
                }
            }
            Measure::Resent | Measure::Bulk => {}
            Measure::Receipt(kind) => *lane.receipts.entry(kind.slug().to_owned()).or_default() += n.max(0).unsigned_abs(),
        }
    }
    let mut funnel = Funnel::default();
    for (vendor, mut lane) in lanes {
        lane.equation.planned = planned.get(&vendor).copied().unwrap_or(0).max(0).unsigned_abs();
        let mut known = 0;
        for outcome in Outcome::ALL {
            let n = outcomes.get(&(vendor, outcome)).copied().unwrap_or(0).max(0).unsigned_abs();
            lane.equation.add(outcome, n);
            known += n;
        }
        lane.equation.waiting = lane.equation.planned.saturating_sub(known);
        funnel.total.merge(&lane.equation);
        funnel.lanes.push(lane);
    }
    funnel.losses = losses
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|((vendor, outcome, reason, words), n)| Loss { vendor, outcome, reason, words, devices: n.unsigned_abs() })
        .collect();
    funnel.losses.sort_by(|a, b| b.devices.cmp(&a.devices).then_with(|| a.cmp(b)));
    funnel
}
