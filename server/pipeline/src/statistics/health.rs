//! How each lane of an app stands, from the books. What this process is doing with it right now is `channel`'s to say.

use types::Millis;
use types::funnel::FunnelLane;

use super::funnel;
use crate::storage::apps::Lane;
use crate::storage::chunks::Backlog;
use crate::storage::tallies::Grain;
use crate::storage::{Result, Storage};

#[derive(Clone, Debug, PartialEq)]
pub struct LaneBooks {
    pub lane: Lane,
    /// A lane without one sends nothing.
    pub has_credential: bool,
    pub backlog: Backlog,
    /// Since the start of the day.
    pub today: FunnelLane,
    /// Devices submitted in the last full minute.
    pub last_minute: u64,
}

/// Every lane of an app, in the app's order of vendors. `day` = start of today in the reader's zone.
///
/// # Errors
/// When the store fails.
pub async fn lanes(storage: &Storage, app_no: i64, now: Millis, day: Millis) -> Result<Vec<LaneBooks>> {
    let credentials = storage.apps.credentials(app_no).await?;
    let backlog = storage.chunks.backlog().await?;
    let today = funnel::over_time(storage, app_no, day, now, day).await?;
    let minute = Grain::Minute.ms();
    let this = now.div_euclid(minute) * minute;
    let recent = super::series::sent(storage, app_no, this - minute, this, this - minute).await?;
    let lanes = storage.apps.lanes_of(app_no).await?;
    let books = lanes.into_iter().map(|lane| LaneBooks {
        has_credential: credentials.iter().any(|c| c.vendor == lane.vendor),
        backlog: backlog.iter().find(|(no, _)| *no == lane.no).map(|(_, b)| *b).unwrap_or_default(),
        today: funnel::lane(&today, Some(lane.vendor)),
        last_minute: recent.lanes.iter().find(|(v, _)| *v == lane.vendor).map_or(0, |(_, list)| list.iter().sum()),
        lane,
    });
    Ok(books.collect())
}
