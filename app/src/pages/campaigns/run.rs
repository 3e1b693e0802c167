//! The running view: equation, lanes, reasons, controls; live, and a true snapshot without scripts.

use leptos::prelude::*;
use types::failure::FailureClass;
use types::funnel::Loss;
use types::life::{CampaignState, FilterRule, Outcome};
use types::people::Permission;
use types::views::campaigns::{CampaignProgress, CampaignView, LaneProgress};

use super::ahead::MadeReady;
use super::live::{Live, follow};
use super::side::SideList;
use super::{ControlCampaign, DuplicateCampaign, ResendCampaign, reload_after, tone};
use crate::pages::books::loss::remedy;
use crate::ui::format;
use crate::ui::meters::vendor_class;
use crate::ui::prelude::*;

const SUB: Text = Text::new("人群「{0}」 · 文案「{1}」v{2} · {3} 创建", "crowd \"{0}\" · copy \"{1}\" v{2} · by {3}");
const UNTIL: Text = Text::new("截止 {0}", "until {0}");
const STARTED: Text = Text::new("开始 {0}", "started {0}");
const FINISHED: Text = Text::new("结束 {0}", "ended {0}");
const AGE: Text = Text::new("{0} 秒前", "{0} s ago");
const STARTS: Text = Text::new("将在 {0} 开始；到点前可以撤回。", "It starts at {0}; until then it can be taken back.");
const LANES: Text = Text::new("各通道", "Lanes");
const LANE: Text = Text::new("通道", "Lane");
const NO_LANE: Text = Text::new("没有通道", "No lane");
const PROGRESS: Text = Text::new("进度", "Progress");
const SHARE: Text = Text::new("完成", "Done");
const RATE: Text = Text::new("速率/秒", "Rate/s");
const LEFT: Text = Text::new("剩余", "Left");
const FAILED: Text = Text::new("失败", "Failed");
const ETA: Text = Text::new("预计", "ETA");
const WHY: Text = Text::new("为什么在等", "Why it waits");
const DONE: Text = Text::new("完成", "done");
const WAITS: Text = Text::new("等待", "waits");
const ALL_DONE_AT: Text = Text::new("预计全部完成 {0}", "all done at about {0}");
const TOO_LATE: Text = Text::new("⚠ 预计超过截止时间，剩下的会过期", "⚠ past the deadline: the rest will expire");
const REASONS: Text = Text::new("失败与过滤的原因", "Why not");
const REASON: Text = Text::new("原因", "Reason");
const DEVICES: Text = Text::new("设备", "Devices");
const NEXT: Text = Text::new("下一步", "Next step");
const NO_REASON: Text = Text::new("还没有失败或过滤。", "Nothing failed or was filtered so far.");
const PAUSE: Text = Text::new("暂停", "Pause");
const RESUME: Text = Text::new("继续", "Resume");
const CANCEL: Text = Text::new("取消任务…", "Cancel…");
const CANCEL_SURE: Text = Text::new(
    "还没发的不再发；已交给厂商的收不回。取消后不能继续。",
    "What is unsent stays unsent; what a vendor has taken cannot be called back. A cancelled campaign cannot be resumed.",
);
const CANCEL_DO: Text = Text::new("确认取消", "Cancel it");
const BACK: Text = Text::new("撤回排期", "Take back");
const AGAIN: Text = Text::new("复制为新任务", "Duplicate");
const FUNNEL: Text = Text::new("看漏斗", "Funnel");
const RECALL: Text = Text::new("召回", "Recall");
const RESEND: Text = Text::new("手动补发", "Send again");
const RESEND_HELP: Text = Text::new(
    "只发给结果是下面这些的接收人；已接收的不会再发。",
    "Only to those with one of these outcomes; accepted ones are never sent again.",
);
const BY_REASON: Text = Text::new("按原因选", "Choose by reason");
const RESEND_DO: Text = Text::new("补发", "Send again");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");

#[component]
pub fn Running(campaign: CampaignView, progress: CampaignProgress, reload: RwSignal<u32>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let zone = use_shell().with(|s| s.zone.clone());
    let stored = campaign.state;
    let Live { progress, age } = follow(app.get_untracked(), campaign.id.to_string(), progress);
    // Somebody else, or time itself, moved it: the buttons must follow.
    Effect::new(move |_| {
        if progress.with(|p| p.state) != stored {
            reload.update(|n| *n += 1);
        }
    });
    let equation = Signal::derive(move || progress.with(|p| p.equation));
    let dash = || "–".to_owned();
    let version = campaign.spec.copy_version.map_or_else(dash, |v| v.to_string());
    let sub = SUB.fill(
        lang,
        &[
            &campaign.crowd_name.clone().unwrap_or_else(dash),
            &campaign.copy_name.clone().unwrap_or_else(dash),
            &version,
            &campaign.created_by,
        ],
    );
    let times: Vec<String> = [(STARTED, campaign.started_at), (FINISHED, campaign.finished_at), (UNTIL, campaign.spec.deadline)]
        .into_iter()
        .filter_map(|(text, at)| at.map(|at| text.fill(lang, &[&format::stamp(at, &zone)])))
        .collect();
    let due = campaign.due_at.map(|at| view! { <p class="note-box">{STARTS.fill(lang, &[&format::stamp(at, &zone)])}</p> });
    let started = campaign.message.is_some();
    let of = campaign.id.to_string();
    let resends = (!campaign.resends.is_empty()).then(|| {
        view! {
            <Card title=RESEND.get(lang)>
                <SideList id=of messages=campaign.resends.clone() of=|campaign| campaign.resends />
            </Card>
        }
    });
    let id = StoredValue::new(campaign.id.to_string());
    view! {
        <PageHead title=campaign.spec.name.clone() sub=sub>
            <Controls id=id.get_value() state=stored started=started reload=reload />
        </PageHead>
        <p class="sub run-line">
            <Pill tone=tone(stored)>{stored.name().get(lang)}</Pill>
            " "
            <EnvPill environment=campaign.environment />
            <span class="num">{format!(" {} ", times.join(" · "))}</span>
            <span class="num" role="status">
                {move || progress.with(CampaignProgress::is_moving).then(|| AGE.fill(lang, &[&age.get().to_string()]))}
            </span>
        </p>
        {due}
        {campaign.trouble.clone().and_then(|p| p.detail).map(|words| view! { <p class="note-box">{words.get(lang).to_owned()}</p> })}
        {move || {
            let href = format!("/apps/{}/campaigns/{}/ramp", app.get_untracked(), id.get_value());
            progress.with(|p| p.ramp.clone()).map(|words| view! { <p class="note-box"><a href=href rel="external">{words.get(lang).to_owned()}</a></p> })
        }}
        <EquationBar equation=equation />
        <Lanes progress=progress />
        <MadeReady progress=progress />
        <div class="halves">
            <Reasons progress=progress />
            {(started && stored.is_final()).then(|| view! { <Resend id=id.get_value() progress=progress reload=reload /> })}
            {resends}
        </div>
    }
}

#[component]
fn Lanes(progress: RwSignal<CampaignProgress>) -> impl IntoView {
    let lang = use_lang();
    let zone = StoredValue::new(use_shell().with(|s| s.zone.clone()));
    let note = move || {
        progress.with(|p| {
            let eta = p.eta?;
            let text = zone.with_value(|z| ALL_DONE_AT.fill(lang, &[&format::stamp_short(eta, z)]));
            let late = p.deadline.is_some_and(|deadline| eta > deadline);
            Some(if late { format!("{text} {}", TOO_LATE.get(lang)) } else { text })
        })
    };
    let rows = move || progress.with(|p| p.lanes.iter().map(|lane| view! { <LaneRow lane=lane.clone() zone=zone /> }).collect_view());
    let columns = vec![
        Column::text(LANE.get(lang)),
        Column::text(PROGRESS.get(lang)),
        Column::number(SHARE.get(lang)),
        Column::number(RATE.get(lang)),
        Column::number(LEFT.get(lang)),
        Column::number(FAILED.get(lang)),
        Column::number(ETA.get(lang)),
        Column::text(WHY.get(lang)),
    ];
    view! {
        <Card title=LANES.get(lang)>
            <p class="sub">{note}</p>
            <Table caption=LANES.get(lang) columns=columns>
                {rows}
            </Table>
        </Card>
    }
}

#[component]
fn LaneRow(lane: LaneProgress, zone: StoredValue<types::views::shell::ZoneTable>) -> impl IntoView {
    let lang = use_lang();
    let e = lane.equation;
    let name = lane.vendor.map_or(NO_LANE.get(lang), |v| v.name().get(lang));
    let rate = lane.rate.map_or_else(|| "–".to_owned(), |rate| format::exact(rate.round() as u64));
    let eta = match lane.eta {
        _ if e.waiting == 0 => DONE.get(lang).to_owned(),
        Some(at) => zone.with_value(|z| format::stamp_short(at, z)),
        None => WAITS.get(lang).to_owned(),
    };
    view! {
        <tr>
            <td>
                {match lane.vendor {
                    Some(vendor) => view! { <VendorDot vendor=vendor /> }.into_any(),
                    None => view! { <span>{name}</span> }.into_any(),
                }}
            </td>
            <td class="wide">
                <Bar value=Signal::stored(e.planned - e.waiting) max=Signal::stored(e.planned) label=name class=lane.vendor.map_or("", vendor_class) />
            </td>
            <td class="n">
                <Rate part=Signal::stored(e.planned - e.waiting) whole=Signal::stored(e.planned) />
            </td>
            <td class="n">{rate}</td>
            <td class="n">
                <Num value=Signal::stored(e.waiting) />
            </td>
            <td class="n">
                <Num value=Signal::stored(lane.failed) />
            </td>
            <td class="n">{eta}</td>
            <td class="sub">{lane.why_waiting.map(|w| w.get(lang).to_owned())}</td>
        </tr>
    }
}

/// Name of a loss and what to do about it.
fn explain(loss: &Loss, lang: Lang) -> (String, String) {
    let name = match (FailureClass::parse(&loss.reason), FilterRule::parse(&loss.reason)) {
        (Some(class), _) => class.name().get(lang).to_owned(),
        (None, Some(rule)) => format!("{} · {}", loss.outcome.name().get(lang), rule.name().get(lang)),
        (None, None) => loss.outcome.name().get(lang).to_owned(),
    };
    (name, remedy(loss, lang))
}

#[component]
fn Reasons(progress: RwSignal<CampaignProgress>) -> impl IntoView {
    let lang = use_lang();
    let body = move || {
        let losses = progress.with(|p| p.losses.clone());
        if losses.is_empty() {
            return view! { <p class="sub">{NO_REASON.get(lang)}</p> }.into_any();
        }
        let rows = losses
            .into_iter()
            .map(|loss| {
                let (name, next) = explain(&loss, lang);
                view! {
                    <tr>
                        <td>
                            {loss.vendor.map(|v| view! { <VendorDot vendor=v /> })}
                            " "
                            {name}
                            <div class="sub">{loss.words}</div>
                        </td>
                        <td class="n">
                            <Num value=Signal::stored(loss.devices) />
                        </td>
                        <td class="sub">{next}</td>
                    </tr>
                }
            })
            .collect_view();
        let columns = vec![Column::text(REASON.get(lang)), Column::number(DEVICES.get(lang)), Column::text(NEXT.get(lang))];
        view! {
            <Table caption=REASONS.get(lang) columns=columns>
                {rows}
            </Table>
        }
        .into_any()
    };
    view! { <Card title=REASONS.get(lang)>{body}</Card> }
}

#[component]
fn Controls(id: String, state: CampaignState, started: bool, reload: RwSignal<u32>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let action = ServerAction::<ControlCampaign>::new();
    let copy = ServerAction::<DuplicateCampaign>::new();
    let trouble = trouble_of(action);
    reload_after(action, reload);
    let id = StoredValue::new(id);
    let blocked = Signal::derive(move || !may.get() || action.pending().get());
    let button = move |what: &'static str, label: Text, kind: Kind| {
        view! {
            <ActionForm action=action>
                <input type="hidden" name="app" value=move || app.get() />
                <input type="hidden" name="id" value=id.get_value() />
                <Button kind=kind name="what" value=what disabled=blocked why=MAY_NOT.get(lang)>
                    {label.get(lang)}
                </Button>
            </ActionForm>
        }
    };
    let cancel = (!state.is_final()).then(|| {
        view! {
            <Confirm label=CANCEL.get(lang) kind=Kind::Danger>
                <p>{CANCEL_SURE.get(lang)}</p>
                {button("cancel", CANCEL_DO, Kind::Danger)}
            </Confirm>
        }
    });
    let first = match state {
        CampaignState::Running => Some(button("pause", PAUSE, Kind::Plain)),
        CampaignState::Paused => Some(button("resume", RESUME, Kind::Act)),
        CampaignState::Scheduled | CampaignState::Missed => Some(button("unschedule", BACK, Kind::Plain)),
        _ => None,
    };
    view! {
        <ErrorBox error=trouble />
        {super::forecast_link(&app.get_untracked(), &id.get_value())}
        {started.then(|| view! { <LinkButton href=format!("/apps/{}/funnel?campaign={}", app.get_untracked(), id.get_value())>{FUNNEL.get(lang)}</LinkButton> })}
        {started.then(|| view! { <LinkButton href=format!("/apps/{}/campaigns/{}/recall", app.get_untracked(), id.get_value()) external=true>{RECALL.get(lang)}</LinkButton> })}
        <ActionForm action=copy>
            <input type="hidden" name="app" value=move || app.get() />
            <input type="hidden" name="id" value=id.get_value() />
            <Button disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>
                {AGAIN.get(lang)}
            </Button>
        </ActionForm>
        {first}
        {cancel}
    }
}

#[component]
fn Resend(id: String, progress: RwSignal<CampaignProgress>, reload: RwSignal<u32>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let action = ServerAction::<ResendCampaign>::new();
    let trouble = trouble_of(action);
    reload_after(action, reload);
    let e = progress.with_untracked(|p| p.equation);
    let boxes = [Outcome::Refused, Outcome::Uncertain, Outcome::Expired, Outcome::Cancelled]
        .into_iter()
        .filter(|o| e.get(*o) > 0)
        .enumerate()
        .map(|(i, o)| {
            let label = format!("{} {}", o.name().get(lang), format::exact(e.get(o)));
            view! { <CheckField name=format!("outcomes[{i}]") value=o.slug() label=label /> }
        })
        .collect::<Vec<_>>();
    (!boxes.is_empty()).then(|| {
        view! {
            <Card title=RESEND.get(lang)>
                <p class="sub">
                    {RESEND_HELP.get(lang)} " "
                    <a href=format!("/apps/{}/dead-letters?message={id}", app.get_untracked()) rel="external">{BY_REASON.get(lang)}</a>
                </p>
                <ErrorBox error=trouble />
                <ActionForm action=action attr:class="form">
                    <input type="hidden" name="app" value=move || app.get() />
                    <input type="hidden" name="id" value=id />
                    {boxes}
                    <Button disabled=Signal::derive(move || !may.get() || action.pending().get()) why=MAY_NOT.get(lang)>
                        {RESEND_DO.get(lang)}
                    </Button>
                </ActionForm>
            </Card>
        }
    })
}
