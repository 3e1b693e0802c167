//! Server functions of the pages beside a running campaign; each asks for its permission first.

use leptos::prelude::*;
use types::ids::CampaignId;
use types::people::Permission;
use types::problem::{Code, Problem};
use types::ramp::RampPlan;
use types::views::ramp::RampView;
use types::views::recall::RecallView;

use crate::error::AppError;
use crate::ports::running::Sent;

fn sent(id: &str) -> Result<Sent, AppError> {
    Sent::parse(id).ok_or_else(|| AppError::new(Code::NotFound))
}

/// `id`: of a campaign or of a message.
#[server(prefix = "/api")]
pub async fn view_recall(app: String, id: String) -> Result<RecallView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.running.recall_view(&app, &sent(&id)?).await
}

/// Takes back what was sent. `sure` is the box the person ticked.
#[server(prefix = "/api")]
pub async fn recall_sent(
    app: String,
    id: String,
    #[server(default)] title: String,
    #[server(default)] body: String,
    #[server(default)] sure: String,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let what = sent(&id)?;
    if sure.is_empty() {
        let words = types::text::Text::new("勾选确认：召回不能撤销", "tick the box: a recall cannot be undone");
        return Err(Problem::field("sure", words).into());
    }
    asked.running.recall(&asked, &app, &what, &title, &body).await?;
    let noun = if matches!(what, Sent::Campaign(_)) { "campaigns" } else { "messages" };
    leptos_axum::redirect(&format!("/apps/{app}/{noun}/{id}/recall"));
    Ok(())
}

fn campaign(id: &str) -> Result<CampaignId, AppError> {
    CampaignId::parse(id).ok_or_else(|| AppError::new(Code::NotFound))
}

#[server(prefix = "/api")]
pub async fn view_ramp(app: String, id: String) -> Result<RampView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.running.ramp_view(&app, &campaign(&id)?).await
}

/// How a campaign begins: `shares` in per cent, `minutes` of looking; `off` = to everybody at once.
#[server(prefix = "/api")]
pub async fn choose_ramp(
    app: String,
    id: String,
    #[server(default)] shares: String,
    #[server(default)] minutes: String,
    #[server(default)] by_itself: String,
    #[server(default)] off: String,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = campaign(&id)?;
    let plan = if off.is_empty() { Some(RampPlan::read(&shares, &minutes, !by_itself.is_empty()).map_err(Problem::fields)?) } else { None };
    asked.running.choose_ramp(&asked, &app, &id, plan).await?;
    leptos_axum::redirect(&format!("/apps/{app}/campaigns/{id}/ramp"));
    Ok(())
}

/// What stopped goes on, what is out opens the next step.
#[server(prefix = "/api")]
pub async fn continue_ramp(app: String, id: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = campaign(&id)?;
    asked.running.continue_ramp(&asked, &app, &id).await?;
    leptos_axum::redirect(&format!("/apps/{app}/campaigns/{id}/ramp"));
    Ok(())
}
