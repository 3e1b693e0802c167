//! What was sent per bucket and vendor.

use std::collections::BTreeMap;

use types::Millis;
use types::life::Outcome;
use types::vendor::Vendor;

use crate::storage::tallies::{Grain, Measure, Point};
use crate::storage::{Result, Storage};

/// Devices handed to vendors per bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Length of a bucket, milliseconds.
    pub bucket: Millis,
    /// Starts of the buckets, without gaps.
    pub at: Vec<Millis>,
    /// Per vendor as many values as there are buckets.
    pub lanes: Vec<(Vendor, Vec<u64>)>,
}

/// Most buckets in one picture.
const BUCKETS_MAX: i64 = 180;

/// Devices submitted (accepted, refused or uncertain) between `from` and `to`. Minutes when they are still kept, else hours,
/// joined to at most 180 buckets.
///
/// # Errors
/// When the store fails.
pub async fn sent(storage: &Storage, app_no: i64, from: Millis, to: Millis, minutes_since: Millis) -> Result<Sent> {
    let grain = if from >= minutes_since && to - from <= 86_400_000 { Grain::Minute } else { Grain::Hour };
    let points = storage.tallies.series(Some(app_no), grain, from.div_euclid(grain.ms()) * grain.ms(), to).await?;
    Ok(gather(&points, grain, from, to))
}

fn gather(points: &[Point], grain: Grain, from: Millis, to: Millis) -> Sent {
    let units = ((to - from).max(1) + grain.ms() - 1) / grain.ms();
    let bucket = grain.ms() * ((units + BUCKETS_MAX - 1) / BUCKETS_MAX).max(1);
    let start = from.div_euclid(grain.ms()) * grain.ms();
    let n = usize::try_from(((to - start).max(1) + bucket - 1) / bucket).unwrap_or(1);
    let mut lanes: BTreeMap<Vendor, Vec<i64>> = BTreeMap::new();
    for point in points {
        let (Some(vendor), Measure::Outcome { outcome, .. }) = (point.vendor, &point.measure) else { continue };
        if !matches!(outcome, Outcome::Accepted | Outcome::Refused | Outcome::Uncertain) {
            continue;
        }
        let index = usize::try_from((point.at - start).max(0) / bucket).unwrap_or(0);
        if let Some(value) = lanes.entry(vendor).or_insert_with(|| vec![0; n]).get_mut(index) {
            *value += point.n;
        }
    }
    Sent {
        bucket,
        at: (0..n as i64).map(|i| start + i * bucket).collect(),
        // A correction of an earlier bucket may make one negative: nothing was sent then.
        lanes: lanes.into_iter().map(|(v, list)| (v, list.into_iter().map(|n| n.max(0).unsigned_abs()).collect())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_no_gaps_and_lose_nothing() {
        let point =
            |minute: i64, outcome, n| Point { at: minute * 60_000, vendor: Some(Vendor::Xiaomi), measure: Measure::outcome(outcome), n };
        let points = [
            point(0, Outcome::Accepted, 5),
            point(1, Outcome::Refused, 2),
            point(359, Outcome::Uncertain, 1),
            point(2, Outcome::Filtered, 9),
        ];
        let sent = gather(&points, Grain::Minute, 0, 360 * 60_000);
        assert_eq!((sent.bucket, sent.at.len()), (120_000, 180));
        let (vendor, values) = &sent.lanes[0];
        assert_eq!((*vendor, values.len(), values[0], values[179]), (Vendor::Xiaomi, 180, 7, 1));
        assert_eq!(values.iter().sum::<u64>(), 8);
        assert!(sent.at.windows(2).all(|w| w[1] - w[0] == sent.bucket));
        let short = gather(&[], Grain::Minute, 30_000, 60_000);
        assert_eq!((short.at, short.lanes.len()), (vec![0], 0));
    }
}
