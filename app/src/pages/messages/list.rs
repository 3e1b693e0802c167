//! The messages of an app, newest first.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::life::MessageState;
use types::listing::Page;
use types::people::Permission;
use types::vendor::Vendor;
use types::views::messages::{MessageBrief, MessageQuery, OriginView};

use super::super::books::calls::list_messages;
use super::{MESSAGES, ORIGIN, STATE, options, tone};
use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::pager::AFTER;
use crate::ui::prelude::*;

type Messages = Page<MessageBrief>;

const SUB: Text =
    Text::new("每次任务或接口调用一条；每条都能追到接收人。", "One per campaign run or API call; each leads to its recipients.");
const TEXT: Text = Text::new("编号开头或账号", "Beginning of the id, or account");
const USER: Text = Text::new("接收人账号", "A recipient's account");
const LANE: Text = Text::new("通道", "Lane");
const IP: Text = Text::new("来源 IP", "Sent from (IP)");
const FILE: Text = Text::new("结果 CSV", "Outcomes (CSV)");
const GO_ON: Text = Text::new("这一段没有符合的，后面还有。", "None here; there is more to look through.");
const TITLE: Text = Text::new("标题", "Title");
const ACCOUNT: Text = Text::new("账号", "Account");
const PLANNED: Text = Text::new("计划", "Planned");
const ACCEPTED: Text = Text::new("接收", "Accepted");
const WAITING: Text = Text::new("等待", "Waiting");
const CREATED: Text = Text::new("创建时间", "Created");
const FROM: Text = Text::new("从（{0}）", "From ({0})");
const TO: Text = Text::new("到，不含（{0}）", "Before ({0})");
const NONE: Text =
    Text::new("还没有消息。任务开始或接口调用后会出现在这里。", "No message yet. One appears when a campaign starts or the API is called.");
const NO_MATCH: Text = Text::new("没有符合条件的消息。", "No message matches.");

fn use_message_query() -> Memo<MessageQuery> {
    let query = use_query_map();
    Memo::new(move |_| {
        let query = query.read();
        let text = |key: &str| query.get(key).unwrap_or_default();
        MessageQuery {
            state: text("state"),
            origin: text("origin"),
            campaign: text("campaign"),
            text: text("text"),
            user: text("user"),
            vendor: text("vendor"),
            ip: text("ip"),
            from: text("from"),
            to: text("to"),
            after: text(AFTER),
        }
    })
}

#[component]
pub fn MessagesPage() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let query = use_message_query();
    let list = Resource::new(move || (app.get(), query.get()), |(app, query)| list_messages(app, query));
    let zone = use_shell().with(|s| format::offset(s.zone.offset_at(s.now)));
    let states = options(MessageState::ALL.map(|s| (s.slug(), s.name())), lang);
    let lanes = options(Vendor::ALL.map(|v| (v.slug(), v.name())), lang);
    let origins = options(OriginView::ALL.map(|o| (o.slug(), o.name())), lang);
    view! {
        <PageHead title=t(MESSAGES) sub=t(SUB) />
        <Filters>
            <TextField name="text" label=t(TEXT) value=Signal::derive(move || query.get().text) kind="search" maxlength=120 />
            <TextField name="user" label=t(USER) value=Signal::derive(move || query.get().user) kind="search" maxlength=120 />
            <SelectField name="vendor" label=t(LANE) options=lanes value=Signal::derive(move || query.get().vendor) />
            <TextField name="ip" label=t(IP) value=Signal::derive(move || query.get().ip) kind="search" maxlength=60 />
            <SelectField name="state" label=t(STATE) options=states value=Signal::derive(move || query.get().state) />
            <TextField
                name="from"
                label=FROM.fill(lang, &[&zone])
                kind="datetime-local"
                value=Signal::derive(move || query.get().from)
            />
            <TextField name="to" label=TO.fill(lang, &[&zone]) kind="datetime-local" value=Signal::derive(move || query.get().to) />
            <SelectField name="origin" label=t(ORIGIN) options=origins value=Signal::derive(move || query.get().origin) />
        </Filters>
        <Load
            resource=list
            view=move |found: Messages| {
                let filtered = query.get_untracked() != MessageQuery::default();
                view! { <Found found=found app=app.get_untracked() filtered=filtered /> }
            }
        />
    }
    .into_any()
}

#[component]
fn Found(found: Page<MessageBrief>, app: String, filtered: bool) -> impl IntoView {
    let lang = use_lang();
    let sees = use_may(Permission::SeeRecipients).get_untracked();
    if found.items.is_empty() {
        if found.next.is_some() {
            return view! { <Card><p>{GO_ON.get(lang)}</p><Pager next=found.next /></Card> }.into_any();
        }
        let sentence = if filtered { NO_MATCH } else { NONE };
        return view! { <Card><Empty icon=Icon::Message sentence=sentence.get(lang) /></Card> }.into_any();
    }
    let columns = vec![
        Column::text(TITLE.get(lang)),
        Column::text(STATE.get(lang)),
        Column::text(ORIGIN.get(lang)),
        Column::text(ACCOUNT.get(lang)),
        Column::number(PLANNED.get(lang)),
        Column::number(ACCEPTED.get(lang)),
        Column::number(WAITING.get(lang)),
        Column::text(CREATED.get(lang)),
    ];
    let rows = found
        .items
        .into_iter()
        .map(|message| {
            let e = message.equation;
            view! {
                <tr>
                    <td>
                        <a href=format!("/apps/{app}/messages/{}", message.id)>{message.title}</a>
                        <div class="sub"><code>{message.id.to_string()}</code></div>
                    </td>
                    <td><Pill tone=tone(message.state)>{message.state.name().get(lang)}</Pill></td>
                    <td>{message.origin.name().get(lang)}</td>
                    <td>{message.account}</td>
                    <td class="n"><Num value=e.planned /></td>
                    <td class="n"><Num value=e.accepted /> " " <span class="sub">{format::percent(e.accepted, e.submitted())}</span></td>
                    <td class="n"><Num value=e.waiting /></td>
                    <td>
                        <Time at=message.created_at brief=true />
                        {sees
                            .then(|| {
                                let file = |ending: &str| format!("/apps/{app}/messages/{}/outcomes.{ending}", message.id);
                                view! {
                                    <div class="sub">
                                        <a href=file("csv") rel="external" download>{FILE.get(lang)}</a>
                                        " "
                                        <a href=file("xlsx") rel="external" download>"XLSX"</a>
                                    </div>
                                }
                            })}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card>
            <Table caption=MESSAGES.get(lang) columns=columns>
                {rows}
            </Table>
            <Pager next=found.next />
        </Card>
    }
    .into_any()
}
