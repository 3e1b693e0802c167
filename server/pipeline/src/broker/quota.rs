//! What was used of a lane's quota today, by the books.

use types::Millis;
use types::life::Outcome;
use types::vendor::Vendor;

use crate::policy::next_beijing_midnight;
use crate::storage::tallies::{Grain, Measure};
use crate::storage::{Result, Storage};

const DAY_MS: Millis = 86_400_000;

/// The ledger of a lane's marketing: beside the lane's own, whose name is the lane's number.
pub const fn bulk_ledger(lane_no: i64) -> i64 {
    -lane_no
}

/// Device messages accepted since the vendor's midnight; who was sent to again counts again.
///
/// # Errors
/// When the store fails.
pub async fn used_today(storage: &Storage, app_no: i64, vendor: Vendor, now: Millis) -> Result<u64> {
    let counts = |m: &Measure| matches!(m, Measure::Outcome { outcome: Outcome::Accepted, .. } | Measure::Resent);
    today(storage, app_no, vendor, now, counts).await
}

/// Of marketing, on a lane that has a quota for it: counted since it was set.
///
/// # Errors
/// When the store fails.
pub async fn bulk_today(storage: &Storage, app_no: i64, vendor: Vendor, now: Millis) -> Result<u64> {
    today(storage, app_no, vendor, now, |m| *m == Measure::Bulk).await
}

async fn today(storage: &Storage, app_no: i64, vendor: Vendor, now: Millis, counts: impl Fn(&Measure) -> bool) -> Result<u64> {
    let from = next_beijing_midnight(now) - DAY_MS;
    let points = storage.tallies.series(Some(app_no), Grain::Hour, from, now + 1).await?;
    let used: i64 = points.iter().filter(|p| p.vendor == Some(vendor) && counts(&p.measure)).map(|p| p.n).sum();
    Ok(used.max(0).unsigned_abs())
}
