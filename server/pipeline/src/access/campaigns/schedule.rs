//! When a campaign goes: the hours it sends in, and what happens when it is too late to start by itself.

use jiff::Timestamp;
use serde_json::json;
use types::Millis;
use types::campaign::{ASK_AFTER_MAX, CampaignSpec, Schedule};
use types::field::FieldError;
use types::hours::Hours;
use types::ids::CampaignId;
use types::life::CampaignState;
use types::policy::{About, Rules, ZoneOf};
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::views::schedule::ScheduleView;

use super::{CampaignDesk, check, hand, wrong_state};
use crate::access::accept::store_problem;
use crate::access::actor::Actor;
use crate::policy::quiet::{self, Hush};
use crate::storage::apps::App;
use crate::storage::campaigns::{Campaign, Move};

/// What a person chooses beside the time itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    pub ask_after: Option<u32>,
    pub hours: Option<Hours>,
}

impl Timing {
    /// From a form: minutes, empty for "never asks"; two times of the day.
    ///
    /// # Errors
    /// Each field at fault.
    pub fn read(ask_after: &str, opens: &str, closes: &str, by: &str) -> Result<Timing, Vec<FieldError>> {
        let mut errors = Vec::new();
        let ask_after = match ask_after.trim() {
            "" => None,
            text => {
                let found = text.parse::<u32>().ok().filter(|n| (1..=ASK_AFTER_MAX).contains(n));
                if found.is_none() {
                    errors.push(FieldError::new(
                        "ask_after",
                        Text::new("1 到 10080 分钟（7 天）；留空则从不询问", "1 to 10080 minutes (7 days); empty = it never asks"),
                    ));
                }
                found
            }
        };
        let hours = Hours::read(opens, closes, by).unwrap_or_else(|faults| {
            errors.extend(faults);
            None
        });
        if errors.is_empty() { Ok(Timing { ask_after, hours }) } else { Err(errors) }
    }
}

/// By how much a start is later than it may be by itself. Pure.
pub(super) fn too_late(campaign: &Campaign, now: Millis) -> Option<Millis> {
    let late = now - campaign.due_at?;
    (late > Millis::from(campaign.spec.ask_after?) * 60_000).then_some(late)
}

/// Why it waits for a person.
fn late_words(spec: &CampaignSpec, late: Millis) -> Words {
    let local = match &spec.schedule {
        Schedule::At { local, zone, .. } => format!("{} ({zone})", local.replace('T', " ")),
        Schedule::Now => String::new(),
    };
    let (late, allowed) = (late / 60_000, spec.ask_after.unwrap_or(0));
    Words::new(
        format!("本应在 {local} 开始，当时没有节点在运行；已晚 {late} 分钟，超过允许的 {allowed} 分钟，等人决定：现在发，还是放弃"),
        format!(
            "It was to start at {local}, and no node was there to start it: {late} minutes late, more than the {allowed} it may be. \
             A person decides: send it now, or drop it"
        ),
    )
}

/// Why nothing of a message goes now, by the app's clock; `None` when it may. What is only so in some users' zones is not told as true of all.
pub(super) fn shut_words(rules: &Rules, about: About<'_>, now: Millis) -> Option<Words> {
    let quiet = rules.quiet.iter().filter(|quiet| quiet.by == ZoneOf::App).cloned().collect();
    let by_clock = Rules { quiet, zone: rules.zone.clone(), ..Rules::default() };
    let hours = about.hours.filter(|hours| hours.by == ZoneOf::App);
    let local = |at: Millis| {
        let at = Timestamp::from_millisecond(at).ok()?.to_zoned(quiet::zone(&rules.zone));
        Some(at.strftime("%m-%d %H:%M").to_string())
    };
    let zone = &rules.zone;
    match quiet::hush(&by_clock, About { hours, ..about }, None, now) {
        Hush::Hold { until, .. } => {
            let until = local(until)?;
            Some(match hours.filter(|hours| quiet::shut_until(rules, Some(*hours), None, now).is_some()) {
                Some(hours) => {
                    let span = hours.span();
                    Words::new(
                        format!("不在发送时段 {span}（{zone}），{until} 继续"),
                        format!("outside its sending hours {span} ({zone}); goes on at {until}"),
                    )
                }
                None => Words::new(format!("免打扰时段，{until} 继续（{zone}）"), format!("quiet hours; goes on at {until} ({zone})")),
            })
        }
        Hush::Go | Hush::Drop { .. } => None,
    }
}

/// Hours by each user's clock: some wait while others are sent to.
pub(super) fn waits_by_zone(hours: Option<Hours>) -> Option<Words> {
    let span = hours.filter(|hours| hours.by == ZoneOf::User)?.span();
    Some(Words::new(format!("等各用户当地的发送时段 {span}"), format!("waits for the sending hours {span} in each user's zone")))
}

impl CampaignDesk {
    /// Chooses the hours of a draft, and what happens when it would start late.
    ///
    /// # Errors
    /// `WrongState` when it is no draft; `Conflict` when somebody saved first.
    pub async fn set_timing(&self, app: &App, id: &CampaignId, revision: i64, timing: Timing, actor: &Actor) -> Result<Campaign, Problem> {
        let campaign = self.find(app, id).await?;
        if campaign.state != CampaignState::Draft {
            return Err(wrong_state(
                "只有草稿可以修改；已排期的请先撤回排期",
                "only a draft can be changed; take a scheduled one back first",
            ));
        }
        let spec = CampaignSpec { ask_after: timing.ask_after, hours: timing.hours, ..campaign.spec };
        let saved = self.storage.campaigns.save(id, revision, spec, hand(actor), self.world.now()).await.map_err(|e| store_problem(&e))?;
        let after =
            json!({ "name": saved.spec.name, "ask_after": saved.spec.ask_after, "hours": saved.spec.hours, "revision": saved.revision });
        actor.tell(&self.storage, &self.world, "campaign.timing", id.as_str(), app, after).await;
        Ok(saved)
    }

    /// Scheduled -> Missed: by its own rule it is too late to start by itself.
    pub(super) async fn ask_late(&self, app: &App, campaign: &Campaign, late: Millis) -> Result<(), Problem> {
        let (system, words) = (Actor::system(), late_words(&campaign.spec, late));
        let after = json!({ "name": campaign.spec.name, "scheduled": campaign.due_at, "why": words.en });
        let step = Move {
            trouble: Some(Problem::because(Code::WrongState, words.clone())),
            revision: Some(campaign.revision),
            due_at: campaign.due_at,
            audit: Some(system.entry(&self.world, "campaign.late", campaign.id.as_str(), Some(&app.id), None, Some(after))),
            ..Move::new(CampaignState::Scheduled, CampaignState::Missed, &system.name, self.world.now())
        };
        if self.storage.campaigns.advance(&campaign.id, step).await.map_err(|e| store_problem(&e))?.is_some() {
            tracing::warn!(campaign = %campaign.id, why = words.en, "a scheduled campaign waits for a person");
        }
        Ok(())
    }

    /// Sends what missed its time after all. Its deadline, its approval and every other check of a start hold.
    ///
    /// # Errors
    /// `WrongState` when it does not wait for this; field errors of what must be mended first (then it goes back to draft by hand).
    pub async fn send_late(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<Campaign, Problem> {
        let campaign = self.find(app, id).await?;
        if campaign.state != CampaignState::Missed {
            return Err(wrong_state("它没有在等人决定", "it does not wait for a person"));
        }
        let mut found = self.check(app, &campaign.spec, false).await?;
        // That its time is past is what was asked about.
        found.errors.retain(|e| e.field != "local");
        if found.errors.is_empty() {
            found.errors = self.unapproved(app, &campaign).await?;
        }
        if !found.errors.is_empty() {
            return Err(Problem::fields(found.errors));
        }
        let running = self.begin(app, &campaign, CampaignState::Missed, None, actor).await?;
        let after = json!({ "name": running.spec.name, "scheduled": campaign.due_at });
        actor.tell(&self.storage, &self.world, "campaign.send_late", id.as_str(), app, after).await;
        Ok(running)
    }

    /// Missed -> Cancelled: it is never sent.
    ///
    /// # Errors
    /// `WrongState` when it does not wait for this.
    pub async fn drop_late(&self, app: &App, id: &CampaignId, actor: &Actor) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        let after = json!({ "name": campaign.spec.name, "scheduled": campaign.due_at });
        let step = Move {
            due_at: campaign.due_at,
            audit: Some(actor.entry(&self.world, "campaign.drop_late", id.as_str(), Some(&app.id), None, Some(after))),
            ..Move::new(CampaignState::Missed, CampaignState::Cancelled, &actor.name, self.world.now())
        };
        let moved = self.storage.campaigns.advance(id, step).await.map_err(|e| store_problem(&e))?;
        moved.map(|_| ()).ok_or_else(|| wrong_state("它没有在等人决定", "it does not wait for a person"))
    }

    /// # Errors
    /// `NotFound`; when the store fails.
    pub async fn schedule_view(&self, app: &App, id: &CampaignId) -> Result<ScheduleView, Problem> {
        let campaign = self.find(app, id).await?;
        let rules = self.storage.policy.get(app.no).await.map_err(|e| store_problem(&e))?.rules;
        let now = self.world.now();
        let (_, deadline) = check::times(&campaign.spec, campaign.due_at.unwrap_or(now));
        let started = campaign.started_at.is_some();
        Ok(ScheduleView {
            name: campaign.spec.name,
            state: campaign.state,
            revision: campaign.revision,
            schedule: campaign.spec.schedule,
            due_at: campaign.due_at,
            deadline: campaign.spec.deadline.or(started.then_some(deadline)),
            ask_after: campaign.spec.ask_after,
            shut_until: quiet::shut_until(&rules, campaign.spec.hours, None, now),
            hours: campaign.spec.hours,
            zone: rules.zone,
            trouble: campaign.trouble.and_then(|trouble| trouble.detail).filter(|_| campaign.state == CampaignState::Missed),
        })
    }
}

#[cfg(test)]
mod tests {
    use types::content::MessageClass;
    use types::policy::{Quiet, Then};

    use super::*;

    #[test]
    fn a_form_is_read_field_by_field() {
        let fields = |found: Result<Timing, Vec<FieldError>>| found.map_err(|e| e.into_iter().map(|e| e.field).collect::<Vec<_>>());
        assert_eq!(fields(Timing::read(" ", "", "", "app")), Ok(Timing::default()));
        let whole = Timing { ask_after: Some(30), hours: Some(Hours { from: 540, to: 1_200, by: ZoneOf::App }) };
        assert_eq!(fields(Timing::read("30", "09:00", "20:00", "app")), Ok(whole));
        for bad in ["0", "-1", "1.5", "10081", "soon"] {
            assert_eq!(fields(Timing::read(bad, "", "1", "app")), Err(vec!["ask_after".into(), "opens".into(), "closes".into()]), "{bad}");
        }
    }

    #[test]
    fn the_reason_names_the_hours_or_the_quiet_and_when_it_goes_on() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let about = |hours| About { class: MessageClass::Bulk, business: "b", hours };
        let day = Some(Hours { from: 540, to: 1_200, by: ZoneOf::App });
        let quiet = |by| Quiet { businesses: vec![], from: 1_320, to: 600, by, then: Then::Hold, transactional_exempt: false };
        let rules = |quiet: Vec<Quiet>| Rules { quiet, ..Rules::default() };
        let night = at("2026-11-21T21:00:00+08:00");
        let words = |rules: &Rules, hours, now| shut_words(rules, about(hours), now).map(|w| w.en);
        let outside = "outside its sending hours 09:00–20:00 (Asia/Shanghai); goes on at 11-22 09:00";
        assert_eq!(words(&rules(vec![]), day, night).as_deref(), Some(outside));
        assert_eq!(words(&rules(vec![]), day, at("2026-11-21T12:00:00+08:00")), None);
        assert_eq!(words(&rules(vec![]), None, night), None);
        assert_eq!(
            words(&rules(vec![quiet(ZoneOf::App)]), None, at("2026-11-21T23:00:00+08:00")).as_deref(),
            Some("quiet hours; goes on at 11-22 10:00 (Asia/Shanghai)")
        );
        assert_eq!(words(&rules(vec![quiet(ZoneOf::User)]), None, at("2026-11-21T23:00:00+08:00")), None, "not so for everybody");
        let own = Some(Hours { from: 540, to: 1_200, by: ZoneOf::User });
        assert_eq!(words(&rules(vec![]), own, night), None);
        assert!(waits_by_zone(own).is_some() && waits_by_zone(day).is_none());
    }
}
