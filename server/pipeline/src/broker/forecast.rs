//! What a message over a crowd would come to: counted by a rehearsal of planning, laid along each lane's time.

use std::collections::BTreeMap;

use types::Millis;
use types::content::{MessageClass, Rank};
use types::hours::Hours;
use types::policy::{About, Rules};
use types::text::Words;
use types::vendor::{PaceUnit, Vendor};
use types::views::forecast::{Dropped, Forecast, LaneForecast, OtherLoad, QuotaForecast};

use super::plan::{Counted, Load, Planner, Seat, Share};
use super::quota::{bulk_ledger, bulk_today, used_today};
use super::route::per_second;
use super::timeline::{self, Job, Part, Quota, Run, Track};
use crate::policy::next_beijing_midnight;
use crate::storage::Result;
use crate::storage::apps::Lane;
use crate::storage::messages::Message;

/// Another campaign on the app's lanes.
#[derive(Clone, Debug)]
pub struct Other {
    pub told: OtherLoad,
    pub deadline: Millis,
    pub class: MessageClass,
    pub business: String,
    pub hours: Option<Hours>,
    /// Older goes first.
    pub age: i64,
    /// What of it is not in the lanes' lines yet.
    pub to_come: BTreeMap<Vendor, u64>,
}

/// What is asked about.
pub struct Question<'a> {
    /// As it would be stored; its number is nobody's.
    pub message: &'a Message,
    /// Rows and blocks of its crowd.
    pub rows: u64,
    pub blocks: i64,
    pub starts_at: Millis,
    pub others: &'a [Other],
    pub share: Share,
}

/// How a lane stands now.
struct Standing {
    closed_until: Millis,
    words: Option<Words>,
}

impl Planner {
    /// Nothing is written and no place is taken.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn foresee(&self, asked: &Question<'_>) -> Result<Forecast> {
        let counted = self.rehearse(asked.message, asked.blocks, asked.starts_at, asked.share).await?;
        let now = self.world.now();
        let policy = self.policies.of(asked.message.app_no).await?;
        let stopped = policy.stopped.as_ref().map(|stopped| stopped.why.clone());
        let scaled = |n: u64| scale(n, asked.rows, counted.rows);
        let mut lanes = Vec::new();
        for lane in self.storage.apps.lanes_of(asked.message.app_no).await? {
            let seats: Vec<(&Seat, &Load)> = counted.seats.iter().filter(|(seat, _)| seat.vendor == lane.vendor).collect();
            if seats.is_empty() {
                continue;
            }
            let parts: Vec<(&Seat, Load)> = seats.into_iter().map(|(seat, load)| (seat, scaled_load(load, scaled))).collect();
            let standing = self.standing(&lane, asked.message.class, stopped.is_some(), now);
            let used = self.used(&lane, now).await?;
            let mut jobs = vec![job(asked, &policy.rules, &lane, &parts)];
            jobs.extend(self.line(&lane, now).await?);
            jobs.extend(asked.others.iter().filter_map(|other| other_job(other, &policy.rules, &lane)));
            let track = Track {
                now,
                rules: &policy.rules,
                pace: f64::from(lane.settings.pace_per_second),
                closed_until: standing.closed_until,
                quota: quota(&lane, used),
            };
            let run = timeline::run(&track, &jobs, 0);
            lanes.push(told(&lane, &parts, &run, standing.words, used, asked));
        }
        let mut dropped: Vec<Dropped> = counted
            .dropped
            .iter()
            .map(|((outcome, reason), n)| Dropped { outcome: *outcome, reason: reason.clone(), devices: scaled(*n) })
            .collect();
        dropped.sort_by(|a, b| b.devices.cmp(&a.devices).then_with(|| a.reason.cmp(&b.reason)));
        let planned = dropped.iter().map(|d| d.devices).sum::<u64>() + lanes.iter().map(|lane| lane.devices).sum::<u64>();
        Ok(Forecast {
            at: now,
            starts_at: asked.starts_at,
            deadline: asked.message.deadline,
            rows: asked.rows,
            looked_at: counted.rows,
            planned,
            dropped,
            lanes,
            missing: counted.missing.into_iter().collect(),
            others: asked.others.iter().map(|other| other.told.clone()).collect(),
            stopped,
        })
    }

    /// What is counted while somebody composes: no lane's time, no other campaign.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn glance(&self, message: &Message, blocks: i64, starts_at: Millis) -> Result<Counted> {
        self.rehearse(message, blocks, starts_at, Share::GLANCE).await
    }

    fn standing(&self, lane: &Lane, class: MessageClass, stopped: bool, now: Millis) -> Standing {
        if stopped {
            return Standing { closed_until: Millis::MAX, words: Some(Words::new("应用已停止发送", "the app's stop switch is on")) };
        }
        if let Some(why) = &lane.paused {
            let words = Words::new(format!("通道已停：{why}"), format!("the lane is stopped: {why}"));
            return Standing { closed_until: Millis::MAX, words: Some(words) };
        }
        let known = self.coordination.standstills.get(lane.no);
        let why = [
            (known.tripped.map(|(until, _)| until), "已熔断", "its breaker is tripped"),
            (known.closed.of(class), "厂商说配额已满", "the vendor says its quota is used up"),
            (known.slow_until, "厂商要求减速", "the vendor asked to slow down"),
        ];
        let longest = why.into_iter().filter_map(|(until, zh, en)| Some((until.filter(|at| *at > now)?, zh, en))).max();
        match longest {
            Some((until, zh, en)) => Standing { closed_until: until, words: Some(Words::new(zh, en)) },
            None => Standing { closed_until: 0, words: None },
        }
    }

    /// What was used today of the quotas the lane has.
    async fn used(&self, lane: &Lane, now: Millis) -> Result<Used> {
        let (set, day) = (&lane.settings, next_beijing_midnight(now));
        let quotas = &self.coordination.quotas;
        let known = |left: Option<u64>, limit: u64| left.map(|left| limit.saturating_sub(left));
        let mut used = Used::default();
        if set.daily_quota > 0 {
            used.all = match known(quotas.left(lane.no, day, set.daily_quota).await, set.daily_quota) {
                None => Some(used_today(&self.storage, lane.app_no, lane.vendor, now).await?),
                known => known,
            };
        }
        if set.bulk_quota > 0 {
            used.bulk = match known(quotas.left(bulk_ledger(lane.no), day, set.bulk_quota).await, set.bulk_quota) {
                None => Some(bulk_today(&self.storage, lane.app_no, lane.vendor, now).await?),
                known => known,
            };
        }
        Ok(used)
    }

    /// What waits in the lane's line already.
    async fn line(&self, lane: &Lane, now: Millis) -> Result<Vec<Job>> {
        let waiting = self.storage.chunks.line(lane.no).await?;
        let cost = f64::from(lane.settings.pace_per_second) / per_second(lane).max(1e-9);
        let job = |part: crate::storage::chunks::InLine| Job {
            arrives: now,
            deadline: part.deadline,
            rank: Rank::of_priority(part.priority),
            business: String::new(),
            hours: None,
            age: i64::MIN,
            asks: false,
            parts: vec![Part { zone: None, not_before: part.not_before, devices: part.recipients as f64, cost }],
        };
        Ok(waiting.into_iter().map(job).collect())
    }
}

/// A part's figure as if all had been looked at.
fn scale(n: u64, rows: u64, looked_at: u64) -> u64 {
    if looked_at == 0 || looked_at >= rows {
        return n;
    }
    let all = u128::from(n) * u128::from(rows) / u128::from(looked_at);
    u64::try_from(all).unwrap_or(u64::MAX)
}

fn scaled_load(load: &Load, scaled: impl Fn(u64) -> u64) -> Load {
    Load { devices: scaled(load.devices), requests: scaled(load.requests), unsayable: scaled(load.unsayable) }
}

fn job(asked: &Question<'_>, rules: &Rules, lane: &Lane, parts: &[(&Seat, Load)]) -> Job {
    let message = asked.message;
    let part = |(seat, load): &(&Seat, Load)| {
        let devices = load.devices.saturating_sub(load.unsayable) as f64;
        let cost = match lane.vendor.lane_defaults().pace_unit {
            PaceUnit::Requests => load.requests as f64 / devices.max(1.0),
            PaceUnit::Targets => 1.0,
        };
        Part { zone: seat.zone.clone(), not_before: seat.held_until, devices, cost }
    };
    Job {
        arrives: asked.starts_at,
        deadline: message.deadline,
        rank: rules.rank(About { class: message.class, business: &message.business, hours: message.hours }),
        business: message.business.clone(),
        hours: message.hours,
        age: i64::MAX,
        asks: true,
        parts: parts.iter().map(part).collect(),
    }
}

fn other_job(other: &Other, rules: &Rules, lane: &Lane) -> Option<Job> {
    let devices = *other.to_come.get(&lane.vendor).filter(|n| **n > 0)?;
    let cost = f64::from(lane.settings.pace_per_second) / per_second(lane).max(1e-9);
    Some(Job {
        arrives: other.told.starts_at,
        deadline: other.deadline,
        rank: rules.rank(About { class: other.class, business: &other.business, hours: other.hours }),
        business: other.business.clone(),
        hours: other.hours,
        age: other.age,
        asks: true,
        parts: vec![Part { zone: None, not_before: 0, devices: devices as f64, cost }],
    })
}

/// Of the day, and of marketing's own part of it, where the lane has such a quota.
#[derive(Clone, Copy, Default)]
struct Used {
    all: Option<u64>,
    bulk: Option<u64>,
}

fn quota(lane: &Lane, used: Used) -> Option<Quota> {
    let of = |class| used.all.map_or(f64::INFINITY, |_| lane.settings.quota_of(class) as f64);
    (used.all.is_some() || used.bulk.is_some()).then(|| Quota {
        transactional: of(MessageClass::Transactional),
        bulk: of(MessageClass::Bulk),
        used: used.all.unwrap_or(0) as f64,
        marketing: used.bulk.map(|used| (lane.settings.bulk_quota as f64, used as f64)),
    })
}

/// The quota of this class that ends first: what it may use of a day, and what is left of it today.
fn tightest(lane: &Lane, used: Used, class: MessageClass) -> Option<(u64, u64)> {
    let all = used.all.map(|used| (lane.settings.quota_of(class), used));
    let bulk = used.bulk.filter(|_| class == MessageClass::Bulk).map(|used| (lane.settings.bulk_quota, used));
    [all, bulk].into_iter().flatten().map(|(limit, used)| (limit, limit.saturating_sub(used))).min_by_key(|(_, left)| *left)
}

fn told(lane: &Lane, parts: &[(&Seat, Load)], run: &Run, stands: Option<Words>, used: Used, asked: &Question<'_>) -> LaneForecast {
    let sum = |of: fn(&Load) -> u64| parts.iter().map(|(_, load)| of(load)).sum::<u64>();
    let quota = tightest(lane, used, asked.message.class).map(|(limit, left)| QuotaForecast {
        limit,
        left,
        ends_at: run.quota_out.map(|(at, _)| at),
        short: run.quota_out.map_or(0, |(_, n)| n),
    });
    LaneForecast {
        vendor: lane.vendor,
        devices: sum(|load| load.devices),
        requests: sum(|load| load.requests),
        pace: per_second(lane),
        sent: run.sent,
        missed: run.missed,
        hushed: run.hushed,
        unsayable: sum(|load| load.unsayable),
        held: parts.iter().filter(|(seat, _)| seat.held_until > 0).map(|(_, load)| load.devices).sum(),
        ahead: run.ahead,
        first_at: run.first_at,
        finish_at: run.finish_at,
        quota,
        stands,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_scaled_and_the_whole_is_not() {
        assert_eq!(scale(7, 100, 100), 7);
        assert_eq!(scale(7, 100, 10), 70);
        assert_eq!(scale(7, 0, 0), 7);
        assert_eq!(scale(u64::MAX, 3, 1), u64::MAX);
    }
}
