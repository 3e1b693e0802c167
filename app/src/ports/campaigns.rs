//! Campaigns of one app.

use types::campaign::{Said, Section};
use types::ids::{AppId, CampaignId, DeviceId};
use types::life::{CampaignState, Outcome};
use types::listing::Page;
use types::views::approval::{ApprovalView, StartView, WaitingView};
use types::views::calendar::CalendarView;
use types::views::campaigns::{CampaignBrief, CampaignForm, CampaignProgress, CampaignView, Check, Choices};
use types::views::forecast::ForecastView;
use types::views::schedule::ScheduleView;

use super::{Asked, Who};
use crate::error::AppError;

/// What a person may do to a campaign that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Pause,
    Resume,
    Cancel,
    Unschedule,
}

impl Control {
    pub fn parse(text: &str) -> Option<Control> {
        match text {
            "pause" => Some(Control::Pause),
            "resume" => Some(Control::Resume),
            "cancel" => Some(Control::Cancel),
            "unschedule" => Some(Control::Unschedule),
            _ => None,
        }
    }
}

#[async_trait::async_trait]
pub trait CampaignsPort: Send + Sync {
    async fn list(
        &self,
        app: &AppId,
        state: Option<CampaignState>,
        text: &str,
        after: Option<String>,
    ) -> Result<Page<CampaignBrief>, AppError>;
    async fn get(&self, app: &AppId, id: &CampaignId) -> Result<CampaignView, AppError>;
    async fn choices(&self, app: &AppId, who: &Who) -> Result<Choices, AppError>;
    /// What would happen if this form were started: faults, audience, samples. Stores nothing.
    async fn look(&self, app: &AppId, form: &CampaignForm) -> Result<Check, AppError>;
    /// `edited` = the draft and the revision the person saw; `None` makes a new one.
    async fn save(
        &self,
        asked: &Asked,
        app: &AppId,
        edited: Option<(CampaignId, i64)>,
        form: &CampaignForm,
    ) -> Result<CampaignId, AppError>;
    async fn duplicate(&self, asked: &Asked, app: &AppId, id: &CampaignId) -> Result<CampaignId, AppError>;
    async fn test(&self, asked: &Asked, app: &AppId, id: &CampaignId, devices: &[DeviceId]) -> Result<(), AppError>;
    /// Starts or schedules.
    /// `typed` = the app's name, `why` = the reason to miss a deadline, where they are asked.
    async fn launch(&self, asked: &Asked, app: &AppId, id: &CampaignId, revision: i64, typed: &str, why: &str) -> Result<(), AppError>;
    async fn forecast(&self, app: &AppId, id: &CampaignId) -> Result<ForecastView, AppError>;
    async fn approval(&self, asked: &Asked, app: &AppId, id: &CampaignId) -> Result<ApprovalView, AppError>;
    /// What waits for a yes: in this app, or in every app where this person may give it.
    async fn waiting(&self, who: &Who, app: Option<&AppId>) -> Result<Vec<WaitingView>, AppError>;
    async fn start_view(&self, app: &AppId, id: &CampaignId) -> Result<StartView, AppError>;
    async fn schedule_view(&self, app: &AppId, id: &CampaignId) -> Result<ScheduleView, AppError>;
    /// As typed: minutes, opens, closes, by whose clock.
    async fn set_timing(&self, asked: &Asked, app: &AppId, id: &CampaignId, revision: i64, typed: [&str; 4]) -> Result<(), AppError>;
    /// Of one that missed its time: sent now, or dropped.
    async fn decide_late(&self, asked: &Asked, app: &AppId, id: &CampaignId, send: bool) -> Result<(), AppError>;
    /// What a person says of sections of a campaign as it was at `revision`.
    async fn judge(
        &self,
        asked: &Asked,
        app: &AppId,
        id: &CampaignId,
        revision: i64,
        verdict: (&[Section], Said),
        comment: &str,
    ) -> Result<(), AppError>;
    /// `view`: month, week or day; `date`: `YYYY-MM-DD`, empty = today.
    async fn calendar(&self, app: &AppId, view: &str, date: &str) -> Result<CalendarView, AppError>;
    async fn control(&self, asked: &Asked, app: &AppId, id: &CampaignId, control: Control) -> Result<(), AppError>;
    async fn resend(&self, asked: &Asked, app: &AppId, id: &CampaignId, outcomes: &[Outcome]) -> Result<(), AppError>;
    async fn progress(&self, app: &AppId, id: &CampaignId) -> Result<CampaignProgress, AppError>;
}
