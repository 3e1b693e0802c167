//! What there is to say about the words besides their length: words to be careful with, classes, holes, what was sent before, links.

use std::collections::BTreeMap;

use leptos::prelude::*;
use types::category;
use types::sensitive::Severity;
use types::views::workbench::{CrowdLook, Lacking, LinkLook, SentBefore, WorkbenchView};

use crate::ui::format;
use crate::ui::prelude::*;

const REMARKS: Text = Text::new("要留意的", "To be careful with");
const FINE: Text = Text::new("✓ 没有要留意的。", "✓ Nothing to remark.");
const FOUND_REFUSE: Text = Text::new(
    "{0} 含禁止词「{1}」（写作「{2}」）：换个说法，否则不能保存，也不能开始任务。",
    "{0} holds the refused word \"{1}\" (written \"{2}\"): say it differently, or it can be neither saved nor started.",
);
const FOUND_WARN: Text =
    Text::new("{0} 含要留意的词「{1}」（写作「{2}」）。", "{0} holds \"{1}\" (written \"{2}\"), a word to be careful with.");
const CLASS: Text = Text::new("{0}：系统类消息（{1}）里有营销词「{2}」。", "{0}: marketing words ({2}) in a system message ({1}).");
const HOLE: Text = Text::new(
    "变量「{0}」没有值，也没有后备，将留空；可写成 {{{0}|…}}。",
    "The variable \"{0}\" has neither value nor fallback and leaves nothing; write {{{0}|…}}.",
);
const CROWD: Text = Text::new("真实的行", "A real row");
const OF: Text = Text::new("第 {0} 行，共 {1} 行 · {2}", "row {0} of {1} · {2}");
const VARIABLE: Text = Text::new("变量", "Variable");
const VALUE: Text = Text::new("值", "Value");
const NO_VALUES: Text = Text::new("这一行没有变量。", "This row has no variables.");
const LACKING: Text = Text::new("缺变量的行", "Rows that lack a variable");
const NONE_LACKS: Text = Text::new("✓ 每一行都有 {0}。", "✓ Every row has {0}.");
const NO_NEED: Text = Text::new("✓ 没有缺了值就留空的变量。", "✓ No variable would be left empty.");
const LACK: Text = Text::new("{0} 行缺 {1}，这些人看到的会少一块。", "{0} rows lack {1}; those people would see a gap.");
const PART: Text =
    Text::new("只数了前 {0} 行（共 {1} 行）；完整的在文件里。", "Counted in the first {0} of {1} rows only; the file has them all.");
const FILE: Text = Text::new("下载全部（CSV）", "Download all of them (CSV)");
const ROW: Text = Text::new("行", "Row");
const WHO: Text = Text::new("接收人", "Recipient");
const MISSING: Text = Text::new("缺少", "Missing");
const BEFORE: Text = Text::new("近 {0} 天发过的相近文案", "Sent before in {0} days, much like it");
const BEFORE_NONE: Text = Text::new("看了 {0} 条任务消息，没有相近的。", "None among {0} messages of campaigns.");
const BEFORE_HOW: Text = Text::new(
    "相近度 = 共有的相邻字对占全部的比例，60% 起列出；看了 {0} 条任务消息。",
    "Likeness = shared pairs of neighbouring letters over all of them, from 60 %; {0} messages of campaigns were looked at.",
);
const LIKENESS: Text = Text::new("相近度", "Likeness");
const TEXT: Text = Text::new("标题与正文", "Title and body");
const SENT: Text = Text::new("发送", "Sent");
const CLICKED: Text = Text::new("点击 / 送达", "Clicked / delivered");
const UNMEASURED: Text = Text::new("– 不可测", "– not measurable");
const LEFT_OUT: Text = Text::new("另有 {0} 台接收了、点击不可测", "{0} more accepted, their clicks not measurable");
const LINKS: Text = Text::new("链接", "Links");
const NOT_ASKED: Text =
    Text::new("没有检查；按「检查链接能否打开」才会访问。", "Not asked; they are visited only when the button is pressed.");

/// What is wrong, and what deserves a second look.
#[component]
pub fn Remarks(view: WorkbenchView, app: String) -> impl IntoView {
    let lang = use_lang();
    let mut lines: Vec<AnyView> = Vec::new();
    let mut line = |tone: Tone, head: &str, text: String, rule: Option<String>| {
        let head = head.to_owned();
        let rule = rule.map(|rule| view! { <span class="help">{rule}</span> });
        lines.push(view! { <li><Pill tone=tone>{head}</Pill> " " {text} " " {rule}</li> }.into_any());
    };
    for error in &view.errors {
        line(Tone::Bad, &error.field, error.reason.get(lang).to_owned(), None);
    }
    for found in &view.found {
        let refuse = found.severity == Severity::Refuse;
        let (tone, text) = if refuse { (Tone::Bad, FOUND_REFUSE) } else { (Tone::Warn, FOUND_WARN) };
        line(tone, found.severity.name().get(lang), text.fill(lang, &[&found.field, &found.word, &found.written]), None);
    }
    for wrong in &view.mismatches {
        let rule = category::rule(wrong.vendor).map(|(rule, source)| format!("{} ({source})", rule.get(lang)));
        let text = CLASS.fill(lang, &[wrong.vendor.name().get(lang), &wrong.class, &wrong.words.join(", ")]);
        line(Tone::Warn, Severity::Marketing.name().get(lang), text, rule);
    }
    for name in &view.missing {
        line(Tone::Warn, VARIABLE.get(lang), HOLE.get(lang).replace("{0}", name), None);
    }
    let body = if lines.is_empty() {
        view! { <p class="ok-box">{FINE.get(lang)}</p> }.into_any()
    } else {
        view! { <ul class="plain bench-remarks">{lines}</ul> }.into_any()
    };
    let crowd = view.crowd.map(|crowd| view! { <Row crowd=crowd app=app /> });
    view! {
        <Card title=REMARKS.get(lang)>{body}</Card>
        {crowd}
    }
    .into_any()
}

#[component]
fn Row(crowd: CrowdLook, app: String) -> impl IntoView {
    let lang = use_lang();
    let note = OF.fill(lang, &[&format::exact(crowd.row), &format::exact(crowd.rows), &crowd.name]);
    let values = if crowd.values.is_empty() {
        view! { <p class="sub">{NO_VALUES.get(lang)}</p> }.into_any()
    } else {
        let rows = crowd.values.into_iter().map(|(name, value)| view! { <tr><td>{name}</td><td>{value}</td></tr> }).collect_view();
        view! {
            <Table caption=CROWD.get(lang) columns=vec![Column::text(VARIABLE.get(lang)), Column::text(VALUE.get(lang))]>
                {rows}
            </Table>
        }
        .into_any()
    };
    let need: String = serde_qs::to_string(&BTreeMap::from([("need", crowd.lacking.need.join(","))])).unwrap_or_default();
    let file = format!("/apps/{app}/crowds/{}/lacking.csv?{need}", crowd.id);
    view! {
        <Card title=CROWD.get(lang) note=note>
            {values}
            <h3>{LACKING.get(lang)}</h3>
            {lacking(crowd.lacking, file)}
        </Card>
    }
    .into_any()
}

fn lacking(found: Lacking, file: String) -> AnyView {
    let lang = use_lang();
    let names = found.need.join(", ");
    if found.need.is_empty() {
        return view! { <p class="sub">{NO_NEED.get(lang)}</p> }.into_any();
    }
    let part = (found.looked_at < found.rows)
        .then(|| view! { <p class="note-box">{PART.fill(lang, &[&format::exact(found.looked_at), &format::exact(found.rows)])}</p> });
    let whole = found.looked_at == found.rows;
    if found.lacking == 0 && whole {
        return view! { <p class="sub">{NONE_LACKS.fill(lang, &[&names])}</p> }.into_any();
    }
    let rows = found
        .first
        .into_iter()
        .map(|row| view! { <tr><td class="n">{format::exact(row.row)}</td><td>{row.who}</td><td>{row.names.join(", ")}</td></tr> })
        .collect_view();
    let columns = vec![Column::number(ROW.get(lang)), Column::text(WHO.get(lang)), Column::text(MISSING.get(lang))];
    view! {
        <p class="note-box">{LACK.fill(lang, &[&format::exact(found.lacking), &names])}</p>
        {part}
        <Table caption=LACKING.get(lang) columns=columns>{rows}</Table>
        <p><a href=file rel="external">{FILE.get(lang)}</a></p>
    }
    .into_any()
}

/// What was sent before, and where the copy leads.
#[component]
pub fn Beside(view: WorkbenchView, app: String) -> impl IntoView {
    let lang = use_lang();
    let looked_at = format::exact(view.before_messages);
    let body = if view.before.is_empty() {
        view! { <p class="sub">{BEFORE_NONE.fill(lang, &[&looked_at])}</p> }.into_any()
    } else {
        let columns = vec![
            Column::number(LIKENESS.get(lang)),
            Column::text(TEXT.get(lang)),
            Column::text(SENT.get(lang)),
            Column::number(CLICKED.get(lang)),
        ];
        view! {
            <p class="help">{BEFORE_HOW.fill(lang, &[&looked_at])}</p>
            <Table caption=BEFORE.fill(lang, &[&view.before_days.to_string()]) columns=columns>
                {view.before.into_iter().map(|one| sent(one, &app)).collect_view()}
            </Table>
        }
        .into_any()
    };
    let links = (!view.links.is_empty()).then(|| {
        view! {
            <Card title=LINKS.get(lang)>
                <ul class="plain">{view.links.into_iter().map(link).collect_view()}</ul>
            </Card>
        }
    });
    view! {
        <Card title=BEFORE.fill(lang, &[&view.before_days.to_string()])>{body}</Card>
        {links}
    }
    .into_any()
}

/// The rate with both of its figures; where nobody can measure it, no figure at all.
fn sent(one: SentBefore, app: &str) -> AnyView {
    let lang = use_lang();
    let (clicked, delivered, left_out) = one.clicks;
    let rate = if delivered == 0 {
        view! { <span>{UNMEASURED.get(lang)}</span> }.into_any()
    } else {
        let figures = format!("{} / {} ", format::exact(clicked), format::exact(delivered));
        view! { {figures} <Rate part=Signal::stored(clicked) whole=Signal::stored(delivered) /> }.into_any()
    };
    let left_out = (left_out > 0).then(|| view! { <div class="help">{LEFT_OUT.fill(lang, &[&format::exact(left_out)])}</div> });
    let likeness = format::percent((one.likeness * 1_000.0).round() as u64, 1_000);
    let to = match &one.campaign {
        Some(id) => format!("/apps/{app}/campaigns/{id}"),
        None => format!("/apps/{app}/messages/{}", one.message),
    };
    view! {
        <tr>
            <td class="n">{likeness}</td>
            <td>
                <a href=to rel="external"><strong>{one.title}</strong></a>
                <div class="sub clip">{one.body}</div>
            </td>
            <td><Time at=one.at brief=true /></td>
            <td class="n">{rate} {left_out}</td>
        </tr>
    }
    .into_any()
}

fn link(look: LinkLook) -> AnyView {
    let lang = use_lang();
    let answer = match look.answer {
        None => view! { <span class="help">{NOT_ASKED.get(lang)}</span> }.into_any(),
        Some((well, words)) => {
            let tone = if well { Tone::Ok } else { Tone::Bad };
            view! { <Pill tone=tone>{words.get(lang).to_owned()}</Pill> }.into_any()
        }
    };
    view! { <li><code>{look.field}</code> " " <span class="bench-url">{look.url}</span> " " {answer}</li> }.into_any()
}
