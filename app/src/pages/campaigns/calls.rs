//! Server functions of the campaign pages.

use leptos::prelude::*;
use types::listing::Page;
use types::views::campaigns::{CampaignBrief, CampaignForm, CampaignProgress, CampaignView, Check, Choices};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use types::{ids::CampaignId, people::Permission, problem::Code};

#[cfg(feature = "ssr")]
fn campaign(id: &str) -> Result<CampaignId, AppError> {
    CampaignId::parse(id).ok_or_else(|| AppError::new(Code::NotFound))
}

#[server]
pub async fn list_campaigns(app: String, state: String, text: String, after: Option<String>) -> Result<Page<CampaignBrief>, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.list(&app, types::life::CampaignState::parse(&state), &text, after).await
}

#[server]
pub async fn read_campaign(app: String, id: String) -> Result<CampaignView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.get(&app, &campaign(&id)?).await
}

#[server]
pub async fn campaign_choices(app: String) -> Result<Choices, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.choices(&app, &asked.who).await
}

/// What would happen if this were started; stores nothing.
#[server]
pub async fn look_campaign(app: String, form: CampaignForm) -> Result<Check, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    asked.campaigns.look(&app, &form).await
}

/// `id` empty makes a new draft.
#[server]
pub async fn save_campaign(app: String, id: String, revision: i64, form: CampaignForm) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let edited = CampaignId::parse(&id).map(|id| (id, revision));
    let saved = asked.campaigns.save(&asked, &app, edited, &form).await?;
    leptos_axum::redirect(&format!("/apps/{app}/campaigns/{saved}"));
    Ok(())
}

#[server]
pub async fn duplicate_campaign(app: String, id: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let made = asked.campaigns.duplicate(&asked, &app, &campaign(&id)?).await?;
    leptos_axum::redirect(&format!("/apps/{app}/campaigns/{made}"));
    Ok(())
}

/// To registered test devices only; `devices` are their ids.
#[server]
pub async fn test_campaign(app: String, id: String, #[server(default)] devices: Vec<String>) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let wrong = || {
        let reason = types::text::Text::new("请从列表中选择测试机", "choose test devices from the list");
        AppError::from(types::problem::Problem::field("devices", reason))
    };
    let devices: Option<Vec<_>> = devices.iter().map(|d| types::ids::DeviceId::parse(d)).collect();
    asked.campaigns.test(&asked, &app, &campaign(&id)?, &devices.ok_or_else(wrong)?).await
}

/// Starts or schedules the draft. `form` is what the page showed: words typed since the draft was saved are saved now, but nobody
/// has seen yet what they would do, so nothing starts.
#[server]
pub async fn launch_campaign(app: String, id: String, revision: i64, form: CampaignForm) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = campaign(&id)?;
    // Browsers post line breaks as CR LF.
    let form = CampaignForm { variables: form.variables.replace("\r\n", "\n"), ..form };
    if asked.campaigns.get(&app, &id).await?.form != form {
        asked.campaigns.save(&asked, &app, Some((id, revision)), &form).await?;
        let words = types::text::Words::new(
            "改动已保存，还没有开始。请核对下面的内容，再点一次开始。",
            "Your changes are saved; nothing started yet. Check what is below, then start again.",
        );
        return Err(types::problem::Problem::because(Code::Conflict, words).into());
    }
    let asks = |e: &AppError| {
        let fields = &e.problem.errors;
        !fields.is_empty() && fields.iter().all(|f| types::views::approval::ASKED.contains(&f.field.as_str()))
    };
    match asked.campaigns.launch(&asked, &app, &id, revision, "", "").await {
        // A name to type, a reason, an approval: asked on a page of its own.
        Err(error) if asks(&error) => leptos_axum::redirect(&format!("/apps/{app}/campaigns/{id}/start")),
        other => return other,
    }
    Ok(())
}

/// `what`: pause, resume, cancel, unschedule.
#[server]
pub async fn control_campaign(app: String, id: String, what: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let control = crate::ports::campaigns::Control::parse(&what).ok_or_else(|| AppError::new(Code::InvalidBody))?;
    asked.campaigns.control(&asked, &app, &campaign(&id)?, control).await
}

/// `outcomes`: slugs of those to send to again.
#[server]
pub async fn resend_campaign(app: String, id: String, #[server(default)] outcomes: Vec<String>) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let outcomes: Vec<_> = outcomes.iter().filter_map(|o| types::life::Outcome::parse(o)).collect();
    asked.campaigns.resend(&asked, &app, &campaign(&id)?, &outcomes).await
}

#[server]
pub async fn read_progress(app: String, id: String) -> Result<CampaignProgress, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.campaigns.progress(&app, &campaign(&id)?).await
}
