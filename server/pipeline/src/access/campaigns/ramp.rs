//! A campaign that begins with a few: chosen before the start, looked at every second by one node, stopped by itself, continued by
//! a person. What a guard sees are the counters of the message beside those of the app's last days.

use serde_json::json;
use types::Millis;
use types::ids::CampaignId;
use types::life::{CampaignState, MessageState, Outcome};
use types::problem::Problem;
use types::ramp::{Guard, Health, Look, Next, RampPlan, RampState, Share, Watched, next};
use types::receipt::ReceiptKind;
use types::text::Words;
use types::vendor::Vendor;
use types::views::ramp::RampView;

use super::{CampaignDesk, wrong_state};
use crate::access::accept::store_problem;
use crate::access::actor::Actor;
use crate::storage::apps::App;
use crate::storage::messages::Message;
use crate::storage::ramps::Ramp;
use crate::storage::tallies::{Grain, Measure, fold};

/// The days an app's habits are read from.
const HABIT_MS: Millis = 7 * 86_400_000;
const AT_ONCE: u32 = 100;

/// The guards' shares among these counters. Pure.
fn shares<'a>(counters: impl Iterator<Item = (Option<Vendor>, &'a Measure, i64)>) -> [(Guard, Share); 3] {
    let (mut accepted, mut refused, mut gone, mut off) = (0_i64, 0, 0, 0);
    for (_, measure, n) in counters {
        match measure {
            Measure::Outcome { outcome: Outcome::Accepted, .. } => accepted += n,
            Measure::Outcome { outcome: Outcome::Refused, reason, .. } => {
                refused += n;
                if reason == types::failure::FailureClass::InvalidToken.slug() {
                    gone += n;
                }
            }
            Measure::Receipt(ReceiptKind::TokenDead) => gone += n,
            Measure::Receipt(ReceiptKind::SwitchOff) => off += n,
            _ => {}
        }
    }
    let share = |n: i64, of: i64| Share { n: n.max(0).unsigned_abs(), of: of.max(0).unsigned_abs() };
    let asked = accepted + refused;
    [(Guard::Refused, share(refused, asked)), (Guard::Gone, share(gone, asked)), (Guard::SwitchedOff, share(off, accepted))]
}

impl CampaignDesk {
    /// The guards: this message's counters, and those of everything else the app sent in the last days.
    async fn watched(&self, message: &Message) -> Result<Vec<Watched>, Problem> {
        let counters = self.storage.tallies.of_message(message.no).await.map_err(|e| store_problem(&e))?;
        let now = shares(counters.iter().map(|(vendor, measure, n)| (*vendor, measure, *n)));
        let (until, hour) = (self.world.now() + Grain::Hour.ms(), Grain::Hour);
        let points =
            self.storage.tallies.series(Some(message.app_no), hour, until - HABIT_MS, until).await.map_err(|e| store_problem(&e))?;
        let all = shares(points.iter().map(|point| (point.vendor, &point.measure, point.n)));
        let rest = |now: Share, all: Share| Share { n: all.n.saturating_sub(now.n), of: all.of.saturating_sub(now.of) };
        Ok(now.into_iter().zip(all).map(|((guard, now), (_, all))| Watched { guard, now, usual: rest(now, all) }).collect())
    }

    /// What the running view says of it.
    pub(super) async fn ramp_words(&self, id: &CampaignId) -> Result<Option<Words>, Problem> {
        let Some(ramp) = self.storage.ramps.get(&id.message()).await.map_err(|e| store_problem(&e))? else { return Ok(None) };
        let (open, all, name) = (ramp.open, ramp.plan.shares.len(), ramp.state.name());
        let bad: Vec<Words> = ramp.watched.iter().filter(|one| one.health() == Health::Bad).map(Watched::words).collect();
        let said = |get: fn(&Words) -> &str| bad.iter().map(|words| format!(" · {}", get(words))).collect::<String>();
        let (zh, en) = if ramp.state == RampState::Stopped { (said(|w| &w.zh), said(|w| &w.en)) } else { Default::default() };
        let words = Words::new(format!("灰度第 {open}/{all} 步：{}{zh}", name.zh), format!("Ramp, step {open} of {all}: {}{en}", name.en));
        Ok((ramp.state != RampState::Done).then_some(words))
    }

    /// Chooses how a draft or scheduled campaign begins; `None` = all at once.
    ///
    /// # Errors
    /// `WrongState` when it has begun.
    pub async fn choose_ramp(&self, app: &App, id: &CampaignId, plan: Option<RampPlan>, actor: &Actor) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        let begun = || wrong_state("已经开始，不能再改怎样开始", "it has begun; how it begins cannot be changed any more");
        if !matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed) {
            return Err(begun());
        }
        let message = id.message();
        let told = json!({ "name": campaign.spec.name, "ramp": plan });
        match plan {
            Some(plan) => {
                let ramp = Ramp {
                    message,
                    campaign: id.clone(),
                    app_no: app.no,
                    plan,
                    state: RampState::Planned,
                    open: 1,
                    since: self.world.now(),
                    waived: 0,
                    watched: Vec::new(),
                    by: actor.name.clone(),
                };
                if !self.storage.ramps.choose(ramp).await.map_err(|e| store_problem(&e))? {
                    return Err(begun());
                }
            }
            None => {
                self.storage.ramps.forgo(&message).await.map_err(|e| store_problem(&e))?;
            }
        }
        actor.tell(&self.storage, &self.world, "campaign.ramp", id.as_str(), app, told).await;
        Ok(())
    }

    /// Where it stands, with the guards as they are now.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn ramp_view(&self, app: &App, id: &CampaignId) -> Result<RampView, Problem> {
        let campaign = self.find(app, id).await?;
        let ramp = self.storage.ramps.get(&id.message()).await.map_err(|e| store_problem(&e))?;
        let mut view = RampView {
            name: campaign.spec.name.clone(),
            state: campaign.state,
            plan: ramp.as_ref().map(|ramp| ramp.plan.clone()),
            ramp: ramp.as_ref().map(|ramp| (ramp.state, ramp.open, ramp.since)),
            by: ramp.as_ref().map(|ramp| ramp.by.clone()).unwrap_or_default(),
            watched: Vec::new(),
            stopped_for: Vec::new(),
            reached: 0,
            crowd: 0,
        };
        if let Some(crowd) = &campaign.spec.crowd
            && let Some(crowd) = self.storage.crowds.get(crowd).await.map_err(|e| store_problem(&e))?
        {
            view.crowd = crowd.counts.valid;
        }
        if let (Some(ramp), Some((no, _))) = (&ramp, &campaign.message)
            && let Some(message) = self.storage.messages.get(*no).await.map_err(|e| store_problem(&e))?
        {
            view.watched = self.watched(&message).await?;
            view.reached = self.equation(*no).await?.submitted();
            if ramp.state == RampState::Stopped {
                view.stopped_for = ramp.watched.clone();
            }
        }
        Ok(view)
    }

    /// A person lets it go on: what a guard stopped goes on with the open step, what is out opens the next one. The guards ask again
    /// with the step after.
    ///
    /// # Errors
    /// `WrongState` when nothing waits for a person.
    pub async fn continue_ramp(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        let none = || wrong_state("没有在等人决定", "it does not wait for a person");
        let ramp = self.storage.ramps.get(&id.message()).await.map_err(|e| store_problem(&e))?.ok_or_else(none)?;
        let from = (ramp.state, ramp.open);
        let open = match ramp.state {
            RampState::Looking | RampState::Asks => ramp.open + 1,
            RampState::Stopped => ramp.open,
            RampState::Planned | RampState::Sending | RampState::Done => return Err(none()),
        };
        let open = open.min(u32::try_from(ramp.plan.shares.len()).unwrap_or(u32::MAX));
        let stopped = ramp.state == RampState::Stopped;
        // Who goes on although a guard says no has seen its numbers.
        let bad = match &campaign.message {
            Some((no, _)) => match self.storage.messages.get(*no).await.map_err(|e| store_problem(&e))? {
                Some(message) => self.watched(&message).await?.iter().any(|one| one.health() == Health::Bad),
                None => false,
            },
            None => false,
        };
        let waived = if stopped || bad { open } else { ramp.waived };
        let to = Ramp { state: RampState::Sending, open, waived, since: self.world.now(), by: actor.name.clone(), ..ramp };
        if !self.storage.ramps.advance(from, to).await.map_err(|e| store_problem(&e))? {
            return Err(none());
        }
        if stopped && campaign.state == CampaignState::Paused {
            self.resume(app, id, actor).await?;
        }
        self.accept.planned();
        actor
            .tell(&self.storage, &self.world, "campaign.ramp_on", id.as_str(), app, json!({ "name": campaign.spec.name, "step": open }))
            .await;
        Ok(())
    }

    /// One look at every ramp under way.
    pub(super) async fn ramps(&self) -> Result<(), Problem> {
        for ramp in self.storage.ramps.living(AT_ONCE).await.map_err(|e| store_problem(&e))? {
            let Some(message) = self.storage.messages.by_id(&ramp.message).await.map_err(|e| store_problem(&e))? else { continue };
            let from = (ramp.state, ramp.open);
            if ramp.state == RampState::Planned {
                let to = Ramp { state: RampState::Sending, since: self.world.now(), ..ramp };
                self.storage.ramps.advance(from, to).await.map_err(|e| store_problem(&e))?;
                continue;
            }
            if matches!(message.state, MessageState::Finished | MessageState::Cancelled) {
                let to = Ramp { state: RampState::Done, since: self.world.now(), ..ramp };
                self.storage.ramps.advance(from, to).await.map_err(|e| store_problem(&e))?;
                continue;
            }
            if self.world.now() > message.deadline && matches!(ramp.state, RampState::Looking | RampState::Asks) {
                // Too late for the rest: it is planned, and ends as expired, so that the campaign ends with every row told.
                let all = u32::try_from(ramp.plan.shares.len()).unwrap_or(u32::MAX);
                let to = Ramp { state: RampState::Done, open: all, since: self.world.now(), ..ramp };
                self.storage.ramps.advance(from, to).await.map_err(|e| store_problem(&e))?;
                self.accept.planned();
                continue;
            }
            // Paused by a person: nobody is reached meanwhile, and the clock of a look goes on.
            self.look_at(ramp, &message).await?;
        }
        Ok(())
    }

    async fn look_at(&self, ramp: Ramp, message: &Message) -> Result<(), Problem> {
        let watched = self.watched(message).await?;
        let counted = fold(self.storage.tallies.of_message(message.no).await.map_err(|e| store_problem(&e))?);
        let planned = message.state == MessageState::Sending || message.cursor >= i64::from(ramp.open) << 32;
        let now = self.world.now();
        let look = Look {
            state: ramp.state,
            open: ramp.open as usize,
            out: planned && counted.total.waiting == 0,
            since: ramp.since,
            now,
            waived: ramp.waived == ramp.open,
            watched: &watched,
        };
        let from = (ramp.state, ramp.open);
        let (state, open) = match next(&ramp.plan, &look) {
            Next::Nothing => return Ok(()),
            Next::Become(state) => (state, ramp.open),
            Next::Open => (RampState::Sending, ramp.open + 1),
        };
        let Some(app) = self.storage.apps.by_no(ramp.app_no).await.map_err(|e| store_problem(&e))? else { return Ok(()) };
        let system = Actor::system();
        let (campaign, words) = (ramp.campaign.clone(), why(&watched));
        if state == RampState::Stopped {
            // First nothing more goes out, then the books: a crash in between stops it once more.
            if let Err(problem) = self.pause(&app, &campaign, &system).await
                && problem.code != types::problem::Code::WrongState
            {
                return Err(problem);
            }
        }
        let to = Ramp { state, open, since: now, watched, by: system.name.clone(), ..ramp };
        if self.storage.ramps.advance(from, to).await.map_err(|e| store_problem(&e))? {
            self.accept.planned();
            if state == RampState::Stopped {
                tracing::warn!(%campaign, why = words, "a ramp stopped itself");
                system.tell(&self.storage, &self.world, "campaign.ramp_stop", campaign.as_str(), &app, json!({ "why": words })).await;
            }
        }
        Ok(())
    }
}

/// The guards that stop it, with their numbers.
fn why(watched: &[Watched]) -> String {
    let bad = watched.iter().filter(|one| one.health() == Health::Bad);
    bad.map(|one| one.words().en).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_from_counters() {
        let refused = Measure::Outcome { outcome: Outcome::Refused, reason: "invalid_token".into(), words: "gone".into() };
        let other = Measure::Outcome { outcome: Outcome::Refused, reason: "bad_content".into(), words: String::new() };
        let (ok, off, dead) =
            (Measure::outcome(Outcome::Accepted), Measure::Receipt(ReceiptKind::SwitchOff), Measure::Receipt(ReceiptKind::TokenDead));
        let planned = Measure::Planned;
        let counters = [(&ok, 90), (&refused, 4), (&other, 6), (&off, 9), (&dead, 1), (&planned, 100)];
        let found = shares(counters.into_iter().map(|(measure, n)| (Some(Vendor::Xiaomi), measure, n)));
        assert_eq!(
            found,
            [
                (Guard::Refused, Share { n: 10, of: 100 }),
                (Guard::Gone, Share { n: 5, of: 100 }),
                (Guard::SwitchedOff, Share { n: 9, of: 90 }),
            ]
        );
        assert!(shares(std::iter::empty()).iter().all(|(_, share)| share.of == 0));
    }
}
