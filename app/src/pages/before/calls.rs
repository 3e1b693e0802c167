//! Server functions of the pages before a start; each asks for its permission first.

use leptos::prelude::*;
use types::campaign::{Said, Section};
use types::ids::{AppId, CampaignId};
use types::people::Permission;
use types::problem::Code;
use types::views::approval::{ApprovalView, StartView};
use types::views::forecast::ForecastView;
use types::views::schedule::ScheduleView;

use crate::error::AppError;

fn campaign(id: &str) -> Result<CampaignId, AppError> {
    CampaignId::parse(id).ok_or_else(|| AppError::new(Code::NotFound))
}

fn back(app: &AppId, id: &CampaignId, step: &str) {
    leptos_axum::redirect(&format!("/apps/{app}/campaigns/{id}{step}"));
}

#[server(prefix = "/api")]
pub async fn view_forecast(app: String, id: String) -> Result<ForecastView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.forecast(&app, &campaign(&id)?).await
}

#[server(prefix = "/api")]
pub async fn view_approval(app: String, id: String) -> Result<ApprovalView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.approval(&asked, &app, &campaign(&id)?).await
}

#[server(prefix = "/api")]
pub async fn ask_approval(app: String, id: String, revision: i64, #[server(default)] comment: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = campaign(&id)?;
    asked.campaigns.judge(&asked, &app, &id, revision, (&[], Said::Asked), &comment).await?;
    back(&app, &id, "/approval");
    Ok(())
}

/// `sections` are slugs; `said` is `approved` or `refused`.
#[server(prefix = "/api")]
pub async fn judge_campaign(
    app: String,
    id: String,
    revision: i64,
    #[server(default)] sections: Vec<String>,
    said: String,
    #[server(default)] comment: String,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Approve, &app)?;
    let id = campaign(&id)?;
    let said = Said::parse(&said).filter(|said| *said != Said::Asked).ok_or_else(|| AppError::new(Code::InvalidBody))?;
    let sections: Vec<Section> = sections.iter().filter_map(|s| Section::parse(s)).collect();
    asked.campaigns.judge(&asked, &app, &id, revision, (&sections, said), &comment).await?;
    back(&app, &id, "/approval");
    Ok(())
}

#[server(prefix = "/api")]
pub async fn view_start(app: String, id: String) -> Result<StartView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    asked.campaigns.start_view(&app, &campaign(&id)?).await
}

/// Starts or schedules what the page of the last question showed.
#[server(prefix = "/api")]
pub async fn start_campaign(
    app: String,
    id: String,
    revision: i64,
    #[server(default)] app_name: String,
    #[server(default)] why: String,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = campaign(&id)?;
    asked.campaigns.launch(&asked, &app, &id, revision, &app_name, &why).await?;
    back(&app, &id, "");
    Ok(())
}

#[server(prefix = "/api")]
pub async fn view_schedule(app: String, id: String) -> Result<ScheduleView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.schedule_view(&app, &campaign(&id)?).await
}

/// Hours as `HH:MM`, both empty = at any hour; `ask_after` in minutes, empty = it never asks.
#[server(prefix = "/api")]
pub async fn save_schedule(
    app: String,
    id: String,
    revision: i64,
    #[server(default)] opens: String,
    #[server(default)] closes: String,
    #[server(default)] by: String,
    #[server(default)] ask_after: String,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = campaign(&id)?;
    asked.campaigns.set_timing(&asked, &app, &id, revision, [&ask_after, &opens, &closes, &by]).await?;
    back(&app, &id, "/schedule");
    Ok(())
}

/// `what`: `send` or `drop`, of a campaign that missed its time.
#[server(prefix = "/api")]
pub async fn decide_late(app: String, id: String, what: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = campaign(&id)?;
    asked.campaigns.decide_late(&asked, &app, &id, what == "send").await?;
    back(&app, &id, "");
    Ok(())
}
