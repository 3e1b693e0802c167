//! The second pair of eyes: what people read, when and how it goes, who gets it; a yes or a no to each. For a phone as for a desk.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::campaign::{Said, Section};
use types::life::CampaignState;
use types::people::Permission;
use types::views::approval::{ApprovalView, VerdictView};

use super::calls::{AskApproval, JudgeCampaign, view_approval};
use super::{APPROVAL, counted, links};
use crate::ui::format;
use crate::ui::phone::Phones;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const SUB: Text = Text::new(
    "另一个人看三个部分：内容、发送、人群。写任务的人不能审批；改动一次，全部作废。",
    "A second person looks at message, delivery and audience. Who wrote it may not approve it; any edit makes every verdict void.",
);
const REQUIRED: Text = Text::new(
    "{0} 台设备，超过 {1} 台：三个部分都通过才能开始。",
    "{0} devices, above {1}: it starts when all three sections are approved.",
);
const NOT_REQUIRED: Text = Text::new("规模未超过上限，不审批也能开始。", "Its size is within the bound: it may start without approval.");
const OFF: Text =
    Text::new("本应用没有设审批上限（在策略页设置）。", "This app asks for no approval; the bound is set on the policy page.");
const DONE: Text = Text::new("✓ 三个部分都已通过", "✓ All three sections are approved");
const WAITS: Text = Text::new("未审", "Not judged");
const BY: Text = Text::new("{0} · {1}", "{0} · {1}");
const WRITTEN: Text = Text::new("由 {0} 撰写", "Written by {0}");
const COPY: Text = Text::new("文案", "Copy");
const STARTS: Text = Text::new("开始", "Starts");
const AT_ONCE: Text = Text::new("一按就开始", "as soon as it is pressed");
const UNTIL: Text = Text::new("截止", "Until");
const CLASS: Text = Text::new("类别", "Class");
const BUSINESS: Text = Text::new("业务线", "Business line");
const ORDER: Text = Text::new("通道顺序", "Order of lanes");
const CROWD: Text = Text::new("人群包", "Crowd");
const ROWS: Text = Text::new("{0} 行", "{0} rows");
const VERSIONS: Text = Text::new("应用版本", "App versions");
const REACH: Text = Text::new("会交给厂商", "Handed to vendors");
const LEFT_OUT: Text = Text::new("会被留下", "Left out");
const MISS: Text = Text::new("赶不上截止", "Miss the deadline");
const HOURS: Text = Text::new("发送时段", "Sending hours");
const LATE: Text = Text::new("误点", "When late");
const FINISH: Text = Text::new("预计发完", "All done at about");
const FAULTS: Text = Text::new("还要修改", "Still to be mended");
const JUDGE: Text = Text::new("我的意见", "Your verdict");
const COMMENT: Text = Text::new("意见（驳回必填）", "Comment (needed for a refusal)");
const SECTIONS: Text = Text::new("针对哪些部分", "About which sections");
const APPROVE: Text = Text::new("通过", "Approve");
const REFUSE: Text = Text::new("驳回", "Refuse");
const MAY_NOT: Text = Text::new("需要审批权限", "Needs the permission to approve");
const ASK: Text = Text::new("请求审批", "Ask for approval");
const ASK_NOTE: Text = Text::new("留言（可空）", "A word with it (may be empty)");
const HISTORY: Text = Text::new("审批记录", "What was said");
const WHO: Text = Text::new("谁", "Who");
const WHAT: Text = Text::new("意见", "What");
const WHEN: Text = Text::new("时间", "When");
const VOID: Text = Text::new("已作废（之后有改动）", "void: it was changed since");
const OVER: Text = Text::new("已经开始或结束，不再审批。", "It has started or is over; there is nothing to approve.");

#[component]
pub fn ApprovalPage(id: String) -> impl IntoView {
    let app = use_app_id().get_untracked();
    let asked = (app.clone(), id.clone());
    let view = Resource::new(move || asked.clone(), |(app, id)| view_approval(app, id));
    view! { <Load resource=view view=move |view: ApprovalView| view! { <Page view=view app=app.clone() /> } /> }
}

fn pill(said: Said) -> Tone {
    match said {
        Said::Asked => Tone::Act,
        Said::Approved => Tone::Ok,
        Said::Refused => Tone::Bad,
    }
}

fn fact(name: Text, value: impl Into<String>) -> AnyView {
    let lang = use_lang();
    let value: String = value.into();
    view! {
        <dt>{name.get(lang)}</dt>
        <dd>{value}</dd>
    }
    .into_any()
}

fn section_card(section: Section, verdict: Option<VerdictView>, body: AnyView) -> AnyView {
    let lang = use_lang();
    let mark = match verdict {
        None => view! { <Pill>{WAITS.get(lang)}</Pill> }.into_any(),
        Some(verdict) => {
            let at = use_shell().with(|s| format::stamp_short(verdict.at, &s.zone));
            view! {
                <Pill tone=pill(verdict.said)>{verdict.said.name().get(lang)}</Pill>
                " "
                <span class="sub">{BY.fill(lang, &[&verdict.by, &at])}</span>
                <p class="sub">{verdict.comment}</p>
            }
            .into_any()
        }
    };
    view! {
        <Card title=section.name().get(lang)>
            <div>{mark}</div>
            {body}
        </Card>
    }
    .into_any()
}

#[component]
fn Page(view: ApprovalView, app: String) -> impl IntoView {
    let lang = use_lang();
    let before = matches!(view.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed);
    let title = format!("{} · {}", APPROVAL.get(lang), view.name);
    let reach = view.forecast.as_ref().map_or(0, |f| f.reachable());
    let state = if view.approved() {
        view! { <p class="ok-box">{DONE.get(lang)}</p> }.into_any()
    } else if view.required() {
        view! { <p class="note-box">{REQUIRED.fill(lang, &[&format::exact(reach), &format::exact(view.above)])}</p> }.into_any()
    } else {
        let words = if view.above == 0 { OFF } else { NOT_REQUIRED };
        view! { <p class="sub">{words.get(lang)}</p> }.into_any()
    };
    let faults = (!view.faults.is_empty()).then(|| {
        let list =
            view.faults.iter().map(|f| view! { <li><code>{f.field.clone()}</code>" "{f.reason.get(lang).to_owned()}</li> }).collect_view();
        view! { <Card title=FAULTS.get(lang)><ul class="plain">{list}</ul></Card> }
    });
    let card = |section: Section, body: AnyView| {
        let verdict = view.sections.iter().find(|(of, _)| *of == section).and_then(|(_, v)| v.clone());
        section_card(section, verdict, body)
    };
    let message = card(Section::Message, view! { <Message view=view.clone() /> }.into_any());
    let delivery = card(Section::Delivery, view! { <Delivery view=view.clone() /> }.into_any());
    let audience = card(Section::Audience, view! { <Audience view=view.clone() /> }.into_any());
    let links = links(&app, view.id.as_str(), APPROVAL);
    let place = format!(" {} · {} · {}", view.app_name, view.state.name().get(lang), WRITTEN.fill(lang, &[&view.editors.join("、")]));
    let environment = view.environment;
    let over = (!before).then(|| view! { <p class="sub">{OVER.get(lang)}</p> });
    let history = view.history.clone();
    let forms = before.then(|| view! { <Forms view=view.clone() app=app.clone() /> });
    view! {
        <PageHead title=title sub=SUB.get(lang)>{links}</PageHead>
        <p class="sub run-line">
            <EnvPill environment=environment />
            {place}
        </p>
        {state}
        {over}
        {faults}
        <div class="cols-2">
            {message}
            <div class="grid">{delivery} {audience}</div>
        </div>
        {forms}
        <History list=history />
    }
}

#[component]
fn Message(view: ApprovalView) -> impl IntoView {
    let first = view.samples.first().map(|s| s.content.clone()).unwrap_or_default();
    let version = view.copy_version.map(|v| format!(" v{v}")).unwrap_or_default();
    let copy = format!("{}{version}", view.copy_name.unwrap_or_else(|| "–".to_owned()));
    let vendors = if view.lanes.is_empty() { types::vendor::Vendor::ALL.to_vec() } else { view.lanes };
    let texts = view
        .samples
        .iter()
        .map(|s| view! { <li><strong>{s.content.title.clone()}</strong><br />{s.content.body.clone()}</li> })
        .collect_view();
    view! {
        <dl class="facts">{fact(COPY, copy)}</dl>
        <Phones vendors=vendors app_name=view.app_name content=Signal::stored(first) />
        <ul class="plain">{texts}</ul>
    }
}

#[component]
fn Delivery(view: ApprovalView) -> impl IntoView {
    let lang = use_lang();
    let stamp = |at| use_shell().with(|s| format::stamp(at, &s.zone));
    let starts = match &view.spec.schedule {
        types::campaign::Schedule::Now => AT_ONCE.get(lang).to_owned(),
        types::campaign::Schedule::At { at, local, zone } => format!("{} ({} {zone})", stamp(*at), local.replace('T', " ")),
    };
    let until = view.forecast.as_ref().map(|f| fact(UNTIL, stamp(f.deadline)));
    let finish = view.forecast.as_ref().and_then(|f| f.finish_at()).map(|at| fact(FINISH, stamp(at)));
    let hours = view.spec.hours.map(|hours| fact(HOURS, hours.words(&view.zone).get(lang)));
    let late = view.spec.ask_after.map(|_| fact(LATE, super::schedule::late_words(view.spec.ask_after, lang)));
    let order = view.lanes.iter().map(|v| v.name().get(lang)).collect::<Vec<_>>().join(" → ");
    let business = (!view.spec.business.is_empty()).then(|| fact(BUSINESS, view.spec.business.clone()));
    view! {
        <dl class="facts">
            {fact(STARTS, starts)} {hours} {late} {until} {finish} {fact(CLASS, view.spec.class.name().get(lang))} {business}
            {(!order.is_empty()).then(|| fact(ORDER, order))}
        </dl>
    }
}

#[component]
fn Audience(view: ApprovalView) -> impl IntoView {
    let lang = use_lang();
    let crowd = format!("{} · {}", view.crowd_name.unwrap_or_else(|| "–".to_owned()), ROWS.fill(lang, &[&format::exact(view.crowd_rows)]));
    let versions = view.spec.versions.as_ref().map(|v| fact(VERSIONS, v.words()));
    let counts = view.forecast.map(|f| {
        let about = f.is_sample();
        let rules =
            f.subtractions().into_iter().map(|d| format!("{} {}", d.name().get(lang), format::exact(d.devices))).collect::<Vec<_>>();
        let left = format!(
            "{} {}",
            counted(f.dropped(), about, lang),
            if rules.is_empty() { String::new() } else { format!("({})", rules.join("、")) }
        );
        let missed = (f.missed() > 0).then(|| fact(MISS, counted(f.missed(), about, lang)));
        view! { {fact(REACH, counted(f.sent(), about, lang))} {fact(LEFT_OUT, left)} {missed} }
    });
    view! { <dl class="facts">{fact(CROWD, crowd)} {versions} {counts}</dl> }
}

#[component]
fn Forms(view: ApprovalView, app: String) -> impl IntoView {
    let lang = use_lang();
    let (judge, ask) = (ServerAction::<JudgeCampaign>::new(), ServerAction::<AskApproval>::new());
    let (trouble, ask_trouble) = (trouble_of(judge), trouble_of(ask));
    let may = use_may(Permission::Approve).get_untracked();
    let operates = use_may(Permission::Operate).get_untracked();
    let typed = typed_into::<JudgeCampaign>().map(|t| t.comment).unwrap_or_default();
    let barred = view.barred.clone();
    let blocked = !may || barred.is_some();
    let why = barred.as_ref().map_or_else(|| MAY_NOT.get(lang).to_owned(), |words| words.get(lang).to_owned());
    let note = blocked.then(|| view! { <p class="note-box">{why.clone()}</p> });
    let boxes = Section::ALL
        .into_iter()
        .enumerate()
        .map(|(i, section)| {
            view! { <CheckField name=format!("sections[{i}]") value=section.slug() label=section.name().get(lang) checked=true /> }
        })
        .collect_view();
    let (id, revision) = (view.id.to_string(), view.revision.to_string());
    let fixed = || {
        view! {
            <input type="hidden" name="app" value=app.clone() />
            <input type="hidden" name="id" value=id.clone() />
            <input type="hidden" name="revision" value=revision.clone() />
        }
        .into_any()
    };
    let (of_ask, of_judge) = (fixed(), fixed());
    let asking = operates.then(|| {
        view! {
            <Card title=ASK.get(lang)>
                <ErrorBox error=ask_trouble />
                <ActionForm action=ask attr:class="form">
                    {of_ask}
                    <TextField name="comment" id="ask-comment" label=ASK_NOTE.get(lang) maxlength=200 />
                    <Button>{ASK.get(lang)}</Button>
                </ActionForm>
            </Card>
        }
    });
    let disabled = Signal::stored(blocked);
    view! {
        <Card title=JUDGE.get(lang)>
            {note}
            <ErrorBox error=trouble />
            <ActionForm action=judge attr:class="form">
                {of_judge}
                <fieldset>
                    <legend>{SECTIONS.get(lang)}</legend>
                    {boxes}
                </fieldset>
                <TextField name="comment" label=COMMENT.get(lang) value=typed maxlength=200 error=trouble.field("comment") />
                <div class="row">
                    <Button kind=Kind::Act name="said" value="approved" disabled=disabled why=why.clone()>{APPROVE.get(lang)}</Button>
                    <Button kind=Kind::Danger name="said" value="refused" disabled=disabled why=why>{REFUSE.get(lang)}</Button>
                </div>
            </ActionForm>
        </Card>
        {asking}
    }
    .into_any()
}

#[component]
fn History(list: Vec<VerdictView>) -> impl IntoView {
    let lang = use_lang();
    if list.is_empty() {
        return ().into_any();
    }
    let rows = list
        .into_iter()
        .map(|one| {
            let section = one.section.map(|s| format!(" · {}", s.name().get(lang))).unwrap_or_default();
            view! {
                <tr>
                    <td>
                        <Pill tone=if one.void { Tone::Mute } else { pill(one.said) }>{one.said.name().get(lang)}</Pill>
                        {section}
                        <div class="sub">{one.comment}</div>
                        {one.void.then(|| view! { <div class="sub">{VOID.get(lang)}</div> })}
                    </td>
                    <td>{one.by}</td>
                    <td><Time at=one.at brief=true /></td>
                </tr>
            }
        })
        .collect_view();
    let columns = [WHAT, WHO, WHEN].map(|c| Column::text(c.get(lang))).to_vec();
    view! { <Card title=HISTORY.get(lang)><Table caption=HISTORY.get(lang) columns=columns>{rows}</Table></Card> }.into_any()
}
