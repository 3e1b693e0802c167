//! What a campaign would come to: who is left out and why, what each lane sends and when it is done, what misses.

use leptos::prelude::*;
use types::funnel::Loss;
use types::life::CampaignState;
use types::people::Permission;
use types::views::forecast::{CHOICES, Forecast, ForecastView, LaneForecast};

use super::calls::view_forecast;
use super::compare::Compare;
use super::{FORECAST, counted, links};
use crate::pages::books::loss::remedy;
use crate::ui::format;
use crate::ui::prelude::*;

const SUB: Text =
    Text::new("用编排时的同一套规则数一遍，不写任何东西。", "Counted by the very rules that planning uses; nothing is written.");
const NOTHING: Text =
    Text::new("先选好人群和文案，这里就能推演。", "Choose a crowd and a copy first; then there is something to forecast.");
const NOT_KEPT: Text = Text::new("这个任务开始时还没有留存推演。", "No forecast was kept when this campaign started.");
const MADE: Text = Text::new("推算于 {0}；开始 {1}，截止 {2}", "made at {0}; starts {1}, until {2}");
const SHOWN: Text = Text::new("按下开始时看到的推演", "The forecast that was shown at the start");
const SAMPLE: Text = Text::new(
    "○ 人群很大：看了 {0} / {1} 行（均匀分布），其余按比例推算。",
    "○ A large crowd: {0} of {1} rows were looked at, spread evenly; the rest is in proportion.",
);
const STOPPED: Text =
    Text::new("应用已停止发送（{0}）：不恢复就一条也不会发。", "The app's stop switch is on ({0}): nothing goes until it is lifted.");
const PLANNED: Text = Text::new("计划", "Planned");
const DROPPED: Text = Text::new("会被留下", "Left out");
const SENT: Text = Text::new("会交给厂商", "Handed to vendors");
const MISSED: Text = Text::new("赶不上截止", "Miss the deadline");
const FINISH: Text = Text::new("全部发完", "All done");
const NEVER: Text = Text::new("无法预计", "cannot be told");
const WHO: Text = Text::new("逐项扣减", "Every subtraction");
const REASON: Text = Text::new("原因", "Reason");
const DEVICES: Text = Text::new("设备", "Devices");
const REMEDY: Text = Text::new("怎么办", "What to do");
const NONE_DROPPED: Text = Text::new("没有人被留下。", "Nobody is left out.");
const LANES: Text = Text::new("各通道", "Lanes");
const LANES_NOTE: Text = Text::new(
    "按通道速率、排队、配额和免打扰推算；厂商答得慢会更久，拒绝不在内。",
    "By each lane's pace, line, quota and quiet hours. A vendor that answers slowly takes longer; refusals are not foreseen.",
);
const LANE: Text = Text::new("通道", "Lane");
const REQUESTS: Text = Text::new("请求", "Requests");
const PACE: Text = Text::new("台/秒", "Devices/s");
const AHEAD: Text = Text::new("排在前面", "Ahead of it");
const FIRST: Text = Text::new("第一台", "First");
const LAST: Text = Text::new("最后一台", "Last");
const NOTE: Text = Text::new("说明", "Note");
const HELD: Text = Text::new("免打扰先压住 {0} 台", "quiet hours hold {0} at first");
const HUSHED: Text = Text::new("排队时遇上免打扰，丢弃 {0} 台", "quiet hours begin while {0} wait: dropped");
const UNSAYABLE: Text = Text::new("填入变量后超限 {0} 台", "{0} over the vendor's bound once filled");
const LATE: Text = Text::new("{0} 台到截止还在排队", "{0} still wait at the deadline");
const QUOTA: Text = Text::new("今日配额还剩 {0} / {1}", "{0} of {1} left of today's quota");
const CONFLICT: Text = Text::new("配额不够", "Quota conflicts");
const CONFLICT_AT: Text = Text::new("{0}：约 {1} 用完，那时还有 {2} 台在等", "{0}: used up at about {1}, with {2} devices still waiting");
const CONFLICT_DO: Text = Text::new("可以：", "You may:");
const OTHERS: Text = Text::new("同时占用通道的任务", "Other campaigns on these lanes");
const NAME: Text = Text::new("任务", "Campaign");
const STATE: Text = Text::new("状态", "State");
const STARTS: Text = Text::new("开始", "Starts");
const TO_SEND: Text = Text::new("待发设备", "To be sent");
const OTHERS_NOTE: Text = Text::new(
    "截止更早的排在前面。频控按现在已收到的算：先开始的任务可能再占去名额。暂停的任务没有算进来。",
    "An earlier deadline goes first. Caps are counted as of now: a campaign that starts before may take places. Paused ones are not counted.",
);
const MISSING: Text = Text::new("{0} 行没有「{1}」，会留空", "{0} rows have no \"{1}\" and leave it empty");
const EXPORT: Text = Text::new("导出每个接收人的结果（CSV）", "Every recipient's outcome (CSV)");
const OVERRULED: Text = Text::new("{0} 明知会误点仍然开始：{1}", "{0} started it knowing that some would miss the deadline: {1}");

#[component]
pub fn ForecastPage(id: String) -> impl IntoView {
    let app = use_app_id().get_untracked();
    let asked = (app.clone(), id.clone());
    let view = Resource::new(move || asked.clone(), |(app, id)| view_forecast(app, id));
    view! { <Load resource=view view=move |view: ForecastView| view! { <Page view=view app=app.clone() /> } /> }
}

#[component]
fn Page(view: ForecastView, app: String) -> impl IntoView {
    let lang = use_lang();
    let before = matches!(view.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed);
    let title = format!("{} · {}", FORECAST.get(lang), view.name);
    let nothing = if before { NOTHING } else { NOT_KEPT };
    let body = match &view.forecast {
        None => view! { <Card><p>{nothing.get(lang)}</p></Card> }.into_any(),
        Some(forecast) => view! { <Told forecast=forecast.clone() shown={!before} app=app.clone() /> }.into_any(),
    };
    let sees = use_may(Permission::SeeRecipients).get_untracked() && view.facts.is_some();
    let export = sees.then(|| {
        let href = format!("/apps/{app}/campaigns/{}/outcomes", view.id);
        view! {
            <LinkButton href=format!("{href}.csv") external=true>{EXPORT.get(lang)}</LinkButton>
            <LinkButton href=format!("{href}.xlsx") external=true>"XLSX"</LinkButton>
        }
    });
    let overruled = view.overruled.as_ref().map(|o| view! { <p class="note-box">{OVERRULED.fill(lang, &[&o.by, &o.why])}</p> });
    let compared =
        view.forecast.clone().zip(view.facts.clone()).map(|(forecast, facts)| view! { <Compare forecast=forecast facts=facts /> });
    view! {
        <PageHead title=title sub=SUB.get(lang)>{links(&app, view.id.as_str(), FORECAST)} {export}</PageHead>
        <p class="sub run-line">
            <EnvPill environment=view.environment />
            " "
            {view.app_name.clone()}
            " · "
            {view.state.name().get(lang)}
        </p>
        {overruled}
        {compared}
        {body}
    }
}

#[component]
fn Told(forecast: Forecast, shown: bool, app: String) -> impl IntoView {
    let lang = use_lang();
    let about = forecast.is_sample();
    let stamp = |at| use_shell().with(|s| format::stamp(at, &s.zone));
    let n = move |n: u64| Signal::stored(counted(n, about, lang));
    let made = MADE.fill(lang, &[&stamp(forecast.at), &stamp(forecast.starts_at), &stamp(forecast.deadline)]);
    let made = if shown { format!("{}：{made}", SHOWN.get(lang)) } else { made };
    let sample = about.then(|| {
        let words = SAMPLE.fill(lang, &[&format::exact(forecast.looked_at), &format::exact(forecast.rows)]);
        view! { <p class="note-box">{words}</p> }
    });
    let stopped = forecast.stopped.as_ref().map(|why| view! { <p class="error-box">{STOPPED.fill(lang, &[why])}</p> });
    let finish =
        forecast.finish_at().map_or_else(|| NEVER.get(lang).to_owned(), |at| use_shell().with(|s| format::stamp_short(at, &s.zone)));
    let missing = forecast
        .missing
        .iter()
        .map(|(name, rows)| view! { <p class="note-box">{MISSING.fill(lang, &[&format::exact(*rows), name])}</p> })
        .collect_view();
    view! {
        <p class="sub num">{made}</p>
        {stopped}
        {sample}
        <div class="cols-5">
            <Figure label=PLANNED.get(lang) value=n(forecast.planned) />
            <Figure label=DROPPED.get(lang) value=n(forecast.dropped()) />
            <Figure label=SENT.get(lang) value=n(forecast.sent()) />
            <Figure label=MISSED.get(lang) value=n(forecast.missed()) />
            <Figure label=FINISH.get(lang) value=Signal::stored(finish) />
        </div>
        <Subtractions forecast=forecast.clone() />
        <Lanes lanes=forecast.lanes.clone() about=about />
        <Conflicts lanes=forecast.lanes.clone() />
        <Others forecast=forecast app=app />
        {missing}
    }
}

#[component]
fn Subtractions(forecast: Forecast) -> impl IntoView {
    let lang = use_lang();
    let about = forecast.is_sample();
    let rows = forecast
        .subtractions()
        .into_iter()
        .map(|one| {
            let loss = Loss { vendor: None, outcome: one.outcome, reason: one.reason.clone(), words: String::new(), devices: one.devices };
            view! {
                <tr>
                    <td>{one.name().get(lang).to_owned()}</td>
                    <td class="n">{format!("−{}", counted(one.devices, about, lang))}</td>
                    <td class="sub">{remedy(&loss, lang)}</td>
                </tr>
            }
        })
        .collect_view();
    let none = (forecast.dropped() == 0).then(|| view! { <p class="sub">{NONE_DROPPED.get(lang)}</p> });
    let first = counted(forecast.planned, about, lang);
    let last = counted(forecast.reachable() - forecast.lanes.iter().map(|l| l.hushed + l.unsayable).sum::<u64>(), about, lang);
    let columns = vec![Column::text(REASON.get(lang)), Column::number(DEVICES.get(lang)), Column::text(REMEDY.get(lang))];
    view! {
        <Card title=WHO.get(lang)>
            <Table caption=WHO.get(lang) columns=columns>
                <tr><td>{PLANNED.get(lang)}</td><td class="n">{first}</td><td></td></tr>
                {rows}
                <tr><td><strong>{TO_SEND.get(lang)}</strong></td><td class="n"><strong>{last}</strong></td><td></td></tr>
            </Table>
            {none}
        </Card>
    }
}

fn notes(lane: &LaneForecast, lang: Lang) -> String {
    let mut notes: Vec<String> = Vec::new();
    let mut add = |n: u64, text: Text| {
        if n > 0 {
            notes.push(text.fill(lang, &[&format::exact(n)]));
        }
    };
    add(lane.missed, LATE);
    add(lane.held, HELD);
    add(lane.hushed, HUSHED);
    add(lane.unsayable, UNSAYABLE);
    notes.extend(lane.stands.as_ref().map(|words| words.get(lang).to_owned()));
    notes.extend(lane.quota.map(|quota| QUOTA.fill(lang, &[&format::exact(quota.left), &format::exact(quota.limit)])));
    notes.join(" · ")
}

#[component]
fn Lanes(lanes: Vec<LaneForecast>, about: bool) -> impl IntoView {
    let lang = use_lang();
    let at =
        move |at: Option<types::Millis>| at.map_or_else(|| "–".to_owned(), |at| use_shell().with(|s| format::stamp_short(at, &s.zone)));
    let rows = lanes
        .into_iter()
        .map(|lane| {
            view! {
                <tr>
                    <td><VendorDot vendor=lane.vendor /></td>
                    <td class="n">{counted(lane.devices, about, lang)}</td>
                    <td class="n">{counted(lane.requests, about, lang)}</td>
                    <td class="n">{format::exact(lane.pace.round() as u64)}</td>
                    <td class="n">{format::exact(lane.ahead)}</td>
                    <td class="num">{at(lane.first_at)}</td>
                    <td class="num">{at(lane.finish_at)}</td>
                    <td class="sub">{notes(&lane, lang)}</td>
                </tr>
            }
        })
        .collect_view();
    let numbers = [DEVICES, REQUESTS, PACE, AHEAD].map(|c| Column::number(c.get(lang)));
    let texts = [FIRST, LAST, NOTE].map(|c| Column::text(c.get(lang)));
    let columns = [Column::text(LANE.get(lang))].into_iter().chain(numbers).chain(texts).collect();
    view! {
        <Card title=LANES.get(lang) note=LANES_NOTE.get(lang)>
            <Table caption=LANES.get(lang) columns=columns>{rows}</Table>
        </Card>
    }
}

#[component]
fn Conflicts(lanes: Vec<LaneForecast>) -> impl IntoView {
    let lang = use_lang();
    let found: Vec<String> = lanes
        .iter()
        .filter_map(|lane| {
            let quota = lane.quota.filter(|quota| quota.short > 0)?;
            let ends_at = quota.ends_at?;
            let at = use_shell().with(|s| format::stamp_short(ends_at, &s.zone));
            Some(CONFLICT_AT.fill(lang, &[lane.vendor.name().get(lang), &at, &format::exact(quota.short)]))
        })
        .collect();
    if found.is_empty() {
        return ().into_any();
    }
    view! {
        <Card title=CONFLICT.get(lang)>
            {found.into_iter().map(|words| view! { <p class="note-box num">{words}</p> }).collect_view()}
            <p>{CONFLICT_DO.get(lang)}</p>
            <ul>{CHOICES.into_iter().map(|choice| view! { <li>{choice.get(lang)}</li> }).collect_view()}</ul>
        </Card>
    }
    .into_any()
}

#[component]
fn Others(forecast: Forecast, app: String) -> impl IntoView {
    let lang = use_lang();
    if forecast.others.is_empty() {
        return ().into_any();
    }
    let rows = forecast
        .others
        .into_iter()
        .map(|other| {
            view! {
                <tr>
                    <td><a href=format!("/apps/{app}/campaigns/{}", other.id) rel="external">{other.name}</a></td>
                    <td>{other.state.name().get(lang)}</td>
                    <td><Time at=other.starts_at brief=true /></td>
                    <td class="n">{format::exact(other.devices)}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![
        Column::text(NAME.get(lang)),
        Column::text(STATE.get(lang)),
        Column::text(STARTS.get(lang)),
        Column::number(TO_SEND.get(lang)),
    ];
    view! {
        <Card title=OTHERS.get(lang)>
            <Table caption=OTHERS.get(lang) columns=columns>{rows}</Table>
            <p class="sub">{OTHERS_NOTE.get(lang)}</p>
        </Card>
    }
    .into_any()
}
