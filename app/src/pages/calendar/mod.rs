//! Campaigns by month, week and day, with what they ask of the lanes. The address is the whole state; arrows are links, and keys for
//! those who have scripts.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::views::calendar::{CalendarDay, CalendarEntry, CalendarView, Span};

pub mod calls;

use calls::view_calendar;

use super::campaigns::tone;
use crate::ui::format;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("日历", "Calendar");
const SUB: Text = Text::new(
    "推送任务按开始时间排列；负荷取启动或排期时保存的推演，没有推演的按计划数或人群行数、以通道速率摊开。← → 翻页，T 今天，M W D 换视图。",
    "Campaigns by the time they start. The load is that of the forecast kept when they were started or scheduled; without one what was \
     planned, or the rows of the crowd, at the lanes' pace. ← → turn the page, T is today, M W D change the view.",
);
const VIEW: Text = Text::new("视图", "View");
const PREVIOUS: Text = Text::new("← 前", "← Before");
const NEXT: Text = Text::new("后 →", "After →");
const TODAY: Text = Text::new("今天", "Today");
const NOTHING: Text = Text::new("没有任务", "no campaign");
const LOAD: Text = Text::new("约 {0} 条", "about {0} messages");
const OF_QUOTA: Text = Text::new("，占日配额 {0}", ", {0} of the day's quota");
const BUSIEST: Text = Text::new("最忙一小时 {0}，占速率 {1}", "busiest hour {0}, {1} of the pace");
const HOURS: Text = Text::new("每小时负荷", "Load by the hour");
const HOUR: Text = Text::new("时", "Hour");
const MESSAGES: Text = Text::new("设备消息", "Device messages");
const SHARE: Text = Text::new("占速率", "Of the pace");
const BOUND: Text = Text::new("打开的通道按速率每小时最多 {0} 条。", "Open lanes send at most {0} an hour at their pace.");
const QUOTAS: Text = Text::new("有日配额的通道每天合计 {0} 条。", "Those with a quota send {0} a day together.");
const NO_QUOTAS: Text = Text::new("没有通道设了日配额。", "None has a daily quota.");
const CUT: Text = Text::new("任务太多，只算了最新的 500 个。", "There are too many campaigns; the newest 500 are counted.");
const DATE: Text = Text::new("日期", "Date");
const DAYS: [Text; 7] = [
    Text::new("一", "Mon"),
    Text::new("二", "Tue"),
    Text::new("三", "Wed"),
    Text::new("四", "Thu"),
    Text::new("五", "Fri"),
    Text::new("六", "Sat"),
    Text::new("日", "Sun"),
];

/// Keys are links pressed from afar; not while somebody types.
const KEYS: &str = "document.addEventListener('keydown',function(e){if(e.ctrlKey||e.metaKey||e.altKey||/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName))return;\
var a=document.querySelector('a[data-key~=\"'+(e.key.length===1?e.key.toLowerCase():e.key).replace(/[^A-Za-z]/g,'')+'\"]');if(a){e.preventDefault();a.click();}});";

#[component]
pub fn CalendarPage() -> impl IntoView {
    let app = use_app_id();
    let query = use_query_map();
    let key = |name: &str| query.with_untracked(|q| q.get(name)).unwrap_or_default();
    let asked = (app.get_untracked(), key("view"), key("date"));
    let view = Resource::new(move || asked.clone(), |(app, view, date)| view_calendar(app, view, date));
    let nonce = leptos::nonce::use_nonce();
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Load resource=view view=move |view: CalendarView| view! { <Page app=app.get_untracked() view=view /> } />
        <script nonce=nonce>{KEYS}</script>
    }
    .into_any()
}

#[component]
fn Page(app: String, view: CalendarView) -> impl IntoView {
    let lang = use_lang();
    let to = {
        let app = app.clone();
        move |span: Span, date: &str| format!("/apps/{app}/calendar?view={}&date={date}", span.slug())
    };
    let spans = Span::ALL
        .map(|span| {
            let key = span.slug().get(..1).unwrap_or_default();
            let here = (span == view.span).then_some("true");
            view! { <a href=to(span, &view.date) data-key=key aria-current=here>{span.name().get(lang)}</a> }
        })
        .into_iter()
        .collect_view();
    let pace = BOUND.fill(lang, &[&format::exact(view.pace)]);
    let quota = if view.quota > 0 { QUOTAS.fill(lang, &[&format::exact(view.quota)]) } else { NO_QUOTAS.get(lang).to_owned() };
    // A month by its name, so that nobody takes it for a day's page.
    let shown = if view.span == Span::Month { view.date.get(..7).unwrap_or(&view.date) } else { &view.date }.to_owned();
    let body = match view.span {
        Span::Month => month(&app, &view),
        Span::Week => view.days.iter().map(|day| day_card(&app, day, &view)).collect::<Vec<_>>().into_any(),
        Span::Day => view! {
            {view.days.iter().map(|day| day_card(&app, day, &view)).collect::<Vec<_>>()}
            {view.days.iter().map(|day| hours(day, view.pace)).collect::<Vec<_>>()}
        }
        .into_any(),
    };
    view! {
        <nav class="flow" aria-label=t(VIEW)>
            <a class="btn" href=to(view.span, &view.previous) data-key="ArrowLeft" rel="prev">{t(PREVIOUS)}</a>
            <a class="btn" href=to(view.span, &view.today) data-key="t">{t(TODAY)}</a>
            <a class="btn" href=to(view.span, &view.next) data-key="ArrowRight" rel="next">{t(NEXT)}</a>
            <span class="seg" role="group" aria-label=t(VIEW)>{spans}</span>
            <strong>{shown}</strong>
        </nav>
        <Filters>
            <input type="hidden" name="view" value=view.span.slug() />
            <TextField name="date" label=t(DATE) kind="date" value=view.date.clone() />
        </Filters>
        {view.cut.then(|| view! { <p class="note-box">{t(CUT)}</p> })}
        {body}
        <p class="sub">{pace} " " {quota}</p>
    }
    .into_any()
}

fn entry(app: &str, one: &CalendarEntry) -> AnyView {
    let lang = use_lang();
    let at = use_shell().with(|s| format::stamp_short(one.at, &s.zone));
    let clock = at.split(' ').nth(1).unwrap_or_default().to_owned();
    let (href, name, state) = (format!("/apps/{app}/campaigns/{}", one.id), one.name.clone(), one.state);
    let told = format!("{} · {}", format::exact(one.devices), one.source.name().get(lang));
    view! {
        <li>
            <span class="num">{clock}</span>
            " "
            <a href=href>{name}</a>
            " "
            <Pill tone=tone(state)>{state.name().get(lang)}</Pill>
            " "
            <span class="sub">{told}</span>
        </li>
    }
    .into_any()
}

fn load_words(day: &CalendarDay, view: &CalendarView) -> String {
    let lang = use_lang();
    if day.load == 0 {
        return String::new();
    }
    let mut words = LOAD.fill(lang, &[&format::short(day.load, lang)]);
    if view.quota > 0 {
        words.push_str(&OF_QUOTA.fill(lang, &[&format::percent(day.load, view.quota)]));
    }
    words
}

fn day_card(app: &str, day: &CalendarDay, view: &CalendarView) -> AnyView {
    let lang = use_lang();
    let busiest = day.hours.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let peak =
        (busiest > 0 && view.pace > 0).then(|| BUSIEST.fill(lang, &[&format::short(busiest, lang), &format::percent(busiest, view.pace)]));
    let list = day.campaigns.iter().map(|one| entry(app, one)).collect::<Vec<_>>();
    let none = list.is_empty().then(|| view! { <p class="sub">{t(NOTHING)}</p> });
    let (href, load) = (format!("/apps/{app}/calendar?view=day&date={}", day.date), load_words(day, view));
    let title = if day.today { format!("{} · {}", day.date, t(TODAY)) } else { day.date.clone() };
    view! {
        <section class="card">
            <header class="card-head">
                <h2><a href=href>{title}</a></h2>
                <span class="sub">{load}</span>
            </header>
            {none}
            <ul class="plain">{list}</ul>
            {peak.map(|words| view! { <p class="sub">{words}</p> })}
        </section>
    }
    .into_any()
}

/// A table of weeks; on a phone it scrolls alone, as every table.
fn month(app: &str, view: &CalendarView) -> AnyView {
    let lang = use_lang();
    let weeks = view
        .days
        .chunks(7)
        .map(|week| {
            let cells = week
                .iter()
                .map(|day| {
                    let class = match (day.inside, day.today) {
                        (_, true) => "day today",
                        (false, _) => "day out",
                        _ => "day",
                    };
                    let number = day.date.rsplit('-').next().unwrap_or_default().to_owned();
                    let href = format!("/apps/{app}/calendar?view=day&date={}", day.date);
                    let list = day.campaigns.iter().map(|one| entry(app, one)).collect::<Vec<_>>();
                    let load = load_words(day, view);
                    let date = day.date.clone();
                    view! {
                        <td class=class>
                            <a class="num" href=href aria-label=date>{number}</a>
                            <ul class="plain">{list}</ul>
                            <span class="sub">{load}</span>
                        </td>
                    }
                    .into_any()
                })
                .collect::<Vec<_>>();
            view! { <tr>{cells}</tr> }.into_any()
        })
        .collect::<Vec<_>>();
    let columns = DAYS.map(|day| Column::text(day.get(lang))).to_vec();
    view! {
        <Card>
            <div class="calendar">
                <Table caption=t(TITLE) columns=columns>{weeks}</Table>
            </div>
        </Card>
    }
    .into_any()
}

fn hours(day: &CalendarDay, pace: u64) -> AnyView {
    let columns = vec![Column::text(t(HOUR)), Column::number(t(MESSAGES)), Column::number(t(SHARE)), Column::text("")];
    let rows = day
        .hours
        .iter()
        .map(|(at, n)| {
            let (at, n) = (*at, *n);
            let hour = use_shell().with(|s| format::stamp_short(at, &s.zone));
            let hour = hour.split(' ').nth(1).unwrap_or_default().to_owned();
            let share = if pace > 0 { format::percent(n, pace) } else { "–".to_owned() };
            let bar = (n > 0 && pace > 0).then(|| view! { <Bar value=n.min(pace) max=pace label=hour.clone() /> });
            view! {
                <tr>
                    <td class="num">{hour}</td>
                    <td class="n"><Num value=n /></td>
                    <td class="n">{share}</td>
                    <td>{bar}</td>
                </tr>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <Card title=t(HOURS)>
            <Table caption=t(HOURS) columns=columns>{rows}</Table>
        </Card>
    }
    .into_any()
}
