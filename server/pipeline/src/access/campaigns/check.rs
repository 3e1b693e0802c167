//! What must be mended before a campaign may start, field by field, with the remedy.

use types::Millis;
use types::campaign::{CampaignSpec, DEFAULT_LIFE_MS, Schedule};
use types::category::{self, Mismatch};
use types::field::FieldError;
use types::life::FilterRule;
use types::problem::{Code, Problem};
use types::sensitive::{Found, Severity};
use types::text::{Text, Words};
use types::views::campaigns::Check;
use types::views::copies::check_name;
use types::views::forecast::Forecast;

use super::{CampaignDesk, audience, form, vendors_of};
use crate::access::accept::{LIFE_MAX, store_problem};
use crate::access::sensitive;
use crate::storage::apps::App;

/// A start a little in the past is now: people read before they press.
const LATE_MS: Millis = 60_000;

/// The times of a spec, if it started at `now` or at its schedule. Pure.
pub fn times(spec: &CampaignSpec, now: Millis) -> (Millis, Millis) {
    let start = match &spec.schedule {
        Schedule::Now => now,
        Schedule::At { at, .. } => (*at).max(now),
    };
    (start, spec.deadline.unwrap_or(start + DEFAULT_LIFE_MS))
}

/// Complaints about the times. Pure.
pub fn time_errors(spec: &CampaignSpec, now: Millis) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Schedule::At { at, .. } = &spec.schedule {
        if *at < now - LATE_MS {
            errors.push(FieldError::new(
                "local",
                Text::new("开始时间已过，请改到将来，或选「立即」", "is in the past; choose a time to come, or start now"),
            ));
        } else if *at > now + LIFE_MAX {
            errors.push(FieldError::new("local", Text::new("最多排到 30 天以后", "at most 30 days ahead")));
        }
    }
    let (start, deadline) = times(spec, now);
    if deadline <= now {
        errors.push(FieldError::new("deadline", Text::new("截止时间已过，请改到将来", "is in the past; choose a time to come")));
    } else if deadline <= start {
        errors.push(FieldError::new("deadline", Text::new("截止时间早于开始时间，请改晚", "is before the start; choose a later one")));
    } else if deadline > start + LIFE_MAX {
        errors.push(FieldError::new("deadline", Text::new("最多在开始后 30 天", "at most 30 days after the start")));
    }
    errors
}

/// A content's complaint, told at the field where the copy was chosen.
fn at_copy(error: FieldError) -> FieldError {
    let field = error.field.strip_prefix("content.").unwrap_or(&error.field).to_owned();
    FieldError {
        field: "copy".to_owned(),
        reason: Words::new(format!("文案的 {field}：{}", error.reason.zh), format!("its {field}: {}", error.reason.en)),
    }
}

/// A word somebody wanted to be warned of.
fn doubt(found: &Found) -> Words {
    let Found { field, word, .. } = found;
    Words::new(
        format!("文案的 {field} 含需留意的词「{word}」；详见文案工作台"),
        format!("the copy's {field} holds \"{word}\", a word to be careful with; see the copy workbench"),
    )
}

/// Advertising in a vendor's system class.
fn misplaced(wrong: &Mismatch) -> Words {
    let rule = category::rule(wrong.vendor).map_or(Text::new("", ""), |(rule, _)| rule);
    let (class, words) = (&wrong.class, wrong.words.join(", "));
    Words::new(
        format!("{}：系统类消息（{class}）里有营销词「{words}」。{}", wrong.vendor.name().zh, rule.zh),
        format!("{}: marketing words ({words}) in a system message ({class}). {}", wrong.vendor.name().en, rule.en),
    )
}

/// The door's complaints about a content, as complaints about the copy.
pub fn about_copy(mut problem: Problem) -> Problem {
    problem.errors = problem.errors.into_iter().map(|e| if e.field.starts_with("content.") { at_copy(e) } else { e }).collect();
    problem
}

/// A forecast in which no vendor is asked about anybody.
pub(super) fn nobody_in(forecast: &Forecast) -> Option<FieldError> {
    let rules = forecast.subtractions();
    let filtered: Vec<(FilterRule, u64)> = rules.iter().filter_map(|d| Some((FilterRule::parse(&d.reason)?, d.devices))).collect();
    (forecast.looked_at > 0 && forecast.reachable() == 0).then(|| nobody(forecast.looked_at, &filtered))
}

fn nobody(looked_at: u64, filtered: &[(FilterRule, u64)]) -> FieldError {
    let zh: Vec<String> = filtered.iter().map(|(rule, n)| format!("{} {n}", rule.name().zh)).collect();
    let en: Vec<String> = filtered.iter().map(|(rule, n)| format!("{} {n}", rule.name().en.to_lowercase())).collect();
    let (help_zh, help_en) = match filtered.iter().max_by_key(|(_, n)| *n).map(|(rule, _)| *rule) {
        Some(FilterRule::NoDevice) => ("请核对人群包的标识列，或先登记设备", "check the crowd's id column, or register the devices first"),
        Some(FilterRule::NoLane) => ("请到应用页填写凭证并打开通道", "enter a credential and switch the lane on at the app's page"),
        Some(FilterRule::Environment) => {
            ("这些令牌属于另一个环境，请换应用或人群", "these tokens belong to the other environment; choose another app or crowd")
        }
        _ => ("请换一个人群", "choose another crowd"),
    };
    FieldError {
        field: "crowd".to_owned(),
        reason: Words::new(
            format!("看过的 {} 行里没有可触达的设备（{}）；{help_zh}", looked_at, zh.join("、")),
            format!("no reachable device in the {} rows looked at ({}); {help_en}", looked_at, en.join(", ")),
        ),
    }
}

impl CampaignDesk {
    /// Everything the last step of the composer shows. `look` = also count and render (costs reads of the crowd).
    ///
    /// # Errors
    /// When the store fails; faults of the spec are in the answer.
    pub async fn check(&self, app: &App, spec: &CampaignSpec, look: bool) -> Result<Check, Problem> {
        let now = self.world.now();
        let mut check = Check { notes: form::notes(spec), ..Check::default() };
        let errors = &mut check.errors;
        errors.extend(check_name(&spec.name));
        errors.extend(time_errors(spec, now));
        let (start, deadline) = times(spec, now);
        check.starts_at = Some(start);
        check.deadline = Some(deadline);

        let ways = audience::Ways::of(&self.storage, app).await.map_err(|e| store_problem(&e))?;
        if ways.lanes.is_empty() {
            errors.push(FieldError::new(
                "lanes",
                Text::new("没有打开的通道，请到应用页填写厂商凭证", "no lane is open; enter a vendor credential at the app's page"),
            ));
        }
        let content = match self.copy_of(app, spec).await {
            Ok((content, _)) => Some(content),
            Err(problem) if problem.code == Code::InvalidFields => {
                errors.extend(problem.errors);
                None
            }
            Err(problem) => return Err(problem),
        };
        if let Some(id) = &spec.copy
            && self.storage.copies.get(id).await.map_err(|e| store_problem(&e))?.is_some_and(|c| c.archived_at.is_some())
        {
            errors
                .push(FieldError::new("copy", Text::new("文案已归档，请恢复或另选", "the copy is archived; restore it or choose another")));
        }
        if let Some(content) = &content {
            let mut asked = content.clone();
            if asked.title.trim().is_empty() {
                asked.title.clone_from(&app.default_title);
            }
            errors.extend(types::meter::check(&asked, &vendors_of(app, spec)).into_iter().map(at_copy));
            let (found, list) = sensitive::look(&self.storage, app, content, &spec.variables).await.map_err(|e| store_problem(&e))?;
            let (refused, doubtful): (Vec<_>, Vec<_>) = found.into_iter().partition(|f| f.severity == Severity::Refuse);
            errors.extend(refused.iter().map(|f| at_copy(f.complaint())));
            check.notes.extend(doubtful.iter().map(doubt));
            let wrong = category::mismatches_filled(content, &spec.variables, &vendors_of(app, spec), spec.class, &list);
            check.notes.extend(wrong.iter().map(misplaced));
        }
        let mut counted = None;
        match &spec.crowd {
            None => errors.push(FieldError::new("crowd", Text::new("请选择人群", "choose a crowd"))),
            Some(crowd) => {
                let found = self.storage.crowds.get(crowd).await.map_err(|e| store_problem(&e))?.filter(|c| c.app_no == app.no);
                match found {
                    None => errors.push(FieldError::new("crowd", Text::new("人群已不在，请重新选择", "the crowd is gone; choose another"))),
                    Some(found) if found.counts.valid == 0 => {
                        errors.push(FieldError::new(
                            "crowd",
                            Text::new("人群是空的，请换一个或重新上传", "the crowd is empty; choose another or upload again"),
                        ));
                    }
                    Some(found) => counted = Some(found),
                }
            }
        }
        if look {
            if let Some(crowd) = &counted {
                let estimate = audience::estimate(&self.planner, app, &ways, spec, (crowd, content.as_ref()), (start, deadline))
                    .await
                    .map_err(|e| store_problem(&e))?;
                let nobody_reached = estimate.reached() == 0 && estimate.looked_at > 0;
                if nobody_reached && !ways.lanes.is_empty() {
                    check.errors.push(nobody(estimate.looked_at, &estimate.filtered));
                }
                check.estimate = Some(estimate);
            }
            if let Some(content) = &content {
                check.samples = audience::samples(&self.storage, app, spec.crowd.as_ref(), content, &spec.variables)
                    .await
                    .map_err(|e| store_problem(&e))?;
                self.check_samples(app, spec, &mut check);
            }
        }
        Ok(check)
    }

    /// A copy that fits as written may be too long once filled.
    fn check_samples(&self, app: &App, spec: &CampaignSpec, check: &mut Check) {
        let broken: Vec<FieldError> = check
            .samples
            .iter()
            .flat_map(|sample| types::meter::check(&sample.content, &vendors_of(app, spec)))
            .filter(|e| !check.errors.iter().any(|known| known.reason.zh.contains(&e.reason.zh)))
            .collect();
        if let Some(first) = broken.into_iter().next() {
            let first = at_copy(first);
            check.notes.push(Words::new(
                format!("填入变量后，部分接收人会超限并被过滤。{}", first.reason.zh),
                format!("once filled, some recipients go over a limit and are filtered. {}", first.reason.en),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_refused_by_the_field_that_is_wrong() {
        let now = 1_000_000_000;
        let at = |at| Schedule::At { local: String::new(), zone: "UTC".into(), at };
        let fields = |spec: &CampaignSpec| time_errors(spec, now).into_iter().map(|e| e.field).collect::<Vec<_>>();
        assert!(fields(&CampaignSpec::default()).is_empty());
        assert_eq!(fields(&CampaignSpec { schedule: at(now - LATE_MS - 1), ..CampaignSpec::default() }), ["local"]);
        assert_eq!(fields(&CampaignSpec { schedule: at(now + LIFE_MAX + 1), ..CampaignSpec::default() }), ["local"]);
        let late = CampaignSpec { schedule: at(now + 10), deadline: Some(now + 10), ..CampaignSpec::default() };
        assert_eq!(fields(&late), ["deadline"]);
        assert_eq!(fields(&CampaignSpec { deadline: Some(now), ..CampaignSpec::default() }), ["deadline"]);
        assert_eq!(fields(&CampaignSpec { deadline: Some(now + LIFE_MAX + 1), ..CampaignSpec::default() }), ["deadline"]);
    }
}
