//! What was used of a lane's quota today, by the books.

use types::Millis;
use types::life::Outcome;
use types::vendor::Vendor;

use crate::policy::next_beijing_midnight;
use crate::storage::tallies::{Grain, Measure, Point};
use crate::storage::{Result, Storage};

const DAY_MS: Millis = 86_400_000;

/// Device messages accepted since the vendor's midnight.
///
/// # Errors
/// When the store fails.
pub async fn used_today(storage: &Storage, app_no: i64, vendor: Vendor, now: Millis) -> Result<u64> {
    let from = next_beijing_midnight(now) - DAY_MS;
    let points = storage.tallies.series(Some(app_no), Grain::Hour, from, now + 1).await?;
    let accepted = |p: &Point| matches!(p.measure, Measure::Outcome { outcome: Outcome::Accepted, .. });
    let used: i64 = points.iter().filter(|p| p.vendor == Some(vendor) && accepted(p)).map(|p| p.n).sum();
    Ok(used.max(0).unsigned_abs())
}
