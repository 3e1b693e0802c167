//! How far a lane is to be trusted: success and receipts of the last minutes, decaying, with hysteresis and a staged return.
//! Pure but for the shared map; time is an argument. In memory: after a restart every lane starts with trust.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use types::Millis;
use types::content::MessageClass;
use types::vendor::Vendor;

/// What happened counts half after this long.
const HALF_LIFE_MS: f64 = 300_000.0;
/// Receipts are expected within this time; only then does an accepted message count as unacknowledged.
const RECEIPT_WAIT_MS: Millis = 120_000;
/// Fewer answers (receipts) than this say nothing.
const ANSWERS_MIN: f64 = 50.0;
const RECEIPTS_MIN: f64 = 200.0;
/// Below the first a lane is poor, above the second it is trusted again.
const SUCCESS_LOW: f64 = 0.5;
const SUCCESS_HIGH: f64 = 0.8;
const RECEIPTS_LOW: f64 = 0.2;
const RECEIPTS_HIGH: f64 = 0.4;
/// A poor lane keeps this share, so that its history can mend.
const POOR_SHARE: f64 = 0.05;
/// After the reason is gone: (for how long, which share).
const RETURN: [(Millis, f64); 2] = [(30_000, 0.1), (60_000, 0.5)];

/// A count that forgets.
#[derive(Clone, Copy, Debug, Default)]
struct Decay {
    good: f64,
    all: f64,
    at: Millis,
}

impl Decay {
    fn roll(&mut self, now: Millis) {
        if now > self.at {
            let left = 0.5f64.powf((now - self.at) as f64 / HALF_LIFE_MS);
            self.good *= left;
            self.all *= left;
            self.at = now;
        }
    }

    fn add(&mut self, now: Millis, good: f64, all: f64) {
        self.roll(now);
        self.good += good;
        self.all += all;
    }

    fn ratio(&self, least: f64) -> Option<f64> {
        (self.all >= least).then(|| (self.good / self.all).clamp(0.0, 1.0))
    }
}

/// How a lane stands in the order.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Standing {
    #[default]
    Fit,
    /// Behind the other lanes of a device; a trickle goes on.
    Poor { why: String },
    /// Nothing new, as long as a device has another lane.
    Out { why: String, since: Millis },
    /// Trusted with a part again.
    Returning { since: Millis },
}

#[derive(Clone, Debug, Default)]
struct History {
    answers: Decay,
    receipts: Decay,
    /// Accepted ones whose receipts may still come: (when, how many).
    young: VecDeque<(Millis, u64)>,
    /// A receipt has come at all: without one the callback may not be set up, and silence says nothing.
    heard: bool,
    /// Since when and why one class cannot go (its quota is used up), as the lane itself says.
    shut: BTreeMap<MessageClass, (Millis, String)>,
    /// Why nothing can go now (tripped, stopped), as the lane itself says.
    halted: Option<String>,
    standing: Standing,
}

impl History {
    fn mature(&mut self, now: Millis) {
        while let Some((at, n)) = self.young.front().copied().filter(|(at, _)| now - at >= RECEIPT_WAIT_MS) {
            self.receipts.add(at.max(self.receipts.at), 0.0, n as f64);
            self.young.pop_front();
        }
        self.receipts.roll(now);
        self.answers.roll(now);
    }

    fn settle(&mut self, now: Millis) {
        self.mature(now);
        let success = self.answers.ratio(ANSWERS_MIN);
        let receipts = self.receipts.ratio(RECEIPTS_MIN).filter(|_| self.heard);
        let low = |ratio: Option<f64>, bar: f64| ratio.is_some_and(|r| r < bar);
        let percent = |ratio: Option<f64>| ratio.map_or(0.0, |r| r * 100.0);
        let was = std::mem::take(&mut self.standing);
        self.standing = match (was, self.halted.clone()) {
            (Standing::Out { since, .. }, Some(why)) => Standing::Out { why, since },
            (_, Some(why)) => Standing::Out { why, since: now },
            (Standing::Out { .. }, None) => {
                // What failed while it was out must not judge the lane that came back.
                self.answers = Decay { at: now, ..Decay::default() };
                Standing::Returning { since: now }
            }
            (Standing::Returning { since }, None) if now - since < RETURN.iter().map(|(ms, _)| ms).sum() => {
                if low(success, SUCCESS_LOW) {
                    Standing::Poor { why: format!("{:.0} % of its answers were good since it came back", percent(success)) }
                } else {
                    Standing::Returning { since }
                }
            }
            (Standing::Poor { why }, None) if low(success, SUCCESS_HIGH) || low(receipts, RECEIPTS_HIGH) => Standing::Poor { why },
            (_, None) if low(success, SUCCESS_LOW) => {
                Standing::Poor { why: format!("{:.0} % of its last answers were good", percent(success)) }
            }
            (_, None) if low(receipts, RECEIPTS_LOW) => {
                Standing::Poor { why: format!("{:.0} % of its last messages were acknowledged", percent(receipts)) }
            }
            _ => Standing::Fit,
        };
    }
}

impl Standing {
    /// The share of devices that may take this lane before another one of theirs.
    pub fn share(&self, now: Millis) -> f64 {
        match self {
            Standing::Fit => 1.0,
            Standing::Poor { .. } => POOR_SHARE,
            Standing::Out { .. } => 0.0,
            Standing::Returning { since } => {
                let mut from = *since;
                for (long, share) in RETURN {
                    from += long;
                    if now < from {
                        return share;
                    }
                }
                1.0
            }
        }
    }

    /// In words for "why this lane", `None` when it is fit.
    pub fn words(&self, now: Millis) -> Option<String> {
        match self {
            Standing::Fit => None,
            Standing::Poor { why } | Standing::Out { why, .. } => Some(why.clone()),
            Standing::Returning { .. } => Some(format!("coming back, takes {:.0} % for now", self.share(now) * 100.0)),
        }
    }
}

/// The lanes of one app as routing sees them at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standings {
    pub now: Millis,
    of: BTreeMap<Vendor, Standing>,
}

impl Standings {
    pub fn of(&self, vendor: Vendor) -> &Standing {
        static FIT: Standing = Standing::Fit;
        self.of.get(&vendor).unwrap_or(&FIT)
    }

    /// May this device use the lane before another one of its own? The same answer for the same device while a stage lasts.
    pub fn takes(&self, vendor: Vendor, device_no: i64) -> bool {
        let share = self.of(vendor).share(self.now);
        share >= 1.0 || (share > 0.0 && unit(device_no, vendor) < share)
    }

    #[cfg(test)]
    pub fn with(now: Millis, list: impl IntoIterator<Item = (Vendor, Standing)>) -> Standings {
        Standings { now, of: list.into_iter().collect() }
    }
}

/// 0..1, spread evenly over devices.
fn unit(device_no: i64, vendor: Vendor) -> f64 {
    let hash = xxhash_rust::xxh3::xxh3_64(&[device_no.to_le_bytes(), vendor.code().to_le_bytes()].concat());
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// Every lane's history, shared by lanes (answers), receipts and the broker.
#[derive(Clone, Default)]
pub struct Healths(Arc<Mutex<BTreeMap<(i64, Vendor), History>>>);

impl Healths {
    fn change<T>(&self, app_no: i64, vendor: Vendor, change: impl FnOnce(&mut History) -> T) -> T {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((app_no, vendor)).or_default())
    }

    /// `asked` device messages were answered, `accepted` of them well. Refusals that speak of the device or the content are
    /// no fault of the lane and are not to be passed here.
    pub fn answered(&self, app_no: i64, vendor: Vendor, now: Millis, accepted: u64, asked: u64) {
        if asked > 0 {
            self.change(app_no, vendor, |history| {
                history.answers.add(now, accepted as f64, asked as f64);
                if accepted > 0 {
                    history.young.push_back((now, accepted));
                    history.mature(now);
                }
            });
        }
    }

    /// `n` receipts proved an arrival.
    pub fn acknowledged(&self, app_no: i64, vendor: Vendor, now: Millis, n: u64) {
        if n > 0 {
            self.change(app_no, vendor, |history| {
                history.heard = true;
                history.receipts.add(now, n as f64, 0.0);
            });
        }
    }

    /// The lane itself says that nothing can go, or that it can again.
    pub fn halted(&self, app_no: i64, vendor: Vendor, now: Millis, why: Option<String>) {
        self.change(app_no, vendor, |history| {
            history.halted = why;
            history.settle(now);
        });
    }

    /// The lane itself says that messages of one class cannot go, or that they can again; then at once all of them.
    pub fn shut(&self, app_no: i64, vendor: Vendor, class: MessageClass, now: Millis, why: Option<String>) {
        self.change(app_no, vendor, |history| match why {
            Some(why) => history.shut.entry(class).or_insert((now, String::new())).1 = why,
            None => drop(history.shut.remove(&class)),
        });
    }

    /// How the lane stands for messages of a class.
    pub fn standing(&self, app_no: i64, vendor: Vendor, class: MessageClass, now: Millis) -> Standing {
        self.change(app_no, vendor, |history| {
            history.settle(now);
            match (&history.standing, history.shut.get(&class)) {
                (out @ Standing::Out { .. }, _) => out.clone(),
                (_, Some((since, why))) => Standing::Out { why: why.clone(), since: *since },
                (standing, None) => standing.clone(),
            }
        })
    }

    pub fn standings(&self, app_no: i64, vendors: impl IntoIterator<Item = Vendor>, class: MessageClass, now: Millis) -> Standings {
        Standings { now, of: vendors.into_iter().map(|vendor| (vendor, self.standing(app_no, vendor, class, now))).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: Vendor = Vendor::Huawei;
    const START: Millis = 1_000_000;
    const BULK: MessageClass = MessageClass::Bulk;
    const URGENT: MessageClass = MessageClass::Transactional;

    #[test]
    fn a_class_without_quota_stands_back_and_the_other_one_goes_on() {
        let healths = Healths::default();
        healths.shut(1, V, BULK, START, Some("its quota is used up".into()));
        healths.shut(1, V, BULK, START + 1_000, Some("its quota is used up".into()));
        let out = Standing::Out { why: "its quota is used up".into(), since: START };
        assert_eq!(healths.standing(1, V, BULK, START + 2_000), out, "since it began");
        assert_eq!(healths.standing(1, V, URGENT, START + 2_000), Standing::Fit);
        healths.shut(1, V, BULK, START + 3_000, None);
        assert_eq!(healths.standing(1, V, BULK, START + 3_000), Standing::Fit, "a new day takes all of them");
    }

    #[test]
    fn an_outage_takes_a_lane_out_and_lets_it_back_in_stages() {
        let healths = Healths::default();
        assert_eq!(healths.standing(1, V, BULK, START), Standing::Fit);
        healths.halted(1, V, START, Some("breaker tripped".into()));
        assert_eq!(healths.standing(1, V, BULK, START + 5_000), Standing::Out { why: "breaker tripped".into(), since: START });
        assert_eq!(healths.standings(1, [V], BULK, START).of(V).share(START), 0.0);
        healths.halted(1, V, START + 60_000, None);
        let shares: Vec<f64> =
            [60_000, 89_999, 90_000, 149_999, 150_000].map(|at| healths.standing(1, V, BULK, START + at).share(START + at)).to_vec();
        assert_eq!(shares, [0.1, 0.1, 0.5, 0.5, 1.0]);
        assert_eq!(healths.standing(1, V, BULK, START + 160_000), Standing::Fit);
        assert_eq!(healths.standing(2, V, BULK, START), Standing::Fit, "another app is another lane");
    }

    #[test]
    fn bad_answers_make_it_poor_and_only_good_ones_mend_it() {
        let healths = Healths::default();
        healths.answered(1, V, START, 10, 40);
        assert_eq!(healths.standing(1, V, BULK, START), Standing::Fit, "too few to tell");
        healths.answered(1, V, START, 0, 20);
        assert!(matches!(healths.standing(1, V, BULK, START), Standing::Poor { .. }));
        healths.answered(1, V, START + 1_000, 60, 60);
        assert!(matches!(healths.standing(1, V, BULK, START + 1_000), Standing::Poor { .. }), "58 % is not yet trust");
        healths.answered(1, V, START + 2_000, 200, 200);
        assert_eq!(healths.standing(1, V, BULK, START + 2_000), Standing::Fit);
    }

    #[test]
    fn silence_of_receipts_counts_only_when_they_are_due_and_were_ever_heard() {
        let healths = Healths::default();
        healths.answered(1, V, START, 1_000, 1_000);
        assert_eq!(healths.standing(1, V, BULK, START + 200_000), Standing::Fit, "no receipt ever: the callback may not be set up");
        healths.acknowledged(1, V, START + 200_000, 50);
        let poor = healths.standing(1, V, BULK, START + 200_000);
        assert!(matches!(&poor, Standing::Poor { why } if why.contains("acknowledged")), "{poor:?}");
        healths.answered(1, V, START + 200_000, 5_000, 5_000);
        healths.acknowledged(1, V, START + 210_000, 4_000);
        assert_eq!(healths.standing(1, V, BULK, START + 210_000), Standing::Fit, "the new ones are not due yet");
        // An old fault is forgotten.
        let healths = Healths::default();
        healths.answered(1, V, START, 0, 60);
        assert!(matches!(healths.standing(1, V, BULK, START), Standing::Poor { .. }));
        assert_eq!(healths.standing(1, V, BULK, START + 3_600_000), Standing::Fit);
    }

    #[test]
    fn a_share_is_that_share_of_devices_and_steady() {
        let standings = Standings::with(START, [(V, Standing::Returning { since: START })]);
        let taken = (0..10_000).filter(|no| standings.takes(V, *no)).count();
        assert!((800..1_200).contains(&taken), "{taken}");
        assert_eq!(standings.takes(V, 7), standings.takes(V, 7));
        assert!(standings.takes(Vendor::Xiaomi, 7));
    }
}
