//! How far a campaign is: the equation per lane, the rate of the last seconds, when it will be done, why it waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use types::Millis;
use types::funnel::{Funnel, FunnelLane};
use types::hours::Hours;
use types::life::MessageState;
use types::policy::Rules;
use types::text::Words;
use types::vendor::Vendor;
use types::views::campaigns::LaneProgress;

use super::audience::per_second;
use crate::policy::quiet::done_at;
use crate::storage::apps::Lane;

/// Length of the window a rate is measured over.
const WINDOW_MS: Millis = 10_000;
/// Points closer together than this add nothing.
const STEP_MS: Millis = 400;
/// Less than this is no measurement.
const SHORTEST_MS: Millis = 900;
/// A window nobody added to for so long is forgotten.
const FORGET_MS: Millis = 60_000;

type Done = BTreeMap<Option<Vendor>, u64>;
/// Points of one message over the window.
type Points = VecDeque<(Millis, Done)>;

/// Counts of outcomes over the last seconds, per message. In memory: a restart measures anew.
#[derive(Clone, Default)]
pub struct Rates(Arc<Mutex<BTreeMap<i64, Points>>>);

impl Rates {
    /// Adds a point and answers outcomes per second by lane; a lane is missing while nothing can be said.
    pub fn note(&self, message_no: i64, now: Millis, funnel: &Funnel) -> BTreeMap<Option<Vendor>, f64> {
        let done: Done = funnel.lanes.iter().map(|lane| (lane.vendor, lane.equation.done())).collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, points| points.back().is_some_and(|(at, _)| now - at < FORGET_MS));
        let points = all.entry(message_no).or_default();
        if points.back().is_none_or(|(at, _)| now - at >= STEP_MS) {
            points.push_back((now, done.clone()));
        }
        while points.len() > 1 && points.front().is_some_and(|(at, _)| now - at > WINDOW_MS) {
            points.pop_front();
        }
        let Some((first, earlier)) = points.front() else { return BTreeMap::new() };
        if now - first < SHORTEST_MS {
            return BTreeMap::new();
        }
        let seconds = (now - first) as f64 / 1_000.0;
        done.into_iter().map(|(lane, n)| (lane, n.saturating_sub(earlier.get(&lane).copied().unwrap_or(0)) as f64 / seconds)).collect()
    }
}

/// All that a lane's row is made from.
pub struct Facts<'a> {
    pub counted: &'a FunnelLane,
    /// `None` for recipients without a lane.
    pub lane: Option<&'a Lane>,
    pub rate: Option<f64>,
    pub message: MessageState,
    /// What the send stage says of this lane (breaker, quota, slowed), in words.
    pub hold: Option<&'a Words>,
    /// Why nothing goes now by the app's clock: its own hours, quiet hours.
    pub shut: Option<&'a Words>,
    /// Its hours are each user's own.
    pub by_zone: Option<&'a Words>,
    pub rules: &'a Rules,
    pub hours: Option<Hours>,
    pub now: Millis,
}

/// One row. Pure.
pub fn lane_progress(facts: &Facts<'_>) -> LaneProgress {
    let equation = facts.counted.equation;
    let allowed = facts.lane.map(per_second);
    let moving = matches!(facts.message, MessageState::Planning | MessageState::Sending);
    let stopped = !moving || facts.lane.is_some_and(|lane| lane.paused.is_some() || !lane.settings.enabled);
    let speed = match (facts.rate, allowed) {
        // A start is slower than what follows: until something was measured, the pace is the best answer.
        (Some(rate), Some(allowed)) if rate > 0.0 => Some(rate.min(allowed)),
        (None, Some(allowed)) => Some(allowed),
        // Nothing is measured while it waits for its hours.
        (_, Some(allowed)) if facts.shut.is_some() => Some(allowed),
        _ => None,
    };
    let eta = match speed {
        Some(speed) if equation.waiting > 0 && !stopped && speed > 0.0 => {
            done_at(facts.rules, facts.hours, facts.now, (equation.waiting as f64 / speed * 1_000.0).ceil() as Millis)
        }
        _ => None,
    };
    LaneProgress {
        vendor: facts.counted.vendor,
        failed: equation.refused + equation.expired + equation.uncertain,
        rate: if equation.waiting == 0 { None } else { facts.rate },
        eta,
        why_waiting: if equation.waiting == 0 { None } else { why(facts, allowed) },
        equation,
    }
}

fn why(facts: &Facts<'_>, allowed: Option<f64>) -> Option<Words> {
    match facts.message {
        MessageState::Paused => return Some(Words::new("任务已暂停", "the campaign is paused")),
        MessageState::Cancelled => return Some(Words::new("正在取消", "being cancelled")),
        _ => {}
    }
    if let Some(lane) = facts.lane {
        if let Some(reason) = &lane.paused {
            return Some(Words::new(format!("通道已停：{reason}"), format!("the lane is stopped: {reason}")));
        }
        if !lane.settings.enabled {
            return Some(Words::new("通道被关闭，请到应用页打开", "the lane is switched off; switch it on at the app's page"));
        }
    }
    if let Some(shut) = facts.shut {
        return Some(shut.clone());
    }
    if let Some(hold) = facts.hold {
        return Some(hold.clone());
    }
    match (facts.rate, allowed) {
        (Some(rate), Some(allowed)) if rate >= allowed * 0.8 => {
            let pace = allowed.round();
            Some(Words::new(format!("通道限速每秒 {pace} 台"), format!("the lane's pace is {pace} devices a second")))
        }
        (Some(rate), _) if rate <= 0.0 && facts.by_zone.is_some() => facts.by_zone.cloned(),
        (Some(rate), _) if rate <= 0.0 => Some(Words::new("在排队：更急的消息先发", "in line behind more urgent messages")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use types::funnel::Equation;

    use super::*;
    use crate::storage::apps::LaneSettings;

    fn lane(paused: Option<&str>) -> Lane {
        Lane {
            no: 1,
            app_no: 1,
            vendor: Vendor::Xiaomi,
            settings: LaneSettings {
                enabled: true,
                base_url: String::new(),
                ca_pem: None,
                pace_per_second: 2,
                batch: 50,
                in_flight: 1,
                daily_quota: 0,
                egress_proxy: None,
                timeout_ms: 1,
                ..LaneSettings::default()
            },
            paused: paused.map(str::to_owned),
        }
    }

    fn counted(waiting: u64, accepted: u64) -> FunnelLane {
        let equation = Equation { planned: waiting + accepted, waiting, accepted, ..Equation::default() };
        FunnelLane { vendor: Some(Vendor::Xiaomi), equation, ..FunnelLane::default() }
    }

    #[test]
    fn a_rate_is_what_was_done_in_the_window() {
        let rates = Rates::default();
        let at = |n: u64| Funnel { lanes: vec![counted(10_000 - n, n)], ..Funnel::default() };
        assert!(rates.note(1, 0, &at(0)).is_empty(), "one point is no rate");
        assert_eq!(rates.note(1, 2_000, &at(200))[&Some(Vendor::Xiaomi)], 100.0);
        for second in 3..=20 {
            rates.note(1, second * 1_000, &at(200));
        }
        assert_eq!(rates.note(1, 21_000, &at(200))[&Some(Vendor::Xiaomi)], 0.0, "what is older than ten seconds is forgotten");
    }

    #[test]
    fn the_row_says_when_it_is_done_and_why_it_waits() {
        let counted = counted(1_000, 0);
        let open = lane(None);
        let rules = Rules::default();
        let facts = |lane, rate, message| Facts {
            counted: &counted,
            lane: Some(lane),
            rate,
            message,
            hold: None,
            shut: None,
            by_zone: None,
            rules: &rules,
            hours: None,
            now: 0,
        };
        let fresh = lane_progress(&facts(&open, None, MessageState::Sending));
        assert_eq!((fresh.eta, fresh.why_waiting), (Some(10_000), None), "unmeasured: the pace of 2 x 50 a second");
        let paced = lane_progress(&facts(&open, Some(100.0), MessageState::Sending));
        assert_eq!(paced.why_waiting.unwrap().en, "the lane's pace is 100 devices a second");
        let slow = lane_progress(&facts(&open, Some(10.0), MessageState::Sending));
        assert_eq!((slow.eta, slow.why_waiting), (Some(100_000), None));
        let paused = lane_progress(&facts(&open, Some(10.0), MessageState::Paused));
        assert_eq!((paused.eta, paused.why_waiting.unwrap().en.as_str()), (None, "the campaign is paused"));
        let (shut, by_zone) = (Words::new("关", "outside its sending hours"), Words::new("等", "in each user's zone"));
        // 08:00 in Shanghai at 0; it opens at nine, and 1,000 at 100 a second are done ten seconds later.
        let hours = Some(Hours { from: 540, to: 1_200, by: types::policy::ZoneOf::App });
        let outside = Facts { shut: Some(&shut), hours, ..facts(&open, Some(0.0), MessageState::Sending) };
        let outside = lane_progress(&outside);
        assert_eq!((outside.eta, outside.why_waiting.unwrap().en.as_str()), (Some(3_610_000), "outside its sending hours"));
        let zones = lane_progress(&Facts { by_zone: Some(&by_zone), ..facts(&open, Some(0.0), MessageState::Sending) });
        assert_eq!(zones.why_waiting.unwrap().en, "in each user's zone");
        let stopped = lane(Some("auth: bad key"));
        let held = lane_progress(&facts(&stopped, Some(0.0), MessageState::Sending));
        assert_eq!((held.eta, held.why_waiting.unwrap().en.as_str()), (None, "the lane is stopped: auth: bad key"));
    }
}
