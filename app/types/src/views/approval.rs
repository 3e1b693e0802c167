//! The second pair of eyes, and the last question before a start.

use serde::{Deserialize, Serialize};

use super::campaigns::Sample;
use super::forecast::Forecast;
use crate::Millis;
use crate::campaign::{CampaignSpec, Said, Section};
use crate::field::FieldError;
use crate::ids::{AppId, CampaignId};
use crate::life::CampaignState;
use crate::text::Words;
use crate::vendor::{Environment, Vendor};

/// What somebody said, and whether it still counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictView {
    /// `None` = asked for verdicts.
    pub section: Option<Section>,
    pub said: Said,
    pub comment: String,
    pub by: String,
    pub at: Millis,
    /// It was about something else than what is here now: an edit, or a newer copy, made it void.
    pub void: bool,
}

/// What holds a start back. All `None` and no fault: it may go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Devices, and the app's bound above which its name is typed.
    pub app_name: Option<(u64, u64)>,
    /// Devices that must miss the deadline: somebody says why it goes all the same.
    pub why: Option<u64>,
    /// Devices, and the app's bound above which a second person approves.
    pub approval: Option<(u64, u64)>,
    /// Sections somebody refused, with the words.
    pub refused: Option<Words>,
}

/// Fields of the start that are asked on its own page.
pub const ASKED: [&str; 3] = ["app_name", "why", "approval"];

/// The last question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartView {
    pub id: CampaignId,
    pub revision: i64,
    pub name: String,
    pub app_name: String,
    pub environment: Environment,
    pub state: CampaignState,
    /// It waits for its time instead of starting at once.
    pub later: bool,
    /// The zone the time was chosen in, and the time there.
    pub local: Option<(String, String)>,
    pub forecast: Option<Forecast>,
    /// What must be mended first.
    pub errors: Vec<FieldError>,
    pub needs: Needs,
    /// It begins with a few.
    pub ramp: Option<crate::ramp::RampPlan>,
    /// It sends in these hours only.
    pub hours: Option<Words>,
    /// It asks when it would start more than so many minutes late.
    pub ask_after: Option<u32>,
}

/// A campaign that waits for somebody's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    pub app: AppId,
    pub app_name: String,
    pub environment: Environment,
    pub id: CampaignId,
    pub name: String,
    /// Rows of its crowd.
    pub rows: Option<u64>,
    pub sections: Vec<(Section, Option<Said>)>,
    pub asked_by: String,
    pub asked_at: Millis,
    pub note: String,
    /// Its copy or crowd changed since it was asked for.
    pub changed: bool,
    pub due_at: Option<Millis>,
    /// Why this person may not judge it.
    pub barred: Option<Words>,
}

/// The page of the second person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalView {
    pub id: CampaignId,
    pub revision: i64,
    pub name: String,
    pub app_name: String,
    pub environment: Environment,
    pub state: CampaignState,
    pub spec: CampaignSpec,
    pub crowd_name: Option<String>,
    pub crowd_rows: u64,
    pub copy_name: Option<String>,
    pub copy_version: Option<u32>,
    /// The order of lanes that counts.
    pub lanes: Vec<Vendor>,
    pub editors: Vec<String>,
    /// As the first recipients would read it.
    pub samples: Vec<Sample>,
    pub forecast: Option<Forecast>,
    /// Section by section, what counts now.
    pub sections: Vec<(Section, Option<VerdictView>)>,
    pub history: Vec<VerdictView>,
    /// The app's bound; 0 = nobody need approve.
    pub above: u64,
    /// The app's zone.
    pub zone: String,
    /// Why this person may not judge, if so.
    pub barred: Option<Words>,
    pub faults: Vec<FieldError>,
}

impl ApprovalView {
    pub fn approved(&self) -> bool {
        self.sections.iter().all(|(_, verdict)| verdict.as_ref().is_some_and(|v| v.said == Said::Approved))
    }

    pub fn required(&self) -> bool {
        self.above > 0 && self.forecast.as_ref().is_some_and(|forecast| forecast.reachable() > self.above)
    }
}
