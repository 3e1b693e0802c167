//! A ramp, as its page shows it.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::life::CampaignState;
use crate::ramp::{RampPlan, RampState, Watched};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RampView {
    pub name: String,
    pub state: CampaignState,
    /// `None` = it goes to everybody at once.
    pub plan: Option<RampPlan>,
    /// State, steps open, since when.
    pub ramp: Option<(RampState, u32, Millis)>,
    /// Who moved it last.
    pub by: String,
    /// The guards now; empty before the start.
    pub watched: Vec<Watched>,
    /// The guards as they were when it stopped itself.
    pub stopped_for: Vec<Watched>,
    /// Devices handed to vendors so far.
    pub reached: u64,
    /// Rows of the crowd.
    pub crowd: u64,
}
