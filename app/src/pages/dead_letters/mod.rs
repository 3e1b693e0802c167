//! The dead-letter drawer: who ended without being accepted although they could have been; replay and export of a selection.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::dead::{OUTCOMES, POISONED, REPLAY_MAX, remedy};
use types::failure::FailureClass;
use types::life::Outcome;
use types::people::Permission;
use types::vendor::Vendor;
use types::views::dead_letters::{DeadLine, DeadQuery, DeadView, PoisonedView};

pub mod calls;

use calls::{GiveChunkUp, ReplayDeadLetters, TryChunkAgain, list_dead_letters};

use super::books::loss::{VendorCell, reason_name};
use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const TITLE: Text = Text::new("死信", "Dead letters");
const SUB: Text = Text::new(
    "本可被接收却没有的接收人：多次重试仍被拒、等待中过期、应答不明。令牌失效和内容被拒不在此列。",
    "Recipients that could have been accepted and were not: refused after retries, expired while waiting, answer unknown. Dead tokens \
     and refused content are not among them.",
);
const LANE: Text = Text::new("通道", "Lane");
const OUTCOME: Text = Text::new("结果", "Outcome");
const REASON: Text = Text::new("原因", "Reason");
const MESSAGE: Text = Text::new("消息或任务编号", "Id of a message or campaign");
const OF_MESSAGE: Text = Text::new("消息", "Message");
const STATE: Text = Text::new("补发", "Replay");
const OPEN: Text = Text::new("未补发", "not replayed");
const REPLAYED: Text = Text::new("已补发", "replayed");
const BOTH: Text = Text::new("全部", "both");
const ALL: Text = Text::new("全部", "all");
const FROM: Text = Text::new("从（{0}）", "From ({0})");
const TO: Text = Text::new("到，不含（{0}）", "Before ({0})");
const WORDS: Text = Text::new("厂商原话", "The vendor's words");
const RECIPIENTS: Text = Text::new("接收人", "Recipients");
const WHEN: Text = Text::new("最早", "First at");
const REMEDY: Text = Text::new("怎么办", "What to do");
const CHOOSE: Text = Text::new("选择第 {0} 行", "choose line {0}");
const RUNNING: Text = Text::new("消息还在发送", "still running");
const BY: Text = Text::new("已由此消息补发", "replayed by");
const NONE: Text = Text::new("没有死信：能送出的都送出了。", "No dead letters: whatever could be sent was.");
const NO_MATCH: Text = Text::new("没有符合条件的死信。", "No dead letter matches.");
const CHOSEN: Text = Text::new("所选各行", "The chosen lines");
const DEADLINE: Text = Text::new("新的截止时间（{0}）", "New deadline ({0})");
const DEADLINE_HELP: Text = Text::new("过了它就不再发送；最多 30 天以后", "Nothing is sent after it; up to 30 days ahead");
const REPLAY: Text = Text::new("补发所选", "Replay the chosen");
const REPLAY_HELP: Text = Text::new(
    "每条消息一次补发，只到所选的接收人，策略再问一次。一行只补发一次，一次最多 {0} 行；应答不明的手机可能再提醒一次。",
    "One resend for each message, to the chosen recipients only; policy is asked again. A line is replayed once, {0} lines at most at \
     once. Phones whose answer is unknown may alert again.",
);
const EXPORT: Text = Text::new("导出所选（CSV）", "Export the chosen (CSV)");
const EXPORT_ALL: Text = Text::new("导出全部符合条件的（CSV）", "Export all that match (CSV)");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");

const ASIDE: Text = Text::new("隔离的批次", "Chunks set aside");
const ASIDE_HELP: Text = Text::new(
    "发送进程连续三次在这些批次上出错，没有任何进展；它们不再被领取，等人决定，过了截止时间自行结束。先看日志里的原因。",
    "Their sender broke down over them three times in a row without any progress. They are not taken up again until somebody decides, \
     and end by themselves at their deadline. Look for the cause in the log first.",
);
const CHUNK: Text = Text::new("批次", "Chunk");
const SINCE: Text = Text::new("隔离于", "Set aside at");
const UNTIL: Text = Text::new("截止", "Deadline");
const DO: Text = Text::new("处理", "Decide");
const AGAIN: Text = Text::new("再试", "Try again");
const ALL_AGAIN: Text = Text::new("全部再试", "Try all again");
const GIVE_UP: Text = Text::new("放弃", "Give up");
const GIVE_UP_HELP: Text = Text::new(
    "可能已发送的记为不确定，其余记为过期；之后可在死信里补发。",
    "Who may have been sent to ends as uncertain, the others as expired; they can be replayed as dead letters afterwards.",
);

/// As the address says it.
fn use_query() -> Memo<DeadQuery> {
    let query = use_query_map();
    Memo::new(move |_| {
        query.with(|q| {
            let text = |key: &str| q.get(key).unwrap_or_default();
            DeadQuery {
                vendor: text("vendor"),
                outcome: text("outcome"),
                reason: text("reason"),
                message: text("message"),
                from: text("from"),
                to: text("to"),
                state: text("state"),
                after: text("after"),
            }
        })
    })
}

fn options(all: Text, list: impl IntoIterator<Item = (&'static str, Text)>) -> Vec<(String, String)> {
    [("", all)].into_iter().chain(list).map(|(key, name)| (key.to_owned(), t(name).to_owned())).collect()
}

fn row(at: usize, line: DeadLine, app: &str, typed: &[String]) -> AnyView {
    let lang = use_lang();
    let no = line.no.to_string();
    let choose = match (&line.replay, line.over) {
        (None, true) => {
            let label = CHOOSE.fill(lang, &[&no]);
            let checked = typed.contains(&no);
            view! { <input type="checkbox" name=format!("lines[{at}]") value=no checked=checked aria-label=label /> }.into_any()
        }
        (None, false) => view! { <span class="sub">{t(RUNNING)}</span> }.into_any(),
        (Some((by, when)), _) => view! {
            <span class="sub">{t(BY)} " " <a href=format!("/apps/{app}/messages/{by}")>{by.to_string()}</a> " " <Time at=*when brief=true /></span>
        }
        .into_any(),
    };
    let tone = if line.outcome == Outcome::Refused { Tone::Bad } else { Tone::Warn };
    view! {
        <tr>
            <td>{choose}</td>
            <td>
                <a href=format!("/apps/{app}/messages/{}", line.message)>{line.title}</a>
                <div class="sub"><code>{line.message.to_string()}</code></div>
            </td>
            <td><VendorCell vendor=line.vendor /></td>
            <td><Pill tone=tone>{line.outcome.name().get(lang)}</Pill></td>
            <td>{reason_name(&line.reason, lang)}</td>
            <td><code>{line.words}</code></td>
            <td class="n"><Num value=line.recipients /></td>
            <td><Time at=line.at brief=true /></td>
            <td>{remedy(line.outcome, &line.reason).get(lang).to_owned()}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn Aside(chunks: Vec<PoisonedView>, again: ServerAction<TryChunkAgain>, give_up: ServerAction<GiveChunkUp>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id().get_untracked();
    let may = use_may(Permission::Operate);
    let blocked = Signal::derive(move || !may.get());
    let columns = vec![
        Column::number(CHUNK.get(lang)),
        Column::text(OF_MESSAGE.get(lang)),
        Column::text(LANE.get(lang)),
        Column::number(RECIPIENTS.get(lang)),
        Column::text(SINCE.get(lang)),
        Column::text(UNTIL.get(lang)),
        Column::text(DO.get(lang)),
    ];
    let many = chunks.len() > 1;
    let of_app = app.clone();
    let row = move |chunk: PoisonedView| {
        let (app, no) = (of_app.clone(), chunk.no.to_string());
        let (its_app, its_no) = (app.clone(), no.clone());
        let message = format!("/apps/{app}/messages/{}", chunk.message);
        view! {
            <tr>
                <td class="n">{chunk.no}</td>
                <td><a href=message><code>{chunk.message.to_string()}</code></a></td>
                <td><VendorDot vendor=chunk.vendor /></td>
                <td class="n"><Num value=chunk.recipients /></td>
                <td><Time at=chunk.since brief=true /></td>
                <td><Time at=chunk.deadline brief=true /></td>
                <td>
                    <ActionForm action=again>
                        <input type="hidden" name="app" value=its_app />
                        <input type="hidden" name="chunk" value=its_no />
                        <Button disabled=blocked why=MAY_NOT.get(lang)>{t(AGAIN)}</Button>
                    </ActionForm>
                    <Confirm label=GIVE_UP.get(lang) kind=Kind::Danger>
                        <p>{t(GIVE_UP_HELP)}</p>
                        <ActionForm action=give_up>
                            <input type="hidden" name="app" value=app />
                            <input type="hidden" name="chunk" value=no />
                            <Button kind=Kind::Danger disabled=blocked why=MAY_NOT.get(lang)>{t(GIVE_UP)}</Button>
                        </ActionForm>
                    </Confirm>
                </td>
            </tr>
        }
        .into_any()
    };
    let rows = chunks.into_iter().map(row).collect::<Vec<_>>();
    view! {
        <Card title=t(ASIDE)>
            <p class="note-box">{t(ASIDE_HELP)}</p>
            <ErrorBox error=trouble_of(again) />
            <ErrorBox error=trouble_of(give_up) />
            <Table caption=ASIDE.get(lang) columns=columns>
                {rows}
            </Table>
            {many
                .then(|| {
                    view! {
                        <ActionForm action=again>
                            <input type="hidden" name="app" value=app />
                            <Button disabled=blocked why=MAY_NOT.get(lang)>{t(ALL_AGAIN)}</Button>
                        </ActionForm>
                    }
                })}
        </Card>
    }
    .into_any()
}

#[component]
fn Lines(view: DeadView, query: DeadQuery, replay: ServerAction<ReplayDeadLetters>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id().get_untracked();
    let (may, sees) = (use_may(Permission::Operate), use_may(Permission::SeeRecipients));
    if view.lines.items.is_empty() {
        let sentence = if query == DeadQuery::default() { NONE } else { NO_MATCH };
        return view! { <Card><Empty icon=Icon::Dead sentence=sentence.get(lang) /></Card> }.into_any();
    }
    let zone = use_shell().with(|s| format::offset(s.zone.offset_at(s.now)));
    let typed = typed_into::<ReplayDeadLetters>();
    let (lines, deadline) = typed.map_or_else(Default::default, |typed| (typed.lines, typed.deadline));
    let export = format!("/apps/{app}/dead-letters/recipients.csv");
    let chosen = export.clone();
    let workbook = format!("/apps/{app}/dead-letters/recipients.xlsx");
    let chosen_workbook = workbook.clone();
    // The whole of the filter, without the place in the list.
    let fields = [
        ("vendor", query.vendor),
        ("outcome", query.outcome),
        ("reason", query.reason),
        ("message", query.message),
        ("from", query.from),
        ("to", query.to),
        ("state", query.state),
    ];
    let fields = fields.map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view();
    let columns = [STATE, OF_MESSAGE, LANE, OUTCOME, REASON, WORDS].map(|c| Column::text(c.get(lang))).into_iter();
    let columns =
        columns.chain([Column::number(RECIPIENTS.get(lang)), Column::text(WHEN.get(lang)), Column::text(REMEDY.get(lang))]).collect();
    let next = view.lines.next;
    let rows = view.lines.items.into_iter().enumerate().map(|(at, line)| row(at, line, &app, &lines)).collect::<Vec<_>>();
    view! {
        <ActionForm action=replay>
            <input type="hidden" name="app" value=app.clone() />
            <Card>
                <Table caption=TITLE.get(lang) columns=columns>
                    {rows}
                </Table>
                <Pager next=next />
            </Card>
            <Card title=t(CHOSEN)>
                <ErrorBox error=trouble_of(replay) />
                <div class="form">
                    <TextField
                        name="deadline"
                        label=DEADLINE.fill(lang, &[&zone])
                        help=t(DEADLINE_HELP)
                        kind="datetime-local"
                        value=deadline
                    />
                    <p class="help">{REPLAY_HELP.fill(lang, &[&REPLAY_MAX.to_string()])}</p>
                    <div class="form-row">
                        <Button kind=Kind::Act disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>
                            {t(REPLAY)}
                        </Button>
                        {sees
                            .get_untracked()
                            .then(|| {
                                view! {
                                    <button class="btn" type="submit" formmethod="get" formaction=chosen formnovalidate=true>
                                        {t(EXPORT)}
                                    </button>
                                    <button class="btn" type="submit" formmethod="get" formaction=chosen_workbook formnovalidate=true>
                                        "XLSX"
                                    </button>
                                }
                            })}
                    </div>
                </div>
            </Card>
        </ActionForm>
        {sees
            .get_untracked()
            .then(|| {
                view! {
                    <form method="get" action=export>
                        {fields}
                        <div class="form-row">
                            <Button>{t(EXPORT_ALL)}</Button>
                            <button class="btn" type="submit" formaction=workbook>"XLSX"</button>
                        </div>
                    </form>
                }
            })}
    }
    .into_any()
}

#[component]
pub fn DeadLettersPage() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let query = use_query();
    let replay = ServerAction::<ReplayDeadLetters>::new();
    let (again, give_up) = (ServerAction::<TryChunkAgain>::new(), ServerAction::<GiveChunkUp>::new());
    let list = Resource::new(move || (app.get(), query.get()), |(app, query)| list_dead_letters(app, query));
    let zone = use_shell().with(|s| format::offset(s.zone.offset_at(s.now)));
    let vendors = options(ALL, Vendor::ALL.map(|v| (v.slug(), v.name())));
    let outcomes = options(ALL, OUTCOMES.map(|o| (o.slug(), o.name())));
    let mut reasons = options(
        ALL,
        FailureClass::ALL.into_iter().filter(|c| types::dead::is_dead(Outcome::Refused, c.slug())).map(|c| (c.slug(), c.name())),
    );
    reasons.push((POISONED.to_owned(), reason_name(POISONED, lang)));
    let states = options(OPEN, [("replayed", REPLAYED), ("all", BOTH)]);
    let field = move |read: fn(DeadQuery) -> String| Signal::derive(move || read(query.get()));
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Filters>
            <SelectField name="vendor" label=t(LANE) options=vendors value=field(|q| q.vendor) />
            <SelectField name="outcome" label=t(OUTCOME) options=outcomes value=field(|q| q.outcome) />
            <SelectField name="reason" label=t(REASON) options=reasons value=field(|q| q.reason) />
            <SelectField name="state" label=t(STATE) options=states value=field(|q| q.state) />
            <TextField name="message" label=t(MESSAGE) kind="search" value=field(|q| q.message) maxlength=60 />
            <TextField name="from" label=FROM.fill(lang, &[&zone]) kind="datetime-local" value=field(|q| q.from) />
            <TextField name="to" label=TO.fill(lang, &[&zone]) kind="datetime-local" value=field(|q| q.to) />
        </Filters>
        <Load
            resource=list
            view=move |view: DeadView| {
                let aside = view.poisoned.clone();
                view! {
                    {(!aside.is_empty()).then(|| view! { <Aside chunks=aside again=again give_up=give_up /> })}
                    <Lines view=view query=query.get_untracked() replay=replay />
                }
            }
        />
    }
    .into_any()
}
