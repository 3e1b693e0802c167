//! When again: pure. (failure, attempt, the vendor's wish, chance) -> milliseconds to wait.

use types::Millis;
use types::failure::FailureClass;

pub use crate::policy::next_beijing_midnight;

/// Claims after which an answer nobody understands ends as refused.
pub const UNKNOWN_ATTEMPTS: u32 = 3;

/// Waits for attempt 1, 2, …; the last one repeats until the deadline.
const SCHEDULE_MS: [Millis; 7] = [1_000, 2_000, 5_000, 15_000, 30_000, 60_000, 120_000];

/// Milliseconds until the next attempt. The vendor's wish is kept between half the plan and ten minutes; `chance` in 0..1
/// spreads by ±20 %.
pub fn wait(class: FailureClass, attempt: u32, wish: Option<Millis>, chance: f64) -> Millis {
    let planned = match class {
        // The limiter mends this one: only let the second pass.
        FailureClass::RateLimited => 1_000,
        // The request never left, or may be repeated at once by its key.
        FailureClass::Timeout => SCHEDULE_MS[(attempt.saturating_sub(1) as usize).min(3)],
        _ => SCHEDULE_MS[(attempt.saturating_sub(1) as usize).min(SCHEDULE_MS.len() - 1)],
    };
    let base = wish.map_or(planned, |wish| wish.clamp(planned / 2, 600_000));
    let spread = (chance.clamp(0.0, 1.0) - 0.5) * 0.4;
    base + (base as f64 * spread) as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_is_spread_and_obeys_the_vendor_within_reason() {
        assert_eq!(wait(FailureClass::VendorError, 1, None, 0.5), 1_000);
        assert_eq!(wait(FailureClass::VendorError, 4, None, 0.5), 15_000);
        assert_eq!(wait(FailureClass::VendorError, 99, None, 0.5), 120_000);
        assert_eq!(wait(FailureClass::VendorError, 1, None, 0.0), 800);
        assert_eq!(wait(FailureClass::VendorError, 1, None, 1.0), 1_200);
        assert_eq!(wait(FailureClass::RateLimited, 5, Some(86_400_000), 0.5), 600_000);
        assert_eq!(wait(FailureClass::RateLimited, 5, Some(0), 0.5), 500);
    }

    #[test]
    fn quotas_reset_at_beijing_midnight() {
        // 2026-11-20T15:59:59.999Z is one millisecond before midnight in Beijing.
        let before = 1_795_190_399_999;
        assert_eq!(next_beijing_midnight(before), before + 1);
        assert_eq!(next_beijing_midnight(before + 1), before + 1 + 86_400_000);
    }
}
