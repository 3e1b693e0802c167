//! What a campaign would do, told before it does it; and afterwards what it did, beside it.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::funnel::{Equation, Funnel};
use crate::ids::CampaignId;
use crate::life::{CampaignState, FilterRule, Outcome};
use crate::text::{Text, Words};
use crate::vendor::{Environment, Vendor};

/// Recipients that no vendor would be asked about, and why. Devices; a row without a device counts 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// `Filtered`, or `Expired` where quiet hours end after the deadline.
    pub outcome: Outcome,
    /// Slug of a `FilterRule`.
    pub reason: String,
    pub devices: u64,
}

impl Dropped {
    /// What a person reads.
    pub fn name(&self) -> Words {
        let rule = FilterRule::parse(&self.reason).map_or_else(|| Words::new(&*self.reason, &*self.reason), |rule| rule.name().into());
        if self.outcome == Outcome::Expired {
            return Words::new(format!("{}，过截止才结束", rule.zh), format!("{}, past the deadline", rule.en));
        }
        rule
    }
}

/// The lane's own quota of the day, as far as this class may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaForecast {
    /// Of a whole day.
    pub limit: u64,
    /// Of today.
    pub left: u64,
    /// When it is used up while this campaign waits for it; `None` = it is enough.
    pub ends_at: Option<Millis>,
    /// Device messages of this campaign that it makes wait or miss.
    pub short: u64,
}

/// One lane. `devices = sent + missed + hushed + unsayable`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneForecast {
    pub vendor: Vendor,
    /// Planned for this lane.
    pub devices: u64,
    pub requests: u64,
    /// Device messages a second the lane may send.
    pub pace: f64,
    pub sent: u64,
    /// Still waiting at the deadline.
    pub missed: u64,
    /// Left out by quiet hours that begin while they wait.
    pub hushed: u64,
    /// The copy, filled for them, breaks the vendor's bound.
    pub unsayable: u64,
    /// Held by quiet hours at the start.
    pub held: u64,
    /// Device messages of others that this lane sends first.
    pub ahead: u64,
    pub first_at: Option<Millis>,
    pub finish_at: Option<Millis>,
    pub quota: Option<QuotaForecast>,
    /// Why it stands still, if it does.
    pub stands: Option<Words>,
}

/// Another campaign on the same lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherLoad {
    pub id: CampaignId,
    pub name: String,
    pub state: CampaignState,
    pub starts_at: Millis,
    /// Device messages still to be sent.
    pub devices: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// When it was made.
    pub at: Millis,
    pub starts_at: Millis,
    pub deadline: Millis,
    /// Rows of the crowd, and how many of them were looked at. When not all were, the figures are scaled up.
    pub rows: u64,
    pub looked_at: u64,
    pub planned: u64,
    pub dropped: Vec<Dropped>,
    pub lanes: Vec<LaneForecast>,
    /// Rows looked at that have no value for a variable without fallback: (variable, rows).
    pub missing: Vec<(String, u64)>,
    pub others: Vec<OtherLoad>,
    /// Why nothing of the app is sent now: its stop switch.
    pub stopped: Option<String>,
}

impl Forecast {
    fn sum(&self, of: impl Fn(&LaneForecast) -> u64) -> u64 {
        self.lanes.iter().map(of).sum()
    }

    /// Devices some vendor is asked about, in time or not: the size that decides about approval.
    pub fn reachable(&self) -> u64 {
        self.sum(|lane| lane.devices)
    }

    pub fn sent(&self) -> u64 {
        self.sum(|lane| lane.sent)
    }

    pub fn missed(&self) -> u64 {
        self.sum(|lane| lane.missed)
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.iter().map(|d| d.devices).sum::<u64>() + self.sum(|lane| lane.hushed + lane.unsayable)
    }

    /// The last lane's end; `None` while one of them never ends.
    pub fn finish_at(&self) -> Option<Millis> {
        self.lanes.iter().filter(|lane| lane.sent > 0).map(|lane| lane.finish_at).max()?
    }

    pub const fn is_sample(&self) -> bool {
        self.looked_at < self.rows
    }

    /// Every subtraction with its reason: what was left out before a lane, and on the way.
    pub fn subtractions(&self) -> Vec<Dropped> {
        let mut all = self.dropped.clone();
        let mut add = |rule: FilterRule, devices: u64| {
            if devices == 0 {
                return;
            }
            match all.iter_mut().find(|d| d.outcome == Outcome::Filtered && d.reason == rule.slug()) {
                Some(known) => known.devices += devices,
                None => all.push(Dropped { outcome: Outcome::Filtered, reason: rule.slug().to_owned(), devices }),
            }
        };
        add(FilterRule::QuietHours, self.sum(|lane| lane.hushed));
        add(FilterRule::Content, self.sum(|lane| lane.unsayable));
        all
    }
}

/// What became of it: one rule, forecast and fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFact {
    pub rule: Dropped,
    pub fact: u64,
}

/// One lane, forecast and fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneFact {
    pub vendor: Vendor,
    pub forecast: Option<LaneForecast>,
    pub equation: Equation,
    /// When its last chunk ended; `None` while something waits.
    pub finished_at: Option<Millis>,
}

/// The forecast that was shown when the person pressed start, beside what came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The start there was; the forecast's may have been some seconds off.
    pub started_at: Option<Millis>,
    pub equation: Equation,
    pub rules: Vec<RuleFact>,
    pub lanes: Vec<LaneFact>,
    pub finished_at: Option<Millis>,
}

/// Lays what came beside what was foretold. `ends` = when each lane's last chunk ended.
pub fn facts(forecast: &Forecast, funnel: &Funnel, ends: &[(Vendor, Millis)], finished_at: Option<Millis>) -> Facts {
    let came = |outcome: Outcome, reason: &str| -> u64 {
        funnel.losses.iter().filter(|loss| loss.outcome == outcome && loss.reason == reason).map(|loss| loss.devices).sum()
    };
    let mut rules: Vec<RuleFact> =
        forecast.subtractions().into_iter().map(|rule| RuleFact { fact: came(rule.outcome, &rule.reason), rule }).collect();
    for loss in &funnel.losses {
        let of_a_rule = loss.outcome == Outcome::Filtered || FilterRule::parse(&loss.reason).is_some();
        let known = |r: &RuleFact| r.rule.outcome == loss.outcome && r.rule.reason == loss.reason;
        if of_a_rule && !rules.iter().any(known) {
            let rule = Dropped { outcome: loss.outcome, reason: loss.reason.clone(), devices: 0 };
            rules.push(RuleFact { fact: came(loss.outcome, &loss.reason), rule });
        }
    }
    let mut lanes: Vec<LaneFact> = Vec::new();
    for vendor in Vendor::ALL {
        let forecast = forecast.lanes.iter().find(|lane| lane.vendor == vendor).cloned();
        let counted = funnel.lanes.iter().find(|lane| lane.vendor == Some(vendor));
        if forecast.is_none() && counted.is_none() {
            continue;
        }
        let equation = counted.map(|lane| lane.equation).unwrap_or_default();
        let end = ends.iter().find(|(of, _)| *of == vendor).map(|(_, at)| *at);
        lanes.push(LaneFact { vendor, forecast, equation, finished_at: end.filter(|_| equation.waiting == 0 && equation.planned > 0) });
    }
    Facts { started_at: None, equation: funnel.total, rules, lanes, finished_at }
}

/// The page before the button.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastView {
    pub id: CampaignId,
    pub name: String,
    pub app_name: String,
    pub environment: Environment,
    pub state: CampaignState,
    /// Before the start: made now. From the start on: the one that was shown. `None` = started before forecasts were kept, or
    /// there is nothing to forecast yet.
    pub forecast: Option<Forecast>,
    pub facts: Option<Facts>,
    /// Who pressed start although it must miss its deadline, and why.
    pub overruled: Option<Overruled>,
}

/// A start against the forecast's advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overruled {
    pub by: String,
    pub why: String,
}

/// A quota that is not enough, with the choices a person has.
pub const CHOICES: [Text; 4] = [
    Text::new("改到北京时间零点以后开始，用新一天的配额", "start after midnight in Beijing, when the quota begins anew"),
    Text::new("缩小人群", "choose a smaller crowd"),
    Text::new(
        "确属交易类的内容可改类别，它能用到留出的那一份",
        "if the content really is transactional, say so: that class may use the part kept for it",
    ),
    Text::new(
        "不改：配额用尽后，有其他可用通道的设备会自动改走，其余等到次日",
        "leave it: once the quota is used up, devices with another usable lane go there by themselves; the rest waits for the next day",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::{FunnelLane, Loss};

    fn lane(vendor: Vendor, devices: u64, missed: u64, unsayable: u64) -> LaneForecast {
        LaneForecast {
            vendor,
            devices,
            requests: devices,
            pace: 1.0,
            sent: devices - missed - unsayable,
            missed,
            hushed: 0,
            unsayable,
            held: 0,
            ahead: 0,
            first_at: Some(1),
            finish_at: Some(2),
            quota: None,
            stands: None,
        }
    }

    #[test]
    fn the_sums_close_and_subtractions_of_the_way_are_told_with_the_rest() {
        let filtered = |reason: &str, devices| Dropped { outcome: Outcome::Filtered, reason: reason.to_owned(), devices };
        let forecast = Forecast {
            planned: 30,
            dropped: vec![filtered("blacklist", 3), filtered("content", 1)],
            lanes: vec![lane(Vendor::Apns, 20, 4, 2), lane(Vendor::Xiaomi, 6, 0, 0)],
            ..Forecast::default()
        };
        assert_eq!(forecast.planned, forecast.sent() + forecast.missed() + forecast.dropped());
        assert_eq!(forecast.subtractions(), [filtered("blacklist", 3), filtered("content", 3)]);
        assert_eq!(forecast.finish_at(), Some(2));
        let never = Forecast { lanes: vec![LaneForecast { finish_at: None, ..lane(Vendor::Apns, 2, 1, 0) }], ..Forecast::default() };
        assert_eq!(never.finish_at(), None);
    }

    #[test]
    fn what_came_stands_beside_what_was_foretold_also_what_nobody_foretold() {
        let forecast = Forecast {
            dropped: vec![Dropped { outcome: Outcome::Filtered, reason: "cap".into(), devices: 3 }],
            lanes: vec![lane(Vendor::Apns, 10, 0, 0)],
            ..Forecast::default()
        };
        let loss = |vendor, outcome, reason: &str, devices| Loss { vendor, outcome, reason: reason.into(), words: String::new(), devices };
        let mut funnel = Funnel {
            losses: vec![
                loss(None, Outcome::Filtered, "cap", 2),
                loss(None, Outcome::Filtered, "cap", 1),
                loss(Some(Vendor::Apns), Outcome::Filtered, "content", 4),
                loss(Some(Vendor::Apns), Outcome::Refused, "invalid_token", 1),
            ],
            ..Funnel::default()
        };
        let equation = Equation { planned: 10, accepted: 5, refused: 1, filtered: 4, ..Equation::default() };
        funnel.lanes.push(FunnelLane { vendor: Some(Vendor::Apns), equation, ..FunnelLane::default() });
        let facts = facts(&forecast, &funnel, &[(Vendor::Apns, 9)], Some(10));
        let told: Vec<(&str, u64, u64)> = facts.rules.iter().map(|r| (r.rule.reason.as_str(), r.rule.devices, r.fact)).collect();
        assert_eq!(told, [("cap", 3, 3), ("content", 0, 4)], "a vendor's refusal is no rule of ours");
        assert_eq!((facts.lanes.len(), facts.lanes[0].finished_at), (1, Some(9)));
    }
}
