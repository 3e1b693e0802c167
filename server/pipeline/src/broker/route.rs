//! Which lane for this device: pure.

use types::life::FilterRule;
use types::vendor::{PaceUnit, Vendor};

use super::health::Standings;
use crate::policy::{Demands, admit};
use crate::storage::apps::{Lane, LaneSettings};
use crate::storage::devices::Reach;
use crate::storage::frame::CHUNK_MAX;

/// A lane that can take recipients: enabled, with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenLane {
    pub lane_no: i64,
    pub vendor: Vendor,
    /// Recipients in one chunk of this lane.
    pub chunk: usize,
}

/// What one crash may leave unknown, per chunk in flight. A vendor that takes many in one request gets one request per chunk:
/// then exactly the requests in flight are unknown. One that takes them singly gets about a second of its pace, so that a
/// slow lane still shows progress.
pub fn chunk_size(vendor: Vendor, settings: &LaneSettings) -> usize {
    const SMALLEST: usize = 20;
    let defaults = vendor.lane_defaults();
    let largest = (defaults.chunk as usize).clamp(1, CHUNK_MAX);
    let wanted = if defaults.batch > 1 { settings.batch.clamp(1, defaults.batch) } else { settings.pace_per_second };
    (wanted as usize).clamp(SMALLEST.min(largest), largest)
}

/// Device messages per second a lane may send.
pub fn per_second(lane: &Lane) -> f64 {
    let pace = f64::from(lane.settings.pace_per_second);
    match lane.vendor.lane_defaults().pace_unit {
        PaceUnit::Requests => pace * f64::from(lane.settings.batch.clamp(1, lane.vendor.lane_defaults().batch)),
        PaceUnit::Targets => pace,
    }
}

/// The choice for one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice<'a> {
    pub reach: &'a Reach,
    pub lane: OpenLane,
}

/// Among the tokens of one device: the first vendor of `order` (then native lanes, then third parties) with an admitted token
/// and an open lane that takes this device. When none takes it, the first that could: better late than never.
///
/// # Errors
/// The rule that stood last in the way, the most telling first: a rule of policy before "no lane".
pub fn choose<'a>(
    tokens: &'a [Reach],
    order: &[Vendor],
    lanes: &[OpenLane],
    demands: Demands,
    standings: &Standings,
) -> Result<Choice<'a>, FilterRule> {
    let mut sorted: Vec<&Reach> = tokens.iter().collect();
    sorted.sort_by_key(|reach| rank(order, reach.vendor));
    let (mut refusal, mut first) = (None, None);
    for reach in sorted {
        match admit(reach, demands) {
            Err(rule) => refusal = refusal.or(Some(rule)),
            Ok(()) => match lanes.iter().find(|lane| lane.vendor == reach.vendor) {
                Some(lane) => {
                    let choice = Choice { reach, lane: *lane };
                    if standings.takes(reach.vendor, reach.device_no) {
                        return Ok(choice);
                    }
                    first = first.or(Some(choice));
                }
                None => refusal = refusal.or(Some(FilterRule::NoLane)),
            },
        }
    }
    first.ok_or_else(|| refusal.unwrap_or(FilterRule::NoDevice))
}

/// Smaller goes first: the order given, then native lanes, then third parties.
pub fn rank(order: &[Vendor], vendor: Vendor) -> (usize, bool, i64) {
    (order.iter().position(|v| *v == vendor).unwrap_or(order.len()), vendor.is_third_party(), vendor.code())
}

/// Why this lane, in words for the console; the same for every recipient of a chunk.
pub fn why(vendor: Vendor, order: &[Vendor], standings: &Standings) -> String {
    let place = match order.iter().position(|v| *v == vendor) {
        Some(0) => format!("{}: first in the app's order", vendor.slug()),
        Some(i) => format!("{}: number {} in the app's order, no usable token before it", vendor.slug(), i + 1),
        None if vendor.is_third_party() => format!("{}: third party, no usable native token", vendor.slug()),
        None => format!("{}: native lane of its tokens", vendor.slug()),
    };
    let back: Vec<String> = Vendor::ALL
        .into_iter()
        .filter(|other| rank(order, *other) <= rank(order, vendor))
        .filter_map(|other| Some(format!("{} stands back: {}", other.slug(), standings.of(other).words(standings.now)?)))
        .collect();
    if back.is_empty() { place } else { format!("{place}; {}", back.join("; ")) }
}

#[cfg(test)]
mod tests {
    use types::vendor::Environment;

    use super::*;
    use crate::broker::health::Standing;
    use crate::storage::devices::TokenState;

    fn reach(vendor: Vendor, state: TokenState) -> Reach {
        Reach {
            device_no: 7,
            vendor,
            token: vendor.slug().into(),
            environment: Environment::Production,
            state,
            notifications_on: Some(true),
            test: false,
        }
    }

    const LIVE: Demands = Demands { environment: Environment::Production, test_only: false };
    const BOTH: [OpenLane; 2] =
        [OpenLane { lane_no: 1, vendor: Vendor::Apns, chunk: 250 }, OpenLane { lane_no: 2, vendor: Vendor::Xiaomi, chunk: 1_000 }];

    #[test]
    fn a_chunk_is_one_request_or_about_a_second_of_the_lane() {
        let settings = |pace_per_second, batch| LaneSettings {
            enabled: true,
            base_url: String::new(),
            ca_pem: None,
            pace_per_second,
            batch,
            in_flight: 1,
            daily_quota: 0,
            egress_proxy: None,
            timeout_ms: 1,
            ..LaneSettings::default()
        };
        assert_eq!(chunk_size(Vendor::Apns, &settings(5_000, 1)), 250);
        assert_eq!(chunk_size(Vendor::Apns, &settings(5, 1)), 20);
        assert_eq!(chunk_size(Vendor::Xiaomi, &settings(500, 1_000)), 1_000);
        assert_eq!(chunk_size(Vendor::Xiaomi, &settings(1, 50)), 50);
        assert_eq!(chunk_size(Vendor::Xiaomi, &settings(500, 100)), 100, "one request per chunk");
        assert_eq!(chunk_size(Vendor::Xiaomi, &settings(3, 9_999)), 1_000);
    }

    #[test]
    fn the_order_decides_and_a_dead_token_hands_over() {
        let both = [reach(Vendor::Apns, TokenState::Active), reach(Vendor::Xiaomi, TokenState::Active)];
        let pick = |tokens: &[Reach], order: &[Vendor], lanes: &[OpenLane]| {
            choose(tokens, order, lanes, LIVE, &Standings::default()).map(|c| c.lane.vendor)
        };
        assert_eq!(pick(&both, &[Vendor::Xiaomi, Vendor::Apns], &BOTH), Ok(Vendor::Xiaomi));
        assert_eq!(pick(&both, &[Vendor::Xiaomi, Vendor::Apns], &BOTH[..1]), Ok(Vendor::Apns));
        let dead = [reach(Vendor::Apns, TokenState::Active), reach(Vendor::Xiaomi, TokenState::Quarantined)];
        assert_eq!(pick(&dead, &[Vendor::Xiaomi], &BOTH), Ok(Vendor::Apns));
        assert_eq!(pick(&dead, &[Vendor::Xiaomi], &[]), Err(FilterRule::Quarantined));
        assert_eq!(pick(&both, &[], &[]), Err(FilterRule::NoLane));
        assert_eq!(pick(&[], &[], &BOTH), Err(FilterRule::NoDevice));
    }

    #[test]
    fn a_lane_that_is_out_hands_its_devices_to_the_next_and_says_so() {
        let out = Standings::with(5, [(Vendor::Apns, Standing::Out { why: "breaker tripped".into(), since: 1 })]);
        let both = [reach(Vendor::Apns, TokenState::Active), reach(Vendor::Xiaomi, TokenState::Active)];
        let chosen = choose(&both, &[Vendor::Apns], &BOTH, LIVE, &out).map(|c| c.lane.vendor);
        assert_eq!(chosen, Ok(Vendor::Xiaomi));
        let alone = choose(&both[..1], &[Vendor::Apns], &BOTH, LIVE, &out).map(|c| c.lane.vendor);
        assert_eq!(alone, Ok(Vendor::Apns), "who has no other lane waits for this one");
        assert_eq!(why(Vendor::Xiaomi, &[Vendor::Apns], &out), "xiaomi: native lane of its tokens; apns stands back: breaker tripped");
    }

    #[test]
    fn third_parties_are_the_floor_unless_the_order_says_otherwise() {
        let order = |order: &[Vendor]| {
            let mut all = vec![Vendor::Umeng, Vendor::Xiaomi, Vendor::Harmony, Vendor::Jpush];
            all.sort_by_key(|v| rank(order, *v));
            all
        };
        assert_eq!(order(&[]), [Vendor::Xiaomi, Vendor::Harmony, Vendor::Umeng, Vendor::Jpush]);
        assert_eq!(order(&[Vendor::Jpush]), [Vendor::Jpush, Vendor::Xiaomi, Vendor::Harmony, Vendor::Umeng]);
    }
}
