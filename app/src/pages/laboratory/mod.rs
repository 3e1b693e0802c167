//! The laboratory: how the simulated vendors behave, by dials at once and by scripts at their time; what they received.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::vendor::Vendor;
use types::views::laboratory::{BenchView, EFFECTS, LaboratoryView, dial_named};

mod calls;
mod dials;
mod scripts;

pub use calls::PlayScript;
pub use calls::TurnDials;
use calls::{StopScript, view_laboratory};
use dials::DialForm;
use scripts::{LedgerCard, ScriptCard};

use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

/// `view!` reads no `<` in the type of a closure.
type Found = Option<LaboratoryView>;

const TITLE: Text = Text::new("实验室", "Laboratory");
const SUB: Text = Text::new(
    "仿真厂商怎样回答：旋钮立即生效，脚本按时生效；每次改动都记入审计日志。",
    "How the simulated vendors answer: dials at once, scripts at their time; every change is in the audit log.",
);
const ABSENT: Text = Text::new(
    "没有接上仿真器，这里没有可做的事。运行 carillon demo，或启动 carillon simulator 并设置 simulator_url（CARILLON_SIMULATOR_URL）。",
    "No simulator is attached, so there is nothing to do here. Run carillon demo, or start carillon simulator and set simulator_url (CARILLON_SIMULATOR_URL).",
);
const ADDRESS: Text = Text::new("控制接口", "Control API");
const TAKEN: Text = Text::new("厂商收下的设备消息", "Device messages taken");
const POSTED: Text = Text::new("已发出的回执", "Receipts posted");
const DUE: Text = Text::new("未到时间的回执", "Receipts not yet due");
const VENDORS: Text = Text::new("厂商", "Vendors");
const TURNED: Text = Text::new("不在原位的旋钮", "Dials not at rest");
const ANSWERS: Text = Text::new("请求的回答", "Answers to requests");
const REST: Text = Text::new("全部在原位", "all at rest");
const NO_REQUEST: Text = Text::new("还没有请求", "no request yet");
const TURN: Text = Text::new("调旋钮", "Turn dials");
const SHORT: Text = Text::new("安排一次故障", "Plan a failure");
const WHO: Text = Text::new("厂商", "Vendor");
const WHAT: Text = Text::new("情形", "What happens");
const FOR: Text = Text::new("持续（分钟）", "For (minutes)");
const AT: Text = Text::new("从几点起（时:分，留空 = 现在）", "From (HH:MM, empty = now)");
const ZONE: Text = Text::new("时区 {0}", "In the zone {0}");
const PLAN: Text = Text::new("开始", "Start");
const LONG: Text = Text::new("逐行写脚本", "Write a script line by line");
const NAME: Text = Text::new("名称", "Name");
const LINES: Text = Text::new("每行一步", "One step a line");
const LINES_HELP: Text = Text::new(
    "时间 厂商 旋钮=值 …。时间写成 12:03（下一个这样的时刻）或 +5m（上一行之后）；旋钮名见各厂商的表单。",
    "time vendor dial=value …. The time as 12:03 (the next such moment) or +5m (after the line before); the form of each vendor names its dials.",
);
const EXAMPLE: &str = "12:03 huawei outage=error\n+5m huawei outage=none";

#[component]
pub fn Laboratory() -> impl IntoView {
    let lang = use_lang();
    if !use_shell().with(|s| s.laboratory) {
        return view! {
            <PageHead title=t(TITLE) />
            <Card>
                <Empty icon=Icon::Laboratory sentence=ABSENT.get(lang) />
            </Card>
        }
        .into_any();
    }
    let query = use_query_map();
    let chosen = Memo::new(move |_| query.read().get("vendor").and_then(|slug| Vendor::parse(&slug)));
    let play = ServerAction::<PlayScript>::new();
    let stop = ServerAction::<StopScript>::new();
    let turn = ServerAction::<TurnDials>::new();
    let versions = move || (play.version().get(), stop.version().get(), turn.version().get());
    let view = Resource::new(versions, |_| view_laboratory());
    every(5_000, move || view.refetch());
    let stop_trouble = trouble_of(stop);
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <ErrorBox error=stop_trouble />
        <Load
            resource=view
            view=move |found: Found| {
                found
                    .map(|found| {
                        view! {
                            <Benches found=found.clone() />
                            <ScriptCard scripts=found.scripts play=play stop=stop />
                        }
                    })
            }
        />
        {move || chosen.get().map(|vendor| view! { <DialForm vendor=vendor turn=turn /> })}
        <Plans play=play />
        <Load resource=view view=move |found: Found| found.map(|found| view! { <LedgerCard lines=found.last /> }) />
    }
    .into_any()
}

#[component]
fn Benches(found: LaboratoryView) -> impl IntoView {
    let lang = use_lang();
    let columns = vec![Column::text(VENDORS.get(lang)), Column::text(TURNED.get(lang)), Column::text(ANSWERS.get(lang)), Column::text("")];
    view! {
        <Card>
            <dl class="facts">
                <dt>{ADDRESS.get(lang)}</dt>
                <dd><code>{found.address}</code></dd>
                <dt>{TAKEN.get(lang)}</dt>
                <dd><Num value=found.taken /></dd>
                <dt>{POSTED.get(lang)}</dt>
                <dd><Num value=found.posted /></dd>
                <dt>{DUE.get(lang)}</dt>
                <dd><Num value=found.due /></dd>
            </dl>
        </Card>
        <Card>
            <Table caption=VENDORS.get(lang) columns=columns>
                {found.benches.into_iter().map(bench).collect_view()}
            </Table>
        </Card>
    }
    .into_any()
}

fn bench(bench: BenchView) -> impl IntoView {
    let lang = use_lang();
    let slug = bench.vendor.slug();
    let turned = bench
        .turned
        .into_iter()
        .map(|(name, value)| {
            let tone = if name == "outage" { Tone::Bad } else { Tone::Warn };
            let label = dial_named(&name).map_or("", |dial| dial.label.get(lang));
            view! { <Pill tone=tone>{format!("{label} {value}")}</Pill> " " }
        })
        .collect::<Vec<_>>();
    let answers: Vec<String> = bench.answers.into_iter().map(|(code, n)| format!("{code} × {}", format::exact(n))).collect();
    view! {
        <tr>
            <td><VendorDot vendor=bench.vendor /></td>
            <td>{if turned.is_empty() { view! { <span class="sub">{REST.get(lang)}</span> }.into_any() } else { turned.into_any() }}</td>
            <td class="num">
                {if answers.is_empty() {
                    view! { <span class="sub">{NO_REQUEST.get(lang)}</span> }.into_any()
                } else {
                    answers.join("， ").into_any()
                }}
            </td>
            <td><a class="btn" href=format!("/laboratory?vendor={slug}#dials")>{TURN.get(lang)}</a></td>
        </tr>
    }
    .into_any()
}

/// The short form and the long one.
#[component]
fn Plans(play: ServerAction<PlayScript>) -> impl IntoView {
    let lang = use_lang();
    let trouble = trouble_of(play);
    let typed = typed_into::<PlayScript>().map(|typed| typed.form).unwrap_or_default();
    let vendors = Vendor::ALL.map(|v| (v.slug().to_owned(), v.name().get(lang).to_owned())).to_vec();
    let effects = EFFECTS.iter().map(|e| (e.slug.to_owned(), e.name.get(lang).to_owned())).collect();
    let zone = use_shell().with(|s| format!("{} {}", s.zone.name, format::offset(s.zone.offset_at(s.now))));
    let written = !typed.text.is_empty();
    let minutes = if typed.minutes.is_empty() { "5".to_owned() } else { typed.minutes };
    view! {
        <Card title=t(SHORT)>
            <ErrorBox error=trouble />
            <ActionForm action=play attr:class="form">
                <div class="form-row">
                    <SelectField name="form[vendor]" id="plan-vendor" label=t(WHO) options=vendors value=typed.vendor error=trouble.field("vendor") />
                    <SelectField name="form[effect]" id="plan-effect" label=t(WHAT) options=effects value=typed.effect error=trouble.field("effect") />
                    <TextField name="form[minutes]" id="plan-minutes" label=t(FOR) value=minutes required=true error=trouble.field("minutes") />
                    <TextField
                        name="form[at]"
                        id="plan-at"
                        label=t(AT)
                        help=ZONE.fill(lang, &[&zone])
                        value=typed.at
                        maxlength=8
                        error=trouble.field("at")
                    />
                </div>
                <Button kind=Kind::Act>{t(PLAN)}</Button>
            </ActionForm>
            <details open=written>
                <summary>{t(LONG)}</summary>
                <ActionForm action=play attr:class="form">
                    <TextField name="form[name]" id="script-name" label=t(NAME) value=typed.name maxlength=80 />
                    <TextArea
                        name="form[text]"
                        id="script-text"
                        label=t(LINES)
                        help=t(LINES_HELP)
                        value=typed.text
                        rows=5
                        required=true
                        maxlength=4_000
                        placeholder=EXAMPLE
                        error=trouble.field("text")
                    />
                    <Button>{t(PLAN)}</Button>
                </ActionForm>
            </details>
        </Card>
    }
    .into_any()
}
