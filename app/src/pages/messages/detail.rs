//! One message: its equation, its lanes, why these lanes, its recipients.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use types::people::Permission;
use types::views::messages::{MessageView, OriginView};

use super::super::books::calls::view_message;
use super::super::books::funnel_bars::FunnelTable;
use super::super::books::loss::{Losses, VendorCell};
use super::recipients::Recipients;
use super::{ORIGIN, STATE, tone};
use crate::ui::number::SourceLegend;
use crate::ui::prelude::*;

const MESSAGE: Text = Text::new("消息", "Message");
const FUNNEL: Text = Text::new("漏斗", "Funnel");
const FACTS: Text = Text::new("基本信息", "Facts");
const BODY: Text = Text::new("正文", "Body");
const CLASS: Text = Text::new("类别", "Class");
const BUSINESS: Text = Text::new("业务", "Business");
const ACCOUNT: Text = Text::new("账号", "Account");
const CREATED: Text = Text::new("创建", "Created");
const DEADLINE: Text = Text::new("截止", "Deadline");
const FINISHED: Text = Text::new("结束", "Finished");
const CAMPAIGN: Text = Text::new("推送任务", "Campaign");
const OPEN: Text = Text::new("打开", "open");
const WHY: Text = Text::new("为什么走这条通道", "Why this lane");
const NO_WHY: Text = Text::new("还没有批次。", "No chunk yet.");
const AGAIN: Text = Text::new("没有回执的", "Without a receipt");
const WHOLE: Text = Text::new("漏斗与核对", "Funnel and audit");

#[component]
pub fn MessagePage() -> impl IntoView {
    let app = use_app_id();
    let params = use_params_map();
    let may = use_may(Permission::SeeRecipients);
    let id = Memo::new(move |_| params.read().get("message").unwrap_or_default());
    let view = Resource::new(move || (app.get(), id.get()), |(app, id)| view_message(app, id));
    view! {
        <Load resource=view view=move |found: MessageView| view! { <Found found=found app=app.get_untracked() /> } />
        {move || may.get().then(|| view! { <Recipients app=app id=id /> })}
    }
    .into_any()
}

#[component]
fn Found(found: MessageView, app: String) -> impl IntoView {
    let lang = use_lang();
    let brief = found.brief;
    let id = brief.id.clone();
    let subtitle = id.to_string();
    let whole = format!("/apps/{app}/funnel?message={id}");
    let again = format!("/apps/{app}/messages/{id}/again");
    let losses = found.funnel.clone();
    let recalled_by = (brief.origin != OriginView::Recall)
        .then(|| view! { <LinkButton href=format!("/apps/{app}/messages/{id}/recall") external=true>{OriginView::Recall.name().get(lang)}</LinkButton> });
    let campaign = brief.campaign.map(|campaign| format!("/apps/{app}/campaigns/{campaign}"));
    let why_empty = found.why.is_empty();
    let why = found
        .why
        .into_iter()
        .map(|(vendor, why)| view! { <li><VendorCell vendor=vendor /> " " {why.get(lang).to_owned()}</li> })
        .collect_view();
    view! {
        <PageHead title=format!("{} · {}", MESSAGE.get(lang), brief.title) sub=subtitle>
            <LinkButton href=again>{AGAIN.get(lang)}</LinkButton>
            <LinkButton href=whole>{WHOLE.get(lang)}</LinkButton>
            {recalled_by}
        </PageHead>
        <EquationBar equation=brief.equation />
        <div class="cols-2">
            <Card title=FACTS.get(lang)>
                <dl class="facts">
                    <dt>{STATE.get(lang)}</dt>
                    <dd><Pill tone=tone(brief.state)>{brief.state.name().get(lang)}</Pill></dd>
                    <dt>{ORIGIN.get(lang)}</dt>
                    <dd>{brief.origin.name().get(lang)}</dd>
                    <dt>{CLASS.get(lang)}</dt>
                    <dd>{brief.class.name().get(lang)}</dd>
                    <dt>{BODY.get(lang)}</dt>
                    <dd>{found.body}</dd>
                    <dt>{BUSINESS.get(lang)}</dt>
                    <dd>{found.business}</dd>
                    <dt>{ACCOUNT.get(lang)}</dt>
                    <dd>{brief.account} " " <span class="sub">{found.address}</span></dd>
                    {campaign
                        .map(|href| {
                            view! {
                                <dt>{CAMPAIGN.get(lang)}</dt>
                                <dd><a href=href>{OPEN.get(lang)}</a></dd>
                            }
                        })}
                    <dt>{CREATED.get(lang)}</dt>
                    <dd><Time at=brief.created_at /></dd>
                    <dt>{DEADLINE.get(lang)}</dt>
                    <dd><Time at=found.deadline /></dd>
                    {found.finished_at.map(|at| view! { <dt>{FINISHED.get(lang)}</dt> <dd><Time at=at /></dd> })}
                </dl>
            </Card>
            <Card title=WHY.get(lang)>
                {if why_empty {
                    view! { <p class="sub">{NO_WHY.get(lang)}</p> }.into_any()
                } else {
                    view! { <ul class="plain">{why}</ul> }.into_any()
                }}
            </Card>
        </div>
        <Card title=FUNNEL.get(lang)>
            <FunnelTable funnel=found.funnel />
            <SourceLegend />
        </Card>
        <Losses funnel=losses app=app message=Some(id) />
    }
    .into_any()
}
