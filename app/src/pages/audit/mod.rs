//! The audit log: who did what, newest first; filters in the URL.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::views::people::{AuditQuery, AuditView};

pub mod calls;

use calls::{check_audit, list_audit};

use crate::ui::format;
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
const ACTION: Text = Text::new("关于", "About");
const ALL: Text = Text::new("全部", "everything");
/// What the log is about, by the beginning of its codes.
const NOUNS: [(&str, Text); 17] = [
    ("app.", Text::new("应用", "apps")),
    ("credential.", Text::new("厂商凭据", "vendor credentials")),
    ("lane.", Text::new("通道", "lanes")),
    ("device.", Text::new("终端", "devices")),
    ("campaign.", Text::new("推送任务", "campaigns")),
    ("copy.", Text::new("文案", "copies")),
    ("crowd.", Text::new("人群包", "crowds")),
    ("message.", Text::new("消息", "messages")),
    ("dead_letters.", Text::new("死信", "dead letters")),
    ("person.", Text::new("人员", "people")),
    ("link.", Text::new("一次性链接", "one-time links")),
    ("session.", Text::new("登录", "sign-ins")),
    ("policy.", Text::new("策略", "policies")),
    ("blacklist.", Text::new("黑名单", "blacklists")),
    ("audit.", Text::new("审计日志", "the audit log")),
    ("words.", Text::new("敏感词", "sensitive words")),
    ("laboratory.", Text::new("实验室", "the laboratory")),
];
const APP: Text = Text::new("应用", "App");
const OBJECT_ID: Text = Text::new("对象编号", "Id of the object");
const SINCE: Text = Text::new("从（{0}）", "From ({0})");
const BEFORE: Text = Text::new("到，不含（{0}）", "Before ({0})");
const CSV: Text = Text::new("导出符合条件的（CSV）", "Export what fits (CSV)");
const XLSX: Text = Text::new("导出符合条件的（XLSX）", "Export what fits (XLSX)");
const NOTHING: Text = Text::new("没有符合条件的记录。", "No entry fits.");

/// Everything that was done to one thing.
fn by_object(id: &str) -> String {
    let mut query = leptos_router::params::ParamsMap::new();
    query.insert("object", id.to_owned());
    format!("/audit{}", query.to_query_string())
}

fn row(entry: AuditView) -> impl IntoView {
    let lang = use_lang();
    let changes = entry
        .changes
        .into_iter()
        .map(|change| {
            let label = change.label.get(lang).to_owned();
            let was = (!change.was.is_empty()).then(|| view! { <del>{change.was}</del> " → " });
            view! { <li><span class="sub">{label}</span> " " {was} <ins>{change.is}</ins></li> }
        })
        .collect_view();
    view! {
        <tr>
            <td class="n">{entry.no}</td>
            <td>
                <Time at=entry.at />
            </td>
            <td title=entry.actor_id>{entry.actor_name}</td>
            <td title=entry.action>{entry.deed.get(lang).to_owned()}</td>
            <td title=entry.object.clone()><a href=by_object(&entry.object)>{entry.about.get(lang).to_owned()}</a></td>
            <td title=entry.request_id>{entry.address}</td>
            <td><ul class="changes">{changes}</ul></td>
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
            app: q.get("app").unwrap_or_default(),
            object: q.get("object").unwrap_or_default(),
            from: q.get("from").unwrap_or_default(),
            to: q.get("to").unwrap_or_default(),
            after: q.get("after").unwrap_or_default(),
        })
    });
    let list = Resource::new(move || wish.get(), list_audit);
    let asked = wish.get_untracked();
    let export = move |ending: &str| {
        let mut query = leptos_router::params::ParamsMap::new();
        let all = [
            ("actor", &asked.actor),
            ("action", &asked.action),
            ("app", &asked.app),
            ("object", &asked.object),
            ("from", &asked.from),
            ("to", &asked.to),
        ];
        for (key, value) in all {
            if !value.is_empty() {
                query.insert(key, value.clone());
            }
        }
        format!("/audit.{ending}{}", query.to_query_string())
    };
    let zone = use_shell().with(|s| format::offset(s.zone.offset_at(s.now)));
    let mut apps = vec![(String::new(), ALL.get(lang).to_owned())];
    apps.extend(use_shell().with(|s| s.apps.clone()).into_iter().map(|app| (app.id.as_str().to_owned(), app.name)));
    let mut nouns = vec![(String::new(), ALL.get(lang).to_owned())];
    nouns.extend(NOUNS.map(|(code, name)| (code.to_owned(), name.get(lang).to_owned())));
    // A whole code in the address stays chosen.
    let own = wish.get_untracked().action;
    if nouns.iter().all(|(code, _)| *code != own) {
        nouns.push((own.clone(), own));
    }
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
            <SelectField name="action" label=t(ACTION) options=nouns value=Signal::derive(move || wish.get().action) />
            <TextField name="actor" label=t(ACTOR) value=Signal::derive(move || wish.get().actor) maxlength=100 />
            <SelectField name="app" label=t(APP) options=apps value=Signal::derive(move || wish.get().app) />
            <TextField name="object" label=t(OBJECT_ID) value=Signal::derive(move || wish.get().object) maxlength=100 />
            <TextField name="from" label=SINCE.fill(lang, &[&zone]) kind="datetime-local" value=Signal::derive(move || wish.get().from) />
            <TextField name="to" label=BEFORE.fill(lang, &[&zone]) kind="datetime-local" value=Signal::derive(move || wish.get().to) />
        </Filters>
        <div class="flow">
            <LinkButton href=export("csv") external=true>{t(CSV)}</LinkButton>
            <LinkButton href=export("xlsx") external=true>{t(XLSX)}</LinkButton>
        </div>
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
