//! The scripts of the simulator, and the newest lines of its ledger.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::views::laboratory::{LedgerLine, ScriptView, state_name, verdict_name};

use super::calls::{PlayScript, StopScript};
use crate::ui::icon::Icon;
use crate::ui::prelude::*;

const SCRIPTS: Text = Text::new("脚本", "Scripts");
const NO_SCRIPT: Text = Text::new("还没有脚本；在下面安排一次故障。", "No script yet; plan a failure below.");
const NAME: Text = Text::new("名称", "Name");
const STATE: Text = Text::new("状态", "State");
const STEPS: Text = Text::new("步骤", "Steps");
const STOP: Text = Text::new("停止并复原", "Stop and put back");
const AGAIN: Text = Text::new("再来一次", "Play again");
const LEDGER: Text = Text::new("账本的最新条目", "Newest lines of the ledger");
const LEDGER_NOTE: Text = Text::new("手机会收到什么，由仿真器记录", "What phones would get, as the simulator wrote it down");
const NO_LINE: Text = Text::new("账本还是空的；发一条消息就有了。", "The ledger is empty; send a message.");
const WHEN: Text = Text::new("时间", "When");
const VENDOR: Text = Text::new("厂商", "Vendor");
const VERDICT: Text = Text::new("结论", "Verdict");
const WORDS: Text = Text::new("标题", "Title");
const KEY: Text = Text::new("键", "Key");
const TOKEN: Text = Text::new("令牌散列", "Token hash");

fn tone(state: &str) -> Tone {
    match state {
        "playing" => Tone::Act,
        "done" => Tone::Ok,
        "stopped" => Tone::Mute,
        _ => Tone::Bad,
    }
}

#[component]
pub fn ScriptCard(scripts: Vec<ScriptView>, play: ServerAction<PlayScript>, stop: ServerAction<StopScript>) -> impl IntoView {
    let lang = use_lang();
    if scripts.is_empty() {
        return view! { <Card title=SCRIPTS.get(lang)><p class="sub">{NO_SCRIPT.get(lang)}</p></Card> }.into_any();
    }
    let columns = vec![Column::text(NAME.get(lang)), Column::text(STATE.get(lang)), Column::text(STEPS.get(lang)), Column::text("")];
    let rows = scripts
        .into_iter()
        .map(|script| {
            let (taken, name) = (script.taken, script.name.clone());
            let steps = script
                .steps
                .into_iter()
                .enumerate()
                .map(|(i, (at, vendor, dials))| {
                    let sign = if (i as u64) < taken { "✓ " } else { "· " };
                    view! { <div>{sign} <Time at=at /> " " <VendorDot vendor=vendor /> " " <code>{dials}</code></div> }
                })
                .collect_view();
            let button = if script.state == "playing" {
                view! {
                    <ActionForm action=stop>
                        <input type="hidden" name="script" value=script.id.to_string() />
                        <Button kind=Kind::Danger>{STOP.get(lang)}</Button>
                    </ActionForm>
                }
                .into_any()
            } else if script.text.is_empty() {
                ().into_any()
            } else {
                view! {
                    <ActionForm action=play>
                        <input type="hidden" name="form[name]" value=script.name />
                        <input type="hidden" name="form[text]" value=script.text />
                        <Button>{AGAIN.get(lang)}</Button>
                    </ActionForm>
                }
                .into_any()
            };
            view! {
                <tr>
                    <td>{name}</td>
                    <td>
                        <Pill tone=tone(&script.state)>{state_name(&script.state).get(lang)}</Pill>
                        " "
                        {script.trouble}
                    </td>
                    <td>{steps}</td>
                    <td>{button}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card title=SCRIPTS.get(lang)>
            <Table caption=SCRIPTS.get(lang) columns=columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

#[component]
pub fn LedgerCard(lines: Vec<LedgerLine>) -> impl IntoView {
    let lang = use_lang();
    if lines.is_empty() {
        return view! { <Card title=LEDGER.get(lang)><Empty icon=Icon::Laboratory sentence=NO_LINE.get(lang) /></Card> }.into_any();
    }
    let columns = [WHEN, VENDOR, VERDICT, WORDS, KEY, TOKEN].map(|text| Column::text(text.get(lang))).to_vec();
    let rows = lines
        .into_iter()
        .map(|line| {
            view! {
                <tr>
                    <td><Time at=line.at /></td>
                    <td><VendorDot vendor=line.vendor /></td>
                    <td class="num">{verdict_name(&line.verdict).get(lang)}</td>
                    <td>{line.title}</td>
                    <td><code>{line.key}</code></td>
                    <td><code>{line.token}</code></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card title=LEDGER.get(lang) note=LEDGER_NOTE.get(lang)>
            <Table caption=LEDGER.get(lang) columns=columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}
