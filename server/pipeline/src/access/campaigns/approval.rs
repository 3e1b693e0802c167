//! A second pair of eyes: who may judge, what a verdict is about, and whether it still counts.

use serde_json::json;
use types::campaign::{Said, Section};
use types::field::FieldError;
use types::ids::CampaignId;
use types::life::CampaignState;
use types::policy::REASON_MAX;
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::views::approval::{ApprovalView, Needs, StartView, VerdictView, WaitingView};
use types::views::forecast::Forecast;

use super::forecast::Parts;
use super::{CampaignDesk, audience, vendors_of, wrong_state};
use crate::access::accept::store_problem;
use crate::access::actor::Actor;
use crate::storage::apps::App;
use crate::storage::campaigns::{Campaign, NewVerdict, Verdict};
use crate::storage::copies::Author;

/// Verdicts looked at and shown.
const HISTORY: u32 = 60;
/// Campaigns looked through for those that wait.
const WAITING: u32 = 200;

/// Why this person may not judge this campaign. Pure.
pub fn barred(campaign: &Campaign, authors: &[Author], person: &str, name: &str) -> Option<Words> {
    // Campaigns written before their editors were kept tell them by name.
    let wrote = campaign.editors.iter().any(|editor| editor == person)
        || (campaign.editors.is_empty() && (campaign.created_by == name || campaign.changed_by == name));
    if wrote {
        return Some(Words::new("你写过这个任务；请另一个人审批", "you wrote this campaign; somebody else must approve it"));
    }
    let texts = authors.iter().any(|author| if author.id.is_empty() { author.name == name } else { author.id == person });
    texts.then(|| Words::new("你写过它用的文案；请另一个人审批", "you wrote the copy it uses; somebody else must approve it"))
}

/// The verdict that counts for each section: the newest about exactly what is here now. Pure.
pub fn standing<'a>(verdicts: &'a [Verdict], made_of: &str) -> Vec<(Section, Option<&'a Verdict>)> {
    let counts = |v: &&Verdict, section| v.told.section == Some(section) && v.voided_at.is_none() && v.told.made_of == made_of;
    // Newest first.
    Section::ALL.into_iter().map(|section| (section, verdicts.iter().find(|v| counts(v, section)))).collect()
}

/// What holds a start back. Pure.
pub fn needs(rules: &types::policy::Rules, forecast: &Forecast, verdicts: &[Verdict], made_of: &str) -> Needs {
    let reach = forecast.reachable();
    let standing = standing(verdicts, made_of);
    let said = |said: Said| standing.iter().filter(move |(_, v)| v.is_some_and(|v| v.told.said == said));
    let approved = said(Said::Approved).count() == Section::ALL.len();
    let refused: Vec<&Verdict> = said(Said::Refused).filter_map(|(_, v)| *v).collect();
    let above = |bound: u64| (bound > 0 && reach > bound).then_some((reach, bound));
    Needs {
        app_name: above(rules.confirm_above),
        why: Some(forecast.missed()).filter(|n| *n > 0),
        approval: above(rules.approve_above).filter(|_| !approved),
        refused: (!refused.is_empty()).then(|| {
            let list = |of: fn(Text) -> &'static str| {
                let one = |v: &&Verdict| {
                    let section = v.told.section.map_or("", |s| of(s.name()));
                    format!("{section} ({}): {}", v.told.person_name, v.told.comment)
                };
                refused.iter().map(one).collect::<Vec<_>>().join("; ")
            };
            Words::new(list(|text| text.zh), list(|text| text.en))
        }),
    }
}

/// The complaints of a start without what it needs, each with its remedy. Pure.
pub fn unmet(needs: &Needs, typed: &str, app_name: &str, why: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut bad = |field: &str, zh: String, en: String| errors.push(FieldError { field: field.to_owned(), reason: Words::new(zh, en) });
    if let Some(refused) = &needs.refused {
        bad(
            "approval",
            format!("被驳回：{}。修改后再请审批", refused.zh),
            format!("somebody refused it: {}. Change it and ask again", refused.en),
        );
    } else if let Some((reach, above)) = needs.approval {
        bad(
            "approval",
            format!("{reach} 台设备，超过 {above} 台须另一人审批；请打开审批页，让有审批权限的人通过三个部分"),
            format!("{reach} devices: above {above} a second person must approve all three sections on the approval page"),
        );
    }
    if let Some((reach, above)) = needs.app_name.filter(|_| typed.trim() != app_name) {
        bad(
            "app_name",
            format!("{reach} 台设备，超过 {above} 台须输入应用名「{app_name}」"),
            format!("{reach} devices: above {above} the app's name is typed: {app_name}"),
        );
    }
    let length = why.trim().chars().count();
    if let Some(missed) = needs.why.filter(|_| length == 0 || length > REASON_MAX) {
        bad(
            "why",
            format!("{missed} 台设备赶不上截止时间；仍要发就写明原因（200 字以内），或改晚截止时间"),
            format!("{missed} devices miss the deadline; say why it goes all the same (up to 200 characters), or choose a later deadline"),
        );
    }
    errors
}

fn view(verdict: &Verdict, made_of: &str) -> VerdictView {
    VerdictView {
        section: verdict.told.section,
        said: verdict.told.said,
        comment: verdict.told.comment.clone(),
        by: verdict.told.person_name.clone(),
        at: verdict.told.at,
        void: verdict.voided_at.is_some() || verdict.told.made_of != made_of,
    }
}

impl CampaignDesk {
    pub(super) async fn verdicts(&self, id: &CampaignId) -> Result<Vec<Verdict>, Problem> {
        self.storage.campaigns.verdicts(id, HISTORY).await.map_err(|e| store_problem(&e))
    }

    pub(super) async fn needs(&self, app: &App, campaign: &Campaign, parts: &Parts, forecast: &Forecast) -> Result<Needs, Problem> {
        // As the rules stand in the store: a bound that was just lowered counts.
        let rules = self.storage.policy.get(app.no).await.map_err(|e| store_problem(&e))?.rules;
        Ok(needs(&rules, forecast, &self.verdicts(&campaign.id).await?, &parts.made_of))
    }

    /// Who wrote the copy it uses, up to the version it uses.
    async fn authors(&self, campaign: &Campaign, parts: Option<&Parts>) -> Result<Vec<Author>, Problem> {
        let (Some(copy), Some(parts)) = (&campaign.spec.copy, parts) else { return Ok(Vec::new()) };
        self.storage.copies.authors(copy, parts.version).await.map_err(|e| store_problem(&e))
    }

    /// What waits for somebody's yes in these apps: asked for, not voided, not refused, not approved whole.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting(&self, apps: &[App], person: (&str, &str)) -> Result<Vec<WaitingView>, Problem> {
        let nos: Vec<i64> = apps.iter().map(|app| app.no).collect();
        let mut out = Vec::new();
        for campaign in self.storage.campaigns.asked(&nos, WAITING).await.map_err(|e| store_problem(&e))? {
            let Some(app) = apps.iter().find(|app| app.no == campaign.app_no) else { continue };
            let parts = self.parts(app, &campaign.spec).await?;
            let verdicts = self.verdicts(&campaign.id).await?;
            let Some(asked) = verdicts.iter().find(|v| v.told.section.is_none() && v.voided_at.is_none()) else { continue };
            let made_of = parts.as_ref().map(|parts| parts.made_of.as_str()).unwrap_or_default();
            let sections: Vec<(Section, Option<Said>)> =
                standing(&verdicts, made_of).into_iter().map(|(section, v)| (section, v.map(|v| v.told.said))).collect();
            let every = sections.iter().all(|(_, said)| *said == Some(Said::Approved));
            if every || sections.iter().any(|(_, said)| *said == Some(Said::Refused)) {
                continue;
            }
            let authors = self.authors(&campaign, parts.as_ref()).await?;
            out.push(WaitingView {
                app: app.id.clone(),
                app_name: app.name.clone(),
                environment: app.environment,
                barred: barred(&campaign, &authors, person.0, person.1),
                rows: parts.as_ref().map(|parts| parts.crowd.counts.valid),
                changed: asked.told.made_of != made_of,
                asked_by: asked.told.person_name.clone(),
                asked_at: asked.told.at,
                note: asked.told.comment.clone(),
                sections,
                due_at: campaign.due_at,
                name: campaign.spec.name,
                id: campaign.id,
            });
        }
        Ok(out)
    }

    /// What somebody says of sections of a campaign. With no section: somebody asks for it.
    ///
    /// # Errors
    /// `WrongState` once it started; `NotAllowed` for whoever wrote it; `Conflict` when it is not what the person saw;
    /// field errors.
    pub async fn judge(
        &self,
        app: &App,
        id: &CampaignId,
        revision: i64,
        (sections, said): (&[Section], Said),
        comment: &str,
        actor: &Actor,
    ) -> Result<(), Problem> {
        let campaign = self.find(app, id).await?;
        if !matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed) {
            return Err(wrong_state("已经开始或结束，不再审批", "it has started or is over; there is nothing to approve"));
        }
        let comment = comment.trim();
        let mut errors = Vec::new();
        if comment.chars().count() > REASON_MAX {
            errors.push(FieldError::new("comment", Text::new("最多 200 字", "at most 200 characters")));
        }
        if said == Said::Refused && comment.is_empty() {
            errors.push(FieldError::new("comment", Text::new("写明为什么驳回、要改什么", "say why, and what is to change")));
        }
        if said != Said::Asked && sections.is_empty() {
            errors.push(FieldError::new("sections", Text::new("至少选一个部分", "choose at least one section")));
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        let parts = self.parts(app, &campaign.spec).await?;
        if said != Said::Asked
            && let Some(why) = barred(&campaign, &self.authors(&campaign, parts.as_ref()).await?, &actor.id, &actor.name)
        {
            return Err(Problem::because(Code::NotAllowed, why));
        }
        let parts = parts.ok_or_else(|| wrong_state("还没选好人群和文案", "its crowd and copy are not chosen yet"))?;
        let verdict = |section: Option<Section>| NewVerdict {
            section,
            said,
            made_of: parts.made_of.clone(),
            comment: comment.to_owned(),
            person: actor.id.clone(),
            person_name: actor.name.clone(),
            at: self.world.now(),
        };
        let verdicts: Vec<NewVerdict> = match said {
            Said::Asked => vec![verdict(None)],
            _ => sections.iter().map(|section| verdict(Some(*section))).collect(),
        };
        let action = match said {
            Said::Asked => "campaign.ask",
            Said::Approved => "campaign.approve",
            Said::Refused => "campaign.refuse",
        };
        let names: Vec<&str> = sections.iter().map(|s| s.slug()).collect();
        let after = json!({ "name": campaign.spec.name, "sections": names, "comment": comment, "made_of": parts.made_of });
        let entry = actor.entry(&self.world, action, id.as_str(), Some(&app.id), None, Some(after));
        self.storage.campaigns.judge(id, revision, &verdicts, Some(entry)).await.map_err(|e| store_problem(&e))
    }

    /// # Errors
    /// `NotFound`; when the store fails.
    pub async fn approval_view(&self, app: &App, id: &CampaignId, person: (&str, &str)) -> Result<ApprovalView, Problem> {
        let campaign = self.find(app, id).await?;
        let found = self.check(app, &campaign.spec, false).await?;
        let parts = self.parts(app, &campaign.spec).await?;
        let verdicts = self.verdicts(id).await?;
        let made_of = parts.as_ref().map(|parts| parts.made_of.clone()).unwrap_or_default();
        let before = matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed);
        let (mut forecast, mut samples) = (None, Vec::new());
        if let Some(parts) = &parts {
            forecast = match before {
                true => Some(self.forecast(app, &campaign, parts).await?),
                false => self.storage.campaigns.shown(id).await.map_err(|e| store_problem(&e))?.map(|shown| shown.forecast),
            };
            let crowd = campaign.spec.crowd.as_ref();
            samples = audience::samples(&self.storage, app, crowd, &parts.content, &campaign.spec.variables)
                .await
                .map_err(|e| store_problem(&e))?;
        }
        let authors = self.authors(&campaign, parts.as_ref()).await?;
        let copy = match &campaign.spec.copy {
            Some(copy) => self.storage.copies.get(copy).await.map_err(|e| store_problem(&e))?.filter(|c| c.app_no == app.no),
            None => None,
        };
        let rules = self.storage.policy.get(app.no).await.map_err(|e| store_problem(&e))?.rules;
        Ok(ApprovalView {
            revision: campaign.revision,
            name: campaign.spec.name.clone(),
            app_name: app.name.clone(),
            environment: app.environment,
            state: campaign.state,
            crowd_name: parts.as_ref().map(|parts| parts.crowd.name.clone()),
            crowd_rows: parts.as_ref().map_or(0, |parts| parts.crowd.counts.valid),
            copy_name: copy.map(|copy| copy.name),
            copy_version: parts.as_ref().map(|parts| parts.version),
            lanes: vendors_of(app, &campaign.spec),
            editors: people(&campaign),
            samples,
            forecast,
            sections: standing(&verdicts, &made_of).into_iter().map(|(s, v)| (s, v.map(|v| view(v, &made_of)))).collect(),
            history: verdicts.iter().map(|v| view(v, &made_of)).collect(),
            above: rules.approve_above,
            zone: rules.zone,
            barred: barred(&campaign, &authors, person.0, person.1).filter(|_| before),
            faults: if before { found.errors } else { Vec::new() },
            spec: campaign.spec.clone(),
            id: campaign.id,
        })
    }

    /// The last question before a start, in figures.
    ///
    /// # Errors
    /// `NotFound`; when the store fails.
    pub async fn start_view(&self, app: &App, id: &CampaignId) -> Result<StartView, Problem> {
        let campaign = self.find(app, id).await?;
        let mut found = self.check(app, &campaign.spec, false).await?;
        let (mut forecast, mut wanted) = (None, Needs::default());
        if campaign.state == CampaignState::Draft
            && let Some(parts) = self.parts(app, &campaign.spec).await?
        {
            let made = self.forecast(app, &campaign, &parts).await?;
            wanted = self.needs(app, &campaign, &parts, &made).await?;
            found.errors.extend(super::check::nobody_in(&made));
            forecast = Some(made);
        }
        let now = self.world.now();
        let (later, local) = match &campaign.spec.schedule {
            types::campaign::Schedule::At { at, local, zone } if *at > now => (true, Some((zone.clone(), local.replace('T', " ")))),
            _ => (false, None),
        };
        let zone = self.storage.policy.get(app.no).await.map_err(|e| store_problem(&e))?.rules.zone;
        let ramp = self.storage.ramps.get(&campaign.id.message()).await.map_err(|e| store_problem(&e))?;
        Ok(StartView {
            ramp: ramp.map(|ramp| ramp.plan),
            hours: campaign.spec.hours.map(|hours| hours.words(&zone)),
            ask_after: campaign.spec.ask_after.filter(|_| later),
            revision: campaign.revision,
            name: campaign.spec.name,
            app_name: app.name.clone(),
            environment: app.environment,
            state: campaign.state,
            later,
            local,
            forecast,
            errors: found.errors,
            needs: wanted,
            id: campaign.id,
        })
    }
}

/// Who wrote it, as people read it.
fn people(campaign: &Campaign) -> Vec<String> {
    let mut names = vec![campaign.created_by.clone()];
    if campaign.changed_by != campaign.created_by {
        names.push(campaign.changed_by.clone());
    }
    names
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
