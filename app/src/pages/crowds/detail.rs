//! One crowd: what it holds, where it came from, what was left out.

use leptos::prelude::*;
use types::people::Permission;
use types::views::crowds::CrowdView;

use super::calls::view_crowd;
use super::outcome::Counts;
use super::{CROWDS, detection, use_param};
use crate::ui::format;
use crate::ui::prelude::*;

const CAMPAIGN: Text = Text::new("用它新建推送任务", "New campaign with it");
const ORIGIN: Text = Text::new("来历", "Origin");
const FILE: Text = Text::new("文件", "File");
const READ_AS: Text = Text::new("读法", "Read as");
const KIND: Text = Text::new("每行写的是", "Rows name");
const VARIABLES: Text = Text::new("变量", "Variables");
const NONE: Text = Text::new("没有", "none");
const BY: Text = Text::new("确认人", "Confirmed by");
const AT: Text = Text::new("确认时间", "Confirmed at");
const FINGERPRINT: Text = Text::new("SHA-256", "SHA-256");

#[component]
pub fn CrowdPage() -> impl IntoView {
    let app = use_app_id();
    let crowd = use_param("crowd");
    let view = Resource::new(move || (app.get(), crowd.get()), |(app, crowd)| view_crowd(app, crowd));
    view! { <Load resource=view view=move |found: CrowdView| view! { <Detail app=app.get_untracked() crowd=found /> } /> }.into_any()
}

#[component]
fn Detail(app: String, crowd: CrowdView) -> impl IntoView {
    let lang = use_lang();
    let may = use_may(Permission::Operate);
    let rejects = format!("/apps/{app}/crowds/{}/rejects.csv", crowd.id);
    let campaign = format!("/apps/{app}/campaigns/new?crowd={}", crowd.id);
    let variables = crowd.mapping.variables.keys().map(|name| format!("{{{{{name}}}}}")).collect::<Vec<_>>().join(" ");
    view! {
        <PageHead title=crowd.name sub=crowd.id.as_str().to_owned()>
            <LinkButton href=format!("/apps/{app}/crowds")>{t(CROWDS)}</LinkButton>
            {move || may.get().then(|| view! { <LinkButton kind=Kind::Act href=campaign.clone()>{t(CAMPAIGN)}</LinkButton> })}
        </PageHead>
        <Counts counts=crowd.counts reasons=crowd.reasons rejects_href=rejects />
        <Card title=t(ORIGIN)>
            <dl class="facts">
                <dt>{t(FILE)}</dt>
                <dd>{crowd.file_name} " · " {format::bytes(crowd.file_size)}</dd>
                <dt>{t(READ_AS)}</dt>
                <dd>{detection(&crowd.detected, lang)}</dd>
                <dt>{t(KIND)}</dt>
                <dd>{crowd.mapping.key.name().get(lang)}</dd>
                <dt>{t(VARIABLES)}</dt>
                <dd>{if variables.is_empty() { t(NONE).to_owned() } else { variables }}</dd>
                <dt>{t(BY)}</dt>
                <dd>{crowd.created_by}</dd>
                <dt>{t(AT)}</dt>
                <dd><Time at=crowd.created_at /></dd>
                <dt>{t(FINGERPRINT)}</dt>
                <dd><code class="break">{crowd.sha256}</code></dd>
            </dl>
        </Card>
    }
    .into_any()
}
