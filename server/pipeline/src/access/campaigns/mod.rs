//! Campaigns at the door: drafts, checks, starts, schedules, controls. What is started becomes one stored message.
//!
//! `form` reads what was typed, `audience` looks at the crowd, `check` says what must be mended, `forecast` what it would come to,
//! `approval` who else must say yes, `launch` starts and keeps campaign and message in step, `progress` tells how far it is,
//! `ahead` what was made ready at vendors before, `recall` takes back what was sent,
//! `schedule` holds its hours and asks when it is late,
//! `ramp` lets it begin with a few, `errors` pauses one that fails too often.

mod ahead;
pub mod approval;
pub mod audience;
pub mod calendar;
pub mod check;
mod errors;
pub mod forecast;
pub mod form;
pub mod launch;
pub mod progress;
mod ramp;
mod recall;
pub mod schedule;

use serde_json::json;
use types::campaign::{CampaignSpec, Schedule};
use types::content::Content;
use types::funnel::Equation;
use types::ids::{CampaignId, DeviceId};
use types::life::{CampaignState, Outcome};
use types::listing::PageRequest;
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::vendor::Vendor;
use types::views::campaigns::{CampaignForm, SideMessage};

use super::accept::{Accept, Accepted, Submission, store_problem};
use super::actor::Actor;
use super::controls::Controls;
use crate::broker::plan::Planner;
use crate::storage::apps::App;
use crate::storage::campaigns::{Campaign, Hand, Move};
use crate::storage::messages::{MessageFilter, Origin, Targets};
use crate::storage::{Storage, tallies};
use crate::world::World;

/// Test devices one test send may name.
pub const TEST_MAX: usize = 20;
/// Test sends and resends a campaign shows.
const SIDE_MAX: u32 = 10;
/// A test is for now: it is not worth sending an hour later.
const TEST_LIFE_MS: types::Millis = 3_600_000;

#[derive(Clone)]
pub struct CampaignDesk {
    storage: Storage,
    world: World,
    accept: Accept,
    controls: Controls,
    planner: Planner,
    rates: progress::Rates,
    made: forecast::Made,
}

fn hand(actor: &Actor) -> Hand<'_> {
    Hand { id: &actor.id, name: &actor.name }
}

fn wrong_state(zh: &str, en: &str) -> Problem {
    Problem::because(Code::WrongState, Words::new(zh, en))
}

impl CampaignDesk {
    pub fn new(storage: Storage, world: World, accept: Accept, controls: Controls, planner: Planner) -> CampaignDesk {
        CampaignDesk { storage, world, accept, controls, planner, rates: progress::Rates::default(), made: forecast::Made::default() }
    }

    /// A campaign of this app.
    ///
    /// # Errors
    /// `NotFound`, also for another app's campaign.
    pub async fn find(&self, app: &App, id: &CampaignId) -> Result<Campaign, Problem> {
        let found = self.storage.campaigns.get(id).await.map_err(|e| store_problem(&e))?;
        found
            .filter(|campaign| campaign.app_no == app.no)
            .ok_or_else(|| Problem::because(Code::NotFound, Words::new(format!("没有任务 {id}"), format!("no campaign {id}"))))
    }

    /// Makes a draft, or changes one. `edited` names the revision the person saw.
    ///
    /// # Errors
    /// `InvalidFields` with every field at fault; `Conflict` when somebody saved first; `WrongState` when it is no draft any more.
    pub async fn save(
        &self,
        app: &App,
        edited: Option<(&CampaignId, i64)>,
        form: &CampaignForm,
        actor: &Actor,
    ) -> Result<Campaign, Problem> {
        let read = form::read(form);
        if !read.errors.is_empty() {
            return Err(Problem::fields(read.errors));
        }
        let now = self.world.now();
        let (saved, action) = match edited {
            None => {
                let id = CampaignId::from_bytes(self.world.id());
                (self.storage.campaigns.create(app.no, id, read.spec, hand(actor), now).await, "campaign.create")
            }
            Some((id, revision)) => {
                let before = self.find(app, id).await?;
                if before.state != CampaignState::Draft {
                    return Err(wrong_state(
                        "只有草稿可以修改；已排期的请先撤回排期",
                        "only a draft can be changed; take a scheduled one back first",
                    ));
                }
                // The composer does not show these; they have a page of their own.
                let spec = CampaignSpec { ask_after: before.spec.ask_after, hours: before.spec.hours, ..read.spec };
                (self.storage.campaigns.save(id, revision, spec, hand(actor), now).await, "campaign.save")
            }
        };
        let saved = saved.map_err(|e| store_problem(&e))?;
        self.tell(actor, app, action, &saved).await;
        Ok(saved)
    }

    /// A new draft with the same parts, to start now.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn duplicate(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<Campaign, Problem> {
        let old = self.find(app, id).await?;
        let name: String = old.spec.name.chars().take(types::views::copies::NAME_MAX - 2).chain(" 2".chars()).collect();
        let spec = CampaignSpec { name, schedule: Schedule::Now, deadline: None, copy_version: None, ..old.spec };
        let fresh = CampaignId::from_bytes(self.world.id());
        let made =
            self.storage.campaigns.create(app.no, fresh, spec, hand(actor), self.world.now()).await.map_err(|e| store_problem(&e))?;
        self.tell(actor, app, "campaign.create", &made).await;
        Ok(made)
    }

    /// Nothing more is sent from the moment this returns; what is in flight ends by itself.
    ///
    /// # Errors
    /// `WrongState` when it is not running.
    pub async fn pause(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        let no = self.sending(&campaign)?;
        self.controls.pause(no).await?;
        self.follow(&campaign, CampaignState::Running, CampaignState::Paused, actor).await?;
        self.tell(actor, app, "campaign.pause", &campaign).await;
        Ok(())
    }

    /// # Errors
    /// `WrongState` when it is not paused.
    pub async fn resume(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        let no = self.sending(&campaign)?;
        self.controls.resume(no).await?;
        self.follow(&campaign, CampaignState::Paused, CampaignState::Running, actor).await?;
        self.tell(actor, app, "campaign.resume", &campaign).await;
        Ok(())
    }

    /// Unsent recipients end as cancelled; what was handed over stays.
    ///
    /// # Errors
    /// `WrongState` when it is over.
    pub async fn cancel(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        match campaign.state {
            CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed => {
                let step = Move::new(campaign.state, CampaignState::Cancelled, &actor.name, self.world.now());
                let moved = self.storage.campaigns.advance(id, step).await.map_err(|e| store_problem(&e))?;
                moved.ok_or_else(|| wrong_state("它刚刚变了状态，请刷新后重试", "its state just changed; reload and try again"))?;
            }
            _ => {
                let no = self.sending(&campaign)?;
                self.controls.cancel(no).await?;
                self.follow(&campaign, campaign.state, CampaignState::Cancelled, actor).await?;
            }
        }
        self.tell(actor, app, "campaign.cancel", &campaign).await;
        Ok(())
    }

    /// Scheduled, or too late for its schedule -> Draft.
    ///
    /// # Errors
    /// `WrongState` when it is neither.
    pub async fn unschedule(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        let from = if campaign.state == CampaignState::Missed { campaign.state } else { CampaignState::Scheduled };
        let step = Move::new(from, CampaignState::Draft, &actor.name, self.world.now());
        let moved = self.storage.campaigns.advance(id, step).await.map_err(|e| store_problem(&e))?;
        moved.ok_or_else(|| wrong_state("它没有在排期中", "it is not scheduled"))?;
        self.tell(actor, app, "campaign.unschedule", &campaign).await;
        Ok(())
    }

    /// A new message to those of the ended campaign whose outcome is among `outcomes`.
    ///
    /// # Errors
    /// `WrongState` while it runs or when it never started; `InvalidFields` when an outcome cannot be resent, or nobody has it.
    pub async fn resend(&self, app: &App, id: &CampaignId, outcomes: &[Outcome], actor: &Actor) -> Result<Accepted, Problem> {
        let campaign = self.find(app, id).await?;
        let Some((no, message)) = &campaign.message else { return Err(wrong_state("还没有开始过", "it never started")) };
        let total = self.equation(*no).await?;
        if !outcomes.is_empty() && outcomes.iter().map(|o| total.get(*o)).sum::<u64>() == 0 {
            return Err(Problem::field("outcomes", Text::new("没有这样的接收人", "no recipient has such an outcome")));
        }
        let message = self.controls.find(app, message).await?;
        let sent = self.controls.resend(app, &message, outcomes, &actor.name, &actor.address).await?;
        let names: Vec<&str> = outcomes.iter().map(|o| o.slug()).collect();
        actor.tell(&self.storage, &self.world, "campaign.resend", id.as_str(), app, json!({ "message": sent.id, "outcomes": names })).await;
        Ok(sent)
    }

    /// Sends the draft's copy to registered test devices, and to nobody else whatever is named: the message's origin says so to
    /// the broker. Returns the message.
    ///
    /// # Errors
    /// `InvalidFields` when no device is named, one is no test device, or the copy breaks a rule.
    pub async fn test_send(&self, app: &App, id: &CampaignId, devices: &[DeviceId], actor: &Actor) -> Result<Accepted, Problem> {
        let campaign = self.find(app, id).await?;
        if devices.is_empty() || devices.len() > TEST_MAX {
            return Err(Problem::field("devices", Text::new("请选 1 到 20 台测试机", "choose 1 to 20 test devices")));
        }
        for device in devices {
            let found = self.storage.devices.get(app.no, device).await.map_err(|e| store_problem(&e))?;
            if !found.is_some_and(|d| d.test) {
                return Err(Problem::field(
                    "devices",
                    Words::new(
                        format!("{device} 不是本应用登记的测试机，请先在终端页标为测试机"),
                        format!("{device} is no registered test device of this app; mark it on the devices page first"),
                    ),
                ));
            }
        }
        let content = self.content(app, &campaign.spec).await?;
        let samples = audience::samples(&self.storage, app, campaign.spec.crowd.as_ref(), &content, &campaign.spec.variables)
            .await
            .map_err(|e| store_problem(&e))?;
        // What the first recipient of the crowd would read.
        let content = samples.into_iter().next().map_or(content, |sample| sample.content);
        let submission = Submission {
            campaign: Some(id.clone()),
            origin: Origin::Test,
            class: campaign.spec.class,
            business: campaign.spec.business.clone(),
            content,
            variables: Default::default(),
            targets: Targets::Devices { devices: devices.iter().map(ToString::to_string).collect() },
            vendor_order: campaign.spec.vendor_order.clone(),
            versions: campaign.spec.versions.clone(),
            hours: None,
            deadline: Some(self.world.now() + TEST_LIFE_MS),
            idempotency: None,
            account: actor.name.clone(),
            address: actor.address.clone(),
        };
        let sent = self.accept.submit(app, submission).await.map_err(check::about_copy)?;
        actor.tell(&self.storage, &self.world, "campaign.test", id.as_str(), app, json!({ "message": sent.id, "devices": devices })).await;
        Ok(sent)
    }

    /// Test sends or resends of a campaign, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn side_messages(&self, app: &App, id: &CampaignId, origin: Origin) -> Result<Vec<SideMessage>, Problem> {
        let filter = MessageFilter { campaign: Some(id.clone()), origin: Some(origin), ..MessageFilter::default() };
        let page = PageRequest { after: None, size: SIDE_MAX };
        let found = self.storage.messages.list(app.no, &filter, &page).await.map_err(|e| store_problem(&e))?;
        let mut out = Vec::new();
        for message in found.items {
            let funnel = tallies::fold(self.storage.tallies.of_message(message.no).await.map_err(|e| store_problem(&e))?);
            out.push(SideMessage {
                id: message.id,
                state: message.state,
                at: message.created_at,
                by: message.account,
                equation: funnel.total,
                losses: funnel.losses,
            });
        }
        Ok(out)
    }

    /// The equation of a message.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn equation(&self, message_no: i64) -> Result<Equation, Problem> {
        Ok(tallies::fold(self.storage.tallies.of_message(message_no).await.map_err(|e| store_problem(&e))?).total)
    }

    /// The content of the chosen copy in the chosen version (the newest when none is chosen).
    ///
    /// # Errors
    /// `InvalidFields` when no copy is chosen or it is not there any more.
    pub async fn content(&self, app: &App, spec: &CampaignSpec) -> Result<Content, Problem> {
        let (content, _) = self.copy_of(app, spec).await?;
        Ok(content)
    }

    async fn copy_of(&self, app: &App, spec: &CampaignSpec) -> Result<(Content, u32), Problem> {
        let id = spec.copy.as_ref().ok_or_else(|| Problem::field("copy", Text::new("请选择文案", "choose a copy")))?;
        let gone = || Problem::field("copy", Text::new("文案已不在，请重新选择", "the copy is gone; choose another"));
        let copy = self.storage.copies.get(id).await.map_err(|e| store_problem(&e))?.filter(|c| c.app_no == app.no).ok_or_else(gone)?;
        match spec.copy_version {
            None => Ok((copy.newest.content, copy.newest.number)),
            Some(number) => {
                let version = self.storage.copies.version(id, number).await.map_err(|e| store_problem(&e))?;
                let missing = || {
                    Problem::field(
                        "copy_version",
                        Words::new(format!("没有版本 {number}，请选最新版"), format!("there is no version {number}; choose the newest")),
                    )
                };
                version.map(|v| (v.content, v.number)).ok_or_else(missing)
            }
        }
    }

    fn sending(&self, campaign: &Campaign) -> Result<i64, Problem> {
        match (&campaign.message, campaign.state) {
            (Some((no, _)), CampaignState::Running | CampaignState::Paused) => Ok(*no),
            (None, CampaignState::Running) => Err(wrong_state("正在启动，请一秒后重试", "it is just starting; try again in a second")),
            (_, CampaignState::Finished | CampaignState::Cancelled) => Err(wrong_state("已经结束", "it is over")),
            _ => Err(wrong_state("还没有开始", "it has not started")),
        }
    }

    /// The campaign's state follows its message's. Somebody else having done it already is as good.
    async fn follow(&self, campaign: &Campaign, from: CampaignState, to: CampaignState, actor: &Actor) -> Result<(), Problem> {
        // Why it once paused itself stands: it is told, and it does not do so again.
        let step = Move { trouble: campaign.trouble.clone(), ..Move::new(from, to, &actor.name, self.world.now()) };
        self.storage.campaigns.advance(&campaign.id, step).await.map(|_| ()).map_err(|e| store_problem(&e))
    }

    async fn tell(&self, actor: &Actor, app: &App, action: &str, campaign: &Campaign) {
        let after = json!({ "name": campaign.spec.name, "state": campaign.state, "revision": campaign.revision });
        actor.tell(&self.storage, &self.world, action, campaign.id.as_str(), app, after).await;
    }
}

/// The vendors whose rules a content must keep: those of the order, or of the app.
fn vendors_of(app: &App, spec: &CampaignSpec) -> Vec<Vendor> {
    if spec.vendor_order.is_empty() { app.vendor_order.clone() } else { spec.vendor_order.clone() }
}
