//! When a campaign goes, as its own page shows it.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::campaign::Schedule;
use crate::hours::Hours;
use crate::life::CampaignState;
use crate::text::Words;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    pub name: String,
    pub state: CampaignState,
    pub revision: i64,
    pub schedule: Schedule,
    /// While scheduled, and while it waits because it is late.
    pub due_at: Option<Millis>,
    pub deadline: Option<Millis>,
    pub ask_after: Option<u32>,
    pub hours: Option<Hours>,
    /// The app's zone, in which hours count unless they are each user's.
    pub zone: String,
    /// Whether its hours are open now; until then.
    pub shut_until: Option<Millis>,
    /// Why it waits for a person.
    pub trouble: Option<Words>,
}
