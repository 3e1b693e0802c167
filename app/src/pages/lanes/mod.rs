//! Lanes: how each stands, why it waits, and how receipts come in.

use leptos::prelude::*;
use types::egress::WayView;
use types::failure::FailureClass;
use types::funnel::Stage;
use types::people::Permission;
use types::vendor::PaceUnit;
use types::views::lanes::{BackDoorView, LaneEventKind, LaneEventView, LaneView, LaneWord, LanesView};

use super::books::calls::view_lanes;
use super::books::loss::VendorCell;
use crate::ui::format;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("通道", "Lanes");
const WAYS: Text = Text::new("出口", "Ways out");
const HISTORY: Text = Text::new("最近的熔断与配额", "Last breaker and quota events");
const WAY: Text = Text::new("出口", "Way");
const SHARE: Text = Text::new("份额", "Share");
const ASKED: Text = Text::new("请求", "Requests");
const LOST: Text = Text::new("没出去", "No way through");
const STANDS: Text = Text::new("状态", "State");
const SPARE: Text = Text::new("备用", "spare");
const RESTS: Text = Text::new("暂停到", "rests until");
const WELL: Text = Text::new("正常", "well");
const SUB: Text = Text::new("每个厂商一条：现在怎样、为什么在等。", "One per vendor: how it stands, why it waits.");
const BACKLOG: Text = Text::new("积压", "Backlog");
const QUOTA: Text = Text::new("配额", "Quota");
const FOLLOW: Text = Text::new("发送之后", "After sending");
const NO_QUOTA: Text = Text::new("未设配额", "no quota set");
const OLDEST: Text = Text::new("最久等待", "Oldest waits");
const PACE: Text = Text::new("速率上限", "Pace limit");
const BATCH: Text = Text::new("每请求接收人", "Recipients a request");
const IN_FLIGHT: Text = Text::new("在途", "In flight");
const TODAY: Text = Text::new("今天已接收 / 已提交", "Accepted / submitted today");
const LAST_MINUTE: Text = Text::new("最近一分钟提交", "Submitted last minute");
const LAST_OK: Text = Text::new("最近成功", "Last success");
const LAST_BAD: Text = Text::new("最近失败", "Last failure");
const ADDRESS: Text = Text::new("地址", "Address");
const UNTIL: Text = Text::new("到", "until");
const NEVER: Text = Text::new("本次启动以来没有", "none since this start");
const REQUESTS: Text = Text::new("请求/秒", "requests/s");
const TARGETS: Text = Text::new("接收人/秒", "recipients/s");
const MASS: Text = Text::new(
    "大量令牌同时失效，疑似凭据或环境有误：没有隔离任何令牌，请检查",
    "Too many tokens died at once, perhaps a wrong credential or environment: none was set aside; please check",
);
const SETTINGS: Text = Text::new("凭据与设置", "Credentials and settings");
const RECEIPTS: Text = Text::new("回执入口", "How receipts come in");
const FRESH: Text = Text::new("待处理", "to be applied");
const ORPHANS: Text = Text::new("等待其消息的回执", "receipts waiting for their message");
const DROPPED: Text = Text::new("七天后放弃的", "given up after seven days");
const REFUSED: Text = Text::new("读不懂或不可信的来件", "Bodies not understood or not believed");
const NONE_REFUSED: Text = Text::new("没有读不懂或不可信的来件。", "Every body was understood and believed.");
const WHEN: Text = Text::new("时间", "When");
const FROM: Text = Text::new("来自", "From");
const CLIENT: Text = Text::new("客户端", "our client");
const BELIEVED: Text = Text::new("采信", "Believed");
const NOT_BELIEVED: Text = Text::new("未采信", "Not believed");
const BREAKER: Text = Text::new("熔断规则", "Breaker trips at");
const ASIDE: Text = Text::new("隔离的批次，等人处理：", "Chunks set aside, waiting for a person:");
const WHY: Text = Text::new("原因", "Why");
const SIZE: Text = Text::new("大小", "Size");

const fn tone(word: LaneWord) -> Tone {
    match word {
        LaneWord::Flowing => Tone::Ok,
        LaneWord::Slowed | LaneWord::Probing | LaneWord::QuotaClosed | LaneWord::BulkClosed | LaneWord::UrgentClosed => Tone::Warn,
        LaneWord::Tripped | LaneWord::Paused | LaneWord::NoCredential => Tone::Bad,
        LaneWord::SwitchedOff => Tone::Mute,
    }
}

#[component]
fn Word(word: LaneWord, until: Option<i64>) -> impl IntoView {
    let lang = use_lang();
    let until = until.map(|at| use_shell().with(|s| format!(" {} {}", UNTIL.get(lang), format::stamp_short(at, &s.zone))));
    view! {
        <Pill tone=tone(word)>
            {word.name().get(lang)}
            {until}
        </Pill>
    }
}

fn quota_text(lane: &LaneView, lang: Lang) -> String {
    if lane.daily_quota == 0 {
        return NO_QUOTA.get(lang).to_owned();
    }
    let used = lane.today.equation.submitted();
    format!("{} {} / {}", QUOTA.get(lang), format::percent(used, lane.daily_quota), format::short(lane.daily_quota, lang))
}

/// The strip at the top of the overview: one card a lane.
#[component]
pub fn LaneStrip(lanes: Vec<LaneView>, app: String) -> impl IntoView {
    let lang = use_lang();
    let cards = lanes
        .into_iter()
        .map(|lane| {
            // Without a quota there is nothing to be full of.
            let (value, max) = if lane.daily_quota > 0 { (lane.today.equation.submitted(), lane.daily_quota) } else { (0, 1) };
            let class = crate::ui::meters::vendor_class(lane.vendor);
            let line = format!("{} · {} {}", quota_text(&lane, lang), BACKLOG.get(lang), format::short(lane.waiting_devices, lang));
            view! {
                <a class="card lane" href=format!("/apps/{app}/lanes#{}", lane.vendor.slug())>
                    <span class="lane-head"><VendorDot vendor=lane.vendor /> <Word word=lane.word until=lane.until /></span>
                    <Bar value=value max=max label=line.clone() class=class />
                    <span class="sub num">{line}</span>
                </a>
            }
        })
        .collect_view();
    view! { <div class="cols-4 strip">{cards}</div> }.into_any()
}

#[component]
pub fn LanesPage() -> impl IntoView {
    let app = use_app_id();
    let view = Resource::new(move || app.get(), view_lanes);
    every(5_000, move || view.refetch());
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Load
            resource=view
            view=move |found: LanesView| {
                let app = app.get_untracked();
                let now = found.now;
                let lanes = found.lanes.into_iter().map(|lane| view! { <LaneCard lane=lane app=app.clone() now=now /> }).collect_view();
                view! {
                    <div class="cols-2">{lanes}</div>
                    <BackDoor door=found.back_door />
                }
            }
        />
    }
    .into_any()
}

#[component]
fn LaneCard(lane: LaneView, app: String, now: i64) -> impl IntoView {
    let lang = use_lang();
    let may = use_may(Permission::Develop).get_untracked();
    let unit = match lane.pace_unit {
        PaceUnit::Requests => REQUESTS,
        PaceUnit::Targets => TARGETS,
    };
    let oldest = lane.oldest.map(|at| format!(" · {} {}", OLDEST.get(lang), format::duration(now - at, lang)));
    let failure = lane.last_failure.clone().map(|failure| {
        let class = FailureClass::parse(&failure.class);
        let name = class.map_or(failure.class.clone(), |c| c.name().get(lang).to_owned());
        let remedy = class.map(|c| c.remedy().get(lang));
        view! {
            <dd>
                {name} " " <code class="words">{failure.words}</code> " " <Time at=failure.at brief=true />
                {remedy.map(|text| view! { <div class="sub">{text}</div> })}
            </dd>
        }
        .into_any()
    });
    let accepted = lane.today.stage(Stage::Accepted).unwrap_or(0);
    let submitted = lane.today.stage(Stage::Submitted).unwrap_or(0);
    let vendor = lane.vendor;
    view! {
        <section class="card" id=vendor.slug()>
            <header class="card-head">
                <h2><VendorDot vendor=vendor /></h2>
                <Word word=lane.word until=lane.until />
            </header>
            <p class="sub">{lane.word.meaning().get(lang)}</p>
            {lane.reason.clone().map(|reason| view! { <p class="note-box">{reason}</p> })}
            {lane
                .mass_death_at
                .map(|at| view! { <p class="note-box">{MASS.get(lang)} " " <Time at=at brief=true /></p> })}
            {(lane.poisoned > 0)
                .then(|| view! { <p class="note-box"><a href=format!("/apps/{app}/dead-letters")>{ASIDE.get(lang)} " " {lane.poisoned}</a></p> })}
            <dl class="facts">
                <dt>{BACKLOG.get(lang)}</dt>
                <dd><Num value=lane.waiting_devices /> {oldest}</dd>
                <dt>{LAST_MINUTE.get(lang)}</dt>
                <dd><Num value=lane.last_minute /></dd>
                <dt>{TODAY.get(lang)}</dt>
                <dd><Num value=accepted /> " / " <Num value=submitted /> " " <Rate part=accepted whole=submitted /></dd>
                <dt>{QUOTA.get(lang)}</dt>
                <dd class="num">{quota_text(&lane, lang)}</dd>
                <dt>{PACE.get(lang)}</dt>
                <dd class="num">{format!("{} {}", format::exact(u64::from(lane.pace_per_second)), unit.get(lang))}</dd>
                <dt>{BATCH.get(lang)}</dt>
                <dd class="num">{format!("{} · {} {}", lane.batch, IN_FLIGHT.get(lang), lane.in_flight)}</dd>
                <dt>{BREAKER.get(lang)}</dt>
                <dd><a href=format!("/apps/{app}/breakers#{}", vendor.slug())>{lane.breaker.get(lang).to_owned()}</a></dd>
                <dt>{FOLLOW.get(lang)}</dt>
                <dd><a href=format!("/apps/{app}/resends#{}", vendor.slug())>{lane.follow.get(lang).to_owned()}</a></dd>
                <dt>{LAST_OK.get(lang)}</dt>
                <dd>
                    {match lane.last_success {
                        Some(at) => view! { <Time at=at brief=true /> }.into_any(),
                        None => view! { <span class="sub">{NEVER.get(lang)}</span> }.into_any(),
                    }}
                </dd>
                <dt>{LAST_BAD.get(lang)}</dt>
                {failure.unwrap_or_else(|| view! { <dd class="sub">{NEVER.get(lang)}</dd> }.into_any())}
                <dt>{ADDRESS.get(lang)}</dt>
                <dd><code>{lane.base_url.clone()}</code></dd>
            </dl>
            {(!lane.history.is_empty()).then(|| view! { <History events=lane.history.clone() /> })}
            {(!lane.ways.is_empty()).then(|| view! { <Ways ways=lane.ways.clone() /> })}
            {may.then(|| view! { <p><a href=format!("/apps/{app}/settings")>{SETTINGS.get(lang)}</a></p> })}
        </section>
    }
    .into_any()
}

/// Tripped, closed, flowing again.
#[component]
fn History(events: Vec<LaneEventView>) -> impl IntoView {
    let lang = use_lang();
    let columns = vec![Column::text(WHEN.get(lang)), Column::text(STANDS.get(lang)), Column::text(WHY.get(lang))];
    let rows = events
        .into_iter()
        .map(|event| {
            let tone = if event.what == LaneEventKind::Flowing { Tone::Ok } else { Tone::Warn };
            view! {
                <tr>
                    <td><Time at=event.at brief=true /></td>
                    <td>
                        <Pill tone=tone>{event.what.name().get(lang)}</Pill>
                        {event.until.map(|at| view! { <span class="sub">" " {UNTIL.get(lang)} " " <Time at=at brief=true /></span> })}
                    </td>
                    <td><code class="words" title=event.node>{event.words}</code></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details>
            <summary>{HISTORY.get(lang)}</summary>
            <Table caption=HISTORY.get(lang) columns=columns>{rows}</Table>
        </details>
    }
    .into_any()
}

/// Shares and health of the ways out.
#[component]
fn Ways(ways: Vec<WayView>) -> impl IntoView {
    let lang = use_lang();
    let whole: u32 = ways.iter().map(|w| w.way.share).sum();
    let columns = vec![
        Column::text(WAY.get(lang)),
        Column::number(SHARE.get(lang)),
        Column::number(ASKED.get(lang)),
        Column::number(LOST.get(lang)),
        Column::text(STANDS.get(lang)),
    ];
    let rows = ways
        .into_iter()
        .map(|one| {
            let line = one.way.line();
            let name = line.split_once(' ').map_or(line.clone(), |(_, name)| name.to_owned());
            let share = (u64::from(one.way.share) * 100).checked_div(u64::from(whole)).unwrap_or(0);
            view! {
                <tr>
                    <td><code>{name}</code></td>
                    <td class="n">{if one.way.share == 0 { SPARE.get(lang).to_owned() } else { format!("{share} %") }}</td>
                    <td class="n">{format::exact(one.requests)}</td>
                    <td class="n">{format::exact(one.failed)}</td>
                    <td>
                        {match one.out_until {
                            Some(until) => view! { <span class="pill bad">{RESTS.get(lang)}</span> " " <Time at=until brief=true /> }.into_any(),
                            None => view! { <span class="pill ok">{WELL.get(lang)}</span> }.into_any(),
                        }}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! { <Table caption=WAYS.get(lang) columns=columns>{rows}</Table> }.into_any()
}

#[component]
fn BackDoor(door: BackDoorView) -> impl IntoView {
    let lang = use_lang();
    let columns = vec![
        Column::text(WHEN.get(lang)),
        Column::text(FROM.get(lang)),
        Column::number(SIZE.get(lang)),
        Column::number(BELIEVED.get(lang)),
        Column::number(NOT_BELIEVED.get(lang)),
        Column::text(WHY.get(lang)),
    ];
    let empty = door.refused.is_empty();
    let rows = door
        .refused
        .into_iter()
        .map(|body| {
            view! {
                <tr>
                    <td><Time at=body.at brief=true /></td>
                    <td>
                        {match body.vendor {
                            None => CLIENT.get(lang).into_any(),
                            vendor => view! { <VendorCell vendor=vendor /> }.into_any(),
                        }}
                    </td>
                    <td class="n">{format::bytes(body.bytes)}</td>
                    <td class="n">{body.found}</td>
                    <td class="n">{body.refused}</td>
                    <td><code class="words">{body.error}</code></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card title=RECEIPTS.get(lang)>
            <p class="num">
                {format!(
                    "{} {} · {} {} · {} {}",
                    FRESH.get(lang),
                    format::exact(door.fresh),
                    ORPHANS.get(lang),
                    format::exact(door.orphans),
                    DROPPED.get(lang),
                    format::exact(door.dropped),
                )}
            </p>
            {if empty {
                view! { <p class="sub">{NONE_REFUSED.get(lang)}</p> }.into_any()
            } else {
                view! { <Table caption=REFUSED.get(lang) columns=columns>{rows}</Table> }.into_any()
            }}
        </Card>
    }
    .into_any()
}
