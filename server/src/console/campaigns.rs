//! Campaigns over the house.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::error::AppError;
use app::ports::campaigns::{CampaignsPort, Control};
use app::ports::{Asked, Who};
use async_trait::async_trait;
use pipeline::access::campaigns::audience::Ways;
use pipeline::access::campaigns::calendar;
use pipeline::access::campaigns::form;
use pipeline::access::campaigns::launch::Pressed;
use pipeline::access::campaigns::schedule::Timing;
use pipeline::channel::breaker::BreakerState;
use pipeline::house::House;
use pipeline::storage::apps::App;
use pipeline::storage::campaigns::{Campaign, CampaignFilter};
use pipeline::storage::copies::CopyFilter;
use pipeline::storage::crowds::CrowdFilter;
use pipeline::storage::devices::DeviceFilter;
use pipeline::storage::messages::Origin;
use types::Millis;
use types::campaign::{Said, Section};
use types::content::MessageClass;
use types::ids::{AppId, CampaignId, DeviceId};
use types::life::{CampaignState, Outcome};
use types::listing::{Page, PageRequest};
use types::people::Permission;
use types::problem::Problem;
use types::text::Words;
use types::vendor::Vendor;
use types::views::approval::{ApprovalView, StartView, WaitingView};
use types::views::calendar::CalendarView;
use types::views::campaigns::{
    CampaignBrief, CampaignForm, CampaignProgress, CampaignView, Check, Choices, CopyChoice, CrowdChoice, TestDevice,
};
use types::views::forecast::ForecastView;
use types::views::schedule::ScheduleView;

use super::actor;
use super::copies::{app_of, word};
use super::failed;

/// Crowds, copies and test devices a composer offers, newest first.
const OFFERED: u32 = 200;
/// Zones offered besides the console's own.
const ZONES: [&str; 12] = [
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
];

pub struct CampaignsConsole {
    pub house: Arc<House>,
    /// IANA name of the console's zone.
    pub zone: String,
}

/// Why the send stage holds the lanes of an app, in words.
///
/// # Errors
/// When the store fails.
pub async fn holds(house: &House, app_no: i64) -> Result<BTreeMap<Vendor, Words>, AppError> {
    let now = house.world.now();
    let lanes = house.storage.apps.lanes_of(app_no).await.map_err(|e| failed(&e))?;
    Ok(lanes.into_iter().filter_map(|lane| hold(&house.lane_status(lane.no), now).map(|words| (lane.vendor, words))).collect())
}

fn hold(status: &pipeline::channel::status::LaneStatus, now: Millis) -> Option<Words> {
    let said = status.last_failure.as_ref().map(|(class, words, _)| format!("{class} {words}")).unwrap_or_default();
    let seconds = |until: Millis| (until - now) / 1_000 + 1;
    match &status.breaker {
        Some(BreakerState::Tripped { .. }) => return Some(Words::new(format!("已熔断：{said}"), format!("breaker tripped: {said}"))),
        Some(BreakerState::Probing) => {
            return Some(Words::new(format!("熔断后试探中：{said}"), format!("probing after the breaker tripped: {said}")));
        }
        _ => {}
    }
    // Campaigns are bulk.
    if let Some(until) = status.used_up(MessageClass::Bulk, now) {
        let s = seconds(until);
        return Some(Words::new(format!("配额用尽，{s} 秒后再试"), format!("the quota is used up; tried again in {s} s")));
    }
    let until = status.slow_until.filter(|at| *at > now)?;
    let s = seconds(until);
    Some(Words::new(format!("厂商要求减速，还有 {s} 秒"), format!("the vendor asked to slow down, {s} s left")))
}

impl CampaignsConsole {
    async fn names(&self, app: &App, campaign: &Campaign) -> Result<(Option<String>, Option<String>), AppError> {
        let storage = &self.house.storage;
        let crowd = match &campaign.spec.crowd {
            Some(id) => storage.crowds.get(id).await.map_err(|e| failed(&e))?.filter(|c| c.app_no == app.no).map(|c| c.name),
            None => None,
        };
        let copy = match &campaign.spec.copy {
            Some(id) => storage.copies.get(id).await.map_err(|e| failed(&e))?.filter(|c| c.app_no == app.no).map(|c| c.name),
            None => None,
        };
        Ok((crowd, copy))
    }
}

#[async_trait]
impl CampaignsPort for CampaignsConsole {
    async fn list(
        &self,
        app: &AppId,
        state: Option<CampaignState>,
        text: &str,
        after: Option<String>,
    ) -> Result<Page<CampaignBrief>, AppError> {
        let app = app_of(&self.house, app).await?;
        let filter = CampaignFilter { state, text: word(text) };
        let page = PageRequest { after, ..PageRequest::default() };
        let found = self.house.storage.campaigns.list(app.no, &filter, &page).await.map_err(|e| failed(&e))?;
        let mut items = Vec::with_capacity(found.items.len());
        for campaign in found.items {
            let equation = match &campaign.message {
                Some((no, _)) => self.house.campaigns.equation(*no).await?,
                None => Default::default(),
            };
            items.push(CampaignBrief {
                id: campaign.id,
                name: campaign.spec.name,
                business: campaign.spec.business,
                state: campaign.state,
                equation,
                due_at: campaign.due_at.filter(|_| campaign.state == CampaignState::Scheduled),
                created_at: campaign.created_at,
                created_by: campaign.created_by,
                started_at: campaign.started_at,
                finished_at: campaign.finished_at,
            });
        }
        Ok(Page { items, next: found.next })
    }

    async fn get(&self, app: &AppId, id: &CampaignId) -> Result<CampaignView, AppError> {
        let app = app_of(&self.house, app).await?;
        let campaign = self.house.campaigns.find(&app, id).await?;
        let (crowd_name, copy_name) = self.names(&app, &campaign).await?;
        let tests = self.house.campaigns.side_messages(&app, id, Origin::Test).await?;
        let resends = self.house.campaigns.side_messages(&app, id, Origin::Resend).await?;
        Ok(CampaignView {
            form: form::write(&campaign.spec, &self.zone),
            id: campaign.id,
            revision: campaign.revision,
            state: campaign.state,
            spec: campaign.spec,
            app_name: app.name,
            environment: app.environment,
            crowd_name,
            copy_name,
            due_at: campaign.due_at.filter(|_| campaign.state == CampaignState::Scheduled),
            message: campaign.message.map(|(_, id)| id),
            trouble: campaign.trouble,
            created_at: campaign.created_at,
            created_by: campaign.created_by,
            changed_at: campaign.changed_at,
            changed_by: campaign.changed_by,
            started_at: campaign.started_at,
            finished_at: campaign.finished_at,
            tests,
            resends,
        })
    }

    async fn choices(&self, app: &AppId, who: &Who) -> Result<Choices, AppError> {
        let app = app_of(&self.house, app).await?;
        let storage = &self.house.storage;
        let page = PageRequest { after: None, size: OFFERED };
        let crowds = storage.crowds.list(app.no, &CrowdFilter::default(), &page).await.map_err(|e| failed(&e))?;
        let copies = storage.copies.list(app.no, &CopyFilter::default(), &page).await.map_err(|e| failed(&e))?;
        let tests = DeviceFilter { test: Some(true), ..DeviceFilter::default() };
        // Who may not send sees no devices either.
        let devices = if who.rights.may(Permission::Operate, Some(&app.id)) {
            storage.devices.list(app.no, &tests, &page).await.map_err(|e| failed(&e))?.items
        } else {
            Vec::new()
        };
        let ways = Ways::of(storage, &app).await.map_err(|e| failed(&e))?;
        let mut zones = vec![self.zone.clone()];
        zones.extend(ZONES.iter().filter(|z| **z != self.zone).map(|z| (*z).to_owned()));
        Ok(Choices {
            crowds: crowds.items.into_iter().map(|c| CrowdChoice { id: c.id, name: c.name, rows: c.counts.valid }).collect(),
            copies: copies.items.into_iter().map(|c| CopyChoice { id: c.id, name: c.name, version: c.newest.number }).collect(),
            test_devices: devices
                .into_iter()
                .map(|d| TestDevice { id: d.id, model: d.model, user: d.user_id, vendors: d.tokens.iter().map(|t| t.vendor).collect() })
                .collect(),
            vendors: ways.vendors(&app.vendor_order),
            zones,
            default_title: app.default_title,
        })
    }

    async fn look(&self, app: &AppId, form: &CampaignForm) -> Result<Check, AppError> {
        let app = app_of(&self.house, app).await?;
        let read = form::read(form);
        let mut check = self.house.campaigns.check(&app, &read.spec, true).await?;
        // What cannot be read is told first, and once.
        let unread: Vec<&str> = read.errors.iter().map(|e| e.field.as_str()).collect();
        check.errors.retain(|e| !unread.contains(&e.field.as_str()));
        check.errors.splice(0..0, read.errors.iter().cloned());
        Ok(check)
    }

    async fn save(
        &self,
        asked: &Asked,
        app: &AppId,
        edited: Option<(CampaignId, i64)>,
        form: &CampaignForm,
    ) -> Result<CampaignId, AppError> {
        let app = app_of(&self.house, app).await?;
        let edited = edited.as_ref().map(|(id, revision)| (id, *revision));
        Ok(self.house.campaigns.save(&app, edited, form, &actor(asked)).await?.id)
    }

    async fn duplicate(&self, asked: &Asked, app: &AppId, id: &CampaignId) -> Result<CampaignId, AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.duplicate(&app, id, &actor(asked)).await?.id)
    }

    async fn test(&self, asked: &Asked, app: &AppId, id: &CampaignId, devices: &[DeviceId]) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.house.campaigns.test_send(&app, id, devices, &actor(asked)).await?;
        Ok(())
    }

    async fn launch(&self, asked: &Asked, app: &AppId, id: &CampaignId, revision: i64, typed: &str, why: &str) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        let pressed = Pressed { app_name: typed.to_owned(), why: why.to_owned() };
        self.house.campaigns.launch(&app, id, revision, &pressed, &actor(asked)).await?;
        Ok(())
    }

    async fn forecast(&self, app: &AppId, id: &CampaignId) -> Result<ForecastView, AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.forecast_view(&app, id).await?)
    }

    async fn approval(&self, asked: &Asked, app: &AppId, id: &CampaignId) -> Result<ApprovalView, AppError> {
        let app = app_of(&self.house, app).await?;
        let who = &asked.who;
        let mut view = self.house.campaigns.approval_view(&app, id, (who.id.as_str(), &who.name)).await?;
        // What a recipient reads may name the recipient.
        if !who.rights.may(Permission::SeeRecipients, Some(&app.id)) {
            view.samples.clear();
        }
        Ok(view)
    }

    async fn waiting(&self, who: &Who, app: Option<&AppId>) -> Result<Vec<WaitingView>, AppError> {
        let mut apps = self.house.storage.apps.list().await.map_err(|e| failed(&e))?;
        apps.retain(|one| app.is_none_or(|app| one.id == *app) && who.rights.may(Permission::Approve, Some(&one.id)));
        Ok(self.house.campaigns.waiting(&apps, (who.id.as_str(), &who.name)).await?)
    }

    async fn start_view(&self, app: &AppId, id: &CampaignId) -> Result<StartView, AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.start_view(&app, id).await?)
    }

    async fn schedule_view(&self, app: &AppId, id: &CampaignId) -> Result<ScheduleView, AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.schedule_view(&app, id).await?)
    }

    async fn set_timing(&self, asked: &Asked, app: &AppId, id: &CampaignId, revision: i64, typed: [&str; 4]) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        let [ask_after, opens, closes, by] = typed;
        let timing = Timing::read(ask_after, opens, closes, by).map_err(Problem::fields)?;
        self.house.campaigns.set_timing(&app, id, revision, timing, &actor(asked)).await?;
        Ok(())
    }

    async fn decide_late(&self, asked: &Asked, app: &AppId, id: &CampaignId, send: bool) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        match send {
            true => drop(self.house.campaigns.send_late(&app, id, &actor(asked)).await?),
            false => self.house.campaigns.drop_late(&app, id, &actor(asked)).await?,
        }
        Ok(())
    }

    async fn judge(
        &self,
        asked: &Asked,
        app: &AppId,
        id: &CampaignId,
        revision: i64,
        verdict: (&[Section], Said),
        comment: &str,
    ) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.judge(&app, id, revision, verdict, comment, &actor(asked)).await?)
    }

    async fn calendar(&self, app: &AppId, view: &str, date: &str) -> Result<CalendarView, AppError> {
        let app = app_of(&self.house, app).await?;
        // An unknown zone was refused with the settings.
        let zone = jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        Ok(self.house.campaigns.calendar(&app, calendar::span_of(view)?, date.trim(), &zone).await?)
    }

    async fn control(&self, asked: &Asked, app: &AppId, id: &CampaignId, control: Control) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        let (desk, actor) = (&self.house.campaigns, actor(asked));
        match control {
            Control::Pause => desk.pause(&app, id, &actor).await?,
            Control::Resume => desk.resume(&app, id, &actor).await?,
            Control::Cancel => desk.cancel(&app, id, &actor).await?,
            Control::Unschedule => desk.unschedule(&app, id, &actor).await?,
        }
        Ok(())
    }

    async fn resend(&self, asked: &Asked, app: &AppId, id: &CampaignId, outcomes: &[Outcome]) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.house.campaigns.resend(&app, id, outcomes, &actor(asked)).await?;
        Ok(())
    }

    async fn progress(&self, app: &AppId, id: &CampaignId) -> Result<CampaignProgress, AppError> {
        let app = app_of(&self.house, app).await?;
        let campaign = self.house.campaigns.find(&app, id).await?;
        let holds = holds(&self.house, app.no).await?;
        Ok(self.house.campaigns.progress(&campaign, &holds).await?)
    }
}
