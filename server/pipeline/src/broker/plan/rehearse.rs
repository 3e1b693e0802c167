//! A rehearsal: the steps of planning over a crowd, by the functions of planning, with nothing written and no slot claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use types::Millis;
use types::life::{MessageState, Outcome};
use types::vendor::Vendor;

use super::{BLOCKS_PER_STEP, Context, Planner, Sorter, sort};
use crate::broker::ask::{self, Needs};
use crate::broker::route::OpenLane;
use crate::storage::Result;
use crate::storage::frame::Recipient;
use crate::storage::messages::Message;

/// Steps on their way at once: one waits for the store while another is sorted.
const AT_ONCE: usize = 3;

/// How much of a crowd is looked at. Cut short, what was seen is spread evenly over it.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub steps: usize,
    pub within: Duration,
}

impl Share {
    /// Everybody, unless that takes longer than a person waits for a page.
    pub const WHOLE: Share = Share { steps: usize::MAX, within: Duration::from_secs(20) };
    /// While somebody composes.
    pub const GLANCE: Share = Share { steps: 2, within: Duration::from_secs(5) };
}

/// Those of a lane that wait together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    pub vendor: Vendor,
    pub zone: Option<String>,
    /// Quiet hours hold them until then; 0 = they do not.
    pub held_until: Millis,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub devices: u64,
    pub requests: u64,
    /// The copy, filled for them, breaks the vendor's bound: no request.
    pub unsayable: u64,
}

/// What planning would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub rows: u64,
    pub planned: u64,
    /// Ended before any lane: (outcome, slug of the rule).
    pub dropped: BTreeMap<(Outcome, String), u64>,
    pub seats: BTreeMap<Seat, Load>,
    /// Rows without a value for a variable that has no fallback.
    pub missing: BTreeMap<String, u64>,
}

impl Counted {
    fn add(&mut self, other: Counted) {
        self.rows += other.rows;
        self.planned += other.planned;
        for (key, n) in other.dropped {
            *self.dropped.entry(key).or_default() += n;
        }
        for (seat, load) in other.seats {
            let mine = self.seats.entry(seat).or_default();
            mine.devices += load.devices;
            mine.requests += load.requests;
            mine.unsayable += load.unsayable;
        }
        for (name, n) in other.missing {
            *self.missing.entry(name).or_default() += n;
        }
    }
}

/// What every step asks.
struct Stage<'a> {
    context: &'a Context,
    policy: &'a crate::storage::policy::AppPolicy,
    needs: Needs,
    at: Millis,
    /// Recipients in one request, by lane.
    batches: BTreeMap<i64, usize>,
    /// Variables without a fallback that nobody gave for everybody.
    must: BTreeSet<String>,
    checked: bool,
}

/// The order in which `n` steps are looked at: wherever it is cut, what was seen lies evenly. Pure.
fn spread(n: usize) -> impl Iterator<Item = usize> {
    let common = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    // The golden section of n, moved on until it meets every place once.
    let mut stride = (n as f64 * 0.618_034) as usize;
    while n > 1 && common(stride.max(1), n) != 1 {
        stride += 1;
    }
    (0..n).map(move |i| i * stride.max(1) % n)
}

impl Planner {
    /// Counts what planning this message over its crowd would do at `at`. `blocks` = how many the crowd has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rehearse(&self, message: &Message, blocks: i64, at: Millis, share: Share) -> Result<Counted> {
        let context = self.context(message.app_no).await?;
        let policy = self.policies.of(message.app_no).await?;
        let lanes = self.storage.apps.lanes_of(message.app_no).await?;
        let batch = |lane: &crate::storage::apps::Lane| lane.settings.batch.clamp(1, lane.vendor.lane_defaults().batch) as usize;
        let must = types::copy::render(&message.content, &message.variables).1.into_iter().collect();
        let stage = Stage {
            context: &context,
            policy: &policy,
            needs: Needs::of(&policy, message),
            at,
            batches: lanes.iter().map(|lane| (lane.no, batch(lane))).collect(),
            must,
            checked: !types::copy::variables(&message.content).is_empty(),
        };
        let steps = usize::try_from(blocks.max(0).unsigned_abs().div_ceil(BLOCKS_PER_STEP.unsigned_abs())).unwrap_or(usize::MAX);
        let started = tokio::time::Instant::now();
        let chosen = spread(steps).take(share.steps).take_while(|_| started.elapsed() < share.within);
        let step = |i: usize| {
            let message = Message { cursor: i as i64 * BLOCKS_PER_STEP, state: MessageState::Planning, ..message.clone() };
            let stage = &stage;
            async move { self.rehearse_step(&message, stage).await }
        };
        let mut counted = Counted::default();
        let mut walking = futures::stream::iter(chosen).map(step).buffer_unordered(AT_ONCE);
        while let Some(part) = walking.next().await {
            counted.add(part?);
            // A page that counts must not hold up who sends.
            tokio::task::yield_now().await;
        }
        Ok(counted)
    }

    /// One step as `plan_together` takes it, up to the point where it would be written.
    async fn rehearse_step(&self, message: &Message, stage: &Stage<'_>) -> Result<Counted> {
        let gathered = self.gather(message).await?;
        let mut counted = Counted { rows: gathered.targets.len() as u64, ..Counted::default() };
        for name in &stage.must {
            let without = gathered.targets.iter().filter(|target| target.variables.get(name).is_none_or(|v| v.trim().is_empty()));
            let n = without.count() as u64;
            if n > 0 {
                counted.missing.insert(name.clone(), n);
            }
        }
        let targets: Vec<&super::Target> = gathered.targets.iter().collect();
        let reached = self.reach(message.app_no, &targets).await?;
        let mut sorter = sort(message, stage.context, gathered, reached);
        if stage.needs.any() {
            let answered = ask::ask(&self.storage, stage.policy, message, sorter.take(), stage.at).await?;
            sorter.groups = answered.groups;
            sorter.out.extend(answered.out);
        }
        count(sorter, message, stage, &mut counted);
        Ok(counted)
    }
}

fn count(sorter: Sorter<'_>, message: &Message, stage: &Stage<'_>, counted: &mut Counted) {
    for (_, outcome, reason) in &sorter.out {
        *counted.dropped.entry((*outcome, reason.slug.clone())).or_default() += 1;
    }
    counted.planned += sorter.out.len() as u64;
    for (together, (lane, mut recipients)) in sorter.groups {
        counted.planned += recipients.len() as u64;
        let seat = Seat { vendor: lane.vendor, zone: together.zone, held_until: together.held_until };
        let load = counted.seats.entry(seat).or_default();
        load.devices += recipients.len() as u64;
        if stage.checked {
            let before = recipients.len();
            let default_title = &stage.context.app.default_title;
            recipients = sayable(recipients, message, lane.vendor, default_title);
            load.unsayable += (before - recipients.len()) as u64;
        }
        load.requests += requests(&mut recipients, &lane, stage.batches.get(&lane.lane_no).copied().unwrap_or(1));
    }
}

/// Those whose own text keeps the vendor's bounds: the bounds the door asks of a copy.
fn sayable(recipients: Vec<Recipient>, message: &Message, vendor: Vendor, default_title: &str) -> Vec<Recipient> {
    let mut known: Option<(BTreeMap<String, String>, bool)> = None;
    let mut fits = |own: &BTreeMap<String, String>| {
        if let Some((values, fits)) = &known
            && values == own
        {
            return *fits;
        }
        let mut values = message.variables.clone();
        values.extend(own.iter().filter(|(_, v)| !v.trim().is_empty()).map(|(k, v)| (k.clone(), v.clone())));
        let (mut content, _) = types::copy::render(&message.content, &values);
        if content.title.trim().is_empty() {
            default_title.clone_into(&mut content.title);
        }
        let fits = types::meter::check(&content, &[vendor]).is_empty();
        known = Some((own.clone(), fits));
        fits
    };
    recipients.into_iter().filter(|recipient| fits(&recipient.variables)).collect()
}

/// Requests a lane needs for these: chunk by chunk, those who read the same together.
fn requests(recipients: &mut [Recipient], lane: &OpenLane, batch: usize) -> u64 {
    if batch <= 1 {
        return recipients.len() as u64;
    }
    recipients.sort_by_key(|r| (r.key, r.device_no));
    let of_chunk = |chunk: &[Recipient]| {
        let mut same: BTreeMap<&BTreeMap<String, String>, u64> = BTreeMap::new();
        for recipient in chunk {
            *same.entry(&recipient.variables).or_default() += 1;
        }
        same.values().map(|n| n.div_ceil(batch as u64)).sum::<u64>()
    };
    recipients.chunks(lane.chunk.max(1)).map(of_chunk).sum()
}

#[cfg(test)]
mod tests {
    use types::content::Content;
    use types::life::FilterRule;

    use super::*;

    #[test]
    fn every_step_is_met_once_and_a_part_lies_evenly() {
        for n in 0..200 {
            let mut met: Vec<usize> = spread(n).collect();
            met.sort_unstable();
            assert_eq!(met, (0..n).collect::<Vec<_>>(), "{n}");
        }
        let mut first: Vec<usize> = spread(1_000).take(10).collect();
        first.sort_unstable();
        let gaps = first.windows(2).map(|w| w[1] - w[0]);
        assert!(gaps.clone().max() < Some(200) && gaps.min() > Some(40), "{first:?}");
    }

    #[test]
    fn requests_are_counted_as_the_lane_will_make_them() {
        let lane = OpenLane { lane_no: 1, vendor: Vendor::Xiaomi, chunk: 10 };
        let person = |key: i64, name: &str| Recipient {
            key,
            variables: if name.is_empty() { BTreeMap::new() } else { [("n".to_owned(), name.to_owned())].into() },
            ..Recipient::default()
        };
        let mut same: Vec<Recipient> = (0..25).map(|i| person(i, "")).collect();
        assert_eq!(requests(&mut same, &lane, 10), 3);
        assert_eq!(requests(&mut same, &lane, 4), 3 + 3 + 2, "a chunk ends its last request");
        assert_eq!(requests(&mut same, &lane, 1), 25);
        let mut two: Vec<Recipient> = (0..10).map(|i| person(i, if i % 2 == 0 { "A" } else { "B" })).collect();
        assert_eq!(requests(&mut two, &lane, 10), 2, "two texts, two requests");
    }

    #[test]
    fn who_would_read_too_much_is_left_out_as_the_lane_will() {
        let message = Message { content: Content { title: "{{n}}".into(), body: "b".into(), ..Content::default() }, ..blank() };
        let person = |name: String| Recipient { variables: [("n".to_owned(), name)].into(), ..Recipient::default() };
        let list = vec![person("short".into()), person("长".repeat(200)), person("short".into())];
        assert_eq!(sayable(list, &message, Vendor::Xiaomi, "").len(), 2);
    }

    fn blank() -> Message {
        Message {
            no: 0,
            id: types::ids::MessageId::from_bytes([1; 16]),
            app_no: 1,
            campaign: None,
            origin: crate::storage::messages::Origin::Campaign,
            class: types::content::MessageClass::Bulk,
            rank: types::content::Rank::Bulk,
            business: String::new(),
            content: Content::default(),
            variables: BTreeMap::new(),
            targets: crate::storage::messages::Targets::Users { users: vec![] },
            vendor_order: vec![],
            versions: None,
            hours: None,
            state: MessageState::Planning,
            cursor: 0,
            deadline: 0,
            account: String::new(),
            address: String::new(),
            created_at: 0,
            finished_at: None,
            forgotten_at: None,
        }
    }

    #[test]
    fn parts_add_up() {
        let seat = Seat { vendor: Vendor::Apns, zone: None, held_until: 0 };
        let rule = (Outcome::Filtered, FilterRule::Cap.slug().to_owned());
        let part = Counted {
            rows: 2,
            planned: 3,
            dropped: [(rule.clone(), 1)].into(),
            seats: [(seat.clone(), Load { devices: 2, requests: 2, unsayable: 0 })].into(),
            missing: BTreeMap::new(),
        };
        let mut sum = part.clone();
        sum.add(part);
        assert_eq!((sum.rows, sum.planned, sum.dropped[&rule], sum.seats[&seat].devices), (4, 6, 2, 4));
    }
}
