//! Server functions of the plain crowd pages.

use leptos::prelude::*;
use types::ids::{AppId, CrowdId, MakingId};
use types::people::Permission;
use types::problem::Code;
use types::views::crowds::{CombineForm, CombineView, CrowdList, CrowdView, MakingView};

use crate::error::AppError;

fn crowd(id: &str) -> Result<CrowdId, AppError> {
    CrowdId::parse(id).ok_or_else(|| AppError::new(Code::NotFound))
}

fn making(id: &str) -> Result<MakingId, AppError> {
    MakingId::parse(id).ok_or_else(|| AppError::new(Code::NotFound))
}

fn to_making(app: &AppId, id: &MakingId) {
    leptos_axum::redirect(&format!("/apps/{app}/crowds/makings/{id}"));
}

#[server(prefix = "/api")]
pub async fn list_crowds(
    app: String,
    #[server(default)] name: String,
    #[server(default)] tag: String,
    #[server(default)] after: Option<String>,
) -> Result<CrowdList, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    let mut list = asked.crowds.list(&app, &name, &tag, after).await?;
    if !asked.who.rights.may(Permission::Operate, Some(&app)) {
        list.uploads.clear();
    }
    Ok(list)
}

#[server(prefix = "/api")]
pub async fn view_crowd(app: String, crowd: String) -> Result<CrowdView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.crowds.crowd(&app, &self::crowd(&crowd)?).await
}

#[server(prefix = "/api")]
pub async fn tag_crowd(app: String, crowd: String, #[server(default)] tags: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    asked.crowds.tag(&asked, &app, &self::crowd(&crowd)?, &tags).await
}

#[server(prefix = "/api")]
pub async fn combine_choices(app: String) -> Result<CombineView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.crowds.choices(&app).await
}

#[server(prefix = "/api")]
pub async fn combine_crowds(app: String, #[server(default)] combine: CombineForm) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = asked.crowds.combine(&asked, &app, &combine).await?;
    to_making(&app, &id);
    Ok(())
}

#[server(prefix = "/api")]
pub async fn view_making(app: String, making: String) -> Result<MakingView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.crowds.making(&app, &self::making(&making)?).await
}

#[server(prefix = "/api")]
pub async fn stop_making(app: String, making: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = self::making(&making)?;
    asked.crowds.stop_making(&asked, &app, &id).await?;
    to_making(&app, &id);
    Ok(())
}
