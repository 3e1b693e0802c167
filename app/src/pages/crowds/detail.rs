//! One crowd: what it holds, where it came from, what was left out.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::people::Permission;
use types::views::crowds::CrowdView;

use super::making::{Sizes, Steps};
use super::outcome::Counts;
use super::shelf::{TagCrowd, view_crowd};
use super::{COMBINE, CROWDS, TAGS, detection, use_param};
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
const HOW: Text = Text::new("怎么来的", "How it was made");
const TAGS_HELP: Text = Text::new("用逗号分开，最多 8 个", "Separated by commas, 8 at most");
const SAVE: Text = Text::new("保存", "Save");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
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
    let tag = ServerAction::<TagCrowd>::new();
    let trouble = trouble_of(tag);
    let rejects = format!("/apps/{app}/crowds/{}/rejects.csv", crowd.id);
    let campaign = format!("/apps/{app}/campaigns/new?crowd={}", crowd.id);
    let combine = format!("/apps/{app}/crowds/combine?start={}", crowd.id);
    let variables = crowd.mapping.variables.keys().map(|name| format!("{{{{{name}}}}}")).collect::<Vec<_>>().join(" ");
    let file = crowd.made.is_none().then(|| {
        view! {
            <dt>{t(FILE)}</dt>
            <dd>{crowd.file_name.clone()} " · " {format::bytes(crowd.file_size)}</dd>
            <dt>{t(READ_AS)}</dt>
            <dd>{detection(&crowd.detected, lang)}</dd>
            <dt>{t(FINGERPRINT)}</dt>
            <dd><code class="break">{crowd.sha256.clone()}</code></dd>
        }
    });
    let made = crowd.made.clone().map(|made| {
        let (app, how) = (app.clone(), made.clone());
        view! {
            <Card title=t(HOW)>
                <Steps app=app making=how />
            </Card>
            <Sizes making=made />
        }
    });
    let home = format!("/apps/{app}/crowds");
    let tags = crowd.tags.join("，");
    view! {
        <PageHead title=crowd.name sub=crowd.id.as_str().to_owned()>
            <LinkButton href=home external=true>{t(CROWDS)}</LinkButton>
            {may.get_untracked()
                .then(|| {
                    view! {
                        <LinkButton href=combine external=true>{t(COMBINE)}</LinkButton>
                        <LinkButton kind=Kind::Act href=campaign>{t(CAMPAIGN)}</LinkButton>
                    }
                })}
        </PageHead>
        <Counts counts=crowd.counts reasons=crowd.reasons rejects_href=rejects />
        {made}
        <Card title=t(ORIGIN)>
            <dl class="facts">
                {file}
                <dt>{t(KIND)}</dt>
                <dd>{crowd.mapping.key.name().get(lang)}</dd>
                <dt>{t(VARIABLES)}</dt>
                <dd>{if variables.is_empty() { t(NONE).to_owned() } else { variables }}</dd>
                <dt>{t(BY)}</dt>
                <dd>{crowd.created_by}</dd>
                <dt>{t(AT)}</dt>
                <dd><Time at=crowd.created_at /></dd>
            </dl>
        </Card>
        <Card title=t(TAGS)>
            <ErrorBox error=trouble />
            <ActionForm action=tag attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="crowd" value=crowd.id.as_str().to_owned() />
                <TextField name="tags" label=t(TAGS) help=t(TAGS_HELP) value=tags maxlength=200 error=trouble.field("tags") />
                <Button disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>{t(SAVE)}</Button>
            </ActionForm>
        </Card>
    }
    .into_any()
}
