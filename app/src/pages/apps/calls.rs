//! Server functions of the apps pages; each asks for its permission first.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use types::views::apps::{AppCard, AppDetail};

use crate::error::AppError;

#[cfg(feature = "ssr")]
mod read {
    use types::problem::{Code, Problem};
    use types::text::Words;
    use types::vendor::Vendor;

    use crate::error::AppError;
    use crate::ports::apps::AppForm;

    pub fn vendor(text: &str) -> Result<Vendor, AppError> {
        Vendor::parse(text).ok_or_else(|| AppError::new(Code::NotFound))
    }

    /// `vendor_order`: slugs with commas; `services`: what was ticked.
    pub fn form(name: String, description: String, default_title: String, order: &str, services: Vec<String>) -> Result<AppForm, AppError> {
        let vendor_order = order
            .split([',', '，', ' '])
            .filter(|s| !s.is_empty())
            .map(|s| {
                Vendor::parse(s)
                    .ok_or_else(|| Problem::field("vendor_order", Words::new(format!("未知的厂商 {s}"), format!("unknown vendor {s}"))))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(AppForm { name, description, default_title, vendor_order, services })
    }
}

/// The editable part of a lane, as the form sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneInput {
    #[serde(default)]
    pub enabled: bool,
    pub base_url: String,
    #[serde(default)]
    pub ca_pem: String,
    pub pace_per_second: u32,
    pub batch: u32,
    pub in_flight: u32,
    pub daily_quota: u64,
    #[serde(default)]
    pub reserve_percent: u32,
    #[serde(default)]
    pub egress_proxy: String,
    #[serde(default)]
    pub ways: String,
    pub timeout_ms: u32,
}

#[server(prefix = "/api")]
pub async fn list_apps() -> Result<Vec<AppCard>, AppError> {
    // Everybody sees the apps of the own rights; the port narrows the list.
    let asked = crate::ports::ask_signed_in()?;
    asked.apps.list(&asked.who).await
}

#[server(prefix = "/api")]
pub async fn register_app(
    name: String,
    #[server(default)] description: String,
    environment: String,
    #[server(default)] default_title: String,
    #[server(default)] services: Vec<String>,
) -> Result<(), AppError> {
    let asked = crate::ports::ask(types::people::Permission::Develop)?;
    let environment = types::vendor::Environment::parse(&environment)
        .ok_or_else(|| types::problem::Problem::field("environment", types::text::Words::new("请选择环境", "choose an environment")))?;
    let id = asked.apps.register(&asked, read::form(name, description, default_title, "", services)?, environment).await?;
    leptos_axum::redirect(&format!("/apps/{id}/settings"));
    Ok(())
}

#[server(prefix = "/api")]
pub async fn read_app(app: String) -> Result<AppDetail, AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.detail(&asked, &app).await
}

#[server(prefix = "/api")]
pub async fn change_app(
    app: String,
    name: String,
    #[server(default)] description: String,
    #[server(default)] default_title: String,
    #[server(default)] vendor_order: String,
    #[server(default)] services: Vec<String>,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.change(&asked, &app, read::form(name, description, default_title, &vendor_order, services)?).await
}

#[server(prefix = "/api")]
pub async fn add_app_secret(app: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.add_secret(&asked, &app).await
}

#[server(prefix = "/api")]
pub async fn end_app_secret(app: String, no: i64) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.end_secret(&asked, &app, no).await
}

/// `fields` by the names of the vendor's declared form.
#[server(prefix = "/api")]
pub async fn put_vendor_credential(
    app: String,
    vendor: String,
    #[server(default)] fields: BTreeMap<String, String>,
) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.put_credential(&asked, &app, read::vendor(&vendor)?, fields.into_iter().collect()).await
}

#[server(prefix = "/api")]
pub async fn drop_vendor_credential(app: String, vendor: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.drop_credential(&asked, &app, read::vendor(&vendor)?).await
}

#[server(prefix = "/api")]
pub async fn put_lane(app: String, vendor: String, lane: LaneInput) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    let form = crate::ports::apps::LaneForm {
        enabled: lane.enabled,
        base_url: lane.base_url,
        ca_pem: lane.ca_pem,
        pace_per_second: lane.pace_per_second,
        batch: lane.batch,
        in_flight: lane.in_flight,
        daily_quota: lane.daily_quota,
        reserve_percent: lane.reserve_percent,
        egress_proxy: lane.egress_proxy,
        ways: lane.ways,
        timeout_ms: lane.timeout_ms,
    };
    asked.apps.put_lane(&asked, &app, read::vendor(&vendor)?, form).await
}

/// Empty `why` lets the lane go on.
#[server(prefix = "/api")]
pub async fn pause_lane(app: String, vendor: String, #[server(default)] why: String) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(types::people::Permission::Develop, &app)?;
    asked.apps.pause_lane(&asked, &app, read::vendor(&vendor)?, Some(why).filter(|w| !w.trim().is_empty())).await
}
