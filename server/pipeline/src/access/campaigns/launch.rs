//! Starting: the state first, then the message, then both know each other. Each step is durable and safe to repeat, so a crash in
//! between is mended by the next tick, and no crowd is ever sent to twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ring::digest;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use types::Millis;
use types::campaign::{CampaignSpec, Schedule};
use types::field::FieldError;
use types::ids::CampaignId;
use types::life::{CampaignState, MessageState};
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::vendor::Vendor;
use types::views::approval::Needs;
use types::views::campaigns::{CampaignProgress, LaneProgress};
use types::views::forecast::Overruled;

use super::approval::unmet;
use super::{CampaignDesk, check, progress, schedule, wrong_state};
use crate::access::accept::{Submission, store_problem};
use crate::access::actor::Actor;
use crate::coordination::{Claim, Locks};
use crate::storage::apps::{App, Lane};
use crate::storage::campaigns::{Campaign, Move, Shown};
use crate::storage::messages::{Origin, Targets};
use crate::storage::tallies;

/// Between two looks at schedules.
const EVERY: Duration = Duration::from_secs(1);
/// A node that fell silent loses its turn after this.
const TURN: Duration = Duration::from_secs(10);
/// Campaigns handled in one tick.
const AT_ONCE: u32 = 100;
/// A scheduled start this late counts from when it really was.
const LATE_MS: Millis = 3_600_000;
/// A start younger than this is still in its caller's hands.
const HALF_MS: Millis = 5_000;

/// What a person typed on the page of the last question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pressed {
    /// The app's name, where its size asks for it.
    pub app_name: String,
    /// Why it goes although it must miss its deadline.
    pub why: String,
}

impl CampaignDesk {
    /// Starts or schedules a draft, as its spec says. Returns it in its new state.
    ///
    /// # Errors
    /// `InvalidFields` with everything that must be mended, or with what the page of the last question asks; `Conflict` when somebody changed it since `revision`;
    /// `WrongState` when it is no draft.
    pub async fn launch(&self, app: &App, id: &CampaignId, revision: i64, pressed: &Pressed, actor: &Actor) -> Result<Campaign, Problem> {
        let campaign = self.find(app, id).await?;
        if campaign.state != CampaignState::Draft {
            return Err(wrong_state("只有草稿可以开始", "only a draft can be started"));
        }
        if campaign.revision != revision {
            return Err(Problem::because(
                Code::Conflict,
                Text::new("别人刚刚改过这个任务，请刷新并重新核对", "somebody changed this campaign; reload and check it again"),
            ));
        }
        let shown = self.may_start(app, &campaign, pressed, actor).await?;
        let now = self.world.now();
        let due = match &campaign.spec.schedule {
            Schedule::At { at, .. } if *at > now => Some(*at),
            _ => None,
        };
        let moved = match due {
            Some(at) => {
                let step = Move {
                    revision: Some(revision),
                    due_at: Some(at),
                    shown: Some(shown.clone()),
                    ..Move::new(CampaignState::Draft, CampaignState::Scheduled, &actor.name, now)
                };
                let moved = self.storage.campaigns.advance(id, step).await.map_err(|e| store_problem(&e))?;
                moved.ok_or_else(|| wrong_state("它刚刚变了状态，请刷新后重试", "its state just changed; reload and try again"))?
            }
            None => self.begin(app, &campaign, CampaignState::Draft, Some(shown.clone()), actor).await?,
        };
        let action = if due.is_some() { "campaign.schedule" } else { "campaign.start" };
        let after = json!({ "name": moved.spec.name, "copy_version": moved.spec.copy_version, "due_at": due,
            "message": moved.message.as_ref().map(|(_, id)| id), "devices": shown.forecast.reachable() });
        actor.tell(&self.storage, &self.world, action, id.as_str(), app, after).await;
        if let Some(overruled) = &shown.overruled {
            let after = json!({ "name": moved.spec.name, "why": overruled.why, "missed": shown.forecast.missed() });
            actor.tell(&self.storage, &self.world, "campaign.overrule", id.as_str(), app, after).await;
        }
        Ok(moved)
    }

    /// Everything that may hold a start back, and the forecast it goes with.
    async fn may_start(&self, app: &App, campaign: &Campaign, pressed: &Pressed, actor: &Actor) -> Result<Shown, Problem> {
        let mut found = self.check(app, &campaign.spec, false).await?;
        let parts = self.parts(app, &campaign.spec).await?;
        let forecast = match &parts {
            Some(parts) => Some(self.forecast(app, campaign, parts).await?),
            None => None,
        };
        let lanes_open = found.errors.iter().all(|e| e.field != "lanes");
        found.errors.extend(forecast.as_ref().and_then(check::nobody_in).filter(|_| lanes_open));
        let (Some(parts), Some(forecast), true) = (parts, forecast, found.errors.is_empty()) else {
            return Err(Problem::fields(found.errors));
        };
        let needs = self.needs(app, campaign, &parts, &forecast).await?;
        let errors = unmet(&needs, &pressed.app_name, &app.name, &pressed.why);
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        let overruled = needs.why.map(|_| Overruled { by: actor.name.clone(), why: pressed.why.trim().to_owned() });
        Ok(Shown { made_of: parts.made_of, forecast, overruled, at: self.world.now() })
    }

    /// Whether somebody else must still say yes to a scheduled campaign: an edit of its copy may have made a yes void.
    pub(super) async fn unapproved(&self, app: &App, campaign: &Campaign) -> Result<Vec<FieldError>, Problem> {
        let Some(parts) = self.parts(app, &campaign.spec).await? else { return Ok(Vec::new()) };
        let forecast = match self.storage.campaigns.shown(&campaign.id).await.map_err(|e| store_problem(&e))? {
            Some(shown) => shown.forecast,
            None => self.forecast(app, campaign, &parts).await?,
        };
        // The name was typed and the deadline answered for when it was scheduled.
        let needs = Needs { app_name: None, why: None, ..self.needs(app, campaign, &parts, &forecast).await? };
        Ok(unmet(&needs, "", "", ""))
    }

    /// Draft, Scheduled or Missed -> Running with its message. The copy's version is fixed in the same write.
    pub(super) async fn begin(
        &self,
        app: &App,
        campaign: &Campaign,
        from: CampaignState,
        shown: Option<Shown>,
        actor: &Actor,
    ) -> Result<Campaign, Problem> {
        let now = self.world.now();
        let (_, version) = self.copy_of(app, &campaign.spec).await?;
        // A start in time counts from its hour, so that what was made ready for it is found again.
        let hour = campaign.due_at.filter(|at| now - at < LATE_MS).unwrap_or(now);
        let (_, deadline) = check::times(&campaign.spec, hour);
        let spec = CampaignSpec { copy_version: Some(version), deadline: Some(deadline), ..campaign.spec.clone() };
        let revision = Some(campaign.revision);
        let step = Move { revision, spec: Some(spec), shown, ..Move::new(from, CampaignState::Running, &actor.name, now) };
        let running = self.storage.campaigns.advance(&campaign.id, step).await.map_err(|e| store_problem(&e))?;
        let running = running.ok_or_else(|| wrong_state("它刚刚变了状态，请刷新后重试", "its state just changed; reload and try again"))?;
        self.submit(app, &running, actor).await?;
        self.find(app, &campaign.id).await
    }

    /// The message of a running campaign; the same one however often this is called.
    async fn submit(&self, app: &App, campaign: &Campaign, actor: &Actor) -> Result<(), Problem> {
        let spec = &campaign.spec;
        let accepted = match (self.content(app, spec).await, &spec.crowd) {
            (Ok(content), Some(crowd)) => {
                let body = digest::digest(&digest::SHA256, campaign.id.as_str().as_bytes());
                let mut hash = [0; 32];
                hash.copy_from_slice(body.as_ref());
                let submission = Submission {
                    campaign: Some(campaign.id.clone()),
                    origin: Origin::Campaign,
                    class: spec.class,
                    business: spec.business.clone(),
                    content,
                    variables: spec.variables.clone(),
                    targets: Targets::Crowd { crowd: crowd.clone() },
                    vendor_order: spec.vendor_order.clone(),
                    versions: spec.versions.clone(),
                    hours: spec.hours,
                    deadline: spec.deadline,
                    idempotency: Some((format!("carillon:start:{}", campaign.id), hash)),
                    account: actor.name.clone(),
                    address: actor.address.clone(),
                };
                self.accept.submit(app, submission).await
            }
            (Err(problem), _) => Err(problem),
            (_, None) => Err(Problem::field("crowd", Text::new("请选择人群", "choose a crowd"))),
        };
        match accepted {
            Ok(accepted) => {
                self.storage.campaigns.set_message(&campaign.id, accepted.no, &accepted.id).await.map_err(|e| store_problem(&e))?;
                Ok(())
            }
            Err(problem) => {
                // The store failing for a moment is tried again by the next tick; a refusal stays one.
                if problem.code != Code::Unavailable {
                    let told = check::about_copy(problem.clone());
                    self.storage.campaigns.take_back(&campaign.id, told, self.world.now()).await.map_err(|e| store_problem(&e))?;
                }
                Err(check::about_copy(problem))
            }
        }
    }

    /// Looks at schedules every second until stopped: one node does. Nobody to ask = every node does; a start is one message whoever
    /// submits it, by its idempotency key.
    pub async fn run(self, locks: Arc<dyn Locks>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if locks.claim("schedules", TURN).await != Claim::Theirs
                && let Err(problem) = self.tick().await
            {
                tracing::error!(%problem, "campaigns could not be looked at; the next second tries again");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
        locks.release("schedules").await;
    }

    /// Starts what is due, mends starts that were cut short, and lets every campaign follow its message.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tick(&self) -> Result<(), Problem> {
        let now = self.world.now();
        let system = Actor::system();
        for campaign in self.storage.campaigns.due(now, AT_ONCE).await.map_err(|e| store_problem(&e))? {
            self.start_due(&campaign, &system).await?;
        }
        for campaign in self.storage.campaigns.half_started(AT_ONCE).await.map_err(|e| store_problem(&e))? {
            if now - campaign.changed_at < HALF_MS {
                continue;
            }
            if let Some(app) = self.storage.apps.by_no(campaign.app_no).await.map_err(|e| store_problem(&e))?
                && let Err(problem) = self.submit(&app, &campaign, &system).await
            {
                tracing::warn!(campaign = %campaign.id, %problem, "a start that was cut short could not be finished");
            }
        }
        for (campaign, message) in self.storage.campaigns.out_of_step(AT_ONCE).await.map_err(|e| store_problem(&e))? {
            let to = match message {
                MessageState::Planning | MessageState::Sending => CampaignState::Running,
                MessageState::Paused => CampaignState::Paused,
                MessageState::Finished => CampaignState::Finished,
                MessageState::Cancelled => CampaignState::Cancelled,
            };
            if campaign.state.may_become().contains(&to) {
                self.follow(&campaign, campaign.state, to, &system).await?;
            }
        }
        self.ramps().await?;
        for (id, message_no) in self.storage.campaigns.running(AT_ONCE).await.map_err(|e| store_problem(&e))? {
            let counted = self.storage.tallies.of_message(message_no).await.map_err(|e| store_problem(&e))?;
            let funnel = tallies::fold(counted);
            self.rates.note(message_no, now, &funnel);
            self.hold_if_failing(&id, &funnel).await?;
        }
        Ok(())
    }

    async fn start_due(&self, campaign: &Campaign, system: &Actor) -> Result<(), Problem> {
        let Some(app) = self.storage.apps.by_no(campaign.app_no).await.map_err(|e| store_problem(&e))? else { return Ok(()) };
        if let Some(late) = schedule::too_late(campaign, self.world.now()) {
            return self.ask_late(&app, campaign, late).await;
        }
        let mut found = self.check(&app, &campaign.spec, false).await?;
        // Late is still in time when the process was down at its hour; the deadline decides.
        found.errors.retain(|e| e.field != "local");
        if found.errors.is_empty() {
            found.errors = self.unapproved(&app, campaign).await?;
        }
        let outcome = if found.errors.is_empty() {
            self.begin(&app, campaign, CampaignState::Scheduled, None, system).await.map(|_| ())
        } else {
            let mut trouble = Problem::fields(found.errors);
            trouble.detail = Some(Words::new("到点没有开始，已回到草稿", "it did not start at its time and is a draft again"));
            let step = Move {
                trouble: Some(trouble.clone()),
                revision: Some(campaign.revision),
                ..Move::new(CampaignState::Scheduled, CampaignState::Draft, &system.name, self.world.now())
            };
            self.storage.campaigns.advance(&campaign.id, step).await.map_err(|e| store_problem(&e))?;
            Err(trouble)
        };
        let (action, after) = match &outcome {
            Ok(()) => ("campaign.start", json!({ "name": campaign.spec.name, "scheduled": campaign.due_at })),
            Err(problem) => ("campaign.start_failed", json!({ "name": campaign.spec.name, "why": problem.errors })),
        };
        system.tell(&self.storage, &self.world, action, campaign.id.as_str(), &app, after).await;
        if let Err(problem) = outcome {
            tracing::warn!(campaign = %campaign.id, %problem, "a scheduled campaign did not start");
        }
        Ok(())
    }

    /// How far it is now. `holds` = what the send stage says of the app's lanes, in words.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn progress(&self, campaign: &Campaign, holds: &BTreeMap<Vendor, Words>) -> Result<CampaignProgress, Problem> {
        let now = self.world.now();
        let mut out = CampaignProgress {
            state: campaign.state,
            message_state: None,
            equation: Default::default(),
            lanes: Vec::new(),
            losses: Vec::new(),
            eta: None,
            deadline: campaign.spec.deadline,
            at: now,
            ahead: self.ahead(campaign).await?,
            ramp: self.ramp_words(&campaign.id).await?,
        };
        let Some((no, _)) = &campaign.message else { return Ok(out) };
        let Some(message) = self.storage.messages.get(*no).await.map_err(|e| store_problem(&e))? else { return Ok(out) };
        let funnel = tallies::fold(self.storage.tallies.of_message(*no).await.map_err(|e| store_problem(&e))?);
        let rates = self.rates.note(*no, now, &funnel);
        let rules = self.storage.policy.get(campaign.app_no).await.map_err(|e| store_problem(&e))?.rules;
        let shut = schedule::shut_words(&rules, crate::broker::ask::about(&message), now);
        let by_zone = schedule::waits_by_zone(message.hours);
        let lanes: Vec<Lane> = self.storage.apps.lanes_of(campaign.app_no).await.map_err(|e| store_problem(&e))?;
        out.message_state = Some(message.state);
        out.equation = funnel.total;
        out.losses = funnel.losses;
        out.lanes = funnel
            .lanes
            .iter()
            .map(|counted| {
                progress::lane_progress(&progress::Facts {
                    counted,
                    lane: lanes.iter().find(|lane| Some(lane.vendor) == counted.vendor),
                    rate: rates.get(&counted.vendor).copied(),
                    message: message.state,
                    hold: counted.vendor.and_then(|v| holds.get(&v)),
                    shut: shut.as_ref(),
                    by_zone: by_zone.as_ref(),
                    rules: &rules,
                    hours: message.hours,
                    now,
                })
            })
            .collect();
        let waiting: Vec<&LaneProgress> = out.lanes.iter().filter(|lane| lane.equation.waiting > 0).collect();
        // While recipients are still being resolved nobody knows the end.
        if message.state == MessageState::Sending && waiting.iter().all(|lane| lane.eta.is_some()) {
            out.eta = waiting.iter().filter_map(|lane| lane.eta).max();
        }
        Ok(out)
    }
}
