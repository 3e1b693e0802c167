//! What follows a send: a form for each lane, and one message's recipients that nobody heard of.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use types::follow::FollowUp;
use types::funnel::{Source, Stage};
use types::people::Permission;
use types::vendor::RepeatClass;
use types::views::lanes::{FollowView, SilentView};

pub mod calls;

use calls::{ResendSilent, SaveFollowUp, list_follow_ups, view_silent};

use crate::ui::icon::Icon;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

type Lanes = Vec<FollowView>;

const TITLE: Text = Text::new("重发与批量配额", "Resends and bulk quota");
const SUB: Text = Text::new(
    "厂商已接收、到时没有送达回执的接收方：先由同一通道重发（同一个消息编号和展示键），到次数后改走下一条通道，再没有就报警并留给人手动重发。不会超过截止时间。",
    "Recipients the vendor took and no delivery receipt came of: first the same lane sends again, under the same message id and showing key; \
     after so many times the next lane has its turn; then an alarm, and a person may send again by hand. Never after the deadline.",
);
const WAIT: Text = Text::new("等待回执（秒，0 = 不等）", "Wait for a receipt (seconds, 0 = never)");
const TIMES: Text = Text::new("同一通道最多重发几次（0 = 不重发）", "Send again by this lane, at most (0 = never)");
const FOR_BULK: Text = Text::new("批量消息也重发", "Send bulk messages again, too");
const NEXT_FOR_BULK: Text =
    Text::new("批量消息也改走下一条通道（少数手机可能看到两次）", "Bulk messages go on to the next lane, too (some phones may show both)");
const QUOTA: Text = Text::new("每天批量消息配额（0 = 没有）", "Bulk messages a day (0 = no such quota)");
const QUOTA_HELP: Text = Text::new(
    "厂商单独限制营销消息时填写；在每日总配额之外另算，从设置起计，北京时间零点重置。",
    "Where the vendor limits marketing apart from the day's quota; both hold. Counted since it was set, anew at midnight in Beijing.",
);
const USED: Text = Text::new("今天批量已用 {0} / {1}", "{0} of {1} bulk messages used today");
const IOS: Text = Text::new(
    "iOS：应用在后台时不重发，等应用回到前台（设备注册自己，或点开一条推送）再发。送达由应用内的客户端上报；客户端没有上报时不要打开重发。",
    "iOS: nothing is sent again while the app is in the background; it goes when the app comes to the foreground (the device registers \
     itself, or a push is opened). Arrival is reported by our client inside the app: leave this off where it does not report.",
);
const ALERTS: Text =
    Text::new("这个厂商的重发会替换原通知，但可能再次响铃。", "A repeat replaces what this vendor's phones show, and may alert again.");
const ONCE: Text = Text::new("这个厂商的重发，手机只展示一次。", "A repeat by this vendor is shown once.");
const NEVER: Text = Text::new(
    "这个厂商没有防重复的标识：不自动重发。",
    "This vendor has nothing against a repeat being shown twice: nothing is sent again by itself.",
);
const SAVE: Text = Text::new("保存", "Save");
const MAY_NOT: Text = Text::new("需要开发权限", "Needs the role of a developer");
const NONE: Text = Text::new("还没有填了凭据的通道。", "No lane has a credential yet.");

fn number(vendor: &str, field: &str, label: Text, value: u64, help: Option<Text>) -> AnyView {
    let (name, id) = (format!("rules[{field}]"), format!("{vendor}-{field}"));
    match help {
        Some(help) => view! {
            <TextField name=name id=id label=t(label) help=t(help) value=value.to_string() kind="number" min="0" required=true />
        }
        .into_any(),
        None => {
            view! { <TextField name=name id=id label=t(label) value=value.to_string() kind="number" min="0" required=true /> }.into_any()
        }
    }
}

fn card(lane: FollowView, app: String, save: ServerAction<SaveFollowUp>, back: Option<&SaveFollowUp>) -> AnyView {
    let lang = use_lang();
    let may = use_may(Permission::Develop);
    let vendor = lane.vendor;
    let slug = vendor.slug();
    // A refused form comes back as it was typed, with its complaint.
    let own = back.filter(|typed| typed.vendor == slug).map(|typed| typed.rules);
    let set: FollowUp = own.unwrap_or(lane.rules);
    let trouble = trouble_of(save);
    let repeat = match vendor.repeat_class() {
        RepeatClass::ServerDrops | RepeatClass::PhoneShowsOnce => ONCE,
        RepeatClass::Replaces => ALERTS,
        RepeatClass::Nothing => NEVER,
    };
    let by_client = vendor.source_of(Stage::Delivered) == Source::Measured;
    let used = lane.bulk_used.map(|used| USED.fill(lang, &[&used.to_string(), &lane.rules.bulk_quota.to_string()]));
    view! {
        <section class="card" id=slug>
            <header class="card-head">
                <h2><VendorDot vendor=vendor /></h2>
            </header>
            <p class="sub">{lane.rules.told().get(lang).to_owned()}</p>
            <p class="help">{t(repeat)}</p>
            {by_client.then(|| view! { <p class="help">{t(IOS)}</p> })}
            {used.map(|used| view! { <p class="num">{used}</p> })}
            {own.is_some().then(|| view! { <ErrorBox error=trouble /> })}
            <ActionForm action=save attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="vendor" value=slug />
                <div class="form-row">
                    {number(slug, "receipt_wait_s", WAIT, set.receipt_wait_s.into(), None)}
                    {number(slug, "resend_times", TIMES, set.resend_times.into(), None)}
                </div>
                <CheckField name="rules[resend_for_bulk]" label=t(FOR_BULK) checked=set.resend_for_bulk />
                {(!by_client)
                    .then(|| view! { <CheckField name="rules[next_lane_for_bulk]" label=t(NEXT_FOR_BULK) checked=set.next_lane_for_bulk /> })}
                {number(slug, "bulk_quota", QUOTA, set.bulk_quota, Some(QUOTA_HELP))}
                <Button disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>{t(SAVE)}</Button>
            </ActionForm>
        </section>
    }
    .into_any()
}

#[component]
pub fn FollowPage() -> impl IntoView {
    let app = use_app_id();
    let save = ServerAction::<SaveFollowUp>::new();
    let list = Resource::new(move || (app.get(), save.version().get()), |(app, _)| list_follow_ups(app));
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Load
            resource=list
            view=move |lanes: Lanes| {
                if lanes.is_empty() {
                    return view! { <Card><Empty icon=Icon::Lane sentence=t(NONE) /></Card> }.into_any();
                }
                let back = typed_into::<SaveFollowUp>();
                let cards = lanes.into_iter().map(|lane| card(lane, app.get_untracked(), save, back.as_ref())).collect::<Vec<_>>();
                view! { <div class="cols-2">{cards}</div> }.into_any()
            }
        />
    }
    .into_any()
}

const AGAIN: Text = Text::new("没有回执的接收方", "Without a receipt");
const AGAIN_SUB: Text = Text::new(
    "厂商已接收、还没有送达回执的设备。手动重发不受次数限制，也发给后台的 iOS 应用；同一个消息编号和展示键。令牌已换或失效、厂商说了不送原因的不在其中。",
    "Devices the vendor took and no delivery receipt came of. By hand there is no limit to the times, and iOS apps in the background are \
     sent to as well; under the same message id and showing key. Left out: tokens that changed or died, and those the vendor gave a reason for.",
);
const LANE: Text = Text::new("通道", "Lane");
const ACCEPTED: Text = Text::new("厂商接收", "Vendor accepted");
const DELIVERED: Text = Text::new("送达", "Delivered");
const QUIET: Text = Text::new("没有回执", "Without a receipt");
const RESENT: Text = Text::new("已重发（次·设备）", "Sent again (device messages)");
const RULE: Text = Text::new("通道的规则", "The lane's rule");
const UNTIL: Text = Text::new("截止", "Deadline");
const SEND: Text = Text::new("向没有回执的再发一次", "Send once more to those without a receipt");
const LATE: Text = Text::new("已过截止时间，不再发送", "Its deadline is over; nothing is sent after it");
const NOBODY: Text = Text::new("每个接收方都有回执，或者没有被接收", "Everybody was heard of, or was not accepted");
const OPERATOR: Text = Text::new("需要运营权限", "Needs the role of an operator");
const SENT: Text = Text::new("已放回通道排队。", "They are back in their lanes' lines.");
const BACK: Text = Text::new("回到消息", "Back to the message");
const RULES: Text = Text::new("自动重发的设置", "Settings of automatic resends");

#[component]
pub fn AgainPage() -> impl IntoView {
    let app = use_app_id();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("message").unwrap_or_default());
    let send = ServerAction::<ResendSilent>::new();
    let view = Resource::new(move || (app.get(), id.get(), send.version().get()), |(app, id, _)| view_silent(app, id));
    view! { <Load resource=view view=move |found: SilentView| again(found, app.get_untracked(), send) /> }.into_any()
}

fn again(found: SilentView, app: String, send: ServerAction<ResendSilent>) -> AnyView {
    let lang = use_lang();
    let may = use_may(Permission::Operate);
    let sent = use_query_map().with_untracked(|query| query.get("sent")).is_some();
    let (message, nobody) = (found.id.to_string(), found.lanes.iter().all(|lane| lane.silent == 0));
    let late = found.now >= found.deadline;
    let why = if late {
        LATE
    } else if nobody {
        NOBODY
    } else {
        OPERATOR
    };
    let columns = vec![
        Column::text(t(LANE)),
        Column::number(t(ACCEPTED)),
        Column::number(t(DELIVERED)),
        Column::number(t(QUIET)),
        Column::number(t(RESENT)),
        Column::text(t(RULE)),
    ];
    let rows = found
        .lanes
        .into_iter()
        .map(|lane| {
            view! {
                <tr>
                    <td><VendorDot vendor=lane.vendor /></td>
                    <td class="n"><Num value=lane.accepted /></td>
                    <td class="n"><Num value=lane.delivered /></td>
                    <td class="n"><Num value=lane.silent /></td>
                    <td class="n"><Num value=lane.resent /></td>
                    <td>{lane.rule.get(lang).to_owned()}</td>
                </tr>
            }
        })
        .collect_view();
    let rules = format!("/apps/{app}/resends");
    let back = format!("/apps/{app}/messages/{message}");
    view! {
        <PageHead title=format!("{} · {}", t(AGAIN), found.title) sub=t(AGAIN_SUB) />
        {sent.then(|| view! { <p class="note-box" role="status">{t(SENT)}</p> })}
        <ErrorBox error=trouble_of(send) />
        <Card>
            <p>{t(UNTIL)} " " <Time at=found.deadline /></p>
            <Table caption=t(AGAIN) columns=columns>{rows}</Table>
            <ActionForm action=send attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="message" value=message />
                <Button kind=Kind::Act disabled=Signal::derive(move || !may.get() || late || nobody) why=why.get(lang)>{t(SEND)}</Button>
            </ActionForm>
            <p><a href=back>{t(BACK)}</a> " · " <a href=rules>{t(RULES)}</a></p>
        </Card>
    }
    .into_any()
}
