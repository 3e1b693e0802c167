//! A campaign that begins with a few: shares, looks, guards against what is usual for this app. Pure.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::field::FieldError;
use crate::text::{Text, Words};

/// All of a crowd, in ten-thousandths.
pub const WHOLE: u32 = 10_000;
const STEPS_MAX: usize = 6;
/// Shortest and longest look, seconds.
const LOOK: (u32, u32) = (10, 7 * 86_400);
/// An app that sent less than this has no habits to compare with.
const HABIT_MIN: u64 = 500;
/// Two-sided 98 %: one false stop in a hundred for a guard that is just at its bound.
const Z: f64 = 2.33;

/// How a campaign begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RampPlan {
    /// Reached in all after each step, in ten-thousandths of the crowd; the last is [`WHOLE`].
    pub shares: Vec<u32>,
    /// How long is looked after each step but the last, seconds.
    pub look_s: u32,
    /// Goes on by itself when every guard is well.
    pub by_itself: bool,
}

impl Default for RampPlan {
    fn default() -> RampPlan {
        RampPlan { shares: vec![100, 1_000, WHOLE], look_s: 600, by_itself: false }
    }
}

impl RampPlan {
    /// From a form: `1, 10` (per cent; the rest follows), minutes.
    ///
    /// # Errors
    /// Each field at fault.
    pub fn read(shares: &str, minutes: &str, by_itself: bool) -> Result<RampPlan, Vec<FieldError>> {
        let mut errors = Vec::new();
        let percent = |part: &str| {
            let value: f64 = part.trim().trim_end_matches('%').trim().parse().ok()?;
            (value > 0.0 && value < 100.0).then_some((value * 100.0).round() as u32).filter(|n| *n > 0)
        };
        let parts: Vec<Option<u32>> = shares.split([',', '，', ' ']).filter(|p| !p.trim().is_empty()).map(percent).collect();
        let mut steps: Vec<u32> = parts.iter().flatten().copied().collect();
        if parts.is_empty() || parts.len() != steps.len() || parts.len() >= STEPS_MAX || !steps.is_sorted_by(|a, b| a < b) {
            let words =
                Text::new("写递增的百分比，例如 1, 10；最多 5 个，都小于 100", "rising per cents below 100 such as 1, 10; five at most");
            errors.push(FieldError::new("shares", words));
        }
        steps.push(WHOLE);
        let look = minutes.trim().parse::<f64>().ok().map(|minutes| (minutes * 60.0).round());
        let look = look.filter(|s| (f64::from(LOOK.0)..=f64::from(LOOK.1)).contains(s)).map(|s| s as u32);
        if look.is_none() {
            errors.push(FieldError::new(
                "minutes",
                Text::new("10 秒到 7 天，以分钟写，例如 10", "ten seconds to seven days, in minutes such as 10"),
            ));
        }
        match look {
            Some(look_s) if errors.is_empty() => Ok(RampPlan { shares: steps, look_s, by_itself }),
            _ => Err(errors),
        }
    }

    /// The step of somebody whose place is `place` (0 ..= 9,999).
    pub fn step_of(&self, place: u32) -> usize {
        self.shares.iter().position(|share| place < *share).unwrap_or(self.shares.len().saturating_sub(1))
    }

    pub fn is_last(&self, step: usize) -> bool {
        step + 1 >= self.shares.len()
    }
}

/// What is watched. Complaints are reported by no vendor: nothing is said of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Refused by vendors, for whatever reason.
    Refused,
    /// Uninstalled, or the token died.
    Gone,
    /// The notification switch is off on arrival, or was switched off over it.
    SwitchedOff,
}

impl Guard {
    pub const ALL: [Guard; 3] = [Guard::Refused, Guard::Gone, Guard::SwitchedOff];

    pub const fn name(self) -> Text {
        match self {
            Guard::Refused => Text::new("被厂商拒绝", "Refused by vendors"),
            Guard::Gone => Text::new("卸载或令牌失效", "Uninstalled or token dead"),
            Guard::SwitchedOff => Text::new("关闭通知", "Notifications switched off"),
        }
    }

    /// Below this share it never stops anything; it stands for the habit of an app that has none.
    const fn floor(self) -> f64 {
        match self {
            Guard::Refused => 0.05,
            Guard::Gone => 0.03,
            Guard::SwitchedOff => 0.01,
        }
    }
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub n: u64,
    pub of: u64,
}

impl Share {
    pub fn rate(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.n.min(self.of) as f64 / self.of as f64 }
    }

    /// The rate is hardly smaller than this (Wilson).
    pub fn at_least(self) -> f64 {
        if self.of == 0 {
            return 0.0;
        }
        let (n, p, z2) = (self.of as f64, self.rate(), Z * Z);
        let middle = p + z2 / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        ((middle - half) / (1.0 + z2 / n)).max(0.0)
    }

    /// `3.1 % (31 / 1,000)`
    pub fn words(self) -> String {
        format!("{:.2} % ({} / {})", self.rate() * 100.0, self.n, self.of)
    }
}

/// One guard, now and as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    pub guard: Guard,
    pub now: Share,
    /// Of this app in the days before.
    pub usual: Share,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Well,
    /// Worse than usual, by too few to be sure: a person looks.
    Unclear,
    Bad,
}

impl Health {
    pub const fn name(self) -> Text {
        match self {
            Health::Well => Text::new("正常", "As usual"),
            Health::Unclear => Text::new("偏高，样本还少", "Above usual, too few to be sure"),
            Health::Bad => Text::new("超出", "Too many"),
        }
    }
}

impl Watched {
    /// The rate above which it stops: half as much again as usual, and never below the floor.
    pub fn bound(&self) -> f64 {
        let usual = if self.usual.of >= HABIT_MIN { self.usual.rate() * 1.5 } else { 0.0 };
        usual.max(self.guard.floor())
    }

    pub fn health(&self) -> Health {
        let bound = self.bound();
        if self.now.at_least() > bound {
            Health::Bad
        } else if self.now.n >= 3 && self.now.rate() > bound {
            Health::Unclear
        } else {
            Health::Well
        }
    }

    /// Why, with the numbers.
    pub fn words(&self) -> Words {
        let (now, name) = (self.now.words(), self.guard.name());
        if self.usual.of >= HABIT_MIN {
            let usual = self.usual.words();
            Words::new(format!("{}：现在 {now}，平时 {usual}", name.zh), format!("{}: {now} now, {usual} as usual", name.en))
        } else {
            let bound = format!("{:.2} %", self.bound() * 100.0);
            Words::new(
                format!("{}：现在 {now}；本应用还没有足够的历史，按上限 {bound}", name.zh),
                format!("{}: {now} now; this app has too little history, the bound is {bound}", name.en),
            )
        }
    }
}

/// Where a ramp stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RampState {
    /// Chosen before the start.
    Planned,
    /// The open step goes out.
    Sending,
    /// The open step is out, and is looked at.
    Looking,
    /// A person is waited for.
    Asks,
    /// A guard stopped it.
    Stopped,
    /// All of the crowd is open.
    Done,
}

impl RampState {
    pub const ALL: [RampState; 6] =
        [RampState::Planned, RampState::Sending, RampState::Looking, RampState::Asks, RampState::Stopped, RampState::Done];

    pub const fn slug(self) -> &'static str {
        match self {
            RampState::Planned => "planned",
            RampState::Sending => "sending",
            RampState::Looking => "looking",
            RampState::Asks => "asks",
            RampState::Stopped => "stopped",
            RampState::Done => "done",
        }
    }

    pub fn parse(text: &str) -> Option<RampState> {
        Self::ALL.into_iter().find(|state| state.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            RampState::Planned => Text::new("未开始", "Not started"),
            RampState::Sending => Text::new("本步发送中", "This step goes out"),
            RampState::Looking => Text::new("观察中", "Looking"),
            RampState::Asks => Text::new("等人决定", "Waits for a person"),
            RampState::Stopped => Text::new("已自动停住", "Stopped itself"),
            RampState::Done => Text::new("已全部放开", "All of it is open"),
        }
    }
}

/// What is known at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub state: RampState,
    /// Steps open so far, at least one.
    pub open: usize,
    /// Everybody of the open steps has an outcome.
    pub out: bool,
    /// Since when it is in this state.
    pub since: Millis,
    pub now: Millis,
    /// A person let the open step go on in spite of the guards: they do not stop it, and the next one is opened by a person.
    pub waived: bool,
    pub watched: &'a [Watched],
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    Become(RampState),
    /// Open one more step.
    Open,
}

/// The decision. Pure; asked again and again, it says the same of the same.
pub fn next(plan: &RampPlan, look: &Look<'_>) -> Next {
    let worst = look.watched.iter().map(Watched::health).max().unwrap_or(Health::Well);
    let last = plan.is_last(look.open - 1);
    match look.state {
        RampState::Planned | RampState::Stopped | RampState::Done => Next::Nothing,
        _ if worst == Health::Bad && !look.waived => Next::Become(RampState::Stopped),
        RampState::Sending if last => {
            if look.out {
                Next::Become(RampState::Done)
            } else {
                Next::Nothing
            }
        }
        RampState::Sending if look.out => Next::Become(RampState::Looking),
        RampState::Looking if look.now - look.since >= Millis::from(plan.look_s) * 1_000 => {
            if plan.by_itself && worst == Health::Well {
                Next::Open
            } else {
                Next::Become(RampState::Asks)
            }
        }
        RampState::Sending | RampState::Looking | RampState::Asks => Next::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(n: u64, of: u64) -> Watched {
        Watched { guard: Guard::SwitchedOff, now: Share { n, of }, usual: Share { n: 200, of: 10_000 } }
    }

    #[test]
    fn a_guard_knows_usual_from_bad_and_too_few_to_tell() {
        // Usual is 2 %, the bound 3 %.
        let table = [
            (0, 0, Health::Well),
            (2, 20, Health::Well),
            (20, 1_000, Health::Well),
            (30, 1_000, Health::Well),
            (36, 1_000, Health::Unclear),
            (6, 100, Health::Unclear),
            (60, 1_000, Health::Bad),
            (600, 10_000, Health::Bad),
        ];
        for (n, of, health) in table {
            assert_eq!(off(n, of).health(), health, "{n} of {of}");
        }
        // Without habits the floor holds; a rare thing is not bad for being thrice as frequent.
        let new = |n, of| Watched { usual: Share { n: 3, of: 100 }, ..off(n, of) };
        assert_eq!((new(8, 1_000).health(), new(40, 1_000).health()), (Health::Well, Health::Bad));
        let rare = Watched { guard: Guard::SwitchedOff, now: Share { n: 3, of: 1_000 }, usual: Share { n: 10, of: 10_000 } };
        assert_eq!(rare.health(), Health::Well);
        assert_eq!(off(60, 1_000).words().en, "Notifications switched off: 6.00 % (60 / 1000) now, 2.00 % (200 / 10000) as usual");
    }

    #[test]
    fn the_same_copy_as_ever_is_hardly_ever_stopped() {
        // 1,000 looks at a campaign that is as usual: 2 % of 1,000, drawn by a fixed sequence.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let stops = (0..1_000).filter(|_| off((0..1_000).filter(|_| draw() < 0.02).count() as u64, 1_000).health() == Health::Bad).count();
        let caught = (0..1_000).filter(|_| off((0..1_000).filter(|_| draw() < 0.06).count() as u64, 1_000).health() == Health::Bad).count();
        assert!(stops <= 5 && caught >= 980, "{stops} false stops, {caught} of a thousand caught");
    }

    #[test]
    fn a_ramp_goes_on_by_itself_only_when_all_is_well() {
        let plan = RampPlan { by_itself: true, look_s: 60, ..RampPlan::default() };
        let asking = RampPlan { by_itself: false, ..plan.clone() };
        let (good, unclear, bad) = ([off(20, 1_000)], [off(36, 1_000)], [off(60, 1_000)]);
        let look = |state, open, out, after: Millis, watched| Look { state, open, out, since: 0, now: after, waived: false, watched };
        use RampState::{Asks, Done, Looking, Planned, Sending, Stopped};
        let table: [(&RampPlan, Look<'_>, Next); 15] = [
            (&plan, look(Planned, 1, false, 0, &good), Next::Nothing),
            (&plan, look(Sending, 1, false, 0, &good), Next::Nothing),
            (&plan, look(Sending, 1, false, 0, &bad), Next::Become(Stopped)),
            (&plan, look(Sending, 1, true, 0, &good), Next::Become(Looking)),
            (&plan, look(Looking, 1, true, 59_999, &good), Next::Nothing),
            (&plan, look(Looking, 1, true, 59_999, &bad), Next::Become(Stopped)),
            (&plan, look(Looking, 1, true, 60_000, &good), Next::Open),
            (&plan, look(Looking, 1, true, 60_000, &unclear), Next::Become(Asks)),
            (&asking, look(Looking, 1, true, 60_000, &good), Next::Become(Asks)),
            (&plan, look(Asks, 2, true, 0, &good), Next::Nothing),
            (&plan, look(Asks, 2, true, 0, &bad), Next::Become(Stopped)),
            (&plan, look(Stopped, 2, true, 0, &bad), Next::Nothing),
            (&plan, look(Sending, 3, false, 0, &good), Next::Nothing),
            (&plan, look(Sending, 3, true, 0, &good), Next::Become(Done)),
            (&plan, look(Done, 3, true, 0, &bad), Next::Nothing),
        ];
        for (plan, look, expected) in table {
            assert_eq!(next(plan, &look), expected, "{:?} {} {:?}", look.state, look.open, look.watched[0].health());
        }
        let waived = Look { waived: true, ..look(Looking, 2, true, 60_000, &bad) };
        assert_eq!(next(&plan, &waived), Next::Become(Asks), "what a person let go on goes on by a person");
    }

    #[test]
    fn everybody_stands_in_exactly_one_step() {
        let plan = RampPlan::default();
        let mut counts = [0; 3];
        for place in 0..WHOLE {
            counts[plan.step_of(place)] += 1;
        }
        assert_eq!(counts, [100, 900, 9_000]);
    }

    #[test]
    fn a_form_reads_or_names_its_field() {
        let plan = RampPlan::read("0.5%, 5，20", "1.5", true).unwrap();
        assert_eq!((plan.shares, plan.look_s, plan.by_itself), (vec![50, 500, 2_000, 10_000], 90, true));
        for (shares, minutes, field) in [
            ("", "10", "shares"),
            ("10, 1", "10", "shares"),
            ("1, x", "10", "shares"),
            ("100", "10", "shares"),
            ("1", "0", "minutes"),
            ("1", "x", "minutes"),
        ] {
            let errors = RampPlan::read(shares, minutes, false).unwrap_err();
            assert_eq!(errors.iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), [field], "{shares} {minutes}");
        }
    }
}
