//! Nodes: which processes there are, what each does, what is in its hands.

use leptos::prelude::*;
use types::views::nodes::{NodeView, NodesView};

pub mod calls;

use calls::list_nodes;

use crate::ui::format;
use crate::ui::number::Time;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("节点", "Nodes");
const SUB: Text =
    Text::new("本系统的每个进程：做什么、何时启动、手里有什么。", "Every process: what it does, since when, what is in its hands.");
const ALONE: Text = Text::new(
    "没有设置 redis_url：这个进程只知道自己。其他角色为 console 或 api 的进程不会出现在这里；发送的进程只能有一个，多启动的会被拒绝。",
    "No redis_url is set: this process knows only itself. Other processes with the roles console or api are not listed here; only one \
     process may send, and a second one is refused.",
);
const UNHEARD: Text = Text::new(
    "现在听不到 Redis：下面是最后知道的情况。每个节点只按自己那一份限额发送，恢复后自动回到全速。",
    "Redis is not heard at present: this is what was known last. Every node sends with its share of each limit only, and comes back to \
     the full pace by itself.",
);
const ORPHANED: Text = Text::new(
    "{0} 个批次还租给已离开的进程，租约到期后自动收回。",
    "{0} chunks are still leased to processes that are gone; they come back when their leases run out.",
);
const NAME: Text = Text::new("名称", "Name");
const ROLES: Text = Text::new("角色", "Roles");
const VERSION: Text = Text::new("版本", "Version");
const SINCE: Text = Text::new("启动于", "Since");
const BEAT: Text = Text::new("最近心跳", "Last beat");
const STATE: Text = Text::new("状态", "State");
const LANES: Text = Text::new("在途的通道", "Lanes in flight");
const LEASES: Text = Text::new("持有租约", "Leases held");
const OWN: Text = Text::new("回答这一页的", "answers this page");
const ALIVE: Text = Text::new("在线", "Alive");
const DRAINING: Text = Text::new("正在退出", "Draining");
const GONE: Text = Text::new("失联", "Gone");
const NONE: Text = Text::new("无", "none");
const CONSOLE: Text = Text::new("控制台", "console");
const API: Text = Text::new("接口", "api");
const WORKER: Text = Text::new("发送", "worker");
const SCHEDULER: Text = Text::new("调度", "scheduler");

fn role(name: &str, lang: Lang) -> String {
    let text = match name {
        "console" => CONSOLE,
        "api" => API,
        "worker" => WORKER,
        "scheduler" => SCHEDULER,
        other => return other.to_owned(),
    };
    text.get(lang).to_owned()
}

fn row(node: NodeView, lang: Lang) -> impl IntoView {
    let (tone, state) = match (node.alive, node.draining) {
        (false, _) => (Tone::Bad, GONE),
        (true, true) => (Tone::Warn, DRAINING),
        (true, false) => (Tone::Ok, ALIVE),
    };
    let roles = node.roles.iter().map(|name| role(name, lang)).collect::<Vec<_>>().join("\u{a0}· ");
    // By app: its name once, then its lanes.
    let mut lanes = String::new();
    let mut last = None;
    for (app, vendor) in &node.lanes {
        let before = if last == Some(app) { ", ".to_owned() } else { format!("{}{app}: ", if last.is_some() { "; " } else { "" }) };
        last = Some(app);
        lanes.push_str(&before);
        lanes.push_str(vendor.name().get(lang));
    }
    if lanes.is_empty() {
        lanes.push_str(NONE.get(lang));
    }
    view! {
        <tr>
            <td>
                <code>{node.name}</code>
                {node.own.then(|| view! { <div class="sub">{OWN.get(lang)}</div> })}
            </td>
            <td>
                <Pill tone=tone>{state.get(lang)}</Pill>
            </td>
            <td>{roles}</td>
            <td>{node.version}</td>
            <td>
                <Time at=node.started brief=true />
            </td>
            <td>
                <Time at=node.last_beat brief=true />
            </td>
            <td>{lanes}</td>
            <td class="n">{format::exact(node.leases)}</td>
        </tr>
    }
    .into_any()
}

#[component]
pub fn Nodes() -> impl IntoView {
    let lang = use_lang();
    let view = Resource::new(|| (), |()| list_nodes());
    every(3_000, move || view.refetch());
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Load
            resource=view
            view=move |found: NodesView| {
                let columns = vec![
                    Column::text(NAME.get(lang)),
                    Column::text(STATE.get(lang)),
                    Column::text(ROLES.get(lang)),
                    Column::text(VERSION.get(lang)),
                    Column::text(SINCE.get(lang)),
                    Column::text(BEAT.get(lang)),
                    Column::text(LANES.get(lang)),
                    Column::number(LEASES.get(lang)),
                ];
                let words = match (found.shared, found.linked) {
                    (false, _) => Some(ALONE),
                    (true, false) => Some(UNHEARD),
                    (true, true) => None,
                };
                view! {
                    {words.map(|words| view! { <p class="note-box">{words.get(lang)}</p> })}
                    {(found.orphaned > 0)
                        .then(|| view! { <p class="note-box">{ORPHANED.fill(lang, &[&format::exact(found.orphaned)])}</p> })}
                    <Card>
                        <Table caption=TITLE.get(lang) columns=columns>
                            {found.nodes.into_iter().map(|node| row(node, lang)).collect_view()}
                        </Table>
                    </Card>
                }
            }
        />
    }
    .into_any()
}
