//! The audit log: who did what, newest first; filters in the URL.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::views::people::{AuditQuery, AuditView};

pub mod calls;

use calls::{check_audit, list_audit};

use crate::ui::icon::Icon;
use crate::ui::number::Time;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("审计日志", "Audit log");
const SUB: Text = Text::new("只增不改，逐条以散列相连。", "Append-only; every entry carries the hash of the one before.");
const WHOLE: Text = Text::new("✓ {0} 条，链条完整", "✓ {0} entries, chain whole");
const BROKEN: Text = Text::new("✗ 第 {0} 条起被改动", "✗ changed from entry {0} on");
const WHEN: Text = Text::new("时间", "When");
const WHO: Text = Text::new("谁", "Who");
const WHAT: Text = Text::new("做了什么", "What");
const OBJECT: Text = Text::new("对象", "Object");
const FROM: Text = Text::new("从哪里", "From");
const CHANGE: Text = Text::new("变更", "Change");
const ACTOR: Text = Text::new("人员编号", "Person id");
const ACTION: Text = Text::new("动作", "Action");
const ACTION_HELP: Text = Text::new("整个动作或名词加点：app.create、app.", "A whole action or a noun with its dot: app.create, app.");
const NOTHING: Text = Text::new("没有符合条件的记录。", "No entry fits.");

fn row(entry: AuditView) -> impl IntoView {
    let change = match (entry.before, entry.after) {
        (None, None) => ().into_any(),
        (before, after) => view! {
            <details>
                <summary>"±"</summary>
                {before.map(|b| view! { <p><code>"− " {b}</code></p> })}
                {after.map(|a| view! { <p><code>"+ " {a}</code></p> })}
            </details>
        }
        .into_any(),
    };
    view! {
        <tr>
            <td class="n">{entry.no}</td>
            <td>
                <Time at=entry.at />
            </td>
            <td title=entry.actor_id>{entry.actor_name}</td>
            <td>
                <code>{entry.action}</code>
            </td>
            <td>
                <code>{entry.object}</code>
            </td>
            <td title=entry.request_id>{entry.address}</td>
            <td>{change}</td>
        </tr>
    }
    .into_any()
}

#[component]
pub fn Audit() -> impl IntoView {
    let lang = use_lang();
    let query = use_query_map();
    let wish = Memo::new(move |_| {
        query.with(|q| AuditQuery {
            actor: q.get("actor").unwrap_or_default(),
            action: q.get("action").unwrap_or_default(),
            after: q.get("after").unwrap_or_default(),
        })
    });
    let list = Resource::new(move || wish.get(), list_audit);
    let chain = Resource::new(|| (), |()| check_audit());
    view! {
        <PageHead title=t(TITLE) sub=t(SUB)>
            <Load
                resource=chain
                view=move |chain| match chain.broken_at {
                    None => view! { <Pill tone=Tone::Ok>{WHOLE.fill(lang, &[&chain.rows.to_string()])}</Pill> }.into_any(),
                    Some(no) => view! { <Pill tone=Tone::Bad>{BROKEN.fill(lang, &[&no.to_string()])}</Pill> }.into_any(),
                }
            />
        </PageHead>
        <Filters>
            <TextField name="action" label=t(ACTION) help=t(ACTION_HELP) value=Signal::derive(move || wish.get().action) maxlength=100 />
            <TextField name="actor" label=t(ACTOR) value=Signal::derive(move || wish.get().actor) maxlength=100 />
        </Filters>
        <Card>
            <Load
                resource=list
                view=move |page| {
                    if page.items.is_empty() {
                        return view! { <Empty icon=Icon::Audit sentence=NOTHING.get(lang) /> }.into_any();
                    }
                    let columns = vec![
                        Column::number("#"),
                        Column::text(WHEN.get(lang)),
                        Column::text(WHO.get(lang)),
                        Column::text(WHAT.get(lang)),
                        Column::text(OBJECT.get(lang)),
                        Column::text(FROM.get(lang)),
                        Column::text(CHANGE.get(lang)),
                    ];
                    view! {
                        <Table caption=TITLE.get(lang) columns=columns>
                            {page.items.into_iter().map(row).collect_view()}
                        </Table>
                        <Pager next=page.next />
                    }
                        .into_any()
                }
            />
        </Card>
    }
    .into_any()
}
