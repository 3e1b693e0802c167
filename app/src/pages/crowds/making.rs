//! A crowd being made out of others: how far it is, what it comes to.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::making::MakingState;
use types::people::Permission;
use types::vendor::Vendor;
use types::views::crowds::MakingView;

use super::shelf::{StopMaking, view_making};
use super::{COMBINE, CROWDS, use_param};
use crate::ui::format;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("生成：{0}", "Making: {0}");
const HOW: Text = Text::new("怎么算", "How");
const FROM: Text = Text::new("从", "from");
const SIZES: Text = Text::new("各步与结果有多少", "Sizes of the steps and of the result");
const STEP: Text = Text::new("步骤", "Step");
const RESULT: Text = Text::new("结果", "Result");
const ROWS: Text = Text::new("接收人", "Recipients");
const WITHOUT: Text = Text::new("没有可用令牌", "no usable token");
const SIZES_NOTE: Text = Text::new(
    "生成时的登记情况；有几家令牌的人在几家都计数，所以各家之和可以多于接收人。",
    "As registered when it was made; who has tokens of several vendors counts with each, so they may add up to more.",
);
const PROGRESS: Text = Text::new("进度", "Progress");
const GATHERING: Text = Text::new("正在查看终端和消息：已看 {0}", "Looking through devices and messages: {0} so far");
const JOINING: Text = Text::new("正在合并：{0} / {1} 行", "Joining: {0} of {1} rows");
const GO_ON: Text = Text::new("可以离开这个页面，计算会继续。", "You may leave this page; it goes on.");
const REFRESH: Text = Text::new("刷新", "Refresh");
const STOP: Text = Text::new("停止", "Stop");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
const OPEN: Text = Text::new("打开人群包", "Open the crowd");
const STOPPED: Text = Text::new("已停止，没有留下任何东西。", "It was stopped; nothing is left of it.");
const BY: Text = Text::new("{0} · {1}", "{0} · {1}");

pub(super) const fn tone(state: MakingState) -> Tone {
    match state {
        MakingState::Making => Tone::Act,
        MakingState::Made => Tone::Ok,
        MakingState::Failed => Tone::Bad,
        MakingState::Cancelled => Tone::Mute,
    }
}

/// The steps as a list that reads from top to bottom.
#[component]
pub fn Steps(app: String, making: MakingView) -> impl IntoView {
    let lang = use_lang();
    let steps = making.steps.into_iter().enumerate().map(|(i, step)| {
        let op = if i == 0 { FROM } else { step.op.name() };
        let words = step.words.get(lang).to_owned();
        let what = match step.crowd {
            Some(id) => view! { <a href=format!("/apps/{app}/crowds/{id}")>{words}</a> }.into_any(),
            None => words.into_any(),
        };
        view! { <li><span class="sub">{op.get(lang)}</span> " " {what}</li> }
    });
    let at = use_shell().with(|s| format::stamp(making.created_at, &s.zone));
    view! {
        <ol class="plain">{steps.collect_view()}</ol>
        <p class="sub">{making.key.name().get(lang)} " · " {BY.fill(lang, &[&making.created_by, &at])}</p>
    }
    .into_any()
}

/// Before and after, vendor by vendor.
#[component]
pub fn Sizes(making: MakingView) -> impl IntoView {
    let lang = use_lang();
    let vendors: Vec<Vendor> =
        Vendor::ALL.into_iter().filter(|v| making.sizes.iter().any(|size| size.vendors.iter().any(|(of, n)| of == v && *n > 0))).collect();
    let mut columns = vec![Column::text(t(STEP)), Column::number(t(ROWS))];
    columns.extend(vendors.iter().map(|v| Column::number(v.name().get(lang))));
    columns.push(Column::number(t(WITHOUT)));
    let (last, steps) = (making.steps.len(), making.steps);
    let rows = making.sizes.into_iter().enumerate().map(|(i, size)| {
        let name = match steps.get(i) {
            Some(step) => {
                let op = if i == 0 { FROM } else { step.op.name() };
                view! { <span class="sub">{op.get(lang)}</span> " " {step.words.get(lang).to_owned()} }.into_any()
            }
            None => view! { <strong>{RESULT.get(lang)}</strong> }.into_any(),
        };
        let of = |v: &Vendor| size.vendors.iter().find(|(vendor, _)| vendor == v).map_or(0, |(_, n)| *n);
        let cells = vendors.iter().map(|v| view! { <td class="n"><Num value=of(v) /></td> }).collect_view();
        view! {
            <tr class=if i == last { "total" } else { "" }>
                <td>{name}</td>
                <td class="n"><Num value=size.rows /></td>
                {cells}
                <td class="n"><Num value=size.without /></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <Card title=t(SIZES)>
            <Table caption=t(SIZES) columns=columns>
                {rows}
            </Table>
            <p class="sub">{t(SIZES_NOTE)}</p>
        </Card>
    }
    .into_any()
}

#[component]
pub fn MakingPage() -> impl IntoView {
    let app = use_app_id();
    let making = use_param("making");
    let view = Resource::new(move || (app.get(), making.get()), |(app, making)| view_making(app, making));
    view! { <Load resource=view view=move |found: MakingView| view! { <Page app=app.get_untracked() making=found /> } /> }.into_any()
}

#[component]
fn Page(app: String, making: MakingView) -> impl IntoView {
    let lang = use_lang();
    let stop = ServerAction::<StopMaking>::new();
    let may = use_may(Permission::Operate);
    let here = format!("/apps/{app}/crowds/makings/{}", making.id);
    let crowd = making.crowd.as_ref().map(|id| format!("/apps/{app}/crowds/{id}"));
    let problem = making.problem.clone().map(AppError::from);
    let (id, progress) = (making.id.as_str().to_owned(), making.progress);
    let of = app.clone();
    let running = (making.state == MakingState::Making).then(|| {
        let words = if progress.all == 0 {
            GATHERING.fill(lang, &[&format::exact(progress.gathered)])
        } else {
            JOINING.fill(lang, &[&format::exact(progress.joined), &format::exact(progress.all)])
        };
        view! {
            <Card title=t(PROGRESS)>
                {(progress.all > 0).then(|| view! { <Bar value=progress.joined max=progress.all label=t(PROGRESS) /> })}
                <p class="num" role="status">{words}</p>
                <p class="sub">{t(GO_ON)}</p>
                <div class="form-row">
                    <a class="btn" href=here>{t(REFRESH)}</a>
                    <ActionForm action=stop>
                        <input type="hidden" name="app" value=of />
                        <input type="hidden" name="making" value=id />
                        <Button kind=Kind::Danger disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>{t(STOP)}</Button>
                    </ActionForm>
                </div>
            </Card>
        }
    });
    let stopped = (making.state == MakingState::Cancelled).then(|| view! { <p class="note-box">{t(STOPPED)}</p> });
    let (home, again) = (format!("/apps/{app}/crowds"), format!("/apps/{app}/crowds/combine"));
    let sizes = (!making.sizes.is_empty()).then(|| view! { <Sizes making=making.clone() /> });
    view! {
        <PageHead title=tf(TITLE, &[&making.name]) sub=making.formula.get(lang).to_owned()>
            <Pill tone=tone(making.state)>{making.state.name().get(lang)}</Pill>
            <LinkButton href=home external=true>{t(CROWDS)}</LinkButton>
            <LinkButton href=again external=true>{t(COMBINE)}</LinkButton>
            {crowd.map(|href| view! { <LinkButton kind=Kind::Act href=href external=true>{t(OPEN)}</LinkButton> })}
        </PageHead>
        <ErrorBox error=Signal::stored(problem) />
        <ErrorBox error=trouble_of(stop) />
        {stopped}
        {running}
        {sizes}
        <Card title=t(HOW)>
            <Steps app=app making=making />
        </Card>
    }
    .into_any()
}
