//! Taking back what was sent: before it, what each vendor can do and what a person will see; after it, four counts that add up to
//! the devices reached.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::life::FilterRule;
use types::people::Permission;
use types::vendor::recall::RecallMeans;
use types::views::recall::{RecallCounts, RecallLane, RecallView};

use super::calls::{RecallSent, view_recall};
use crate::pages::books::loss::reason_name;
use crate::ui::format;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const TITLE: Text = Text::new("召回", "Recall");
const SUB: Text = Text::new(
    "没发的停住，已发的按各厂商的办法收回。收不收得回由厂商和手机决定，这里只数得到厂商的应答。",
    "What is unsent stops; what was sent is taken back by each vendor's means. The vendor and the phone decide; counted here is what \
     the vendors answered.",
);
const BACK_CAMPAIGN: Text = Text::new("返回任务", "Back to the campaign");
const BACK_MESSAGE: Text = Text::new("返回消息", "Back to the message");
const BEFORE: Text = Text::new("按下之后", "What happens when it is pressed");
const STOPS: Text =
    Text::new("还没发出的 {0} 台：不再发送，不能继续。", "{0} devices not sent to yet: nothing goes to them, and it cannot be resumed.");
const OVER: Text = Text::new("已经全部发完，没有可以停住的。", "All of it is sent; nothing is left to be stopped.");
const REACHED: Text = Text::new(
    "已交给厂商的 {0} 台：逐台请求收回，占用各通道的速率和配额。",
    "{0} devices handed to vendors: each is asked for, at the pace and quota of its lane.",
);
const NOTICE_SHOWN: Text = Text::new(
    "只能覆盖的厂商，手机上会出现下面这句话（无声，但有的手机仍会提醒）；还没看到原消息的人也会看到它。",
    "Where a vendor can only overwrite, the phone shows the sentence below (silent, yet some phones alert again); so do people who never \
     saw the message itself.",
);
const OPENED_STAY: Text = Text::new("已点开或清除的人不再打扰。", "Whoever clicked or cleared it is left alone.");
const AGAIN: Text = Text::new("召回不能撤销。", "A recall cannot be undone.");
const NOBODY: Text = Text::new("还没有发给任何人，也没有在等待的。", "Nothing was sent to anybody, and nobody waits.");
const NOTICE_TITLE: Text = Text::new("通知标题（空则沿用原标题）", "Title of the notice (empty: as it was)");
const NOTICE_BODY: Text = Text::new("通知内容", "Text of the notice");
const NOTICE_DEFAULT: Text = Text::new("此消息已撤回", "This message was withdrawn");
const SURE: Text = Text::new("我已看过后果：向 {0} 台设备召回「{1}」", "I have read it: recall \"{1}\" from {0} devices");
const DO: Text = Text::new("召回", "Recall");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
const LANES: Text = Text::new("各通道", "Lane by lane");
const LANE: Text = Text::new("通道", "Lane");
const MEANS: Text = Text::new("办法", "Means");
const STOPPED: Text = Text::new("发前停住", "Stopped before");
const UNSENT: Text = Text::new("未发", "Unsent");
const REACHED_N: Text = Text::new("已到达厂商", "Reached");
const WITHDRAWN: Text = Text::new("已撤回", "Withdrawn");
const OVERWRITTEN: Text = Text::new("已覆盖", "Overwritten");
const OPENED: Text = Text::new("已点开", "Opened before");
const BEYOND: Text = Text::new("收不回", "Not recalled");
const WAITING: Text = Text::new("还没问", "Not asked yet");
const ALL: Text = Text::new("合计", "All");
const BY: Text = Text::new("{0} 于 {1} 召回", "Recalled by {0} at {1}");
const UNDER_WAY: Text =
    Text::new("进行中：还有 {0} 台没问到。刷新看最新。", "Under way: {0} devices not asked yet. Reload for the latest.");
const STOPPING: Text =
    Text::new("正在停住；在途的请求回来之后开始收回。", "Stopping; what is in flight is waited for, then it is taken back.");
const DONE: Text = Text::new("✓ 已完成", "✓ Done");
const ADDS_UP: Text = Text::new(
    "{0} = 已撤回 {1} + 已覆盖 {2} + 已点开 {3} + 收不回 {4} + 还没问 {5}",
    "{0} = withdrawn {1} + overwritten {2} + opened before {3} + not recalled {4} + not asked yet {5}",
);
const CONFIRMED: Text = Text::new(
    "“已撤回”“已覆盖”＝厂商收下了请求；没有厂商告诉我们手机上是否真的消失。",
    "\"Withdrawn\" and \"overwritten\": the vendor took the request. No vendor says whether it is gone from the phone.",
);
const WHY: Text = Text::new("为什么收不回", "Why not");
const REASON: Text = Text::new("原因", "Reason");
const DEVICES: Text = Text::new("设备", "Devices");
const MESSAGES: Text = Text::new("消息", "Messages");
const RECALL_OF: Text = Text::new("由 {0} 收回", "taken back by {0}");
const NOT_YET: Text = Text::new("尚未召回（之后产生的，可再召回一次）", "not recalled yet (made since; recall once more)");

#[component]
pub fn RecallPage(id: String) -> impl IntoView {
    let app = use_app_id().get_untracked();
    let asked = (app.clone(), id.clone());
    let view = Resource::new(move || asked.clone(), |(app, id)| view_recall(app, id));
    view! { <Load resource=view view=move |view: RecallView| view! { <Page view=view app=app.clone() id=id.clone() /> } /> }
}

#[component]
fn Page(view: RecallView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let (noun, back) = if id.starts_with("cmp_") { ("campaigns", BACK_CAMPAIGN) } else { ("messages", BACK_MESSAGE) };
    let href = format!("/apps/{app}/{noun}/{id}");
    let title = format!("{} · {}", TITLE.get(lang), view.name);
    let left = view.messages.iter().any(|(_, recall)| recall.is_none());
    let state = view.asked.clone().map(|(by, at)| {
        let at = use_shell().with(|s| format::stamp(at, &s.zone));
        let how = match (view.is_over(), view.living) {
            (true, _) => DONE.get(lang).to_owned(),
            (_, true) => STOPPING.get(lang).to_owned(),
            _ => UNDER_WAY.fill(lang, &[&format::exact(view.total.waiting)]),
        };
        view! { <p class="note-box" role="status"><strong>{BY.fill(lang, &[&by, &at])}</strong> " · " {how}</p> }
    });
    let sum = view.asked.is_some().then(|| {
        let c = view.total;
        let numbers = [c.reached, c.withdrawn, c.overwritten, c.opened, c.beyond, c.waiting].map(format::exact);
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        view! {
            <p class="num">{ADDS_UP.fill(lang, &numbers)}</p>
            <p class="sub">{CONFIRMED.get(lang)}</p>
        }
    });
    let ask = left.then(|| view! { <Ask view=view.clone() app=app.clone() id=id /> });
    let (lanes, why) = (view.clone(), view.clone());
    view! {
        <PageHead title=title sub=SUB.get(lang)>
            <LinkButton href=href external=true>{back.get(lang)}</LinkButton>
        </PageHead>
        {state}
        {ask}
        <Card title=LANES.get(lang)>
            {sum}
            <Lanes view=lanes />
        </Card>
        <Why view=why />
        <Messages view=view app=app />
    }
}

#[component]
fn Ask(view: RecallView, app: String, id: String) -> impl IntoView {
    let lang = use_lang();
    let recall = ServerAction::<RecallSent>::new();
    let trouble = trouble_of(recall);
    let typed = typed_into::<RecallSent>();
    let (title, body) = typed.map_or_else(|| (String::new(), NOTICE_DEFAULT.get(lang).to_owned()), |t| (t.title, t.body));
    let may = use_may(Permission::Operate);
    let c = view.total;
    let asked = c.reached.saturating_sub(c.withdrawn + c.overwritten + c.opened + c.beyond);
    let stops = if c.unsent > 0 || view.living { STOPS.fill(lang, &[&format::exact(c.unsent)]) } else { OVER.get(lang).to_owned() };
    let nobody = (c.reached == 0 && c.unsent == 0 && !view.living).then(|| view! { <p class="note-box">{NOBODY.get(lang)}</p> });
    let sure = SURE.fill(lang, &[&format::exact(asked), &view.name]);
    view! {
        <Card title=BEFORE.get(lang)>
            {nobody}
            <ul>
                <li>{stops}</li>
                <li>{REACHED.fill(lang, &[&format::exact(asked)])}</li>
                <li>{NOTICE_SHOWN.get(lang)}</li>
                <li>{OPENED_STAY.get(lang)}</li>
                <li>{AGAIN.get(lang)}</li>
            </ul>
            <ErrorBox error=trouble />
            <ActionForm action=recall attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="id" value=id />
                <TextField name="title" label=NOTICE_TITLE.get(lang) value=title error=trouble.field("title") maxlength=40 />
                <TextField name="body" label=NOTICE_BODY.get(lang) value=body required=true error=trouble.field("body") maxlength=100 />
                <CheckField name="sure" value="yes" label=sure />
                <Button kind=Kind::Danger disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>{DO.get(lang)}</Button>
            </ActionForm>
        </Card>
    }
}

fn cells(counts: RecallCounts, recalled: bool) -> AnyView {
    let numbers = if recalled {
        vec![counts.stopped, counts.reached, counts.withdrawn, counts.overwritten, counts.opened, counts.beyond, counts.waiting]
    } else {
        vec![counts.unsent, counts.reached]
    };
    numbers.into_iter().map(|n| view! { <td class="n">{format::exact(n)}</td> }).collect_view().into_any()
}

#[component]
fn Lanes(view: RecallView) -> impl IntoView {
    let lang = use_lang();
    let recalled = view.asked.is_some();
    let numbers: &[Text] =
        if recalled { &[STOPPED, REACHED_N, WITHDRAWN, OVERWRITTEN, OPENED, BEYOND, WAITING] } else { &[UNSENT, REACHED_N] };
    let columns = [Column::text(LANE.get(lang)), Column::text(MEANS.get(lang))]
        .into_iter()
        .chain(numbers.iter().map(|text| Column::number(text.get(lang))))
        .collect();
    let row = move |lane: RecallLane| {
        let can = lane.vendor.recall();
        let tone = match can.means {
            RecallMeans::Withdraw => Tone::Ok,
            RecallMeans::Overwrite => Tone::Act,
            RecallMeans::Nothing => Tone::Bad,
        };
        view! {
            <tr>
                <td><VendorDot vendor=lane.vendor /></td>
                <td>
                    <Pill tone=tone>{can.means.name().get(lang)}</Pill>
                    <div class="sub">{can.words.get(lang)} " · " {can.certainty.name().get(lang)}</div>
                </td>
                {cells(lane.counts, recalled)}
            </tr>
        }
    };
    let rows = view.lanes.into_iter().map(row).collect_view();
    view! {
        <Table caption=LANES.get(lang) columns=columns>
            {rows}
            <tr>
                <td colspan="2"><strong>{ALL.get(lang)}</strong></td>
                {cells(view.total, recalled)}
            </tr>
        </Table>
    }
}

#[component]
fn Why(view: RecallView) -> impl IntoView {
    let lang = use_lang();
    let losses: Vec<_> = view.losses.into_iter().filter(|loss| loss.reason != FilterRule::Opened.slug()).collect();
    if losses.is_empty() {
        return ().into_any();
    }
    let rows = losses
        .into_iter()
        .map(|loss| {
            let reason = if loss.reason.is_empty() { loss.outcome.name().get(lang).to_owned() } else { reason_name(&loss.reason, lang) };
            view! {
                <tr>
                    <td>{loss.vendor.map(|vendor| view! { <VendorDot vendor=vendor /> })}</td>
                    <td>{reason} <div class="sub"><code>{loss.words}</code></div></td>
                    <td class="n">{format::exact(loss.devices)}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![Column::text(LANE.get(lang)), Column::text(REASON.get(lang)), Column::number(DEVICES.get(lang))];
    view! {
        <Card title=WHY.get(lang)>
            <Table caption=WHY.get(lang) columns=columns>{rows}</Table>
        </Card>
    }
    .into_any()
}

#[component]
fn Messages(view: RecallView, app: String) -> impl IntoView {
    let lang = use_lang();
    let recalled = view.asked.is_some();
    let rows = view
        .messages
        .into_iter()
        .map(|(message, recall)| {
            let words = match recall {
                Some(recall) => RECALL_OF.fill(lang, &[recall.as_str()]),
                None if recalled => NOT_YET.get(lang).to_owned(),
                None => String::new(),
            };
            view! {
                <li>
                    <a href=format!("/apps/{app}/messages/{message}") rel="external"><code>{message.to_string()}</code></a>
                    " "
                    <span class="sub">{words}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <Card title=MESSAGES.get(lang)>
            <ul class="plain">{rows}</ul>
        </Card>
    }
}
