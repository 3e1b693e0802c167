//! Time to live of a content that the vendor keeps: one for many batches.

use types::Millis;

use super::dialect::Batch;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Seconds until the deadline, rounded down to a step that grows with the time left: batches of one message that follow
/// each other share it, so that the content is stored once and not once per batch. Never past the deadline, except for the
/// last minute, which counts as one.
pub(super) const fn coarse_seconds(now: Millis, deadline: Millis) -> i64 {
    let left = (deadline - now) / 1_000;
    let step = match left {
        ..HOUR => MINUTE,
        HOUR..21_600 => 10 * MINUTE,
        _ => HOUR,
    };
    let coarse = left / step * step;
    if coarse < MINUTE { MINUTE } else { coarse }
}

/// Of a saved content: `coarse_seconds` within the vendor's bounds.
pub(super) fn kept_seconds(batch: &Batch<'_>, least: i64, most: i64) -> i64 {
    coarse_seconds(batch.now, batch.deadline).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_grow_with_the_time_left() {
        let left = |seconds: i64| coarse_seconds(0, seconds * 1_000);
        assert_eq!((left(0), left(59), left(61), left(3_599)), (60, 60, 60, 3_540));
        assert_eq!((left(3_600), left(21_599), left(86_399)), (3_600, 21_000, 82_800));
    }

    proptest! {
        /// A message of a day is stored a hundred and some times at the very most, usually once or twice.
        #[test]
        fn it_never_outlives_the_deadline(left in 60i64..864_000) {
            let coarse = coarse_seconds(0, left * 1_000);
            prop_assert!(coarse <= left && left - coarse <= HOUR);
        }
    }
}
