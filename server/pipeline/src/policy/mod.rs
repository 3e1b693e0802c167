//! MAY THIS GO, NOW? Pure decisions over facts.
//!
//! Comes in: facts about a device, a message, a time. Goes out: go, or the rule that says no.
//! Never: I/O, a clock. Neighbours: types of storage.
//! How to add one: a rule in `types::life::FilterRule`, an arm in [`admit`] or [`before_send`], or a file beside `quiet` and
//! `caps` that is asked by `broker::ask` when planning and by `channel::gate` before sending.

pub mod caps;
pub mod quiet;
#[cfg(test)]
mod tables;

use types::Millis;
use types::life::FilterRule;
use types::vendor::Environment;

use crate::coordination::Stop;
use crate::storage::devices::{Reach, TokenState};

/// What the message demands of every device.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    pub environment: Environment,
    /// A test send: registered test devices only.
    pub test_only: bool,
}

/// First ask, at planning: may this token of this device be used?
///
/// # Errors
/// The rule that leaves it out.
pub fn admit(reach: &Reach, demands: Demands) -> Result<(), FilterRule> {
    if demands.test_only && !reach.test {
        return Err(FilterRule::NotTestDevice);
    }
    if reach.environment != demands.environment {
        return Err(FilterRule::Environment);
    }
    if reach.notifications_on == Some(false) {
        return Err(FilterRule::SwitchOff);
    }
    if reach.state == TokenState::Quarantined {
        return Err(FilterRule::Quarantined);
    }
    Ok(())
}

/// What the second ask, right before sending, may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Go,
    /// Too late for the person to use it.
    Expired,
}

/// Second ask, right before sending.
pub const fn before_send(deadline: Millis, now: Millis) -> Gate {
    if now >= deadline { Gate::Expired } else { Gate::Go }
}

/// What the stop switches say together: a campaign's own, and the app's. What is cancelled ends, whatever the app's switch says.
pub const fn stops(of_message: Option<Stop>, app_stopped: bool) -> Option<Stop> {
    match (of_message, app_stopped) {
        (Some(stop), _) => Some(stop),
        (None, true) => Some(Stop::Paused),
        (None, false) => None,
    }
}

/// Next midnight in Beijing (UTC+8, no daylight saving): when the Chinese vendors' daily quotas start anew.
pub const fn next_beijing_midnight(now: Millis) -> Millis {
    const DAY: Millis = 86_400_000;
    const OFFSET: Millis = 8 * 3_600_000;
    ((now + OFFSET).div_euclid(DAY) + 1) * DAY - OFFSET
}

#[cfg(test)]
mod tests {
    use types::vendor::Vendor;

    use super::*;

    fn reach() -> Reach {
        Reach {
            device_no: 1,
            vendor: Vendor::Apns,
            token: "t".into(),
            environment: Environment::Production,
            state: TokenState::Active,
            notifications_on: None,
            test: false,
        }
    }

    #[test]
    fn each_rule_says_no_and_nothing_else_does() {
        let live = Demands { environment: Environment::Production, test_only: false };
        assert_eq!(admit(&reach(), live), Ok(()));
        assert_eq!(admit(&Reach { environment: Environment::Sandbox, ..reach() }, live), Err(FilterRule::Environment));
        assert_eq!(admit(&Reach { notifications_on: Some(false), ..reach() }, live), Err(FilterRule::SwitchOff));
        assert_eq!(admit(&Reach { state: TokenState::Quarantined, ..reach() }, live), Err(FilterRule::Quarantined));
        let test = Demands { test_only: true, ..live };
        assert_eq!(admit(&reach(), test), Err(FilterRule::NotTestDevice));
        assert_eq!(admit(&Reach { test: true, ..reach() }, test), Ok(()));
        assert_eq!(admit(&Reach { test: true, environment: Environment::Sandbox, ..reach() }, test), Err(FilterRule::Environment));
    }

    #[test]
    fn nothing_goes_at_or_after_its_deadline() {
        assert_eq!(before_send(10, 9), Gate::Go);
        assert_eq!(before_send(10, 10), Gate::Expired);
    }
}
