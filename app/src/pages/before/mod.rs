//! Before a start: what it would come to, who else says yes, the last question. One address a step, all plain pages.

mod approval;
pub mod calls;
mod compare;
mod forecast;
mod schedule;
mod start;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use types::problem::Code;

use crate::ui::prelude::*;

pub(super) const FORECAST: Text = Text::new("推演", "Forecast");
pub(super) const APPROVAL: Text = Text::new("审批", "Approval");
pub(super) const SCHEDULE: Text = Text::new("时间", "Schedule");
pub(super) const START: Text = Text::new("开始前确认", "Before it starts");
const CAMPAIGN: Text = Text::new("返回任务", "Back to the campaign");

/// `/apps/:app/campaigns/:id/:step`
#[component]
pub fn Before() -> impl IntoView {
    let params = use_params_map();
    let part = move |name: &str| params.read_untracked().get(name).unwrap_or_default();
    let id = part("id");
    match part("step").as_str() {
        "forecast" => view! { <forecast::ForecastPage id=id /> }.into_any(),
        "approval" => view! { <approval::ApprovalPage id=id /> }.into_any(),
        "schedule" => view! { <schedule::SchedulePage id=id /> }.into_any(),
        "start" => view! { <start::StartPage id=id /> }.into_any(),
        "ramp" => view! { <crate::pages::during::RampPage id=id /> }.into_any(),
        "recall" => view! { <crate::pages::during::RecallPage id=id /> }.into_any(),
        _ => {
            if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
                response.set_status(http::StatusCode::NOT_FOUND);
            }
            view! { <ErrorBox error=Signal::stored(Some(AppError::new(Code::NotFound))) /> }.into_any()
        }
    }
}

/// The way between the pages of one campaign.
pub(super) fn links(app: &str, id: &str, here: Text) -> AnyView {
    let lang = use_lang();
    let one = |text: Text, step: &str| {
        (text != here)
            .then(|| view! { <LinkButton href=format!("/apps/{app}/campaigns/{id}{step}") external=true>{text.get(lang)}</LinkButton> })
    };
    view! {
        {one(FORECAST, "/forecast")}
        {one(APPROVAL, "/approval")}
        {one(SCHEDULE, "/schedule")}
        {one(crate::pages::during::RAMP, "/ramp")}
        {one(CAMPAIGN, "")}
    }
    .into_any()
}

/// `约 1,234` for figures that were scaled up from a part.
pub(super) fn counted(n: u64, about: bool, lang: Lang) -> String {
    let exact = crate::ui::format::exact(n);
    match (about, lang) {
        (false, _) => exact,
        (true, Lang::Zh) => format!("约 {exact}"),
        (true, Lang::En) => format!("about {exact}"),
    }
}
