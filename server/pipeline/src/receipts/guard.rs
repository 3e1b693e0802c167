//! A mass of dead tokens is a fault of somebody's, not dead phones: then nobody is set aside.

use std::collections::BTreeMap;

use types::Millis;
use types::vendor::Vendor;

/// Receipts are weighed over this time.
const WINDOW_MS: Millis = 600_000;
/// A handful is believed whatever its share.
const SAMPLE: u32 = 20;
/// Share of dead tokens that is still believed.
const SHARE: f64 = 0.2;

/// Receipts and deaths per lane in the present and the last window.
#[derive(Default)]
pub struct Guard {
    lanes: BTreeMap<(i64, Vendor), Window>,
}

#[derive(Clone, Copy, Default)]
struct Window {
    started: Millis,
    now: (u32, u32),
    before: (u32, u32),
}

impl Guard {
    /// Counts `seen` receipts of a lane, `dead` of them deaths, and says whether the deaths are believed.
    pub fn believe(&mut self, app_no: i64, vendor: Vendor, seen: u32, dead: u32, at: Millis) -> bool {
        let window = self.lanes.entry((app_no, vendor)).or_insert(Window { started: at, ..Window::default() });
        if at - window.started >= WINDOW_MS {
            let kept = if at - window.started < 2 * WINDOW_MS { window.now } else { (0, 0) };
            *window = Window { started: at, now: (0, 0), before: kept };
        }
        window.now.0 = window.now.0.saturating_add(seen);
        window.now.1 = window.now.1.saturating_add(dead);
        let (all, died) = (window.now.0.saturating_add(window.before.0), window.now.1.saturating_add(window.before.1));
        died < SAMPLE || f64::from(died) <= f64::from(all) * SHARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handful_and_a_small_share_are_believed_a_mass_is_not() {
        let mut guard = Guard::default();
        assert!(guard.believe(1, Vendor::Xiaomi, 19, 19, 0), "a handful");
        assert!(!guard.believe(1, Vendor::Xiaomi, 1, 1, 10), "then too many of too few");
        assert!(guard.believe(2, Vendor::Xiaomi, 1, 1, 10), "another app is another lane");
        assert!(guard.believe(1, Vendor::Xiaomi, 1_000, 100, 20), "among a thousand it is a small share");
        assert!(!guard.believe(1, Vendor::Xiaomi, 500, 500, 30));
        assert!(guard.believe(1, Vendor::Xiaomi, 1, 1, 30 + 3 * WINDOW_MS), "forgotten after its time");
    }
}
