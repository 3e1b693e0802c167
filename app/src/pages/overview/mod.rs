//! The overview: how lanes stand, five figures, what was sent, the funnel, what runs.

use leptos::prelude::*;
use types::funnel::{Source, Stage};
use types::people::Permission;
use types::views::overview::{OverviewView, RunningView, SentView};
use types::views::shell::Theme;

use super::books::calls::view_overview;
use super::books::funnel_bars::{FunnelShort, Signs, denominator, sources};
use super::books::range::{RangeChoice, span_text, use_range};
use super::lanes::LaneStrip;
use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::number::SourceLegend;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("总览", "Overview");
const NEW: Text = Text::new("新建任务", "New campaign");
const PLANNED: Text = Text::new("计划发送", "Planned");
const NOW_RATE: Text = Text::new("最近一分钟", "Last minute");
const DEVICES: Text = Text::new("台设备已提交", "devices submitted");
const SENT: Text = Text::new("发送量", "Sent");
const BY_VENDOR: Text = Text::new("按厂商", "by vendor");
const FUNNEL: Text = Text::new("漏斗", "Funnel");
const WHOLE: Text = Text::new("完整漏斗", "The whole funnel");
const RUNNING: Text = Text::new("正在进行", "Under way");
const NOTHING_RUNS: Text = Text::new("没有正在进行的任务。", "Nothing is under way.");
const NOTHING_SENT: Text = Text::new("这段时间没有发送。", "Nothing was sent in this time.");
const EMPTY: Text = Text::new("还没有推送。建一个任务，先测试发送，再开始。", "No push yet. Make a campaign: test send first, then start.");
/// {0} total, {1} peak, {2} when.
const SUMMARY: Text = Text::new("共提交 {0} 台设备；最高一段 {1}，{2}", "{0} devices submitted; the fullest bucket has {1}, at {2}");
const EACH: Text = Text::new("每 {0}", "per {0}");
const START: Text = Text::new("开始", "Start");
const NAME: Text = Text::new("任务", "Campaign");
const BUSINESS: Text = Text::new("业务", "Business");
const PROGRESS: Text = Text::new("进度", "Progress");
const DONE: Text = Text::new("已处理 / 计划", "Done / planned");
const STATE: Text = Text::new("状态", "State");
const NOT_MEASURABLE: Text = Text::new("不可测", "not measurable");

#[component]
pub fn OverviewPage() -> impl IntoView {
    let app = use_app_id();
    let range = use_range();
    let may = use_may(Permission::Operate);
    let view = Resource::new(move || (app.get(), range.get()), |(app, range)| view_overview(app, range));
    every(5_000, move || {
        if range.get_untracked().range != "custom" {
            view.refetch();
        }
    });
    view! {
        <PageHead title=t(TITLE)>
            {move || {
                may.get()
                    .then(|| view! { <LinkButton kind=Kind::Act href=format!("/apps/{}/campaigns/new", app.get())>{t(NEW)}</LinkButton> })
            }}
        </PageHead>
        <RangeChoice span=None />
        <Load resource=view view=move |found: OverviewView| view! { <Found found=found app=app.get_untracked() /> } />
    }
    .into_any()
}

#[component]
fn Found(found: OverviewView, app: String) -> impl IntoView {
    let lang = use_lang();
    let may = use_may(Permission::Operate).get_untracked();
    let span = span_text(&found.span);
    let nothing = found.funnel.total.planned == 0 && found.running.is_empty() && found.sent.total() == 0;
    let funnel_href = {
        let query = use_range().get_untracked();
        format!("/apps/{app}/funnel?range={}&from={}&to={}", query.range, query.from, query.to)
    };
    view! {
        <p class="sub">{span}</p>
        <LaneStrip lanes=found.lanes.clone() app=app.clone() />
        {if nothing {
            let next = may.then(|| (format!("/apps/{app}/campaigns/new"), NEW.get(lang).to_owned()));
            view! { <Card><Empty icon=Icon::Campaign sentence=EMPTY.get(lang) next=next.unwrap_or_default() /></Card> }.into_any()
        } else {
            view! {
                <Figures found=found.clone() />
                <div class="cols-2">
                    <Sent found=found.clone() app=app.clone() />
                    <Card title=FUNNEL.get(lang)>
                        <FunnelShort funnel=found.funnel.clone() />
                        <p class="sub">
                            <SourceLegend /> " " <a href=funnel_href>{WHOLE.get(lang)}</a>
                        </p>
                    </Card>
                </div>
                <Running running=found.running app=app />
            }
                .into_any()
        }}
    }
    .into_any()
}

#[component]
fn Figures(found: OverviewView) -> impl IntoView {
    let lang = use_lang();
    let funnel = found.funnel;
    let last_minute: u64 = found.lanes.iter().map(|lane| lane.last_minute).sum();
    let rates = [Stage::Accepted, Stage::Delivered, Stage::Clicked]
        .map(|stage| {
            let total = funnel.stage(stage);
            let said = sources(&funnel, stage);
            let value = if said == [Source::NotMeasurable] {
                NOT_MEASURABLE.get(lang).to_owned()
            } else {
                format::percent(total.value, total.denominator)
            };
            view! {
                <Figure label=stage.name().get(lang) value=value>
                    {format!("{} · ", format::short(total.value, lang))}
                    {denominator(stage, total.denominator, lang)}
                    " "
                    <Signs sources=said />
                </Figure>
            }
        })
        .collect_view();
    view! {
        <div class="cols-5">
            <Figure label=PLANNED.get(lang) value=format::short(funnel.total.planned, lang)>
                {format!("{} {}", Stage::Filtered.name().get(lang), format::short(funnel.total.filtered, lang))}
                " "
                <SourceSign source=Source::Measured />
            </Figure>
            {rates}
            <Figure label=NOW_RATE.get(lang) value=format::short(last_minute, lang)>
                {DEVICES.get(lang)} " " <SourceSign source=Source::Measured />
            </Figure>
        </div>
    }
    .into_any()
}

/// Address of the picture; the theme is the person's choice.
fn chart_src(app: &str, theme: Theme, dark: bool) -> String {
    let query = use_range().get_untracked();
    let theme = match theme {
        Theme::Auto if dark => "dark",
        Theme::Auto => "light",
        chosen => chosen.slug(),
    };
    format!("/charts/sent.svg?app={app}&range={}&from={}&to={}&theme={theme}", query.range, query.from, query.to)
}

fn summary(sent: &SentView, lang: Lang) -> String {
    match sent.peak() {
        None => NOTHING_SENT.get(lang).to_owned(),
        Some((at, n)) => {
            let at = use_shell().with(|s| format::stamp_short(at, &s.zone));
            SUMMARY.fill(lang, &[&format::exact(sent.total()), &format::exact(n), &at])
        }
    }
}

#[component]
fn Sent(found: OverviewView, app: String) -> impl IntoView {
    let lang = use_lang();
    let theme = use_shell().with(|s| s.theme);
    let sent = found.sent;
    let words = summary(&sent, lang);
    let title = format!("{} · {}", SENT.get(lang), EACH.fill(lang, &[&format::duration(sent.bucket, lang)]));
    let mut columns = vec![Column::text(START.get(lang))];
    columns.extend(sent.lanes.iter().map(|(vendor, _)| Column::number(vendor.name().get(lang))));
    // Empty buckets say nothing a table must repeat.
    let rows = sent
        .at
        .iter()
        .enumerate()
        .filter(|(i, _)| sent.lanes.iter().any(|(_, values)| values.get(*i).is_some_and(|n| *n > 0)))
        .map(|(i, at)| {
            let cells = sent
                .lanes
                .iter()
                .map(|(_, values)| values.get(i).copied().unwrap_or(0))
                .map(|n| view! { <td class="n">{format::exact(n)}</td> })
                .collect_view();
            view! {
                <tr>
                    <td><Time at=*at brief=true /></td>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    let (light, night) = (chart_src(&app, theme, false), chart_src(&app, theme, true));
    view! {
        <Card title=title note=BY_VENDOR.get(lang)>
            {if sent.lanes.is_empty() {
                view! { <p class="sub">{NOTHING_SENT.get(lang)}</p> }.into_any()
            } else {
                view! {
                    <figure class="chart">
                        <picture>
                            <source srcset=night media="(prefers-color-scheme: dark)" />
                            <img src=light alt=words.clone() width="720" height="240" decoding="async" />
                        </picture>
                        <figcaption class="sub">{words}</figcaption>
                        <details>
                            <summary>{SHOW_DATA.get(lang)}</summary>
                            <div class="data">
                                <Table caption=SENT.get(lang) columns=columns>
                                    {rows}
                                </Table>
                            </div>
                        </details>
                    </figure>
                }
                    .into_any()
            }}
        </Card>
    }
    .into_any()
}

const SHOW_DATA: Text = Text::new("查看数据", "Show data");

#[component]
fn Running(running: Vec<RunningView>, app: String) -> impl IntoView {
    let lang = use_lang();
    let columns = vec![
        Column::text(NAME.get(lang)),
        Column::text(BUSINESS.get(lang)),
        Column::text(PROGRESS.get(lang)),
        Column::number(DONE.get(lang)),
        Column::text(STATE.get(lang)),
    ];
    let empty = running.is_empty();
    let rows = running
        .into_iter()
        .map(|one| {
            let done = one.equation.planned.saturating_sub(one.equation.waiting);
            let tone = match one.state {
                types::life::CampaignState::Running => Tone::Act,
                types::life::CampaignState::Missed | types::life::CampaignState::Paused => Tone::Warn,
                _ => Tone::Mute,
            };
            view! {
                <tr>
                    <td><a href=format!("/apps/{app}/campaigns/{}", one.id)>{one.name.clone()}</a></td>
                    <td>{one.business}</td>
                    <td><Bar value=done max=one.equation.planned label=one.name /></td>
                    <td class="n"><Num value=done /> " / " <Num value=one.equation.planned /></td>
                    <td>
                        <Pill tone=tone>{one.state.name().get(lang)}</Pill>
                        {one.due_at.map(|at| view! { " " <Time at=at brief=true /> })}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card title=RUNNING.get(lang)>
            {if empty {
                view! { <p class="sub">{NOTHING_RUNS.get(lang)}</p> }.into_any()
            } else {
                view! { <Table caption=RUNNING.get(lang) columns=columns>{rows}</Table> }.into_any()
            }}
        </Card>
    }
    .into_any()
}
