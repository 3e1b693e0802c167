//! The funnel of a campaign, of a message, or of a time.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::views::funnel::{AuditView, FunnelOf, FunnelQuery, FunnelView};

use super::books::calls::view_funnel;
use super::books::funnel_bars::FunnelTable;
use super::books::loss::Losses;
use super::books::range::{RangeChoice, span_text};
use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::number::SourceLegend;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("漏斗", "Funnel");
const SUB: Text = Text::new(
    "从计划到点击：每一步的数量、分母、来源和折损原因。",
    "From planned to clicked: count, denominator, source and losses of every step.",
);
const CAMPAIGN: Text = Text::new("推送任务", "Campaign");
const ALL: Text = Text::new("全部（按时间）", "All (by time)");
const EMPTY: Text = Text::new("这里还没有数字：没有计划过任何接收人。", "No figures yet: nobody was planned.");
const EVENTS: Text = Text::new(
    "按时间看：统计这段时间里发生的事，不论消息何时创建；较早消息的结果和回执也会算在内。",
    "By time: what happened in this time, whenever the message was made; outcomes and receipts of earlier messages count too.",
);
const AUDIT: Text = Text::new("重新清点并核对", "Count anew and compare");
const AUDIT_NOTE: Text = Text::new(
    "数字来自随每个事实一起写入的计数器；清点会逐个读取接收人，两者必须完全相等。",
    "Figures come from counters written with every fact; the count reads every recipient, and both must be equal.",
);
const AGREES: Text = Text::new("✓ 逐个清点 {0} 台设备，与计数器完全一致", "✓ counted {0} devices one by one: equal to the counters");
const DIFFERS: Text =
    Text::new("✗ 清点与计数器不一致；请把此页报给开发", "✗ the count and the counters differ; report this page to the developers");
const MESSAGES: Text = Text::new("消息", "Messages");

fn use_funnel_query() -> Memo<FunnelQuery> {
    let query = use_query_map();
    Memo::new(move |_| {
        let query = query.read();
        let text = |key: &str| query.get(key).unwrap_or_default();
        FunnelQuery {
            campaign: text("campaign"),
            message: text("message"),
            range: text("range"),
            from: text("from"),
            to: text("to"),
            audit: text("audit"),
        }
    })
}

#[component]
pub fn FunnelPage() -> impl IntoView {
    let app = use_app_id();
    let query = use_funnel_query();
    let view = Resource::new(move || (app.get(), query.get()), |(app, query)| view_funnel(app, query));
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Load resource=view view=move |found: FunnelView| view! { <Found found=found app=app.get_untracked() /> } />
    }
    .into_any()
}

#[component]
fn Found(found: FunnelView, app: String) -> impl IntoView {
    let lang = use_lang();
    let message = found.of.message().cloned();
    let chosen = match &found.of {
        FunnelOf::Campaign { id, .. } => id.as_str().to_owned(),
        _ => String::new(),
    };
    let mut options = vec![(String::new(), ALL.get(lang).to_owned())];
    options.extend(found.campaigns.iter().map(|(id, name)| (id.as_str().to_owned(), name.clone())));
    if !chosen.is_empty() && !options.iter().any(|(id, _)| *id == chosen) {
        options.push((chosen.clone(), chosen.clone()));
    }
    let empty = found.funnel.total.planned == 0;
    let (title, of) = match &found.of {
        FunnelOf::Campaign { name, messages, .. } => {
            let links = messages
                .iter()
                .map(|id| view! { " " <a href=format!("/apps/{app}/messages/{id}")><code>{id.to_string()}</code></a> })
                .collect_view();
            (name.clone(), view! { <p class="sub">{MESSAGES.get(lang)} {links}</p> }.into_any())
        }
        FunnelOf::Message { id, name } => (
            name.clone(),
            view! { <p class="sub"><a href=format!("/apps/{app}/messages/{id}")><code>{id.to_string()}</code></a></p> }.into_any(),
        ),
        FunnelOf::Time { span } => (span_text(span), view! { <p class="sub">{EVENTS.get(lang)}</p> }.into_any()),
    };
    let range = match &found.of {
        FunnelOf::Time { span } => Some(*span),
        _ => None,
    };
    let audit_form = (!matches!(found.of, FunnelOf::Time { .. })).then(|| {
        let (name, value) = match &found.of {
            FunnelOf::Campaign { id, .. } => ("campaign", id.to_string()),
            FunnelOf::Message { id, .. } => ("message", id.to_string()),
            FunnelOf::Time { .. } => ("range", String::new()),
        };
        view! { <AuditCard name=name value=value app=app.clone() audit=found.audit.clone() /> }
    });
    let equation = found.funnel.total;
    let losses = found.funnel.clone();
    view! {
        <Filters>
            <SelectField name="campaign" label=CAMPAIGN.get(lang) options=options value=chosen />
        </Filters>
        {range.map(|span| view! { <RangeChoice span=Some(span) /> })}
        {if empty {
            view! { <Card><Empty icon=Icon::Funnel sentence=EMPTY.get(lang) next=(format!("/apps/{app}/overview"), OVERVIEW.get(lang).to_owned()) /></Card> }.into_any()
        } else {
            view! {
                {range.is_none().then(|| view! { <EquationBar equation=equation /> })}
                <Card title=title>
                    {of}
                    <FunnelTable funnel=found.funnel />
                    <SourceLegend />
                </Card>
                <Losses funnel=losses app=app message=message />
                {audit_form}
            }
                .into_any()
        }}
    }
    .into_any()
}

const OVERVIEW: Text = Text::new("总览", "Overview");

/// A plain GET form: the answer is part of the page and works without scripts.
#[component]
fn AuditCard(name: &'static str, value: String, app: String, audit: Option<AuditView>) -> impl IntoView {
    let lang = use_lang();
    view! {
        <Card title=AUDIT.get(lang)>
            <p class="sub">{AUDIT_NOTE.get(lang)}</p>
            {audit
                .map(|audit| {
                    if audit.agrees {
                        let text = AGREES.fill(lang, &[&format::exact(audit.recounted.total.planned)]);
                        view! { <p class="ok-box" role="status">{text} " " <Time at=audit.at /></p> }.into_any()
                    } else {
                        view! { <p class="error-box" role="alert">{DIFFERS.get(lang)}</p> }.into_any()
                    }
                })}
            <form method="get" action=format!("/apps/{app}/funnel")>
                <input type="hidden" name=name value=value />
                <input type="hidden" name="audit" value="yes" />
                <Button>{AUDIT.get(lang)}</Button>
            </form>
        </Card>
    }
    .into_any()
}
