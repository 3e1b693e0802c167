//! When a campaign goes: the hours it sends in, what happens when it would start late, and the two buttons of one that did.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::campaign::Schedule;
use types::hours::clock;
use types::life::CampaignState;
use types::people::Permission;
use types::policy::ZoneOf;
use types::views::schedule::ScheduleView;

use super::calls::{DecideLate, SaveSchedule, view_schedule};
use super::{SCHEDULE, links};
use crate::ui::format;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const SUB: Text = Text::new(
    "只在哪些钟点发、误点了怎么办。开始的日期和时间在任务里选。",
    "In which hours it sends, and what happens when it is late. Date and time of the start are chosen in the campaign.",
);
const STANDS: Text = Text::new("现在的安排", "As it stands");
const STARTS: Text = Text::new("开始", "Starts");
const AT_ONCE: Text = Text::new("确认后立即", "At once when confirmed");
const UNTIL: Text = Text::new("截止", "Deadline");
const HOURS: Text = Text::new("发送时段", "Sending hours");
const ANY_HOUR: Text = Text::new("全天", "At any hour");
const LATE: Text = Text::new("误点", "When late");
const NEVER_ASKS: Text = Text::new("只要没过截止时间就照发，不询问", "Sent as long as its deadline stands; nobody is asked");
const ASKS: Text = Text::new("晚 {0} 分钟以内照发；再晚就等人决定", "Sent when less than {0} minutes late, else a person is asked");
const SHUT: Text = Text::new("现在不在时段内，{0} 开放", "Shut now; it opens at {0}");
const OPEN: Text = Text::new("现在在时段内", "Open now");
const CHANGE: Text = Text::new("修改", "Change it");
const OPENS: Text = Text::new("每天从", "Every day from");
const CLOSES: Text = Text::new("到", "To");
const HOURS_HELP: Text = Text::new(
    "时段外自动停发，到点自动继续；两个都留空则全天。",
    "Outside it stops by itself and goes on by itself; leave both empty for any hour.",
);
const BY: Text = Text::new("按谁的钟", "By whose clock");
const BY_APP: Text = Text::new("应用时区 {0}", "The app's, {0}");
const BY_USER: Text = Text::new("每位用户当地（不知道的按应用时区）", "Each user's own zone (the app's where it is not known)");
const ASK_AFTER: Text = Text::new("晚多少分钟以内照发", "Sent by itself when late by at most (minutes)");
const ASK_HELP: Text = Text::new(
    "到点时服务没在运行，恢复后若超过这个时间就不自动发，等人按“现在发送”或“放弃”。留空则从不询问。",
    "When nothing was running at its time and it is later than this, it waits for a person: send now, or drop. Empty = nobody is asked.",
);
const SAVE: Text = Text::new("保存安排", "Save");
const SCHEDULED: Text =
    Text::new("已排期：要修改请先在任务页撤回。", "It is scheduled: take it back on the campaign's page to change this.");
const MISSED: Text = Text::new("它误点了，等人决定", "It missed its time: somebody decides");
const SEND: Text = Text::new("现在发送", "Send now");
const DROP: Text = Text::new("放弃…", "Drop it…");
const DROP_SURE: Text = Text::new("它不会再发送，不能恢复；可以复制为新任务。", "It is never sent; it can be duplicated into a new one.");
const DROP_DO: Text = Text::new("确认放弃", "Drop it");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
const TO_START: Text = Text::new("去确认开始", "To the start");

#[component]
pub fn SchedulePage(id: String) -> impl IntoView {
    let app = use_app_id().get_untracked();
    let asked = (app.clone(), id.clone());
    let view = Resource::new(move || asked.clone(), |(app, id)| view_schedule(app, id));
    view! { <Load resource=view view=move |view: ScheduleView| view! { <Page view=view app=app.clone() id=id.clone() /> } /> }
}

/// What happens when it would start late, in words.
pub(super) fn late_words(ask_after: Option<u32>, lang: Lang) -> String {
    ask_after.map_or_else(|| NEVER_ASKS.get(lang).to_owned(), |minutes| ASKS.fill(lang, &[&minutes.to_string()]))
}

#[component]
fn Page(view: ScheduleView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let title = format!("{} · {}", SCHEDULE.get(lang), view.name);
    let here = links(&app, &id, SCHEDULE);
    let state = view.state;
    let missed = (state == CampaignState::Missed).then(|| view! { <Missed view=view.clone() app=app.clone() id=id.clone() /> });
    let start = (state == CampaignState::Draft)
        .then(|| view! { <LinkButton href=format!("/apps/{app}/campaigns/{id}/start") external=true>{TO_START.get(lang)}</LinkButton> });
    let form = match state {
        CampaignState::Draft => view! { <Form view=view.clone() app=app id=id /> }.into_any(),
        CampaignState::Scheduled => view! { <p class="note-box">{SCHEDULED.get(lang)}</p> }.into_any(),
        _ => ().into_any(),
    };
    view! {
        <PageHead title=title sub=SUB.get(lang)>{here} {start}</PageHead>
        {missed}
        <Stands view=view />
        {form}
    }
}

#[component]
fn Stands(view: ScheduleView) -> impl IntoView {
    let lang = use_lang();
    let stamp = |at| use_shell().with(|s| format::stamp(at, &s.zone));
    let starts = match &view.schedule {
        Schedule::Now => AT_ONCE.get(lang).to_owned(),
        Schedule::At { at, local, zone } => format!("{} ({} {zone})", stamp(*at), local.replace('T', " ")),
    };
    let mut hours = view.hours.map_or_else(|| ANY_HOUR.get(lang).to_owned(), |hours| hours.words(&view.zone).get(lang).to_owned());
    if view.hours.is_some_and(|hours| hours.by == ZoneOf::App) {
        let now = view.shut_until.map_or_else(|| OPEN.get(lang).to_owned(), |at| SHUT.fill(lang, &[&stamp(at)]));
        hours = format!("{hours} · {now}");
    }
    let fact = move |name: Text, value: String| view! { <dt>{name.get(lang)}</dt><dd class="num">{value}</dd> }.into_any();
    view! {
        <Card title=STANDS.get(lang)>
            <p class="run-line"><Pill tone=crate::pages::campaigns::tone(view.state)>{view.state.name().get(lang)}</Pill></p>
            <dl class="facts">
                {fact(STARTS, starts)}
                {view.deadline.map(|at| fact(UNTIL, stamp(at)))}
                {fact(HOURS, hours)}
                {fact(LATE, late_words(view.ask_after, lang))}
            </dl>
        </Card>
    }
}

#[component]
fn Form(view: ScheduleView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let save = ServerAction::<SaveSchedule>::new();
    let trouble = trouble_of(save);
    let may = use_may(Permission::Operate);
    let typed = typed_into::<SaveSchedule>();
    let by = |by: ZoneOf| if by == ZoneOf::User { "user" } else { "app" }.to_owned();
    let (ask_after, opens, closes, by) = typed.map_or_else(
        || {
            let hours = view.hours;
            (
                view.ask_after.map(|n| n.to_string()).unwrap_or_default(),
                hours.map(|h| clock(h.from)).unwrap_or_default(),
                hours.map(|h| clock(h.to)).unwrap_or_default(),
                by(hours.map(|h| h.by).unwrap_or_default()),
            )
        },
        |typed| (typed.ask_after, typed.opens, typed.closes, typed.by),
    );
    let whose = vec![("app".to_owned(), BY_APP.fill(lang, &[&view.zone])), ("user".to_owned(), BY_USER.get(lang).to_owned())];
    view! {
        <Card title=CHANGE.get(lang)>
            <ErrorBox error=trouble />
            <ActionForm action=save attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="revision" value=view.revision.to_string() />
                <div class="form-row">
                    <TextField name="opens" kind="time" label=OPENS.get(lang) value=opens error=trouble.field("opens") />
                    <TextField name="closes" kind="time" label=CLOSES.get(lang) value=closes error=trouble.field("closes") />
                    <SelectField name="by" label=BY.get(lang) value=by options=whose />
                </div>
                <p class="sub">{HOURS_HELP.get(lang)}</p>
                <TextField name="ask_after" label=ASK_AFTER.get(lang) help=ASK_HELP.get(lang) value=ask_after error=trouble.field("ask_after") maxlength=5 />
                <Button kind=Kind::Act disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>{SAVE.get(lang)}</Button>
            </ActionForm>
        </Card>
    }
}

#[component]
fn Missed(view: ScheduleView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let decide = ServerAction::<DecideLate>::new();
    let trouble = trouble_of(decide);
    let may = use_may(Permission::Operate);
    let blocked = Signal::derive(move || !may.get());
    let form = |what: &'static str, label: Text, kind: Kind| {
        let (app, id) = (app.clone(), id.clone());
        view! {
            <ActionForm action=decide>
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="id" value=id />
                <Button kind=kind name="what" value=what disabled=blocked why=MAY_NOT.get(lang)>{label.get(lang)}</Button>
            </ActionForm>
        }
        .into_any()
    };
    let (send, drop_it) = (form("send", SEND, Kind::Act), form("drop", DROP_DO, Kind::Danger));
    view! {
        <Card title=MISSED.get(lang)>
            <p class="note-box">{view.trouble.map(|words| words.get(lang).to_owned())}</p>
            <ErrorBox error=trouble />
            <div class="row">
                {send}
                <Confirm label=DROP.get(lang) kind=Kind::Danger>
                    <p>{DROP_SURE.get(lang)}</p>
                    {drop_it}
                </Confirm>
            </div>
        </Card>
    }
}

/// Beside the last question: the hours and the rule, with the way to change them.
pub(super) fn timing_line(hours: Option<&types::text::Words>, ask_after: Option<u32>, base: &str) -> AnyView {
    let lang = use_lang();
    let hours = hours.map_or_else(|| ANY_HOUR.get(lang).to_owned(), |words| words.get(lang).to_owned());
    let late = ask_after.map(|_| format!(" · {}", late_words(ask_after, lang)));
    view! { <p>{hours} {late} " " <a href=format!("{base}/schedule") rel="external">{SCHEDULE.get(lang)}</a></p> }.into_any()
}
