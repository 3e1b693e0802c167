//! A campaign that begins with a few: chosen here before the start; then where it stands, what the guards see, and the button that
//! lets it go on.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::life::CampaignState;
use types::people::Permission;
use types::ramp::{Health, RampPlan, RampState, Watched};
use types::views::ramp::RampView;

use super::calls::{ChooseRamp, ContinueRamp, view_ramp};
use crate::ui::format;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

pub const TITLE: Text = Text::new("灰度", "Ramp");
const SUB: Text = Text::new(
    "先发一小部分，看一看，再放开。被拒、卸载、关闭通知明显多于本应用平时，就自己停住并写明数字。",
    "A few first, a look, then the rest. When refusals, uninstalls or switched-off notifications are clearly above what is usual for \
     this app, it stops itself and says so with the numbers.",
);
const BACK: Text = Text::new("返回任务", "Back to the campaign");
const START: Text = Text::new("去确认开始", "To the start");
const OFF: Text = Text::new("现在的设置：一次发给所有人。", "As it stands: it goes to everybody at once.");
const ON: Text = Text::new("现在的设置：{0}；每步之后看 {1} 分钟。", "As it stands: {0}; {1} minutes of looking after each step.");
const BY_ITSELF: Text = Text::new("正常就自己继续。", "It goes on by itself when all is as usual.");
const BY_PERSON: Text = Text::new("每步之后等人按“继续”。", "After each step a person presses Continue.");
const CHOOSE: Text = Text::new("怎样开始", "How it begins");
const SHARES: Text =
    Text::new("每步累计到人群的百分之几（最后一步是全部）", "Per cent of the crowd reached after each step (the rest follows)");
const MINUTES: Text = Text::new("每步之后看几分钟", "Minutes of looking after each step");
const ITSELF: Text = Text::new(
    "正常就自己继续；偏高或没把握时仍等人",
    "Goes on by itself when all is as usual; waits for a person when it is not, or too few to tell",
);
const SAVE: Text = Text::new("按步开始", "Begin step by step");
const DROP: Text = Text::new("一次全发", "All at once");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
const STANDS: Text = Text::new("进行到哪一步", "Where it stands");
const STEP: Text = Text::new("第 {0} 步 / 共 {1} 步 · 到人群的 {2}", "Step {0} of {1} · up to {2} of the crowd");
const SINCE: Text = Text::new("自 {0}", "since {0}");
const UNTIL: Text = Text::new("看到 {0}", "looking until {0}");
const HANDED: Text = Text::new("已交给厂商 {0} 台；人群 {1} 行。", "{0} devices handed to vendors; the crowd has {1} rows.");
const GUARDS: Text = Text::new("守护指标", "Guards");
const GUARD: Text = Text::new("指标", "Guard");
const NOW: Text = Text::new("现在", "Now");
const USUAL: Text = Text::new("平时（前 7 天）", "Usual (7 days before)");
const BOUND: Text = Text::new("上限", "Bound");
const STATE: Text = Text::new("判断", "Verdict");
const HABIT: Text = Text::new(
    "上限＝平时的 1.5 倍，且不低于各指标的底线；超过它且样本足够确定才停。没有厂商报告投诉，不在其中。",
    "The bound is half as much again as usual, never below the guard's floor; it stops when that is surely exceeded. No vendor reports \
     complaints: they are not among these.",
);
const STOPPED: Text = Text::new("它在这里停住了：", "It stopped itself here:");
const ON_ANYWAY: Text = Text::new("仍要继续…", "Go on all the same…");
const ON_ANYWAY_SURE: Text = Text::new(
    "从停住的地方发完这一步；这一步里守护指标不再拦它。会记入审计。",
    "This step is sent to its end from where it stopped; the guards do not hold it in this step. It goes into the audit log.",
);
const NEXT: Text = Text::new("继续下一步", "Continue with the next step");
const DO: Text = Text::new("继续", "Continue");
const RECALL: Text = Text::new("召回已发的", "Recall what was sent");

#[component]
pub fn RampPage(id: String) -> impl IntoView {
    let app = use_app_id().get_untracked();
    let asked = (app.clone(), id.clone());
    let view = Resource::new(move || asked.clone(), |(app, id)| view_ramp(app, id));
    view! { <Load resource=view view=move |view: RampView| view! { <Page view=view app=app.clone() id=id.clone() /> } /> }
}

fn percent(share: u32) -> String {
    let whole = f64::from(share) / 100.0;
    format!("{whole} %")
}

fn minutes(plan: &RampPlan) -> String {
    format!("{}", f64::from(plan.look_s) / 60.0)
}

#[component]
fn Page(view: RampView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let base = format!("/apps/{app}/campaigns/{id}");
    let title = format!("{} · {}", TITLE.get(lang), view.name);
    let before = matches!(view.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed);
    let start = (view.state == CampaignState::Draft)
        .then(|| view! { <LinkButton href=format!("{base}/start") external=true>{START.get(lang)}</LinkButton> });
    let body = if before {
        view! { <Choose view=view app=app id=id /> }.into_any()
    } else {
        view! { <Stands view=view app=app id=id /> }.into_any()
    };
    view! {
        <PageHead title=title sub=SUB.get(lang)>
            <LinkButton href=base.clone() external=true>{BACK.get(lang)}</LinkButton>
            {start}
        </PageHead>
        {body}
    }
}

/// The plan in words.
fn plan_words(plan: &RampPlan, lang: Lang) -> String {
    let steps = plan.shares.iter().map(|share| percent(*share)).collect::<Vec<_>>().join(" → ");
    let how = if plan.by_itself { BY_ITSELF } else { BY_PERSON };
    format!("{} {}", ON.fill(lang, &[&steps, &minutes(plan)]), how.get(lang))
}

/// How it begins, in words.
pub fn ramp_words(plan: Option<&RampPlan>, lang: Lang) -> String {
    plan.map_or_else(|| OFF.get(lang).to_owned(), |plan| plan_words(plan, lang))
}

#[component]
fn Choose(view: RampView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let choose = ServerAction::<ChooseRamp>::new();
    let trouble = trouble_of(choose);
    let may = use_may(Permission::Operate);
    let blocked = Signal::derive(move || !may.get());
    let stands = ramp_words(view.plan.as_ref(), lang);
    let typed = typed_into::<ChooseRamp>();
    let plan = view.plan.clone().unwrap_or_default();
    let shares = plan.shares.iter().filter(|share| **share < types::ramp::WHOLE).map(|share| format!("{}", f64::from(*share) / 100.0));
    let (shares, length, itself) = typed.map_or_else(
        || (shares.collect::<Vec<_>>().join(", "), minutes(&plan), plan.by_itself),
        |typed| (typed.shares, typed.minutes, !typed.by_itself.is_empty()),
    );
    let (its_app, its_id) = (app.clone(), id.clone());
    let drop = view.plan.is_some().then(|| {
        view! {
                   <ActionForm action=choose attr:class="form">
        <input type="hidden" name="app" value=its_app />
                       <input type="hidden" name="id" value=its_id />
                       <input type="hidden" name="off" value="yes" />
                       <Button disabled=blocked why=MAY_NOT.get(lang)>{DROP.get(lang)}</Button>
                   </ActionForm>
               }
    });
    view! {
        <Card title=CHOOSE.get(lang)>
            <p class="note-box">{stands}</p>
            <ErrorBox error=trouble />
            <ActionForm action=choose attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="id" value=id />
                <TextField name="shares" label=SHARES.get(lang) value=shares required=true error=trouble.field("shares") maxlength=60 />
                <TextField name="minutes" label=MINUTES.get(lang) value=length required=true error=trouble.field("minutes") maxlength=10 />
                <CheckField name="by_itself" value="yes" label=ITSELF.get(lang) checked=itself />
                <Button kind=Kind::Act disabled=blocked why=MAY_NOT.get(lang)>{SAVE.get(lang)}</Button>
            </ActionForm>
            {drop}
            <p class="sub">{HABIT.get(lang)}</p>
        </Card>
    }
}

#[component]
fn Stands(view: RampView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let (Some(plan), Some((state, open, since))) = (view.plan.clone(), view.ramp) else {
        return view! { <Card><p>{OFF.get(lang)}</p></Card> }.into_any();
    };
    let go_on = ServerAction::<ContinueRamp>::new();
    let trouble = trouble_of(go_on);
    let may = use_may(Permission::Operate);
    let blocked = Signal::derive(move || !may.get());
    let stamp = |at| use_shell().with(|s| format::stamp(at, &s.zone));
    let share = plan.shares.get((open as usize).saturating_sub(1)).copied().unwrap_or(types::ramp::WHOLE);
    let step = STEP.fill(lang, &[&open.to_string(), &plan.shares.len().to_string(), &percent(share)]);
    let when = if state == RampState::Looking {
        UNTIL.fill(lang, &[&stamp(since + i64::from(plan.look_s) * 1_000)])
    } else {
        SINCE.fill(lang, &[&stamp(since)])
    };
    let tone = match state {
        RampState::Stopped => Tone::Bad,
        RampState::Asks => Tone::Warn,
        RampState::Done => Tone::Ok,
        _ => Tone::Act,
    };
    let form = move |label: Text, kind: Kind, app: String, id: String| {
        view! {
            <ActionForm action=go_on>
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="id" value=id />
                <Button kind=kind disabled=blocked why=MAY_NOT.get(lang)>{label.get(lang)}</Button>
            </ActionForm>
        }
    };
    let living = matches!(view.state, CampaignState::Running | CampaignState::Paused);
    let recall = format!("/apps/{app}/campaigns/{id}/recall");
    let deed = match state {
        RampState::Looking | RampState::Asks if living => Some(form(NEXT, Kind::Act, app, id).into_any()),
        RampState::Stopped if living => Some(
            view! {
                <Confirm label=ON_ANYWAY.get(lang) kind=Kind::Danger>
                    <p>{ON_ANYWAY_SURE.get(lang)}</p>
                    {form(DO, Kind::Danger, app, id)}
                </Confirm>
                <LinkButton href=recall external=true>{RECALL.get(lang)}</LinkButton>
            }
            .into_any(),
        ),
        _ => None,
    };
    let stopped = (!view.stopped_for.is_empty()).then(|| {
        let bad = view.stopped_for.iter().filter(|one| one.health() == Health::Bad);
        let list = bad.map(|one| view! { <li>{one.words().get(lang).to_owned()}</li> }).collect_view();
        view! {
            <div class="error-box" role="status">
                <p><strong>{STOPPED.get(lang)}</strong></p>
                <ul>{list}</ul>
            </div>
        }
    });
    view! {
        <Card title=STANDS.get(lang)>
            <p class="run-line"><Pill tone=tone>{state.name().get(lang)}</Pill> " " <strong class="num">{step}</strong> " " <span class="sub num">{when} " · " {view.by.clone()}</span></p>
            <p class="num">{HANDED.fill(lang, &[&format::exact(view.reached), &format::exact(view.crowd)])}</p>
            <p class="sub">{plan_words(&plan, lang)}</p>
            {stopped}
            <ErrorBox error=trouble />
            <div class="form-row">{deed}</div>
        </Card>
        <Guards watched=view.watched />
    }
    .into_any()
}

#[component]
fn Guards(watched: Vec<Watched>) -> impl IntoView {
    let lang = use_lang();
    let row = move |one: Watched| {
        let health = one.health();
        let tone = match health {
            Health::Well => Tone::Ok,
            Health::Unclear => Tone::Warn,
            Health::Bad => Tone::Bad,
        };
        view! {
            <tr>
                <td>{one.guard.name().get(lang)}</td>
                <td class="n">{one.now.words()}</td>
                <td class="n">{one.usual.words()}</td>
                <td class="n">{format!("{:.2} %", one.bound() * 100.0)}</td>
                <td><Pill tone=tone>{health.name().get(lang)}</Pill></td>
            </tr>
        }
    };
    let columns = vec![
        Column::text(GUARD.get(lang)),
        Column::number(NOW.get(lang)),
        Column::number(USUAL.get(lang)),
        Column::number(BOUND.get(lang)),
        Column::text(STATE.get(lang)),
    ];
    view! {
        <Card title=GUARDS.get(lang)>
            <Table caption=GUARDS.get(lang) columns=columns>
                {watched.into_iter().map(row).collect_view()}
            </Table>
            <p class="sub">{HABIT.get(lang)}</p>
        </Card>
    }
}
