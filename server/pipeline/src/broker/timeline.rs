//! When one lane would be done: a walk through time from event to event. Pure.
//!
//! What waits is served as lanes claim it: by rank, what is due before the line is worked off by deadline, the rest side by side (as
//! `turns` says); at the lane's pace; not in quiet hours, not over the day's
//! quota, not while the lane stands still. What a vendor answers is not foreseen.

use types::Millis;
use types::content::{MessageClass, Rank};
use types::hours::Hours;
use types::policy::{About, Rules};

use super::turns;
use crate::policy::next_beijing_midnight;
use crate::policy::quiet::{self, Hush};
use crate::storage::chunks::Flow;

/// More events than any real lane has in thirty days.
const EVENTS_MAX: usize = 50_000;
/// Less than this of a device is dust of arithmetic.
const DUST: f64 = 1e-6;

/// Devices that wait together.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub zone: Option<String>,
    pub not_before: Millis,
    pub devices: f64,
    /// What one device takes of the lane's pace, in the vendor's own unit.
    pub cost: f64,
}

/// One message in this lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub arrives: Millis,
    pub deadline: Millis,
    pub rank: Rank,
    pub business: String,
    /// Its own hours.
    pub hours: Option<Hours>,
    /// Older goes first.
    pub age: i64,
    /// Whether the rules' quiet hours are asked about it (of what is only known as a number they are not).
    pub asks: bool,
    pub parts: Vec<Part>,
}

/// The lane's quota of the day: what each class may use of it, and what was used today.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    pub transactional: f64,
    pub bulk: f64,
    pub used: f64,
    /// Marketing's own quota of a day, and what was used of it today.
    pub marketing: Option<(f64, f64)>,
}

impl Quota {
    const fn of(&self, class: MessageClass) -> f64 {
        match class {
            MessageClass::Transactional => self.transactional,
            MessageClass::Bulk => self.bulk,
        }
    }
}

pub struct Track<'a> {
    pub now: Millis,
    pub rules: &'a Rules,
    /// Units a second.
    pub pace: f64,
    /// The lane sends nothing before; `Millis::MAX` = until somebody mends it.
    pub closed_until: Millis,
    pub quota: Option<Quota>,
}

/// What becomes of one job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    pub first_at: Option<Millis>,
    /// When its last device was sent to.
    pub finish_at: Option<Millis>,
    pub sent: u64,
    pub missed: u64,
    /// Left out by quiet hours that began meanwhile, or that end too late.
    pub hushed: u64,
    /// Devices of others sent to between its arrival and its end.
    pub ahead: u64,
    /// When the quota first ran out while it waited, and how many devices of it still waited then.
    pub quota_out: Option<(Millis, u64)>,
}

/// Whether a part may go now, and when to ask again.
enum Ready {
    Yes,
    From(Millis),
    Never,
}

struct Walk<'a, 'b> {
    track: &'b Track<'a>,
    t: Millis,
    used: f64,
    marketing: f64,
    day: Millis,
}

impl Walk<'_, '_> {
    fn ready(&self, job: &Job, part: &Part) -> Ready {
        if job.asks {
            let about = About { class: job.rank.class(), business: &job.business, hours: job.hours };
            match quiet::hush(self.track.rules, about, part.zone.as_deref(), self.t) {
                Hush::Drop { .. } => return Ready::Never,
                Hush::Hold { until, .. } if until >= job.deadline => return Ready::Never,
                Hush::Hold { until, .. } => return Ready::From(until.max(part.not_before)),
                Hush::Go => {}
            }
        }
        if part.not_before > self.t {
            return Ready::From(part.not_before);
        }
        if self.track.closed_until > self.t {
            return Ready::From(self.track.closed_until);
        }
        if self.left(job.rank.class()) < DUST { Ready::From(self.day) } else { Ready::Yes }
    }

    fn left(&self, class: MessageClass) -> f64 {
        let Some(quota) = self.track.quota else { return f64::INFINITY };
        let own = quota.marketing.filter(|_| class == MessageClass::Bulk).map_or(f64::INFINITY, |(limit, _)| limit - self.marketing);
        (quota.of(class) - self.used).min(own).max(0.0)
    }

    /// When what is served now may have to stop by itself.
    fn hush_begins(&self, job: &Job, part: &Part) -> Option<Millis> {
        let about = About { class: job.rank.class(), business: &job.business, hours: job.hours };
        job.asks.then(|| quiet::next_begin(self.track.rules, about, part.zone.as_deref(), self.t)).flatten()
    }
}

/// Walks until job `ours` is over.
pub fn run(track: &Track<'_>, jobs: &[Job], ours: usize) -> Run {
    let mut jobs = jobs.to_vec();
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|i| (jobs[*i].rank, jobs[*i].deadline, jobs[*i].age));
    let mut walk = Walk {
        track,
        t: track.now,
        used: track.quota.map_or(0.0, |q| q.used),
        marketing: track.quota.and_then(|q| q.marketing).map_or(0.0, |(_, used)| used),
        day: next_beijing_midnight(track.now),
    };
    let mut out = Run::default();
    let total: f64 = jobs[ours].parts.iter().map(|part| part.devices).sum();
    let (mut sent, mut hushed, mut missed, mut ahead) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..EVENTS_MAX {
        if walk.t >= walk.day {
            (walk.used, walk.marketing, walk.day) = (0.0, 0.0, next_beijing_midnight(walk.t));
        }
        // What ended without being sent.
        for (i, job) in jobs.iter_mut().enumerate().filter(|(_, job)| job.arrives <= walk.t) {
            let late = walk.t >= job.deadline;
            let gone: Vec<bool> = job.parts.iter().map(|part| late || matches!(walk.ready(job, part), Ready::Never)).collect();
            for (part, gone) in job.parts.iter_mut().zip(gone) {
                if gone {
                    let n = std::mem::take(&mut part.devices);
                    match (i == ours, late) {
                        (true, true) => missed += n,
                        (true, false) => hushed += n,
                        (false, _) => {}
                    }
                }
            }
            job.parts.retain(|part| part.devices > DUST);
        }
        if jobs[ours].arrives <= walk.t && jobs[ours].parts.is_empty() {
            break;
        }
        // Those of the best rank that may go, a part of each; when things may change without them.
        let mut next = jobs[ours].deadline;
        let mut best: Vec<(usize, usize)> = Vec::new();
        for &i in &order {
            let job = &jobs[i];
            if job.parts.is_empty() {
                continue;
            }
            if job.arrives > walk.t {
                next = next.min(job.arrives);
                continue;
            }
            next = next.min(job.deadline);
            for (p, part) in job.parts.iter().enumerate() {
                match walk.ready(job, part) {
                    Ready::Yes => {
                        let (same, again) =
                            (best.first().is_none_or(|(b, _)| jobs[*b].rank == job.rank), best.last().is_some_and(|b| b.0 == i));
                        if same && !again {
                            best.push((i, p));
                        }
                    }
                    Ready::From(at) => next = next.min(at),
                    Ready::Never => {}
                }
            }
        }
        let mine = &jobs[ours];
        if mine.arrives <= walk.t && out.quota_out.is_none() && walk.left(mine.rank.class()) < DUST {
            let waits: f64 = mine.parts.iter().map(|part| part.devices).sum();
            out.quota_out = Some((walk.t, waits.round() as u64));
        }
        let Some(&(first, _)) = best.first() else {
            walk.t = next.max(walk.t + 1);
            continue;
        };
        let cost = |(i, p): &(usize, usize)| jobs[*i].parts[*p].cost.max(1e-9);
        let waits: f64 = best.iter().map(|at| jobs[at.0].parts[at.1].devices * cost(at)).sum();
        let flows = [Flow { no: 0, recipients: waits.ceil() as u64, deadline: jobs[first].deadline }];
        if jobs[first].rank == Rank::Urgent || turns::near(walk.t, &flows, track.pace) > 0 {
            best.truncate(1);
        }
        next = next.min(walk.day);
        let begins = best.iter().filter_map(|(i, p)| walk.hush_begins(&jobs[*i], &jobs[*i].parts[*p])).min();
        next = next.min(begins.unwrap_or(next));
        // Each of them so many.
        let class = jobs[first].rank.class();
        let per_second = track.pace.max(1e-9) / best.iter().map(cost).sum::<f64>();
        let window = (next - walk.t).max(1) as f64 / 1_000.0;
        let least = best.iter().map(|(i, p)| jobs[*i].parts[*p].devices).fold(f64::INFINITY, f64::min);
        let n = least.min(per_second * window).min(walk.left(class) / best.len() as f64);
        let begun = walk.t;
        let took = (n / per_second * 1_000.0).ceil().max(1.0) as Millis;
        walk.t = (walk.t + took).min(next.max(walk.t + 1));
        for (i, p) in best {
            walk.used += n;
            if class == MessageClass::Bulk {
                walk.marketing += n;
            }
            jobs[i].parts[p].devices -= n;
            if i == ours {
                sent += n;
                out.first_at = out.first_at.or(Some(begun));
                out.finish_at = Some(walk.t);
            } else if jobs[ours].arrives <= begun {
                ahead += n;
            }
        }
    }
    // A walk that was cut leaves nobody out of the count.
    missed += (total - sent - missed - hushed).max(0.0);
    (out.missed, out.hushed) = (missed.round() as u64, hushed.round() as u64);
    out.sent = (total.round() as u64).saturating_sub(out.missed + out.hushed);
    out.ahead = ahead.round() as u64;
    if out.sent == 0 {
        (out.first_at, out.finish_at) = (None, None);
    }
    out
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
